//! What is concluded of a log, as values: the verdict, the ties between its events, what else is needed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::waits::{Participant, WaitsFor};
use crate::words::{AllocationCause, LockRef, TaintMeaning, named};
use crate::{CpuId, EventId, Grade, LineSpan, RuleId, Task};

named! {
    /// The kinds of verdict.
    VerdictKind {
        /// A cycle of waits that the text proves.
        Deadlock = "deadlock",
        /// A cycle of which an edge is inferred.
        SuspectedDeadlock = "suspected_deadlock",
        /// Somebody runnable gets no time, or a CPU does not come out of what it does.
        Starvation = "starvation",
        /// A section, lock or object that nobody gives back.
        Leak = "leak",
        /// A lock whose holder is known but not what the holder does.
        LockHeld = "lock_held",
        /// The chain ends at a device.
        Device = "device",
        /// The chain ends outside the kernel.
        UserSpace = "user_space",
        /// Memory ran out or is too scattered.
        MemoryShortage = "memory_shortage",
        /// Memory or an object is damaged.
        MemoryCorruption = "memory_corruption",
        /// A rule of the kernel was broken; no damage is shown.
        Misuse = "misuse",
        /// The kernel trapped or an assertion failed.
        Fault = "fault",
        /// The machine reports an error.
        Hardware = "hardware",
        /// The log does not decide.
        Unknown = "unknown",
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verdict {
    /// Its kind.
    pub kind: VerdictKind,
    /// What it rests on: one finding, or that of a broken rule and that of the hang it ended in.
    pub findings: Vec<Finding>,
    /// The rule; none where no report decides.
    pub rule: Option<RuleId>,
    /// How sure.
    pub grade: Grade,
    /// The lines that carry it.
    pub lines: Vec<LineSpan>,
    /// What would settle what is open.
    pub needs: Vec<Need>,
    /// The line that best stands for the first cause; its finding is the first one.
    pub cause: Option<u64>,
}

/// What happened first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FirstCause {
    /// The event.
    pub event: EventId,
    /// The line.
    pub line: u64,
    /// What it is.
    pub finding: Finding,
    /// How sure.
    pub grade: Grade,
}

/// One step of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Who waits.
    pub from: Participant,
    /// For whom or what.
    pub to: Participant,
    /// Why.
    pub waits_for: WaitsFor,
}

/// A task seen on a CPU.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// The CPU.
    pub cpu: CpuId,
    /// The task.
    pub task: Task,
    /// Where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// A task that waits for a grace period, and the locks that it holds meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PeriodWaiter {
    /// The task.
    pub who: Participant,
    /// The locks.
    pub holds: Vec<Participant>,
}

/// What a report of a kind without a verdict of its own says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// Nothing.
    Plain,
    /// The first report of damage.
    Damage,
    /// Damage in a kernel that had failed before, as its taint says.
    LaterDamage,
    /// A spinlock whose magic number is 0.
    ZeroMagic,
    /// Memory that nothing points to.
    LeakedMemory,
    /// A network device that cannot be freed.
    DeviceReference,
    /// Lockdep's cycle is a possible one.
    PossibleCycle,
    /// Lockdep compares classes.
    ClassesCompared,
    /// A hardware error.
    HardwareError,
    /// A hardware error of which no line says that it was not corrected.
    HardwareErrorPerhapsCorrected,
    /// A device or its link.
    DeviceTrouble,
    /// A file system that reports inconsistent data.
    FileSystem,
    /// A file system that had no memory.
    FileSystemNoMemory,
    /// A file system whose I/O failed.
    FileSystemIo,
    /// A file system that stops after an earlier failure.
    FileSystemStops,
    /// An interrupt that no handler took, and that was switched off.
    UnhandledInterrupt,
    /// A user program.
    UserProgram,
    /// A hint only.
    Hint,
    /// The kernel panicked.
    Panic,
}

