//! Ties of panics. The words of a panic say which kind of report it ends, or it prints the task of that report.

use model::{Grade, Link, LinkReason, RuleId};

use super::pair::Pair;
use crate::event::{Event, EventKind};
use crate::text::hex_after;

/// A panic so long after a report of its own task, in microseconds, is still of that report.
const RIGHT_AFTER: i64 = 10_000_000;

/// Whether a report of that kind may end in the panic.
type Fits = fn(EventKind) -> bool;

/// What the words behind `Kernel panic - not syncing: ` say of the report before: kernel/panic.c, kernel/exit.c,
/// `oops_end()` and `die()` of each architecture, and the detectors.
const NAMES: &[(&str, Fits)] = &[
    ("Hard LOCKUP", |kind| kind == EventKind::HardLockup),
    ("softlockup", |kind| kind == EventKind::SoftLockup),
    ("hung_task", |kind| kind == EventKind::HungTasks),
    ("RCU Stall", |kind| {
        matches!(
            kind,
            EventKind::RcuStall | EventKind::RcuExpeditedStall | EventKind::RcuKthreadStarved
        )
    }),
    ("Out of memory", |kind| kind == EventKind::OutOfMemory),
    ("System is deadlocked on memory", |kind| kind == EventKind::OutOfMemory),
    ("Fatal exception", ends_in_a_trap),
    ("SError Interrupt", ends_in_a_trap),
    ("Attempted to kill the idle task", ends_in_a_trap),
    ("Aiee, killing interrupt handler", ends_in_a_trap),
    ("panic_on_", |kind| {
        matches!(kind, EventKind::Warning | EventKind::Ubsan)
            || kind.is_corruption()
            || kind.is_misuse()
    }),
    ("achine check", |kind| kind == EventKind::Hardware),
    ("ardware error", |kind| kind == EventKind::Hardware),
];

/// Whether the report is of a trap, or of a check that ends in one (`BUG()` behind a damaged list, a trap of UBSAN).
fn ends_in_a_trap(kind: EventKind) -> bool {
    kind.is_trap()
        || matches!(
            kind,
            EventKind::Corruption | EventKind::Refcount | EventKind::SpinlockBug | EventKind::Ubsan
        )
}

/// Whether the panic's words name that kind of report as its reason.
fn names(panic: &Event, kind: EventKind) -> bool {
    let row = NAMES.iter().find(|(words, _)| panic.headline.contains(words));
    row.is_some_and(|(_, fits)| fits(kind))
}

/// The signal that the first process died of: the low bits of `exitcode=0x0000000b`.
fn signal_of_init(panic: &Event) -> Option<u64> {
    let code = hex_after(&panic.headline, "Attempted to kill init! exitcode=")?;
    Some(code & 0x7f)
}

pub(super) fn of_report(pair: &Pair<'_>) -> Option<Link> {
    let Pair { earlier, later: panic, .. } = *pair;
    if panic.kind != EventKind::Panic {
        return None;
    }
    // The task of an oops may not be shown.
    let is_init = match &earlier.task {
        Some(task) => task.pid == Some(1),
        None => earlier.kind.is_trap() && pair.close(RIGHT_AFTER),
    };
    if let Some(signal) = signal_of_init(panic) {
        // A program that dies of a segfault dies of SIGSEGV; an oops ends its task with SIGKILL or SIGSEGV.
        let user = earlier.kind == EventKind::UserSegfault && matches!(signal, 4 | 5 | 7 | 8 | 11);
        let own = earlier.kind.is_trap() && matches!(signal, 9 | 11);
        return (is_init && (user || own))
            .then(|| pair.link(LinkReason::InitDied, RuleId::R86, Grade::Inferred))?;
    }
    if names(panic, earlier.kind) {
        return pair.link(LinkReason::PanicNames, RuleId::R86, Grade::Seen);
    }
    let aside = matches!(
        earlier.kind,
        EventKind::Device | EventKind::UserSegfault | EventKind::SlowInterrupt
    );
    let same = match (&earlier.task, &panic.task) {
        (Some(a), Some(b)) => a.pid.is_some() && a.pid == b.pid && a.name == b.name,
        _ => false,
    };
    (!aside && same && (!is_idle(earlier) || pair.same_cpu()) && pair.close(RIGHT_AFTER))
        .then(|| pair.link(LinkReason::PanicOfReport, RuleId::R86, Grade::Inferred))?
}

/// Every CPU has an idle task of pid 0.
fn is_idle(event: &Event) -> bool {
    event.task.as_ref().is_some_and(|task| task.pid == Some(0))
}
