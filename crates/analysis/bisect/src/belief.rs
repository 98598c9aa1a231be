//! The exact posterior over culprit, detection probability and the reproducer's loss of power.
//!
//! A commit is bad when the culprit is among its ancestors. Commits that stand in the same relation
//! to every tested commit have equal likelihood and form a class, so the sum runs over classes; the
//! graph is never flattened. Unrelated crashes come in stretches: the state around the bug is a
//! hidden chain over the tested commits, summed out by forward and backward messages. The rates of
//! the noise stand at their posterior means.
//!
//! In a search for a fix a commit is bad when the culprit, which is the fix, is *not* among its
//! ancestors, and the reproducer may fade towards newer commits; all else is the same.
//!
//! Invariant: a belief is a function of history, prior and tallies; nothing is carried over.

use std::collections::BTreeMap;

use crate::bisection::Direction;
use crate::bits::CommitSet;
use crate::history::History;
use crate::noise::{
    FIRST_LEVEL, LEVEL_PRIOR, LEVELS, NOISY_LENGTH, PerRegime, REGIMES, Rates, level_of,
};
use crate::prior::Prior;
use crate::record::Tally;

/// Prior of the reproducer losing its power gradually along the range. Of the false "good" verdicts
/// of labelled bisections 89 % are impossible under a constant detection probability; most of these
/// are sudden and look like a culprit, which no number of runs can tell apart.
const FADES: f64 = 0.2;
/// Where the detection probability reaches 0, in parts of the range.
const FADE_ENDS: usize = 16;
/// Over what part of the range it falls from its full value.
const FADE_WIDTHS: [f64; 4] = [0.03, 0.1, 0.35, 1.0];
/// And over so many commits at the least: what falls from one commit to the next is no fading, and no
/// number of runs would tell it from a culprit.
const FADE_LEAST: f64 = 10.0;

/// What the bug does in runs: its strength at the bad end, and how it fades towards older commits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behaviour {
    level: usize,
    /// Way to the failing end at which the crash cannot show any more, and the commits over which it
    /// fades.
    fade: Option<(f64, f64)>,
    prior: f64,
}

impl Behaviour {
    /// The level at which the bug shows on a bad commit at this position, counted towards the failing
    /// end.
    pub(crate) fn level_at(&self, position: f64) -> usize {
        match self.fade {
            None => self.level,
            Some((end, width)) => {
                level_of(LEVELS[self.level] * ((position - end) / width).clamp(0.0, 1.0))
            }
        }
    }
}

fn behaviours(len: usize) -> Vec<Behaviour> {
    let len = len as f64;
    let mut all = Vec::new();
    for (level, &share) in LEVEL_PRIOR.iter().enumerate() {
        if level == 0 {
            all.push(Behaviour { level, fade: None, prior: share });
        } else if level >= FIRST_LEVEL {
            all.push(Behaviour { level, fade: None, prior: share * (1.0 - FADES) });
            let share = share * FADES / (FADE_ENDS * FADE_WIDTHS.len()) as f64;
            for end in 0..FADE_ENDS {
                // A sixteenth of the range further on each time; the last quarter begins the fade
                // at the bad end itself.
                let end = (end as f64 + 0.5) / FADE_ENDS as f64 * len;
                for width in FADE_WIDTHS {
                    all.push(Behaviour {
                        level,
                        fade: Some((end, (width * len).max(FADE_LEAST))),
                        prior: share,
                    });
                }
            }
        }
    }
    all
}

/// One tested kernel.
#[derive(Clone, Debug)]
pub(crate) struct Tested {
    pub(crate) commit: usize,
    pub(crate) ancestors: CommitSet,
    pub(crate) likelihood: [PerRegime; LEVELS.len()],
}

/// Commits that stand in the same relation to every tested commit.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// Per tested commit, whether it is bad when the culprit is in this class.
    pub(crate) bad: Vec<bool>,
    /// Sum of the prior weights.
    pub(crate) weight: f64,
}

/// A behaviour with less than this share of the posterior is left out of it.
const NEGLIGIBLE: f64 = 1e-9;

