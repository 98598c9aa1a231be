//! Reading a stack: which frames are the detector's, where the interrupted code begins, which frame
//! stands for the work being done.

use model::functions::{Role, role, stem};

use crate::event::{Frame, Instruction, Snapshot};

/// Whether the function only enters the scheduler or waits generically: skipped when asking what is awaited.
pub fn is_scheduling(function: &str) -> bool {
    matches!(role(function), Some(Role::Scheduler | Role::Wait))
}

/// Whether the function belongs to the printing and detecting machinery, which is never what a report is about.
pub fn is_detector(function: &str) -> bool {
    matches!(
        role(function),
        Some(
            Role::Detector
                | Role::Dumper
                | Role::Sanitizer
                | Role::Lockdep
                | Role::Coverage
                | Role::Exception
                | Role::Fault
                | Role::Tick
        )
    ) || stem(function) == "rcu_note_context_switch"
}

/// Whether an interrupt or exception enters through the function; what is further out is the interrupted code.
pub fn is_entry(function: &str) -> bool {
    role(function) == Some(Role::Interrupt)
}

/// Functions that only the printing of another context's stack has: the report was made from inside the
/// interrupt whose entry stands further out.
const PRINTING: &[&str] = &[
    "dump_stack",
    "dump_backtrace",
    "show_stack",
    "show_regs",
    "nmi_cpu_backtrace",
    "rcu_dump_cpu_stacks",
    "print_cpu_stall",
    "print_other_cpu_stall",
    "check_cpu_stall",
    "rcu_sched_clock_irq",
    "rcu_check_callbacks",
    "watchdog_timer_fn",
    "watchdog_overflow_callback",
    "sched_show_task",
    "panic",
];

/// The frames that tell what the task or CPU was doing: those outside of the interrupt in which the report
/// was printed, reliable ones only. A handler that was itself interrupted by the report stays.
pub fn task_frames(snapshot: &Snapshot) -> Vec<&Frame> {
    let start = interrupted_from(snapshot);
    let outer: Vec<&Frame> =
        snapshot.frames[start..].iter().filter(|frame| frame.reliable).collect();
    let skip = outer.iter().take_while(|frame| is_detector(&frame.function)).count();
    if skip == outer.len() { outer } else { outer[skip..].to_vec() }
}

/// The frames of the context that reports itself, reliable ones only: those of the report's own functions at the top
/// are left out, and a handler stays that came on top of what it interrupted.
pub fn own_frames(snapshot: &Snapshot) -> Vec<&Frame> {
    let reliable: Vec<&Frame> = snapshot.frames.iter().filter(|frame| frame.reliable).collect();
    let skip = reliable.iter().take_while(|frame| is_detector(&frame.function)).count();
    if skip == reliable.len() { reliable } else { reliable[skip..].to_vec() }
}

/// Where the interrupted code begins: behind the entry through which the printing interrupt came in.
fn interrupted_from(snapshot: &Snapshot) -> usize {
    let frames = &snapshot.frames;
    let printing = frames
        .iter()
        .rposition(|frame| PRINTING.iter().any(|start| frame.function.starts_with(start)));
    let Some(printing) = printing.filter(|_| snapshot.on_cpu) else { return 0 };
    // A stale word of the stack is no entry, unless the marks say that an interrupt was handled there.
    let enters = |frame: &Frame| is_entry(&frame.function) && (frame.reliable || frame.interrupt);
    let entry = frames[printing..].iter().position(enters).map(|entry| {
        let start = printing + entry;
        start + frames[start..].iter().take_while(|frame| enters(frame)).count()
    });
    // A pointer printed in the middle of the frames says it exactly; with registers in front of the frames it is
    // that of what the interrupted code itself interrupted.
    let in_front = snapshot
        .instruction
        .iter()
        .any(|at| at.at_frame == 0 && !at.user && !is_detector(&at.function));
    let pointer =
        snapshot.instruction.iter().find(|pointer| !pointer.user && pointer.at_frame > printing);
    match (pointer, entry) {
        (Some(pointer), None) => pointer.at_frame.min(frames.len()),
        (Some(pointer), Some(start)) if !in_front || pointer.at_frame <= start => {
            pointer.at_frame.min(frames.len())
        }
        // Behind an entry without anything further out stands user space, or what the log does not show.
        (_, Some(start)) => start,
        _ => 0,
    }
}

