//! What a log reports: events with the fields their lines carry, and the stacks printed with them.
//! Data only; [`crate::collect`] fills it.

use model::LineSpan;
pub use model::{EventId, Ownership, Task};

use crate::clock::Moment;

/// Number of a stack in [`crate::Observations::snapshots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub usize);

/// What a kind of event says of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Something makes no progress, which may be a consequence.
    Hang,
    /// A rule was broken; no damage is shown.
    Misuse,
    /// Memory or an object was found damaged, or used after its life.
    Corruption,
    /// The kernel trapped: a task (or the machine) ends there.
    Trap,
    /// None of these.
    Other,
}

/// Makes the kinds of events, with their names and classes.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $class:ident;)+) => {
        /// What kind of thing happened. The table [`crate::rules::EVENT_RULES`] tells the lines that each is known by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl EventKind {
            /// The name used in JSON and grouping keys.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            const fn class(self) -> Class {
                match self {
                    $(Self::$kind => Class::$class,)+
                }
            }
        }
    };
}

kinds! {
    /// RCU grace period stall (R01, R02).
    RcuStall = "rcu_stall", Hang;
    /// The grace-period thread is starved, printed without a stall header (R13).
    RcuKthreadStarved = "rcu_kthread_starved", Hang;
    /// Expedited grace period stall (R23).
    RcuExpeditedStall = "rcu_expedited_stall", Hang;
    /// Tasks-RCU stall (R25).
    RcuTasksStall = "rcu_tasks_stall", Hang;
    /// Voluntary switch inside a reader (R26).
    RcuVoluntarySwitch = "rcu_voluntary_switch", Misuse;
    /// Suspicious RCU usage (R27).
    RcuUsage = "rcu_usage", Misuse;
    /// One scan of the hung task detector (R30).
    HungTasks = "hung_tasks", Hang;
    /// Soft lockup (R40).
    SoftLockup = "soft_lockup", Hang;
    /// Hard lockup (R41).
    HardLockup = "hard_lockup", Hang;
    /// Remote CPU does not answer (R43).
    CsdLock = "csd_lock", Hang;
    /// Workqueue pool stuck (R44).
    WorkqueueLockup = "workqueue_lockup", Hang;
    /// Work function used the CPU too long (R45).
    WorkqueueHog = "workqueue_hog", Other;
    /// Work function leaked a lock, atomic or RCU section (R46).
    WorkqueueLeak = "workqueue_leak", Misuse;
    /// Interrupt or NMI handlers take too long (R47).
    SlowInterrupt = "slow_interrupt", Other;
    /// Possible circular locking dependency (R50).
    LockdepCircular = "lockdep_circular", Misuse;
    /// Possible recursive locking (R51).
    LockdepRecursive = "lockdep_recursive", Misuse;
    /// Lock used with and without interrupts (R52).
    LockdepInterrupt = "lockdep_interrupt", Misuse;
    /// Sleeping lock under a raw one (R53).
    LockdepWaitContext = "lockdep_wait_context", Misuse;
    /// Unlock balance, freed lock, lock kept on return to user space (R54).
    LockdepOwnership = "lockdep_ownership", Misuse;
    /// Sleeping function in atomic context (R60).
    SleepInAtomic = "sleep_in_atomic", Misuse;
    /// Scheduling while atomic (R61).
    ScheduleInAtomic = "schedule_in_atomic", Misuse;
    /// Page allocation failure (R70).
    AllocationFailure = "allocation_failure", Other;
    /// The out-of-memory killer ran (R71).
    OutOfMemory = "out_of_memory_killer", Other;
    /// `VM_FAULT_OOM leaked out`, the echo of R70 (R72).
    FaultOomLeaked = "fault_oom_leaked", Other;
    /// KASAN report (R80).
    Kasan = "kasan", Corruption;
    /// KFENCE report (R81).
    Kfence = "kfence", Corruption;
    /// KMSAN report (R81).
    Kmsan = "kmsan", Corruption;
    /// KCSAN report (R81).
    Kcsan = "kcsan", Misuse;
    /// UBSAN report (R81).
    Ubsan = "ubsan", Other;
    /// Reference count misuse (R81).
    Refcount = "refcount", Corruption;
    /// Corrupted list, slab, page, stack or timer state (R81).
    Corruption = "corruption", Corruption;
    /// Memory leak found by kmemleak (R81).
    MemoryLeak = "memory_leak", Other;
    /// General protection fault, paging fault, NULL dereference and their kin (R82).
    Fault = "fault", Trap;
    /// `kernel BUG at`, divide error, invalid opcode (R82).
    KernelBug = "kernel_bug", Trap;
    /// Kernel stack overflow (R82).
    StackOverflow = "stack_overflow", Trap;
    /// Spinlock debugging report: the lock's own state is wrong (R82).
    SpinlockBug = "spinlock_bug", Corruption;
    /// Spinlock debugging report: the lock is not released, or its owner asks for it again (R82).
    SpinlockLockup = "spinlock_lockup", Hang;
    /// Machine check or another hardware error report (R82).
    Hardware = "hardware", Other;
    /// `WARNING:` (R83).
    Warning = "warning", Other;
    /// `Kernel panic`.
    Panic = "panic", Other;
    /// A device or its link failed, timed out or was reset (R85).
    Device = "device", Other;
    /// A file system reports inconsistent data (R85).
    FileSystem = "file_system", Other;
    /// A network device cannot be freed (W37).
    NetdevReference = "netdev_reference", Hang;
    /// `segfault at` of a user program.
    UserSegfault = "user_segfault", Other;
    /// An interrupt that no handler took (R48).
    Irq = "irq_nobody_cared", Other;
    /// A crash report that is known by its row among the families of reports only.
    Report = "report", Other;
}

