//! The two sides held against each other.

use std::collections::{BTreeMap, BTreeSet};

use analysis_bisect::{TargetTitle, is_renamed};
use analysis_rates::{Share, effective_interval, fisher, independent_starts, scaled};

/// A run that reached the reproducer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The snapshot from which it started; none for a boot of its own.
    pub snapshot: Option<u32>,
    /// The titles of its failure, the first first; none for a run without a failure.
    pub titles: Vec<String>,
    /// Titles of other failures in the same run.
    pub later: Vec<String>,
}

/// How often something showed, and what that is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Runs that showed it, of all.
    pub share: Share,
    /// How many independent starts the runs are worth.
    pub independent: f64,
    /// The 95 % interval.
    pub low: f64,
    /// The 95 % interval.
    pub high: f64,
}

/// A failure that is not the wanted one, on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherFailure {
    /// Its title.
    pub title: String,
    /// On the base.
    pub base: Rate,
    /// With the patch.
    pub patched: Rate,
    /// The chance of so many more on the patched side when the patch changes nothing.
    pub chance: f64,
    /// It shows where the wanted one no longer does, and hardly in the base's runs that the wanted one left
    /// over: it may be the same bug under another name.
    pub is_renamed: bool,
    /// Every run of the base ended in the wanted failure, which may have hidden this one.
    pub may_be_hidden: bool,
}

/// What the runs say about the wanted failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The base never showed it, so nothing is proven about the patch.
    NotShownOnBase,
    /// The base showed it, and the patched kernel never did, beyond chance.
    Gone,
    /// The patched kernel shows it less often, beyond chance, but still shows it.
    LessOften,
    /// The patched kernel shows it, and not less often beyond chance.
    StillShown,
    /// The patched kernel did not show it so far, and that may still be luck.
    Open,
}

/// Both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The titles of the wanted failure.
    pub wanted: BTreeSet<String>,
    /// It, on the base.
    pub base: Rate,
    /// It, with the patch.
    pub patched: Rate,
    /// The chance of so few on the patched side when the patch changes nothing; Fisher's exact test over
    /// the independent starts.
    pub chance: f64,
    /// What that means.
    pub verdict: Verdict,
    /// Failures that only the patched side showed, or that it showed more often beyond chance.
    pub new: Vec<OtherFailure>,
    /// Failures that both sides showed, or only the base.
    pub known: Vec<OtherFailure>,
}

/// The failure that a base shows most clearly, where the caller names none: the one that leads.
pub fn target(base: &[Run]) -> Option<String> {
    match TargetTitle::of(base.iter().filter_map(|run| run.titles.first()).map(String::as_str)) {
        TargetTitle::Leads(title) => Some(title.to_owned()),
        _ => None,
    }
}

/// The failure that the patch is to end.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// One with one of these in its title.
    Parts(&'a [String]),
    /// One with one of these titles.
    Titles(&'a [String]),
}

impl Wanted<'_> {
    fn is(&self, title: &str) -> bool {
        match self {
            Self::Parts(parts) => parts.iter().any(|part| title.contains(part.as_str())),
            Self::Titles(titles) => titles.iter().any(|wanted| title == wanted),
        }
    }
}

/// Holds both sides against each other. `confidence` is how sure a difference has to be, such as 0.99.
pub fn compare(base: &[Run], patched: &[Run], wanted: Wanted<'_>, confidence: f64) -> Comparison {
    let is_wanted = |title: &String| wanted.is(title);
    let all = |run: &Run| run.titles.iter().chain(&run.later).cloned().collect::<Vec<_>>();
    let titles: BTreeSet<String> =
        base.iter().chain(patched).flat_map(all).filter(|title| is_wanted(title)).collect();
    let shows = |run: &Run| run.titles.iter().chain(&run.later).any(is_wanted);
    let (on_base, on_patched) = (rate(base, shows), rate(patched, shows));
    let chance = fisher_of(on_base, on_patched);
    let alpha = 1.0 - confidence;
    let verdict = match (on_base.share.showed, on_patched.share.showed) {
        (0, 0) => Verdict::NotShownOnBase,
        (0, _) => Verdict::StillShown,
        (_, 0) if chance <= alpha => Verdict::Gone,
        (_, 0) => Verdict::Open,
        (_, _) if chance <= alpha => Verdict::LessOften,
        (_, _) => Verdict::StillShown,
    };
    let (new, known) = others(base, patched, &is_wanted, alpha);
    Comparison { wanted: titles, base: on_base, patched: on_patched, chance, verdict, new, known }
}

