//! Who waits for whom: the nodes and edges of a wait graph as values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{LockRef, Ownership, named};
use crate::{CpuId, EventId, Task};

named! {
    /// The kind of a lock that sleeps.
    LockKind {
        /// `struct mutex`, and `ww_mutex`.
        Mutex = "mutex",
        /// `struct rw_semaphore` and its kin, for reading.
        RwsemRead = "rwsem, for reading",
        /// `struct rw_semaphore` and its kin, for writing.
        RwsemWrite = "rwsem, for writing",
        /// `struct percpu_rw_semaphore`.
        PercpuRwsem = "percpu-rwsem",
        /// The freeze protection of a file system.
        SuperblockFreeze = "superblock freeze",
        /// `struct semaphore`.
        Semaphore = "semaphore",
        /// `struct rt_mutex`; on PREEMPT_RT spinlocks too.
        RtMutex = "rt_mutex",
        /// `lock_sock()`.
        Socket = "socket",
        /// `console_lock()`.
        Console = "console",
    }
}

named! {
    /// Something that one party only gives back.
    Resource {
        /// The commit of a jbd2 journal.
        JournalCommit = "journal commit",
        /// A transaction of a jbd2 journal that takes handles.
        JournalTransaction = "journal transaction",
        /// The end of what tasks do with the journal before it can be committed.
        JournalHandles = "open journal handles or I/O",
        /// Room in the XFS log.
        XfsLog = "XFS log",
        /// The commit of a btrfs transaction.
        BtrfsCommit = "btrfs transaction commit",
        /// The lock of a folio, or another of its bits.
        Folio = "folio lock or bit",
        /// A block queue that is frozen.
        FrozenQueue = "queue to be unfrozen",
        /// A time that the task chose itself.
        Delay = "a delay that it asked for itself",
        /// A runtime power change that another task makes.
        PowerChange = "a runtime power change of a device that is under way",
        /// References to a network device.
        NetdevReferences = "references to a network device",
        /// Another lookup of the same name.
        Lookup = "another lookup of the same name",
        /// The end of an eviction, or of the setup of an inode.
        Eviction = "eviction or setup of an inode",
        /// A mount, freeze or thaw of a file system.
        Mount = "mount, freeze or thaw",
        /// Initialisation of a module or device, or a helper of it.
        Initialisation = "initialisation",
        /// The other threads of a process.
        OtherThreads = "other threads",
        /// The end of direct I/O under way on an inode.
        DirectIo = "direct I/O under way on an inode",
    }
}

named! {
    /// What a device is to complete.
    DeviceWork {
        /// Writeback of a page.
        Writeback = "end of writeback",
        /// I/O of a buffer.
        Buffer = "buffer I/O",
        /// I/O of a journal.
        Journal = "journal I/O",
        /// A free request tag, or the end of a throttle.
        RequestTag = "request tag or throttle",
        /// All requests of a queue.
        InFlight = "requests in flight",
        /// A command.
        Command = "command",
        /// A USB transfer.
        Usb = "USB transfer",
        /// An MMC request.
        Mmc = "MMC request",
        /// A DMA fence.
        Fence = "DMA fence",
        /// Writeback or reclaim by flusher and kswapd.
        Reclaim = "writeback or reclaim",
        /// Some I/O.
        Io = "I/O",
    }
}

named! {
    /// What a user program is to do.
    UserWork {
        /// To wake a futex.
        Futex = "futex",
        /// To read, write, answer or end.
        Peer = "peer",
        /// To answer a FUSE request.
        Fuse = "FUSE reply",
    }
}

