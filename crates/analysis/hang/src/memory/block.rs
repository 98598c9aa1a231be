//! The Mem-Info block: counters, zones, free lists. Source: mm/show_mem.c (mm/page_alloc.c to 6.2), show_free_areas.

use model::{LineSpan, MemoryUse};

use super::request::ZoneKind;

/// Zones kept of one block.
const MOST_ZONES: usize = 64;

/// What a block holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemInfo {
    /// The machine's counters as printed, in pages, each with its line.
    pub counters: Vec<(String, u64, u64)>,
    /// Its zones, in the order in which they were printed.
    pub zones: Vec<Zone>,
}

/// One zone. Sizes are kB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// As printed: `Node 0 Normal`, or `Normal` without NUMA.
    pub name: String,
    /// Its node, where printed.
    pub node: Option<u32>,
    /// Which of the zones it is.
    pub kind: ZoneKind,
    /// From its name to its last field.
    pub lines: LineSpan,
    /// Free memory.
    pub free: u64,
    /// Minimum watermark, with its boost.
    pub min: u64,
    /// Free memory of CMA; the last field, so that without it the zone is not there in full.
    pub cma: Option<u64>,
    /// Memory kept for atomic requests of a higher order: what is free of it where that is printed.
    pub highatomic: u64,
    /// `lowmem_reserve[]` in pages, by the highest zone that a request may use, with its line.
    pub reserve: Option<(u64, Vec<u64>)>,
    /// Its free list, where it is there in full.
    pub list: Option<FreeList>,
}

/// The free blocks of a zone by order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeList {
    /// Where it stands.
    pub lines: LineSpan,
    /// Number of blocks, and the letters of the types that have any, from order 0 on.
    pub blocks: Vec<(u64, String)>,
    /// kB of a block of order 0: the size of a page.
    pub page: u64,
}

/// Reads a block from its lines, each with its number.
pub fn mem_info(lines: &[(u64, String)]) -> MemInfo {
    let words: Vec<(&str, u64)> = lines
        .iter()
        .flat_map(|(number, text)| {
            // The records of /dev/kmsg carry a newline inside of a message as an escape.
            text.split("\\x0a").flat_map(str::split_whitespace).map(|word| (word, *number))
        })
        .collect();
    let mut info = MemInfo::default();
    let mut at = 0;
    while at < words.len() && info.zones.len() < MOST_ZONES {
        let taken =
            zone(&words, at, &mut info).or_else(|| free_list(&words, at, &mut info)).unwrap_or(0);
        if taken == 0 && info.zones.is_empty() {
            counter(words[at], &mut info);
        }
        at += taken.max(1);
    }
    info
}

/// A counter of the machine: `active_anon:1209957`. Those of nodes and zones are in kB.
fn counter((word, line): (&str, u64), info: &mut MemInfo) {
    let Some((name, pages)) = word.split_once(':') else { return };
    if let Ok(pages) = pages.parse()
        && info.counters.len() < 64
        && !info.counters.iter().any(|(known, ..)| known == name)
    {
        info.counters.push((name.to_owned(), pages, line));
    }
}

/// The name of a zone and its node; how many words it took.
fn name(words: &[(&str, u64)], at: usize) -> Option<(Option<u32>, usize)> {
    match words.get(at)?.0 {
        "Node" => Some((Some(words.get(at + 1)?.0.parse().ok()?), 2)),
        _ => Some((None, 0)),
    }
}

fn full_name(node: Option<u32>, kind: ZoneKind) -> String {
    match node {
        Some(node) => format!("Node {node} {}", kind.name()),
        None => kind.name().to_owned(),
    }
}

/// `123kB` or `123KB`.
fn kilobytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB").or_else(|| text.strip_suffix("KB"))?.parse().ok()
}

