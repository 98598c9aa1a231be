//! Statements on the kernel, and on what bounds the log as evidence.

use model::{Predicate, RuleId, Statements};

use crate::cause;
use crate::collect::Observations;
use crate::event::EventKind;

/// What there is to know before the first event.
pub(super) fn before(said: &mut Statements, seen: &Observations, boot: u32) {
    let kernel = seen.kernels.of(boot);
    if seen.events.is_empty() {
        return;
    }
    if let Some((release, number)) = &kernel.release
        && let Some(version) = release.split_whitespace().next()
    {
        said.seen(RuleId::R84, [*number], Predicate::KernelVersion { version: version.to_owned() });
    }
    if let Some((flags, number)) = kernel.taint.as_ref().filter(|(flags, _)| !flags.is_empty()) {
        let flags: String = flags.chars().filter(|flag| !matches!(flag, 'G' | 'P')).collect();
        if !flags.is_empty() {
            said.seen(RuleId::R84, [*number], Predicate::Taint { flags });
        }
    }
    if let Some(before) = cause::unseen(seen, boot) {
        said.seen(RuleId::R84, [before.line], Predicate::TaintedBefore { meaning: before.meaning });
    }
}

/// What was printed before the first event of a boot.
pub(super) fn asides(said: &mut Statements, seen: &Observations) {
    for aside in &seen.context {
        said.about(Some(aside.event));
        said.seen(RuleId::R85, [aside.line], Predicate::Remark { text: aside.text.clone() });
    }
    said.about(None);
}

/// What the kernel stopped telling.
pub(super) fn after(said: &mut Statements, seen: &Observations) {
    if let Some(number) = seen.lockdep_off {
        said.seen(RuleId::R55, [number], Predicate::LockdepOff);
    }
    if let Some(number) = seen.hung_suppressed {
        said.seen(RuleId::R34, [number], Predicate::HungReportsSuppressed);
    }
    if let Some(number) = seen.messages_lost {
        said.seen(RuleId::R85, [number], Predicate::MessagesLost);
    }
    for (line, event) in &seen.stack_suspect {
        said.about(*event);
        said.seen(RuleId::R82, [*line], Predicate::StackSuspect);
    }
    said.about(None);
    let panics = seen.events.iter().filter(|event| event.kind == EventKind::Panic);
    for event in panics.take(2) {
        let reason =
            event.headline.split_once("not syncing: ").map(|(_, reason)| reason.trim().to_owned());
        said.about(Some(event.id));
        said.seen(
            RuleId::R86,
            [event.line],
            Predicate::Panicked { reason: reason.filter(|text| !text.is_empty()) },
        );
    }
    said.about(None);
}
