//! Whether a failure only changed its name at the commit that a search ends with.

use std::collections::BTreeSet;

use analysis_bisect::{Conclusion, Direction, Share, is_renamed};
use io_database::{Attempt, Event};

use super::case::{Case, Wanted};

/// Another failure that looks like the wanted one under another name.
#[derive(Clone, Debug)]
pub(crate) struct Renamed {
    /// Its title.
    pub(crate) title: String,
    /// How often it showed next to the culprit, on the side without the wanted failure.
    pub(crate) without: Share,
    /// How often it showed on the side with the wanted failure, when that did not.
    pub(crate) with: Share,
}

/// Looks for such a failure, in the runs on both sides of the culprit.
pub(super) fn of(case: &Case, conclusion: &Conclusion) -> Option<Renamed> {
    let Conclusion::Culprit { commit, .. } = conclusion else { return None };
    let bisection = case.bisection(usize::MAX);
    let (history, prior) = (bisection.history(), bisection.prior());
    let kernels =
        |commits: &[usize]| commits.iter().map(|&at| prior.kernel(at)).collect::<BTreeSet<_>>();
    let has_culprit: BTreeSet<usize> = bisection
        .tallies()
        .into_iter()
        .map(|(tested, _)| tested)
        .filter(|&tested| history.ancestors(tested).contains(*commit))
        .collect();
    let next_to_it = match case.direction() {
        Direction::Cause => kernels(&case.parents(*commit)),
        Direction::Fix => kernels(&[*commit]),
    };
    let fails_with_it = case.direction() == Direction::Cause;
    let wanted = case.wanted();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for attempt in case.attempts.iter().filter(|attempt| is_left_over(attempt, &wanted)) {
        let Some(at) = case.position(&attempt.commit) else { continue };
        let kernel = prior.kernel(at);
        if next_to_it.contains(&kernel) {
            without.push(attempt);
        } else if has_culprit.contains(&kernel) == fails_with_it {
            with.push(attempt);
        }
    }
    let share = |runs: &[&Attempt], title: &str| Share {
        showed: count(runs.iter().filter(|run| run.title.as_deref() == Some(title))),
        runs: count(runs.iter()),
    };
    let crashed = without.iter().filter(|attempt| attempt.event == Event::Crashed);
    let titles: BTreeSet<&str> = crashed.filter_map(|run| run.title.as_deref()).collect();
    titles
        .into_iter()
        .map(|title| Renamed {
            title: title.to_owned(),
            without: share(&without, title),
            with: share(&with, title),
        })
        .find(|renamed| is_renamed(renamed.without, renamed.with))
}

fn count<T>(of: impl Iterator<Item = T>) -> u32 {
    u32::try_from(of.count()).unwrap_or(u32::MAX)
}

/// A run that reached the test and did not end in the wanted failure.
fn is_left_over(attempt: &Attempt, wanted: &Wanted) -> bool {
    match attempt.event {
        Event::Clean => true,
        Event::Crashed => !wanted.matches(attempt),
        _ => false,
    }
}
