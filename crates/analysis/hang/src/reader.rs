//! Pieces of a log, as they are read from a file or pipe, to observations. Quiet stretches of a long log are
//! skipped without taking their lines apart, but for the last ones before what matters.
//!
//! Invariants: memory holds one piece, one unfinished line, [`BEFORE`] lines and the bounded observations; how the
//! input is cut into pieces does not matter.

use std::collections::VecDeque;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input};
use parse_console::{LONGEST_LINE, LineReader};

use crate::collect::{Collector, Observations};

/// The start of a log is always read line by line: notes with a log inside are short, and carry text around it.
const READ_IN_FULL: u64 = 256 << 10;

/// Lines of a quiet stretch that are read: the last ones before what matters.
const BEFORE: usize = 64;

/// The texts of which a quiet stretch has none.
#[expect(clippy::expect_used, reason = "the patterns are constants; a test builds the automaton")]
static MATTERS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(Collector::texts_that_matter())
        .expect("constant patterns")
});

/// Reads a log piece by piece.
#[derive(Debug)]
pub struct LogReader {
    collector: Collector,
    lines: LineReader,
    /// The unfinished last line.
    tail: Vec<u8>,
    /// The last lines that were skipped, not counted in `number`.
    quiet: VecDeque<Vec<u8>>,
    /// Lines read or gone.
    number: u64,
    /// Bytes behind which the next line begins, those of `quiet` included.
    offset: u64,
    /// Lines that depend on each other (relative stamps, JSON) forbid skipping.
    skips: bool,
}

impl Default for LogReader {
    fn default() -> Self {
        Self::new()
    }
}

impl LogReader {
    /// A reader at the start of a log.
    pub fn new() -> Self {
        Self {
            collector: Collector::new(),
            lines: LineReader::new(),
            tail: Vec::new(),
            quiet: VecDeque::new(),
            number: 0,
            offset: 0,
            skips: true,
        }
    }

    /// Takes the next piece of the log.
    pub fn push(&mut self, piece: &[u8]) {
        let Some(last) = memchr::memrchr(b'\n', piece) else {
            self.keep(piece);
            return;
        };
        let (whole, rest) = piece.split_at(last + 1);
        if self.tail.is_empty() {
            self.block(whole);
        } else {
            let end = memchr::memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            self.keep(&whole[..end]);
            let first = std::mem::take(&mut self.tail);
            self.block(&first);
            self.block(&whole[end..]);
        }
        self.keep(rest);
    }

