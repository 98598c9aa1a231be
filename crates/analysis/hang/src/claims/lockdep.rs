//! Statements on lockdep's reports: which lock is wanted, which is held, and whether they are one.

use model::functions::{self, Role as FunctionRole};
use model::{Grade, LockRef, LockUsage, Predicate, RuleId, Statements};

use crate::collect::Observations;
use crate::event::{Event, EventKind, HeldLock, LockdepReport, Role};

/// A lock as lockdep prints it.
pub(super) fn lock(lock: &HeldLock) -> LockRef {
    LockRef {
        class: Some(lock.class.clone()).filter(|class| !class.is_empty()),
        address: Some(lock.address.clone()).filter(|address| is_shown(address)),
    }
}

/// Whether an address tells locks apart: with kptr_restrict all are zeros.
fn is_shown(address: &str) -> bool {
    address.bytes().any(|b| b != b'0')
}

pub(super) fn of_lockdep(
    said: &mut Statements,
    seen: &Observations,
    event: &Event,
    report: &LockdepReport,
) {
    let rule = match event.kind {
        EventKind::LockdepRecursive => RuleId::R51,
        EventKind::LockdepInterrupt => RuleId::R52,
        EventKind::LockdepWaitContext => RuleId::R53,
        EventKind::LockdepOwnership => RuleId::R54,
        _ => RuleId::R50,
    };
    if let (Some(wanted), Some(task)) = (&report.wanted, &event.task) {
        let lines = [report.task_line, wanted.line];
        if !wanted.at.is_empty() {
            said.seen(
                rule,
                lines,
                Predicate::LockWanted {
                    task: task.clone(),
                    lock: lock(wanted),
                    function: wanted.at.clone(),
                },
            );
        }
        if let Some(held) = &report.held {
            said.seen(
                rule,
                [report.task_line, held.line],
                Predicate::Holds {
                    task: task.clone(),
                    lock: lock(held),
                    function: Some(held.at.clone()).filter(|at| !at.is_empty()),
                },
            );
        }
    }
    if let (Some(wanted), Some(held)) = (&report.wanted, &report.held)
        && is_shown(&wanted.address)
        && is_shown(&held.address)
    {
        said.say(
            Grade::Derived,
            rule,
            [wanted.line, held.line],
            Predicate::SameLock {
                first: lock(wanted),
                second: lock(held),
                same: wanted.address == held.address,
            },
        );
    }
    if let (Some((number, usage)), Some(wanted)) = (&report.usage, &report.wanted)
        && let Some((one, other)) = usages(usage)
    {
        said.seen(
            rule,
            [*number, wanted.line],
            Predicate::LockConflict { lock: lock(wanted), one, other },
        );
    }
    if let Some(released) = &report.released {
        let place = released.at.as_ref().map_or(0, |(line, _)| *line);
        let predicate = Predicate::LockReleased {
            task: released.task.clone(),
            lock: LockRef { class: Some(released.class.clone()), address: None },
            function: released.at.as_ref().map(|(_, function)| function.clone()),
        };
        said.seen(rule, [released.line, place], predicate);
    }
    orders(said, seen, event, report);
}

/// The legs of a circle: entry `-> #i` tells where its class was taken while that of `#(i-1)` was held, and `#0`
/// where the class that is wanted now was taken while that of the last one is held.
fn orders(said: &mut Statements, seen: &Observations, event: &Event, report: &LockdepReport) {
    let last = report.chain.first();
    for (at, entry) in report.chain.iter().enumerate() {
        let before = match entry.index {
            0 => last,
            index => report.chain.get(at + 1).filter(|next| next.index + 1 == index),
        };
        let Some(before) = before.filter(|before| before.index != entry.index) else { continue };
        // The last entry counts the circle only when none is missing between.
        if entry.index == 0 && report.chain.len() != before.index as usize + 1 {
            continue;
        }
        let end = report.chain.get(at + 1).map_or(u64::MAX, |next| next.line);
        let frame = event
            .snapshots
            .iter()
            .map(|id| seen.snapshot(*id))
            .filter(|s| s.role == Role::Recorded)
            .filter(|s| s.lines.is_some_and(|l| entry.line < l.first && l.first < end))
            .find_map(|s| s.frames.iter().find(|frame| frame.reliable && takes(&frame.function)));
        let class = |name: &str| LockRef { class: Some(name.to_owned()), address: None };
        let lines = [entry.line, before.line, frame.map_or(0, |frame| frame.line)];
        said.say(
            Grade::Derived,
            RuleId::R50,
            lines,
            Predicate::LockOrder {
                first: class(&before.class),
                then: class(&entry.class),
                function: frame.map(|frame| frame.function.clone()),
            },
        );
    }
}

/// Whether the function takes locks for a purpose of its own.
fn takes(function: &str) -> bool {
    !crate::wait::is_primitive(function)
        && !function.starts_with("inode_lock")
        && !matches!(
            functions::role(function),
            Some(
                FunctionRole::Lock
                    | FunctionRole::Lockdep
                    | FunctionRole::Unwinder
                    | FunctionRole::Dumper
            )
        )
}

/// `inconsistent {IN-HARDIRQ-W} -> {HARDIRQ-ON-W} usage.` as two usages.
fn usages(text: &str) -> Option<(LockUsage, LockUsage)> {
    let mut marks = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    Some((usage(marks.next()?)?, usage(marks.next()?)?))
}

/// `IN-HARDIRQ-W`, `HARDIRQ-ON-R` and their kin; `?` where lockdep prints both sides.
fn usage(mark: &str) -> Option<LockUsage> {
    const MARKS: &[(&str, LockUsage)] = &[
        ("IN-HARDIRQ-", LockUsage::InHardirq),
        ("IN-SOFTIRQ-", LockUsage::InSoftirq),
        ("HARDIRQ-ON-", LockUsage::HardirqsOn),
        ("SOFTIRQ-ON-", LockUsage::SoftirqsOn),
        ("IN-RECLAIM_FS-", LockUsage::InReclaim),
        ("RECLAIM_FS-ON-", LockUsage::ReclaimOn),
    ];
    MARKS.iter().find(|(start, _)| mark.starts_with(start)).map(|(_, usage)| *usage)
}
