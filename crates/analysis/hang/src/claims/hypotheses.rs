//! What may be, ranked, where the log does not decide. Every statement is a GUESS.

use model::{Claim, Grade};

use super::{claim, line};
use crate::collect::Observations;
use crate::event::{Detail, Event, HungScan};
use crate::graph::Graph;
use crate::stack;

/// Ranked possibilities for what the log leaves open.
pub(crate) fn hypotheses(seen: &Observations, graph: &Graph, event: &Event) -> Vec<Claim> {
    if let Detail::Hung(scan) = &event.detail {
        return same_module(seen, graph, scan);
    }
    let Detail::Stall(stall) = &event.detail else { return Vec::new() };
    let Some(starved) = stall.starved.as_ref().filter(|s| {
        s.state == Some(0)
            && stall.period.as_ref().is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies)
    }) else {
        return Vec::new();
    };
    let Some(cpu) = starved.cpu else { return Vec::new() };
    if crate::graph::occupant(seen, event, cpu).is_some() {
        return Vec::new();
    }
    let lines = vec![line(starved.line)];
    let also =
        stall.cpus.iter().find(|other| other.cpu != cpu).map(|other| {
            (other, seen.snapshots.iter().find(|s| s.cpu == Some(other.cpu) && s.on_cpu))
        });
    let (same_way, loop_there) = match &also {
        Some((other, snapshot)) => {
            let place = snapshot
                .and_then(|s| {
                    stack::task_frames(s)
                        .iter()
                        .find(|f| !stack::is_detector(&f.function))
                        .map(|f| f.function.clone())
                })
                .map(|f| format!(" around {f}"))
                .unwrap_or_default();
            (
                format!(", and CPU {} in the same way", other.cpu),
                format!(", another on CPU {}{place}", other.cpu),
            )
        }
        None => (String::new(), String::new()),
    };
    vec![
        claim(
            format!(
                "A real-time or deadline task (or a FIFO-priority grace-period thread out of its RT budget) monopolises CPU {cpu}{same_way}. Needs the scheduling classes."
            ),
            Grade::Guess,
            &["R14"],
            lines.clone(),
        ),
        claim(
            format!(
                "A kernel loop with preemption or softirqs off on CPU {cpu}{loop_there}. One sample cannot show a loop."
            ),
            Grade::Guess,
            &["R14"],
            lines.clone(),
        ),
        claim(
            "The guest was stopped by its host: not excluded; no clock message in the log.",
            Grade::Guess,
            &["R14"],
            lines,
        ),
    ]
}

/// For a lock without a known holder: tasks that sleep in the module that takes the lock, and do not wait for it.
fn same_module(seen: &Observations, graph: &Graph, scan: &HungScan) -> Vec<Claim> {
    let mut found: Vec<Claim> = Vec::new();
    let behind = scan.members.first().map_or(0, |member| member.line);
    for member in &scan.members {
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        let Some(wait) = crate::wait::awaited(snapshot)
            .filter(|wait| matches!(wait.awaited, crate::wait::Awaited::Lock(_)))
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
            let waits = lock.is_some() && target(&s.task) == lock;
            let later = s.on_cpu && s.lines.is_some_and(|lines| lines.first > behind);
            named && !waits && !later
        }) {
            let frames = stack::task_frames(other);
            let Some(frame) = frames.iter().find(|f| f.module.as_deref() == Some(module.as_str()))
            else {
                continue;
            };
            let task = other.task.as_ref().map(ToString::to_string).unwrap_or_default();
            let how = if other.state == Some('D') { "sleeps" } else { "is" };
            let statement = format!(
                "{task} {how} in {} of the same module {module} and does not wait for that lock: it may hold it.",
                frame.function
            );
            if found.len() < 4 && !found.iter().any(|claim| claim.statement == statement) {
                found.push(claim(statement, Grade::Guess, &["R33"], vec![line(frame.line)]));
            }
        }
    }
    found
}
