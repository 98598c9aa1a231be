//! Objects in a wrong state.

use model::{BadObject as B, FaultKind as K, Predicate};

use super::fact::Facts;
use super::kind::{headline, kinds};
use super::log::Log;

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        for object in objects(text) {
            facts.say(&[at], Predicate::BadState { object });
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
