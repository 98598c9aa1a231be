//! What of a thread waits for one person.

use parse_mail::Message;

use crate::model::{QuestionState, Thread, Turn};

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it was asked, in seconds since 1970, if known.
    pub seconds: Option<i64>,
    /// For how many days it waits.
    pub days: Option<i64>,
    /// The title of the thread.
    pub title: String,
    /// The Message-ID of the mail to answer.
    pub message_id: Option<String>,
    /// What is wanted.
    pub what: Wanted,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An answer to a question or demand.
    Answer {
        /// Its number, from 1.
        number: usize,
        /// Lines of the mail.
        lines: model::LineSpan,
        /// Who asks.
        asker: String,
        /// The sentence.
        text: String,
    },
    /// The next step of a series: it is this person's turn.
    Step {
        /// The newest version.
        version: String,
    },
}

/// What of a thread waits for the person with an address at the moment `now`, in seconds since 1970.
pub fn waiting_for(me: &str, thread: &Thread, messages: &[Message], now: i64) -> Vec<Waiting> {
    let is_me = |person: &parse_mail::Person| {
        person.address.as_deref().is_some_and(|a| a.eq_ignore_ascii_case(me))
    };
    let names: Vec<&str> =
        messages.iter().map(|m| &m.from).filter(|p| is_me(p)).map(|p| p.name.as_str()).collect();
    let title = match thread.state.newest {
        Some(newest) => thread.title(newest).to_owned(),
        None => thread
            .entries
            .first()
            .map_or(String::new(), |e| messages[e.message].subject.title.clone()),
    };
    let item = |entry: usize, what: Wanted| {
        let when = thread.entries[entry].when;
        let seconds = (!when.is_unknown).then_some(when.low);
        Waiting {
            seconds,
            days: seconds.map(|s| (now - s).max(0) / 86_400),
            title: title.clone(),
            message_id: messages[thread.entries[entry].message].message_id.clone(),
            what,
        }
    };
    let mut found = Vec::new();
    for (number, question) in thread.questions.iter().enumerate() {
        let open = matches!(question.state, QuestionState::Open | QuestionState::Partly);
        let mine = question.waits_for.iter().any(|who| {
            let who =
                who.strip_prefix("author (").map_or(who.as_str(), |w| w.trim_end_matches(')'));
            names.contains(&who) || who.eq_ignore_ascii_case(me)
        });
        let Some((entry, lines)) = question.asked.first().copied().filter(|_| open && mine) else {
            continue;
        };
        let before = messages[thread.entries[entry].message].lines.first - 1;
        found.push(item(
            entry,
            Wanted::Answer {
                number: number + 1,
                lines: model::LineSpan::new(lines.first - before, lines.last - before),
                asker: question.asker.shown().to_owned(),
                text: question.text.clone(),
            },
        ));
    }
    if let (Turn::Author, Some(newest), true) =
        (&thread.state.turn, thread.state.newest, found.is_empty())
    {
        let version = &thread.versions[newest];
        if is_me(&version.author) {
            found.push(item(version.entry, Wanted::Step { version: version.name() }));
        }
    }
    found
}
