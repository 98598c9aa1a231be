//! Which functions never name a bug: those whose role in the kernel is to serve others, and those that known titles
//! always pass over.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use model::functions::{Role, role, stem};

/// Roles whose functions never name a bug: what they fail on was handed to them. The scheduler, RCU, the tick and
/// the threads that run work are named when they themselves fail.
const NEVER_NAMED: &[Role] = &[
    Role::Wait,
    Role::Wake,
    Role::Lock,
    Role::Lockdep,
    Role::Allocator,
    Role::Sanitizer,
    Role::Detector,
    Role::Dumper,
    Role::Printk,
    Role::Exception,
    Role::Memory,
    Role::Atomic,
    Role::Container,
    Role::Timer,
    Role::Workqueue,
    Role::Tracing,
    Role::DriverCore,
    Role::FileCore,
    Role::NetCore,
    Role::UsbCore,
];

/// Functions of these roles that are named nevertheless: variants of a primitive that few call and that titles
/// therefore name. Without leading underscores.
const NAMED: &[&str] = &[
    "cancel_delayed_work_sync",
    "down_interruptible",
    "down_killable",
    "down_timeout",
    "find_held_lock",
    "flush_delayed_work",
    "kfence_free",
    "lock_is_held_type",
    "match_held_lock",
    "prepare_to_wait",
    "prepare_to_wait_event",
    "prepare_to_wait_exclusive",
    "up",
];

/// Functions of other roles that are never named: they take down what their caller may still use.
const NEVER_NAMED_FUNCTIONS: &[&str] = &["cleanup_srcu_struct"];

/// What known titles pass over (`cargo xtask learn-helpers`): family, function, different bugs, named instead.
const LEARNT: &str = include_str!("tables/learnt.tsv");

struct Learnt {
    /// Helpers of every family.
    all: HashSet<&'static str>,
    /// By function, the families of which it is a helper.
    families: HashMap<&'static str, Vec<&'static str>>,
}

static LEARNT_HELPERS: LazyLock<Learnt> = LazyLock::new(|| {
    let mut learnt = Learnt { all: HashSet::new(), families: HashMap::new() };
    for line in LEARNT.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let (Some(family), Some(function)) = (fields.next(), fields.next()) else { continue };
        match family {
            "*" => {
                learnt.all.insert(function);
            }
            family => learnt.families.entry(function).or_default().push(family),
        }
    }
    learnt
});

/// Whether a function never names a bug of the family with that title template.
pub(crate) fn is_helper(function: &str, family: &str) -> bool {
    if is_helper_by_role(function) {
        return true;
    }
    let learnt = &*LEARNT_HELPERS;
    // Where the role is known to name bugs of its own, only the family's own reports count.
    (role(function).is_none() && learnt.all.contains(function))
        || learnt.families.get(function).is_some_and(|families| families.contains(&family))
}

/// Whether the table of roles alone says that the function never names a bug.
pub(crate) fn is_helper_by_role(function: &str) -> bool {
    match role(function) {
        Some(role) if NEVER_NAMED.contains(&role) => !NAMED.contains(&stem(function)),
        Some(_) => NEVER_NAMED_FUNCTIONS.contains(&function),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_allocators_name_nothing() {
        for name in ["_raw_spin_lock_irqsave", "iput", "__kmalloc_noprof", "kasan_report"] {
            assert!(is_helper(name, "WARNING in {F}"), "{name}");
        }
        for name in ["ext4_iput", "down_interruptible", "schedule", "call_rcu"] {
            assert!(!is_helper(name, "WARNING in {F}"), "{name}");
        }
    }

    #[test]
    fn every_learnt_row_is_read() {
        let rows = LEARNT.lines().filter(|line| !line.starts_with('#')).count();
        let learnt = &*LEARNT_HELPERS;
        let read = learnt.all.len() + learnt.families.values().map(Vec::len).sum::<usize>();
        assert_eq!(read, rows);
        assert!(is_helper("schedule", "INFO: task hung in {F}"));
    }
}
