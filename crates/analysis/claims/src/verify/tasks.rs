//! Tasks: blocked for how long, in which state, holding what.
//!
//! Lines of kernel/hung_task.c, kernel/sched/core.c sched_show_task, kernel/locking/lockdep.c lockdep_print_held_locks.

use model::{LockRef, Ownership, Predicate, Task};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, function, number, number_after, task_colon, task_slash};
use super::stack;

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut blocked: Vec<(usize, Task)> = Vec::new();
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        if let Some((task, seconds)) = blocked_for(text) {
            facts.say(&[at], Predicate::BlockedFor { task: task.clone(), seconds });
            if message.cited && !blocked.iter().any(|(_, known)| *known == task) {
                blocked.push((at, task));
            }
        }
        if let Some(says) = at
            .checked_sub(1)
            .and_then(|before| spinlock_owner(headline(&log.messages[before].text), text))
        {
            facts.say(&[at - 1, at], says);
        }
        if let Some((task, state)) = stack::task_header(text) {
            facts.say(&[at], Predicate::TaskState { task, state });
        }
        if let Some((waiter, owner)) = likely_owner(text) {
            let how = ownership(text);
            let holder = owner.clone();
            facts.say(&[at], Predicate::LikelyHolder { waiter, holder, how });
            facts.hint(
                &[at],
                Predicate::Holds { task: owner, lock: LockRef::default(), function: None },
            );
        }
    }
    super::lockdep::read_held(log, facts);
    for Held { head, at, task, lock, function } in held(log) {
        facts.say(&[head, at], Predicate::Holds { task, lock, function });
    }
    if !blocked.is_empty() {
        let at: Vec<usize> = blocked.iter().map(|(at, _)| *at).collect();
        facts.say(&at, Predicate::BlockedTasks { count: blocked.len() as u64 });
    }
}

/// A lock in the list of a task.
pub(super) struct Held {
    /// The headline of the list.
    pub(super) head: usize,
    /// The line of the lock.
    pub(super) at: usize,
    pub(super) task: Task,
    pub(super) lock: LockRef,
    pub(super) function: Option<String>,
}

/// The locks that tasks hold, by lockdep's lists.
pub(super) fn held(log: &Log) -> Vec<Held> {
    let mut found = Vec::new();
    let mut holder: Option<(usize, Task)> = None;
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if message.gap {
            holder = None;
        }
        if let Some(task) = holds_header(text) {
            holder = Some((at, task));
        } else if let Some((lock, function)) = held_lock(text) {
            if let Some((head, task)) = &holder {
                found.push(Held { head: *head, at, task: task.clone(), lock, function });
            }
        } else if !text.is_empty() {
            holder = None;
        }
    }
    found
}

/// `INFO: task NAME:PID blocked for more than 120 seconds.`, `… blocked in I/O wait for more than …`.
pub(super) fn blocked_for(text: &str) -> Option<(Task, u64)> {
    let rest = text.strip_prefix("INFO: task ")?;
    let end = rest.find(" blocked ").or_else(|| rest.find(" can't die"))?;
    let task = task_colon(&rest[..end])?;
    let seconds = number_after(&rest[end..], "for more than ")?;
    rest.contains(" seconds").then_some((task, seconds))
}

/// `INFO: task A:1 is blocked on a mutex likely owned by task B:2.`
pub(super) fn likely_owner(text: &str) -> Option<(Task, Task)> {
    let rest = text.strip_prefix("INFO: task ")?;
    let (waiter, rest) =
        rest.split_once(" is blocked on ").or_else(|| rest.split_once(" blocked on "))?;
    let owner = after(rest, "owned by task ").or_else(|| after(rest, "held by task "))?;
    Some((task_colon(waiter)?, task_colon(owner)?))
}

/// How the kernel puts it: a reader and a last holder are not known to hold it still.
fn ownership(text: &str) -> Ownership {
    if text.contains("last held by") {
        Ownership::LastHolder
    } else if text.contains("<reader>") {
        Ownership::Reader
    } else {
        Ownership::Owner
    }
}

/// `BUG: spinlock … on CPU#0, a/12` and the line behind it: ` lock: f+0x0/0x10, .magic: …, .owner: b/13, .owner_cpu: 1`.
fn spinlock_owner(head: &str, text: &str) -> Option<Predicate> {
    let waiter = task_slash(after(head, "on CPU#")?.split_once(", ")?.1)?;
    let holder = task_slash(after(text, ".owner: ")?)?;
    Some(Predicate::LikelyHolder { waiter, holder, how: Ownership::Owner })
}

/// `2 locks held by NAME/PID:` and, with `on CPU#1` behind it, of newer releases.
pub(super) fn holds_header(text: &str) -> Option<Task> {
    let (_, rest) = number(text)?;
    let rest =
        rest.strip_prefix(" locks held by ").or_else(|| rest.strip_prefix(" lock held by "))?;
    task_slash(rest)
}

/// ` #0: ffff888012345678 (&mm->mmap_lock){++++}-{3:3}, at: do_it+0x1/0x2`.
pub(super) fn held_lock(text: &str) -> Option<(LockRef, Option<String>)> {
    let rest = text.trim().strip_prefix('#')?;
    let (_, rest) = number(rest)?;
    let (lock, rest) = lock(rest.strip_prefix(": ")?)?;
    let at = after(rest, "at: ").and_then(|rest| function(rest.trim_start_matches(['[', '<'])));
    Some((lock, at.map(str::to_owned)))
}

/// `ffff888012345678 (&class#2){+.+.}-{3:3}` or `(&class){+.+.}`, and what follows.
pub(super) fn lock(text: &str) -> Option<(LockRef, &str)> {
    let text = text.trim_start();
    let open = text.find('(')?;
    let address = text[..open].trim();
    if address.contains(' ') {
        return None;
    }
    let end = text.find("){").or_else(|| text.rfind(')'))?;
    let class = text.get(open + 1..end)?;
    let address = (!address.is_empty()).then(|| address.to_owned());
    Some((LockRef { class: Some(class.to_owned()), address }, &text[end + 1..]))
}
