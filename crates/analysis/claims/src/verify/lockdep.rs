//! Reports of lockdep: the lock wanted, the chain, the usages, the switch-off; counts that forbid sleeping.
//!
//! Lines of kernel/locking/lockdep.c and kernel/sched/core.c.

use model::{AtomicReason, LockRef, LockUsage, Predicate, Task};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, function, hex, number, number_after, task_slash};
use super::stack::{Part, Stack};
use super::tasks::{self, lock};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut wants: Option<(usize, Task)> = None;
    let mut conflict: Option<(usize, LockUsage, LockUsage)> = None;
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if message.gap {
            wants = None;
            conflict = None;
        }
        if is_wanting(text) {
            wants = task_slash(text).map(|task| (at, task));
        } else if let Some((head, task)) = &wants
            && !text.is_empty()
        {
            // A decoded place takes several lines, each with the lock.
            if !wanted(*head, at, task, text, facts) {
                wants = None;
            }
        }
        if let Some((one, other)) = usages(text) {
            conflict = Some((at, one, other));
        } else if let Some((head, one, other)) = conflict
            && let Some((found, _)) = lock(text).filter(|_| text.contains("at: "))
        {
            facts.say(&[head, at], Predicate::LockConflict { lock: found, one, other });
            conflict = None;
        }
        if text.starts_with("INFO: lockdep is turned off") {
            facts.say(&[at], Predicate::LockdepOff);
        }
        counts(at, text, facts);
        reasons(at, text, facts);
        if let Some(before) = at.checked_sub(1).filter(|_| !message.gap) {
            below(before, log.messages[before].text.trim(), at, text, facts);
        }
    }
    chains(log, facts);
    held_orders(log, facts);
}

/// The locks that reports of lockdep say their task holds.
pub(super) fn read_held(log: &Log, facts: &mut Facts<'_>) {
    held_orders(log, facts);
}

/// `a/12 is trying to acquire lock:`, `a/12 [HC0[0]:SC0[0]:HE0:SE1] is trying to acquire:`,
/// `a/12 [HC0[0]:SC1[1]:HE0:SE0] takes:`; a stamp of another message may stand behind.
fn is_wanting(text: &str) -> bool {
    let text = text.split(": [ ").next().unwrap_or(text).trim_end_matches(':');
    ["is trying to acquire lock", "is trying to lock", "] is trying to acquire", "] takes"]
        .iter()
        .any(|end| text.ends_with(end))
}

/// `but task is already holding lock:`, `and this task is already holding:`.
fn is_holding(text: &str) -> bool {
    let text = text.split(": [ ").next().unwrap_or(text).trim_end_matches(':');
    text.ends_with("task is already holding lock") || text.ends_with("task is already holding")
}

/// Says which lock a task wants; false where the line names none.
fn wanted(head: usize, at: usize, task: &Task, text: &str, facts: &mut Facts<'_>) -> bool {
    let Some((found, rest)) = lock(text) else { return false };
    if let Some(name) = after(rest, "at: ").and_then(function) {
        let function = name.to_owned();
        let says = Predicate::LockWanted { task: task.clone(), lock: found, function };
        facts.say(&[head, at], says);
    }
    true
}

/// `inconsistent {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W} usage.`
fn usages(text: &str) -> Option<(LockUsage, LockUsage)> {
    let rest = text.strip_prefix("inconsistent {")?;
    let (one, rest) = rest.split_once("} -> {")?;
    let (other, _) = rest.split_once('}')?;
    Some((usage(one)?, usage(other)?))
}

fn usage(text: &str) -> Option<LockUsage> {
    const NAMES: [(&str, LockUsage); 8] = [
        ("IN-HARDIRQ-", LockUsage::InHardirq),
        ("HARDIRQ-ON-", LockUsage::HardirqsOn),
        ("IN-SOFTIRQ-", LockUsage::InSoftirq),
        ("SOFTIRQ-ON-", LockUsage::SoftirqsOn),
        ("IN-RECLAIM_FS-", LockUsage::InReclaim),
        ("RECLAIM_FS-ON-", LockUsage::ReclaimOn),
        ("IN-FS_RECLAIM-", LockUsage::InReclaim),
        ("FS_RECLAIM-ON-", LockUsage::ReclaimOn),
    ];
    NAMES.iter().find(|(name, _)| text.starts_with(name)).map(|(_, usage)| *usage)
}

