//! Lockdep's reports.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context, INLINED_LIMIT};
use crate::event::{ChainEntry, Detail, EventKind, HeldLock, LockdepReport, Released, Role};
use crate::parse;
use crate::text::{between, bounded};
use parse_console::frame;

/// A report on locks.
pub(super) fn lockdep(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if !["WARNING:", "INFO:", "BUG:"].iter().any(|banner| text.contains(banner)) {
        return false;
    }
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].detail = Detail::Lockdep(LockdepReport::default());
    }
    true
}

/// A report on RCU readers.
pub(super) fn rcu_usage(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if !["WARNING:", "INFO:"].iter().any(|banner| text.contains(banner)) {
        return false;
    }
    c.begin(context, kind, text, number, at);
    true
}

/// Lines of a report.
pub(super) fn detail(c: &mut Collector, context: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, .. } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Lockdep(report) = &mut event.detail else { return false };
    if let Some(wanted) = context.lock_follows.take()
        && let Some(lock) = parse::held_lock(text, number)
    {
        let slot: &mut Option<HeldLock> =
            if wanted { &mut report.wanted } else { &mut report.held };
        slot.get_or_insert(lock);
        return true;
    }
    // A symbolised entry stands once for each inlined function; the last one took the lock.
    if let Some(lock) = parse::held_lock(text, number).filter(|lock| !lock.address.is_empty())
        && context.lock_follows.is_none()
        && let Some(known) = [&mut report.held, &mut report.wanted]
            .into_iter()
            .flatten()
            .find(|known| known.address == lock.address && known.class == lock.class)
        && number <= known.line + 2
        && !text.starts_with('#')
    {
        let inner = std::mem::replace(&mut known.at, lock.at);
        if known.inlined.len() < INLINED_LIMIT {
            known.inlined.push(inner);
        }
        known.line = number;
        return true;
    }
    // The words before the lock that is held may be lost.
    if report.wanted.is_some()
        && report.held.is_none()
        && matches!(event.kind, EventKind::LockdepCircular | EventKind::LockdepRecursive)
        && !text.starts_with('#')
        && let Some(lock) = parse::held_lock(text, number).filter(|lock| !lock.address.is_empty())
    {
        report.held = Some(lock);
        return true;
    }
    if text.ends_with("is trying to acquire lock:")
        || text.ends_with("is trying to lock:")
        || text.ends_with("takes:")
        || text.contains("is trying to acquire:")
    {
        event.task = event.task.take().or_else(|| {
            let head = text.split(" is trying").next().unwrap_or(text);
            parse::name_slash_pid(head.split(" [HC").next().unwrap_or(head))
        });
        report.task_line = number;
        context.lock_follows = Some(true);
        return true;
    }
    if text.contains("already holding lock:") || text.contains("already holding:") {
        context.lock_follows = Some(false);
        return true;
    }
    if let Some(rest) = text.strip_prefix("-> #") {
        if report.chain.len() < 32
            && let (Some(index), Some(class)) =
                (crate::text::number(rest), between(rest, "(", "){"))
        {
            let class = bounded(class, 80);
            report.chain.push(ChainEntry { line: number, index, class });
        }
        context.role = Role::Recorded;
        context.snapshot = None;
        return true;
    }
    if text.contains("} -> {") {
        report.usage = Some((number, bounded(text, 100)));
        return true;
    }
    // Stacks of other moments than that of the report.
    if text.ends_with("state was registered at:") || text.contains("... which became ") {
        context.role = Role::Recorded;
        context.snapshot = None;
        return true;
    }
    if let Some((task, rest)) = text.split_once(" is trying to release lock (") {
        let class = rest.rsplit_once(") at:").map_or(rest, |(class, _)| class);
        report.released = parse::name_slash_pid(task).map(|task| Released {
            line: number,
            task,
            class: bounded(class, 80),
            at: None,
        });
        return true;
    }
    if let Some(Released { line, at: at @ None, .. }) = &mut report.released
        && number == *line + 1
        && let Some(found) = frame::parse(text)
    {
        *at = Some((number, bounded(parse::plain(found.function), 120)));
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_with_an_endless_list_of_inlined_functions_keeps_the_first() {
        let mut log = String::from(
            "[    1.000000] WARNING: possible circular locking dependency detected\n[    1.000001] marl/77 is trying to acquire lock:\n",
        );
        for n in 0..5 * INLINED_LIMIT {
            log += &format!(
                "[    1.000002] ffff888012345678 (&bed->lock){{+.+.}}-{{3:3}}, at: turn_{n} mm/bed.c:7 [inline]\n"
            );
        }
        let mut collector = Collector::new();
        for line in parse_console::lines(log.as_bytes()) {
            collector.line(&line);
        }
        let seen = collector.finish();
        let Detail::Lockdep(report) = &seen.events[0].detail else { panic!("no report") };
        let inlined = report.wanted.as_ref().map(|lock| lock.inlined.len());
        assert_eq!(inlined, Some(INLINED_LIMIT));
    }
}
