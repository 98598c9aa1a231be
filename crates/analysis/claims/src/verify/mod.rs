//! The verifier: for every predicate a second, small reader that shares nothing with the one that finds it but the
//! reader of lines. It judges a statement by the lines that it cites, and a claim of somebody else by a whole log.
//!
//! Invariants: reads no analysis and no verdict of others; what a log does not say is not shown, whatever is likely;
//! a claim is contradicted only by a line that says otherwise of the same thing. A new predicate is a reader in one
//! family's module, an arm in [`fit`] and one in [`family`].

mod address;
mod code;
mod computed;
mod cpus;
mod crash;
mod fact;
mod faultcode;
mod fit;
mod kernel;
mod kind;
mod lockdep;
mod log;
mod memory;
mod message;
mod object;
mod rcu;
mod registers;
mod request;
mod scan;
mod source;
mod stack;
mod state;
mod tasks;
mod waits;
mod workqueue;

use model::{Assertion, Grade, LineSpan, Predicate, Statement};
use parse_console::Line;

use fact::{Fact, Family};
use fit::Fit;
pub use log::Log;

/// What becomes of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// These lines show it.
    Shown {
        /// They.
        lines: Vec<LineSpan>,
    },
    /// These lines say otherwise.
    Contradicted {
        /// They.
        lines: Vec<LineSpan>,
        /// What they say.
        found: Predicate,
    },
    /// The log neither shows nor refutes it.
    NotShown {
        /// What would show it.
        need: Need,
    },
}

