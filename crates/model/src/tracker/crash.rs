//! Crashes and reproducers.

use std::sync::Arc;

use super::{BugId, Identity, ReproducerLevel};

/// The number of a crash in its record, from 1 on.
pub type CrashId = i64;

/// A crash on its way into the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCrash {
    /// What tells this delivery from another: the same key is counted once. `None` counts always.
    pub key: Option<String>,
    /// When it happened, as far as is known; else when it came in.
    pub time: i64,
    /// By what its bug is found.
    pub identity: Identity,
    /// The kind of crash.
    pub kind: Option<String>,
    /// Why the report is damaged; its title may be wrong.
    pub corrupted: Option<String>,
    /// Why it is worthless.
    pub suppressed: Option<String>,
    /// The kernel's release, or what the build calls it.
    pub kernel: Option<String>,
    /// The build's key, where a manager named one.
    pub build: Option<String>,
    /// The machine or manager it comes from.
    pub machine: String,
    /// Where it was read: a file, a client.
    pub source: String,
    /// The console log.
    pub log: Arc<[u8]>,
    /// The report's text.
    pub report: Vec<u8>,
    /// What the manager says of its machine.
    pub machine_info: Vec<u8>,
    /// First line of the log that belongs to the report, counted from 1; 0 where it is not known.
    pub line: u64,
    /// Reproducers that came with it.
    pub reproducers: Vec<NewReproducer>,
}

/// A reproducer on its way into the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewReproducer {
    /// Its language.
    pub level: ReproducerLevel,
    /// Options of the executor, for a program in syzkaller's language.
    pub options: String,
    /// The program.
    pub text: Vec<u8>,
}

/// A crash of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Its number.
    pub id: CrashId,
    /// The bug in whose record it stands.
    pub bug: BugId,
    /// The bug that it was filed under first; another one after a merge.
    pub origin: BugId,
    /// When it happened.
    pub time: i64,
    /// Its title.
    pub title: String,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The build's key.
    pub build: Option<String>,
    /// Where it happened.
    pub machine: String,
    /// Where it was read.
    pub source: String,
    /// Name of the kept log by its content.
    pub log: Option<String>,
    /// Name of the kept report.
    pub report: Option<String>,
    /// Name of the kept machine information.
    pub machine_info: Option<String>,
    /// First line of the report in the log, or 0.
    pub line: u64,
    /// Whether the report is damaged.
    pub corrupted: bool,
    /// Whether a reproducer came with it.
    pub has_reproducer: bool,
}

/// A reproducer of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproducer {
    /// Its number.
    pub id: i64,
    /// The bug.
    pub bug: BugId,
    /// The crash that it made.
    pub crash: CrashId,
    /// Its language.
    pub level: ReproducerLevel,
    /// Options of the executor.
    pub options: String,
    /// Name of the program by its content.
    pub text: String,
    /// When it came in.
    pub time: i64,
    /// Whether newer kernels no longer crash by it.
    pub revoked: bool,
}

/// How often a bug was seen on one day with one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// The kernel's release; empty where it is not known.
    pub kernel: String,
    /// How often.
    pub crashes: u64,
}
