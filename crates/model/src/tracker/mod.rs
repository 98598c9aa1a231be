//! The nouns of the bug's record: bugs, their crashes, what was done to them, and what fuzzing managers report.
//!
//! Times are seconds since 1970. A bug is known inside by its number, outside by its [`Bug::external`] name.

mod action;
mod bug;
mod crash;
mod filter;
mod machine;
mod record;

pub use action::{Action, Entry, Manifestation};
pub use bug::{Bug, BugId, Fix, Identity, Key, KeyKind, ReproducerLevel, Standing, State};
pub use crash::{Crash, CrashId, Day, NewCrash, NewReproducer, Reproducer};
pub use filter::{Counts, Filter, Order, Page};
pub use machine::{Build, Failure, Job, JobKind, JobState, Mail, Manager, ManagerDay};
pub use record::{Change, KeptNames, Read, Record, RecordError};
