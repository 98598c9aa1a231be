//! A predicate as one English sentence.

use model::{LockRef, Party, Predicate};

/// The sentence that says a predicate, with a full stop.
pub fn sentence(predicate: &Predicate) -> String {
    use Predicate as P;
    match predicate {
        P::KernelVersion { version } => format!("The kernel is {version}."),
        P::WaitsFor { waiter, target, .. } => {
            format!("{} waits for {}.", party(waiter), party(target))
        }
        P::CrashPlace { function } => format!("The crash is in {function}()."),
        other => format!("{other:?}."),
    }
}

/// A lock in words: class and address where known.
fn lock(lock: &LockRef) -> String {
    match (&lock.class, &lock.address) {
        (Some(class), Some(address)) => format!("{class} at {address}"),
        (Some(class), None) => class.clone(),
        (None, Some(address)) => format!("the lock at {address}"),
        (None, None) => "a lock".to_owned(),
    }
}

/// Somebody who waits or is waited for, in words.
fn party(party: &Party) -> String {
    match party {
        Party::Task { task } => task.to_string(),
        Party::Cpu { cpu } => format!("CPU {cpu}"),
        Party::Lock { lock: which } => lock(which),
        Party::SomeLock { lock } => format!("a {lock}"),
        Party::GracePeriod { number: Some(number) } => format!("RCU grace period {number}"),
        Party::GracePeriod { number: None } => "an RCU grace period".to_owned(),
        Party::SrcuGracePeriod => "an SRCU grace period".to_owned(),
        Party::Work { function: Some(function) } => format!("work item {function}"),
        Party::Work { function: None } => "a work item".to_owned(),
        Party::Pool { cpus } => format!("the worker pool of CPUs {cpus}"),
        Party::Page => "a folio or buffer".to_owned(),
        Party::Device { name } | Party::Resource { name } => name.clone(),
    }
}
