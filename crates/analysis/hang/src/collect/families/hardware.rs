//! Errors that the machine reports.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind};

/// Lines of one record stand together: this many others may come between two of them.
const OF_ONE_RECORD: u64 = 4;

/// The record that the line goes on with, the first one or the last that was counted.
fn goes_on(c: &mut Collector, context: &mut Context, number: u64) -> Option<usize> {
    let boot = c.out.clock.boots();
    let mut events = c.out.events.iter();
    let index = events.rposition(|e| e.boot == boot && e.kind == EventKind::Hardware)?;
    let event = &mut c.out.events[index];
    let span = event.last_repeat.as_mut().unwrap_or(&mut event.lines);
    if number > span.last + OF_ONE_RECORD {
        return None;
    }
    span.last = span.last.max(number);
    if context.event.is_none() && event.repeats == 0 {
        context.event = Some(index);
    }
    Some(index)
}

/// A machine check or another error.
pub(super) fn hardware(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let event = goes_on(c, context, number)
        .or_else(|| c.folds(kind, "", number))
        .or_else(|| c.begin(context, kind, text, number, at));
    if let Some(event) = event {
        let detail = &mut c.out.events[event].detail;
        let before = matches!(detail, Detail::Hardware { severe: true });
        *detail = Detail::Hardware { severe: before || is_severe(text) };
    }
    true
}

/// Lines of a report.
pub(super) fn detail(c: &mut Collector, _: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Hardware { severe } = &mut event.detail else { return false };
    let of_it = text.contains("[Hardware Error]") || text.starts_with("mce: ");
    *severe |= of_it && is_severe(text);
    of_it
}

/// Whether the line of a hardware error says that it was not corrected.
fn is_severe(text: &str) -> bool {
    [
        "Machine Check Exception",
        "Uncorrect",
        "ncorrected",
        "atal",
        "Memory failure",
        "Killing",
        "|UE|",
        "context corrupt",
        "panic",
    ]
    .iter()
    .any(|word| text.contains(word))
        && !text.contains("no action required")
}
