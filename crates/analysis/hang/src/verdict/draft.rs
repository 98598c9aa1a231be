//! How a verdict is put together.

use model::{Finding, Grade, LineSpan, Need, RuleId, Verdict, VerdictKind};

use crate::event::Event;
use crate::rules;

/// A verdict of one finding.
pub(super) fn verdict(
    kind: VerdictKind,
    finding: Finding,
    rule: impl Into<Option<RuleId>>,
    grade: Grade,
) -> Verdict {
    Verdict {
        kind,
        findings: vec![finding],
        rule: rule.into(),
        grade,
        lines: Vec::new(),
        needs: Vec::new(),
        cause: None,
    }
}

/// A verdict by the rule of the event's kind.
pub(super) fn of_event(
    event: &Event,
    kind: VerdictKind,
    finding: Finding,
    grade: Grade,
) -> Verdict {
    verdict(kind, finding, rules::of(event.kind), grade)
}

/// What is added to a verdict.
pub(super) trait Add {
    /// The line that stands for the cause.
    fn at(self, line: u64) -> Self;
    /// What would settle what is open.
    fn need(self, need: Need) -> Self;
}

impl Add for Verdict {
    fn at(mut self, line: u64) -> Self {
        self.lines.push(LineSpan::line(line));
        self.cause = Some(line);
        self
    }

    fn need(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }
}
