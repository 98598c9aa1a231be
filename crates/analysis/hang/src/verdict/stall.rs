//! Stalls: the thread of the grace period, a reader, or CPUs.

use model::{
    Finding, Grade, LineSpan, Need, Participant, PeriodWaiter, Running, Verdict, VerdictKind,
};

use super::cpu::printing;
use super::draft::{Add, of_event};
use crate::collect::Observations;
use crate::event::{Detail, Event, Snapshot, Stall, StallTask, Starved};
use crate::graph::{Graph, NodeKind};
use crate::{stack, wait};

/// A stalled grace period.
#[derive(Clone, Copy)]
struct Stalled<'a> {
    seen: &'a Observations,
    graph: &'a Graph,
    event: &'a Event,
    stall: &'a Stall,
    number: Option<i64>,
}

impl Stalled<'_> {
    fn verdict(self, kind: VerdictKind, finding: Finding, grade: Grade) -> Verdict {
        of_event(self.event, kind, finding, grade).at(self.event.lines.first)
    }

    /// The CPUs that hold the grace period up.
    fn cpus(self) -> Vec<Participant> {
        let nodes = self.stall.cpus.iter().filter_map(|cpu| self.graph.cpu(cpu.cpu));
        nodes.map(|node| self.graph.nodes[node].who.clone()).collect()
    }
}

pub(super) fn stalled(seen: &Observations, graph: &Graph, event: &Event, stall: &Stall) -> Verdict {
    let stalled = Stalled { seen, graph, event, stall, number: stall.number() };
    if let Some(starved) = stall.starved.as_ref().filter(|_| stall.is_starving()) {
        return thread(stalled, starved);
    }
    if let Some(reader) = stall.tasks.first() {
        return held_by_reader(stalled, reader);
    }
    held_by_cpus(stalled)
}

/// The thread did not run for most of the time.
fn thread(stalled: Stalled<'_>, starved: &Starved) -> Verdict {
    let Stalled { seen, event, stall, number, .. } = stalled;
    let cpu = starved.cpu;
    if starved.is_asleep() || stall.timer.is_some() {
        let finding = Finding::ThreadNotWoken { number, cpu };
        return stalled
            .verdict(VerdictKind::Starvation, finding, Grade::Inferred)
            .need(Need::TimerState { cpu });
    }
    let who = cpu.and_then(|cpu| Some((cpu, crate::graph::occupant(seen, event, cpu)?)));
    let own = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.as_ref()?.pid);
    let place = |id| stack::where_it_was(seen.snapshot(id)).map(|(function, _)| function);
    // Its own stack may be the one that the report was made on.
    if let Some((cpu, id)) = cpu.zip(stall.kthread_stack)
        && crate::graph::thread_prints(seen, stall)
    {
        let holdouts = stalled.cpus();
        let finding = Finding::ThreadSpins { number, cpu, function: place(id), holdouts };
        return stalled
            .verdict(VerdictKind::Starvation, finding, Grade::Inferred)
            .need(Need::SecondStack { cpu: Some(cpu) });
    }
    let running = who.map(|(cpu, (id, task))| Running { cpu, task, function: place(id) });
    // The thread itself may be what runs there, spinning for a lock.
    if let Some(Running { cpu, function, .. }) =
        running.clone().filter(|at| own.is_some() && at.task.pid == own)
    {
        let finding = Finding::ThreadSpins { number, cpu, function, holdouts: stalled.cpus() };
        return stalled
            .verdict(VerdictKind::Starvation, finding, Grade::Inferred)
            .need(Need::ThreadLock);
    }
    let need = match &running {
        Some(at) => Need::OccupantPolicy { cpu, task: at.task.clone() },
        None => Need::OccupantStack { cpu },
    };
    let finding = Finding::ThreadDenied { number, cpu, seen: running };
    let mut verdict = stalled
        .verdict(VerdictKind::Starvation, finding, Grade::Inferred)
        .need(need)
        .need(Need::Policies { thread: starved.flavour.clone() });
    let again = number.is_some_and(|number| {
        seen.reports_of_period(event.boot, number).any(|other| other.id != event.id)
    });
    if !again {
        verdict = verdict.need(Need::SecondReport { number });
    }
    if event.lines.first > 0 && seen.subjects(event).any(|(_, s)| stack::syscall(s).is_some()) {
        verdict = verdict.need(Need::Reproducer);
    }
    verdict
}

