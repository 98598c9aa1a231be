//! Events that are one bug, and the key under which other logs of that bug fall.

use model::{Grade, Participant, Verdict, VerdictKind};

use crate::cause::Causes;
use crate::claims;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, HungScan, Stall};
use crate::graph::{Graph, Node};
use crate::stack;

/// Events that are one bug.
#[derive(Clone, Debug)]
pub struct Group {
    /// Key under which other logs of the same bug fall.
    pub key: String,
    /// The events.
    pub events: Vec<EventId>,
}

/// The groups of a log's events.
pub(crate) fn groups(
    seen: &Observations,
    graph: &Graph,
    causes: &Causes,
    verdict: &Verdict,
) -> Vec<Group> {
    let mut groups: Vec<(EventId, Vec<EventId>)> = Vec::new();
    for event in &seen.events {
        let root = causes.sure_root(event.id);
        match groups.iter_mut().find(|(known, _)| *known == root) {
            Some((_, events)) => events.push(event.id),
            None => groups.push((root, vec![event.id])),
        }
    }
    groups
        .into_iter()
        .map(|(root, events)| Group {
            key: key(seen, graph, causes, verdict, root, &events),
            events,
        })
        .collect()
}

fn anchor(seen: &Observations, event: &Event) -> Option<String> {
    seen.subjects(event).find_map(|(_, snapshot)| stack::anchor(snapshot))
}

/// The grouping key of a bug.
fn key(
    seen: &Observations,
    graph: &Graph,
    causes: &Causes,
    verdict: &Verdict,
    root: EventId,
    events: &[EventId],
) -> String {
    let event = seen.event(root);
    let stalls = events.iter().map(|id| seen.event(*id));
    let stall = stalls
        .filter(|e| matches!(e.kind, EventKind::RcuStall | EventKind::RcuKthreadStarved))
        .find_map(
            |e| if let Detail::Stall(stall) = &e.detail { Some((e, &**stall)) } else { None },
        );
    if let Some((of, stall)) = stall
        && (event.id == of.id || event.kind == EventKind::RcuVoluntarySwitch)
    {
        let leaks = causes.first == Some(root) && verdict.kind == VerdictKind::Leak;
        let place = anchor(seen, event).or_else(|| anchor(seen, of));
        return stall_key(stall, place.as_deref(), leaks);
    }
    let name = match event.kind {
        EventKind::KernelBug if event.headline.contains("divide error") => "divide_error",
        EventKind::KernelBug if event.headline.contains("invalid opcode") => "invalid_opcode",
        kind => kind.name(),
    };
    let shown = || seen.subjects(event).find_map(|(_, s)| stack::where_it_was(s));
    match &event.detail {
        Detail::Hung(scan) => format!("hung_task/{}", most_frequent_end(graph, scan)),
        Detail::Lockdep(report) => {
            let locks = [&report.wanted, &report.held].into_iter().flatten();
            let mut classes: Vec<&str> = locks.map(|lock| lock.class.as_str()).collect();
            classes.sort_unstable();
            let place = || anchor(seen, event).unwrap_or_else(|| NO_PLACE.to_owned());
            let key = if classes.is_empty() { place() } else { classes.join("+") };
            format!("{name}/{key}")
        }
        Detail::Bad(bad) => {
            let freed = claims::freed_in(seen, bad);
            let freed = freed.map(|function| format!("/freed in {function}")).unwrap_or_default();
            format!("{name}/{}/{}{freed}", bad.what, bad.function)
        }
        Detail::Trap(trap) => {
            let place = trap.function.clone().or_else(|| trap.place.clone());
            let place = place.or_else(|| shown().map(|(function, _)| function));
            format!("{name}/{}", place.as_deref().unwrap_or(NO_PLACE))
        }
        Detail::Stall(_) | Detail::Lockup { .. } => {
            let place = anchor(seen, event).or_else(|| {
                seen.subjects(event).find_map(|(_, s)| stack::where_it_was(s)).map(|(f, _)| f)
            });
            format!("{name}/{}", place.as_deref().unwrap_or(NO_PLACE))
        }
        Detail::Memory(_) => {
            let place = seen.subjects(event).find_map(|(_, s)| stack::asked_for_memory(s));
            format!("{name}/{}", place.map_or(NO_PLACE.to_owned(), |(function, _)| function))
        }
        _ => {
            let place = seen.subjects(event).find_map(|(_, s)| {
                let frames = stack::task_frames(s);
                let frame = frames.iter().find(|f| !stack::is_detector(&f.function))?;
                Some(frame.function.clone())
            });
            format!("{name}/{}", place.as_deref().unwrap_or(NO_PLACE))
        }
    }
}

/// Stands in a key for a place that is not shown.
const NO_PLACE: &str = "unknown";

fn stall_key(stall: &Stall, place: Option<&str>, leaks: bool) -> String {
    let place = place.unwrap_or(NO_PLACE);
    if !stall.tasks.is_empty() {
        let how = if leaks { "leaked_depth" } else { "task_reader" };
        return format!("rcu_stall_task_reader/{how}/{place}");
    }
    let starved = stall.is_starving();
    let place = if starved || !stall.cpus.is_empty() { place } else { NO_PLACE };
    let how = if starved { "gp_kthread_starved" } else { "cpu_holdout" };
    format!("rcu_stall/{place}/{how}")
}

/// The end of most chains of a scan: the name of a task, else the stable name of what is awaited.
fn most_frequent_end(graph: &Graph, scan: &HungScan) -> String {
    let nodes = scan.members.iter().filter_map(|member| graph.task(member.task.pid?));
    let sinks = nodes.flat_map(|node| graph.sinks(node, Grade::Inferred));
    let mut ends: Vec<&str> = sinks.map(|(sink, _)| stable(&graph.nodes[sink])).collect();
    ends.sort_unstable();
    let count = |end: &&&str| ends.iter().filter(|other| *other == *end).count();
    ends.iter().max_by_key(count).map_or(NO_PLACE, |end| *end).to_owned()
}

/// A name that is the same in other logs of the bug: without pids, addresses and numbers.
fn stable(node: &Node) -> &str {
    match &node.who {
        Participant::Task { task } => &task.name,
        Participant::Lock { lock } => lock.class.as_deref().unwrap_or(NO_PLACE),
        Participant::UnknownLock { lock } => lock.map_or(NO_PLACE, |lock| lock.name()),
        Participant::GracePeriod { sort, .. } => sort.name(),
        Participant::Cpu { function, .. } => function.as_deref().unwrap_or(NO_PLACE),
        _ => &node.id,
    }
}
