//! Ties of stalls: one grace period, one holdout, one thread; tasks that wait for the period.

use model::{Grade, LineSpan, Link, LinkReason, RuleId};

use super::pair::{Causes, LOOK_BACK, Pair, link};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, Stall};
use crate::graph::{Graph, NodeKind};

/// Two stalls.
pub(super) fn both(pair: &Pair<'_>) -> Option<Link> {
    let (Detail::Stall(a), Detail::Stall(b)) = (&pair.earlier.detail, &pair.later.detail) else {
        return None;
    };
    let same_kind = pair.earlier.kind == pair.later.kind && a.flavour == b.flavour;
    if same_kind && a.number().is_some() && a.number() == b.number() {
        return pair.link(LinkReason::SamePeriod, RuleId::R10, Grade::Derived);
    }
    let tasks = a.tasks.iter().any(|x| b.tasks.iter().any(|y| x.pid == y.pid));
    let cpus = a.cpus.iter().any(|x| b.cpus.iter().any(|y| x.cpu == y.cpu));
    if tasks || cpus {
        return pair.link(LinkReason::SameHoldout, RuleId::R10, Grade::Inferred);
    }
    // The thread of the one last ran on the CPU that holds up the other.
    let last = |stall: &Stall| stall.starved.as_ref().and_then(|starved| starved.cpu);
    let holds = |stall: &Stall, cpu: u32| stall.cpus.iter().any(|one| one.cpu == cpu);
    let shared =
        last(a).filter(|cpu| holds(b, *cpu)).or_else(|| last(b).filter(|cpu| holds(a, *cpu)));
    if let Some(cpu) = shared {
        return pair.link(LinkReason::HoldoutCpu { cpu }, RuleId::R13, Grade::Inferred);
    }
    if a.starved.is_some() && b.starved.is_some() {
        return pair.link(LinkReason::ThreadStarved, RuleId::R13, Grade::Inferred);
    }
    None
}

/// Hung tasks, or a stuck CPU, after a stall.
pub(super) fn first(pair: &Pair<'_>) -> Option<Link> {
    let Detail::Stall(stall) = &pair.earlier.detail else { return None };
    match &pair.later.detail {
        Detail::Hung(_)
            if pair
                .graph
                .is_some_and(|graph| waits_for_period(graph, pair.later, pair.earlier)) =>
        {
            pair.link(LinkReason::WaitsForPeriod, RuleId::W10, Grade::Inferred)
        }
        Detail::Lockup { .. } => {
            let cpu = pair.later.cpu.filter(|cpu| stall.cpus.iter().any(|one| one.cpu == *cpu))?;
            pair.link(LinkReason::HoldoutCpu { cpu }, RuleId::R03, Grade::Inferred)
        }
        _ => None,
    }
}

/// A stall after a report of its holdout.
pub(super) fn second(pair: &Pair<'_>) -> Option<Link> {
    let Detail::Stall(stall) = &pair.later.detail else { return None };
    let earlier = pair.earlier;
    let reported = |pid: u32| earlier.task.as_ref().filter(|task| task.pid == Some(pid)).cloned();
    if let Some((reader, task)) =
        stall.tasks.iter().find_map(|reader| Some((reader, reported(reader.pid)?)))
    {
        let found = pair.link(LinkReason::ReaderReported { task }, RuleId::R26, Grade::Derived)?;
        let lines = [earlier.lines.first, reader.line].map(LineSpan::line).to_vec();
        return Some(Link { lines, ..found });
    }
    let cpu = earlier.cpu.filter(|cpu| stall.cpus.iter().any(|one| one.cpu == *cpu))?;
    if earlier.kind.is_hang() {
        return pair.link(LinkReason::HoldoutCpu { cpu }, RuleId::R03, Grade::Inferred);
    }
    None
}

/// Hung tasks reported before the stall whose grace period they wait for: the stall's holdout is the root.
pub(super) fn later_stalls(seen: &Observations, graphs: &[Graph], causes: &mut Causes) {
    for (at, event) in seen.events.iter().enumerate() {
        if event.kind != EventKind::HungTasks || causes.links[at].is_some() {
            continue;
        }
        let Some(graph) = graphs.get(event.boot as usize) else { continue };
        let later = seen.events[at + 1..].iter().take(LOOK_BACK).find(|later| {
            matches!(later.detail, Detail::Stall(_))
                && later.boot == event.boot
                && causes.links[later.id.0].is_none()
                && waits_for_period(graph, event, later)
        });
        if let Some(parent) = later {
            let (reason, rule) = (LinkReason::WaitsForPeriod, RuleId::W10);
            causes.links[at] = Some(link([event, parent], parent, reason, rule, Grade::Inferred));
        }
    }
}

fn waits_for_period(graph: &Graph, hung: &Event, stall: &Event) -> bool {
    let Detail::Hung(scan) = &hung.detail else { return false };
    let Some(period) = graph
        .nodes
        .iter()
        .position(|node| node.kind == NodeKind::GracePeriod && node.event == Some(stall.id))
    else {
        return false;
    };
    scan.members
        .iter()
        .filter_map(|member| graph.task(member.task.pid?))
        .any(|node| reaches(graph, node, period))
}

/// Whether a way of edges that are at least inferred leads from one node to the other.
fn reaches(graph: &Graph, from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.nodes.len()];
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        open.extend(
            graph.out(node).filter(|edge| edge.grade >= Grade::Inferred).map(|edge| edge.to),
        );
    }
    false
}
