//! Which function names a report.

use std::sync::LazyLock;

use parse_console::frame;
use parse_console::reports::{Choice, Look};
use regex::{Regex, RegexSet};

use crate::anchors::Literals;
use crate::compiled::CompiledShape;
use crate::names;

/// What was found for a title.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The function for `{F}`, as printed (compiler suffixes taken off).
    pub(crate) function: Option<String>,
    /// The function for `{O}`: where uninitialised memory came from.
    pub(crate) origin: Option<String>,
    /// Fault injection stands in the stack.
    pub(crate) injected: bool,
}

/// Lines at which a stack that belongs to something else begins.
static OTHER_STACKS: LazyLock<Regex> = LazyLock::new(|| {
    crate::pattern::regex(
        r"^(?:Allocated by|Freed by|Last potentially|Second to last|The buggy address|Memory state|Kernel panic - not|Showing all locks|Showing busy|Uninit was|Local variable|Bytes [0-9]+|Sending NMI|---\[ end)",
    )
});

/// Whether a stack trace begins at the line. Most lines are done with by the one short search.
pub(crate) fn begins_trace(text: &str) -> bool {
    static RACE: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new("race"));
    (text.ends_with('>') || RACE.find(text.as_bytes()).is_some()) && TRACE.is_match(text)
}

/// Lines at which a stack trace begins.
static TRACE: LazyLock<Regex> = LazyLock::new(|| {
    crate::pattern::regex(
        r"Call [Tt]race ?:|^\s*(?:[Bb]acktrace ?:|[Bb]acktrace \(crc|stack backtrace:|\[<[0-9a-f]+>\] \(unwind_backtrace|unwind_backtrace from |<(?:IRQ|TASK)>$)",
    )
});

static INJECTED: LazyLock<RegexSet> =
    LazyLock::new(|| crate::pattern::regex_set([r"^should_fail", r"^__should_fail"]));

/// Finds the functions of a report. `lines` begin with the first line of the report; `groups` are
/// those of the shape's patterns, from 1 on.
pub(crate) fn find(shape: &CompiledShape, lines: &[&str], groups: &[String]) -> Found {
    let mut found = Found::default();
    for (look, start) in shape.shape.function.iter().zip(&shape.starts) {
        if let Look::AnyGroup(number) = look {
            found.function = groups.get(number - 1).map(|name| names::plain(name));
            break;
        }
        let candidates = candidates_at(shape, look, start.as_ref(), lines, groups);
        // A warning that the processor trapped has its own function in the registers alone.
        let mut seen_caller = match shape.shape.choice {
            Choice::Caller(callee) => {
                let in_trace = frames_after(lines, begins_trace).any(|name| name == callee);
                (!in_trace).then_some(callee)
            }
            _ => None,
        };
        for name in candidates {
            found.injected |= INJECTED.is_match(&name);
            if let Choice::Caller(callee) = shape.shape.choice
                && name == callee
            {
                seen_caller = Some(callee);
                continue;
            }
            if found.injected {
                break;
            }
            if shape.passes_over(&name) {
                continue;
            }
            found.injected = intruded(lines, &name);
            if found.injected {
                break;
            }
            found.function = Some(match seen_caller {
                Some(callee) => format!("{name}/{callee}"),
                None => name,
            });
            break;
        }
        if found.function.is_some() {
            break;
        }
    }
    found.origin = origin(shape, lines);
    found
}

/// The functions of one place, innermost first.
fn candidates_at<'a>(
    shape: &CompiledShape,
    look: &Look,
    start: Option<&'a Regex>,
    lines: &'a [&'a str],
    groups: &[String],
) -> Box<dyn Iterator<Item = String> + 'a> {
    match look {
        Look::Group(number) | Look::AnyGroup(number) => {
            let name = groups.get(number - 1).filter(|name| !name.is_empty());
            Box::new(name.map(|name| names::plain(name)).into_iter())
        }
        Look::InstructionPointer => Box::new(instruction_pointer(lines).into_iter()),
        // Where the processor's registers are printed inside the trace, what lies above them is
        // the handling of the trap.
        Look::Trace if shape.shape.function.contains(&Look::InstructionPointer) => {
            let trapped = lines.iter().position(|text| is_kernel_registers(text)).unwrap_or(0);
            let from = if has_trace_before(lines, trapped) { trapped } else { 0 };
            match from {
                0 => Box::new(frames_after(lines, begins_trace)),
                from => Box::new(frames_after(&lines[from..], |_| true)),
            }
        }
        Look::Trace => Box::new(frames_after(lines, begins_trace)),
        Look::After(_) => match start {
            Some(start) => Box::new(frames_after(lines, |text| start.is_match(text))),
            None => Box::new(std::iter::empty()),
        },
        Look::Line(_) => {
            let named = start.and_then(|line| lines.iter().find_map(|text| line.captures(text)));
            let name = named.and_then(|groups| Some(names::plain(groups.get(1)?.as_str())));
            Box::new(name.into_iter())
        }
        Look::Frames => Box::new(frames_after(lines, |_| true)),
    }
}

