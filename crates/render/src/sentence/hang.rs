//! Sentences on tasks, CPUs and work items that do not get on, and on how events hang together.

use model::{Ownership, Predicate as P};

use super::words::{count, lock, party};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    task(predicate).or_else(|| cpu(predicate))
}

/// Tasks that wait.
fn task(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::BlockedFor { task, seconds } => {
            format!("{task} is blocked for more than {}.", count(*seconds, "second"))
        }
        P::BlockedTasks { count: tasks } => format!(
            "{} blocked.",
            match tasks {
                1 => "1 task is".to_owned(),
                tasks => format!("{tasks} tasks are"),
            }
        ),
        P::TaskState { task, state } => format!("{task} is in state {state}."),
        P::WaitsFor { waiter, target, function, .. } => {
            let inside = function.as_ref().map(|f| format!(", in {f}()")).unwrap_or_default();
            format!("{} waits for {}{inside}.", party(waiter), party(target))
        }
        P::WaitCaller { task, function } => format!("{task} was brought there by {function}()."),
        P::Holds { task, lock: which, function } => {
            let taken = function.as_ref().map(|f| format!(", taken in {f}()")).unwrap_or_default();
            format!("{task} holds {}{taken}.", lock(which))
        }
        P::LikelyHolder { waiter, holder, how } => {
            let how = match how {
                Ownership::Owner => "likely owner of the lock",
                Ownership::Reader => "last known reader of the lock",
                Ownership::LastHolder => "last known holder of the semaphore",
            };
            if waiter == holder {
                format!("The kernel names {waiter} itself as the {how} that it waits for.")
            } else {
                format!("The kernel names {holder} as the {how} that {waiter} waits for.")
            }
        }
        P::MayHold { task, function, module } => {
            format!(
                "{task} is in {function}() of the same module {module} and does not wait for that lock: it may hold it."
            )
        }
        P::WaitBegan { earliest, latest } => {
            format!("The wait began between {earliest} and {latest}.")
        }
        P::SpinsOn { party: who, function } => {
            format!("{} spins for a lock that {function}() wants.", party(who))
        }
        P::SleptInReader { task, function } => {
            let place = function.as_ref().map(|f| format!(" in {f}()")).unwrap_or_default();
            format!(
                "{task} slept{place} inside an RCU reader section; it may have been leaked earlier, elsewhere."
            )
        }
        P::Follows { event, cause, shared } => {
            format!("{event} follows from {cause}; they share {}.", party(shared))
        }
        P::HungReportsSuppressed => {
            "Further hung task reports are suppressed: other tasks may hang as well.".to_owned()
        }
        _ => return None,
    })
}

/// CPUs and workqueues.
fn cpu(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::CpuStuck { cpu, seconds: Some(seconds) } => {
            format!("CPU {cpu} is stuck for {}.", count(*seconds, "second"))
        }
        P::CpuStuck { cpu, seconds: None } => format!("CPU {cpu} is stuck."),
        P::CpuIn { cpu, task, function } => {
            let task = task.as_ref().map(|task| format!(" ({task})")).unwrap_or_default();
            format!("CPU {cpu}{task} was in {function}() when its stack was taken.")
        }
        P::CpuNoResponse { cpu, waiting: Some(waiting) } => {
            format!("CPU {cpu} does not answer the function call of CPU {waiting}.")
        }
        P::CpuNoResponse { cpu, waiting: None } => format!("CPU {cpu} did not answer an NMI."),
        P::PoolStuck { cpus, seconds } => {
            let time = seconds.map(|s| format!(" for {}", count(s, "second"))).unwrap_or_default();
            format!("The worker pool of CPUs {cpus} makes no progress{time}.")
        }
        P::WorkInFlight { function, worker, seconds } => {
            let worker =
                worker.as_ref().map(|task| format!(" in worker {task}")).unwrap_or_default();
            let time = seconds.map(|s| format!(" for {}", count(s, "second"))).unwrap_or_default();
            format!("Work item {function} is executed{worker}{time}.")
        }
        P::WorkPending { function, count: items } => {
            let items =
                items.filter(|n| *n > 1).map(|n| format!(" ({n} of them)")).unwrap_or_default();
            format!("Work item {function}{items} waits for a worker.")
        }
        P::IdleWorkers { pool, count: idle } => {
            format!("Pool {pool} has {}.", count(*idle, "idle worker"))
        }
        P::WorkBarrier { task, function } => {
            format!("{task} waits for work item {function} to end.")
        }
        _ => return None,
    })
}
