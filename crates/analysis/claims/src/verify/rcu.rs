//! RCU stalls: age, starved threads, holdouts, callbacks, the tick rate.
//!
//! Lines of kernel/rcu/tree_stall.h and tree_exp.h.

use model::{CpuId, Predicate, Task};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, between, hex, number, number_after};

/// The age of a grace period as a line tells it.
struct Age {
    at: usize,
    number: i64,
    jiffies: u64,
    time: Option<i64>,
}

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut ages: Vec<Age> = Vec::new();
    let mut by_itself: Option<usize> = None;
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        if let Some((number, jiffies)) = age(text) {
            facts.say(&[at], Predicate::GracePeriodAge { number, jiffies });
            ages.push(Age { at, number, jiffies, time: message.time });
        }
        if text.contains(" jiffies")
            && let Some(count) = number_after(text, " q=")
        {
            facts.say(&[at], Predicate::CallbacksWaiting { count });
        }
        if let Some((jiffies, cpu, state)) = starved(text) {
            facts.say(&[at], Predicate::GracePeriodThreadStarved { jiffies, cpu, state });
            if let Some(age) = ages.last()
                && let Some(worked) = age.jiffies.checked_sub(jiffies)
            {
                facts.say(&[age.at, at], Predicate::GracePeriodThreadWorked { jiffies: worked });
            }
        }
        holdouts(at, text, facts);
        // A CPU that finds its own stall is the first one listed (print_cpu_stall).
        if text.contains("self-detected stall on CPU") {
            by_itself = Some(at);
        } else if let Some(head) = by_itself.take()
            && let Some((cpu, rest)) = number(text)
            && rest.starts_with('-')
            && !message.gap
            && let Ok(cpu) = CpuId::try_from(cpu)
        {
            facts.hint(&[at], Predicate::StallFoundBy { cpu });
            facts.hint(&[head, at], Predicate::StallFoundBy { cpu });
        }
        details(at, text, facts);
        slept(log, at, text, facts);
    }
    rates(&ages, facts);
    growth(log, facts);
}

/// `(detected by 1, t=21002 jiffies, g=1234, q=5 …)`, `(t=21000 jiffies g=1234 q=5)`, and of expedited grace
/// periods `… 6525 jiffies s: 1234 root: …`.
fn age(text: &str) -> Option<(i64, u64)> {
    if let Some(jiffies) =
        number_after(text, "t=").filter(|_| text.contains("(t=") || text.contains(", t="))
    {
        let period = after(text, "g=").or_else(|| after(text, "g = "))?;
        return Some((signed(period)?, jiffies)).filter(|_| text.contains(" jiffies"));
    }
    if !text.contains("expedited stalls") && !text.contains(" jiffies s: ") {
        return None;
    }
    let before = text.split(" jiffies s: ").next()?;
    let jiffies = before.rsplit(' ').next()?.parse().ok()?;
    Some((signed(after(text, " jiffies s: ")?)?, jiffies))
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => {
            number(rest).and_then(|(value, _)| i64::try_from(value).ok()).map(|value| -value)
        }
        None => number(text).and_then(|(value, _)| i64::try_from(value).ok()),
    }
}

/// `rcu_preempt kthread starved for 2602 jiffies! g1234 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x0 ->cpu=1`.
fn starved(text: &str) -> Option<(u64, Option<CpuId>, Option<u64>)> {
    let rest = after(text, "kthread starved for ")
        .or_else(|| after(text, "timer wakeup didn't happen for "))?;
    let (jiffies, rest) = number(rest)?;
    rest.starts_with(" jiffies").then_some(())?;
    let cpu = number_after(rest, "->cpu=").and_then(|cpu| CpuId::try_from(cpu).ok());
    let state = after(rest, "->state=").and_then(hex).map(|(state, _)| state);
    Some((jiffies, cpu, state))
}

