//! What was tested: each test of the log with its runs counted, and the kernels behind the tests.
//!
//! Tests whose kernels have equal signatures ran one and the same kernel: they share a kernel number, and
//! their runs are pooled.

use std::collections::BTreeMap;

use crate::finding::Share;
use model::{CommitId, LineSpan};
use parse_bisect_log::{BisectLog, Outcome, Phase, Test, Verdict};

/// How many times `all runs:` stands for before the reproducer was called flaky, and after. syzbot runs 10
/// times a revision, and 20 times once it is flaky; its first test had 10 runs until 2020 and 20 since.
const RUNS: u32 = 10;
const RUNS_WHEN_FLAKY: u32 = 20;

/// Most titles told apart in one test or kernel; a test has 20 runs at most.
const TITLES: usize = 24;
/// Stands for the titles beyond.
const OTHER_TITLES: &str = "other crashes";

/// Runs of one test, or of one kernel, counted by what they ended with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Crashes by title.
    pub crashes: BTreeMap<String, u32>,
    /// Runs that came to their end.
    pub clean: u32,
    /// Runs that did not get as far as the reproducer, by what they said.
    pub unbootable: BTreeMap<String, u32>,
    /// Runs that the lab spoilt.
    pub lab: u32,
}

impl Tally {
    /// Crashing runs of all usable ones.
    pub fn share(&self) -> Share {
        Share { hits: self.crashed(), runs: self.usable() }
    }

    /// All crashes.
    pub fn crashed(&self) -> u32 {
        self.crashes.values().sum()
    }

    /// Runs that say something: crashes and clean ones.
    pub fn usable(&self) -> u32 {
        self.crashed() + self.clean
    }

    /// Every run.
    pub fn total(&self) -> u32 {
        self.usable() + self.lab + self.unbootable.values().sum::<u32>()
    }

    /// Crashes in usable runs; 0 when there are none.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.crashed()) / f64::from(self.usable().max(1))
    }

    fn crash(&mut self, title: &str, count: u32) {
        let told_apart = self.crashes.len() < TITLES || self.crashes.contains_key(title);
        let title = if told_apart { title } else { OTHER_TITLES };
        *self.crashes.entry(title.to_owned()).or_default() += count;
    }

    /// Adds the runs of `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        for (title, count) in &other.crashes {
            self.crash(title, *count);
        }
        for (title, count) in &other.unbootable {
            *self.unbootable.entry(title.clone()).or_default() += count;
        }
        self.clean += other.clean;
        self.lab += other.lab;
    }
}

/// One test of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The commit.
    pub commit: CommitId,
    /// The release's name, when it was tested as one.
    pub release: Option<String>,
    /// The part of the search.
    pub phase: Phase,
    /// Its lines in the log.
    pub span: LineSpan,
    /// The runs.
    pub tally: Tally,
    /// How the search took it: the verdict given to git, or the one that its next step shows.
    pub taken: Option<Verdict>,
    /// The line of that verdict, where it has one.
    pub taken_line: Option<u64>,
    /// The number of its kernel: equal numbers mean equal kernels.
    pub kernel: usize,
    /// The signature of its kernel and its line.
    pub signature: Option<(String, u64)>,
    /// The commit's subject.
    pub subject: Option<String>,
    /// Whether it could not be built.
    pub unbuildable: bool,
}

impl Tested {
    /// The release's name, or the first twelve digits of the commit.
    pub fn name(&self) -> &str {
        self.release.as_deref().unwrap_or_else(|| self.commit.short())
    }

    /// The line that shows the runs, or the test's first line.
    pub(crate) fn lines(&self) -> LineSpan {
        self.span
    }
}

/// Counts every test of the log.
pub(crate) fn tested(log: &BisectLog) -> Vec<Tested> {
    let mut kernels: BTreeMap<String, usize> = BTreeMap::new();
    let mut tests: Vec<Tested> = Vec::with_capacity(log.tests.len());
    for (at, test) in log.tests.iter().enumerate() {
        let signature = test.signature.as_ref().map(|s| (s.value.clone(), s.line));
        let kernel = match &signature {
            Some((text, _)) => *kernels.entry(text.clone()).or_insert(at),
            None => tests
                .iter()
                .find(|earlier| {
                    earlier.commit == test.commit && earlier.phase != Phase::Configuration
                })
                .map_or(at, |earlier| earlier.kernel),
        };
        tests.push(Tested {
            commit: test.commit.clone(),
            release: test.release.as_ref().map(|release| release.value.clone()),
            phase: test.phase,
            span: test.span,
            tally: tally(test, log),
            taken: None,
            taken_line: test.verdict.map(|verdict| verdict.line),
            kernel,
            signature,
            subject: test.subject.as_ref().map(|subject| subject.value.clone()),
            unbuildable: test.build_failure.is_some(),
        });
    }
    for (test, source) in tests.iter_mut().zip(&log.tests) {
        test.taken = taken(test, source, log);
    }
    tests
}

