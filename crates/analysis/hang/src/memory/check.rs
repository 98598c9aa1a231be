//! Why a request was not served: the watermark check of each zone it may use, and the blocks of its free lists. Source:
//! __zone_watermark_ok in mm/page_alloc.c.
//!
//! The block shows the zones after the failure, and a task of a real-time class or one that is being killed may go
//! lower than its flags say: what follows is an inference.

use model::{AllocationCause, MigrateType};

use super::block::{FreeList, MemInfo, Zone};
use super::request::{Request, ZoneKind};

/// The check of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Place of the zone in the block.
    pub zone: usize,
    /// What the request may count on, kB.
    pub usable: u64,
    /// Free memory that it may not use (CMA, reserve for atomic requests), kB.
    pub unusable: u64,
    /// What must stay free, kB.
    pub required: u64,
    /// Whether more than that is usable.
    pub passes: bool,
    /// Whether there is a block for it; `None` when the list is missing or has no types.
    pub block: Option<bool>,
}

/// What all the zones say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The zones that the request may use, as far as each is there in full.
    pub checks: Vec<Check>,
    /// Why it was not served; `None` when a zone that counts is not there in full.
    pub cause: Option<AllocationCause>,
}

/// Checks the zones of a block for a request. `nodes` are those it may use, where they are bounded.
pub fn outcome(info: &MemInfo, request: &Request, nodes: Option<&[u32]>) -> Outcome {
    let mut checks = Vec::new();
    let mut complete = true;
    for (at, zone) in info.zones.iter().enumerate() {
        let foreign =
            nodes.is_some_and(|nodes| zone.node.is_some_and(|node| !nodes.contains(&node)));
        if zone.kind > request.highest || zone.kind == ZoneKind::Device || foreign {
            continue;
        }
        match check(info, at, zone, request) {
            Some(check) => checks.push(check),
            None => complete = false,
        }
    }
    let cause = (complete && !checks.is_empty()).then(|| cause(info, request, &checks)).flatten();
    Outcome { checks, cause }
}

fn check(info: &MemInfo, at: usize, zone: &Zone, request: &Request) -> Option<Check> {
    let page = info.zones.iter().find_map(|zone| zone.list.as_ref()).map(|list| list.page);
    let free_cma = zone.cma?;
    let cma = match request.migrate_type {
        MigrateType::Movable => 0,
        _ => free_cma,
    };
    let unusable = cma + if request.atomic { 0 } else { zone.highatomic };
    // The pages of the block itself but one.
    let rest = match request.order {
        0 => 0,
        order => (1u64.checked_shl(order)? - 1).checked_mul(page?)?,
    };
    let usable = zone.free.saturating_sub(unusable);
    let min = match request.atomic {
        true => zone.min / 2 - zone.min / 8,
        false => zone.min,
    };
    let reserve = match reserved(info, zone, request.highest)? {
        0 => 0,
        pages => pages.checked_mul(page?)?,
    };
    let required = min.checked_add(reserve)?;
    // So near to the mark the block itself decides, and the values of the report are too old for that.
    let passes = usable > required;
    if passes != (usable.saturating_sub(rest) > required) {
        return None;
    }
    Some(Check {
        zone: at,
        usable,
        unusable,
        required,
        passes,
        block: zone.list.as_ref().and_then(|list| block(list, request)),
    })
}

