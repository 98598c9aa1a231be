//! The decisions of the bug's record: same bug or new, where a bug stands after an action, which logs are kept, when
//! silence ends a bug, what a mail asks for.
//!
//! Invariants: does no I/O, reads no clock; knows nothing about the database, mails' delivery or pages.

pub mod command;
mod retention;
mod retest;
mod same;
mod silence;
mod standing;
mod suggest;

pub use retention::{KEPT_LIMIT, Past, to_drop, wants_log};
pub use retest::{Retested, retested, same_signature};
pub use same::{
    Candidate, Reason, choose, filed_as, function, is_placeless, is_set_aside, is_vague,
};
pub use silence::{Rate, Silence, silence};
pub use standing::{About, Refusal, act};
pub use suggest::{Likeness, rank};
