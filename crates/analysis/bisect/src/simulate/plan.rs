//! What a search over a range would cost, by searching for made-up bugs in it.

use super::{Noise, World};
use crate::{Bisection, Conclusion, History, Next, Prior, Settings};

/// A search that would take more minutes is given up.
const MOST_MINUTES: f64 = 7.0 * 24.0 * 60.0;

/// What bugs of one detection rate cost; means over the trials.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlanCost {
    /// Trials that ended with a proven commit.
    pub proven: u16,
    /// Builds.
    pub builds: f64,
    /// Runs.
    pub runs: f64,
    /// Minutes.
    pub minutes: f64,
    /// Minutes within which nine of ten trials ended.
    pub minutes_in_nine_of_ten: f64,
}

/// Searches `trials` times for a bug that shows in `rate` of the runs.
pub fn plan(history: &History, rate: f64, settings: Settings, trials: u16) -> PlanCost {
    let mut minutes = Vec::new();
    let mut row = PlanCost::default();
    for seed in 0..u64::from(trials) {
        let cost = (settings.build_minutes, settings.run_minutes);
        let mut world = World::new(history.clone(), seed, rate, Noise::Stretches, None, None, cost);
        let end = history.len() - 1;
        let mut bisection = Bisection::new(history.clone(), Prior::uniform(history), end, settings);
        loop {
            let belief = bisection.belief();
            match bisection.next(&belief) {
                Next::Done(conclusion) => {
                    row.proven += u16::from(matches!(conclusion, Conclusion::Culprit { .. }));
                    break;
                }
                Next::Test(_) if world.cost.minutes() > MOST_MINUTES => break,
                Next::Test(steps) => {
                    for step in steps {
                        world.step(&step, |outcome| bisection.record(step.commit, outcome));
                    }
                }
            }
        }
        row.builds += f64::from(world.cost.builds) / f64::from(trials);
        row.runs += f64::from(world.cost.runs) / f64::from(trials);
        row.minutes += world.cost.minutes() / f64::from(trials);
        minutes.push(world.cost.minutes());
    }
    minutes.sort_by(f64::total_cmp);
    row.minutes_in_nine_of_ten = minutes
        .get((minutes.len() * 9).div_ceil(10).saturating_sub(1))
        .copied()
        .unwrap_or_default();
    row
}
