//! Whose turn a thread is (rule T11): who has to act so that it goes on.

use parse_mail::Message;

use crate::machine::is_machine;
use crate::model::{Kind, Place, QuestionState, Thread, Turn};
use crate::own::{Role, prose, roles};
use crate::phrases::answers::{gives_up, promises};
use crate::phrases::testing::RESULTS;
use crate::text::sentences;

/// Finds it. Counts on questions, tags and what was said to be applied.
pub(crate) fn of(all: &[&Message], thread: &Thread) -> Turn {
    let state = &thread.state;
    let open = |q: &&crate::model::Question| {
        matches!(q.state, QuestionState::Open | QuestionState::Partly)
    };
    let Some(newest) = state.newest else {
        let mut people: Vec<String> = Vec::new();
        for who in thread.questions.iter().filter(open).flat_map(|q| &q.waits_for) {
            if !people.contains(who) {
                people.push(who.clone());
            }
        }
        return match people.as_slice() {
            [] => Turn::Nobody,
            [first, ..] if first.starts_with("author") => Turn::Author,
            _ => Turn::People(people),
        };
    };
    let whole: Vec<usize> = thread.whole(newest).collect();
    let about = |entry: usize| thread.entries[entry].about.is_some_and(|v| whole.contains(&v));
    if is_given_up(all, thread, newest) {
        return Turn::Nobody;
    }
    let here: Vec<&crate::model::Question> = thread
        .questions
        .iter()
        .filter(|q| q.version.is_none_or(|v| whole.contains(&v)))
        .filter(open)
        .collect();
    let for_author = here.iter().any(|q| q.waits_for.iter().any(|w| w.starts_with("author")));
    let all_applied = state.said_applied.iter().any(|s| s.patch.is_none())
        || state.said_applied.len() as u64 >= u64::from(thread.versions[newest].size.max(1))
        || !state.said_applied.is_empty() && !for_author;
    if all_applied {
        return Turn::Nobody;
    }
    let refusal = thread.tags.iter().any(|t| {
        t.trailer.kind == parse_mail::TrailerKind::Refusal
            && t.place == Place::Reply
            && about(t.entry)
    });
    if refusal || !state.refused.is_empty() || for_author || found_bad(all, thread, &whole) {
        return Turn::Author;
    }
    if author_promised(all, thread, &whole) {
        return Turn::Author;
    }
    let mut people: Vec<String> = Vec::new();
    for who in here.iter().flat_map(|q| &q.waits_for) {
        if !people.contains(who) && who != "reviewers" {
            people.push(who.clone());
        }
    }
    if !people.is_empty() {
        return Turn::People(people);
    }
    match state.review_tags.iter().any(|(name, _)| name != "Tested-by") {
        true => Turn::Maintainer,
        false => Turn::Reviewers,
    }
}

/// Words of an author that take the newest version back.
fn is_given_up(all: &[&Message], thread: &Thread, newest: usize) -> bool {
    thread.entries.iter().enumerate().any(|(entry, e)| {
        e.kind == Kind::Answer
            && e.about == Some(newest)
            && own_sentences(all[entry], entry, thread).iter().any(|s| gives_up(s))
    })
}

/// A machine found a fault in the newest version, and its author sent no other since.
fn found_bad(all: &[&Message], thread: &Thread, whole: &[usize]) -> bool {
    all.iter().enumerate().any(|(entry, message)| {
        thread.entries[entry].about.is_some_and(|v| whole.contains(&v))
            && is_machine(message)
            && message.body.lines().take(60).any(|l| {
                let lower = l.text.to_lowercase();
                RESULTS.iter().any(|(phrase, good)| !good && lower.contains(phrase))
            })
    })
}

/// The author's last words on the newest version promise a change.
fn author_promised(all: &[&Message], thread: &Thread, whole: &[usize]) -> bool {
    thread.entries.iter().enumerate().any(|(entry, e)| {
        e.kind == Kind::Answer
            && e.about.is_some_and(|v| whole.contains(&v))
            && own_sentences(all[entry], entry, thread).iter().any(|s| promises(s))
    })
}

/// The sentences of a message in its sender's own words, in lower case.
fn own_sentences(message: &Message, entry: usize, thread: &Thread) -> Vec<String> {
    let roles = roles(message, entry, thread);
    prose(message, &roles, &[Role::Words])
        .iter()
        .flat_map(|p| sentences(&p.text).iter().map(|s| s.text.to_lowercase()).collect::<Vec<_>>())
        .collect()
}
