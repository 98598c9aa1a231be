//! The verdict: what kind of failure the log shows, in the order cycle, sink, report; and what is missing.
//!
//! Invariant: a deadlock is said only of a cycle of edges that are there.

mod cpu;
mod cycle;
mod draft;
mod hung;
mod memory;
mod report;
mod stall;

use model::{Finding, Grade, LineSpan, Need, Verdict, VerdictKind};

use self::cycle::cycle;
use self::draft::{Add, verdict};
use self::report::by_event;
use crate::cause::Causes;
use crate::collect::Observations;
use crate::event::{Event, EventId, EventKind};
use crate::graph::Graph;

/// Judges a log by its root event.
pub fn judge(seen: &Observations, graph: &Graph, causes: &Causes) -> Verdict {
    if seen.events.is_empty() {
        let finding = match seen.trace {
            Some(line) => Finding::UnknownTrace { line },
            None => Finding::NoReport,
        };
        return verdict(VerdictKind::Unknown, finding, None, Grade::Unknown).need(Need::ConsoleLog);
    }
    if let Some(verdict) = cycle(seen, graph) {
        return verdict;
    }
    let Some(root) = causes.first else {
        let finding =
            Finding::Rivals { events: causes.rivals.clone(), share: share(seen, &causes.rivals) };
        return verdict(VerdictKind::Unknown, finding, None, Grade::Unknown)
            .need(Need::OrderOfReports);
    };
    let event = seen.event(root);
    // A broken rule that ends in a hang: the hang tells what the rule was broken to.
    let hang = seen
        .events
        .iter()
        .filter(|later| later.kind.is_hang() && later.boot == event.boot && later.id != root)
        .find(|later| {
            causes.links[later.id.0]
                .as_ref()
                .is_some_and(|link| link.parent == root && link.grade >= Grade::Inferred)
        });
    match hang.filter(|_| event.kind.is_misuse() || event.kind == EventKind::Warning) {
        Some(hang) => ended_in(by_event(seen, graph, event), by_event(seen, graph, hang)),
        None => by_event(seen, graph, event),
    }
}

/// The verdict of a hang that a broken rule ended in; the cause is the broken rule's.
fn ended_in(own: Verdict, mut hang: Verdict) -> Verdict {
    if let Some(line) = own.cause {
        hang.lines.insert(0, LineSpan::line(line));
        hang.cause = Some(line);
    }
    if hang.kind == VerdictKind::Unknown {
        (hang.kind, hang.grade) = (own.kind, own.grade);
    }
    hang.findings.splice(0..0, own.findings);
    hang
}

/// Whether some reports that no tie orders share a task or a CPU all the same.
fn share(seen: &Observations, rivals: &[EventId]) -> bool {
    /// Rivals compared with each other.
    const COMPARED: usize = 64;
    let pid = |event: &Event| event.task.as_ref().and_then(|task| task.pid).filter(|pid| *pid > 0);
    let rivals = &rivals[..rivals.len().min(COMPARED)];
    rivals.iter().enumerate().any(|(at, id)| {
        let event = seen.event(*id);
        rivals[at + 1..].iter().map(|id| seen.event(*id)).any(|other| {
            pid(event).is_some() && pid(event) == pid(other)
                || event.cpu.is_some() && event.cpu == other.cpu
        })
    })
}
