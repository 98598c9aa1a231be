//! Statements on failed allocations and on memory that ran out.

use model::{Claim, Grade};

use super::{claim, line};
use crate::event::{Event, EventKind, MemoryReport};
use crate::text::grouped;
use crate::verdict;

pub(super) fn of_memory(claims: &mut Vec<Claim>, event: &Event, memory: &MemoryReport) {
    if event.kind == EventKind::OutOfMemory {
        if let Some((number, constraint)) = &memory.constraint {
            let scope = match constraint.as_str() {
                "CONSTRAINT_NONE" => "the whole machine ran out of memory",
                "CONSTRAINT_MEMCG" => "a memory cgroup reached its limit",
                "CONSTRAINT_CPUSET" => "the nodes of a cpuset ran out of memory",
                "CONSTRAINT_MEMORY_POLICY" => "the nodes of a memory policy ran out of memory",
                _ => "its scope is not known here",
            };
            claims.push(claim(
                format!("{constraint}: {scope}."),
                Grade::Seen,
                &["R71"],
                vec![line(*number)],
            ));
        }
        if let Some((number, usage, limit)) = memory.cgroup_limit {
            claims.push(claim(
                format!(
                    "The memory cgroup used {} kB of its {} kB.",
                    grouped(usage),
                    grouped(limit)
                ),
                Grade::Seen,
                &["R71"],
                vec![line(number)],
            ));
        }
        if let Some(most) = verdict::largest_use(memory) {
            claims.push(claim(
                format!(
                    "Of the {} pages that the report shares out, {} are {} ({} %): {}.",
                    grouped(most.all),
                    grouped(most.pages),
                    most.name,
                    most.percent(),
                    most.what
                ),
                Grade::Derived,
                &["R71"],
                most.lines.clone(),
            ));
        }
        for (number, task) in memory.killed.iter().take(3) {
            claims.push(claim(format!("{task} was killed; the victim is chosen by size and is not thereby the culprit."), Grade::Seen, &["R71"], vec![line(*number)]));
        }
        return;
    }
    let Some(order) = memory.order else { return };
    let mut lines = vec![line(event.lines.first)];
    match verdict::shortage(memory) {
        Some(false) => {
            let mut zones: Vec<_> = memory.zones.iter().collect();
            zones.sort_by_key(|zone| std::cmp::Reverse(zone.free));
            let mut parts = Vec::new();
            if let Some(zone) = zones.first() {
                parts.push(format!(
                    "{} free {} kB against min {} / high {}",
                    zone.name,
                    grouped(zone.free),
                    grouped(zone.min),
                    grouped(zone.high)
                ));
            }
            let above: Vec<String> = zones
                .iter()
                .skip(1)
                .filter(|zone| zone.free > zone.high)
                .map(|zone| short(&zone.name))
                .collect();
            if !above.is_empty() {
                let kept = zones.iter().skip(1).find_map(|zone| {
                    zone.reserve
                        .filter(|(_, pages)| pages * 4 > zone.free)
                        .map(|(number, _)| (short(&zone.name), number))
                });
                let kept_back = kept.as_ref().map(|(name, number)| {
                    lines.push(line(*number));
                    format!(" ({name} kept back by lowmem_reserve)")
                });
                parts.push(format!(
                    "{} also above{}",
                    above.join(" and "),
                    kept_back.unwrap_or_default()
                ));
            }
            lines.extend(memory.zones.iter().map(|zone| line(zone.line)));
            if let (Some((a, free)), Some((b, total))) = (memory.free_pages, memory.total_pages) {
                parts.push(format!(
                    "{:.1}M of {:.1}M pages free",
                    free as f64 / 1e6,
                    total as f64 / 1e6
                ));
                lines.push(line(a));
                lines.push(line(b));
            }
            parts.push(format!("order {order}"));
            if reclaim_allowed(&memory.mode) {
                parts.push("reclaim allowed".into());
            }
            claims.push(claim(
                format!(
                    "{} is not a memory shortage: {}; no oom-killer line belongs to it.",
                    event.id,
                    parts.join("; ")
                ),
                Grade::Derived,
                &["R70"],
                lines,
            ));
            let nodes = match (&memory.nodemask, &memory.mems_allowed) {
                (Some(mask), Some(mems)) => {
                    format!("Allowed: nodemask={mask}, mems_allowed={mems}. ")
                }
                _ => String::new(),
            };
            let echo = memory.echo.map(line);
            let mut lines = vec![line(event.lines.first)];
            lines.extend(echo);
            let dying = if echo.is_some() {
                "; a dying task is unlikely, the echo is not printed with a fatal signal pending"
            } else {
                ", or a dying task"
            };
            claims.push(claim(format!("{nodes}Usual remaining reasons: no usable zone for the chosen node and mask, or PF_MEMALLOC{dying}."), Grade::Guess, &["R70"], lines));
        }
        Some(true) => {
            let block = memory.largest_free.iter().filter_map(|(_, _, largest)| *largest).max();
            lines.extend(memory.zones.iter().map(|zone| line(zone.line)));
            lines.extend(memory.largest_free.iter().map(|(number, ..)| line(*number)));
            let largest = block
                .map(|largest| format!("; largest free block is of order {largest}"))
                .unwrap_or_default();
            claims.push(claim(
                format!("{}: a request of order {order}{largest}.", event.id),
                Grade::Derived,
                &["R70"],
                lines,
            ));
        }
        None => {}
    }
    if let Some(number) = memory.echo {
        claims.push(claim(
            format!("VM_FAULT_OOM leaked: the echo of {}, not a kill.", event.id),
            Grade::Inferred,
            &["R72"],
            vec![line(number)],
        ));
    }
}

fn short(zone: &str) -> String {
    zone.rsplit(' ').next().unwrap_or(zone).to_owned()
}

fn reclaim_allowed(mode: &str) -> bool {
    mode.contains("GFP_KERNEL")
        || mode.contains("GFP_USER")
        || mode.contains("GFP_HIGHUSER")
        || mode.contains("GFP_NOFS")
        || mode.contains("GFP_NOIO")
        || mode.contains("__GFP_DIRECT_RECLAIM")
}
