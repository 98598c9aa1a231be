//! The last proof: the culprit is taken back at the bad end, and the failure must go.

use crate::belief::Belief;
use crate::record::Tally;

/// What runs of the bad end without the culprit say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Revert {
    /// More runs are needed, so many.
    Open {
        /// Runs to make next.
        runs: u32,
    },
    /// The failure does not show any more.
    Gone {
        /// The chance of that if the failure were still there as at the bad end.
        chance: f64,
    },
    /// The failure still shows: the commit alone does not explain it.
    Still,
    /// It cannot be built or run.
    Untestable,
}

/// Most runs that are made.
const MOST_RUNS: u32 = 150;
/// Failed attempts after which it is given up.
const MOST_FAILURES: u32 = 4;
/// Runs made at the least, whatever the rate at the bad end.
const LEAST_RUNS: u32 = 5;

impl Revert {
    /// Judges the runs made so far. `belief` knows how often the failure shows at the bad end;
    /// `confidence` is what was asked for.
    pub fn judge(belief: &Belief, tally: &Tally, confidence: f64) -> Self {
        if tally.wanted > 0 {
            return Self::Still;
        }
        if tally.build_failed > 0 || tally.usable() == 0 && tally.unreached() >= MOST_FAILURES {
            return Self::Untestable;
        }
        let detection = belief.detection();
        let title = belief.rates().title;
        // Runs that ended in another failure say nothing: it may have come first.
        let chance = |clean: u32| -> f64 {
            detection.iter().map(|(p, mass)| mass * (1.0 - p * title).powi(clean as i32)).sum()
        };
        let allowed = 1.0 - confidence;
        let needed =
            (LEAST_RUNS..MOST_RUNS).find(|&runs| chance(runs) <= allowed).unwrap_or(MOST_RUNS);
        if tally.clean >= needed || tally.usable() + tally.unreached() >= 2 * MOST_RUNS {
            return Self::Gone { chance: chance(tally.clean) };
        }
        Self::Open { runs: needed - tally.clean }
    }
}

#[cfg(test)]
mod tests {
    use model::RunOutcome;

    use super::*;
    use crate::{Bisection, History, Prior, Settings};

    fn belief(wanted: u32, clean: u32) -> Belief {
        let history = History::linear(3);
        let prior = Prior::uniform(&history);
        let mut bisection = Bisection::new(history, prior, 2, Settings::default());
        for _ in 0..wanted {
            bisection.record(2, RunOutcome::Wanted);
        }
        for _ in 0..clean {
            bisection.record(2, RunOutcome::Clean);
        }
        bisection.belief()
    }

    fn clean(clean: u32) -> Tally {
        Tally { clean, ..Tally::default() }
    }

    #[test]
    fn a_rarer_failure_needs_more_clean_runs() {
        let runs = |belief: &Belief| match Revert::judge(belief, &clean(0), 0.99) {
            Revert::Open { runs } => runs,
            other => panic!("{other:?}"),
        };
        let (often, rare) = (runs(&belief(20, 0)), runs(&belief(4, 16)));
        assert!(often < 10 && rare > 20, "{often}, {rare}");
        let judged = Revert::judge(&belief(4, 16), &clean(rare), 0.99);
        assert!(matches!(judged, Revert::Gone { chance } if chance <= 0.01), "{judged:?}");
    }

    #[test]
    fn one_wanted_failure_without_the_culprit_is_enough() {
        let tally = Tally { wanted: 1, clean: 30, ..Tally::default() };
        assert_eq!(Revert::judge(&belief(4, 16), &tally, 0.99), Revert::Still);
    }

    #[test]
    fn what_cannot_be_built_is_given_up() {
        let tally = Tally { build_failed: 1, ..Tally::default() };
        assert_eq!(Revert::judge(&belief(4, 16), &tally, 0.99), Revert::Untestable);
    }
}
