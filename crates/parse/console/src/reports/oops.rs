//! Oopses, `BUG()` and panics.

use super::family::{Choice, Doubt, Family, Look, Shape};

const FAULT: &[Look] = &[Look::InstructionPointer, Look::Trace];

const DIED: Shape =
    Shape { line: r".*\[#\d+\]", title: "Oops in {F}", function: FAULT, ..Shape::EMPTY };

/// Fortified string functions report in `lib/string*.c`; their caller is at fault.
const FORTIFY: &[&str] = &["fortify"];

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "kernel BUG at",
        shapes: &[
            Shape {
                line: r"kernel BUG at lib/list_debug\.c",
                title: "BUG: corrupted list in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
            Shape {
                line: r"kernel BUG at mm/usercopy\.c",
                title: "BUG: bad usercopy in {F}",
                function: FAULT,
                skip: &["usercopy", "__check"],
                ..Shape::EMPTY
            },
            Shape {
                line: r"kernel BUG at (?:net/core/skbuff\.c|(?:\./)?include/linux/skbuff\.h)",
                title: "kernel BUG in {F}",
                function: FAULT,
                skip: &["^skb_"],
                ..Shape::EMPTY
            },
            Shape {
                line: r"kernel BUG at (\S*[/.:]\S*)",
                title: "kernel BUG in {F}",
                function: FAULT,
                skip: FORTIFY,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "Kernel BUG at",
        shapes: &[Shape {
            line: r"Kernel BUG at (\S+)",
            title: "kernel BUG in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // `BUG()` of an architecture without a trap for it: `include/asm-generic/bug.h`.
    Family {
        header: "BUG: failure at",
        shapes: &[Shape {
            line: r"BUG: failure at \S+:\d+/([^\s()]+)\(\)!",
            title: "kernel BUG in {F}",
            function: &[Look::Group(1), Look::Trace],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // MIPS, loongarch.
    Family {
        header: "Kernel bug detected[#",
        shapes: &[Shape {
            line: r"Kernel bug detected\[#",
            title: "kernel BUG in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "Kernel BUG [#",
        shapes: &[Shape {
            line: r"Kernel BUG \[#",
            title: "kernel BUG in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "general protection fault",
        except: &[
            r"traps: .*general protection",
            r"segfault at",
            r"general protection fault ip:",
            r"general protection ip:",
        ],
        shapes: &[Shape {
            line: r"general protection fault",
            title: "general protection fault in {F}",
            also: &["bad-access in {F}"],
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "stack segment: ",
        shapes: &[Shape {
            line: r"stack segment: ",
            title: "stack segment fault in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "PANIC: double fault",
        shapes: &[Shape {
            line: r"PANIC: double fault",
            title: "PANIC: double fault in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "double fault:",
        shapes: &[Shape {
            line: r"double fault:",
            title: "PANIC: double fault in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "divide error:",
        shapes: &[Shape {
            line: r"divide error:",
            title: "divide error in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // arm without a divider in hardware: `__div0()`.
    Family {
        header: "Division by zero in kernel",
        shapes: &[Shape {
            line: r"Division by zero in kernel\.",
            title: "divide error in {F}",
            function: &[Look::Trace],
            skip: &["^_*L?div0", "^__aeabi_"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "invalid opcode:",
        except: &[r"traps: .*invalid opcode"],
        shapes: &[Shape {
            line: r"invalid opcode:",
            title: "invalid opcode in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "int3: ",
        except: &[r"traps: .*int3"],
        shapes: &[Shape { line: r"int3: ", title: "int3 in {F}", function: FAULT, ..Shape::EMPTY }],
        ..Family::EMPTY
    },
    // What die() says where no other line announces it. riscv: `Oops - illegal instruction [#1]`.
    Family { header: "Oops - ", shapes: &[DIED], ..Family::EMPTY },
    // powerpc: `Oops: Machine check, sig: 7 [#1]`.
    Family {
        header: "Oops: Kernel access of bad area",
        shapes: &[Shape {
            line: r"Oops: Kernel access of bad area",
            title: "BUG: unable to handle kernel paging request in {F}",
            also: &["bad-access in {F}"],
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family { header: "Oops: Exception in kernel mode", shapes: &[DIED], ..Family::EMPTY },
    Family { header: "Oops: Machine check", shapes: &[DIED], ..Family::EMPTY },
    // s390: `specification exception: 0006 ilc:2 [#1] SMP`.
    Family { header: "ilc:1 [#1]", shapes: &[DIED], ..Family::EMPTY },
    Family { header: "ilc:2 [#1]", shapes: &[DIED], ..Family::EMPTY },
    Family { header: "ilc:3 [#1]", shapes: &[DIED], ..Family::EMPTY },
    // MIPS, loongarch: `Reserved instruction in kernel code[#1]:`, `Kernel ale access[#1]:`.
    Family { header: " in kernel code[#1]", shapes: &[DIED], ..Family::EMPTY },
    Family { header: " access[#1]", shapes: &[DIED], ..Family::EMPTY },
    Family { header: " invoked from kernel context![#1]", shapes: &[DIED], ..Family::EMPTY },
    Family {
        header: "Internal error:",
        shapes: &[
            Shape {
                line: r"Internal error: kernel stack overflow",
                title: "kernel stack overflow in {F}",
                also: &["stack-overflow in {F}"],
                function: &[Look::Frames],
                choice: Choice::Entry,
                skip: &["stack_chk", "bad_stack"],
                ..Shape::EMPTY
            },
            Shape {
                line: r"Internal error:",
                title: "Internal error in {F}",
                also: &["bad-access in {F}"],
                function: FAULT,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "Unhandled fault:",
        shapes: &[Shape {
            line: r"Unhandled fault:",
            title: "Unhandled fault in {F}",
            also: &["bad-access in {F}"],
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "Alignment trap:",
        // Of programs, where the administrator asked to be told.
        except: &[r"Alignment trap: .* \([0-9]+\) PC="],
        shapes: &[Shape {
            line: r"Alignment trap:",
            title: "Alignment trap in {F}",
            function: FAULT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "rust_kernel: panicked at",
        shapes: &[Shape {
            line: r"rust_kernel: panicked at",
            then: &[r"^\s*(\S.*\S)\s*$"],
            title: "{1} in {F}",
            function: &[Look::Trace],
            skip: &[
                "rust_begin_unwind",
                "panicking",
                "core::",
                "__rust",
                "rust_panic",
                "rust_helper_BUG",
            ],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "Kernel panic - not syncing:",
        shapes: &[
            Shape {
                line: r"Kernel panic - not syncing: Attempted to kill init!",
                title: "kernel panic: Attempted to kill init!",
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: Out of memory",
                title: "kernel panic: Out of memory",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: panic_on_warn set",
                title: "kernel panic: panic_on_warn set",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: (?:stack-protector: )?(?:Kernel )?stack is corrupted in:? *(?:\[?<?[0-9a-f]{8,}>?\]?)?\s*([^\s+]*)",
                title: "kernel panic: stack is corrupted in {F}",
                function: &[Look::Group(1), Look::Trace],
                skip: &["stack_chk", "bad_stack"],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: corrupted stack end",
                title: "kernel panic: corrupted stack end in {F}",
                also: &["stack-overflow in {F}"],
                function: &[Look::Frames],
                choice: Choice::Entry,
                skip: &["schedule", "retint_kernel"],
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: [Kk]ernel stack overflow",
                title: "kernel stack overflow in {F}",
                also: &["stack-overflow in {F}"],
                function: &[Look::Frames],
                choice: Choice::Entry,
                skip: &["stack_chk", "bad_stack"],
                ..Shape::EMPTY
            },
            // The detector reports the task or CPU first; without that, this is an echo.
            Shape {
                line: r"Kernel panic - not syncing: (hung_task: blocked tasks|softlockup: hung tasks|RCU Stall|Hard LOCKUP)",
                title: "kernel panic: {1}",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: Fatal exception",
                title: "kernel panic: Fatal exception",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: \(?(?:UBSAN|KASAN|KMSAN|KFENCE): (.*?)(?: \.\.\.)?$",
                title: "kernel panic: {1}",
                ..Shape::EMPTY
            },
            Shape {
                line: r"Kernel panic - not syncing: +(.*?)(?: \.\.\.)?$",
                title: "kernel panic: {1}",
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
];
