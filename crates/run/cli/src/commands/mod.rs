//! The command line: one module a command. A module has `Arguments` (what was typed) and `run`.

pub(crate) mod bisect;
mod report;

use std::process::ExitCode;

use crate::failure::Failure;

/// Takes a Linux kernel bug from its first console line to its fix.
#[derive(clap::Parser, Debug)]
#[command(name = "ktriage", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Bisect(bisect::Arguments),
    Report(report::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Bisect(arguments) => bisect::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
    }
}
