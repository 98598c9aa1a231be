//! Ties of CPUs and worker pools that are stuck.

use model::{Grade, Link, LinkReason, RuleId};

use super::pair::{Causes, LOOK_BACK, Pair, close, link};
use crate::collect::Observations;
use crate::event::{Detail, EventKind};
use crate::graph::{Graph, NodeKind};

/// A hang after a CPU, a pool or a work function was reported.
pub(super) fn before(pair: &Pair<'_>) -> Option<Link> {
    let Pair { earlier, later, .. } = *pair;
    if !later.kind.is_hang() {
        return None;
    }
    let stuck = matches!(
        earlier.kind,
        EventKind::SoftLockup
            | EventKind::HardLockup
            | EventKind::CsdLock
            | EventKind::SpinlockLockup
    ) || matches!(&earlier.detail, Detail::Stall(stall) if !stall.cpus.is_empty() || stall.starved.is_some());
    if stuck {
        return match pair.same_cpu() {
            true => pair.link(LinkReason::CpuStuck, RuleId::R85, Grade::Inferred),
            false => pair.order(LinkReason::CpuStuck, RuleId::R85),
        };
    }
    if earlier.kind == EventKind::WorkqueueLockup && later.kind != EventKind::WorkqueueLockup {
        return pair.link(LinkReason::PoolStuck, RuleId::R44, Grade::Guess);
    }
    (earlier.kind == EventKind::WorkqueueLeak)
        .then(|| pair.link(LinkReason::WorkLeak, RuleId::R46, Grade::Inferred))?
}

/// A report of a worker pool and one of its CPU or worker this far apart may be of one thing, in microseconds.
const SAME_HANG: i64 = 120_000_000;

/// R44: a worker pool reported before its CPU, or the worker in flight, is itself reported as stuck.
pub(super) fn pools(seen: &Observations, causes: &mut Causes) {
    for (at, event) in seen.events.iter().enumerate() {
        let Detail::Workqueue(report) = &event.detail else { continue };
        if event.kind != EventKind::WorkqueueLockup || causes.links[at].is_some() {
            continue;
        }
        // A pool of one CPU; those of several go on without one of theirs.
        let only: Option<u32> = report.cpus.parse().ok();
        let stuck = seen.events[at + 1..].iter().take(LOOK_BACK).find(|later| {
            let worker = later.task.as_ref().and_then(|task| task.pid).is_some_and(|pid| {
                pid > 0 && report.in_flight.iter().any(|(_, worker, _)| *worker == pid)
            });
            later.boot == event.boot
                && matches!(later.kind, EventKind::SoftLockup | EventKind::HardLockup)
                && (worker || only.is_some() && later.cpu == only)
                && close(seen, event, later, SAME_HANG)
                && causes.links[later.id.0].as_ref().is_none_or(|link| link.parent == event.id)
        });
        if let Some(stuck) = stuck {
            causes.links[stuck.id.0] = None;
            let (reason, rule) = (LinkReason::PoolOfCpu, RuleId::R44);
            causes.links[at] = Some(link([event, stuck], stuck, reason, rule, Grade::Inferred));
        }
    }
}

/// A CPU reported first although it only waits for another one that is reported later: the later one is the
/// root.
pub(super) fn victims(seen: &Observations, graphs: &[Graph], causes: &mut Causes) {
    for event in seen.events.iter().take(LOOK_BACK) {
        if causes.links[event.id.0].is_some()
            || !matches!(event.kind, EventKind::SoftLockup | EventKind::HardLockup)
        {
            continue;
        }
        let Some(graph) = graphs.get(event.boot as usize) else { continue };
        let Some(node) = event.cpu.and_then(|cpu| graph.cpu(cpu)) else { continue };
        // Which lock a stuck CPU has is a guess; that the only one that waits for nothing comes first is not.
        let sinks = graph.sinks(node, Grade::Guess);
        let culprit = sinks.iter().find_map(|(sink, way)| {
            let found = &graph.nodes[*sink];
            let own = found.event.map(|id| seen.event(id))?;
            let reports = own.cpu == found.cpu
                || matches!(&own.detail, Detail::Stall(stall) if stall.cpus.iter().any(|cpu| Some(cpu.cpu) == found.cpu));
            let is_guess = way.iter().any(|edge| graph.edges[*edge].grade == Grade::Guess);
            (found.kind == NodeKind::Cpu && own.id > event.id && reports).then_some((own, is_guess))
        });
        let Some((culprit, is_guess)) = culprit else { continue };
        let mut above = Some(culprit.id);
        while let Some(id) = above {
            above = causes.links[id.0].as_ref().map(|link| link.parent);
            if above == Some(event.id) {
                causes.links[id.0] = None;
                above = None;
            }
        }
        let cpu = culprit.cpu;
        let reason = match is_guess {
            true => LinkReason::OnlyOtherStuck { cpu },
            false => LinkReason::WaitsForCpu { cpu },
        };
        let tie = link([event, culprit], culprit, reason, RuleId::W20, Grade::Inferred);
        causes.links[event.id.0] = Some(tie);
    }
}