/// Who holds a spinlock that is not released.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "owner", rename_all = "snake_case")]
pub enum SpinOwner {
    /// The one who spins.
    Itself,
    /// Another task.
    Other {
        /// It.
        task: Task,
    },
    /// Nobody is named.
    NotNamed,
}

/// Why the culprit of a stuck CPU is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Culprit {
    /// The only other CPU reported as stuck waits for nothing: a guess.
    TakenForHolder,
    /// It does not come to the stopper.
    DoesNotCome,
    /// It does not answer.
    DoesNotAnswer,
}

/// What stands at the end of the chains of hung tasks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainEnd {
    /// A task that runs or is ready to.
    TaskRuns,
    /// A task that is idle.
    TaskIdle,
    /// A task whose wait is not known.
    TaskUnknown,
    /// A task whose stack was not read.
    TaskNotShown,
    /// A lock without a known holder.
    Lock,
    /// A grace period.
    GracePeriod,
    /// A device.
    Device,
    /// A user program, peer or server.
    UserSpace,
    /// A CPU.
    Cpu,
    /// A delay that a task asked for.
    Delay,
    /// Something else.
    Other,
}

/// What was found, from which the verdict follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// No report of a kernel problem.
    NoReport,
    /// A stack without a report that is known.
    UnknownTrace {
        /// Its line.
        line: u64,
    },
    /// Reports of which none is shown to be the first.
    Rivals {
        /// They.
        events: Vec<EventId>,
        /// Some share a task or a CPU all the same.
        share: bool,
    },
    /// A cycle of waits.
    Cycle {
        /// Its steps in order.
        steps: Vec<Step>,
        /// Its tasks in the order in which they are reported.
        members: Vec<Participant>,
        /// Every step is proven.
        proven: bool,
    },
    /// A report that speaks for itself.
    Report {
        /// The event.
        event: EventId,
        /// The function where it happened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// What is to be said besides.
        remark: Remark,
    },
    /// A worker pool makes no progress.
    PoolStuck {
        /// Its CPUs as printed.
        cpus: String,
        /// Workers with the functions that they execute.
        in_flight: Vec<(u32, String)>,
    },
    /// A work function returned with something held.
    WorkLeak {
        /// The function.
        function: String,
    },
    /// The thread of a grace period sleeps and is not woken.
    ThreadNotWoken {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The CPU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<CpuId>,
    },
    /// The thread runs and does not get on.
    ThreadSpins {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The CPU.
        cpu: CpuId,
        /// Where it is.
        function: Option<String>,
        /// CPUs that hold the grace period up.
        holdouts: Vec<Participant>,
    },
    /// The thread is ready to run and is not given its CPU.
    ThreadDenied {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The CPU.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<CpuId>,
        /// What was seen there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Running>,
    },
    /// A reader whose stack was not read holds the grace period up.
    ReaderNotShown {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The reader.
        reader: Participant,
    },
    /// A reader is idle with a section open.
    ReaderLeaked {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The reader.
        reader: Participant,
        /// Depths of its sections, at the first and the last report.
        depths: Option<(u32, u32)>,
        /// Tasks that wait for the grace period.
        waiters: Vec<PeriodWaiter>,
    },
    /// A reader runs or is ready to run.
    ReaderRuns {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The reader.
        reader: Participant,
        /// What else was seen running.
        others: Vec<Running>,
    },
    /// A reader sleeps inside its section.
    ReaderSleeps {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// The reader.
        reader: Participant,
        /// Depth of its sections.
        depth: Option<u32>,
        /// What it waits for.
        waits: Option<Box<Step>>,
        /// The end of the chain, where it is another one.
        end: Option<Participant>,
    },
    /// All quiescent states were seen.
    AllSeen {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
    },
    /// No holdout is listed.
    NoHoldout {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// Idle CPUs are.
        idle_only: bool,
    },
    /// CPUs hold the grace period up.
    Holdouts {
        /// Number of the grace period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<i64>,
        /// They.
        cpus: Vec<Participant>,
        /// A stack of one of them was read.
        with_stack: bool,
        /// One of them spins.
        spins: Option<Box<Step>>,
        /// The function in which one of them prints to the console.
        prints: Option<String>,
    },
    /// A CPU is stuck; where is not shown.
    StuckSomewhere {
        /// The CPU.
        cpu: Option<CpuId>,
        /// Its task.
        task: Option<Task>,
        /// It takes no interrupts.
        hard: bool,
    },
    /// A CPU waits for another one.
    StuckBehind {
        /// The CPU.
        cpu: Option<CpuId>,
        /// Its task.
        task: Option<Task>,
        /// Where it waits.
        function: String,
        /// For what.
        waits: Box<Step>,
        /// The other one.
        culprit: Participant,
        /// Why it is taken for the culprit.
        how: Culprit,
    },
    /// A CPU waits for somebody not shown.
    StuckWaiting {
        /// The CPU.
        cpu: Option<CpuId>,
        /// Its task.
        task: Option<Task>,
        /// It takes no interrupts.
        hard: bool,
        /// Where it waits.
        function: String,
        /// For what.
        waits: Box<Step>,
        /// Another CPU on the way, which waits itself.
        next: Option<Box<Step>>,
    },
    /// A CPU is reported as stuck in its idle task.
    StuckIdle {
        /// The CPU.
        cpu: Option<CpuId>,
        /// Its task.
        task: Option<Task>,
        /// Where.
        function: String,
    },
    /// A CPU is stuck in a function.
    StuckIn {
        /// The CPU.
        cpu: Option<CpuId>,
        /// Its task.
        task: Option<Task>,
        /// It takes no interrupts.
        hard: bool,
        /// Where.
        function: String,
        /// The function in which it prints to the console.
        prints: Option<String>,
        /// Samples that show it there; one where only one was read.
        samples: u32,
    },
    /// A CPU does not answer a function call.
    NoAnswer {
        /// The CPU.
        cpu: CpuId,
        /// The one that waits.
        waiting: CpuId,
        /// What was seen there.
        seen: Option<Running>,
        /// Its interrupts are disabled.
        irqs_off: bool,
        /// What it waits for.
        waits: Option<WaitsFor>,
    },
    /// A task spins for a lock that is not released.
    Spins {
        /// The event.
        event: EventId,
        /// The task.
        task: Option<Task>,
        /// Where.
        place: Option<String>,
        /// Who holds it.
        owner: SpinOwner,
    },
    /// Hung tasks of which it is not known what they wait for.
    HungUnknown {
        /// The event.
        event: EventId,
        /// Their stacks were read.
        shown: bool,
    },
    /// Hung tasks whose chains end there.
    Hung {
        /// The event.
        event: EventId,
        /// The chain of the most tasks.
        chain: Vec<Participant>,
        /// What stands at its end.
        end: ChainEnd,
        /// Other ends that as many chains have.
        elsewhere: u64,
        /// The task nearest the end.
        root: Option<Participant>,
    },
    /// Memory ran out, or the OOM killer ran for another reason.
    OutOfMemory {
        /// The task that asked.
        task: Option<Task>,
        /// Order of the request.
        order: Option<u32>,
        /// Why it was not served, where the report shows it.
        cause: Option<AllocationCause>,
        /// Usage and limit of a memory cgroup, kB.
        cgroup: Option<(u64, u64)>,
        /// Percentage of the memory that objects of the kernel hold, where most.
        kernel_share: Option<u64>,
        /// The victims.
        killed: Vec<Task>,
    },
    /// An allocation failed.
    AllocationFailed {
        /// The task that asked.
        task: Option<Task>,
        /// Order of the request.
        order: Option<u32>,
        /// Why it was not served, where the report shows it.
        cause: Option<AllocationCause>,
    },
}

