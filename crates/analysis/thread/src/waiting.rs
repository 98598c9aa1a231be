//! What of many agendas concerns one person: what waits for them and what they wait for.

use crate::agenda::{Agenda, Next, Open};

/// Days after which a series that nobody reviewed or tested is worth another word.
const OLD: i64 = 14;

/// Something that concerns a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// When it began, in seconds since 1970, if known.
    pub seconds: Option<i64>,
    /// For how many days it lasts.
    pub days: Option<i64>,
    /// The title of the thread.
    pub title: String,
    /// The Message-ID of the mail to read.
    pub message_id: Option<String>,
    /// What it is.
    pub what: Matter,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// An open question: to be answered by the person, or asked by them.
    Question {
        /// Its number in the thread, from 1.
        number: usize,
        /// First and last line in its mail.
        lines: (u64, u64),
        /// Who asks.
        asker: String,
        /// Whom it waits for.
        waits_for: Vec<String>,
        /// The sentence.
        text: String,
    },
    /// It is the person's turn: the next version of their series.
    Step {
        /// The newest version.
        version: String,
    },
    /// Their series waits for others.
    Review {
        /// The newest version.
        version: String,
        /// It has review tags and waits for whoever takes it.
        is_reviewed: bool,
    },
    /// A version they did not write about, of a series of which they reviewed an older one.
    NewVersion {
        /// The newest version.
        version: String,
        /// Whose it is.
        author: String,
        /// The one that they wrote about.
        seen: String,
    },
    /// Their series has no review tag and no test and is old.
    Untouched {
        /// The newest version.
        version: String,
    },
    /// It was said to be applied.
    Applied {
        /// The newest version.
        version: String,
        /// Who says so.
        by: String,
        /// Numbers of the patches; empty for all.
        patches: Vec<u32>,
    },
}

/// All that concerns one person, each list with the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What waits for them.
    pub waits: Vec<Item>,
    /// What they wait for.
    pub awaited: Vec<Item>,
    /// New versions of what they reviewed.
    pub new_versions: Vec<Item>,
    /// Their series that nobody touched.
    pub untouched: Vec<Item>,
    /// What was applied since.
    pub applied: Vec<Item>,
}

/// What of `agendas` concerns the person with the address `me` at the moment `now`, in seconds since 1970.
/// Of what was applied, that since `since`.
pub fn view(me: &str, agendas: &[Agenda], now: i64, since: i64) -> View {
    let mut view = View::default();
    for agenda in agendas {
        one(me, agenda, now, since, &mut view);
    }
    let View { waits, awaited, new_versions, untouched, applied } = &mut view;
    for list in [waits, awaited, new_versions, untouched, applied] {
        let mut seen: Vec<Item> = Vec::new();
        list.retain(|item| {
            let is_new = !seen.contains(item);
            if is_new {
                seen.push(item.clone());
            }
            is_new
        });
        list.sort_by_key(|item| std::cmp::Reverse(item.seconds));
    }
    view
}

