//! Arguments of predicates that are one of a few things.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CpuId, Task};

/// Gives an enum the names under which it is printed and stored, and the way back.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of its declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use named;

named! {
    /// What kind of failure a report tells of.
    FaultKind {
        /// NULL pointer dereference, with or without the offset of a member.
        NullPointer = "null_pointer_dereference",
        /// A non-canonical or otherwise forbidden address.
        GeneralProtection = "general_protection_fault",
        /// A page that is not mapped (not near NULL).
        PageFault = "page_fault",
        /// The kernel touched user memory without permission.
        UserMemoryAccess = "user_memory_access",
        /// An address that KASAN knows nothing of.
        WildMemoryAccess = "wild_memory_access",
        /// Use of a freed object.
        UseAfterFree = "use_after_free",
        /// Beyond a slab object.
        SlabOutOfBounds = "slab_out_of_bounds",
        /// Beyond an object on the stack.
        StackOutOfBounds = "stack_out_of_bounds",
        /// Beyond a global object.
        GlobalOutOfBounds = "global_out_of_bounds",
        /// Beyond a vmalloc area.
        VmallocOutOfBounds = "vmalloc_out_of_bounds",
        /// Out of bounds; of what is not said.
        OutOfBounds = "out_of_bounds",
        /// An object freed twice.
        DoubleFree = "double_free",
        /// An address freed that begins no object.
        InvalidFree = "invalid_free",
        /// KASAN or KFENCE cannot tell what it is.
        InvalidAccess = "invalid_access",
        /// Memory behind or before an object was overwritten.
        MemoryCorruption = "memory_corruption",
        /// Use of memory that was never written.
        UninitValue = "uninit_value",
        /// Kernel memory that was never written goes to user space or a device.
        InfoLeak = "kernel_infoleak",
        /// Two accesses race.
        DataRace = "data_race",
        /// UBSAN: index beyond an array.
        ArrayIndexOutOfBounds = "array_index_out_of_bounds",
        /// UBSAN: shift by too much or by a negative number.
        ShiftOutOfBounds = "shift_out_of_bounds",
        /// UBSAN: signed or unsigned overflow.
        IntegerOverflow = "integer_overflow",
        /// UBSAN: a value that its type does not have.
        InvalidLoad = "invalid_load",
        /// UBSAN: other undefined behaviour.
        UndefinedBehaviour = "undefined_behaviour",
        /// Division by zero or its overflow.
        DivideError = "divide_error",
        /// An instruction that the CPU does not know.
        InvalidOpcode = "invalid_opcode",
        /// `BUG()` or `BUG_ON()`.
        KernelBug = "kernel_bug",
        /// `WARN()` and its kin.
        Warning = "warning",
        /// A kernel stack ran over.
        StackOverflow = "stack_overflow",
        /// A guard page of a stack was hit.
        StackGuardPage = "stack_guard_page",
        /// A reference count went wrong.
        Refcount = "refcount",
        /// A linked list is damaged.
        ListCorruption = "list_corruption",
        /// A slab object or its metadata is damaged.
        SlabCorruption = "slab_corruption",
        /// A page is in a state that it must not be in.
        BadPage = "bad_page",
        /// The canary of a stack was overwritten.
        StackCanary = "stack_canary",
        /// kmemleak found an object that nobody points to.
        MemoryLeak = "memory_leak",
        /// A breakpoint instruction that nobody owns.
        Breakpoint = "breakpoint",
        /// The machine reports an error of its own.
        Hardware = "hardware",
        /// Lockdep: a circle of lock orders.
        CircularLocking = "circular_locking",
        /// Lockdep: a class taken twice.
        RecursiveLocking = "recursive_locking",
        /// Lockdep: a lock used with interrupts enabled and in an interrupt.
        InconsistentLockState = "inconsistent_lock_state",
        /// Lockdep: a sleeping lock where none may be taken.
        InvalidWaitContext = "invalid_wait_context",
        /// Lockdep: a lock released that is not held, freed while held, kept to user space.
        LockOwnership = "lock_ownership",
        /// RCU used outside a reader section.
        RcuUsage = "suspicious_rcu_usage",
        /// Sleeping function called in atomic context.
        SleepInAtomic = "sleep_in_atomic",
        /// Scheduling in atomic context.
        ScheduleInAtomic = "schedule_in_atomic",
        /// A spinlock whose own state is wrong, or which its owner takes again.
        SpinlockBug = "spinlock_bug",
        /// A grace period does not end.
        RcuStall = "rcu_stall",
        /// A CPU does not schedule.
        SoftLockup = "soft_lockup",
        /// A CPU does not take interrupts.
        HardLockup = "hard_lockup",
        /// A task is blocked.
        HungTask = "hung_task",
        /// A worker pool makes no progress.
        WorkqueueLockup = "workqueue_lockup",
        /// A CPU does not answer another one.
        CsdLock = "csd_lock",
        /// An allocation failed.
        AllocationFailure = "allocation_failure",
        /// The OOM killer ran.
        OutOfMemory = "out_of_memory",
        /// Panic without another report.
        Panic = "panic",
        /// Something else.
        Other = "other",
    }
}