/// Something that is not in the log, or was not read, and would settle what is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "need", rename_all = "snake_case")]
pub enum Need {
    /// The console log around the failure.
    ConsoleLog,
    /// The kernel's version.
    KernelVersion,
    /// The log from boot on, as a taint tells of something before it.
    EarlierLog {
        /// The taint's letter.
        letter: char,
        /// What it tells of.
        meaning: TaintMeaning,
    },
    /// Which of several reports comes first.
    OrderOfReports,
    /// A list of held locks, to prove an inferred edge.
    HeldLocks,
    /// Stacks of workers and CPUs of a pool.
    PoolStacks,
    /// Whether a lock is initialised before its first use.
    Initialisation,
    /// Who keeps references to a network device.
    ReferenceTracker,
    /// A check of a file system, and the log of its storage.
    FileSystemCheck,
    /// A report of a stall, lockup or hang.
    HangReport,
    /// The stack of a CPU in its lockup report.
    LockupStack {
        /// The CPU.
        cpu: Option<CpuId>,
    },
    /// Who holds a spinlock.
    SpinHolder,
    /// Stacks of all other CPUs at that moment.
    AllCpus,
    /// Time that a host took.
    HostTime,
    /// Another stack of a CPU.
    SecondStack {
        /// The CPU.
        cpu: Option<CpuId>,
    },
    /// What the console printed, and how fast.
    ConsoleSpeed,
    /// The stack of a CPU at that moment.
    CpuStack {
        /// The CPU.
        cpu: CpuId,
    },
    /// Stacks of the other CPUs, and the code that one is inside of.
    CodeOfCpu {
        /// The CPU.
        cpu: CpuId,
    },
    /// The stack of a lock's owner at that moment.
    OwnerStack {
        /// The owner.
        task: Task,
    },
    /// The owner of a spinlock and the stacks of all CPUs.
    OwnerLine,
    /// Stacks of blocked tasks and of everything that runs.
    BlockedStacks,
    /// More than one stack of somebody.
    MoreStacks {
        /// Who.
        who: Participant,
    },
    /// What the last frames of somebody mean.
    LastFrames {
        /// Who.
        who: Participant,
    },
    /// The stack of somebody.
    Stack {
        /// Who.
        who: Participant,
    },
    /// Who holds a lock; the line of a list that does not tell.
    LockHolder {
        /// The line.
        list: Option<u64>,
    },
    /// The stall report of a grace period.
    StallReport,
    /// Messages of a driver, requests in flight, state of a device.
    DriverMessages,
    /// The state of a program, peer or server.
    PeerState,
    /// What a task polls for.
    PolledFor {
        /// Who polls.
        who: Option<Participant>,
    },
    /// Who should end a wait.
    Releaser {
        /// What is to end.
        what: Participant,
    },
    /// Stacks of tasks that hold locks.
    HolderStacks {
        /// The tasks.
        tasks: Vec<Task>,
    },
    /// The state of a CPU's timers.
    TimerState {
        /// The CPU.
        cpu: Option<CpuId>,
    },
    /// Who holds the lock for which the thread of a grace period spins.
    ThreadLock,
    /// Another stack of a CPU, and policy and priority of the task there.
    OccupantPolicy {
        /// The CPU.
        cpu: Option<CpuId>,
        /// The task.
        task: Task,
    },
    /// What ran on the thread's CPU.
    OccupantStack {
        /// The CPU.
        cpu: Option<CpuId>,
    },
    /// Policies and priorities of the threads concerned.
    Policies {
        /// `rcu_sched`.
        thread: String,
    },
    /// A second report of the same stall.
    SecondReport {
        /// Number of the grace period.
        number: Option<i64>,
    },
    /// A program that reproduces it.
    Reproducer,
    /// What ran meanwhile, and the policy of a reader.
    ReaderPolicy,
    /// Who holds what somebody waits for.
    HolderFor {
        /// Who waits.
        who: Participant,
    },
    /// State and stack of a grace period's thread.
    ThreadState,
    /// The lines after the header of a stall.
    StallLines,
    /// The stack of the CPU that keeps another one waiting.
    KeeperStack {
        /// The one that waits.
        cpu: CpuId,
    },
    /// Stacks of CPUs.
    CpuStacks {
        /// They.
        cpus: Vec<Participant>,
    },
    /// A second sample of a CPU.
    SecondSample,
    /// The function that leaks a reader section.
    LeakingFunction,
    /// A kernel whose workqueue check names the leaking function.
    WorkqueueCheck,
    /// A run with PROVE_RCU, without local changes.
    ProveRcu,
    /// Who uses memory over time.
    MemoryUsers,
    /// Page types and compaction counters.
    PageTypes,
    /// The Mem-Info block.
    MemInfo,
    /// Zones that the request may use.
    AllowedZones,
}

