//! `ktriage fuzz c`: a program as C.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use app_fuzz::{Options, c_source};

use super::fmt::{program, text};
use super::load::Which;
use crate::failure::Failure;
use crate::output::message;

/// Print a program (.syz) as one C file.
///
/// The file needs nothing of ours: gcc -static -pthread compiles it. The program's line of options
/// (threaded, repeat, repeat_times, procs, sandbox, tmpdir, close_fds) is honoured; options that are
/// not are told. Without such a line the calls run once, one after the other.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz c repro.syz > repro.c && gcc -static -pthread -o repro repro.c\n  ktriage fuzz c --descriptions syzkaller/sys/linux repro.syz\n\nSee docs/fuzz.md."
)]
pub(crate) struct Source {
    /// File with a program; - is standard input.
    #[arg(value_name = "PROGRAM")]
    program: PathBuf,

    #[command(flatten)]
    which: Which,
}

pub(super) fn run(arguments: &Source) -> Result<ExitCode, Failure> {
    let source = c_of(&arguments.program, &arguments.which)?;
    io::stdout().lock().write_all(source.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The C of a program's file.
pub(crate) fn c_of(path: &Path, which: &Which) -> Result<String, Failure> {
    let target = which.target()?;
    let text = text(path)?;
    let program = program(&target, path, &text, true)?;
    let options = Options::of(&text).unwrap_or_default();
    if !options.ignored.is_empty() {
        message(&format!(
            "{}: options that are not honoured: {}",
            path.display(),
            options.ignored.join(", ")
        ));
    }
    c_source(&target, &program, &options).map_err(|error| {
        Failure::usage(anyhow::anyhow!("{}: {error}", path.display())).hint(
            "C is written for the kernel's calls and the commonest calls of syzkaller's executor",
        )
    })
}

/// A reproducer that the lab can compile: of a program of system calls (.syz) the C, in the state folder, else itself.
pub(crate) fn as_c(
    path: &Path,
    descriptions: Option<&Path>,
    state: &Path,
) -> Result<PathBuf, Failure> {
    if path.extension().is_none_or(|extension| extension != "syz") {
        return Ok(path.to_owned());
    }
    let which = Which { descriptions: descriptions.map(Path::to_owned), arch: "amd64".to_owned() };
    let source = c_of(path, &which)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // One folder for each text: a bisection that goes on later finds what it began with.
    let folder = state.join("programs").join(format!("{:016x}", app_fuzz::hash(source.as_bytes())));
    let place = folder.join(format!("{name}.c"));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&place, source))
        .map_err(|error| Failure::usage(anyhow::anyhow!("{}: {error}", place.display())))?;
    Ok(place)
}
