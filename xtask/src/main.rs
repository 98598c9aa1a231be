//! `cargo xtask`: checks of the workspace, its test run and its generated files.
//!
//! - `tidy` checks the rules of ARCHITECTURE.md.
//! - `test` installs what the tests need, or names it, and runs everything.
//! - `fresh` runs the README's commands on a bare Debian.
//! - `generate` writes the files that are made from the code.
//! - `learn-helpers` writes the table of functions that never name a bug, from reports whose titles are known.

mod fresh;
mod generate;
mod learn_helpers;
mod packages;
mod task;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use task::{root, say};

const USAGE: &str = "\
usage: cargo xtask tidy [--all]              check the rules of ARCHITECTURE.md
       cargo xtask test [--quick]            run the tests; --quick: without machines and kernels
       cargo xtask fresh [--clean | COMMAND] run the README's commands, or COMMAND, on a bare Debian
       cargo xtask generate                  write the files that are made from the code
       cargo xtask learn-helpers [FOLDER...] write the table of functions that never name a bug";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(&root(), false),
        ["tidy", "--all"] => tidy::run(&root(), true),
        ["test"] => test::run(&root(), test::Extent::Whole),
        ["test", "--quick"] => test::run(&root(), test::Extent::Quick),
        ["fresh", "--clean"] => fresh::clean(&root()),
        ["fresh", command @ ..] => fresh::run(&root(), command),
        ["generate"] => generate::run(&root()),
        ["learn-helpers", folders @ ..] => {
            learn_helpers::run(&root(), folders.iter().map(PathBuf::from).collect())
        }
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