    /// Ends the log.
    pub fn finish(mut self) -> Observations {
        self.read_quiet();
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.one(&tail);
        }
        let mut seen = self.collector.finish();
        seen.lines = self.number;
        seen
    }

    /// Keeps the start of an unfinished line; what exceeds the longest line is dropped.
    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE.saturating_sub(self.tail.len());
        if bytes.len() <= room {
            self.tail.extend_from_slice(bytes);
        } else {
            self.tail.extend_from_slice(&bytes[..room]);
            if bytes.ends_with(b"\n") {
                self.tail.push(b'\n');
            }
        }
    }

    /// Takes whole lines.
    fn block(&mut self, block: &[u8]) {
        let mut at = 0;
        while at < block.len() {
            if self.may_skip() {
                let hit = MATTERS.find(Input::new(block).range(at..));
                let until = match hit {
                    Some(hit) => memchr::memrchr(b'\n', &block[at..hit.start()])
                        .map_or(at, |end| at + end + 1),
                    None => block.len(),
                };
                if until > at {
                    self.skip(&block[at..until]);
                    at = until;
                    continue;
                }
            }
            self.read_quiet();
            let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end);
            self.one(&block[at..end]);
            self.offset += (end + 1 - at) as u64;
            at = end + 1;
            // After a line with a hit that opened nothing the search goes on behind it.
        }
    }

    fn may_skip(&self) -> bool {
        self.skips && self.offset > READ_IN_FULL && !self.collector.is_inside_report()
    }

    /// Steps over quiet lines; the last ones are kept, to be read before what matters.
    fn skip(&mut self, stretch: &[u8]) {
        let mut ends = memchr::memrchr_iter(b'\n', stretch).skip(BEFORE);
        let kept = ends.next().map_or(0, |end| end + 1);
        if kept > 0 {
            let gone = memchr::memchr_iter(b'\n', &stretch[..kept]).count() + self.quiet.len();
            self.number += gone as u64;
            self.quiet.clear();
        }
        for raw in stretch[kept..].split_inclusive(|byte| *byte == b'\n') {
            let mut line = match self.quiet.len() < BEFORE {
                true => Vec::new(),
                false => self.quiet.pop_front().unwrap_or_default(),
            };
            self.number += u64::from(!line.is_empty());
            line.clear();
            line.extend_from_slice(&raw[..raw.len().min(LONGEST_LINE)]);
            self.quiet.push_back(line);
        }
        self.offset += stretch.len() as u64;
    }

    /// Reads the last lines of the stretch that was skipped, so that clock and context keep up.
    fn read_quiet(&mut self) {
        while let Some(line) = self.quiet.pop_front() {
            self.one(line.strip_suffix(b"\n").unwrap_or(&line));
        }
    }

    fn one(&mut self, raw: &[u8]) {
        self.number += 1;
        let raw = &raw[..raw.len().min(LONGEST_LINE)];
        if self.number == 1 && matches!(raw.trim_ascii_start().first(), Some(b'{' | b'"')) {
            self.skips = false;
        }
        let (collector, skips) = (&mut self.collector, &mut self.skips);
        self.lines.read(raw, self.number, self.offset, |line| {
            if matches!(
                line.stamp,
                Some(parse_console::Stamp::Delta(_) | parse_console::Stamp::MinuteMark { .. })
            ) {
                *skips = false;
            }
            collector.line(&line);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let mut log = String::new();
        for n in 0..9_000 {
            log += &format!("[{n:6}.000000] usb 1-1: new high-speed device number {n}\n");
            if n % 1500 == 1499 {
                log += &format!(
                    "[{n:6}.100000] watchdog: BUG: soft lockup - CPU#{} stuck for 22s! [w:7{n}]\n",
                    n % 7
                );
                log += &format!(
                    "[{n:6}.100001] CPU: {} PID: 7{n} Comm: w Not tainted 6.1.0 #1\n[{n:6}.100002] RIP: 0010:spin_here+0x1/0x9\n",
                    n % 7
                );
            }
        }
        log
    }

    /// A long quiet log with trouble shortly before its only event.
    fn late() -> String {
        let mut log = String::new();
        for n in 0..9_000 {
            log += &format!("[{n:6}.000000] usb 1-1: new high-speed device number {n}\n");
            if n == 8_980 {
                log += &format!("[{n:6}.100000] usb 3-2: USB disconnect, device number 5\n");
            }
        }
        log + "[  9000.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n"
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        for (log, events, trouble) in [(sample(), 6, 0), (late(), 1, 1)] {
            is_read_alike(&log, events, trouble);
        }
    }

    fn is_read_alike(log: &str, events: usize, trouble: usize) {
        assert!(log.len() as u64 > 2 * READ_IN_FULL);
        let shape = |seen: &Observations| -> Vec<(u64, Option<u32>, usize)> {
            seen.events.iter().map(|e| (e.lines.first, e.cpu, e.snapshots.len())).collect()
        };
        let context = |seen: &Observations| -> Vec<(u64, String)> {
            seen.context.iter().map(|aside| (aside.line, aside.text.clone())).collect()
        };
        let mut plain = Collector::new();
        for line in parse_console::lines(log.as_bytes()) {
            plain.line(&line);
        }
        let plain = plain.finish();
        assert_eq!((plain.events.len(), plain.context.len()), (events, trouble));
        for size in [7, 4096, 64 << 10, 1 << 20] {
            let mut reader = LogReader::new();
            for piece in log.as_bytes().chunks(size) {
                reader.push(piece);
            }
            let seen = reader.finish();
            assert_eq!(shape(&seen), shape(&plain), "pieces of {size}");
            assert_eq!(context(&seen), context(&plain), "pieces of {size}");
            assert_eq!(seen.lines, plain.lines);
        }
    }
}
