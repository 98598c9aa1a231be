//! Statements on sleeping where that is forbidden.

use model::{AtomicReason, Grade, Predicate, RuleId, Statements};

use crate::event::{AtomicReport, Event, EventKind};

pub(super) fn of_atomic(said: &mut Statements, event: &Event, report: &AtomicReport) {
    let rule = if event.kind == EventKind::SleepInAtomic { RuleId::R60 } else { RuleId::R61 };
    let field = |field: &str, value: u64, expected: Option<u64>| Predicate::AtomicContext {
        field: field.to_owned(),
        value,
        expected,
    };
    let because = |said: &mut Statements, reason, line| {
        said.say(Grade::Inferred, rule, [event.line, line], Predicate::AtomicBecause { reason });
    };
    let flags = [
        ("in_atomic", report.in_atomic, None),
        ("irqs_disabled", report.irqs_disabled, Some(AtomicReason::IrqsDisabled)),
        ("non_block", report.non_block, Some(AtomicReason::NonBlock)),
    ];
    for (name, value, reason) in flags {
        if let Some(value) = value.filter(|value| *value > 0) {
            said.seen(rule, [report.line], field(name, value.into(), None));
            if let Some(reason) = reason {
                because(said, reason, report.line);
            }
        }
    }
    if let Some((count, expected)) = report.preempt_count
        && count > expected
    {
        let line = report.count_line;
        let printed = (event.kind == EventKind::SleepInAtomic).then_some(expected);
        said.seen(rule, [line], field("preempt_count", count, printed));
        // Layout of the count since 3.13: include/linux/preempt.h.
        let parts = [
            (0, 0xff, AtomicReason::PreemptionDisabled),
            (8, 0xff, AtomicReason::BottomHalves),
            (16, 0xf, AtomicReason::Hardirq),
            (20, 0xf, AtomicReason::Nmi),
        ];
        for (shift, mask, reason) in parts {
            if count >> shift & mask > expected >> shift & mask {
                because(said, reason, line);
            }
        }
    }
    if let Some((depth, expected)) = report.rcu_depth
        && depth > expected
    {
        said.seen(rule, [report.depth_line], field("rcu_depth", depth, Some(expected)));
        because(said, AtomicReason::RcuReader, report.depth_line);
    }
    if let Some((number, function)) = &report.disabled_at
        && !function.starts_with("0x")
    {
        said.seen(rule, [*number], Predicate::PreemptionDisabledAt { function: function.clone() });
    }
}
