//! Errors that the machine reports.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::Detail;

/// A machine check or another error.
pub(super) fn hardware(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let event = c.folds(kind, "", number).or_else(|| c.begin(context, kind, text, number, at));
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
