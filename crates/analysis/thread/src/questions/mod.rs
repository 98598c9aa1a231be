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
use crate::model::{Exchange, Kind, Question, Superseded, Thread};
use crate::replies::Quotes;
use finder::Finder;

pub(crate) use anchor::last_lines;

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
/// is said to the question that one of them counters is said to it, too.
fn overtaken(
    all: &[&Message],
    questions: &mut Vec<Question>,
    counters: &[(usize, usize)],
    thread: &Thread,
) -> Vec<Superseded> {
    for &(new, target) in counters {
        let Some(&(entry, _)) = questions[new].asked.first() else { continue };
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
    questions.retain(|question| {
        let Some(&(entry, lines)) = question.asked.first() else { return true };
        let by_author = matches!(thread.entries[entry].kind, Kind::Answer | Kind::Cover(_));
        let answered = question.exchanges.iter().any(|e| !all[e.entry].from.is(&question.asker));
        let Some(by) = newer_than(entry, thread).filter(|_| by_author && !answered) else {
            return true;
        };
        found.push(Superseded { entry, lines, text: question.text.clone(), by });
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
