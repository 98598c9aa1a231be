//! Faults: the address and the code of a page fault, spelled out; user programs killed by one.

use std::sync::LazyLock;

use model::LineSpan;
use parse_console::Line;
use regex::Regex;

use crate::Architecture;

/// Which kind of fault a line reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// An access to an address that is not mapped or not permitted.
    Page,
    /// A general protection fault of x86 that names an address.
    Protection,
    /// The range that KASAN says the code meant.
    KasanRange,
}

/// One fault in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// The address as printed.
    pub address: u64,
    /// The architecture, where the shape of the line tells it.
    pub architecture: Option<Architecture>,
    /// The line.
    pub line: u64,
}

/// Shapes of faults, with what each tells. The address is the first group.
static SHAPES: LazyLock<Vec<(Regex, FaultKind, Option<Architecture>)>> = LazyLock::new(|| {
    use Architecture::{Powerpc, S390, X86_64};
    use FaultKind::{KasanRange, Page, Protection};
    [
        (r"BUG: unable to handle page fault for address: (?:0x)?([0-9a-f]{8,16})\b", Page, Some(X86_64)),
        (r"BUG: unable to handle kernel (?:paging request|NULL pointer dereference) at (?:0x)?([0-9a-f]{8,16})\b", Page, Some(X86_64)),
        (r"BUG: kernel NULL pointer dereference, address: (?:0x)?([0-9a-f]{8,16})\b", Page, Some(X86_64)),
        (r"general protection fault,? .*\baddress 0x([0-9a-f]{1,16})\b", Protection, Some(X86_64)),
        (r"KASAN: (?:null-ptr-deref|probably user-memory-access|maybe wild-memory-access) in range \[0x([0-9a-f]{16})-", KasanRange, None),
        (r"Unable to handle kernel [a-zA-Z -]+ at virtual address (?:0x)?([0-9a-f]{8,16})\b", Page, None),
        (r"Unable to handle (?:unknown|kernel) [a-zA-Z -]+ at (?:address )?0x([0-9a-f]{8,16})\b", Page, None),
        (r"Unable to handle kernel data access(?: on (?:read|write))? at 0x([0-9a-f]{1,16})\b", Page, Some(Powerpc)),
        (r"BUG: Kernel NULL pointer dereference (?:on (?:read|write) )?at 0x([0-9a-f]{1,16})\b", Page, Some(Powerpc)),
        (r"Failing address: ([0-9a-f]{8,16}) TEID:", Page, Some(S390)),
    ]
    .into_iter()
    .filter_map(|(shape, kind, architecture)| Some((Regex::new(shape).ok()?, kind, architecture)))
    .collect()
});

