//! The nouns that every part of ktriage shares. Data only.
//!
//! Invariants: knows nothing about consoles, mails, kernels' sources or any output format; depends
//! on no crate of ours; does no I/O.

pub mod calendar;
mod claim;
mod commit;
mod evidence;
mod run;

pub use claim::{Claim, Grade, Rule};
pub use commit::CommitId;
pub use evidence::LineSpan;
pub use run::RunOutcome;
