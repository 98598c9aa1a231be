//! What is said of a log stays the same when the log is written in another way, and no more is said when it is damaged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use app_diagnose::{Diagnosed, Wanted, diagnose};
use model::{Grade, VerdictKind};

fn logs(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logs(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            into.push(path);
        }
    }
}

/// Short logs, a few of each kind of kernel.
fn samples() -> Vec<(String, String)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."));
    let mut paths = Vec::new();
    logs(&root.join("samples"), &mut paths);
    logs(&root.join("testing/faults/recorded"), &mut paths);
    paths.sort();
    let texts = paths.iter().map(|path| {
        (
            path.display().to_string(),
            String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned(),
        )
    });
    let short: Vec<_> = texts.filter(|(_, text)| text.lines().count() < 600).step_by(5).collect();
    assert!(short.len() >= 8, "{} logs", short.len());
    short
}

fn read(log: &str) -> Diagnosed {
    diagnose(log.as_bytes(), Wanted::default()).unwrap()
}

/// What is said to be seen or computed, with its lines.
fn said(read: &Diagnosed) -> BTreeSet<String> {
    let all = read.diagnosis.statements.iter().chain(&read.registers);
    all.filter(|said| said.grade() >= Grade::Derived)
        .map(|said| format!("{:?} {:?}", said.predicate(), said.lines()))
        .collect()
}

#[test]
fn a_quoted_log_tells_what_the_log_tells() {
    for (name, log) in samples() {
        let quoted: String = log.lines().map(|line| format!("> {line}\n")).collect();
        assert_eq!(said(&read(&log)), said(&read(&quoted)), "{name}");
    }
}

#[test]
fn ends_of_lines_of_another_system_change_nothing() {
    for (name, log) in samples() {
        let other = log.replace('\n', "\r\n");
        assert_eq!(said(&read(&log)), said(&read(&other)), "{name}");
    }
}

#[test]
fn no_link_crosses_from_one_boot_into_the_next() {
    let boot = "[    0.000000] Linux version 6.1.0 (marl@bed) #1 SMP\n";
    let samples = samples();
    for pair in samples.windows(2) {
        let [(name, one), (other, two)] = pair else { unreachable!() };
        let glued = format!("{boot}{one}\n{boot}{two}");
        let border = one.lines().count() as u64 + 2;
        let found = read(&glued);
        for (event, link) in found.diagnosis.seen.events.iter().zip(&found.diagnosis.causes.links) {
            let Some(link) = link else { continue };
            let parent = found.diagnosis.seen.event(link.parent);
            assert_eq!(
                event.line <= border,
                parent.line <= border,
                "{name} and {other}: {} to {}",
                event.id,
                parent.id
            );
        }
    }
}

#[test]
fn a_log_in_reverse_order_shows_no_deadlock_that_the_log_does_not_show() {
    for (name, log) in samples() {
        let lines: Vec<&str> = log.lines().rev().collect();
        let whole = read(&log).diagnosis.verdict.kind;
        let reversed = read(&lines.join("\n")).diagnosis.verdict.kind;
        if reversed == VerdictKind::Deadlock {
            assert_eq!(whole, VerdictKind::Deadlock, "{name}");
        }
    }
}

#[test]
fn a_statement_goes_with_the_line_that_it_cites() {
    for (name, log) in samples() {
        let lines: Vec<&str> = log.lines().collect();
        let whole = read(&log);
        let mut cited: Vec<u64> = whole
            .diagnosis
            .statements
            .iter()
            .chain(&whole.registers)
            .flat_map(|said| said.lines().iter().map(|span| span.first))
            .collect();
        cited.sort_unstable();
        cited.dedup();
        for line in cited.iter().step_by(cited.len() / 3 + 1) {
            let mut damaged = lines.clone();
            damaged[*line as usize - 1] = "";
            let found = read(&damaged.join("\n"));
            let all = found.diagnosis.statements.iter().chain(&found.registers);
            for said in all.filter(|said| said.grade() >= Grade::Derived) {
                let alone =
                    said.lines().iter().any(|span| span.first == *line && span.last == *line);
                assert!(!alone, "{name}: {:?} cites the blank line {line}", said.predicate());
            }
        }
    }
}
