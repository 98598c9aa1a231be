//! `ktriage bisect`: find the commit that brought a crash, through flaky runs; judge such searches.

mod audit;
mod case;
mod check;
mod conclusion;
mod drive;
mod kernels;
mod mail;
mod page;
mod picture;
mod plan;
mod priors;
mod renamed;
mod revert;
mod runner;
mod show;
mod start;

/// What the printed shapes are made of.
pub(crate) mod shown {
    pub(crate) use super::case::{Case, Wanted, outcome};
    pub(crate) use super::conclusion::{Answer, grade, kind};
    pub(crate) use super::page::steps;
}

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;

/// Find the commit that brought a crash, through flaky runs; judge searches that others made.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Start(start::Arguments),
    Run(start::Arguments),
    Resume(drive::Arguments),
    Status(show::StatusArguments),
    Show(show::Arguments),
    Plan(plan::Arguments),
    Audit(audit::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Start(arguments) => start::run(arguments, false),
        Command::Run(arguments) => start::run(arguments, true),
        Command::Resume(arguments) => drive::run(arguments),
        Command::Status(arguments) => show::status(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
    }
}

/// Where bisections are kept, and which one is meant.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Which {
    /// The number of the bisection; the newest one unless given.
    #[arg(value_name = "NUMBER")]
    id: Option<i64>,

    #[command(flatten)]
    state: State,
}

/// Where bisections are kept.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct State {
    /// Folder in which everything is recorded; the user's state folder unless given.
    #[arg(long = "state", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl State {
    fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.folder {
            return Ok(std::path::absolute(folder)?);
        }
        crate::commands::user_state_folder().ok_or_else(|| {
            Failure::usage(anyhow::anyhow!("no folder to record in: HOME is not set"))
                .hint("give one with --state DIR")
        })
    }
}
