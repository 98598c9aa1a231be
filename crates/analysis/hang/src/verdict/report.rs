//! The verdict that an event alone gives.

use model::{Finding, Grade, LineSpan, Need, Remark, Verdict, VerdictKind};

use super::cpu::{locked_up, silent_cpu, spinlock};
use super::draft::{Add, of_event};
use super::hung::hung;
use super::memory::{allocation, out_of_memory};
use super::stall::stalled;
use crate::cause::unseen;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, WorkqueueReport};
use crate::graph::Graph;
use crate::{stack, wait};

pub(super) fn by_event(seen: &Observations, graph: &Graph, event: &Event) -> Verdict {
    let line = event.lines.first;
    match &event.detail {
        Detail::Stall(stall) => stalled(seen, graph, event, stall),
        Detail::Hung(scan) => hung(seen, graph, event, scan),
        Detail::Lockup { .. } => locked_up(seen, graph, event),
        Detail::Csd { from, to } => silent_cpu(seen, event, *from, *to),
        Detail::Spin { owner } => spinlock(seen, event, owner.as_ref()),
        Detail::Workqueue(report) if event.kind == EventKind::WorkqueueLockup => {
            pool(event, report)
        }
        Detail::Workqueue(report) if event.kind == EventKind::WorkqueueLeak => {
            let function = report.function.clone().unwrap_or_default();
            of_event(event, VerdictKind::Leak, Finding::WorkLeak { function }, Grade::Seen).at(line)
        }
        _ if event.kind == EventKind::OutOfMemory => out_of_memory(event, line),
        _ if event.kind == EventKind::AllocationFailure => allocation(event, line),
        _ => plain(seen, event),
    }
}

fn pool(event: &Event, report: &WorkqueueReport) -> Verdict {
    let in_flight = report.in_flight.iter().take(4);
    let finding = Finding::PoolStuck {
        cpus: report.cpus.clone(),
        in_flight: in_flight.map(|(_, pid, function)| (*pid, function.clone())).collect(),
    };
    of_event(event, VerdictKind::Unknown, finding, Grade::Unknown)
        .at(event.lines.first)
        .need(Need::PoolStacks)
}

/// What a report of each kind says of the kind of failure, how sure that is, and what is to be said besides.
fn judged(event: &Event) -> (VerdictKind, Grade, Remark, Option<Need>) {
    use EventKind as K;
    use VerdictKind as V;
    let severe = matches!(event.detail, Detail::Hardware { severe: true });
    match event.kind {
        K::Kasan if matches!(&event.detail, Detail::Bad(bad) if bad.what.starts_with("null-ptr")) => {
            (V::Fault, Grade::Seen, Remark::Plain, None)
        }
        K::SpinlockBug if matches!(event.detail, Detail::ZeroMagic { .. }) => {
            (V::Misuse, Grade::Guess, Remark::ZeroMagic, Some(Need::Initialisation))
        }
        kind if kind.is_corruption() && is_read(event) => {
            (V::MemoryCorruption, Grade::Seen, Remark::Plain, None)
        }
        kind if kind.is_corruption() => (V::MemoryCorruption, Grade::Seen, Remark::Damage, None),
        K::MemoryLeak => (V::Leak, Grade::Seen, Remark::LeakedMemory, None),
        K::NetdevReference => {
            let need = Some(Need::ReferenceTracker);
            (V::Leak, Grade::Inferred, Remark::DeviceReference, need)
        }
        K::LockdepCircular => (V::Misuse, Grade::Seen, Remark::PossibleCycle, None),
        K::LockdepRecursive => (V::Misuse, Grade::Seen, Remark::ClassesCompared, None),
        kind if kind.is_misuse() => (V::Misuse, Grade::Seen, Remark::Plain, None),
        K::Hardware if severe => (V::Hardware, Grade::Seen, Remark::HardwareError, None),
        K::Hardware => (V::Hardware, Grade::Seen, Remark::HardwareErrorPerhapsCorrected, None),
        K::Irq => {
            let need = Some(Need::DriverMessages);
            (V::Device, Grade::Inferred, Remark::UnhandledInterrupt, need)
        }
        K::Device => (V::Device, Grade::Seen, Remark::DeviceTrouble, None),
        K::FileSystem => file_system(&event.headline),
        K::UserSegfault => (V::UserSpace, Grade::Seen, Remark::UserProgram, None),
        K::SlowInterrupt | K::WorkqueueHog => {
            (V::Unknown, Grade::Unknown, Remark::Hint, Some(Need::HangReport))
        }
        K::Panic => (V::Fault, Grade::Seen, Remark::Panic, None),
        _ => (V::Fault, Grade::Seen, Remark::Plain, None),
    }
}

/// Whether the report is of a read, which damages nothing by itself.
fn is_read(event: &Event) -> bool {
    let Detail::Bad(bad) = &event.detail else { return false };
    bad.access.as_ref().is_some_and(|(_, access, _)| access == "read")
        || bad.what.ends_with(" read")
        || event.kind == EventKind::Kmsan
}

/// What a file system complains of: ext4_decode_error() and the words of others.
fn file_system(line: &str) -> (VerdictKind, Grade, Remark, Option<Need>) {
    use VerdictKind as V;
    let says = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let earlier = Some(Need::OrderOfReports);
    if says(&["Out of memory", "errno=-12", "error -12", "error 12"]) {
        (V::Unknown, Grade::Unknown, Remark::FileSystemNoMemory, earlier)
    } else if says(&["IO failure", "errno=-5", "error -5", "error 5", "I/O error"]) {
        (V::Device, Grade::Inferred, Remark::FileSystemIo, Some(Need::DriverMessages))
    } else if says(&["Journal has aborted", "Readonly filesystem", "errno=-30", "read-only"]) {
        (V::Unknown, Grade::Unknown, Remark::FileSystemStops, earlier)
    } else {
        (V::Unknown, Grade::Unknown, Remark::FileSystem, Some(Need::FileSystemCheck))
    }
}

/// A report that speaks for itself.
fn plain(seen: &Observations, event: &Event) -> Verdict {
    let (kind, grade, mut remark, need) = judged(event);
    if remark == Remark::Damage && unseen(seen, event.boot).is_some_and(|before| before.fatal) {
        remark = Remark::LaterDamage;
    }
    let finding = Finding::Report { event: event.id, place: place_of(seen, event), remark };
    let mut verdict = of_event(event, kind, finding, grade).at(event.lines.first);
    verdict.needs.extend(need);
    if let Detail::ZeroMagic { line } = &event.detail {
        verdict.lines.push(LineSpan::line(*line));
    }
    verdict
}

/// The innermost function outside of what checks, reports, locks and schedules.
fn place_of(seen: &Observations, event: &Event) -> Option<String> {
    seen.subjects(event).filter(|(_, snapshot)| !stack::jumped(snapshot)).find_map(
        |(_, snapshot)| {
            let frames = stack::own_frames(snapshot);
            let frame = frames.iter().find(|f| {
                !stack::is_detector(&f.function)
                    && !stack::is_scheduling(&f.function)
                    && !wait::is_primitive(&f.function)
            })?;
            Some(frame.function.clone())
        },
    )
}
