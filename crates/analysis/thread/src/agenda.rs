//! What is left to do in one thread and its series, for whomever: all that the view of any one person needs.

use parse_mail::{Message, Person};
use serde::{Deserialize, Serialize};

use crate::model::{Kind, QuestionState, Thread, Turn};

/// A person of an agenda.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The name; may be empty.
    pub name: String,
    /// The address; may be empty.
    pub address: String,
}

impl Who {
    fn of(person: &Person) -> Self {
        Self {
            name: person.name.clone(),
            address: person.address.clone().unwrap_or_default().to_lowercase(),
        }
    }

    /// The name, or the address where there is none.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

/// An open question or demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its number, from 1.
    pub number: usize,
    /// Who asks.
    pub asker: Who,
    /// Whom it waits for, by name or as `reviewers`.
    pub waits_for: Vec<String>,
    /// When it was asked, in seconds since 1970, if known.
    pub seconds: Option<i64>,
    /// The mail.
    pub message_id: Option<String>,
    /// First and last line in that mail.
    pub lines: (u64, u64),
    /// The decisive sentence.
    pub text: String,
}

/// The newest version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    /// Its name: `v3`.
    pub name: String,
    /// Its author.
    pub author: Who,
    /// When it was sent.
    pub seconds: Option<i64>,
    /// The mail that begins it.
    pub message_id: Option<String>,
    /// How many patches it has.
    pub size: u32,
    /// Tags given to it by others: `Reviewed-by`, `Tested-by`, … with their number.
    pub tags: Vec<(String, usize)>,
    /// Somebody or some machine tested it.
    pub is_tested: bool,
}

/// Somebody who wrote about a version without being its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Who.
    pub who: Who,
    /// The newest version that they wrote about.
    pub version: String,
    /// Whether that is the newest there is.
    pub is_newest: bool,
}

/// Somebody's word that patches were applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who says so.
    pub who: Who,
    /// When.
    pub seconds: Option<i64>,
    /// The mail.
    pub message_id: Option<String>,
    /// Numbers of the patches; empty for all.
    pub patches: Vec<u32>,
}

/// Who has to act next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// Nobody.
    Nobody,
    /// The author of the newest version.
    Author,
    /// Those who review.
    Reviewers,
    /// Whoever takes it.
    Maintainer,
    /// People who were asked.
    People,
}

/// The agenda of a thread and its series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agenda {
    /// The title.
    pub title: String,
    /// The Message-IDs of mails of the series: another thread of it has the same agenda.
    pub ids: Vec<String>,
    /// All who wrote.
    pub people: Vec<Who>,
    /// The newest version; none without a patch.
    pub newest: Option<Newest>,
    /// Who acts next.
    pub next: Next,
    /// What is open.
    pub open: Vec<Open>,
    /// Who wrote about which version.
    pub reviewers: Vec<Reviewer>,
    /// What was said to be applied of the newest version.
    pub taken: Vec<Taken>,
}

/// The agenda of a thread.
pub fn agenda(thread: &Thread, messages: &[Message]) -> Agenda {
    let seconds = |entry: usize| {
        let when = thread.entries[entry].when;
        (!when.is_unknown).then_some(when.low)
    };
    let message = |entry: usize| &messages[thread.entries[entry].message];
    let title = match thread.state.newest {
        Some(newest) => thread.title(newest).to_owned(),
        None => thread
            .entries
            .first()
            .map_or(String::new(), |e| messages[e.message].subject.title.clone()),
    };
    let mut people: Vec<Who> = Vec::new();
    for entry in 0..thread.entries.len() {
        let who = Who::of(&message(entry).from);
        if !people.contains(&who) {
            people.push(who);
        }
    }
    Agenda {
        title,
        ids: thread.series_ids(messages).collect(),
        people,
        newest: thread.state.newest.map(|v| {
            let version = &thread.versions[v];
            let count = thread.tests.tested_by
                + thread.tests.done.iter().filter(|t| t.passed == Some(true)).count();
            Newest {
                name: version.name(),
                author: Who::of(&version.author),
                seconds: seconds(version.entry),
                message_id: message(version.entry).message_id.clone(),
                size: version.size,
                tags: thread.state.review_tags.clone(),
                is_tested: count > 0,
            }
        }),
        next: match thread.state.turn {
            Turn::Nobody => Next::Nobody,
            Turn::Author => Next::Author,
            Turn::Reviewers => Next::Reviewers,
            Turn::Maintainer => Next::Maintainer,
            Turn::People(_) => Next::People,
        },
        open: open(thread, messages),
        reviewers: reviewers(thread, messages),
        taken: taken(thread, messages),
    }
}

