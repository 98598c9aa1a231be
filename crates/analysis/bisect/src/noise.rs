//! What a run can mean: the probability of each outcome, given the bug's presence and the state of
//! the kernel around it. Rates start from published figures and are learnt from the runs.

use crate::record::Tally;

/// The rates of everything that is not the wanted bug. Estimated from the runs of one bisection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Share of runs on a bootable commit that fail before the test.
    pub boot_failed: f64,
    /// Share of runs on an ordinary commit that end in an unrelated crash.
    pub unrelated: f64,
    /// Share of the bug's crashes that show a wanted title.
    pub title: f64,
    /// Share of unrelated crashes on an ordinary commit that show a wanted title.
    pub impostor: f64,
    /// Share of commits that cannot be built or booted at all.
    pub untestable: f64,
    /// Mean length of an untestable stretch, in commits.
    pub untestable_length: f64,
    /// Share of commits inside a stretch with a frequent unrelated crash.
    pub noisy: f64,
}

impl Default for Rates {
    /// Before the first run. From 1,070 labelled bisections of syzbot (2017 to 2022): 2.5 % of runs
    /// fail to boot, unrelated crashes spoil 5.3 % of good commits, two thirds of those rarely and
    /// one third in nearly every run, truly bad commits show a start title in 92 %.
    fn default() -> Self {
        Self {
            boot_failed: 0.03,
            unrelated: 0.008,
            title: 0.9,
            impostor: 0.03,
            untestable: 0.12,
            untestable_length: 150.0,
            noisy: 0.035,
        }
    }
}

/// Mean length of a stretch with a frequent unrelated crash, in commits.
pub(crate) const NOISY_LENGTH: f64 = 200.0;

/// The probabilities of a crash in one run of a bad commit that are told apart. The first is that of
/// a good commit.
pub(crate) const LEVELS: [f64; 17] = [
    0.0, 0.005, 0.01, 0.02, 0.035, 0.06, 0.1, 0.15, 0.22, 0.3, 0.4, 0.5, 0.62, 0.75, 0.88, 0.96,
    0.995,
];
/// The lowest level a bug has at the bad end unless it has none.
pub(crate) const FIRST_LEVEL: usize = 3;

/// Prior of each level at the bad end. Of the start commits of those bisections 84 % crash in every
/// run, 10.6 % in fewer than half, half of these never; flattened, because the next lab differs.
pub(crate) const LEVEL_PRIOR: [f64; 17] = [
    0.04, 0.0, 0.0, 0.015, 0.015, 0.02, 0.02, 0.02, 0.02, 0.02, 0.03, 0.03, 0.03, 0.03, 0.06, 0.15,
    0.5,
];

/// The level nearest to a probability, in ratio; below half of the lowest it is none.
pub(crate) fn level_of(probability: f64) -> usize {
    if probability < LEVELS[1] / 2.0 {
        return 0;
    }
    let above = LEVELS.partition_point(|&level| level < probability);
    match above {
        0 | 1 => 1,
        17 => 16,
        _ if probability / LEVELS[above - 1] < LEVELS[above] / probability => above - 1,
        _ => above,
    }
}

/// The state of the kernel around the bug.
#[derive(Clone, Copy, Debug)]
struct Regime {
    /// Share of runs with an unrelated crash; `None` is the learnt background.
    rate: Option<f64>,
    /// The unrelated crash comes first and hides the wanted one.
    masks: bool,
    /// The unrelated crash carries a wanted title: a second bug that cannot be told from the first.
    impostor: bool,
    /// Share among the noisy regimes.
    share: f64,
}