/// What a task or CPU waits for, as the function tells in which it sleeps or spins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Awaited {
    /// A sleeping lock of that kind.
    Lock(LockKind),
    /// A lock that is spun for.
    SpinLock,
    /// A normal RCU grace period.
    GracePeriod,
    /// An expedited RCU grace period.
    ExpeditedGracePeriod,
    /// A grace period of tasks RCU.
    TasksGracePeriod,
    /// Earlier RCU callbacks.
    Callbacks,
    /// A grace period of an SRCU domain.
    Srcu,
    /// One work item.
    Work,
    /// All items of a workqueue.
    Workqueue,
    /// A work item of a kernel thread of its own (`kthread_worker_fn`).
    KthreadWork,
    /// The end of a kernel thread.
    Kthread,
    /// Every CPU to schedule.
    EveryCpu,
    /// Other CPUs to answer a function call.
    RemoteCpu,
    /// A timer handler that is running.
    Handler,
    /// A CPU hotplug thread to take its step.
    HotplugThread,
    /// Something only a named party releases.
    Resource(Resource),
    /// Completion by a device.
    Device(DeviceWork),
    /// A user program or a peer that one speaks for.
    User(UserWork),
    /// A server over the network.
    Server,
    /// Nothing: the thread is idle.
    Nothing,
    /// A completion of which no rule knows.
    Completion,
    /// The task sleeps in a function that no rule knows.
    Unknown,
}

named! {
    /// The sort of an RCU grace period.
    GracePeriodSort {
        /// Normal.
        Normal = "normal",
        /// Expedited.
        Expedited = "expedited",
        /// Of tasks RCU.
        Tasks = "tasks",
    }
}

/// A node of the wait graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Participant {
    /// A task.
    Task {
        /// It.
        task: Task,
    },
    /// A CPU, with what it was seen doing.
    Cpu {
        /// It.
        cpu: CpuId,
        /// The task there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        function: Option<String>,
    },
    /// A CPU that does not schedule; which one is not told.
    UnnamedCpu,
    /// A CPU that does not answer; which one is not told.
    SilentCpu,
    /// A lock that the log or the source names.
    Lock {
        /// Its class or name, and its address where the log tells it.
        lock: LockRef,
    },
    /// A lock that is known by the function that takes it.
    LockTakenIn {
        /// The function.
        function: String,
        /// Its kind; none for a lock that is spun for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lock: Option<LockKind>,
    },
    /// A lock of which the log shows no more than that a task waits for one.
    UnknownLock {
        /// Its kind; none for a lock that is spun for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lock: Option<LockKind>,
    },
    /// The freeze protection of a file system.
    FreezeProtection,
    /// An RCU grace period.
    GracePeriod {
        /// Its sort.
        sort: GracePeriodSort,
        /// Its number, where a report tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// Whether the log reports it as stalled.
        reported: bool,
    },
    /// A grace period of an SRCU domain.
    Srcu {
        /// The domain, where the source tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
        /// The function that waits for it.
        function: String,
    },
    /// A work item.
    Work {
        /// Its function.
        function: String,
    },
    /// The work item that a function flushes.
    WorkFlushedBy {
        /// The function.
        function: String,
    },
    /// A workqueue by its name.
    Workqueue {
        /// The name.
        name: String,
    },
    /// The workqueue that a function flushes.
    WorkqueueFlushedBy {
        /// The function.
        function: String,
    },
    /// The work item of a kernel thread that a function flushes.
    KthreadWorkFlushedBy {
        /// The function.
        function: String,
    },
    /// The end of the kernel thread that a function stops.
    KthreadStoppedBy {
        /// The function.
        function: String,
    },
    /// The timer handler that a function waits for.
    HandlerAwaitedBy {
        /// The function.
        function: String,
    },
    /// A step of the cpuhp thread.
    HotplugStep,
    /// RCU softirqs of a CPU, which are not executed.
    Softirq {
        /// The CPU.
        cpu: CpuId,
    },
    /// A timer of a CPU.
    Timer {
        /// The CPU, where named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<CpuId>,
    },
    /// Time on a CPU.
    CpuTime {
        /// The CPU, where named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<CpuId>,
    },
    /// Whatever runs on a CPU.
    Occupant {
        /// The CPU, where named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<CpuId>,
    },
    /// Something that one party only gives back.
    Resource {
        /// What.
        resource: Resource,
    },
    /// A device.
    Device {
        /// What it is to complete.
        work: DeviceWork,
    },
    /// A user program.
    User {
        /// What it is to do.
        work: UserWork,
    },
    /// A server or the network.
    Server,
    /// Whatever a function waits for of which no rule knows.
    AwaitedIn {
        /// The function.
        function: String,
    },
}

