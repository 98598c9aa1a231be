//! Where the wanted crash begins to show, by the runs alone: an exact posterior over the stretches of history.
//!
//! The detection probability is unknown and integrated out over a grid. A kernel that contains the commit
//! shows the wanted crash in a run with that probability. Crashes under the other titles of the start commit
//! count as runs without the wanted one, because the probability was seen beside them; crashes that the start
//! commit never shows say nothing either way (they may hide the wanted one). Equal kernels are one: a stretch
//! that separates two of them cannot matter.
//!
//! What this does *not* say is whether the commit where the crash begins to show brought the bug: a
//! reproducer that needs a feature begins to work where the feature came. That is what the signals of
//! [`crate::signal`] weigh.

use std::collections::BTreeMap;

use parse_bisect_log::Phase;

use crate::cluster::TitleCluster;
use crate::region::{Presence, Region};
use crate::tested::{Tally, Tested, pooled};
use crate::title::Nearness;

/// The detection probabilities over which is averaged; all are equally likely beforehand.
const DETECTION: [f64; 13] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.999];

/// A kernel with the bug in which the reproducer cannot fire. Of 295 false good verdicts 262 had odds below
/// 1e-4 under the start commit's rate, in about 8,650 tests: 3 in 100.
const SILENT: f64 = 0.03;

/// A kernel without the bug that shows a title of the wanted cluster: 12 % of 213 false bad verdicts, in
/// about 8,650 tests, is 0.3 in 100; rounded up, since the sample is small.
const FALSE_TITLE: f64 = 0.005;

/// How much more often a near title (same area) comes from a kernel with the bug: of truly bad verdicts 8 %
/// show no title of the start commit, of truly good ones 5 % crash at all, and near titles are few of those.
const NEAR_TITLE: f64 = 3.0;

/// The belief in one stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// Which stretch, by its number.
    pub region: usize,
    /// The probability that the crash begins to show in it.
    pub probability: f64,
}

/// The runs of every kernel, as every cluster sees them. Titles are compared once, here.
pub(crate) struct Kernels(BTreeMap<usize, Vec<Likelihood>>);

impl Kernels {
    pub(crate) fn of(clusters: &[TitleCluster], tests: &[Tested]) -> Self {
        let view =
            |tally: &Tally| Counted::of(clusters, tally).iter().map(Likelihood::of).collect();
        Self(pooled(tests).iter().map(|(kernel, tally)| (*kernel, view(tally))).collect())
    }
}

/// The belief of one cluster in every stretch, in the order of the stretches; empty when the runs exclude them
/// all.
pub(crate) fn posterior(
    cluster: usize,
    kernels: &Kernels,
    tests: &[Tested],
    regions: &[Region],
) -> Vec<Belief> {
    let mut weights: Vec<f64> = regions
        .iter()
        .map(|region| {
            let presence = kernel_presence(region, tests);
            region.size * evidence(cluster, kernels, &presence)
        })
        .collect();
    let total: f64 = weights.iter().sum();
    if !(total.is_finite() && total > 0.0) {
        return Vec::new();
    }
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
        .into_iter()
        .enumerate()
        .map(|(region, probability)| Belief { region, probability })
        .collect()
}

/// For each kernel, the probability that it contains the stretch; `None` where equal kernels would differ.
fn kernel_presence(region: &Region, tests: &[Tested]) -> BTreeMap<usize, Option<f64>> {
    let mut kernels: BTreeMap<usize, Option<Presence>> = BTreeMap::new();
    for (test, presence) in tests.iter().zip(&region.presence) {
        if test.phase == Phase::Configuration {
            continue;
        }
        kernels
            .entry(test.kernel)
            .and_modify(|known| *known = known.and_then(|known| agree(known, *presence)))
            .or_insert(Some(*presence));
    }
    kernels.into_iter().map(|(kernel, p)| (kernel, p.map(Presence::probability))).collect()
}

fn agree(a: Presence, b: Presence) -> Option<Presence> {
    use Presence::{Likely, No, Unknown, Yes};
    match (a, b) {
        (Yes, No) | (No, Yes) => None,
        (Unknown, known) | (known, Unknown) => Some(known),
        // What is only likely gives way to what is known.
        (Likely, known) | (known, Likely) => Some(known),
        (same, _) => Some(same),
    }
}

/// The probability of a kernel's runs.
struct Likelihood {
    /// With the bug, for each detection probability.
    with_bug: [f64; DETECTION.len()],
    without_bug: f64,
}

impl Likelihood {
    fn of(runs: &Counted) -> Self {
        Self {
            with_bug: DETECTION.map(|detection| runs.with_bug(detection)),
            without_bug: runs.without_bug(),
        }
    }
}

