//! Counters that begin anew each day, as `DAY COUNT` among the settings of the record.

use model::tracker::{Change, Read, RecordError};

/// How many were counted today.
pub(super) fn count(read: &dyn Read, name: &str, now: i64) -> Result<u64, RecordError> {
    let known = read.setting(name)?;
    let counted = known
        .as_deref()
        .and_then(|text| text.split_once(' '))
        .filter(|(day, _)| *day == today(now).to_string())
        .and_then(|(_, count)| count.parse().ok());
    Ok(counted.unwrap_or(0))
}

/// Counts one more; gives how many there were today before.
pub(super) fn add(change: &dyn Change, name: &str, now: i64) -> Result<u64, RecordError> {
    let before = count(change, name, now)?;
    change.set_setting(name, &format!("{} {}", today(now), before + 1))?;
    Ok(before)
}

fn today(now: i64) -> i64 {
    now.div_euclid(86_400)
}
