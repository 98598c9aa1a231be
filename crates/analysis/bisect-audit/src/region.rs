//! The stretches of history between which the tests of a log can tell.
//!
//! A stretch is a set of commits that every test either contains or does not contain: no test separates two
//! commits of it. With the tree at hand the stretches are exact ([`crate::lineage`]). From the log alone
//! they follow from the walk over releases and from what each verdict made git discard: after `bad` only
//! ancestors of the tested commit stay, after `good` only the others. One thing the log cannot tell:
//! whether what a `good` verdict discarded lies under the commits tested later. On a line it does; with
//! merges it may not, so [`Presence::Likely`].

use model::CommitId;
use parse_bisect_log::{Answer, BisectLog, Phase, Verdict};

use crate::tested::Tested;

/// Commits between two mainline releases, where the log does not say: v4.20 to v6.2 had 11,000 to 17,000.
const RELEASE_COMMITS: f64 = 14_000.0;

/// Whether a tested kernel contains the commits of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It does, unless a merge goes around it.
    Likely,
    /// The log does not tell.
    Unknown,
}

impl Presence {
    /// The probability that the kernel contains the commits.
    pub(crate) const fn probability(self) -> f64 {
        match self {
            Self::Yes => 1.0,
            Self::No => 0.0,
            Self::Likely => 0.75,
            Self::Unknown => 0.5,
        }
    }
}

/// Where a stretch lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the history of `new`, not in that of any of `old`. Names as git takes them.
    Between {
        /// The tested commits that do not contain the stretch and bound it.
        old: Vec<String>,
        /// The tested commit that contains it.
        new: String,
    },
    /// In the history of the oldest tested commit.
    OlderThan {
        /// Its name.
        name: String,
    },
    /// The commit, or the commits, that the log names.
    Named {
        /// The commits.
        ids: Vec<CommitId>,
    },
}

/// A stretch of history.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Where it lies.
    pub place: Place,
    /// How many commits it has.
    pub size: f64,
    /// Whether the size is an estimate.
    pub estimated: bool,
    /// For each test, whether its kernel contains the stretch.
    pub presence: Vec<Presence>,
    /// A commit that halves it, when the tree is known.
    pub middle: Option<CommitId>,
}

/// The stretches, from the log alone. Empty when the log holds no walk from a bad to a good end.
pub(crate) fn regions(log: &BisectLog, tests: &[Tested]) -> Vec<Region> {
    // The walk, from new to old: the start commit and the releases.
    let chain: Vec<usize> = (0..tests.len())
        .filter(|at| matches!(tests[*at].phase, Phase::Original | Phase::Release))
        .collect();
    let Some(&oldest) = chain.last() else { return Vec::new() };
    let mut regions = Vec::new();
    let bisected = bisected(log, tests, &chain);
    for (step, pair) in chain.windows(2).enumerate() {
        if bisected.is_some_and(|(bad, good)| bad <= step && step < good) {
            if bisected.is_some_and(|(bad, _)| bad == step) {
                let (bad, good) = (chain[step], chain[bisected.map_or(step + 1, |(_, good)| good)]);
                regions.extend(bisect_regions(log, tests, &chain, bad, good));
            }
            continue;
        }
        regions.push(Region {
            place: Place::Between {
                old: vec![revision(&tests[pair[1]])],
                new: revision(&tests[pair[0]]),
            },
            // The start commit lies somewhere in the development of the next release.
            size: if step == 0 { RELEASE_COMMITS / 2.0 } else { RELEASE_COMMITS },
            estimated: true,
            presence: chain_presence(tests, &chain, step, bisected),
            middle: None,
        });
    }
    regions.push(Region {
        place: Place::OlderThan { name: revision(&tests[oldest]) },
        size: 3.0 * RELEASE_COMMITS,
        estimated: true,
        presence: vec![Presence::Yes; tests.len()],
        middle: None,
    });
    regions
}

