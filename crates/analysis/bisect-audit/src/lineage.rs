//! Stretches of history from the real DAG: commits that the same tests contain.

use std::collections::{BTreeMap, HashMap};

use model::CommitId;
use parse_bisect_log::{Answer, BisectLog};

use crate::region::{Place, Presence, Region, revision};
use crate::tested::Tested;

/// The history of the tested commits.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// The commits, each before all of its parents (as `git rev-list --topo-order` prints them). Parents
    /// outside the list are ignored: they are older than every test that matters.
    pub commits: Vec<LineageCommit>,
    /// The tested commit at which the list was cut off: it contains none of it.
    pub base: Option<CommitId>,
}

/// A commit and its parents.
#[derive(Clone, Debug)]
pub struct LineageCommit {
    /// The commit.
    pub id: CommitId,
    /// Its parents.
    pub parents: Vec<CommitId>,
}

/// Largest stretch whose middle is computed; a larger one is left to `git rev-list --bisect`.
const LARGEST_HALVED: usize = 4_000;

/// A set of tests, one bit each.
type TestSet = Vec<u64>;

/// The stretches, exactly. Nothing when no tested commit is in the lineage.
pub(crate) fn regions(lineage: &Lineage, log: &BisectLog, tests: &[Tested]) -> Vec<Region> {
    let position: HashMap<&CommitId, usize> =
        lineage.commits.iter().enumerate().map(|(at, commit)| (&commit.id, at)).collect();
    let words = tests.len().div_ceil(64);
    let mut containing: Vec<TestSet> = vec![vec![0; words]; lineage.commits.len()];
    let mut known = vec![false; tests.len()];
    for (test, tested) in tests.iter().enumerate() {
        if let Some(&at) = position.get(&tested.commit) {
            containing[at][test / 64] |= 1 << (test % 64);
            known[test] = true;
        }
    }
    let base = tests.iter().position(|tested| Some(&tested.commit) == lineage.base.as_ref());
    if let Some(base) = base {
        known[base] = true;
    }
    for at in 0..lineage.commits.len() {
        let own = containing[at].clone();
        for parent in &lineage.commits[at].parents {
            if let Some(&parent) = position.get(parent)
                && parent > at
            {
                for (word, own) in containing[parent].iter_mut().zip(&own) {
                    *word |= own;
                }
            }
        }
    }
    let named = match &log.answer {
        Answer::Commit { id, .. } => position.get(id).copied(),
        _ => None,
    };
    let mut stretches: BTreeMap<(TestSet, bool), Vec<usize>> = BTreeMap::new();
    for (at, set) in containing.iter().enumerate() {
        if set.iter().any(|word| *word != 0) {
            // The named commit stands alone: what is said about it is said about nothing else.
            stretches.entry((set.clone(), named == Some(at))).or_default().push(at);
        }
    }
    // How much of the lineage a test contains: the newest test contains most.
    let mut weight = vec![0usize; tests.len()];
    for set in &containing {
        for (test, weight) in weight.iter_mut().enumerate() {
            *weight += usize::from(has(set, test));
        }
    }
    let mut regions: Vec<Region> = stretches
        .iter()
        .map(|((set, is_named), members)| {
            region(lineage, &position, tests, &known, &weight, set, *is_named, members)
        })
        .collect();
    regions.sort_by(|a, b| b.size.total_cmp(&a.size));
    let oldest = (0..tests.len()).filter(|test| known[*test]).min_by_key(|test| weight[*test]);
    if let Some(oldest) = base.or(oldest) {
        regions.push(Region {
            place: Place::OlderThan { name: revision(&tests[oldest]) },
            size: lineage.commits.len() as f64,
            estimated: true,
            presence: (0..tests.len())
                .map(|test| if known[test] { Presence::Yes } else { Presence::Unknown })
                .collect(),
            middle: None,
        });
    }
    regions
}

fn has(set: &TestSet, test: usize) -> bool {
    set[test / 64] >> (test % 64) & 1 == 1
}

