//! How the lines of a console look from outside: whether one is stamped, and whether it begins what the kernel
//! begins on a line of its own.

use crate::frame;
use crate::prefix;

/// Starts of the kernel's lines that are printed without a frame: heads of reports, registers, sections.
const HEADS: &[&str] = &[
    "#PF:",
    "*** ",
    "---[ ",
    "------------[",
    "-> #",
    "<EOE>",
    "<EOI>",
    "<IRQ>",
    "</",
    "<NMI>",
    "<SOFTIRQ>",
    "<TASK>",
    "======",
    "ACPI:",
    "Allocated by",
    "BUG: ",
    "CPU: ",
    "CPU:",
    "CR2:",
    "CS: ",
    "Call Trace",
    "Call trace",
    "Code: ",
    "Command line:",
    "DR0:",
    "DR3:",
    "EAX:",
    "EBP:",
    "ECX:",
    "EFLAGS:",
    "EIP",
    "ESI:",
    "ESP:",
    "FS: ",
    "Faulting ",
    "Freed by",
    "GPR",
    "GS: ",
    "Hardware name:",
    "INFO: ",
    "INITIAL USE",
    "Internal error",
    "Kernel BUG",
    "Kernel Offset",
    "Kernel command line:",
    "Kernel panic",
    "Krnl ",
    "LR [",
    "Linux version ",
    "MSR:",
    "Mem abort",
    "Mem-Info",
    "Memory state",
    "Modules linked in",
    "NIP",
    "NMI ",
    "Node ",
    "ODEBUG:",
    "Oops",
    "PGD ",
    "PID: ",
    "PKRU:",
    "Pid: ",
    "Process ",
    "R10:",
    "R13:",
    "RAX:",
    "RBP:",
    "RBX:",
    "RDX:",
    "REGS:",
    "RIP:",
    "RSP:",
    "Read of size",
    "Sending NMI",
    "Showing ",
    "Stack:",
    "Tainted:",
    "The buggy",
    "UBSAN:",
    "Unable to handle",
    "WARNING: ",
    "Workqueue:",
    "Write of size",
    "[ INFO:",
    "backtrace",
    "but task is",
    "epc",
    "general protection fault",
    "hardirqs last",
    "in_atomic",
    "invalid opcode:",
    "irq event stamp",
    "kernel BUG",
    "kthread+",
    "list_add ",
    "list_del ",
    "lr :",
    "lock(",
    "other info",
    "pc :",
    "pgd ",
    "preempt_count",
    "ra :",
    "rcu: ",
    "refcount_t:",
    "softirqs last",
    "sp :",
    "stack backtrace",
    "stack segment:",
    "task:",
    "the existing",
    "watchdog: ",
    "which lock",
    "x0 ",
    "x1",
    "x2",
];

/// Whether a line carries a stamp, a printer or a level in front of its message.
pub(crate) fn is_stamped(line: &[u8]) -> bool {
    let (prefix, _) = prefix::strip(line);
    prefix.stamp.is_some() || prefix.caller.is_some() || prefix.level.is_some()
}

/// Whether a message (without quote marks) is one that the kernel begins a line with.
pub fn begins(text: &str) -> bool {
    let text = text.trim_start();
    HEADS.iter().any(|head| text.starts_with(head))
        || is_frame(text)
        || text.strip_prefix('#').is_some_and(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            digits > 0 && rest[digits..].starts_with(':')
        })
}

/// A frame, raw or symbolised: `f+0x1/0x2`, `? f (file.c:7)`, `f file.c:7 [inline]`.
fn is_frame(text: &str) -> bool {
    if frame::parse(text).is_some() || frame::instruction_pointer(text).is_some() {
        return true;
    }
    let text = text.strip_prefix("? ").unwrap_or(text);
    text.split_once(" (").is_some_and(|(name, place)| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
            && place.split([' ', ')']).next().is_some_and(|first| {
                first.rsplit_once(':').is_some_and(|(file, line)| {
                    file.contains('.') && line.starts_with(|c: char| c.is_ascii_digit())
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_told_from_the_rest_of_one() {
        for line in [
            "CPU: 1 PID: 7 Comm: sh Not tainted 6.1.0 #1",
            " ? do_it+0x1/0x2 [mod]",
            " do_it (kernel/do.c:7 kernel/do.c:9)",
            " #1: ffff888000000000 (&x){+.+.}-{3:3}, at: do_it+0x1/0x2",
        ] {
            assert!(begins(line), "{line}");
        }
        for rest in ["tainted 6.1.0 #1", "Hat Enterprise Linux", "BIOS 1.0 01/01/2020", "seconds."]
        {
            assert!(!begins(rest), "{rest}");
        }
    }
}