/// How git takes the commit of a test: a release by its tag, any other commit by its short name.
pub(crate) fn revision(test: &Tested) -> String {
    test.name().to_owned()
}

/// The positions in the walk of the bad and the good end that git was given.
fn bisected(log: &BisectLog, tests: &[Tested], chain: &[usize]) -> Option<(usize, usize)> {
    let range = log.range.as_ref()?;
    let position = |end: &str| {
        chain.iter().position(|at| {
            tests[*at].commit.as_str() == end || tests[*at].release.as_deref() == Some(end)
        })
    };
    let bad = position(&range.bad)?;
    let good = range.good.iter().find_map(|end| position(end))?;
    (bad < good).then_some((bad, good))
}

/// Presence for a stretch right below position `step` of the walk. Commits tested by git lie between the
/// ends it was given: a stretch above the bad end is in none of them, one below the good end in all.
fn chain_presence(
    tests: &[Tested],
    chain: &[usize],
    step: usize,
    bisected: Option<(usize, usize)>,
) -> Vec<Presence> {
    let yes = |condition: bool| if condition { Presence::Yes } else { Presence::No };
    (0..tests.len())
        .map(|at| match (tests[at].phase, bisected) {
            (Phase::Bisect, Some((bad, _))) => yes(step >= bad),
            (Phase::Original | Phase::Release, _) => yes(at <= chain[step]),
            (Phase::Configuration, _) => Presence::Yes,
            (Phase::Bisect | Phase::Other, _) => Presence::Unknown,
        })
        .collect()
}

/// One verdict given to git, with its test.
struct Step {
    test: usize,
    verdict: Verdict,
    /// Commits that it took out of the search.
    discarded: f64,
}

fn bisect_regions(
    log: &BisectLog,
    tests: &[Tested],
    chain: &[usize],
    bad: usize,
    good: usize,
) -> Vec<Region> {
    let steps = steps(log, tests);
    let outside = |at: usize| {
        if tests[at].phase == Phase::Bisect {
            None
        } else if at <= bad || !chain.contains(&at) {
            Some(Presence::Yes)
        } else if at >= good {
            Some(Presence::No)
        } else {
            // A release between the ends, which could not be tested.
            Some(Presence::Unknown)
        }
    };
    let presence = |of: &dyn Fn(usize) -> Presence| -> Vec<Presence> {
        let step_of = |at: usize| steps.iter().position(|step| step.test == at);
        (0..tests.len())
            .map(|at| outside(at).unwrap_or_else(|| step_of(at).map_or(Presence::Unknown, of)))
            .collect()
    };
    let mut regions = Vec::new();
    let mut new = revision(&tests[bad]);
    let mut old = vec![revision(&tests[good])];
    for (number, step) in steps.iter().enumerate() {
        if step.verdict == Verdict::Skip {
            continue;
        }
        let name = revision(&tests[step.test]);
        let in_test = |other: usize| match steps[other].verdict {
            _ if steps[other].verdict == Verdict::Skip => Presence::Unknown,
            verdict if other < number => {
                if verdict == Verdict::Bad {
                    Presence::Yes
                } else {
                    Presence::No
                }
            }
            _ if other == number => {
                if step.verdict == Verdict::Bad {
                    Presence::No
                } else {
                    Presence::Yes
                }
            }
            _ if step.verdict == Verdict::Bad => Presence::No,
            _ => Presence::Likely,
        };
        let place = if step.verdict == Verdict::Bad {
            let mut without = old.clone();
            without.insert(0, name.clone());
            Place::Between { old: without, new: new.clone() }
        } else {
            Place::Between { old: old.clone(), new: name.clone() }
        };
        regions.push(Region {
            place,
            size: step.discarded,
            estimated: false,
            presence: presence(&in_test),
            middle: None,
        });
        if step.verdict == Verdict::Bad {
            new = name;
        } else {
            old.insert(0, name);
            // Older good ends are ancestors of newer ones more often than not; three bound it well enough.
            old.truncate(3);
        }
    }
    let last = |other: usize| match steps[other].verdict {
        Verdict::Bad => Presence::Yes,
        Verdict::Good => Presence::No,
        Verdict::Skip => Presence::Unknown,
    };
    let (place, size) = match &log.answer {
        Answer::Commit { id, .. } => (Place::Named { ids: vec![id.clone()] }, 1.0),
        Answer::Candidates { ids, .. } => {
            (Place::Named { ids: ids.clone() }, ids.len().max(1) as f64)
        }
        _ => (
            Place::Between { old, new },
            steps.last().map_or(RELEASE_COMMITS, |step| step.discarded),
        ),
    };
    regions.push(Region { place, size, estimated: false, presence: presence(&last), middle: None });
    regions
}

