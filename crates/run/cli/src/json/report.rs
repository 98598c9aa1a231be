//! What `ktriage report --json` prints: one [`Log`] a line.

use reason_crash_identity::{CrashReport, Reports};
use serde::Serialize;

/// Grows when a field changes its meaning or goes; new fields do not change it.
pub(crate) const FORMAT: u32 = 1;

/// The reports of one log.
#[derive(Debug, Serialize)]
pub(crate) struct Log<'a> {
    format: u32,
    file: &'a str,
    reports: Vec<Report<'a>>,
}

/// One report.
#[derive(Debug, Serialize)]
struct Report<'a> {
    title: &'a str,
    alt_titles: &'a [String],
    r#type: Option<&'static str>,
    frame: Option<&'a str>,
    corrupted: bool,
    corrupted_reason: Option<&'a str>,
    suppressed: bool,
    panicked: bool,
    executor: Option<Executor>,
    guilty_file: Option<&'a str>,
    report: &'a str,
    first_line: u64,
    last_line: u64,
}

#[derive(Debug, Serialize)]
struct Executor {
    proc: u32,
    id: u64,
}

/// The printed shape of a log's reports.
pub(crate) fn log<'a>(file: &'a str, reports: &'a Reports) -> Log<'a> {
    Log { format: FORMAT, file, reports: reports.reports.iter().map(report).collect() }
}

fn report(report: &CrashReport) -> Report<'_> {
    Report {
        title: &report.title,
        alt_titles: &report.alt_titles,
        r#type: report.kind,
        frame: report.frame.as_deref(),
        corrupted: report.corrupted.is_some(),
        corrupted_reason: report.corrupted.as_deref(),
        suppressed: report.suppressed.is_some(),
        panicked: report.panicked,
        executor: report.executor.map(|e| Executor { proc: e.proc, id: e.id }),
        guilty_file: report.guilty_file.as_deref(),
        report: &report.text,
        first_line: report.lines.first,
        last_line: report.lines.last,
    }
}
