//! Kernel console bytes in, facts out.
//!
//! Invariants: does no I/O, reads no clock and no environment, starts no thread; memory is bounded
//! by the longest line it accepts; any bytes give a result, never a panic.

mod clean;
pub mod frame;
mod line;
pub mod mail;
mod prefix;
mod reader;
pub mod reports;
mod time;

pub use line::{Caller, Line, Stamp};
pub use reader::{LONGEST_LINE, LineReader, Lines, lines};
