//! What a search ends with, as far as it has come.

use std::collections::BTreeMap;

use model::CommitId;
use model::bisection::CommitDetails;

use crate::renamed::Renamed;
use crate::search::outcome;
use crate::{Belief, Build, Conclusion, Next, Origin, Revert, Search, Step, Tally};

/// The answer as it stands.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is believed of each commit.
    pub belief: Belief,
    /// What follows.
    pub conclusion: Conclusion,
    /// Whether the conclusion is final: nothing more would be run.
    pub is_final: bool,
    /// How the last proof stands.
    pub reverted: Reverted,
    /// Whether the culprit is one of the code.
    pub origin: Origin,
    /// Another failure that looks like the wanted one under another name.
    pub renamed: Option<Renamed>,
    /// What is told of the commits that the conclusion names, by position.
    pub details: BTreeMap<usize, CommitDetails>,
}

/// How the last proof stands: the failing end with the culprit reverted.
#[derive(Clone, Debug)]
pub enum Reverted {
    /// It was not asked for, or there is no culprit to revert.
    NotAsked,
    /// The culprit cannot be reverted there: a conflict, a merge, or nothing would change.
    NotClean,
    /// It was made, and this is what its runs say.
    Made {
        /// The commit that was tested.
        commit: CommitId,
        /// Its runs.
        tally: Tally,
        /// What follows from them.
        judgement: Revert,
    },
}

impl Reverted {
    /// What the runs of `commit`, the failing end with the culprit reverted, say.
    pub fn of(search: &Search, belief: &Belief, commit: CommitId) -> Self {
        let wanted = search.wanted();
        let mut tally = Tally::default();
        for attempt in search.attempts.iter().filter(|attempt| attempt.commit == commit.as_str()) {
            if let Some(outcome) = outcome(attempt, &wanted) {
                tally.add(outcome);
            }
        }
        let judgement = Revert::judge(belief, &tally, search.stored.request.confidence);
        Self::Made { commit, tally, judgement }
    }

    /// What is to be run next for this proof.
    pub fn step(&self) -> Option<(CommitId, Step)> {
        let Self::Made { commit, judgement: Revert::Open { runs }, .. } = self else { return None };
        let step = Step { commit: 0, runs: *runs, give_up: 4, bits: 0.0, minutes: 0.0 };
        Some((commit.clone(), step))
    }

    /// Whether the failure is still there without the culprit.
    pub fn still_fails(&self) -> bool {
        matches!(self, Self::Made { judgement: Revert::Still, .. })
    }

    /// The commit that was tested and what its runs ended with.
    pub fn made(&self) -> Option<(&CommitId, &Tally)> {
        match self {
            Self::Made { commit, tally, .. } => Some((commit, tally)),
            _ => None,
        }
    }
}

/// The conclusion that every attempt so far leads to, and whether nothing more would be run for it.
pub fn conclude(search: &Search) -> (Belief, Conclusion, bool) {
    let bisection = search.bisection(usize::MAX);
    let belief = bisection.belief();
    match bisection.next(&belief) {
        Next::Done(conclusion) => (belief, conclusion, true),
        Next::Test(_) => {
            let conclusion = bisection.credible_set(&belief);
            (belief, conclusion, false)
        }
    }
}

/// The culprit that a last proof would revert, where one is asked for.
pub fn to_revert(search: &Search, conclusion: &Conclusion) -> Option<usize> {
    let request = &search.stored.request;
    let Conclusion::Culprit { commit, .. } = conclusion else { return None };
    let asked = !request.no_revert && !request.fix && *commit != search.failing_end();
    asked.then_some(*commit)
}

/// Whether the step of history is one of the code; `changed` are the paths that the culprit changes.
pub fn origin(search: &Search, conclusion: &Conclusion, changed: &[String]) -> Origin {
    let Conclusion::Culprit { commit, .. } = conclusion else { return Origin::Code };
    let parents: Vec<Build> =
        search.parents(*commit).iter().map(|&parent| search.build_of(parent)).collect();
    Origin::of(changed, &search.build_of(*commit), &parents)
}

/// Commits of a conclusion that are told to people one by one.
const TOLD: usize = 10;

/// The commits that a conclusion names, the first few where there are many.
pub fn named(conclusion: &Conclusion) -> Vec<usize> {
    match conclusion {
        Conclusion::Culprit { commit, .. } => vec![*commit],
        Conclusion::CredibleSet { commits, .. } => commits.iter().take(TOLD).copied().collect(),
        Conclusion::ReproducerFades { before, .. } => vec![*before],
        Conclusion::OlderThanRange { .. } | Conclusion::NotReproducible { .. } => Vec::new(),
    }
}