/// How many runs `all runs:` stands for: what the tests around it had that list their runs.
fn runs_of_all(test: &Test, log: &BisectLog) -> u32 {
    let flaky = |line: u64| log.flaky.iter().any(|flaky| *flaky < line);
    let listed = |other: &&Test| {
        flaky(other.span.first) == flaky(test.span.first)
            && (other.phase == Phase::Original) == (test.phase == Phase::Original)
            && other.runs.lines.iter().all(|run| !run.all)
    };
    let most = log.tests.iter().filter(listed).map(|other| other.runs.lines.len()).max();
    match most.and_then(|most| u32::try_from(most).ok()) {
        Some(most) if most > 1 => most,
        _ if flaky(test.span.first) => RUNS_WHEN_FLAKY,
        _ => RUNS,
    }
}

fn tally(test: &Test, log: &BisectLog) -> Tally {
    let mut tally = Tally::default();
    for run in &test.runs.lines {
        let count = if run.all { runs_of_all(test, log) } else { 1 };
        match &run.outcome {
            Outcome::Clean => tally.clean += count,
            Outcome::Crashed(title) => tally.crash(title, count),
            Outcome::BootFailed(why) | Outcome::BasicTestFailed(why) => {
                *tally.unbootable.entry(why.clone()).or_default() += count;
            }
            Outcome::Ignored(_) | Outcome::InfrastructureError(_) => tally.lab += count,
        }
    }
    tally
}

/// How the search took a test. The walk over releases gives no verdict in words: the ends that git was
/// given show it.
fn taken(test: &Tested, source: &Test, log: &BisectLog) -> Option<Verdict> {
    if let Some(verdict) = source.verdict {
        return Some(verdict.value);
    }
    if !matches!(test.phase, Phase::Release | Phase::Other | Phase::Original) {
        return None;
    }
    let is = |end: &str| end == test.commit.as_str() || test.release.as_deref() == Some(end);
    if let Some(range) = &log.range {
        if range.good.iter().any(|end| is(end)) {
            return Some(Verdict::Good);
        }
        if is(&range.bad) {
            return Some(Verdict::Bad);
        }
    }
    if test.tally.crashed() > 0 {
        Some(Verdict::Bad)
    } else if test.tally.clean * 2 >= test.tally.total().max(1) {
        Some(Verdict::Good)
    } else {
        Some(Verdict::Skip)
    }
}

/// The runs of each kernel, pooled over its tests; configuration tests ran another kernel and are left out.
pub(crate) fn pooled(tests: &[Tested]) -> BTreeMap<usize, Tally> {
    let mut kernels: BTreeMap<usize, Tally> = BTreeMap::new();
    for test in tests.iter().filter(|test| test.phase != Phase::Configuration) {
        kernels.entry(test.kernel).or_default().add(&test.tally);
    }
    kernels
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

    fn of(text: &str) -> Vec<Tested> {
        tested(&parse_bisect_log::read(text.as_bytes()))
    }

    #[test]
    fn runs_of_equal_kernels_are_pooled() {
        let tests = of(&format!(
            "bisecting cause commit starting from {A}\ntesting commit {A}\nkernel signature: 1\nall runs: OK\n\
             testing commit {B}\nkernel signature: 1\nrun #0: OK\nrun #1: crashed: WARNING in f\n"
        ));
        assert_eq!(tests[0].kernel, tests[1].kernel);
        let pooled = pooled(&tests);
        assert_eq!((pooled[&0].clean, pooled[&0].crashed()), (11, 1));
    }

    #[test]
    fn all_runs_counts_as_many_as_the_tests_around_it() {
        let eight = "run #1: OK\n".repeat(8);
        let tests = of(&format!(
            "testing commit {A}\nall runs: OK\ntesting commit {B}\nall runs: OK\ntesting commit {C}\n{eight}"
        ));
        assert_eq!((tests[0].tally.clean, tests[1].tally.clean), (10, 8));
    }

    #[test]
    fn the_ends_given_to_git_show_how_a_release_was_taken() {
        let tests = of(&format!(
            "bisecting cause commit starting from {A}\ntesting commit {A}\nrun #0: crashed: WARNING in f\n\
             testing release v2\ntesting commit {B}\nrun #0: crashed: WARNING in f\n\
             testing release v1\ntesting commit {C}\nrun #0: OK\nrun #1: boot failed: x\nrun #2: boot failed: x\n\
             # git bisect start v2 v1\n"
        ));
        assert_eq!(tests[1].taken, Some(Verdict::Bad));
        assert_eq!(tests[2].taken, Some(Verdict::Good));
    }
}