named! {
    /// What an access does.
    AccessKind {
        /// Reads.
        Read = "read",
        /// Writes.
        Write = "write",
        /// Reads and writes in one.
        ReadWrite = "read_write",
        /// Frees.
        Free = "free",
        /// Fetches an instruction.
        Fetch = "instruction_fetch",
    }
}

named! {
    /// What was done to an object.
    Role {
        /// The access that is reported.
        Use = "use",
        /// Its allocation.
        Allocation = "allocation",
        /// Its free.
        Free = "free",
        /// Work or a callback queued for it.
        Related = "related_work",
    }
}

named! {
    /// Where an address lies relative to an object.
    Side {
        /// Inside.
        Inside = "inside",
        /// Before its start.
        Left = "left",
        /// At or behind its end.
        Right = "right",
    }
}

named! {
    /// The context of execution.
    Context {
        /// A task, interrupts aside.
        Task = "task",
        /// A softirq.
        Softirq = "softirq",
        /// A hard interrupt.
        Hardirq = "hardirq",
        /// A non-maskable interrupt.
        Nmi = "nmi",
    }
}

named! {
    /// Interrupts of a CPU.
    IrqState {
        /// Enabled.
        Enabled = "enabled",
        /// Disabled.
        Disabled = "disabled",
    }
}

named! {
    /// How a lock is used, in lockdep's terms.
    LockUsage {
        /// Taken in a hard interrupt.
        InHardirq = "in_hardirq",
        /// Taken in a softirq.
        InSoftirq = "in_softirq",
        /// Taken with hard interrupts enabled.
        HardirqsOn = "hardirqs_enabled",
        /// Taken with softirqs enabled.
        SoftirqsOn = "softirqs_enabled",
        /// Taken during memory reclaim.
        InReclaim = "in_reclaim",
        /// Held while an allocation may reclaim.
        ReclaimOn = "reclaim_allowed",
    }
}

named! {
    /// What bounded the memory of an OOM kill.
    OomConstraint {
        /// The whole machine.
        None = "none",
        /// A memory cgroup.
        Memcg = "memcg",
        /// A cpuset.
        Cpuset = "cpuset",
        /// A memory policy.
        MemoryPolicy = "memory_policy",
    }
}

named! {
    /// A use of memory, as the Mem-Info block counts it.
    MemoryUse {
        /// The anonymous lists: memory of programs, tmpfs and shared memory.
        Anonymous = "anonymous",
        /// File cache.
        File = "file",
        /// Memory that may not be paged out.
        Unevictable = "unevictable",
        /// Slab caches that can be given back.
        SlabReclaimable = "slab_reclaimable",
        /// Slab objects of the kernel.
        SlabUnreclaimable = "slab_unreclaimable",
        /// Page tables.
        PageTables = "page_tables",
        /// Shared memory.
        Shmem = "shmem",
        /// Free.
        Free = "free",
    }
}

named! {
    /// What a taint flag tells of.
    TaintMeaning {
        /// `D`: an oops or BUG.
        Oops = "oops",
        /// `W`: a warning.
        Warning = "warning",
        /// `B`: a bad page.
        BadPage = "bad_page",
        /// `M`: a machine check.
        MachineCheck = "machine_check",
        /// `L`: a soft lockup.
        SoftLockup = "soft_lockup",
    }
}

named! {
    /// The way a task waits.
    WaitKind {
        /// For a lock that sleeps.
        Lock = "lock",
        /// For a lock by spinning.
        Spin = "spin",
        /// For a grace period.
        GracePeriod = "grace_period",
        /// For a work item or queue.
        Work = "work",
        /// For a folio, page or buffer.
        Page = "page",
        /// For a completion.
        Completion = "completion",
        /// For a device.
        Device = "device",
        /// For another task or CPU to do something.
        Other = "other",
    }
}

named! {
    /// An object that is in a wrong state.
    BadObject {
        /// A linked list.
        List = "list",
        /// A reference count.
        Refcount = "refcount",
        /// A page.
        Page = "page",
        /// A slab object.
        SlabObject = "slab_object",
        /// A spinlock.
        Spinlock = "spinlock",
        /// A kernel stack.
        Stack = "stack",
        /// A timer or debug object.
        DebugObject = "debug_object",
    }
}

