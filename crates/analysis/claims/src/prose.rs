//! A written analysis: what it quotes, what it says in plain sentences, and its form.
//!
//! Invariants: prose is never evidence; a sentence is a claim only where all of it is read; what is not read is left
//! out, not judged. One judge: the verifier.

use std::collections::HashSet;

use model::{Assertion, LineSpan};

use crate::document::{self, Document, LineKind};
use crate::form::{self, FormFinding};
use crate::letter;
use crate::plain;
use crate::verify::{Judgement, Log, verify_assertion};

/// Shorter messages occur everywhere and prove nothing.
const SHORTEST: usize = 16;
/// Quoted lines that are compared.
const MOST_LINES: usize = 20_000;
/// Lines of a log that an altered line is compared with.
const MOST_COMPARED: usize = 200_000;
/// Altered lines for which the log's own line is looked for.
const MOST_ALTERED: usize = 20;

/// A quoted line that the log does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// Its line in the analysis.
    pub line: u64,
    /// Its text as quoted.
    pub quoted: String,
    /// The line of the log that is most like it, with its text.
    pub log: Option<(u64, String)>,
}

/// A plain sentence that was read as claims, with what becomes of each.
#[derive(Clone, Debug)]
pub struct PlainClaim {
    /// Its lines in the analysis.
    pub lines: LineSpan,
    /// The sentence.
    pub text: String,
    /// What it claims.
    pub claim: Assertion,
    /// What the log, or without one the lines that the analysis quotes, make of it.
    pub judgement: Judgement,
}

/// The judgement of one analysis.
#[derive(Debug)]
pub struct Report {
    /// The lines by which claims are judged: the log's, or without a log those that are quoted.
    pub log: Log,
    /// Whether a log was given.
    pub has_log: bool,
    /// Lines are counted in the decoded text, as the mail was coded in base64.
    pub renumbered: bool,
    /// Quoted lines that were compared with the log.
    pub compared: usize,
    /// Those that it does not have.
    pub altered: Vec<Altered>,
    /// Plain sentences.
    pub claims: Vec<PlainClaim>,
    /// The form.
    pub form: Vec<FormFinding>,
}

/// Judges an analysis against the log and, without one, against what it quotes.
pub fn check(analysis: &[u8], log: Option<&[u8]>) -> Report {
    check_by(analysis, log.map(Log::read))
}

/// As [`check`], by a log that was read already.
pub fn check_by(analysis: &[u8], log: Option<Log>) -> Report {
    let letter = letter::open(analysis);
    let document = document::read(letter.as_ref().map_or(analysis, |letter| &letter.text));
    let has_log = log.is_some();
    let log = match log {
        Some(log) => log,
        None => Log::of_lines(quoted(&document)),
    };
    let (compared, altered) = if has_log { compare(&document, &log) } else { (0, Vec::new()) };
    let claims = plain::read(&document)
        .into_iter()
        .map(|(sentence, claim)| PlainClaim {
            lines: sentence.lines,
            text: sentence.text.clone(),
            judgement: verify_assertion(&log, &claim),
            claim,
        })
        .collect();
    let mut form = form::check(&document);
    if let Some(letter) = &letter {
        form.extend(form::of_letter(letter));
    }
    form.sort_by_key(|finding| finding.rule);
    let renumbered = letter.is_some_and(|letter| letter.renumbered);
    Report { log, has_log, renumbered, compared, altered, claims, form }
}

/// The lines of a console that the analysis quotes.
fn quoted<'d, 'a>(document: &'d Document<'a>) -> impl Iterator<Item = &'d parse_console::Line<'a>> {
    document.console.iter().filter(|line| document.kind_of(line.number) == Some(LineKind::Console))
}

/// Blanks collapsed, so that tabs and indenting do not matter.
fn plain_text(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Compares quoted lines with the log. A line counts as altered only when no line of the log holds its text or is held
/// by it, so that wrapping and cutting off alone never make one.
fn compare(document: &Document<'_>, log: &Log) -> (usize, Vec<Altered>) {
    let whole: HashSet<String> = log.texts().map(|(_, text)| plain_text(text)).collect();
    let joined = whole.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let mut compared = 0;
    let mut altered = Vec::new();
    for line in quoted(document).take(MOST_LINES) {
        let text = plain_text(&line.text);
        if text.len() < SHORTEST {
            continue;
        }
        compared += 1;
        let holds =
            || whole.iter().any(|known| known.len() >= SHORTEST && text.contains(known.as_str()));
        if whole.contains(&text) || joined.contains(&text) || holds() {
            continue;
        }
        let near = if altered.len() < MOST_ALTERED { nearest(&text, log) } else { None };
        altered.push(Altered { line: line.number, quoted: text, log: near });
    }
    (compared, altered)
}

/// The line of the log that shares most words with a quoted one, when it shares most of them.
fn nearest(text: &str, log: &Log) -> Option<(u64, String)> {
    let words: HashSet<&str> = text.split(' ').collect();
    let shared = |line: &str| {
        let found: HashSet<&str> = line.split_whitespace().collect();
        found.intersection(&words).count() * 100 / found.len().max(words.len()).max(1)
    };
    let best = log.texts().take(MOST_COMPARED).max_by_key(|(_, line)| shared(line))?;
    (words.len() >= 3 && shared(best.1) >= 60).then(|| (best.0, best.1.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[u8] = b"[    1.000001] BUG: KASAN: slab-use-after-free in widget_poll+0x1b/0x90\n\
        [    1.000002] Read of size 4 at addr ffff888003a1c018 by task poller/311\n";

    #[test]
    fn an_altered_quotation_is_shown_beside_the_line_of_the_log() {
        let text = b"The log says\n\n[    1.000001] BUG: KASAN: slab-use-after-free in widget_poll+0x1b/0x90\n\
            [    1.000002] Read of size 8 at addr ffff888003a1c018 by task poller/311\n";
        let report = check(text, Some(LOG));
        assert_eq!((report.compared, report.altered.len()), (2, 1));
        assert_eq!(report.altered[0].line, 4);
        assert_eq!(report.altered[0].log.as_ref().unwrap().0, 2);
    }

    #[test]
    fn a_quotation_that_is_cut_off_or_indented_is_not_altered() {
        let text = b"Look:\n\n    BUG: KASAN: slab-use-after-free in\n    Read of size 4 at addr ffff888003a1c018\n";
        assert_eq!(check(text, Some(LOG)).altered, []);
    }

    #[test]
    fn plain_sentences_are_judged_and_others_left_out() {
        let text = b"It is a use-after-free. The crash is in widget_wake(). I think that the crash is in foo() again.\n";
        let report = check(text, Some(LOG));
        let words: Vec<bool> =
            report.claims.iter().map(|c| matches!(c.judgement, Judgement::Shown { .. })).collect();
        assert_eq!(words, [true, false]);
        assert!(matches!(report.claims[1].judgement, Judgement::Contradicted { .. }));
    }
}