/// `lowmem_reserve` of a zone against requests that may go up to `highest`, in pages. The array has an entry for each
/// zone that the kernel was built with, and not all of those are printed; where that leaves a choice, all must agree.
fn reserved(info: &MemInfo, zone: &Zone, highest: ZoneKind) -> Option<u64> {
    use ZoneKind as Z;
    if zone.kind == highest {
        return Some(0);
    }
    let (_, reserve) = zone.reserve.as_ref()?;
    let printed = |kind| info.zones.iter().any(|zone| zone.kind == kind);
    let optional = [Z::Dma, Z::Dma32, Z::HighMem, Z::Device];
    let mut values: Vec<u64> = Vec::new();
    for bits in 0u32..16 {
        let built: Vec<Z> = Z::ALL
            .into_iter()
            .filter(|kind| match optional.iter().position(|one| one == kind) {
                Some(at) => bits & (1 << at) != 0,
                None => true,
            })
            .collect();
        let fits = built.len() == reserve.len()
            && optional.iter().all(|kind| !printed(*kind) || built.contains(kind));
        // A kernel without the zone serves the request from the next lower one.
        let index = built.iter().rposition(|kind| *kind <= highest);
        if let Some(index) = index.filter(|_| fits) {
            values.push(reserve[index]);
        }
    }
    values.dedup();
    match values.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Whether the list has a block of the order or a higher one that the request may take.
fn block(list: &FreeList, request: &Request) -> Option<bool> {
    let mut found = false;
    for (count, kinds) in list.blocks.iter().skip(request.order as usize) {
        if *count > 0 && kinds.is_empty() {
            return None;
        }
        for letter in kinds.chars() {
            found |= request.may_take(letter)?;
        }
    }
    Some(found)
}

fn cause(info: &MemInfo, request: &Request, checks: &[Check]) -> Option<AllocationCause> {
    let passing: Vec<&Check> = checks.iter().filter(|check| check.passes).collect();
    if passing.is_empty() {
        return Some(AllocationCause::Watermark);
    }
    // A single page needs no block.
    if request.order == 0 || passing.iter().any(|check| check.block == Some(true)) {
        return Some(AllocationCause::NotShown);
    }
    let lists: Option<Vec<&FreeList>> = passing
        .iter()
        .filter(|check| check.block == Some(false))
        .map(|check| info.zones[check.zone].list.as_ref())
        .collect();
    let lists = lists.filter(|lists| lists.len() == passing.len())?;
    let letters: String = lists
        .iter()
        .flat_map(|list| list.blocks.iter().skip(request.order as usize))
        .map(|(_, kinds)| kinds.as_str())
        .collect();
    match (letters.contains('C'), letters.contains('H'), letters.contains('I')) {
        (false, false, false) => Some(AllocationCause::Fragmentation),
        (true, false, false) => Some(AllocationCause::CmaOnly),
        (false, true, false) => Some(AllocationCause::HighAtomicOnly),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::mem_info;
    use super::*;

    fn ask(order: u32, mode: &str, zones: &str) -> Outcome {
        let lines: Vec<_> = (1..).zip(zones.lines().map(str::to_owned)).collect();
        outcome(&mem_info(&lines), &Request::read(order, mode).unwrap(), None)
    }

    const KERNEL: &str = "0xcc0(GFP_KERNEL)";

    #[test]
    fn r73_below_the_watermark_in_every_zone_is_shortage() {
        let zones = "Normal free:900kB min:1000kB low:1200kB high:1400kB reserved_highatomic:0KB free_cma:0kB\n\
            lowmem_reserve[]: 0 0\nNormal: 225*4kB (U) 0*8kB = 900kB\n";
        let found = ask(0, KERNEL, zones);
        assert_eq!(found.cause, Some(AllocationCause::Watermark));
        assert_eq!((found.checks[0].usable, found.checks[0].required), (900, 1000));
        // An atomic request may go lower.
        assert_eq!(ask(0, "0xa20(GFP_ATOMIC)", zones).cause, Some(AllocationCause::NotShown));
    }

    #[test]
    fn r73_blocks_of_cma_alone_do_not_serve_an_unmovable_request() {
        let zones = "DMA free:2000kB min:200kB low:250kB high:300kB reserved_highatomic:0KB free_cma:1000kB\n\
            lowmem_reserve[]: 0 0 0\nDMA: 250*4kB (UME) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 1*1024kB (C) = 2024kB\n";
        let found = ask(2, KERNEL, zones);
        assert_eq!(found.cause, Some(AllocationCause::CmaOnly));
        assert_eq!((found.checks[0].passes, found.checks[0].block), (true, Some(false)));
        let movable = ask(2, "0x100cca(GFP_HIGHUSER_MOVABLE)", zones);
        assert_eq!(movable.cause, Some(AllocationCause::NotShown));
    }

    #[test]
    fn r73_small_blocks_are_fragmentation_and_reserved_ones_are_named() {
        let zones = |large: &str, sum: u64| {
            format!(
                "Normal free:2000kB min:200kB low:250kB high:300kB reserved_highatomic:64KB free_cma:0kB\n\
                 lowmem_reserve[]: 0 0\nNormal: 500*4kB (UME) 0*8kB {large} = {sum}kB\n"
            )
        };
        assert_eq!(
            ask(2, KERNEL, &zones("0*16kB", 2000)).cause,
            Some(AllocationCause::Fragmentation)
        );
        assert_eq!(
            ask(2, KERNEL, &zones("2*16kB (H)", 2032)).cause,
            Some(AllocationCause::HighAtomicOnly)
        );
        assert_eq!(
            ask(2, KERNEL, &zones("2*16kB (UH)", 2032)).cause,
            Some(AllocationCause::NotShown)
        );
    }

    #[test]
    fn r73_what_lowmem_reserve_keeps_back_is_not_usable() {
        let zones = "DMA free:15000kB min:60kB low:75kB high:90kB reserved_highatomic:0KB free_cma:0kB\n\
            lowmem_reserve[]: 0 3000 15900 15900 15900\n\
            DMA32 free:5000kB min:9000kB low:9500kB high:9900kB reserved_highatomic:0KB free_cma:0kB\n\
            lowmem_reserve[]: 0 0 12900 12900 12900\n\
            Normal free:6000kB min:9000kB low:9500kB high:9900kB reserved_highatomic:0KB free_cma:0kB\n\
            lowmem_reserve[]: 0 0 0 0 0\nDMA: 3750*4kB (U) = 15000kB\n";
        let found = ask(0, KERNEL, zones);
        assert_eq!(found.checks[0].required, 60 + 15900 * 4);
        assert_eq!(found.cause, Some(AllocationCause::Watermark));
        // A request for the lowest zone may have it all.
        assert_eq!(
            ask(0, "0xcc1(GFP_KERNEL|GFP_DMA)", zones).cause,
            Some(AllocationCause::NotShown)
        );
    }

    #[test]
    fn r73_zones_that_are_not_there_in_full_give_no_cause() {
        let cut = "Normal free:900kB min:1000kB low:1200kB high:1400kB active_anon:1kB\n";
        assert_eq!(ask(0, KERNEL, cut), Outcome { checks: Vec::new(), cause: None });
        // The list is missing, and the order needs it.
        let no_list = "Normal free:9000kB min:1000kB low:1200kB high:1400kB reserved_highatomic:0KB free_cma:0kB\n\
            lowmem_reserve[]: 0 0\n";
        assert_eq!(ask(2, KERNEL, no_list).cause, None);
    }
}
