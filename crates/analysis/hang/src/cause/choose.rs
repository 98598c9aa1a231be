//! Which event came first, where one is clear.

use std::collections::HashSet;

use model::{Grade, LinkReason};

use super::device::{DEVICE_FIRST, is_storage};
use super::pair::{Causes, close, is_telling};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind};
use crate::stack;

/// Ties that only tell which came first: what is later may have to do with it or not, and does not compete with it.
const fn is_order(reason: &LinkReason) -> bool {
    matches!(
        reason,
        LinkReason::Damaged
            | LinkReason::CpuStuck
            | LinkReason::SameFunction { .. }
            | LinkReason::SameCpu
            | LinkReason::SameMoment
    )
}

/// Whether an assertion of scheduler, locking, RCU, timers or workqueues failed: all that hangs later may go back to
/// it.
fn is_of_the_core(event: &Event) -> bool {
    const CORE: &[&str] =
        &["kernel/sched/", "kernel/locking/", "kernel/rcu/", "kernel/time/", "kernel/workqueue.c"];
    let Detail::Trap(trap) = &event.detail else {
        return event.kind == EventKind::ScheduleInAtomic;
    };
    event.kind == EventKind::Warning
        && trap.place.as_deref().is_some_and(|place| CORE.iter().any(|core| place.contains(core)))
}

/// How much an unlinked event says about a first cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Noise unless nothing else is there.
    Hint,
    /// A report of its own that need not have to do with later ones.
    Assertion,
    /// Something that broke or stopped.
    Serious,
}

fn weight(event: &Event) -> Weight {
    use EventKind as K;
    match event.kind {
        K::Hardware if !matches!(event.detail, Detail::Hardware { severe: true }) => Weight::Hint,
        K::SlowInterrupt
        | K::WorkqueueHog
        | K::UserSegfault
        | K::Device
        | K::FaultOomLeaked
        | K::MemoryLeak => Weight::Hint,
        K::Warning | K::Ubsan | K::AllocationFailure | K::FileSystem | K::Report => {
            Weight::Assertion
        }
        kind if kind.is_misuse() => Weight::Assertion,
        _ => Weight::Serious,
    }
}

/// What hangs below each event, by its number.
struct Below {
    /// Something, by more than a guess or as what came later.
    has_children: Vec<bool>,
    /// Something that broke or stopped, of which the event is the root.
    has_serious: Vec<bool>,
}

impl Below {
    fn new(seen: &Observations, causes: &Causes) -> Self {
        let mut has_children = vec![false; seen.events.len()];
        let mut has_serious = vec![false; seen.events.len()];
        for event in &seen.events {
            if let Some(link) = &causes.links[event.id.0] {
                has_children[link.parent.0] |= link.grade > Grade::Guess || is_order(&link.reason);
            }
            let root = causes.root(event.id);
            has_serious[root.0] |= root != event.id && weight(event) == Weight::Serious;
        }
        Self { has_children, has_serious }
    }
}

