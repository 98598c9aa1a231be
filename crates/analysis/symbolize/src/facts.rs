//! What a log says of its kernel: version, build id, where it was loaded, how large its functions are.

use std::collections::HashSet;

use parse_console::{LONGEST_LINE, Line, LineReader};

use crate::spot::{is_build_id, spots};

/// The most distinct functions that are kept of one boot.
const MOST_KNOWN: usize = 20_000;
/// The most boots that are told apart.
const MOST_BOOTS: usize = 1_000;

/// What a log says of its kernels, one a boot.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The boots, at least one.
    pub boots: Vec<Boot>,
}

/// What the lines of one boot say of its kernel; each fact with the line it stands in.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// The first line of the boot.
    pub first_line: u64,
    /// `Linux version …`, the whole line.
    pub banner: Option<(String, u64)>,
    /// The release.
    pub release: Option<(String, u64)>,
    /// The build id in hexadecimal digits.
    pub build_id: Option<(String, u64)>,
    /// `Kernel Offset: …`: how far the kernel was moved.
    pub moved: Option<(u64, u64)>,
    /// Functions of the kernel and of its modules, each offset once.
    pub known: Vec<Known>,
}

/// A function with an offset that the log prints.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// Its name.
    pub function: String,
    /// Bytes from its start.
    pub offset: u64,
    /// Its size in bytes; 0 where the line has none.
    pub size: u64,
    /// The module it is of.
    pub module: Option<String>,
    /// The address that stands beside it.
    pub address: Option<u64>,
    /// The first line that prints it.
    pub line: u64,
}

impl Facts {
    /// Which boot a line belongs to, as an index.
    pub fn boot_of(&self, line: u64) -> usize {
        self.boots.partition_point(|boot| boot.first_line <= line).saturating_sub(1)
    }
}

/// Takes a log piece by piece.
#[derive(Debug, Default)]
pub struct FactsReader {
    lines: LineReader,
    rest: Vec<u8>,
    number: u64,
    facts: Facts,
    seen: HashSet<(String, u64, Option<String>)>,
}

impl FactsReader {
    /// A reader at the start of a log.
    pub fn new() -> Self {
        let boots = vec![Boot { first_line: 1, ..Boot::default() }];
        Self { facts: Facts { boots }, ..Self::default() }
    }

    /// Takes the next piece, of any length.
    pub fn push(&mut self, piece: &[u8]) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            if self.rest.is_empty() {
                self.raw(&piece[start..end]);
            } else {
                let mut line = std::mem::take(&mut self.rest);
                line.extend_from_slice(&piece[start..end]);
                self.raw(&line);
            }
            start = end + 1;
        }
        let room = LONGEST_LINE.saturating_sub(self.rest.len());
        self.rest.extend_from_slice(&piece[start..][..(piece.len() - start).min(room)]);
    }

    /// Ends the log.
    pub fn finish(mut self) -> Facts {
        if !self.rest.is_empty() {
            let line = std::mem::take(&mut self.rest);
            self.raw(&line);
        }
        self.facts
    }

    fn raw(&mut self, raw: &[u8]) {
        self.number += 1;
        let mut lines = std::mem::take(&mut self.lines);
        lines.read(raw, self.number, 0, |line| self.line(&line));
        self.lines = lines;
    }

    fn line(&mut self, line: &Line<'_>) {
        let text = &*line.text;
        if let Some(banner) = banner(text) {
            self.boot(banner, line.number);
            return;
        }
        let Some(boot) = self.facts.boots.last_mut() else { return };
        if let Some((release, build_id)) = running(text) {
            boot.release.get_or_insert_with(|| (release.to_owned(), line.number));
            if let Some(id) = build_id {
                boot.build_id.get_or_insert_with(|| (id.to_ascii_lowercase(), line.number));
            }
        } else if let Some(moved) = moved(text) {
            boot.moved = Some((moved, line.number));
        } else if let Some(id) = stated_build_id(text) {
            boot.build_id.get_or_insert_with(|| (id.to_ascii_lowercase(), line.number));
        }
        for spot in spots(text) {
            let key = (spot.function.to_owned(), spot.offset, spot.module.map(str::to_owned));
            if boot.known.len() >= MOST_KNOWN || self.seen.contains(&key) {
                continue;
            }
            boot.known.push(Known {
                function: key.0.clone(),
                offset: spot.offset,
                size: spot.size,
                module: key.2.clone(),
                address: spot.address,
                line: line.number,
            });
            self.seen.insert(key);
        }
    }

    /// A kernel says its version: another boot, unless nothing of a kernel came before.
    fn boot(&mut self, banner: &str, line: u64) {
        let boots = &mut self.facts.boots;
        let begun =
            boots.last().is_some_and(|boot| boot.banner.is_some() || !boot.known.is_empty());
        if begun {
            // Console and journal print the same line, a moment apart.
            if boots
                .last()
                .and_then(|boot| boot.banner.as_ref())
                .is_some_and(|(text, at)| text == banner && line - at < 3)
            {
                return;
            }
            if boots.len() >= MOST_BOOTS {
                return;
            }
            boots.push(Boot { first_line: line, ..Boot::default() });
            self.seen.clear();
        }
        let Some(boot) = boots.last_mut() else { return };
        boot.release = release_of(banner).map(|release| (release.to_owned(), line));
        boot.banner = Some((banner.to_owned(), line));
    }
}