named! {
    /// A value that the kernel writes into what must no longer, or not yet, be used. The names are those of
    /// include/linux/poison.h.
    PoisonValue {
        /// `next` of a deleted list entry.
        ListPoison1 = "LIST_POISON1",
        /// `prev` of a deleted list entry.
        ListPoison2 = "LIST_POISON2",
        /// A timer that was initialised statically.
        TimerEntryStatic = "TIMER_ENTRY_STATIC",
        /// `page->mapping` of a tail page.
        TailMapping = "TAIL_MAPPING",
        /// A page of a page pool.
        PagePoolSignature = "PP_SIGNATURE",
        /// The context of a ww_mutex after its end.
        MutexWwContext = "MUTEX_POISON_WW_CTX",
        /// `next` of a buffer that was taken off its list.
        SkbListNext = "SKB_LIST_POISON_NEXT",
        /// A pointer that BPF has put out of use.
        BpfPointer = "BPF_PTR_POISON",
        /// The content of a freed slab object.
        SlabFree = "POISON_FREE",
        /// The content of a slab object that was never initialised.
        SlabInUse = "POISON_INUSE",
        /// The red zone of a free slab object.
        RedZoneInactive = "SLUB_RED_INACTIVE",
        /// The red zone of a slab object in use; also freed init memory and int3 filling.
        RedZoneActive = "SLUB_RED_ACTIVE",
        /// The content of a freed page; also a stack variable that was never initialised.
        Page = "PAGE_POISON",
        /// The content of a freed journal head.
        JournalFree = "JBD_POISON_FREE",
        /// The content of a freed journal head of jbd2.
        Journal2Free = "JBD2_POISON_FREE",
        /// The content of a freed block of a DMA pool.
        PoolFreed = "POOL_POISON_FREED",
        /// The content of a block of a DMA pool that was never initialised.
        PoolAllocated = "POOL_POISON_ALLOCATED",
    }
}

named! {
    /// What a user program was killed or signalled for.
    UserFaultKind {
        /// `segfault`.
        Segfault = "segfault",
        /// `trap`, `traps:` with a name of its own.
        Trap = "trap",
        /// `unhandled signal`.
        Signal = "unhandled_signal",
    }
}

named! {
    /// Why an allocation was not served, as the free lists and watermarks of its report show.
    AllocationCause {
        /// In no zone that the request may use is there enough free memory above the watermark.
        Watermark = "below_watermark",
        /// Enough is free, but in blocks that are too small.
        Fragmentation = "fragmentation",
        /// Enough is free, but the blocks that are large enough belong to CMA, which this request may not use.
        CmaOnly = "cma_only",
        /// Enough is free, but the blocks that are large enough are kept for atomic requests.
        HighAtomicOnly = "highatomic_only",
        /// A memory cgroup is at its limit.
        CgroupLimit = "cgroup_limit",
        /// The report shows a zone that could have served the request.
        NotShown = "not_shown",
    }
}

named! {
    /// The type of pages that a request takes first.
    MigrateType {
        /// Memory that stays where it is.
        Unmovable = "unmovable",
        /// Memory that can be moved.
        Movable = "movable",
        /// Memory that can be given back.
        Reclaimable = "reclaimable",
    }
}

named! {
    /// How the kernel names the holder of a lock.
    Ownership {
        /// `mutex likely owned by`, `rw-semaphore likely owned by … <writer>`, `.owner:` of a spinlock.
        Owner = "owner",
        /// `rw-semaphore likely owned by … <reader>`: only the last one known.
        Reader = "reader",
        /// `semaphore likely last held by`.
        LastHolder = "last_holder",
    }
}