/// What is believed after some runs.
#[derive(Clone, Debug)]
pub struct Belief {
    direction: Direction,
    rates: Rates,
    pub(crate) tested: Vec<Tested>,
    pub(crate) classes: Vec<Class>,
    pub(crate) class_of: Vec<u32>,
    /// The behaviours that fit what was seen; the others have no share to speak of.
    pub(crate) behaviours: Vec<Behaviour>,
    /// Posterior of class and behaviour together; row by row, the last row is "older".
    pub(crate) joint: Vec<f64>,
    culprit: Vec<f64>,
    older: f64,
}

impl Belief {
    /// The posterior, given every tally so far. `tallies` holds each kernel once, in ascending order.
    /// `ancestors` gives the ancestors of a commit.
    pub(crate) fn new(
        history: &History,
        prior: &Prior,
        direction: Direction,
        tallies: &[(usize, Tally)],
        ancestors: impl Fn(usize) -> CommitSet,
    ) -> Self {
        let usable: Vec<(usize, Tally)> =
            tallies.iter().copied().filter(|(_, tally)| tally.usable() > 0).collect();
        let sets: Vec<CommitSet> = usable.iter().map(|(commit, _)| ancestors(*commit)).collect();
        let (classes, class_of) = classes(history.len(), prior, direction, &sets);
        let tested: Vec<Tested> = usable
            .iter()
            .zip(sets)
            .map(|((commit, _), ancestors)| Tested {
                commit: *commit,
                ancestors,
                likelihood: [[0.0; REGIMES]; LEVELS.len()],
            })
            .collect();
        let mut belief = Self {
            direction,
            rates: Rates::default(),
            tested,
            classes,
            class_of,
            behaviours: Vec::new(),
            joint: Vec::new(),
            culprit: Vec::new(),
            older: 0.0,
        };
        let courses = courses(&belief, history.len());
        let rows = Rows::new(&belief.classes, belief.tested.len());
        // Rates depend on who is bad and that on the rates: twice round is enough, because the rates
        // move the posterior little.
        belief.rates = Rates::learn(tallies, &vec![0.5; tallies.len()]);
        for _ in 0..2 {
            let likelihoods = belief.rates.likelihoods();
            for (tested, (_, tally)) in belief.tested.iter_mut().zip(&usable) {
                tested.likelihood = likelihoods.of(tally);
            }
            belief.sum(prior, &courses, &rows);
            let mut bad = belief.tested_bad().into_iter();
            let bad: Vec<f64> = tallies
                .iter()
                .map(|(_, tally)| if tally.usable() > 0 { bad.next().unwrap_or(0.5) } else { 0.5 })
                .collect();
            let learnt = Rates::learn(tallies, &bad);
            if learnt.is_close_to(&belief.rates) {
                break;
            }
            belief.rates = learnt;
        }
        belief.spread(prior);
        belief
    }

    /// Fills `behaviours` and `joint`.
    fn sum(&mut self, prior: &Prior, courses: &[Course], rows: &Rows) {
        let chain = Chain::new(&self.tested, &self.rates);
        let weights: Vec<f64> =
            self.classes.iter().map(|class| class.weight).chain([prior.older]).collect();
        // The most promising first, so that the rest can be seen to be negligible.
        let mut order: Vec<(f64, &Course)> = courses
            .iter()
            .map(|course| (course.prior() * chain.bound(&course.levels), course))
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut columns: Vec<(&Course, Vec<f64>, f64)> = Vec::new();
        let mut total = 0.0;
        for (bound, course) in order {
            if bound < NEGLIGIBLE * total {
                break;
            }
            let mut column = chain.likelihoods(&course.levels, rows);
            column.iter_mut().zip(&weights).for_each(|(value, weight)| *value *= weight);
            let sum = column.iter().sum::<f64>();
            total += sum * course.prior();
            columns.push((course, column, sum));
        }
        if !(total > 0.0 && total.is_finite()) {
            // Nothing fits: every hypothesis gave a probability too small to hold. Say nothing.
            columns = courses.iter().map(|course| (course, weights.clone(), 1.0)).collect();
            total = 1.0;
        }
        columns.retain(|(course, _, sum)| sum * course.prior() >= NEGLIGIBLE * total);
        self.behaviours =
            columns.iter().flat_map(|(course, _, _)| course.behaviours.iter().copied()).collect();
        self.joint = Vec::with_capacity(weights.len() * self.behaviours.len());
        for row in 0..weights.len() {
            for (course, column, _) in &columns {
                let value = column[row] / total;
                self.joint.extend(course.behaviours.iter().map(|b| b.prior * value));
            }
        }
        let total: f64 = self.joint.iter().sum();
        self.joint.iter_mut().for_each(|value| *value /= total);
    }

