//! Why a change is a candidate, as values. English stands in `render`.

use model::change::Change;

use crate::evidence::Evidence;
use crate::features::{Asked, Candidate};
use crate::term::plain_title;

/// Functions that are named for one reason.
const MOST: usize = 3;

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It names the same bug.
    SameBug(String),
    /// It says in `Fixes:` that it mends the commit that is asked about.
    MendsCommit(String),
    /// It is the commit that is asked about, or a copy of it.
    IsCommit(String),
    /// It answers the report or links to it.
    SameThread,
    /// It quotes a crash of the same title.
    QuotesCrash(String),
    /// It changes functions of the stacks; each with its place in them, from 1.
    Touches(Vec<(usize, String)>),
    /// It makes functions of the stacks.
    Defines(Vec<String>),
    /// Its changed lines use functions of the stacks.
    ChangesUse(Vec<(usize, String)>),
    /// Its text names functions of the stacks.
    Names(Vec<(usize, String)>),
    /// It changes the file at which the report points.
    GuiltyFile(String),
    /// A later patch that may mend this crash says that it mends this change.
    NamedByFix {
        /// The title of that patch.
        title: String,
    },
    /// So many days before the crash was known.
    DaysBefore(i64),
    /// So many days after.
    DaysAfter(i64),
}

/// The reasons of a candidate, the strongest first.
pub fn reasons(
    asked: &Asked<'_>,
    evidence: &Evidence,
    candidate: &Candidate,
    named_by: Option<&str>,
) -> Vec<Reason> {
    let mut found = Vec::new();
    let versions = &candidate.versions;
    let bug = evidence.bugs.iter().find(|bug| versions.iter().any(|c| c.bugs.contains(bug)));
    found.extend(bug.cloned().map(Reason::SameBug));
    let asked_for = |name: &String| {
        let is_same =
            |asked: &&String| asked.starts_with(name.as_str()) || name.starts_with(asked.as_str());
        evidence.commits.iter().find(is_same).cloned()
    };
    let mended = versions.iter().flat_map(|c| &c.fixes).find_map(|fixed| asked_for(&fixed.commit));
    found.extend(mended.map(Reason::MendsCommit));
    let own = versions.iter().flat_map(|c| c.commit.iter().chain(&c.upstream)).find_map(asked_for);
    found.extend(own.map(Reason::IsCommit));
    let related =
        |c: &Change| c.answers.iter().chain(&c.cites).any(|id| evidence.mails.contains(id));
    if versions.iter().any(related) {
        found.push(Reason::SameThread);
    }
    found.extend(named_by.map(|title| Reason::NamedByFix { title: title.to_owned() }));
    let quoted = evidence.titles.iter().find(|title| {
        let title = plain_title(title);
        versions.iter().any(|c| c.crashes.iter().any(|t| plain_title(t) == title))
    });
    found.extend(quoted.cloned().map(Reason::QuotesCrash));
    let Some(shown) = versions.first() else { return found };
    let cut = |mut list: Vec<(usize, String)>| {
        list.truncate(MOST);
        (!list.is_empty()).then_some(list)
    };
    let defined: Vec<String> = evidence
        .functions
        .iter()
        .filter(|f| shown.defined.contains(f))
        .take(MOST)
        .cloned()
        .collect();
    if !defined.is_empty() {
        found.push(Reason::Defines(defined));
    }
    let touched = cut(asked.touched(shown));
    if let Some(list) = &touched {
        found.push(Reason::Touches(list.clone()));
    }
    found.extend(
        cut(asked.used(shown))
            .filter(|list| Some(list) != touched.as_ref())
            .map(Reason::ChangesUse),
    );
    found.extend(cut(asked.named(shown)).map(Reason::Names));
    let file = evidence.files.first().filter(|file| shown.files.contains(file));
    found.extend(file.cloned().map(Reason::GuiltyFile));
    let first = versions.iter().map(|c| c.date).filter(|date| *date > 0).min();
    if let (Some(known), Some(date)) = (evidence.date, first) {
        let days = (date - known).div_euclid(86_400);
        found.push(if days < 0 { Reason::DaysBefore(-days) } else { Reason::DaysAfter(days) });
    }
    found
}
