//! The log syzbot writes: tests with their runs and signatures, the walk over releases, `git bisect`.
//!
//! One pass, line by line. Compilers, `make` and `ssh` write into the log as they please: an unknown
//! line is passed over, and never ends a test.

use model::{CommitId, LineSpan};

use crate::limits;
use crate::log::{
    Answer, BisectLog, Dialect, Direction, FinalCrash, Located, Mark, Outcome, Phase, Range,
    RunLine, Runs, Test, Totals, Verdict,
};
use crate::named::NamedCommit;
use crate::scan::{Lines, bracketed_commit, duration_seconds, leading_commit};
use crate::trace::TraceFrame;

/// Reads such a log.
pub(crate) fn read(lines: &Lines<'_>) -> BisectLog {
    let mut reader = Reader { log: BisectLog::empty(Dialect::Syzbot), ..Reader::default() };
    for (number, line) in lines.iter() {
        reader.take(line, number);
    }
    reader.finish()
}

/// What the next lines belong to.
#[derive(Default, PartialEq)]
enum Inside {
    /// Nothing that spans lines.
    #[default]
    Nothing,
    /// The commit that was named.
    Named,
    /// The list of commits, one of which is the answer.
    Candidates,
    /// The report of the last crash.
    Crash,
}

/// A value with its line; none where nothing stands, since two kernels without a signature are not alike.
fn located(value: &str, line: u64) -> Option<Located<String>> {
    let value = value.trim().to_owned();
    (!value.is_empty()).then_some(Located { value, line })
}

struct Reader {
    log: BisectLog,
    inside: Inside,
    bisecting: bool,
    release: Option<Located<String>>,
    checked_out: Option<(CommitId, Located<String>)>,
    remaining: Option<Located<u64>>,
    /// The last line that a failing build wrote.
    complaint: Option<Located<String>>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            log: BisectLog::empty(Dialect::Syzbot),
            inside: Inside::Nothing,
            bisecting: false,
            release: None,
            checked_out: None,
            remaining: None,
            complaint: None,
        }
    }
}

impl Reader {
    fn take(&mut self, line: &str, number: u64) {
        match self.inside {
            Inside::Crash => return self.take_report(line, number),
            Inside::Named => {
                if self.log.named.as_mut().is_some_and(|named| named.take(line, number)) {
                    return;
                }
                self.inside = Inside::Nothing;
            }
            Inside::Candidates => {
                if self.take_candidate(line, number) {
                    return;
                }
                self.inside = Inside::Nothing;
            }
            Inside::Nothing => {}
        }
        if !(self.take_test(line, number)
            || self.take_git(line, number)
            || self.take_answer(line, number))
        {
            self.take_header(line, number);
        }
    }

    fn take_header(&mut self, line: &str, number: u64) {
        for (start, direction) in [
            ("bisecting cause commit starting from ", Direction::Cause),
            ("bisecting fixing commit since ", Direction::Fix),
        ] {
            if let Some((id, _)) = line.strip_prefix(start).and_then(leading_commit) {
                self.log.direction = direction;
                self.log.start = Some(Located { value: id, line: number });
            }
        }
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("reproducer seems to be flaky")
            || lower.starts_with("reproducer flagged being flaky")
            || lower.starts_with("reproducer is flaky")
        {
            self.log.flaky.push(number);
        }
    }

