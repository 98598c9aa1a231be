//! Sentences on failed allocations and on memory that ran out.

use model::{AllocationCause, OomConstraint, Predicate as P};

use super::words::{constraint, grouped, memory};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::Allocation { order, gfp, task } => {
            let task = task.as_ref().map_or_else(|| "A task".to_owned(), ToString::to_string);
            format!("{task} asked for 2^{order} pages with {gfp}.")
        }
        P::OomLimit { constraint: limit } => match limit {
            OomConstraint::None => {
                "The OOM kill was not bounded to a cgroup, cpuset or memory policy.".to_owned()
            }
            limit => format!("The OOM kill was bounded to {}.", constraint(*limit)),
        },
        P::CgroupMemory { usage, limit } => {
            format!("The memory cgroup uses {} kB of its {} kB.", grouped(*usage), grouped(*limit))
        }
        P::ZoneMemory { zone, free, min, unusable } => {
            let unusable =
                unusable.map(|kb| format!(", {} kB of it not for this request", grouped(kb)));
            format!(
                "{zone}: {} kB free{}, min {} kB.",
                grouped(*free),
                unusable.unwrap_or_default(),
                grouped(*min)
            )
        }
        P::FreeBlocks { zone, order, count, kinds } => {
            format!(
                "{zone} has {} free blocks of order {order} or higher, of types {kinds}.",
                grouped(*count)
            )
        }
        P::AllocationType { migrate_type, gfp } => {
            format!("The request takes {migrate_type} pages first ({gfp}).")
        }
        P::ZoneCheck { zone, usable, required, passes } => format!(
            "{zone}: {} kB may be used, {} kB must stay free: the watermark check {}.",
            grouped(*usable),
            grouped(*required),
            if *passes { "passes" } else { "fails" }
        ),
        P::BlockForRequest { zone, order, available } => format!(
            "{zone} has {} free block of order {order} or higher that the request may use.",
            if *available { "a" } else { "no" }
        ),
        P::AllocationFailedBy { cause, order } => format!(
            "The allocation of order {order} failed: {}.",
            match cause {
                AllocationCause::Watermark =>
                    "no zone that it may use has enough free memory above its watermark",
                AllocationCause::Fragmentation =>
                    "enough is free, but in blocks that are too small",
                AllocationCause::CmaOnly => "the free blocks that are large enough belong to CMA",
                AllocationCause::HighAtomicOnly =>
                    "the free blocks that are large enough are kept for atomic requests",
                AllocationCause::CgroupLimit => "a memory cgroup is at its limit",
                AllocationCause::NotShown =>
                    "the report shows a zone that could have served it, so the reason is not shown",
            }
        ),
        P::MemoryUse { kind, pages } => format!("{} pages are {}.", grouped(*pages), memory(*kind)),
        P::Killed { task } => format!("The OOM killer killed {task}."),
        _ => return None,
    })
}
