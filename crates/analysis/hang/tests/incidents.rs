//! Real logs whose threads settled on a cause: the first cause is right or unknown, never another one; no
//! deadlock without a cycle. Skips where the logs are absent.

#![expect(
    clippy::print_stdout,
    reason = "the table of right, unknown and wrong is what the test is for"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use analysis_hang::diagnose;
use model::VerdictKind;

use support::{first, needs, words};

fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// The number after `"line":` inside the object `key`.
fn line_of(truth: &str, key: &str) -> Option<u64> {
    let object = truth.split_once(&format!("\"{key}\": {{"))?.1;
    let number = object.split_once("\"line\":")?.1.trim_start();
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn string_of(truth: &str, key: &str) -> String {
    truth
        .split_once(&format!("\"{key}\": \""))
        .and_then(|(_, rest)| rest.split_once("\",\n").or_else(|| rest.split_once("\"\n")))
        .map(|(text, _)| text.to_owned())
        .unwrap_or_default()
}

#[test]
fn first_causes_of_real_incidents_are_right_or_unknown() {
    let Some(folder) = corpus("corpus/incidents") else { return };
    let mut logs: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    logs.sort();
    let (mut right, mut unknown, mut wrong, mut deadlocks) = (0, 0, Vec::new(), Vec::new());
    let show = std::env::var_os("SHOW").is_some();
    for path in &logs {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let truth = fs::read_to_string(path.with_extension("json")).unwrap();
        let wanted = line_of(&truth, "first_cause").unwrap();
        let diagnosis = diagnose(&parse_console::mail::text(&fs::read(path).unwrap()));
        let grade = match &diagnosis.first_cause {
            None => {
                unknown += 1;
                assert!(!diagnosis.needs.is_empty(), "{name}: unknown, but no exhibit is named");
                "unknown"
            }
            Some(cause) => {
                let lines = diagnosis.seen.event(cause.event).lines;
                if cause.line.abs_diff(wanted) <= 3
                    || (lines.first.saturating_sub(3) <= wanted && wanted <= lines.last)
                {
                    right += 1;
                    "right"
                } else {
                    wrong.push(name.clone());
                    "wrong"
                }
            }
        };
        let cycle =
            ["cycle", "self deadlock", "ABBA", "recursive"].iter().any(|word| truth.contains(word));
        if diagnosis.verdict.kind == VerdictKind::Deadlock && !cycle {
            deadlocks.push(name.clone());
        }
        println!(
            "{name} {grade:8} {:20} {}",
            diagnosis.verdict.kind.name(),
            string_of(&truth, "kind")
        );
        if show {
            println!("  truth L{wanted}: {}", string_of(&truth, "root_cause"));
            println!(
                "  first: {:?}",
                diagnosis.first_cause.as_ref().map(|c| (c.line, first(&diagnosis)))
            );
            println!(
                "  verdict {} {}: {}",
                diagnosis.verdict.kind.name(),
                diagnosis.verdict.grade,
                words(&diagnosis)
            );
            println!("  need {:?}", needs(&diagnosis));
        }
    }
    println!("right {right}, unknown {unknown}, wrong {}", wrong.len());
    assert!(wrong.is_empty(), "wrong first cause in {wrong:?}");
    assert!(deadlocks.is_empty(), "deadlock without a cycle in {deadlocks:?}");
    assert!(right * 10 >= logs.len() * 7, "only {right} of {} right", logs.len());
}

#[test]
fn hangs_of_published_crashes_are_no_deadlocks() {
    let Some(folder) = corpus("corpus/reports") else { return };
    let mut checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        // A header block, an empty line, the log.
        let log = text.split_once("\n\n").map_or("", |(_, log)| log);
        let diagnosis = diagnose(log.as_bytes());
        let hang = diagnosis.seen.events.iter().any(|event| event.kind.is_hang());
        checked += usize::from(hang);
        assert_ne!(
            diagnosis.verdict.kind,
            VerdictKind::Deadlock,
            "{}: {}",
            path.display(),
            words(&diagnosis)
        );
    }
    println!("{checked} logs with hangs");
    assert!(checked > 50);
}
