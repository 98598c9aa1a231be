//! The table of faults. A row is a folder in `modules/`.

use crate::definition::Fault;
use crate::error::FaultError;

/// A fault's files, built in.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Name of the folder.
    pub name: &'static str,
    /// The C source of its module.
    pub code: &'static str,
    /// Its `fault.toml`.
    pub definition: &'static str,
}

macro_rules! sources {
    ($($name:literal)*) => {
        &[$(Source {
            name: $name,
            code: include_str!(concat!("../modules/", $name, "/", $name, ".c")),
            definition: include_str!(concat!("../modules/", $name, "/fault.toml")),
        }),*]
    };
}

/// All faults: RCU, loops, sleeping locks, work, lockdep, atomic context, memory, crashes.
const SOURCES: &[Source] = sources! {
    "rcu_reader_sleeps"
    "rcu_depth_leak"
    "rcu_thread_starved"
    "srcu_behind_preempted_reader"
    "loop_preempt_off"
    "loop_softirq_off"
    "loop_irq_off"
    "call_to_deaf_cpu"
    "spinlock_self_deadlock"
    "mutex_sleeper"
    "mutex_abba"
    "rwsem_writer_behind_reader"
    "percpu_rwsem_reader"
    "semaphore_lost"
    "completion_never"
    "kthread_never_stops"
    "reset_after_hang"
    "flush_own_work"
    "workqueue_hog"
    "lockdep_circular"
    "lockdep_irq_inversion"
    "suspicious_rcu"
    "unlock_imbalance"
    "sleep_in_atomic"
    "allocation_failure"
    "memory_exhausted"
    "memory_leak_oom"
    "null_dereference"
    "oops_holding_mutex"
    "wild_pointer"
    "divide_error"
    "use_after_free"
    "out_of_bounds"
    "list_corruption"
    "refcount_underflow"
    "stack_overflow"
    "warning"
    "flaky_race"
};

/// What all modules share.
pub(crate) const HEADER: &str = include_str!("../modules/fault.h");
/// The program that carries the steps out in the guest.
pub(crate) const PROVOKER: &str = include_str!("../guest/provoke.c");

/// All faults, in the order of the table.
///
/// # Errors
/// When a definition cannot be read.
pub fn catalogue() -> Result<Vec<Fault>, FaultError> {
    SOURCES.iter().map(|source| Fault::parse(source.name, source.definition)).collect()
}

/// The files of one fault.
///
/// # Errors
/// When there is none of that name; a near name is suggested.
pub fn source(name: &str) -> Result<&'static Source, FaultError> {
    SOURCES.iter().find(|source| source.name == name).ok_or_else(|| FaultError::Unknown {
        name: name.to_owned(),
        nearest: nearest(name).map(str::to_owned),
    })
}

/// The name that shares the most words with `name`.
fn nearest(name: &str) -> Option<&'static str> {
    let words: Vec<&str> = name.split(['_', '-', ' ']).filter(|word| word.len() > 2).collect();
    let shared = |source: &Source| words.iter().filter(|word| source.name.contains(**word)).count();
    SOURCES.iter().max_by_key(|source| shared(source)).filter(|s| shared(s) > 0).map(|s| s.name)
}
