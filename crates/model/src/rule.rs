//! The one registry of rules: every id that a statement may cite, what it means and where that comes from.
//!
//! Ids are variants, so a statement cannot cite a rule that is not here. A test of the workspace
//! (`cargo xtask tidy`) checks that each id is named by a test.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes the enum, its table and the ways between them.
macro_rules! registry {
    ($($id:ident: $meaning:literal, $source:literal;)+) => {
        /// The identifier of a rule, printed as `R13`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = $meaning] $id,)+
        }

        /// Every rule, in the order of ids.
        pub const RULES: &[Rule] = &[
            $(Rule { id: RuleId::$id, name: stringify!($id), meaning: $meaning, source: $source },)+
        ];
    };
}

/// One row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// The id as printed.
    pub name: &'static str,
    /// What a line of that kind means.
    pub meaning: &'static str,
    /// Where the kernel prints it or defines it, with the release where it began, where that is known.
    pub source: &'static str,
}

impl RuleId {
    /// Its row.
    pub const fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.rule().name)
    }
}

impl Serialize for RuleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.rule().name)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for RuleId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RuleId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A text that names no rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no rule")]
pub struct UnknownRule(pub String);

impl FromStr for RuleId {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let found = RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(text));
        found.map(|rule| rule.id).ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

registry! {
    // Events: what a line or block of the console means.
    R01: "a grace period does not end; the CPU that prints found itself among the holdouts", "kernel/rcu/tree_stall.h";
    R02: "another CPU found the stall; it is a witness unless the grace period waits for it or for a thread that ran there", "kernel/rcu/tree_stall.h";
    R03: "the flags of a holdout CPU: offline, absent at the start, coming online, irq-work pending", "kernel/rcu/tree_stall.h print_cpu_stall_info; the fourth flag from 4.15";
    R04: "ticks that a holdout CPU took in this grace period; none means that its tick or its interrupts are off", "kernel/rcu/tree_stall.h";
    R05: "a holdout CPU has not noticed the newest grace period: no RCU core work runs there", "kernel/rcu/tree_stall.h";
    R06: "idle= says whether RCU watches the CPU; which bit tells depends on the release", "kernel/rcu/tree_stall.h; bit 0 to 4.11, bit 1 to 5.13, bit 0 to 6.0, bit 2 from 6.1";
    R07: "RCU softirqs that ran on a holdout CPU since the grace period it last saw", "kernel/rcu/tree_stall.h";
    R08: "scans for quiescent states since the grace period began; many of them mean that its thread works", "kernel/rcu/tree_stall.h";
    R09: "age and number of a grace period; from 4.19 the two low bits of the number are its phase", "kernel/rcu/tree_stall.h, kernel/rcu/rcu.h";
    R10: "two reports with one grace period's number are one stall; jiffies against the clock give HZ", "kernel/rcu/tree_stall.h";
    R11: "the age of a first report against the stall timeout", "kernel/rcu/tree_stall.h rcu_jiffies_till_stall_check";
    R12: "the stall ended before its stacks were dumped", "kernel/rcu/tree_stall.h";
    R13: "the grace-period thread did not run for that long", "kernel/rcu/tree_stall.h";
    R14: "the scheduler state of a starved grace-period thread tells whether it is runnable or was not woken", "kernel/rcu/tree_stall.h";
    R16: "the kernel suspects that the thread's timer was not handled", "kernel/rcu/tree_stall.h; from about 5.12";
    R18: "the stack of the CPU on which the grace-period thread last ran", "kernel/rcu/tree_stall.h; from about 5.12";
    R19: "a task is the holdout: depth of its reader sections and flags", "kernel/rcu/tree_stall.h rcu_print_task_stall";
    R20: "what a reader that blocks a grace period does: runs, sleeps, or idles with a leaked section", "kernel/rcu/tree_stall.h";
    R21: "the depth of a reader section grows between reports: the leak repeats", "kernel/rcu/tree_stall.h";
    R22: "all quiescent states were seen: the thread or its timer is at fault", "kernel/rcu/tree_stall.h";
    R23: "a CPU ignores the request for an expedited quiescent state, or a task stays in a reader", "kernel/rcu/tree_exp.h";
    R25: "a task never switches voluntarily", "kernel/rcu/tasks.h";
    R26: "a task slept while counted as an RCU reader", "kernel/rcu/tree_plugin.h; printed once";
    R27: "RCU-protected data was used outside a reader section", "kernel/locking/lockdep.c lockdep_rcu_suspicious";
    R30: "a task slept uninterruptibly for that long", "kernel/hung_task.c";
    R31: "the header of a task's stack: name, state, pid", "kernel/sched/core.c sched_show_task";
    R32: "the kernel names the likely holder of the lock", "kernel/hung_task.c; mutexes from 6.15";
    R33: "the locks that a task holds; the last one may be the one it waits for", "kernel/locking/lockdep.c lockdep_print_held_locks";
    R34: "further hung task reports are suppressed", "kernel/hung_task.c";
    R35: "several tasks wait for one lock", "kernel/hung_task.c";
    R40: "a CPU ran kernel code without scheduling, with interrupts enabled", "kernel/watchdog.c";
    R41: "a CPU took no interrupts", "kernel/watchdog.c, arch/powerpc/kernel/watchdog.c";
    R43: "one CPU waits for another that does not answer its function call", "kernel/smp.c csd_lock_wait_toolong";
    R44: "a worker pool makes no progress", "kernel/workqueue.c show_one_worker_pool";
    R45: "a work function used a CPU for long", "kernel/workqueue.c; from 6.5";
    R46: "a work function returned with a lock, atomic or RCU section held", "kernel/workqueue.c process_one_work";
    R47: "a handler took that many nanoseconds; no share of CPU time", "kernel/events/core.c, arch/x86/kernel/nmi.c";
    R48: "an interrupt that no handler took for its own kept coming, and was switched off", "kernel/irq/spurious.c __report_bad_irq";
    R50: "locks are taken in orders that can deadlock: a possible cycle, not one that happened", "kernel/locking/lockdep.c";
    R51: "a lock class is taken while one of the class is held", "kernel/locking/lockdep.c";
    R52: "a lock is used both with interrupts enabled and in an interrupt", "kernel/locking/lockdep.c";
    R53: "a sleeping lock is taken where none may be", "kernel/locking/lockdep.c print_lock_invalid_wait_context";
    R54: "a lock is leaked, freed while held, released by a stranger or never initialised", "kernel/locking/lockdep.c";
    R55: "lockdep is off: its later silence is not health", "kernel/locking/lockdep.c debug_locks_off";
    R60: "a function that may sleep was called where sleeping is forbidden", "kernel/sched/core.c __might_resched";
    R61: "the scheduler was entered with preemption off", "kernel/sched/core.c __schedule_bug";
    R70: "no page was found for a request", "mm/page_alloc.c warn_alloc";
    R71: "the OOM killer ran; its victim is not the culprit", "mm/oom_kill.c";
    R72: "the echo of a failed allocation in a page fault, no kill", "mm/oom_kill.c pagefault_out_of_memory";
    R73: "free blocks by order and migrate type, watermarks, what the pages are used for", "mm/show_mem.c, mm/page_alloc.c to 6.2";
    R80: "memory used outside its bounds or life, with the object's history", "mm/kasan/report.c";
    R81: "another sanitizer or debug check found memory, an object or a count in a wrong state", "mm/kfence, mm/kmsan, kernel/kcsan, lib/ubsan.c, lib/refcount.c, lib/list_debug.c, mm/slub.c";
    R82: "the kernel trapped: it touched what it must not, or an assertion failed", "arch/*/mm/fault.c, arch/*/kernel/traps.c";
    R83: "an assertion that is not fatal failed; often printed once only", "lib/bug.c, kernel/panic.c";
    R84: "taint flags and the kernel's version: what happened before, and whether the tree is modified", "kernel/panic.c print_tainted";
    R85: "a device, file system or program reports a failure of its own, or messages are lost", "drivers/*, fs/*, kernel/printk";
    R86: "the kernel panicked", "kernel/panic.c";
    R87: "CPU, task and context of a report", "lib/dump_stack.c dump_stack_print_info";
    R88: "a frame of the report's stack", "arch/*/kernel/dumpstack.c, kernel/stacktrace.c";
    R89: "a crash report of a family that has no rule of its own: its own words say what it is", "the families of reports that are read; each names its place in the kernel";

    // Waits: the function in which a task sleeps, and who ends the wait.
    W01: "__mutex_lock: its owner", "kernel/locking/mutex.c";
    W02: "rwsem_down_write: all holders", "kernel/locking/rwsem.c";
    W03: "rwsem_down_read: the writer, or a queued writer ahead", "kernel/locking/rwsem.c";
    W04: "percpu_down_write in rcu_sync_enter: a grace period", "kernel/locking/percpu-rwsem.c, kernel/rcu/sync.c";
    W05: "percpu_down_write: its readers, or the writer ahead", "kernel/locking/percpu-rwsem.c";
    W06: "__percpu_down_read: the task in percpu_down_write", "kernel/locking/percpu-rwsem.c";
    W07: "__down: any up()", "kernel/locking/semaphore.c";
    W08: "rt_mutex_slowlock, rtlock_slowlock: its owner; spinlocks of PREEMPT_RT too", "kernel/locking/rtmutex.c";
    W10: "synchronize_rcu: CPUs and readers that the grace period waits for, and its thread", "kernel/rcu/tree.c";
    W11: "synchronize_rcu_expedited: CPUs and readers that the expedited grace period waits for", "kernel/rcu/tree_exp.h";
    W12: "rcu_barrier: the grace period and the callback threads", "kernel/rcu/tree.c";
    W13: "synchronize_srcu: the domain's readers and its process_srcu worker", "kernel/rcu/srcutree.c";
    W14: "process_srcu in synchronize_rcu: the grace period that fast SRCU readers need", "kernel/rcu/srcutree.c; from 6.15";
    W15: "synchronize_rcu_tasks: tasks that never switch voluntarily", "kernel/rcu/tasks.h";
    W16: "flush_work, cancel_work_sync: the worker that runs the item", "kernel/workqueue.c";
    W17: "flush_workqueue, drain_workqueue: the workers of that queue", "kernel/workqueue.c";
    W18: "kthread_stop, kthread_park: that kernel thread", "kernel/kthread.c";
    W19: "stop_one_cpu, multi_cpu_stop: a CPU that does not schedule", "kernel/stop_machine.c";
    W20: "smp_call_function_many_cond: a CPU that takes no interrupts", "kernel/smp.c";
    W21: "timer_delete_sync, hrtimer_cancel: the CPU that runs the handler", "kernel/time/timer.c, kernel/time/hrtimer.c";
    W22: "jbd2_log_wait_commit: the jbd2 thread of that device", "fs/jbd2/journal.c";
    W23: "start_this_handle: jbd2 and tasks with open handles", "fs/jbd2/transaction.c";
    W24: "jbd2_journal_commit_transaction: tasks inside handles, the disk", "fs/jbd2/commit.c";
    W25: "xlog_grant_head_wait: the AIL pusher and log I/O", "fs/xfs/xfs_log.c";
    W26: "wait_current_trans: the committer", "fs/btrfs/transaction.c";
    W27: "folio_wait_bit_common: the locker of the folio, or read I/O", "mm/filemap.c";
    W28: "folio_wait_writeback: the device", "mm/page-writeback.c";
    W29: "__wait_on_buffer: the device", "fs/buffer.c";
    W30: "blk_mq_get_tag, rq_qos_wait: completions of earlier requests", "block/blk-mq-tag.c, block/blk-rq-qos.c";
    W31: "blk_mq_freeze_queue_wait, blk_queue_enter: completion of requests, or whoever froze the queue", "block/blk-mq.c, block/blk-core.c";
    W32: "submit_bio_wait, usb_start_wait_urb, mmc_wait_for_req, dma_fence_wait: the device or its driver", "block/bio.c, drivers/usb/core, drivers/mmc/core, drivers/dma-buf";
    W33: "balance_dirty_pages, throttle_direct_reclaim: the flusher and kswapd", "mm/page-writeback.c, mm/vmscan.c";
    W34: "futex_wait: a thread of user space", "kernel/futex";
    W35: "pipe_read, pipe_write: the peer; no hang", "fs/pipe.c";
    W36: "inode_dio_wait: tasks that do direct I/O on that inode", "fs/inode.c, fs/iomap/direct-io.c, fs/direct-io.c";
    W37: "unregister_netdevice: somebody keeps a reference to the device", "net/core/dev.c";
    W38: "lock_sock: the user of the socket", "net/core/sock.c";
    W39: "request_wait_answer: the FUSE daemon", "fs/fuse/dev.c";
    W40: "rpc_wait_bit_killable: the server or the network", "net/sunrpc/sched.c";
    W41: "d_alloc_parallel: the first looker", "fs/dcache.c";
    W42: "__wait_on_freeing_inode: the task that evicts it", "fs/inode.c";
    W43: "a frozen or unmounting file system: whoever thaws or unmounts it", "fs/super.c";
    W45: "async_synchronize, wait_for_device_probe: the async worker, loader or helper", "kernel/async.c, drivers/base/dd.c";
    W46: "cpuhp_kick_ap, cpus_read_lock: CPU hotplug", "kernel/cpu.c";
    W47: "a lock known by the function that takes it", "the source of the kernel that printed the log";
    W48: "console_lock: a slow printer", "kernel/printk/printk.c";
    W49: "coredump_wait: the other threads", "fs/coredump.c";
    W50: "the thread is idle and waits for nobody", "the main loops of kernel threads";
    W51: "a wait that no rule knows", "none: what is awaited stays unknown";
    W52: "msleep and its kin: its own timer", "kernel/time/sleep_timeout.c";
    W53: "rpm_resume, rpm_suspend: the task that runs the device's callback", "drivers/base/power/runtime.c";

    // Registers, faults and code bytes.
    X01: "registers saved at a system call: number and arguments are fixed by the ABI", "syscall tables of each architecture; man 2 syscall";
    X02: "a poison value: the pattern tells who wrote it", "include/linux/poison.h";
    X03: "an address within one page of 0: NULL plus the offset of a member", "the first page is never mapped";
    X04: "no address of this architecture: the pointer was overwritten or computed from garbage", "Documentation/arch/x86/x86_64/mm.rst";
    X05: "an address inside the KASAN shadow stands for another address: shadow = (address >> scale) + offset", "KASAN_SHADOW_OFFSET of each architecture";
    X06: "the marked byte of a Code: line begins the instruction that faulted or was about to run", "arch/x86/kernel/dumpstack.c show_opcodes, scripts/decodecode";
    X07: "each bit or number of a fault's code has an architected meaning", "architecture manuals; arch/*/mm/fault.c";
    X08: "segfault at A ip I sp S error N in FILE: the offset finds the instruction in FILE", "arch/x86/mm/fault.c show_signal_msg";
    X09: "the saved flags tell whether interrupts were enabled at the time of the trap", "EFLAGS.IF, PSTATE.I, CPSR.I, sstatus.SPIE, PSW, Status.IE, MSR.EE";
    X10: "the faulting operand and the registers: which register held the bad pointer", "arithmetic on X06 and the register dump";
    X11: "a function with an offset leads to file and line by the debug information of the very kernel: of a return address the call before it", "DWARF; lib/vsprintf.c %pB; scripts/decode_stacktrace.sh";
    X12: "the guilty file is the first of the stack that holds no helpers, detectors or common paths", "measured on published reports with the file that was blamed";

    // Audits of bisections.
    A01: "the named commit's kernel is its parent's, byte for byte: it cannot change what runs", "arithmetic on the runs and signatures of the log";
    A02: "nothing that the named commit changes is in a kernel image", "arithmetic on the runs and signatures of the log";
    A03: "the named commit changes the version number of a release and nothing else", "arithmetic on the runs and signatures of the log";
    A04: "the named commit is a merge", "measured on 381 labelled bisections (docs/audit.md)";
    A05: "the named commit was not tested", "measured on 381 labelled bisections (docs/audit.md)";
    A06: "the named kernel shows the function of a wanted title by another kind of crash", "measured on 381 labelled bisections (docs/audit.md)";
    A07: "the named kernel shows no wanted title", "measured on 381 labelled bisections (docs/audit.md)";
    A08: "the named kernel crashes less often than the start commit", "measured on 381 labelled bisections (docs/audit.md)";
    A09: "one crashing run decides", "measured on 381 labelled bisections (docs/audit.md)";
    A10: "the more releases a search walks back, the more chances to take another crash for the wanted one", "measured on 381 labelled bisections (docs/audit.md)";
    A11: "an assertion is often younger or older than the bug it catches", "measured on 381 labelled bisections (docs/audit.md)";
    A12: "a change of a checker may show a crash rather than bring it", "measured on 381 labelled bisections (docs/audit.md)";
    A13: "the named commit touches a file of the last trace, or nothing of it", "measured on 381 labelled bisections (docs/audit.md)";
    A14: "the named commit touches a directory of the trace", "measured on 381 labelled bisections (docs/audit.md)";
    A15: "a bad verdict rests on a crash that the start commit never shows", "measured on 381 labelled bisections (docs/audit.md)";
    A16: "the log lists trees, not files", "measured on 381 labelled bisections (docs/audit.md)";
    A17: "the search ends with several commits, since those between cannot be tested", "git bisect and the logs of syzbot";
    A18: "the oldest release tried still crashes", "git bisect and the logs of syzbot";
    A19: "the search broke off", "git bisect and the logs of syzbot";
    A20: "the log ends without an answer", "git bisect and the logs of syzbot";
    A21: "verdicts without runs cannot be judged", "git bisect and the logs of syzbot";
    A22: "the start commit shows several bugs", "arithmetic on the runs and signatures of the log";
    A23: "a commit was told to git as good and as bad", "git bisect and the logs of syzbot";
    A24: "two tests of one kernel have opposite verdicts", "arithmetic on the runs and signatures of the log";
    A25: "the last tested commit that shows a bug bounds it", "arithmetic on the runs and signatures of the log";
    A26: "no tested commit below the start shows a bug", "arithmetic on the runs and signatures of the log";
    A27: "a crash in every run can hide another one", "arithmetic on the runs and signatures of the log";
    A28: "tests that show a bug and tests that do not bracket it", "arithmetic on the runs and signatures of the log";
    A29: "no run of the named commit shows the bug", "arithmetic on the runs and signatures of the log";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_leads_to_its_own_row_and_back_from_its_name() {
        for rule in RULES {
            assert_eq!(rule.id.rule().name, rule.name);
            assert_eq!(rule.name.parse(), Ok(rule.id));
            assert!(!rule.meaning.is_empty() && !rule.source.is_empty(), "{}", rule.name);
        }
        assert!("R00".parse::<RuleId>().is_err());
    }
}
