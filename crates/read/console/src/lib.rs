//! Kernel console bytes in, facts out.
//!
//! Invariants: does no I/O, reads no clock and no environment, starts no thread; memory is bounded
//! by the longest line it accepts; any bytes give a result, never a panic.

mod line;

pub use line::{Caller, Line, Stamp};