    /// Spreads the mass of each class over its commits.
    fn spread(&mut self, prior: &Prior) {
        let columns = self.behaviours.len();
        let mass: Vec<f64> = self.joint.chunks(columns).map(|row| row.iter().sum()).collect();
        self.older = mass.last().copied().unwrap_or(0.0);
        self.culprit = self
            .class_of
            .iter()
            .zip(&prior.weight)
            .map(|(&class, weight)| {
                let total = self.classes[class as usize].weight;
                if total > 0.0 { mass[class as usize] * weight / total } else { 0.0 }
            })
            .collect();
    }

    /// Per tested commit, the probability that it has the bug.
    fn tested_bad(&self) -> Vec<f64> {
        let columns = self.behaviours.len();
        let mut bad = vec![0.0; self.tested.len()];
        for (row, values) in self.joint.chunks(columns).enumerate() {
            let mass: f64 = values.iter().sum();
            for (at, bad) in bad.iter_mut().enumerate() {
                if self.classes.get(row).is_none_or(|class| class.bad[at]) {
                    *bad += mass;
                }
            }
        }
        bad
    }

    /// How far a commit lies on the way to the failing end.
    pub(crate) fn position(&self, commit: usize) -> f64 {
        match self.direction {
            Direction::Cause => commit as f64,
            Direction::Fix => (self.class_of.len() - 1 - commit) as f64,
        }
    }

    /// Per commit, the probability that it brought the bug (or the fix).
    pub fn culprit(&self) -> &[f64] {
        &self.culprit
    }

    /// The probability that the bug is older than the range; that it is not fixed in the range.
    pub fn older(&self) -> f64 {
        self.older
    }

    /// Per commit, the probability that it has the bug.
    pub fn bad(&self, history: &History) -> Vec<f64> {
        let mut sums = history.sum_over_ancestors(&self.culprit);
        for sum in &mut sums {
            *sum = match self.direction {
                Direction::Cause => (*sum + self.older).min(1.0),
                Direction::Fix => (1.0 - *sum).max(0.0),
            };
        }
        sums
    }

    /// The commit that most likely brought the bug, and the probability.
    pub fn top(&self) -> (usize, f64) {
        let mut top = (0, 0.0);
        for (commit, &probability) in self.culprit.iter().enumerate() {
            if probability > top.1 {
                top = (commit, probability);
            }
        }
        top
    }

    /// The probability that the reproducer shows nothing even at the bad end.
    pub fn not_reproducible(&self) -> f64 {
        self.detection().first().map_or(0.0, |first| first.1)
    }

    /// The probability of each detection probability at the bad end: (crashes per run, probability).
    pub fn detection(&self) -> Vec<(f64, f64)> {
        let columns = self.behaviours.len();
        let mut sums = [0.0; LEVELS.len()];
        for row in self.joint.chunks(columns) {
            for (behaviour, value) in self.behaviours.iter().zip(row) {
                sums[behaviour.level] += value;
            }
        }
        LEVELS.into_iter().zip(sums).collect()
    }

    /// How often the crash shows on a commit that is the culprit, as a part of how often it shows at
    /// the bad end.
    pub fn power_at(&self, commit: usize) -> f64 {
        let columns = self.behaviours.len();
        let row = &self.joint[self.class_of[commit] as usize * columns..][..columns];
        let (mut here, mut end) = (0.0, 0.0);
        for (behaviour, mass) in self.behaviours.iter().zip(row) {
            here += mass * LEVELS[behaviour.level_at(self.position(commit))];
            end += mass * LEVELS[behaviour.level_at(self.class_of.len() as f64)];
        }
        if end > 0.0 { here / end } else { 1.0 }
    }

    /// The mean detection probability at the bad end.
    pub fn detection_mean(&self) -> f64 {
        self.detection().into_iter().map(|(level, mass)| level * mass).sum()
    }