/// All functions that might name the report, helpers too, in the order in which they are tried.
pub(crate) fn candidates(shape: &CompiledShape, lines: &[&str], groups: &[String]) -> Vec<String> {
    let places = shape.shape.function.iter().zip(&shape.starts);
    places
        .flat_map(|(look, start)| candidates_at(shape, look, start.as_ref(), lines, groups))
        .collect()
}

/// Whether another CPU's report stands between the first line and the frame that would name this one,
/// in a log that does not name the printers.
fn intruded(lines: &[&str], name: &str) -> bool {
    static INTRUDERS: LazyLock<Literals> = LazyLock::new(|| {
        Literals::new(&[
            "FAULT_INJECTION: forcing",
            "allocation failure: ",
            " mems_allowed=",
            " should_fail",
        ])
    });
    lines.iter().take_while(|text| !text.contains(name)).take(40).any(|text| INTRUDERS.is_in(text))
}

fn has_trace_before(lines: &[&str], at: usize) -> bool {
    lines[..at].iter().any(|text| begins_trace(text))
}

/// The function at the instruction pointer of the kernel.
pub(crate) fn instruction_pointer(lines: &[&str]) -> Option<String> {
    let text = lines.iter().find(|text| is_kernel_registers(text))?;
    frame::instruction_pointer(text).map(|frame| names::plain(frame.function))
}

/// Whether the line shows where the kernel was, with a name or without; `RIP: 0033:` and
/// `RIP: 0023:` are of user space.
pub(crate) fn is_kernel_registers(text: &str) -> bool {
    const KERNEL: [&str; 3] = ["RIP: 0010:", "RIP: e030:", "EIP: 0060:"];
    let text = text.trim();
    // Symbolised text has a line for every inlined function before the line of the raw log.
    if text.ends_with("[inline]") {
        return false;
    }
    KERNEL.iter().any(|head| text.starts_with(head)) || frame::instruction_pointer(text).is_some()
}

/// The functions of the frames after the first line that `starts`, up to a stack that belongs to
/// something else. Inlined frames are left out: raw logs do not have them, and both give one title.
fn frames_after(lines: &[&str], starts: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let start = lines.iter().position(|text| starts(text)).map_or(lines.len(), |start| start + 1);
    lines[start..]
        .iter()
        .take_while(|text| text.starts_with(' ') || !OTHER_STACKS.is_match(text))
        .filter_map(|text| {
            frame::parse(text)
                .or_else(|| frame::instruction_pointer(text))
                .or_else(|| lock_site(text))
        })
        .filter(|frame| !frame.inline && frame.reliable)
        // arm names both ends of each call; only the first callee is not the caller of a line before.
        .scan(false, |chained, frame| {
            let callee = (!*chained || frame.caller.is_none()).then_some(frame.function);
            *chained = frame.caller.is_some();
            Some(callee.into_iter().chain(frame.caller))
        })
        .flatten()
        .map(names::plain)
}

/// `…, at: f+0x1/0x2`: where a lock is or was taken.
fn lock_site(text: &str) -> Option<frame::Frame<'_>> {
    let (_, site) = text.split_once(", at: ")?;
    frame::parse(site)
}

/// Where uninitialised memory came from.
fn origin(shape: &CompiledShape, lines: &[&str]) -> Option<String> {
    let start = lines.iter().position(|text| text.starts_with("Uninit was"))?;
    lines[start + 1..]
        .iter()
        .filter_map(|text| frame::parse(text))
        .filter(|frame| !frame.inline)
        .map(|frame| names::plain(frame.function))
        .find(|name| !shape.passes_over(name))
}
