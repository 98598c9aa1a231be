//! Everything that is shown of one bug.

use analysis_tracker::{Likeness, Silence};
use model::tracker::{Bug, Crash, Day, Entry, Job, Key, Reproducer};

/// Everything that is shown of one bug.
#[derive(Clone, Debug)]
pub struct BugView {
    /// The bug.
    pub bug: Bug,
    /// Its keys.
    pub keys: Vec<Key>,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its history, oldest first.
    pub history: Vec<Entry>,
    /// Its newest crashes.
    pub crashes: Vec<Crash>,
    /// The crash that is shown.
    pub best: Option<Crash>,
    /// How often it was seen by day and kernel.
    pub days: Vec<Day>,
    /// Where it was seen.
    pub machines: Vec<(String, u64)>,
    /// Its reproducers.
    pub reproducers: Vec<Reproducer>,
    /// Bugs whose record it carries on.
    pub duplicates: Vec<Bug>,
    /// The bug that carries its record on.
    pub duplicate_of: Option<Bug>,
    /// The closed bug of the same title.
    pub previous: Option<Bug>,
    /// Bugs that may be the same.
    pub similar: Vec<(Bug, Likeness)>,
    /// Jobs for it.
    pub jobs: Vec<Job>,
    /// How silent it is.
    pub silence: Option<Silence>,
    /// When this is, in seconds since 1970.
    pub now: i64,
}
