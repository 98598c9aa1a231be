//! Which events belong together, and which came first. An event gets a parent when something shared
//! proves the tie: a grace period, a task, a CPU, a lock. What shares nothing stays separate.
//!
//! Invariant: where two unrelated reports compete, no first cause is named.

mod assertion;
mod choose;
mod damage;
mod device;
mod hung;
mod memory;
mod pair;
mod panic;
mod stall;
mod stuck;
mod unseen;

use model::Link;

pub use self::pair::Causes;
use self::pair::{LOOK_BACK, Pair};
pub use self::unseen::{Unseen, unseen};
use crate::collect::Observations;
use crate::event::{Event, EventKind};
use crate::graph::Graph;

/// What may tie a later event to an earlier one, in order of precedence: a new tie is one function here.
const TIES: &[fn(&Pair<'_>) -> Option<Link>] = &[
    stall::both,
    hung::both,
    stall::first,
    stall::second,
    panic::of_report,
    damage::damaged,
    hung::namespaces,
    memory::short,
    stuck::before,
    device::failed,
    assertion::then_worse,
    damage::switched,
    assertion::at_once,
    assertion::again,
];

/// Stamps of several CPUs may overtake each other by so much, microseconds.
const OVERTAKEN: i64 = 1_000_000;

/// Whether the event that stands first was printed after the other one: pieces of a log may stand in any order.
fn is_backwards(seen: &Observations, first: &Event, second: &Event) -> bool {
    let gap = first.at.zip(second.at).and_then(|(one, other)| seen.clock.between(one, other));
    gap.is_some_and(|gap| gap < -OVERTAKEN)
}

/// Ties the events of a log together and finds the first cause.
pub fn find(seen: &Observations, graphs: &[Graph]) -> Causes {
    let mut causes = Causes { links: vec![None; seen.events.len()], ..Causes::default() };
    for (at, later) in seen.events.iter().enumerate() {
        let graph = graphs.get(later.boot as usize);
        let links = seen.events[at.saturating_sub(LOOK_BACK)..at]
            .iter()
            .filter(|earlier| earlier.boot == later.boot && !is_backwards(seen, earlier, later))
            .filter_map(|earlier| {
                let pair = Pair { seen, graph, earlier, later };
                TIES.iter().find_map(|tie| tie(&pair))
            });
        // A panic ends the last report of its kind; all else goes back as far as it can.
        causes.links[at] = match later.kind {
            EventKind::Panic => links.max_by_key(|link| (link.grade, link.parent)),
            _ => links.max_by(|a, b| a.grade.cmp(&b.grade).then(b.parent.cmp(&a.parent))),
        };
    }
    stall::later_stalls(seen, graphs, &mut causes);
    stuck::pools(seen, &mut causes);
    stuck::victims(seen, graphs, &mut causes);
    choose::choose(seen, &mut causes);
    causes
}
