//! Allocations that fail, and the OOM killer.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, MemoryReport, Task};
use crate::text::{after, between, bounded, number_after};

/// Lines kept of a Mem-Info block; a machine with many nodes and wrapped lines has some hundred.
const BLOCK_LIMIT: usize = 600;

/// A failed allocation, a run of the OOM killer, a kill.
pub(super) fn memory(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if kind == EventKind::OutOfMemory && text.contains("out of memory: Kill")
        || text.contains("Out of memory: Kill")
    {
        let task = number_after(text, "rocess ").map(|pid| Task {
            name: between(text, "(", ")").map(|name| bounded(name, 64)).unwrap_or_default(),
            pid: Some(pid),
        });
        let open = c
            .out
            .events
            .iter()
            .rposition(|event| event.kind == kind && number <= event.lines.last + 3_000);
        let index = match open {
            Some(index) => index,
            None => {
                let Some(index) = c.begin(context, kind, text, number, at) else {
                    return true;
                };
                c.out.events[index].detail = Detail::Memory(Box::default());
                index
            }
        };
        let event = &mut c.out.events[index];
        if let (Detail::Memory(memory), Some(task)) = (&mut event.detail, task)
            && memory.killed.len() < 64
        {
            memory.killed.push((number, task));
        }
        return true;
    }
    let name = text
        .split(if kind == EventKind::OutOfMemory {
            " invoked oom-killer"
        } else {
            ": page allocation failure"
        })
        .next();
    let report = MemoryReport {
        order: number_after(text, "order:").or_else(|| number_after(text, "order=")),
        mode: after(text, "mode:")
            .or_else(|| after(text, "gfp_mask="))
            .map(|mode| {
                let end = mode
                    .find(')')
                    .map_or_else(|| mode.find(',').unwrap_or(mode.len()), |at| at + 1);
                bounded(&mode[..end], 160)
            })
            .unwrap_or_default(),
        nodemask: crate::text::word_after(text, "nodemask=").map(|mask| {
            bounded(mask.split(",cpuset=").next().unwrap_or(mask).trim_end_matches(','), 40)
        }),
        mems_allowed: crate::text::word_after(text, "mems_allowed=").map(|mems| bounded(mems, 40)),
        ..MemoryReport::default()
    };
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].detail = Detail::Memory(Box::new(report));
        c.out.events[event].task =
            name.map(|name| Task { name: bounded(name.trim(), 64), pid: None });
    }
    true
}

/// The echo of a failed allocation in a page fault.
pub(super) fn leaked_out(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if !echo(c, number) && c.folds(kind, "", number).is_none() {
        c.begin(context, kind, text, number, at);
    }
    true
}

/// Ties `VM_FAULT_OOM leaked out` to the allocation failure printed before it.
fn echo(c: &mut Collector, number: u64) -> bool {
    let boot = c.out.clock.boots();
    let near = c
        .out
        .events
        .iter_mut()
        .rfind(|event| event.kind == EventKind::AllocationFailure && event.boot == boot);
    let Some(event) = near.filter(|event| number <= event.lines.last + 200) else {
        return false;
    };
    if let Detail::Memory(memory) = &mut event.detail {
        memory.echo.get_or_insert(number);
    }
    event.lines.last = event.lines.last.max(number);
    true
}

/// Lines of a report.
pub(super) fn detail(c: &mut Collector, _: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Memory(report) = &mut event.detail else { return false };
    if report.takes(text) {
        if report.block.len() < BLOCK_LIMIT {
            report.block.push((number, bounded(text, 1024)));
        }
        return true;
    }
    if let Some(constraint) = between(text, "oom-kill:constraint=", ",") {
        report.constraint = Some((number, bounded(constraint, 40)));
        return true;
    }
    if text.starts_with("memory: usage ") {
        report.cgroup_limit = number_after(text, "usage ")
            .zip(number_after(text, "limit "))
            .map(|(usage, limit)| (number, usage, limit));
        return true;
    }
    text.ends_with("pages reserved")
        || text.ends_with("pages RAM")
        || text.contains("pages HighMem")
        || text.ends_with("pages hwpoisoned")
        || text.contains("pages in swap")
}
