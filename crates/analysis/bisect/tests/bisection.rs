//! The engine against a slow sum over everything, and against worlds in which the truth is known.

use analysis_bisect::simulate::{Fade, Noise, Random, World};
use analysis_bisect::{Bisection, Conclusion, Direction, History, Next, Prior, Settings};
use model::RunOutcome;

/// Works a world through to its conclusion.
fn solve(world: &mut World, mut bisection: Bisection) -> (Conclusion, Bisection) {
    for _ in 0..2000 {
        let belief = bisection.belief();
        match bisection.next(&belief) {
            Next::Done(conclusion) => return (conclusion, bisection),
            Next::Test(steps) => {
                assert!(!steps.is_empty());
                for step in steps {
                    world.step(&step, |outcome| bisection.record(step.commit, outcome));
                }
            }
        }
    }
    panic!("no conclusion");
}

fn fresh(history: &History) -> Bisection {
    let end = history.len() - 1;
    Bisection::new(history.clone(), Prior::uniform(history), end, Settings::default())
}

fn world(history: &History, seed: u64, p: f64, noise: Noise) -> World {
    World::new(history.clone(), seed, p, noise, None, None, (7.0, 1.0))
}

/// A main line on which side branches of five commits begin and end.
fn branchy(len: usize) -> History {
    let parents: Vec<Vec<usize>> = (0..len)
        .map(|commit| match (commit, commit % 10) {
            (0, _) => vec![],
            // The branch begins on the main line, three commits back.
            (_, 4) => vec![commit - 2],
            // The main line goes on from before the branch, and takes it in.
            (_, 9) => vec![commit - 1, commit - 6],
            _ => vec![commit - 1],
        })
        .collect();
    History::new(&parents).unwrap()
}

#[test]
fn a_steady_bug_on_a_graph_with_merges_is_found() {
    let history = branchy(600);
    for seed in 0..12 {
        let mut world = world(&history, seed, 1.0, Noise::Independent);
        let (conclusion, _) = solve(&mut world, fresh(&history));
        let Conclusion::Culprit { commit, confidence } = conclusion else {
            panic!("seed {seed}: {conclusion:?}");
        };
        assert_eq!(commit, world.culprit, "seed {seed}");
        assert!(confidence >= 0.99);
    }
}

#[test]
fn a_bug_in_a_third_of_the_runs_is_found_through_broken_stretches() {
    let history = History::linear(2000);
    let mut wrong = 0;
    for seed in 0..3 {
        let mut world = world(&history, seed, 0.3, Noise::Stretches);
        let (conclusion, _) = solve(&mut world, fresh(&history));
        if let Conclusion::Culprit { commit, .. } = conclusion {
            wrong += usize::from(commit != world.culprit);
        }
    }
    assert_eq!(wrong, 0);
}

#[test]
fn a_bug_that_never_shows_is_called_not_reproducible() {
    let history = History::linear(100);
    let mut bisection = fresh(&history);
    let mut runs = 0;
    loop {
        match bisection.next(&bisection.belief()) {
            Next::Test(steps) => {
                for step in steps {
                    assert_eq!(step.commit, 99, "nothing else is tested before the bug shows");
                    for _ in 0..step.runs {
                        bisection.record(step.commit, RunOutcome::Clean);
                        runs += 1;
                    }
                }
            }
            Next::Done(conclusion) => {
                assert!(matches!(conclusion, Conclusion::NotReproducible { .. }), "{conclusion:?}");
                break;
            }
        }
    }
    assert!(runs <= 100, "{runs}");
}

#[test]
fn a_bug_older_than_the_range_is_not_pinned_on_a_commit_of_it() {
    let history = History::linear(500);
    let mut bisection = fresh(&history);
    let conclusion = loop {
        match bisection.next(&bisection.belief()) {
            Next::Done(conclusion) => break conclusion,
            Next::Test(steps) => {
                for step in steps {
                    bisection.record(step.commit, RunOutcome::Wanted);
                }
            }
        }
    };
    let allowed = match &conclusion {
        Conclusion::OlderThanRange { .. } => true,
        // The first commit of the range cannot be told from "older" without a commit before it.
        Conclusion::CredibleSet { commits, .. } => commits.contains(&0),
        Conclusion::Culprit { commit, .. } => *commit == 0,
        _ => false,
    };
    assert!(allowed, "{conclusion:?}");
}

