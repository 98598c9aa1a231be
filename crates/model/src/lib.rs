//! The nouns that every part of ktriage shares. Data only.
//!
//! Invariants: knows nothing about consoles, mails, kernels' sources or any output format; depends
//! on no crate of ours; does no I/O. What is said of a log is a [`Statement`]: a [`Predicate`] with its
//! [`Evidence`], the [`RuleId`] by which it is said and its [`Grade`].

pub mod bisection;
pub mod calendar;
pub mod change;
mod commit;
mod errno;
mod evidence;
pub mod functions;
mod grade;
mod hex;
mod notice;
mod predicate;
pub mod program;
mod rule;
mod rule_name;
mod run;
mod statement;
mod statements;
mod task;
pub mod tracker;
mod verdict;
mod waits;
mod words;

pub use commit::CommitId;
pub use errno::errno_name;
pub use evidence::{LineSpan, NoLines};
pub use grade::Grade;
pub use notice::Notice;
pub use predicate::Predicate;
pub use rule::{RULES, Rule, RuleId, UnknownRule};
pub use rule_name::RuleName;
pub use run::RunOutcome;
pub use statement::{Assertion, Evidence, Statement};
pub use statements::Statements;
pub use task::{CpuId, EventId, Task};
pub use verdict::{
    ChainEnd, Culprit, Finding, FirstCause, Link, LinkReason, Need, PeriodWaiter, Remark, Running,
    SpinOwner, Step, Verdict, VerdictKind,
};
pub use waits::{
    Awaited, DeviceWork, GracePeriodSort, LockKind, Participant, Release, Resource, UserWork,
    WaitsFor,
};
pub use words::{
    AccessKind, AddressMeaning, AllocationCause, AtomicReason, BadObject, Context, CpuDenial,
    FaultKind, IrqState, LockRef, LockUsage, MemoryUse, MigrateType, OomConstraint, Ownership,
    Party, PoisonValue, Role, Side, SourcePlace, StallMechanism, TaintMeaning, UserFaultKind,
    WaitKind,
};
