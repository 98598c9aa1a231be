//! Why an allocation was not served: arithmetic on the zones and free lists of its report.

use model::{AllocationCause, MigrateType, Predicate as P};

use super::fact::Family;
use super::log::Log;
use super::scan::{after, number};

/// Messages that show it.
type Shown = Option<Vec<usize>>;

/// The flags say which pages the request takes first.
pub(super) fn migrate_type(log: &Log, claimed: MigrateType, gfp: &str) -> Shown {
    let flags: Vec<&str> = gfp.split('|').collect();
    let movable = flags.iter().any(|flag| {
        flag.contains("MOVABLE") || *flag == "GFP_TRANSHUGE" || *flag == "GFP_TRANSHUGE_LIGHT"
    });
    let found = match (movable, flags.contains(&"__GFP_RECLAIMABLE")) {
        (true, _) => MigrateType::Movable,
        (false, true) => MigrateType::Reclaimable,
        (false, false) => MigrateType::Unmovable,
    };
    let request = log
        .facts(Family::Memory)
        .iter()
        .find(|fact| matches!(&fact.says, P::Allocation { gfp: printed, .. } if printed == gfp))?;
    (found == claimed).then(|| request.at.clone())
}

/// Pages of the reserves that a zone keeps from requests that could use another one, in kB.
fn reserves(log: &Log, zone_at: usize) -> Option<(usize, Vec<u64>)> {
    let line = log
        .messages
        .iter()
        .enumerate()
        .skip(zone_at + 1)
        .take(3)
        .find(|(_, message)| message.cited && message.text.contains("lowmem_reserve[]:"));
    let (at, message) = line?;
    let list = after(&message.text, "lowmem_reserve[]:").unwrap_or_default();
    let pages = list.split_ascii_whitespace().filter_map(|pages| pages.parse::<u64>().ok());
    Some((at, pages.map(|pages| pages * 4).chain([0]).collect()))
}

/// Usable memory is what is free, less CMA and the highatomic reserve or not; required is the minimum as flags lower
/// it (by half, by three quarters of what is left, or not at all) and one of the reserves.
pub(super) fn zone_check(
    log: &Log,
    claimed: &str,
    usable: u64,
    required: u64,
    passes: bool,
) -> Shown {
    log.facts(Family::Memory).iter().find_map(|fact| {
        let P::ZoneMemory { zone, free, min, .. } = &fact.says else { return None };
        if zone != claimed || passes != (usable > required) {
            return None;
        }
        let at = fact.at[0];
        let text = &log.messages[at].text;
        let value = |mark: &str| after(text, mark).and_then(number).map_or(0, |(value, _)| value);
        let (cma, atomic) =
            (value("free_cma:"), value("free_highatomic:").max(value("reserved_highatomic:")));
        let fits = [
            *free,
            free.saturating_sub(cma),
            free.saturating_sub(atomic),
            free.saturating_sub(cma + atomic),
        ]
        .contains(&usable);
        let (line, reserves) = reserves(log, at)?;
        // Watermarks are kept in pages: halves and quarters are rounded to those.
        let page = |kb: u64| kb / 4 * 4;
        let half = min / 2;
        let lowered = [
            *min,
            page(half),
            half,
            page(half - half / 4),
            page(min - min / 4),
            page(half / 2),
            min / 4,
            0,
            page(half - half / 2),
        ];
        let near = |value: u64| {
            lowered
                .iter()
                .any(|low| reserves.iter().any(|reserve| (low + reserve).abs_diff(value) <= 4))
        };
        (fits && near(required)).then(|| vec![at, line])
    })
}

/// A zone has a block of that order or higher that is neither CMA nor kept for atomic requests, or has none.
pub(super) fn block(log: &Log, claimed: &str, wanted: u32, available: bool) -> Shown {
    log.facts(Family::Memory).iter().find_map(|fact| {
        let P::FreeBlocks { zone, order, count, kinds } = &fact.says else { return None };
        if zone != claimed || *order != wanted {
            return None;
        }
        let special = kinds.chars().all(|kind| "CHI".contains(kind));
        let agrees = if available { *count > 0 } else { *count == 0 || special };
        agrees.then(|| fact.at.clone())
    })
}

/// The cause of a failure, by the free lists at the request's order and the watermarks.
pub(super) fn cause(log: &Log, cause: AllocationCause, wanted: u32) -> Shown {
    let facts = log.facts(Family::Memory);
    let request = facts
        .iter()
        .find(|fact| matches!(&fact.says, P::Allocation { order, .. } if *order == wanted))?;
    let lists = || {
        facts.iter().filter_map(|fact| match &fact.says {
            P::FreeBlocks { order, count, kinds, .. } if *order == wanted => {
                Some((fact, *count, kinds.as_str()))
            }
            _ => None,
        })
    };
    let zones = || {
        facts.iter().filter_map(|fact| match &fact.says {
            P::ZoneMemory { free, min, .. } => Some((fact, *free, *min)),
            _ => None,
        })
    };
    let only = |kind: &str| {
        lists()
            .find(|(_, count, kinds)| {
                *count > 0
                    && !kinds.is_empty()
                    && kinds.chars().all(|found| kind.contains(found) || found == 'I')
            })
            .map(|(fact, ..)| fact.at.clone())
    };
    let found = match cause {
        AllocationCause::CmaOnly => only("C")?,
        AllocationCause::HighAtomicOnly => only("H").or_else(|| only("CH"))?,
        AllocationCause::Fragmentation => {
            let (fact, ..) = lists().find(|(_, count, kinds)| {
                *count == 0 || kinds.chars().all(|kind| "CH".contains(kind))
            })?;
            zones().find(|(_, free, min)| free > min)?;
            fact.at.clone()
        }
        AllocationCause::Watermark => {
            // DMA zones are small and kept by their reserve; what counts is that one other zone is low.
            let (fact, ..) = zones().min_by_key(|(_, free, min)| free.saturating_sub(*min))?;
            fact.at.clone()
        }
        AllocationCause::CgroupLimit => {
            let at = log.messages.iter().position(|message| {
                message.cited
                    && (message.text.contains("CONSTRAINT_MEMCG")
                        || message.text.contains("Memory cgroup out of memory"))
            })?;
            vec![at]
        }
        AllocationCause::NotShown => Vec::new(),
    };
    Some(request.at.iter().copied().chain(found).collect())
}
