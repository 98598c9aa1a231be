//! Lines and stacks that an analysis quotes, compared with the log itself.
//!
//! Invariant: a line counts as missing only when no line of the log holds its text or is held by it, so
//! that wrapping and cutting off alone never make one.

use std::collections::HashSet;
use std::sync::LazyLock;

use model::LineSpan;
use regex::Regex;

use super::{Shape, is_match};
use crate::claims::{Case, JudgedClaim};
use crate::document::LineKind;
use crate::evidence::{Cited, Exhibit, Source};
use crate::verdict::Verdict::{Contradicted, Supported, Unsupported};

/// Shorter messages occur everywhere and prove nothing.
const SHORTEST: usize = 16;
/// Quoted lines that are compared.
const MOST_LINES: usize = 2_000;
/// Bytes of a log that are searched for pieces of lines.
const MOST_BYTES: usize = 64 << 20;

/// Altered lines that are shown beside what the log has.
const MOST_ALTERED: usize = 5;
/// Quotations within prose that are judged.
const MOST_INLINE: usize = 40;
/// Lines of a log that an altered line is compared with.
const MOST_COMPARED: usize = 200_000;
/// Bytes of a line that are shown.
const LONGEST_SHOWN: usize = 160;

/// Blanks collapsed, so that tabs and wrapping by spaces do not matter.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Whether quoted lines and hand-written stacks occur in the log; nothing without a log.
pub(crate) fn compare(case: &Case<'_>) -> Vec<JudgedClaim> {
    let Some(log) = &case.evidence.log else { return Vec::new() };
    let mut out = Vec::new();
    let whole: HashSet<String> = log.lines.iter().map(|line| plain(&line.text)).collect();
    let joined: String = {
        let mut joined = String::new();
        for line in &log.lines {
            if joined.len() > MOST_BYTES {
                break;
            }
            joined.push_str(&plain(&line.text));
            joined.push('\n');
        }
        joined
    };
    let mut compared = 0usize;
    let mut missing: Vec<u64> = Vec::new();
    for line in case.evidence.quoted.lines.iter().take(MOST_LINES) {
        let text = plain(&line.text);
        if text.len() < SHORTEST {
            continue;
        }
        compared += 1;
        if !(whole.contains(&text) || joined.contains(&text) || holds_a_line(&text, &whole)) {
            missing.push(line.number);
        }
    }
    if compared > 0 {
        let lines: Vec<LineSpan> = match missing.as_slice() {
            [] => case
                .evidence
                .quoted
                .lines
                .first()
                .map(|l| LineSpan::line(l.number))
                .into_iter()
                .collect(),
            some => some.iter().take(8).map(|l| LineSpan::line(*l)).collect(),
        };
        let (verdict, reason) = match missing.len() {
            0 => (Supported, format!("all {compared} are in the log")),
            n => (Contradicted, format!("{n} of {compared} are not in the log")),
        };
        out.push(JudgedClaim {
            rule: "C37",
            statement: "the quoted lines are from this log".to_owned(),
            evidence: lines.iter().map(|l| Cited { source: Source::Analysis, lines: *l }).collect(),
            lines,
            verdict,
            reason,
            hedge: None,
        });
    }
    for number in missing.iter().take(MOST_ALTERED) {
        let quoted = case.evidence.quoted.lines.iter().find(|l| l.number == *number);
        let Some((near, at)) = quoted.and_then(|l| nearest(&plain(&l.text), log)) else { continue };
        out.push(JudgedClaim {
            rule: "C77",
            statement: "the quoted line stands so in the log".to_owned(),
            lines: vec![LineSpan::line(*number)],
            verdict: Contradicted,
            reason: format!("the log has \"{}\"", cut(&near)),
            evidence: vec![log.cite(at)],
            hedge: None,
        });
    }
    out.extend(inline(case, log, &joined));
    let functions: HashSet<&str> = log
        .seen
        .snapshots
        .iter()
        .flat_map(|s| s.frames.iter().map(|f| f.function.as_str()))
        .collect();
    for stack in &case.evidence.stacks {
        let mut absent: Vec<&str> = stack
            .snapshot
            .frames
            .iter()
            .map(|f| f.function.as_str())
            .filter(|f| !functions.contains(f) && !joined.contains(f))
            .collect();
        absent.dedup();
        if absent.is_empty() || functions.is_empty() {
            continue;
        }
        absent.truncate(5);
        out.push(JudgedClaim {
            rule: "C38",
            statement: "the written stack is from this log".to_owned(),
            lines: vec![stack.lines],
            verdict: Unsupported,
            reason: format!(
                "{} stands in no stack of the log (inlined functions do not print)",
                absent.join(", ")
            ),
            evidence: vec![Cited { source: Source::Analysis, lines: stack.lines }],
            hedge: None,
        });
    }
    out
}

