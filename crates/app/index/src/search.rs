//! How candidates are found: by many terms, each worth what it is rare.

use std::collections::{HashMap, HashSet};

use analysis_tree::evidence::Evidence;
use analysis_tree::features::{Candidate, Rarity, depth};
use analysis_tree::ranking::groups;
use analysis_tree::term::{Sort, Term, plain_title, short};
use model::change::Change;

use crate::{Error, Index, Source};

/// Changes of one term that are looked at.
const MOST_OF_TERM: u32 = 1500;
/// Up to here a term's changes are counted.
const MOST_COUNTED: u32 = 20_000;
/// Changes that are read.
const MOST_READ: usize = 400;
/// Changes that are looked at for those of a range.
const MOST_LOOKED_AT: usize = 8000;
/// Functions of a crash by which is searched.
const MOST_FUNCTIONS: usize = 40;
const DAY: i64 = 86_400;
/// A fix may be older than the report of an old kernel.
const BEFORE: i64 = 500 * DAY;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which change mends the crash.
    Fixed,
    /// Which change brought it.
    Suspects,
}

/// What of the index has a part in an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds<'a> {
    /// Nothing from this moment on, in seconds since 1970.
    pub until: Option<i64>,
    /// Only these commits are suspects.
    pub within: Option<&'a HashSet<String>>,
}

impl Bounds<'_> {
    /// Everything before a moment.
    pub fn until(until: Option<i64>) -> Self {
        Self { until, within: None }
    }

    /// Whether a change may be a suspect.
    pub(crate) fn holds(&self, change: &Change) -> bool {
        self.within.is_none_or(|within| change.commit.as_ref().is_some_and(|c| within.contains(c)))
    }
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The candidates, those with the highest score first.
    pub candidates: Vec<Candidate>,
    /// How rare the functions are.
    pub rarity: Rarity,
    /// The terms by which was searched, with how many changes have each.
    pub query: Vec<(Term, u32)>,
    /// Nothing from this moment on (seconds since 1970) had a part in it.
    pub until: Option<i64>,
    /// What was searched, up to then.
    pub sources: Vec<Source>,
}

/// A term with its weight.
struct Probe {
    term: Term,
    weight: f64,
}

impl Index {
    /// Finds candidates within bounds; for suspects nothing from the date of the crash on has a part in it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find(
        &self,
        evidence: &Evidence,
        question: Question,
        bounds: Bounds<'_>,
    ) -> Result<Found, Error> {
        let until = horizon(question, evidence, bounds.until);
        let sources = self.changes.sources(until.unwrap_or(END))?;
        self.find_in(sources, evidence, question, Bounds { until, ..bounds })
    }

    /// As [`Self::find`], where the sources are counted already and `until` is the horizon.
    pub(crate) fn find_in(
        &self,
        sources: Vec<Source>,
        evidence: &Evidence,
        question: Question,
        bounds: Bounds<'_>,
    ) -> Result<Found, Error> {
        let until = bounds.until;
        let end = until.unwrap_or(END);
        let all = sources.iter().map(|source| source.changes).sum();
        let mut found = Found { until, sources, ..Found::default() };
        let mut scores: HashMap<i64, f64> = HashMap::new();
        for probe in probes(evidence) {
            let number = probe.term.number();
            let count = self.changes.count(number, end, MOST_COUNTED)?;
            if count == 0 {
                found.query.push((probe.term, 0));
                continue;
            }
            let rare = rarity(all, count);
            if matches!(probe.term.sort, Sort::Function | Sort::Identifier | Sort::Mention) {
                let known = found.rarity.entry(probe.term.text.clone()).or_insert(rare);
                *known = known.min(rare);
            }
            let worth = rare * probe.weight;
            let mut seen = HashSet::new();
            for id in self.of_term(number, evidence, question, until)? {
                if seen.insert(id) {
                    *scores.entry(id).or_default() += worth;
                }
            }
            found.query.push((probe.term, count));
        }
        let mut best: Vec<(i64, f64)> = scores.into_iter().collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        best.truncate(if bounds.within.is_some() { MOST_LOOKED_AT } else { MOST_READ });
        let mut changes = Vec::new();
        let mut worth = Vec::new();
        for (id, score) in best {
            if changes.len() >= MOST_READ {
                break;
            }
            let Some(change) = self.changes.load(id)? else { continue };
            if is_known(&change, until) && bounds.holds(&change) {
                changes.push(change);
                worth.push(score);
            }
        }
        found.candidates = candidates(changes, &worth);
        Ok(found)
    }

    fn of_term(
        &self,
        term: i64,
        evidence: &Evidence,
        question: Question,
        until: Option<i64>,
    ) -> Result<Vec<i64>, Error> {
        let end = until.unwrap_or(END);
        // For suspects the date of the crash is the end.
        let known = evidence.date.filter(|date| question == Question::Fixed && *date < end);
        Ok(match known {
            Some(date) => {
                let mut ids = self.changes.find(term, date, end, false, MOST_OF_TERM)?;
                ids.extend(self.changes.find(term, date - BEFORE, date, true, MOST_OF_TERM / 4)?);
                ids
            }
            None => self.changes.find(term, 0, end, true, MOST_OF_TERM)?,
        })
    }

    /// Changes under one term, the newest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn with(&self, term: &Term, until: Option<i64>, most: u32) -> Result<Vec<Change>, Error> {
        let end = until.unwrap_or(END);
        let mut found = Vec::new();
        for id in self.changes.find(term.number(), 0, end, true, most)? {
            found.extend(self.changes.load(id)?.filter(|c| is_known(c, until)));
        }
        Ok(found)
    }
}

