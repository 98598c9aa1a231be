//! Ties of allocations that failed and of memory that ran out.

use model::{Grade, Link, LinkReason, RuleId};

use super::pair::Pair;
use crate::event::EventKind as K;

pub(super) fn short(pair: &Pair<'_>) -> Option<Link> {
    match (pair.earlier.kind, pair.later.kind) {
        (K::AllocationFailure, K::FaultOomLeaked) => {
            pair.link(LinkReason::AllocationEcho, RuleId::R72, Grade::Inferred)
        }
        (K::OutOfMemory, K::OutOfMemory) => {
            pair.link(LinkReason::MemoryRanOut, RuleId::R71, Grade::Inferred)
        }
        (K::AllocationFailure, K::AllocationFailure) => {
            pair.link(LinkReason::SameFailure, RuleId::R70, Grade::Inferred)
        }
        (K::AllocationFailure, later)
            if pair.same_task()
                && (later.is_trap() || later.is_corruption())
                && pair.close(5_000_000) =>
        {
            pair.link(LinkReason::AllocationOfTask, RuleId::R70, Grade::Inferred)
        }
        (K::AllocationFailure, K::OutOfMemory) => {
            pair.link(LinkReason::AllocationBefore, RuleId::R70, Grade::Guess)
        }
        _ => None,
    }
}
