//! How many runs come next, and on which side.

use analysis_rates::{Share, fisher};

use crate::compare::{Comparison, Verdict};

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Exactly so many runs on each side; none when runs are added until the confidence is reached.
    pub runs: Option<u32>,
    /// How sure a difference has to be, such as 0.99.
    pub confidence: f64,
    /// Runs on each side, at most, where runs are added.
    pub most: u32,
}

/// Runs to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// So many on the base.
    Base(u32),
    /// So many with the patch.
    Patched(u32),
    /// Enough is known, or the budget is spent.
    Enough,
}

/// The first runs of a side.
const FIRST: u32 = 8;
/// Failures of the base after which its rate is known well enough to plan with.
const SHOWN: u32 = 4;
/// Failures of the patched side after which it is not called fixed any more, whatever follows.
const STILL: u32 = 3;

/// Runs that look for new failures with the patch where nothing can be proven about the wanted one.
const LOOK: u32 = 8;

/// What to run next of something that is to work on both sides: first `runs` on each, and more only where the
/// patched side failed and the base did not, or the other way round.
pub fn next_without_target(found: &Comparison, runs: u32, budget: &Budget) -> Ask {
    let (base, patched) = (found.base.share.runs, found.patched.share.runs);
    if base < runs {
        return Ask::Base(runs - base);
    }
    if patched < runs {
        return Ask::Patched(runs - patched);
    }
    let alpha = 1.0 - budget.confidence;
    let is_open = |one: &crate::OtherFailure| one.base.share.showed == 0 && one.chance > alpha;
    if found.new.iter().any(is_open) && base + patched < budget.most.min(MOST_DOUBT) {
        return if base <= patched { Ask::Base(runs) } else { Ask::Patched(runs) };
    }
    Ask::Enough
}

/// Runs of both sides after which a doubt about something without a target stays one.
const MOST_DOUBT: u32 = 40;

/// What to run next. Runs are added at moments that are planned by the base's rate and not by the patched
/// side's luck: once for a plain answer, once more where the patched side failed too. So a difference has to
/// stand at half the chance that was asked for.
pub fn next(found: &Comparison, budget: &Budget) -> Ask {
    let (base, patched) = (found.base.share, found.patched.share);
    if let Some(runs) = budget.runs {
        return match (base.runs, patched.runs) {
            (done, _) if done < runs => Ask::Base(runs - done),
            (_, done) if base.showed == 0 => look(done, runs),
            (_, done) if done < runs => Ask::Patched(runs - done),
            _ => Ask::Enough,
        };
    }
    let more = |done: u32, wished: u32| wished.min(budget.most).saturating_sub(done);
    if base.showed < SHOWN && base.runs < budget.most {
        // Twice as many each time: a rare failure costs at most twice the runs that it needs.
        return Ask::Base(more(base.runs, (base.runs * 2).max(FIRST)));
    }
    if base.showed == 0 {
        return look(patched.runs, budget.most);
    }
    let needed = clean_runs_needed(base, budget.confidence, budget.most);
    if patched.runs < needed {
        return Ask::Patched(more(patched.runs, needed).max(1));
    }
    match found.verdict {
        Verdict::Open if patched.runs < budget.most => {
            Ask::Patched(more(patched.runs, patched.runs * 2))
        }
        // Seldom on the patched side: is it less often, or luck?
        Verdict::StillShown if patched.showed < STILL && patched.runs < budget.most => {
            Ask::Patched(more(patched.runs, patched.runs * 2))
        }
        _ => Ask::Enough,
    }
}

/// The runs with the patch that look for new failures.
fn look(done: u32, most: u32) -> Ask {
    match LOOK.min(most).saturating_sub(done) {
        0 => Ask::Enough,
        runs => Ask::Patched(runs),
    }
}

/// How many runs without the failure end the doubt, after what the base showed; at most `most`.
fn clean_runs_needed(base: Share, confidence: f64, most: u32) -> u32 {
    let alpha = (1.0 - confidence) / 2.0;
    (1..most).find(|runs| fisher(base, Share { showed: 0, runs: *runs }) <= alpha).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Run, Wanted, compare};

    const BUDGET: Budget = Budget { runs: None, confidence: 0.99, most: 200 };

    fn runs(hits: u32, runs: u32) -> Vec<Run> {
        (0..runs)
            .map(|at| Run {
                titles: if at < hits { vec!["BUG: x".into()] } else { Vec::new() },
                ..Run::default()
            })
            .collect()
    }

    fn after(base: (u32, u32), patched: (u32, u32), budget: &Budget) -> Ask {
        let wanted = ["BUG".to_owned()];
        let wanted = Wanted::Parts(&wanted);
        let found = compare(&runs(base.0, base.1), &runs(patched.0, patched.1), wanted, 0.99);
        next(&found, budget)
    }

    #[test]
    fn the_base_comes_first_and_where_it_never_fails_a_few_runs_look_for_new_failures() {
        assert_eq!(after((0, 0), (0, 0), &BUDGET), Ask::Base(8));
        assert_eq!(after((0, 8), (0, 0), &BUDGET), Ask::Base(8));
        assert_eq!(after((0, 200), (0, 0), &BUDGET), Ask::Patched(8));
        assert_eq!(after((0, 200), (0, 8), &BUDGET), Ask::Enough);
        let fixed = Budget { runs: Some(20), ..BUDGET };
        assert_eq!(after((0, 20), (0, 0), &fixed), Ask::Patched(8));
        assert_eq!(after((0, 20), (0, 8), &fixed), Ask::Enough);
        assert_eq!(after((1, 20), (0, 0), &fixed), Ask::Patched(20));
    }

    #[test]
    fn the_patched_side_gets_the_runs_that_end_the_doubt() {
        // Sixteen runs of which five failed: the smallest clean side for one half of one per cent.
        let Ask::Patched(needed) = after((5, 16), (0, 0), &BUDGET) else { panic!() };
        let chance = |runs| fisher(Share { showed: 5, runs: 16 }, Share { showed: 0, runs });
        assert!(chance(needed) <= 0.005 && chance(needed - 1) > 0.005, "{needed}");
        assert_eq!(after((5, 16), (0, needed), &BUDGET), Ask::Enough);
    }

    #[test]
    fn what_works_on_both_sides_is_run_a_few_times_and_a_doubt_is_looked_into() {
        let found = |base: (u32, u32), patched: (u32, u32)| {
            compare(&runs(base.0, base.1), &runs(patched.0, patched.1), Wanted::Titles(&[]), 0.99)
        };
        let next = |base, patched| next_without_target(&found(base, patched), 3, &BUDGET);
        assert_eq!(next((0, 0), (0, 0)), Ask::Base(3));
        assert_eq!(next((0, 3), (0, 0)), Ask::Patched(3));
        assert_eq!(next((0, 3), (0, 3)), Ask::Enough);
        assert_eq!(next((0, 3), (1, 3)), Ask::Base(3));
        assert_eq!(next((0, 6), (1, 3)), Ask::Patched(3));
        assert_eq!(next((0, 9), (9, 9)), Ask::Enough);
        assert_eq!(next((0, 21), (1, 21)), Ask::Enough);
    }

    #[test]
    fn a_patch_that_does_not_help_ends_the_runs() {
        assert_eq!(after((8, 16), (5, 40), &BUDGET), Ask::Enough);
    }
}
