//! `ktriage lab`: kernels built, booted and provoked in virtual machines.

mod boot;
mod build;
mod faults;
pub(crate) mod kernel;
mod matrix;
pub(crate) mod run;

use std::process::ExitCode;

use crate::failure::Failure;

/// Build kernels, boot them, run reproducers on them, and record what happens.
///
/// Everything runs in virtual machines under QEMU, without a disk image, without network and without
/// a folder of this machine. Nothing is installed: Debian's kernels are downloaded and unpacked.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Build(build::Arguments),
    Boot(boot::Arguments),
    Run(run::Arguments),
    Matrix(matrix::Arguments),
    Faults(faults::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Build(arguments) => build::run(arguments),
        Command::Boot(arguments) => boot::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Matrix(arguments) => matrix::run(arguments),
        Command::Faults(arguments) => faults::run(arguments),
    }
}
