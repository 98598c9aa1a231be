//! Grace periods and CPUs: what holds a period up, which CPU does not get on.

use model::{Grade, LineSpan};

use super::{Edge, Graph, NodeKind, in_words};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, SnapshotId, Stall, Task};
use crate::wait::Awaited;
use crate::{stack, wait};

/// Nodes of stalled grace periods: `(node, event, expedited)`.
pub(super) fn grace_periods(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
) -> Vec<(usize, EventId, bool)> {
    let mut periods = Vec::new();
    for event in events {
        let Detail::Stall(stall) = &event.detail else { continue };
        let expedited = event.kind == EventKind::RcuExpeditedStall;
        let number = stall
            .period
            .as_ref()
            .map(|p| p.number)
            .or_else(|| stall.starved.as_ref().and_then(|s| s.number));
        let (kind, name) = match (event.kind, number) {
            (EventKind::RcuExpeditedStall, number) => (
                "exp",
                format!(
                    "expedited grace period{}",
                    number.map(|n| format!(" {n}")).unwrap_or_default()
                ),
            ),
            (EventKind::RcuTasksStall, _) => ("tasks", "tasks-RCU grace period".to_owned()),
            (_, Some(number)) => ("gp", format!("RCU grace period {number}")),
            (_, None) => ("gp", "RCU grace period (number not shown)".to_owned()),
        };
        let node = graph.node(
            format!("{kind}:{}:{}", stall.flavour, number.unwrap_or_default()),
            NodeKind::GracePeriod,
            name,
        );
        graph.nodes[node].event.get_or_insert(event.id);
        periods.push((node, event.id, expedited));
        holdouts(graph, seen, event, stall, node);
    }
    periods
}

