//! What a patch thread says, asks and still owes, computed from its messages alone.
//!
//! Rules T1 to T11. Invariants: knows nothing about files, pages of output or lists' archives; no
//! clock; a question is closed only by the code or by the one who asked it; nothing is called merged,
//! since only a tree can show that; what the messages do not hold is reported absent, not made up.

mod agenda;
mod claims;
mod commands;
mod compare;
mod group;
mod keys;
mod lint;
mod machine;
mod model;
mod own;
mod phrases;
mod pulls;
mod questions;
mod references;
mod replies;
mod series;
mod state;
mod tags;
mod tests_asked;
mod text;
mod times;
mod turn;
mod waiting;

pub use agenda::{Agenda, Newest, Next, Open, Reviewer, Taken, Who, agenda};
pub use compare::{Change, ChangedLine};
pub use keys::{says_applied, series_keys, touch_keys};
pub use model::*;
pub use waiting::{Item, Matter, View, view};

use parse_mail::Message;

/// Understands all threads among `messages`. A page is one thread; mails form threads by who answers
/// whom, and versions of one series are brought together.
pub fn understand(messages: &[Message]) -> Vec<Thread> {
    group::threads(messages).into_iter().map(|members| one(messages, &members, None)).collect()
}

/// Understands the thread of one message, with all versions of the series that it is about.
pub fn understand_about(messages: &[Message], message_id: &str) -> Option<Thread> {
    let is_asked = |m: usize| messages[m].message_id.as_deref() == Some(message_id);
    let answers = |m: usize| {
        let message = &messages[m];
        message.in_reply_to.iter().chain(&message.references).any(|id| id == message_id)
    };
    let threads = group::threads(messages);
    let with = |fits: &dyn Fn(usize) -> bool| threads.iter().find(|t| t.iter().any(|m| fits(m.0)));
    let members = with(&is_asked).or_else(|| with(&answers))?;
    Some(one(messages, members, Some(message_id)))
}

fn one(messages: &[Message], members: &[group::Member], asked: Option<&str>) -> Thread {
    let replied = replies::replies(messages, members);
    let mut thread = Thread { entries: times::order(messages, &replied), ..Thread::default() };
    let all: Vec<&Message> = thread.entries.iter().map(|e| &messages[e.message]).collect();
    let quotes = replies::quotes(&all, &thread.entries);
    thread.asked =
        asked.and_then(|id| all.iter().position(|m| m.message_id.as_deref() == Some(id)));
    series::find(&all, &mut thread);
    series::drafts(&all, &mut thread);
    replies::kinds(&all, &mut thread);
    thread.roles.resize_with(thread.entries.len(), Default::default);
    thread.missing_versions = series::missing(&thread);
    compare::versions(&mut thread);
    tags::find(&all, &mut thread);
    commands::find(&all, &mut thread);
    pulls::find(&all, &mut thread);
    references::find(&all, &mut thread);
    questions::find(&all, &quotes, &mut thread);
    claims::withdrawn(&all, &mut thread);
    tests_asked::find(&all, &mut thread);
    lint::newest(&all, &quotes, &mut thread);
    state::sum_up(&all, &mut thread);
    thread
}
