//! What fuzzing managers report and are asked to do, and what was mailed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BugId;

/// A kernel that was built for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// The key under which a client names it.
    pub key: String,
    /// The client that uploaded it.
    pub client: String,
    /// The manager that it is for.
    pub manager: String,
    /// When it came in.
    pub time: i64,
    /// Target system, such as `linux`.
    pub os: String,
    /// Target architecture.
    pub arch: String,
    /// Architecture of the virtual machine.
    pub vm_arch: String,
    /// The fuzzer's commit.
    pub fuzzer_commit: String,
    /// The compiler as it names itself.
    pub compiler: String,
    /// The kernel's repository.
    pub repository: String,
    /// The branch of it.
    pub branch: String,
    /// The kernel's commit.
    pub commit: String,
    /// Its title.
    pub commit_title: String,
    /// Name of its configuration by content.
    pub config: Option<String>,
    /// Whether it was invented for crashes of a build that nobody uploaded.
    pub invented: bool,
    /// Whether building or booting it failed.
    pub failed: bool,
}

/// A fuzzing manager as it last reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// The client that speaks for it.
    pub client: String,
    /// When it was last heard of.
    pub seen: i64,
    /// Where its own page is.
    pub address: String,
    /// Seconds since it began.
    pub up_seconds: u64,
    /// Programs in its corpus.
    pub corpus: u64,
    /// Covered places.
    pub cover: u64,
    /// Kinds of crashes.
    pub crash_types: u64,
    /// Its current build.
    pub build: Option<String>,
    /// Commit titles that its current build holds, of those that were asked for.
    pub contains: Vec<String>,
}

/// What a manager did on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagerDay {
    /// Days since 1970.
    pub day: i64,
    /// Most programs in its corpus.
    pub corpus: u64,
    /// Most covered places.
    pub cover: u64,
    /// Seconds of fuzzing.
    pub fuzzing_seconds: u64,
    /// Crashes.
    pub crashes: u64,
    /// Crashes that were dropped.
    pub suppressed: u64,
    /// Programs that ran.
    pub executions: u64,
}

/// An error that a client reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub time: i64,
    /// Who.
    pub client: String,
    /// What it names.
    pub name: String,
    /// In its words.
    pub text: String,
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Run the reproducer, with a patch where there is one.
    Test,
    /// Find the commit that brought the bug.
    BisectCause,
    /// Find the commit that fixed it.
    BisectFix,
    /// Run the reproducer on the manager's current kernel, to see whether the bug is still there.
    Retest,
    /// Reproduce the crash of a log. Nobody can ask for it: managers ask for such logs by themselves.
    Reproduce,
}

impl JobKind {
    /// All kinds with the names under which they are asked for.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Test, "test"),
        (Self::BisectCause, "bisect_cause"),
        (Self::BisectFix, "bisect_fix"),
        (Self::Retest, "retest"),
        (Self::Reproduce, "reproduce"),
    ];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::BisectCause => "bisect_cause",
            Self::BisectFix => "bisect_fix",
            Self::Retest => "retest",
            Self::Reproduce => "reproduce",
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody took it yet.
    #[default]
    Waiting,
    /// A client took it; it is handed out again when its lease ends.
    Running,
    /// Its result is there.
    Done,
}

impl JobState {
    /// The state of that number.
    pub const fn from_number(number: i64) -> Self {
        match number {
            2 => Self::Done,
            1 => Self::Running,
            _ => Self::Waiting,
        }
    }
}

/// Something that a client is asked to do for a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number; 0 before it is written.
    pub id: i64,
    /// The bug.
    pub bug: BugId,
    /// What it is for.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Who asked for it.
    pub who: String,
    /// The mail that asked for it.
    pub message_id: Option<String>,
    /// When it was asked for.
    pub created: i64,
    /// How often it was handed out.
    pub attempts: u32,
    /// Until when whoever took it may keep it.
    pub lease: Option<i64>,
    /// The manager whose machines run it.
    pub manager: String,
    /// The repository to test; empty stands for the crash's own.
    pub repository: String,
    /// The branch or commit.
    pub branch: String,
    /// Name of the patch by content.
    pub patch: Option<String>,
    /// When it ended.
    pub ended: Option<i64>,
    /// The title of the crash that it saw.
    pub crash_title: String,
    /// The error that ended it.
    pub error: String,
    /// Name of its log by content.
    pub log: Option<String>,
    /// Titles of commits that it found.
    pub commits: Vec<String>,
}

/// A mail that was written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its number.
    pub id: i64,
    /// The bug.
    pub bug: Option<BugId>,
    /// Its Message-ID without brackets.
    pub message_id: String,
    /// When it was written.
    pub time: i64,
    /// The whole mail.
    pub text: String,
    /// When it was put into the outbox.
    pub delivered: Option<i64>,
}