/// CPUs and tasks that a stall waits for.
fn holdouts(at: usize, text: &str, facts: &mut Facts<'_>) {
    if let Some(rest) = text.strip_prefix("Tasks blocked on level-") {
        let rest = after(rest, "): ").unwrap_or_default();
        rest.split_ascii_whitespace().for_each(|word| blocked_task(at, word, facts));
        return;
    }
    if text.contains("expedited stalls on CPUs/tasks: {")
        && let Some(list) = between(text, "{", "}")
    {
        for word in list.split_ascii_whitespace() {
            blocked_task(at, word, facts);
            if let Some((cpu, rest)) = number(word)
                && rest.starts_with('-')
                && let Ok(cpu) = CpuId::try_from(cpu)
            {
                facts.say(&[at], Predicate::HoldoutCpu { cpu, behind: None, ticks: None });
            }
        }
        return;
    }
    holdout_cpu(at, text, facts);
}

/// `P123/1:b..l` and, from expedited grace periods, `P123`.
fn blocked_task(at: usize, word: &str, facts: &mut Facts<'_>) {
    let Some((pid, rest)) = word.strip_prefix('P').and_then(number) else { return };
    let depth =
        rest.strip_prefix('/').and_then(number).and_then(|(depth, _)| u32::try_from(depth).ok());
    if let Ok(pid) = u32::try_from(pid) {
        let task = Task { name: String::new(), pid: Some(pid) };
        facts.say(&[at], Predicate::HoldoutTask { task, depth });
    }
}

/// `3-....: (20999 ticks this GP) idle=…`, `0-...!: (1 GPs behind) idle=…`.
fn holdout_cpu(at: usize, text: &str, facts: &mut Facts<'_>) {
    let Some((cpu, rest)) = number(text) else { return };
    let Some((flags, rest)) = rest.split_once(": (") else { return };
    // Old releases print no flags.
    let flags = if flags.is_empty() { "..." } else { flags.strip_prefix('-').unwrap_or("") };
    if !(3..=5).contains(&flags.len())
        || !flags.bytes().all(|b| b".OoNDd!?".contains(&b) || b.is_ascii_digit())
    {
        return;
    }
    let Some((count, rest)) = number(rest) else { return };
    let (behind, ticks) = if rest.starts_with(" GPs behind") {
        (Some(count), None)
    } else if rest.starts_with(" ticks this GP") {
        (None, Some(count))
    } else {
        return;
    };
    if let Ok(cpu) = CpuId::try_from(cpu) {
        facts.say(&[at], Predicate::HoldoutCpu { cpu, behind, ticks });
    }
}

/// Other fields of a stall report.
fn details(at: usize, text: &str, facts: &mut Facts<'_>) {
    let as_cpu = |cpu: u64| CpuId::try_from(cpu).ok();
    if let Some(cpu) = number_after(text, "(detected by ").and_then(as_cpu) {
        facts.say(&[at], Predicate::StallFoundBy { cpu });
    }
    if text.contains("tall ended before state dump start") {
        facts.say(&[at], Predicate::StallEnded);
    }
    if text.contains("ossible timer handling issue") {
        let cpu = number_after(text, "cpu=").and_then(as_cpu);
        let softirqs = number_after(text, "timer-softirq=");
        facts.say(&[at], Predicate::TimerSuspected { cpu, softirqs });
    }
    let cpu = number(text)
        .filter(|(_, rest)| rest.starts_with('-') || rest.starts_with(": ("))
        .and_then(|(cpu, _)| as_cpu(cpu));
    let Some(cpu) = cpu else { return };
    if let Some(count) = number_after(text, " fqs=") {
        facts.hint(&[at], Predicate::GracePeriodScans { count });
    }
    if let Some((old, rest)) = after(text, "softirq=").and_then(number)
        && let Some((new, _)) = rest.strip_prefix('/').and_then(number)
        && let Some(count) = new.checked_sub(old)
    {
        facts.say(&[at], Predicate::RcuSoftirqs { cpu, count });
    }
    if let Some((jiffies, rest)) = after(text, "rcuc=").and_then(number)
        && rest.starts_with(" jiffies(starved)")
    {
        facts.say(&[at], Predicate::RcucStarved { cpu, jiffies });
    }
}

