//! `ktriage bisect status` and `show`.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;

use super::case::Case;
use super::{Which, conclusion, mail, page, picture};
use crate::failure::Failure;
use crate::json::bisect as json;
use crate::output::{Escaped, message};

/// Show the belief of a bisection as a picture.
#[derive(clap::Args, Debug)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn status(arguments: &StatusArguments) -> Result<ExitCode, Failure> {
    let case = Case::load(&arguments.which)?;
    let answer = conclusion::answer(&case);
    let spent = case.spent();
    let state = if answer.is_final { "done" } else { "not done" };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Bisection {}: {state}, {} commits, {} runs, {} builds, {:.1} minutes\n",
        case.stored.id,
        case.commits.len() - case.stored.request.good.len(),
        spent.runs,
        spent.builds,
        spent.minutes
    )?;
    writeln!(out, "{}", Escaped(&picture::draw(&case, &answer)))?;
    Ok(ExitCode::SUCCESS)
}

/// Show the answer of a bisection, with every run behind it.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,

    /// Print the answer as a mail.
    #[arg(long, group = "shape")]
    mail: bool,

    /// Print a log that `git bisect replay` takes.
    #[arg(long, group = "shape")]
    log: bool,

    /// Write a page with the belief after each step and a table of the runs.
    #[arg(long, value_name = "FILE", group = "shape")]
    html: Option<PathBuf>,

    /// Print all of it as one JSON object.
    #[arg(long, group = "shape")]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let case = Case::load(&arguments.which)?;
    let answer = conclusion::answer(&case);
    let mut out = io::stdout().lock();
    if let Some(file) = &arguments.html {
        fs::write(file, page::page(&case, &answer)).map_err(|error| {
            Failure::usage(anyhow!("{}: cannot write the page: {error}", file.display()))
        })?;
        message(&format!("wrote {}", file.display()));
    } else if arguments.json {
        serde_json::to_writer(&mut out, &json::bisection(&case, &answer))
            .map_err(io::Error::from)?;
        writeln!(out)?;
    } else if arguments.mail {
        write!(out, "{}", Escaped(&mail::mail(&case, &answer)))?;
    } else if arguments.log {
        write!(out, "{}", Escaped(&mail::log(&case, &answer)))?;
    } else {
        writeln!(out, "{}", Escaped(&conclusion::text(&case, &answer)))?;
    }
    Ok(ExitCode::SUCCESS)
}
