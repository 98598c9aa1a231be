//! Who holds a lock: by the word of the kernel, by lists of held locks, by stacks, by what lockdep foretold.

use model::{Awaited, Grade, LineSpan, LockRef, Ownership, Participant, RuleId, WaitsFor};

use super::target::{is_scheduler_lock, lasting_lists};
use super::types::{Edge, Graph, NodeKind, Waiter};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, LockList, Role, SnapshotId};
use crate::{locks, stack, wait};

/// R32: the kernel names the holder.
pub(super) fn owners_named(graph: &mut Graph, events: &[&Event], waiters: &[Waiter<'_>]) {
    for event in events {
        let Detail::Hung(scan) = &event.detail else { continue };
        for member in &scan.members {
            let Some((line, owner, how)) = &member.owner else { continue };
            let from = graph.task_node(&member.task);
            let to = graph.task_node(owner);
            let grade = match how {
                Ownership::Owner => Grade::Seen,
                Ownership::Reader => Grade::Inferred,
                Ownership::LastHolder => Grade::Guess,
            };
            // The lock stands between the two.
            let lock = waiters.iter().find(|waiter| {
                waiter.node == from && matches!(waiter.wait.awaited, Awaited::Lock(_))
            });
            let holder_of = lock.map_or(from, |waiter| waiter.target);
            graph.edge(Edge {
                from: holder_of,
                to,
                waits_for: WaitsFor::Named { how: *how },
                lines: vec![LineSpan::line(*line)],
                rule: RuleId::R32,
                grade,
                named_by_kernel: true,
            });
        }
    }
}

/// R33: holders by the address of the lock.
pub(super) fn holders_by_list(
    graph: &mut Graph,
    seen: &Observations,
    boot: u32,
    waiters: &[Waiter<'_>],
) {
    let targets: Vec<usize> = {
        let mut all: Vec<usize> = waiters
            .iter()
            .filter(|w| matches!(w.wait.awaited, Awaited::Lock(_)))
            .map(|w| w.target)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    for target in targets {
        let Participant::Lock { lock: LockRef { address: Some(address), .. } } =
            graph.nodes[target].who.clone()
        else {
            continue;
        };
        // First list of each task that has the lock.
        let mut holding: Vec<(&LockList, usize)> = Vec::new();
        for list in lasting_lists(seen, boot) {
            if let Some(at) =
                list.locks.iter().position(|lock| lock.address == address && !address.is_empty())
                && !holding.iter().any(|(known, _)| known.task.pid == list.task.pid)
            {
                holding.push((list, at));
            }
        }
        let waiting: Vec<Option<u32>> = waiters
            .iter()
            .filter(|w| w.target == target)
            .map(|w| w.snapshot.task.as_ref().and_then(|t| t.pid))
            .collect();
        let mut sure = Vec::new();
        let mut open = Vec::new();
        for (list, at) in holding {
            let later = list.locks[at + 1..].iter().any(|lock| !is_scheduler_lock(lock));
            let same_twice = list.locks[at + 1..].iter().any(|lock| lock.address == address);
            if waiting.contains(&list.task.pid) {
                // Waits for it and has it besides: taken twice.
                if same_twice {
                    sure.push((list, at));
                }
            } else if later {
                sure.push((list, at));
            } else {
                open.push((list, at));
            }
        }
        let only = sure.is_empty() && open.len() == 1;
        let grade = if sure.is_empty() {
            if only { Grade::Inferred } else { Grade::Guess }
        } else {
            Grade::Seen
        };
        for (list, at) in if sure.is_empty() { open } else { sure }.into_iter().take(8) {
            let to = graph.task_node(&list.task);
            graph.edge(Edge {
                from: target,
                to,
                waits_for: WaitsFor::Listed { function: list.locks[at].at.clone() },
                lines: vec![LineSpan::line(list.line), LineSpan::line(list.locks[at].line)],
                rule: RuleId::R33,
                grade,
                named_by_kernel: true,
            });
        }
    }
}

/// Holders by what their own stacks show: inside a function that holds the lock, or past the place where the
/// waiter asks for it.
pub(super) fn holders_by_stack(
    graph: &mut Graph,
    seen: &Observations,
    boot: u32,
    waiters: &[Waiter<'_>],
) {
    let kernel = seen.kernels.of(boot);
    let stacks: Vec<(usize, SnapshotId)> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.kind == NodeKind::Task)
        .filter_map(|(at, node)| node.snapshot.map(|id| (at, id)))
        .collect();
    let mut found = Vec::new();
    for waiter in waiters.iter().filter(|w| matches!(w.wait.awaited, Awaited::Lock(_))) {
        let name = match &graph.nodes[waiter.target].who {
            Participant::Lock { lock } => lock.class.clone().unwrap_or_default(),
            _ => String::new(),
        };
        if graph.out(waiter.target).any(|edge| edge.grade >= Grade::Inferred) {
            continue;
        }
        for (node, id) in &stacks {
            if *node == waiter.node
                || waiters.iter().any(|other| other.node == *node && other.target == waiter.target)
            {
                continue;
            }
            let snapshot = seen.snapshot(*id);
            let frames = stack::task_frames(snapshot);
            let functions: Vec<&str> = frames.iter().map(|frame| frame.function.as_str()).collect();
            let by_name = locks::held_at(&name, &functions, kernel);
            let by_offset = || {
                // Same outer function, the waiter still in the helper that returns locked, the other one past it.
                let helper =
                    waiter.wait.caller.as_deref().filter(|caller| locks::returns_locked(caller))?;
                let own = stack::task_frames(waiter.snapshot);
                let outer =
                    own.iter().position(|f| f.function == helper).and_then(|at| own.get(at + 1))?;
                let at = frames
                    .iter()
                    .position(|f| f.function == outer.function && f.size == outer.size)?;
                (at > 0 && frames[at].offset > outer.offset && frames[at - 1].function != helper)
                    .then_some(at)
            };
            let grade = match waiter.wait.caller.as_deref() {
                // Each device has its own: the place tells the kind of lock, not which one.
                Some("device_lock") if by_name.is_none() => Grade::Guess,
                _ => Grade::Inferred,
            };
            // The same function past the place where the waiter asks: it may have the lock, or have given it
            // back again.
            let past = || {
                let own = stack::task_frames(waiter.snapshot);
                let caller = waiter.wait.caller.as_deref()?;
                let asked = own.iter().find(|frame| frame.function == caller)?;
                let at = frames
                    .iter()
                    .position(|f| f.function == asked.function && f.size == asked.size)?;
                (at > 0
                    && asked.offset.is_some()
                    && frames[at].offset > asked.offset
                    && !stack::is_scheduling(&frames[at - 1].function)
                    && !wait::is_primitive(&frames[at - 1].function))
                .then_some(at)
            };
            let sure = by_name.or_else(by_offset);
            let grade = if sure.is_none() { Grade::Guess } else { grade };
            let Some(at) = sure.or_else(past) else { continue };
            found.push((
                waiter.target,
                *node,
                functions[at].to_owned(),
                LineSpan::new(frames[at.saturating_sub(1)].line, frames[at].line),
                // Which lock a function holds is knowledge of the source, not of the wait.
                if by_name.is_some() { RuleId::W47 } else { waiter.wait.rule },
                grade,
            ));
        }
    }
    for (target, node, function, lines, rule, grade) in found {
        graph.edge(Edge {
            from: target,
            to: node,
            waits_for: WaitsFor::Inside { function, certain: grade != Grade::Guess },
            lines: vec![lines],
            rule,
            grade,
            named_by_kernel: false,
        });
    }
}

/// A lock that lockdep's report names.
fn named(class: &str) -> Participant {
    Participant::Lock { lock: LockRef { class: Some(class.to_owned()), address: None } }
}

/// R51: lockdep saw a task take a lock it holds; if the same task then sleeps in the same function, it waits
/// for itself.
pub(super) fn recursions(graph: &mut Graph, events: &[&Event], waiters: &[Waiter<'_>]) {
    for event in events.iter().filter(|event| event.kind == EventKind::LockdepRecursive) {
        let Detail::Lockdep(report) = &event.detail else { continue };
        let (Some(wanted), Some(held), Some(task)) = (&report.wanted, &report.held, &event.task)
        else {
            continue;
        };
        if wanted.address != held.address || wanted.address.is_empty() {
            continue;
        }
        let Some(waiter) = waiters.iter().find(|w| {
            w.snapshot.task.as_ref().is_some_and(|t| t.pid == task.pid)
                && w.wait.caller.as_deref() == Some(wanted.at.as_str())
        }) else {
            continue;
        };
        graph.nodes[waiter.target].who = named(&wanted.class);
        graph.nodes[waiter.node].event = Some(event.id);
        graph.edge(Edge {
            from: waiter.target,
            to: waiter.node,
            waits_for: WaitsFor::Itself { function: held.at.clone() },
            lines: vec![LineSpan::line(wanted.line), LineSpan::line(held.line)],
            rule: RuleId::R51,
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
}

/// R50: lockdep warned of two locks taken in both orders; if then the task it named sleeps for the one and
/// another task sleeps where the other order was recorded, the cycle has happened.
pub(super) fn foretold(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
    waiters: &[Waiter<'_>],
) {
    for event in events.iter().filter(|event| event.kind == EventKind::LockdepCircular) {
        let Detail::Lockdep(report) = &event.detail else { continue };
        let (Some(wanted), Some(held), Some(task)) = (&report.wanted, &report.held, &event.task)
        else {
            continue;
        };
        if report.chain.len() > 2 {
            continue;
        }
        let sleeps = |waiter: &&Waiter<'_>| matches!(waiter.wait.awaited, Awaited::Lock(_));
        let Some(first) = waiters.iter().filter(sleeps).find(|waiter| {
            waiter.snapshot.task.as_ref().is_some_and(|other| other.pid == task.pid)
                && waiter.wait.caller.as_deref() == Some(wanted.at.as_str())
        }) else {
            continue;
        };
        // The stack recorded when the lock now held was taken inside of the one now wanted.
        let recorded: Vec<&str> = event
            .snapshots
            .iter()
            .map(|id| seen.snapshot(*id))
            .find(|snapshot| snapshot.role == Role::Recorded)
            .map(|snapshot| snapshot.frames.iter().map(|frame| frame.function.as_str()).collect())
            .unwrap_or_default();
        let Some(second) = waiters.iter().filter(sleeps).find(|waiter| {
            waiter.node != first.node
                && waiter.target != first.target
                && waiter.wait.caller.as_deref().is_some_and(|caller| {
                    recorded.iter().find(|function| {
                        !wait::is_primitive(function) && !stack::is_detector(function)
                    }) == Some(&caller)
                })
        }) else {
            continue;
        };
        for (lock, holder, name, line) in [
            (first.target, second.node, &wanted.class, wanted.line),
            (second.target, first.node, &held.class, held.line),
        ] {
            graph.nodes[lock].who = named(name);
            graph.edge(Edge {
                from: lock,
                to: holder,
                waits_for: WaitsFor::RecordedOrder { event: event.id },
                lines: vec![LineSpan::line(line)],
                rule: RuleId::R50,
                grade: Grade::Inferred,
                named_by_kernel: false,
            });
        }
    }
}