#[expect(clippy::too_many_arguments, reason = "one call; a struct for it would only rename them")]
fn region(
    lineage: &Lineage,
    position: &HashMap<&CommitId, usize>,
    tests: &[Tested],
    known: &[bool],
    weight: &[usize],
    set: &TestSet,
    is_named: bool,
    members: &[usize],
) -> Region {
    let presence: Vec<Presence> = (0..tests.len())
        .map(|test| match (known[test], has(set, test)) {
            (false, _) => Presence::Unknown,
            (true, true) => Presence::Yes,
            (true, false) => Presence::No,
        })
        .collect();
    let with = |wanted: Presence| {
        (0..tests.len()).filter(move |t| known[*t] && presence_is(set, *t, wanted))
    };
    let new = with(Presence::Yes).min_by_key(|test| weight[*test]);
    let mut old: Vec<usize> = with(Presence::No).collect();
    old.sort_by_key(|test| std::cmp::Reverse(weight[*test]));
    let mut names: Vec<String> = old.iter().map(|test| revision(&tests[*test])).collect();
    names.dedup();
    names.truncate(4);
    let place = if is_named {
        Place::Named { ids: vec![lineage.commits[members[0]].id.clone()] }
    } else {
        Place::Between {
            old: names,
            new: new.map_or_else(String::new, |test| revision(&tests[test])),
        }
    };
    Region {
        place,
        size: members.len() as f64,
        estimated: false,
        presence,
        middle: middle(lineage, position, members),
    }
}

fn presence_is(set: &TestSet, test: usize, wanted: Presence) -> bool {
    has(set, test) == (wanted == Presence::Yes)
}

/// The commit whose ancestors inside the stretch come nearest to half of it.
fn middle(
    lineage: &Lineage,
    position: &HashMap<&CommitId, usize>,
    members: &[usize],
) -> Option<CommitId> {
    if members.len() < 2 || members.len() > LARGEST_HALVED {
        return None;
    }
    let slot: HashMap<usize, usize> =
        members.iter().enumerate().map(|(slot, at)| (*at, slot)).collect();
    let words = members.len().div_ceil(64);
    let mut ancestors: Vec<TestSet> = vec![Vec::new(); members.len()];
    let mut best = (usize::MAX, members.len() / 2);
    // From the oldest on, so that parents are complete.
    for own in (0..members.len()).rev() {
        let mut set = vec![0u64; words];
        set[own / 64] |= 1 << (own % 64);
        for parent in &lineage.commits[members[own]].parents {
            let Some(parent) = position.get(parent).and_then(|at| slot.get(at)) else { continue };
            for (word, other) in set.iter_mut().zip(&ancestors[*parent]) {
                *word |= other;
            }
        }
        let count: usize = set.iter().map(|word| word.count_ones() as usize).sum();
        let off = (2 * count).abs_diff(members.len());
        if off < best.0 {
            best = (off, own);
        }
        ancestors[own] = set;
    }
    Some(lineage.commits[members[best.1]].id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tested::tested;

    fn id(letter: char) -> CommitId {
        CommitId::parse(&letter.to_string().repeat(40)).unwrap()
    }

    fn lineage(rows: &[(char, &str)]) -> Lineage {
        let commits = rows
            .iter()
            .map(|(name, parents)| LineageCommit {
                id: id(*name),
                parents: parents.chars().map(id).collect(),
            })
            .collect();
        Lineage { commits, base: None }
    }

    /// `f` merges `e` (over `c`) and `d` (over `b`); both grow from `a`.
    fn merged() -> Lineage {
        lineage(&[('f', "ed"), ('e', "c"), ('d', "b"), ('c', "a"), ('b', "a"), ('a', "")])
    }

    #[test]
    fn a_side_branch_is_not_taken_for_an_ancestor() {
        let log = parse_bisect_log::read(
            format!(
                "bisecting cause commit starting from {f}\ntesting commit {f}\nall runs: crashed: WARNING in g\n\
                 testing release v1\ntesting commit {a}\nall runs: OK\n# git bisect start {f} {a}\n\
                 testing commit {d}\nall runs: OK\n# git bisect good {d}\n",
                f = id('f'),
                a = id('a'),
                d = id('d')
            )
            .as_bytes(),
        );
        let tests = tested(&log);
        let regions = regions(&merged(), &log, &tests);
        // Columns: f, a, d. The other side (f, e, c) is in the start only.
        let other = regions.iter().find(|region| region.size == 3.0).unwrap();
        assert_eq!(other.presence, [Presence::Yes, Presence::No, Presence::No]);
        let side = regions.iter().find(|region| region.size == 2.0).unwrap();
        assert_eq!(side.presence, [Presence::Yes, Presence::No, Presence::Yes]);
        assert_eq!(
            side.place,
            Place::Between { old: vec!["v1".to_owned()], new: id('d').short().to_owned() }
        );
    }

    #[test]
    fn the_middle_halves_the_ancestors() {
        let line = lineage(&[('e', "d"), ('d', "c"), ('c', "b"), ('b', "a"), ('a', "")]);
        let position: HashMap<_, _> =
            line.commits.iter().enumerate().map(|(at, c)| (&c.id, at)).collect();
        let middle = middle(&line, &position, &[0, 1, 2, 3]).unwrap();
        assert_eq!(middle, id('c'));
    }
}