#[test]
fn a_reproducer_that_fades_before_the_culprit_names_nobody() {
    let history = History::linear(3000);
    let mut wrong = 0;
    for seed in 0..2 {
        let fade = Some(Fade { end: 1200.0, width: 1200.0 });
        let cost = (7.0, 1.0);
        let mut world =
            World::new(history.clone(), seed, 0.8, Noise::Independent, Some(300), fade, cost);
        let (conclusion, _) = solve(&mut world, fresh(&history));
        wrong += usize::from(matches!(conclusion, Conclusion::Culprit { .. }));
    }
    assert!(wrong == 0, "{wrong} of 2 named an innocent commit");
}

#[test]
fn untestable_neighbours_give_a_set_that_holds_the_culprit() {
    let history = History::linear(400);
    // Commits 180 to 219 cannot be built; the culprit is one of them.
    let mut bisection = fresh(&history);
    let conclusion = loop {
        match bisection.next(&bisection.belief()) {
            Next::Done(conclusion) => break conclusion,
            Next::Test(steps) => {
                for step in steps {
                    let outcome = match step.commit {
                        180..220 => RunOutcome::BuildFailed,
                        ..180 => RunOutcome::Clean,
                        _ => RunOutcome::Wanted,
                    };
                    let runs = if outcome == RunOutcome::Clean { step.runs } else { 1 };
                    for _ in 0..runs {
                        bisection.record(step.commit, outcome);
                    }
                }
            }
        }
    };
    let Conclusion::CredibleSet { commits, confidence } = conclusion else {
        panic!("{conclusion:?}");
    };
    assert!(confidence >= 0.99);
    // The first testable bad commit is as likely as any of the broken ones.
    assert!((180..=220).all(|commit| commits.contains(&commit)), "{commits:?}");
}

#[test]
fn runs_in_another_order_give_the_same_belief() {
    let history = branchy(200);
    let runs = [
        (199, RunOutcome::Wanted),
        (100, RunOutcome::Clean),
        (150, RunOutcome::Other),
        (100, RunOutcome::Clean),
        (150, RunOutcome::Wanted),
        (120, RunOutcome::BootFailed),
    ];
    let belief = |order: &mut dyn Iterator<Item = &(usize, RunOutcome)>| {
        let mut bisection = fresh(&history);
        for &(commit, outcome) in order {
            bisection.record(commit, outcome);
        }
        bisection.belief().culprit().to_vec()
    };
    assert_eq!(belief(&mut runs.iter()), belief(&mut runs.iter().rev()));
}

#[test]
fn the_belief_is_a_distribution_whatever_was_seen() {
    let mut random = Random::new(1);
    for _ in 0..30 {
        let history = branchy(20 + random.below(100));
        let mut bisection = fresh(&history);
        for _ in 0..random.below(300) {
            let outcome = RunOutcome::ALL[random.below(RunOutcome::ALL.len())];
            bisection.record(random.below(history.len()), outcome);
        }
        let belief = bisection.belief();
        let sum = belief.culprit().iter().sum::<f64>() + belief.older();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        assert!(belief.culprit().iter().all(|p| (0.0..=1.0).contains(p)));
        assert!((belief.detection().iter().map(|(_, mass)| mass).sum::<f64>() - 1.0).abs() < 1e-6);
        let (hidden, _) = belief.hidden();
        assert!((0.0..=1.0 + 1e-9).contains(&hidden));
        // Whatever comes next is something to do, or an end.
        if let Next::Test(steps) = bisection.next(&belief) {
            assert!(!steps.is_empty());
        }
    }
}

/// A commit whose kernel is its parent's cannot be blamed, and its runs count for the parent.
#[test]
fn a_commit_with_its_parents_kernel_is_never_the_culprit_and_its_runs_are_pooled() {
    let history = History::linear(50);
    let prior = Prior::uniform(&history).same_kernel(25, 24).same_kernel(26, 25);
    let mut bisection = Bisection::new(history, prior, 49, Settings::default());
    for (commit, outcome) in [
        (49, RunOutcome::Wanted),
        (25, RunOutcome::Wanted),
        (26, RunOutcome::Clean),
        (24, RunOutcome::Clean),
    ] {
        bisection.record(commit, outcome);
    }
    let pooled = bisection.tallies().into_iter().find(|(commit, _)| *commit == 24).unwrap().1;
    assert_eq!((pooled.wanted, pooled.clean), (1, 2));
    assert!(!bisection.tallies().iter().any(|(commit, _)| [25, 26].contains(commit)));
    let belief = bisection.belief();
    assert_eq!((belief.culprit()[25], belief.culprit()[26]), (0.0, 0.0));
}

