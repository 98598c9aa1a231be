//! A cycle of waits.

use model::{Finding, Grade, Need, RuleId, Verdict, VerdictKind};

use super::draft::{Add, verdict};
use crate::collect::Observations;
use crate::event::Detail;
use crate::graph::{Graph, NodeKind};

/// The cycle of the graph, where there is one; of edges that are all proven before one with an inferred edge.
pub(super) fn cycle(seen: &Observations, graph: &Graph) -> Option<Verdict> {
    let (edges, kind, grade) = match graph.cycle(Grade::Derived) {
        Some(edges) => (edges, VerdictKind::Deadlock, Grade::Derived),
        None => (graph.cycle(Grade::Inferred)?, VerdictKind::SuspectedDeadlock, Grade::Inferred),
    };
    let edges: Vec<_> = edges.iter().map(|at| &graph.edges[*at]).collect();
    let tasks = edges.iter().filter(|edge| graph.nodes[edge.from].kind == NodeKind::Task);
    let mut members: Vec<(u64, usize)> =
        tasks.filter_map(|edge| Some((reported_at(seen, graph, edge.from)?, edge.from))).collect();
    members.sort_unstable();
    let rule = edges.iter().map(|edge| edge.rule).max().unwrap_or(RuleId::R33);
    let finding = Finding::Cycle {
        steps: edges.iter().map(|edge| graph.step(edge)).collect(),
        members: members.iter().map(|(_, node)| graph.nodes[*node].who.clone()).collect(),
        proven: kind == VerdictKind::Deadlock,
    };
    let mut verdict = verdict(kind, finding, rule, grade);
    verdict.lines = edges.iter().flat_map(|edge| edge.lines.iter().copied()).collect();
    verdict.cause = members.first().map(|(line, _)| *line);
    match kind {
        VerdictKind::SuspectedDeadlock => Some(verdict.need(Need::HeldLocks)),
        _ => Some(verdict),
    }
}

/// The line on which a task is first reported.
fn reported_at(seen: &Observations, graph: &Graph, node: usize) -> Option<u64> {
    let node = &graph.nodes[node];
    let pid = node.task.as_ref().and_then(|task| task.pid);
    for event in &seen.events {
        if let Detail::Hung(scan) = &event.detail
            && let Some(member) =
                scan.members.iter().find(|member| member.task.pid == pid && pid.is_some())
        {
            return Some(member.line);
        }
    }
    let own = node.event.map(|id| seen.event(id).lines.first);
    own.or_else(|| node.snapshot.and_then(|id| seen.snapshot(id).lines).map(|lines| lines.first))
}
