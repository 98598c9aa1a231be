//! A mirror of mailing lists: kept indexed, searched, and read thread by thread.
//!
//! Invariants: prints nothing and asks no clock; what was found is returned as values, and progress
//! goes to the one who calls.

mod message_id;
mod mirror;

pub use message_id::message_id;
pub use mirror::{Error, Mails, Mirror, Progress};
