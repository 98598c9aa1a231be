//! Running a program of the machine, with its failure in one sentence.

use std::io;
use std::process::{Command, Output};

use crate::error::BuildError;

/// The Debian package of each program that is run.
const PACKAGES: &[(&str, &str)] = &[
    ("apt-get", "apt"),
    ("apt-cache", "apt"),
    ("dpkg-deb", "dpkg"),
    ("tar", "tar"),
    ("make", "make"),
    ("setpriv", "util-linux"),
    ("gcc", "gcc"),
    ("ccache", "ccache"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
];

/// The error for a program that cannot be started.
pub(crate) fn cannot_start(program: &'static str, error: io::Error) -> BuildError {
    if error.kind() == io::ErrorKind::NotFound {
        let package =
            PACKAGES.iter().find(|(name, _)| *name == program).map_or(program, |(_, p)| p);
        BuildError::NoProgram { program, package }
    } else {
        BuildError::io(format!("start {program}"))(error)
    }
}

/// Runs `command` to its end and returns what it printed.
pub(crate) fn run(
    program: &'static str,
    what: &str,
    prepare: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<Output, BuildError> {
    let mut command = Command::new(program);
    prepare(&mut command);
    let output = command.output().map_err(|error| cannot_start(program, error))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = words.len().saturating_sub(3);
    Err(BuildError::Failed { what: what.to_owned(), words: words[last..].join("; ") })
}
