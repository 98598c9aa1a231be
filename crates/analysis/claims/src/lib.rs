//! Takes a written analysis apart, rebuilds the graph from the stacks it quotes, and judges each claim
//! against the evidence.
//!
//! Invariants: does no I/O; prose is never evidence; a claim that cannot be judged says so; a verdict
//! cites the lines it rests on. Start reading at [`check`]; a new kind of claim is a row in
//! [`rules::all`].

pub mod claim;
pub mod claims;
mod console;
pub mod document;
pub mod evidence;
pub mod form;
mod index;
mod judge;
mod letter;
mod number;
mod plain_rules;
pub mod quoted;
pub mod report;
pub mod rules;
mod verdict;
pub mod verify;

pub use claims::JudgedClaim;
pub use evidence::{Cited, Evidence, Source};
pub use report::{Report, check};
pub use verdict::Verdict;
