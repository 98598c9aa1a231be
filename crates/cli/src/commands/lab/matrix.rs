//! `ktriage lab matrix`: one reproducer over many kernels.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use app_lab::{Campaign, Outcome, run_campaign};
use serde::Serialize;

use super::kernel::{find_kernel, lab_failure};
use super::run::{What, tally, tell};
use crate::failure::Failure;
use crate::output::{Escaped, message};
use crate::stop;

/// Run the same reproducer over several kernels and configurations, with a table as the result.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage lab matrix repro.c --kernel 6.1-cloud --kernel 6.12-cloud --runs 10
  ktriage lab matrix repro.c --kernel plain --kernel lockdep --with '' --with threadirqs")]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,

    /// A kernel image, a build of the lab (its configuration is part of it), or a kernel of Debian;
    /// may be given several times.
    #[arg(long = "kernel", value_name = "KERNEL", required = true)]
    kernels: Vec<String>,

    /// A variant of the kernel's command line; each kernel runs with each variant.
    #[arg(long = "with", value_name = "PARAMETERS", allow_hyphen_values = true)]
    variants: Vec<String>,

    /// Print one JSON object a cell.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`, one object a cell.
#[derive(Serialize)]
struct CellJson<'a> {
    format: u32,
    kernel: &'a str,
    parameters: &'a str,
    outcomes: Vec<OutcomeJson>,
    problem: Option<&'a str>,
    folder: Option<String>,
}

#[derive(Serialize)]
struct OutcomeJson {
    outcome: Outcome,
    title: String,
    runs: usize,
}

struct Cell {
    kernel: String,
    parameters: String,
    result: Result<Campaign, String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let what = &arguments.what;
    let state = what.state().folder()?;
    let prepared = what.prepare()?;
    let stop = stop::flag()?;
    let variants = if arguments.variants.is_empty() {
        vec![String::new()]
    } else {
        arguments.variants.clone()
    };
    let mut cells = Vec::new();
    let mut out = io::stdout().lock();
    for name in &arguments.kernels {
        let kernel = find_kernel(name, None, &state)?;
        for parameters in &variants {
            let mut plan =
                what.plan(kernel.clone(), prepared.clone(), &state, Arc::clone(&stop))?;
            plan.settings.command_line = format!("{} {parameters}", plan.settings.command_line);
            message(&format!("{name} {parameters}"));
            let runs = plan.runs;
            let result = match run_campaign(&plan, &mut |progress| tell(&progress, runs)) {
                Ok(campaign) => Ok(campaign),
                Err(error @ app_lab::LabError::Stopped) => return Err(lab_failure(error)),
                // One cell that cannot be had does not cost the others.
                Err(error) => Err(error.to_string()),
            };
            let cell = Cell { kernel: name.clone(), parameters: parameters.clone(), result };
            if arguments.json {
                write_json(&mut out, &cell)?;
            }
            cells.push(cell);
        }
    }
    if !arguments.json {
        write_table(&mut out, &cells)?;
    }
    let nothing = cells.iter().all(|cell| cell.result.is_err());
    Ok(if nothing { Failure::lab_status() } else { ExitCode::SUCCESS })
}

fn write_json(out: &mut impl io::Write, cell: &Cell) -> io::Result<()> {
    let outcomes = cell.result.as_ref().map(tally).unwrap_or_default();
    let json = CellJson {
        format: 2,
        kernel: &cell.kernel,
        parameters: &cell.parameters,
        outcomes: outcomes
            .into_iter()
            .map(|(outcome, title, runs)| OutcomeJson { outcome, title, runs })
            .collect(),
        problem: cell.result.as_ref().err().map(String::as_str),
        folder: cell.result.as_ref().ok().map(|c| c.folder.to_string_lossy().into_owned()),
    };
    serde_json::to_writer(&mut *out, &json).map_err(io::Error::from)?;
    writeln!(out)
}

fn write_table(out: &mut impl io::Write, cells: &[Cell]) -> io::Result<()> {
    let mut rows = vec![["kernel", "parameters", "runs", "outcome"].map(str::to_owned)];
    for cell in cells {
        let row = |runs: String, words: String| {
            [cell.kernel.clone(), cell.parameters.clone(), runs, words]
        };
        match &cell.result {
            Ok(campaign) => {
                rows.extend(tally(campaign).into_iter().map(|(outcome, title, count)| {
                    let words = match title.as_str() {
                        "" => outcome.words().to_owned(),
                        title => format!("{}: {title}", outcome.words()),
                    };
                    row(format!("{count}/{}", campaign.runs.len()), words)
                }));
            }
            Err(problem) => rows.push(row("0".into(), format!("infrastructure error: {problem}"))),
        }
    }
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for row in &rows {
        let [kernel, parameters, runs, words] =
            [0, 1, 2, 3].map(|column| Escaped(&row[column]).to_string());
        writeln!(
            out,
            "{kernel:<0$}  {parameters:<1$}  {runs:>2$}  {words}",
            widths[0], widths[1], widths[2]
        )?;
    }
    Ok(())
}
