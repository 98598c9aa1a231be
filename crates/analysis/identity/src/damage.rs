//! Whether a report is whole. A damaged report is still named, but its name may be wrong.

use std::sync::LazyLock;

use parse_console::frame;
use regex::Regex;

use crate::anchors::Literals;

/// After the start of a stack, so many lines must follow …
const LEAST_LINES: usize = 2;
/// … and one of the first so many must be a frame.
const FRAME_WITHIN: usize = 15;

static STACK_START: LazyLock<Regex> = LazyLock::new(|| {
    crate::pattern::regex(
        r"(?:Call [Tt]race ?:|^epc : \S+\+0x|^\s*[Bb]acktrace ?:|^\s*[Bb]acktrace \(crc|^Allocated(?: by task [0-9]+)?:$|^Freed(?: by task [0-9]+)?:$|INFO: (?:Allocated|Freed) in|^Stack backtrace:)",
    )
});

/// The serial console of a cloud machine that was taken over by another reader.
const CONSOLE_TAKEN: &str = "serialport: VM disconnected.";

/// The first line at which a stack begins.
pub(crate) fn stack_start(lines: &[&str]) -> Option<usize> {
    static LITERALS: LazyLock<Literals> =
        LazyLock::new(|| Literals::new(&["race", "epc :", "Allocated", "Freed"]));
    lines.iter().position(|text| LITERALS.is_in(text) && STACK_START.is_match(text))
}

/// Tells what is missing in the stack that begins at `start`, if anything is. A report may be
/// followed by stacks that are not its own, so that only the first one counts.
///
/// `stale` is the number of frames that were left out of `lines` because they may be stale.
pub(crate) fn broken_stack(lines: &[&str], start: usize, stale: usize) -> Option<String> {
    let text = lines.get(start)?;
    let rest = &lines[start + 1..];
    if rest.len() + stale < LEAST_LINES {
        return Some(format!("the log ends after `{}`", text.trim()));
    }
    let framed =
        rest.iter().take(FRAME_WITHIN).take_while(|text| !STACK_START.is_match(text)).any(|text| {
            frame::parse(text).is_some()
                || frame::instruction_pointer(text).is_some()
                || is_address(text)
        });
    (!framed).then(|| format!("no stack frame follows `{}`", text.trim()))
}

/// Whether the console was taken away in the middle of the report.
pub(crate) fn is_disconnected(lines: &[&str]) -> bool {
    lines.iter().any(|text| text.contains(CONSOLE_TAKEN))
}

/// Frames without symbols: `[<ffffffff81000000>] 0xffffffff81000000`.
fn is_address(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("[<") || text.starts_with("0x") || text.starts_with("0000")
}

/// Whether there are frames of the unwinder of arm, which prints none of the usual headings:
/// `callee from caller+0x1/0x2`.
pub(crate) fn has_arm_trace(lines: &[&str]) -> bool {
    lines
        .iter()
        .filter(|text| text.contains(" from "))
        .filter(|text| frame::parse(text).is_some_and(|frame| frame.caller.is_some()))
        .nth(1)
        .is_some()
}
