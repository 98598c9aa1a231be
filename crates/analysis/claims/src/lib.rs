//! Judges what somebody says of a log: claims as values, statements by the lines they cite, and written analyses.
//!
//! Invariants: does no I/O; shares with those who find statements nothing but the reader of lines; prose is never
//! evidence; what the log does not say is not shown. Start reading at [`verify`].

pub mod claim;
mod console;
pub mod document;
pub mod form;
mod letter;
mod plain;
mod prose;
pub mod verify;

pub use prose::{Altered, PlainClaim, Report, check, check_by};
