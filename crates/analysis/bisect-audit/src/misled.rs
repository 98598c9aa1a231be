//! The first step of the search that led it away.
//!
//! Where a verdict contradicts the runs behind it, that verdict is named. Where none does, the most frequent
//! first error is: the clean release that ended the walk (105 of 211 wrong answers), in which the reproducer
//! could not work. That is a guess and says so.

use model::{Grade, LineSpan};
use parse_bisect_log::{Phase, Verdict};

use crate::signal::is_unrelated_bad;
use crate::strand::Strand;
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
    pub statement: String,
    /// How sure that is.
    pub grade: Grade,
    /// The lines that show it.
    pub lines: Vec<LineSpan>,
}

/// The odds below which a strand's absence from a bad kernel is no accident.
const MISSED_BY_CHANCE: f64 = 0.05;

/// From so many releases on, the clean release that ended the walk is the likelier first error even where a
/// later verdict is plainly wrong: of 12 such logs 2 went wrong at that verdict first.
const LONG_WALK: usize = 4;

/// The first misleading step; `None` when nothing points at one.
pub(crate) fn first(tests: &[Tested], strands: &[Strand]) -> Option<Misled> {
    let other_strand = first_other_strand(tests, strands);
    let unrelated = |phase| {
        tests.iter().position(|test| test.phase == phase && is_unrelated_bad(test, strands))
    };
    let start_rate = strands.iter().map(|s| f64::from(s.hits)).sum::<f64>()
        / f64::from(strands.first().map_or(1, |strand| strand.runs.max(1)));
    let weak = |at: &usize| {
        let tally = &tests[*at].tally;
        tally.crashed() <= 1 || tally.rate() < 0.5 * start_rate
    };
    let strange = |at: &usize| {
        strands.iter().all(|strand| strand.nearest_in(&tests[*at].tally) == Some(Nearness::Strange))
    };
    let releases = tests.iter().filter(|test| test.phase == Phase::Release).count();
    let shown_release = unrelated(Phase::Release).filter(weak);
    let earliest = match (&other_strand, shown_release) {
        (Some(other), Some(at)) if at < other.test => return unrelated_bad(tests, at),
        (None, Some(at)) => return unrelated_bad(tests, at),
        (other, _) => other,
    };
    if earliest.is_some() {
        return other_strand;
    }
    let shown = unrelated(Phase::Bisect).filter(|at| releases == 1 || weak(at) && strange(at));
    match shown {
        Some(at) if releases < LONG_WALK => unrelated_bad(tests, at),
        _ => good_end(tests, releases, shown.is_some()),
    }
}

/// A test taken as bad for one bug of the start commit while another one of it was gone.
fn first_other_strand(tests: &[Tested], strands: &[Strand]) -> Option<Misled> {
    if strands.len() < 2 {
        return None;
    }
    tests.iter().enumerate().find_map(|(at, test)| {
        if !matches!(test.phase, Phase::Release | Phase::Bisect) || test.taken != Some(Verdict::Bad) {
            return None;
        }
        let gone = strands.iter().find(|strand| {
            let rate = f64::from(strand.hits) / f64::from(strand.runs.max(1));
            let missed = (1.0 - rate).powf(f64::from(test.tally.usable()));
            strand.nearest_in(&test.tally).is_none_or(|near| near < Nearness::SameArea)
                && missed < MISSED_BY_CHANCE
        })?;
        let shown = strands.iter().find(|strand| strand.hits_in(&test.tally) > 0)?;
        let rate = f64::from(gone.hits) / f64::from(gone.runs.max(1));
        Some(Misled {
            test: at,
            line: test.taken_line.unwrap_or(test.span.first),
            statement: format!(
                "{} was taken as bad for '{}' alone; '{}' ({} of {} runs at the start commit) never showed in \
                 its {} runs (odds {:.1e} if it were there as at the start; the crash that did show can hide it)",
                test.name(),
                shown.title(),
                gone.title(),
                gone.hits,
                gone.runs,
                test.tally.usable(),
                (1.0 - rate).powf(f64::from(test.tally.usable())),
            ),
            grade: Grade::Inferred,
            lines: [vec![test.span], gone.lines.clone()].concat(),
        })
    })
}

fn unrelated_bad(tests: &[Tested], at: usize) -> Option<Misled> {
    let test = &tests[at];
    let titles: Vec<_> =
        test.tally.crashes.keys().take(3).map(|title| format!("'{title}'")).collect();
    Some(Misled {
        test: at,
        line: test.taken_line.unwrap_or(test.span.first),
        statement: format!(
            "{} was taken as bad for {} ({} of {} runs), which the start commit never shows: no evidence of the \
             wanted crash",
            test.name(),
            titles.join(", "),
            test.tally.crashed(),
            test.tally.usable()
        ),
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
    let why = if shown {
        format!(
            "a later verdict rests on a stranger, but after a walk over {releases} releases the first error is \
             most often its end"
        )
    } else {
        "no verdict contradicts its runs; the most frequent first error is then the end of the walk"
            .to_owned()
    };
    Some(Misled {
        test: at,
        line: test.span.first,
        statement: format!(
            "{why}: the reproducer may be unable to work in {}, which ran clean, for want of a feature, a \
             checker or a configuration, although the bug is there",
            test.name()
        ),
        grade: Grade::Guess,
        lines: vec![test.span],
    })
}
