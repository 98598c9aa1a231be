//! Questions and claims as text.

use analysis_thread::{Anchor, Question, QuestionState, Thread};
use model::LineSpan;

use super::{numbers, put, spans};
use crate::thread::Reading;

/// The state of a question in words.
pub(in crate::thread) fn state(question: &Question, thread: &Thread) -> String {
    let name = |v: usize| thread.versions[v].name();
    match question.state {
        QuestionState::Open => "OPEN".to_owned(),
        QuestionState::Answered => "ANSWERED, not confirmed".to_owned(),
        QuestionState::Partly => "PARTLY answered".to_owned(),
        QuestionState::Changed(v) => format!("CHANGED in {}, not confirmed", name(v)),
        QuestionState::Confirmed => "CONFIRMED".to_owned(),
        QuestionState::Resolved(v) => format!("RESOLVED in {}", name(v)),
        QuestionState::Moot(v) => format!("moot in {}", name(v)),
        QuestionState::Withdrawn => "WITHDRAWN".to_owned(),
    }
}

pub(super) fn questions(out: &mut String, thread: &Thread) {
    if !thread.questions.is_empty() {
        put(out, format_args!("\n## Questions"));
    }
    for (number, question) in thread.questions.iter().enumerate() {
        let asked: Vec<String> =
            question.asked.iter().map(|(entry, lines)| format!("M{} {lines}", entry + 1)).collect();
        put(
            out,
            format_args!(
                "Q{:<3} {}: {} ({}) {}",
                number + 1,
                state(question, thread),
                question.asker.shown(),
                question.ask.name(),
                asked.join(", ")
            ),
        );
        put(out, format_args!("     \"{}\" [{} T8]", question.text, question.grade));
        match &question.anchor {
            Anchor::Code { version, path, function, lines } => put(
                out,
                format_args!(
                    "     about {} {path} {function} {}",
                    thread.versions[*version].name(),
                    numbers(lines)
                ),
            ),
            Anchor::Text { lines } => put(out, format_args!("     about {}", numbers(lines))),
            Anchor::None => {}
        }
        for e in &question.exchanges {
            let who = match (e.by_asker, e.by_author) {
                (true, _) => "asker",
                (_, true) => "author",
                _ => "another",
            };
            put(out, format_args!("     M{} {} {who} {}", e.entry + 1, e.lines, e.tone.name()));
        }
        let evidence = match question.evidence.is_empty() {
            true => String::new(),
            false => format!(" {}", numbers(&question.evidence)),
        };
        let wait = match question.waits_for.is_empty() {
            true => String::new(),
            false => format!("; waits for {}", question.waits_for.join(", ")),
        };
        put(out, format_args!("     {}{evidence}{wait}", question.reason));
    }
    for old in &thread.superseded {
        put(
            out,
            format_args!(
                "Superseded by {}: the author's \"{}\" M{} {}",
                thread.versions[old.by].name(),
                old.text,
                old.entry + 1,
                old.lines
            ),
        );
    }
    if !thread.withdrawn.is_empty() {
        put(out, format_args!("\n## Claims withdrawn"));
    }
    for claim in &thread.withdrawn {
        let backed = claim.backed_by.as_ref().map_or(String::new(), |b| format!("; backed by {b}"));
        put(
            out,
            format_args!(
                "\"{}\" {}; refuted {}; given up {}{backed}",
                claim.text,
                spans(&claim.lines),
                spans(&claim.refuted),
                claim.conceded
            ),
        );
    }
}

/// One open question a line, fields parted by tabs.
pub fn open_questions(read: &Reading) -> String {
    let mut out = String::new();
    for thread in &read.threads {
        for (number, question) in thread.questions.iter().enumerate() {
            if !matches!(question.state, QuestionState::Open | QuestionState::Partly) {
                continue;
            }
            let (file, lines) = match question.asked.first().map(|a| a.1) {
                Some(lines) => match read.place(lines.first) {
                    Some((file, first)) => (
                        file.to_owned(),
                        LineSpan::new(first, first + lines.last - lines.first).to_string(),
                    ),
                    None => (read.name.clone(), lines.to_string()),
                },
                None => (read.name.clone(), String::new()),
            };
            let field = |text: &str| text.replace(['\t', '\n'], " ");
            put(
                &mut out,
                format_args!(
                    "{}\t{lines}\tQ{}\t{}\t{}\t{}",
                    field(&file),
                    number + 1,
                    field(&question.waits_for.join(", ")),
                    field(question.asker.shown()),
                    field(&question.text),
                ),
            );
        }
    }
    out
}
