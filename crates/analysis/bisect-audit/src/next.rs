//! What to test next, in order: by what a test teaches about where the crash begins to show, in bits a minute.

use model::CommitId;
use parse_bisect_log::{Answer, BisectLog, Phase};

use crate::belief::Belief;
use crate::cluster::TitleCluster;
use crate::finding::Purpose;
use crate::region::{Place, Presence, Region, revision};
use crate::tested::Tested;

/// Minutes of a build and of a run, where the log does not tell: the mean of syzbot's logs.
const BUILD_MINUTES: f64 = 6.2;
const RUN_MINUTES: f64 = 0.7;

/// Most runs that are proposed for one kernel.
const MOST_RUNS: u32 = 40;

/// How many tests are proposed.
const PROPOSED: usize = 6;

/// A proposed test.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The commit, when it is known. The middle of a stretch is known with the tree only.
    pub commit: Option<CommitId>,
    /// How to get the commit: a revision, or the git command that prints it.
    pub revision: String,
    /// How many runs.
    pub runs: u32,
    /// Minutes of machine time, by the log's own pace.
    pub minutes: f64,
    /// Why.
    pub purpose: Purpose,
}

/// What a test costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    build: f64,
    run: f64,
}

impl Pace {
    /// The pace of the log.
    pub(crate) fn of(log: &BisectLog, tests: &[Tested]) -> Self {
        let runs: u32 = tests.iter().map(|test| test.tally.total()).sum();
        match &log.totals {
            Some(totals) if totals.revisions > 0 && runs > 0 => Self {
                build: totals.build_seconds / 60.0 / totals.revisions as f64,
                run: totals.test_seconds / 60.0 / f64::from(runs),
            },
            _ => Self { build: BUILD_MINUTES, run: RUN_MINUTES },
        }
    }

    fn minutes(self, runs: u32) -> f64 {
        self.build + self.run * f64::from(runs)
    }
}

/// Everything the choice rests on.
pub(crate) struct Choice<'a> {
    pub(crate) log: &'a BisectLog,
    pub(crate) tests: &'a [Tested],
    pub(crate) clusters: &'a [TitleCluster],
    pub(crate) regions: &'a [Region],
    /// For each cluster, the belief in each region.
    pub(crate) beliefs: &'a [Vec<Belief>],
    /// Whether the named commit can be the cause at all.
    pub(crate) named_possible: bool,
    pub(crate) pace: Pace,
}

