//! The source file that a symbolised report points at.

use std::sync::LazyLock;

use regex::RegexSet;

use parse_console::reports::{Choice, FAMILIES};

use crate::report::CrashReport;
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
    let found = choose(lines, stall, &mut |text| Some((path(text)?, ())))?;
    Some(found.0.to_owned())
}

/// As the guilty file of a report is chosen, for text that names functions only: `file_of` tells the file of a
/// function. Gives the file and the function that led to it; the latter is empty where the text itself has the path.
pub fn guilty_file(
    report: &CrashReport,
    file_of: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<(String, String)> {
    let lines: Vec<&str> = report.text.lines().collect();
    let is_stall = report.row.is_some_and(|row| {
        let families = FAMILIES.iter().flat_map(|table| table.iter());
        let mut same = families.filter(|family| family.header == row.header);
        let shape = same.find_map(|family| family.shapes.get(row.shape));
        shape.is_some_and(|shape| shape.choice == Choice::Entry)
    });
    choose(&lines, is_stall, &mut |text| match path(text) {
        Some(path) => Some((path.to_owned(), String::new())),
        None => {
            let function = function(text)?;
            Some((file_of(function)?, function.to_owned()))
        }
    })
}

/// Chooses among what `read` finds in the lines.
fn choose<'t, P: AsRef<str> + Clone, W: Clone>(
    lines: &[&'t str],
    stall: bool,
    read: &mut dyn FnMut(&'t str) -> Option<(P, W)>,
) -> Option<(P, W)> {
    let from = if stall { interrupted(lines) } else { 0 };
    let mut first: Option<(P, W)> = None;
    let mut guilty: Option<(P, W)> = None;
    let from = from.min(lines.len());
    for &text in &lines[from..] {
        if is_lock_list(text) {
            continue;
        }
        let Some(found) = read(text) else { continue };
        first.get_or_insert_with(|| found.clone());
        let path = found.0.as_ref();
        if IGNORED.is_match(path) {
            continue;
        }
        match &guilty {
            None => guilty = Some(found),
            Some(chosen) if strictly_deeper(path, chosen.0.as_ref()) => guilty = Some(found),
            Some(_) => {}
        }
    }
    guilty.or(first)
}

/// The function of the first `function+0x1/0x2` of a line; not of a frame that is marked as stale.
fn function(text: &str) -> Option<&str> {
    let mut before = "";
    for word in text.split_ascii_whitespace() {
        if let Some((name, offset)) = word.split_once("+0x")
            && offset.contains("/0x")
        {
            let name = name.rsplit([':', '(', '<', '[', '=']).next()?;
            return (before != "?" && !name.is_empty()).then_some(name);
        }
        before = word;
    }
    None
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
    fn the_files_of_functions_stand_in_for_paths() {
        let log =
            b"[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
            [    5.000001] #PF: supervisor read access in kernel mode\n\
            [    5.000002] Oops: Oops: 0000 [#1] PREEMPT SMP\n\
            [    5.000003] CPU: 0 UID: 0 PID: 9 Comm: a Not tainted 6.12.0 #1\n\
            [    5.000004] RIP: 0010:memcpy_gear+0x1/0x20\n\
            [    5.000005] Call Trace:\n\
            [    5.000006]  <TASK>\n\
            [    5.000007]  ? stale_one+0x1/0x20\n\
            [    5.000008]  pump_run+0x1/0x20\n\
            [    5.000009]  </TASK>\n";
        let report = &crate::read_log(log).reports[0];
        let mut file_of = |function: &str| match function {
            "memcpy_gear" => Some("lib/gear.c".to_owned()),
            "stale_one" => Some("fs/stale.c".to_owned()),
            "pump_run" => Some("drivers/pump/run.c".to_owned()),
            _ => None,
        };
        let found = guilty_file(report, &mut file_of);
        assert_eq!(found, Some(("drivers/pump/run.c".to_owned(), "pump_run".to_owned())));
        assert_eq!(guilty_file(report, &mut |_| None), None);
    }

    #[test]
    fn raw_text_has_no_guilty_file() {
        assert_eq!(file(&[" a+0x1/0x2"], false), None);
    }
}
