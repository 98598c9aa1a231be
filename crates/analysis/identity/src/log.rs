//! Whole logs: finds where reports are, without reading what lies between.
//!
//! A quiet log is searched for a few short anchors over the raw bytes; lines are cut and prefixes
//! parsed only around a hit. Memory: the reports found (bounded by [`MOST_TEXT`]) and, for streams,
//! one buffer of some MiB.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use parse_console::reports::Doubt;
use parse_console::{Caller, Line, LineReader, Stamp};
use regex::Regex;

use crate::anchors;
use crate::collect::MOST_LINES;
use crate::compiled::{self, CompiledFamily, REBOOT_TITLE};
use crate::report::{self, CrashReport, Relation, RelationKind};
use crate::tables::suppressions::SUPPRESSIONS;

/// Bytes before a hit that are read for context.
const BEFORE: usize = 16 << 10;
/// Bytes after a hit that one report may reach.
const AFTER: usize = 1 << 20;
/// Bytes that a stream collects before it is searched: few enough to stay in the processor's cache.
const BUFFER: usize = 256 << 10;
/// Bytes of report text that are kept for one log; later reports keep their names only.
const MOST_TEXT: usize = 24 << 20;
/// Reports of one log that are kept; a log of nothing but crashes may hold millions.
pub const MOST_REPORTS: usize = 10_000;
/// Lines within which a report's second header still belongs to it.
const CONTINUES_WITHIN: usize = 60;

/// The table of suppressions, ready to search.
struct Suppressing {
    literals: Vec<memchr::memmem::Finder<'static>>,
    patterns: Vec<Regex>,
}

static SUPPRESSING: LazyLock<Suppressing> = LazyLock::new(|| {
    let literals = SUPPRESSIONS.iter().map(|(literal, _)| memchr::memmem::Finder::new(literal));
    Suppressing {
        literals: literals.collect(),
        patterns: SUPPRESSIONS.iter().map(|(_, pattern)| crate::pattern::regex(pattern)).collect(),
    }
});

/// (header of a report, header that continues it). An empty first half stands for any.
const CONTINUATIONS: &[(&str, &str)] = &[
    ("Unable to handle kernel", "Internal error:"),
    ("Unable to handle kernel", "BUG: KASAN:"),
    ("Unhandled fault:", "Internal error:"),
    ("kernel BUG at", "invalid opcode:"),
    ("kernel BUG at", "Internal error:"),
    ("kernel BUG at", "Kernel BUG [#"),
    ("kernel BUG at", "Kernel bug detected[#"),
    ("kernel BUG at", "Oops - "),
    ("kernel BUG at", "Oops: Exception in kernel mode"),
    ("Kernel BUG at", "Oops: Exception in kernel mode"),
    ("kernel BUG at", "ilc:1 [#1]"),
    ("kernel BUG at", "ilc:2 [#1]"),
    ("Unable to handle kernel", "Oops - "),
    ("Unable to handle kernel", "Oops: Kernel access of bad area"),
    ("Unable to handle kernel", "ilc:1 [#1]"),
    ("Unable to handle kernel", "ilc:2 [#1]"),
    ("Unable to handle kernel", "ilc:3 [#1]"),
    ("BUG: Unable to handle kernel", "Oops: Kernel access of bad area"),
    ("BUG: Kernel NULL pointer dereference", "Oops: Kernel access of bad area"),
    ("Alignment trap:", "Unhandled fault:"),
    ("Alignment trap:", "Internal error:"),
    ("BUG kmalloc-", "INFO:"),
    ("BUG ", "INFO:"),
    ("BUG: Dentry", "WARNING:"),
    ("BUG: memory leak", "unreferenced object"),
    ("BUG: stack guard page was hit", "Kernel panic - not syncing:"),
    ("PANIC: double fault", "double fault:"),
    ("rust_kernel: panicked at", "kernel BUG at"),
    ("rust_kernel: panicked at", "invalid opcode:"),
    ("trusty: ", "WARNING:"),
    ("trusty: panic", "trusty: "),
    ("Booting from Hard Disk", "Booting the kernel."),
    ("SYZFATAL:", "panic: "),
    ("", "Kernel panic - not syncing:"),
];

/// All reports of one log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reports {
    /// The reports, in the order of the log.
    pub reports: Vec<CrashReport>,
    /// Reports whose text was left out because the log holds too many.
    pub without_text: usize,
    /// Reports after the first [`MOST_REPORTS`], which are only counted.
    pub left_out: usize,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Reads a log that is in memory.
