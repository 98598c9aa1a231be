//! Memory: failed allocations, OOM kills, zones, free blocks, what the pages are used for.
//!
//! Lines of mm/page_alloc.c warn_alloc, mm/oom_kill.c, mm/show_mem.c, mm/memcontrol.c.

use model::{MemoryUse, OomConstraint, Predicate, Task};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, between, number, number_after, word};
use super::stack;

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut request: Option<(usize, u32, String, String)> = None;
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if message.gap {
            request = None;
        }
        if let Some((order, gfp, name)) = allocation(text) {
            facts.say(
                &[at],
                Predicate::Allocation {
                    order,
                    gfp: gfp.clone(),
                    task: Some(Task { name: name.clone(), pid: None }),
                },
            );
            request = Some((at, order, gfp, name));
        } else if let Some((head, order, gfp, name)) = &request
            && let Some(task) = stack::owner(at, text).and_then(|owner| owner.task)
        {
            if task.name == *name {
                facts.hint(
                    &[*head, at],
                    Predicate::Allocation { order: *order, gfp: gfp.clone(), task: Some(task) },
                );
            }
            request = None;
        }
        oom(at, text, facts);
        if let Some(limit) = cgroup(text) {
            facts.say(&[at], limit);
        }
        if let Some(found) = zone_memory(text) {
            facts.say(&[at], found);
        }
        blocks(at, text, facts);
        uses(at, text, facts);
    }
    sums(log, facts);
}

/// `NAME invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, …`,
/// `NAME: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_ZERO), …`.
fn allocation(text: &str) -> Option<(u32, String, String)> {
    let (name, rest, order, flags) =
        if let Some((name, rest)) = text.split_once(" invoked oom-killer: ") {
            (name, rest, "order=", "gfp_mask=")
        } else {
            let (name, rest) = text.split_once(": page allocation failure: ")?;
            (name, rest, "order:", "mode:")
        };
    let order = u32::try_from(number_after(rest, order)?).ok()?;
    let flags = after(rest, flags)?;
    let names = between(word(flags), "(", ")").filter(|names| !names.is_empty());
    let gfp = names.unwrap_or_else(|| word(flags).trim_end_matches(','));
    Some((order, gfp.to_owned(), name.to_owned()))
}

fn oom(at: usize, text: &str, facts: &mut Facts<'_>) {
    if let Some(rest) = after(text, "oom-kill:constraint=CONSTRAINT_") {
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
        let constraint = match &rest[..end] {
            "NONE" => OomConstraint::None,
            "MEMCG" => OomConstraint::Memcg,
            "CPUSET" => OomConstraint::Cpuset,
            "MEMORY_POLICY" => OomConstraint::MemoryPolicy,
            _ => return,
        };
        facts.say(&[at], Predicate::OomLimit { constraint });
    }
    let killed = ["Killed process ", "Kill process "].iter().find_map(|mark| after(text, mark));
    if let Some((pid, rest)) = killed.and_then(number)
        && let Some(name) =
            rest.trim_start().strip_prefix('(').and_then(|rest| rest.split(')').next())
        && !text.contains("Kill process ")
        && let Ok(pid) = u32::try_from(pid)
    {
        facts.say(&[at], Predicate::Killed { task: Task::new(name, pid) });
    }
}

/// `memory: usage 1024kB, limit 1024kB, failcnt 7`.
fn cgroup(text: &str) -> Option<Predicate> {
    let rest = text.strip_prefix("memory: usage ")?;
    Some(Predicate::CgroupMemory { usage: number(rest)?.0, limit: number_after(rest, "limit ")? })
}

/// `Node 0 Normal`; a kernel without NUMA prints the zone alone.
fn is_zone(name: &str) -> bool {
    let alone = match name.strip_prefix("Node ").map(|rest| rest.split_once(' ')) {
        Some(Some((node, zone))) if node.parse::<u32>().is_ok() => zone,
        Some(_) => return false,
        None => name,
    };
    ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"].contains(&alone)
}

