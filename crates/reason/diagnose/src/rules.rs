//! The table of events: by which text each is known, what it means, where that comes from. A new
//! kind of report is one row here, a kind in [`crate::event::EventKind`] and a sample in the tests.

use crate::event::EventKind;

/// One row: texts by which a line is recognised, and what the line means.
#[derive(Clone, Copy, Debug)]
pub struct EventRule {
    /// Identifier, as cited by claims.
    pub id: &'static str,
    /// The kind of event.
    pub kind: EventKind,
    /// A line that contains one of these texts begins the event (or adds to an open one).
    pub anchors: &'static [&'static str],
    /// What the line means.
    pub meaning: &'static str,
    /// Where the kernel prints it.
    pub source: &'static str,
}

const fn rule(
    id: &'static str,
    kind: EventKind,
    anchors: &'static [&'static str],
    meaning: &'static str,
    source: &'static str,
) -> EventRule {
    EventRule { id, kind, anchors, meaning, source }
}

/// Rows in order of precedence: where a line has anchors of several rows, the first row counts.
pub const EVENT_RULES: &[EventRule] = &[
    rule("R13", EventKind::RcuKthreadStarved, &["kthread starved for", "kthread timer wakeup didn't happen for"],
        "the grace-period thread did not run for that long", "kernel/rcu/tree_stall.h"),
    rule("R23", EventKind::RcuExpeditedStall, &["detected expedited stalls on CPUs/tasks"],
        "a CPU ignores the request for a quiescent state, or a task stays in a reader", "kernel/rcu/tree_exp.h"),
    rule("R25", EventKind::RcuTasksStall, &["detected stalls on tasks:", "rcu_tasks_trace detected stalls", "rcu_tasks detected stalls"],
        "a task never switches voluntarily", "kernel/rcu/tasks.h"),
    rule("R01", EventKind::RcuStall, &["self-detected stall on CPU", "detected stalls on CPUs/tasks", "detected stall on CPU"],
        "a grace period does not end", "kernel/rcu/tree_stall.h"),
    rule("R26", EventKind::RcuVoluntarySwitch, &["Voluntary context switch within RCU read-side critical section"],
        "a task slept while counted as an RCU reader", "kernel/rcu/tree_plugin.h"),
    rule("R27", EventKind::RcuUsage, &["suspicious RCU usage", "suspicious rcu_dereference"],
        "RCU-protected data was used outside a reader section", "kernel/locking/lockdep.c"),
    rule("R32", EventKind::HungTasks, &["is blocked on a mutex", "blocked on a semaphore", "blocked on an rw-semaphore"],
        "the kernel names the likely holder of the lock", "kernel/hung_task.c (6.15)"),
    rule("R30", EventKind::HungTasks, &["blocked for more than", "blocked in I/O wait for more than", "hung_task_timeout_secs\"", "t die for more than", "INFO: task "],
        "a task slept uninterruptibly for that long", "kernel/hung_task.c"),
    rule("R40", EventKind::SoftLockup, &["BUG: soft lockup", "soft lockup - CPU#"],
        "a CPU ran kernel code without scheduling; interrupts were open", "kernel/watchdog.c"),
    rule("R41", EventKind::HardLockup, &["detected hard LOCKUP", "Watchdog detected LOCKUP"],
        "a CPU took no interrupts", "kernel/watchdog_perf.c, arch/powerpc/kernel/watchdog.c"),
    rule("R43", EventKind::CsdLock, &["Detected non-responsive CSD lock"],
        "one CPU waits for another that does not answer its function call", "kernel/smp.c"),
    rule("R44", EventKind::WorkqueueLockup, &["BUG: workqueue lockup"],
        "a worker pool makes no progress", "kernel/workqueue.c"),
    rule("R46", EventKind::WorkqueueLeak, &["BUG: workqueue leaked"],
        "a work function returned with a lock, atomic or RCU section held", "kernel/workqueue.c"),
    rule("R45", EventKind::WorkqueueHog, &["hogged CPU for"],
        "a work function used a CPU for long; an early hint", "kernel/workqueue.c (6.5)"),
    rule("R47", EventKind::SlowInterrupt, &["interrupt took too long (", "INFO: NMI handler (", "NMI handler ("],
        "a handler took that many nanoseconds; not a share of CPU time", "kernel/events/core.c, arch/x86/kernel/nmi.c"),
    rule("R50", EventKind::LockdepCircular, &["possible circular locking dependency detected"],
        "locks are taken in orders that can deadlock; a possible cycle, not one that happened", "kernel/locking/lockdep.c"),
    rule("R51", EventKind::LockdepRecursive, &["possible recursive locking detected"],
        "a lock class is taken while held", "kernel/locking/lockdep.c"),
    rule("R52", EventKind::LockdepInterrupt,
        &["inconsistent lock state", "IRQ-safe -> SOFTIRQ-unsafe", "IRQ-safe -> HARDIRQ-unsafe", "-safe -> ", "possible irq lock inversion", "irq lock inversion dependency"],
        "a lock is used with and without interrupts", "kernel/locking/lockdep.c"),
    rule("R53", EventKind::LockdepWaitContext, &["Invalid wait context"],
        "a sleeping lock is taken under a raw one", "kernel/locking/lockdep.c"),
    rule("R54", EventKind::LockdepOwnership,
        &["bad unlock balance detected", "held lock freed!", "lock held when returning to user space", "locks held when returning to user space", "nested lock was not taken", "still has locks held", "trying to register non-static key"],
        "a lock is leaked, freed while held, released by a stranger or never initialised", "kernel/locking/lockdep.c"),
    rule("R60", EventKind::SleepInAtomic, &["sleeping function called from invalid context"],
        "a function that may sleep was called where sleeping is forbidden", "kernel/sched/core.c"),
    rule("R61", EventKind::ScheduleInAtomic, &["BUG: scheduling while atomic"],
        "the scheduler was entered with preemption off", "kernel/sched/core.c"),
    rule("R70", EventKind::AllocationFailure, &["page allocation failure"],
        "no page was found for a request", "mm/page_alloc.c"),
    rule("R71", EventKind::OutOfMemory, &["invoked oom-killer", "Out of memory: Kill", "Memory cgroup out of memory: Kill"],
        "memory ran out; the victim is not the culprit", "mm/oom_kill.c"),
    rule("R72", EventKind::FaultOomLeaked, &["VM_FAULT_OOM leaked out"],
        "the echo of a failed allocation in a page fault; no kill", "mm/oom_kill.c"),
    rule("R80", EventKind::Kasan, &["BUG: KASAN:", "BUG: KASAN "],
        "memory used outside its bounds or life", "mm/kasan/report.c"),
    rule("R81", EventKind::Kfence, &["BUG: KFENCE:"], "memory used outside its bounds or life (sampled)", "mm/kfence/report.c"),
    rule("R81", EventKind::Kmsan, &["BUG: KMSAN:"], "a value was used before it was set", "mm/kmsan/report.c"),
    rule("R81", EventKind::Kcsan, &["BUG: KCSAN:"], "two accesses race", "kernel/kcsan/report.c"),
    rule("R81", EventKind::Ubsan, &["UBSAN: ", "UBSAN:"], "undefined behaviour of C", "lib/ubsan.c"),
    rule("R81", EventKind::Refcount, &["refcount_t: "], "a reference count left its range", "lib/refcount.c"),
    rule("R81", EventKind::Corruption,
        &["list_add corruption", "list_del corruption", "list_add double add", "BUG: Bad page", "BUG: Bad rss-counter", "Redzone overwritten", "Poison overwritten", "Object already free",
          "Freepointer corrupt", "Freechain corrupt", "Padding overwritten", "corrupted stack end", "stack-protector: Kernel stack is corrupted", "ODEBUG: ", "Right Redzone", "Left Redzone",
          "VFS: Busy inodes after unmount", "BUG: bad usercopy", "usercopy: Kernel memory"],
        "a kernel object was found damaged", "lib/list_debug.c, mm/slub.c, mm/page_alloc.c, lib/debugobjects.c"),
    rule("R81", EventKind::MemoryLeak, &["unreferenced object 0x", "BUG: memory leak"],
        "allocated memory that nothing points to", "mm/kmemleak.c"),
    rule("R82", EventKind::SpinlockBug, &["BUG: spinlock ", "BUG: rwlock ", "BUG: rtmutex "],
        "a lock's own state is wrong, or it is not released", "kernel/locking/spinlock_debug.c"),
    rule("R82", EventKind::StackOverflow, &["stack guard page was hit", "kernel stack overflow", "Kernel stack overflow", "Insufficient stack space to handle exception"],
        "the kernel stack is used up", "arch/*/kernel/traps.c"),
    rule("R82", EventKind::KernelBug, &["kernel BUG at", "divide error: ", "invalid opcode: ", "Oops - BUG", "Oops: invalid opcode", "Oops: divide error", "monitor event", "Unexpected kernel BRK exception", "illegal operation: "],
        "an assertion failed or an instruction cannot be executed", "arch/*/kernel/traps.c"),
    rule("R82", EventKind::Fault,
        &["unable to handle kernel", "unable to handle page fault", "Unable to handle kernel", "kernel NULL pointer dereference", "general protection fault", "Unable to handle", "Internal error: ",
          "Kernel access of bad area", "Kernel attempted to", "double fault: ", "stack segment: ", "Unhandled fault", "Unhandled kernel unaligned access", "Kernel unaligned access", "Oops: ", "Oops [#",
          "Kernel bug detected", "SError Interrupt on CPU", "Unable to handle kernel access", "Unable to handle fault"],
        "the kernel touched an address it must not", "arch/*/mm/fault.c"),
    rule("R82", EventKind::Hardware, &["Machine Check Exception", "Machine check", "[Hardware Error]: CPU", "mce: Uncorrected hardware", "Memory failure: 0x", "MCE: Killing"],
        "the machine reports an error of its own", "arch/x86/kernel/cpu/mce, drivers/acpi/apei"),
    rule("R83", EventKind::Warning, &["WARNING: ", "BUG: using smp_processor_id() in preemptible", "BUG: using __this_cpu"],
        "an assertion that is not fatal failed; often printed once only", "lib/bug.c, kernel/panic.c"),
    rule("R85", EventKind::Panic, &["Kernel panic - not syncing"], "the kernel gave up", "kernel/panic.c"),
    rule("W37", EventKind::NetdevReference, &["unregister_netdevice: waiting for"],
        "somebody keeps a reference to the network device", "net/core/dev.c"),
    rule("R85", EventKind::UserSegfault, &["segfault at "], "a user program faulted", "arch/x86/mm/fault.c"),
    rule("R85", EventKind::FileSystem,
        &["EXT4-fs error", "Metadata corruption detected", "Corruption of in-memory data", "BTRFS critical", "BTRFS: error", "BTRFS error", "Remounting filesystem read-only", "Internal error "],
        "a file system found data it does not believe", "fs/*"),
    rule("R85", EventKind::Device,
        &["I/O error, dev", "blk_update_request: ", "Buffer I/O error", "rejecting I/O to", "timeout, aborting", "timeout, reset controller", "timeout, completion polled", "timeout, disable controller",
          "controller is down; will reset", "Card not present", ": Link Down", "exception Emask", "hard resetting link", "NETDEV WATCHDOG", "Detected Tx Unit Hang", "GPU HANG", "not responding, still trying",
          "not responding, timed out", "has not responded in", "severity=Uncorrected", "Device offlined", "device offline error", "task abort", "abort_command", "nvme_timeout", "Disabling device after reset failure",
          "host reset", "bus reset", "lost connection to", "Adapter firmware error", "firmware crashed", "QID 0 timeout", "tx timeout", "transmit queue", "remote processor is crashed", "irq timeout", "command timeout", "timed out, waited"],
        "a device or its link failed, timed out or was reset", "drivers/*"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_an_anchor_a_meaning_and_a_source() {
        for row in EVENT_RULES {
            assert!(!row.anchors.is_empty() && !row.meaning.is_empty() && !row.source.is_empty(), "{}", row.id);
            assert!(row.anchors.iter().all(|anchor| anchor.len() >= 6), "{}: an anchor is too short", row.id);
        }
    }
}
