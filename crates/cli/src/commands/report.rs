//! `ktriage report`: the crash reports in console logs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_identity::{CrashReport, LogReader, Reports};
use analysis_symbolize::FactsReader;
use app_symbolize::Symbolizer;
use model::Notice;
use parse_console::Stamp;
use rayon::prelude::*;

use super::symbolize;
use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::json::report as json;
use crate::output::{Color, Escaped, Paint};

/// Find every crash report in console logs and name it as the kernel community does.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage report console.log            every report, without the noise
  ktriage report --brief *.log.xz       one line a report
  dmesg | ktriage report -              the running kernel
  ktriage report --json a.log b.log     one JSON object a log
  ktriage report --exit-code boot.log   exit status 1 when there is a crash

The titles are those of syzbot, so they can be searched in its lists and in mail archives.")]
pub(crate) struct Arguments {
    /// Console logs; `-` is standard input. Gzip, xz and zstd files are opened as they are.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// Print one JSON object a log, on one line (see docs/json.md).
    #[arg(long, conflicts_with = "brief")]
    json: bool,

    /// Print one line a report: file, line and title.
    #[arg(long, short)]
    brief: bool,

    /// Exit with 1 when a crash was found, as `git diff --exit-code` does.
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    files: symbolize::Files,
}

/// So many logs are read side by side before their reports are printed, in order.
const SIDE_BY_SIDE: usize = 64;

