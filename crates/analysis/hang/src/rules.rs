//! The table of events: by which text each is known, what it means, where that comes from. A new
//! kind of report is one row here, a kind in [`crate::event::EventKind`] and a sample in the tests.

use model::RuleId;

use crate::event::EventKind;

/// One row: texts by which a line is recognised. What such a line means says the registry of rules.
#[derive(Clone, Copy, Debug)]
pub struct EventRule {
    /// The rule that statements cite.
    pub id: RuleId,
    /// The kind of event.
    pub kind: EventKind,
    /// A line that contains one of these texts begins the event (or adds to an open one).
    pub anchors: &'static [&'static str],
}

const fn rule(id: RuleId, kind: EventKind, anchors: &'static [&'static str]) -> EventRule {
    EventRule { id, kind, anchors }
}

/// The rule of a kind of event.
pub(crate) fn of(kind: EventKind) -> RuleId {
    // The line that names a lock's holder is no event of its own.
    let row = EVENT_RULES.iter().rfind(|row| row.kind == kind);
    // What no row begins is known by its family of reports.
    row.map_or(RuleId::R89, |row| row.id)
}

/// Rows in order of precedence: where a line has anchors of several rows, the first row counts.
pub const EVENT_RULES: &[EventRule] = &[
    rule(
        RuleId::R13,
        EventKind::RcuKthreadStarved,
        &["kthread starved for", "kthread timer wakeup didn't happen for"],
    ),
    rule(RuleId::R23, EventKind::RcuExpeditedStall, &["detected expedited stalls on CPUs/tasks"]),
    rule(
        RuleId::R25,
        EventKind::RcuTasksStall,
        &[
            "detected stalls on tasks:",
            "rcu_tasks_trace detected stalls",
            "rcu_tasks detected stalls",
        ],
    ),
    rule(
        RuleId::R01,
        EventKind::RcuStall,
        &["self-detected stall on CPU", "detected stalls on CPUs/tasks", "detected stall on CPU"],
    ),
    rule(
        RuleId::R26,
        EventKind::RcuVoluntarySwitch,
        &["Voluntary context switch within RCU read-side critical section"],
    ),
    rule(RuleId::R27, EventKind::RcuUsage, &["suspicious RCU usage", "suspicious rcu_dereference"]),
    rule(
        RuleId::R32,
        EventKind::HungTasks,
        &["is blocked on a mutex", "blocked on a semaphore", "blocked on an rw-semaphore"],
    ),
    rule(
        RuleId::R30,
        EventKind::HungTasks,
        &[
            "blocked for more than",
            "blocked in I/O wait for more than",
            "hung_task_timeout_secs\"",
            "t die for more than",
            "INFO: task ",
        ],
    ),
    rule(RuleId::R40, EventKind::SoftLockup, &["BUG: soft lockup", "soft lockup - CPU#"]),
    rule(
        RuleId::R41,
        EventKind::HardLockup,
        &[
            "detected hard LOCKUP",
            "Watchdog detected LOCKUP",
            // powerpc, before 4.16 and since.
            "Watchdog CPU:",
            "watchdog: CPU ",
        ],
    ),
    rule(RuleId::R43, EventKind::CsdLock, &["Detected non-responsive CSD lock"]),
    rule(RuleId::R44, EventKind::WorkqueueLockup, &["BUG: workqueue lockup"]),
    rule(RuleId::R46, EventKind::WorkqueueLeak, &["BUG: workqueue leaked"]),
    rule(RuleId::R45, EventKind::WorkqueueHog, &["hogged CPU for"]),
    rule(
        RuleId::R47,
        EventKind::SlowInterrupt,
        &["interrupt took too long (", "INFO: NMI handler (", "NMI handler ("],
    ),
    rule(RuleId::R48, EventKind::Irq, &["nobody cared (try booting"]),
    rule(
        RuleId::R50,
        EventKind::LockdepCircular,
        &["possible circular locking dependency detected"],
    ),
    rule(RuleId::R51, EventKind::LockdepRecursive, &["possible recursive locking detected"]),
    rule(
        RuleId::R52,
        EventKind::LockdepInterrupt,
        &[
            "inconsistent lock state",
            "IRQ-safe -> SOFTIRQ-unsafe",
            "IRQ-safe -> HARDIRQ-unsafe",
            "-safe -> ",
            "possible irq lock inversion",
            "irq lock inversion dependency",
        ],
    ),
    rule(RuleId::R53, EventKind::LockdepWaitContext, &["Invalid wait context"]),
    rule(
        RuleId::R54,
        EventKind::LockdepOwnership,
        &[
            "bad unlock balance detected",
            "held lock freed!",
            "lock held when returning to user space",
            "locks held when returning to user space",
            "nested lock was not taken",
            "still has locks held",
            "trying to register non-static key",
        ],
    ),
    rule(RuleId::R60, EventKind::SleepInAtomic, &["sleeping function called from invalid context"]),
    rule(RuleId::R61, EventKind::ScheduleInAtomic, &["BUG: scheduling while atomic"]),
    rule(RuleId::R70, EventKind::AllocationFailure, &["page allocation failure"]),
    rule(
        RuleId::R71,
        EventKind::OutOfMemory,
        &["invoked oom-killer", "Out of memory: Kill", "Memory cgroup out of memory: Kill"],
    ),
    rule(RuleId::R72, EventKind::FaultOomLeaked, &["VM_FAULT_OOM leaked out"]),
    rule(RuleId::R80, EventKind::Kasan, &["BUG: KASAN:", "BUG: KASAN "]),
    rule(RuleId::R81, EventKind::Kfence, &["BUG: KFENCE:"]),
    rule(RuleId::R81, EventKind::Kmsan, &["BUG: KMSAN:"]),
    rule(RuleId::R81, EventKind::Kcsan, &["BUG: KCSAN:"]),
    rule(RuleId::R81, EventKind::Ubsan, &["UBSAN: ", "UBSAN:"]),
    rule(RuleId::R81, EventKind::Refcount, &["refcount_t: "]),
    rule(
        RuleId::R81,
        EventKind::Corruption,
        &[
            "list_add corruption",
            "list_del corruption",
            "list_add double add",
            "BUG: Bad page",
            "BUG: Bad rss-counter",
            "Redzone overwritten",
            "Poison overwritten",
            "Object already free",
            "Freepointer corrupt",
            "Freechain corrupt",
            "Padding overwritten",
            "corrupted stack end",
            "stack-protector: Kernel stack is corrupted",
            "ODEBUG: ",
            "Right Redzone",
            "Left Redzone",
            "VFS: Busy inodes after unmount",
            "BUG: bad usercopy",
            "usercopy: Kernel memory",
        ],
    ),
    rule(RuleId::R81, EventKind::MemoryLeak, &["unreferenced object 0x", "BUG: memory leak"]),
    rule(
        RuleId::R82,
        EventKind::SpinlockLockup,
        &[
            "BUG: spinlock lockup",
            "BUG: spinlock recursion",
            "BUG: spinlock cpu recursion",
            "BUG: rwlock lockup",
            "BUG: rwlock recursion",
            "BUG: rwlock cpu recursion",
        ],
    ),
    rule(RuleId::R82, EventKind::SpinlockBug, &["BUG: spinlock ", "BUG: rwlock ", "BUG: rtmutex "]),
    rule(
        RuleId::R82,
        EventKind::StackOverflow,
        &[
            "stack guard page was hit",
            "kernel stack overflow",
            "Kernel stack overflow",
            "Insufficient stack space to handle exception",
        ],
    ),
    rule(
        RuleId::R82,
        EventKind::KernelBug,
        &[
            "kernel BUG at",
            "divide error: ",
            "invalid opcode: ",
            "Oops - BUG",
            "Oops: invalid opcode",
            "Oops: divide error",
            "monitor event",
            "Unexpected kernel BRK exception",
            "illegal operation: ",
        ],
    ),
    rule(
        RuleId::R82,
        EventKind::Fault,
        &[
            "unable to handle kernel",
            "unable to handle page fault",
            "Unable to handle kernel",
            "kernel NULL pointer dereference",
            // powerpc
            "BUG: Kernel NULL pointer dereference",
            "general protection fault",
            "Unable to handle",
            "Internal error: ",
            "Kernel access of bad area",
            "Kernel attempted to",
            "double fault: ",
            "PANIC: double fault",
            "stack segment: ",
            "Unhandled fault",
            "Unhandled kernel unaligned access",
            "Kernel unaligned access",
            "Oops: ",
            "Oops [#",
            "Kernel bug detected",
            "SError Interrupt on CPU",
            "Unable to handle kernel access",
            "Unable to handle fault",
            // PA-RISC
            "Kernel Fault: Code=",
            "Kernel fault: Code=",
            // s390
            "program exception: ",
            "addressing exception: ",
            "protection exception: ",
            "specification exception: ",
            "data exception: ",
            "operand exception: ",
            "execute exception: ",
            "privileged operation: ",
            "Low-address protection: ",
        ],
    ),
    rule(
        RuleId::R82,
        EventKind::Hardware,
        &[
            "Machine Check Exception",
            "Machine check",
            "[Hardware Error]: CPU",
            "mce: Uncorrected hardware",
            "Memory failure: 0x",
            "MCE: Killing",
            "Hardware error from APEI",
        ],
    ),
    rule(
        RuleId::R83,
        EventKind::Warning,
        &[
            "WARNING: ",
            "BUG: using smp_processor_id() in preemptible",
            "BUG: using __this_cpu",
            // arch/x86/mm/extable.c
            "unchecked MSR access error: ",
        ],
    ),
    rule(RuleId::R86, EventKind::Panic, &["Kernel panic - not syncing"]),
    rule(RuleId::W37, EventKind::NetdevReference, &["unregister_netdevice: waiting for"]),
    rule(RuleId::R85, EventKind::UserSegfault, &["segfault at "]),
    rule(
        RuleId::R85,
        EventKind::FileSystem,
        &[
            "EXT4-fs error",
            "Metadata corruption detected",
            "Corruption of in-memory data",
            "BTRFS critical",
            "BTRFS: error",
            "BTRFS error",
            "Remounting filesystem read-only",
            "Internal error ",
        ],
    ),
    rule(
        RuleId::R85,
        EventKind::Device,
        &[
            "I/O error, dev",
            "FAILED Result: hostbyte=",
            "Device not ready; aborting",
            "blk_update_request: ",
            "Buffer I/O error",
            "timeout, aborting",
            "timeout, reset controller",
            "timeout, completion polled",
            "timeout, disable controller",
            "controller is down; will reset",
            ": Link Down",
            "exception Emask",
            "hard resetting link",
            "NETDEV WATCHDOG",
            "Detected Tx Unit Hang",
            "GPU HANG",
            "not responding, still trying",
            "not responding, timed out",
            "has not responded in",
            "severity=Uncorrected",
            "Device offlined",
            "task abort",
            "abort_command",
            "nvme_timeout",
            "Disabling device after reset failure",
            "host reset",
            "bus reset",
            "lost connection to",
            "Adapter firmware error",
            "firmware crashed",
            "QID 0 timeout",
            "tx timeout",
            "transmit queue",
            "remote processor is crashed",
            "irq timeout",
            "command timeout",
            "timed out, waited",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_anchors_that_are_long_enough() {
        for row in EVENT_RULES {
            assert!(!row.anchors.is_empty(), "{}", row.id);
            assert!(
                row.anchors.iter().all(|anchor| anchor.len() >= 6),
                "{}: an anchor is too short",
                row.id
            );
        }
    }
}
