//! Finds the commit that brought a bug, through runs that may lie.
//!
//! [`Bisection`] takes a [`History`], a [`Prior`] and the outcome of every run; [`Bisection::belief`]
//! is what follows from them and [`Bisection::next`] says what to run next, or what is proven.
//!
//! Invariants: runs nothing, reads no clock, does no I/O; the same runs give a [`Bisection`] the same
//! answer, in whatever order they came.

pub mod answer;
mod belief;
mod bisection;
mod bits;
mod history;
mod noise;
mod origin;
mod prior;
mod record;
pub mod renamed;
mod revert;
pub mod search;
pub mod simulate;
mod step;
mod target_title;

pub use analysis_rates::Share;
pub use answer::{Answer, Reverted};
pub use belief::Belief;
pub use bisection::{Bisection, Conclusion, Direction, Next, Settings};
pub use bits::CommitSet;
pub use history::{History, HistoryError};
pub use noise::Rates;
pub use origin::{Build, Origin, is_configuration};
pub use prior::{Hint, Prior};
pub use record::Tally;
pub use revert::Revert;
pub use search::{Search, Wanted};
pub use step::Step;
pub use target_title::{TargetTitle, is_renamed};
