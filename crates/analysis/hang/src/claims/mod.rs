//! What can be said of each event: predicates with their lines, rule and grade, one file for each family.

mod across;
mod atomic;
mod crash;
mod hypotheses;
mod kernel;
mod kind;
mod limits;
mod lockdep;
mod lockup;
mod memory;
mod object;
mod scan;
mod stall;
mod wait;

pub(crate) use self::object::freed_in;

use model::{LinkReason, Statement, Statements};

pub(crate) use self::hypotheses::hypotheses;
use self::limits::{LIMIT, SPELLED_OUT};
use crate::cause::Causes;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind};
use crate::graph::Graph;
use crate::hertz::Hertz;

/// The events whose details are spelled out: the first of each kind, and not again a stall that was told before.
fn spelled_out<'a>(seen: &'a Observations, causes: &Causes) -> Vec<&'a Event> {
    let mut spelled: Vec<EventKind> = Vec::new();
    let mut events = Vec::new();
    for event in &seen.events {
        let again = causes.links[event.id.0]
            .as_ref()
            .is_some_and(|link| link.reason == LinkReason::SamePeriod);
        if again || spelled.iter().filter(|kind| **kind == event.kind).count() >= SPELLED_OUT {
            continue;
        }
        spelled.push(event.kind);
        events.push(event);
    }
    events
}

/// All statements of a log, in the order of its events.
pub(crate) fn all(
    seen: &Observations,
    graph: &Graph,
    causes: &Causes,
    hertz: Option<&Hertz>,
    boot: u32,
) -> Vec<Statement> {
    let mut said = Statements::at_most(LIMIT);
    kernel::before(&mut said, seen, boot);
    kernel::asides(&mut said, seen);
    for event in spelled_out(seen, causes) {
        said.about(Some(event.id));
        match &event.detail {
            Detail::Stall(stall) => stall::of_stall(&mut said, seen, event, stall),
            Detail::Hung(scan) => scan::of_scan(&mut said, seen, event, scan),
            Detail::Lockup { .. } | Detail::Csd { .. } | Detail::Workqueue(_) => {
                lockup::of_lockup(&mut said, seen, event);
            }
            Detail::Memory(memory) => memory::of_memory(&mut said, event, memory),
            _ => crash::of_crash(&mut said, seen, event),
        }
    }
    said.about(None);
    across::across(&mut said, seen, hertz);
    wait::of_graph(&mut said, seen, graph);
    lockup::busy(&mut said, seen, boot);
    kernel::after(&mut said, seen);
    said.finish()
}
