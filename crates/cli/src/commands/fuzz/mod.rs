//! `ktriage fuzz`: descriptions of system calls, programs of them, and guests that run those.

mod check;
mod exec;
mod fmt;
mod guests;
pub(crate) mod load;
mod repro;
mod run;
mod show;
pub(crate) mod source;
mod teller;

use std::process::ExitCode;

use crate::failure::Failure;

/// Read descriptions of system calls and programs of them, and run programs in guests.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz check --descriptions syzkaller/sys/linux\n  ktriage fuzz fmt repro.syz\n  ktriage fuzz exec repro.syz --kernel fuzz\n\nSee docs/fuzz.md."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Check(check::Check),
    Exec(Box<exec::Exec>),
    Fmt(fmt::Fmt),
    Show(show::Show),
    Run(Box<run::Run>),
    Repro(Box<repro::Repro>),
    C(source::Source),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Check(check) => check::run(check),
        Command::Exec(exec) => exec::run(exec),
        Command::Fmt(fmt) => fmt::run(fmt),
        Command::Show(show) => show::run(show),
        Command::Run(run) => run::run(run),
        Command::Repro(repro) => repro::run(repro),
        Command::C(source) => source::run(source),
    }
}
