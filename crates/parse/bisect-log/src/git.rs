//! `git bisect log`: what was told to git, without any run behind it.

use model::LineSpan;

use crate::limits;
use crate::log::{Answer, BisectLog, Dialect, Located, Mark, Range, Verdict};
use crate::scan::{Lines, bracketed_commit, leading_commit};

/// Reads such a log.
pub(crate) fn read(lines: &Lines<'_>) -> BisectLog {
    let mut log = BisectLog::empty(Dialect::GitBisect);
    let mut terms = Terms::default();
    let mut comment = None;
    for (number, line) in lines.iter() {
        if let Some(text) = line.strip_prefix("# ") {
            comment = take_comment(&mut log, text, number).or(comment);
        } else if let Some(words) = command(line) {
            if words.first().is_some_and(|word| word == "start") {
                terms.read(&words);
                take_start(&mut log, &words[1..], number);
            } else {
                take_mark(&mut log, &terms, &words, comment.take(), number);
            }
        } else if !line.trim().is_empty() {
            log.problem(number, "not a line of `git bisect log`");
        }
    }
    log
}

/// The words that stand for good and bad.
struct Terms {
    good: Vec<String>,
    bad: Vec<String>,
}

impl Default for Terms {
    fn default() -> Self {
        let own = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        Self { good: own(["good", "old"]), bad: own(["bad", "new"]) }
    }
}

impl Terms {
    /// Takes `--term-old X`, `--term-bad=X` and the like.
    fn read(&mut self, words: &[String]) {
        for (at, word) in words.iter().enumerate() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), words.get(at + 1).cloned()),
            };
            match (name, value) {
                ("--term-old" | "--term-good", Some(term)) => self.good.push(term),
                ("--term-new" | "--term-bad", Some(term)) => self.bad.push(term),
                _ => {}
            }
        }
    }

    fn verdict(&self, word: &str) -> Option<Verdict> {
        let one_of = |words: &[String]| words.iter().any(|term| term == word);
        match word {
            "skip" => Some(Verdict::Skip),
            _ if one_of(&self.good) => Some(Verdict::Good),
            _ if one_of(&self.bad) => Some(Verdict::Bad),
            _ => None,
        }
    }
}

/// The words after `git bisect`, without their quotes.
fn command(line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace().map(|word| word.trim_matches('\'').to_owned());
    match words.next()?.as_str() {
        "git-bisect" => {}
        "git" if words.next()? == "bisect" => {}
        _ => return None,
    }
    Some(words.take(1 + limits::CANDIDATES).collect())
}

/// The verdict or the answer that a comment tells; a verdict's subject is kept for its command.
fn take_comment(log: &mut BisectLog, text: &str, line: u64) -> Option<(model::CommitId, String)> {
    let (head, rest) = text.split_once(": ")?;
    let (id, subject) = bracketed_commit(rest)?;
    let subject_text = Some(subject.to_owned()).filter(|text| !text.is_empty());
    if head.starts_with("first ") && head.ends_with(" commit") {
        log.answer = Answer::Commit { id, subject: subject_text, line };
        return None;
    }
    if head.starts_with("possible first ") {
        match &mut log.answer {
            Answer::Candidates { ids, span } => {
                span.last = line;
                if ids.len() < limits::CANDIDATES && !ids.contains(&id) {
                    ids.push(id);
                }
            }
            _ => {
                log.answer = Answer::Candidates { ids: vec![id], span: LineSpan::line(line) };
            }
        }
        return None;
    }
    Some((id, subject.to_owned()))
}

/// `git bisect start BAD GOOD...`; options and paths are passed over.
fn take_start(log: &mut BisectLog, words: &[String], line: u64) {
    let mut revisions = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--" => break,
            "--term-old" | "--term-good" | "--term-new" | "--term-bad" => {
                words.next();
            }
            option if option.starts_with("--") => {}
            revision => revisions.push(revision.to_owned()),
        }
    }
    let mut revisions = revisions.into_iter();
    if let Some(bad) = revisions.next() {
        log.start = leading_commit(&bad).map(|(value, _)| Located { value, line });
        log.range = Some(Range { bad, good: revisions.take(64).collect(), line });
    }
}

fn take_mark(
    log: &mut BisectLog,
    terms: &Terms,
    words: &[String],
    comment: Option<(model::CommitId, String)>,
    line: u64,
) {
    let Some(verdict) = words.first().and_then(|word| terms.verdict(word)) else {
        log.problem(line, "a command of `git bisect` that is not understood");
        return;
    };
    let Some((commit, _)) = words.get(1).and_then(|word| leading_commit(word)) else {
        log.problem(line, "a verdict without a full commit name");
        return;
    };
    let subject = comment.filter(|(id, _)| *id == commit).map(|(_, subject)| subject);
    if log.marks.len() < limits::TESTS {
        log.marks.push(Mark { verdict, commit, subject, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn verdicts_ends_and_answer_are_read() {
        let text = format!(
            "git bisect start\n# status: waiting for both good and bad commits\n# bad: [{A}] net: a\n\
             git bisect bad {A}\n# good: [{B}] Linux 6.0\ngit bisect good {B}\n\
             # first bad commit: [{A}] net: a\n"
        );
        let log = crate::read(text.as_bytes());
        assert_eq!(log.dialect, Dialect::GitBisect);
        assert_eq!(log.marks.len(), 2);
        assert_eq!(log.marks[0].subject.as_deref(), Some("net: a"));
        assert_eq!(log.marks[1].verdict, Verdict::Good);
        assert!(matches!(log.answer, Answer::Commit { line: 7, .. }));
        assert_eq!(log.problems, []);
    }

    #[test]
    fn own_terms_and_quoted_ends_are_understood() {
        let text = format!(
            "git bisect start '--term-new=broken' '--term-old' 'fine' '{A}' '{B}' '--' 'net'\n\
             git bisect broken {A}\ngit bisect fine {B}\ngit bisect skip {B}\n\
             # only skipped commits left to test\n# possible first broken commit: [{A}] x\n\
             # possible first broken commit: [{B}] y\n"
        );
        let log = crate::read(text.as_bytes());
        assert_eq!(log.range.as_ref().unwrap().good, [B]);
        let verdicts: Vec<_> = log.marks.iter().map(|mark| mark.verdict).collect();
        assert_eq!(verdicts, [Verdict::Bad, Verdict::Good, Verdict::Skip]);
        assert!(matches!(log.answer, Answer::Candidates { ids, .. } if ids.len() == 2));
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        let log = crate::read(b"git bisect start\ngit bisect frobnicate x\nhello\n");
        let lines: Vec<_> = log.problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3]);
    }
}
