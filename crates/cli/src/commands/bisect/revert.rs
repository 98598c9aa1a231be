//! The last proof: the culprit is taken back at the bad end, built and run there.
//!
//! What is tested is a commit of its own, made in the object database, so a runner needs to know
//! nothing of reverts.

use analysis_bisect::{Belief, Conclusion, Revert, Step, Tally};
use model::CommitId;

use super::case::{Case, outcome};

/// How the last proof stands.
#[derive(Clone, Debug)]
pub(crate) enum Reverted {
    /// It was not asked for, or there is no culprit to take back.
    NotAsked,
    /// The culprit cannot be taken back: a conflict, a merge, or nothing would change.
    NotClean,
    /// It was made, and this is what its runs say.
    Made {
        /// The commit that was tested.
        commit: CommitId,
        tally: Tally,
        judgement: Revert,
    },
}

/// How the last proof of a conclusion stands.
pub(crate) fn of(case: &Case, belief: &Belief, conclusion: &Conclusion) -> Reverted {
    let request = &case.stored.request;
    let Conclusion::Culprit { commit, .. } = conclusion else { return Reverted::NotAsked };
    if request.no_revert || request.fix || *commit == case.failing_end() {
        return Reverted::NotAsked;
    }
    let (culprit, end) = (&case.commits[*commit], &case.commits[case.failing_end()]);
    // A repository that cannot be written to leaves this proof out, no more.
    let Ok(Some(revert)) = case.repository.without(end, culprit) else { return Reverted::NotClean };
    let wanted = case.wanted();
    let mut tally = Tally::default();
    for attempt in case.attempts.iter().filter(|attempt| attempt.commit == revert.as_str()) {
        if let Some(outcome) = outcome(attempt, &wanted) {
            tally.add(outcome);
        }
    }
    let judgement = Revert::judge(belief, &tally, request.confidence);
    Reverted::Made { commit: revert, tally, judgement }
}

impl Reverted {
    /// What is to be run next for this proof.
    pub(super) fn step(&self) -> Option<(CommitId, Step)> {
        let Self::Made { commit, judgement: Revert::Open { runs }, .. } = self else { return None };
        let step = Step { commit: 0, runs: *runs, give_up: 4, bits: 0.0, minutes: 0.0 };
        Some((commit.clone(), step))
    }

    /// Whether the failure is still there without the culprit.
    pub(crate) fn still_fails(&self) -> bool {
        matches!(self, Self::Made { judgement: Revert::Still, .. })
    }

    /// The proof in words, for a bisection that is over.
    pub(super) fn words(&self) -> Option<String> {
        let Self::Made { commit, tally, judgement } = self else {
            return matches!(self, Self::NotClean).then(|| {
                "It cannot be taken back at the bad end without a conflict, so that was not tested."
                    .into()
            });
        };
        let runs = tally.usable();
        Some(match judgement {
            Revert::Gone { chance } => format!(
                "Taken back at the bad end ({}), the failure did not show in {runs} runs; the chance of \
                 that is {:.1} % if it were still there.",
                commit.short(),
                (chance * 1000.0).ceil() / 10.0
            ),
            Revert::Still => format!(
                "Taken back at the bad end ({}), the failure still showed, in {} of {runs} runs.",
                commit.short(),
                tally.wanted
            ),
            Revert::Untestable => format!(
                "Taken back at the bad end ({}), the program cannot be built or run, so that tells \
                 nothing.",
                commit.short()
            ),
            Revert::Open { runs } => format!(
                "Still to be run: the bad end without it ({}), up to {runs} times.",
                commit.short()
            ),
        })
    }

    /// The name of the result, as it is printed in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::NotClean => "not_clean",
            Self::Made { judgement, .. } => match judgement {
                Revert::Open { .. } => "open",
                Revert::Gone { .. } => "gone",
                Revert::Still => "still_fails",
                Revert::Untestable => "untestable",
            },
        }
    }

    /// The commit that was tested and what its runs ended with.
    pub(crate) fn made(&self) -> Option<(&CommitId, &Tally)> {
        match self {
            Self::Made { commit, tally, .. } => Some((commit, tally)),
            _ => None,
        }
    }
}
