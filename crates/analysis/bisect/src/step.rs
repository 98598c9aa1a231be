//! The next step: the commit and the number of runs that teach most per minute.
//!
//! A step ends at the first wanted crash, because further runs of that kernel then teach little; so
//! it has two ends, "seen" and "not seen in n runs", and what it teaches about the culprit is the
//! mutual information of these with the class of the culprit.

use std::collections::BTreeMap;

use crate::belief::{Belief, ForwardBackward};
use crate::bisection::{Direction, Settings};
use crate::bits::CommitSet;
use crate::history::History;
use crate::noise::{LEVELS, PerRegime, REGIMES};
use crate::prior::Prior;
use crate::record::Tally;

/// What to run next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The commit, by position.
    pub commit: usize,
    /// The most runs to make. Stop at the first wanted crash.
    pub runs: u32,
    /// Stop after so many failed boots when no run has reached the test.
    pub give_up: u32,
    /// What the step teaches, in bits.
    pub bits: f64,
    /// What it is expected to cost, in minutes.
    pub minutes: f64,
}

impl Step {
    /// What the step teaches, in bits per minute.
    fn rate(&self) -> f64 {
        self.bits / self.minutes
    }
}

/// Of the numbers of runs whose rate comes this close to the best, the largest is taken.
const GOOD_ENOUGH: f64 = 0.93;
/// Numbers of runs that are considered.
const RUNS: [u32; 14] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 34, 44];
/// Below this a step teaches nothing worth its time, in bits per minute.
pub(crate) const LEAST_RATE: f64 = 1e-7;
/// Of the untested commits, the best of each part of the posterior is looked at closely.
const PARTS: usize = 24;

/// Groups of commits with less of the posterior, and states and levels with a smaller share of a
/// group, do not move the choice of a step.
const SMALL_GROUP: f64 = 1e-9;
const SMALL_SHARE: f64 = 1e-5;

/// Chances of the two ends of a step, for each number of runs in [`RUNS`].
#[derive(Clone, Copy)]
struct Ends {
    seen: [f64; RUNS.len()],
    runs: [f64; RUNS.len()],
}

impl Ends {
    const NONE: Self = Self { seen: [0.0; RUNS.len()], runs: [0.0; RUNS.len()] };

    /// A run shows the wanted crash with this probability.
    fn of(wanted: f64) -> Self {
        let mut ends = Self::NONE;
        let mut unseen = 1.0;
        let mut made = 0;
        let mut expected = 0.0;
        for (at, &runs) in RUNS.iter().enumerate() {
            while made < runs {
                expected += unseen;
                unseen *= 1.0 - wanted;
                made += 1;
            }
            ends.seen[at] = 1.0 - unseen;
            ends.runs[at] = expected;
        }
        ends
    }

    fn add(&mut self, weight: f64, other: &Self) {
        for (value, other) in self.seen.iter_mut().zip(other.seen) {
            *value += weight * other;
        }
        for (value, other) in self.runs.iter_mut().zip(other.runs) {
            *value += weight * other;
        }
    }
}

fn entropy(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 { 0.0 } else { -x * x.log2() - (1.0 - x) * (1.0 - x).log2() }
}