/// Two machines are given two commits, of which none makes the other useless.
#[test]
fn machines_side_by_side_cut_the_range_in_three() {
    let history = History::linear(9000);
    let settings = Settings { machines: 2, ..Settings::default() };
    let mut bisection = Bisection::new(history.clone(), Prior::uniform(&history), 8999, settings);
    bisection.record(8999, RunOutcome::Wanted);
    bisection.record(8999, RunOutcome::Wanted);
    let Next::Test(steps) = bisection.next(&bisection.belief()) else { panic!("nothing to do") };
    let mut commits: Vec<usize> = steps.iter().map(|step| step.commit).collect();
    commits.sort_unstable();
    assert_eq!(commits.len(), 2);
    assert!(commits[1] - commits[0] > 1500, "{commits:?}");
}

/// A stretch of commits that fail to boot must not be walked commit by commit.
#[test]
fn the_next_step_leaves_a_broken_stretch() {
    let history = History::linear(4000);
    let mut bisection = fresh(&history);
    bisection.record(3999, RunOutcome::Wanted);
    bisection.record(3999, RunOutcome::Wanted);
    for _ in 0..3 {
        bisection.record(2000, RunOutcome::BootFailed);
    }
    let Next::Test(steps) = bisection.next(&bisection.belief()) else { panic!("nothing to do") };
    assert!(steps[0].commit.abs_diff(2000) > 100, "{steps:?}");
}

/// A search for a fix: the bug shows before a commit and never after it.
fn search_for_a_fix(history: &History, fixes: impl Fn(usize) -> bool, rate: f64) -> Conclusion {
    let settings = Settings { direction: Direction::Fix, ..Settings::default() };
    // The broken end is the first commit; it cannot be the fix.
    let prior = Prior::uniform(history).weigh(0, 0.0);
    let mut bisection = Bisection::new(history.clone(), prior, 0, settings);
    let mut random = Random::new(7);
    for _ in 0..500 {
        let steps = match bisection.next(&bisection.belief()) {
            Next::Done(conclusion) => return conclusion,
            Next::Test(steps) => steps,
        };
        for step in steps {
            for _ in 0..step.runs {
                let shows = !fixes(step.commit) && random.chance(rate);
                let outcome = if shows { RunOutcome::Wanted } else { RunOutcome::Clean };
                bisection.record(step.commit, outcome);
                if shows {
                    break;
                }
            }
        }
    }
    panic!("no conclusion");
}

#[test]
fn a_fix_on_a_side_branch_is_found() {
    let history = branchy(400);
    for fix in [77, 203, 248] {
        let fixed = |commit: usize| history.ancestors(commit).contains(fix);
        assert!(fixed(399), "the newest commit is fixed");
        for rate in [1.0, 0.4] {
            let conclusion = search_for_a_fix(&history, fixed, rate);
            assert!(
                matches!(conclusion, Conclusion::Culprit { commit, .. } if commit == fix),
                "{fix} at {rate}: {conclusion:?}"
            );
        }
    }
}

#[test]
fn a_bug_that_is_never_fixed_is_pinned_on_nobody() {
    let history = History::linear(300);
    let conclusion = search_for_a_fix(&history, |_| false, 1.0);
    assert!(matches!(conclusion, Conclusion::OlderThanRange { .. }), "{conclusion:?}");
}

/// A short history of commits that a test can tell apart, whatever confidence is asked for.
#[test]
fn the_culprit_of_a_short_history_is_proven_with_few_runs() {
    let history = History::linear(24);
    let settings = Settings { confidence: 0.999, run_minutes: 0.05, ..Settings::default() };
    for (seed, culprit) in [(1, 3), (2, 8), (3, 20)] {
        let mut bisection =
            Bisection::new(history.clone(), Prior::uniform(&history).weigh(0, 0.0), 23, settings);
        let mut random = Random::new(seed);
        let mut runs = 0;
        let named = loop {
            assert!(runs < 400, "no conclusion after {runs} runs");
            let steps = match bisection.next(&bisection.belief()) {
                Next::Done(conclusion) => break conclusion,
                Next::Test(steps) => steps,
            };
            for step in steps {
                for _ in 0..step.runs {
                    runs += 1;
                    let shows = step.commit >= culprit && random.chance(0.35);
                    let outcome = if shows { RunOutcome::Wanted } else { RunOutcome::Clean };
                    bisection.record(step.commit, outcome);
                    if shows {
                        break;
                    }
                }
            }
        };
        assert!(
            matches!(named, Conclusion::Culprit { commit, .. } if commit == culprit),
            "{culprit}: {named:?}"
        );
    }
}