/// Number of regimes.
pub(crate) const REGIMES: usize = 12;
const TABLE: [Regime; REGIMES] = [
    Regime { rate: None, masks: false, impostor: false, share: 0.0 },
    Regime { rate: Some(0.25), masks: false, impostor: false, share: 0.12 },
    Regime { rate: Some(0.55), masks: false, impostor: false, share: 0.12 },
    Regime { rate: Some(0.9), masks: false, impostor: false, share: 0.1 },
    // In every run: without these rows, many such runs would count as a proof of whatever else keeps
    // clean runs away.
    Regime { rate: Some(0.995), masks: false, impostor: false, share: 0.08 },
    Regime { rate: Some(0.5), masks: true, impostor: false, share: 0.14 },
    Regime { rate: Some(0.93), masks: true, impostor: false, share: 0.12 },
    Regime { rate: Some(0.995), masks: true, impostor: false, share: 0.12 },
    Regime { rate: Some(0.25), masks: false, impostor: true, share: 0.06 },
    Regime { rate: Some(0.55), masks: false, impostor: true, share: 0.06 },
    Regime { rate: Some(0.9), masks: false, impostor: true, share: 0.05 },
    Regime { rate: Some(0.995), masks: false, impostor: true, share: 0.03 },
];

/// One number for each regime.
pub(crate) type PerRegime = [f64; REGIMES];

impl Rates {
    /// How likely a commit about which nothing is known is in each regime.
    pub(crate) fn regimes(&self) -> PerRegime {
        let mut prior = TABLE.map(|regime| regime.share * self.noisy);
        prior[0] = 1.0 - self.noisy;
        prior
    }

    /// Probabilities of wanted crash, other crash and clean end of one run that reached the test,
    /// where the bug shows with probability `p`.
    pub(crate) fn outcomes(&self, p: f64, regime: usize) -> [f64; 3] {
        let Regime { rate, masks, impostor, .. } = TABLE[regime];
        let u = rate.unwrap_or(self.unrelated);
        let wanted_title = match (impostor, rate) {
            (true, _) => 0.97,
            (false, Some(_)) => 0.005,
            (false, None) => self.impostor,
        };
        let (bug, unrelated) = if masks { ((1.0 - u) * p, u) } else { (p, (1.0 - p) * u) };
        [
            bug * self.title + unrelated * wanted_title,
            bug * (1.0 - self.title) + unrelated * (1.0 - wanted_title),
            (1.0 - p) * (1.0 - u),
        ]
    }

    /// What tallies mean under these rates.
    pub(crate) fn likelihoods(&self) -> Likelihoods {
        let logs = std::array::from_fn(|level| {
            std::array::from_fn(|regime| {
                let [wanted, other, clean] = self.outcomes(LEVELS[level], regime);
                // The other bug of the failing end did not hide the wanted one there, so it is a run
                // without it; unless it hides it here.
                let known_crash = if TABLE[regime].masks { other } else { clean };
                [wanted, other, clean, known_crash].map(|probability| probability.max(1e-12).ln())
            })
        });
        Likelihoods { logs }
    }

    /// Learns the rates from all tallies. `bad[i]` is the probability that the i-th commit has the
    /// bug. Each rate is the mean of a Beta distribution that starts at [`Rates::default`] with the
    /// weight given here, in runs or commits.
    pub(crate) fn learn(tallies: &[(usize, Tally)], bad: &[f64]) -> Self {
        let start = Self::default();
        let mut boot = Mean::new(start.boot_failed, 15.0);
        let mut unrelated = Mean::new(start.unrelated, 40.0);
        let mut titles = Vec::new();
        let mut untestable = Mean::new(start.untestable, 5.0);
        let mut noisy = Mean::new(start.noisy, 25.0);
        for ((_, tally), &bad) in tallies.iter().zip(bad) {
            let usable = f64::from(tally.usable());
            if tally.is_untestable() {
                if tally.build_failed > 0 || tally.unreached() > 1 {
                    untestable.add(1.0, 0.0);
                }
                continue;
            }
            if usable == 0.0 {
                continue;
            }
            untestable.add(0.0, 1.0);
            boot.add(f64::from(tally.unreached()), usable);
            let other = f64::from(tally.other);
            let is_noisy = other >= 2.0 && other > 0.2 * usable && bad < 0.5;
            noisy.add(f64::from(u8::from(is_noisy)), f64::from(u8::from(!is_noisy)));
            if is_noisy {
                continue;
            }
            unrelated.add((1.0 - bad) * other, (1.0 - bad) * (usable - other));
            if tally.wanted > 0 {
                titles.push((bad * f64::from(tally.wanted), bad * other));
            }
        }
        Self {
            boot_failed: boot.value(),
            unrelated: unrelated.value(),
            title: title_share(start.title, titles),
            untestable: untestable.value(),
            untestable_length: untestable_length(tallies, untestable.value()),
            noisy: noisy.value(),
            ..start
        }
    }

