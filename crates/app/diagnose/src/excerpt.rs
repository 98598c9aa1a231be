//! The lines of a log that a diagnosis cites, with some around them.
//!
//! Invariant: memory is bounded by the number of lines kept and their length.

use std::collections::BTreeMap;

use analysis_hang::Diagnosis;
use model::{LineSpan, Statement};

/// Lines kept in all.
const LINE_LIMIT: usize = 6_000;
/// Lines of one cited run that are kept.
const RUN_LIMIT: u64 = 120;
/// Lines kept around each cited one.
const AROUND: u64 = 2;
/// Bytes of a line that are shown.
const WIDTH: usize = 500;

/// Cited lines by number, as printed in the log.
#[derive(Debug, Default)]
pub(crate) struct Excerpt {
    wanted: Vec<(u64, u64)>,
    at: usize,
    lines: BTreeMap<u64, String>,
}

impl Excerpt {
    /// Wants the lines that the diagnosis and the statements on registers cite.
    pub(crate) fn new(diagnosis: &Diagnosis, registers: &[Statement]) -> Self {
        let mut cited: Vec<LineSpan> = diagnosis.cited_lines();
        cited.extend(registers.iter().flat_map(|said| said.lines().iter().copied()));
        cited.sort_unstable_by_key(|span| (span.first, span.last));
        let mut wanted: Vec<(u64, u64)> = Vec::new();
        for span in cited {
            let (first, last) =
                (span.first.saturating_sub(AROUND), span.last.min(span.first + RUN_LIMIT) + AROUND);
            match wanted.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => wanted.push((first, last)),
            }
        }
        Self { wanted, ..Self::default() }
    }

    /// Takes the next line of the log, without its end.
    pub(crate) fn line(&mut self, number: u64, raw: &[u8]) {
        while self.wanted.get(self.at).is_some_and(|(_, last)| *last < number) {
            self.at += 1;
        }
        if self.wanted.get(self.at).is_some_and(|(first, _)| *first <= number)
            && self.lines.len() < LINE_LIMIT
        {
            let text = String::from_utf8_lossy(&raw[..raw.len().min(WIDTH)]);
            self.lines.insert(number, text.trim_end_matches('\r').to_owned());
        }
    }

    /// The lines by number.
    pub(crate) fn finish(self) -> BTreeMap<u64, String> {
        self.lines
    }
}