/// The tests to make, the most telling a minute first.
pub(crate) fn next(choice: &Choice<'_>) -> Vec<Next> {
    let mut ranked: Vec<(f64, Next)> = Vec::new();
    for (cluster, beliefs) in choice.clusters.iter().zip(choice.beliefs) {
        let detection = detection(cluster);
        for belief in beliefs.iter().filter(|belief| belief.probability > 0.02) {
            ranked.extend(middle(choice, cluster, beliefs, belief, detection));
        }
        for at in 0..choice.tests.len() {
            ranked.extend(again(choice, cluster, beliefs, at, detection));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut proposed: Vec<Next> = proof(choice);
    for (_, next) in ranked {
        if proposed.len() < PROPOSED && proposed.iter().all(|known| known.revision != next.revision)
        {
            proposed.push(next);
        }
    }
    proposed
}

/// The rate at which the start commit shows the cluster, never quite 0 or 1.
fn detection(cluster: &TitleCluster) -> f64 {
    (f64::from(cluster.hits) + 0.5) / (f64::from(cluster.runs) + 1.0)
}

/// Runs after which silence is evidence at 20 to 1.
fn runs_for(detection: f64) -> u32 {
    let runs = (0.05_f64.ln() / (1.0 - detection).ln()).ceil();
    (runs.clamp(1.0, f64::from(MOST_RUNS)) as u32).max(3)
}

/// Bits about the bug's presence (probability `present`) that runs with this chance of showing it teach.
fn bits(present: f64, shows: f64) -> f64 {
    let entropy = |p: f64| {
        if p <= 0.0 || p >= 1.0 { 0.0 } else { -p * p.log2() - (1.0 - p) * (1.0 - p).log2() }
    };
    entropy(present * shows) - present * entropy(shows)
}

/// The number of runs with the most bits a minute, and those.
fn best_runs(pace: Pace, present: f64, detection: f64) -> (u32, f64) {
    (1..=MOST_RUNS)
        .map(|runs| {
            let shows = 1.0 - (1.0 - detection).powi(runs as i32);
            (runs, bits(present, shows) / pace.minutes(runs))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((1, 0.0))
}

/// The middle of a stretch.
fn middle(
    choice: &Choice<'_>,
    cluster: &TitleCluster,
    beliefs: &[Belief],
    belief: &Belief,
    detection: f64,
) -> Option<(f64, Next)> {
    let region = &choice.regions[belief.region];
    let Place::Between { old, new } = &region.place else { return None };
    if region.size < 2.0 {
        return None;
    }
    // What every bounding older commit contains, the middle contains too.
    let olds: Vec<usize> =
        (0..choice.tests.len()).filter(|at| old.contains(&revision(&choice.tests[*at]))).collect();
    let below: f64 = beliefs
        .iter()
        .filter(|other| {
            other.region != belief.region
                && olds.iter().any(|at| choice.regions[other.region].presence[*at] == Presence::Yes)
        })
        .map(|other| other.probability)
        .sum();
    let present = below + belief.probability / 2.0;
    let (runs, gain) = best_runs(choice.pace, present, detection);
    let stretch = format!("{new} --not {}", old.join(" "));
    Some((
        gain,
        Next {
            commit: region.middle.clone(),
            revision: region.middle.as_ref().map_or_else(
                || format!("git rev-list --bisect {stretch}"),
                |id| id.short().to_owned(),
            ),
            runs,
            minutes: choice.pace.minutes(runs),
            purpose: Purpose::Halve {
                commits: (!region.estimated).then_some(region.size),
                within: new.clone(),
                without: old.clone(),
                belief: belief.probability,
                title: cluster.title().to_owned(),
            },
        },
    ))
}

/// A kernel once more.
fn again(
    choice: &Choice<'_>,
    cluster: &TitleCluster,
    beliefs: &[Belief],
    at: usize,
    detection: f64,
) -> Option<(f64, Next)> {
    let test = &choice.tests[at];
    // What did not boot or build then will not now.
    let untestable = test.unbuildable || test.tally.usable() == 0;
    if test.phase == Phase::Configuration || untestable || cluster.hits_in(&test.tally) > 0 {
        return None;
    }
    let present: f64 = beliefs
        .iter()
        .map(|belief| belief.probability * choice.regions[belief.region].presence[at].probability())
        .sum();
    if !(0.03..=0.97).contains(&present) {
        return None;
    }
    let (runs, gain) = best_runs(choice.pace, present, detection);
    let usable = test.tally.usable();
    let hiding = choice
        .clusters
        .iter()
        .find(|other| *other != cluster && other.hits_in(&test.tally) == usable);
    Some((
        gain,
        Next {
            commit: Some(test.commit.clone()),
            revision: revision(test),
            runs,
            minutes: choice.pace.minutes(runs),
            purpose: Purpose::Again {
                title: cluster.title().to_owned(),
                present,
                runs: usable,
                hidden_by: hiding.map(|other| other.title().to_owned()),
            },
        },
    ))
}

/// What proves or refutes a named commit that may be right: culprit, parent and the revert.
fn proof(choice: &Choice<'_>) -> Vec<Next> {
    let Answer::Commit { id, .. } = &choice.log.answer else { return Vec::new() };
    let Some(cluster) = choice.clusters.first().filter(|_| choice.named_possible) else {
        return Vec::new();
    };
    let named = choice
        .beliefs
        .iter()
        .flatten()
        .filter(|belief| matches!(choice.regions[belief.region].place, Place::Named { .. }));
    if named.map(|belief| belief.probability).fold(0.0, f64::max) < 0.5 {
        return Vec::new();
    }
    let runs = runs_for(detection(cluster));
    let short = id.short();
    let start = choice.tests.first().map_or_else(|| "the start commit".to_owned(), revision);
    vec![
        Next {
            commit: None,
            revision: format!("git revert {short} on {start}"),
            runs,
            minutes: choice.pace.minutes(runs),
            purpose: Purpose::Revert { title: cluster.title().to_owned(), commit: id.clone() },
        },
        Next {
            commit: None,
            revision: format!("{short}^"),
            runs,
            minutes: choice.pace.minutes(runs),
            purpose: Purpose::Parent { runs },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sure_outcome_teaches_nothing_and_an_even_one_a_bit() {
        assert_eq!(bits(0.0, 1.0), 0.0);
        assert!((bits(0.5, 1.0) - 1.0).abs() < 1e-12);
        assert!(bits(0.5, 0.5) < 0.5);
    }

    #[test]
    fn a_rare_crash_asks_for_more_runs_on_one_build() {
        let pace = Pace { build: 7.0, run: 1.0 };
        let (often, _) = best_runs(pace, 0.5, 0.95);
        let (rarely, _) = best_runs(pace, 0.5, 0.1);
        assert!(often <= 2 && rarely >= 8, "{often} {rarely}");
        assert!(runs_for(0.5) >= 4 && runs_for(0.02) == MOST_RUNS);
    }
}
