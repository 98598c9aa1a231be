//! Objects in a wrong state.

use model::{BadObject as B, FaultKind as K, Predicate};

use super::fact::Facts;
use super::kind::{headline, kinds};
use super::log::Log;
use super::scan::{after, number_after, word};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        for object in objects(text) {
            facts.say(&[at], Predicate::BadState { object });
        }
        if let Some(says) = list_pointer(text) {
            facts.say(&[at], says);
        }
        if let Some(rest) = text.strip_prefix("unregister_netdevice: waiting for ")
            && let Some((device, rest)) = rest.split_once(" to become free")
            && let Some(count) = number_after(rest, "Usage count = ")
        {
            facts.say(&[at], Predicate::DeviceReferences { device: device.to_owned(), count });
        }
    }
}

fn objects(text: &str) -> Vec<B> {
    let mut found: Vec<B> = kinds(text)
        .into_iter()
        .filter_map(|kind| match kind {
            K::ListCorruption => Some(B::List),
            K::Refcount => Some(B::Refcount),
            K::BadPage => Some(B::Page),
            K::SlabCorruption => Some(B::SlabObject),
            K::SpinlockBug => Some(B::Spinlock),
            K::StackCanary | K::StackOverflow => Some(B::Stack),
            _ => None,
        })
        .collect();
    if text.starts_with("ODEBUG: ") {
        found.push(B::DebugObject);
    }
    if text.contains("stack corrupted") || text.starts_with("corrupted stack end detected") {
        found.push(B::Stack);
    }
    found
}

/// `list_add corruption. prev->next should be next (A), but was B. (prev=C).` and
/// `list_del corruption. next->prev should be A, but was B. (next=C)`.
fn list_pointer(text: &str) -> Option<Predicate> {
    let rest = text
        .strip_prefix("list_add corruption. ")
        .or_else(|| text.strip_prefix("list_del corruption. "))?;
    let (field, rest) = rest.split_once(" should be ")?;
    let (expected, rest) = rest.split_once(", but was ")?;
    let expected = after(expected, "(").unwrap_or(expected).trim_end_matches(')');
    let found = word(rest).trim_end_matches('.');
    Some(Predicate::ListPointer {
        field: field.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    })
}
