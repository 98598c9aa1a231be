//! Work items that workers execute, and who flushes them, by lists of busy workqueues.

use model::{Awaited, Grade, LineSpan, Participant, RuleId, WaitsFor};

use super::types::{Edge, Graph, Waiter};
use crate::collect::Observations;
use crate::event::Task;

/// R44: `in-flight: 17:do_work BAR(12)`: task 12 waits until worker 17 has done with do_work().
pub(super) fn flushed(graph: &mut Graph, seen: &Observations, boot: u32, waiters: &[Waiter<'_>]) {
    for work in seen.work.iter().filter(|work| work.boot == boot) {
        let flushers = work.flushers.iter().filter_map(|pid| {
            let node = graph.task(*pid)?;
            let waiter = waiters.iter().find(|waiter| waiter.node == node)?;
            let flushes = matches!(waiter.wait.awaited, Awaited::Work | Awaited::Workqueue);
            flushes.then_some(waiter.target)
        });
        let flushers: Vec<usize> = flushers.collect();
        if flushers.is_empty() {
            continue;
        }
        let item = graph.node(Participant::Work { function: work.function.clone() });
        let worker = work.worker.map(|pid| Task { name: String::new(), pid: Some(pid) });
        let worker = worker.map(|task| (item, graph.task_node(&task), WaitsFor::Worker));
        let edges = flushers.into_iter().map(|from| (from, item, WaitsFor::Barrier));
        for (from, to, waits_for) in edges.chain(worker) {
            graph.edge(Edge {
                from,
                to,
                waits_for,
                lines: vec![LineSpan::line(work.line)],
                rule: RuleId::R44,
                grade: Grade::Seen,
                named_by_kernel: true,
            });
        }
    }
}
