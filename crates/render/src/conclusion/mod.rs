//! What is concluded of a log, in English: the verdict, its first cause, waits, ties between events, needs.

mod chain;
mod cpu;
mod event;
mod finding;
mod first;
mod link;
mod memory;
mod need;
mod stall;
mod waits;

pub use event::title;
pub use finding::verdict;
pub use first::first_cause;
pub use link::link;
pub use need::need;
pub use waits::{participant, waits_for};
