//! What a statement says, as a value: one enum of predicates with typed arguments.
//!
//! These values are what a diagnosis says, what `--json` prints, and what `check --claims` reads. The field
//! `predicate` names the variant; all other fields are its arguments. Each predicate that may be graded SEEN or
//! DERIVED has a finder (in `analysis-hang`, `analysis-registers`) and an independent verifier (in `analysis-claims`).
//! English is made of them in `render` only.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{
    AccessKind, AddressMeaning, AllocationCause, AtomicReason, BadObject, Context, CpuDenial,
    FaultKind, IrqState, LockRef, LockUsage, MemoryUse, MigrateType, OomConstraint, Ownership,
    Party, Role, Side, SourcePlace, StallMechanism, TaintMeaning, UserFaultKind, WaitKind,
};
use crate::{CpuId, EventId, Task};

/// One thing that can be said of a log. Names of functions are without offset and without suffixes of the
/// compiler's making (`.isra.0`, `.cold`); addresses are 64-bit values; sizes are bytes; times say their unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "predicate", rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    // ---- the kernel and the machine -------------------------------------------------------------------------
    /// The release of the kernel that printed the log, as in `uname -r`.
    KernelVersion {
        /// `6.12.1-amd64`.
        version: String,
    },
    /// The taint flags of the kernel.
    Taint {
        /// The letters, without `G` or `P` fillers that mean nothing: `DW`.
        flags: String,
    },
    /// A taint flag says that something had been reported before the first report of this log.
    TaintedBefore {
        /// What the flag tells of.
        meaning: TaintMeaning,
    },
    /// The kernel panicked.
    Panicked {
        /// The text after `Kernel panic - not syncing: `.
        reason: Option<String>,
    },

    // ---- a crash --------------------------------------------------------------------------------------------
    /// The name under which the community files this crash.
    CrashTitle {
        /// As `ktriage report` gives it.
        title: String,
    },
    /// What kind of failure is reported.
    FaultKind {
        /// The kind.
        kind: FaultKind,
    },
    /// The function in which the fault happened.
    CrashPlace {
        /// The function.
        function: String,
    },
    /// One function called another in the stack of the report.
    CalledBy {
        /// The called one.
        function: String,
        /// Its caller, which may call it through others that are inlined or stand between.
        caller: String,
    },
    /// A function stands in the stack of the report.
    OnStack {
        /// The function.
        function: String,
    },
    /// The stack shows a function that calls itself.
    Recursion {
        /// The function.
        function: String,
    },
    /// The task was inside that system call.
    SystemCall {
        /// `bind`, without a prefix.
        name: String,
    },
    /// The access that was reported.
    Access {
        /// Read, write, free or fetch of an instruction.
        access: AccessKind,
        /// Bytes.
        size: Option<u64>,
    },
    /// The address that was accessed.
    FaultAddress {
        /// The address.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        address: u64,
    },
    /// What the value of an address or register tells of.
    AddressMeaning {
        /// The value.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        address: u64,
        /// Register that holds it, where it is one.
        register: Option<String>,
        /// Its meaning.
        meaning: AddressMeaning,
    },
    /// The tags of a pointer and of the memory it points to, which must agree (KASAN by tags).
    MemoryTags {
        /// That of the pointer.
        pointer: u8,
        /// That of the memory.
        memory: u8,
    },
    /// The object that was accessed.
    Object {
        /// Its slab cache, `kmalloc-1k`.
        cache: Option<String>,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// Where the address lies relative to the object or its allocated region.
    ObjectOffset {
        /// Inside, before (left) or behind (right).
        side: Side,
        /// Bytes from the start (inside), or from the nearer end.
        distance: u64,
        /// Size of the region in bytes.
        region: u64,
    },
    /// The first function outside the allocator and its hooks that allocated, freed or used the object.
    ObjectFunction {
        /// What was done.
        role: Role,
        /// The function.
        function: String,
    },
    /// The task that allocated, freed or used the object.
    ObjectTask {
        /// What was done.
        role: Role,
        /// The task; the name is empty where the log tells the pid only.
        task: Task,
    },
    /// Whether two of the stacks of an object are of one task.
    SameTask {
        /// One of them.
        first: Role,
        /// The other.
        second: Role,
        /// Whether it is one and the same task.
        same: bool,
    },
    /// The two sides of a data race.
    RacingAccess {
        /// Function of one side.
        function: String,
        /// Read or write.
        access: AccessKind,
        /// Its task.
        task: Option<Task>,
        /// Its CPU.
        cpu: Option<CpuId>,
    },
    /// The context in which the report was printed.
    ExecutionContext {
        /// Task, softirq, hardirq or NMI.
        context: Context,
    },
    /// KCSAN saw a value change while it watched.
    ValueChanged {
        /// Before.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        from: u64,
        /// After.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        to: u64,
    },
    /// UBSAN: an index beyond its array.
    ArrayIndex {
        /// The index, as printed.
        index: i64,
        /// The type of the array, `u8 [4]`.
        array: String,
    },
    /// UBSAN: a shift by too much or by a negative number.
    ShiftExponent {
        /// The exponent, as printed.
        exponent: i64,
        /// Bits of the type that is shifted, where the line names them.
        bits: Option<u32>,
    },
    /// The CPU on which it happened.
    OnCpu {
        /// The CPU.
        cpu: CpuId,
    },
    /// The task that was current.
    CurrentTask {
        /// The task.
        task: Task,
    },
    /// The work item that ran.
    Workqueue {
        /// Name of the workqueue.
        workqueue: Option<String>,
        /// The work function.
        function: String,
    },
    /// What the kernel's own code says of a warning: the text of `WARN(condition, text)` and its kin.
    Message {
        /// The text, its lines joined by blanks.
        text: String,
    },
    /// `file:line` that a BUG, WARNING or UBSAN report names.
    SourceLine {
        /// Path as printed.
        file: String,
        /// Line.
        line: u32,
    },

    // ---- registers ------------------------------------------------------------------------------------------
    /// The value of a register.
    Register {
        /// Its name as printed, `RDI`, `x0`.
        register: String,
        /// Its value.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        value: u64,
    },
    /// The system call with its arguments, from saved registers.
    SystemCallArguments {
        /// Name, where the table of that architecture has the number.
        name: Option<String>,
        /// Number.
        number: u64,
        /// Arguments, decoded to text as strace would print them.
        arguments: Vec<String>,
        /// What the call returned, where it had returned: a number, negative for an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<i64>,
    },
    /// The instruction that faulted or was about to run.
    FaultingInstruction {
        /// Disassembled text.
        text: String,
        /// The bad memory operand, as `0x34(%rdi)`.
        operand: Option<String>,
        /// The address that the operand computes with the printed registers.
        #[serde(default, with = "crate::hex::option")]
        #[schemars(with = "Option<String>")]
        computed: Option<u64>,
    },
    /// Interrupts were enabled or not in the interrupted context.
    Irqs {
        /// Enabled, disabled.
        state: IrqState,
        /// Register whose value tells.
        register: Option<String>,
    },
    /// What the bits of a fault's error code say.
    FaultBits {
        /// The code.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        code: u64,
        /// Each bit in words of the architecture manual: `write`, `user mode`, `page not present`.
        bits: Vec<String>,
    },

    /// A user program was stopped by a fault of its own.
    UserFault {
        /// The program.
        task: Task,
        /// What the line calls it.
        kind: UserFaultKind,
        /// The address it touched, for a segfault.
        #[serde(default, with = "crate::hex::option")]
        #[schemars(with = "Option<String>")]
        address: Option<u64>,
        /// Its instruction pointer.
        #[serde(with = "crate::hex")]
        #[schemars(with = "String")]
        ip: u64,
    },
    /// Where a user program stood in the file mapped at its instruction pointer.
    UserFaultPlace {
        /// The program.
        task: Task,
        /// Base name of the file.
        file: String,
        /// Bytes from the start of the mapping.
        in_mapping: Option<u64>,
        /// Offset in the file, as printed from 6.9 on.
        in_file: Option<u64>,
    },
    /// Where a user program stood in its source, by the symbols of a file that the user gave for it.
    UserFaultSource {
        /// The program.
        task: Task,
        /// Base name of the file with the symbols.
        file: String,
        /// The function and those it is inlined into, innermost first.
        places: Vec<SourcePlace>,
    },

    // ---- the source ------------------------------------------------------------------------------------------
    /// Where a function with an offset is in the source, by the debug information of the kernel that the user gave.
    FrameSource {
        /// The function, as printed.
        function: String,
        /// Bytes from its start.
        offset: u64,
        /// The module it is of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        module: Option<String>,
        /// The function and those inlined into it there, innermost first.
        places: Vec<SourcePlace>,
    },
    /// Where in the source a lock was taken, or is wanted.
    LockSource {
        /// The lock.
        lock: LockRef,
        /// It is waited for, not held.
        #[serde(default)]
        wanted: bool,
        /// The function and those inlined into it there, innermost first.
        places: Vec<SourcePlace>,
    },
    /// The source file that the report points at: the first in its stack that holds no helpers.
    GuiltyFile {
        /// Path in the source tree.
        file: String,
    },

    // ---- hangs: tasks ---------------------------------------------------------------------------------------
    /// A task is blocked for longer than that.
    BlockedFor {
        /// The task.
        task: Task,
        /// Seconds.
        seconds: u64,
    },
    /// How many tasks the log reports as blocked.
    BlockedTasks {
        /// Number of different tasks.
        count: u64,
    },
    /// The scheduler state of a task.
    TaskState {
        /// The task.
        task: Task,
        /// `D`, `R`, `S`, `I`, …
        state: char,
    },
    /// A task waits for something.
    WaitsFor {
        /// Who waits.
        waiter: Party,
        /// For what.
        target: Party,
        /// The way it waits.
        kind: WaitKind,
        /// Function in which it waits.
        function: Option<String>,
    },
    /// A task holds a lock.
    Holds {
        /// The task.
        task: Task,
        /// The lock.
        lock: LockRef,
        /// Function that took it.
        function: Option<String>,
    },
    /// A task spins for a lock.
    SpinsOn {
        /// Who.
        party: Party,
        /// Function that wants the lock.
        function: String,
    },
    /// The function that asked for what a task waits for: on the task's stack, the first caller of the function where
    /// it sleeps that is no part of a locking, waiting or scheduling primitive.
    WaitCaller {
        /// The task.
        task: Task,
        /// The function.
        function: String,
    },
    /// The kernel names a likely holder of the lock that a task waits for (`is blocked on a mutex likely owned by
    /// task …`, `.owner: …` of a spinlock report).
    LikelyHolder {
        /// The task that waits.
        waiter: Task,
        /// The task that is named.
        holder: Task,
        /// How the kernel puts it.
        how: Ownership,
    },
    /// A task may hold the lock that others wait for: its stack shows a function of the module that takes the lock.
    /// A guess.
    MayHold {
        /// The task.
        task: Task,
        /// Its innermost function of that module.
        function: String,
        /// The module.
        module: String,
    },
    /// Between which moments the wait of a blocked task began: not later than the report less the seconds that it
    /// names, and not more than one look of the detector earlier. Times are those of the log.
    WaitBegan {
        /// The earliest moment.
        earliest: String,
        /// The latest moment.
        latest: String,
    },

    // ---- hangs: CPUs and RCU --------------------------------------------------------------------------------
    /// A CPU is stuck.
    CpuStuck {
        /// The CPU.
        cpu: CpuId,
        /// Seconds, where stated.
        seconds: Option<u64>,
    },
    /// What a CPU executed when it was looked at.
    CpuIn {
        /// The CPU.
        cpu: CpuId,
        /// The task.
        task: Option<Task>,
        /// The function.
        function: String,
    },
    /// One CPU waits for the answer of another.
    CpuNoResponse {
        /// The one that does not answer.
        cpu: CpuId,
        /// The one that waits.
        waiting: Option<CpuId>,
    },
    /// Age of a grace period.
    GracePeriodAge {
        /// Its number as printed.
        number: i64,
        /// Jiffies.
        jiffies: u64,
    },
    /// How long the thread of a grace period did not run.
    GracePeriodThreadStarved {
        /// Jiffies.
        jiffies: u64,
        /// CPU it last ran on.
        cpu: Option<CpuId>,
        /// Scheduler state as printed.
        state: Option<u64>,
    },
    /// How long a grace period's thread worked before it starved: age less starvation.
    GracePeriodThreadWorked {
        /// Jiffies.
        jiffies: u64,
    },
    /// A CPU that holds up a grace period.
    HoldoutCpu {
        /// The CPU.
        cpu: CpuId,
        /// Grace periods that it has not noticed.
        behind: Option<u64>,
        /// Ticks in this grace period.
        ticks: Option<u64>,
    },
    /// A task that holds up a grace period.
    HoldoutTask {
        /// The task.
        task: Task,
        /// Depth of its reader sections.
        depth: Option<u32>,
    },
    /// Callbacks that wait for a grace period.
    CallbacksWaiting {
        /// Number.
        count: u64,
    },
    /// More callbacks wait at the second report of a stall than at the first (`q=` of both).
    CallbacksGrew {
        /// At the first report.
        from: u64,
        /// At the second.
        to: u64,
    },
    /// The CPU that found the stall of others (`detected by N`): a witness.
    StallFoundBy {
        /// The CPU.
        cpu: CpuId,
    },
    /// The stall ended before its stacks were dumped (`Stall ended before state dump start`).
    StallEnded,
    /// The kernel suspects that a timer was not handled (`Possible timer handling issue`).
    TimerSuspected {
        /// The CPU.
        cpu: Option<CpuId>,
        /// `timer-softirq=`: timer softirqs that ran there.
        softirqs: Option<u64>,
    },
    /// Scans for quiescent states since the grace period began (the largest `fqs=` of its holdouts).
    GracePeriodScans {
        /// How many.
        count: u64,
    },
    /// RCU softirqs that ran on a holdout CPU since the last grace period that it noticed: the second number of
    /// `softirq=A/B` less the first.
    RcuSoftirqs {
        /// The CPU.
        cpu: CpuId,
        /// How many.
        count: u64,
    },
    /// The rcuc thread of a CPU did not run for that long (`rcuc=N jiffies(starved)`).
    RcucStarved {
        /// The CPU.
        cpu: CpuId,
        /// Jiffies.
        jiffies: u64,
    },
    /// The reader depth of a holdout task grew from one report of a stall to a later one of the same grace period.
    DepthGrew {
        /// The task.
        task: Task,
        /// Depth at the first report.
        from: u32,
        /// Depth at the later one.
        to: u32,
    },
    /// What keeps a grace period open, as the fields of a stall report show to somebody who knows that release.
    /// Always INFERRED.
    StallMechanism {
        /// What.
        mechanism: StallMechanism,
        /// The CPU concerned.
        cpu: Option<CpuId>,
        /// The task concerned.
        task: Option<Task>,
    },
    /// When a grace period began: the moment of the report less its age in jiffies.
    GracePeriodBegan {
        /// The moment, in times of the log.
        at: String,
        /// The tick rate taken for it.
        hz: u32,
    },
    /// A task switched out voluntarily inside an RCU reader section (`Voluntary context switch within RCU read-side
    /// critical section!`). Where it slept is not where the section was leaked.
    SleptInReader {
        /// The task.
        task: Task,
        /// Innermost function of its stack outside of scheduler and detector.
        function: Option<String>,
    },
    /// Who may deny a CPU to the thread of a grace period. A guess.
    CpuDenied {
        /// The CPU.
        cpu: CpuId,
        /// By what.
        by: CpuDenial,
    },
    /// Two events are one and the same stall.
    SameStall {
        /// The earlier.
        first: EventId,
        /// The later.
        second: EventId,
        /// Number of the grace period.
        number: i64,
    },
    /// The tick rate.
    TickRate {
        /// All values of HZ that fit.
        hz: Vec<u32>,
    },

    // ---- hangs: workqueues ----------------------------------------------------------------------------------
    /// A worker pool makes no progress.
    PoolStuck {
        /// CPUs as printed.
        cpus: String,
        /// Seconds.
        seconds: Option<u64>,
    },
    /// A work item that a worker executes.
    WorkInFlight {
        /// The function.
        function: String,
        /// The worker.
        worker: Option<Task>,
        /// Seconds, where printed.
        seconds: Option<u64>,
    },
    /// Work items that wait for a worker.
    WorkPending {
        /// The function.
        function: String,
        /// How many.
        count: Option<u64>,
    },
    /// Idle workers of a pool.
    IdleWorkers {
        /// Number of the pool.
        pool: u64,
        /// How many.
        count: u64,
    },
    /// A worker waits for a work item behind a barrier (`BAR(pid)`).
    WorkBarrier {
        /// The worker or task that waits.
        task: Task,
        /// The work function waited for.
        function: String,
    },

    // ---- locks ----------------------------------------------------------------------------------------------
    /// A lockdep report: the lock that is wanted.
    LockWanted {
        /// Who.
        task: Task,
        /// The lock.
        lock: LockRef,
        /// Function that wants it.
        function: String,
    },
    /// One step of a lock chain: `first` is held while `then` is taken.
    LockOrder {
        /// The lock held.
        first: LockRef,
        /// The lock taken under it.
        then: LockRef,
        /// Function that takes it.
        function: Option<String>,
    },
    /// A lock is used in ways that exclude each other.
    LockConflict {
        /// The lock.
        lock: LockRef,
        /// Used so.
        one: LockUsage,
        /// And so.
        other: LockUsage,
    },
    /// Whether two locks of a report are one: only the address tells.
    SameLock {
        /// One.
        first: LockRef,
        /// The other.
        second: LockRef,
        /// Whether it is one and the same lock.
        same: bool,
    },
    /// Lockdep stopped checking: later silence is not health.
    LockdepOff,
    /// A task releases a lock that it does not hold (`is trying to release lock (C) at:`).
    LockReleased {
        /// The task.
        task: Task,
        /// The lock.
        lock: LockRef,
        /// The function that releases it, from the line below.
        function: Option<String>,
    },

    // ---- atomic context -------------------------------------------------------------------------------------
    /// A count that forbids sleeping is not what it should be.
    AtomicContext {
        /// `preempt_count`, `in_atomic`, `irqs_disabled`, `non_block`, `rcu_depth`.
        field: String,
        /// Value.
        value: u64,
        /// Value expected, where printed.
        expected: Option<u64>,
    },
    /// Why sleeping is forbidden there, by the bits of a count that is not what it should be.
    AtomicBecause {
        /// The reason.
        reason: AtomicReason,
    },
    /// The function that disabled preemption or bottom halves last (the line below `Preemption disabled at:`).
    PreemptionDisabledAt {
        /// The function.
        function: String,
    },

    // ---- memory ---------------------------------------------------------------------------------------------
    /// An allocation failed or led to the OOM killer.
    Allocation {
        /// Order: 2^order pages.
        order: u32,
        /// Flags as printed, `GFP_KERNEL|__GFP_COMP`.
        gfp: String,
        /// The task that asked.
        task: Option<Task>,
    },
    /// What bounded the memory of an OOM kill.
    OomLimit {
        /// Whole machine, memory cgroup, cpuset or memory policy.
        constraint: OomConstraint,
    },
    /// A memory cgroup reached its limit.
    CgroupMemory {
        /// Used, kB.
        usage: u64,
        /// Limit, kB.
        limit: u64,
    },
    /// Free memory of a zone against its watermark.
    ZoneMemory {
        /// `Node 0 Normal`.
        zone: String,
        /// Free, kB.
        free: u64,
        /// Minimum watermark, kB.
        min: u64,
        /// Free memory in blocks that this request may not use (CMA, highatomic reserve), kB.
        unusable: Option<u64>,
    },
    /// Free blocks of an order, or of higher ones, in a zone.
    FreeBlocks {
        /// `Node 0 Normal`.
        zone: String,
        /// Order.
        order: u32,
        /// Number of blocks of that order or higher.
        count: u64,
        /// Letters of their migrate types, `C` CMA, `H` highatomic, `M` movable, `U` unmovable, `E` reclaimable.
        kinds: String,
    },
    /// The type of pages that the request takes first, as its flags say.
    AllocationType {
        /// Unmovable, movable, reclaimable.
        migrate_type: MigrateType,
        /// The flags as printed.
        gfp: String,
    },
    /// The watermark check of a zone for the request, with the values of the report.
    ZoneCheck {
        /// `Node 0 Normal`.
        zone: String,
        /// Free memory that the request may count on, kB: free less CMA and the highatomic reserve where it may
        /// not use them.
        usable: u64,
        /// What must stay free, kB: the minimum watermark as the flags lower it, plus lowmem_reserve.
        required: u64,
        /// Whether more than that is usable.
        passes: bool,
    },
    /// Whether a zone has a free block for the request: of its order or higher and of a type that it may use.
    BlockForRequest {
        /// `Node 0 Normal`.
        zone: String,
        /// Order.
        order: u32,
        /// Whether there is one.
        available: bool,
    },
    /// Why an allocation was not served.
    AllocationFailedBy {
        /// The cause.
        cause: AllocationCause,
        /// Order of the request.
        order: u32,
    },
    /// A use of the machine's memory.
    MemoryUse {
        /// The use.
        kind: MemoryUse,
        /// Pages.
        pages: u64,
    },
    /// The OOM killer killed a task.
    Killed {
        /// The task.
        task: Task,
    },

    // ---- objects that a report damages or finds damaged -----------------------------------------------------
    /// An object whose state is wrong: a list, a reference count, a page, a lock.
    BadState {
        /// What kind of object.
        object: BadObject,
    },
    /// A pointer of a linked list is not what it should be.
    ListPointer {
        /// As the line names it, `prev->next`.
        field: String,
        /// The address that should be there, as printed.
        expected: String,
        /// The one that is there, as printed.
        found: String,
    },
    /// A network device cannot be freed, as references to it are left.
    DeviceReferences {
        /// Its name.
        device: String,
        /// How many.
        count: u64,
    },

    // ---- order and context ----------------------------------------------------------------------------------
    /// A later event is a consequence of an earlier one through a shared object.
    Follows {
        /// The consequence.
        event: EventId,
        /// What it follows from.
        cause: EventId,
        /// What they share.
        shared: Party,
    },
    /// The kernel lost or suppressed messages: what is not in the log may still have happened.
    MessagesLost,
    /// Hung task reports are suppressed from here on.
    HungReportsSuppressed,
    /// The kernel says that a thread overran its stack or that its stack is corrupted: frames and values of its report
    /// may be wrong.
    StackSuspect,
    /// A line before the first event that is no routine message.
    Remark {
        /// The text, without prefixes.
        text: String,
    },

    // ---- the source and its history: a tree tells, no log does ----------------------------------------------
    /// A source file defines a function.
    DefinedIn {
        /// The function.
        function: String,
        /// The file, from the top of the tree.
        file: String,
    },
    /// The body of a function calls another one by its name.
    Calls {
        /// The one that calls.
        caller: String,
        /// The called one.
        function: String,
    },
    /// A commit is in the history.
    CommitExists {
        /// Its name, or the first digits.
        commit: String,
        /// Its title, where that is claimed too.
        title: Option<String>,
    },
    /// A release holds a commit.
    CommitInRelease {
        /// The commit.
        commit: String,
        /// The release's tag, `v6.12`.
        release: String,
    },
    /// No release before that one holds the commit.
    FirstInRelease {
        /// The commit.
        commit: String,
        /// The release's tag.
        release: String,
    },
}

impl Predicate {
    /// Whether it is about the source or its history, which no log tells.
    pub const fn is_of_source(&self) -> bool {
        matches!(
            self,
            Self::DefinedIn { .. }
                | Self::Calls { .. }
                | Self::CommitExists { .. }
                | Self::CommitInRelease { .. }
                | Self::FirstInRelease { .. }
        )
    }

    /// The names of all predicates, in the order of their declaration.
    pub fn names() -> &'static [String] {
        static NAMES: OnceLock<Vec<String>> = OnceLock::new();
        NAMES.get_or_init(|| {
            let schema = schemars::schema_for!(Predicate);
            let variants = schema.get("oneOf").and_then(|all| all.as_array()).into_iter().flatten();
            variants
                .filter_map(|one| one["properties"]["predicate"]["const"].as_str())
                .map(str::to_owned)
                .collect()
        })
    }
}
