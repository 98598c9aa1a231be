//! Questions and demands (rule T8): who asks what of which lines, who replied how, how it stands.
//!
//! Invariant: words of the author never close a question. Only the code it is about, or the one who
//! asked, does.

mod anchor;
mod blocks;
mod demand;
mod finder;
mod grammar;
mod remarks;
mod standing;
mod wording;

use parse_mail::Message;

use crate::machine::is_machine;
use crate::model::{Exchange, Kind, Question, Superseded, Thread, Tone};
use crate::phrases::answers::ASKS_CONSENT;
use crate::replies::Quotes;
use crate::text::{first_of, starts_with_any};
use finder::Finder;

pub(crate) use anchor::last_lines;

/// How a question begins that checks what was said.
const CHECKS: &[&str] =
    &["is", "isn't", "are", "aren't", "was", "were", "does", "doesn't", "do", "don't", "did", "am"];
/// Questions kept of one thread.
const MAX_QUESTIONS: usize = 10_000;

pub(crate) fn find(all: &[&Message], quotes: &Quotes, thread: &mut Thread) {
    let mut finder = Finder::new(all, quotes);
    for (entry, message) in all.iter().enumerate() {
        let mut words = String::new();
        if !matches!(thread.entries[entry].kind, Kind::Patch(_)) && !is_machine(message) {
            let blocks = blocks::blocks(message, entry, thread);
            for block in &blocks {
                if finder.questions.len() < MAX_QUESTIONS {
                    finder.block(block, blocks.len() == 1, thread);
                }
                for paragraph in &block.paragraphs {
                    words.push_str(&paragraph.text);
                    words.push(' ');
                }
            }
        }
        finder.words.push(words);
    }
    let Finder { mut questions, counters, .. } = finder;
    let superseded = overtaken(all, &mut questions, &counters, thread);
    questions.sort_by_key(|q| q.asked.first().map(|(entry, lines)| (*entry, lines.first)));
    for question in &mut questions {
        standing::settle(all, question, thread);
    }
    thread.questions = questions;
    thread.superseded = superseded;
}

/// Takes out the author's own questions that nobody answered and that a newer version has overtaken. What
/// is said to the question that one of them counters is said to it, too; one that only checks what was said
/// there, `Is this wrong?`, stays part of that exchange.
fn overtaken(
    all: &[&Message],
    questions: &mut Vec<Question>,
    counters: &[(usize, usize)],
    thread: &Thread,
) -> Vec<Superseded> {
    let mut is_check = vec![false; questions.len()];
    let mut in_exchange = vec![false; questions.len()];
    for &(new, target) in counters {
        let Some(&(entry, _)) = questions[new].asked.first() else { continue };
        let text = questions[new].text.to_lowercase();
        is_check[new] |= newer_than(entry, thread).is_some() && starts_with_any(&text, CHECKS);
        let exchanges = &questions[target].exchanges;
        let asks_back = exchanges.iter().any(|e| e.entry == entry && e.tone == Tone::AsksBack);
        in_exchange[new] |= asks_back && first_of(&text, ASKS_CONSENT).is_none();
        let asker = &questions[new].asker;
        let later: Vec<Exchange> = questions[target]
            .exchanges
            .iter()
            .filter(|e| e.entry > entry && !e.by_author)
            .cloned()
            .map(|e| Exchange { by_asker: asker.is(&all[e.entry].from), ..e })
            .collect();
        questions[new].exchanges.extend(later);
    }
    let mut found = Vec::new();
    let mut kinds = is_check.into_iter().zip(in_exchange);
    questions.retain(|question| {
        let (is_check, in_exchange) = kinds.next().unwrap_or_default();
        let Some(&(entry, lines)) = question.asked.first() else { return true };
        let by_author = matches!(thread.entries[entry].kind, Kind::Answer | Kind::Cover(_));
        let answered = question.exchanges.iter().any(|e| !all[e.entry].from.is(&question.asker));
        if answered && is_check {
            return false;
        }
        let Some(by) = newer_than(entry, thread).filter(|_| by_author && !answered) else {
            return true;
        };
        // One that asks for facts is settled by no version: it stays in the exchange it is part of.
        if !in_exchange {
            found.push(Superseded { entry, lines, text: question.text.clone(), by });
        }
        false
    });
    found
}

/// The first version after a message that is newer than the one that the message is about.
fn newer_than(entry: usize, thread: &Thread) -> Option<usize> {
    let about = thread.entries[entry].about;
    (0..thread.versions.len()).find(|&v| {
        let version = &thread.versions[v];
        version.entry > entry
            && about.is_none_or(|a| thread.versions[a].lineage == version.lineage && v > a)
    })
}