/// Finds all faults of the kernel, in order.
pub fn faults(lines: &[Line<'_>]) -> Vec<Fault> {
    lines
        .iter()
        .filter(|line| ["address", "ernel", "KASAN"].iter().any(|word| line.text.contains(word)))
        .filter_map(|line| {
            SHAPES.iter().find_map(|(shape, kind, architecture)| {
                let found = shape.captures(&line.text)?;
                let digits = found.get(1)?.as_str();
                let architecture = match architecture {
                    // 32-bit kernels print eight digits.
                    Some(Architecture::X86_64) if digits.len() == 8 => Some(Architecture::I386),
                    other => *other,
                };
                Some(Fault {
                    kind: *kind,
                    address: u64::from_str_radix(digits, 16).ok()?,
                    architecture,
                    line: line.number,
                })
            })
        })
        .collect()
}

/// Bits of the page-fault error code of x86 and their two readings. Source: the architecture's
/// manual; `X86_PF_*`.
const X86_BITS: &[(u64, &str, &str)] = &[
    (1, "protection violation", "page not present"),
    (2, "write", "read"),
    (4, "user mode", "kernel mode"),
    (8, "reserved bit set in the page table", ""),
    (16, "instruction fetch", ""),
    (32, "protection key", ""),
    (64, "shadow stack", ""),
    (1 << 15, "SGX", ""),
];

/// Spells a page-fault error code of x86: `read, page not present, user mode`.
pub fn x86_page_fault(code: u64) -> String {
    let mut words: Vec<&str> = X86_BITS
        .iter()
        .filter_map(|&(bit, set, clear)| {
            // A fetch is neither a read nor a write of data.
            if bit == 2 && code & 16 != 0 {
                return None;
            }
            let word = if code & bit != 0 { set } else { clear };
            (!word.is_empty()).then_some(word)
        })
        .collect();
    // What was tried comes first.
    if let Some(at) =
        words.iter().position(|w| matches!(*w, "read" | "write" | "instruction fetch"))
    {
        let tried = words.remove(at);
        words.insert(0, tried);
    }
    words.join(", ")
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
    (0x3c, "breakpoint instruction (BUG, WARN or a sanitizer)"),
];

/// Spells an arm64 syndrome: `data abort in the kernel, read, level 0 translation fault`.
pub fn arm64_esr(esr: u64) -> String {
    let class = (esr >> 26) & 0x3f;
    let mut words = match ARM64_CLASSES.iter().find(|(c, _)| *c == class) {
        Some((_, text)) => vec![(*text).to_owned()],
        None => vec![format!("exception class {class:#x}")],
    };
    if matches!(class, 0x20 | 0x21 | 0x24 | 0x25) {
        if class >= 0x24 {
            words.push(if esr & 0x40 != 0 { "write" } else { "read" }.to_owned());
        }
        let status = esr & 0x3f;
        let level = status & 3;
        words.push(match status {
            0x00..=0x03 => format!("level {level} address size fault"),
            0x04..=0x07 => format!("level {level} translation fault (nothing mapped)"),
            0x08..=0x0b => format!("level {level} access flag fault"),
            0x0c..=0x0f => format!("level {level} permission fault"),
            0x10 => "synchronous external abort".to_owned(),
            0x11 => "tag check fault".to_owned(),
            0x21 => "alignment fault".to_owned(),
            other => format!("fault status {other:#x}"),
        });
    }
    words.join(", ")
}

/// Trap numbers of powerpc. Source: the vectors of the architecture.
pub(crate) fn powerpc_trap(trap: u64) -> Option<&'static str> {
    Some(match trap & !0xf {
        0x100 => "system reset (also the NMI of another CPU's request)",
        0x200 => "machine check",
        0x300 => "data access fault",
        0x380 => "data segment fault (address outside the map)",
        0x400 => "instruction access fault",
        0x480 => "instruction segment fault",
        0x500 | 0xea0 => "device interrupt",
        0x600 => "misaligned access",
        0x700 => "program check (BUG, WARN, illegal instruction)",
        0x800 => "floating point unavailable",
        0x900 => "timer interrupt (decrementer)",
        0xa00 | 0xe80 => "doorbell interrupt",
        0xc00 => "system call (sc)",
        0xf00 => "performance monitor interrupt",
        0x3000 => "system call (scv)",
        _ => return None,
    })
}

/// Causes of RISC-V. Source: privileged architecture, scause.
pub(crate) fn riscv_cause(cause: u64) -> Option<&'static str> {
    if cause >> 63 == 1 {
        return Some(match cause & 0xff {
            1 => "software interrupt",
            5 => "timer interrupt",
            9 => "external interrupt",
            _ => "interrupt",
        });
    }
    Some(match cause {
        0 => "misaligned instruction address",
        1 => "instruction access fault",
        2 => "illegal instruction",
        3 => "breakpoint (BUG, WARN)",
        4 => "misaligned load",
        5 => "load access fault",
        6 => "misaligned store",
        7 => "store access fault",
        8 => "system call from user mode",
        12 => "instruction page fault",
        13 => "load page fault",
        15 => "store page fault",
        _ => return None,
    })
}

/// Causes of MIPS: the exception code of the Cause register. Source: privileged architecture.
pub(crate) fn mips_cause(cause: u64) -> Option<&'static str> {
    Some(match cause >> 2 & 0x1f {
        0 => "interrupt",
        1 => "store to a page that is mapped read-only",
        2 => "load or fetch from an address that is not mapped",
        3 => "store to an address that is not mapped",
        4 => "load or fetch from a misaligned or forbidden address",
        5 => "store to a misaligned or forbidden address",
        6 => "bus error at a fetch",
        7 => "bus error at a load or store",
        8 => "system call",
        9 => "breakpoint (BUG, WARN)",
        10 => "illegal instruction",
        11 => "coprocessor unusable",
        12 => "overflow",
        13 => "trap instruction (BUG, WARN)",
        15 => "floating point exception",
        23 => "watchpoint",
        _ => return None,
    })
}

