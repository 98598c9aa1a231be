//! What can be said of each event, one claim a statement, each with grade, rule and lines.

mod across;
mod hypotheses;
mod memory;
mod report;
mod scan;
mod stall;

use model::{Claim, Grade, LineSpan, RuleName};

use self::across::across;
pub(crate) use self::hypotheses::hypotheses;
use self::memory::of_memory;
use self::report::of_other;
pub use self::report::segfault_bits;
use self::scan::of_scan;
use self::stall::of_stall;
use crate::cause::{self, Causes};
use crate::collect::Observations;
use crate::event::{Detail, EventKind};
use crate::graph::{Graph, NodeKind};
use crate::hertz::Hertz;

/// Events of one kind whose details are spelled out; later ones are only listed.
const SPELLED_OUT: usize = 6;

pub(crate) fn claim(
    statement: impl Into<String>,
    grade: Grade,
    rules: &[&'static str],
    lines: Vec<LineSpan>,
) -> Claim {
    let mut lines: Vec<LineSpan> = lines.into_iter().filter(|span| span.first > 0).collect();
    lines.sort_unstable();
    lines.dedup();
    Claim {
        statement: statement.into(),
        grade,
        rules: rules.iter().map(|rule| RuleName(rule)).collect(),
        lines,
    }
}

fn line(number: u64) -> LineSpan {
    LineSpan::line(number)
}

/// All claims of a log, in the order of its events.
pub(crate) fn all(
    seen: &Observations,
    graph: &Graph,
    boot: u32,
    causes: &Causes,
    hertz: Option<&Hertz>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut spelled: Vec<EventKind> = Vec::new();
    for event in &seen.events {
        if spelled.iter().filter(|kind| **kind == event.kind).count() >= SPELLED_OUT {
            continue;
        }
        // A stall told again is told by what changed.
        let again = causes.links[event.id.0]
            .as_ref()
            .filter(|link| link.rule == "R10" && seen.event(link.parent).kind == event.kind);
        if again.is_some() {
            continue;
        }
        spelled.push(event.kind);
        match &event.detail {
            Detail::Stall(stall) => of_stall(&mut claims, seen, event, stall),
            Detail::Hung(scan) => of_scan(&mut claims, seen, event, scan),
            Detail::Memory(memory) => of_memory(&mut claims, event, memory),
            _ => of_other(&mut claims, seen, event),
        }
    }
    across(&mut claims, seen, hertz);
    of_graph(&mut claims, seen, graph, boot);
    for event in &seen.events {
        if let Some(link) = &causes.links[event.id.0]
            && link.grade > Grade::Guess
            && claims.len() < 400
        {
            claims.push(claim(
                format!("{} goes back to {}: {}.", event.id, link.parent, link.because),
                link.grade,
                &[link.rule],
                link.lines.clone(),
            ));
        }
    }
    if let Some(before) = cause::unseen(seen) {
        claims.push(claim(
            format!(
                "Taint {}: the kernel had reported {} before the first report of this log.",
                before.letter, before.what
            ),
            Grade::Seen,
            &["R84"],
            vec![line(before.line)],
        ));
    }
    if let Some(number) = seen.lockdep_off {
        claims.push(claim(
            "Lockdep is off from here on; its later silence is not health.",
            Grade::Seen,
            &["R55"],
            vec![line(number)],
        ));
    }
    if let Some(number) = seen.hung_suppressed {
        claims.push(claim(
            "Further hung task reports are suppressed; that others are not named proves nothing.",
            Grade::Seen,
            &["R34"],
            vec![line(number)],
        ));
    }
    if let Some(number) = seen.messages_lost {
        claims.push(claim(
            "Messages were lost; what the log does not show may still have been printed.",
            Grade::Seen,
            &["R85"],
            vec![line(number)],
        ));
    }
    claims
}

/// Claims the graph makes beyond single events: who holds a lock.
fn of_graph(claims: &mut Vec<Claim>, seen: &Observations, graph: &Graph, boot: u32) {
    let _ = (seen, boot);
    let mut waiting_for: Vec<(usize, Vec<usize>)> = Vec::new();
    for edge in &graph.edges {
        if graph.nodes[edge.to].kind == NodeKind::Lock
            && graph.nodes[edge.from].kind == NodeKind::Task
        {
            match waiting_for.iter_mut().find(|(lock, _)| *lock == edge.to) {
                Some((_, tasks)) => tasks.push(edge.from),
                None => waiting_for.push((edge.to, vec![edge.from])),
            }
        }
    }
    for edge in graph
        .edges
        .iter()
        .filter(|edge| graph.nodes[edge.from].kind == NodeKind::Lock && edge.grade > Grade::Unknown)
        .take(12)
    {
        let lock = &graph.nodes[edge.from];
        let why = edge.waits_for.split_once(", ").map_or("", |(_, why)| why);
        claims.push(claim(
            held(&graph.nodes[edge.to].name, &lock.name, why),
            edge.grade,
            &[edge.rule],
            edge.lines.clone(),
        ));
    }
    for (lock, tasks) in waiting_for.iter().take(12) {
        let names: Vec<&str> =
            tasks.iter().take(6).map(|task| graph.nodes[*task].name.as_str()).collect();
        let more =
            if tasks.len() > 6 { format!(" and {} more", tasks.len() - 6) } else { String::new() };
        let named = graph.nodes[*lock].id.starts_with("lock:");
        let lines = graph
            .edges
            .iter()
            .filter(|edge| edge.to == *lock)
            .flat_map(|edge| edge.lines.clone())
            .take(12)
            .collect();
        let word = if tasks.len() == 1 { "waits" } else { "wait" };
        claims.push(claim(
            format!("{}{more} {word} for {}.", names.join(", "), graph.nodes[*lock].name),
            if named { Grade::Inferred } else { Grade::Seen },
            &[if graph.nodes[*lock].name == "cgroup_mutex" { "W47" } else { "R35" }],
            lines,
        ));
    }
}

/// `A holds L inside F`, from the reason of an edge.
fn held(holder: &str, lock: &str, why: &str) -> String {
    let why = why.trim_start_matches("which ");
    match why.strip_prefix("holds it") {
        Some(rest) => format!("{holder} holds {lock}{rest}."),
        None if why.is_empty() => {
            format!("{holder} is named by the kernel as the holder of {lock}.")
        }
        None => format!("{holder} {why} ({lock})."),
    }
}