named! {
    /// How the stack of a task shows that it may end what others wait for.
    Release {
        /// It commits the btrfs transaction.
        CommitsTransaction = "commits_transaction",
        /// It commits the journal.
        CommitsJournal = "commits_journal",
        /// It froze the queue.
        FrozeQueue = "froze_queue",
        /// It is a kernel thread inside a work item.
        RunsKthreadWork = "runs_kthread_work",
        /// It is the hotplug thread inside a callback.
        RunsHotplugCallback = "runs_hotplug_callback",
        /// It works on an SRCU grace period.
        WorksOnSrcu = "works_on_srcu",
        /// It would thaw the file system.
        WouldThaw = "would_thaw",
        /// It runs work of that queue.
        RunsWorkOfQueue = "runs_work_of_queue",
        /// The CPU takes no interrupts.
        TakesNoInterrupts = "takes_no_interrupts",
        /// It has a folio locked.
        HasFolioLocked = "has_folio_locked",
        /// It is inside a runtime power change.
        InPowerChange = "in_power_change",
        /// It has a journal handle open.
        HasHandleOpen = "has_handle_open",
        /// It evicts an inode.
        EvictsInode = "evicts_inode",
        /// It does direct I/O.
        DoesDirectIo = "does_direct_io",
    }
}

/// Why one node of the wait graph waits for the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WaitsFor {
    /// Its stack shows it asleep, or spinning.
    Stack {
        /// For what.
        awaited: Awaited,
        /// Function in which it waits.
        function: String,
        /// Function that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller: Option<String>,
    },
    /// The kernel names the likely holder.
    Named {
        /// How it puts it.
        how: Ownership,
    },
    /// A list of held locks shows the lock with the task.
    Listed {
        /// Function that took it.
        function: String,
    },
    /// The task is inside of a function that holds the lock, or past the place where the waiter asks for it.
    Inside {
        /// The function.
        function: String,
        /// The source tells that the lock is held there.
        certain: bool,
    },
    /// The task took the lock itself before.
    Itself {
        /// Function that took it.
        function: String,
    },
    /// An earlier report of lockdep recorded that order.
    RecordedOrder {
        /// The report.
        event: EventId,
    },
    /// The task's stack shows that it may end the wait.
    Releases {
        /// How.
        release: Release,
    },
    /// A grace period needs a quiescent state of the CPU.
    QuiescentState,
    /// A grace period needs the reader to leave its section.
    ReaderSection,
    /// A grace period needs its thread.
    GracePeriodThread,
    /// The thread needs its timer to fire.
    TimerToFire,
    /// The CPU does not execute its RCU softirqs.
    SoftirqNotRun,
    /// The thread needs time on the CPU.
    CpuTime,
    /// The task was seen on the CPU.
    SeenOnCpu,
    /// Nothing shows what runs on the CPU.
    NotShown,
    /// The CPU is to answer a function call.
    FunctionCall,
    /// The task flushes the work item: its barrier stands behind it.
    Barrier,
    /// The worker executes the work item.
    Worker,
    /// It is the only other CPU reported as stuck.
    OnlyOtherStuck,
    /// It alone of those reported is not in the stopper.
    AbsentFromStopper,
}

impl WaitsFor {
    /// What a stack waits for.
    pub const fn awaited(&self) -> Option<Awaited> {
        match self {
            Self::Stack { awaited, .. } => Some(*awaited),
            _ => None,
        }
    }
}