fn holdouts(graph: &mut Graph, seen: &Observations, event: &Event, stall: &Stall, period: usize) {
    let idle_all = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
    for cpu in stall.cpus.iter().take(64) {
        if cpu.false_positive && (idle_all || stall.starved.is_some()) {
            continue;
        }
        let node = cpu_node(graph, seen, event, cpu.cpu);
        graph.edge(Edge {
            from: period,
            to: node,
            waits_for: format!("a quiescent state of CPU {}", cpu.cpu),
            lines: vec![LineSpan::line(cpu.line)],
            rule: if event.kind == EventKind::RcuExpeditedStall { "R23" } else { "R03" },
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
    for cpu in stall.cpus.iter().filter(|cpu| !cpu.false_positive && stall.self_detected).take(16) {
        // It takes ticks, is behind, and ran next to no RCU softirq: that work is not done there.
        let (Some(behind), Some((a, b)), Some(node)) =
            (cpu.behind, cpu.softirq, graph.cpu(cpu.cpu))
        else {
            continue;
        };
        if behind == 0 || b < a || b - a > 1 || cpu.rcuc.is_some() {
            continue;
        }
        let softirq = graph.node(
            format!("softirq:{}", cpu.cpu),
            NodeKind::Resource,
            format!("RCU softirq on CPU {} (not executed; reason unknown)", cpu.cpu),
        );
        graph.edge(Edge {
            from: node,
            to: softirq,
            waits_for: format!("RCU softirq on CPU {} (not executed; reason unknown)", cpu.cpu),
            lines: vec![LineSpan::line(cpu.line)],
            rule: "R07",
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
    }
    for reader in stall.tasks.iter().take(64) {
        let snapshot = event.snapshots.iter().find(|id| {
            seen.snapshot(**id).task.as_ref().is_some_and(|task| task.pid == Some(reader.pid))
        });
        let task = snapshot
            .and_then(|id| seen.snapshot(*id).task.clone())
            .unwrap_or(Task { name: String::new(), pid: Some(reader.pid) });
        let node = graph.task_node(&task);
        graph.nodes[node].event.get_or_insert(event.id);
        graph.edge(Edge {
            from: period,
            to: node,
            waits_for: format!("reader {task} to leave its section"),
            lines: vec![LineSpan::line(reader.line)],
            rule: "R19",
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
    let Some(starved) = &stall.starved else { return };
    // A thread that ran shortly before the report is not what holds the period up.
    let dominant = stall
        .period
        .as_ref()
        .is_none_or(|period| starved.jiffies.saturating_mul(2) >= period.jiffies);
    if !dominant {
        return;
    }
    let pid = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.clone());
    let task = pid.unwrap_or(Task { name: starved.flavour.clone(), pid: None });
    let thread = graph.task_node(&task);
    if let Some(id) = stall
        .kthread_stack
        .filter(|id| seen.snapshot(*id).frames.iter().any(|frame| frame.reliable))
    {
        graph.nodes[thread].snapshot.get_or_insert(id);
    }
    graph.nodes[thread].event.get_or_insert(event.id);
    graph.edge(Edge {
        from: period,
        to: thread,
        waits_for: "its grace-period thread".into(),
        lines: vec![LineSpan::line(starved.line)],
        rule: "R13",
        grade: Grade::Seen,
        named_by_kernel: true,
    });
    let place =
        starved.cpu.map_or_else(|| "a CPU (not named)".to_owned(), |cpu| format!("CPU {cpu}"));
    let asleep = starved.state.is_some_and(|state| state & 0x3 != 0);
    if asleep {
        let timer = graph.node(
            format!("timer:{}", starved.cpu.unwrap_or(u32::MAX)),
            NodeKind::Resource,
            format!("timer of {place}"),
        );
        let line = stall.timer.map_or(starved.line, |(line, ..)| line);
        graph.edge(Edge {
            from: thread,
            to: timer,
            waits_for: "its timer to fire".into(),
            lines: vec![LineSpan::line(line)],
            rule: if stall.timer.is_some() { "R16" } else { "R14" },
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
        return;
    }
    // Seen on that CPU: it runs, and what it spins for is its own wait.
    if let Some((id, _)) = starved
        .cpu
        .and_then(|cpu| occupant(seen, event, cpu))
        .filter(|(_, running)| running.pid == task.pid && task.pid.is_some())
    {
        if graph.nodes[thread].snapshot.is_none_or(|known| {
            !seen.snapshot(known).on_cpu || wait::awaited(seen.snapshot(known)).is_none()
        }) {
            graph.nodes[thread].snapshot = None;
        }
        let _ = id;
        return;
    }
    let time = graph.node(
        format!("time:{}", starved.cpu.unwrap_or(u32::MAX)),
        NodeKind::Resource,
        format!("time on {place}"),
    );
    graph.edge(Edge {
        from: thread,
        to: time,
        waits_for: format!("time on {place}"),
        lines: vec![LineSpan::line(starved.line)],
        rule: "R14",
        grade: Grade::Inferred,
        named_by_kernel: false,
    });
    let occupant = starved.cpu.and_then(|cpu| occupant(seen, event, cpu));
    match occupant {
        Some((id, task))
            if task.pid != graph.nodes[thread].task.as_ref().and_then(|t| t.pid)
                && task.pid != Some(0) =>
        {
            let node = graph.task_node(&task);
            graph.nodes[node].snapshot.get_or_insert(id);
            graph.nodes[node].event.get_or_insert(event.id);
            graph.edge(Edge {
                from: time,
                to: node,
                waits_for: format!("{task}, which was on {place} when it was asked"),
                lines: seen.snapshot(id).lines.into_iter().collect(),
                rule: "R18",
                grade: Grade::Inferred,
                named_by_kernel: false,
            });
        }
        Some(_) => {}
        None => {
            let node = graph.node(
                format!("occupant:{}", starved.cpu.unwrap_or(u32::MAX)),
                NodeKind::Unknown,
                format!("unknown occupant of {place}"),
            );
            graph.edge(Edge {
                from: time,
                to: node,
                waits_for: "whatever runs there".into(),
                lines: vec![LineSpan::line(starved.line)],
                rule: "R18",
                grade: Grade::Unknown,
                named_by_kernel: false,
            });
        }
    }
}

/// What ran on a CPU, by a stack printed with the event.
pub(crate) fn occupant(seen: &Observations, event: &Event, cpu: u32) -> Option<(SnapshotId, Task)> {
    event.snapshots.iter().find_map(|id| {
        let snapshot = seen.snapshot(*id);
        let fits = snapshot.cpu == Some(cpu) && snapshot.on_cpu;
        (fits).then(|| snapshot.task.clone()).flatten().map(|task| (*id, task))
    })
}

fn cpu_node(graph: &mut Graph, seen: &Observations, event: &Event, cpu: u32) -> usize {
    let node = graph.node(format!("cpu:{cpu}"), NodeKind::Cpu, format!("CPU {cpu}"));
    graph.nodes[node].cpu = Some(cpu);
    graph.nodes[node].event.get_or_insert(event.id);
    if graph.nodes[node].snapshot.is_none()
        && let Some((id, task)) = occupant(seen, event, cpu)
    {
        let place = stack::where_it_was(seen.snapshot(id))
            .map(|(function, _)| format!(" in {function}"))
            .unwrap_or_default();
        graph.nodes[node].snapshot = Some(id);
        graph.nodes[node].name = format!("CPU {cpu} ({task}{place})");
        graph.nodes[node].task = Some(task);
    }
    node
}

/// Lockups and unanswered calls: edges between CPUs.
pub(super) fn cpu_events(graph: &mut Graph, seen: &Observations, event: &Event) {
    match (&event.detail, event.kind) {
        (Detail::Csd { from, to }, _) => {
            let (a, b) = (cpu_node(graph, seen, event, *from), cpu_node(graph, seen, event, *to));
            graph.edge(Edge {
                from: a,
                to: b,
                waits_for: format!("CPU {to} to answer a function call"),
                lines: vec![LineSpan::line(event.lines.first)],
                rule: "R43",
                grade: Grade::Seen,
                named_by_kernel: true,
            });
        }
        (_, EventKind::SoftLockup | EventKind::HardLockup) => {
            if let Some(cpu) = event.cpu {
                cpu_node(graph, seen, event, cpu);
            }
        }
        (Detail::Workqueue(report), EventKind::WorkqueueLockup) => {
            for (line, pid, function) in report.in_flight.iter().take(16) {
                let work = graph.node(
                    format!("work:{function}"),
                    NodeKind::Work,
                    format!("work {function}"),
                );
                let worker = graph.task_node(&Task { name: String::new(), pid: Some(*pid) });
                graph.nodes[worker].event.get_or_insert(event.id);
                graph.edge(Edge {
                    from: work,
                    to: worker,
                    waits_for: format!("its worker, pid {pid}"),
                    lines: vec![LineSpan::line(*line)],
                    rule: "R44",
                    grade: Grade::Seen,
                    named_by_kernel: true,
                });
            }
        }
        _ => {}
    }
}

/// The node of whichever CPU does not schedule.
const EVERY_CPU: &str = "every-cpu";

/// CPUs that spin for a lock or for other CPUs.
pub(super) fn spinning_cpus(graph: &mut Graph, seen: &Observations) {
    for node in 0..graph.nodes.len() {
        if graph.nodes[node].kind != NodeKind::Cpu {
            continue;
        }
        let Some(wait) = graph.nodes[node].snapshot.and_then(|id| wait::awaited(seen.snapshot(id)))
        else {
            continue;
        };
        let caller = wait.caller.as_deref().unwrap_or("an unknown function");
        let target = match wait.awaited {
            Awaited::SpinLock => graph.node(
                format!("spin:{caller}"),
                NodeKind::Lock,
                format!("lock taken in {caller}"),
            ),
            Awaited::RemoteCpu => {
                graph.node("remote".into(), NodeKind::Unknown, "a CPU that does not answer")
            }
            Awaited::EveryCpu => graph.node(
                EVERY_CPU.into(),
                NodeKind::Cpu,
                "a CPU that does not schedule (not named)",
            ),
            _ => continue,
        };
        let waits_for = in_words(&wait);
        graph.edge(Edge {
            from: node,
            to: target,
            waits_for,
            lines: vec![wait.lines],
            rule: wait.rule,
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
    }
}

/// Two lockups this far apart may be of one lock, in microseconds.
const ONE_LOCK: i64 = 60_000_000;

/// R41: a spinning lock whose holder no line names, while exactly one other CPU is reported as stuck about then
/// and waits for nothing itself: that CPU is taken for the holder, which is a guess.
pub(super) fn stuck_holder(graph: &mut Graph, seen: &Observations, events: &[&Event]) {
    let locked: Vec<(&Event, usize)> = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::SoftLockup | EventKind::HardLockup))
        .filter_map(|event| Some((*event, graph.cpu(event.cpu?)?)))
        .collect();
    let near = |a: &Event, b: &Event| match (a.at, b.at) {
        (Some(a), Some(b)) => seen.clock.between(a, b).is_some_and(|gap| gap.abs() <= ONE_LOCK),
        _ => false,
    };
    for (event, node) in locked.iter().take(64) {
        let Some(lock) = graph
            .out(*node)
            .map(|edge| edge.to)
            .find(|to| graph.nodes[*to].kind == NodeKind::Lock && graph.out(*to).next().is_none())
        else {
            continue;
        };
        let free: Vec<&(&Event, usize)> = locked
            .iter()
            .filter(|(other, at)| {
                at != node
                    && near(event, other)
                    && graph.out(*at).next().is_none()
                    && graph.nodes[*at]
                        .snapshot
                        .is_some_and(|id| stack::where_it_was(seen.snapshot(id)).is_some())
            })
            .collect();
        let [(holder, to)] = free.as_slice() else { continue };
        let name = graph.nodes[*to].name.clone();
        let (line, to) = (holder.lines.first, *to);
        graph.edge(Edge {
            from: lock,
            to,
            waits_for: format!("{name}, which is the only other CPU reported as stuck"),
            lines: vec![LineSpan::line(line)],
            rule: "R41",
            grade: Grade::Guess,
            named_by_kernel: false,
        });
    }
}

/// W19: CPUs in the stopper wait for one that does not come. Of the CPUs reported as stuck, or as holding a grace
/// period up, exactly one is not in the stopper: that one.
pub(super) fn absent_from_stopper(graph: &mut Graph, events: &[&Event]) {
    let Some(every) = graph.index.get(EVERY_CPU).copied() else { return };
    let mut absent: Vec<(usize, u64)> = events
        .iter()
        .flat_map(|event| -> Vec<(u32, u64)> {
            match &event.detail {
                Detail::Lockup { .. } => {
                    event.cpu.map(|cpu| (cpu, event.lines.first)).into_iter().collect()
                }
                Detail::Stall(stall) => stall
                    .cpus
                    .iter()
                    .filter(|cpu| !cpu.false_positive)
                    .map(|cpu| (cpu.cpu, cpu.line))
                    .collect(),
                _ => Vec::new(),
            }
        })
        .filter_map(|(cpu, line)| Some((graph.cpu(cpu)?, line)))
        .filter(|(node, _)| !graph.out(*node).any(|edge| edge.to == every))
        .collect();
    absent.sort_unstable();
    absent.dedup_by_key(|(node, _)| *node);
    let [(node, line)] = absent[..] else { return };
    let name = graph.nodes[node].name.clone();
    graph.edge(Edge {
        from: every,
        to: node,
        waits_for: format!("{name}, which alone of those reported is not in the stopper"),
        lines: vec![LineSpan::line(line)],
        rule: "W19",
        grade: Grade::Inferred,
        named_by_kernel: false,
    });
}