    /// Lines about the kernel under test.
    fn take_test(&mut self, line: &str, number: u64) -> bool {
        if let Some(name) = line.strip_prefix("testing release ") {
            self.release = Some(Located { value: name.trim().to_owned(), line: number });
            return true;
        }
        if let Some((id, rest)) = line
            .strip_prefix("testing commit ")
            .or_else(|| line.strip_prefix("testing current HEAD "))
            .and_then(leading_commit)
        {
            self.begin_test(id, rest, number);
            return true;
        }
        let Some(test) = self.log.tests.last_mut() else { return false };
        let at = |value: &str| located(value, number);
        if let Some(compiler) = line.strip_prefix("compiler: ") {
            test.compiler = at(compiler);
        } else if let Some(signature) = line.strip_prefix("kernel signature:") {
            // `previous signature` and `kernel signature` follow again where two agree.
            test.signature = test.signature.take().or_else(|| at(signature));
        } else if let Some(run) = run_line(line, number) {
            if test.runs.lines.len() < limits::RUNS {
                test.runs.lines.push(run);
            }
        } else if let Some(why) = line.strip_prefix("failed building ") {
            test.build_failure = at(why);
        } else if line.starts_with("failed to run [\"make\"") && test.runs.lines.is_empty() {
            let why = self.complaint.take();
            test.build_failure = why.or_else(|| at(line));
        } else if let Some(why) = line.strip_prefix("unable to determine the verdict: ") {
            test.undetermined = at(why);
        } else {
            if line.contains(": error: ") || line.contains("undefined reference") {
                self.complaint = at(line);
            }
            return false;
        }
        test.span.last = number;
        true
    }

    fn begin_test(&mut self, commit: CommitId, rest: &str, line: u64) {
        if self.log.tests.len() == limits::TESTS {
            self.log.problem(line, format!("only the first {} tests are read", limits::TESTS));
            return;
        }
        let original = self.log.start.as_ref().map(|start| &start.value) == Some(&commit);
        let release = self.release.take();
        let phase = if self.bisecting {
            Phase::Bisect
        } else if release.is_some() {
            Phase::Release
        } else if self.log.tests.is_empty() {
            Phase::Original
        } else if original || self.log.tests[0].commit == commit {
            Phase::Configuration
        } else {
            Phase::Other
        };
        let compiler = rest.trim().strip_prefix("with ").unwrap_or(rest.trim());
        let subject = match self.checked_out.take() {
            Some((id, subject)) if id == commit => Some(subject),
            _ => None,
        };
        self.complaint = None;
        self.log.tests.push(Test {
            commit,
            span: LineSpan::line(line),
            phase,
            release,
            subject,
            remaining: self.remaining.take(),
            compiler: (!compiler.is_empty()).then(|| Located { value: compiler.to_owned(), line }),
            signature: None,
            runs: Runs::default(),
            build_failure: None,
            undetermined: None,
            verdict: None,
        });
    }

    /// Commands given to git, and what git prints.
    fn take_git(&mut self, line: &str, number: u64) -> bool {
        if let Some(command) = line.strip_prefix("# git bisect ") {
            if let Some(ends) = command.strip_prefix("start ") {
                let mut ends = ends.split_whitespace().map(str::to_owned);
                self.bisecting = true;
                self.log.range = ends.next().map(|bad| Range {
                    bad,
                    good: ends.take(64).collect(),
                    line: number,
                });
                return true;
            }
            return self.take_mark(command, number);
        }
        if let Some(rest) = line.strip_prefix("Bisecting: ") {
            let count = rest.split(' ').next().and_then(|count| count.parse().ok());
            self.remaining = count.map(|value| Located { value, line: number });
            return true;
        }
        if let Some((id, subject)) = bracketed_commit(line) {
            let subject = Located { value: subject.to_owned(), line: number };
            self.checked_out = Some((id, subject));
            return true;
        }
        false
    }

    fn take_mark(&mut self, command: &str, number: u64) -> bool {
        let Some((word, rest)) = command.split_once(' ') else { return false };
        let Some((commit, _)) = leading_commit(rest) else { return false };
        let verdict = match word {
            "good" | "old" => Verdict::Good,
            "bad" | "new" => Verdict::Bad,
            "skip" => Verdict::Skip,
            _ => return false,
        };
        let mut subject = None;
        if let Some(test) = self.log.tests.iter_mut().rev().find(|test| test.commit == commit) {
            test.verdict = Some(Located { value: verdict, line: number });
            test.span.last = test.span.last.max(number);
            subject = test.subject.as_ref().map(|subject| subject.value.clone());
        } else {
            self.log
                .problem(number, format!("a verdict on {}, which was not tested", commit.short()));
        }
        if self.log.marks.len() < limits::TESTS {
            self.log.marks.push(Mark { verdict, commit, subject, line: number });
        }
        true
    }

