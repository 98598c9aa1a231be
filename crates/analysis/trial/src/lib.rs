//! A patch series on trial: which commit it belongs on, what the runs of the base and of the patched
//! kernel say about it, how many more are needed, and which of the changed functions ran at all.
//!
//! Invariants: pure; nothing is called fixed that was not shown on the base; a difference counts only
//! beyond the chance that was asked for; what the runs cannot tell is said to be open.

mod base;
mod compare;
mod functions;
mod plan;
mod report;
mod series;

pub use analysis_bisect::TargetTitle;
pub use base::{
    Attempt, Base, BlobMatch, Candidate, FailedHunk, Missing, Nearest, Origin, choose, missing,
    names_in_mail,
};
pub use compare::{Comparison, OtherFailure, Rate, Run, Verdict, Wanted, compare, rate, target};
pub use functions::{ChangedFunction, changed_functions};
pub use plan::{Ask, Budget, next, next_without_target};
pub use report::{
    AfterPatch, Build, BuildFailure, Cell, Earlier, Outcome, Reach, Reached, Report, Shown, Side,
    Spent, Workload, WorkloadKind, Worst,
};
pub use series::{Finding, Patch, Pick, PickError, Series, pick};
