//! What an audit says, as values; `render` puts them into words.

use model::{CommitId, Grade, LineSpan, RuleId};
use parse_bisect_log::Verdict;

/// One thing that is said, with what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What is said.
    pub finding: Finding,
    /// How sure it is.
    pub grade: Grade,
    /// The rule by which it is said.
    pub rule: RuleId,
    /// The lines that show it; none only for what the log does not tell.
    pub lines: Vec<LineSpan>,
}

/// Crashing runs of all usable ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Runs that crashed, or that showed what is meant.
    pub hits: u32,
    /// Usable runs.
    pub runs: u32,
}

/// What can be said of a finished search. Names of tests are short commits or releases.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The named commit's kernel is its parent's, byte for byte.
    SameKernel {
        /// The commit.
        commit: CommitId,
        /// The first digits of the signature of both.
        signature: String,
    },
    /// The named commit touches only what no kernel is built from.
    NotBuilt {
        /// The commit.
        commit: CommitId,
        /// Paths, the first few.
        paths: Vec<String>,
        /// Whether there are more.
        more: bool,
    },
    /// The named commit sets the version number of a release and nothing else.
    VersionOnly {
        /// The commit.
        commit: CommitId,
    },
    /// The named commit is a merge.
    Merge {
        /// The commit.
        commit: CommitId,
    },
    /// The log has no run of the named commit.
    Untested,
    /// The named kernel shows the function of a wanted title by another kind of crash.
    OtherKind {
        /// Titles of its crashes.
        titles: Vec<String>,
    },
    /// No run of the named kernel shows a wanted title.
    OtherCrash {
        /// Titles of its crashes.
        titles: Vec<String>,
    },
    /// The named kernel crashes less often than the start commit.
    RateDrop {
        /// The named kernel.
        own: Share,
        /// The start commit.
        start: Share,
    },
    /// One crash made the named commit bad.
    SingleCrash {
        /// Usable runs.
        runs: u32,
    },
    /// The walk went back over releases.
    ReleasesWalked {
        /// How many.
        count: usize,
    },
    /// The wanted crash is an assertion.
    Assertion,
    /// The named commit changes a checker.
    Checker {
        /// The path.
        path: String,
    },
    /// The named commit touches a file of the trace.
    TraceFile {
        /// The file.
        file: String,
        /// Title of the crash.
        title: String,
    },
    /// The named commit touches the directory of a file of the trace.
    TraceDirectory {
        /// The file.
        file: String,
    },
    /// Bad verdicts rest on crashes that the start commit never shows.
    UnrelatedVerdicts {
        /// How many verdicts.
        count: usize,
        /// The first of these tests.
        first: String,
        /// Title of its crash.
        title: String,
        /// Its runs.
        share: Share,
    },
    /// The search ends with several commits.
    Candidates {
        /// How many.
        count: usize,
    },
    /// The oldest release tried still crashes.
    BeyondRange,
    /// The search broke off.
    BrokenOff {
        /// Why, as the log has it.
        why: String,
    },
    /// The log ends without an answer.
    NoAnswer,
    /// The log has verdicts but no runs.
    NoRuns,
    /// Nothing that the named commit touches is in the trace.
    NotInTrace,
    /// The log holds no crash report.
    NoReport,
    /// The start commit shows several bugs, and the log never chose.
    SeveralBugs {
        /// Each with its runs.
        bugs: Vec<(String, Share)>,
    },
    /// A commit was told to git as good and as bad.
    Contradiction {
        /// The commit.
        commit: CommitId,
        /// The earlier verdict.
        first: Verdict,
        /// The later one.
        second: Verdict,
    },
    /// Two tests with opposite verdicts are of one kernel.
    OneKernel {
        /// The one called bad.
        bad: String,
        /// The one called good.
        good: String,
        /// The first digits of their signature.
        signature: String,
        /// Runs of both that show a wanted title.
        share: Share,
    },
    /// Where a bug was seen last.
    LastShown {
        /// Tested commits that show it.
        shown: usize,
        /// Tested commits below the start.
        searched: usize,
        /// The last that shows it.
        last: String,
        /// Its runs.
        share: Share,
    },
    /// No tested commit below the start shows it.
    NeverBelow {
        /// The start.
        start: String,
        /// The newest tested release, where the search went below it.
        newest: Option<String>,
    },
    /// Bad kernels show only another bug of the start commit, in every run.
    Hidden {
        /// How many.
        count: usize,
        /// The first.
        first: String,
    },
    /// A bug lies in the history of one commit and not in that of others.
    Bracket {
        /// The one.
        within: String,
        /// The others.
        without: Vec<String>,
    },
    /// A test was called bad for another crash alone, which steered the later tests.
    Steered {
        /// The test.
        test: String,
        /// Titles of its crashes.
        titles: Vec<String>,
        /// Its runs.
        share: Share,
        /// The crash is at home in the whole range.
        background: bool,
    },
    /// The named commit never shows the bug.
    NamedWithout {
        /// The commit.
        commit: CommitId,
    },
}

/// Why a step of the search is taken for an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// A test was taken as bad for one bug of the start commit while another one of it was gone.
    OtherBug {
        /// The test.
        test: String,
        /// The bug that it showed.
        shown: String,
        /// The bug that was gone.
        gone: String,
        /// Runs of the start commit that show the one that was gone.
        at_start: Share,
        /// Usable runs of the test.
        runs: u32,
        /// The probability of that if it were there as at the start.
        odds: f64,
    },
    /// A test was taken as bad for crashes that the start commit never shows.
    Unrelated {
        /// The test.
        test: String,
        /// Titles of its crashes.
        titles: Vec<String>,
        /// Its runs.
        share: Share,
    },
    /// The reproducer may be unable to work in the clean release that ended the walk.
    WalkEnd {
        /// The release.
        release: String,
        /// Releases walked, where a later verdict rests on another crash.
        walked: Option<usize>,
    },
}

/// Why a test is proposed.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// It halves a stretch of history.
    Halve {
        /// Its number of commits, where that is known.
        commits: Option<f64>,
        /// The stretch is in the history of this one.
        within: String,
        /// And not in that of these.
        without: Vec<String>,
        /// The belief that lies in the stretch.
        belief: f64,
        /// For this bug.
        title: String,
    },
    /// Whether a tested kernel has the bug is open.
    Again {
        /// The bug.
        title: String,
        /// The probability that it has.
        present: f64,
        /// Usable runs so far.
        runs: u32,
        /// Another bug in which every run ended.
        hidden_by: Option<String>,
    },
    /// The named commit is reverted at the start.
    Revert {
        /// The bug.
        title: String,
        /// The named commit.
        commit: CommitId,
    },
    /// The named commit's parent.
    Parent {
        /// Runs that prove it clean.
        runs: u32,
    },
}
