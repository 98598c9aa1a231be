//! Which statements a person wants to read.

use model::{IrqState, Predicate, Statement};

/// Whether a person wants to read it: what stands in nearly every dump, or in the head of the report, is left to
/// JSON.
pub(crate) fn is_telling(statement: &Statement) -> bool {
    !matches!(
        statement.predicate(),
        Predicate::Irqs { state: IrqState::Enabled, .. }
            | Predicate::CurrentTask { .. }
            | Predicate::OnCpu { .. }
            | Predicate::FaultKind { .. }
            | Predicate::KernelVersion { .. }
            | Predicate::Taint { .. }
    )
}
