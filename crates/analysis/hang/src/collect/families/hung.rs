//! Hung tasks.

use super::head::Head;
use crate::clock::Moment;
use crate::collect::state::{Collector, Context, MEMBER_LIMIT};
use crate::event::{Detail, EventKind, HungScan, HungTask, Task};
use crate::parse;

/// Two prints of the hung task detector this close in time belong to one scan, microseconds.
const SAME_SCAN: i64 = 10_000_000;

/// A task that the detector names.
pub(super) fn hung(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { text, number, at, .. } = *head;
    if let Some((waiter, owner, how)) = parse::owner(text) {
        for event in c.out.events.iter_mut().rev().take(4) {
            if let Detail::Hung(scan) = &mut event.detail
                && let Some(member) =
                    scan.members.iter_mut().rfind(|member| member.task.pid == waiter.pid)
            {
                member.owner = Some((number, owner, how));
                event.lines.last = event.lines.last.max(number);
                // What follows is the stack of the owner.
                context.member = None;
                context.snapshot = None;
                return true;
            }
        }
        // Its own report is lost; the line says as much.
        let scan = c.scan.filter(|scan| {
            let event = &c.out.events[*scan];
            event.boot == c.out.clock.boots() && number < event.lines.last + 400
        });
        if let Some(Detail::Hung(scan)) = scan.map(|scan| &mut c.out.events[scan].detail)
            && scan.members.len() < MEMBER_LIMIT
        {
            scan.members.push(HungTask {
                line: number,
                task: waiter,
                seconds: 0,
                in_io_wait: false,
                snapshot: None,
                owner: Some((number, owner, how)),
                at,
            });
            return true;
        }
        return false;
    }
    let headless = text.contains("hung_task_timeout_secs");
    if headless {
        let expected = context.member.is_some() && number <= context.last_line + 3;
        if expected || !text.contains("echo") {
            return expected;
        }
    }
    let (task, seconds, in_io_wait) = match parse::hung(text) {
        Some(found) => found,
        // The first line is lost; the header that follows names the task.
        None if headless => (Task::default(), 0, false),
        None => return false,
    };
    let scan = c.scan.filter(|scan| same_scan(c, *scan, &task, seconds, number, at));
    let index = match scan {
        Some(index) => index,
        None => {
            let Some(index) = c.begin(context, EventKind::HungTasks, text, number, at) else {
                return true;
            };
            c.out.events[index].detail = Detail::Hung(HungScan::default());
            c.out.events[index].task = Some(task.clone());
            c.scan = Some(index);
            index
        }
    };
    *context = Context { event: Some(index), ..Context::default() };
    if let Detail::Hung(scan) = &mut c.out.events[index].detail {
        scan.listed = false;
        if scan.members.len() < MEMBER_LIMIT {
            scan.members.push(HungTask {
                line: number,
                task,
                seconds,
                in_io_wait,
                snapshot: None,
                owner: None,
                at,
            });
            context.member = Some(scan.members.len() - 1);
        } else {
            scan.more += 1;
        }
    }
    true
}

fn same_scan(
    c: &Collector,
    scan: usize,
    task: &Task,
    seconds: u32,
    number: u64,
    at: Option<Moment>,
) -> bool {
    let event = &c.out.events[scan];
    let Detail::Hung(members) = &event.detail else { return false };
    let Some(last) = members.members.last() else { return true };
    if event.boot != c.out.clock.boots()
        || members.members.iter().any(|member| task.pid.is_some() && member.task.pid == task.pid)
    {
        return false;
    }
    match (last.at, at) {
        (Some(earlier), Some(later)) => {
            c.out.clock.between(earlier, later).is_some_and(|gap| gap.abs() < SAME_SCAN)
        }
        _ => {
            (seconds.abs_diff(last.seconds) < 5 || last.seconds == 0)
                && number < event.lines.last + 400
        }
    }
}
