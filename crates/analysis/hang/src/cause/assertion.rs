//! Ties of assertions and broken rules to what comes later.

use model::{Grade, Link, LinkReason, RuleId};

use super::hung::shared_lock;
use super::pair::{Pair, shared_function};
use crate::event::{Event, EventKind};

/// Whether the event says that something is not as it should be, and the kernel goes on.
fn is_assertion(event: &Event) -> bool {
    matches!(event.kind, EventKind::Warning | EventKind::Ubsan) || event.kind.is_misuse()
}

/// Something worse after it.
pub(super) fn then_worse(pair: &Pair<'_>) -> Option<Link> {
    let kind = pair.later.kind;
    if !is_assertion(pair.earlier) || !(kind.is_hang() || kind.is_trap() || kind.is_corruption()) {
        return None;
    }
    if pair.same_task() {
        return pair.link(LinkReason::SameTask, RuleId::R85, Grade::Inferred);
    }
    if let Some(lock) = shared_lock(pair) {
        return pair.link(LinkReason::SameLock { lock }, RuleId::R33, Grade::Inferred);
    }
    if let Some(function) = shared_function(pair.seen, pair.earlier, pair.later) {
        return pair.order(LinkReason::SameFunction { function }, RuleId::R85);
    }
    (pair.same_cpu() && pair.close(5_000_000))
        .then(|| pair.order(LinkReason::SameCpu, RuleId::R85))?
}

/// The same kind of broken rule at the same moment.
pub(super) fn at_once(pair: &Pair<'_>) -> Option<Link> {
    let Pair { earlier, later, .. } = *pair;
    (earlier.kind == later.kind
        && later.kind.is_misuse()
        && pair.close(1_000_000)
        && earlier.at.is_some()
        && later.at.is_some())
    .then(|| pair.order(LinkReason::SameMoment, RuleId::R85))?
}

/// Another one of the same task or function.
pub(super) fn again(pair: &Pair<'_>) -> Option<Link> {
    if !is_assertion(pair.earlier) || !is_assertion(pair.later) {
        return None;
    }
    if pair.same_task() {
        return pair.link(LinkReason::SameTask, RuleId::R85, Grade::Inferred);
    }
    let function = shared_function(pair.seen, pair.earlier, pair.later)?;
    pair.order(LinkReason::SameFunction { function }, RuleId::R85)
}
