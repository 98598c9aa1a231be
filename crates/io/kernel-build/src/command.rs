//! Running a program of the machine, with its failure in one sentence.

use std::io;
use std::path::Path;
use std::process::{Command, Output};

use model::program::package_of;

use crate::error::BuildError;

/// Programs that a kernel's build starts somewhere inside, and the file of the source that needs each.
const INSIDE: &[(&str, &str)] = &[
    ("ld", "arch/x86/kernel/vmlinux.lds.S"),
    ("flex", "scripts/kconfig/lexer.l"),
    ("bison", "scripts/kconfig/parser.y"),
    ("bc", "kernel/time/timeconst.bc"),
];

/// Looks for what the build of a source tree starts, before hours are spent on it.
pub(crate) fn look_for_programs(tree: &Path) -> Result<(), BuildError> {
    let missing = |program: &&str| !is_installed(program);
    let inside =
        INSIDE.iter().filter(|(_, file)| tree.join(file).is_file()).map(|(program, _)| *program);
    match ["setpriv", "make", "gcc"].into_iter().chain(inside).find(missing) {
        Some(program) => Err(cannot_start(program, io::ErrorKind::NotFound.into())),
        None => Ok(()),
    }
}

/// Whether a program is in `PATH`.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The error for a program that cannot be started.
pub(crate) fn cannot_start(program: &'static str, error: io::Error) -> BuildError {
    if error.kind() == io::ErrorKind::NotFound {
        BuildError::NoProgram { program, package: package_of(program).unwrap_or(program) }
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
