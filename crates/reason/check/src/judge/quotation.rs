//! Lines and stacks that an analysis quotes, compared with the log itself.
//!
//! Invariant: a line counts as missing only when no line of the log holds its text or is held by it, so
//! that wrapping and cutting off alone never make one.

use std::collections::HashSet;

use facts::LineSpan;

use crate::claims::{Case, JudgedClaim};
use crate::evidence::{Cited, Source};
use crate::verdict::Verdict::{Contradicted, Supported, Unsupported};

/// Shorter messages occur everywhere and prove nothing.
const SHORTEST: usize = 16;
/// Quoted lines that are compared.
const MOST_LINES: usize = 2_000;
/// Bytes of a log that are searched for pieces of lines.
const MOST_BYTES: usize = 64 << 20;

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

/// A quoted line that holds a whole long line of the log was joined, not invented.
fn holds_a_line(text: &str, whole: &HashSet<String>) -> bool {
    text.len() <= 1_000
        && whole.iter().any(|line| line.len() >= 3 * SHORTEST && text.contains(line.as_str()))
}