/// Later than any date.
const END: i64 = i64::MAX / 2;

/// The moment (seconds since 1970) from which on nothing may be used: what is asked for, and for suspects of a crash
/// of a known date that date at the latest.
fn horizon(question: Question, evidence: &Evidence, until: Option<i64>) -> Option<i64> {
    let known = evidence.date.filter(|_| question == Question::Suspects);
    until.into_iter().chain(known).min()
}

/// Whether a change is older than `until`; what has no date may be newer.
fn is_known(change: &Change, until: Option<i64>) -> bool {
    until.is_none_or(|until| (1..until).contains(&change.date))
}

/// How much a term tells that `count` of `all` changes have.
fn rarity(all: u32, count: u32) -> f64 {
    (1.0 + f64::from(all) / (1.0 + f64::from(count))).ln()
}

fn probes(evidence: &Evidence) -> Vec<Probe> {
    let mut all = Vec::new();
    let mut add =
        |sort, text: String, weight| all.push(Probe { term: Term::new(sort, text), weight });
    for (at, name) in evidence.functions.iter().take(MOST_FUNCTIONS).enumerate() {
        let near = depth(at) * if evidence.guilty.as_ref() == Some(name) { 1.5 } else { 1.0 };
        add(Sort::Function, name.clone(), near);
        add(Sort::Identifier, name.clone(), 0.6 * near);
        add(Sort::Mention, name.clone(), 0.8 * near);
        if at < 8 {
            add(Sort::Word, name.to_ascii_lowercase(), 0.5 * near);
        }
    }
    for (at, file) in evidence.files.iter().take(8).enumerate() {
        add(Sort::File, file.clone(), depth(at));
    }
    for title in &evidence.titles {
        add(Sort::Crash, plain_title(title), 1.5);
        add(Sort::Title, plain_title(title), 1.0);
    }
    if let Some(title) = evidence.titles.first() {
        for word in plain_title(title).split(' ').filter(|word| word.len() > 3) {
            add(Sort::Word, word.to_owned(), 0.4);
        }
    }
    for bug in &evidence.bugs {
        add(Sort::Bug, bug.clone(), 20.0);
    }
    for mail in &evidence.mails {
        add(Sort::Mail, mail.clone(), 10.0);
    }
    for commit in &evidence.commits {
        add(Sort::Commit, short(commit), 20.0);
        add(Sort::FixesCommit, short(commit), 10.0);
    }
    let mut seen = HashSet::new();
    all.retain(|probe| seen.insert(probe.term.clone()));
    all
}

/// Versions of one change become one candidate; the scores are shares of the highest.
fn candidates(changes: Vec<Change>, worth: &[f64]) -> Vec<Candidate> {
    let highest = worth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let places = groups(&changes);
    let mut changes: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    let mut all: Vec<Candidate> = places
        .into_iter()
        .map(|group| Candidate {
            score: group.iter().map(|at| worth[*at] / highest).fold(0.0, f64::max),
            versions: group.into_iter().filter_map(|at| changes[at].take()).collect(),
            rank: 0,
            named_by_fix: 0.0,
        })
        .collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    for (rank, candidate) in all.iter_mut().enumerate() {
        candidate.rank = rank;
    }
    all
}
