//! The code of a fault in the words of the architecture's manual: the one decoder of fault bits.

/// Bits of the page-fault error code of x86 and their two readings. Source: the architecture's manual; `X86_PF_*`.
const X86_BITS: &[(u64, &str, &str)] = &[
    (2, "write", "read"),
    (1, "protection violation", "page not present"),
    (4, "user mode", "kernel mode"),
    (8, "reserved bit set in the page table", ""),
    (16, "instruction fetch", ""),
    (32, "protection key", ""),
    (64, "shadow stack", ""),
    (1 << 15, "SGX", ""),
];

/// The page-fault error code of x86, bit by bit: `read`, `page not present`, `user mode`.
pub fn x86_page_fault(code: u64) -> Vec<&'static str> {
    // A fetch is neither a read nor a write of data.
    let fetch = code & 16 != 0;
    X86_BITS
        .iter()
        .filter(|(bit, ..)| !(*bit == 2 && fetch))
        .map(|&(bit, set, clear)| if code & bit != 0 { set } else { clear })
        .filter(|word| !word.is_empty())
        .collect()
}

/// Exception classes of arm64. Source: ESR_ELx, architecture manual.
const ARM64_CLASSES: &[(u64, &str)] = &[
    (0x00, "unknown reason"),
    (0x07, "access to SIMD or floating point"),
    (0x0d, "branch target"),
    (0x0e, "illegal execution state"),
    (0x15, "system call"),
    (0x18, "trapped system register"),
    (0x1c, "pointer authentication failure"),
    (0x20, "instruction abort from user mode"),
    (0x21, "instruction abort in the kernel"),
    (0x22, "misaligned program counter"),
    (0x24, "data abort from user mode"),
    (0x25, "data abort in the kernel"),
    (0x26, "misaligned stack pointer"),
    (0x2f, "SError"),
    (0x3c, "breakpoint instruction"),
];

/// An arm64 syndrome: `data abort in the kernel`, `read`, `level 0 translation fault`. Empty for a class that is
/// not in the table.
pub fn arm64_esr(esr: u64) -> Vec<&'static str> {
    const SIZE: [&str; 4] = [
        "level 0 address size fault",
        "level 1 address size fault",
        "level 2 address size fault",
        "level 3 address size fault",
    ];
    const TRANSLATION: [&str; 4] = [
        "level 0 translation fault",
        "level 1 translation fault",
        "level 2 translation fault",
        "level 3 translation fault",
    ];
    const ACCESS: [&str; 4] = [
        "level 0 access flag fault",
        "level 1 access flag fault",
        "level 2 access flag fault",
        "level 3 access flag fault",
    ];
    const PERMISSION: [&str; 4] = [
        "level 0 permission fault",
        "level 1 permission fault",
        "level 2 permission fault",
        "level 3 permission fault",
    ];
    let class = (esr >> 26) & 0x3f;
    let Some((_, name)) = ARM64_CLASSES.iter().find(|(known, _)| *known == class) else {
        return Vec::new();
    };
    let mut words = vec![*name];
    let abort = matches!(class, 0x20 | 0x21 | 0x24 | 0x25);
    // Cache maintenance reports a write whatever it is.
    if abort && class >= 0x24 && esr & 0x100 == 0 {
        words.push(if esr & 0x40 != 0 { "write" } else { "read" });
    }
    if abort {
        let level = (esr & 3) as usize;
        words.extend(match esr & 0x3f {
            0x00..=0x03 => Some(SIZE[level]),
            0x04..=0x07 => Some(TRANSLATION[level]),
            0x08..=0x0b => Some(ACCESS[level]),
            0x0c..=0x0f => Some(PERMISSION[level]),
            0x10 => Some("synchronous external abort"),
            0x11 => Some("tag check fault"),
            0x21 => Some("alignment fault"),
            _ => None,
        });
    }
    words
}

/// Traps of powerpc that are faults. Source: the vectors of the architecture.
pub(crate) fn powerpc_trap(trap: u64) -> Option<&'static str> {
    Some(match trap & !0xf {
        0x200 => "machine check",
        0x300 => "data access fault",
        0x380 => "data segment fault",
        0x400 => "instruction access fault",
        0x480 => "instruction segment fault",
        0x600 => "misaligned access",
        0x700 => "program check",
        0x800 => "floating point unavailable",
        _ => return None,
    })
}

/// Faults of RISC-V. Source: privileged architecture, scause.
pub(crate) fn riscv_cause(cause: u64) -> Option<&'static str> {
    Some(match cause {
        0 => "misaligned instruction address",
        1 => "instruction access fault",
        2 => "illegal instruction",
        3 => "breakpoint",
        4 => "misaligned load",
        5 => "load access fault",
        6 => "misaligned store",
        7 => "store access fault",
        12 => "instruction page fault",
        13 => "load page fault",
        15 => "store page fault",
        _ => return None,
    })
}

/// Faults of MIPS: the exception code of the Cause register. Source: privileged architecture.
pub(crate) fn mips_cause(cause: u64) -> Option<&'static str> {
    Some(match cause >> 2 & 0x1f {
        1 => "store to a page that is mapped read-only",
        2 => "load or fetch from an address that is not mapped",
        3 => "store to an address that is not mapped",
        4 => "load or fetch from a misaligned or forbidden address",
        5 => "store to a misaligned or forbidden address",
        6 => "bus error at a fetch",
        7 => "bus error at a load or store",
        9 => "breakpoint",
        10 => "illegal instruction",
        11 => "coprocessor unusable",
        12 => "overflow",
        13 => "trap instruction",
        15 => "floating point exception",
        23 => "watchpoint",
        _ => return None,
    })
}

/// Faults of LoongArch: the exception code of ESTAT. Source: reference manual, volume 1.
pub(crate) fn loongarch_cause(estat: u64) -> Option<&'static str> {
    Some(match estat >> 16 & 0x3f {
        1 => "load from a page that is not valid",
        2 => "store to a page that is not valid",
        3 => "fetch from a page that is not valid",
        4 => "store to a page that is not writable",
        5 => "read of a page that is not readable",
        6 => "fetch from a page that is not executable",
        7 => "page of another privilege level",
        8 => "address error",
        9 => "misaligned access",
        10 => "bound check",
        12 => "breakpoint",
        13 => "instruction that does not exist",
        14 => "instruction of another privilege level",
        15 => "floating point disabled",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x07_page_fault_codes_are_spelled_out_bit_by_bit() {
        assert_eq!(x86_page_fault(0x4), ["read", "page not present", "user mode"]);
        assert_eq!(
            x86_page_fault(0x15),
            ["protection violation", "user mode", "instruction fetch"]
        );
        assert_eq!(x86_page_fault(0x2), ["write", "page not present", "kernel mode"]);
    }

    #[test]
    fn x07_a_syndrome_of_arm64_says_class_access_and_level() {
        assert_eq!(
            arm64_esr(0x9600_0004),
            ["data abort in the kernel", "read", "level 0 translation fault"]
        );
        assert_eq!(
            arm64_esr(0x9600_0046),
            ["data abort in the kernel", "write", "level 2 translation fault"]
        );
        // Cache maintenance, and a class that nobody knows.
        assert_eq!(
            arm64_esr(0x9600_0146),
            ["data abort in the kernel", "level 2 translation fault"]
        );
        assert_eq!(arm64_esr(0x3f << 26), [""; 0]);
    }
}
