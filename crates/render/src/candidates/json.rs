//! What `ktriage suspects --json` and `ktriage fixed --json` print: one [`Log`] a line.

use analysis_tree::answer::{Answer, Ranked};
use model::change::ChangeKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{date, reason, sort};

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// The answer about one log, title, commit or bug.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Log<'a> {
    /// Number of this format.
    format: u32,
    /// What was asked about, as it was named on the command line.
    file: &'a str,
    /// The titles of the crash.
    titles: &'a [String],
    /// The candidates, the most likely first.
    candidates: Vec<Candidate<'a>>,
    /// The probability that none of them is the one.
    none: f64,
    /// Reports under the same titles, the newest first; without a date to end at, those after the log too.
    reported_before: Vec<Report<'a>>,
    /// Where was searched.
    searched: Vec<Source<'a>>,
    /// By what was searched.
    query: Vec<Term<'a>>,
    /// The range of the tree's history in which alone a suspect may lie (`--good`).
    range: Option<Range<'a>>,
}

/// A range of a history.
#[derive(Debug, Serialize, JsonSchema)]
struct Range<'a> {
    /// The commits without the crash, as they were named.
    good: &'a [String],
    /// How many commits it has.
    commits: usize,
}

/// A change.
#[derive(Debug, Serialize, JsonSchema)]
struct Candidate<'a> {
    /// Its title.
    title: &'a str,
    /// The Message-ID of its newest mail.
    message_id: Option<&'a str>,
    /// Its commit, where a tree holds it.
    commit: Option<&'a str>,
    /// When it was sent or committed, `YYYY-MM-DD`.
    date: Option<String>,
    /// How likely it is the one: a guess by weights learnt from labelled crashes. Where a reason says that its text
    /// names the bug or the commit asked about, that is the stronger ground.
    probability: f64,
    /// Why, the strongest first.
    reasons: Vec<String>,
    /// The Message-IDs and commits of all its versions and copies.
    versions: Vec<&'a str>,
    /// The tags that hold it, by commit; only with a tree.
    releases: Vec<Release<'a>>,
    /// The first tags that hold the commits which it mends; only with a tree.
    affected_since: Vec<Since<'a>>,
}

/// The tags that hold a commit.
#[derive(Debug, Serialize, JsonSchema)]
struct Release<'a> {
    commit: &'a str,
    tags: &'a [String],
}

/// The first tag that holds a commit.
#[derive(Debug, Serialize, JsonSchema)]
struct Since<'a> {
    commit: &'a str,
    tag: &'a str,
}

/// A report of the same crash.
#[derive(Debug, Serialize, JsonSchema)]
struct Report<'a> {
    /// The title under which it was found.
    title: &'a str,
    message_id: Option<&'a str>,
    date: Option<String>,
}

/// A list or a tree.
#[derive(Debug, Serialize, JsonSchema)]
struct Source<'a> {
    name: &'a str,
    /// Changes and reports of it in the index.
    changes: u32,
    /// The day of the newest.
    newest: Option<String>,
}

/// A term of the search.
#[derive(Debug, Serialize, JsonSchema)]
struct Term<'a> {
    /// What it stands for.
    sort: &'static str,
    text: &'a str,
    /// Changes that have it; counted up to 20,000.
    changes: u32,
}

/// The printed shape of an answer.
pub fn log<'a>(file: &'a str, titles: &'a [String], answer: &'a Answer, most: usize) -> Log<'a> {
    let said: f64 = answer.candidates.iter().take(most).map(|c| c.probability).sum();
    Log {
        format: FORMAT,
        file,
        titles,
        candidates: answer.candidates.iter().take(most).map(candidate).collect(),
        none: round((1.0 - said).max(0.0)),
        reported_before: answer
            .reports
            .iter()
            .map(|earlier| Report {
                title: &earlier.title,
                message_id: earlier.report.message_id.as_deref(),
                date: date(earlier.report.date),
            })
            .collect(),
        searched: answer
            .searched
            .iter()
            .map(|s| Source { name: &s.name, changes: s.changes, newest: s.newest.and_then(date) })
            .collect(),
        query: answer
            .query
            .iter()
            .map(|(term, changes)| Term {
                sort: sort(term.sort),
                text: &term.text,
                changes: *changes,
            })
            .collect(),
        range: answer
            .range
            .as_ref()
            .map(|range| Range { good: &range.good, commits: range.commits }),
    }
}

fn candidate(ranked: &Ranked) -> Candidate<'_> {
    let shown = ranked.versions.first();
    let commit = ranked.versions.iter().find(|version| version.kind == ChangeKind::Commit);
    Candidate {
        title: shown.map_or("", |version| &version.title),
        message_id: ranked.versions.iter().find_map(|version| version.message_id.as_deref()),
        commit: commit.and_then(|version| version.commit.as_deref()),
        date: shown.and_then(|version| date(version.date)),
        probability: round(ranked.probability),
        reasons: ranked.reasons.iter().map(reason).collect(),
        versions: ranked
            .versions
            .iter()
            .filter_map(|version| version.commit.as_deref().or(version.message_id.as_deref()))
            .collect(),
        releases: ranked.releases.iter().map(|(commit, tags)| Release { commit, tags }).collect(),
        affected_since: ranked.since.iter().map(|(commit, tag)| Since { commit, tag }).collect(),
    }
}

fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
