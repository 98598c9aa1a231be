//! Kernel console bytes in, facts out.
//!
//! Invariants: does no I/O, reads no clock and no environment, starts no thread; memory is bounded
//! by the longest line it accepts; any bytes give a result, never a panic.

mod clean;
mod flowed;
pub mod frame;
mod join;
mod line;
pub mod mail;
mod prefix;
mod reader;
pub mod reports;
pub mod shape;
mod time;
mod wrap;

pub use line::{Caller, Line, Stamp};
pub use reader::{LONGEST_LINE, LineReader, Lines, lines};
