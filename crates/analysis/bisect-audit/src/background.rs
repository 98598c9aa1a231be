//! Crashes that are at home in the range: seen on kernels called good, or before the reproducer even ran.

use std::collections::BTreeMap;

use model::LineSpan;
use parse_bisect_log::{Phase, Verdict};

use crate::cluster::TitleCluster;
use crate::tested::Tested;
use crate::title::Nearness;
use analysis_rates::interval;

/// Most strangers that are looked at, the commonest first.
const MOST: usize = 16;

/// An unrelated crash that is no sign of any verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    /// Its title.
    pub title: String,
    /// Runs that show it, while the reproducer ran or before.
    pub hits: u32,
    /// All runs of the tests from the first that shows it to the end of the search.
    pub runs: u32,
    /// The 95 % interval of its rate.
    pub rate: (f64, f64),
    /// The tests that show it although they were called good.
    pub on_good: Vec<String>,
    /// The tests that show it before the reproducer ran.
    pub before_the_test: Vec<String>,
    /// The tests that were called bad for it.
    pub on_bad: Vec<String>,
    /// The lines of all these tests.
    pub lines: Vec<LineSpan>,
}

/// The background crashes that a bad verdict rests on.
pub(crate) fn background(tests: &[Tested], clusters: &[TitleCluster]) -> Vec<Background> {
    let searched: Vec<&Tested> =
        tests.iter().filter(|test| matches!(test.phase, Phase::Release | Phase::Bisect)).collect();
    let mut hits: BTreeMap<&String, u32> = BTreeMap::new();
    for test in searched.iter().filter(|test| test.taken == Some(Verdict::Bad)) {
        for (title, count) in &test.tally.crashes {
            *hits.entry(title).or_default() += count;
        }
    }
    let mut titles: Vec<(&String, u32)> = hits.into_iter().collect();
    titles.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    titles
        .into_iter()
        .filter(|(title, _)| {
            clusters.iter().all(|cluster| cluster.nearness(title) < Nearness::SameArea)
        })
        .take(MOST)
        .filter_map(|(title, _)| of(title, &searched))
        .collect()
}

fn of(title: &str, searched: &[&Tested]) -> Option<Background> {
    let before = |test: &Tested| -> u32 {
        test.tally.unbootable.iter().filter(|(why, _)| why.contains(title)).map(|(_, n)| n).sum()
    };
    let during = |test: &Tested| test.tally.crashes.get(title).copied().unwrap_or(0);
    let first = searched.iter().position(|test| during(test) + before(test) > 0)?;
    let range = &searched[first..];
    let names = |of: &dyn Fn(&Tested) -> bool| -> Vec<String> {
        range.iter().filter(|test| of(test)).map(|test| test.name().to_owned()).collect()
    };
    let shows = |test: &Tested| during(test) + before(test) > 0;
    let on_good = names(&|test| shows(test) && test.taken == Some(Verdict::Good));
    let before_the_test = names(&|test| before(test) > 0);
    if on_good.is_empty() && before_the_test.is_empty() {
        return None;
    }
    let hits = range.iter().map(|test| during(test) + before(test)).sum();
    let runs = range.iter().map(|test| test.tally.total()).sum();
    Some(Background {
        title: title.to_owned(),
        hits,
        runs,
        rate: interval(hits, runs),
        on_good,
        before_the_test,
        on_bad: names(&|test| during(test) > 0 && test.taken == Some(Verdict::Bad)),
        lines: range.iter().filter(|test| shows(test)).map(|test| test.span).collect(),
    })
}
