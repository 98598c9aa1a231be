//! `cargo xtask`: checks of the workspace, its test run and its generated files.
//!
//! - `tidy` checks the rules of ARCHITECTURE.md.
//! - `test` installs what the tests need, or names it, and runs everything.
//! - `generate` writes the files that are made from the code.
//! - `learn-helpers` writes the table of functions that never name a bug, from reports whose titles are known.

mod generate;
mod learn_helpers;
mod packages;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let result = match task.as_deref() {
        Some("tidy") => tidy::run(&root()),
        Some("test") => test(),
        Some("learn-helpers") => {
            learn_helpers::run(&root(), std::env::args().skip(2).map(PathBuf::from).collect())
        }
        Some("generate") => generate::run(&root()),
        _ => Err(anyhow::anyhow!(
            "usage: cargo xtask tidy | test | generate | learn-helpers [FOLDER...]"
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a task talks to whoever started it")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Runs a command of the workspace and fails when it fails.
fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    say(&format!("$ {program} {}", arguments.join(" ")));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("`{program} {}` failed: {status}", arguments.join(" "));
    }
    Ok(())
}

/// Everything a change must pass.
fn test() -> anyhow::Result<()> {
    packages::install()?;
    tidy::run(&root())?;
    run("cargo", &["build", "--release", "--locked"])?;
    fetch_kernel();
    run("cargo", &["test", "--workspace", "--locked", "--no-fail-fast"])
}

/// Debian's kernels that tests boot, the first that can be had.
const KERNELS: &[&str] = &["6.12-cloud", "6.1-cloud"];

/// Downloads a kernel of Debian into the tests' lab and boots it. Without one the tests that need it
/// say that they skip.
fn fetch_kernel() {
    let lab = root().join("target/lab");
    for kernel in KERNELS {
        let arguments = ["lab", "boot", kernel, "--state", &lab.to_string_lossy()];
        match run("target/release/ktriage", &arguments) {
            Ok(()) => return,
            Err(error) => say(&format!("{error:#}")),
        }
    }
    say("warning: no kernel could be had and booted; tests of real machines will skip");
}
