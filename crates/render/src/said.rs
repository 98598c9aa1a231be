//! What whoever prints a statement asks of it.

use std::borrow::Cow;

use model::{EventId, Grade, IrqState, LineSpan, Predicate, Statement};

/// A statement that can be printed.
pub trait Said {
    /// The sentence.
    fn sentence(&self) -> Cow<'_, str>;
    /// How sure it is.
    fn grade(&self) -> Grade;
    /// The rules, as cited.
    fn rules(&self) -> String;
    /// The lines that prove it.
    fn lines(&self) -> &[LineSpan];
    /// The event that it is about, where it says so.
    fn event(&self) -> Option<EventId> {
        None
    }
    /// Whether a person wants to read it: what stands in nearly every dump is left to JSON.
    fn is_telling(&self) -> bool;
}

impl Said for Statement {
    fn sentence(&self) -> Cow<'_, str> {
        Cow::Owned(crate::sentence(self.predicate()))
    }

    fn grade(&self) -> Grade {
        self.grade()
    }

    fn rules(&self) -> String {
        self.rule().to_string()
    }

    fn lines(&self) -> &[LineSpan] {
        self.lines()
    }

    fn event(&self) -> Option<EventId> {
        self.event()
    }

    fn is_telling(&self) -> bool {
        // The first three stand in nearly every dump, the others in the head of the report.
        !matches!(
            self.predicate(),
            Predicate::Irqs { state: IrqState::Enabled, .. }
                | Predicate::CurrentTask { .. }
                | Predicate::OnCpu { .. }
                | Predicate::FaultKind { .. }
                | Predicate::KernelVersion { .. }
                | Predicate::Taint { .. }
        )
    }
}
