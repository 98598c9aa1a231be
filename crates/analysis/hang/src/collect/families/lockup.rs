//! Lockups, CPUs that do not answer, spinning locks that are not released.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind};
use crate::parse;
use crate::text::{after, bounded, number_after};

/// Later reports of one lockup whose stacks are kept.
const SAMPLES: u32 = 4;

/// A soft or hard lockup.
pub(super) fn lockup(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let cpu: Option<u32> = number_after(text, "CPU#")
        .or_else(|| number_after(text, "LOCKUP on cpu "))
        .or_else(|| number_after(text, "on other CPUs "))
        .or_else(|| number_after(text, "LOCKUP other CPUS:"))
        .or_else(|| number_after(text, "CPU "))
        .or_else(|| number_after(text, "Watchdog CPU:"));
    // A line that speaks of lockups names the CPU; one that does not is a title or prose.
    if cpu.is_none() || kind == EventKind::HardLockup && !text.contains("LOCKUP") {
        return false;
    }
    let task = after(text, "! [")
        .and_then(|rest| rest.rsplit_once(']'))
        .and_then(|(task, _)| parse::name_colon_pid(task));
    let seconds = number_after(text, "stuck for ");
    let boot = c.out.clock.boots();
    // Before 4.4 or so the detector said it by an assertion of its own.
    if let Some(event) = context.event.filter(|event| {
        let event = &c.out.events[*event];
        event.kind == EventKind::Warning
            && number <= event.lines.last + 3
            && event.headline.contains("watchdog")
    }) {
        let event = &mut c.out.events[event];
        event.kind = kind;
        event.line = number;
        event.cpu = cpu;
        event.headline = bounded(text.trim(), 240);
        event.detail = Detail::Lockup { seconds };
        return true;
    }
    let earlier = c.out.events.iter().rposition(|event| {
        event.kind == kind
            && event.boot == boot
            && event.cpu == cpu
            && (task.is_none() || event.task == task)
    });
    if let Some(earlier) = earlier {
        let event = &mut c.out.events[earlier];
        event.repeats += 1;
        event.last_repeat = Some(model::LineSpan::line(number));
        // A second sample tells whether the CPU loops where it was seen first.
        if event.repeats < SAMPLES {
            let again = !event.snapshots.is_empty();
            *context =
                Context { event: Some(earlier), again, last_line: number, ..Context::default() };
            return true;
        }
        c.requester = None;
        *context = Context::default();
        return true;
    }
    // The report of another CPU is still being printed, and nothing marks the lines of either.
    let mixed = context.event.is_some_and(|event| {
        let event = &c.out.events[event];
        matches!(event.detail, Detail::Lockup { .. })
            && event.cpu != cpu
            && number <= event.lines.last + 4
    }) && context.snapshot.is_some_and(|s| c.out.snapshots[s].frames.is_empty());
    if let Some(event) = c.begin(context, kind, text, number, at) {
        let event = &mut c.out.events[event];
        event.cpu = cpu;
        event.task = task;
        event.detail = Detail::Lockup { seconds };
        context.mixed = mixed;
    }
    true
}

/// A CPU that does not answer a function call.
pub(super) fn silent_cpu(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let (Some(from), Some(to)) = (number_after(text, "on CPU#"), number_after(text, "for CPU#"))
    else {
        return false;
    };
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].cpu = Some(to);
        c.out.events[event].detail = Detail::Csd { from, to };
    }
    true
}

/// A spinning lock that is not released.
pub(super) fn spin(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if let Some(event) = c.begin(context, kind, text, number, at) {
        let event = &mut c.out.events[event];
        event.cpu = number_after(text, "on CPU#");
        event.task = after(text, "on CPU#")
            .and_then(|rest| rest.split_once(", "))
            .and_then(|(_, task)| parse::name_slash_pid(task.split(", ").next()?));
        event.detail = Detail::Spin { owner: None };
    }
    true
}

/// Lines of a spinning lock.
pub(super) fn detail(c: &mut Collector, _: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Spin { owner } = &mut event.detail else { return false };
    let named = after(text, ".owner: ")
        .and_then(|rest| rest.split(", .owner_cpu").next())
        .and_then(|task| parse::name_slash_pid(task.trim()))
        // `<none>/-1`: nobody has it.
        .filter(|task| task.pid.is_some_and(|pid| pid < 1 << 22));
    if let Some(task) = named {
        owner.get_or_insert((number, task));
        true
    } else {
        text.contains(".magic:")
    }
}
