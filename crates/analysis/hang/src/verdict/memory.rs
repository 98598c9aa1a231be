//! Memory that ran out, and allocations that failed.

use model::{AllocationCause, Grade, MemoryUse};

use super::{Verdict, VerdictKind};
use crate::event::{Detail, Event, MemoryReport};
use crate::memory::{failed_by, shared_out};

/// The percentage of the machine's memory that objects of the kernel itself hold, where the report shares it out and it
/// is most of it.
fn kernel_share(report: &MemoryReport) -> Option<u64> {
    let uses = report.info().uses();
    let all = shared_out(&uses).max(1);
    let kernel = uses.iter().find(|one| one.kind == MemoryUse::SlabUnreclaimable)?;
    let percent = kernel.pages.saturating_mul(100) / all;
    (percent >= 50).then_some(percent)
}

/// Why a request was not served, in words.
const fn reason(cause: AllocationCause) -> &'static str {
    match cause {
        AllocationCause::Watermark => {
            "no zone that it may use had enough free memory above its watermark"
        }
        AllocationCause::Fragmentation => {
            "enough memory was free, but in blocks that are too small (fragmentation)"
        }
        AllocationCause::CmaOnly => {
            "enough memory was free, but the blocks that are large enough belong to CMA, which it may not use"
        }
        AllocationCause::HighAtomicOnly => {
            "enough memory was free, but the blocks that are large enough are kept for atomic requests"
        }
        AllocationCause::CgroupLimit => "its memory cgroup is at its limit",
        AllocationCause::NotShown => {
            "the report shows a zone that could have served it, so the reason is not in the log"
        }
    }
}

/// `the request of T for 2^N contiguous pages`.
fn request(event: &Event, report: &MemoryReport) -> String {
    let whose = event.task.as_ref().map(|task| format!(" of {task}")).unwrap_or_default();
    match report.order {
        Some(0) => format!("request{whose} for one page"),
        Some(order) => format!("request{whose} for 2^{order} contiguous pages"),
        None => format!("request{whose}"),
    }
}

pub(super) fn out_of_memory(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(report) = &event.detail else {
        return Verdict::new(VerdictKind::MemoryShortage, "The OOM killer ran.", Grade::Seen);
    };
    let killed: Vec<String> =
        report.killed.iter().take(4).map(|(_, task)| task.to_string()).collect();
    let killed = if killed.is_empty() {
        String::new()
    } else {
        format!(
            " Killed: {}; the victim is chosen by size and is not thereby the culprit.",
            killed.join(", ")
        )
    };
    let asked = request(event, report);
    let cause = failed_by(event, report);
    let (scope, kind) = match cause {
        Some(AllocationCause::CgroupLimit) => {
            let limit = report
                .cgroup_limit
                .map(|(_, usage, limit)| format!(" (usage {usage} kB, limit {limit} kB)"))
                .unwrap_or_default();
            let whose = event
                .task
                .as_ref()
                .map(|task| format!(" when {task} asked for memory"))
                .unwrap_or_default();
            (
                format!("A memory cgroup reached its limit{limit}{whose}"),
                VerdictKind::MemoryShortage,
            )
        }
        Some(AllocationCause::Watermark) => {
            (format!("Memory ran out at the {asked}"), VerdictKind::MemoryShortage)
        }
        Some(AllocationCause::NotShown) => (
            format!("The OOM killer ran for the {asked}; {}", reason(AllocationCause::NotShown)),
            VerdictKind::Unknown,
        ),
        Some(cause) => (
            format!("Memory did not run out: for the {asked} {}", reason(cause)),
            VerdictKind::MemoryShortage,
        ),
        None => (format!("The OOM killer ran for the {asked}"), VerdictKind::MemoryShortage),
    };
    // In a cgroup the machine's counters say nothing of the limit.
    let kernel = kernel_share(report)
        .filter(|_| cause != Some(AllocationCause::CgroupLimit))
        .map(|percent| {
            format!(
                " {percent} % of the memory is the kernel's own (slab_unreclaimable): programs did not use it up."
            )
        })
        .unwrap_or_default();
    let grade = match cause {
        Some(AllocationCause::CgroupLimit) => Grade::Seen,
        None if kernel.is_empty() => Grade::Seen,
        None => Grade::Derived,
        Some(_) => Grade::Inferred,
    };
    let verdict = Verdict::new(kind, format!("{scope}.{kernel}{killed}"), grade)
        .at(line, format!("{scope}."));
    match cause {
        Some(AllocationCause::Watermark | AllocationCause::CgroupLimit) => verdict
            .missing("who uses the memory over time (the task table, /proc/meminfo, slabinfo) before the first kill"),
        Some(AllocationCause::Fragmentation | AllocationCause::CmaOnly | AllocationCause::HighAtomicOnly) => {
            verdict.missing("/proc/pagetypeinfo and the compaction counters of /proc/vmstat before the kill")
        }
        _ => verdict.missing("the Mem-Info block in full, with the zones' watermarks and free lists"),
    }
}

pub(super) fn allocation(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(report) = &event.detail else {
        return Verdict::new(VerdictKind::Unknown, "An allocation failed.", Grade::Unknown);
    };
    let what = format!("A {} failed", request(event, report));
    match failed_by(event, report) {
        Some(AllocationCause::NotShown) => Verdict::new(
            VerdictKind::Unknown,
            format!("{what}: {}.", reason(AllocationCause::NotShown)),
            Grade::Inferred,
        )
        .at(line, what + ".")
        .missing("which zones the request may use (nodemask, mempolicy, cpuset), and whether the task had PF_MEMALLOC or was dying"),
        Some(cause) => Verdict::new(
            VerdictKind::MemoryShortage,
            format!("{what}: {}.", reason(cause)),
            Grade::Inferred,
        )
        .at(line, what + "."),
        None => Verdict::new(
            VerdictKind::Unknown,
            format!("{what}. The report does not show the zones in full."),
            Grade::Unknown,
        )
        .at(line, what + ".")
        .missing("the Mem-Info block with the zones' watermarks and free lists"),
    }
}
