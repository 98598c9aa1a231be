//! Assertions that fail.

use super::head::Head;
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, Task, Trap};
use crate::parse;
use crate::text::{after, bounded, number_after};

/// `WARNING: …`, and use of per-CPU data in preemptible code.
pub(super) fn warning(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { text, number, at, .. } = *head;
    if text.contains("BUG: using ") {
        c.begin(context, EventKind::Warning, text, number, at);
        return true;
    }
    if let Some(access) = after(text, "unchecked MSR access error: ") {
        if let Some(event) = c.begin(context, EventKind::Warning, text, number, at) {
            let function = after(access, " at rIP: ")
                .and_then(|place| after(place, "("))
                .and_then(parse_console::frame::parse)
                .map(|frame| bounded(parse::plain(frame.function), 80));
            let trap = Trap { line: number, address: None, place: None, function, oops: None };
            c.out.events[event].detail = Detail::Trap(trap);
        }
        return true;
    }
    let Some(rest) = after(text, "WARNING: ") else { return false };
    let (cpu, task, place, function) = if rest.starts_with("CPU: ") || rest.starts_with("at ") {
        let place = after(rest, "at ").unwrap_or_default();
        let mut words = place.split_whitespace();
        let pid: Option<u32> = number_after(rest, "PID: ");
        (
            number_after(rest, "CPU: "),
            pid.map(|pid| Task { name: String::new(), pid: Some(pid) }),
            words.next(),
            words.next(),
        )
    } else if let Some((place, tail)) = rest.split_once(" at ") {
        // From 6.19 or so: `WARNING: file:line at function, CPU#c: name/pid`.
        let Some((function, tail)) = tail.split_once(", CPU#") else { return false };
        let task = tail.split_once(": ").and_then(|(_, task)| parse::name_slash_pid(task));
        (crate::text::number(tail), task, Some(place), Some(function))
    } else {
        return false;
    };
    if !place.is_some_and(|place| place.contains(':')) {
        return false;
    }
    let kinds = [EventKind::RcuVoluntarySwitch, EventKind::Refcount, EventKind::Corruption];
    if c.absorbed(context, &kinds, number, 3) {
        if let Some(event) = context.event.map(|event| &mut c.out.events[event]) {
            event.cpu = event.cpu.or(cpu);
            event.task = event.task.take().or(task);
        }
        return true;
    }
    let open = context.event.map(|event| &mut c.out.events[event]);
    // Symbolised, the headline stands once for each inlined function, before anything else of the report.
    if let Some(event) = open.filter(|event| {
        event.kind == EventKind::Warning
            && context.snapshot.is_none()
            && number <= event.lines.last + 3
            && event.cpu == cpu
    }) && let Detail::Trap(trap) = &mut event.detail
        && trap.place.as_deref() == place
    {
        trap.function =
            function.map(|f| bounded(parse::plain(f.split('+').next().unwrap_or(f)), 80));
        trap.line = number;
        event.line = number;
        event.headline = bounded(text.trim(), 240);
        return true;
    }
    // The same place again: counted, and its lines belong to nothing new.
    if let Some(place) = place
        && c.folds(EventKind::Warning, place, number).is_some()
    {
        *context = Context::default();
        return true;
    }
    // `rcu_note_context_switch` warns without a text before 5.15.
    let function = function.map(|f| bounded(parse::plain(f.split('+').next().unwrap_or(f)), 80));
    let kind = if function.as_deref() == Some("rcu_note_context_switch") {
        EventKind::RcuVoluntarySwitch
    } else {
        EventKind::Warning
    };
    if let Some(event) = c.begin(context, kind, text, number, at) {
        let event = &mut c.out.events[event];
        event.cpu = cpu;
        event.task = task;
        event.detail = Detail::Trap(Trap {
            line: number,
            address: None,
            place: place.map(|p| bounded(p, 120)),
            function,
            oops: None,
        });
    }
    true
}
