//! Memory that ran out, and allocations that failed.

use model::{Grade, LineSpan};

use super::{Verdict, VerdictKind};
use crate::event::{Detail, Event, MemoryReport, USES};

/// The counter that most of the machine's pages are under.
#[derive(Clone, Debug)]
pub struct LargestUse {
    /// The counter, as printed.
    pub name: &'static str,
    /// What it stands for.
    pub what: &'static str,
    /// Its pages.
    pub pages: u64,
    /// The pages under all counters.
    pub all: u64,
    /// The lines of the counters.
    pub lines: Vec<LineSpan>,
}

impl LargestUse {
    /// Its share, in percent.
    pub const fn percent(&self) -> u64 {
        self.pages.saturating_mul(100) / if self.all == 0 { 1 } else { self.all }
    }
}

/// What most of the machine's memory is used for, where the report shares it out; free memory is no use.
pub fn largest_use(memory: &MemoryReport) -> Option<LargestUse> {
    // Half a block would make the rest look larger than it is.
    if !["active_anon", "active_file", "slab_unreclaimable", "free"]
        .iter()
        .all(|name| memory.uses.iter().any(|(_, known, _)| known == name))
    {
        return None;
    }
    let all = memory.uses.iter().fold(0u64, |all, (_, _, pages)| all.saturating_add(*pages));
    let (_, name, pages) =
        memory.uses.iter().filter(|(_, name, _)| *name != "free").max_by_key(|use_| use_.2)?;
    let what = USES.iter().find(|(known, _)| known == name).map(|(_, what)| *what)?;
    let mut lines: Vec<LineSpan> =
        memory.uses.iter().map(|(line, ..)| LineSpan::line(*line)).collect();
    lines.sort_unstable();
    lines.dedup();
    Some(LargestUse { name, what, pages: *pages, all, lines })
}

pub(super) fn out_of_memory(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(memory) = &event.detail else {
        return Verdict::new(VerdictKind::MemoryShortage, "Memory ran out.", Grade::Seen);
    };
    let cgroup = memory.constraint.as_ref().is_some_and(|(_, c)| c.contains("MEMCG"))
        || memory.cgroup_limit.is_some()
        || event.headline.contains("Memory cgroup");
    let limit = memory
        .cgroup_limit
        .map(|(_, usage, limit)| format!(" (usage {usage} kB, limit {limit} kB)"))
        .unwrap_or_default();
    let whose = event
        .task
        .as_ref()
        .map(|task| format!(" when {task} asked for memory"))
        .unwrap_or_default();
    let killed: Vec<String> =
        memory.killed.iter().take(4).map(|(_, task)| task.to_string()).collect();
    let killed = if killed.is_empty() {
        String::new()
    } else {
        format!(
            " Killed: {}; the victim is chosen by size and is not thereby the culprit.",
            killed.join(", ")
        )
    };
    let scope = if cgroup {
        format!("A memory cgroup reached its limit{limit}")
    } else {
        "Memory ran out".to_owned()
    };
    // In a cgroup the machine's counters say nothing of the limit.
    let kernel = largest_use(memory)
        .filter(|most| !cgroup && most.name == "slab_unreclaimable" && most.percent() >= 50)
        .map(|most| {
            format!(
                " {} % of the memory is the kernel's own ({}): programs did not use it up.",
                most.percent(),
                most.name
            )
        })
        .unwrap_or_default();
    Verdict::new(
        VerdictKind::MemoryShortage,
        format!("{scope}{whose}.{kernel}{killed}"),
        if kernel.is_empty() { Grade::Seen } else { Grade::Derived },
    )
        .at(line, format!("{scope}{whose}."))
        .missing("who uses the memory over time (the task table, /proc/meminfo, slabinfo) before the first kill")
}

/// What the watermarks say of a failed allocation.
pub fn shortage(memory: &MemoryReport) -> Option<bool> {
    let order = memory.order?;
    if memory.zones.is_empty() {
        return None;
    }
    let roomy = memory.zones.iter().any(|zone| zone.free > zone.high.saturating_mul(10));
    let block = memory.largest_free.iter().filter_map(|(_, _, largest)| *largest).max();
    if roomy && order <= 3 && block.is_none_or(|largest| largest >= order) {
        return Some(false);
    }
    let low = memory.zones.iter().all(|zone| zone.free < zone.high);
    (low || block.is_some_and(|largest| largest < order)).then_some(true)
}

pub(super) fn allocation(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(memory) = &event.detail else {
        return Verdict::new(VerdictKind::Unknown, "An allocation failed.", Grade::Unknown);
    };
    let whose = event.task.as_ref().map(|task| format!(" of {task}")).unwrap_or_default();
    let order = memory.order.unwrap_or(0);
    let what = format!(
        "A request{whose} for 2^{order} contiguous page{} failed",
        if order == 0 { "" } else { "s" }
    );
    match shortage(memory) {
        Some(true) => Verdict::new(VerdictKind::MemoryShortage, format!("{what}: no zone shows a free block of that size above its watermark."), Grade::Derived).at(line, what + "."),
        Some(false) => Verdict::new(VerdictKind::Unknown, format!("{what} although zones are far above their watermarks; the reason is not in the log."), Grade::Derived)
            .at(line, what + ".")
            .missing("which zones the request may use (nodemask, mempolicy, cpuset), and whether the task had PF_MEMALLOC or was dying"),
        None if order > 3 => Verdict::new(VerdictKind::MemoryShortage, format!("{what}; requests above order 3 fail when memory is scattered, even if much is free."), Grade::Inferred).at(line, what + "."),
        None => Verdict::new(VerdictKind::Unknown, format!("{what}. The report does not show the zones in full."), Grade::Unknown)
            .at(line, what + ".")
            .missing("the Mem-Info block with the zones' watermarks and free lists"),
    }
}