/// Everything the choice looks at.
pub(crate) struct View<'a> {
    pub(crate) history: &'a History,
    pub(crate) prior: &'a Prior,
    pub(crate) belief: &'a Belief,
    /// Every kernel tried, in ascending order.
    pub(crate) tallies: &'a [(usize, Tally)],
    pub(crate) settings: &'a Settings,
    /// Columns of the joint posterior that still carry mass.
    columns: Vec<usize>,
    /// Per level and state, the ends of a step.
    ends: [[Ends; REGIMES]; LEVELS.len()],
    /// Per class, the states around the tested commits.
    forward_backward: Vec<ForwardBackward>,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        history: &'a History,
        prior: &'a Prior,
        belief: &'a Belief,
        tallies: &'a [(usize, Tally)],
        settings: &'a Settings,
    ) -> Self {
        let columns = (0..belief.behaviours.len())
            .filter(|column| {
                belief.joint.iter().skip(*column).step_by(belief.behaviours.len()).sum::<f64>()
                    > 1e-7
            })
            .collect();
        let rates = belief.rates();
        let boots = 1.0 - rates.boot_failed;
        let ends = std::array::from_fn(|level| {
            std::array::from_fn(|state| Ends::of(boots * rates.outcomes(LEVELS[level], state)[0]))
        });
        let forward_backward = belief.forward_backward();
        Self { history, prior, belief, tallies, settings, columns, ends, forward_backward }
    }

    fn tally(&self, commit: usize) -> Option<&Tally> {
        let at = self.tallies.binary_search_by_key(&commit, |(tried, _)| *tried).ok()?;
        Some(&self.tallies[at].1)
    }

    /// Whether the commit was tried and cannot be tested.
    pub(crate) fn is_untestable(&self, commit: usize) -> bool {
        self.tally(commit).is_some_and(|tally| {
            tally.is_untestable()
                && (tally.build_failed > 0 || tally.unreached() >= self.give_up(commit))
        })
    }

    /// After so many failed boots without a usable run the commit is more than 50 times as likely
    /// broken as unlucky.
    pub(crate) fn give_up(&self, commit: usize) -> u32 {
        let testable = self.testable_untried(commit);
        let mut odds = testable / (1.0 - testable).max(1e-6);
        let mut failures = 0;
        while odds > 0.02 && failures < 8 {
            odds *= self.belief.rates().boot_failed;
            failures += 1;
        }
        failures.max(2)
    }

    /// Probability that the commit can be tested, from its neighbours alone.
    fn testable_untried(&self, commit: usize) -> f64 {
        let at = self.tallies.partition_point(|(tried, _)| *tried < commit);
        let state = |tally: &Tally| tally.usable() > 0;
        let before = self.tallies[..at]
            .iter()
            .rev()
            .find(|(_, tally)| state(tally) || tally.is_untestable())
            .map(|(tried, tally)| ((commit - tried) as f64, state(tally)));
        let after = self.tallies[at..]
            .iter()
            .find(|(tried, tally)| *tried != commit && (state(tally) || tally.is_untestable()))
            .map(|(tried, tally)| ((tried - commit) as f64, state(tally)));
        self.belief.rates().testable(before, after)
    }

    /// The best next steps, best first; at most one for each machine. Empty when nothing that can be
    /// tested teaches anything.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut chosen: Vec<(Step, CommitSet)> = Vec::new();
        let candidates = self.candidates();
        for _ in 0..self.settings.machines.max(1) {
            let cells = self.cells(&chosen);
            // A bug older than the range is in all that was chosen, a fix newer than it in none.
            let older = match self.settings.direction {
                Direction::Cause => (1_u32 << chosen.len().min(31)) - 1,
                Direction::Fix => 0,
            };
            let best = candidates
                .iter()
                .filter(|candidate| chosen.iter().all(|(step, _)| step.commit != **candidate))
                .filter_map(|&candidate| self.evaluate(candidate, cells.as_deref(), older))
                .max_by(|a, b| a.rate().total_cmp(&b.rate()));
            match best {
                Some(step) if step.rate() > LEAST_RATE => {
                    let set = self.history.ancestors(step.commit);
                    chosen.push((step, set));
                }
                _ => break,
            }
        }
        chosen.into_iter().map(|(step, _)| step).collect()
    }

    /// Commits worth a close look: every kernel that is built, the likeliest culprits and their
    /// parents, and of each part of the posterior the untested commit that looks best at a glance.
    fn candidates(&self) -> Vec<usize> {
        let sums = self.history.sum_over_ancestors(self.belief.culprit());
        let inside: f64 = self.belief.culprit().iter().sum();
        let mut best = [(0.0, None); PARTS];
        // Neighbours tried, walked along with the commits.
        let mut near = 0;
        let states: Vec<(usize, bool)> = self
            .tallies
            .iter()
            .filter(|(_, tally)| tally.usable() > 0 || tally.is_untestable())
            .map(|(commit, tally)| (*commit, tally.usable() > 0))
            .collect();
        for (commit, &sum) in sums.iter().enumerate() {
            while near < states.len() && states[near].0 < commit {
                near += 1;
            }
            let share = if inside > 0.0 { sum / inside } else { 0.0 };
            let tried = states.get(near).is_some_and(|(tried, _)| *tried == commit);
            if tried || !(1e-6..=1.0 - 1e-6).contains(&share) || self.prior.kernel(commit) != commit
            {
                continue;
            }
            let before = near.checked_sub(1).map(|at| states[at]);
            let testable = self.belief.rates().testable(
                before.map(|(tried, state)| ((commit - tried) as f64, state)),
                states.get(near).map(|(tried, state)| ((tried - commit) as f64, *state)),
            );
            let value = testable * share * (1.0 - share);
            let part = &mut best[((share * PARTS as f64) as usize).min(PARTS - 1)];
            if value > part.0 {
                *part = (value, Some(commit));
            }
        }
        let mut candidates: Vec<usize> = best.iter().filter_map(|(_, commit)| *commit).collect();
        candidates.extend(self.tallies.iter().map(|(commit, _)| *commit));
        let mut likely: Vec<usize> = (0..self.history.len()).collect();
        let shown = 4.min(likely.len());
        if shown < likely.len() {
            likely.select_nth_unstable_by(shown, |a, b| {
                self.belief.culprit()[*b].total_cmp(&self.belief.culprit()[*a])
            });
        }
        for &commit in &likely[..shown] {
            candidates.push(self.prior.kernel(commit));
            let parents = self.history.parents(commit);
            candidates.extend(parents.iter().map(|&parent| self.prior.kernel(parent as usize)));
        }
        // The good ends, which tell whether the answer lies within the range at all.
        let last = self.history.len() - 1;
        let ends = (0..self.history.len()).filter(|&commit| match self.settings.direction {
            Direction::Cause => self.history.parents(commit).is_empty(),
            Direction::Fix => commit == last,
        });
        candidates.extend(ends.take(4).map(|end| self.prior.kernel(end)));
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|&commit| !self.is_untestable(commit));
        candidates
    }

    /// The cell of each commit when the steps already chosen cut the range; `None` for one cell.
    fn cells(&self, chosen: &[(Step, CommitSet)]) -> Option<Vec<u32>> {
        if chosen.is_empty() {
            return None;
        }
        let cells =
            (0..self.history.len())
                .map(|commit| {
                    chosen.iter().take(31).enumerate().fold(0, |cell, (at, (_, set))| {
                        cell | u32::from(set.contains(commit)) << at
                    })
                })
                .collect();
        Some(cells)
    }

    /// Mass of each class on the bad side of a tested commit: all or none of it.
    fn groups_of_tested(&self, at: usize) -> Vec<Group> {
        let belief = self.belief;
        belief
            .classes
            .iter()
            .zip(belief.joint.chunks(belief.behaviours.len()))
            .enumerate()
            .map(|(class, (pattern, row))| {
                let all: f64 = row.iter().sum();
                Group { key: (0, class as u32), bad: if pattern.bad[at] { all } else { 0.0 }, all }
            })
            .filter(|group| group.all > SMALL_GROUP)
            .collect()
    }

    /// Mass of each class on the bad side of a commit with these ancestors, apart for each cell.
    fn groups(&self, set: &CommitSet, cells: Option<&[u32]>) -> Vec<Group> {
        let belief = self.belief;
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for (at, (&class, &mass)) in belief.class_of.iter().zip(belief.culprit()).enumerate() {
            if mass <= 1e-15 {
                continue;
            }
            let cell = cells.map_or(0, |cells| cells[at]);
            // Commits of the same class and cell come mostly one after the other.
            let key = (cell, class);
            let group = match groups.last() {
                Some(last) if last.key == key => groups.len() - 1,
                _ => *group_of.entry(key).or_insert_with(|| {
                    groups.push(Group { key, bad: 0.0, all: 0.0 });
                    groups.len() - 1
                }),
            };
            groups[group].all += mass;
            if set.contains(at) == (self.settings.direction == Direction::Cause) {
                groups[group].bad += mass;
            }
        }
        groups
    }

    fn place(&self, commit: usize, set: &CommitSet, is_tested: bool) -> Place {
        let tested = &self.belief.tested;
        let at = tested.partition_point(|tested| tested.commit < commit);
        let distance = |other: usize| {
            tested.get(other).map_or(0.0, |other| other.ancestors.difference(set) as f64)
        };
        if is_tested {
            // For a tested commit what counts is the way to the next.
            Place { at, before: distance(at + 1), after: 0.0 }
        } else {
            let before = at.checked_sub(1).map_or(0.0, distance);
            Place { at, before, after: distance(at).max(1.0) }
        }
    }

    /// The best number of runs of one commit. `older` is the cell of a bug older than the range.
    fn evaluate(&self, commit: usize, cells: Option<&[u32]>, older: u32) -> Option<Step> {
        let belief = self.belief;
        let tested_at = belief.tested.iter().position(|tested| tested.commit == commit);
        let tested = tested_at.map(|at| &belief.tested[at]);
        let levels: Vec<(usize, usize)> = self
            .columns
            .iter()
            .map(|&column| (column, belief.behaviours[column].level_at(belief.position(commit))))
            .collect();
        let set = match tested {
            Some(tested) => &tested.ancestors,
            None => &self.history.ancestors(commit),
        };
        let place = self.place(commit, set, tested.is_some());
        let columns = belief.behaviours.len();
        let mut groups = match (tested_at, cells) {
            (Some(at), None) => self.groups_of_tested(at),
            _ => self.groups(set, cells),
        };
        if belief.older() > 0.0 {
            let key = (older, belief.classes.len() as u32);
            groups.push(Group { key, bad: belief.older(), all: belief.older() });
        }
        // Steps chosen before have their say on the cells; what is left to learn lies within.
        let mut bits = [0.0; RUNS.len()];
        let mut runs = [0.0; RUNS.len()];
        groups.sort_by_key(|group| group.key);
        for cell in groups.chunk_by(|a, b| a.key.0 == b.key.0) {
            let mut total = 0.0;
            let mut mean = Ends::NONE;
            let mut known = [0.0; RUNS.len()];
            for group in cell {
                let good_mass = group.all - group.bad;
                let states = place.states(self, group.key.1 as usize);
                if group.bad > SMALL_GROUP {
                    let row = &belief.joint[group.key.1 as usize * columns..][..columns];
                    let row_ends = bad_ends(row, &levels, &states, &self.ends);
                    mean.add(group.bad, &row_ends);
                    for (known, seen) in known.iter_mut().zip(row_ends.seen) {
                        *known += group.bad * entropy(seen);
                    }
                }
                if good_mass > SMALL_GROUP {
                    let good = in_states(&states, &self.ends[0]);
                    mean.add(good_mass, &good);
                    for (known, seen) in known.iter_mut().zip(good.seen) {
                        *known += good_mass * entropy(seen);
                    }
                }
                total += group.all;
            }
            if total <= 0.0 {
                continue;
            }
            for at in 0..RUNS.len() {
                bits[at] += total * entropy(mean.seen[at] / total) - known[at];
                runs[at] += mean.runs[at];
            }
        }
        let testable = if tested.is_some() { 1.0 } else { self.testable_untried(commit) };
        let give_up = self.give_up(commit);
        let built = self.tally(commit).is_some_and(|tally| tally.build_failed == 0);
        let build = if built { 0.0 } else { self.settings.build_minutes };
        let options: Vec<Step> = (0..RUNS.len())
            .map(|at| {
                let expected = testable * runs[at] + (1.0 - testable) * f64::from(give_up);
                Step {
                    commit,
                    runs: RUNS[at],
                    give_up,
                    bits: testable * bits[at],
                    minutes: build + expected * self.settings.run_minutes,
                }
            })
            .collect();
        let best = options.iter().map(Step::rate).fold(0.0, f64::max);
        options.into_iter().rev().find(|step| step.rate() >= GOOD_ENOUGH * best)
    }
}