pub fn read_log(input: &[u8]) -> Reports {
    let mut reader = LogReader::new();
    let consumed = reader.search(input, true);
    debug_assert_eq!(consumed, input.len(), "the end of the input ends every report");
    if !reader.found.is_empty() {
        reader.note_suppressions(input);
    }
    reader.close()
}

/// Reads a log piece by piece, in bounded memory.
#[derive(Debug, Default)]
pub struct LogReader {
    buffer: Vec<u8>,
    /// Bytes in the buffer at which it is searched.
    wanted: usize,
    /// Offset and line number of the first byte that was not consumed yet.
    offset: u64,
    line: u64,
    found: Vec<CrashReport>,
    kept_text: usize,
    without_text: usize,
    left_out: usize,
    most_reports: usize,
    panicked: bool,
    suppressed: Option<String>,
    boots: u32,
    anything_before: bool,
    /// The buffer was searched to its end and holds nothing but context.
    only_context: bool,
}

impl LogReader {
    /// A reader at the start of a log.
    pub fn new() -> Self {
        Self { boots: 1, wanted: BUFFER, most_reports: MOST_REPORTS, ..Self::default() }
    }

    /// A reader that names reports and keeps no text of them.
    pub fn of_names() -> Self {
        Self { kept_text: MOST_TEXT, ..Self::new() }
    }

    /// Takes the next piece of the log.
    pub fn push(&mut self, mut piece: &[u8]) {
        if self.skip_quiet(piece) {
            return;
        }
        self.only_context = false;
        while !piece.is_empty() {
            let room = self.wanted.saturating_sub(self.buffer.len()).max(1).min(piece.len());
            self.buffer.extend_from_slice(&piece[..room]);
            piece = &piece[room..];
            if self.buffer.len() >= self.wanted {
                self.consume(false);
                self.wanted = self.buffer.len() + BUFFER;
            }
        }
    }

    /// Is done with a piece in which nothing can be, without copying it; false when it must be read.
    fn skip_quiet(&mut self, piece: &[u8]) -> bool {
        /// Less is not worth it.
        const LEAST: usize = 4 * BEFORE;
        if !(self.only_context || self.buffer.is_empty()) || piece.len() < LEAST {
            return false;
        }
        let begun = memchr::memrchr(b'\n', &self.buffer).map_or(0, |newline| newline + 1);
        let rest = line_end(piece, 0);
        let longest = parse_console::LONGEST_LINE;
        if self.buffer.len() - begun > longest || rest > longest {
            return false;
        }
        let across = [&self.buffer[begun..], &piece[..rest]].concat();
        if anchors::find(&across).is_some() || anchors::find(piece).is_some() {
            return false;
        }
        let kept = keep_from(piece, piece.len(), 0);
        for done in [&self.buffer[..], &piece[..kept]] {
            self.line += memchr::memchr_iter(b'\n', done).count() as u64;
            self.offset += done.len() as u64;
        }
        if !self.found.is_empty() {
            self.note_suppressions(piece);
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&piece[kept..]);
        self.wanted = self.buffer.len() + BUFFER;
        self.only_context = true;
        self.anything_before = true;
        true
    }

    /// Ends the log and gives its reports.
    pub fn finish(mut self) -> Reports {
        self.consume(true);
        self.close()
    }

    fn consume(&mut self, end: bool) {
        let buffer = std::mem::take(&mut self.buffer);
        let before = self.found.len();
        let consumed = self.search(&buffer, end);
        if !self.found.is_empty() || before > 0 {
            self.note_suppressions(&buffer[..consumed]);
        }
        self.buffer = buffer;
        self.buffer.drain(..consumed);
    }

