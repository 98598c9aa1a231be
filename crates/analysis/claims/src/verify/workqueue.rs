//! Workqueues: stuck pools, what is in flight, what is pending, who waits behind it.
//!
//! Lines of kernel/workqueue.c wq_watchdog_timer_fn, show_pwq, show_one_worker_pool.

use model::{Predicate, Task};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, function, number, number_after, word};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut pending = false;
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        pending &= !message.gap;
        if let Some(rest) = text.strip_prefix("BUG: workqueue lockup - pool ") {
            let cpus = after(rest, "cpus=").map(word).unwrap_or_default().to_owned();
            let seconds = number_after(rest, "stuck for ");
            facts.say(&[at], Predicate::PoolStuck { cpus, seconds });
        } else if let Some(list) = text.strip_prefix("in-flight: ") {
            pending = false;
            list.split(", ")
                .flat_map(|item| item.split(" ,"))
                .for_each(|item| in_flight(at, item, facts));
        } else if let Some(list) = text
            .strip_prefix("pending: ")
            .or_else(|| text.strip_prefix("inactive: ").or_else(|| text.strip_prefix("delayed: ")))
        {
            pending = text.starts_with("pending");
            waiting(at, list, pending, facts);
        } else if let Some(rest) = text.strip_prefix("pool ") {
            pending = false;
            idle(at, rest, facts);
        } else if pending {
            pending = false;
        }
    }
}

/// `264128:do_work [module] for 57502s`, `264128(RESCUER):do_work`, with `BAR(12)` behind it.
fn in_flight(at: usize, item: &str, facts: &mut Facts<'_>) {
    let Some((pid, rest)) = number(item.trim()) else { return };
    let Some(rest) = rest.trim_start_matches("(RESCUER)").strip_prefix(':') else { return };
    let Some(name) = function(rest) else { return };
    let seconds = after(rest, " for ")
        .and_then(number)
        .filter(|(_, unit)| unit.starts_with('s'))
        .map(|(seconds, _)| seconds);
    let worker = u32::try_from(pid).ok().map(|pid| Task { name: String::new(), pid: Some(pid) });
    facts.say(&[at], Predicate::WorkInFlight { function: name.to_owned(), worker, seconds });
    barrier(at, rest, name, facts);
}

/// `do_work, 2*other_work [module], third BAR(12)`.
fn waiting(at: usize, list: &str, pending: bool, facts: &mut Facts<'_>) {
    for item in list.split(',').map(str::trim) {
        let (count, name) = match item.split_once('*') {
            Some((count, name)) if count.bytes().all(|b| b.is_ascii_digit()) => {
                (count.parse().ok(), name)
            }
            _ => (Some(1), item),
        };
        let Some(name) = function(name) else { continue };
        if pending {
            facts.say(&[at], Predicate::WorkPending { function: name.to_owned(), count });
        }
        barrier(at, item, name, facts);
    }
}

fn barrier(at: usize, text: &str, name: &str, facts: &mut Facts<'_>) {
    // Several may flush one item.
    for rest in text.split("BAR(").skip(1).filter(|rest| rest.contains(')')) {
        let Some(pid) = number(rest).and_then(|(pid, _)| u32::try_from(pid).ok()) else { continue };
        let task = Task { name: String::new(), pid: Some(pid) };
        facts.say(&[at], Predicate::WorkBarrier { task, function: name.to_owned() });
    }
}

/// `pool 22: cpus=5 … workers=3 idle: 166929 260518`; `manager: 12` stands before `idle:`.
fn idle(at: usize, rest: &str, facts: &mut Facts<'_>) {
    let Some((pool, rest)) = number(rest) else { return };
    if !rest.starts_with(": ") || !rest.contains("workers=") {
        return;
    }
    let count = after(rest, " idle: ").map_or(0, |list| {
        list.split_ascii_whitespace()
            .take_while(|word| word.bytes().all(|b| b.is_ascii_digit()))
            .count()
    });
    facts.say(&[at], Predicate::IdleWorkers { pool, count: count as u64 });
}
