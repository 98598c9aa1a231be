//! Ties to a report after which the kernel is no longer sound.

use model::{Grade, LineSpan, Link, LinkReason, RuleId};

use super::pair::Pair;
use crate::event::{Detail, Event, EventKind};
use crate::graph::Graph;

/// How long after a bad read a hang of other tasks may still be its consequence, in microseconds.
const AFTER_BAD_READ: i64 = 10_000_000;

/// Whether the kernel goes on with memory, a lock or a task in a state that no code expects.
pub(super) fn is_fatal(event: &Event) -> bool {
    event.kind.is_trap()
        || event.kind.is_corruption()
        || matches!(event.detail, Detail::Hardware { severe: true })
        || event.kind == EventKind::Panic
}

pub(super) fn damaged(pair: &Pair<'_>) -> Option<Link> {
    let Pair { earlier, later, .. } = *pair;
    let kind = later.kind;
    let follows = kind.is_hang()
        || kind.is_trap()
        || kind.is_corruption()
        || matches!(kind, EventKind::Warning | EventKind::FileSystem | EventKind::Ubsan)
        || kind.is_misuse() && (pair.same_task() || pair.close(10_000_000));
    if !is_fatal(earlier) || !follows || only_a_read_long_ago(pair) {
        return None;
    }
    let task = earlier.task.clone().filter(|task| task.pid.is_some_and(|pid| pid > 0));
    if let (Some(task), Some(lines)) = (task, holds(pair.graph, earlier)) {
        let reason = LinkReason::FailedTaskHolds { task };
        let mut found = pair.link(reason, RuleId::R84, Grade::Inferred)?;
        found.lines.extend(lines);
        return Some(found);
    }
    match pair.same_task() {
        true => pair.link(LinkReason::SameTaskFailed, RuleId::R84, Grade::Inferred),
        // Nothing is shared but the kernel: it comes first, and no more is shown.
        false => pair.order(LinkReason::Damaged, RuleId::R84),
    }
}

/// Whether the earlier event is a bad read that damaged nothing, and the later one a hang of other tasks
/// so long after it that nothing ties them.
fn only_a_read_long_ago(pair: &Pair<'_>) -> bool {
    let Detail::Bad(bad) = &pair.earlier.detail else { return false };
    bad.access.as_ref().is_some_and(|(_, kind, _)| kind == "read")
        && !pair.same_task()
        && pair.later.kind.is_hang()
        && !pair.close(AFTER_BAD_READ)
}

/// Lines that show the task of a fault as holder of what others wait for.
fn holds(graph: Option<&Graph>, fault: &Event) -> Option<Vec<LineSpan>> {
    let graph = graph?;
    let pid = fault.task.as_ref()?.pid.filter(|pid| *pid > 0)?;
    let node = graph.task(pid)?;
    let edge = graph
        .edges
        .iter()
        .find(|edge| edge.to == node && matches!(edge.rule, RuleId::R32 | RuleId::R33))?;
    Some(edge.lines.clone())
}

/// R61: a task switch where none may be.
pub(super) fn switched(pair: &Pair<'_>) -> Option<Link> {
    let kind = pair.later.kind;
    (pair.earlier.kind == EventKind::ScheduleInAtomic
        && (kind.is_trap() || kind.is_corruption())
        && pair.close(5_000_000))
    .then(|| pair.link(LinkReason::SwitchInAtomic, RuleId::R61, Grade::Inferred))?
}