/// The failures that are not the wanted one: those that are new with the patch, and the others. One that
/// came in the same run after the wanted failure may be its consequence, and is left out.
fn others(
    base: &[Run],
    patched: &[Run],
    is_wanted: &dyn Fn(&String) -> bool,
    alpha: f64,
) -> (Vec<OtherFailure>, Vec<OtherFailure>) {
    let is_left_over = |run: &&Run| !run.titles.iter().chain(&run.later).any(is_wanted);
    let mut titles: BTreeSet<String> = BTreeSet::new();
    for run in base.iter().chain(patched) {
        if let Some(first) = run.titles.first()
            && !run.titles.iter().any(is_wanted)
        {
            titles.insert(first.clone());
        }
    }
    let has_wanted = base.iter().any(|run| !is_left_over(&run));
    let left_over: Vec<Run> = base.iter().filter(is_left_over).cloned().collect();
    let mut all: Vec<OtherFailure> = titles
        .into_iter()
        .map(|title| {
            let shows = |run: &Run| run.titles.contains(&title) || run.later.contains(&title);
            let (on_base, on_patched) = (rate(base, shows), rate(patched, shows));
            let rest = rate(&left_over, shows);
            OtherFailure {
                chance: fisher_of(on_patched, on_base),
                is_renamed: has_wanted
                    && is_renamed(
                        scaled(on_patched.share, on_patched.independent),
                        scaled(rest.share, rest.independent),
                    ),
                may_be_hidden: has_wanted && left_over.is_empty(),
                title,
                base: on_base,
                patched: on_patched,
            }
        })
        .collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.patched.share.showed + one.base.share.showed));
    all.into_iter().partition(|one| {
        one.patched.share.showed > 0 && (one.base.share.showed == 0 || one.chance <= alpha)
    })
}

/// How often `shows` holds, over the starts of the runs.
pub fn rate(runs: &[Run], shows: impl Fn(&Run) -> bool) -> Rate {
    let mut starts: Vec<Share> = Vec::new();
    let mut snapshots: BTreeMap<u32, Share> = BTreeMap::new();
    for run in runs {
        let showed = u32::from(shows(run));
        match run.snapshot {
            None => starts.push(Share { showed, runs: 1 }),
            Some(number) => {
                let start = snapshots.entry(number).or_default();
                start.showed += showed;
                start.runs += 1;
            }
        }
    }
    starts.extend(snapshots.into_values());
    let share = Share {
        showed: starts.iter().map(|start| start.showed).sum(),
        runs: starts.iter().map(|start| start.runs).sum(),
    };
    let independent = independent_starts(&starts);
    let (low, high) = effective_interval(share, independent);
    Rate { share, independent, low, high }
}