/// Names under which needs are printed in JSON.
macro_rules! needs {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// What would show a claim that a log does not show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Need {
            $($(#[$doc])* $variant,)+
        }

        impl Need {
            /// Every need.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

needs! {
    /// A line with the release of the kernel.
    Version = "kernel_version",
    /// The report itself.
    Report = "report",
    /// The report with its stack.
    Stack = "stack",
    /// The stack with inlined functions, as scripts/decode_stacktrace.sh prints it.
    SymbolisedStack = "symbolised_stack",
    /// The stacks of allocation and free of a memory report.
    ObjectStacks = "object_stacks",
    /// The lines about the object at the end of a memory report.
    ObjectDescription = "object_description",
    /// The register dump.
    Registers = "registers",
    /// A hung task report or a dump of all tasks.
    TaskDump = "task_dump",
    /// Lists of held locks (lockdep).
    HeldLocks = "held_locks",
    /// The report of an RCU stall.
    RcuStall = "rcu_stall",
    /// Backtraces of CPUs.
    CpuBacktraces = "cpu_backtraces",
    /// The dump of busy workqueues and worker pools.
    BusyWorkqueues = "busy_workqueues",
    /// A lockdep report.
    Lockdep = "lockdep_report",
    /// The Mem-Info block.
    MemInfo = "mem_info",
    /// The whole log.
    WholeLog = "whole_log",
    /// The events to which the statement refers: only the program that numbered them knows them.
    Events = "events",
    /// Knowledge of the kernel that printed the log: its source.
    Knowledge = "source",
}

/// A statement that the lines it cites do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// What was said.
    pub statement: Statement,
    /// What its lines show instead.
    pub judgement: Judgement,
}

/// Judges a claim by a log.
pub fn verify(log: &Log, claim: &Predicate) -> Judgement {
    if let Some(judgement) = source::judge(log, claim).or_else(|| computed::judge(log, claim)) {
        return judgement;
    }
    let (family, need) = family(claim);
    let mut otherwise: Option<&Fact> = None;
    for fact in log.facts(family) {
        match fit::fit(claim, &fact.says) {
            Some(Fit::Yes) => return Judgement::Shown { lines: log.spans(&fact.at) },
            Some(Fit::No) if !fact.weak => otherwise = otherwise.or(Some(fact)),
            _ => {}
        }
    }
    match otherwise {
        Some(fact) => {
            Judgement::Contradicted { lines: log.spans(&fact.at), found: fact.says.clone() }
        }
        None => computed::absent(log, claim).unwrap_or(Judgement::NotShown { need }),
    }
}

/// Judges a claim by a log and, where it names lines and the log alone does not tell, by these.
pub fn verify_assertion(log: &Log, claim: &Assertion) -> Judgement {
    let judgement = verify(log, &claim.predicate);
    if matches!(judgement, Judgement::NotShown { .. }) && !claim.lines.is_empty() {
        let by_lines = verify(&log.narrowed(&claim.lines), &claim.predicate);
        if matches!(by_lines, Judgement::Shown { .. }) {
            return by_lines;
        }
    }
    judgement
}

/// Whether the statement claims that its lines alone prove it: it is graded SEEN or DERIVED.
pub fn is_provable(statement: &Statement) -> bool {
    matches!(statement.grade(), Grade::Seen | Grade::Derived)
}

/// What speaks against a statement that its lines are said to prove; `None` when they show it, alone or with what
/// stands near them. `lines` is in the order of the log and holds at least [`needed_lines`].
pub fn doubt(statement: &Statement, lines: &[Line<'_>]) -> Option<Judgement> {
    let cited = statement.lines();
    let judgement = verify(&Log::cited(neighbourhood(lines, cited), cited), statement.predicate());
    match judgement {
        Judgement::Shown { .. } => None,
        // A line that says otherwise is not outweighed by others.
        Judgement::Contradicted { .. } => Some(judgement),
        Judgement::NotShown { .. } => {
            // What belongs to the statement is often said by a line beside the cited ones.
            let near = Log::of_lines(neighbourhood(lines, cited));
            let shown = matches!(verify(&near, statement.predicate()), Judgement::Shown { .. });
            (!shown).then_some(judgement)
        }
    }
}

/// Most lines between two cited ones that are looked at: no stack and no report is longer.
const LONGEST_GAP: u64 = 400;

/// Lines around the cited ones that are looked at: the headline before a lock, the stack behind an instruction.
const AROUND: u64 = 120;

/// The lines by which a statement is judged: the cited ones, those between two of them that are near, and some
/// around.
pub fn needed_lines(cited: &[LineSpan]) -> Vec<LineSpan> {
    let mut runs: Vec<LineSpan> = Vec::new();
    for span in cited {
        let first = span.first.saturating_sub(AROUND).max(1);
        let end = span.last.saturating_add(AROUND);
        match runs.last_mut() {
            Some(last) if first <= last.last.saturating_add(LONGEST_GAP) => {
                last.last = last.last.max(end);
            }
            _ => runs.push(LineSpan::new(first, end)),
        }
    }
    runs
}

/// Those of `lines` by which the statement is judged.
fn neighbourhood<'b, 'a>(
    lines: &'b [Line<'a>],
    cited: &[LineSpan],
) -> impl Iterator<Item = &'b Line<'a>> {
    needed_lines(cited).into_iter().flat_map(move |run| {
        let from = lines.partition_point(|line| line.number < run.first);
        let to = lines.partition_point(|line| line.number <= run.last);
        &lines[from..to.max(from)]
    })
}

/// Which reader knows of a predicate, and what would show it.
fn family(claim: &Predicate) -> (Family, Need) {
    use Predicate as P;
    match claim {
        P::KernelVersion { .. } | P::Taint { .. } | P::TaintedBefore { .. } => {
            (Family::Kernel, Need::Version)
        }
        P::Panicked { .. }
        | P::MessagesLost
        | P::HungReportsSuppressed
        | P::StackSuspect
        | P::Message { .. }
        | P::Remark { .. } => (Family::Kernel, Need::WholeLog),
        P::CrashTitle { .. } | P::FaultKind { .. } => (Family::Kind, Need::Report),
        P::CrashPlace { .. }
        | P::Access { .. }
        | P::MemoryTags { .. }
        | P::OnCpu { .. }
        | P::CurrentTask { .. }
        | P::Workqueue { .. }
        | P::SourceLine { .. }
        | P::RacingAccess { .. } => (Family::Crash, Need::Report),
        P::CalledBy { .. }
        | P::OnStack { .. }
        | P::Recursion { .. }
        | P::SystemCall { .. }
        | P::ExecutionContext { .. } => (Family::Crash, Need::Stack),
        P::FaultAddress { .. } | P::AddressMeaning { .. } => (Family::Address, Need::Report),
        P::Object { .. } | P::ObjectOffset { .. } => (Family::Object, Need::ObjectDescription),
        P::ObjectFunction { .. } | P::ObjectTask { .. } | P::SameTask { .. } => {
            (Family::Object, Need::ObjectStacks)
        }
        P::Register { .. }
        | P::SystemCallArguments { .. }
        | P::FaultingInstruction { .. }
        | P::Irqs { .. }
        | P::FaultBits { .. }
        | P::UserFault { .. }
        | P::UserFaultPlace { .. } => (Family::Registers, Need::Registers),
        P::BlockedFor { .. } | P::BlockedTasks { .. } | P::TaskState { .. } => {
            (Family::Tasks, Need::TaskDump)
        }
        P::Holds { .. } => (Family::Tasks, Need::HeldLocks),
        P::WaitsFor { .. } => (Family::Waits, Need::TaskDump),
        P::SpinsOn { .. } => (Family::Waits, Need::CpuBacktraces),
        P::CpuStuck { .. } | P::CpuNoResponse { .. } => (Family::Cpus, Need::Report),
        P::CpuIn { .. } => (Family::Cpus, Need::CpuBacktraces),
        P::GracePeriodAge { .. }
        | P::GracePeriodThreadStarved { .. }
        | P::GracePeriodThreadWorked { .. }
        | P::HoldoutCpu { .. }
        | P::HoldoutTask { .. }
        | P::CallbacksWaiting { .. }
        | P::TickRate { .. } => (Family::Rcu, Need::RcuStall),
        P::SameStall { .. } | P::Follows { .. } => (Family::Rcu, Need::Events),
        P::PoolStuck { .. }
        | P::WorkInFlight { .. }
        | P::WorkPending { .. }
        | P::IdleWorkers { .. }
        | P::WorkBarrier { .. } => (Family::Workqueue, Need::BusyWorkqueues),
        P::LockWanted { .. }
        | P::LockOrder { .. }
        | P::LockConflict { .. }
        | P::SameLock { .. }
        | P::LockdepOff => (Family::Lockdep, Need::Lockdep),
        P::AtomicContext { .. } => (Family::Lockdep, Need::Report),
        P::Allocation { .. } | P::OomLimit { .. } | P::CgroupMemory { .. } | P::Killed { .. } => {
            (Family::Memory, Need::Report)
        }
        P::ZoneMemory { .. }
        | P::FreeBlocks { .. }
        | P::MemoryUse { .. }
        | P::AllocationType { .. }
        | P::ZoneCheck { .. }
        | P::BlockForRequest { .. }
        | P::AllocationFailedBy { .. } => (Family::Memory, Need::MemInfo),
        P::BadState { .. } | P::ListPointer { .. } | P::DeviceReferences { .. } => {
            (Family::State, Need::Report)
        }
        P::ValueChanged { .. } | P::ArrayIndex { .. } | P::ShiftExponent { .. } => {
            (Family::Crash, Need::Report)
        }
        P::WaitCaller { .. } => (Family::Waits, Need::TaskDump),
        P::LikelyHolder { .. } | P::WaitBegan { .. } => (Family::Tasks, Need::TaskDump),
        P::CallbacksGrew { .. }
        | P::StallFoundBy { .. }
        | P::StallEnded
        | P::TimerSuspected { .. }
        | P::GracePeriodScans { .. }
        | P::RcuSoftirqs { .. }
        | P::RcucStarved { .. }
        | P::DepthGrew { .. }
        | P::GracePeriodBegan { .. }
        | P::SleptInReader { .. } => (Family::Rcu, Need::RcuStall),
        P::LockReleased { .. } => (Family::Lockdep, Need::Lockdep),
        P::AtomicBecause { .. } | P::PreemptionDisabledAt { .. } => (Family::Lockdep, Need::Report),
        // No line shows these: they take knowledge of the release, or are guesses.
        P::MayHold { .. }
        | P::StallMechanism { .. }
        | P::CpuDenied { .. }
        | P::DefinedIn { .. }
        | P::Calls { .. }
        | P::CommitExists { .. }
        | P::CommitInRelease { .. }
        | P::FirstInRelease { .. }
        | P::UserFaultSource { .. }
        | P::GuiltyFile { .. } => (Family::State, Need::Knowledge),
        P::FrameSource { .. } | P::LockSource { .. } => (Family::State, Need::SymbolisedStack),
    }
}
