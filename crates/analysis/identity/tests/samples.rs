//! Every family of crash report is protected by a sample of our own writing.
//!
//! A file of `samples/` has header lines (`title:`, `alt:`, `type:`, `corrupted: yes`), a blank line
//! and a console log. The first report of the log must have exactly that name. A log that holds no
//! report has the header `none`.

use std::collections::BTreeSet;
use std::path::Path;

use analysis_identity::{CrashReport, read_log};
use parse_console::reports::FAMILIES;

/// What a sample says of its first report.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    title: Option<String>,
    alternatives: Vec<String>,
    kind: Option<String>,
    corrupted: bool,
}

struct Sample {
    name: String,
    expected: Expected,
    log: String,
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| sample(path)).collect()
}

fn sample(path: &Path) -> Sample {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (head, log) = text.split_once("\n\n").unwrap_or_else(|| panic!("{name}: no blank line"));
    let mut expected = Expected::default();
    for line in head.lines() {
        match line.split_once(": ") {
            Some(("title", title)) => expected.title = Some(title.to_owned()),
            Some(("alt", title)) => expected.alternatives.push(title.to_owned()),
            Some(("type", kind)) => expected.kind = Some(kind.to_owned()),
            Some(("corrupted", "yes")) => expected.corrupted = true,
            None if line == "none" => {}
            _ => panic!("{name}: what is the header line {line:?}?"),
        }
    }
    expected.alternatives.sort();
    Sample { name, expected, log: log.to_owned() }
}

fn named(report: Option<&CrashReport>) -> Expected {
    let Some(report) = report else { return Expected::default() };
    Expected {
        title: Some(report.title.clone()),
        alternatives: report.alt_titles.clone(),
        kind: report.kind.map(str::to_owned),
        corrupted: report.corrupted.is_some(),
    }
}

#[test]
fn every_sample_has_its_name() {
    let samples = samples();
    let wrong: Vec<String> = samples
        .iter()
        .filter_map(|sample| {
            let reports = read_log(sample.log.as_bytes()).reports;
            let got = named(reports.first());
            let why = reports.first().and_then(|report| report.corrupted.as_deref());
            (got != sample.expected).then(|| {
                format!("{}: {got:?} ({why:?})\n    want {:?}", sample.name, sample.expected)
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), samples.len(), wrong.join("\n"));
}

#[test]
fn every_row_of_the_tables_has_a_sample() {
    let covered: BTreeSet<(&str, usize)> = samples()
        .iter()
        .flat_map(|sample| read_log(sample.log.as_bytes()).reports)
        .filter_map(|report| report.row)
        .map(|row| (row.header, row.shape))
        .collect();
    let bare: Vec<String> = FAMILIES
        .iter()
        .copied()
        .flatten()
        .flat_map(|family| {
            family.shapes.iter().enumerate().map(move |(at, shape)| (family.header, at, shape))
        })
        .filter(|(header, at, _)| !covered.contains(&(*header, *at)))
        .map(|(header, at, shape)| format!("{header:?} row {at}: {}", shape.line))
        .collect();
    assert!(bare.is_empty(), "{} rows without a sample:\n{}", bare.len(), bare.join("\n"));
}

#[test]
fn every_sample_holds_one_report_or_says_so() {
    for sample in samples() {
        let reports = read_log(sample.log.as_bytes()).reports;
        let titles: Vec<&str> = reports.iter().map(|report| report.title.as_str()).collect();
        assert!(titles.len() <= 1, "{}: {titles:?}", sample.name);
    }
}

#[test]
fn symbolised_text_has_the_title_of_raw_text() {
    let samples = samples();
    let mut pairs = 0;
    for symbolised in &samples {
        let Some(raw) = symbolised.name.strip_suffix(".symbolised.txt") else { continue };
        let raw = samples
            .iter()
            .find(|sample| sample.name == format!("{raw}.txt"))
            .unwrap_or_else(|| panic!("{} has no raw twin", symbolised.name));
        let reports = read_log(symbolised.log.as_bytes()).reports;
        assert_eq!(
            named(reports.first()),
            named(read_log(raw.log.as_bytes()).reports.first()),
            "{}",
            symbolised.name
        );
        assert!(reports[0].guilty_file.is_some(), "{}: no guilty file", symbolised.name);
        pairs += 1;
    }
    assert!(pairs >= 5, "only {pairs} pairs");
}