/// What ties a later event to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LinkReason {
    /// One grace period.
    SamePeriod,
    /// One holdout of grace periods.
    SameHoldout,
    /// The thread of grace periods is starved in both.
    ThreadStarved,
    /// Tasks that are still blocked.
    SameTasks,
    /// Their tasks wait for the same.
    SameAwaited,
    /// Tasks hung before in the same boot.
    HungBefore,
    /// Its tasks wait for that grace period.
    WaitsForPeriod,
    /// The reader that blocks the grace period is the task of that report.
    ReaderReported {
        /// The reader.
        task: Task,
    },
    /// The CPU that blocks the grace period.
    HoldoutCpu {
        /// The CPU.
        cpu: CpuId,
    },
    /// The first process died of it.
    InitDied,
    /// The panic names that kind of report as its reason.
    PanicNames,
    /// The panic is of the task and CPU of that report, right after it.
    PanicOfReport,
    /// The task that failed there holds what others wait for.
    FailedTaskHolds {
        /// The task.
        task: Task,
    },
    /// The same task failed before.
    SameTaskFailed,
    /// The kernel was damaged before.
    Damaged,
    /// The device that is not freed keeps a lock.
    NamespaceLock {
        /// The function in which tasks wait for it.
        function: String,
    },
    /// The echo of a failed allocation.
    AllocationEcho,
    /// Memory ran out before.
    MemoryRanOut,
    /// The same kind of allocation failure.
    SameFailure,
    /// The allocation of the same task had just failed.
    AllocationOfTask,
    /// An allocation failed before.
    AllocationBefore,
    /// A CPU was stuck before.
    CpuStuck,
    /// A worker pool was stuck before.
    PoolStuck,
    /// The CPU or worker of that pool is reported as stuck.
    PoolOfCpu,
    /// A work function leaked a section before.
    WorkLeak,
    /// The server that they wait for did not respond before.
    ServerSilent,
    /// Tasks wait inside the driver that reported trouble.
    InsideDriver {
        /// The driver.
        driver: String,
    },
    /// Tasks wait for a device, and one failed before.
    DeviceFailed,
    /// Tasks wait for I/O, and storage failed before.
    StorageFailed,
    /// The same task.
    SameTask,
    /// The same lock.
    SameLock {
        /// The lock.
        lock: LockRef,
    },
    /// The same function is on both stacks.
    SameFunction {
        /// The function.
        function: String,
    },
    /// The same CPU, moments later.
    SameCpu,
    /// A task switch where none may be breaks the CPU's state.
    SwitchInAtomic,
    /// The same kind of report at the same moment.
    SameMoment,
    /// It only waits for that CPU.
    WaitsForCpu {
        /// The CPU, where one is named.
        cpu: Option<CpuId>,
    },
    /// It waits for a lock; the only other stuck CPU is that one.
    OnlyOtherStuck {
        /// The CPU, where one is named.
        cpu: Option<CpuId>,
    },
}

/// Why an event is taken for a consequence of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link {
    /// The earlier event (in the order of causes).
    pub parent: EventId,
    /// What they share.
    pub reason: LinkReason,
    /// The lines that show it.
    pub lines: Vec<LineSpan>,
    /// The rule.
    pub rule: RuleId,
    /// How sure.
    pub grade: Grade,
}
