//! The rules of this crate, as the statements cite them.

/// One row of the table of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// The identifier that statements carry.
    pub id: &'static str,
    /// What the rule looks at.
    pub looks_at: &'static str,
    /// What follows from it.
    pub meaning: &'static str,
    /// Where the knowledge comes from.
    pub source: &'static str,
}

const fn row(
    id: &'static str,
    looks_at: &'static str,
    meaning: &'static str,
    source: &'static str,
) -> RuleRow {
    RuleRow { id, looks_at, meaning, source }
}

/// All rules of this crate.
pub const RULES: &[RuleRow] = &[
    row(
        "X01",
        "registers of user mode as saved at a system call",
        "number and argument registers are fixed by the ABI, so the call and its arguments are known",
        "syscall tables of each architecture; man 2 syscall",
    ),
    row(
        "X02",
        "an address or register that holds a poison value",
        "the pattern tells who wrote it: freed slab object, deleted list entry, freed page",
        "include/linux/poison.h",
    ),
    row(
        "X03",
        "an address within one page of 0",
        "a NULL pointer plus the offset of a member",
        "the first page is never mapped",
    ),
    row(
        "X04",
        "an x86-64 address whose upper bits are not a sign extension",
        "no such address exists: the pointer was overwritten, or computed from garbage",
        "Documentation/arch/x86/x86_64/mm.rst",
    ),
    row(
        "X05",
        "an address inside the KASAN shadow",
        "a compiled-in check of another address: shadow = (address >> scale) + offset",
        "KASAN_SHADOW_OFFSET of each architecture",
    ),
    row(
        "X06",
        "Code: bytes with the mark at the instruction pointer",
        "the instruction that faulted or was about to run",
        "scripts/decodecode marks the same byte",
    ),
    row(
        "X07",
        "the code of a fault (x86 page-fault error code, arm64 ESR, trap and exception numbers)",
        "each bit or number has an architected meaning",
        "architecture manuals; arch/*/mm/fault.c",
    ),
    row(
        "X08",
        "segfault at A ip I sp S error N in FILE[base+length]",
        "a user program was killed by its own access; the offset finds the instruction in FILE",
        "arch/x86/mm/fault.c, mm/memory.c print_vma_addr",
    ),
    row(
        "X09",
        "saved flags of the interrupted context",
        "whether interrupts were open where the CPU was interrupted",
        "EFLAGS bit 9, PSTATE bit 7, CPSR bit 7, riscv SPIE, s390 PSW bits 6 and 7, MIPS IE, LoongArch PIE, PA-RISC PSW I, powerpc MSR EE and soft mask",
    ),
    row(
        "X10",
        "a memory operand of the faulting instruction and the registers",
        "which register held the bad pointer and at which offset it was used",
        "arithmetic on X06 and the dump",
    ),
];
