//! Drawings: the time line and the wait graph as SVG.

use std::fmt::Write as _;

use analysis_hang::Diagnosis;
use analysis_hang::clock::show;
use analysis_hang::graph::{Graph, NodeKind};
use analysis_hang::verdict;

use super::html::escape;

/// Events drawn on the time line.
const EVENTS: usize = 60;
/// Nodes drawn of the graph.
const NODES: usize = 60;
/// Characters of a name that fit into a node.
const SHOWN: usize = 29;
/// Size of a node, and the distance of layers, pixels.
const NODE: (i64, i64) = (240, 44);
const LAYER: i64 = 310;

/// The events on one axis: by time where the log has one, else by line.
pub(super) fn time_line(diagnosis: &Diagnosis) -> String {
    let events: Vec<_> = diagnosis.seen.events.iter().take(EVENTS).collect();
    if events.is_empty() {
        return String::new();
    }
    let clock = &diagnosis.seen.clock;
    let times: Vec<_> =
        events.iter().map(|event| event.at.and_then(|at| clock.resolve(at))).collect();
    let axis = times.first().copied().flatten().map(|interval| interval.axis);
    let timed = axis.is_some()
        && times.iter().all(|time| time.map(|interval| interval.axis) == axis)
        && diagnosis.seen.clock.boots() == 0;
    let position = |at: usize| -> i64 {
        if timed {
            times[at].map_or(0, |interval| interval.from)
        } else {
            events[at].lines.first as i64
        }
    };
    let (low, high) = (0..events.len())
        .map(position)
        .fold((i64::MAX, i64::MIN), |(low, high), at| (low.min(at), high.max(at)));
    let span = (high - low).max(1) as f64;
    let height = 30 + 22 * events.len() as i64;
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"Time line\" viewBox=\"0 0 1000 {height}\" width=\"100%\"><line x1=\"20\" y1=\"14\" x2=\"320\" y2=\"14\" class=\"axis\"/>"
    );
    for (at, event) in events.iter().enumerate() {
        let x = 20 + ((position(at) - low) as f64 / span * 300.0) as i64;
        let y = 36 + 22 * at as i64;
        let when = if timed {
            times[at].map(show).unwrap_or_default()
        } else {
            format!("line {}", event.lines.first)
        };
        let first = diagnosis.first_cause.as_ref().is_some_and(|cause| cause.event == event.id);
        let _ = write!(
            svg,
            "<line x1=\"{x}\" y1=\"14\" x2=\"{x}\" y2=\"{}\" class=\"drop\"/><circle cx=\"{x}\" cy=\"{}\" r=\"5\" class=\"{}\"/><a href=\"#L{}\"><text x=\"340\" y=\"{y}\">{} {} — {}</text></a>",
            y - 4,
            y - 4,
            if first { "first" } else { "event" },
            event.lines.first,
            event.id,
            escape(&verdict::title(event)),
            escape(&when),
        );
    }
    svg + "</svg>"
}

/// The wait graph in layers from the left: who waits stands left of what is awaited.
pub(super) fn wait_graph(graph: &Graph) -> String {
    if graph.edges.is_empty() {
        return String::new();
    }
    let used: Vec<usize> = (0..graph.nodes.len())
        .filter(|at| graph.edges.iter().any(|edge| edge.from == *at || edge.to == *at))
        .take(NODES)
        .collect();
    let mut layer = vec![0usize; graph.nodes.len()];
    // Longest way, bounded so that a cycle ends.
    for _ in 0..used.len().min(24) {
        let mut moved = false;
        for edge in &graph.edges {
            if layer[edge.to] <= layer[edge.from] && layer[edge.from] < 23 && edge.from != edge.to {
                layer[edge.to] = layer[edge.from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut levels: Vec<usize> = used.iter().map(|at| layer[*at]).collect();
    levels.sort_unstable();
    levels.dedup();
    let mut row = vec![0i64; levels.len()];
    let mut place = vec![None; graph.nodes.len()];
    for at in &used {
        let column = levels.iter().position(|level| *level == layer[*at]).unwrap_or(0);
        place[*at] = Some((10 + LAYER * column as i64, 10 + row[column] * (NODE.1 + 26)));
        row[column] += 1;
    }
    let width = 20 + LAYER * levels.len() as i64;
    let height = 30 + row.iter().max().copied().unwrap_or(1) * (NODE.1 + 26);
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"Wait graph\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" style=\"max-width:100%\"><defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>"
    );
    for edge in &graph.edges {
        let (Some((x1, y1)), Some((x2, y2))) = (place[edge.from], place[edge.to]) else { continue };
        let forward = x2 > x1;
        let (x1, x2) = if forward { (x1 + NODE.0, x2) } else { (x1, x2 + NODE.0) };
        let (y1, y2) = (y1 + NODE.1 / 2, y2 + NODE.1 / 2 + if forward { 0 } else { 10 });
        let line = edge.lines.first().map_or(0, |span| span.first);
        let _ = write!(
            svg,
            "<a href=\"#L{line}\"><path d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\" class=\"edge {}\" marker-end=\"url(#tip)\"><title>{} ({}, {})</title></path></a>",
            if forward { x1 + 40 } else { x1 - 40 },
            if forward { x2 - 40 } else { x2 + 40 },
            edge.grade.name().to_lowercase(),
            escape(&edge.waits_for),
            edge.rule,
            edge.grade,
        );
    }
    for at in &used {
        let (Some((x, y)), node) = (place[*at], &graph.nodes[*at]) else { continue };
        let short: String = node.name.chars().take(SHOWN).collect();
        let short = if node.name.chars().count() > SHOWN { format!("{short}…") } else { short };
        let class = match node.kind {
            NodeKind::Task => "task",
            NodeKind::Cpu => "cpu",
            NodeKind::Lock => "lock",
            NodeKind::Unknown => "unknown",
            _ => "other",
        };
        let _ = write!(
            svg,
            "<g><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" class=\"node {class}\"/><text x=\"{}\" y=\"{}\">{}</text><title>{}: {}</title></g>",
            NODE.0,
            NODE.1,
            x + 8,
            y + 27,
            escape(&short),
            node.kind.name(),
            escape(&node.name),
        );
    }
    svg + "</svg>"
}
