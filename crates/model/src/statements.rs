//! Where statements are gathered.

use std::collections::HashSet;

use crate::{EventId, Evidence, Grade, LineSpan, Predicate, RuleId, Statement};

/// Statements in the order in which they were said. What was said of an event is not said again.
#[derive(Debug, Default)]
pub struct Statements {
    statements: Vec<Statement>,
    known: HashSet<(Option<EventId>, Predicate)>,
    event: Option<EventId>,
    limit: Option<usize>,
}

impl Statements {
    /// A place for at most `limit` statements; later ones are dropped.
    pub fn at_most(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }

    /// What follows is about that event, or about the log as a whole.
    pub fn about(&mut self, event: Option<EventId>) {
        self.event = event;
    }

    /// Says what single lines prove; line 0 stands for one that is not known. Without any line nothing is said.
    pub fn say(
        &mut self,
        grade: Grade,
        rule: RuleId,
        lines: impl IntoIterator<Item = u64>,
        predicate: Predicate,
    ) {
        self.say_spans(grade, rule, lines.into_iter().map(LineSpan::line), predicate);
    }

    /// Says what runs of lines prove.
    pub fn say_spans(
        &mut self,
        grade: Grade,
        rule: RuleId,
        lines: impl IntoIterator<Item = LineSpan>,
        predicate: Predicate,
    ) {
        let Some(evidence) = Evidence::new(lines) else { return };
        let is_full = self.limit.is_some_and(|limit| self.statements.len() >= limit);
        if is_full || !self.known.insert((self.event, predicate.clone())) {
            return;
        }
        let statement = Statement::new(predicate, grade, rule, evidence);
        self.statements.push(match self.event {
            Some(event) => statement.of(event),
            None => statement,
        });
    }

    /// What a line says.
    pub fn seen(
        &mut self,
        rule: RuleId,
        lines: impl IntoIterator<Item = u64>,
        predicate: Predicate,
    ) {
        self.say(Grade::Seen, rule, lines, predicate);
    }

    /// Those so far.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter()
    }

    /// All of it.
    pub fn finish(self) -> Vec<Statement> {
        self.statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: &str) -> Predicate {
        Predicate::KernelVersion { version: version.into() }
    }

    #[test]
    fn a_thing_is_said_once_of_each_event_and_never_without_lines() {
        let mut said = Statements::default();
        said.seen(RuleId::R84, [3], version("6.1"));
        said.seen(RuleId::R84, [4], version("6.1"));
        said.seen(RuleId::R84, [0], version("6.2"));
        said.about(Some(EventId(0)));
        said.seen(RuleId::R84, [5], version("6.1"));
        let said = said.finish();
        assert_eq!(said.iter().map(|one| one.lines()[0].first).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(said[1].event(), Some(EventId(0)));
    }

    #[test]
    fn what_exceeds_the_limit_is_dropped() {
        let mut said = Statements::at_most(2);
        for release in ["6.1", "6.2", "6.3"] {
            said.seen(RuleId::R84, [1], version(release));
        }
        assert_eq!(said.finish().len(), 2);
    }
}