impl EventKind {
    /// Whether the event says that something makes no progress (and so may be a consequence).
    pub const fn is_hang(self) -> bool {
        matches!(self.class(), Class::Hang)
    }

    /// Whether lockdep or another debug check printed it about a rule broken, not about damage done.
    pub const fn is_misuse(self) -> bool {
        matches!(self.class(), Class::Misuse)
    }

    /// Whether memory or an object was found damaged, or used after its life.
    pub const fn is_corruption(self) -> bool {
        matches!(self.class(), Class::Corruption)
    }

    /// Whether the kernel trapped: a task (or the machine) ends there.
    pub const fn is_trap(self) -> bool {
        matches!(self.class(), Class::Trap)
    }
}

/// One thing the log reports.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// All lines that belong to it.
    pub lines: LineSpan,
    /// The number of the line it is known by.
    pub line: u64,
    /// The line it is known by, at most 240 bytes.
    pub headline: String,
    /// The task it names.
    pub task: Option<Task>,
    /// The CPU it names.
    pub cpu: Option<u32>,
    /// When its first line was printed.
    pub at: Option<Moment>,
    /// Which boot of the log, counted from 0.
    pub boot: u32,
    /// Which piece of the log, counted from 0: somebody's words stand between two pieces.
    pub section: u32,
    /// The stacks printed with it, in order.
    pub snapshots: Vec<SnapshotId>,
    /// What the kernel's own code says of it in words, with the line of each (`WARN(condition, text)`).
    pub message: Vec<(u64, String)>,
    /// The titles of its crash reports, where they are known.
    pub titles: Vec<String>,
    /// Later reports of the same thing that were folded into this one: how many, and the last lines.
    pub repeats: u32,
    /// The lines of the last repetition.
    pub last_repeat: Option<LineSpan>,
    /// What the lines of this kind carry.
    pub detail: Detail,
}

