//! What every task needs: words to whoever started it, the root of the workspace, running a program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use model::program::package_of;

#[expect(clippy::print_stderr, reason = "a task talks to whoever started it")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Runs a command of the workspace and fails when it fails.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    say(&format!("$ {program} {}", arguments.join(" ")));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| cannot_start(program))?;
    if !status.success() {
        bail!("`{program} {}` failed: {status}", arguments.join(" "));
    }
    Ok(())
}

/// The words for a program that does not start.
pub(crate) fn cannot_start(program: &str) -> String {
    match package_of(program) {
        Some(package) => format!("cannot start {program} (Debian's package is {package})"),
        None => format!("cannot start {program}"),
    }
}
