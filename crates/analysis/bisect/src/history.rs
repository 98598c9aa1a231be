//! The commits between the ends and who descends from whom: the exact graph, never a list of it.
//!
//! Invariants: a commit is its position; every parent stands before its children; the good ends are
//! outside, so a commit whose parents are all outside has none here.

use crate::bits::CommitSet;

/// The commit graph of a range.
#[derive(Clone, Debug)]
pub struct History {
    /// Parents of all commits, one after the other; `starts[c]..starts[c + 1]` are those of `c`.
    parents: Vec<u32>,
    starts: Vec<u32>,
    /// Per merge: what the parents other than the largest bring in on top of it.
    extra: Vec<Merge>,
    /// Per commit: number of its ancestors, itself included.
    ancestors: Vec<u32>,
    /// Per commit: index into `extra`, or `NO_MERGE`.
    merge: Vec<u32>,
    /// Per commit: where the row of commits ends that lead to it, each the only parent of the next.
    row: Vec<u32>,
}

const NO_MERGE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Merge {
    largest: u32,
    brought: Vec<u32>,
}

/// Why a graph cannot be bisected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Nothing between the ends.
    #[error("the range holds no commit")]
    Empty,
    /// A parent does not stand before its child.
    #[error("commit {child} of the range names parent {parent}, which does not stand before it")]
    NotInOrder {
        /// Position of the child.
        child: usize,
        /// Position the child names.
        parent: usize,
    },
    /// More commits than positions.
    #[error("the range holds {0} commits, more than can be bisected")]
    TooLarge(usize),
}

impl History {
    /// Takes the parents of each commit, by position, oldest commits first.
    ///
    /// Cost: time grows with commits plus, for every merge, the span back to its merge base.
    ///
    /// # Errors
    /// When there is no commit, or a parent does not stand before its child.
    pub fn new<P: AsRef<[usize]>>(commits: &[P]) -> Result<Self, HistoryError> {
        let len = commits.len();
        if len == 0 {
            return Err(HistoryError::Empty);
        }
        if len >= NO_MERGE as usize / 2 {
            return Err(HistoryError::TooLarge(len));
        }
        let mut history = Self {
            parents: Vec::with_capacity(len + len / 8),
            starts: Vec::with_capacity(len + 1),
            extra: Vec::new(),
            ancestors: Vec::with_capacity(len),
            merge: vec![NO_MERGE; len],
            row: Vec::with_capacity(len),
        };
        history.starts.push(0);
        let mut paint = Paint { marks: vec![0; len] };
        for (child, parents) in commits.iter().enumerate() {
            let first = history.parents.len();
            for &parent in parents.as_ref() {
                if parent >= child {
                    return Err(HistoryError::NotInOrder { child, parent });
                }
                let parent = parent as u32;
                if !history.parents[first..].contains(&parent) {
                    history.parents.push(parent);
                }
            }
            history.starts.push(history.parents.len() as u32);
            let count = match *history.parents(child) {
                [] => 1,
                [parent] => history.ancestors[parent as usize] + 1,
                _ => history.add_merge(child, &mut paint),
            };
            history.ancestors.push(count);
            let row = match *history.parents(child) {
                [parent] if parent as usize + 1 == child => history.row[parent as usize],
                _ => child as u32,
            };
            history.row.push(row);
        }
        Ok(history)
    }

    /// A history without merges.
    ///
    /// # Panics
    /// When `len` is 0.
    pub fn linear(len: usize) -> Self {
        let parents: Vec<Vec<usize>> =
            (0..len).map(|c| c.checked_sub(1).into_iter().collect()).collect();
        match Self::new(&parents) {
            Ok(history) => history,
            Err(error) => panic!("{error}"),
        }
    }

    fn add_merge(&mut self, child: usize, paint: &mut Paint) -> u32 {
        let parents = self.parents(child).to_vec();
        let largest =
            parents.iter().copied().max_by_key(|&p| self.ancestors[p as usize]).unwrap_or(0);
        let others: Vec<u32> = parents.into_iter().filter(|&p| p != largest).collect();
        let brought = paint.only_in_others(self, largest, &others);
        let count = self.ancestors[largest as usize] + brought.len() as u32 + 1;
        self.merge[child] = self.extra.len() as u32;
        self.extra.push(Merge { largest, brought });
        count
    }

    /// Number of commits.
    pub fn len(&self) -> usize {
        self.ancestors.len()
    }

    /// Always `false`: an empty range is refused.
    pub fn is_empty(&self) -> bool {
        self.ancestors.is_empty()
    }

