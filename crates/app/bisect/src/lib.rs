//! A search for the commit that brought (or ended) a failure, from what is asked to the answer: the ends are
//! checked, commits built and run, every attempt recorded, and the search goes on where the record ends.
//!
//! Invariants: prints nothing; what is decided is decided in `analysis-bisect`.

mod case;
mod drive;
pub mod ends;
mod failure;
mod kernels;
pub mod plan;
mod priors;
mod progress;
mod runner;
mod start;
mod tree;

pub use case::Case;
pub use drive::{Ended, go};
pub use failure::{Failure, FailureKind};
pub use progress::{Progress, Tell};
pub use start::{Asked, start};
pub use tree::tree_of;
