//! A set of small numbers, one bit each. Holds the ancestors of a commit.

/// A set of commits of one history, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSet {
    words: Vec<u64>,
}

impl CommitSet {
    /// The empty set over a history of `len` commits.
    pub fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// Adds a commit; `false` when it was in already.
    pub fn insert(&mut self, commit: usize) -> bool {
        let (word, bit) = (commit / 64, 1 << (commit % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Adds the commits from `first` to `last`, both included.
    pub fn insert_all(&mut self, first: usize, last: usize) {
        let (from, to) = (first / 64, last / 64);
        let head = u64::MAX << (first % 64);
        let tail = u64::MAX >> (63 - last % 64);
        if from == to {
            self.words[from] |= head & tail;
            return;
        }
        self.words[from] |= head;
        self.words[from + 1..to].fill(u64::MAX);
        self.words[to] |= tail;
    }

    /// Whether the commit is in.
    pub fn contains(&self, commit: usize) -> bool {
        self.words[commit / 64] >> (commit % 64) & 1 == 1
    }

    /// How many commits are in.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many commits are in exactly one of the two sets.
    pub fn difference(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(a, b)| (a ^ b).count_ones() as usize).sum()
    }

    /// The commits that are in, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::CommitSet;

    #[test]
    fn members_come_back_in_order_and_the_difference_counts_both_sides() {
        let mut a = CommitSet::new(200);
        assert!(a.insert(130) && a.insert(3) && !a.insert(3));
        assert_eq!(a.iter().collect::<Vec<_>>(), [3, 130]);
        let mut b = CommitSet::new(200);
        b.insert(3);
        b.insert(64);
        assert_eq!((a.difference(&b), a.count()), (2, 2));
    }

    #[test]
    fn a_row_of_commits_is_added_at_once() {
        for (first, last) in [(0, 0), (3, 60), (63, 64), (10, 199), (64, 127)] {
            let mut set = CommitSet::new(200);
            set.insert_all(first, last);
            assert!(set.iter().eq(first..=last), "{first} to {last}");
        }
    }
}