    /// The parents inside the range.
    pub fn parents(&self, commit: usize) -> &[u32] {
        &self.parents[self.starts[commit] as usize..self.starts[commit + 1] as usize]
    }

    /// How many commits of the range `commit` holds, itself included.
    pub fn ancestor_count(&self, commit: usize) -> usize {
        self.ancestors[commit] as usize
    }

    /// The commits `commit` holds, itself included.
    pub fn ancestors(&self, commit: usize) -> CommitSet {
        let mut set = CommitSet::new(self.len());
        let mut stack = vec![commit];
        while let Some(at) = stack.pop() {
            if set.contains(at) {
                continue;
            }
            let first = self.row[at] as usize;
            set.insert_all(first, at);
            stack.extend(self.parents(first).iter().map(|&parent| parent as usize));
        }
        set
    }

    /// For every commit the sum of `weight` over its ancestors, itself included. Exact: what both
    /// sides of a merge hold counts once.
    pub fn sum_over_ancestors(&self, weight: &[f64]) -> Vec<f64> {
        let mut sums: Vec<f64> = Vec::with_capacity(self.len());
        for (commit, &own) in weight.iter().enumerate().take(self.len()) {
            let below = match self.merge[commit] {
                NO_MERGE => self.parents(commit).first().map_or(0.0, |&p| sums[p as usize]),
                merge => {
                    let Merge { largest, brought } = &self.extra[merge as usize];
                    sums[*largest as usize]
                        + brought.iter().map(|&c| weight[c as usize]).sum::<f64>()
                }
            };
            sums.push(own + below);
        }
        sums
    }
}

/// Marks for walking back from the sides of a merge.
struct Paint {
    marks: Vec<u8>,
}

const LARGEST: u8 = 1;
const OTHER: u8 = 2;

impl Paint {
    /// What `others` hold and `largest` does not. Walks down by position, so that every child is
    /// seen before its parents, and stops when nothing but common history is left.
    fn only_in_others(&mut self, history: &History, largest: u32, others: &[u32]) -> Vec<u32> {
        self.marks[largest as usize] |= LARGEST;
        let mut pending = 0_usize;
        for &other in others {
            if self.marks[other as usize] == 0 {
                pending += 1;
            }
            self.marks[other as usize] |= OTHER;
        }
        let top = others.iter().copied().chain([largest]).max().unwrap_or(0) as usize;
        let mut brought = Vec::new();
        let mut at = top + 1;
        while pending > 0 && at > 0 {
            at -= 1;
            let mark = std::mem::take(&mut self.marks[at]);
            if mark == 0 {
                continue;
            }
            if mark == OTHER {
                pending -= 1;
                brought.push(at as u32);
            }
            for &parent in history.parents(at) {
                let before = self.marks[parent as usize];
                let after = before | mark;
                self.marks[parent as usize] = after;
                pending += usize::from(after == OTHER && before == 0);
                pending -= usize::from(before == OTHER && after != OTHER);
            }
        }
        self.marks[..=top].fill(0);
        brought
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any history of up to 40 commits, merges of up to three parents included.
    fn histories() -> impl Strategy<Value = Vec<Vec<usize>>> {
        prop::collection::vec(prop::collection::vec(0_usize..1000, 0..4), 1..40).prop_map(|raw| {
            raw.into_iter()
                .enumerate()
                .map(|(child, parents)| match child {
                    0 => Vec::new(),
                    _ => parents.into_iter().map(|p| p % child).collect(),
                })
                .collect()
        })
    }

    proptest! {
        /// The fast sum over merges must equal the sum over the set, whatever the graph.
        #[test]
        fn sums_over_ancestors_count_shared_history_once(parents in histories()) {
            let history = History::new(&parents).unwrap();
            let weight: Vec<f64> = (0..history.len()).map(|c| (c * 7 % 11) as f64).collect();
            let sums = history.sum_over_ancestors(&weight);
            for (commit, sum) in sums.iter().enumerate() {
                let set = history.ancestors(commit);
                let expected: f64 = set.iter().map(|c| weight[c]).sum();
                prop_assert!((sum - expected).abs() < 1e-9);
                prop_assert_eq!(history.ancestor_count(commit), set.count());
            }
        }
    }

    #[test]
    fn a_parent_after_its_child_is_refused() {
        let parents: Vec<Vec<usize>> = vec![vec![], vec![2], vec![0]];
        assert_eq!(
            History::new(&parents).unwrap_err(),
            HistoryError::NotInOrder { child: 1, parent: 2 }
        );
        assert_eq!(History::new::<Vec<usize>>(&[]).unwrap_err(), HistoryError::Empty);
    }
}