    /// How it ended.
    fn take_answer(&mut self, line: &str, number: u64) -> bool {
        if let Some((id, rest)) = leading_commit(line)
            && (rest.starts_with(" is the first bad commit")
                || rest.starts_with(" is the first new commit"))
        {
            self.log.answer = Answer::Commit { id, subject: None, line: number };
            return true;
        }
        if let Some(named) = NamedCommit::begin(line, number)
            && matches!(&self.log.answer, Answer::Commit { id, .. } if *id == named.id)
        {
            self.log.named = Some(named);
            self.inside = Inside::Named;
            return true;
        }
        for start in ["first bad commit: ", "first good commit: "] {
            if let Some((id, subject)) = line.strip_prefix(start).and_then(leading_commit) {
                let subject = Some(subject.trim().to_owned()).filter(|text| !text.is_empty());
                self.log.answer = Answer::Commit { id, subject, line: number };
                return true;
            }
        }
        if line.contains("first bad commit could be any of")
            || line.contains("first good commit could be any of")
            || line.contains("first new commit could be any of")
        {
            let span = LineSpan::line(number);
            self.log.answer = Answer::Candidates { ids: Vec::new(), span };
            self.inside = Inside::Candidates;
            return true;
        }
        let beyond = [
            "the crash already happened on the oldest tested release",
            "crash still not fixed",
            "the crash still happens on HEAD",
        ];
        if beyond.iter().any(|start| line.contains(start)) {
            self.log.answer = Answer::BeyondRange { line: number };
            return true;
        }
        if let Some(why) = line.strip_prefix("error: ") {
            // Compilers write `error:` too, but never in the first column of a finished test.
            let answered =
                matches!(self.log.answer, Answer::Commit { .. } | Answer::Candidates { .. });
            if !answered {
                self.log.answer = Answer::Failed { why: why.to_owned(), line: number };
            }
            return true;
        }
        self.take_footer(line, number)
    }

    fn take_footer(&mut self, line: &str, number: u64) -> bool {
        let at = |value: &str| located(value, number);
        if let Some(signature) = line.strip_prefix("culprit signature:") {
            self.log.culprit_signature = at(signature);
        } else if let Some(signature) = line.strip_prefix("parent  signature:") {
            self.log.parent_signature = at(signature);
        } else if let Some(signature) = line.strip_prefix("parent signature:") {
            self.log.parent_signature = at(signature);
        } else if let Some(rest) = line.strip_prefix("revisions tested: ") {
            self.log.totals = totals(rest, number);
        } else if let Some(title) = line.strip_prefix("crash: ") {
            self.log.crash = Some(FinalCrash {
                title: Located { value: title.trim().to_owned(), line: number },
                report: LineSpan::line(number),
                frames: Vec::new(),
            });
            self.inside = Inside::Crash;
        } else {
            return false;
        }
        true
    }

    fn take_candidate(&mut self, line: &str, number: u64) -> bool {
        let Answer::Candidates { ids, span } = &mut self.log.answer else { return false };
        let Some((id, rest)) = leading_commit(line) else { return false };
        if !rest.trim().is_empty() {
            return false;
        }
        span.last = number;
        if ids.len() < limits::CANDIDATES && !ids.contains(&id) {
            ids.push(id);
        }
        true
    }

    fn take_report(&mut self, line: &str, number: u64) {
        let Some(crash) = &mut self.log.crash else { return };
        if line.trim().is_empty() {
            return;
        }
        crash.report.last = number;
        if crash.frames.len() < limits::PATHS
            && let Some(frame) = TraceFrame::read(line, number)
        {
            crash.frames.push(frame);
        }
    }

    fn finish(mut self) -> BisectLog {
        if self.log.tests.is_empty() {
            self.log.problem(1, "the log holds no tested commit");
        }
        self.log
    }
}

