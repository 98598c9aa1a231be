//! Memory that ran out, and allocations that failed.

use model::{AllocationCause as C, Finding as F, Task};

/// Why a request was not served.
const fn reason(cause: C) -> &'static str {
    match cause {
        C::Watermark => "no zone that it may use had enough free memory above its watermark",
        C::Fragmentation => {
            "enough memory was free, but in blocks that are too small (fragmentation)"
        }
        C::CmaOnly => {
            "enough memory was free, but the blocks that are large enough belong to CMA, which it may not use"
        }
        C::HighAtomicOnly => {
            "enough memory was free, but the blocks that are large enough are kept for atomic requests"
        }
        C::CgroupLimit => "its memory cgroup is at its limit",
        C::NotShown => {
            "the report shows a zone that could have served it, so the reason is not in the log"
        }
    }
}

/// `request of T for 2^N contiguous pages`.
fn request(task: Option<&Task>, order: Option<u32>) -> String {
    let whose = task.map(|task| format!(" of {task}")).unwrap_or_default();
    match order {
        Some(0) => format!("request{whose} for one page"),
        Some(order) => format!("request{whose} for 2^{order} contiguous pages"),
        None => format!("request{whose}"),
    }
}

/// What bounded the memory, or for what the OOM killer ran, without a full stop.
pub(super) fn scope(found: &F) -> Option<String> {
    Some(match found {
        F::OutOfMemory { task, order, cause, cgroup, .. } => {
            let asked = request(task.as_ref(), *order);
            match cause {
                Some(C::CgroupLimit) => {
                    let limit = cgroup
                        .map(|(usage, limit)| format!(" (usage {usage} kB, limit {limit} kB)"))
                        .unwrap_or_default();
                    let when = task
                        .as_ref()
                        .map(|task| format!(" when {task} asked for memory"))
                        .unwrap_or_default();
                    format!("A memory cgroup reached its limit{limit}{when}")
                }
                Some(C::Watermark) => format!("Memory ran out at the {asked}"),
                Some(C::NotShown) => {
                    format!("The OOM killer ran for the {asked}; {}", reason(C::NotShown))
                }
                Some(cause) => {
                    format!("Memory did not run out: for the {asked} {}", reason(*cause))
                }
                None => format!("The OOM killer ran for the {asked}"),
            }
        }
        F::AllocationFailed { task, order, .. } => {
            format!("A {} failed", request(task.as_ref(), *order))
        }
        _ => return None,
    })
}

pub(super) fn sentence(found: &F) -> Option<String> {
    let scope = scope(found)?;
    Some(match found {
        F::OutOfMemory { kernel_share, killed, .. } => {
            let kernel = kernel_share
                .map(|percent| format!(" {percent} % of the memory is the kernel's own (slab_unreclaimable): programs did not use it up."))
                .unwrap_or_default();
            let killed: Vec<String> = killed.iter().map(Task::to_string).collect();
            let killed = match killed.is_empty() {
                true => String::new(),
                false => format!(
                    " Killed: {}; the victim is chosen by size and is not thereby the culprit.",
                    killed.join(", ")
                ),
            };
            format!("{scope}.{kernel}{killed}")
        }
        F::AllocationFailed { cause: Some(cause), .. } => format!("{scope}: {}.", reason(*cause)),
        _ => format!("{scope}. The report does not show the zones in full."),
    })
}
