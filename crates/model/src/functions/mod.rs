//! What kernel functions are there for: one table for the whole workspace.
//!
//! A stack holds many functions that tell nothing about a bug: the machinery that printed it, locks, allocators,
//! string functions, the scheduler. [`role`] tells which of them a function belongs to, and `None` for the functions
//! that do a kernel's own work. What a role means for a title, a wait or a cause is decided where it is used.
//!
//! Rows are data, in [`table`]; a newcomer adds a name to the row of its role.

mod role;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use role::Role;
use table::ROWS;

/// How a row's name is compared.
enum Form {
    Whole,
    Start,
    Word,
}

/// A name of the table: `name`, `name*` (how a name starts) or `*name` (a word in the middle starts so).
fn form(entry: &'static str) -> (Form, &'static str) {
    match (entry.strip_prefix('*'), entry.strip_suffix('*')) {
        (Some(rest), _) => (Form::Word, rest),
        (None, Some(rest)) => (Form::Start, rest),
        (None, None) => (Form::Whole, entry),
    }
}

#[derive(Default)]
struct Index {
    whole: HashMap<&'static str, Role>,
    start: Starts,
    word: Starts,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    let (mut start, mut word) = (Vec::new(), Vec::new());
    for (role, names) in ROWS {
        for entry in *names {
            match form(entry) {
                (Form::Whole, name) => {
                    index.whole.insert(name, *role);
                }
                (Form::Start, name) => start.push((name, *role)),
                (Form::Word, name) => word.push((name, *role)),
            }
        }
    }
    index.start = Starts::new(start);
    index.word = Starts::new(word);
    index
});

/// Starts of names, sorted, with the range of each first byte.
#[derive(Default)]
struct Starts {
    sorted: Vec<(&'static str, Role)>,
    ranges: Vec<(usize, usize)>,
}

impl Starts {
    fn new(mut sorted: Vec<(&'static str, Role)>) -> Self {
        sorted.sort_unstable();
        let first = |byte: usize| {
            sorted.partition_point(|(entry, _)| usize::from(entry.as_bytes()[0]) < byte)
        };
        let ranges = (0..256).map(|byte| (first(byte), first(byte + 1))).collect();
        Self { sorted, ranges }
    }

    /// The role of the longest entry that `name` starts with.
    fn longest(&self, name: &str) -> Option<Role> {
        let (from, to) = self.ranges[usize::from(*name.as_bytes().first()?)];
        longest_start(&self.sorted[from..to], name)
    }
}

/// The name without leading underscores, without the dot of powerpc's function descriptors, and without what the
/// compiler appended (`.isra.0`, `.cold`): the variants of one function share a row.
pub fn stem(function: &str) -> &str {
    let name = function.trim_start_matches(['.', '_']);
    let name = if name.is_empty() { function } else { name };
    match name.find('.') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// What the function is there for; `None` when the table does not know it, as for nearly all functions.
pub fn role(function: &str) -> Option<Role> {
    let name = stem(function);
    let index = &*INDEX;
    if let Some(role) = index.whole.get(name) {
        return Some(*role);
    }
    index.start.longest(name).or_else(|| {
        let words = name.match_indices('_').map(|(at, _)| &name[at + 1..]);
        std::iter::once(name).chain(words).find_map(|rest| index.word.longest(rest))
    })
}

/// The longest of the sorted entries that `name` starts with.
fn longest_start(sorted: &[(&'static str, Role)], name: &str) -> Option<Role> {
    let mut wanted = name;
    loop {
        let before = sorted.partition_point(|(entry, _)| *entry <= wanted);
        let (entry, role) = sorted.get(before.checked_sub(1)?)?;
        let common = entry.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
        if common == entry.len() {
            return Some(*role);
        }
        // Whatever matches lies before this entry and is no longer than what both share.
        wanted = &wanted[..wanted.floor_char_boundary(common)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_a_function_share_its_role() {
        for name in ["__schedule", "schedule", "schedule_timeout", "io_schedule"] {
            assert_eq!(role(name), Some(Role::Scheduler), "{name}");
        }
        for name in
            ["_raw_spin_lock_irqsave", "native_queued_spin_lock_slowpath", "__mutex_lock.isra.0"]
        {
            assert_eq!(role(name), Some(Role::Lock), "{name}");
        }
        assert_eq!(role("__kmalloc_node_track_caller_noprof"), Some(Role::Allocator));
        assert_eq!(role("asm_sysvec_apic_timer_interrupt"), Some(Role::Interrupt));
        assert_eq!(role(".check_preemption_disabled"), role("check_preemption_disabled"));
        assert_eq!(role(".check_preemption_disabled"), Some(Role::Detector));
    }

    #[test]
    fn functions_that_do_work_have_no_role() {
        for name in ["ext4_iput", "tcp_sendmsg", "do_sys_openat2", "", "_", "é", "__é_lock"] {
            assert_eq!(role(name), None, "{name}");
        }
    }

    #[test]
    fn no_name_stands_in_two_rows() {
        let mut seen = HashMap::new();
        for (role, names) in ROWS {
            for name in *names {
                assert_eq!(seen.insert(*name, *role), None, "{name} stands twice");
                let (_, bare) = form(name);
                assert_eq!(stem(bare), bare, "{name}: the table holds stems");
                assert!(!bare.contains('*'), "{name}");
            }
        }
    }

    #[test]
    fn the_longest_entry_decides() {
        let sorted = [("a", Role::Idle), ("ab_", Role::Lock), ("abc", Role::Wait)];
        assert_eq!(longest_start(&sorted, "ab_c"), Some(Role::Lock));
        assert_eq!(longest_start(&sorted, "abd"), Some(Role::Idle));
        assert_eq!(longest_start(&sorted, "b"), None);
    }
}