/// The kernel's own words on its version (`linux_banner` in init/version.c).
fn banner(text: &str) -> Option<&str> {
    let at = text.find("Linux version ")?;
    let banner = text[at..].trim_end();
    // Programs print the words too; the kernel's go on with the builder.
    let rest = &banner["Linux version ".len()..];
    (rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(" (")).then_some(banner)
}

/// The release in a banner, `Linux version …`.
pub fn release_of(banner: &str) -> Option<&str> {
    banner.strip_prefix("Linux version ")?.split(' ').next()
}

/// Release and build id of `CPU: 0 PID: 1 Comm: x Not tainted 6.12.0 #1 0123…` (`dump_stack_print_info`).
fn running(text: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = text.split_once(" Comm: ")?;
    let (_, rest) = rest.split_once("ainted")?;
    let mut words = rest.split_ascii_whitespace();
    let is_release =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let release = words.find(is_release)?;
    Some((release, words.next_back().filter(|word| is_build_id(word) && word.len() >= 32)))
}

/// `Kernel Offset: 0x1a000000 from 0xffffffff81000000 (…)` or `Kernel Offset: disabled`.
fn moved(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("Kernel Offset: ")?;
    if rest.starts_with("disabled") {
        return Some(0);
    }
    let digits = rest.split_ascii_whitespace().next()?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

/// `BUILD-ID=0123…` of vmcoreinfo, `vmlinux build ID: 0123…`.
fn stated_build_id(text: &str) -> Option<&str> {
    let at = ["BUILD-ID=", "build ID", "Build ID", "build-id", "build id"]
        .iter()
        .find_map(|words| text.find(words).map(|at| at + words.len()))?;
    // Programs have build ids too.
    let of_kernel =
        text.contains("vmlinux") || text.contains("ernel") || text.starts_with("BUILD-ID=");
    let word = text[at..].trim_start_matches([':', ' ', '=']).split_ascii_whitespace().next()?;
    let word = word.trim_end_matches([',', '.', ')']);
    (of_kernel && is_build_id(word) && word.len() >= 32).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(log: &str) -> Facts {
        let mut reader = FactsReader::new();
        log.as_bytes().chunks(7).for_each(|piece| reader.push(piece));
        reader.finish()
    }

    #[test]
    fn version_build_id_and_offset_are_read_where_the_kernel_prints_them() {
        let facts = facts(
            "[    0.000000] Linux version 6.12.0-x (me@here) (gcc 12) #7 SMP Thu Jan  1 00:00:00 UTC 1970\n\
             [    5.000000] CPU: 1 UID: 0 PID: 139 Comm: a b 1.2 Tainted: G           OE      6.12.0-x #7 0123456789abcdef0123456789abcdef01234567\n\
             [    5.000001] RIP: 0010:f+0x5/0x10 [m]\n\
             [    6.000000] Kernel Offset: 0x1a000000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)\n",
        );
        let [boot] = &facts.boots[..] else { panic!("{facts:?}") };
        assert_eq!(boot.release, Some(("6.12.0-x".into(), 1)));
        assert_eq!(boot.build_id, Some(("0123456789abcdef0123456789abcdef01234567".into(), 2)));
        assert_eq!(boot.moved, Some((0x1a00_0000, 4)));
        assert_eq!(boot.known.len(), 1);
        assert_eq!(boot.known[0].line, 3);
    }

    #[test]
    fn each_boot_has_facts_of_its_own() {
        let facts = facts(
            " f+0x1/0x20\nLinux version 6.1.0 (me) #1\n f+0x1/0x30\nLinux version 6.2.0 (me) #1\n f+0x1/0x40\n",
        );
        let sizes: Vec<u64> = facts.boots.iter().map(|boot| boot.known[0].size).collect();
        assert_eq!(sizes, [0x20, 0x30, 0x40]);
        assert_eq!([1, 2, 3, 4, 9].map(|line| facts.boot_of(line)), [0, 1, 1, 2, 2]);
    }

    #[test]
    fn what_programs_say_is_no_version_of_the_kernel() {
        let facts = facts(
            "perf: Linux version is old\nfoo: build id 0123456789abcdef0123456789abcdef01234567\n",
        );
        assert_eq!((&facts.boots[0].release, &facts.boots[0].build_id), (&None, &None));
    }
}
