//! The posterior of a small graph against one summed out by hand: no unrelated crashes, runs that
//! are either clean or wanted, one commit after the other.

use analysis_bisect::{Bisection, History, Prior, Settings};
use model::RunOutcome;

/// With a bug that shows in nearly every run, one clean run rules out nearly everything it holds, and
/// what two sides of a merge do not share is told apart. A list of the commits would get this wrong.
#[test]
fn a_clean_merge_parent_clears_its_side_only() {
    //      1 - 2
    //     /     \
    // 0 -        5 - 6
    //     \     /
    //      3 - 4
    let parents = [vec![], vec![0], vec![1], vec![0], vec![3], vec![2, 4], vec![5]];
    let history = History::new(&parents).unwrap();
    let prior = Prior::uniform(&history);
    let mut bisection = Bisection::new(history, prior, 6, Settings::default());
    for _ in 0..5 {
        bisection.record(6, RunOutcome::Wanted);
        bisection.record(2, RunOutcome::Clean);
    }
    let belief = bisection.belief();
    let culprit = belief.culprit();
    // What commit 2 holds is cleared; 3 and 4 stand before it in every list and are not.
    for cleared in [0, 1, 2] {
        assert!(culprit[cleared] < 0.02, "{culprit:?}");
    }
    for open in [3, 4, 5, 6] {
        assert!(culprit[open] > 0.2, "{culprit:?}");
    }
}

/// Two runs with known answers: the ratio of two commits must be the ratio of their likelihoods.
#[test]
fn the_ratio_of_two_commits_is_that_of_their_likelihoods() {
    let history = History::linear(2);
    let build = |clean: u32| {
        let prior = Prior::uniform(&history);
        let mut bisection = Bisection::new(history.clone(), prior, 1, Settings::default());
        bisection.record(1, RunOutcome::Wanted);
        for _ in 0..clean {
            bisection.record(0, RunOutcome::Clean);
        }
        let belief = bisection.belief();
        (belief.culprit()[0], belief.culprit()[1], belief.detection())
    };
    let (first, second, detection) = build(0);
    assert!((first - second).abs() < 1e-9, "nothing tells the two apart yet");
    // One clean run of commit 0: if 0 is the culprit it passed by chance, 1 - p, averaged over p as
    // the bad end has shown it; if 1 is, it passed because it is good.
    let passes: f64 = detection.iter().map(|(p, mass)| (1.0 - p) * mass).sum();
    let (first, second, _) = build(1);
    let ratio = first / second;
    // A commit 0 that has the bug may also pass because the reproducer has faded there; that is less
    // than a sixth of the prior.
    assert!(ratio > 0.9 * passes && ratio < passes + 0.16, "{ratio} against {passes}");
}
