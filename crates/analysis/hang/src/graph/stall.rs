//! Grace periods and CPUs: what holds a period up, which CPU does not get on.

use model::{Awaited, GracePeriodSort, Grade, LineSpan, Participant, RuleId, WaitsFor};

use super::types::{Edge, Graph, NodeKind};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, SnapshotId, Stall, Starved, Task};
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
        let sort = match event.kind {
            EventKind::RcuExpeditedStall => GracePeriodSort::Expedited,
            EventKind::RcuTasksStall => GracePeriodSort::Tasks,
            _ => GracePeriodSort::Normal,
        };
        let who = Participant::GracePeriod { sort, number: stall.number(), reported: true };
        let node = graph.node_apart(who, Some(&stall.flavour));
        graph.nodes[node].event.get_or_insert(event.id);
        periods.push((node, event.id, sort == GracePeriodSort::Expedited));
        holdouts(graph, seen, event, stall, node);
    }
    periods
}

/// An edge of a grace period, which the report itself names.
fn named(from: usize, to: usize, waits_for: WaitsFor, line: u64, rule: RuleId) -> Edge {
    Edge {
        from,
        to,
        waits_for,
        lines: vec![LineSpan::line(line)],
        rule,
        grade: Grade::Seen,
        named_by_kernel: true,
    }
}

/// An edge that needs knowledge of the kernel.
fn inferred(from: usize, to: usize, waits_for: WaitsFor, line: u64, rule: RuleId) -> Edge {
    Edge {
        grade: Grade::Inferred,
        named_by_kernel: false,
        ..named(from, to, waits_for, line, rule)
    }
}

fn holdouts(graph: &mut Graph, seen: &Observations, event: &Event, stall: &Stall, period: usize) {
    let idle_all = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
    let rule = if event.kind == EventKind::RcuExpeditedStall { RuleId::R23 } else { RuleId::R03 };
    for cpu in stall.cpus.iter().take(64) {
        if cpu.false_positive && (idle_all || stall.starved.is_some()) {
            continue;
        }
        let node = cpu_node(graph, seen, event, cpu.cpu);
        graph.edge(named(period, node, WaitsFor::QuiescentState, cpu.line, rule));
    }
    softirqs(graph, stall);
    readers(graph, seen, event, stall, period);
    // A thread that ran shortly before the report is not what holds the period up.
    if let Some(starved) = stall.starved.as_ref().filter(|_| stall.is_starving()) {
        starved_thread(graph, seen, event, (stall, starved), period);
    }
}

/// A CPU that takes ticks, is behind, and ran next to no RCU softirq: that work is not done there.
fn softirqs(graph: &mut Graph, stall: &Stall) {
    for cpu in stall.cpus.iter().filter(|cpu| !cpu.false_positive && stall.self_detected).take(16) {
        let (Some(behind), Some((a, b)), Some(node)) =
            (cpu.behind, cpu.softirq, graph.cpu(cpu.cpu))
        else {
            continue;
        };
        if behind == 0 || b < a || b - a > 1 || cpu.rcuc.is_some() {
            continue;
        }
        let softirq = graph.node(Participant::Softirq { cpu: cpu.cpu });
        graph.edge(inferred(node, softirq, WaitsFor::SoftirqNotRun, cpu.line, RuleId::R07));
    }
}

fn readers(graph: &mut Graph, seen: &Observations, event: &Event, stall: &Stall, period: usize) {
    for reader in stall.tasks.iter().take(64) {
        let snapshot = event.snapshots.iter().find(|id| {
            seen.snapshot(**id).task.as_ref().is_some_and(|task| task.pid == Some(reader.pid))
        });
        let task = snapshot
            .and_then(|id| seen.snapshot(*id).task.clone())
            .unwrap_or(Task { name: String::new(), pid: Some(reader.pid) });
        let node = graph.task_node(&task);
        graph.nodes[node].event.get_or_insert(event.id);
        graph.edge(named(period, node, WaitsFor::ReaderSection, reader.line, RuleId::R19));
    }
}

