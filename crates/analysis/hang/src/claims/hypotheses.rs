//! What may be, ranked, where the log does not decide. Every statement is a GUESS.

use model::{Awaited, CpuDenial, Grade, LockKind, Predicate, RuleId, Statement, Statements};

use super::limits::LIMIT;
use crate::collect::Observations;
use crate::event::{Detail, Event, HungScan};
use crate::graph::Graph;
use crate::stack;

/// Ranked possibilities for what the log leaves open.
pub(crate) fn hypotheses(seen: &Observations, graph: &Graph, event: &Event) -> Vec<Statement> {
    if let Detail::Hung(scan) = &event.detail {
        return same_module(seen, graph, event, scan);
    }
    let Detail::Stall(stall) = &event.detail else { return Vec::new() };
    let starved = stall.starved.as_ref().filter(|s| s.state == Some(0) && stall.is_starving());
    let Some(starved) = starved else { return Vec::new() };
    let Some(cpu) = starved.cpu else { return Vec::new() };
    if crate::graph::occupant(seen, event, cpu).is_some() {
        return Vec::new();
    }
    let mut said = Statements::at_most(LIMIT);
    said.about(Some(event.id));
    for by in [CpuDenial::RealTimeTask, CpuDenial::KernelLoop] {
        said.say(Grade::Guess, RuleId::R14, [starved.line], Predicate::CpuDenied { cpu, by });
    }
    said.finish()
}

/// For a lock without a known holder: tasks that sleep in the module that takes the lock, and do not wait for it.
fn same_module(
    seen: &Observations,
    graph: &Graph,
    event: &Event,
    scan: &HungScan,
) -> Vec<Statement> {
    /// Guesses of this kind that are told.
    const TOLD: usize = 4;
    let mut said = Statements::at_most(LIMIT);
    said.about(Some(event.id));
    let behind = scan.members.first().map_or(0, |member| member.line);
    for member in &scan.members {
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        let Some(wait) =
            crate::wait::awaited(snapshot).filter(|wait| matches!(wait.awaited, Awaited::Lock(_)))
        else {
            continue;
        };
        let target = |task: &Option<crate::event::Task>| {
            let node = graph.task(task.as_ref()?.pid?)?;
            graph.out(node).next().map(|edge| edge.to)
        };
        let lock = target(&Some(member.task.clone()));
        let known =
            lock.is_some_and(|lock| graph.out(lock).any(|held| held.grade >= Grade::Inferred));
        let module = stack::task_frames(snapshot)
            .iter()
            .find(|f| Some(&f.function) == wait.caller.as_ref())
            .and_then(|f| f.module.clone());
        let Some(module) = module.filter(|_| !known) else { continue };
        for other in seen.snapshots.iter().filter(|s| {
            let named = s.task.as_ref().is_some_and(|task| task.pid.is_some());
            // A task that waits for the lock has it not; one that ran after the hang was reported came later.
            let asks = crate::wait::awaited(s)
                .is_some_and(|other| is_one_kind(other.awaited, wait.awaited));
            let waits = asks || lock.is_some() && target(&s.task) == lock;
            let later = s.on_cpu && s.lines.is_some_and(|lines| lines.first > behind);
            named && !waits && !later
        }) {
            let frames = stack::task_frames(other);
            let Some(frame) = frames.iter().find(|f| f.module.as_deref() == Some(module.as_str()))
            else {
                continue;
            };
            let (Some(task), Some(header)) = (other.task.clone(), other.header) else { continue };
            said.say(
                Grade::Guess,
                RuleId::R33,
                [header, frame.line],
                Predicate::MayHold {
                    task,
                    function: frame.function.clone(),
                    module: module.clone(),
                },
            );
        }
    }
    let mut found = said.finish();
    found.truncate(TOLD);
    found
}

/// Whether both may be waits for one and the same lock.
fn is_one_kind(one: Awaited, other: Awaited) -> bool {
    const RWSEM: [Awaited; 2] =
        [Awaited::Lock(LockKind::RwsemRead), Awaited::Lock(LockKind::RwsemWrite)];
    one == other || RWSEM.contains(&one) && RWSEM.contains(&other)
}