    /// The probability that the culprit lies where the reproducer has lost its power, so that no run
    /// can show it, and the mean place at which it is lost.
    pub fn hidden(&self) -> (f64, f64) {
        let columns = self.behaviours.len();
        let mass: Vec<f64> = self.joint.chunks(columns).map(|row| row.iter().sum()).collect();
        // Mass of each (class, position where the crash ends); the width does not matter here.
        let mut by_end: Vec<(f64, Vec<f64>)> = Vec::new();
        for (column, behaviour) in self.behaviours.iter().enumerate() {
            let Some((end, _)) = behaviour.fade else { continue };
            let at = by_end.iter().position(|(other, _)| *other == end).unwrap_or_else(|| {
                by_end.push((end, vec![0.0; self.classes.len() + 1]));
                by_end.len() - 1
            });
            for (row, sum) in by_end[at].1.iter_mut().enumerate() {
                *sum += self.joint[row * columns + column];
            }
        }
        let mut hidden = 0.0;
        let mut position = 0.0;
        for (end, rows) in by_end {
            let older = rows.last().copied().unwrap_or(0.0);
            let inside: f64 = self
                .class_of
                .iter()
                .enumerate()
                .filter(|(commit, _)| self.position(*commit) < end)
                .map(|(commit, &class)| {
                    let mass = mass[class as usize];
                    if mass > 0.0 {
                        self.culprit[commit] * rows[class as usize] / mass
                    } else {
                        0.0
                    }
                })
                .sum();
            hidden += older + inside;
            position += end * (older + inside);
        }
        let position = if hidden > 0.0 { position / hidden } else { 0.0 };
        let last = (self.class_of.len() - 1) as f64;
        let place = match self.direction {
            Direction::Cause => position,
            Direction::Fix => last - position,
        };
        (hidden, place.clamp(0.0, last))
    }

    /// Per class, and last for "older": what is known of the state around each tested commit under
    /// the most likely behaviour.
    pub(crate) fn forward_backward(&self) -> Vec<ForwardBackward> {
        let chain = Chain::new(&self.tested, &self.rates);
        let all_bad = vec![true; self.tested.len()];
        let places: Vec<f64> = self.tested.iter().map(|t| self.position(t.commit)).collect();
        self.joint
            .chunks(self.behaviours.len())
            .enumerate()
            .map(|(row, values)| {
                let likeliest = values
                    .iter()
                    .enumerate()
                    .max_by(|a, b| a.1.total_cmp(b.1))
                    .map_or(0, |(column, _)| column);
                let bad = self.classes.get(row).map_or(&all_bad, |class| &class.bad);
                chain.forward_backward(&self.behaviours[likeliest], bad, &places)
            })
            .collect()
    }

    /// The learnt rates of the noise.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }
}

impl Rates {
    /// Whether replacing one by the other would not move the posterior noticeably.
    fn is_close_to(&self, other: &Self) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 0.15 * a.max(b);
        close(self.unrelated, other.unrelated)
            && close(1.0 - self.title, 1.0 - other.title)
            && close(self.noisy, other.noisy)
    }
}

/// Groups the commits by their relation to the tested ones.
fn classes(
    len: usize,
    prior: &Prior,
    direction: Direction,
    tested: &[CommitSet],
) -> (Vec<Class>, Vec<u32>) {
    const NONE: u32 = u32::MAX;
    let mut class_of = vec![0_u32; len];
    let mut patterns: Vec<Vec<bool>> = vec![Vec::new()];
    for set in tested {
        // Each class splits into those inside the set and those outside.
        let mut split = vec![[NONE; 2]; patterns.len()];
        let mut next: Vec<Vec<bool>> = Vec::new();
        for (commit, class) in class_of.iter_mut().enumerate() {
            let inside = set.contains(commit);
            let to = &mut split[*class as usize][usize::from(inside)];
            if *to == NONE {
                *to = next.len() as u32;
                let mut pattern = patterns[*class as usize].clone();
                pattern.push(inside == (direction == Direction::Cause));
                next.push(pattern);
            }
            *class = *to;
        }
        patterns = next;
    }
    let mut classes: Vec<Class> =
        patterns.into_iter().map(|bad| Class { bad, weight: 0.0 }).collect();
    for (&class, weight) in class_of.iter().zip(&prior.weight) {
        classes[class as usize].weight += weight;
    }
    (classes, class_of)
}

