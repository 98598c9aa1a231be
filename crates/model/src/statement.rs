//! What is said, how sure it is, by which rules, and where it is proven.

use crate::{Grade, LineSpan, Predicate, RuleId};

/// The lines that prove a statement: at least one, in order, without duplicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Evidence(Vec<LineSpan>);

impl Evidence {
    /// The evidence of these lines; `None` when none is left. Line 0 stands for a line that is not known, and is
    /// dropped.
    pub fn new(lines: impl IntoIterator<Item = LineSpan>) -> Option<Self> {
        let mut lines: Vec<LineSpan> = lines.into_iter().filter(|span| span.first > 0).collect();
        lines.sort_unstable();
        lines.dedup();
        (!lines.is_empty()).then_some(Self(lines))
    }

    /// The evidence of one line, counted from 1.
    pub fn line(line: u64) -> Option<Self> {
        Self::new([LineSpan::line(line)])
    }

    /// The lines.
    pub fn lines(&self) -> &[LineSpan] {
        &self.0
    }

    /// Whether a line is among them.
    pub fn contains(&self, line: u64) -> bool {
        self.0.iter().any(|span| span.contains(line))
    }
}

/// One statement with all that stands behind it. It cannot be made without evidence and rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    predicate: Predicate,
    grade: Grade,
    rule: RuleId,
    evidence: Evidence,
}

impl Statement {
    /// A statement.
    pub const fn new(predicate: Predicate, grade: Grade, rule: RuleId, evidence: Evidence) -> Self {
        Self { predicate, grade, rule, evidence }
    }

    /// What is said.
    pub const fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// How sure it is.
    pub const fn grade(&self) -> Grade {
        self.grade
    }

    /// The rule by which it is said.
    pub const fn rule(&self) -> RuleId {
        self.rule
    }

    /// The lines that prove it.
    pub fn lines(&self) -> &[LineSpan] {
        self.evidence.lines()
    }

    /// The lines that prove it.
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}
