//! Lines of sanitizers that describe an object or an operation.

use crate::event::{BadAccess, Race, Region, Side, Ubsan};
use crate::text::{after, between, bounded, hex, number, number_after};

/// Accesses kept of one data race.
const RACES: usize = 4;

/// Takes what a line says of the object or operation, if anything.
pub(super) fn observe(report: &mut BadAccess, text: &str, line: u64) {
    if let Some(rest) = after(text, "belongs to the cache ") {
        // `kmalloc-1k of size 1024`
        if let (None, Some((cache, size))) = (&report.object, rest.split_once(" of size "))
            && let Some(size) = number(size)
        {
            report.object = Some((line, bounded(cache.trim(), 64), size));
        }
    } else if text.starts_with("kfence-#") {
        // `kfence-#12: 0xffff…-0xffff…, size=32, cache=kmalloc-32`
        if let (None, Some(size)) = (&report.object, number_after(text, "size=")) {
            let cache = after(text, "cache=").and_then(|rest| rest.split_whitespace().next());
            report.object = Some((line, bounded(cache.unwrap_or_default(), 64), size));
        }
    } else if let Some(rest) = text.strip_prefix("Pointer tag: [") {
        let memory = after(rest, "memory tag: [").and_then(hex);
        let tags = hex(rest).zip(memory).map(|(pointer, memory)| (line, pointer, memory));
        report.tags = tags.and_then(|(line, pointer, memory)| {
            Some((line, u8::try_from(pointer).ok()?, u8::try_from(memory).ok()?))
        });
    } else if let Some(rest) = after(text, "The buggy address is located ") {
        report.region = region(rest, line);
    } else if let Some(rest) = text.strip_prefix("value changed: ") {
        report.changed = rest
            .split_once(" -> ")
            .and_then(|(from, to)| Some((line, hex(from)?, hex(to.trim())?)));
    } else if let Some(operation) = ubsan(text) {
        report.ubsan.get_or_insert((line, operation));
    } else if let Some(region) = &mut report.region
        && region.size.is_none()
        && line == region.lines[0] + 1
    {
        region.lines[1] = line;
        region.size = byte_region(text);
    }
}

/// `40 bytes inside of`, with the region on this line or the next.
fn region(text: &str, line: u64) -> Option<Region> {
    let distance = number(text)?;
    let rest = after(text, " bytes ")?;
    let side = [
        ("inside of", Side::Inside),
        ("to the right of", Side::Right),
        ("to the left of", Side::Left),
    ]
    .into_iter()
    .find(|(words, _)| rest.starts_with(words))?
    .1;
    Some(Region { lines: [line, 0], side, distance, size: byte_region(rest) })
}

/// 1024 of `freed 1024-byte region [ffff…, ffff…)`.
fn byte_region(text: &str) -> Option<u64> {
    text.split_whitespace().find_map(|word| word.strip_suffix("-byte")?.parse().ok())
}

/// What UBSAN says of the operation.
fn ubsan(text: &str) -> Option<Ubsan> {
    if let Some(rest) = text.strip_prefix("index ") {
        let (index, rest) = rest.split_once(" is out of range for type ")?;
        let array = rest.strip_prefix('\'')?;
        let array = bounded(&array[..array.rfind('\'')?], 120);
        return Some(Ubsan::Index { index: index.parse().ok()?, array });
    }
    let rest = text.strip_prefix("shift exponent ")?;
    let exponent = rest.split_whitespace().next()?.parse().ok()?;
    let bits = between(rest, "too large for ", "-bit type").and_then(|bits| bits.parse().ok());
    (bits.is_some() || rest.ends_with("is negative")).then_some(Ubsan::Shift { exponent, bits })
}

/// `write to 0xffff… of 8 bytes by task 71 on cpu 1:`, `… by interrupt on cpu 0:`.
pub(super) fn race(report: &mut BadAccess, text: &str, access: &str, line: u64) {
    if report.races.len() < RACES {
        report.races.push(Race {
            line,
            access: access.to_lowercase(),
            pid: number_after(text, "by task "),
            cpu: number_after(text, "on cpu "),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> BadAccess {
        let mut report = BadAccess::default();
        for (at, text) in lines.iter().enumerate() {
            observe(&mut report, text, at as u64 + 1);
        }
        report
    }

    #[test]
    fn an_object_is_described_by_cache_size_and_distance() {
        let new = read(&[
            "which belongs to the cache kmalloc-cg-1k of size 1024",
            "The buggy address is located 40 bytes inside of",
            "freed 1024-byte region [ffff888012345400, ffff888012345800)",
        ]);
        assert_eq!(new.object, Some((1, "kmalloc-cg-1k".into(), 1024)));
        let region = new.region.unwrap();
        assert_eq!((region.lines, region.side, region.distance), ([2, 3], Side::Inside, 40));
        assert_eq!(region.size, Some(1024));
        let old =
            read(&["The buggy address is located 0 bytes to the right of 64-byte region [ff, ff)"]);
        assert_eq!(
            old.region.map(|region| (region.side, region.size)),
            Some((Side::Right, Some(64)))
        );
        // A line between: what region is meant is not known.
        let lost = read(&[
            "The buggy address is located 8 bytes inside of",
            "page:ffffea00",
            "64-byte region [f, f)",
        ]);
        assert_eq!(lost.region.and_then(|region| region.size), None);
    }

    #[test]
    fn ubsan_names_index_and_shift() {
        let index = read(&["index -1 is out of range for type 'struct box *[4]'"]);
        assert_eq!(
            index.ubsan,
            Some((1, Ubsan::Index { index: -1, array: "struct box *[4]".into() }))
        );
        let shift = read(&["shift exponent 72 is too large for 64-bit type 'long long int'"]);
        assert_eq!(shift.ubsan, Some((1, Ubsan::Shift { exponent: 72, bits: Some(64) })));
    }
}
