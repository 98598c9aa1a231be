//! What a log says, as plain data. Lines count from 1.

use model::{CommitId, LineSpan};

use crate::named::NamedCommit;
use crate::trace::TraceFrame;

/// A value and the line it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its line.
    pub line: u64,
}

/// Which program wrote the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// syzbot: runs, kernel signatures and verdicts.
    Syzbot,
    /// `git bisect log`: verdicts only.
    GitBisect,
    /// Neither.
    Unknown,
}

/// What was searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The commit that brought the crash.
    Cause,
    /// The commit that ended it.
    Fix,
}

/// A verdict as the log gives it to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Like the good end (also `old`).
    Good,
    /// Like the bad end (also `new`).
    Bad,
    /// Not testable.
    Skip,
}

impl Verdict {
    /// The word git uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Skip => "skip",
        }
    }
}

/// In which part of the search a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The commit the search starts from, as it was reported.
    Original,
    /// The same commit again, with a smaller configuration.
    Configuration,
    /// The walk over releases.
    Release,
    /// Between `git bisect start` and the answer.
    Bisect,
    /// Anything else, such as the head of the tree or a merge base.
    Other,
}

/// What one run ended with, in the log's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its end.
    Clean,
    /// It crashed under this title.
    Crashed(String),
    /// It crashed under a title that the searcher was told to ignore.
    Ignored(String),
    /// The kernel did not boot.
    BootFailed(String),
    /// The machine did not pass the basic test.
    BasicTestFailed(String),
    /// The lab failed.
    InfrastructureError(String),
}

/// One `run #i:` or `all runs:` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// What the run, or every run, ended with.
    pub outcome: Outcome,
    /// Whether the line speaks for all runs of the test; the log does not say how many there were.
    pub all: bool,
    /// Its line.
    pub line: u64,
}

/// How many runs ended in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The lines, in order.
    pub lines: Vec<RunLine>,
}

/// A release that was tested by name.
pub type Release = Located<String>;

/// `Bisecting: N revisions left to test after this`.
pub type Progress = Located<u64>;

/// One tested kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The commit.
    pub commit: CommitId,
    /// The lines from `testing commit` to the last line about this test.
    pub span: LineSpan,
    /// The part of the search.
    pub phase: Phase,
    /// The release's name, when it was tested as one.
    pub release: Option<Release>,
    /// The commit's subject, when git printed it.
    pub subject: Option<Located<String>>,
    /// How many revisions git would still have to look at after this test.
    pub remaining: Option<Progress>,
    /// The compiler.
    pub compiler: Option<Located<String>>,
    /// The signature of the built kernel: equal signatures mean equal kernels.
    pub signature: Option<Located<String>>,
    /// What the runs ended with.
    pub runs: Runs,
    /// Why it could not be built.
    pub build_failure: Option<Located<String>>,
    /// Why the searcher came to no verdict.
    pub undetermined: Option<Located<String>>,
    /// What git was told.
    pub verdict: Option<Located<Verdict>>,
}

/// A verdict given to git, with or without a test before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The verdict.
    pub verdict: Verdict,
    /// The commit it was given to.
    pub commit: CommitId,
    /// Its subject, when known.
    pub subject: Option<String>,
    /// The line.
    pub line: u64,
}

/// The ends that git was given; as written, which may be names of releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The bad (new) end.
    pub bad: String,
    /// The good (old) ends.
    pub good: Vec<String>,
    /// The line.
    pub line: u64,
}

/// What the search ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One commit.
    Commit {
        /// The commit.
        id: CommitId,
        /// Its subject.
        subject: Option<String>,
        /// The line.
        line: u64,
    },
    /// One of several: those between could not be tested.
    Candidates {
        /// The commits, as listed.
        ids: Vec<CommitId>,
        /// The lines of the list.
        span: LineSpan,
    },
    /// The oldest (for a fix: the newest) revision tried is still like the start.
    BeyondRange {
        /// The line that says so.
        line: u64,
    },
    /// It broke off.
    Failed {
        /// Why, in the log's words.
        why: String,
        /// The line.
        line: u64,
    },
    /// The log ends without an answer.
    None,
}

/// The totals the log states.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// How many revisions were tested.
    pub revisions: u64,
    /// Wall-clock seconds in all.
    pub total_seconds: f64,
    /// Seconds spent building.
    pub build_seconds: f64,
    /// Seconds spent testing.
    pub test_seconds: f64,
    /// The line.
    pub line: u64,
}

/// The crash that the log shows at its end: that of the last kernel found bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalCrash {
    /// Its title.
    pub title: Located<String>,
    /// The lines of its report.
    pub report: LineSpan,
    /// The frames of its report that name a source file, in order.
    pub frames: Vec<TraceFrame>,
}

/// Something in the log that could not be read as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// A whole log.
#[derive(Clone, Debug, PartialEq)]
pub struct BisectLog {
    /// Who wrote it.
    pub dialect: Dialect,
    /// What was searched for.
    pub direction: Direction,
    /// The commit the search started from.
    pub start: Option<Located<CommitId>>,
    /// Every tested kernel, in order.
    pub tests: Vec<Test>,
    /// The ends given to git.
    pub range: Option<Range>,
    /// Every verdict given to git, in order.
    pub marks: Vec<Mark>,
    /// The lines that call the reproducer flaky.
    pub flaky: Vec<u64>,
    /// The answer.
    pub answer: Answer,
    /// The named commit as `git show --stat` prints it.
    pub named: Option<NamedCommit>,
    /// The signature of the named commit's kernel.
    pub culprit_signature: Option<Located<String>>,
    /// The signature of its parent's kernel.
    pub parent_signature: Option<Located<String>>,
    /// The totals.
    pub totals: Option<Totals>,
    /// The crash at the end.
    pub crash: Option<FinalCrash>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl BisectLog {
    /// A log in which nothing was found.
    pub(crate) fn empty(dialect: Dialect) -> Self {
        Self {
            dialect,
            direction: Direction::Cause,
            start: None,
            tests: Vec::new(),
            range: None,
            marks: Vec::new(),
            flaky: Vec::new(),
            answer: Answer::None,
            named: None,
            culprit_signature: None,
            parent_signature: None,
            totals: None,
            crash: None,
            problems: Vec::new(),
        }
    }

    /// Adds a problem, up to the limit.
    pub(crate) fn problem(&mut self, line: u64, what: impl Into<String>) {
        if self.problems.len() < crate::limits::PROBLEMS {
            self.problems.push(Problem { line, what: what.into() });
        }
    }
}