/// The fields of a kind.
#[derive(Clone, Debug, Default)]
pub enum Detail {
    /// Nothing beyond the headline.
    #[default]
    None,
    /// R01 to R25.
    Stall(Box<Stall>),
    /// R30 to R35.
    Hung(HungScan),
    /// R40 to R42.
    Lockup {
        /// Seconds the CPU is stuck, where stated.
        seconds: Option<u32>,
    },
    /// The machine's own report of an error.
    Hardware {
        /// A line says that the error was not corrected.
        severe: bool,
    },
    /// R43: a remote CPU.
    Csd {
        /// CPU that waits.
        from: u32,
        /// CPU that does not answer.
        to: u32,
    },
    /// R82: a spinlock whose magic number is 0, with the line that says so.
    ZeroMagic {
        /// The line.
        line: u64,
    },
    /// R82: a spinlock that is not released.
    Spin {
        /// The line that names its owner, and the owner; a lock without owner has none.
        owner: Option<(u64, Task)>,
    },
    /// R44 to R46.
    Workqueue(WorkqueueReport),
    /// R50 to R54.
    Lockdep(LockdepReport),
    /// R60, R61.
    Atomic(AtomicReport),
    /// R70, R71.
    Memory(Box<MemoryReport>),
    /// R80, R81.
    Bad(BadAccess),
    /// R82, R83.
    Trap(Trap),
    /// User program fault.
    Segfault(Segfault),
}

/// Fields of an RCU stall (R01 to R25).
#[derive(Clone, Debug, Default)]
pub struct Stall {
    /// `rcu_preempt`, `rcu_sched`, …
    pub flavour: String,
    /// Whether the CPU that prints found itself.
    pub self_detected: bool,
    /// CPUs listed as holdouts.
    pub cpus: Vec<StallCpu>,
    /// Tasks listed as holdouts.
    pub tasks: Vec<StallTask>,
    /// Line, and the range of CPUs of the node the tasks block.
    pub node_cpus: Option<(u64, u32, u32)>,
    /// Level of that node.
    pub node_level: Option<u32>,
    /// The `(t= g= q=)` line.
    pub period: Option<StallPeriod>,
    /// Grace-period thread starved (R13).
    pub starved: Option<Starved>,
    /// Line of R16, with the CPU and the `timer-softirq` count.
    pub timer: Option<(u64, Option<u32>, Option<u64>)>,
    /// Line of `Stack dump where RCU GP kthread last ran`.
    pub last_ran: Option<u64>,
    /// The line `Unless … OOM is now expected behavior` (R17).
    pub boilerplate: Option<u64>,
    /// Stack of the grace-period thread.
    pub kthread_stack: Option<SnapshotId>,
    /// The stall ended before its dump began, or all quiescent states were seen (R12, R22).
    pub ended: Option<u64>,
    /// Line of `All QSes seen` (R22).
    pub all_seen: Option<u64>,
    /// Line and list of the CPUs that did not even answer an NMI.
    pub deaf: Option<(u64, String)>,
}

impl Stall {
    /// The number of its grace period, where a line tells it.
    pub fn number(&self) -> Option<i64> {
        let period = self.period.as_ref().map(|period| period.number);
        period.or_else(|| self.starved.as_ref().and_then(|starved| starved.number))
    }

    /// Whether the thread did not run for most of the grace period's life.
    pub fn is_starving(&self) -> bool {
        self.starved.as_ref().is_some_and(|starved| {
            self.period
                .as_ref()
                .is_none_or(|period| starved.jiffies.saturating_mul(2) >= period.jiffies)
        })
    }
}

impl Starved {
    /// Whether the thread slept, so that it was not woken rather than not given a CPU.
    pub fn is_asleep(&self) -> bool {
        self.state.is_some_and(|state| state & 0x3 != 0)
    }
}

/// One CPU of a stall (R03 to R08).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StallCpu {
    /// Line of the log.
    pub line: u64,
    /// The CPU.
    pub cpu: u32,
    /// The flags after the dash.
    pub flags: String,
    /// `(N ticks this GP)`.
    pub ticks: Option<u64>,
    /// `(N GPs behind)`.
    pub behind: Option<u64>,
    /// The three parts of `idle=`, as printed.
    pub idle: Option<(u64, u64, u64)>,
    /// `softirq=A/B`.
    pub softirq: Option<(u64, u64)>,
    /// `fqs=`.
    pub fqs: Option<u64>,
    /// `rcuc=… jiffies(starved)`.
    pub rcuc: Option<u64>,
    /// `(false positive?)`.
    pub false_positive: bool,
}

/// One reader task of a stall (R19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StallTask {
    /// Line of the log.
    pub line: u64,
    /// The task.
    pub pid: u32,
    /// Depth of reader sections, where printed.
    pub depth: Option<u32>,
    /// The four flags, where printed.
    pub flags: Option<String>,
}

