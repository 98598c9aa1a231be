//! Logs of faults that were provoked on purpose: the first cause is right or unknown, never another one, and
//! the verdict is one of those the fault allows. Skips where no logs are recorded.

#![expect(
    clippy::print_stdout,
    reason = "the table of right, unknown and wrong is what the test is for"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use analysis_hang::{Diagnosis, diagnose};
use model::VerdictKind;

use support::{first, names, words};

fn logs() -> Vec<PathBuf> {
    let folder = std::env::var_os("KTRIAGE_RECORDED_FAULTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../testing/faults/recorded"),
        PathBuf::from,
    );
    let mut logs: Vec<PathBuf> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_dir(entry.ok()?.path()).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    if logs.is_empty() {
        println!("skipped: no recorded faults in {}", folder.display());
    }
    logs
}

/// The value of a key in a section (the empty one stands at the top), as text.
fn value(truth: &toml::Table, section: &str, key: &str) -> Option<String> {
    let body = if section.is_empty() { truth } else { truth.get(section)?.as_table()? };
    Some(match body.get(key)? {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// Right, unknown or wrong, of the first cause.
fn cause(diagnosis: &Diagnosis, truth: &toml::Table) -> &'static str {
    let wanted =
        value(truth, "first_cause", "lines").map(|text| numbers(&text)).unwrap_or_default();
    let Some(cause) = &diagnosis.first_cause else { return "unknown" };
    let lines = diagnosis.seen.event(cause.event).lines;
    let fits = |line: &u64| {
        cause.line.abs_diff(*line) <= 3
            || lines.first.saturating_sub(3) <= *line && *line <= lines.last
    };
    if wanted.iter().any(fits) { "right" } else { "wrong" }
}

/// Right, unknown or wrong, of the verdict.
fn verdict(diagnosis: &Diagnosis, truth: &toml::Table) -> &'static str {
    let allowed = value(truth, "", "verdict").unwrap_or_default();
    let kind = diagnosis.verdict.kind;
    if allowed.contains(&format!("\"{}\"", kind.name())) {
        "right"
    } else if kind == VerdictKind::Unknown {
        "unknown"
    } else {
        "wrong"
    }
}

/// Whether the task or CPU at fault is named.
fn culprit(diagnosis: &Diagnosis, truth: &toml::Table) -> &'static str {
    let Some(who) = value(truth, "culprit", "who") else { return "-" };
    let pids: Vec<&str> = who
        .split(|c: char| !c.is_ascii_digit() && c != ':')
        .filter_map(|word| word.strip_prefix(':'))
        .filter(|pid| !pid.is_empty())
        .collect();
    if pids.is_empty() {
        return "-";
    }
    let mut said = words(diagnosis).clone();
    said += &first(diagnosis);
    said.extend(names(diagnosis).iter().map(|name| format!(" {name}")));
    let words = numbers(&said);
    if pids.iter().any(|pid| words.iter().any(|word| word.to_string() == **pid)) {
        "named"
    } else {
        "not named"
    }
}

#[test]
fn provoked_faults_are_diagnosed_right_or_unknown() {
    let show = std::env::var_os("SHOW").is_some();
    let mut wrong = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    for path in logs() {
        let name = format!(
            "{}/{}",
            path.parent().unwrap().file_name().unwrap().to_string_lossy(),
            path.file_stem().unwrap().to_string_lossy()
        );
        let truth = fs::read_to_string(path.with_extension("toml")).unwrap();
        let truth: toml::Table = toml::from_str(&truth).unwrap();
        let diagnosis = diagnose(&fs::read(&path).unwrap());
        let row =
            [cause(&diagnosis, &truth), verdict(&diagnosis, &truth), culprit(&diagnosis, &truth)];
        for (column, word) in ["cause", "verdict", "culprit"].iter().zip(row) {
            *counts.entry((*column, word)).or_insert(0) += 1;
        }
        let cycle = value(&truth, "", "cycle").as_deref() == Some("true");
        let false_deadlock = diagnosis.verdict.kind == VerdictKind::Deadlock && !cycle;
        println!(
            "{name:45} cause {:8} verdict {:8} ({}) culprit {}{}",
            row[0],
            row[1],
            diagnosis.verdict.kind.name(),
            row[2],
            if false_deadlock { " FALSE DEADLOCK" } else { "" }
        );
        if row[0] == "wrong" || row[1] == "wrong" || false_deadlock {
            wrong.push(name.clone());
        }
        if show && (row.contains(&"wrong") || row.contains(&"unknown") || row[2] == "not named") {
            println!(
                "    truth   L{} {} | {}",
                value(&truth, "first_cause", "lines").unwrap_or_default(),
                value(&truth, "first_cause", "statement").unwrap_or_default(),
                value(&truth, "culprit", "who").unwrap_or_default()
            );
            println!("    chain   {}", value(&truth, "", "chain").unwrap_or_default());
            println!(
                "    program {:?}",
                diagnosis.first_cause.as_ref().map(|c| (c.line, first(&diagnosis)))
            );
            println!(
                "    verdict {} (allowed {}): {}",
                diagnosis.verdict.kind.name(),
                value(&truth, "", "verdict").unwrap_or_default(),
                words(&diagnosis)
            );
            println!(
                "    rivals  {:?}",
                diagnosis
                    .causes
                    .rivals
                    .iter()
                    .map(|id| (
                        id.to_string(),
                        diagnosis.seen.event(*id).kind,
                        diagnosis.seen.event(*id).lines.first
                    ))
                    .collect::<Vec<_>>()
            );
        }
    }
    println!("{counts:?}");
    assert!(wrong.is_empty(), "wrong: {wrong:?}");
}