/// The verdicts of the bisection in order. git prints how many revisions a test would leave; about as many
/// go when the verdict falls the other way, so either way about that many are discarded.
fn steps(log: &BisectLog, tests: &[Tested]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, test) in tests.iter().enumerate() {
        if test.phase != Phase::Bisect
            || steps.iter().any(|step| tests[step.test].commit == test.commit)
        {
            continue;
        }
        let Some(verdict) = test.taken else { continue };
        let left = log.tests[at].remaining.map_or(0, |progress| progress.value);
        steps.push(Step { test: at, verdict, discarded: left as f64 + 1.0 });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tested::tested;

    const START: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const V2: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const V1: &str = "cccccccccccccccccccccccccccccccccccccccc";
    const X: &str = "dddddddddddddddddddddddddddddddddddddddd";
    const Y: &str = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";

    fn walk() -> (BisectLog, Vec<Tested>) {
        let crash = "all runs: crashed: WARNING in f\n";
        let text = format!(
            "bisecting cause commit starting from {START}\ntesting commit {START}\n{crash}\
             testing release v2\ntesting commit {V2}\n{crash}testing release v1\ntesting commit {V1}\nall runs: OK\n\
             # git bisect start v2 v1\nBisecting: 99 revisions left to test after this (roughly 7 steps)\n[{X}] x\n\
             testing commit {X}\n{crash}# git bisect bad {X}\n\
             Bisecting: 49 revisions left to test after this (roughly 6 steps)\n[{Y}] y\n\
             testing commit {Y}\nall runs: OK\n# git bisect good {Y}\n{X} is the first bad commit\n"
        );
        let log = parse_bisect_log::read(text.as_bytes());
        let tests = tested(&log);
        (log, tests)
    }

    #[test]
    fn every_stretch_knows_which_tests_contain_it() {
        use Presence::{No, Yes};
        let (log, tests) = walk();
        let regions = regions(&log, &tests);
        let rows: Vec<_> = regions.iter().map(|r| (r.size, r.presence.clone())).collect();
        // Columns: start, v2, v1, x, y.
        assert_eq!(
            rows,
            [
                (7000.0, vec![Yes, No, No, No, No]),
                (100.0, vec![Yes, Yes, No, No, No]),
                (50.0, vec![Yes, Yes, No, Yes, Yes]),
                (1.0, vec![Yes, Yes, No, Yes, No]),
                (42000.0, vec![Yes; 5]),
            ]
        );
    }

    #[test]
    fn a_stretch_is_named_as_git_takes_it() {
        let (log, tests) = walk();
        let places: Vec<_> = regions(&log, &tests).into_iter().map(|region| region.place).collect();
        let between = |old: &[&str], new: &str| Place::Between {
            old: old.iter().map(|name| (*name).to_owned()).collect(),
            new: new.to_owned(),
        };
        assert_eq!(places[0], between(&["v2"], &START[..12]));
        assert_eq!(places[1], between(&[&X[..12], "v1"], "v2"));
        assert_eq!(places[2], between(&["v1"], &Y[..12]));
        assert!(matches!(&places[3], Place::Named { ids } if ids[0].as_str() == X));
        assert_eq!(places[4], Place::OlderThan { name: "v1".to_owned() });
    }
}
