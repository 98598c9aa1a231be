//! `ktriage suspects`: which change could have brought a crash.

use std::path::PathBuf;
use std::process::ExitCode;

use app_index::Question;

use super::ask::{self, Options};
use crate::failure::Failure;

/// Rank the commits and patches that could have brought a crash, each with a probability and reasons.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage suspects console.log --list ~/lore/io-uring
  ktriage suspects report.eml --tree ~/linux --until 2024-05-01
  ktriage suspects console.log --tree ~/linux --good v6.11
  ktriage suspects console.log --no-update --json

A raw mail tells its date, and nothing newer has a part in the answer then. A bare log has none: --until DAY ends
the search. Every answer is a guess. See docs/index.md.")]
pub(crate) struct Arguments {
    /// Console logs, or raw mails that hold them; `-` is standard input.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// A commit of the tree without the crash: only what HEAD holds and it does not is a suspect. May be given
    /// several times.
    #[arg(long, value_name = "REV", requires = "tree")]
    good: Vec<String>,

    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut things = Vec::new();
    for path in &arguments.logs {
        things.push((path.display().to_string(), ask::of_log(path, &arguments.options.sources)?));
    }
    ask::run(&arguments.options, Question::Suspects, &things, &arguments.good)?;
    Ok(ExitCode::SUCCESS)
}
