//! Worker pools and work functions.

use model::Task;

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, WorkqueueReport};
use crate::parse;
use crate::text::{after, between, bounded, number_after};

/// A pool that is stuck, a work function that hogs a CPU or leaks a section.
pub(super) fn workqueue(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let mut report = WorkqueueReport::default();
    let mut task = None;
    match kind {
        EventKind::WorkqueueLockup => {
            report.cpus = crate::text::word_after(text, "cpus=")
                .map(|cpus| bounded(cpus, 40))
                .unwrap_or_default();
            report.seconds = number_after(text, "stuck for ");
            if c.folds(kind, "", number).is_some() {
                let index = c.out.events.iter().rposition(|event| event.kind == kind);
                let empty = index.is_some_and(|i| matches!(&c.out.events[i].detail, Detail::Workqueue(r) if r.in_flight.is_empty() && r.pending.is_empty()));
                *context = Context { event: index.filter(|_| empty), ..Context::default() };
                return true;
            }
        }
        EventKind::WorkqueueHog => {
            report.function = text
                .split(" hogged CPU for")
                .next()
                .and_then(|head| head.split_whitespace().next_back())
                .map(|f| bounded(parse::plain(f), 80));
            let name = report.function.clone().unwrap_or_default();
            if c.folds(kind, &name, number).is_some() {
                return false;
            }
            let keep = context.clone();
            if let Some(event) = c.begin(context, kind, text, number, at) {
                c.out.events[event].detail = Detail::Workqueue(report);
            }
            *context = keep;
            return false;
        }
        _ => {
            report.function = after(text, "workfn=").map(|f| bounded(parse::plain(f.trim()), 80));
            task = between(text, "RCU: ", "[")
                .zip(between(text, "[", "]"))
                .and_then(|(name, pid)| Some(Task::new(bounded(name, 64), pid.parse().ok()?)));
        }
    }
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].detail = Detail::Workqueue(report);
        c.out.events[event].task = task;
    }
    true
}

/// Items kept of each list of a report.
const KEPT: usize = 64;

/// Lines of such a report.
pub(super) fn detail(c: &mut Collector, _: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Workqueue(report) = &mut event.detail else { return false };
    if let Some(rest) = after(text, "in-flight: ") {
        for item in rest.split(", ").take(32) {
            let mut parts = item.splitn(2, ':');
            let pid = parts
                .next()
                .and_then(|pid| pid.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok());
            if report.in_flight.len() < KEPT
                && let (Some(pid), Some(function)) = (pid, parts.next())
            {
                report.in_flight.push((
                    number,
                    pid,
                    bounded(
                        parse::plain(function.split([' ', ',']).next().unwrap_or(function)),
                        80,
                    ),
                ));
            }
        }
        return true;
    }
    if let Some(rest) = after(text, "pending: ") {
        if report.pending.len() < KEPT {
            report.pending.push((number, bounded(rest, 120)));
        }
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_an_endless_list_keeps_the_first_items() {
        let mut log = String::from(
            "[    1.000000] BUG: workqueue lockup - pool cpus=3 node=0 flags=0x0 nice=0 stuck for 41s!\n[    1.000001] workqueue events: flags=0x0\n",
        );
        for n in 0..3 * KEPT {
            log += &format!("[    1.000002]     in-flight: 7{n}:turn_bed, 8{n}:turn_bed\n");
        }
        let mut collector = Collector::new();
        for line in parse_console::lines(log.as_bytes()) {
            collector.line(&line);
        }
        let seen = collector.finish();
        let Detail::Workqueue(report) = &seen.events[0].detail else { panic!("no pool") };
        assert_eq!(report.in_flight.len(), KEPT);
    }
}