pub(crate) fn run(arguments: &Arguments, color: Color) -> Result<ExitCode, Failure> {
    let inputs: Vec<Input> = arguments.logs.iter().cloned().map(Input::from).collect();
    let several = inputs.len() > 1;
    let paint = color.for_stdout();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut found = false;
    let mut failed = None;
    let mut symbolizer = arguments.files.symbolizer();
    for inputs in inputs.chunks(SIDE_BY_SIDE) {
        let results: Vec<Result<Read, Failure>> = match &mut symbolizer {
            None => inputs.par_iter().map(read).collect(),
            Some(symbolizer) => inputs.iter().map(|input| with_lines(input, symbolizer)).collect(),
        };
        for (input, result) in inputs.iter().zip(results) {
            let (reports, notice) = match result {
                Ok(read) => read,
                // The other logs are still read; the last failure decides the exit status.
                Err(failure) => {
                    if let Some(earlier) = failed.replace(failure) {
                        let earlier: Failure = earlier;
                        earlier.report();
                    }
                    continue;
                }
            };
            found |= !reports.reports.is_empty();
            let name = input.name();
            if arguments.json {
                serde_json::to_writer(&mut out, &json::log(&name, &reports))
                    .map_err(io::Error::from)?;
                writeln!(out)?;
            } else if arguments.brief {
                brief(&mut out, &name, &reports)?;
            } else {
                text(&mut out, &name, several, &reports, paint)?;
                if let Some(notice) = notice.filter(|_| !reports.reports.is_empty()) {
                    writeln!(out, "{}", render::notice(&notice))?;
                }
            }
        }
    }
    out.flush()?;
    match failed {
        Some(failure) => Err(failure),
        None if arguments.exit_code && found => Ok(ExitCode::from(FOUND)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// The reports of a log, and a notice about its lines.
type Read = (Reports, Option<Notice>);

fn read(input: &Input) -> Result<Read, Failure> {
    let mut reader = LogReader::new();
    let notice = input.read_to(|piece| reader.push(piece))?;
    Ok((reader.finish(), notice))
}

/// The reports of a log with files and lines.
fn with_lines(input: &Input, symbolizer: &mut Symbolizer) -> Result<Read, Failure> {
    let mut reader = LogReader::new();
    let mut facts = FactsReader::new();
    let notice = input.read_to(|piece| {
        reader.push(piece);
        facts.push(piece);
    })?;
    let mut reports = reader.finish();
    if reports.reports.is_empty() {
        return Ok((reports, notice));
    }
    let mut session = symbolizer.of(facts.finish())?;
    for report in &mut reports.reports {
        symbolize::symbolise(&mut session, report)?;
    }
    symbolize::finish(session);
    Ok((reports, notice))
}

fn brief(out: &mut impl Write, name: &str, reports: &Reports) -> io::Result<()> {
    for report in &reports.reports {
        let flags = flags(report);
        let flags = if flags.is_empty() { flags } else { format!("  ({flags})") };
        writeln!(
            out,
            "{}:{}: {}{flags}",
            Escaped(name),
            report.header_line,
            Escaped(&report.title)
        )?;
    }
    Ok(())
}

fn text(
    out: &mut impl Write,
    name: &str,
    several: bool,
    reports: &Reports,
    paint: Paint,
) -> io::Result<()> {
    let count = reports.reports.len();
    if count == 0 {
        return writeln!(out, "{}: no crash report in {}", Escaped(name), bytes(reports.bytes));
    }
    let boots = reports.reports.iter().map(|report| report.boot).max().unwrap_or(1);
    if several || count > 1 {
        let plural = if count == 1 { "report" } else { "reports" };
        let boots = if boots > 1 { format!(", {boots} boots") } else { String::new() };
        writeln!(out, "{}", paint.bold(&format!("{}: {count} {plural}{boots}", Escaped(name))))?;
        writeln!(out)?;
    }
    for (at, report) in reports.reports.iter().enumerate() {
        one(out, at + 1, count, boots, report, paint)?;
    }
    if reports.left_out > 0 {
        writeln!(
            out,
            "{} further reports are left out: the log holds too many.",
            reports.left_out
        )?;
    }
    if reports.without_text > 0 {
        writeln!(
            out,
            "The text of the last {} reports is left out: the log holds too many.",
            reports.without_text
        )?;
    }
    Ok(())
}

fn one(
    out: &mut impl Write,
    number: usize,
    count: usize,
    boots: u32,
    report: &CrashReport,
    paint: Paint,
) -> io::Result<()> {
    let mark = if count > 1 { format!("{number}. ") } else { String::new() };
    writeln!(out, "{}{}", mark, paint.title(&Escaped(&report.title).to_string()))?;
    let mut field = |name: &str, value: String| {
        writeln!(out, "   {name:<9} {}", Escaped(&value).to_string().replace('\n', " "))
    };
    field("lines", format!("{} (announced at L{})", report.lines, report.header_line))?;
    if let Some(kind) = report.kind {
        field("type", kind.to_owned())?;
    }
    if !report.alt_titles.is_empty() {
        field("also", report.alt_titles.join("; "))?;
    }
    if let Some(place) = place(report) {
        field("where", place)?;
    }
    if let Some(when) = when(report, boots) {
        field("when", when)?;
    }
    if let Some(file) = &report.guilty_file {
        field("file", file.clone())?;
    }
    if let Some(executor) = report.executor {
        field("program", format!("fuzzer process {}, program {}", executor.proc, executor.id))?;
    }
    if let Some(reason) = &report.corrupted {
        field("damaged", format!("{reason}; the title may be wrong"))?;
    }
    if let Some(reason) = &report.suppressed {
        field("ignore?", format!("an echo of something outside the kernel: {reason}"))?;
    }
    if report.panicked {
        field("panic", "the kernel panicked in this log".to_owned())?;
    }
    if let Some(relation) = report.relation {
        field("follows", format!("{} report {}", relation.kind.name(), relation.to))?;
    }
    if let Some(dropped) = dropped(report) {
        field("left out", dropped)?;
    }
    writeln!(out)?;
    for line in report.text.lines() {
        if line.is_empty() {
            writeln!(out)?;
        } else {
            writeln!(out, "    {}", Escaped(line))?;
        }
    }
    writeln!(out)
}

fn place(report: &CrashReport) -> Option<String> {
    let task = report.task.as_ref().map(|task| format!("task {}[{}]", task.name, task.pid));
    let function = report.frame.as_ref().map(|frame| format!("in {frame}"));
    match (task, function) {
        (Some(task), Some(function)) => Some(format!("{task}, {function}")),
        (task, function) => task.or(function),
    }
}

fn when(report: &CrashReport, boots: u32) -> Option<String> {
    let second = 1_000_000.0;
    let time = match report.stamp {
        Some(Stamp::Boot(micros)) => Some(format!("{:.6} s after boot", micros as f64 / second)),
        Some(Stamp::Delta(micros)) => {
            Some(format!("{:.6} s after the line before", micros as f64 / second))
        }
        Some(Stamp::MinuteMark { month, day, hour, minute }) => {
            Some(format!("{month:02}-{day:02} {hour:02}:{minute:02}"))
        }
        Some(Stamp::Wall(micros)) => Some(crate::output::date(micros)),
        Some(Stamp::Yearless(micros)) => Some(crate::output::yearless(micros)),
        None => None,
    };
    match (time, boots > 1) {
        (Some(time), true) => Some(format!("{time}, boot {}", report.boot)),
        (None, true) => Some(format!("boot {}", report.boot)),
        (time, false) => time,
    }
}

fn dropped(report: &CrashReport) -> Option<String> {
    let mut parts = Vec::new();
    if report.dropped.foreign > 0 {
        parts.push(format!("{} lines of other printers", report.dropped.foreign));
    }
    if report.dropped.stale > 0 {
        parts.push(format!("{} stale stack entries (?)", report.dropped.stale));
    }
    if report.dropped.cut {
        parts.push("everything after 2,000 lines".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn flags(report: &CrashReport) -> String {
    let mut flags = Vec::new();
    if report.corrupted.is_some() {
        flags.push("damaged");
    }
    if report.suppressed.is_some() {
        flags.push("ignore?");
    }
    flags.join(", ")
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} bytes"),
        10_000..10_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}