/// The chance of so many more in `first` than in `second` when both fail equally often.
fn fisher_of(first: Rate, second: Rate) -> f64 {
    if first.share.runs == 0 || second.share.runs == 0 {
        return 1.0;
    }
    fisher(scaled(first.share, first.independent), scaled(second.share, second.independent))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hits` of `runs` with the title, each start a boot.
    fn runs(title: &str, hits: usize, runs: usize) -> Vec<Run> {
        (0..runs)
            .map(|at| Run {
                titles: if at < hits { vec![title.to_owned()] } else { Vec::new() },
                ..Run::default()
            })
            .collect()
    }

    fn against(base: &[Run], patched: &[Run]) -> Comparison {
        compare(base, patched, Wanted::Titles(&["WARNING in f".to_owned()]), 0.99)
    }

    fn verdict(base: (usize, usize), patched: (usize, usize)) -> Verdict {
        let side = |(hits, of)| runs("WARNING in f", hits, of);
        against(&side(base), &side(patched)).verdict
    }

    #[test]
    fn a_bug_that_the_base_never_showed_proves_nothing() {
        assert_eq!(verdict((0, 40), (0, 40)), Verdict::NotShownOnBase);
    }

    #[test]
    fn a_bug_is_gone_only_beyond_chance() {
        assert_eq!(verdict((5, 10), (0, 20)), Verdict::Gone);
        assert_eq!(verdict((1, 10), (0, 10)), Verdict::Open);
        assert_eq!(verdict((3, 10), (0, 5)), Verdict::Open);
    }

    #[test]
    fn a_bug_that_shows_with_the_patch_is_not_fixed() {
        assert_eq!(verdict((5, 10), (4, 10)), Verdict::StillShown);
        assert_eq!(verdict((10, 10), (1, 20)), Verdict::LessOften);
        assert_eq!(verdict((0, 10), (2, 10)), Verdict::StillShown);
    }

    #[test]
    fn runs_of_one_snapshot_do_not_prove_a_fix() {
        let of = |snapshot, hits: usize| {
            let one = runs("WARNING in f", hits, 10);
            one.into_iter().map(move |run| Run { snapshot: Some(snapshot), ..run })
        };
        let base: Vec<Run> = of(1, 10).chain(of(2, 0)).collect();
        let patched: Vec<Run> = of(1, 0).chain(of(2, 0)).collect();
        let found = against(&base, &patched);
        assert_eq!(found.base.share, Share { showed: 10, runs: 20 });
        assert!((found.base.independent - 2.0).abs() < 1e-9);
        assert_eq!(found.verdict, Verdict::Open);
    }

    #[test]
    fn other_failures_are_new_or_known_by_the_base() {
        let mut base = runs("WARNING in f", 5, 10);
        base.extend(runs("INFO: task hung in g", 1, 10));
        let mut patched = runs("INFO: task hung in g", 2, 10);
        patched.extend(runs("KASAN: use-after-free in h", 3, 10));
        let found = against(&base, &patched);
        let titles = |known: &[OtherFailure]| {
            known.iter().map(|known| known.title.clone()).collect::<Vec<_>>()
        };
        assert_eq!(titles(&found.new), ["KASAN: use-after-free in h"]);
        assert_eq!(titles(&found.known), ["INFO: task hung in g"]);
    }

    #[test]
    fn a_failure_that_became_much_more_frequent_is_new_and_may_be_another_name() {
        let mut base = runs("WARNING in f", 18, 20);
        base.extend(runs("INFO: task hung in g", 1, 20));
        let patched = runs("INFO: task hung in g", 18, 20);
        let found = against(&base, &patched);
        assert_eq!(found.verdict, Verdict::Gone);
        assert_eq!(found.new.len(), 1);
        assert!(found.new[0].is_renamed && !found.new[0].may_be_hidden);
        let always = runs("WARNING in f", 20, 20);
        let found = against(&always, &patched);
        assert!(found.new[0].may_be_hidden && !found.new[0].is_renamed);
    }

    #[test]
    fn a_title_that_only_begins_like_the_wanted_one_is_another_failure() {
        let base = runs("WARNING in f", 10, 20);
        let found = against(&base, &runs("WARNING in free_all", 10, 20));
        assert_eq!((found.verdict, found.new.len()), (Verdict::Gone, 1));
        let parts = ["WARNING in f".to_owned()];
        let patched = runs("WARNING in free_all", 10, 20);
        let found = compare(&base, &patched, Wanted::Parts(&parts), 0.99);
        assert_eq!(found.verdict, Verdict::StillShown);
    }

    #[test]
    fn what_follows_the_wanted_failure_is_no_failure_of_its_own() {
        let base = [Run {
            titles: vec!["WARNING in f".into()],
            later: vec!["INFO: task hung in g".into()],
            snapshot: None,
        }];
        let found = against(&base, &[]);
        assert!(found.known.is_empty() && found.new.is_empty());
    }
}