/// What runs of a commit show at one level.
fn in_states(states: &PerRegime, ends: &[Ends; REGIMES]) -> Ends {
    let mut sum = Ends::NONE;
    for (&weight, ends) in states.iter().zip(ends) {
        if weight > SMALL_SHARE {
            sum.add(weight, ends);
        }
    }
    sum
}

/// What runs of a bad commit show when the culprit is in the class of this row. `levels` says how
/// strongly the bug shows under each column.
fn bad_ends(
    row: &[f64],
    levels: &[(usize, usize)],
    states: &PerRegime,
    ends: &[[Ends; REGIMES]; LEVELS.len()],
) -> Ends {
    let mut masses = [0.0; LEVELS.len()];
    for &(column, level) in levels {
        masses[level] += row[column];
    }
    let total: f64 = masses.iter().sum();
    let mut sum = Ends::NONE;
    for (mass, ends) in masses.into_iter().zip(ends) {
        if total > 0.0 && mass > SMALL_SHARE * total {
            sum.add(mass / total, &in_states(states, ends));
        }
    }
    sum
}

/// Where a commit stands among the tested ones.
struct Place {
    at: usize,
    before: f64,
    after: f64,
}

impl Place {
    fn states(&self, view: &View<'_>, class: usize) -> PerRegime {
        let prior = view.belief.rates().regimes();
        view.forward_backward[class].state(&prior, self.at, self.before, self.after)
    }
}

struct Group {
    /// Cell and class.
    key: (u32, u32),
    bad: f64,
    all: f64,
}
