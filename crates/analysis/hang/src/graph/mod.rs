//! Who waits for what, held by whom. Nodes are tasks, CPUs, locks, grace periods and the like; an edge
//! says what proves it.
//!
//! Invariants: no edge without lines; a cycle is a cycle of edges that are there, never of names that
//! look alike.

mod holders;
mod releasers;
mod stall;
mod target;
mod types;
mod work;

use std::collections::HashMap;

use model::{Awaited, Grade};

use self::holders::{foretold, holders_by_list, holders_by_stack, owners_named, recursions};
use self::releasers::releasers;
use self::stall::{absent_from_stopper, cpu_events, grace_periods, spinning_cpus, stuck_holder};
pub(crate) use self::stall::{occupant, thread_prints};
use self::target::{Asked, target};
use self::types::Waiter;
pub use self::types::{Edge, Graph, Node, NodeKind, kind_of};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, SnapshotId};
use crate::wait;

/// Builds the graph of one boot.
pub fn build(seen: &Observations, boot: u32) -> Graph {
    let mut graph = Graph::default();
    let events: Vec<&Event> = seen.events.iter().filter(|event| event.boot == boot).collect();
    let periods = grace_periods(&mut graph, seen, &events);
    for event in &events {
        cpu_events(&mut graph, seen, event);
    }
    spinning_cpus(&mut graph, seen);
    absent_from_stopper(&mut graph, &events);
    stuck_holder(&mut graph, seen, &events);
    // Every stack of a task, the first one with frames for each.
    let owners = named_owners(&events);
    let mut stacks: Vec<(usize, SnapshotId)> = Vec::new();
    for event in &events {
        for (id, snapshot) in event.snapshots.iter().map(|id| (*id, seen.snapshot(*id))) {
            if !snapshot.frames.iter().any(|frame| frame.reliable) || !may_wait(event.kind) {
                continue;
            }
            let Some(task) =
                snapshot.task.as_ref().filter(|task| task.pid.is_some_and(|pid| pid > 0))
            else {
                continue;
            };
            // Of a list of all tasks, those that sleep interruptibly are at rest, not hung.
            if matches!(snapshot.state, Some('S' | 'I' | 'T' | 't' | 'Z' | 'X'))
                && graph.task(task.pid.unwrap_or_default()).is_none()
                && !owners.values().any(|owner| Some(*owner) == task.pid)
            {
                continue;
            }
            let node = graph.task_node(task);
            if graph.nodes[node].snapshot.is_none_or(|known| seen.snapshot(known).frames.is_empty())
            {
                graph.nodes[node].snapshot = Some(id);
                stacks.push((node, id));
            }
            graph.nodes[node].event.get_or_insert(event.id);
        }
        if let Detail::Hung(scan) = &event.detail {
            for member in &scan.members {
                if member.task.pid.is_some() {
                    let node = graph.task_node(&member.task);
                    graph.nodes[node].event.get_or_insert(event.id);
                }
            }
        }
    }
    let mut waiters = Vec::new();
    for (node, id) in stacks {
        let snapshot = seen.snapshot(id);
        let Some(wait) = wait::awaited(snapshot) else { continue };
        if wait.awaited == Awaited::Nothing {
            continue;
        }
        let owner = snapshot.task.as_ref().and_then(|task| owners.get(&task.pid?).copied());
        let target = target(
            &mut graph,
            &Asked { seen, boot, node, snapshot, wait: &wait, periods: &periods, owner },
        );
        if target != node {
            let spinning = matches!(wait.awaited, Awaited::SpinLock | Awaited::RemoteCpu);
            graph.edge(Edge {
                from: node,
                to: target,
                waits_for: wait.reason(),
                lines: vec![wait.lines],
                rule: wait.rule,
                grade: if spinning { Grade::Inferred } else { Grade::Seen },
                named_by_kernel: false,
            });
        }
        waiters.push(Waiter { node, snapshot, wait, target });
    }
    owners_named(&mut graph, &events, &waiters);
    holders_by_list(&mut graph, seen, boot, &waiters);
    holders_by_stack(&mut graph, seen, boot, &waiters);
    work::flushed(&mut graph, seen, boot, &waiters);
    releasers(&mut graph, seen, &events, &waiters);
    recursions(&mut graph, &events, &waiters);
    foretold(&mut graph, seen, &events, &waiters);
    graph
}

/// R32: tasks to the owners that the kernel names for the locks they wait for.
fn named_owners(events: &[&Event]) -> HashMap<u32, u32> {
    let mut owners = HashMap::new();
    for event in events {
        let Detail::Hung(scan) = &event.detail else { continue };
        for member in &scan.members {
            if let (Some(pid), Some((_, owner, _))) = (member.task.pid, &member.owner)
                && let Some(owner) = owner.pid
            {
                owners.entry(pid).or_insert(owner);
            }
        }
    }
    owners
}

/// Reports whose stacks show tasks that may wait; those of assertion failures show tasks that run.
fn may_wait(kind: EventKind) -> bool {
    kind.is_hang() || kind == EventKind::Panic
}