/// Causes of LoongArch: the exception code of ESTAT. Source: reference manual, volume 1.
pub(crate) fn loongarch_cause(estat: u64) -> Option<&'static str> {
    Some(match estat >> 16 & 0x3f {
        0 => "interrupt",
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
        11 => "system call",
        12 => "breakpoint (BUG, WARN)",
        13 => "instruction that does not exist",
        14 => "instruction of another privilege level",
        15 => "floating point disabled",
        _ => return None,
    })
}

/// A user program that the kernel reported for its own fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFault {
    /// `segfault`, or the trap as printed (`invalid opcode`, `general protection fault`, …).
    pub what: String,
    /// Name of the task.
    pub task: String,
    /// Its pid.
    pub pid: u32,
    /// The address it touched, for a segfault.
    pub address: Option<u64>,
    /// Its instruction pointer.
    pub ip: u64,
    /// Its stack pointer.
    pub sp: Option<u64>,
    /// The error code.
    pub code: Option<u64>,
    /// The file mapped at the instruction pointer.
    pub mapping: Option<Mapping>,
    /// The architecture whose shape it is.
    pub architecture: Architecture,
    /// The line or lines.
    pub lines: LineSpan,
}

/// The mapping that an instruction pointer lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Base name of the file.
    pub file: String,
    /// Where the mapping starts.
    pub base: u64,
    /// Its length in bytes.
    pub length: u64,
    /// The offset in the file as the kernel printed it (6.9 on); older kernels do not print it.
    pub file_offset: Option<u64>,
}

impl UserFault {
    /// How far the instruction pointer lies behind the start of its mapping; `None` when it lies
    /// outside (the line is damaged).
    pub fn offset_in_mapping(&self) -> Option<u64> {
        let mapping = self.mapping.as_ref()?;
        let offset = self.ip.checked_sub(mapping.base)?;
        (offset < mapping.length).then_some(offset)
    }
}

static X86_SEGFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>segfault) at (?P<address>[0-9a-f]+) ip (?P<ip>[0-9a-f]+) sp (?P<sp>[0-9a-f]+) error (?P<code>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static X86_TRAP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:traps: )?(?P<task>.{0,64})\[(?P<pid>\d+)\]:? (?:trap )?(?P<what>[a-z][a-z0-9 ]*?) ip:(?P<ip>[0-9a-f]+) sp:(?P<sp>[0-9a-f]+) error:(?P<code>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static POWERPC_SEGFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>segfault|bus error|illegal instruction) \(\d+\) at (?P<address>[0-9a-f]+) nip (?P<ip>[0-9a-f]+) lr [0-9a-f]+ code [0-9a-f]+(?P<rest>.*)$",
    )
    .ok()
});
static RISCV_SIGNAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<task>.{0,64})\[(?P<pid>\d+)\]: (?P<what>unhandled signal \d+) code 0x[0-9a-f]+ at 0x(?P<ip>[0-9a-f]+)(?P<rest>.*)$",
    )
    .ok()
});
static MAPPING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^,? in (?P<file>.{1,256})\[(?:(?P<offset>[0-9a-f]+),)?(?P<base>[0-9a-f]+)\+(?P<length>[0-9a-f]+)\]",
    )
    .ok()
});

/// Finds the user programs that were reported for a fault of their own.
pub fn user_faults(lines: &[Line<'_>]) -> Vec<UserFault> {
    let shapes = [
        (&*X86_SEGFAULT, Architecture::X86_64),
        (&*X86_TRAP, Architecture::X86_64),
        (&*POWERPC_SEGFAULT, Architecture::Powerpc),
        (&*RISCV_SIGNAL, Architecture::Riscv64),
    ];
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text.trim();
        if !text.contains("]: ") && !text.starts_with("traps: ") {
            continue;
        }
        for (shape, architecture) in shapes {
            let Some(captures) = shape.as_ref().and_then(|s| s.captures(text)) else { continue };
            let number = |name: &str| {
                captures.name(name).and_then(|m| u64::from_str_radix(m.as_str(), 16).ok())
            };
            let (Some(ip), Some(pid)) = (number("ip"), captures["pid"].parse().ok()) else {
                continue;
            };
            let mut span = LineSpan::line(line.number);
            let mut rest = format!(" {}", captures["rest"].trim_start());
            // Printed in pieces, and pieces get wrapped or fall onto a line of their own.
            if !rest.contains('[')
                && let Some(next) = lines.get(at + 1)
            {
                let tail = next.text.trim_start();
                let joined = format!("{} {tail}", rest.trim_end());
                if mapping(&joined).is_some() {
                    rest = joined;
                    span.last = next.number;
                }
            }
            found.push(UserFault {
                what: captures["what"].to_owned(),
                task: captures["task"].trim().to_owned(),
                pid,
                address: number("address"),
                ip,
                sp: number("sp"),
                code: number("code"),
                mapping: mapping(&rest),
                architecture,
                lines: span,
            });
            break;
        }
    }
    found
}

