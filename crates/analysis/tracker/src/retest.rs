//! What runs of a reproducer on a newer kernel tell, and when two reproducers do the same.

use analysis_rates::{Share, fisher};
use model::tracker::Manifestation;

/// The chance below which clean runs are no accident any more.
const ACCIDENT: f64 = 0.01 - 1e-9;
/// The chance below which two rates are taken to differ.
const DIFFERENT: f64 = 0.01;
/// Part of the runs below which a title is an odd one.
const ODD: f64 = 0.1;
/// Runs below which nothing is said of a signature.
const LEAST_RUNS: u32 = 5;

/// What the runs on a newer kernel tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retested {
    /// The chance of so few crashes if the reproducer still crashed as often as it did.
    pub chance: f64,
    /// Whether it counts as gone.
    pub is_gone: bool,
    /// Clean runs that would settle it; 0 where it is settled.
    pub missing: u32,
}

/// Compares runs on a newer kernel with those on the kernel that the reproducer crashed, by Fisher's exact test.
/// Gone is only what never crashed there, in more runs than chance explains.
pub fn retested(known: Share, newer: Share) -> Retested {
    let chance = fisher(known, newer);
    if newer.showed > 0 {
        return Retested { chance, is_gone: false, missing: 0 };
    }
    let is_gone = newer.runs > 0 && chance < ACCIDENT;
    let enough = |runs: &u32| fisher(known, Share { showed: 0, runs: *runs }) < ACCIDENT;
    // With one crash in one run, the least that is known of a reproducer, it takes 100.
    let all =
        if is_gone { newer.runs } else { (newer.runs..=10_000).find(enough).unwrap_or(10_000) };
    Retested { chance, is_gone, missing: all - newer.runs }
}

/// Whether two reproducers do the same: what one does now and then, the other does too, and no rate differs.
pub fn same_signature(
    (one, one_runs): (&[Manifestation], u32),
    (other, other_runs): (&[Manifestation], u32),
) -> bool {
    if one_runs.min(other_runs) < LEAST_RUNS || one.is_empty() || other.is_empty() {
        return false;
    }
    let share = |titles: &[Manifestation], runs, title: &str| {
        let showed = titles.iter().find(|known| known.title == title).map_or(0, |known| known.runs);
        Share { showed: showed.min(runs), runs }
    };
    one.iter().chain(other).all(|title| {
        let (a, b) = (share(one, one_runs, &title.title), share(other, other_runs, &title.title));
        let often = |share: Share| f64::from(share.showed) >= ODD * f64::from(share.runs);
        let missing = a.showed == 0 && often(b) || b.showed == 0 && often(a);
        !missing && fisher(a, b).min(fisher(b, a)) >= DIFFERENT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(showed: u32, runs: u32) -> Share {
        Share { showed, runs }
    }

    #[test]
    fn a_reproducer_that_always_crashed_is_settled_soon_and_a_rare_one_late() {
        assert_eq!(retested(share(10, 10), share(0, 0)).missing, 3);
        let gone = retested(share(10, 10), share(0, 3));
        assert!(gone.is_gone && gone.missing == 0 && gone.chance < 0.01);
        let rare = retested(share(3, 10), share(0, 3));
        assert!(!rare.is_gone && rare.missing > 10, "{rare:?}");
        let unknown = retested(share(1, 1), share(0, 20));
        assert!(!unknown.is_gone && unknown.missing == 80, "{unknown:?}");
    }

    #[test]
    fn one_crash_keeps_it() {
        let kept = retested(share(10, 10), share(1, 1000));
        assert!(!kept.is_gone && kept.missing == 0);
    }

    #[test]
    fn signatures_are_titles_with_their_rates() {
        let of = |titles: &[(&str, u32)]| -> Vec<Manifestation> {
            titles
                .iter()
                .map(|(title, runs)| Manifestation { title: (*title).to_owned(), runs: *runs })
                .collect()
        };
        let one = of(&[("KASAN in f", 14), ("WARNING in g", 6)]);
        let like = of(&[("KASAN in f", 12), ("WARNING in g", 7), ("odd", 1)]);
        assert!(same_signature((&one, 20), (&like, 20)));
        assert!(!same_signature((&one, 20), (&of(&[("KASAN in f", 14)]), 20)));
        assert!(!same_signature((&one, 20), (&of(&[("KASAN in f", 2), ("WARNING in g", 18)]), 20)));
        assert!(!same_signature((&one, 20), (&like, 4)), "too few runs");
        assert!(!same_signature((&[], 20), (&[], 20)), "two that do nothing are not alike");
    }
}
