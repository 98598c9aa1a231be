//! Whether a system call is over: the stack above a dump of user registers goes through the way back to user space.

use parse_console::{Line, frame};

use crate::{Architecture, RegisterDump};

/// Functions through which a task leaves the kernel after its system call: kernel/entry/common.c,
/// arch/x86/entry/common.c before 5.9, arch/{arm,arm64}/kernel/signal.c, arch/powerpc/kernel/{interrupt,signal}.c.
const EXITS: &[&str] = &[
    "syscall_exit_to_user_mode",
    "__syscall_exit_to_user_mode",
    "exit_to_user_mode_prepare",
    "exit_to_user_mode_loop",
    "syscall_exit_work",
    "syscall_return_slowpath",
    "syscall_trace_leave",
    "prepare_exit_to_usermode",
    "exit_to_usermode_loop",
    "do_notify_resume",
    "do_work_pending",
    "syscall_exit_prepare",
    "syscall_exit_restart",
    "interrupt_exit_user_prepare",
    "arch_do_signal_or_restart",
];

/// The most lines of a stack above its dump that are looked at.
const STACK: usize = 120;

/// Whether the stack that ends with this dump goes through the way back to user space.
pub(crate) fn leaves(lines: &[Line<'_>], dump: &RegisterDump) -> bool {
    let end = lines.partition_point(|line| line.number < dump.lines.first);
    let stack = lines[..end].iter().rev().take(STACK).take_while(|line| {
        let text = line.text.trim_start();
        !["Call Trace", "Call trace", "Backtrace"].iter().any(|head| text.starts_with(head))
    });
    stack.filter_map(|line| frame::parse(&line.text)).any(|frame| {
        // powerpc marks the code of a function by a dot in front of its name.
        let name = frame.function.trim_start_matches('.');
        frame.reliable && EXITS.iter().any(|exit| name.starts_with(exit))
    })
}

/// Whether the frame of arm's `Exception stack` is that of a system call: `ret_fast_syscall` stands above it.
pub(crate) fn is_of_call(lines: &[Line<'_>], dump: &RegisterDump) -> bool {
    let end = lines.partition_point(|line| line.number < dump.lines.first);
    lines[..end].iter().rev().take(4).any(|line| line.text.contains("ret_fast_syscall"))
}

/// What a call has returned, by the accumulator of x86-64: while it runs the entry code keeps -ENOSYS there, or before
/// 3.18 the number of the call. `Err` where the dump does not tell.
pub(crate) fn result(dump: &RegisterDump, leaves: bool) -> Result<Option<i64>, ()> {
    if dump.architecture != Architecture::X86_64 || dump.get("CS") == Some(0x23) {
        // Elsewhere the result has replaced an argument, and nothing says so.
        return if leaves { Err(()) } else { Ok(None) };
    }
    let no_such_call = (-38i64).cast_unsigned();
    match dump.get("RAX") {
        None => Err(()),
        Some(value) if value == no_such_call || Some(value) == dump.get("ORIG_RAX") => {
            if leaves {
                Err(())
            } else {
                Ok(None)
            }
        }
        Some(value) => Ok(Some(value.cast_signed())),
    }
}