/// Behaviours under which the bug shows alike on every tested commit.
struct Course {
    /// Per tested commit, the level at which the bug shows if the commit has it.
    levels: Vec<u8>,
    behaviours: Vec<Behaviour>,
}

impl Course {
    fn prior(&self) -> f64 {
        self.behaviours.iter().map(|behaviour| behaviour.prior).sum()
    }
}

fn courses(belief: &Belief, len: usize) -> Vec<Course> {
    let mut by_levels: BTreeMap<Vec<u8>, Vec<Behaviour>> = BTreeMap::new();
    for behaviour in behaviours(len) {
        let level = |tested: &Tested| behaviour.level_at(belief.position(tested.commit)) as u8;
        let levels = belief.tested.iter().map(level).collect();
        by_levels.entry(levels).or_default().push(behaviour);
    }
    by_levels.into_iter().map(|(levels, behaviours)| Course { levels, behaviours }).collect()
}

/// The classes, and last "older", in the order of their patterns.
struct Rows {
    order: Vec<RowPattern>,
}

struct RowPattern {
    /// Number of the class; one past the last for "older".
    number: usize,
    bad: Vec<bool>,
    /// From this tested commit on all are bad.
    last: usize,
    /// So many tested commits have the same state as in the row before.
    shared: usize,
}

impl Rows {
    fn new(classes: &[Class], tested: usize) -> Self {
        let older = vec![true; tested];
        let mut order: Vec<RowPattern> = classes
            .iter()
            .map(|class| class.bad.clone())
            .chain([older])
            .enumerate()
            .map(|(number, bad)| {
                let last = bad.iter().rposition(|&bad| !bad).map_or(0, |at| at + 1);
                RowPattern { number, bad, last, shared: 0 }
            })
            .collect();
        order.sort_by(|a, b| a.bad.cmp(&b.bad));
        for at in 1..order.len() {
            let (before, row) = (&order[at - 1].bad, &order[at].bad);
            order[at].shared =
                before.iter().zip(row).position(|(a, b)| a != b).unwrap_or(row.len());
        }
        Self { order }
    }
}

/// The hidden chain of states around the bug over the tested commits.
struct Chain<'a> {
    tested: &'a [Tested],
    prior: PerRegime,
    /// Per tested commit, the probability that the state is that of the one before.
    stay: Vec<f64>,
}

/// Messages along the chain from both ends, for one class and behaviour; scaled freely.
#[derive(Clone, Debug)]
pub(crate) struct ForwardBackward {
    /// Joint of the runs of the first `k` tested commits and the state at the last of them.
    before: Vec<PerRegime>,
    /// Likelihood of the runs from tested commit `k` on, given the state at `k`.
    from: Vec<PerRegime>,
}

impl ForwardBackward {
    /// The state around a commit: `at` tested commits stand before it, at distances `before` and
    /// `after` from its neighbours in commits. With `after` 0 it is the tested commit `at` itself.
    pub(crate) fn state(&self, prior: &PerRegime, at: usize, before: f64, after: f64) -> PerRegime {
        let from_left = if after == 0.0 { self.before[at + 1] } else { self.before[at] };
        let stay = if at == 0 { 0.0 } else { (-before / NOISY_LENGTH).exp() };
        let moved = (1.0 - stay) * from_left.iter().sum::<f64>();
        let own = after == 0.0;
        let right = if own { self.from.get(at + 1) } else { self.from.get(at) };
        let mut state: PerRegime = std::array::from_fn(|s| {
            if own { from_left[s] } else { stay * from_left[s] + moved * prior[s] }
        });
        if let Some(right) = right {
            let stay =
                if own { (-before / NOISY_LENGTH).exp() } else { (-after / NOISY_LENGTH).exp() };
            let mean: f64 = right.iter().zip(prior).map(|(a, b)| a * b).sum();
            for (state, right) in state.iter_mut().zip(right) {
                *state *= stay * right + (1.0 - stay) * mean;
            }
        }
        normalised(state).unwrap_or(*prior)
    }
}

/// Brings the sum to 1; `None` when there is no sum to speak of.
fn normalised(mut values: PerRegime) -> Option<PerRegime> {
    let total: f64 = values.iter().sum();
    (total > 1e-300 && total.is_finite()).then(|| {
        values.iter_mut().for_each(|value| *value /= total);
        values
    })
}