fn open(thread: &Thread, messages: &[Message]) -> Vec<Open> {
    let is_open =
        |q: &crate::model::Question| matches!(q.state, QuestionState::Open | QuestionState::Partly);
    let lineage = thread.state.newest.map(|v| thread.versions[v].lineage);
    thread
        .questions
        .iter()
        .enumerate()
        .filter(|(_, q)| is_open(q))
        .filter(|(_, q)| {
            // What is asked of another series that was read along is in the agenda of that one.
            q.version.is_none_or(|v| Some(thread.versions[v].lineage) == lineage)
        })
        .filter_map(|(number, question)| {
            let (entry, lines) = question.asked.first().copied()?;
            let when = thread.entries[entry].when;
            let message = &messages[thread.entries[entry].message];
            let before = message.lines.first - 1;
            let bare = |who: &String| {
                let inner = who.strip_prefix("author (").and_then(|w| w.strip_suffix(')'));
                inner.unwrap_or(who).to_owned()
            };
            Some(Open {
                number: number + 1,
                asker: Who::of(&question.asker),
                waits_for: question.waits_for.iter().map(bare).collect(),
                seconds: (!when.is_unknown).then_some(when.low),
                message_id: message.message_id.clone(),
                lines: (lines.first - before, lines.last - before),
                text: question.text.clone(),
            })
        })
        .collect()
}

fn reviewers(thread: &Thread, messages: &[Message]) -> Vec<Reviewer> {
    let Some(newest) = thread.state.newest else { return Vec::new() };
    let lineage = thread.versions[newest].lineage;
    let mut found: Vec<(Who, usize)> = Vec::new();
    for entry in thread.entries.iter().filter(|e| e.kind == Kind::Review) {
        let Some(about) = entry.about.filter(|v| thread.versions[*v].lineage == lineage) else {
            continue;
        };
        let who = Who::of(&messages[entry.message].from);
        match found.iter_mut().find(|(w, _)| w.address == who.address) {
            Some((_, version)) => *version = (*version).max(about),
            None => found.push((who, about)),
        }
    }
    let whole: Vec<usize> = thread.whole(newest).collect();
    found
        .into_iter()
        .map(|(who, version)| Reviewer {
            who,
            version: thread.versions[version].name(),
            is_newest: whole.contains(&version),
        })
        .collect()
}

fn taken(thread: &Thread, messages: &[Message]) -> Vec<Taken> {
    let mut found: Vec<Taken> = Vec::new();
    for said in &thread.state.said_applied {
        let entry = thread.entries.iter().find(|e| messages[e.message].lines.contains(said.line));
        let taken = Taken {
            who: Who::of(&said.person),
            seconds: entry.filter(|e| !e.when.is_unknown).map(|e| e.when.low),
            message_id: entry.and_then(|e| messages[e.message].message_id.clone()),
            patches: said.patch.into_iter().collect(),
        };
        match found.last_mut() {
            Some(last)
                if last.who == taken.who && !last.patches.is_empty() && said.patch.is_some() =>
            {
                last.patches.extend(taken.patches);
            }
            _ => found.push(taken),
        }
    }
    found
}
