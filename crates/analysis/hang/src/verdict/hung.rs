//! Hung tasks: where the chains of waits end.

use model::Grade;

use super::{Verdict, VerdictKind, capital, headline_of, title};
use crate::cause;
use crate::collect::Observations;
use crate::event::{Event, HungScan};
use crate::graph::{Graph, NodeKind};

pub(super) fn hung(seen: &Observations, graph: &Graph, event: &Event, scan: &HungScan) -> Verdict {
    let first = headline_of(event);
    // Where the ways of the most tasks end.
    let mut ends: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    for member in &scan.members {
        let Some(node) = member.task.pid.and_then(|pid| graph.task(pid)) else { continue };
        for (sink, way) in graph.sinks(node, Grade::Inferred) {
            match ends.iter_mut().find(|(known, ..)| *known == sink) {
                Some((_, count, longest)) => {
                    *count += 1;
                    if way.len() > longest.len() {
                        *longest = way;
                    }
                }
                None => ends.push((sink, 1, way)),
            }
        }
    }
    ends.sort_by_key(|(_, count, way)| (std::cmp::Reverse(*count), std::cmp::Reverse(way.len())));
    let Some((sink, count, way)) = ends.first().cloned() else {
        let shown = scan
            .members
            .iter()
            .any(|member| member.snapshot.is_some_and(|id| !seen.snapshot(id).frames.is_empty()));
        return Verdict::new(
            VerdictKind::Unknown,
            format!(
                "{}; what they wait for is not {}.",
                capital(&title(event)),
                if shown { "known from their stacks" } else { "shown: their stacks are missing" }
            ),
            Grade::Unknown,
        )
        .at(first, title(event))
        .missing(
            "the stacks of the blocked tasks (sysrq-w) and of everything that runs (sysrq-t)",
        );
    };
    let tied = ends.len() > 1 && ends[1].1 == count;
    let chain: Vec<String> = way
        .iter()
        .map(|at| graph.edges[*at].from)
        .chain([sink])
        .map(|node| graph.nodes[node].name.clone())
        .collect();
    // The task nearest the end.
    let root = way
        .iter()
        .rev()
        .map(|at| graph.edges[*at].from)
        .chain([])
        .find(|node| graph.nodes[*node].kind == NodeKind::Task);
    let root = if graph.nodes[sink].kind == NodeKind::Task { Some(sink) } else { root };
    let line =
        root.filter(|_| !tied).and_then(|node| member_line(graph, scan, node)).unwrap_or(first);
    let rest = if tied {
        format!(" {} other waits of this scan end elsewhere.", ends.len() - 1)
    } else {
        String::new()
    };
    let chain = chain.join(" -> ");
    let node = &graph.nodes[sink];
    let say = |kind, why: String, grade| {
        Verdict::new(kind, format!("{why}{rest} Chain: {chain}."), grade)
            .at(line, format!("{}; the chain ends at {}.", capital(&title(event)), node.name))
    };
    match node.kind {
        NodeKind::Task => {
            let pid = node.task.as_ref().and_then(|task| task.pid);
            let snapshot = node
                .snapshot
                .map(|id| seen.snapshot(id))
                .filter(|s| !s.frames.is_empty())
                .or_else(|| {
                    seen.snapshots.iter().find(|s| {
                        pid.is_some()
                            && !s.frames.is_empty()
                            && s.task.as_ref().is_some_and(|task| task.pid == pid)
                    })
                });
            match snapshot {
                Some(s) if s.on_cpu || s.state == Some('R') => say(VerdictKind::Starvation, format!("All wait for {}, which is not blocked but running or ready to run.", node.name), Grade::Inferred)
                    .missing(format!("more than one stack of {}", node.name)),
                Some(s) if cause::is_idle(s) => say(VerdictKind::Leak, format!("All wait for {}, which is idle: it cannot give back what it holds.", node.name), Grade::Inferred),
                Some(_) => say(VerdictKind::Unknown, format!("The tasks wait for {}; what that task waits for is not known.", node.name), Grade::Unknown).missing(format!("the meaning of the last frames of {}", node.name)),
                None => say(VerdictKind::LockHeld, format!("What is awaited is held by {}, whose stack the log does not show.", node.name), Grade::Inferred)
                    .missing(format!("the stack of {} (sysrq-t)", node.name)),
            }
        }
        NodeKind::Lock => {
            let known = holders_without_stack(seen, scan);
            let verdict = say(VerdictKind::Unknown, format!("The tasks wait for a lock ({}) whose holder the log does not show.", node.name), Grade::Unknown)
                .missing(match seen.all_locks.filter(|line| *line > event.lines.first) {
                    Some(list) => format!("who holds it: the list of held locks (L{list}) names nobody else, and a task that runs prints no list; all stacks (sysrq-t), stacks of all CPUs (sysrq-l)"),
                    None => "who holds it: CONFIG_LOCKDEP's list of all locks (sysrq-d), or all blocked stacks (sysrq-w)".to_owned(),
                });
            with_candidates(verdict, &known)
        }
        NodeKind::GracePeriod => say(VerdictKind::Unknown, format!("The tasks wait for an {}; what keeps it open is not in the log.", node.name), Grade::Unknown)
            .missing("the RCU stall report of that grace period (rcupdate.rcu_cpu_stall_timeout lower than the hung task timeout)"),
        NodeKind::Device => say(VerdictKind::Device, format!("The chain ends at the storage or device: {}. The log does not show why it does not complete.", node.name), Grade::Inferred)
            .missing("messages of the driver and its error handler, requests in flight (/sys/kernel/debug/block), state of the device"),
        NodeKind::UserSpace => say(VerdictKind::UserSpace, format!("The chain leaves the kernel: {}.", node.name), Grade::Inferred).missing("the state of that program, peer or server"),
        NodeKind::Cpu => say(VerdictKind::Starvation, format!("The chain ends at {}, which does not get on.", node.name), Grade::Inferred).missing(format!("a second stack of {}", node.name)),
        _ if node.name == crate::wait::DELAY => {
            let who = root.map_or_else(|| "the task".to_owned(), |root| graph.nodes[root].name.clone());
            say(VerdictKind::LockHeld, format!("{who} keeps the others waiting, or waits itself, in a delay that it asked for: it polls for something, or works slowly. The log does not show for what."), Grade::Inferred)
                .missing(format!("what {who} polls for: more than one stack of it, and the messages of its driver"))
        }
        _ => {
            let known = holders_without_stack(seen, scan);
            let verdict = say(VerdictKind::Unknown, format!("The chain ends at {}; who ends that is not in the log.", node.name), Grade::Unknown)
                .missing(format!("all stacks of the system (sysrq-t), to find who should end: {}", node.name));
            with_candidates(verdict, &known)
        }
    }
}

fn with_candidates(mut verdict: Verdict, known: &[String]) -> Verdict {
    if !known.is_empty() {
        verdict.missing.push(format!(
            "stacks of tasks that hold locks and are not shown: {}",
            known.join(", ")
        ));
    }
    verdict
}

/// Tasks of the lock list that hold locks but whose stacks are not shown.
fn holders_without_stack(seen: &Observations, scan: &HungScan) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for list in &seen.locks {
        let shown = scan.members.iter().any(|member| member.task.pid == list.task.pid);
        let trivial = list.locks.iter().all(|lock| {
            ["rcu_read_lock", "&rq->__lock", "tasks_gp_mutex"]
                .iter()
                .any(|name| lock.class.contains(name))
                || lock.at == "__fdget_pos"
                || lock.class.contains("ldata->")
                || lock.class.contains("ldisc_sem")
        });
        let name = list.task.to_string();
        if !shown && !trivial && !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(6);
    names
}

fn member_line(graph: &Graph, scan: &HungScan, node: usize) -> Option<u64> {
    let pid = graph.nodes[node].task.as_ref()?.pid?;
    scan.members.iter().find(|member| member.task.pid == Some(pid)).map(|member| member.line)
}
