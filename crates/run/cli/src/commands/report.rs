//! `ktriage report`: the crash reports in console logs.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use rayon::prelude::*;
use reason_crash_identity::{LogReader, Reports};

use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::json::report as json;

/// Find every crash report in console logs and name it as the kernel community does.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Console logs; `-` is standard input. Files ending in .gz, .xz and .zst are opened as they are.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// Print one JSON object a log, on one line.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when a crash was found, as `git diff --exit-code` does.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inputs: Vec<Input> = arguments.logs.iter().cloned().map(Input::from).collect();
    let mut found = false;
    let mut out = io::stdout().lock();
    let mut failed = None;
    // So many logs are read side by side before their reports are printed, in order.
    for inputs in inputs.chunks(64) {
        let results: Vec<Result<Reports, Failure>> = inputs.par_iter().map(read).collect();
        for (input, result) in inputs.iter().zip(results) {
            match result {
                Ok(reports) => {
                    found |= !reports.reports.is_empty();
                    if arguments.json {
                        serde_json::to_writer(&mut out, &json::log(&input.name(), &reports))
                            .map_err(io::Error::from)?;
                        writeln!(out)?;
                    }
                }
                Err(failure) => failed = Some(failure),
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    Ok(if arguments.exit_code && found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn read(input: &Input) -> Result<Reports, Failure> {
    let mut reader = LogReader::new();
    input.read_to(|piece| reader.push(piece))?;
    Ok(reader.finish())
}
