//! What `ktriage report --json` prints: one [`Log`] a line.

use analysis_identity::{CrashReport, Reports};
use schemars::JsonSchema;
use serde::Serialize;

/// Grows when a field changes its meaning or goes; new fields do not change it.
pub(crate) const FORMAT: u32 = 1;

/// The reports of one log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Log<'a> {
    /// Number of this format.
    format: u32,
    /// The log as it was named on the command line; `-` is standard input.
    file: &'a str,
    /// The reports, in the order of the log.
    reports: Vec<Report<'a>>,
}

/// One report.
#[derive(Debug, Serialize, JsonSchema)]
struct Report<'a> {
    /// The name under which the community files the crash.
    title: &'a str,
    /// Other names under which the same bug may be filed, sorted.
    alt_titles: &'a [String],
    /// The kind of crash; null when the title tells none.
    r#type: Option<&'static str>,
    /// The function in the title.
    frame: Option<&'a str>,
    /// The report is damaged: its title may be wrong.
    corrupted: bool,
    /// What is wrong with it.
    corrupted_reason: Option<&'a str>,
    /// An echo of something outside the kernel.
    suppressed: bool,
    /// The line that says so.
    suppressed_reason: Option<&'a str>,
    /// The kernel panicked somewhere in the log.
    panicked: bool,
    /// The fuzzer process and program, from a task named `syz.P.E`.
    executor: Option<Executor>,
    /// The source file that the report points at; only in symbolised text.
    guilty_file: Option<&'a str>,
    /// The text without prefixes, other printers' lines and stale frames.
    report: &'a str,
    /// First line of the log that belongs to it, counted from 1; context included.
    first_line: u64,
    /// Last line of the log that belongs to it.
    last_line: u64,
    /// The line that announced it.
    header_line: u64,
    /// Byte offset of that line in the (decompressed) log.
    offset: u64,
    /// The task it is about.
    task: Option<Task<'a>>,
    /// Which boot of the log, counted from 1.
    boot: u32,
    /// The earlier report that it follows from, if any.
    follows: Option<Follows>,
    /// Lines between its own that belong to other printers.
    foreign_lines: usize,
    /// Stale stack entries (`?`) left out of the text.
    stale_frames: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Executor {
    proc: u32,
    id: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Task<'a> {
    name: &'a str,
    pid: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Follows {
    /// Number of the earlier report in `reports`, counted from 1.
    report: usize,
    /// What ties the two.
    how: &'static str,
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
        suppressed_reason: report.suppressed.as_deref(),
        panicked: report.panicked,
        executor: report.executor.map(|e| Executor { proc: e.proc, id: e.id }),
        guilty_file: report.guilty_file.as_deref(),
        report: &report.text,
        first_line: report.lines.first,
        last_line: report.lines.last,
        header_line: report.header_line,
        offset: report.offset,
        task: report.task.as_ref().map(|task| Task { name: &task.name, pid: task.pid }),
        boot: report.boot,
        follows: report
            .relation
            .map(|relation| Follows { report: relation.to, how: relation.kind.name() }),
        foreign_lines: report.dropped.foreign,
        stale_frames: report.dropped.stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_shape_has_the_fields_of_format_1() {
        let reports = analysis_identity::read_log(b"[    1.000000] WARNING: odd\n");
        let printed = serde_json::to_value(log("x.log", &reports)).unwrap();
        assert_eq!(printed["format"], 1);
        assert_eq!(printed["file"], "x.log");
        let report = &printed["reports"][0];
        assert_eq!(report["title"], "WARNING: odd");
        assert_eq!(report["type"], "WARNING");
        assert_eq!(report["first_line"], 1);
        let fields: Vec<&String> = report.as_object().unwrap().keys().collect();
        assert_eq!(fields.len(), 21, "a new field needs a line in docs/json.md: {fields:?}");
    }
}
