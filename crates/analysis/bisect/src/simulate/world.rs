//! A history with a culprit, unrelated crashes, broken commits and a reproducer that may fade.

use std::collections::BTreeSet;

use model::RunOutcome;

use super::random::Random;
use crate::bits::CommitSet;
use crate::history::History;
use crate::step::Step;

/// The kind of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Each run on its own: 2 % unrelated crashes, 5 % failed boots.
    Independent,
    /// In stretches of 150 commits on average: 27 % of commits cannot be tested (none within 20 of
    /// the culprit), 3.3 % have a frequent unrelated crash, one in twenty of these under the wanted
    /// title. Elsewhere 0.2 % unrelated crashes and 2.5 % failed boots.
    Stretches,
}

/// A reproducer that loses its power towards older commits, linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fade {
    /// Position at which it shows nothing any more.
    pub end: f64,
    /// Commits over which it falls from its full power.
    pub width: f64,
}

/// What a build and a run cost, and what they came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Minutes of one build.
    pub build_minutes: f64,
    /// Minutes of one run.
    pub run_minutes: f64,
    /// Builds so far.
    pub builds: u32,
    /// Runs so far.
    pub runs: u32,
}

impl Cost {
    /// Minutes so far, one after the other.
    pub fn minutes(&self) -> f64 {
        f64::from(self.builds) * self.build_minutes + f64::from(self.runs) * self.run_minutes
    }
}

/// Share of the bug's crashes that show the wanted title.
const TITLE: f64 = 0.9;
/// Share of independent unrelated crashes that show it.
const IMPOSTOR: f64 = 0.02;

/// A history in which the truth is known.
#[derive(Clone, Debug)]
pub struct World {
    history: History,
    /// The commit that brought the bug.
    pub culprit: usize,
    /// Commits that hold it.
    has_culprit: Vec<bool>,
    p: f64,
    fade: Option<Fade>,
    unrelated: Vec<f64>,
    impostor: Vec<f64>,
    untestable: Vec<bool>,
    boot_failed: f64,
    built: BTreeSet<usize>,
    random: Random,
    /// What was spent.
    pub cost: Cost,
}

impl World {
    /// A world over `history`, whose last commit is the bad end. `p` is the share of runs of a bad
    /// commit that show the bug; a culprit is drawn unless given. The culprit is never the first
    /// commit.
    pub fn new(
        history: History,
        seed: u64,
        p: f64,
        noise: Noise,
        culprit: Option<usize>,
        fade: Option<Fade>,
        (build_minutes, run_minutes): (f64, f64),
    ) -> Self {
        let mut random = Random::new(seed);
        let len = history.len();
        let head = len - 1;
        let held = history.ancestors(head);
        let drawn = loop {
            let drawn = 1 + random.below(len - 1);
            if held.contains(drawn) {
                break drawn;
            }
        };
        let culprit = culprit.unwrap_or(drawn);
        let mut has_culprit = vec![false; len];
        has_culprit[culprit] = true;
        for commit in culprit + 1..len {
            has_culprit[commit] = history.parents(commit).iter().any(|&p| has_culprit[p as usize]);
        }
        let mut world = Self {
            history,
            culprit,
            has_culprit,
            p,
            fade,
            unrelated: vec![0.02; len],
            impostor: vec![IMPOSTOR; len],
            untestable: vec![false; len],
            boot_failed: 0.05,
            built: BTreeSet::new(),
            random,
            cost: Cost { build_minutes, run_minutes, builds: 0, runs: 0 },
        };
        if noise == Noise::Stretches {
            world.add_stretches();
        }
        world
    }

    fn add_stretches(&mut self) {
        let len = self.untestable.len();
        let head = len - 1;
        let random = &mut self.random;
        self.boot_failed = 0.025;
        self.unrelated.fill(0.002);
        let mut dead = 0;
        while (dead as f64) < 0.27 * len as f64 {
            let length = 1 + random.exponential(150.0) as usize;
            let start = random.below(len);
            for commit in start..(start + length).min(len) {
                dead += usize::from(!self.untestable[commit]);
                self.untestable[commit] = true;
            }
        }
        self.untestable[self.culprit.saturating_sub(20)..(self.culprit + 20).min(len)].fill(false);
        self.untestable[head] = false;
        let mut noisy = 0;
        while (noisy as f64) < 0.033 * len as f64 {
            let length = 1 + random.exponential(150.0) as usize;
            let start = random.below(len);
            let end = (start + length).min(len);
            self.unrelated[start..end].fill(0.2 + 0.8 * random.unit());
            self.impostor[start..end].fill(f64::from(u8::from(random.chance(0.05))));
            noisy += length;
        }
        self.unrelated[head] = 0.002;
    }

    /// The history.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Commits the bad end holds.
    pub fn range(&self) -> CommitSet {
        self.history.ancestors(self.history.len() - 1)
    }

    /// The share of runs of a commit in which the bug shows.
    pub fn strength(&self, commit: usize) -> f64 {
        if !self.has_culprit[commit] {
            return 0.0;
        }
        let fade =
            self.fade.map_or(1.0, |fade| ((commit as f64 - fade.end) / fade.width).clamp(0.0, 1.0));
        self.p * fade
    }

    /// Builds a commit, unless it is built and `keep` says that builds are kept.
    pub fn build(&mut self, commit: usize, keep: bool) {
        if self.built.insert(commit) || !keep {
            self.cost.builds += 1;
        }
    }

    /// Makes one run.
    pub fn run(&mut self, commit: usize) -> RunOutcome {
        self.cost.runs += 1;
        if self.untestable[commit] || self.random.chance(self.boot_failed) {
            return RunOutcome::BootFailed;
        }
        let strength = self.strength(commit);
        if self.random.chance(strength) {
            return if self.random.chance(TITLE) { RunOutcome::Wanted } else { RunOutcome::Other };
        }
        if self.random.chance(self.unrelated[commit]) {
            return if self.random.chance(self.impostor[commit]) {
                RunOutcome::Wanted
            } else {
                RunOutcome::Other
            };
        }
        RunOutcome::Clean
    }

    /// Makes a step as asked: up to the first wanted crash, giving up on a commit that never boots.
    pub fn step(&mut self, step: &Step, mut record: impl FnMut(RunOutcome)) {
        self.build(step.commit, true);
        let mut reached = false;
        for made in 1..=step.runs.max(step.give_up) {
            if made > step.runs && reached {
                break;
            }
            let outcome = self.run(step.commit);
            record(outcome);
            reached |= outcome.is_usable();
            if outcome == RunOutcome::Wanted || !reached && made >= step.give_up {
                break;
            }
        }
    }
}
