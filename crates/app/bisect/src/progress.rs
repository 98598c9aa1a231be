//! What a search tells while it works, as values; whoever started it shows them.

use std::path::PathBuf;

use model::CommitId;
use model::bisection::Event;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The tree has changes that are not committed, and are no part of what is tested.
    Uncommitted {
        /// The tree.
        tree: PathBuf,
    },
    /// The tree does not look like a kernel's source.
    NoKernelTree {
        /// The tree.
        tree: PathBuf,
    },
    /// The report of the crash names no source files.
    NoSourceFiles {
        /// The log.
        log: PathBuf,
    },
    /// The commits of the range are ranked by the crash.
    Ranked {
        /// The likelier ones with the probability that is said of each, the likeliest first.
        first: Vec<(CommitId, f64)>,
    },
    /// The range begins at a release, since no commit is said to be good.
    FromRelease {
        /// Its tag.
        name: String,
        /// The commit.
        commit: CommitId,
        /// How many releases back.
        back: usize,
    },
    /// The search is recorded.
    Started {
        /// Its number.
        id: i64,
        /// Commits in question.
        commits: usize,
        /// The older ends.
        old: Vec<CommitId>,
        /// The newer end.
        new: CommitId,
        /// The folder of the record.
        folder: PathBuf,
    },
    /// What is believed, and what is run next.
    Round {
        /// Runs so far.
        runs: u64,
        /// Minutes so far.
        minutes: f64,
        /// Commits that are not ruled out.
        open: usize,
        /// The likeliest, where one stands out, with its probability.
        best: Option<(CommitId, f64)>,
        /// What is run next, and how often at most.
        next: Vec<(CommitId, u32)>,
    },
    /// A kernel was built and booted.
    KernelUp {
        /// Its commit.
        commit: CommitId,
        /// Seconds.
        seconds: u64,
    },
    /// A kernel could not be tested.
    KernelFailed {
        /// Its commit.
        commit: CommitId,
        /// How it ended.
        event: Event,
        /// Seconds.
        seconds: u64,
        /// The first line of what was printed.
        output: String,
    },
    /// The minutes that were asked for are spent.
    MinutesSpent {
        /// So many.
        most: f64,
    },
    /// The runs that were asked for are spent.
    RunsSpent {
        /// So many.
        most: u64,
    },
    /// The user stopped it.
    Stopped {
        /// The number of the search.
        id: i64,
    },
}

/// Whoever is told.
pub type Tell<'a> = &'a (dyn Fn(&Progress) + Sync);
