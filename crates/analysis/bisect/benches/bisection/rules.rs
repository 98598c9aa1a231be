//! The rules that are compared: ours, the reference rule of a large test farm, and `git bisect` with
//! one run a commit.

use std::time::{Duration, Instant};

use analysis_bisect::simulate::World;
use analysis_bisect::{Bisection, Conclusion, Next, Prior, Settings};
use model::RunOutcome;

/// How a trial ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    /// The commit named, if one was.
    pub(crate) named: Option<usize>,
    /// The confidence stated with it.
    pub(crate) stated: f64,
    /// Commits in the set that is left when none was named.
    pub(crate) left: usize,
}

/// A day.
pub(crate) const BUDGET_MINUTES: f64 = 24.0 * 60.0;

/// Ours.
pub(crate) fn ours(world: &mut World, settings: Settings) -> Verdict {
    ours_timed(world, settings, |_| {})
}

/// Ours, with what was said of suspects as prior.
pub(crate) fn ours_ranked(world: &mut World, settings: Settings, seed: u64) -> Verdict {
    let prior = crate::suspects::prior(world, seed);
    from_prior(world, prior, settings, |_| {})
}

/// Ours; `timed` is told how long each next step took to find.
pub(crate) fn ours_timed(
    world: &mut World,
    settings: Settings,
    timed: impl FnMut(Duration),
) -> Verdict {
    let prior = Prior::uniform(world.history());
    from_prior(world, prior, settings, timed)
}

fn from_prior(
    world: &mut World,
    prior: Prior,
    settings: Settings,
    mut timed: impl FnMut(Duration),
) -> Verdict {
    let end = world.history().len() - 1;
    let mut bisection = Bisection::new(world.history().clone(), prior, end, settings);
    loop {
        let start = Instant::now();
        let belief = bisection.belief();
        let next = bisection.next(&belief);
        timed(start.elapsed());
        let steps = match next {
            Next::Done(Conclusion::Culprit { commit, confidence }) => {
                return Verdict { named: Some(commit), stated: confidence, left: 1 };
            }
            Next::Done(Conclusion::CredibleSet { commits, .. }) => return undecided(commits.len()),
            Next::Done(_) => return undecided(world.history().len()),
            Next::Test(steps) => steps,
        };
        if world.cost.minutes() > BUDGET_MINUTES {
            let Conclusion::CredibleSet { commits, .. } = bisection.credible_set(&belief) else {
                return undecided(0);
            };
            return undecided(commits.len());
        }
        for step in steps {
            world.step(&step, |outcome| bisection.record(step.commit, outcome));
        }
    }
}

fn undecided(left: usize) -> Verdict {
    Verdict { named: None, stated: 0.0, left }
}

/// Which commits may still be the culprit under hard verdicts, and git's choice among them.
struct Candidates {
    open: Vec<bool>,
    skipped: Vec<bool>,
    bad: usize,
}

impl Candidates {
    fn new(world: &World) -> Self {
        let len = world.history().len();
        let held = world.range();
        Self {
            open: (0..len).map(|commit| held.contains(commit)).collect(),
            skipped: vec![false; len],
            bad: len - 1,
        }
    }

    fn mark_bad(&mut self, world: &World, commit: usize) {
        let held = world.history().ancestors(commit);
        self.open.iter_mut().enumerate().for_each(|(at, open)| *open &= held.contains(at));
        self.bad = commit;
    }

    fn mark_good(&mut self, world: &World, commit: usize) {
        let held = world.history().ancestors(commit);
        self.open.iter_mut().enumerate().for_each(|(at, open)| *open &= !held.contains(at));
    }

    fn count(&self) -> usize {
        self.open.iter().filter(|open| **open).count()
    }

