//! What a source tree, its history and the mailing lists know of a crash.
//!
//! Invariants: does no I/O; what is looked for and where it was found are values; any bytes give a result.

pub mod answer;
pub mod cited;
pub mod digest;
pub mod evidence;
pub mod features;
pub mod places;
pub mod ranking;
pub mod reason;
pub mod term;
pub mod told;
pub mod weights;
pub mod who;