/// The probability of all runs, averaged over the detection probability.
fn evidence(cluster: usize, kernels: &Kernels, presence: &BTreeMap<usize, Option<f64>>) -> f64 {
    if presence.values().any(Option::is_none) {
        return 0.0;
    }
    let mut products = [1.0; DETECTION.len()];
    for (kernel, clusters) in &kernels.0 {
        let likelihood = &clusters[cluster];
        let contained = presence.get(kernel).copied().flatten().unwrap_or(0.5);
        for (product, with_bug) in products.iter_mut().zip(&likelihood.with_bug) {
            *product *= contained * with_bug + (1.0 - contained) * likelihood.without_bug;
        }
    }
    products.iter().sum::<f64>() / DETECTION.len() as f64
}

/// The runs of a kernel as one cluster sees them.
struct Counted {
    /// Crashes of the cluster.
    hits: f64,
    /// Runs that could have shown it and did not.
    misses: f64,
    /// Whether a crash of the same area was seen, and none of the cluster.
    near: bool,
}

impl Counted {
    /// For each cluster.
    fn of(clusters: &[TitleCluster], tally: &Tally) -> Vec<Self> {
        let hits: Vec<u32> = clusters.iter().map(|cluster| cluster.hits_in(tally)).collect();
        let all: u32 = hits.iter().sum();
        clusters
            .iter()
            .zip(hits)
            .map(|(cluster, hits)| {
                // A title can be near to two clusters; it is counted once.
                let others = (all - hits).min(tally.crashed() - hits);
                let near = hits == 0 && cluster.nearest_in(tally) == Some(Nearness::SameArea);
                Self { hits: f64::from(hits), misses: f64::from(tally.clean + others), near }
            })
            .collect()
    }

    fn with_bug(&self, detection: f64) -> f64 {
        let fires = detection.powf(self.hits) * (1.0 - detection).powf(self.misses);
        let silent = if self.hits > 0.0 { 0.0 } else { 1.0 };
        let factor = if self.near { NEAR_TITLE } else { 1.0 };
        // A near title is a hit under another name: the clean runs beside it count no further against it.
        if self.near { factor } else { (1.0 - SILENT) * fires + SILENT * silent }
    }

    fn without_bug(&self) -> f64 {
        if self.hits == 0.0 {
            return 1.0;
        }
        // By another bug of the same title, at any rate.
        let runs = self.hits + self.misses;
        let ways: f64 = (0..self.hits as u32)
            .map(|at| (runs - f64::from(at)) / (self.hits - f64::from(at)))
            .product();
        FALSE_TITLE / ((runs + 1.0) * ways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(crashes: &[(&str, u32)], clean: u32) -> Tally {
        Tally {
            crashes: crashes.iter().map(|(title, count)| ((*title).to_owned(), *count)).collect(),
            clean,
            ..Tally::default()
        }
    }

    fn cluster(title: &str, hits: u32) -> TitleCluster {
        TitleCluster { titles: vec![title.to_owned()], hits, runs: 20, lines: Vec::new() }
    }

    #[test]
    fn clean_runs_speak_against_the_bug_by_its_rate() {
        let one = cluster("WARNING in f_one", 20);
        let runs = &Counted::of(std::slice::from_ref(&one), &tally(&[], 10))[0];
        assert!(runs.with_bug(0.999) < 0.04 && runs.with_bug(0.02) > 0.8);
        assert_eq!(runs.without_bug(), 1.0);
    }

    #[test]
    fn a_crash_the_start_never_shows_is_no_evidence() {
        let one = cluster("WARNING in f_one", 20);
        let runs =
            &Counted::of(std::slice::from_ref(&one), &tally(&[("possible deadlock in x", 10)], 0))
                [0];
        assert!((runs.with_bug(0.5) - runs.without_bug()).abs() < 1e-9);
    }

    #[test]
    fn the_other_bug_of_the_start_commit_is_evidence_against() {
        let (one, two) = (cluster("WARNING in f_one", 9), cluster("possible deadlock in g", 11));
        let clusters = [one, two];
        let runs = &Counted::of(&clusters, &tally(&[("possible deadlock in g", 10)], 0))[0];
        assert!(runs.with_bug(0.5) < 0.05);
    }

    #[test]
    fn a_wanted_title_nearly_proves_the_bug() {
        let one = cluster("WARNING in f_one", 20);
        let runs =
            &Counted::of(std::slice::from_ref(&one), &tally(&[("WARNING in f_one", 10)], 0))[0];
        assert!(runs.without_bug() < 0.001 * runs.with_bug(0.999));
    }
}