fn one(me: &str, agenda: &Agenda, now: i64, since: i64, view: &mut View) {
    let days = |seconds: Option<i64>| seconds.map(|s| (now - s).max(0) / 86_400);
    let item = |seconds: Option<i64>, message_id: &Option<String>, what: Matter| Item {
        seconds,
        days: days(seconds),
        title: agenda.title.clone(),
        message_id: message_id.clone(),
        what,
    };
    let is_me = |address: &str| address.eq_ignore_ascii_case(me);
    let names: Vec<&str> =
        agenda.people.iter().filter(|p| is_me(&p.address)).map(|p| p.name.as_str()).collect();
    let question = |open: &Open| {
        let what = Matter::Question {
            number: open.number,
            lines: open.lines,
            asker: open.asker.shown().to_owned(),
            waits_for: open.waits_for.clone(),
            text: open.text.clone(),
        };
        item(open.seconds, &open.message_id, what)
    };
    let for_me =
        |open: &&Open| open.waits_for.iter().any(|who| names.contains(&who.as_str()) || is_me(who));
    let before = view.waits.len();
    view.waits.extend(agenda.open.iter().filter(for_me).map(question));
    let mine = |open: &&Open| is_me(&open.asker.address) && !for_me(open);
    view.awaited.extend(agenda.open.iter().filter(mine).map(question));
    let Some(newest) = &agenda.newest else { return };
    let version = newest.name.clone();
    let by_me = is_me(&newest.author.address);
    let reviewed = agenda.reviewers.iter().find(|r| is_me(&r.who.address));
    let new = |what: Matter| item(newest.seconds, &newest.message_id, what);
    for taken in agenda.taken.iter().filter(|_| by_me || reviewed.is_some()) {
        if taken.seconds.is_some_and(|s| s >= since) {
            let (by, patches) = (taken.who.shown().to_owned(), taken.patches.clone());
            let what = Matter::Applied { version: version.clone(), by, patches };
            view.applied.push(item(taken.seconds, &taken.message_id, what));
        }
    }
    let is_taken = !agenda.taken.is_empty();
    if let Some(reviewed) = reviewed.filter(|r| !by_me && !r.is_newest && !is_taken) {
        view.new_versions.push(new(Matter::NewVersion {
            version: version.clone(),
            author: newest.author.shown().to_owned(),
            seen: reviewed.version.clone(),
        }));
    }
    if !by_me || is_taken {
        return;
    }
    let is_bare = newest.tags.is_empty() && !newest.is_tested;
    match agenda.next {
        Next::Author if view.waits.len() == before => {
            view.waits.push(new(Matter::Step { version }));
        }
        Next::Reviewers if is_bare && days(newest.seconds).is_some_and(|d| d >= OLD) => {
            view.untouched.push(new(Matter::Untouched { version }));
        }
        Next::Reviewers => {
            view.awaited
                .push(new(Matter::Review { version, is_reviewed: !newest.tags.is_empty() }));
        }
        Next::Maintainer => view.awaited.push(new(Matter::Review { version, is_reviewed: true })),
        Next::Author | Next::People | Next::Nobody => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::{Newest, Reviewer, Taken, Who};

    const DAY: i64 = 86_400;

    fn who(name: &str) -> Who {
        Who { name: name.to_owned(), address: format!("{}@x.example", name.to_lowercase()) }
    }

    fn series(next: Next) -> Agenda {
        Agenda {
            title: "pump: start slowly".to_owned(),
            ids: vec!["a@x".to_owned()],
            people: vec![who("Ann"), who("Bo")],
            newest: Some(Newest {
                name: "v2".to_owned(),
                author: who("Ann"),
                seconds: Some(0),
                message_id: Some("a@x".to_owned()),
                size: 1,
                tags: Vec::new(),
                is_tested: false,
            }),
            next,
            open: Vec::new(),
            reviewers: vec![Reviewer {
                who: who("Bo"),
                version: "v1".to_owned(),
                is_newest: false,
            }],
            taken: Vec::new(),
        }
    }

    #[test]
    fn each_side_of_a_series_sees_its_own_part_of_it() {
        let open = Open {
            number: 1,
            asker: who("Bo"),
            waits_for: vec!["Ann".to_owned()],
            seconds: Some(DAY),
            message_id: Some("b@x".to_owned()),
            lines: (3, 4),
            text: "Why?".to_owned(),
        };
        let asked = Agenda { open: vec![open], ..series(Next::Author) };
        let ann = view("ANN@x.example", &[asked.clone(), asked.clone()], 3 * DAY, 0);
        assert_eq!((ann.waits.len(), ann.awaited.len()), (1, 0), "one series once: {ann:?}");
        assert_eq!(ann.waits[0].days, Some(2));
        let bo = view("bo@x.example", &[asked], 3 * DAY, 0);
        assert_eq!((bo.waits.len(), bo.awaited.len(), bo.new_versions.len()), (0, 1, 1));
    }

    #[test]
    fn a_series_without_a_word_becomes_old_and_an_applied_one_is_told_for_a_while() {
        let ann = |agenda: Agenda, now: i64| view("ann@x.example", &[agenda], now, now - DAY);
        assert_eq!(ann(series(Next::Reviewers), 3 * DAY).awaited.len(), 1);
        assert_eq!(ann(series(Next::Reviewers), 20 * DAY).untouched.len(), 1);
        let taken = Taken {
            who: who("Cy"),
            seconds: Some(5 * DAY),
            message_id: Some("c@x".to_owned()),
            patches: Vec::new(),
        };
        let done = || Agenda { taken: vec![taken.clone()], ..series(Next::Nobody) };
        assert_eq!(ann(done(), 5 * DAY).applied.len(), 1);
        let late = ann(done(), 9 * DAY);
        assert_eq!((late.applied.len(), late.untouched.len()), (0, 0));
        let step = ann(series(Next::Author), DAY);
        assert!(matches!(step.waits[0].what, Matter::Step { .. }));
    }
}
