//! Rows of bugs as values.

use model::tracker::{Bug, Fix, ReproducerLevel, Standing, State};
use rusqlite::Row;

/// The columns of a bug, in the order in which [`bug`] reads them.
pub(super) const BUG: &str = "bug.id, bug.title, bug.sequence, bug.external, bug.state, bug.reason, \
    bug.duplicate_of, bug.merged, bug.fixes, bug.closed, bug.public, bug.created, bug.first, bug.last, \
    bug.crashes, bug.reproducer, bug.kind, bug.frame, bug.changed, bug.previous, bug.attempts, \
    bug.attempted, bug.kept, bug.kept_last";
/// How many they are.
pub(super) const BUG_COLUMNS: usize = 24;
/// What is wrong with the text of a column.
pub(super) fn broken(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The number under which a state is stored.
pub(super) fn state_number(state: State) -> i64 {
    State::ALL.iter().position(|other| *other == state).unwrap_or(0) as i64
}

fn state(number: i64) -> State {
    usize::try_from(number).ok().and_then(|at| State::ALL.get(at)).copied().unwrap_or(State::New)
}

pub(super) fn bug(row: &Row<'_>) -> rusqlite::Result<Bug> {
    let fixes: String = row.get(8)?;
    let fixes: Vec<Fix> = serde_json::from_str(&fixes).map_err(|error| broken(8, error))?;
    Ok(Bug {
        id: row.get(0)?,
        title: row.get(1)?,
        sequence: row.get(2)?,
        external: row.get(3)?,
        standing: Standing {
            state: state(row.get(4)?),
            reason: row.get(5)?,
            duplicate_of: row.get(6)?,
            merged: row.get(7)?,
            fixes,
            closed: row.get(9)?,
            public: row.get(10)?,
        },
        created: row.get(11)?,
        first: row.get(12)?,
        last: row.get(13)?,
        crashes: count(row.get(14)?),
        reproducer: ReproducerLevel::from_number(row.get(15)?),
        kind: row.get(16)?,
        frame: row.get(17)?,
        changed: row.get(18)?,
        previous: row.get(19)?,
        attempts: row.get(20)?,
        attempted: row.get(21)?,
        kept: row.get(22)?,
        kept_last: row.get(23)?,
    })
}
