//! Where a trial meets the world: a tree is built and something is run on it. A lab knows nothing of
//! sides that are compared; it turns a commit into builds and runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use analysis_trial::{Build, ChangedFunction, WorkloadKind};
use model::CommitId;

use crate::failure::Failure;
use crate::progress::Tell;
use crate::record::StoredRun;

/// The title of a boot that does not come to its end.
pub const NO_BOOT: &str = "does not boot";

/// A configuration of kernels: one column of the matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Its name.
    pub name: String,
    /// Named pieces of the kernel's configuration.
    pub fragments: Vec<String>,
}

impl Configuration {
    /// Reads `rt`, `kcov+lockdep`, or `plain` for nothing beside what all have.
    pub fn parse(text: &str) -> Self {
        let fragments = match text {
            "plain" => Vec::new(),
            text => text.split('+').map(str::to_owned).collect(),
        };
        Self { name: text.to_owned(), fragments }
    }
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// What it is called.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: WorkloadKind,
    /// The file that is run in a guest; none for a boot, for a command, and for our own smoke set.
    pub(crate) file: Option<PathBuf>,
    /// Equal for works whose runs are interchangeable.
    pub(crate) key: String,
}

/// A tree in a configuration.
pub(crate) struct Job<'a> {
    pub(crate) cell: &'a Configuration,
    pub(crate) commit: &'a CommitId,
    /// The name of its tree: what is built has this name too.
    pub(crate) tree: &'a str,
    /// The base of the patched side, from whose build this one goes on.
    pub(crate) base: Option<(&'a CommitId, &'a str)>,
    /// Where the records of this build are.
    pub(crate) folder: &'a Path,
}

impl Job<'_> {
    pub(crate) const fn is_patched(&self) -> bool {
        self.base.is_some()
    }
}

/// Functions that ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Those that the kernel has under their name.
    pub(crate) there: Vec<String>,
    /// While it booted.
    pub(crate) boot: Vec<String>,
    /// While the tests ran.
    pub(crate) run: Vec<String>,
    /// Source lines that ran, where debug information tells: file and line.
    pub(crate) lines: Option<Vec<(String, u64)>>,
}

/// Builds and runs.
pub(crate) trait Lab {
    /// Builds a tree. A tree that does not build is an answer; an error is of the lab.
    fn build(&mut self, job: &Job<'_>, stop: &AtomicBool) -> Result<Build, Failure>;

    /// Runs `work` so many times; each run is given to `keep` as it ends.
    fn run(
        &mut self,
        job: &Job<'_>,
        work: &Work,
        count: u32,
        stop: &AtomicBool,
        keep: &mut dyn FnMut(StoredRun) -> Result<(), Failure>,
    ) -> Result<(), Failure>;

    /// Which of `functions` run while `work` does. In words, why that cannot be told.
    fn reach(
        &mut self,
        job: &Job<'_>,
        work: &[&Work],
        functions: &[ChangedFunction],
        stop: &AtomicBool,
    ) -> Result<Result<Ran, String>, Failure>;

    /// The machine, for people; nothing where a command tests.
    fn machine(&self) -> Option<String>;
}

/// What every lab is made of.
pub(crate) struct Common<'a> {
    pub(crate) repository: io_git::Repository,
    /// The folder of this tree's trials.
    pub(crate) folder: PathBuf,
    /// The user's tree.
    pub(crate) user: PathBuf,
    pub(crate) run_seconds: u64,
    pub(crate) build_seconds: u64,
    pub(crate) tell: Tell<'a>,
}