/// `(t=… g=… c=… q=… ncpus=…)` (R09).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StallPeriod {
    /// Line of the log.
    pub line: u64,
    /// Age in jiffies.
    pub jiffies: u64,
    /// `g=`.
    pub number: i64,
    /// `c=`, before 4.19.
    pub completed: Option<i64>,
    /// `q=`: callbacks waiting.
    pub callbacks: Option<u64>,
    /// `ncpus=`.
    pub cpus: Option<u32>,
    /// The CPU that found it, where another one did.
    pub detected_by: Option<u32>,
    /// When it was printed.
    pub at: Option<Moment>,
}

/// `kthread starved for J jiffies!` (R13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starved {
    /// Line of the log.
    pub line: u64,
    /// `rcu_preempt`.
    pub flavour: String,
    /// Jiffies since it last ran.
    pub jiffies: u64,
    /// `g`.
    pub number: Option<i64>,
    /// `f0x…` flags.
    pub flags: Option<u64>,
    /// Name of its state, as `RCU_GP_WAIT_FQS(5)`.
    pub phase: Option<String>,
    /// Scheduler state.
    pub state: Option<u64>,
    /// CPU it belongs to.
    pub cpu: Option<u32>,
}

/// One scan of the hung task detector.
#[derive(Clone, Debug, Default)]
pub struct HungScan {
    /// The tasks it named, in order.
    pub members: Vec<HungTask>,
    /// Tasks beyond the limit that were counted only.
    pub more: u32,
    /// No scan: the headers of blocked tasks stand alone, as in a list that was asked for (sysrq-w), or where
    /// the lines of the detector are lost. How long they wait is not said.
    pub listed: bool,
}

/// One hung task (R30 to R32).
#[derive(Clone, Debug)]
pub struct HungTask {
    /// The line that names it.
    pub line: u64,
    /// The task.
    pub task: Task,
    /// Seconds stated; 0 where the line is lost.
    pub seconds: u32,
    /// The kernel says the wait is for I/O.
    pub in_io_wait: bool,
    /// Its stack.
    pub snapshot: Option<SnapshotId>,
    /// R32: line, owner and how the kernel puts it.
    pub owner: Option<(u64, Task, Ownership)>,
    /// When it was printed.
    pub at: Option<Moment>,
}

/// R44 to R46.
#[derive(Clone, Debug, Default)]
pub struct WorkqueueReport {
    /// CPUs of the pool as printed.
    pub cpus: String,
    /// Seconds stuck.
    pub seconds: Option<u32>,
    /// The work function named in the headline (R45, R46).
    pub function: Option<String>,
    /// `in-flight:` workers: line, pid, function.
    pub in_flight: Vec<(u64, u32, String)>,
    /// `pending:` functions with their lines, at most 64.
    pub pending: Vec<(u64, String)>,
}

/// R50 to R54.
#[derive(Clone, Debug, Default)]
pub struct LockdepReport {
    /// The lock wanted.
    pub wanted: Option<HeldLock>,
    /// The lock held.
    pub held: Option<HeldLock>,
    /// The line that says who wants or takes the lock.
    pub task_line: u64,
    /// The chain `-> #i (class)`, in the order printed.
    pub chain: Vec<ChainEntry>,
    /// The line and text of `{A} -> {B} usage`.
    pub usage: Option<(u64, String)>,
    /// `task is trying to release lock (class) at:` with its line, and the function on the next line.
    pub released: Option<Released>,
}

/// A lock that is released by a task which does not hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Line of the log.
    pub line: u64,
    /// The task.
    pub task: Task,
    /// The lock's class.
    pub class: String,
    /// The line and function that release it.
    pub at: Option<(u64, String)>,
}

/// One entry of a chain of locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEntry {
    /// Line of the log.
    pub line: u64,
    /// Its number.
    pub index: u32,
    /// The lock's class.
    pub class: String,
}

/// One line of a list of held locks (R33).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// Line of the log.
    pub line: u64,
    /// Address of the lock (hashed or not), as printed.
    pub address: String,
    /// Lock class.
    pub class: String,
    /// Function that took or wants it.
    pub at: String,
    /// Functions inlined into that one, where the log is symbolised: the entry is printed once for each.
    pub inlined: Vec<String>,
}