    /// Probability that a commit can be tested, from the nearest commits tried on either side:
    /// (distance in commits, whether it could be tested).
    pub(crate) fn testable(&self, before: Option<(f64, bool)>, after: Option<(f64, bool)>) -> f64 {
        let weight = |testable: bool| {
            let share = if testable { 1.0 - self.untestable } else { self.untestable };
            let seen = |neighbour: Option<(f64, bool)>| {
                neighbour.map_or(1.0, |(distance, state)| {
                    let stay = (-distance / self.untestable_length).exp();
                    // The chain is reversible: P(neighbour | state) = P(state | neighbour) × shares.
                    let neighbour_share =
                        if state { 1.0 - self.untestable } else { self.untestable };
                    stay * f64::from(u8::from(state == testable)) + (1.0 - stay) * neighbour_share
                })
            };
            share * seen(before) * seen(after)
        };
        let (yes, no) = (weight(true), weight(false));
        yes / (yes + no)
    }
}

/// Logarithms of the probabilities of each outcome, at every level and in every regime.
pub(crate) struct Likelihoods {
    logs: [[[f64; 4]; REGIMES]; LEVELS.len()],
}

impl Likelihoods {
    /// Likelihood of a tally at every level and in every regime, scaled so that the largest is 1.
    pub(crate) fn of(&self, tally: &Tally) -> [PerRegime; LEVELS.len()] {
        let counts = [tally.wanted, tally.other, tally.clean, tally.known_crash].map(f64::from);
        let mut values = self.logs.map(|row| {
            row.map(|logs| counts.iter().zip(logs).map(|(count, log)| count * log).sum::<f64>())
        });
        let largest = values.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in values.iter_mut().flatten() {
            *value = (*value - largest).exp();
        }
        values
    }
}

/// Crashes under other titles of one commit that count for how often the bug shows a wanted title.
const MOST_OF_A_COMMIT: f64 = 4.0;
/// Share of them that is left out, those of the commits where they are most frequent.
const LEFT_OUT: f64 = 0.5;

/// How often the bug shows a wanted title, from each commit's crashes under wanted and other titles. A
/// bug with several titles shows them wherever it is; where other titles are frequent on a few commits
/// only, something else crashes there, and must not count, however often it was run.
fn title_share(start: f64, mut titles: Vec<(f64, f64)>) -> f64 {
    for (wanted, other) in &mut titles {
        let part = (MOST_OF_A_COMMIT / *other).min(1.0);
        *wanted *= part;
        *other *= part;
    }
    let frequency = |(wanted, other): &(f64, f64)| other / (wanted + other).max(1e-9);
    titles.sort_by(|a, b| frequency(b).total_cmp(&frequency(a)));
    let mut left_out = LEFT_OUT * titles.iter().map(|(_, other)| other).sum::<f64>();
    let mut mean = Mean::new(start, 10.0);
    for (wanted, other) in titles {
        let dropped = other.min(left_out);
        left_out -= dropped;
        mean.add(wanted, other - dropped);
    }
    mean.value()
}

/// The most likely of a few lengths of an untestable stretch, in commits, given which commits could
/// be tested.
fn untestable_length(tallies: &[(usize, Tally)], share: f64) -> f64 {
    const LENGTHS: [f64; 5] = [10.0, 40.0, 150.0, 500.0, 2000.0];
    // Weight of the published figure: stretches of about 150 commits.
    const PRIOR: [f64; 5] = [0.1, 0.2, 0.4, 0.2, 0.1];
    let states: Vec<(usize, bool)> = tallies
        .iter()
        .filter(|(_, tally)| tally.usable() > 0 || tally.is_untestable())
        .map(|(commit, tally)| (*commit, tally.usable() > 0))
        .collect();
    let mut total = 0.0;
    let mut sum = 0.0;
    for (length, prior) in LENGTHS.into_iter().zip(PRIOR) {
        let likelihood: f64 = states
            .windows(2)
            .map(|pair| {
                let stay = (-((pair[1].0 - pair[0].0) as f64) / length).exp();
                let share = if pair[1].1 { 1.0 - share } else { share };
                stay * f64::from(u8::from(pair[0].1 == pair[1].1)) + (1.0 - stay) * share
            })
            .product();
        total += prior * likelihood;
        sum += prior * likelihood * length.ln();
    }
    if total > 0.0 { (sum / total).exp() } else { Rates::default().untestable_length }
}