/// Whether the kernel jumped to where none of its functions is: the frames are those of who jumped, or of
/// somebody further out.
pub fn jumped(snapshot: &Snapshot) -> bool {
    snapshot.instruction.iter().any(|at| at.at_frame == 0 && !at.user && at.function.is_empty())
}

/// The interrupted instruction in the kernel, where it is printed.
pub fn instruction(snapshot: &Snapshot) -> Option<&Instruction> {
    let start = interrupted_from(snapshot);
    let known =
        |at: &&Instruction| !at.user && !at.function.is_empty() && !is_detector(&at.function);
    // Registers in front of the frames are those of the interrupted code; further in stand those of what that
    // code itself interrupted.
    snapshot
        .instruction
        .iter()
        .filter(known)
        .find(|at| at.at_frame == 0)
        .or_else(|| snapshot.instruction.iter().filter(known).find(|at| at.at_frame >= start))
        .or_else(|| {
            snapshot
                .instruction
                .iter()
                .find(|at| !at.user && !at.function.is_empty() && !is_detector(&at.function))
        })
}

/// The interrupted instruction where it lies in a helper or in coverage code, whose caller does the work.
pub fn instruction_of_leaf(snapshot: &Snapshot) -> Option<&Instruction> {
    let start = interrupted_from(snapshot);
    snapshot
        .instruction
        .iter()
        .find(|at| !at.user && !at.function.is_empty() && at.at_frame >= start)
        .filter(|at| is_leaf(&at.function) || at.function == "write_comp_data")
}

/// Functions a sample often hits although the work is done by their caller.
const LEAVES: &[&str] = &[
    "_raw_spin_unlock",
    "__raw_spin_unlock",
    "_raw_read_unlock",
    "_raw_write_unlock",
    "replay_interrupt_return",
    "arch_local_irq",
    "__sanitizer_cov",
    "check_kcov_mode",
    "lock_acquire",
    "lock_release",
    "lock_is_held",
    "rcu_read_",
    "__rcu_read_",
    "rcu_is_watching",
    "rcu_dynticks_",
    "__rcu_is_watching",
    "rcu_lockdep",
    "preempt_count_",
    "__local_bh_enable",
    "trace_hardirqs",
    "trace_irq",
    "native_save_fl",
    "__raw_callee_save",
    "memset",
    "memcpy",
    "clear_page",
    "copy_page",
    "rep_",
    "__preempt",
    "cpu_relax",
    "delay_",
    "__delay",
    "__const_udelay",
    "__udelay",
    "__asan",
    "__kasan",
    "kasan_",
    "read_tsc",
    "ktime_get",
];

/// Whether a sample in the function tells more of its caller.
pub fn is_leaf(function: &str) -> bool {
    LEAVES.iter().any(|start| function.starts_with(start))
}

/// Whether a system call enters the kernel through the function.
pub fn is_syscall_entry(function: &str) -> bool {
    role(function) == Some(Role::SyscallEntry)
}

/// The function in which the task or CPU was, without printing machinery and helpers that only a sample
/// hits: the interrupted instruction where it is printed, else the innermost frame.
pub fn where_it_was(snapshot: &Snapshot) -> Option<(String, u64)> {
    if let Some(at) = instruction(snapshot).filter(|at| !is_leaf(&at.function)) {
        return Some((at.function.clone(), at.line));
    }
    // Kernels before 4.10 or so print no pointer for an interrupt within an interrupt, but the same place twice
    // or thrice on the way out, each time as a stale word.
    let start = interrupted_from(snapshot);
    if start > 0
        && let [first, second, ..] = &snapshot.frames[start..]
        && !first.reliable
        && !second.reliable
        && (&first.function, first.offset) == (&second.function, second.offset)
        && !is_leaf(&first.function)
        && !is_detector(&first.function)
    {
        return Some((first.function.clone(), first.line));
    }
    let frames = task_frames(snapshot);
    let frame = frames.iter().find(|frame| {
        !is_scheduling(&frame.function)
            && !is_detector(&frame.function)
            && !is_leaf(&frame.function)
            && !is_syscall_entry(&frame.function)
    })?;
    Some((frame.function.clone(), frame.line))
}

