//! The first step of the search that led it away.
//!
//! Where a verdict contradicts the runs behind it, that verdict is named. Where none does, the most frequent
//! first error is: the clean release that ended the walk (105 of 211 wrong answers), in which the reproducer
//! could not work. That is a guess and says so.

use model::{Grade, LineSpan};
use parse_bisect_log::{Phase, Verdict};

use crate::cluster::TitleCluster;
use crate::finding::{Error, Share};
use crate::signal::is_unrelated_bad;
use crate::tested::Tested;
use crate::title::Nearness;

/// A step taken in error.
#[derive(Clone, Debug, PartialEq)]
pub struct Misled {
    /// Which test.
    pub test: usize,
    /// The line of its verdict or, where the log has none, of its runs.
    pub line: u64,
    /// Why.
    pub error: Error,
    /// How sure that is.
    pub grade: Grade,
    /// The lines that show it.
    pub lines: Vec<LineSpan>,
}

/// The odds below which a cluster's absence from a bad kernel is no accident.
const MISSED_BY_CHANCE: f64 = 0.05;

/// From so many releases on, the clean release that ended the walk is the likelier first error even where a
/// later verdict is plainly wrong: of 12 such logs 2 went wrong at that verdict first.
const LONG_WALK: usize = 4;

/// The first misleading step; `None` when nothing points at one.
pub(crate) fn first(tests: &[Tested], clusters: &[TitleCluster]) -> Option<Misled> {
    let other_cluster = first_other_cluster(tests, clusters);
    let unrelated = |phase| {
        tests.iter().position(|test| test.phase == phase && is_unrelated_bad(test, clusters))
    };
    let start_rate = clusters.iter().map(|s| f64::from(s.hits)).sum::<f64>()
        / f64::from(clusters.first().map_or(1, |cluster| cluster.runs.max(1)));
    let weak = |at: &usize| {
        let tally = &tests[*at].tally;
        tally.crashed() <= 1 || tally.rate() < 0.5 * start_rate
    };
    let strange = |at: &usize| {
        clusters
            .iter()
            .all(|cluster| cluster.nearest_in(&tests[*at].tally) == Some(Nearness::Strange))
    };
    let releases = tests.iter().filter(|test| test.phase == Phase::Release).count();
    let shown_release = unrelated(Phase::Release).filter(weak);
    let earliest = match (&other_cluster, shown_release) {
        (Some(other), Some(at)) if at < other.test => return unrelated_bad(tests, at),
        (None, Some(at)) => return unrelated_bad(tests, at),
        (other, _) => other,
    };
    if earliest.is_some() {
        return other_cluster;
    }
    let shown = unrelated(Phase::Bisect).filter(|at| releases == 1 || weak(at) && strange(at));
    match shown {
        Some(at) if releases < LONG_WALK => unrelated_bad(tests, at),
        _ => good_end(tests, releases, shown.is_some()),
    }
}

/// A test taken as bad for one bug of the start commit while another one of it was gone.
fn first_other_cluster(tests: &[Tested], clusters: &[TitleCluster]) -> Option<Misled> {
    if clusters.len() < 2 {
        return None;
    }
    tests.iter().enumerate().find_map(|(at, test)| {
        if !matches!(test.phase, Phase::Release | Phase::Bisect) || test.taken != Some(Verdict::Bad)
        {
            return None;
        }
        let gone = clusters.iter().find(|cluster| {
            let rate = f64::from(cluster.hits) / f64::from(cluster.runs.max(1));
            let missed = (1.0 - rate).powf(f64::from(test.tally.usable()));
            cluster.nearest_in(&test.tally).is_none_or(|near| near < Nearness::SameArea)
                && missed < MISSED_BY_CHANCE
        })?;
        let shown = clusters.iter().find(|cluster| cluster.hits_in(&test.tally) > 0)?;
        let rate = f64::from(gone.hits) / f64::from(gone.runs.max(1));
        Some(Misled {
            test: at,
            line: test.taken_line.unwrap_or(test.span.first),
            error: Error::OtherBug {
                test: test.name().to_owned(),
                shown: shown.title().to_owned(),
                gone: gone.title().to_owned(),
                at_start: Share { hits: gone.hits, runs: gone.runs },
                runs: test.tally.usable(),
                odds: (1.0 - rate).powf(f64::from(test.tally.usable())),
            },
            grade: Grade::Inferred,
            lines: [vec![test.span], gone.lines.clone()].concat(),
        })
    })
}

fn unrelated_bad(tests: &[Tested], at: usize) -> Option<Misled> {
    let test = &tests[at];
    Some(Misled {
        test: at,
        line: test.taken_line.unwrap_or(test.span.first),
        error: Error::Unrelated {
            test: test.name().to_owned(),
            titles: test.tally.crashes.keys().take(3).cloned().collect(),
            share: test.tally.share(),
        },
        grade: Grade::Inferred,
        lines: vec![test.span],
    })
}

/// The release that ended the walk.
fn good_end(tests: &[Tested], releases: usize, shown: bool) -> Option<Misled> {
    let at = tests
        .iter()
        .rposition(|test| test.phase == Phase::Release && test.taken == Some(Verdict::Good))?;
    let test = &tests[at];
    Some(Misled {
        test: at,
        line: test.span.first,
        error: Error::WalkEnd {
            release: test.name().to_owned(),
            walked: shown.then_some(releases),
        },
        grade: Grade::Guess,
        lines: vec![test.span],
    })
}
