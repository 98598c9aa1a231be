//! Sleeping where that is forbidden.

use parse_console::frame;

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{AtomicReport, Detail, Task};
use crate::parse;
use crate::text::{after, bounded, hex_after, number_after};

/// A report on atomic context.
pub(super) fn atomic(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if let Some(event) = c.begin(context, kind, text, number, at) {
        let mut report =
            AtomicReport { line: number, count_line: number, ..AtomicReport::default() };
        if let Some(place) = after(text, "while atomic: ") {
            // `name/pid/0xcount`
            if let Some((task, count)) = place.trim().rsplit_once('/') {
                c.out.events[event].task = parse::name_slash_pid(task);
                report.preempt_count = crate::text::hex(count).map(|count| (count, 0));
            }
        }
        c.out.events[event].detail = Detail::Atomic(report);
    }
    true
}

/// Lines of a report.
pub(super) fn detail(c: &mut Collector, _: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Atomic(report) = &mut event.detail else { return false };
    if text.starts_with("in_atomic():") {
        report.line = number;
        report.in_atomic = number_after(text, "in_atomic():");
        report.irqs_disabled = number_after(text, "irqs_disabled():");
        report.non_block = number_after(text, "non_block:");
        if let Some(pid) = number_after(text, "pid: ") {
            event.task = Some(Task {
                name: after(text, "name: ").map(|n| bounded(n.trim(), 64)).unwrap_or_default(),
                pid: Some(pid),
            });
        }
        return true;
    }
    let pair = |key: &str| hex_after(text, key).zip(hex_after(text, "expected: "));
    if text.starts_with("Preemption disabled at:") {
        report.disabled_at = Some((number, String::new()));
        return true;
    }
    if let Some((line, function)) = &mut report.disabled_at
        && function.is_empty()
    {
        match frame::parse(text).filter(|_| number == *line + 1) {
            Some(found) => {
                *line = number;
                *function = bounded(parse::plain(found.function), 120);
                return true;
            }
            None => report.disabled_at = None,
        }
    }
    if text.starts_with("preempt_count:") {
        report.count_line = number;
        report.preempt_count = pair("preempt_count:");
        return true;
    }
    if text.starts_with("RCU nest depth:") {
        report.depth_line = number;
        report.rcu_depth = pair("RCU nest depth:");
        return true;
    }
    false
}
