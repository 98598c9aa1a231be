//! `ktriage fuzz`: descriptions of system calls, and programs of them.

mod check;
mod fmt;
pub(crate) mod load;
mod show;
pub(crate) mod source;

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
    Show(show::Show),
    C(source::Source),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Check(check) => check::run(check),
        Command::Fmt(fmt) => fmt::run(fmt),
        Command::Show(show) => show::run(show),
        Command::C(source) => source::run(source),
    }
}