/// A voluntary switch inside a reader section: the task and the stack that follow.
fn slept(log: &Log, at: usize, text: &str, facts: &mut Facts<'_>) {
    if !text.contains("Voluntary context switch within RCU read-side critical section") {
        return;
    }
    let Some(stack) = log.stacks().iter().find(|stack| {
        stack.owner.as_ref().is_some_and(|owner| owner.at > at && owner.at < at + 40)
    }) else {
        return;
    };
    let Some(owner) = &stack.owner else { return };
    let Some(task) = &owner.task else { return };
    facts.say(&[at, owner.at], Predicate::SleptInReader { task: task.clone(), function: None });
    for frame in stack.reliable() {
        facts.hint(
            &[at, owner.at, frame.at],
            Predicate::SleptInReader { task: task.clone(), function: Some(frame.function.clone()) },
        );
    }
}

/// What grew from one report of a stall to another.
fn growth(log: &Log, facts: &mut Facts<'_>) {
    let counts: Vec<(usize, u64)> = log
        .messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.text.contains(" jiffies"))
        .filter_map(|(at, message)| Some((at, number_after(&message.text, " q=")?)))
        .take(MOST_PAIRS)
        .collect();
    for (index, (first_at, from)) in counts.iter().enumerate() {
        for (at, to) in &counts[index + 1..] {
            if to > from {
                facts.hint(&[*first_at, *at], Predicate::CallbacksGrew { from: *from, to: *to });
            }
        }
    }
    let mut depths: Vec<(usize, Task, u32)> = Vec::new();
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        let Some(rest) =
            text.strip_prefix("Tasks blocked on level-").and_then(|rest| after(rest, "): "))
        else {
            continue;
        };
        for word in rest.split_ascii_whitespace() {
            let Some((pid, rest)) = word.strip_prefix('P').and_then(number) else { continue };
            let depth = rest
                .strip_prefix('/')
                .and_then(number)
                .and_then(|(depth, _)| u32::try_from(depth).ok());
            let (Some(depth), Ok(pid)) = (depth, u32::try_from(pid)) else { continue };
            for (first_at, task, from) in
                depths.iter().filter(|(_, task, from)| task.pid == Some(pid) && *from < depth)
            {
                facts.hint(
                    &[*first_at, at],
                    Predicate::DepthGrew { task: task.clone(), from: *from, to: depth },
                );
            }
            if depths.len() < MOST_PAIRS {
                depths.push((at, Task { name: String::new(), pid: Some(pid) }, depth));
            }
        }
    }
}

/// Most values that are compared with each other.
const MOST_PAIRS: usize = 200;

/// Two ages of one grace period and the clock between them give HZ.
fn rates(ages: &[Age], facts: &mut Facts<'_>) {
    for (index, first) in ages.iter().enumerate() {
        let Some(second) = ages[index + 1..]
            .iter()
            .find(|age| age.number == first.number && age.jiffies > first.jiffies)
        else {
            continue;
        };
        facts.hint(
            &[first.at, second.at],
            Predicate::SameStall {
                first: model::EventId(0),
                second: model::EventId(1),
                number: first.number,
            },
        );
        let (Some(from), Some(to)) = (first.time, second.time) else { continue };
        let seconds = (to - from) as f64 / 1e6;
        if seconds < 1.0 {
            continue;
        }
        let measured = (second.jiffies - first.jiffies) as f64 / seconds;
        let hz: Vec<u32> =
            RATES.into_iter().filter(|hz| (measured / f64::from(*hz) - 1.0).abs() < 0.02).collect();
        if !hz.is_empty() {
            facts.say(&[first.at, second.at], Predicate::TickRate { hz });
        }
    }
}

/// The tick rates of kernel/Kconfig.hz and of architectures that choose others.
const RATES: [u32; 8] = [24, 48, 100, 128, 250, 256, 300, 1000];