/// The function that took or released the lock that a report of lockdep is about: the innermost one outside of locks
/// and of what checks them.
pub fn outside_locks(snapshot: &Snapshot) -> Option<(String, u64)> {
    let frames = own_frames(snapshot);
    let frame = frames.iter().find(|frame| {
        !is_detector(&frame.function)
            && !is_scheduling(&frame.function)
            && !matches!(role(&frame.function), Some(Role::Lock | Role::Lockdep | Role::Rcu))
            && !crate::wait::is_primitive(&frame.function)
            && !frame.function.starts_with("percpu_down")
            && !frame.function.starts_with("register_lock_class")
    })?;
    (!is_syscall_entry(&frame.function)).then(|| (frame.function.clone(), frame.line))
}

/// Functions between a request for memory and the report on it: mm/{page_alloc,oom_kill,memcontrol,mempolicy}.c.
const FOR_MEMORY: &[&str] = &[
    "dump_header",
    "oom_kill_process",
    "out_of_memory",
    "mem_cgroup_out_of_memory",
    "mem_cgroup_oom",
    "pagefault_out_of_memory",
    "try_charge",
    "charge_memcg",
    "mem_cgroup_charge",
    "__mem_cgroup_charge",
    "alloc_pages",
    "__alloc_",
    "alloc_frozen_pages",
    "vma_alloc_",
    "folio_alloc",
    "allocate_slab",
    "new_slab",
];

/// The function that asked for the memory of which the report is.
pub fn asked_for_memory(snapshot: &Snapshot) -> Option<(String, u64)> {
    let frames = task_frames(snapshot);
    let frame = frames.iter().find(|frame| {
        !is_detector(&frame.function)
            && !is_syscall_entry(&frame.function)
            && !matches!(role(&frame.function), Some(Role::Allocator | Role::PageAllocator))
            && !FOR_MEMORY.iter().any(|start| frame.function.starts_with(start))
    })?;
    Some((frame.function.clone(), frame.line))
}

/// The system call a stack is in, from its entry frame: `splice` of `__x64_sys_splice`.
pub fn syscall(snapshot: &Snapshot) -> Option<(String, u64)> {
    const STARTS: &[&str] = &[
        "__x64_sys_",
        "__ia32_sys_",
        "__arm64_sys_",
        "__riscv_sys_",
        "__s390x_sys_",
        "__s390_sys_",
        "__se_sys_",
        "__do_sys_",
        "__x64_compat_sys_",
        "__ia32_compat_sys_",
        "SyS_",
        "SYSC_",
        "sys_",
        "ksys_",
    ];
    let frame = snapshot.frames.iter().rfind(|frame| {
        frame.reliable
            && STARTS.iter().any(|start| frame.function.starts_with(start))
            && frame.function != "sys_call_table"
    })?;
    let name = STARTS.iter().find_map(|start| frame.function.strip_prefix(start))?;
    Some((name.to_owned(), frame.line))
}

/// The outermost stable frame: the system call, work function, thread function or softirq handler. The
/// top frames move from sample to sample; this one does not.
pub fn anchor(snapshot: &Snapshot) -> Option<String> {
    let frames = task_frames(snapshot);
    let softirq = frames
        .iter()
        .position(|f| ["__do_softirq", "handle_softirqs"].contains(&f.function.as_str()));
    if let Some(handler) = softirq.and_then(|at| at.checked_sub(1)).map(|at| frames[at]) {
        return Some(handler.function.clone());
    }
    if let Some((name, _)) = syscall(snapshot) {
        return Some(name);
    }
    if let Some((_, work)) = &snapshot.workqueue
        && let Some(function) = work.split_whitespace().nth(1)
        && function != "0x0"
        && !function.starts_with('(')
    {
        return Some(function.to_owned());
    }
    let outer = [
        "process_one_work",
        "process_scheduled_works",
        "kthread",
        "irq_thread",
        "irq_thread_fn",
        "smpboot_thread_fn",
        "kthread_worker_fn",
    ];
    let at = frames.iter().position(|frame| outer.contains(&frame.function.as_str()))?;
    let frame = frames.get(at.checked_sub(1)?)?;
    (!is_scheduling(&frame.function)).then(|| frame.function.clone())
}
