//! The measure of `ktriage report`: published crash cases and real logs, which stand beside the
//! project in `../shared`. Where they are absent, each test says so and passes.

use std::path::PathBuf;
use std::process::Command;

use reference::{note, shared};
use serde_json::Value;

#[path = "support/reference.rs"]
mod reference;

/// The reports of `ktriage report --json`, one list a log.
fn reports(logs: &[PathBuf]) -> Vec<Vec<Value>> {
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["report", "--json"])
        .args(logs)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let log: Value = serde_json::from_str(line).unwrap();
            log["reports"].as_array().unwrap().clone()
        })
        .collect()
}

#[test]
fn published_reports_have_their_published_names() {
    let Some(shared) = shared("the published reports") else { return };
    let scorer = Command::new("python3")
        .arg(shared.join("score/reports.py"))
        .arg(env!("CARGO_BIN_EXE_ktriage"))
        .arg(shared.join("corpus/reports"))
        .output();
    let Ok(scorer) = scorer else { return note("skipped: the published reports: no python3") };
    let score = String::from_utf8_lossy(&scorer.stdout).into_owned();
    note(&score);
    let share = |field: &str| -> f64 {
        let line = score.lines().find(|line| line.starts_with(field)).unwrap_or_else(|| {
            panic!("no {field} in {score}{}", String::from_utf8_lossy(&scorer.stderr))
        });
        let (right, all) = line[field.len()..].trim().split_once('/').unwrap();
        let all = all.split(' ').next().unwrap();
        right.parse::<f64>().unwrap() / all.parse::<f64>().unwrap()
    };
    assert!(share("exact") >= 0.98, "{score}");
    assert!(share("title") >= 0.98, "{score}");
}

#[test]
fn the_guilty_file_is_the_one_that_was_blamed() {
    let Some(shared) = shared("the guilty files") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut cases: Vec<(String, PathBuf)> = Vec::new();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(shared.join("corpus/guilty"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let case = std::fs::read(&path).unwrap();
        let end = case.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = String::from_utf8_lossy(&case[..end]);
        let Some(file) = head.lines().find_map(|line| line.strip_prefix("FILE: ")) else {
            continue;
        };
        let log = folder.path().join(path.file_name().unwrap());
        std::fs::write(&log, &case[end + 2..]).unwrap();
        cases.push((file.to_owned(), log));
    }
    let logs: Vec<PathBuf> = cases.iter().map(|(_, log)| log.clone()).collect();
    let wrong: Vec<String> = cases
        .iter()
        .zip(reports(&logs))
        .filter_map(|((file, log), reports)| {
            let got = reports.first().and_then(|report| report["guilty_file"].as_str());
            let name = log.file_name().unwrap().to_string_lossy();
            (got != Some(file)).then(|| format!("{name}: {got:?}, want {file}"))
        })
        .collect();
    note(&format!("guilty file: {} of {}", cases.len() - wrong.len(), cases.len()));
    assert!(cases.len() >= 40, "the cases are gone");
    assert!(wrong.len() * 20 <= cases.len(), "{}", wrong.join("\n"));
}

/// Number of the first line and title of every report of a seed.
fn seed(start: &str) -> Option<Vec<(u64, String)>> {
    let seeds = shared(&format!("seed {start}"))?.join("seeds");
    let path = std::fs::read_dir(seeds)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(start))
        .unwrap_or_else(|| panic!("no seed {start}"));
    let found = reports(&[path]).remove(0);
    Some(
        found
            .iter()
            .map(|report| {
                let line = report["header_line"].as_u64().unwrap();
                (line, report["title"].as_str().unwrap().to_owned())
            })
            .collect(),
    )
}

fn borrowed(found: &[(u64, String)]) -> Vec<(u64, &str)> {
    found.iter().map(|(line, title)| (*line, title.as_str())).collect()
}

#[test]
fn a_published_stall_is_one_report() {
    let Some(found) = seed("000") else { return };
    let titles = borrowed(&found);
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(
        titles[0].0 == 1 && titles[0].1.starts_with("INFO: rcu detected stall in "),
        "{titles:?}"
    );
}

#[test]
fn a_note_with_a_log_inside_gives_every_report_and_no_false_one() {
    let Some(found) = seed("003") else { return };
    let expected = [
        (39, "WARNING in "),
        (118, "INFO: rcu detected stall in "),
        (210, "INFO: task hung in "),
        (255, "INFO: task hung in "),
        (293, "INFO: task hung in "),
        (335, "INFO: rcu detected stall in "),
    ];
    let titles = borrowed(&found);
    let same = titles.len() == expected.len()
        && titles
            .iter()
            .zip(expected)
            .all(|((line, title), (at, start))| *line == at && title.starts_with(start));
    assert!(same, "{titles:#?}");
}

#[test]
fn texts_without_a_console_log_hold_no_report() {
    for start in ["002", "004"] {
        let Some(found) = seed(start) else { return };
        assert_eq!(borrowed(&found), [], "seed {start}");
    }
}
