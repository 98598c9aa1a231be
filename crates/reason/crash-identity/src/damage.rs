//! Whether a report is whole. A damaged report is still named, but its name may be wrong.

use std::sync::LazyLock;

use read_console::frame;
use regex::Regex;

use crate::compiled;

/// After the start of a stack, so many lines must follow …
const LEAST_LINES: usize = 4;
/// … and one of the first so many must be a frame.
const FRAME_WITHIN: usize = 15;

static STACK_START: LazyLock<Regex> = LazyLock::new(|| {
    compiled::regex(
        r"(?:Call [Tt]race ?:|^epc : \S+\+0x|^\s*[Bb]acktrace ?:|^\s*[Bb]acktrace \(crc|^Allocated(?: by task [0-9]+)?:$|^Freed(?: by task [0-9]+)?:$|INFO: (?:Allocated|Freed) in|^Stack backtrace:)",
    )
});

/// The serial console of a cloud machine that was taken over by another reader.
const CONSOLE_TAKEN: &str = "serialport: VM disconnected.";

/// Tells what is missing in the stacks of a report, if anything is.
///
/// `stale` is the number of frames that were left out of `lines` because they may be stale.
pub(crate) fn broken_stack(lines: &[&str], stale: usize) -> Option<String> {
    // A report may be followed by stacks that are not its own: the first one counts.
    for (at, text) in lines.iter().enumerate() {
        if text.contains(CONSOLE_TAKEN) {
            return Some("the console was disconnected in the middle of the report".to_owned());
        }
        if !STACK_START.is_match(text) {
            continue;
        }
        let rest = &lines[at + 1..];
        if rest.len() + stale < LEAST_LINES {
            return Some(format!("the log ends after `{}`", text.trim()));
        }
        let framed =
            rest.iter().take(FRAME_WITHIN).take_while(|text| !STACK_START.is_match(text)).any(
                |text| {
                    frame::parse(text).is_some()
                        || frame::instruction_pointer(text).is_some()
                        || is_address(text)
                },
            );
        return (!framed).then(|| format!("no stack frame follows `{}`", text.trim()));
    }
    None
}

/// Frames without symbols: `[<ffffffff81000000>] 0xffffffff81000000`.
fn is_address(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("[<") || text.starts_with("0x") || text.starts_with("0000")
}

/// Whether a report has any stack trace. The unwinder of arm prints none of the usual headings, but
/// frames that no other line looks like: `callee from caller+0x1/0x2`.
pub(crate) fn has_trace(lines: &[&str]) -> bool {
    lines.iter().any(|text| STACK_START.is_match(text))
        || lines
            .iter()
            .filter(|text| text.contains(" from "))
            .filter(|text| frame::parse(text).is_some_and(|frame| frame.caller.is_some()))
            .nth(1)
            .is_some()
}
