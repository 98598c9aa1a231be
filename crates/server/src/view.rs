//! Everything that is shown of one bug, from the record.

use app_tracker::{Error, Tracker};
use model::tracker::Bug;
use render::tracker::BugView;

/// Crashes that are shown.
const CRASHES: u64 = 50;
/// Machines that are named.
const MACHINES: u64 = 20;
/// Similar bugs.
const SIMILAR: usize = 3;
/// Jobs.
const JOBS: u64 = 50;

/// Everything that is shown of a bug. With `public_only` other bugs are named only when anybody may see them.
///
/// # Errors
/// When the record cannot be read.
pub fn view(tracker: &Tracker, bug: &Bug, now: i64, public_only: bool) -> Result<BugView, Error> {
    let read = tracker.read();
    let visible = |bug: &Bug| !public_only || bug.standing.public;
    let other = |id: Option<i64>| -> Result<Option<Bug>, Error> {
        Ok(id.map(|id| read.bug(id)).transpose()?.flatten().filter(|bug| visible(bug)))
    };
    let mut duplicates = read.duplicates(bug.id)?;
    duplicates.retain(|bug| visible(bug));
    let mut similar = tracker.similar(bug, SIMILAR * 4)?;
    similar.retain(|(bug, _)| visible(bug));
    similar.truncate(SIMILAR);
    Ok(BugView {
        keys: read.keys(bug.id)?,
        labels: read.labels(bug.id)?,
        history: read.history(bug.id)?,
        crashes: read.crashes(bug.id, CRASHES)?,
        best: read.best_crash(bug.id)?,
        days: read.days(bug.id)?,
        machines: read.machines(bug.id, MACHINES)?,
        reproducers: read.reproducers(bug.id)?,
        duplicates,
        duplicate_of: other(bug.standing.duplicate_of)?,
        previous: other(bug.previous)?,
        similar,
        jobs: read.jobs_of(bug.id, JOBS)?,
        silence: tracker.silence(bug, now),
        bug: bug.clone(),
        now,
    })
}
