//! What a trial tells while it works, as values; whoever started it shows them.

use std::path::PathBuf;

use model::CommitId;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The tree has changes that are not committed, and are no part of what is tested.
    Uncommitted(PathBuf),
    /// The series is tried on a candidate.
    Applying {
        /// The candidate.
        commit: CommitId,
        /// Patches of the series.
        patches: usize,
    },
    /// History is searched for a commit that has the files of the diff.
    SearchingBlobs {
        /// Files.
        files: usize,
    },
    /// The files of a tree are checked out.
    CheckingOut(CommitId),
    /// A build begins.
    Building {
        /// The configuration.
        cell: String,
        /// With the patches.
        is_patched: bool,
        /// The number of the last patch that is in it, where it is not all of them.
        after: Option<usize>,
    },
    /// A build ended.
    Built {
        /// The configuration.
        cell: String,
        /// With the patches.
        is_patched: bool,
        /// Seconds.
        seconds: f64,
        /// The first error, if it failed.
        failed: Option<String>,
    },
    /// Runs begin.
    Running {
        /// The configuration.
        cell: String,
        /// With the patches.
        is_patched: bool,
        /// What is run.
        workload: String,
        /// Runs that are done.
        done: u32,
        /// Runs that are added.
        more: u32,
    },
    /// A run ended.
    Ran {
        /// Its title, if it failed.
        title: Option<String>,
        /// Seconds.
        seconds: f64,
    },
    /// A run of the lab, or a boot, came to nothing.
    Lost(String),
    /// It is looked at which of the changed functions run.
    Reaching {
        /// The configuration.
        cell: String,
        /// With the patches.
        is_patched: bool,
    },
    /// The budget is spent.
    Spent,
}

/// Who is told.
pub type Tell<'a> = &'a (dyn Fn(&Progress) + Sync);
