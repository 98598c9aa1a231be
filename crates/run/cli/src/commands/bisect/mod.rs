//! `ktriage bisect`: find the commit that brought a crash, and judge such searches.

mod audit;

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
    Audit(audit::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Audit(arguments) => audit::run(arguments),
    }
}
