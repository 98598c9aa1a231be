//! Stalls of grace periods.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, Role, Stall, StallCpu, StallPeriod};
use crate::parse;
use crate::text::{after, between, bounded, number_after};

/// A stall of any kind.
pub(super) fn stall(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let flavour = text
        .split_whitespace()
        .find(|word| word.starts_with("rcu_") && !word.ends_with(':'))
        .unwrap_or("rcu")
        .to_owned();
    let mut stall =
        Stall { flavour, self_detected: text.contains("self-detected"), ..Stall::default() };
    if kind == EventKind::RcuExpeditedStall {
        let (cpus, tasks, jiffies) = parse::expedited(text, number);
        stall.cpus = cpus;
        stall.tasks = tasks;
        stall.period = jiffies.map(|jiffies| StallPeriod {
            line: number,
            jiffies,
            number: number_after(text, " s: ").unwrap_or(0),
            completed: None,
            callbacks: None,
            cpus: None,
            detected_by: None,
            at,
        });
    } else if let Some(list) = between(text, "{", "}") {
        // Before 3.10 or so the whole stall is one line: `{ 0 2} (detected by 1, t=…)`.
        stall.cpus = list
            .split_whitespace()
            .filter_map(crate::text::number)
            .map(|cpu| StallCpu { line: number, cpu, ..Default::default() })
            .take(1024)
            .collect();
        stall.tasks = parse::stall_tasks(list, number);
        stall.period = parse::stall_period(text, number).map(|period| StallPeriod { at, ..period });
    } else if let Some(cpu) = number_after(text, "detected stall on CPU ") {
        // Before 3.10 or so a CPU that found itself said so in one line.
        stall.self_detected = true;
        stall.cpus = vec![StallCpu { line: number, cpu, ..Default::default() }];
        stall.period = parse::stall_period(text, number).map(|period| StallPeriod { at, ..period });
    }
    if let Some(event) = c.begin(context, kind, text, number, at) {
        if let [only] = stall.cpus.as_slice() {
            c.out.events[event].cpu = Some(only.cpu);
        }
        c.out.events[event].detail = Detail::Stall(Box::new(stall));
    }
    true
}

/// The thread of the grace period did not run.
pub(super) fn starved(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { text, number, at, .. } = *head;
    let Some(starved) = parse::starved(text, number) else { return false };
    let timer = text.contains("timer wakeup");
    // The stall that this line belongs to may be open in another printer's lines.
    let owner = context
        .event
        .filter(|event| matches!(c.out.events[*event].detail, Detail::Stall(_)))
        .or_else(|| {
            c.out.events.iter().rposition(|event| {
                matches!(&event.detail, Detail::Stall(stall) if stall.flavour == starved.flavour)
                    && number <= event.lines.last + 600
            })
        });
    let owner = match owner {
        Some(owner) => owner,
        None => {
            let Some(event) = c.begin(context, EventKind::RcuKthreadStarved, text, number, at)
            else {
                return true;
            };
            c.out.events[event].detail = Detail::Stall(Box::new(Stall {
                flavour: starved.flavour.clone(),
                ..Stall::default()
            }));
            event
        }
    };
    context.event = Some(owner);
    context.snapshot = None;
    if let Detail::Stall(stall) = &mut c.out.events[owner].detail {
        if timer {
            stall.timer = Some((number, None, None));
        }
        if !timer || stall.starved.is_none() {
            stall.starved = Some(starved);
        }
    }
    true
}

/// Lines of a stall.
pub(super) fn detail(c: &mut Collector, context: &mut Context, inner: &Inner<'_>) -> bool {
    match &mut c.out.events[inner.event].detail {
        Detail::Stall(stall) => of_stall(stall, context, inner),
        _ => false,
    }
}

fn of_stall(stall: &mut Stall, context: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { text, number, at, .. } = *inner;
    let text = text.strip_prefix("rcu:").map_or(text, str::trim_start);
    if let Some(period) = parse::stall_period(text, number) {
        stall.period = Some(StallPeriod { at, ..period });
        return true;
    }
    if let Some(cpu) = parse::stall_cpu(text, number) {
        if stall.cpus.len() < 1024 {
            stall.cpus.push(cpu);
        }
        return true;
    }
    if let Some(rest) = text.strip_prefix("Tasks blocked on level-") {
        stall.node_level = crate::text::number(rest);
        if let Some(range) = between(rest, "(CPUs ", ")") {
            let (a, b) = range.split_once('-').unwrap_or((range, range));
            stall.node_cpus = a.parse().ok().zip(b.parse().ok()).map(|(a, b)| (number, a, b));
        }
        stall.tasks.extend(parse::stall_tasks(rest, number));
        stall.tasks.truncate(256);
        return true;
    }
    if text.starts_with('P')
        && stall.node_cpus.is_some()
        && text.split_whitespace().all(|word| {
            word.strip_prefix('P')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    {
        stall.tasks.extend(parse::stall_tasks(text, number));
        stall.tasks.truncate(256);
        return true;
    }
    if text.starts_with("Unless ") && text.contains("OOM is now expected behavior") {
        stall.boilerplate = Some(number);
    } else if text.contains("grace-period kthread stack dump") {
        context.role = Role::GracePeriodThread;
        context.snapshot = None;
    } else if text.contains("Stack dump where RCU GP kthread last ran") {
        stall.last_ran = Some(number);
        context.role = Role::Subject;
        context.snapshot = None;
    } else if text.contains("still haven't responded to the NMI:") {
        let cpus = after(text, "NMI:").unwrap_or_default();
        stall.deaf = Some((number, bounded(cpus.trim(), 60)));
    } else if text.contains("All QSes seen") {
        stall.all_seen = Some(number);
    } else if text.contains("Stall ended before state dump start") {
        stall.ended = Some(number);
    } else if text.starts_with("Possible timer handling issue") {
        let first = stall.timer.map_or(number, |(line, ..)| line);
        stall.timer =
            Some((first, number_after(text, "cpu="), number_after(text, "timer-softirq=")));
    } else if !(text.starts_with("blocking rcu_node") || text.contains("nvcsw:")) {
        return false;
    }
    true
}
