//! Which logs are kept: the first ones, the newest, the odd ones, never more than some dozens a bug.

use std::collections::HashSet;

use model::tracker::{Crash, CrashId};

/// Logs that a bug may keep.
pub const KEPT_LIMIT: usize = 80;
/// Beyond these, the least telling ones go whenever somebody looks.
const AFTER_DROP: usize = 60;
/// The first logs of a bug are all kept.
const FIRST: u32 = 40;
/// After these, one in so many is.
const ONE_IN: u64 = 20;
/// Seconds after which a further log is kept in any case.
const BETWEEN: i64 = 3600;
/// The newest are kept.
const NEWEST: usize = 20;

/// What a bug has kept before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// Crashes before this one.
    pub crashes: u64,
    /// Logs that were kept, ever.
    pub kept: u32,
    /// When the last one was.
    pub kept_last: Option<i64>,
}

/// Whether the log of a crash is kept.
pub fn wants_log(past: Past, time: i64, has_reproducer: bool, is_new_title: bool) -> bool {
    has_reproducer
        || is_new_title
        || past.kept < FIRST
        || past.crashes.is_multiple_of(ONE_IN)
        || past.kept_last.is_none_or(|last| time.abs_diff(last) > BETWEEN.unsigned_abs())
}

/// The crashes of a bug whose logs may go, of those whose logs are kept, newest first. Kept are those with a
/// reproducer, the newest of each title and of each machine, the newest of all, and the first of all.
pub fn to_drop(kept: &[Crash]) -> Vec<CrashId> {
    if kept.len() <= AFTER_DROP {
        return Vec::new();
    }
    let (mut titles, mut machines) = (HashSet::new(), HashSet::new());
    let mut spare: Vec<CrashId> = Vec::new();
    for (at, crash) in kept.iter().enumerate() {
        let title = titles.len() < NEWEST && titles.insert(&crash.title);
        let machine = machines.len() < NEWEST && machines.insert(&crash.machine);
        let needed = crash.has_reproducer || at < NEWEST || at + 1 == kept.len();
        if !(title || machine || needed) {
            spare.push(crash.id);
        }
    }
    // The oldest go first; of logs with reproducers the oldest too, when there are too many.
    spare.reverse();
    let mut drop: Vec<CrashId> = spare;
    drop.truncate(kept.len() - AFTER_DROP);
    let left = kept.len() - drop.len();
    if left > KEPT_LIMIT {
        let more: Vec<CrashId> = kept
            .iter()
            .rev()
            .skip(1)
            .map(|crash| crash.id)
            .filter(|id| !drop.contains(id))
            .take(left - KEPT_LIMIT)
            .collect();
        drop.extend(more);
    }
    drop
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(id: CrashId, title: &str, has_reproducer: bool) -> Crash {
        Crash {
            id,
            bug: 1,
            origin: 1,
            time: id,
            title: title.into(),
            kernel: None,
            build: None,
            machine: "m".into(),
            source: String::new(),
            log: Some("l".into()),
            report: None,
            machine_info: None,
            line: 0,
            corrupted: false,
            has_reproducer,
        }
    }

    #[test]
    fn logs_are_kept_where_they_may_tell_something() {
        let many = Past { crashes: 101, kept: 41, kept_last: Some(1000) };
        assert!(!wants_log(many, 1001, false, false));
        assert!(wants_log(many, 1001, true, false) && wants_log(many, 1001, false, true));
        assert!(wants_log(many, 1000 + 3601, false, false));
        assert!(wants_log(Past { crashes: 120, ..many }, 1001, false, false));
        assert!(wants_log(Past { kept: 39, ..many }, 1001, false, false));
    }

    #[test]
    fn what_is_left_is_the_newest_the_first_and_the_odd_ones() {
        let mut kept: Vec<Crash> = (1..=90).rev().map(|id| crash(id, "t", false)).collect();
        kept[50].title = "odd".into();
        kept[60].has_reproducer = true;
        let (odd, reproduced) = (kept[50].id, kept[60].id);
        let drop = to_drop(&kept);
        assert_eq!(kept.len() - drop.len(), AFTER_DROP);
        for id in [odd, reproduced, 1, 90, 71] {
            assert!(!drop.contains(&id), "{id}");
        }
        assert!(to_drop(&kept[..AFTER_DROP]).is_empty());
    }

    #[test]
    fn there_are_never_more_than_the_limit_even_where_each_has_a_reproducer() {
        let kept: Vec<Crash> = (1..=200).rev().map(|id| crash(id, "t", true)).collect();
        let mut drop = to_drop(&kept);
        assert_eq!(kept.len() - drop.len(), KEPT_LIMIT);
        drop.sort_unstable();
        drop.dedup();
        assert_eq!(kept.len() - drop.len(), KEPT_LIMIT);
        assert!(!drop.contains(&200) && !drop.contains(&1));
    }
}