fn mapping(text: &str) -> Option<Mapping> {
    let captures = MAPPING.as_ref()?.captures(text)?;
    let number =
        |name: &str| captures.name(name).and_then(|m| u64::from_str_radix(m.as_str(), 16).ok());
    Some(Mapping {
        file: captures["file"].to_owned(),
        base: number("base")?,
        length: number("length")?,
        file_offset: number("offset"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line<'_>> {
        parse_console::lines(text.as_bytes()).collect()
    }

    #[test]
    fn page_fault_codes_are_spelled_out() {
        assert_eq!(x86_page_fault(0x4), "read, page not present, user mode");
        assert_eq!(x86_page_fault(0x15), "instruction fetch, protection violation, user mode");
        assert_eq!(x86_page_fault(0x2), "write, page not present, kernel mode");
        assert_eq!(
            arm64_esr(0x9600_0004),
            "data abort in the kernel, read, level 0 translation fault (nothing mapped)"
        );
        assert_eq!(
            arm64_esr(0x9600_0046),
            "data abort in the kernel, write, level 2 translation fault (nothing mapped)"
        );
    }

    #[test]
    fn shapes_of_kernel_faults() {
        let found = faults(&lines(
            "BUG: unable to handle page fault for address: ffffc900040a1010\n\
             BUG: kernel NULL pointer dereference, address: 0000000000000018\n\
             general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1]\n\
             KASAN: null-ptr-deref in range [0x0000000000000018-0x000000000000001f]\n\
             Unable to handle kernel paging request at virtual address dead000000000108\n\
             Unable to handle kernel NULL pointer dereference at virtual address 00000004\n\
             BUG: unable to handle kernel paging request in do_it\n\
             BUG: Kernel NULL pointer dereference on read at 0x00000010\n",
        ));
        let addresses: Vec<_> = found.iter().map(|f| f.address).collect();
        assert_eq!(
            addresses,
            [
                0xffff_c900_040a_1010,
                0x18,
                0xdfff_fc00_0000_0003,
                0x18,
                0xdead_0000_0000_0108,
                4,
                0x10
            ]
        );
    }

    #[test]
    fn user_segfaults_of_old_and_new_kernels() {
        let found = user_faults(&lines(
            "a.out[4711]: segfault at 10 ip 000055d0c0401136 sp 00007ffe00000010 error 4 in a.out[55d0c0401000+1000] likely on CPU 2 (core 2, socket 0)\n\
             my prog[12]: segfault at 0 ip 00007f0000001234 sp 00007ffe00000010 error 6 in libx.so.1[28234,7f0000000000+20000] likely on CPU 0 (core 0, socket 0)\n\
             traps: conftest[77] trap invalid opcode ip:401106 sp:7ffe00000000 error:0 in conftest[401000+1000]\n\
             b.out[5]: segfault at 8 ip 0000000000401136 sp 00007ffe00000010 error 4\n\
             in b.out[401000+1000]\n",
        ));
        assert_eq!(found.len(), 4);
        assert_eq!(found[0].offset_in_mapping(), Some(0x136));
        assert_eq!((found[0].address, found[0].code), (Some(0x10), Some(4)));
        assert_eq!(found[0].mapping.as_ref().unwrap().file_offset, None);
        assert_eq!(found[1].task, "my prog");
        assert_eq!(found[1].mapping.as_ref().unwrap().file_offset, Some(0x28234));
        assert_eq!((found[2].what.as_str(), found[2].address), ("invalid opcode", None));
        assert_eq!(found[3].lines, LineSpan::new(4, 5));
        assert_eq!(found[3].mapping.as_ref().unwrap().file, "b.out");
    }
}
