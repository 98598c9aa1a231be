//! A search for a commit as it is asked for and recorded: plain values, stored and sent as they are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What was asked for when a bisection was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The repository.
    pub repository: PathBuf,
    /// Full names of the commits said to be good.
    pub good: Vec<String>,
    /// Full name of the commit on which the bug was seen.
    pub bad: String,
    /// The test, for `sh -c`.
    pub test: String,
    /// What prepares a commit for the test, for `sh -c`.
    pub build: Option<String>,
    /// The wanted titles, or parts of them; empty when the bad end is to tell.
    pub titles: Vec<String>,
    /// Paths of which nothing is built: a commit that touches only these cannot be the culprit.
    pub not_built: Vec<String>,
    /// Paths that the failure points at: a commit that touches one is likelier the culprit.
    pub suspects: Vec<String>,
    /// The probability at which a culprit counts as proven.
    pub confidence: f64,
    /// The most minutes to spend.
    pub budget_minutes: Option<f64>,
    /// The most runs to make.
    pub budget_runs: Option<u64>,
    /// Tests that may run side by side.
    pub jobs: usize,
    /// Seconds after which a run counts as hung.
    pub run_seconds: u64,
    /// Seconds after which a build counts as failed.
    pub build_seconds: u64,
    /// Nobody called the older end good: it is a release, taken as where to begin.
    #[serde(default)]
    pub walk: bool,
    /// Kernels to build and boot; then `test` and `build` are empty.
    #[serde(default)]
    pub lab: Option<LabRequest>,
    /// What is looked for is the commit that ended the failure: `bad` is the older end then, and
    /// `good` holds the newer one.
    #[serde(default)]
    pub fix: bool,
    /// Files that the report of the crash blames.
    #[serde(default)]
    pub guilty: Vec<String>,
    /// Factors of the caller's own, with the full names of their commits.
    #[serde(default)]
    pub weights: Vec<(String, f64)>,
    /// A command that prints what a build was made with, for `sh -c`.
    #[serde(default)]
    pub environment: Option<String>,
    /// The culprit is not reverted on the bad commit as a last proof.
    #[serde(default)]
    pub no_revert: bool,
}

/// How kernels are built, booted and tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabRequest {
    /// The reproducer: C source, a script, a program or a kernel module.
    pub reproducer: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Named pieces of the kernel's configuration.
    pub fragments: Vec<String>,
    /// Texts of more configuration.
    pub configs: Vec<String>,
    /// The guest's memory, in MiB.
    pub memory: u32,
    /// The guest's CPUs.
    pub cpus: u32,
    /// Added to the kernel's command line.
    pub append: String,
}

/// What was attempted and what came of it, before anything is concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The commit was built.
    Built,
    /// It could not be built.
    BuildFailed,
    /// The test ended without a failure.
    Clean,
    /// The test failed.
    Crashed,
    /// The kernel did not come up.
    BootFailed,
    /// The test said that it cannot tell, as with `git bisect skip`.
    Skip,
    /// The machinery failed: nothing is learnt of the commit.
    InfrastructureError,
}

impl Event {
    /// Every event with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Built, "built"),
        (Self::BuildFailed, "build_failed"),
        (Self::Clean, "clean"),
        (Self::Crashed, "crashed"),
        (Self::BootFailed, "boot_failed"),
        (Self::Skip, "skip"),
        (Self::InfrastructureError, "infrastructure_error"),
    ];

    /// The name under which it is stored and printed.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// The event of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        // Names of the first two formats of the record.
        let name = match name {
            "cannot_tell" => "skip",
            "lab_trouble" => "infrastructure_error",
            name => name,
        };
        Self::ALL.iter().find(|(_, other)| *other == name).map(|(event, _)| *event)
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Full name of the commit.
    pub commit: String,
    /// What came of it.
    pub event: Event,
    /// The title of the failure, that of the first report where there are several; of a build, what
    /// it was made with, where that is known.
    pub title: Option<String>,
    /// Other titles: those under which the first report goes too, and those of later reports.
    pub also: Vec<String>,
    /// What runs of the kernel that was built: equal when nothing that runs differs.
    pub signature: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The end of what it printed.
    pub output: String,
}

/// A stored bisection.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its number.
    pub id: i64,
    /// When it was started, in seconds since 1970.
    pub started: i64,
    /// What was asked for.
    pub request: Request,
}

/// What is told of a commit to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitDetails {
    /// First line of the message.
    pub subject: String,
    /// `Name <address>` of the author.
    pub author: String,
    /// Date of the author, ISO 8601.
    pub date: String,
    /// `Name <address>` of every `Signed-off-by`, `Reviewed-by` and the like, with its key.
    pub trailers: Vec<(String, String)>,
    /// Paths changed against the first parent.
    pub files: Vec<String>,
}
