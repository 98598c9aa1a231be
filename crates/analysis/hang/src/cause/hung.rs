//! Ties of hung tasks: the same tasks, the same wait, a lock that another report names, a device that failed.

use std::collections::HashSet;

use model::{Grade, Link, LinkReason, LockRef, RuleId};

use super::pair::Pair;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, HungScan};
use crate::graph::NodeKind;
use crate::stack;

/// Two scans.
pub(super) fn both(pair: &Pair<'_>) -> Option<Link> {
    let (Detail::Hung(a), Detail::Hung(b)) = (&pair.earlier.detail, &pair.later.detail) else {
        return None;
    };
    let same =
        |pid: Option<u32>| pid.is_some() && b.members.iter().any(|other| other.task.pid == pid);
    if a.members.iter().any(|member| same(member.task.pid)) {
        return pair.link(LinkReason::SameTasks, RuleId::R35, Grade::Seen);
    }
    if let Some(graph) = pair.graph {
        let ends = |scan: &HungScan| -> HashSet<usize> {
            scan.members
                .iter()
                .filter_map(|m| graph.task(m.task.pid?))
                .flat_map(|node| graph.sinks(node, Grade::Inferred))
                .map(|(sink, _)| sink)
                // Two that sleep in the same unknown function need not wait for one thing.
                .filter(|sink| graph.nodes[*sink].kind != NodeKind::Unknown)
                .collect()
        };
        if ends(a).intersection(&ends(b)).next().is_some() {
            return pair.link(LinkReason::SameAwaited, RuleId::R35, Grade::Inferred);
        }
    }
    pair.link(LinkReason::HungBefore, RuleId::R35, Grade::Guess)
}

/// W37: tasks that wait for the lock of network namespaces, which the worker that frees one keeps while it waits for
/// the last reference to a device.
pub(super) fn namespaces(pair: &Pair<'_>) -> Option<Link> {
    if pair.earlier.kind != EventKind::NetdevReference || pair.later.kind != EventKind::HungTasks {
        return None;
    }
    let function = waits_for_namespaces(pair.seen, pair.later)?;
    pair.link(LinkReason::NamespaceLock { function }, RuleId::W37, Grade::Inferred)
}

/// The function in which a hung task waits for the lock of network namespaces, or for the device itself.
fn waits_for_namespaces(seen: &Observations, hung: &Event) -> Option<String> {
    const WAITERS: &[&str] = &[
        "copy_net_ns",
        "cleanup_net",
        "netdev_wait_allrefs",
        "netdev_run_todo",
        "register_pernet_",
        "unregister_pernet_",
    ];
    hung.snapshots.iter().take(64).find_map(|id| {
        stack::task_frames(seen.snapshot(*id))
            .into_iter()
            .find(|frame| WAITERS.iter().any(|start| frame.function.starts_with(start)))
            .map(|frame| frame.function.clone())
    })
}

/// A lock class that a lockdep report names and a later stack's task holds or wants.
pub(super) fn shared_lock(pair: &Pair<'_>) -> Option<LockRef> {
    let Detail::Lockdep(report) = &pair.earlier.detail else { return None };
    let named = || [&report.wanted, &report.held].into_iter().flatten();
    let pids: HashSet<u32> = match &pair.later.detail {
        Detail::Hung(scan) => scan.members.iter().filter_map(|m| m.task.pid).collect(),
        _ => pair.later.task.iter().filter_map(|task| task.pid).collect(),
    };
    pair.seen
        .locks
        .iter()
        .filter(|list| {
            list.line > pair.earlier.lines.last
                && list.boot == pair.earlier.boot
                && list.task.pid.is_some_and(|pid| pids.contains(&pid))
        })
        .flat_map(|list| &list.locks)
        .find(|lock| named().any(|one| one.class == lock.class))
        .map(|lock| LockRef { class: Some(lock.class.clone()), address: None })
}
