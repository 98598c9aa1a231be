//! From the lines of a console log to what happened first, who waits for whom, and the line that
//! proves it.
//!
//! Invariants: does no I/O, reads no clock, starts no thread; every statement carries its lines, its
//! rule and its grade; what the log does not show is said to be unknown, with the exhibit that would
//! settle it.

pub mod cause;
mod claims;
pub mod clock;
mod collect;
mod diagnosis;
pub mod event;
pub mod graph;
mod group;
pub mod hertz;
mod kernel;
mod known;
pub mod locks;
pub mod memory;
mod parse;
mod reader;
pub mod rules;
pub mod stack;
mod text;
pub mod verdict;
pub mod wait;

pub use collect::{
    Collector, EVENT_LIMIT, FRAME_LIMIT, LOCK_LIST_LIMIT, MEMBER_LIMIT, Observations,
    SNAPSHOT_LIMIT,
};
pub use diagnosis::{Diagnosis, conclude, diagnose};
pub use group::Group;
pub use kernel::{Kernel, Kernels, release_in};
pub use known::{KnownReport, add_reports};
pub use reader::LogReader;
