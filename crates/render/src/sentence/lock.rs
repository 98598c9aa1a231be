//! Sentences on locks and atomic context.

use model::{AtomicReason, Predicate as P};

use super::words::{lock, usage};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::LockWanted { task, lock: which, function } => {
            format!("{task} wants {}, in {function}().", lock(which))
        }
        P::LockReleased { task, lock: which, function } => {
            let place = function.as_ref().map(|f| format!(", in {f}()")).unwrap_or_default();
            format!("{task} releases {}, which it does not hold{place}.", lock(which))
        }
        P::LockOrder { first, then, function } => {
            let place = function.as_ref().map(|f| format!(", in {f}()")).unwrap_or_default();
            format!("{} is taken while {} is held{place}.", lock(then), lock(first))
        }
        P::LockConflict { lock: which, one, other } => {
            format!("{} is {}, and {}.", lock(which), usage(*one), usage(*other))
        }
        P::SameLock { first, second, same } => {
            if *same {
                format!("{} is wanted and held: one and the same lock.", lock(first))
            } else if first.class == second.class {
                format!("{} and {} are different locks of one class.", lock(first), lock(second))
            } else {
                format!("{} and {} are different locks.", lock(first), lock(second))
            }
        }
        P::LockdepOff => "Lockdep is off from here on; its later silence is not health.".to_owned(),
        P::AtomicContext { field, value, expected } => {
            let expected =
                expected.map(|value| format!(", expected {value:#x}")).unwrap_or_default();
            format!("{field} is {value:#x}{expected}.")
        }
        P::AtomicBecause { reason } => format!(
            "Sleeping is forbidden there: {}.",
            match reason {
                AtomicReason::IrqsDisabled => "IRQs are disabled",
                AtomicReason::PreemptionDisabled => "preemption is disabled",
                AtomicReason::BottomHalves => "bottom halves are disabled, or a softirq runs",
                AtomicReason::Hardirq => "a hard interrupt runs",
                AtomicReason::Nmi => "an NMI is handled",
                AtomicReason::RcuReader => "it is an RCU reader section",
                AtomicReason::NonBlock => "it is a section that must not block",
            }
        ),
        P::PreemptionDisabledAt { function } => {
            format!("Preemption or bottom halves were disabled in {function}().")
        }
        _ => return None,
    })
}