    /// Searches `input`, which begins where the reader stands; returns how many bytes are done
    /// with. All of them at the `end`.
    fn search(&mut self, input: &[u8], end: bool) -> usize {
        self.only_context = false;
        let mut counted = Counter { at: 0, line: self.line };
        let mut position = 0;
        let mut floor = 0;
        let consumed = loop {
            let Some(hit) = anchors::find(&input[position..]) else {
                self.only_context = true;
                break if end { input.len() } else { keep_from(input, input.len(), floor) };
            };
            let hit = position + hit;
            let start = line_start(input, hit, floor);
            let line_end = line_end(input, hit);
            // A line that the buffer cuts is looked at when it is whole, unless it is endless.
            if !end && line_end == input.len() && input.len() - start < AFTER {
                break keep_from(input, start, floor);
            }
            if !Self::is_interesting(
                &input[start..line_end.min(start + parse_console::LONGEST_LINE)],
            ) {
                position = line_end.max(hit + 1).min(input.len());
                continue;
            }
            // The whole report must be at hand.
            let context = keep_from(input, start, floor);
            if !end && input.len() - start <= AFTER {
                break context;
            }
            let line = counted.advance(input, context);
            // What firmware and boot loader print stands before the banner.
            let banner = memchr::memmem::find(&input[start..line_end], b"Linux version ").is_some();
            let from = if banner { context } else { start };
            let region = Region::read(input, context, line, self.offset, from, end);
            let done = self.take(&region, end);
            position = done.max(start + 1).min(input.len());
            floor = position;
        };
        // Nobody asks for a line number after the end.
        self.line = if end { counted.line } else { counted.advance(input, consumed) };
        self.offset += consumed as u64;
        self.anything_before |= consumed > 0;
        consumed
    }

    /// Whether a line with an anchor holds a header, a panic or a boot banner after all.
    fn is_interesting(raw: &[u8]) -> bool {
        compiled::holds_header(raw) || memchr::memmem::find(raw, b"Linux version ").is_some()
    }

    /// Takes the reports of a region; returns the offset from which the search goes on.
    fn take(&mut self, region: &Region<'_>, end: bool) -> usize {
        let lines = &region.lines;
        let openings = openings(region, self.anything_before || !self.found.is_empty());
        let mut floor = 0;
        for (at, line) in lines.iter().enumerate() {
            let text = &*line.text;
            if text.starts_with("Linux version ") && at >= region.first {
                if self.anything_before || region.start > 0 || at > 64 || !self.found.is_empty() {
                    self.boots += 1;
                }
                floor = at;
            }
            self.panicked |=
                region.headers[at].is_some() && text.contains("Kernel panic - not syncing");
            let Some(header) = openings.get(&at) else { continue };
            if at < region.first {
                continue;
            }
            if !region.complete && !end && line.offset >= region.safe_until {
                // Its end is not in this region: the next one begins with it.
                return usize::try_from(line.offset - self.offset).unwrap_or(region.end);
            }
            let next = |other: usize| {
                openings.get(&other).is_some_and(|(header_at, family)| {
                    !goes_on(header.1, family)
                        && has_stack(family, &lines[other].text[*header_at..])
                })
            };
            let another = |other: usize| {
                openings.get(&other).is_some_and(|(_, family)| !goes_on(header.1, family))
            };
            let Some((mut report, last)) = report::read(lines, at, *header, floor, next, another)
            else {
                continue;
            };
            if report.title == REBOOT_TITLE {
                self.boots += 1;
            }
            report.boot = self.boots;
            // What one report holds is no context of the next, unless they overlap.
            let overlap = openings.range(at + 1..).next().is_some_and(|(other, _)| *other <= last);
            floor = if overlap { at + 1 } else { last + 1 };
            if self.found.len() >= self.most_reports {
                self.left_out += 1;
                continue;
            }
            if self.kept_text + report.text.len() > MOST_TEXT {
                report.text = String::new();
                self.without_text += 1;
            }
            self.kept_text += report.text.len() + report.title.len();
            self.found.push(report);
        }
        region.end
    }

    fn note_suppressions(&mut self, input: &[u8]) {
        if self.suppressed.is_some() {
            return;
        }
        for (literal, pattern) in SUPPRESSING.literals.iter().zip(&SUPPRESSING.patterns) {
            for at in literal.find_iter(input) {
                let (start, end) = (line_start(input, at, 0), line_end(input, at));
                let text = String::from_utf8_lossy(&input[start..end.min(start + 4096)]);
                if pattern.is_match(&text) {
                    self.suppressed = Some(text.trim().to_owned());
                    return;
                }
            }
        }
    }

    fn close(self) -> Reports {
        let mut reports = self.found;
        for report in &mut reports {
            report.panicked = self.panicked;
            report.suppressed.clone_from(&self.suppressed);
        }
        number_boots(&mut reports);
        relate(&mut reports);
        Reports {
            reports,
            without_text: self.without_text,
            left_out: self.left_out,
            bytes: self.offset,
        }
    }
}