    /// The commit that halves the rest best. Near a skipped one git takes another, by chance, the
    /// nearer to the middle the likelier. `None` when only skipped ones are left.
    fn choose(&self, world: &World) -> Option<usize> {
        let weight: Vec<f64> = self.open.iter().map(|open| f64::from(u8::from(*open))).collect();
        let sums = world.history().sum_over_ancestors(&weight);
        let all = self.count() as f64;
        let mut order: Vec<usize> =
            (0..self.open.len()).filter(|&at| self.open[at] && at != self.bad).collect();
        let distance = |at: usize| sums[at].min(all - sums[at]);
        let best = order.iter().copied().max_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
        if !self.skipped[best] {
            return Some(best);
        }
        order.retain(|&at| !self.skipped[at]);
        order.sort_by(|a, b| distance(*b).total_cmp(&distance(*a)));
        let count = order.len() as u64;
        let chance = (count * 1_103_515_245 + 12345) % (1 << 31) / 65536 % 32768;
        let at = (count * chance / 32768) * chance.isqrt() / 32768_u64.isqrt();
        order.get(at as usize).copied()
    }
}

/// `git bisect run` as people use it: one run, any crash is bad, a failed boot is skipped.
pub(crate) fn git_bisect(world: &mut World) -> Verdict {
    let mut candidates = Candidates::new(world);
    loop {
        if candidates.count() <= 1 {
            return Verdict { named: Some(candidates.bad), stated: 1.0, left: 1 };
        }
        let Some(commit) = candidates.choose(world) else { return undecided(candidates.count()) };
        world.build(commit, false);
        match world.run(commit) {
            RunOutcome::Wanted | RunOutcome::Other => candidates.mark_bad(world, commit),
            RunOutcome::Clean => candidates.mark_good(world, commit),
            _ => candidates.skipped[commit] = true,
        }
        if world.cost.minutes() > BUDGET_MINUTES {
            return undecided(candidates.count());
        }
    }
}

/// The reference rule, as described: 20 runs at the start, then 10 a commit, 20 for good once a bad
/// verdict rested on less than half of the runs; counts decide; below 0.66 nothing is reported.
pub(crate) fn reference(world: &mut World) -> Verdict {
    #[derive(PartialEq)]
    enum Called {
        Good,
        Bad,
        Skip,
    }
    let verdict = |runs: u32, bad: u32, good: u32, flaky: bool| {
        let enough = if flaky { runs * 3 / 4 } else { runs / 2 };
        if bad == 0 && good >= enough {
            Called::Good
        } else if bad >= (runs / 6).max(2) && good + bad >= runs / 2 {
            Called::Bad
        } else {
            Called::Skip
        }
    };
    let test = |world: &mut World, commit: usize, runs: u32| {
        world.build(commit, false);
        let (mut bad, mut good) = (0, 0);
        for _ in 0..runs {
            match world.run(commit) {
                RunOutcome::Wanted | RunOutcome::Other => bad += 1,
                RunOutcome::Clean => good += 1,
                _ => {}
            }
        }
        (bad, good)
    };
    let mut candidates = Candidates::new(world);
    let (bad, good) = test(world, candidates.bad, 20);
    if verdict(20, bad, good, false) != Called::Bad {
        return undecided(candidates.count());
    }
    let share = |bad: u32, good: u32| f64::from(bad) / f64::from(bad + good);
    let mut chance = share(bad, good);
    let mut confidence = 1.0;
    let mut flaky = chance < 0.5;
    while candidates.count() > 1 {
        let Some(commit) = candidates.choose(world) else { return undecided(candidates.count()) };
        let runs = if flaky { 20 } else { 10 };
        let (bad, good) = test(world, commit, runs);
        match verdict(runs, bad, good, flaky) {
            Called::Bad => {
                flaky |= share(bad, good) < 0.5;
                chance = chance.min(f64::midpoint(chance, share(bad, good)));
                candidates.mark_bad(world, commit);
            }
            Called::Good => {
                confidence *= 1.0 - (1.0 - chance).powi(good as i32);
                candidates.mark_good(world, commit);
            }
            Called::Skip => candidates.skipped[commit] = true,
        }
        if world.cost.minutes() > BUDGET_MINUTES {
            return undecided(candidates.count());
        }
    }
    if confidence < 0.66 {
        return undecided(1);
    }
    Verdict { named: Some(candidates.bad), stated: confidence, left: 1 }
}