pub(super) fn choose(seen: &Observations, causes: &mut Causes) {
    // The part of the tree that holds the most serious events decides; hints only when alone.
    let sure = |causes: &Causes, at: usize| {
        causes.links[at]
            .as_ref()
            .is_none_or(|link| link.grade <= Grade::Guess && !is_order(&link.reason))
    };
    let roots: Vec<&Event> = seen.events.iter().filter(|event| sure(causes, event.id.0)).collect();
    let below = Below::new(seen, causes);
    let effective = |root: &&Event| {
        let own = weight(root);
        if own == Weight::Hint && below.has_children[root.id.0]
            || own == Weight::Assertion && below.has_serious[root.id.0]
        {
            Weight::Serious
        } else {
            own
        }
    };
    let highest = roots.iter().map(effective).max();
    let serious: Vec<&&Event> =
        roots.iter().filter(|root| Some(effective(root)) == highest).collect();
    // Pieces of a log may stand in any order; times tell within a boot.
    let Some(head) = serious.first() else { return };
    let of_boot = serious.iter().filter(|root| root.boot == head.boot);
    let first =
        of_boot.fold(*head, |first, root| if seen.precedes(root, first) { *root } else { first });
    if highest == Some(Weight::Serious) {
        // An assertion without a tie that came earlier in the same boot may be the cause: not decided.
        let earlier: Vec<EventId> = roots
            .iter()
            .filter(|root| {
                effective(root) == Weight::Assertion
                    && root.boot == first.boot
                    && seen.precedes(root, first)
                    && !below.has_children[root.id.0]
            })
            .filter(|root| suspicious_before(seen, root, first))
            .map(|root| root.id)
            .collect();
        // A rule broken long after damage that it shares nothing with: which one matters is open.
        let later = roots.iter().filter(|root| {
            (first.kind.is_corruption() || first.kind.is_trap())
                && root.kind.is_misuse()
                && root.boot == first.boot
                && seen.precedes(first, root)
        });
        // Storage that failed shortly before tasks hang in ways that do not show what they wait for.
        let device = roots.iter().filter(|root| {
            first.kind == EventKind::HungTasks
                && root.kind == EventKind::Device
                && is_storage(root)
                && root.boot == first.boot
                && seen.precedes(root, first)
                && close(seen, root, first, DEVICE_FIRST)
        });
        let device: Vec<EventId> = device.map(|root| root.id).collect();
        let earlier: Vec<EventId> =
            earlier.into_iter().chain(device).chain(later.map(|root| root.id)).collect();
        let rivals: Vec<EventId> =
            serious.iter().filter(|root| root.boot == first.boot).map(|root| root.id).collect();
        // A trap after a hang was reported cannot have begun that hang.
        let hang_first = first.kind.is_hang()
            && rivals.iter().filter(|id| **id != first.id).all(|id| {
                let later = seen.event(*id);
                later.kind == first.kind
                    || (later.kind.is_trap()
                        || later.kind.is_corruption()
                        || later.kind == EventKind::Panic)
                        && close(seen, first, later, 300_000_000)
            });
        if !earlier.is_empty() || rivals.len() > 1 && !hang_first && !orderly(seen, &rivals) {
            causes.rivals = earlier.into_iter().chain(rivals).collect();
            causes.rivals.sort_unstable();
            return;
        }
    }
    causes.first = Some(first.id);
}

/// Whether an earlier assertion without a tie is close enough to leave the question open.
fn suspicious_before(seen: &Observations, assertion: &Event, serious: &Event) -> bool {
    if serious.kind.is_hang() && is_of_the_core(assertion) {
        return true;
    }
    match (assertion.at, serious.at) {
        (Some(a), Some(b)) => seen.clock.between(a, b).is_none_or(|gap| {
            gap < 60_000_000 || gap < 600_000_000 && kindred(seen, assertion, serious)
        }),
        _ => true,
    }
}

/// Whether two reports may be about the same code: they share a module, or neither tells where it was.
fn kindred(seen: &Observations, a: &Event, b: &Event) -> bool {
    let places = |event: &Event| -> (HashSet<String>, bool) {
        let mut places = HashSet::new();
        let mut shown = false;
        for id in event.snapshots.iter().take(8) {
            for frame in stack::task_frames(seen.snapshot(*id)).into_iter().take(24) {
                shown |= is_telling(&frame.function);
                places.extend(frame.module.clone());
            }
        }
        (places, shown)
    };
    let ((first, first_shown), (second, second_shown)) = (places(a), places(b));
    !first_shown
        || !second_shown
        || first.is_empty() && second.is_empty()
        || first.intersection(&second).next().is_some()
}

/// Several roots that only a guess ties: still one story when all but the first are hangs of the same sort.
fn orderly(seen: &Observations, rivals: &[EventId]) -> bool {
    let kinds: HashSet<EventKind> = rivals.iter().map(|id| seen.event(*id).kind).collect();
    kinds.len() == 1
        && rivals.len() <= 64
        && kinds.iter().all(|kind| {
            matches!(
                kind,
                EventKind::HungTasks | EventKind::OutOfMemory | EventKind::NetdevReference
            )
        })
}