/// The lines around a hit.
struct Region<'a> {
    lines: Vec<Line<'a>>,
    /// The header of each line that has one, and where it begins there.
    headers: Vec<Option<(usize, &'static CompiledFamily)>>,
    /// Index of the first line that may begin a report.
    first: usize,
    /// Offsets within the searched input.
    start: usize,
    end: usize,
    /// The region ends because nothing more belongs to it, not because it is full.
    complete: bool,
    /// Reports that begin before this offset of the log have all their lines in the region.
    safe_until: u64,
}

impl<'a> Region<'a> {
    /// Reads lines from `context` on, as long as reports go on; `hit` is the start of the line that
    /// was hit, `line` the number of lines before `context`, `base` the offset of the input.
    fn read(
        input: &'a [u8],
        context: usize,
        line: u64,
        base: u64,
        hit: usize,
        input_ends: bool,
    ) -> Self {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut headers = Vec::new();
        let mut reader = LineReader::new();
        let (mut at, mut number) = (context, line);
        let mut first = 0;
        let mut last_header = 0;
        let mut complete = input_ends;
        while at < input.len() {
            if at <= hit {
                first = lines.len();
                last_header = lines.len();
            }
            if at > hit + AFTER {
                complete = false;
                break;
            }
            if lines.len() > last_header + MOST_LINES {
                complete = true;
                break;
            }
            let end = line_end(input, at);
            number += 1;
            reader.read(&input[at..end], number, base + at as u64, |line| lines.push(line));
            while headers.len() < lines.len() {
                headers.push(compiled::find_header(&lines[headers.len()].text));
                if headers.last().is_some_and(Option::is_some) {
                    last_header = lines.len();
                }
            }
            at = (end + 1).min(input.len());
        }
        let safe_until = base + (hit + AFTER / 2) as u64;
        Self { lines, headers, first, start: context, end: at, complete, safe_until }
    }
}

/// Newlines are counted only up to where a line number is needed.
struct Counter {
    at: usize,
    line: u64,
}

impl Counter {
    /// The number of lines that end before `to`.
    fn advance(&mut self, input: &[u8], to: usize) -> u64 {
        if to > self.at {
            self.line += memchr::memchr_iter(b'\n', &input[self.at..to]).count() as u64;
            self.at = to;
        }
        self.line
    }
}

fn line_start(input: &[u8], at: usize, floor: usize) -> usize {
    memchr::memrchr(b'\n', &input[floor..at]).map_or(floor, |newline| floor + newline + 1)
}

fn line_end(input: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &input[at..]).map_or(input.len(), |newline| at + newline)
}

/// The start of the line that lies at most [`BEFORE`] bytes before `at`.
fn keep_from(input: &[u8], at: usize, floor: usize) -> usize {
    let from = at.saturating_sub(BEFORE).max(floor);
    if from == floor {
        return floor;
    }
    match memchr::memchr(b'\n', &input[from..at]) {
        Some(newline) => from + newline + 1,
        // One endless line: nothing of it is context.
        None => at,
    }
}