/// The locks of one task (R33).
#[derive(Clone, Debug)]
pub struct LockList {
    /// Line of the heading.
    pub line: u64,
    /// The task.
    pub task: Task,
    /// The locks, in the order printed.
    pub locks: Vec<HeldLock>,
    /// The boot it was printed in.
    pub boot: u32,
    /// Printed while tasks hang, or by a task that failed and cannot give back what it holds. A list printed
    /// with a warning says nothing of what is held later.
    pub lasting: bool,
}

/// R60, R61.
#[derive(Clone, Debug, Default)]
pub struct AtomicReport {
    /// `in_atomic()`.
    pub in_atomic: Option<u32>,
    /// `irqs_disabled()`.
    pub irqs_disabled: Option<u32>,
    /// `non_block:`.
    pub non_block: Option<u32>,
    /// `preempt_count: a, expected: b`, both hexadecimal.
    pub preempt_count: Option<(u64, u64)>,
    /// `RCU nest depth: a, expected: b`.
    pub rcu_depth: Option<(u64, u64)>,
    /// The line the values stand on.
    pub line: u64,
    /// The line of `preempt_count`.
    pub count_line: u64,
    /// The line of `RCU nest depth`.
    pub depth_line: u64,
    /// The function below `Preemption disabled at:`, with its line.
    pub disabled_at: Option<(u64, String)>,
}

/// R70, R71.
#[derive(Clone, Debug, Default)]
pub struct MemoryReport {
    /// Allocation order.
    pub order: Option<u32>,
    /// `mode:` or `gfp_mask=`, as printed.
    pub mode: String,
    /// `nodemask=`.
    pub nodemask: Option<String>,
    /// `mems_allowed=`.
    pub mems_allowed: Option<String>,
    /// Lines of the Mem-Info block, as they came.
    pub block: Vec<(u64, String)>,
    /// Whether the block goes on.
    pub(crate) in_block: bool,
    /// `constraint=` of the kill.
    pub constraint: Option<(u64, String)>,
    /// Line of `VM_FAULT_OOM leaked out`, the echo of the failure (R72).
    pub echo: Option<u64>,
    /// Tasks killed.
    pub killed: Vec<(u64, Task)>,
    /// Line of `memory: usage … limit …` of a memory cgroup.
    pub cgroup_limit: Option<(u64, u64, u64)>,
}

/// R80, R81.
#[derive(Clone, Debug, Default)]
pub struct BadAccess {
    /// `use-after-free`, `data-race`, …
    pub what: String,
    /// Function named in the headline.
    pub function: String,
    /// `Read` or `Write`, size in bytes and line.
    pub access: Option<(u64, String, u64)>,
    /// Stacks that tell the object's life.
    pub allocated: Option<SnapshotId>,
    /// Where it was freed.
    pub freed: Option<SnapshotId>,
    /// The related work or call_rcu.
    pub related: Option<SnapshotId>,
    /// The tags of pointer and memory, with their line.
    pub tags: Option<(u64, u8, u8)>,
    /// Line, slab cache (empty where not named) and size in bytes of the object.
    pub object: Option<(u64, String, u64)>,
    /// Where the address lies.
    pub region: Option<Region>,
    /// The accesses of a data race.
    pub races: Vec<Race>,
    /// `value changed: A -> B` with its line.
    pub changed: Option<(u64, u64, u64)>,
    /// What UBSAN says of the operation, with its line.
    pub ubsan: Option<(u64, Ubsan)>,
}

/// On which side of an object an address lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Inside.
    Inside,
    /// Before its start.
    Left,
    /// Behind its end.
    Right,
}

/// `located N bytes inside of M-byte region`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The two lines; the second is 0 where one line says it all.
    pub lines: [u64; 2],
    /// The side.
    pub side: Side,
    /// Bytes.
    pub distance: u64,
    /// Bytes of the region; none until its line was read.
    pub size: Option<u64>,
}

/// One access of a data race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Race {
    /// Line of the log.
    pub line: u64,
    /// `read`, `write` or `read-write`.
    pub access: String,
    /// The task; none for an interrupt.
    pub pid: Option<u32>,
    /// The CPU.
    pub cpu: Option<u32>,
}