impl<'a> Chain<'a> {
    fn new(tested: &'a [Tested], rates: &Rates) -> Self {
        let prior = rates.regimes();
        let stay: Vec<f64> = std::iter::once(0.0)
            .chain(tested.windows(2).map(|pair| {
                let distance = pair[0].ancestors.difference(&pair[1].ancestors);
                (-(distance as f64) / NOISY_LENGTH).exp()
            }))
            .take(tested.len())
            .collect();
        Self { tested, prior, stay }
    }

    /// Carries a message over one commit. The message is the joint of past and state.
    fn forward(&self, message: &PerRegime, at: usize, level: usize) -> PerRegime {
        let stay = self.stay[at];
        let moved = (1.0 - stay) * message.iter().sum::<f64>();
        let likelihood = &self.tested[at].likelihood[level];
        std::array::from_fn(|s| (stay * message[s] + moved * self.prior[s]) * likelihood[s])
    }

    /// Messages from the end of the chain, where `seen` gives the likelihood at each commit.
    fn backward(&self, seen: impl Fn(usize) -> PerRegime) -> Vec<PerRegime> {
        let mut messages = vec![[1.0; REGIMES]; self.tested.len() + 1];
        for at in (0..self.tested.len()).rev() {
            let seen = seen(at);
            let seen: PerRegime = std::array::from_fn(|s| seen[s] * messages[at + 1][s]);
            let moved: f64 = seen.iter().zip(self.prior).map(|(seen, prior)| seen * prior).sum();
            let stay = self.stay[at];
            messages[at] = seen.map(|seen| stay * seen + (1.0 - stay) * moved);
        }
        messages
    }

    /// No culprit makes what was seen likelier than this, where the bug shows at these levels.
    fn bound(&self, levels: &[u8]) -> f64 {
        let messages = self.backward(|at| {
            let likelihood = &self.tested[at].likelihood;
            let (bad, good) = (&likelihood[usize::from(levels[at])], &likelihood[0]);
            std::array::from_fn(|s| f64::max(bad[s], good[s]))
        });
        messages[0].iter().zip(self.prior).map(|(value, prior)| value * prior).sum()
    }

    /// Per row, the likelihood of everything seen where the bug shows at these levels.
    fn likelihoods(&self, levels: &[u8], rows: &Rows) -> Vec<f64> {
        let bad = self.backward(|at| self.tested[at].likelihood[usize::from(levels[at])]);
        let mut likelihoods = vec![0.0; rows.order.len()];
        // Messages along the pattern of the row before, of which the next row shares the beginning.
        let mut messages = vec![self.prior; self.tested.len() + 1];
        let mut carried = 0;
        for row in &rows.order {
            for at in carried.min(row.shared)..row.last {
                let level = if row.bad[at] { usize::from(levels[at]) } else { 0 };
                messages[at + 1] = self.forward(&messages[at], at, level);
            }
            carried = row.last;
            likelihoods[row.number] =
                messages[row.last].iter().zip(&bad[row.last]).map(|(a, b)| a * b).sum();
        }
        likelihoods
    }

    fn forward_backward(
        &self,
        behaviour: &Behaviour,
        bad: &[bool],
        places: &[f64],
    ) -> ForwardBackward {
        let level = |at: usize| if bad[at] { behaviour.level_at(places[at]) } else { 0 };
        let len = self.tested.len();
        let mut before = vec![self.prior];
        for at in 0..len {
            let next = self.forward(&before[at], at, level(at));
            before.push(normalised(next).unwrap_or(self.prior));
        }
        let mut from = vec![[1.0; REGIMES]; len];
        let mut later = [1.0; REGIMES];
        for at in (0..len).rev() {
            let likelihood = &self.tested[at].likelihood[level(at)];
            let seen: PerRegime = std::array::from_fn(|s| likelihood[s] * later[s]);
            from[at] = normalised(seen).unwrap_or([1.0; REGIMES]);
            let moved: f64 = from[at].iter().zip(self.prior).map(|(a, b)| a * b).sum();
            let stay = self.stay[at];
            later = from[at].map(|value| stay * value + (1.0 - stay) * moved);
        }
        ForwardBackward { before, from }
    }
}
