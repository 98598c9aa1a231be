//! Lockups, and CPUs that do not answer a function call.

use model::{
    Culprit, Finding, Grade, Need, RuleId, Running, SpinOwner, Task, Verdict, VerdictKind,
};

use super::draft::{Add, of_event};
use crate::collect::Observations;
use crate::event::{Event, EventKind, Frame, Snapshot};
use crate::graph::{Edge, Graph, NodeKind};
use crate::{stack, wait};

/// A lockup with what its own stacks show.
struct Stuck<'a> {
    event: &'a Event,
    task: Option<Task>,
    hard: bool,
}

impl Stuck<'_> {
    fn verdict(&self, kind: VerdictKind, finding: Finding, grade: Grade) -> Verdict {
        of_event(self.event, kind, finding, grade)
    }
}

/// The stacks of a lockup that are those of its CPU.
fn own_stacks<'a>(
    seen: &'a Observations,
    event: &'a Event,
) -> impl Iterator<Item = &'a Snapshot> + 'a {
    event
        .snapshots
        .iter()
        .map(|id| seen.snapshot(*id))
        .filter(|s| event.cpu.is_none() || s.cpu.is_none() || s.cpu == event.cpu)
}

pub(super) fn locked_up(seen: &Observations, graph: &Graph, event: &Event) -> Verdict {
    let own = own_stacks(seen, event).next();
    let stuck = Stuck {
        event,
        task: event.task.clone().or_else(|| own.and_then(|s| s.task.clone())),
        hard: event.kind == EventKind::HardLockup,
    };
    let (line, cpu) = (event.lines.first, event.cpu);
    let task = stuck.task.clone();
    let Some((function, _)) = own.and_then(stack::where_it_was) else {
        let finding = Finding::StuckSomewhere { cpu, task, hard: stuck.hard };
        return stuck
            .verdict(VerdictKind::Unknown, finding, Grade::Unknown)
            .at(line)
            .need(Need::LockupStack { cpu });
    };
    let node = cpu.and_then(|cpu| graph.cpu(cpu));
    if let Some((node, edge)) = node.and_then(|node| Some((node, graph.out(node).next()?))) {
        return waiting(seen, graph, &stuck, function, (node, edge));
    }
    if own.is_some_and(is_in_idle_loop) {
        let finding = Finding::StuckIdle { cpu, task, function };
        return stuck
            .verdict(VerdictKind::Unknown, finding, Grade::Inferred)
            .at(line)
            .need(Need::HostTime);
    }
    let prints = own.and_then(printing).map(|frame| frame.function.clone());
    let is_printing = prints.is_some();
    let samples = samples(seen, event, &function);
    let finding = Finding::StuckIn { cpu, task, hard: stuck.hard, function, prints, samples };
    let mut verdict = stuck.verdict(VerdictKind::Starvation, finding, Grade::Inferred).at(line);
    if samples < 2 {
        verdict = verdict.need(Need::SecondStack { cpu });
    }
    if is_printing { verdict.need(Need::ConsoleSpeed) } else { verdict }
}

/// How many stacks of the CPU show it in the function, or in what the function was called by.
fn samples(seen: &Observations, event: &Event, function: &str) -> u32 {
    let inside = |s: &&Snapshot| {
        stack::where_it_was(s).is_some_and(|(at, _)| at == function)
            || stack::task_frames(s).iter().any(|frame| frame.function == function)
    };
    own_stacks(seen, event)
        .filter(|s| !s.frames.is_empty() || !s.instruction.is_empty())
        .filter(inside)
        .count()
        .max(1) as u32
}

/// A CPU that waits for a lock or for another CPU.
fn waiting(
    seen: &Observations,
    graph: &Graph,
    stuck: &Stuck<'_>,
    function: String,
    (node, edge): (usize, &Edge),
) -> Verdict {
    let (event, line) = (stuck.event, stuck.event.lines.first);
    let (cpu, task) = (event.cpu, stuck.task.clone());
    let waits = Box::new(graph.step(edge));
    let sinks = graph.sinks(node, Grade::Guess);
    let known = sinks.iter().find(|(sink, _)| graph.nodes[*sink].kind == NodeKind::Cpu);
    if let Some((sink, _)) = known {
        let sink = &graph.nodes[*sink];
        // A culprit that no report names stands where its stack was printed.
        let line = match (sink.event, sink.snapshot) {
            (None, Some(id)) => seen.snapshot(id).lines.map_or(line, |lines| lines.first),
            _ => line,
        };
        let is_lock = graph.nodes[edge.to].kind == NodeKind::Lock;
        let (how, grade) = if is_lock {
            (Culprit::TakenForHolder, Grade::Guess)
        } else if edge.rule == RuleId::W19 {
            (Culprit::DoesNotCome, Grade::Inferred)
        } else {
            (Culprit::DoesNotAnswer, Grade::Inferred)
        };
        let culprit = sink.who.clone();
        let finding = Finding::StuckBehind { cpu, task, function, waits, culprit, how };
        let verdict = stuck.verdict(VerdictKind::Starvation, finding, grade).at(line);
        return if is_lock { verdict.need(Need::SpinHolder) } else { verdict };
    }
    // A CPU on the way that waits in turn.
    let next = sinks.iter().find_map(|(_, way)| {
        way.iter().map(|at| &graph.edges[*at]).find(|step| {
            graph.nodes[step.from].kind == NodeKind::Cpu && graph.nodes[step.from].cpu != event.cpu
        })
    });
    let next = next.map(|step| Box::new(graph.step(step)));
    let finding = Finding::StuckWaiting { cpu, task, hard: stuck.hard, function, waits, next };
    stuck.verdict(VerdictKind::Unknown, finding, Grade::Inferred).at(line).need(Need::AllCpus)
}

