//! Hung tasks: where the chains of waits end.

use model::{ChainEnd, Finding, Grade, Need, Participant, Resource, Task, Verdict, VerdictKind};

use super::draft::{Add, of_event};
use crate::collect::Observations;
use crate::event::{Event, HungScan, Snapshot};
use crate::graph::{Graph, Node, NodeKind};
use crate::wait;

/// An end of chains: how many lead there, and the longest of them.
struct End {
    sink: usize,
    count: usize,
    way: Vec<usize>,
}

/// Where the ways of the most tasks end, first.
fn ends(graph: &Graph, scan: &HungScan) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    for member in &scan.members {
        let Some(node) = member.task.pid.and_then(|pid| graph.task(pid)) else { continue };
        for (sink, way) in graph.sinks(node, Grade::Inferred) {
            match ends.iter_mut().find(|known| known.sink == sink) {
                Some(known) => {
                    known.count += 1;
                    if way.len() > known.way.len() {
                        known.way = way;
                    }
                }
                None => ends.push(End { sink, count: 1, way }),
            }
        }
    }
    ends.sort_by_key(|end| (std::cmp::Reverse(end.count), std::cmp::Reverse(end.way.len())));
    ends
}

pub(super) fn hung(seen: &Observations, graph: &Graph, event: &Event, scan: &HungScan) -> Verdict {
    let first = scan.members.first().map_or(event.lines.first, |member| member.line);
    let ends = ends(graph, scan);
    let Some(end) = ends.first() else {
        let shown = scan
            .members
            .iter()
            .any(|member| member.snapshot.is_some_and(|id| !seen.snapshot(id).frames.is_empty()));
        let finding = Finding::HungUnknown { event: event.id, shown };
        return of_event(event, VerdictKind::Unknown, finding, Grade::Unknown)
            .at(first)
            .need(Need::BlockedStacks);
    };
    let node = &graph.nodes[end.sink];
    let tied = ends.get(1).is_some_and(|second| second.count == end.count);
    let steps = end.way.iter().map(|at| graph.edges[*at].from);
    // The task nearest the end.
    let root = match node.kind {
        NodeKind::Task => Some(end.sink),
        _ => steps.clone().rfind(|node| graph.nodes[*node].kind == NodeKind::Task),
    };
    let line =
        root.filter(|_| !tied).and_then(|node| member_line(graph, scan, node)).unwrap_or(first);
    let root = root.map(|root| graph.nodes[root].who.clone());
    let (what, kind, grade, needs) = judged(seen, event, scan, node, root.as_ref());
    let finding = Finding::Hung {
        event: event.id,
        chain: steps.chain([end.sink]).map(|node| graph.nodes[node].who.clone()).collect(),
        end: what,
        elsewhere: if tied { ends.len() as u64 - 1 } else { 0 },
        root,
    };
    let mut verdict = of_event(event, kind, finding, grade).at(line);
    verdict.needs = needs;
    verdict
}

/// What the end of the chains is, and what would tell more.
fn judged(
    seen: &Observations,
    event: &Event,
    scan: &HungScan,
    node: &Node,
    root: Option<&Participant>,
) -> (ChainEnd, VerdictKind, Grade, Vec<Need>) {
    use ChainEnd as E;
    use VerdictKind as V;
    let who = || node.who.clone();
    match node.kind {
        NodeKind::Task => match stack_of(seen, event.boot, node) {
            Some(s) if s.on_cpu || s.state == Some('R') => {
                (E::TaskRuns, V::Starvation, Grade::Inferred, vec![Need::MoreStacks { who: who() }])
            }
            Some(s) if wait::is_idle(s) => (E::TaskIdle, V::Leak, Grade::Inferred, Vec::new()),
            Some(_) => {
                (E::TaskUnknown, V::Unknown, Grade::Unknown, vec![Need::LastFrames { who: who() }])
            }
            None => {
                (E::TaskNotShown, V::LockHeld, Grade::Inferred, vec![Need::Stack { who: who() }])
            }
        },
        NodeKind::Lock => {
            let list = seen.all_locks.filter(|line| *line > event.lines.first);
            let needs = with_holders(Need::LockHolder { list }, seen, event, scan);
            (E::Lock, V::Unknown, Grade::Unknown, needs)
        }
        NodeKind::GracePeriod => {
            (E::GracePeriod, V::Unknown, Grade::Unknown, vec![Need::StallReport])
        }
        NodeKind::Device => (E::Device, V::Device, Grade::Inferred, vec![Need::DriverMessages]),
        NodeKind::UserSpace => (E::UserSpace, V::UserSpace, Grade::Inferred, vec![Need::PeerState]),
        NodeKind::Cpu => {
            let need = Need::SecondStack { cpu: node.cpu };
            (E::Cpu, V::Starvation, Grade::Inferred, vec![need])
        }
        _ if node.who == (Participant::Resource { resource: Resource::Delay }) => {
            let need = Need::PolledFor { who: root.cloned() };
            (E::Delay, V::LockHeld, Grade::Inferred, vec![need])
        }
        _ => {
            let needs = with_holders(Need::Releaser { what: who() }, seen, event, scan);
            (E::Other, V::Unknown, Grade::Unknown, needs)
        }
    }
}

/// The stack of a task, wherever in that boot it was printed.
fn stack_of<'a>(seen: &'a Observations, boot: u32, node: &Node) -> Option<&'a Snapshot> {
    let pid = node.task.as_ref().and_then(|task| task.pid)?;
    let own = node.snapshot.map(|id| seen.snapshot(id)).filter(|s| !s.frames.is_empty());
    own.or_else(|| {
        let events = seen.events.iter().filter(|event| event.boot == boot);
        events.flat_map(|event| &event.snapshots).map(|id| seen.snapshot(*id)).find(|s| {
            !s.frames.is_empty() && s.task.as_ref().is_some_and(|task| task.pid == Some(pid))
        })
    })
}

fn with_holders(need: Need, seen: &Observations, event: &Event, scan: &HungScan) -> Vec<Need> {
    let tasks = holders_without_stack(seen, event, scan);
    let more = (!tasks.is_empty()).then_some(Need::HolderStacks { tasks });
    [need].into_iter().chain(more).collect()
}

/// Tasks of the lock list that hold locks but whose stacks are not shown.
fn holders_without_stack(seen: &Observations, event: &Event, scan: &HungScan) -> Vec<Task> {
    const NAMED: usize = 6;
    let mut tasks: Vec<Task> = Vec::new();
    for list in seen.locks.iter().filter(|list| list.boot == event.boot) {
        let shown = scan.members.iter().any(|member| member.task.pid == list.task.pid);
        let trivial = list.locks.iter().all(|lock| {
            ["rcu_read_lock", "&rq->__lock", "tasks_gp_mutex"]
                .iter()
                .any(|name| lock.class.contains(name))
                || lock.at == "__fdget_pos"
                || lock.class.contains("ldata->")
                || lock.class.contains("ldisc_sem")
        });
        if !shown && !trivial && !tasks.contains(&list.task) {
            tasks.push(list.task.clone());
        }
    }
    tasks.truncate(NAMED);
    tasks
}

fn member_line(graph: &Graph, scan: &HungScan, node: usize) -> Option<u64> {
    let pid = graph.nodes[node].task.as_ref()?.pid?;
    scan.members.iter().find(|member| member.task.pid == Some(pid)).map(|member| member.line)
}