/// The stacks behind `-> #1 (&class){…}:`. Lock #n was taken while lock #n-1 was held, and #0 while the last was.
fn chains(log: &Log, facts: &mut Facts<'_>) {
    let legs: Vec<(usize, u64, LockRef, &Stack)> = log
        .stacks()
        .iter()
        .filter(|stack| stack.part == Part::Lock)
        .filter_map(|stack| {
            let head = stack.head?;
            let (depth, rest) = number(log.messages[head].text.trim().strip_prefix("-> #")?)?;
            let (found, _) = lock(rest.trim_start())?;
            Some((head, depth, LockRef { class: found.class, address: None }, stack))
        })
        .collect();
    let mut start = 0;
    while start < legs.len() {
        // A chain counts down to 0.
        let end = legs[start..]
            .iter()
            .position(|(_, depth, ..)| *depth == 0)
            .map_or(legs.len(), |zero| start + zero + 1);
        let chain = &legs[start..end];
        for (index, (at, _, then, stack)) in chain.iter().enumerate() {
            // Held was the next one of the list; for #0 the first, as the chain is closed by it.
            let Some((first_at, _, first, _)) = chain.get(index + 1).or_else(|| chain.first())
            else {
                continue;
            };
            let order = |function| Predicate::LockOrder {
                first: first.clone(),
                then: then.clone(),
                function,
            };
            let taker = stack.reliable().find(|frame| !is_lock(&frame.function));
            let lines: Vec<usize> =
                [*first_at, *at].into_iter().chain(taker.map(|frame| frame.at)).collect();
            facts.say(&lines, order(taker.map(|frame| frame.function.clone())));
            // Wrappers around the lock, and who called them.
            for frame in stack.reliable().skip_while(|frame| is_lock(&frame.function)) {
                let lines = [*first_at, *at, frame.at];
                facts.hint(&lines, order(Some(frame.function.clone())));
                let wrapper = frame.inline
                    || frame.function.contains("lock")
                    || frame.function.starts_with("inode_");
                if !wrapper {
                    break;
                }
            }
        }
        start = end;
    }
}

/// Functions of locks and of lockdep.
fn is_lock(name: &str) -> bool {
    const HEADS: [&str; 35] = [
        "lock_release",
        "up_read",
        "up_write",
        "__flush_work",
        "flush_work",
        "flush_delayed_work",
        "start_flush_work",
        "cancel_work",
        "__cancel_work",
        "cancel_delayed_work",
        "touch_work_lockdep_map",
        "lock_acquire",
        "__lock_acquire",
        "_raw_",
        "__raw_",
        "mutex_lock",
        "__mutex_lock",
        "down_",
        "__down",
        "rt_mutex",
        "rt_spin",
        "rt_read",
        "rt_write",
        "lock_sock",
        "__lock_sock",
        "percpu_down",
        "ww_mutex",
        "check_prev",
        "validate_chain",
        "check_",
        "print_circular",
        "spin_lock",
        "dump_stack",
        "__might",
        "do_raw",
    ];
    HEADS.iter().any(|head| name.starts_with(head))
}

/// The line of the request, that of the lock, the lock and where it is wanted.
type Wanted = (usize, usize, LockRef, Option<String>);

/// What a task holds when it wants another one: `… is trying to acquire lock:`, `but task is already holding lock:`.
fn held_orders(log: &Log, facts: &mut Facts<'_>) {
    let mut wanted: Option<Wanted> = None;
    let mut task: Option<Task> = None;
    let mut holding: Option<usize> = None;
    let mut acquiring: Option<usize> = None;
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if message.gap {
            (wanted, holding, acquiring) = (None, None, None);
        }
        if is_wanting(text) {
            acquiring = Some(at);
            task = task_slash(text);
            wanted = None;
            continue;
        }
        if is_holding(text) {
            holding = Some(at);
            acquiring = None;
            continue;
        }
        if text.is_empty() {
            continue;
        }
        let found = lock(text).filter(|_| text.contains("at: ")).map(|(found, rest)| {
            (found, after(rest, "at: ").and_then(function).map(str::to_owned))
        });
        if let Some(head) = acquiring {
            match found {
                Some((lock, name)) => wanted = Some((head, at, lock, name)),
                None => acquiring = None,
            }
        } else if let Some(held_head) = holding {
            let Some((first, place)) = found.or_else(|| Some((lock(text)?.0, None))) else {
                holding = None;
                continue;
            };
            let Some((head, wanted_at, then, name)) = &wanted else { continue };
            if let Some(task) = &task {
                let (task, lock) = (task.clone(), first.clone());
                let held = Predicate::Holds { task, lock, function: place };
                facts.say(&[*head, held_head, at], held);
            }
            let lines = [*head, *wanted_at, held_head, at];
            let same = then.address == first.address && then.address.is_some();
            let (one, other) = (then.clone(), first.clone());
            facts.say(&lines, Predicate::SameLock { first: one, second: other, same });
            let (then, function) = (then.clone(), name.clone());
            facts.hint(&lines, Predicate::LockOrder { first, then, function });
        }
    }
    let held = tasks::held(log);
    for (index, one) in held.iter().enumerate() {
        for other in &held[index + 1..] {
            if one.lock.address.is_some() && other.lock.address.is_some() {
                let same = one.lock.address == other.lock.address;
                facts.hint(
                    &[one.at, other.at],
                    Predicate::SameLock {
                        first: one.lock.clone(),
                        second: other.lock.clone(),
                        same,
                    },
                );
            }
        }
        if held.len() > 64 {
            break;
        }
    }
}

