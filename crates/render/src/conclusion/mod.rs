//! What is concluded of a log, in English: the verdict, its first cause, waits, ties between events, needs.

mod chain;
mod cpu;
mod event;
mod finding;
mod first;
mod link;
mod memory;
mod need;
mod parts;
mod stall;
mod waits;

pub use event::title;
pub(crate) use event::without_key;
pub use finding::verdict;
pub use first::first_cause;
pub use link::link;
pub use need::need;
pub use waits::{participant, waits_for};

#[cfg(test)]
mod tests {
    use model::{
        Finding, FirstCause, Grade, LinkReason, Need, Participant, Step, Verdict, VerdictKind,
        WaitsFor,
    };
    use serde_json::Value;

    use super::*;

    /// One of each kind, and what is said of it.
    const SAMPLES: &str = include_str!("samples.jsonl");

    const LOG: &str = "watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [shopper:71]\n";

    fn value<T: serde::de::DeserializeOwned>(value: &Value) -> T {
        serde_json::from_value(value.clone()).unwrap_or_else(|problem| panic!("{value}: {problem}"))
    }

    /// What is said of a sample, the first cause behind the verdict.
    fn said(of: &str, sample: &Value) -> String {
        let seen = analysis_hang::diagnose(LOG.as_bytes()).seen;
        match of {
            "finding" => {
                let finding: Finding = value(sample);
                let whole = Verdict {
                    kind: VerdictKind::Unknown,
                    findings: vec![finding.clone()],
                    rule: None,
                    grade: Grade::Seen,
                    lines: Vec::new(),
                    needs: Vec::new(),
                    cause: None,
                };
                let event = seen.events[0].id;
                let cause = FirstCause { event, line: 1, finding, grade: Grade::Seen };
                format!("{} | {}", verdict(&seen, &whole), first_cause(&seen, &cause))
            }
            "need" => need(&value::<Need>(sample)),
            "link" => link(&value::<LinkReason>(sample)),
            "participant" => participant(&value::<Participant>(sample)),
            "waits_for" => waits_for(&Step {
                from: Participant::UnnamedCpu,
                to: Participant::Task { task: model::Task::new("keeper", 72) },
                waits_for: value::<WaitsFor>(sample),
            }),
            other => panic!("{other} is no kind of sample"),
        }
    }

    /// The names of all variants of a type.
    fn variants<T: schemars::JsonSchema>(tag: &str) -> Vec<String> {
        let schema = schemars::schema_for!(T);
        let all = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|one| one["properties"][tag]["const"].as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn every_conclusion_has_words_of_its_own() {
        let mut seen = Vec::new();
        for line in SAMPLES.lines() {
            let sample: Value = serde_json::from_str(line).unwrap();
            let of = sample["of"].as_str().unwrap();
            let text = said(of, &sample["value"]);
            assert_eq!(Some(text.as_str()), sample["statement"].as_str(), "{line}");
            let tags = ["finding", "need", "reason", "why", "kind"];
            let name = tags.iter().find_map(|tag| sample["value"][*tag].as_str()).unwrap();
            seen.push((of.to_owned(), name.to_owned()));
        }
        let all = [
            ("finding", variants::<Finding>("finding")),
            ("need", variants::<Need>("need")),
            ("link", variants::<LinkReason>("reason")),
            ("waits_for", variants::<WaitsFor>("why")),
            ("participant", variants::<Participant>("kind")),
        ];
        for (of, names) in all {
            assert!(!names.is_empty(), "{of}");
            for name in names {
                assert!(seen.contains(&(of.to_owned(), name.clone())), "{of} {name} has no sample");
            }
        }
    }
}
