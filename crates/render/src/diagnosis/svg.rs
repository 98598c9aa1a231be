//! Drawings: the time line and the wait graph as SVG.

use analysis_hang::clock::show;
use analysis_hang::graph::{Graph, NodeKind};
use maud::{Markup, html};

use super::event;
use super::log::Log;
use crate::conclusion;
use crate::escape::one_line;

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
pub(crate) fn time_line(log: &Log<'_>) -> Markup {
    let diagnosis = log.diagnosis;
    let events: Vec<_> = diagnosis.seen.events.iter().take(EVENTS).collect();
    if events.is_empty() {
        return Markup::default();
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
    html! {
        svg role="img" aria-label="Time line" viewBox={ "0 0 1000 " (height) } width="100%" {
            line x1="20" y1="14" x2="320" y2="14" class="axis" {}
            @for (at, event) in events.iter().enumerate() {
                @let x = 20 + ((position(at) - low) as f64 / span * 300.0) as i64;
                @let y = 36 + 22 * at as i64;
                @let when = match times[at] {
                    Some(time) if timed => show(time),
                    _ => format!("line {}", event.lines.first),
                };
                @let first = diagnosis.first_cause.as_ref().is_some_and(|cause| cause.event == event.id);
                line x1=(x) y1="14" x2=(x) y2=(y - 4) class="drop" {}
                circle cx=(x) cy=(y - 4) r="5" class=(if first { "first" } else { "event" }) {}
                a href={ "#L" (event.lines.first) } {
                    text x="340" y=(y) {
                        (event.id) " " (one_line(&event::name(event))) " — " (one_line(&when))
                    }
                }
            }
        }
    }
}

/// Where each node stands: the corner of its box, in pixels; and the size of the drawing.
struct Layout {
    corners: Vec<Option<(i64, i64)>>,
    width: i64,
    height: i64,
}

/// Layers from the left: who waits stands left of what is awaited.
fn layout(graph: &Graph) -> Layout {
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
    let mut corners = vec![None; graph.nodes.len()];
    for at in &used {
        let column = levels.iter().position(|level| *level == layer[*at]).unwrap_or(0);
        corners[*at] = Some((10 + LAYER * column as i64, 10 + row[column] * (NODE.1 + 26)));
        row[column] += 1;
    }
    let width = 20 + LAYER * levels.len() as i64;
    let height = 30 + row.iter().max().copied().unwrap_or(1) * (NODE.1 + 26);
    Layout { corners, width, height }
}

/// The wait graph. `log` is the address of the page that holds the lines; empty for the same page.
pub(crate) fn wait_graph(graph: &Graph, log: &str) -> Markup {
    if graph.edges.is_empty() {
        return Markup::default();
    }
    let Layout { corners, width, height } = layout(graph);
    html! {
        svg role="img" aria-label="Wait graph" viewBox={ "0 0 " (width) " " (height) } width=(width) {
            defs {
                marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                    path d="M0 0L8 4L0 8z" {}
                }
            }
            @for edge in &graph.edges {
                @if let (Some(from), Some(to)) = (corners[edge.from], corners[edge.to]) {
                    a href={ (log) "#L" (edge.lines.first().map_or(0, |span| span.first)) } {
                        path d=(curve(from, to)) class={ "edge " (edge.grade.name().to_lowercase()) } marker-end="url(#tip)" {
                            title { (one_line(&conclusion::waits_for(&graph.step(edge)))) " (" (edge.rule) ", " (edge.grade) ")" }
                        }
                    }
                }
            }
            @for (node, corner) in graph.nodes.iter().zip(&corners) {
                @if let Some((x, y)) = corner {
                    g {
                        rect x=(x) y=(y) width=(NODE.0) height=(NODE.1) rx="6" class={ "node " (class(node.kind)) } {}
                        text x=(x + 8) y=(y + 27) { (one_line(&short(&conclusion::participant(&node.who)))) }
                        title { (node.kind.name()) ": " (one_line(&conclusion::participant(&node.who))) }
                    }
                }
            }
        }
    }
}

/// The path of an arrow between two boxes.
fn curve((x1, y1): (i64, i64), (x2, y2): (i64, i64)) -> String {
    let forward = x2 > x1;
    let (x1, x2) = if forward { (x1 + NODE.0, x2) } else { (x1, x2 + NODE.0) };
    let (y1, y2) = (y1 + NODE.1 / 2, y2 + NODE.1 / 2 + if forward { 0 } else { 10 });
    let bend = if forward { 40 } else { -40 };
    format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend)
}

fn class(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Task => "task",
        NodeKind::Cpu => "cpu",
        NodeKind::Lock => "lock",
        NodeKind::Unknown => "unknown",
        _ => "other",
    }
}

fn short(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
