//! `ktriage fuzz`: descriptions of system calls, and programs of them.

mod check;
mod fmt;
mod load;

use std::process::ExitCode;

use crate::failure::Failure;

/// Read descriptions of system calls and programs of them.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz check --descriptions syzkaller/sys/linux\n  ktriage fuzz fmt repro.syz\n\nSee docs/fuzz.md."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Check(check::Check),
    Fmt(fmt::Fmt),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Check(check) => check::run(check),
        Command::Fmt(fmt) => fmt::run(fmt),
    }
}