/// `Node 0 Normal free:12kB boost:0kB min:…kB low:… free_cma:0kB`.
fn zone_memory(text: &str) -> Option<Predicate> {
    let (zone, rest) = text.split_once(" free:").filter(|(zone, _)| is_zone(zone))?;
    let (free, rest) = number(rest)?;
    let min = number_after(rest, " min:")?;
    let cma = number_after(rest, "free_cma:").unwrap_or(0);
    let reserved = number_after(rest, "free_highatomic:")
        .or_else(|| number_after(rest, "reserved_highatomic:"))
        .unwrap_or(0);
    let unusable = rest.contains("free_cma:").then_some(cma + reserved);
    Some(Predicate::ZoneMemory { zone: zone.to_owned(), free, min, unusable })
}

/// `Node 0 Normal: 12*4kB (UME) 5*8kB (U) … = 1234kB`: blocks of each order and of those above it.
fn blocks(at: usize, text: &str, facts: &mut Facts<'_>) {
    let Some((zone, list)) =
        text.split_once(": ").filter(|(zone, list)| is_zone(zone) && list.contains("*4kB"))
    else {
        return;
    };
    let mut rows: Vec<(u64, String)> = Vec::new();
    for item in list.split_ascii_whitespace() {
        if let Some((count, _)) = item.split_once('*') {
            let Ok(count) = count.parse() else { return };
            rows.push((count, String::new()));
        } else if let (Some(kinds), Some(last)) =
            (item.strip_prefix('(').and_then(|item| item.strip_suffix(')')), rows.last_mut())
        {
            last.1 = kinds.to_owned();
        } else {
            break;
        }
    }
    for order in 0..rows.len() {
        let above = &rows[order..];
        let mut kinds: Vec<char> = above.iter().flat_map(|(_, kinds)| kinds.chars()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        facts.say(
            &[at],
            Predicate::FreeBlocks {
                zone: zone.to_owned(),
                order: order as u32,
                count: above.iter().map(|(count, _)| count).sum(),
                kinds: kinds.into_iter().collect(),
            },
        );
    }
}

/// Names of the Mem-Info block and what they count.
const USES: [(&str, MemoryUse); 9] = [
    ("unevictable:", MemoryUse::Unevictable),
    ("slab_reclaimable:", MemoryUse::SlabReclaimable),
    ("slab_unreclaimable:", MemoryUse::SlabUnreclaimable),
    ("pagetables:", MemoryUse::PageTables),
    ("shmem:", MemoryUse::Shmem),
    ("free:", MemoryUse::Free),
    ("active_anon:", MemoryUse::Anonymous),
    ("active_file:", MemoryUse::File),
    ("inactive_anon:", MemoryUse::Anonymous),
];

/// `slab_reclaimable:12 slab_unreclaimable:34` in pages. Lines of a node or zone count otherwise and are left out.
fn uses(at: usize, text: &str, facts: &mut Facts<'_>) {
    if text.starts_with("Node ") {
        return;
    }
    for part in text.split_ascii_whitespace() {
        for (name, kind) in USES {
            if let Some(pages) = part.strip_prefix(name).and_then(|value| value.parse().ok()) {
                facts.hint(&[at], Predicate::MemoryUse { kind, pages });
            }
        }
    }
}

/// Active and inactive pages together, with isolated ones or without.
fn sums(log: &Log, facts: &mut Facts<'_>) {
    let kinds = [("_anon:", MemoryUse::Anonymous), ("_file:", MemoryUse::File)];
    for (at, message) in log.messages.iter().enumerate() {
        if !message.text.contains("active_anon:") || message.text.trim_start().starts_with("Node ")
        {
            continue;
        }
        let to = (at + 3).min(log.messages.len());
        let block = &log.messages[at..to];
        for (name, kind) in kinds {
            let values = |prefix: &str| {
                let mark = format!("{prefix}{name}");
                block.iter().enumerate().find_map(|(row, line)| {
                    line.text
                        .split_ascii_whitespace()
                        .find_map(|part| part.strip_prefix(&mark)?.parse::<u64>().ok())
                        .map(|value| (at + row, value))
                })
            };
            let (Some(active), Some(inactive)) = (values("active"), values("inactive")) else {
                continue;
            };
            let mut lines = vec![active.0, inactive.0];
            facts.say(&lines, Predicate::MemoryUse { kind, pages: active.1 + inactive.1 });
            if let Some(isolated) = values("isolated") {
                lines.push(isolated.0);
                facts.hint(
                    &lines,
                    Predicate::MemoryUse { kind, pages: active.1 + inactive.1 + isolated.1 },
                );
            }
        }
    }
}
