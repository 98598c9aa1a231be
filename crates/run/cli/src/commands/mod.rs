//! The command line: one module a command. A module has `Arguments` (what was typed) and `run`.

mod diagnose;
mod report;
mod typed;

use std::process::ExitCode;

use crate::failure::Failure;

pub(crate) use typed::typed;

/// Takes a Linux kernel bug from its first console line to its fix.
///
/// `ktriage LOG` and `dmesg | ktriage` mean `ktriage diagnose`.
#[derive(clap::Parser, Debug)]
#[command(name = "ktriage", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Diagnose(diagnose::Arguments),
    Report(report::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
    }
}