/// `run #3: crashed: T` or `all runs: OK`.
fn run_line(line: &str, number: u64) -> Option<RunLine> {
    let (all, text) = if let Some(text) = line.strip_prefix("all runs: ") {
        (true, text)
    } else {
        let (index, text) = line.strip_prefix("run #")?.split_once(": ")?;
        index.parse::<u32>().ok()?;
        (false, text)
    };
    let text = text.trim_end();
    let outcome = [
        ("crashed: ", Outcome::Crashed as fn(String) -> Outcome),
        ("ignore: ", Outcome::Ignored),
        ("boot failed: ", Outcome::BootFailed),
        ("basic kernel testing failed: ", Outcome::BasicTestFailed),
        ("infra problem: ", Outcome::InfrastructureError),
        ("failed: ", Outcome::InfrastructureError),
    ]
    .into_iter()
    .find_map(|(start, make)| Some(make(text.strip_prefix(start)?.to_owned())))
    .unwrap_or_else(|| match text {
        "OK" => Outcome::Clean,
        other => Outcome::InfrastructureError(other.to_owned()),
    });
    Some(RunLine { outcome, all, line: number })
}

/// `17, total time: 4h20m12s (build: 2h0m54s, test: 2h16m59s)`.
fn totals(text: &str, line: u64) -> Option<Totals> {
    let (revisions, rest) = text.split_once(", total time: ")?;
    let (total, rest) = rest.split_once(" (build: ")?;
    let (build, test) = rest.trim_end().trim_end_matches(')').split_once(", test: ")?;
    Some(Totals {
        revisions: revisions.parse().ok()?,
        total_seconds: duration_seconds(total)?,
        build_seconds: duration_seconds(build)?,
        test_seconds: duration_seconds(test)?,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn log(text: &str) -> BisectLog {
        crate::read(text.as_bytes())
    }

    #[test]
    fn the_older_shape_gives_tests_releases_and_verdicts() {
        let log = log(&format!(
            "bisecting cause commit starting from {A}\n\
             testing commit {A} with gcc (GCC) 8.1.0\n\
             run #0: crashed: WARNING in f\n\
             run #1: boot failed: no ssh\n\
             testing release v5.1\n\
             testing commit {B} with gcc (GCC) 8.1.0\n\
             all runs: OK\n\
             # git bisect start {A} v5.1\n\
             Bisecting: 7 revisions left to test after this (roughly 3 steps)\n\
             [{B}] Merge tag 'x'\n\
             testing commit {B} with gcc (GCC) 8.1.0\n\
             all runs: OK\n\
             # git bisect good {B}\n\
             revisions tested: 3, total time: 1h0m1.5s (build: 1m0s, test: 1s)\n\
             first bad commit: {A} net: break it\n"
        ));
        assert_eq!(log.tests.len(), 3);
        assert_eq!(log.tests[0].phase, Phase::Original);
        assert_eq!(log.tests[0].runs.lines.len(), 2);
        assert_eq!(log.tests[1].release.as_ref().unwrap().value, "v5.1");
        assert_eq!(log.tests[2].remaining.unwrap().value, 7);
        assert_eq!(log.tests[2].subject.as_ref().unwrap().value, "Merge tag 'x'");
        assert_eq!(log.tests[2].verdict, Some(Located { value: Verdict::Good, line: 13 }));
        assert_eq!(log.totals.unwrap().total_seconds, 3601.5);
        assert!(
            matches!(log.answer, Answer::Commit { subject: Some(s), line: 15, .. } if s == "net: break it")
        );
    }

    #[test]
    fn the_newer_shape_gives_compiler_configuration_runs_and_build_failures() {
        let log = log(&format!(
            "ci2 starts bisection 2023-01-01 00:00:00 +0000 UTC m=+1\n\
             bisecting cause commit starting from {A}\n\
             ensuring issue is reproducible on original commit {A}\n\n\
             testing commit {A} gcc\n\
             compiler: gcc (Debian 10.2.1-6) 10.2.1\n\
             kernel signature: 12ab\n\
             run #0: ignore: lost connection to test machine\n\
             run #1: infra problem: no VM\n\
             representative crash: WARNING in f, types: [WARNING]\n\
             kconfig minimization: base=10 full=20 leaves diff=5\n\
             testing commit {A} gcc\n\
             all runs: crashed: WARNING in f\n\
             testing release v6.0\n\
             testing commit {B} gcc\n\
             failed building {B}: make: *** [Makefile:1] Error 2\n\
             unable to determine the verdict: 0 good runs (wanted 5), for bad wanted 5 in total, got 0\n\
             error: bisection is taking too long (>8h0m0s), aborting\n"
        ));
        assert_eq!(log.tests[1].phase, Phase::Configuration);
        assert_eq!(log.tests[0].compiler.as_ref().unwrap().line, 6);
        assert_eq!(log.tests[0].signature.as_ref().unwrap().value, "12ab");
        assert!(matches!(log.tests[0].runs.lines[0].outcome, Outcome::Ignored(_)));
        assert!(matches!(log.tests[0].runs.lines[1].outcome, Outcome::InfrastructureError(_)));
        assert!(log.tests[2].build_failure.is_some() && log.tests[2].undetermined.is_some());
        assert!(matches!(log.answer, Answer::Failed { .. }));
    }

    #[test]
    fn a_list_of_candidates_is_kept_whole_and_once() {
        let log = log(&format!(
            "testing commit {A}\nThe first bad commit could be any of:\n{A}\n{B}\nWe cannot bisect more!\n\
             revisions tested: 1, total time: 1s (build: 1s, test: 0s)\n\
             bisection is inconclusive, the first bad commit could be any of:\n{A}\n{B}\n{B}\n"
        ));
        let Answer::Candidates { ids, span } = log.answer else { panic!("{:?}", log.answer) };
        assert_eq!((ids.len(), span), (2, LineSpan::new(7, 10)));
    }

    #[test]
    fn the_named_commit_and_the_last_crash_are_read() {
        let log = log(&format!(
            "testing commit {A}\nall runs: crashed: WARNING in f\n{A} is the first bad commit\ncommit {A}\n\
             Merge: 11 22\nAuthor: A <a@b>\nDate:   Mon Apr 19 09:37:04 2021 +0200\n\n    net: x\n    \n    More.\n\n \
             net/core/dev.c | 4 ++--\n 1 file changed, 2 insertions(+), 2 deletions(-)\n\n\
             culprit signature: aa\nparent  signature: bb\nfirst bad commit: {A} net: x\n\
             crash: WARNING in f\nWARNING: CPU: 0 at net/core/dev.c:1 f+0x1/0x2 net/core/dev.c:1\n f+0x1/0x2 net/core/dev.c:1\n"
        ));
        let named = log.named.unwrap();
        assert_eq!(named.merge, Some(5));
        assert_eq!(named.subject(), Some("net: x"));
        assert_eq!(named.changed.len(), 1);
        assert_eq!(named.changed_span, Some(LineSpan::line(13)));
        assert_eq!(log.culprit_signature.unwrap().value, "aa");
        assert_eq!(log.parent_signature.unwrap().value, "bb");
        let crash = log.crash.unwrap();
        assert_eq!(crash.frames.len(), 2);
        assert_eq!(crash.report, LineSpan::new(19, 21));
    }

    #[test]
    fn a_fix_search_is_told_from_a_cause_search() {
        let log = log(&format!(
            "bisecting fixing commit since {A}\ntesting commit {A}\nall runs: crashed: WARNING in f\n\
             testing current HEAD {B}\nall runs: OK\nfirst good commit: {B} fix it\n"
        ));
        assert_eq!(log.direction, Direction::Fix);
        assert_eq!(log.tests[1].phase, Phase::Other);
        assert!(matches!(log.answer, Answer::Commit { .. }));
    }
}
