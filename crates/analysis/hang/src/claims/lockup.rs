//! Statements on CPUs that are stuck or silent, and on workqueues.

use model::{Predicate, RuleId, Statements, Task};

use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, Snapshot, WorkqueueReport};
use crate::stack;

/// Work items spelled out.
const ITEMS: usize = 8;

pub(super) fn of_lockup(said: &mut Statements, seen: &Observations, event: &Event) {
    match &event.detail {
        Detail::Lockup { seconds } => {
            let rule = if event.kind == EventKind::HardLockup { RuleId::R41 } else { RuleId::R40 };
            let Some(cpu) = event.cpu else { return };
            said.seen(
                rule,
                [event.line],
                Predicate::CpuStuck { cpu, seconds: seconds.map(u64::from) },
            );
            if let Some(task) = event
                .task
                .as_ref()
                .filter(|task| event.headline.contains(&format!("[{}:", task.name)))
            {
                said.seen(rule, [event.line], Predicate::CurrentTask { task: task.clone() });
            }
            let own =
                event.snapshots.iter().map(|id| seen.snapshot(*id)).find(|s| s.cpu == Some(cpu));
            if let Some(own) = own {
                cpu_in(said, own);
            }
        }
        Detail::Csd { from, to } => {
            said.seen(
                RuleId::R43,
                [event.line],
                Predicate::CpuNoResponse { cpu: *to, waiting: Some(*from) },
            );
            let own =
                event.snapshots.iter().map(|id| seen.snapshot(*id)).find(|s| s.cpu == Some(*to));
            if let Some(own) = own {
                cpu_in(said, own);
            }
        }
        Detail::Workqueue(report) => workqueue(said, event, report),
        _ => {}
    }
}

/// Where a CPU was when its stack was taken: header and place.
pub(super) fn cpu_in(said: &mut Statements, snapshot: &Snapshot) {
    let (Some(cpu), Some(header)) = (snapshot.cpu, snapshot.header) else { return };
    let pointer = stack::instruction_of_leaf(snapshot).map(|at| (at.function.clone(), at.line));
    let Some((function, number)) = pointer.or_else(|| stack::where_it_was(snapshot)) else {
        return;
    };
    let task = snapshot.task.clone().filter(super::crash::is_whole);
    said.seen(
        RuleId::R18,
        [header, number],
        Predicate::CpuIn { cpu, task: task.clone(), function: function.clone() },
    );
    // A helper's caller does the work.
    if let Some((outer, at)) = stack::where_it_was(snapshot)
        && outer != function
    {
        said.seen(RuleId::R88, [number, at], Predicate::OnStack { function: outer });
    }
    if let Some((name, at)) = stack::syscall(snapshot) {
        said.seen(RuleId::R88, [at], Predicate::SystemCall { name });
    }
}

/// What lists of busy workqueues say beside the report of a stuck pool: who executes what, who waits for it, and pools
/// without an idle worker.
pub(super) fn busy(said: &mut Statements, seen: &Observations, boot: u32) {
    let reported = |line: u64| {
        seen.events
            .iter()
            .any(|event| event.kind == EventKind::WorkqueueLockup && event.lines.contains(line))
    };
    let task = |pid: u32| Task { name: String::new(), pid: Some(pid) };
    for work in seen.work.iter().filter(|work| work.boot == boot).take(ITEMS) {
        let function = work.function.clone();
        if let Some(worker) = work.worker.filter(|_| !reported(work.line)) {
            said.seen(
                RuleId::R44,
                [work.line],
                Predicate::WorkInFlight {
                    function: function.clone(),
                    worker: Some(task(worker)),
                    seconds: work.seconds,
                },
            );
        }
        for pid in &work.flushers {
            let function = function.clone();
            let predicate = Predicate::WorkBarrier { task: task(*pid), function };
            said.seen(RuleId::R44, [work.line], predicate);
        }
    }
    for (_, line, pool, count) in
        seen.pools.iter().filter(|(of, _, _, idle)| *of == boot && *idle == 0).take(ITEMS)
    {
        let predicate = Predicate::IdleWorkers { pool: *pool, count: *count };
        said.seen(RuleId::R44, [*line], predicate);
    }
}

fn workqueue(said: &mut Statements, event: &Event, report: &WorkqueueReport) {
    let rule = match event.kind {
        EventKind::WorkqueueHog => RuleId::R45,
        EventKind::WorkqueueLeak => RuleId::R46,
        _ => RuleId::R44,
    };
    if event.kind == EventKind::WorkqueueLockup && !report.cpus.is_empty() {
        said.seen(
            rule,
            [event.line],
            Predicate::PoolStuck {
                cpus: report.cpus.clone(),
                seconds: report.seconds.map(u64::from),
            },
        );
    }
    if event.kind != EventKind::WorkqueueLockup
        && let Some(function) = &report.function
    {
        said.seen(
            rule,
            [event.line],
            Predicate::Workqueue { workqueue: None, function: function.clone() },
        );
    }
    for (number, pid, function) in report.in_flight.iter().take(ITEMS) {
        said.seen(
            rule,
            [*number],
            Predicate::WorkInFlight {
                function: function.clone(),
                worker: Some(Task { name: String::new(), pid: Some(*pid) }),
                seconds: None,
            },
        );
    }
    for (number, list) in report.pending.iter().take(ITEMS) {
        // `2*my_work, BAR(17)`: each item with how often it waits.
        for item in list
            .split([',', ' '])
            .filter(|item| !item.is_empty() && !item.contains("BAR("))
            .take(ITEMS)
        {
            let (count, function) = match item.split_once('*') {
                Some((count, function)) => (count.parse().ok(), function),
                None => (None, item),
            };
            if function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                said.seen(
                    rule,
                    [*number],
                    Predicate::WorkPending {
                        function: crate::parse::plain(function).to_owned(),
                        count,
                    },
                );
            }
        }
    }
}
