//! Where something may be in raw bytes: a few short texts, searched with vector instructions.
//!
//! This decides how fast a quiet log is read. Two things slow the search: anchors shorter than four
//! bytes, and anchors whose first four bytes are frequent in quiet logs, since each candidate is
//! verified.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};

/// Every header of a family holds one of these (a test checks it); so does the banner of a boot.
const ANCHORS: &[&str] = &[
    "BUG:",
    "BUG ",
    "WARNING:",
    "INFO:",
    "panic",
    " fault",
    "to handle kernel",
    "UBSAN:",
    " error:",
    "opcode:",
    "int3: ",
    "segment: ",
    "unreferenced ",
    "device: waiting",
    "VFS: Busy",
    "VFS: Close",
    "Alignment trap",
    "bug detected[",
    "Linux version ",
    "Booting the kernel",
    "Booting from ",
    "trusty: ",
    "SYZFA",
];

static SEARCHER: LazyLock<Option<packed::Searcher>> =
    LazyLock::new(|| packed::Searcher::new(ANCHORS.iter().map(|anchor| anchor.as_bytes())));

static PLAIN: LazyLock<AhoCorasick> = LazyLock::new(|| match AhoCorasick::new(ANCHORS) {
    Ok(searcher) => searcher,
    Err(error) => panic!("the anchors do not compile: {error}"),
});

/// Offset of the first anchor in `bytes`.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    match &*SEARCHER {
        Some(searcher) => searcher.find(bytes).map(|found| found.start()),
        // No vector instructions on this machine.
        None => PLAIN.find(bytes).map(|found| found.start()),
    }
}

/// Whether the line may hold a header. Most lines do not, and this is told much faster than which
/// header it is.
pub(crate) fn may_hold_header(line: &[u8]) -> bool {
    match &*SEARCHER {
        Some(searcher) => searcher.find(line).is_some(),
        None => PLAIN.is_match(line),
    }
}

#[cfg(test)]
mod tests {
    use parse_console::reports::FAMILIES;

    use super::*;

    #[test]
    fn every_header_holds_an_anchor() {
        for family in FAMILIES.iter().copied().flatten() {
            assert!(
                may_hold_header(family.header.as_bytes()),
                "add an anchor for {:?}",
                family.header
            );
        }
    }

    #[test]
    fn anchors_are_long_enough_for_the_fast_search() {
        assert!(ANCHORS.iter().all(|anchor| anchor.len() >= 4) && SEARCHER.is_some());
    }
}