/// What UBSAN says of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ubsan {
    /// `index I is out of range for type 'T'`.
    Index {
        /// The index.
        index: i64,
        /// The type.
        array: String,
    },
    /// `shift exponent E is too large for N-bit type`, `shift exponent E is negative`.
    Shift {
        /// The exponent.
        exponent: i64,
        /// Bits of the type.
        bits: Option<u32>,
    },
}

/// R82, R83.
#[derive(Clone, Debug, Default)]
pub struct Trap {
    /// The line on which `place` or the function of a WARNING stands.
    pub line: u64,
    /// Address that faulted.
    pub address: Option<u64>,
    /// `file:line` of a BUG or WARNING.
    pub place: Option<String>,
    /// Function named in a WARNING or by the instruction pointer.
    pub function: Option<String>,
    /// Line of `Oops:`.
    pub oops: Option<u64>,
}

/// `NAME[pid]: segfault at A ip I sp S error N in FILE[base+len]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segfault {
    /// Address accessed.
    pub address: u64,
    /// Instruction pointer.
    pub instruction: u64,
    /// Error code.
    pub error: u64,
    /// Mapped file and the offset of the instruction in its mapping.
    pub file: Option<(String, u64)>,
}

/// A stack of a task or CPU, with what its header says.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The lines.
    pub lines: Option<LineSpan>,
    /// The line that names task or CPU (`CPU: … PID: …`, `task:…`, `NMI backtrace for cpu …`).
    pub header: Option<u64>,
    /// Whose stack.
    pub task: Option<Task>,
    /// On which CPU.
    pub cpu: Option<u32>,
    /// Scheduler state letter, where the header says it.
    pub state: Option<char>,
    /// Running on a CPU at that moment.
    pub on_cpu: bool,
    /// `Workqueue:` text.
    pub workqueue: Option<(u64, String)>,
    /// Frames from the innermost, detector frames included.
    pub frames: Vec<Frame>,
    /// The function that the line in front of the stack names (`Allocated in F`, `Freed in F` of mm/slub.c).
    pub named: Option<String>,
    /// Lines of frames before which something else stands, so that frames may be missing there.
    pub gaps: Vec<u64>,
    /// Instruction pointers printed on lines of their own.
    pub instruction: Vec<Instruction>,
    /// The function in the link register (arm and arm64), with the line.
    pub link: Option<(u64, String)>,
    /// `EFLAGS` of the interrupted kernel context, with the line.
    pub flags: Option<(u64, u64)>,
    /// `ORIG_RAX` and its kin: the syscall number, with the line.
    pub syscall_number: Option<(u64, u64)>,
    /// What the stack stands for.
    pub role: Role,
    /// When it was printed.
    pub at: Option<Moment>,
}

/// What a stack stands for in its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Role {
    /// The task or CPU the report is about.
    #[default]
    Subject,
    /// RCU's grace-period thread.
    GracePeriodThread,
    /// Where an object was allocated.
    Allocated,
    /// Where it was freed.
    Freed,
    /// Where related work was queued.
    Related,
    /// Where an earlier lock dependency was recorded.
    Recorded,
}

/// An instruction pointer printed on its own line (`RIP:`, `pc :`, `NIP`, …).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Line of the log.
    pub line: u64,
    /// Function, empty in user space and where no function of the kernel is there.
    pub function: String,
    /// Offset in it.
    pub offset: Option<u64>,
    /// In user space.
    pub user: bool,
    /// How many frames stood before it in the snapshot.
    pub at_frame: usize,
}

/// One frame of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Line of the log.
    pub line: u64,
    /// Function name without suffixes of the compiler's making (`.isra.0`, `.cold`).
    pub function: String,
    /// Offset of the return address, bytes.
    pub offset: Option<u64>,
    /// Size of the function, bytes.
    pub size: Option<u64>,
    /// Module.
    pub module: Option<String>,
    /// False for `?` frames: stale words of the stack.
    pub reliable: bool,
    /// The file that the frame names is one of the allocator or of KASAN.
    pub allocates: bool,
    /// In interrupt context.
    pub interrupt: bool,
}
