//! Memory that ran out, and allocations that failed.

use model::{AllocationCause, Finding, Grade, MemoryUse, Need, Verdict, VerdictKind};

use super::draft::{Add, of_event};
use crate::event::{Detail, Event, MemoryReport};
use crate::memory::{failed_by, shared_out};

/// Victims that are named.
const NAMED: usize = 4;

/// The percentage of the machine's memory that objects of the kernel itself hold, where the report shares it out and it
/// is most of it.
fn kernel_share(report: &MemoryReport) -> Option<u64> {
    let uses = report.info().uses();
    let all = shared_out(&uses).max(1);
    let kernel = uses.iter().find(|one| one.kind == MemoryUse::SlabUnreclaimable)?;
    let percent = kernel.pages.saturating_mul(100) / all;
    (percent >= 50).then_some(percent)
}

pub(super) fn out_of_memory(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(report) = &event.detail else {
        let finding = Finding::OutOfMemory {
            task: None,
            order: None,
            cause: None,
            cgroup: None,
            kernel_share: None,
            killed: Vec::new(),
        };
        return of_event(event, VerdictKind::Unknown, finding, Grade::Unknown).need(Need::MemInfo);
    };
    let cause = failed_by(event, report);
    // In a cgroup the machine's counters say nothing of the limit.
    let limited = cause == Some(AllocationCause::CgroupLimit);
    let kernel_share = kernel_share(report).filter(|_| !limited);
    let kind = match cause {
        Some(AllocationCause::NotShown) => VerdictKind::Unknown,
        _ => VerdictKind::MemoryShortage,
    };
    let grade = match cause {
        Some(AllocationCause::CgroupLimit) => Grade::Seen,
        None if kernel_share.is_none() => Grade::Seen,
        None => Grade::Derived,
        Some(_) => Grade::Inferred,
    };
    let finding = Finding::OutOfMemory {
        task: event.task.clone(),
        order: report.order,
        cause,
        cgroup: report.cgroup_limit.filter(|_| limited).map(|(_, usage, limit)| (usage, limit)),
        kernel_share,
        killed: report.killed.iter().take(NAMED).map(|(_, task)| task.clone()).collect(),
    };
    let need = match cause {
        Some(AllocationCause::Watermark | AllocationCause::CgroupLimit) => Need::MemoryUsers,
        Some(
            AllocationCause::Fragmentation
            | AllocationCause::CmaOnly
            | AllocationCause::HighAtomicOnly,
        ) => Need::PageTypes,
        _ => Need::MemInfo,
    };
    of_event(event, kind, finding, grade).at(line).need(need)
}

pub(super) fn allocation(event: &Event, line: u64) -> Verdict {
    let (order, cause) = match &event.detail {
        Detail::Memory(report) => (report.order, failed_by(event, report)),
        _ => (None, None),
    };
    let finding = Finding::AllocationFailed { task: event.task.clone(), order, cause };
    match cause {
        Some(AllocationCause::NotShown) => {
            of_event(event, VerdictKind::Unknown, finding, Grade::Inferred)
                .at(line)
                .need(Need::AllowedZones)
        }
        Some(_) => of_event(event, VerdictKind::MemoryShortage, finding, Grade::Inferred).at(line),
        None => of_event(event, VerdictKind::Unknown, finding, Grade::Unknown)
            .at(line)
            .need(Need::MemInfo),
    }
}
