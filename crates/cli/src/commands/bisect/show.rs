//! `ktriage bisect status` and `show`.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use render::bisect::{self, json};

use super::Which;
use crate::failure::Failure;
use crate::output::{Escaped, message};

/// Show the belief of a bisection as a picture.
#[derive(clap::Args, Debug)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn status(arguments: &StatusArguments) -> Result<ExitCode, Failure> {
    let case = arguments.which.load()?;
    let (search, answer) = (&case.search, case.answer());
    let spent = search.spent();
    let state = if answer.is_final { "done" } else { "not done" };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Bisection {}: {state}, {} commits, {} runs, {} builds, {:.1} minutes\n",
        search.stored.id,
        search.commits.len() - search.stored.request.good.len(),
        spent.runs,
        spent.builds,
        spent.minutes
    )?;
    writeln!(out, "{}", Escaped(&bisect::draw(search, &answer)))?;
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

    /// The kernel's source tree whose MAINTAINERS tell to whom the mail goes, besides the culprit's author and
    /// signers.
    #[arg(long, value_name = "DIR", requires = "mail")]
    tree: Option<PathBuf>,

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
    let case = arguments.which.load()?;
    let (search, answer) = (&case.search, case.answer());
    let mut out = io::stdout().lock();
    if let Some(file) = &arguments.html {
        fs::write(file, bisect::page(search, &answer)).map_err(|error| {
            Failure::usage(anyhow!("{}: cannot write the page: {error}", file.display()))
        })?;
        message(&format!("wrote {}", file.display()));
    } else if arguments.json {
        serde_json::to_writer(&mut out, &json::bisection(search, &answer))
            .map_err(io::Error::from)?;
        writeln!(out)?;
    } else if arguments.mail {
        let crash = case.crash();
        let crash = crash.as_ref().map(|(commit, report)| (commit.as_str(), report.as_str()));
        let known = match (&arguments.tree, bisect::culprit(&answer)) {
            (Some(tree), Some(culprit)) => crate::commands::who::of_files(tree, &culprit.files)?,
            _ => Vec::new(),
        };
        write!(out, "{}", Escaped(&bisect::mail(search, &answer, crash, &known)))?;
    } else if arguments.log {
        write!(out, "{}", Escaped(&bisect::log(search, &answer)))?;
    } else {
        writeln!(out, "{}", Escaped(&bisect::text(search, &answer)))?;
    }
    Ok(ExitCode::SUCCESS)
}