/// The thread of the grace period that did not run: asleep without its timer, running, or without its CPU.
fn starved_thread(
    graph: &mut Graph,
    seen: &Observations,
    event: &Event,
    (stall, starved): (&Stall, &Starved),
    period: usize,
) {
    let task = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.clone());
    let task = task.unwrap_or(Task { name: starved.flavour.clone(), pid: None });
    let thread = graph.task_node(&task);
    if let Some(id) = stall
        .kthread_stack
        .filter(|id| seen.snapshot(*id).frames.iter().any(|frame| frame.reliable))
    {
        graph.nodes[thread].snapshot.get_or_insert(id);
    }
    graph.nodes[thread].event.get_or_insert(event.id);
    let needed = WaitsFor::GracePeriodThread;
    graph.edge(named(period, thread, needed, starved.line, RuleId::R13));
    let cpu = starved.cpu;
    if starved.is_asleep() {
        let timer = graph.node(Participant::Timer { cpu });
        let (line, rule) = match stall.timer {
            Some((line, ..)) => (line, RuleId::R16),
            None => (starved.line, RuleId::R14),
        };
        graph.edge(inferred(thread, timer, WaitsFor::TimerToFire, line, rule));
        return;
    }
    let occupant = cpu.and_then(|cpu| occupant(seen, event, cpu));
    // Seen on that CPU: it runs, and what it spins for is its own wait.
    if thread_prints(seen, stall) {
        return;
    }
    if occupant.as_ref().is_some_and(|(_, at)| at.pid == task.pid && task.pid.is_some()) {
        let known = graph.nodes[thread].snapshot.map(|known| seen.snapshot(known));
        if known.is_none_or(|known| !known.on_cpu || wait::awaited(known).is_none()) {
            graph.nodes[thread].snapshot = None;
        }
        return;
    }
    let time = graph.node(Participant::CpuTime { cpu });
    graph.edge(inferred(thread, time, WaitsFor::CpuTime, starved.line, RuleId::R14));
    match occupant {
        Some((id, task)) if task.pid != Some(0) => {
            let node = graph.task_node(&task);
            graph.nodes[node].snapshot.get_or_insert(id);
            graph.nodes[node].event.get_or_insert(event.id);
            let seen_there = inferred(time, node, WaitsFor::SeenOnCpu, 0, RuleId::R18);
            graph.edge(Edge { lines: seen.snapshot(id).lines.into_iter().collect(), ..seen_there });
        }
        Some(_) => {}
        None => {
            let node = graph.node(Participant::Occupant { cpu });
            let unknown = inferred(time, node, WaitsFor::NotShown, starved.line, RuleId::R18);
            graph.edge(Edge { grade: Grade::Unknown, ..unknown });
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

/// Whether the thread of a grace period runs: its own stack, printed with the report, is that of the CPU that prints.
/// The report is made in an interrupt of whoever is current.
pub(crate) fn thread_prints(seen: &Observations, stall: &Stall) -> bool {
    const PRINTING: &[&str] = &[
        "rcu_check_gp_kthread_starvation",
        "print_other_cpu_stall",
        "print_cpu_stall",
        "check_cpu_stall",
        "rcu_sched_clock_irq",
        "rcu_check_callbacks",
    ];
    stall.kthread_stack.is_some_and(|id| {
        let mut frames = seen.snapshot(id).frames.iter().filter(|frame| frame.reliable);
        frames.any(|frame| PRINTING.contains(&frame.function.as_str()))
    })
}

fn cpu_node(graph: &mut Graph, seen: &Observations, event: &Event, cpu: u32) -> usize {
    let node = graph.node(Participant::Cpu { cpu, task: None, function: None });
    graph.nodes[node].cpu = Some(cpu);
    graph.nodes[node].event.get_or_insert(event.id);
    if graph.nodes[node].snapshot.is_none()
        && let Some((id, task)) = occupant(seen, event, cpu)
    {
        let function = stack::where_it_was(seen.snapshot(id)).map(|(function, _)| function);
        graph.nodes[node].snapshot = Some(id);
        graph.nodes[node].who = Participant::Cpu { cpu, task: Some(task.clone()), function };
        graph.nodes[node].task = Some(task);
    }
    node
}

/// Lockups and unanswered calls: edges between CPUs.
pub(super) fn cpu_events(graph: &mut Graph, seen: &Observations, event: &Event) {
    match (&event.detail, event.kind) {
        (Detail::Csd { from, to }, _) => {
            let (a, b) = (cpu_node(graph, seen, event, *from), cpu_node(graph, seen, event, *to));
            graph.edge(named(a, b, WaitsFor::FunctionCall, event.lines.first, RuleId::R43));
        }
        (_, EventKind::SoftLockup | EventKind::HardLockup) => {
            if let Some(cpu) = event.cpu {
                cpu_node(graph, seen, event, cpu);
            }
        }
        (Detail::Workqueue(report), EventKind::WorkqueueLockup) => {
            for (line, pid, function) in report.in_flight.iter().take(16) {
                let work = graph.node(Participant::Work { function: function.clone() });
                let worker = graph.task_node(&Task { name: String::new(), pid: Some(*pid) });
                graph.nodes[worker].event.get_or_insert(event.id);
                graph.edge(named(work, worker, WaitsFor::Worker, *line, RuleId::R44));
            }
        }
        _ => {}
    }
}

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
        let target = match (wait.awaited, &wait.caller) {
            (Awaited::SpinLock, Some(function)) => {
                graph.node(Participant::LockTakenIn { function: function.clone(), lock: None })
            }
            (Awaited::SpinLock, None) => {
                let apart = graph.nodes[node].id.clone();
                graph.node_apart(Participant::UnknownLock { lock: None }, Some(&apart))
            }
            (Awaited::RemoteCpu, _) => graph.node(Participant::SilentCpu),
            (Awaited::EveryCpu, _) => graph.node(Participant::UnnamedCpu),
            _ => continue,
        };
        let edge = inferred(node, target, wait.reason(), 0, wait.rule);
        graph.edge(Edge { lines: vec![wait.lines], ..edge });
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
        let (line, to) = (holder.lines.first, *to);
        let guess = inferred(lock, to, WaitsFor::OnlyOtherStuck, line, RuleId::R41);
        graph.edge(Edge { grade: Grade::Guess, ..guess });
    }
}

/// W19: CPUs in the stopper wait for one that does not come. Of the CPUs reported as stuck, or as holding a grace
/// period up, exactly one is not in the stopper: that one.
pub(super) fn absent_from_stopper(graph: &mut Graph, events: &[&Event]) {
    let Some(every) = graph.unnamed_cpu() else { return };
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
    graph.edge(inferred(every, node, WaitsFor::AbsentFromStopper, line, RuleId::W19));
}