/// A task is the holdout.
fn held_by_reader(stalled: Stalled<'_>, listed: &StallTask) -> Verdict {
    let Stalled { seen, graph, event, number, .. } = stalled;
    let node = graph.task(listed.pid);
    let reader = match node {
        Some(node) => graph.nodes[node].who.clone(),
        None => {
            Participant::Task { task: model::Task { name: String::new(), pid: Some(listed.pid) } }
        }
    };
    let snapshot = node.and_then(|node| graph.nodes[node].snapshot).map(|id| seen.snapshot(id));
    let Some(snapshot) = snapshot else {
        let finding = Finding::ReaderNotShown { number, reader: reader.clone() };
        return stalled
            .verdict(VerdictKind::Unknown, finding, Grade::Unknown)
            .need(Need::Stack { who: reader });
    };
    if wait::is_idle(snapshot) && listed.depth.is_none_or(|depth| depth > 0) {
        return leak(stalled, reader);
    }
    if snapshot.on_cpu || snapshot.state == Some('R') {
        let others = running(seen, event, listed.pid);
        let finding = Finding::ReaderRuns { number, reader, others };
        return stalled
            .verdict(VerdictKind::Starvation, finding, Grade::Inferred)
            .need(Need::ReaderPolicy);
    }
    let edge = node.and_then(|node| graph.out(node).next());
    let sinks = node.map(|node| graph.sinks(node, Grade::Inferred)).unwrap_or_default();
    let end = sinks.first().map(|(sink, _)| graph.nodes[*sink].who.clone());
    let finding = Finding::ReaderSleeps {
        number,
        reader: reader.clone(),
        depth: listed.depth,
        waits: edge.map(|edge| Box::new(graph.step(edge))),
        end: end.filter(|end| edge.is_none_or(|edge| graph.nodes[edge.to].who != *end)),
    };
    stalled
        .verdict(VerdictKind::Unknown, finding, Grade::Inferred)
        .need(Need::HolderFor { who: reader })
}

/// CPUs are the holdouts, or nobody is named.
fn held_by_cpus(stalled: Stalled<'_>) -> Verdict {
    let Stalled { seen, graph, stall, number, .. } = stalled;
    let cpus = stalled.cpus();
    if let Some(line) = stall.all_seen.filter(|_| cpus.is_empty()) {
        let mut verdict = stalled
            .verdict(VerdictKind::Starvation, Finding::AllSeen { number }, Grade::Inferred)
            .need(Need::ThreadState);
        verdict.lines.push(LineSpan::line(line));
        return verdict;
    }
    if cpus.is_empty() {
        let idle_only = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
        let finding = Finding::NoHoldout { number, idle_only };
        return stalled
            .verdict(VerdictKind::Unknown, finding, Grade::Unknown)
            .need(Need::StallLines);
    }
    let stacks: Vec<&Snapshot> = stall
        .cpus
        .iter()
        .filter_map(|cpu| graph.nodes[graph.cpu(cpu.cpu)?].snapshot)
        .map(|id| seen.snapshot(id))
        .collect();
    let with_stack = stacks.iter().any(|stack| stack::where_it_was(stack).is_some());
    let spins = stall.cpus.iter().find_map(|cpu| {
        let edge = graph
            .out(graph.cpu(cpu.cpu)?)
            .find(|edge| graph.nodes[edge.to].kind != NodeKind::Resource)?;
        Some((cpu.cpu, Box::new(graph.step(edge))))
    });
    let prints = stacks.iter().find_map(|stack| printing(stack)).map(|at| at.function.clone());
    let mut needs = Vec::new();
    needs.extend(spins.as_ref().map(|(cpu, _)| Need::KeeperStack { cpu: *cpu }));
    needs.extend(prints.as_ref().map(|_| Need::ConsoleSpeed));
    if !with_stack {
        needs.push(Need::CpuStacks { cpus: cpus.clone() });
    } else if needs.is_empty() {
        needs.push(Need::SecondSample);
    }
    let (kind, grade) = match with_stack {
        true => (VerdictKind::Starvation, Grade::Inferred),
        false => (VerdictKind::Unknown, Grade::Unknown),
    };
    let spins = spins.map(|(_, step)| step);
    let finding = Finding::Holdouts { number, cpus, with_stack, spins, prints };
    let mut verdict = stalled.verdict(kind, finding, grade);
    verdict.needs = needs;
    verdict
}

