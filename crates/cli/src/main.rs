//! The one binary. Only this crate prints, chooses exit codes and adds hints.

mod commands;
mod day;
mod failure;
mod input;
mod json;
mod output;
mod stop;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::run(commands::Arguments::parse_from(commands::typed())) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