/// Whether the stack is that of the idle task in its loop.
fn is_in_idle_loop(snapshot: &Snapshot) -> bool {
    snapshot.task.as_ref().is_some_and(|task| task.pid == Some(0))
        && snapshot.frames.iter().any(|frame| {
            ["do_idle", "cpu_idle", "default_idle", "cpuidle_", "cpu_startup_entry"]
                .iter()
                .any(|start| frame.function.starts_with(start))
        })
}

/// R43: a CPU that does not answer a function call, and what its stack shows where it was printed.
pub(super) fn silent_cpu(seen: &Observations, event: &Event, waiting: u32, cpu: u32) -> Verdict {
    let line = event.lines.first;
    let shown = crate::graph::occupant(seen, event, cpu)
        .and_then(|(id, task)| Some((id, task, stack::where_it_was(seen.snapshot(id))?.0)));
    let Some((id, task, function)) = shown else {
        let finding = Finding::NoAnswer { cpu, waiting, seen: None, irqs_off: false, waits: None };
        return of_event(event, VerdictKind::Starvation, finding, Grade::Seen)
            .at(line)
            .need(Need::CpuStack { cpu });
    };
    let snapshot = seen.snapshot(id);
    let waits = wait::awaited(snapshot).map(|wait| wait.reason());
    let need = match waits {
        Some(_) => Need::CodeOfCpu { cpu },
        None => Need::SecondStack { cpu: Some(cpu) },
    };
    let finding = Finding::NoAnswer {
        cpu,
        waiting,
        seen: Some(Running { cpu, task, function: Some(function) }),
        irqs_off: snapshot.flags.is_some_and(|(_, flags)| flags & 0x200 == 0),
        waits,
    };
    of_event(event, VerdictKind::Starvation, finding, Grade::Inferred).at(line).need(need)
}

/// R82: a spinning lock that is not released: held by the one who asks for it, by another, or by nobody named.
pub(super) fn spinlock(seen: &Observations, event: &Event, owner: Option<&(u64, Task)>) -> Verdict {
    let place = event.snapshots.iter().find_map(|id| {
        let frames = stack::task_frames(seen.snapshot(*id));
        frames
            .into_iter()
            .find(|frame| {
                !stack::is_detector(&frame.function) && !wait::is_primitive(&frame.function)
            })
            .map(|frame| frame.function.clone())
    });
    let own = event.headline.contains("recursion")
        || owner.is_some_and(|(_, owner)| {
            owner.pid.is_some() && event.task.as_ref().is_some_and(|task| task.pid == owner.pid)
        });
    let (kind, grade, owned, need) = match owner {
        _ if own => (VerdictKind::LockHeld, Grade::Seen, SpinOwner::Itself, None),
        Some((_, task)) => (
            VerdictKind::LockHeld,
            Grade::Seen,
            SpinOwner::Other { task: task.clone() },
            Some(Need::OwnerStack { task: task.clone() }),
        ),
        None => (VerdictKind::Unknown, Grade::Unknown, SpinOwner::NotNamed, Some(Need::OwnerLine)),
    };
    let finding = Finding::Spins { event: event.id, task: event.task.clone(), place, owner: owned };
    let mut verdict = of_event(event, kind, finding, grade).at(event.lines.first);
    verdict.needs.extend(need);
    verdict.lines.extend(owner.map(|(named, _)| model::LineSpan::line(*named)));
    verdict
}

/// W48: the frame in which the CPU prints to a console, outside of the report itself.
pub(super) fn printing(snapshot: &Snapshot) -> Option<&Frame> {
    const PRINTERS: &[&str] = &[
        "console_unlock",
        "console_flush_all",
        "serial8250_console_write",
        "univ8250_console_write",
        "pl011_console_write",
        "uart_console_write",
    ];
    stack::task_frames(snapshot)
        .into_iter()
        .find(|frame| PRINTERS.contains(&frame.function.as_str()))
}