/// `in_atomic(): 1, irqs_disabled(): 0, non_block: 0`, `preempt_count: 1, expected: 0`,
/// `RCU nest depth: 0, expected: 0`, `BUG: scheduling while atomic: a/1/0x00000002`.
fn counts(at: usize, text: &str, facts: &mut Facts<'_>) {
    let fields = [
        ("in_atomic(): ", "in_atomic"),
        ("irqs_disabled(): ", "irqs_disabled"),
        ("non_block: ", "non_block"),
    ];
    for (mark, field) in fields {
        if let Some(value) = number_after(text, mark) {
            facts.say(
                &[at],
                Predicate::AtomicContext { field: field.to_owned(), value, expected: None },
            );
        }
    }
    let expected = number_after(text, "expected: ");
    if let Some(value) = text.strip_prefix("preempt_count: ").and_then(hex).map(|(value, _)| value)
    {
        let expected = after(text, "expected: ").and_then(hex).map(|(value, _)| value);
        facts.say(
            &[at],
            Predicate::AtomicContext { field: "preempt_count".to_owned(), value, expected },
        );
    }
    if let Some(value) = number_after(text, "RCU nest depth: ") {
        facts.say(
            &[at],
            Predicate::AtomicContext { field: "rcu_depth".to_owned(), value, expected },
        );
    }
    if let Some((_, count)) =
        text.strip_prefix("BUG: scheduling while atomic: ").and_then(|rest| rest.rsplit_once('/'))
        && let Some((value, _)) = hex(count)
    {
        facts.say(
            &[at],
            Predicate::AtomicContext { field: "preempt_count".to_owned(), value, expected: None },
        );
    }
}

/// What forbids sleeping, by the bits of the counts (include/linux/preempt.h).
fn reasons(at: usize, text: &str, facts: &mut Facts<'_>) {
    let mut say = |reason| facts.hint(&[at], Predicate::AtomicBecause { reason });
    if number_after(text, "irqs_disabled(): ").is_some_and(|value| value > 0) {
        say(AtomicReason::IrqsDisabled);
    }
    if number_after(text, "non_block: ").is_some_and(|value| value > 0) {
        say(AtomicReason::NonBlock);
    }
    if number_after(text, "RCU nest depth: ").is_some_and(|value| value > 0) {
        say(AtomicReason::RcuReader);
    }
    let count = text.strip_prefix("preempt_count: ").or_else(|| {
        text.strip_prefix("BUG: scheduling while atomic: ").and_then(|rest| rest.rsplit('/').next())
    });
    let Some((count, _)) = count.and_then(hex) else { return };
    let expected = after(text, "expected: ").and_then(hex).map_or(0, |(value, _)| value);
    if count & 0xff > expected & 0xff {
        say(AtomicReason::PreemptionDisabled);
    }
    if count & 0xff00 != 0 {
        say(AtomicReason::BottomHalves);
    }
    if count & 0xf_0000 != 0 {
        say(AtomicReason::Hardirq);
    }
    if count & 0xf0_0000 != 0 {
        say(AtomicReason::Nmi);
    }
}

/// Lines whose function stands on the next one: `Preemption disabled at:`, `… is trying to release lock (C) at:`.
fn below(head: usize, before: &str, at: usize, text: &str, facts: &mut Facts<'_>) {
    let named = super::stack::frame(text).map(|frame| frame.function);
    if before == "Preemption disabled at:"
        && let Some(function) = &named
    {
        facts.say(&[head, at], Predicate::PreemptionDisabledAt { function: function.clone() });
    }
    if let Some((task, rest)) = before.split_once(" is trying to release lock ")
        && let (Some(task), Some((found, _))) = (task_slash(task), lock(rest))
    {
        let released = |function| Predicate::LockReleased {
            task: task.clone(),
            lock: found.clone(),
            function,
        };
        facts.say(&[head], released(None));
        if named.is_some() {
            facts.say(&[head, at], released(named));
        }
    }
}