named! {
    /// What keeps a grace period open.
    StallMechanism {
        /// The thread of the grace period is runnable and was not given its CPU.
        ThreadNotPicked = "thread_not_picked",
        /// The thread has its CPU and does not get on.
        ThreadRunning = "thread_running",
        /// The thread is being woken.
        ThreadWaking = "thread_waking",
        /// The thread sleeps: its timer did not wake it.
        ThreadNotWoken = "thread_not_woken",
        /// All quiescent states were seen: the thread or its timer is at fault.
        ThreadOrTimer = "thread_or_timer",
        /// The thread worked, so a holdout keeps the grace period open.
        Holdout = "holdout",
        /// The CPU was offline.
        CpuOffline = "cpu_offline",
        /// RCU watches the CPU: it runs kernel code.
        CpuBusy = "cpu_busy",
        /// RCU does not watch the CPU: it is idle or runs a user program.
        CpuIdle = "cpu_idle_or_user",
        /// The CPU's tick runs, and it passes no quiescent state.
        NoQuiescentState = "no_quiescent_state",
        /// The CPU took no tick: it is idle, or its tick or its interrupts are off.
        NoTick = "no_tick",
        /// The CPU takes timer interrupts: the report was printed from one.
        TakesTimerInterrupts = "takes_timer_interrupts",
        /// RCU softirqs are not run there: bottom halves are off, or ksoftirqd gets no time.
        SoftirqNotRun = "softirq_not_run",
        /// irq-work is pending there: IRQs are disabled, or it does not take them.
        IrqWorkPending = "irq_work_pending",
        /// The reader is runnable or runs: it was preempted and gets too little CPU time.
        ReaderPreempted = "reader_preempted",
        /// The reader sleeps inside its section.
        ReaderSleeps = "reader_sleeps",
        /// The reader is idle with a section open: the section was leaked, and nothing pending ends it.
        ReaderLeaked = "reader_leaked",
        /// The age is beyond any stall timeout: earlier reports are missing, or the clock jumped.
        EarlierReportsMissing = "earlier_reports_missing",
    }
}

named! {
    /// What may deny a CPU to a thread that is runnable.
    CpuDenial {
        /// A real-time or deadline task, or the thread's own real-time budget.
        RealTimeTask = "real_time_task",
        /// A loop in the kernel with preemption or softirqs off.
        KernelLoop = "kernel_loop",
    }
}

named! {
    /// Why a task may not sleep.
    AtomicReason {
        /// Interrupts are disabled.
        IrqsDisabled = "irqs_disabled",
        /// Preemption is disabled: a spinlock is held, or preempt_disable() was called.
        PreemptionDisabled = "preemption_disabled",
        /// Bottom halves are disabled, or a softirq runs.
        BottomHalves = "bottom_halves_disabled_or_softirq",
        /// A hard interrupt runs.
        Hardirq = "hardirq",
        /// An NMI is handled.
        Nmi = "nmi",
        /// Inside an RCU reader section.
        RcuReader = "rcu_reader",
        /// Inside a section that must not block, as of an MMU notifier.
        NonBlock = "non_block_section",
    }
}

/// What the value of an address tells of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AddressMeaning {
    /// NULL; the access went that far beside it, as the decoded operand says.
    NullOffset {
        /// Bytes; the displacement of the operand.
        offset: i64,
    },
    /// In the first page, but not NULL itself as far as is shown: NULL plus the offset of a member, or a small
    /// number in place of a pointer.
    NearNull,
    /// The KASAN shadow of another address, which is the one that was meant.
    KasanShadow {
        /// First address of the granule that the shadow byte stands for.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        of: u64,
    },
    /// A poison value.
    Poison {
        /// Which one.
        name: PoisonValue,
        /// Bytes from the poison value.
        offset: i64,
    },
    /// A negative error number used as a pointer.
    ErrorPointer {
        /// The number, positive.
        errno: u32,
    },
    /// Not an address of this architecture: the pointer was overwritten or computed from garbage.
    NonCanonical,
    /// Bytes of text.
    Text {
        /// The text.
        text: String,
    },
    /// One bit away from NULL or from a canonical address.
    FlippedBit {
        /// The bit, from 0.
        bit: u32,
    },
    /// An address of user space.
    User,
}

/// A place in the source of a program, by its symbols.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourcePlace {
    /// The function.
    pub function: String,
    /// Path of the source file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A lock as the log names it; at least one of the fields is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockRef {
    /// Lockdep's class, `&rq->__lock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Address as printed, hashed or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Somebody who waits or is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Party {
    /// A task.
    Task {
        /// It.
        task: Task,
    },
    /// A CPU.
    Cpu {
        /// It.
        cpu: CpuId,
    },
    /// A lock.
    Lock {
        /// It.
        lock: LockRef,
    },
    /// A lock of which only the kind is known.
    SomeLock {
        /// `mutex`, `rw-semaphore`, `spinlock`, …
        lock: String,
    },
    /// An RCU grace period.
    GracePeriod {
        /// Its number, where printed.
        number: Option<i64>,
    },
    /// A grace period of an SRCU domain.
    SrcuGracePeriod,
    /// A work item.
    Work {
        /// Its function.
        function: Option<String>,
    },
    /// A worker pool.
    Pool {
        /// CPUs as printed.
        cpus: String,
    },
    /// A folio, page or buffer.
    Page,
    /// A device.
    Device {
        /// Its name or what it is to do.
        name: String,
    },
    /// Something else that somebody gives back.
    Resource {
        /// What.
        name: String,
    },
}
