//! Finds crash reports in console logs and names them as the kernel community does.
//!
//! Invariants: does no I/O; knows nothing about output formats; memory is bounded however long the
//! log is; any bytes give a result.

mod anchors;
mod bucket;
mod collect;
mod compiled;
mod damage;
mod functions;
mod guilty;
mod helpers;
pub mod learn;
mod log;
mod names;
mod pattern;
mod report;
mod rewrite;
mod stall;
mod tables;

pub use guilty::guilty_file;
pub use log::{LogReader, MOST_REPORTS, Reports, read_log};
pub use report::{CrashReport, Dropped, Executor, Relation, RelationKind, Row, Task};
