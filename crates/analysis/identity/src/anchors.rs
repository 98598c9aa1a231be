//! Where something may be in raw bytes: a few short texts, searched with vector instructions.
//!
//! This decides how fast a quiet log is read. Two things slow the search: anchors shorter than four
//! bytes, and anchors whose first four bytes are frequent in quiet logs, since each candidate is
//! verified. From about 27 anchors on the search also takes twice as long, whatever they are: rather
//! choose a text that several headers share.

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
    "VFS: ",
    "Alignment trap",
    "bug detected[",
    "Linux version ",
    "Booting ",
    "trusty: ",
    "SYZFA",
    "hard LOCKUP",
    "by zero in",
    "Oops",
    "[#1]",
];

/// Short literals, searched all at once.
pub(crate) struct Literals {
    packed: Option<packed::Searcher>,
    /// For machines without vector instructions.
    plain: AhoCorasick,
}

impl Literals {
    pub(crate) fn new(literals: &[&str]) -> Self {
        let plain = match AhoCorasick::new(literals) {
            Ok(searcher) => searcher,
            Err(error) => panic!("the literals do not compile: {error}"),
        };
        Self { packed: packed::Searcher::new(literals.iter().map(|l| l.as_bytes())), plain }
    }

    /// Offset of the first of them.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<usize> {
        match &self.packed {
            Some(searcher) => searcher.find(bytes).map(|found| found.start()),
            None => self.plain.find(bytes).map(|found| found.start()),
        }
    }

    /// Whether one of them stands in the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.find(text.as_bytes()).is_some()
    }
}

static SEARCHER: LazyLock<Literals> = LazyLock::new(|| Literals::new(ANCHORS));

/// Offset of the first anchor in `bytes`.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    SEARCHER.find(bytes)
}

/// Whether the line may hold a header. Most lines do not, and this is told much faster than which
/// header it is.
pub(crate) fn may_hold_header(line: &[u8]) -> bool {
    SEARCHER.find(line).is_some()
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
        assert!(ANCHORS.iter().all(|anchor| anchor.len() >= 4) && SEARCHER.packed.is_some());
    }
}
