//! Whether a failure only changed its name at the commit that a search ends with.

use std::collections::BTreeSet;

use model::bisection::{Attempt, Event};

use crate::{Conclusion, Direction, Search, Share, Wanted, is_renamed};

/// Another failure that looks like the wanted one under another name.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// Its title.
    pub title: String,
    /// How often it showed next to the culprit, on the side without the wanted failure.
    pub without: Share,
    /// How often it showed on the side with the wanted failure, when that did not.
    pub with: Share,
}

/// Looks for such a failure, in the runs on both sides of the culprit.
pub fn of(search: &Search, conclusion: &Conclusion) -> Option<Renamed> {
    let Conclusion::Culprit { commit, .. } = conclusion else { return None };
    let bisection = search.bisection(usize::MAX);
    let (history, prior) = (bisection.history(), bisection.prior());
    let kernels =
        |commits: &[usize]| commits.iter().map(|&at| prior.kernel(at)).collect::<BTreeSet<_>>();
    let has_culprit: BTreeSet<usize> = bisection
        .tallies()
        .into_iter()
        .map(|(tested, _)| tested)
        .filter(|&tested| history.ancestors(tested).contains(*commit))
        .collect();
    let next_to_it = match search.direction() {
        Direction::Cause => kernels(&search.parents(*commit)),
        Direction::Fix => kernels(&[*commit]),
    };
    let fails_with_it = search.direction() == Direction::Cause;
    let wanted = search.wanted();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for attempt in search.attempts.iter().filter(|attempt| is_left_over(attempt, &wanted)) {
        let Some(at) = search.position(&attempt.commit) else { continue };
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
