//! Where statements are gathered.

use std::collections::HashSet;

use model::{EventId, Evidence, Grade, LineSpan, Predicate, RuleId, Statement};

/// Statements kept of one log.
const LIMIT: usize = 2_000;

/// The statements of a log, in the order in which they were said. What was said of an event is not said again.
#[derive(Debug, Default)]
pub(super) struct Said {
    statements: Vec<Statement>,
    known: HashSet<(Option<EventId>, Predicate)>,
    event: Option<EventId>,
}

impl Said {
    /// What follows is about that event, or about the log as a whole.
    pub(super) fn about(&mut self, event: Option<EventId>) {
        self.event = event;
    }

    /// Says what single lines prove; line 0 stands for one that is not known. Without any line nothing is said.
    pub(super) fn say(
        &mut self,
        grade: Grade,
        rule: RuleId,
        lines: impl IntoIterator<Item = u64>,
        predicate: Predicate,
    ) {
        self.say_spans(grade, rule, lines.into_iter().map(LineSpan::line), predicate);
    }

    /// Says what runs of lines prove.
    pub(super) fn say_spans(
        &mut self,
        grade: Grade,
        rule: RuleId,
        lines: impl IntoIterator<Item = LineSpan>,
        predicate: Predicate,
    ) {
        let Some(evidence) = Evidence::new(lines) else { return };
        if self.statements.len() >= LIMIT || !self.known.insert((self.event, predicate.clone())) {
            return;
        }
        let statement = Statement::new(predicate, grade, rule, evidence);
        self.statements.push(match self.event {
            Some(event) => statement.of(event),
            None => statement,
        });
    }

    /// What a line says.
    pub(super) fn seen(
        &mut self,
        rule: RuleId,
        lines: impl IntoIterator<Item = u64>,
        predicate: Predicate,
    ) {
        self.say(Grade::Seen, rule, lines, predicate);
    }

    /// All of it.
    pub(super) fn finish(self) -> Vec<Statement> {
        self.statements
    }
}
