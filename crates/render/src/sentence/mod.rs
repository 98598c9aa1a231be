//! A predicate as one English sentence, one file for each family of predicates.

mod crash;
mod hang;
mod lock;
mod memory;
mod register;
mod source;
mod stall;
mod words;

use model::Predicate;

pub(crate) use self::words::{lock, taint};

/// The sentence that says a predicate, with a full stop. Text of the log stands in it as it is: escape the sentence
/// where it is printed.
pub fn sentence(predicate: &Predicate) -> String {
    let families = [
        crash::sentence,
        register::sentence,
        hang::sentence,
        stall::sentence,
        lock::sentence,
        memory::sentence,
        source::sentence,
    ];
    families
        .iter()
        .find_map(|family| family(predicate))
        .unwrap_or_else(|| format!("{predicate:?}."))
}

#[cfg(test)]
mod tests {
    use model::Assertion;

    use super::*;

    /// One of each kind, and what is said of it.
    const SAMPLES: &str = include_str!("samples.jsonl");

    #[test]
    fn every_predicate_has_a_sentence_of_its_own() {
        let mut seen = Vec::new();
        for line in SAMPLES.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let claim: Assertion =
                serde_json::from_str(line).unwrap_or_else(|problem| panic!("{line}: {problem}"));
            assert_eq!(sentence(&claim.predicate), value["statement"].as_str().unwrap());
            seen.push(value["predicate"].as_str().unwrap().to_owned());
        }
        for name in Predicate::names() {
            assert!(seen.contains(name), "{name} has no sample");
        }
    }
}