/// Tasks seen on CPUs in the hang reports of that boot: neither idle, nor the one given, nor asking for the stacks.
fn running(seen: &Observations, event: &Event, pid: u32) -> Vec<Running> {
    const NAMED: usize = 4;
    let mut found: Vec<Running> = Vec::new();
    let hangs = seen.events.iter().filter(|other| other.boot == event.boot && other.kind.is_hang());
    for snapshot in hangs.flat_map(|other| &other.snapshots).map(|id| seen.snapshot(*id)) {
        let Some((cpu, task)) = snapshot.cpu.zip(snapshot.task.clone()) else { continue };
        let asks = snapshot
            .frames
            .iter()
            .any(|f| f.function.contains("sysrq") || f.function == "watchdog");
        if !snapshot.on_cpu || asks || matches!(task.pid, None | Some(0)) || task.pid == Some(pid) {
            continue;
        }
        let function = stack::where_it_was(snapshot).map(|(function, _)| function);
        let at = Running { cpu, task, function };
        if !found.contains(&at) && found.len() < NAMED {
            found.push(at);
        }
    }
    found
}

/// A reader that is idle with its section open.
fn leak(stalled: Stalled<'_>, reader: Participant) -> Verdict {
    /// Tasks that wait for the grace period, of which is told.
    const NAMED: usize = 3;
    let Stalled { seen, graph, event, stall, number } = stalled;
    let pid = stall.tasks.first().map(|reader| reader.pid);
    let depths: Vec<u32> = seen
        .events
        .iter()
        .filter(|other| other.boot == event.boot)
        .filter_map(|other| match &other.detail {
            Detail::Stall(stall) => {
                stall.tasks.iter().find(|task| Some(task.pid) == pid).and_then(|task| task.depth)
            }
            _ => None,
        })
        .collect();
    let waits = graph.edges.iter().filter(|edge| {
        graph.nodes[edge.from].kind == NodeKind::Task
            && graph.nodes[edge.to].kind == NodeKind::GracePeriod
    });
    let waiters = waits.take(NAMED).map(|edge| {
        let held = graph
            .edges
            .iter()
            .filter(|held| held.to == edge.from && graph.nodes[held.from].kind == NodeKind::Lock);
        PeriodWaiter {
            who: graph.nodes[edge.from].who.clone(),
            holds: held.map(|held| graph.nodes[held.from].who.clone()).collect(),
        }
    });
    let finding = Finding::ReaderLeaked {
        number,
        reader,
        depths: depths.first().copied().zip(depths.last().copied()),
        waiters: waiters.collect(),
    };
    let verdict = stalled
        .verdict(VerdictKind::Leak, finding, Grade::Inferred)
        .need(Need::LeakingFunction)
        .need(Need::WorkqueueCheck);
    if seen.kernel_of(event).modified().is_some() { verdict.need(Need::ProveRcu) } else { verdict }
}