/// `Node 0 Normal free:…kB … free_cma:…kB lowmem_reserve[]: 0 0 …`; how many words it took.
fn zone(words: &[(&str, u64)], at: usize, info: &mut MemInfo) -> Option<usize> {
    let (node, skipped) = name(words, at)?;
    let mut next = at + skipped;
    let kind = ZoneKind::of(words.get(next)?.0)?;
    next += 1;
    if !words.get(next)?.0.starts_with("free:") {
        return None;
    }
    let first = words[at].1;
    let mut last = first;
    let mut fields: Vec<(&str, u64)> = Vec::new();
    while let Some((word, line)) = words.get(next) {
        match word.split_once(':').and_then(|(key, value)| Some((key, kilobytes(value)?))) {
            Some(field) => fields.push(field),
            // Old kernels close with these.
            None if word.starts_with("pages_scanned:") => {}
            None if matches!(*word, "all_unreclaimable?" | "no" | "yes") => {}
            None => break,
        }
        last = *line;
        next += 1;
    }
    let field = |wanted: &str| fields.iter().find(|(key, _)| *key == wanted).map(|(_, kb)| *kb);
    let mut zone = Zone {
        name: full_name(node, kind),
        node,
        kind,
        lines: LineSpan::new(first, last),
        free: field("free")?,
        min: field("min")?,
        cma: field("free_cma"),
        highatomic: field("free_highatomic").or(field("reserved_highatomic")).unwrap_or(0),
        reserve: None,
        list: None,
    };
    if let Some((_, line)) = words.get(next).filter(|(word, _)| *word == "lowmem_reserve[]:") {
        next += 1;
        let pages: Vec<u64> =
            words[next..].iter().map_while(|(word, _)| word.parse().ok()).collect();
        next += pages.len();
        zone.reserve = Some((*line, pages));
    }
    if !info.zones.iter().any(|known| known.name == zone.name) {
        info.zones.push(zone);
    }
    Some(next - at)
}

/// `Node 0 DMA: 1*4kB (U) 0*8kB … = 15900kB`; how many words it took. A list whose sum is another one is damaged.
fn free_list(words: &[(&str, u64)], at: usize, info: &mut MemInfo) -> Option<usize> {
    let (node, skipped) = name(words, at)?;
    let mut next = at + skipped;
    let kind = ZoneKind::of(words.get(next)?.0.strip_suffix(':')?)?;
    next += 1;
    let mut blocks: Vec<(u64, String)> = Vec::new();
    let (mut page, mut sum) = (0, 0u64);
    while let Some((count, size)) = words.get(next).and_then(|(word, _)| word.split_once('*')) {
        let (count, size) = (count.parse::<u64>().ok()?, kilobytes(size)?);
        if blocks.is_empty() {
            page = size;
        }
        if blocks.len() >= 32 || Some(size) != page.checked_shl(blocks.len() as u32) {
            return None;
        }
        next += 1;
        let letters = words.get(next).map_or("", |(word, _)| *word);
        let kinds = letters.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        next += usize::from(kinds.is_some());
        sum = sum.saturating_add(count.saturating_mul(size));
        blocks.push((count, kinds.unwrap_or_default().to_owned()));
    }
    let total = match (words.get(next)?.0, words.get(next + 1)) {
        ("=", Some((total, line))) => kilobytes(total).filter(|kb| *kb == sum).map(|_| *line),
        _ => None,
    }?;
    let name = full_name(node, kind);
    let lines = LineSpan::new(words[at].1, total);
    if let Some(zone) = info.zones.iter_mut().find(|zone| zone.name == name) {
        zone.list.get_or_insert(FreeList { lines, blocks, page });
    }
    Some(next + 2 - at)
}

/// Which counters make up a use.
const USES: &[(MemoryUse, &[&str])] = &[
    (MemoryUse::Anonymous, &["active_anon", "inactive_anon"]),
    (MemoryUse::File, &["active_file", "inactive_file"]),
    (MemoryUse::Unevictable, &["unevictable"]),
    (MemoryUse::SlabReclaimable, &["slab_reclaimable"]),
    (MemoryUse::SlabUnreclaimable, &["slab_unreclaimable"]),
    (MemoryUse::PageTables, &["pagetables"]),
    (MemoryUse::Shmem, &["shmem"]),
    (MemoryUse::Free, &["free"]),
];