/// The line of the log that shares most words with a quoted one, when it shares most of them.
fn nearest(text: &str, log: &Exhibit<'_>) -> Option<(String, u64)> {
    let words: HashSet<&str> = text.split(' ').collect();
    if words.len() < 3 {
        return None;
    }
    let mut best: Option<(f64, &str, u64)> = None;
    for line in log.lines.iter().take(MOST_COMPARED) {
        let mut shared = HashSet::new();
        let mut all = 0usize;
        for word in line.text.split_whitespace().take(60) {
            all += 1;
            if let Some(word) = words.get(word) {
                shared.insert(*word);
            }
        }
        // A part of a line may be quoted; a line may be quoted with more around it.
        let share = shared.len() as f64 / words.len().min(all.max(3)).max(1) as f64;
        let whole = shared.len() as f64 / words.len().max(1) as f64;
        let score = share.min(whole + 0.15);
        if best.is_none_or(|(known, ..)| score > known) {
            best = Some((score, line.text.as_ref(), line.number));
        }
    }
    best.filter(|(score, ..)| (0.6..1.2).contains(score))
        .map(|(_, text, number)| (plain(text), number))
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_SHOWN {
        return text.to_owned();
    }
    format!("{}\u{2026}", &text[..text.floor_char_boundary(LONGEST_SHOWN)])
}

static INLINE: Shape = LazyLock::new(|| {
    Regex::new(r#"`([^`]{10,300})`|"([^"]{10,300})"|\x{201c}([^\x{201d}]{10,300})\x{201d}"#).ok()
});
static SPEAKS_OF_LOG: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:log|dmesg|console|kernel|code|checker|watchdog|detector|it|line|message|report)\b[^.;]{0,30}\b(?:says?|said|prints?|printed|reads?|shows?|reports?|contains?|states?)\b|\b(?:in|from) the (?:log|line|report|dmesg)\b").ok()
});

/// Pieces of lines that prose quotes between quotation marks or backquotes.
fn inline(case: &Case<'_>, log: &Exhibit<'_>, joined: &str) -> Vec<JudgedClaim> {
    let mut out: Vec<JudgedClaim> = Vec::new();
    let Some(shape) = INLINE.as_ref() else { return out };
    for (number, raw) in case.document.of_kind(LineKind::Prose) {
        for captures in shape.captures_iter(raw) {
            let Some(quoted) = captures.iter().skip(1).flatten().next() else { continue };
            let text = plain(quoted.as_str());
            let printed = text.contains(|c: char| c.is_ascii_digit() || "[]:#=".contains(c));
            if !printed
                || text.split(' ').count() < 3
                || ["...", "\u{2026}", "http", "CONFIG_", "git "].iter().any(|w| text.contains(w))
                || out.len() >= MOST_INLINE
            {
                continue;
            }
            let span = LineSpan::line(number);
            let claim = |verdict, reason: String, evidence| JudgedClaim {
                rule: "C78",
                statement: format!("the log has \"{}\"", cut(&text)),
                lines: vec![span],
                verdict,
                reason,
                evidence,
                hedge: None,
            };
            let said = is_match(&SPEAKS_OF_LOG, raw);
            if joined.contains(&text) {
                if said {
                    let at = log.lines.iter().find(|l| plain(&l.text).contains(&text));
                    out.push(claim(
                        Supported,
                        "it stands there".to_owned(),
                        at.map(|l| log.cite(l.number)).into_iter().collect(),
                    ));
                }
            } else if let Some((near, at)) = nearest(&text, log) {
                out.push(claim(
                    Contradicted,
                    format!("the log has \"{}\"", cut(&near)),
                    vec![log.cite(at)],
                ));
            } else if said {
                out.push(claim(Unsupported, "no line of the log has it".to_owned(), Vec::new()));
            }
        }
    }
    out
}

/// A quoted line that holds a whole long line of the log was joined, not invented.
fn holds_a_line(text: &str, whole: &HashSet<String>) -> bool {
    text.len() <= 1_000
        && whole.iter().any(|line| line.len() >= 3 * SHORTEST && text.contains(line.as_str()))
}
