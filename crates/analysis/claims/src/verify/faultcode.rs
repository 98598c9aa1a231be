//! Codes of faults, and what their bits say.
//!
//! Intel's manual volume 3 (page-fault error code), ESR_ELx of arm64, interrupt vectors of powerpc, scause of RISC-V,
//! Cause of MIPS, ESTAT of LoongArch. The words are those of the predicate.

use super::scan::{after, hex, word};

/// The word for a code.
type Decoder = fn(u64) -> Option<&'static str>;

/// A code with the words for it; no words where the code is of a kind that is not read here.
pub(super) fn codes(text: &str) -> Vec<(u64, Vec<&'static str>)> {
    let mut found = Vec::new();
    let coded =
        |mark: &str| after(text, mark).map(str::trim_start).and_then(hex).map(|(code, _)| code);
    if let Some(code) = coded("error_code(") {
        found.push((code, page_fault(code)));
    }
    if let Some(rest) = text.strip_prefix("Oops: ") {
        let rest = rest.strip_prefix("Oops: ").unwrap_or(rest);
        if word(rest).len() == 4
            && let Some((code, rest)) = hex(rest)
            && rest.starts_with(" [#")
        {
            found.push((code, page_fault(code)));
        }
    }
    if let Some(code) = coded("ESR = ") {
        found.push((code, syndrome(code & 0xffff_ffff)));
    }
    let single: [(&str, Decoder); 4] =
        [("TRAP: ", vector), ("cause: ", scause), ("Cause : ", mips), ("ESTAT: ", estat)];
    for (mark, decode) in single {
        if let Some(code) = coded(mark) {
            found.push((code, decode(code).into_iter().collect()));
        }
    }
    for mark in [" error ", " error:", "FSR: ", "fault: ", "DSISR: "] {
        found.extend(coded(mark).map(|code| (code, Vec::new())));
    }
    found
}

fn page_fault(code: u64) -> Vec<&'static str> {
    let set = |bit: u64| code & bit != 0;
    let mut words = Vec::new();
    match (set(1 << 4), set(1 << 1)) {
        (true, _) => words.push("instruction fetch"),
        (false, true) => words.push("write"),
        (false, false) => words.push("read"),
    }
    words.push(if set(1) { "protection violation" } else { "page not present" });
    words.push(if set(1 << 2) { "user mode" } else { "kernel mode" });
    if set(1 << 3) {
        words.push("reserved bit set in the page table");
    }
    if set(1 << 5) {
        words.push("protection key");
    }
    if set(1 << 6) {
        words.push("shadow stack");
    }
    if set(1 << 15) {
        words.push("SGX");
    }
    words
}

fn syndrome(esr: u64) -> Vec<&'static str> {
    let class = match esr >> 26 {
        0x00 => "unknown reason",
        0x07 => "access to SIMD or floating point",
        0x0d => "branch target",
        0x0e => "illegal execution state",
        0x15 => "system call",
        0x18 => "trapped system register",
        0x1c => "pointer authentication failure",
        0x20 => "instruction abort from user mode",
        0x21 => "instruction abort in the kernel",
        0x22 => "misaligned program counter",
        0x24 => "data abort from user mode",
        0x25 => "data abort in the kernel",
        0x26 => "misaligned stack pointer",
        0x2f => "SError",
        0x3c => "breakpoint instruction",
        _ => return Vec::new(),
    };
    let mut words = vec![class];
    let data = class.starts_with("data abort");
    if !data && !class.starts_with("instruction abort") {
        return words;
    }
    // WnR is bit 6; with CM, bit 8, it is set whatever the access was.
    if data && esr >> 8 & 1 == 0 {
        words.push(if esr >> 6 & 1 == 1 { "write" } else { "read" });
    }
    let kinds = [
        [
            "level 0 address size fault",
            "level 1 address size fault",
            "level 2 address size fault",
            "level 3 address size fault",
        ],
        [
            "level 0 translation fault",
            "level 1 translation fault",
            "level 2 translation fault",
            "level 3 translation fault",
        ],
        [
            "level 0 access flag fault",
            "level 1 access flag fault",
            "level 2 access flag fault",
            "level 3 access flag fault",
        ],
        [
            "level 0 permission fault",
            "level 1 permission fault",
            "level 2 permission fault",
            "level 3 permission fault",
        ],
    ];
    let status = (esr & 0x3f) as usize;
    match status {
        0..=15 => words.push(kinds[status / 4][status % 4]),
        0x10 => words.push("synchronous external abort"),
        0x11 => words.push("tag check fault"),
        0x21 => words.push("alignment fault"),
        _ => {}
    }
    words
}

fn vector(trap: u64) -> Option<&'static str> {
    // The last digit holds flags of the entry code.
    Some(match trap >> 4 {
        0x20 => "machine check",
        0x30 => "data access fault",
        0x38 => "data segment fault",
        0x40 => "instruction access fault",
        0x48 => "instruction segment fault",
        0x60 => "misaligned access",
        0x70 => "program check",
        0x80 => "floating point unavailable",
        _ => return None,
    })
}

fn scause(cause: u64) -> Option<&'static str> {
    const WORDS: [&str; 8] = [
        "misaligned instruction address",
        "instruction access fault",
        "illegal instruction",
        "breakpoint",
        "misaligned load",
        "load access fault",
        "misaligned store",
        "store access fault",
    ];
    match cause {
        0..=7 => Some(WORDS[cause as usize]),
        12 => Some("instruction page fault"),
        13 => Some("load page fault"),
        15 => Some("store page fault"),
        _ => None,
    }
}

fn mips(cause: u64) -> Option<&'static str> {
    // ExcCode is bits 2 to 6.
    Some(match (cause & 0x7c) >> 2 {
        0x01 => "store to a page that is mapped read-only",
        0x02 => "load or fetch from an address that is not mapped",
        0x03 => "store to an address that is not mapped",
        0x04 => "load or fetch from a misaligned or forbidden address",
        0x05 => "store to a misaligned or forbidden address",
        0x06 => "bus error at a fetch",
        0x07 => "bus error at a load or store",
        0x09 => "breakpoint",
        0x0a => "illegal instruction",
        0x0b => "coprocessor unusable",
        0x0c => "overflow",
        0x0d => "trap instruction",
        0x0f => "floating point exception",
        0x17 => "watchpoint",
        _ => return None,
    })
}

fn estat(value: u64) -> Option<&'static str> {
    // Ecode is bits 16 to 21.
    Some(match (value & 0x3f_0000) >> 16 {
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
    fn codes_are_spelled_by_the_manuals() {
        let only = |text: &str| codes(text).remove(0).1;
        assert_eq!(
            only("#PF: error_code(0x0003) - x"),
            ["write", "protection violation", "kernel mode"]
        );
        assert_eq!(
            only("Oops: 0010 [#1] SMP"),
            ["instruction fetch", "page not present", "kernel mode"]
        );
        assert_eq!(
            only("ESR = 0x96000045"),
            ["data abort in the kernel", "write", "level 1 translation fault"]
        );
        assert_eq!(only("REGS: c0 TRAP: 0301   Not tainted"), ["data access fault"]);
        assert_eq!(
            only("Cause : 00800008 (ExcCode 02)"),
            ["load or fetch from an address that is not mapped"]
        );
        assert_eq!(only("status: 20 badaddr: 0 cause: 000000000000000d"), ["load page fault"]);
    }
}