/// A use of memory with its pages and the lines of its counters.
pub(crate) struct Use {
    pub(crate) kind: MemoryUse,
    pub(crate) pages: u64,
    pub(crate) lines: Vec<u64>,
}

impl MemInfo {
    /// What the machine's memory is used for; empty when a counter is missing.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let each = USES.iter().map(|(kind, names)| {
            let counters: Option<Vec<_>> = names
                .iter()
                .map(|name| self.counters.iter().find(|(known, ..)| known == name))
                .collect();
            let counters = counters?;
            let pages = counters.iter().fold(0u64, |all, (_, pages, _)| all.saturating_add(*pages));
            Some(Use {
                kind: *kind,
                pages,
                lines: counters.iter().map(|(.., line)| *line).collect(),
            })
        });
        each.collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

/// Pages of the uses that share the memory out; shared memory stands on the lists of the others.
pub(crate) fn shared_out(uses: &[Use]) -> u64 {
    let apart = uses.iter().filter(|one| one.kind != MemoryUse::Shmem);
    apart.fold(0u64, |all, one| all.saturating_add(one.pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> MemInfo {
        let lines: Vec<_> = (1..).zip(text.lines().map(str::to_owned)).collect();
        mem_info(&lines)
    }

    const BLOCK: &str = "Mem-Info:\n\
        active_anon:310 inactive_anon:90 isolated_anon:0\n active_file:12 inactive_file:7 isolated_file:0\n \
        unevictable:3 dirty:0 writeback:0\n slab_reclaimable:40 slab_unreclaimable:55\n \
        mapped:1 shmem:9 pagetables:8 bounce:0\n free:1000 free_pcp:3 free_cma:10\n\
        Node 0 active_anon:1240kB inactive_anon:360kB all_unreclaimable? no\n\
        Node 0 Normal free:456kB boost:0kB min:44kB low:55kB high:66kB reserved_highatomic:8KB free_cma:40kB\n\
        lowmem_reserve[]: 0 3 3\n\
        Node 0 Normal: 2*4kB (UM) 0*8kB 4*16kB (C) 0*32kB 2*64kB (C) 2*128kB (M) = 456kB\n";

    #[test]
    fn r73_counters_zones_and_free_lists_are_read() {
        let info = read(BLOCK);
        assert_eq!(info.counters[0], ("active_anon".to_owned(), 310, 2));
        let zone = &info.zones[0];
        assert_eq!((zone.name.as_str(), zone.free, zone.min), ("Node 0 Normal", 456, 44));
        assert_eq!((zone.cma, zone.highatomic), (Some(40), 8));
        assert_eq!(zone.reserve, Some((10, vec![0, 3, 3])));
        let list = zone.list.as_ref().unwrap();
        assert_eq!((list.page, list.blocks[2].clone()), (4, (4, "C".to_owned())));
        let anonymous = &info.uses()[0];
        assert_eq!((anonymous.kind, anonymous.pages), (MemoryUse::Anonymous, 400));
    }

    #[test]
    fn r73_a_wrapped_block_reads_like_the_block_itself() {
        let wrapped = BLOCK
            .replace(" boost:", "\nboost:")
            .replace(" (C) 0*32kB", "\n(C) 0*32kB")
            .replace("Normal free", "Normal\nfree");
        let without_lines = |info: MemInfo| {
            let zone = info.zones.into_iter().next().unwrap();
            (zone.free, zone.min, zone.cma, zone.highatomic, zone.list.unwrap().blocks)
        };
        assert_eq!(without_lines(read(&wrapped)), without_lines(read(BLOCK)));
    }

    #[test]
    fn r73_a_list_that_lost_a_part_is_none() {
        assert!(read(&BLOCK.replace(" 4*16kB (C)", "")).zones[0].list.is_none());
        assert!(read(&BLOCK.replace("2*64kB", "3*64kB")).zones[0].list.is_none());
        assert!(read(&BLOCK.replace(" free_cma:40kB", "")).zones[0].cma.is_none());
    }
}
