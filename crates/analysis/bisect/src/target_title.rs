//! Several failures at once: which is the wanted one, and whether a culprit only gave it another name.
//!
//! A failing end often shows more than one failure: the bug that is looked for, and a rare other one.
//! The clear leader is taken, and the others are kept apart; where none leads, only the caller can
//! say which is wanted, or that they are one bug.

use analysis_rates::{Share, fisher};

use std::collections::BTreeMap;

/// Which of the failures seen at the failing end is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetTitle<'a> {
    /// None was seen yet.
    Unseen,
    /// This one.
    Leads(&'a str),
    /// More runs of the failing end are needed to tell.
    Open,
    /// None leads, after as many as are worth the time.
    Tied,
}

/// Failures of the leader, at the least.
const LEAD_LEAST: usize = 2;
/// The leader shows at least so many times as often as all others together.
const LEAD: usize = 3;
/// Failures of the failing end after which the caller is asked.
const MOST_OPEN: usize = 12;

impl<'a> TargetTitle<'a> {
    /// Judges the titles of the failing end's failures, in the order in which they were seen. A leader
    /// stays the wanted one until another title has been seen more often.
    pub fn of(titles: impl IntoIterator<Item = &'a str>) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut leader = None;
        let mut seen = 0;
        for title in titles {
            *counts.entry(title).or_default() += 1;
            seen += 1;
            if leader.is_some_and(|leader| counts[title] > counts[leader]) {
                leader = None;
            }
            let count = counts[title];
            if leader.is_none() && count >= LEAD_LEAST && count >= LEAD * (seen - count) {
                leader = Some(title);
            }
        }
        match (leader, counts.len()) {
            (Some(leader), _) => Self::Leads(leader),
            (None, 0) => Self::Unseen,
            (None, 1) => counts.into_keys().next().map_or(Self::Unseen, Self::Leads),
            (None, _) if seen < MOST_OPEN => Self::Open,
            (None, _) => Self::Tied,
        }
    }
}

/// The chance at which a difference is taken for one.
const CHANCE: f64 = 0.02;

/// Whether another failure shows so much oftener on the side without the wanted failure than on the
/// side with it that the two look like one bug under two names. A failure that has nothing to do with
/// the wanted one shows equally often in the runs that the wanted one leaves over.
pub fn is_renamed(without: Share, with: Share) -> bool {
    without.showed >= 2 && fisher(without, with) < CHANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(titles: &str) -> TargetTitle<'_> {
        TargetTitle::of(titles.split_whitespace())
    }

    #[test]
    fn a_rare_other_failure_neither_asks_nor_wins() {
        assert_eq!(of(""), TargetTitle::Unseen);
        assert_eq!(of("a"), TargetTitle::Leads("a"));
        assert_eq!(of("a a b"), TargetTitle::Leads("a"));
        // The rare one came first, and twice.
        assert_eq!(of("b a"), TargetTitle::Open);
        assert_eq!(of("b a a a"), TargetTitle::Leads("a"));
        assert_eq!(of("b b a a a"), TargetTitle::Open);
        assert_eq!(of("b b a a a a a a"), TargetTitle::Leads("a"));
        // Late, when it cannot be asked for any more without harm.
        assert_eq!(of("a a a a b c b"), TargetTitle::Leads("a"));
    }

    #[test]
    fn failures_that_show_equally_often_are_told_apart_by_the_caller_only() {
        assert_eq!(of("a b a b a b"), TargetTitle::Open);
        assert_eq!(of("a b a b a b a b a b a b"), TargetTitle::Tied);
        // One that led by chance only.
        assert_eq!(of("a a b a b b b a b a b a b"), TargetTitle::Tied);
    }

    fn share(showed: u32, runs: u32) -> Share {
        Share { showed, runs }
    }

    #[test]
    fn a_failure_that_ends_where_the_wanted_one_begins_looks_like_the_same() {
        assert!(is_renamed(share(6, 10), share(0, 12)));
        assert!(is_renamed(share(9, 20), share(1, 25)));
        // It goes on, or was hardly seen.
        assert!(!is_renamed(share(6, 10), share(5, 9)));
        assert!(!is_renamed(share(1, 10), share(0, 40)));
        assert!(!is_renamed(share(0, 0), share(0, 0)));
        // The wanted one leaves no runs over, so nothing is known of the other.
        assert!(!is_renamed(share(6, 10), share(0, 0)));
    }

    #[test]
    fn the_exact_test_gives_the_textbook_value() {
        // Fisher's tea: all 4 of 4 right, and 3 of 4.
        assert!((fisher(share(4, 4), share(0, 4)) - 1.0 / 70.0).abs() < 1e-12);
        assert!((fisher(share(3, 4), share(1, 4)) - 17.0 / 70.0).abs() < 1e-12);
    }
}