/// The mean of a Beta distribution.
struct Mean {
    yes: f64,
    no: f64,
}

impl Mean {
    fn new(mean: f64, weight: f64) -> Self {
        Self { yes: mean * weight, no: (1.0 - mean) * weight }
    }

    fn add(&mut self, yes: f64, no: f64) {
        self.yes += yes;
        self.no += no;
    }

    fn value(&self) -> f64 {
        self.yes / (self.yes + self.no)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcomes_of_a_run_are_a_distribution() {
        let rates = Rates::default();
        for regime in 0..REGIMES {
            for p in LEVELS {
                let sum: f64 = rates.outcomes(p, regime).iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "regime {regime}, p {p}: {sum}");
            }
        }
        assert!((rates.regimes().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((LEVEL_PRIOR.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    /// A kernel that shows only another crash may hide the wanted one: it must never count as much
    /// evidence of absence.
    #[test]
    fn another_crash_in_every_run_is_no_proof_of_absence() {
        let rates = Rates::default();
        let likelihood = rates.likelihoods().of(&Tally { other: 10, ..Tally::default() });
        let prior = rates.regimes();
        let weigh = |level: usize| -> f64 {
            likelihood[level].iter().zip(prior).map(|(l, prior)| l * prior).sum()
        };
        assert!(weigh(0) / weigh(level_of(0.9)) < 4.0);
    }

    /// However often it is seen.
    #[test]
    fn many_runs_of_another_crash_prove_no_more_than_few() {
        let likelihood =
            Rates::default().likelihoods().of(&Tally { other: 600, ..Tally::default() });
        let prior = Rates::default().regimes();
        let weigh = |level: usize| -> f64 {
            likelihood[level].iter().zip(prior).map(|(l, prior)| l * prior).sum()
        };
        let ratio = weigh(0) / weigh(level_of(0.5));
        assert!(ratio > 0.2 && ratio < 5.0, "{ratio}");
    }

    #[test]
    fn the_other_bug_of_the_failing_end_is_evidence_against_the_wanted_one() {
        let tally = Tally { known_crash: 30, ..Tally::default() };
        let likelihood = Rates::default().likelihoods().of(&tally);
        let prior = Rates::default().regimes();
        let weigh = |level: usize| -> f64 {
            likelihood[level].iter().zip(prior).map(|(l, prior)| l * prior).sum()
        };
        assert!(weigh(0) > 50.0 * weigh(level_of(0.5)));
    }

    #[test]
    fn another_bug_on_one_commit_is_no_other_title_of_the_wanted_one() {
        let mut crashes = vec![(1.0, 0.0); 12];
        crashes.push((18.0, 83.0));
        assert!(title_share(0.9, crashes) > 0.85);
        // A second title that shows wherever the bug is counts.
        let share = title_share(0.9, vec![(10.0, 10.0); 12]);
        assert!((0.5..0.75).contains(&share), "{share}");
        assert!(title_share(0.9, vec![(400.0, 0.0)]) > 0.99);
        assert!((title_share(0.9, Vec::new()) - 0.9).abs() < 1e-12);
    }

    #[test]
    fn a_probability_finds_its_level() {
        assert_eq!(level_of(0.0), 0);
        assert_eq!(level_of(0.001), 0);
        for (at, &level) in LEVELS.iter().enumerate() {
            assert_eq!(level_of(level), at);
        }
        assert_eq!(level_of(1.0), 16);
    }
}
