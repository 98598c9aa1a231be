//! A symbolised log: its lines with files and lines, the instructions of its `Code:` lines, by what it was done.

pub mod json;
mod summary;
mod text;

pub use summary::summary;
pub use text::{code, lines};
