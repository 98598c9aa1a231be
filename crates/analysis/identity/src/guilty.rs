//! The source file that a symbolised report points at.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::tables::files::NEVER_GUILTY;

static IGNORED: LazyLock<RegexSet> = LazyLock::new(|| {
    let anchored = NEVER_GUILTY.iter().map(|pattern| format!("^(?:{pattern})"));
    match RegexSet::new(anchored) {
        Ok(set) => set,
        Err(error) => panic!("a table holds a bad pattern: {error}"),
    }
});

/// The guilty file of a report: the first path that is not ignored, or a deeper one in the same
/// directory further down; the very first path when all are ignored; `None` in raw text.
pub(crate) fn file(lines: &[&str], stall: bool) -> Option<String> {
    let from = if stall { interrupted(lines) } else { 0 };
    let mut first: Option<&str> = None;
    let mut guilty: Option<&str> = None;
    let from = from.min(lines.len());
    for text in &lines[from..] {
        let Some(path) = path(text) else { continue };
        if is_lock_list(text) {
            continue;
        }
        first.get_or_insert(path);
        if IGNORED.is_match(path) {
            continue;
        }
        match guilty {
            None => guilty = Some(path),
            Some(chosen) if strictly_deeper(path, chosen) => guilty = Some(path),
            Some(_) => {}
        }
    }
    guilty.or(first).map(str::to_owned)
}

/// `path` lies in a subdirectory of the directory of `chosen`.
fn strictly_deeper(path: &str, chosen: &str) -> bool {
    let directory = |file: &str| file.rfind('/').map_or(0, |at| at + 1);
    let (chosen_end, path_end) = (directory(chosen), directory(path));
    chosen_end > 0 && path_end > chosen_end && path[..path_end].starts_with(&chosen[..chosen_end])
}

/// ` #0: (lock), at: f+0x1/0x2 file.c:3` and its like: where a lock was taken, where interrupts were
/// last switched, what a register points at, tell nothing.
fn is_lock_list(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with('#') && text.contains(", at: "))
        || text.starts_with("hardirqs last ")
        || text.starts_with("softirqs last ")
        || text.starts_with("Register ")
}

/// Entries of the timer interrupt.
const TICKS: [&str; 4] = ["apic_timer_interrupt", "el1_irq+", "el1h_64_irq+", "__irq_svc"];

/// The first line of the code that the timer interrupted: after the frame of the interrupt.
fn interrupted(lines: &[&str]) -> usize {
    lines.iter().position(|text| TICKS.iter().any(|tick| text.contains(tick))).unwrap_or(0)
}

/// The first `path.c:12` of a line.
fn path(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let names_source = |colon: usize| {
        let before = &bytes[..colon];
        before.ends_with(b".c") || before.ends_with(b".h") || before.ends_with(b".rs")
    };
    if !memchr::memchr_iter(b':', bytes).any(names_source) {
        return None;
    }
    text.split_ascii_whitespace().find_map(|word| {
        let (path, line) = word.rsplit_once(':')?;
        // `file.c:12:3` carries a column.
        let (path, line) = match path.rsplit_once(':') {
            Some((inner, number)) if number.bytes().all(|b| b.is_ascii_digit()) => (inner, number),
            _ => (path, line),
        };
        let digits = line.trim_end_matches([')', ',', ']', '!', '.']);
        let source = path.ends_with(".c") || path.ends_with(".h") || path.ends_with(".rs");
        let path = path.strip_prefix("./").unwrap_or(path);
        (source
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !path.starts_with('/')
            && !path.contains("..")
            && path.contains('/'))
        .then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_and_headers_are_passed_over() {
        let lines = [
            "BUG: KASAN: x in memcpy+0x1/0x2 lib/string.c:3",
            " memcpy include/linux/string.h:3 [inline]",
            " a+0x1/0x2 net/core/sock.c:3",
            " b+0x1/0x2 net/ipv4/tcp.c:9",
        ];
        assert_eq!(file(&lines, false).as_deref(), Some("net/ipv4/tcp.c"));
    }

    #[test]
    fn a_deeper_file_of_the_same_directory_is_nearer_to_the_bug() {
        let lines =
            [" a+0x1/0x2 fs/super.c:3", " b+0x1/0x2 fs/ext4/super.c:9", " c+0x1/0x2 fs/open.c:9"];
        assert_eq!(file(&lines, false).as_deref(), Some("fs/ext4/super.c"));
    }

    #[test]
    fn raw_text_has_no_guilty_file() {
        assert_eq!(file(&[" a+0x1/0x2"], false), None);
    }
}
