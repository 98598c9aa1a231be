//! Failure rates: intervals, an exact test of two sides, and how many independent starts a number of
//! runs is worth.
//!
//! Invariants: pure arithmetic; knows nothing about kernels and machines; any counts give a number.

/// How often a failure showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Runs that ended in the failure.
    pub showed: u32,
    /// All runs that could have.
    pub runs: u32,
}

/// The 95 % interval of a rate (Wilson's), for `showed` of `runs`.
pub fn interval(showed: u32, runs: u32) -> (f64, f64) {
    effective_interval(Share { showed, runs }, f64::from(runs))
}

/// The 95 % interval of the rate of `share`, whose runs are worth `independent` independent ones.
pub fn effective_interval(share: Share, independent: f64) -> (f64, f64) {
    if share.runs == 0 || independent <= 0.0 {
        return (0.0, 1.0);
    }
    let (n, z) = (independent, 1.96_f64);
    let rate = f64::from(share.showed) / f64::from(share.runs);
    let centre = rate + z * z / (2.0 * n);
    let spread = z * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// The chance that `first` has so many of the failures, or more, when both sides fail equally often:
/// Fisher's exact test, one-sided.
pub fn fisher(first: Share, second: Share) -> f64 {
    let failures = first.showed + second.showed;
    let runs = first.runs + second.runs;
    let all = ln_choose(runs, failures);
    (first.showed..=failures.min(first.runs))
        .filter(|showed| failures - showed <= second.runs)
        .map(|showed| {
            (ln_choose(first.runs, showed) + ln_choose(second.runs, failures - showed) - all).exp()
        })
        .sum::<f64>()
        .min(1.0)
}

/// The same rate over so many runs as the runs of `share` are worth, so that an exact test counts no run
/// that only repeats another. A failure that showed stays one, and so does a run without it.
pub fn scaled(share: Share, independent: f64) -> Share {
    if share.runs == 0 || independent >= f64::from(share.runs) {
        return share;
    }
    let runs = (independent.floor() as u32).clamp(1, share.runs);
    let rate = f64::from(share.showed) / f64::from(share.runs);
    let least = u32::from(share.showed > 0);
    let most = runs - u32::from(share.showed < share.runs && runs > least);
    let showed = ((rate * f64::from(runs)).round() as u32).clamp(least, most.max(least));
    Share { showed, runs }
}

/// The logarithm of the number of ways to take `k` of `n`; `k` is at most `n`.
fn ln_choose(n: u32, k: u32) -> f64 {
    (0..k).map(|at| (f64::from(n - at) / f64::from(at + 1)).ln()).sum()
}

/// How much runs from one start agree with each other beyond what the rate alone explains: 0 when they
/// are as unlike as runs of different starts, 1 when a start decides the outcome. The estimator of the
/// intraclass correlation by analysis of variance (Donner 1986), never below 0.
///
/// `None` when no two runs share a start, or when there is one start only: nothing tells it then.
fn agreement(starts: &[Share]) -> Option<f64> {
    let starts: Vec<Share> = starts.iter().copied().filter(|start| start.runs > 0).collect();
    let runs: f64 = starts.iter().map(|start| f64::from(start.runs)).sum();
    let count = starts.len() as f64;
    if starts.len() < 2 || runs <= count {
        return None;
    }
    let rate = starts.iter().map(|start| f64::from(start.showed)).sum::<f64>() / runs;
    if rate <= 0.0 || rate >= 1.0 {
        // Every run ended alike, whatever it started from.
        return Some(0.0);
    }
    let of = |start: &Share| f64::from(start.showed) / f64::from(start.runs);
    let between =
        starts.iter().map(|start| f64::from(start.runs) * (of(start) - rate).powi(2)).sum::<f64>()
            / (count - 1.0);
    let within =
        starts.iter().map(|start| f64::from(start.showed) * (1.0 - of(start))).sum::<f64>()
            / (runs - count);
    let squares: f64 = starts.iter().map(|start| f64::from(start.runs).powi(2)).sum();
    let usual = (runs - squares / runs) / (count - 1.0);
    let spread = between + (usual - 1.0) * within;
    if spread <= 0.0 {
        return Some(0.0);
    }
    Some(((between - within) / spread).clamp(0.0, 1.0))
}

/// How many independent runs the runs of these starts are worth: all of them when runs of one start do
/// not agree more than others, one a start when the start decides. One start alone with several runs is
/// worth one: nothing shows more.
pub fn independent_starts(starts: &[Share]) -> f64 {
    let runs: f64 = starts.iter().map(|start| f64::from(start.runs)).sum();
    let count = starts.iter().filter(|start| start.runs > 0).count() as f64;
    match agreement(starts) {
        Some(agreement) => starts
            .iter()
            .filter(|start| start.runs > 0)
            .map(|start| {
                let size = f64::from(start.runs);
                size / (1.0 + (size - 1.0) * agreement)
            })
            .sum::<f64>()
            .clamp(count, runs),
        None => count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(showed: u32, runs: u32) -> Share {
        Share { showed, runs }
    }

    #[test]
    fn an_interval_narrows_with_runs_and_stays_within_bounds() {
        assert_eq!(interval(0, 0), (0.0, 1.0));
        let (low, high) = interval(0, 10);
        assert!(low == 0.0 && (0.27..0.29).contains(&high), "{high}");
        let (low, high) = interval(50, 100);
        assert!((0.40..0.41).contains(&low) && (0.59..0.61).contains(&high));
        let (wide_low, wide_high) = effective_interval(share(50, 100), 4.0);
        assert!(wide_low < low && wide_high > high);
    }

    #[test]
    fn fisher_gives_the_chances_of_tables_that_can_be_counted_by_hand() {
        // 3 of 3 against 0 of 3: one way of twenty.
        assert!((fisher(share(3, 3), share(0, 3)) - 0.05).abs() < 1e-9);
        assert!((fisher(share(0, 3), share(3, 3)) - 1.0).abs() < 1e-9);
        assert!((fisher(share(2, 4), share(2, 4)) - 53.0 / 70.0).abs() < 1e-9);
    }

    #[test]
    fn a_start_that_decides_the_outcome_counts_once() {
        let starts = [share(10, 10), share(0, 10), share(10, 10), share(0, 10)];
        assert_eq!(agreement(&starts), Some(1.0));
        assert!((independent_starts(&starts) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn runs_that_do_not_agree_count_each() {
        let starts = [share(5, 10), share(5, 10), share(4, 10), share(6, 10)];
        assert_eq!(agreement(&starts), Some(0.0));
        assert!((independent_starts(&starts) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn runs_that_repeat_each_other_are_counted_once_in_a_test() {
        assert_eq!(scaled(share(5, 10), 10.0), share(5, 10));
        assert_eq!(scaled(share(10, 20), 2.0), share(1, 2));
        assert_eq!(scaled(share(1, 40), 4.0), share(1, 4));
        assert_eq!(scaled(share(39, 40), 4.0), share(3, 4));
        assert_eq!(scaled(share(0, 40), 1.0), share(0, 1));
        assert_eq!(scaled(share(0, 0), 0.0), share(0, 0));
    }

    #[test]
    fn one_start_shows_nothing_about_agreement() {
        assert_eq!(agreement(&[share(6, 6)]), None);
        assert!((independent_starts(&[share(6, 6)]) - 1.0).abs() < 1e-9);
        assert_eq!(agreement(&[share(1, 1), share(0, 1)]), None);
        assert!((independent_starts(&[share(1, 1), share(0, 1)]) - 2.0).abs() < 1e-9);
    }
}
