//! Which lines belong to a report: those of the same printer, from a few lines before the first
//! line to where something else begins.

use parse_console::{Caller, Line, frame};

/// Lines before the first line that are shown with it, when the printer is not named.
const CONTEXT: usize = 5;
/// The same when every line names its task: what it said before is then surely its own.
const TASK_CONTEXT: usize = 50;
/// From so many lines on, a panic or a lock report that follows is cut off: it is an echo.
const ECHO_AFTER: usize = 22;
/// The same for KMSAN, whose reports are shorter.
const KMSAN_ECHO_AFTER: usize = 16;
/// Lines of one report that are read. Dumps of all locks of a large system stay below.
pub(crate) const MOST_LINES: usize = 2_000;

/// The lines of one report, as indices into the lines it was cut from.
#[derive(Debug)]
pub(crate) struct Collected {
    /// All kept lines, context first.
    pub(crate) kept: Vec<usize>,
    /// Which of `kept` is the first line of the report.
    pub(crate) header: usize,
    /// Lines in between that belong to other printers or programs.
    pub(crate) foreign: usize,
    /// Stale frames (`?`) that were left out.
    pub(crate) stale: usize,
    /// The report was cut because [`MOST_LINES`] were reached.
    pub(crate) cut: bool,
}

/// Collects the report whose first line is `lines[header]`; nothing before `floor` is taken, and
/// the report ends before `ceiling` at the latest (where the next report begins).
pub(crate) fn collect(
    lines: &[Line<'_>],
    header: usize,
    floor: usize,
    next: impl Fn(usize) -> bool,
    kmsan: bool,
) -> Collected {
    let first = &lines[header];
    let stamped = is_stamped(lines, header);
    let context =
        if matches!(first.caller, Some(Caller::Task(_))) { TASK_CONTEXT } else { CONTEXT };
    let mut kept: Vec<usize> = (floor..header)
        .rev()
        .filter(|&at| {
            !is_noise(&lines[at].text)
                && same_printer(first, &lines[at], stamped, false)
                && !is_stale(&lines[at])
        })
        .take(context)
        .collect();
    kept.reverse();
    let header_at = kept.len();
    kept.push(header);
    let echo_after = if kmsan { KMSAN_ECHO_AFTER } else { ECHO_AFTER };
    let (mut foreign, mut stale, mut backtraces) = (0, 0, false);
    let mut end = header + 1;
    let mut cut = false;
    while end < lines.len() {
        let line = &lines[end];
        if kept.len() - header_at >= MOST_LINES {
            cut = true;
            break;
        }
        // A message of several lines is stamped once by some writers; the rest is indented.
        let continues = kept.last() == Some(&(end - 1)) && line.text.starts_with("        ");
        if is_noise(&line.text)
            || !(same_printer(first, line, stamped, backtraces) || (stamped && continues))
        {
            foreign += 1;
            end += 1;
            if next(end - 1) && foreign > MOST_LINES {
                break;
            }
            continue;
        }
        let length = kept.len() - header_at;
        if length > echo_after && (is_echo(&line.text) || next(end)) {
            break;
        }
        if line.text.starts_with("Sending NMI from CPU") {
            backtraces = true;
        }
        if is_stale(line) {
            stale += 1;
        } else {
            kept.push(end);
        }
        end += 1;
    }
    Collected { kept, header: header_at, foreign, stale, cut }
}

/// Whether a line comes from the same printer as the first line of a report. While CPUs answer a
/// request for backtraces, the lines of all CPUs belong to it.
fn same_printer(first: &Line<'_>, line: &Line<'_>, stamped: bool, backtraces: bool) -> bool {
    match (first.caller, line.caller) {
        (Some(caller), Some(other)) => {
            caller == other || (backtraces && matches!(other, Caller::Cpu(_)))
        }
        (Some(_), None) => false,
        (None, _) => !stamped || line.stamp.is_some(),
    }
}

/// Whether the lines of the report carry stamps, so that one without is not of the kernel. A
/// program may have put a date in front of the first line alone.
fn is_stamped(lines: &[Line<'_>], header: usize) -> bool {
    const SAMPLE: usize = 8;
    let after = &lines[header + 1..lines.len().min(header + 1 + SAMPLE)];
    lines[header].stamp.is_some()
        && (after.is_empty() || after.iter().any(|line| line.stamp.is_some()))
}

/// Records of the audit subsystem come by the hundred and tell nothing of a crash.
fn is_noise(text: &str) -> bool {
    text.starts_with("audit: type=")
}

fn is_echo(text: &str) -> bool {
    // Both words hold a capital that is rare in stacks: most lines are done with at once.
    (memchr::memchr(b'K', text.as_bytes()).is_some() && text.contains("Kernel panic - not syncing"))
        || (memchr::memchr(b'W', text.as_bytes()).is_some()
            && text.contains("WARNING: possible circular locking dependency detected"))
}

fn is_stale(line: &Line<'_>) -> bool {
    let text = line.text.as_bytes();
    (memchr::memchr(b'?', text).is_some() || text.ends_with(b"(unreliable)"))
        && frame::parse(&line.text).is_some_and(|frame| !frame.reliable)
}