type Openings = BTreeMap<usize, (usize, &'static CompiledFamily)>;

/// The lines that begin a report: those with a header that does not continue an earlier one.
fn openings(region: &Region<'_>, something_before: bool) -> Openings {
    let lines = &region.lines;
    let mut openings = Openings::new();
    let mut latest: Vec<(Option<Caller>, usize, &'static CompiledFamily)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((header_at, family)) = region.headers[at] else { continue };
        if family.excepts(&line.text) {
            continue;
        }
        if !announces(line, header_at) || is_replayed(lines, at) {
            continue;
        }
        let name = family.family.header;
        if name.starts_with("Booting") && !(something_before || rebooted(&lines[..at])) {
            continue;
        }
        let continues = latest.iter().any(|(caller, before, earlier)| {
            let near = at - before <= CONTINUES_WITHIN || name == "Kernel panic - not syncing:";
            near && (caller.is_none() || *caller == line.caller || name.starts_with("Kernel panic"))
                && CONTINUATIONS.iter().any(|(opening, next)| {
                    *next == name && (opening.is_empty() || *opening == earlier.family.header)
                })
        });
        // A symbolised report repeats its first line for every inlined function; two printers that meet say it twice.
        let repeats = at > 0
            && lines[at - 1].text.starts_with(name)
            && (lines[at - 1].text.contains("[inline]")
                || (lines[at - 1].text == line.text && has_stack(family, &line.text[header_at..])));
        if !continues && !repeats {
            openings.insert(at, (header_at, family));
            latest.retain(|(caller, ..)| *caller != line.caller);
            latest.push((line.caller, at, family));
        }
    }
    openings
}

/// Whether the header stands where the kernel puts it: at the start of the message, after a
/// subsystem's name (`watchdog: `), or after a date. In the middle of a sentence it is prose.
fn announces(line: &Line<'_>, header_at: usize) -> bool {
    static BEFORE_HEADER: LazyLock<Regex> = LazyLock::new(|| {
        crate::pattern::regex(
            r"^[\[\s*-]*(?:\S+: |NMI watchdog: |[0-9/: .,-]+|\*\* [0-9]+ printk messages dropped \*\* |<[^>]*> |CPU [0-9]+ |syzkaller login: |[A-Za-z0-9_-]+ \([^ ()]+\): |\S+/[0-9]+ |[a-z_0-9]+ [0-9a-f:.-]+: )*$",
        )
    });
    let before = &line.text[..header_at];
    line.stamp.is_some() || before.is_empty() || BEFORE_HEADER.is_match(before)
}

/// The console took the message back and prints it again.
fn is_replayed(lines: &[Line<'_>], at: usize) -> bool {
    lines
        .get(at + 1)
        .is_some_and(|line| line.text.contains("** replaying previous printk message **"))
}

/// Whether something ran before the firmware's output at the end of `lines`.
fn rebooted(lines: &[Line<'_>]) -> bool {
    let firmware = lines.iter().position(|line| {
        line.text.starts_with("SeaBIOS (") || line.text.starts_with("early console in")
    });
    lines[..firmware.unwrap_or(lines.len())]
        .iter()
        .any(|line| !line.text.trim().is_empty() && !line.text.starts_with("iPXE"))
}

/// Whether a report that begins so brings a stack of its own. A single line among those of another
/// report ends nothing.
fn has_stack(family: &CompiledFamily, head: &str) -> bool {
    // A double fault may hit while another CPU prints.
    !family.family.header.starts_with("PANIC:")
        && family
            .shapes
            .iter()
            .any(|shape| shape.shape.doubt == Doubt::NeedsTrace && shape.line.is_match(head))
}

/// Whether the second report is printed together with the first: hung tasks come in rows.
fn goes_on(first: &CompiledFamily, second: &CompiledFamily) -> bool {
    first.family.header == "INFO: task " && second.family.header == "INFO: task "
}

/// A clock that runs backwards between reports tells of a boot whose banner is missing.
fn number_boots(reports: &mut [CrashReport]) {
    let mut extra = 0;
    let mut latest = i64::MIN;
    let mut boot = 0;
    for report in reports {
        if report.boot != boot {
            boot = report.boot;
            latest = i64::MIN;
        }
        if let Some(Stamp::Boot(now)) = report.stamp {
            /// Printers may wait for each other; so much disorder is no boot.
            const DISORDER: i64 = 10_000_000;
            if now < latest.saturating_sub(DISORDER) {
                extra += 1;
                latest = now;
            }
            latest = latest.max(now);
        }
        report.boot += extra;
    }
}

fn relate(reports: &mut [CrashReport]) {
    for at in 1..reports.len() {
        let report = &reports[at];
        let earlier = |fits: &dyn Fn(&CrashReport) -> bool| {
            // Only the nearest reports can matter, and a log may hold very many.
            let from = at.saturating_sub(64);
            (from..at).find(|&before| reports[before].boot == report.boot && fits(&reports[before]))
        };
        let relation = earlier(&|other| other.title == report.title)
            .map(|to| (to, RelationKind::Repeat))
            .or_else(|| {
                earlier(&|other| other.task.is_some() && other.task == report.task)
                    .map(|to| (to, RelationKind::SameTask))
            })
            .or_else(|| earlier(&|_| true).map(|to| (to, RelationKind::SameBoot)));
        reports[at].relation = relation.map(|(to, kind)| Relation { to: to + 1, kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_beyond_the_bound_are_counted_and_not_kept() {
        let mut reader = LogReader { most_reports: 2, ..LogReader::new() };
        reader.push("[    1.000000] WARNING: odd\n".repeat(5).as_bytes());
        let all = reader.finish();
        assert_eq!((all.reports.len(), all.left_out), (2, 3));
    }
}
