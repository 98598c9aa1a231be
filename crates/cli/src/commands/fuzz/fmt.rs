//! `ktriage fuzz fmt`: programs in their one form.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analysis_fuzz::{Program, Reading, Target, read_program, write_program};
use anyhow::{Context as _, anyhow};
use parse_syzlang::parse_program;
use render::Escaped;

use super::load::Which;
use crate::failure::{FOUND, Failure};

/// Longest program, in bytes.
const LONGEST: u64 = 64 << 20;

/// Read programs (.syz) and print them as ktriage writes them.
///
/// `AUTO` becomes the value or address that it stands for, defaults at the end of structs are left
/// out, variables are numbered anew; comments stay. A mistake is shown at its place; the exit
/// status is then 2.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz fmt repro.syz\n  ktriage fuzz fmt --lenient --descriptions syzkaller/sys/linux old.syz\n  ktriage fuzz fmt --check *.syz\n\nSee docs/fuzz.md."
)]
pub(crate) struct Fmt {
    /// Files with programs; - is standard input.
    #[arg(value_name = "PROGRAM", required = true)]
    programs: Vec<PathBuf>,

    #[command(flatten)]
    which: Which,

    /// Give defaults to what does not fit these descriptions, such as fields that went.
    #[arg(long)]
    lenient: bool,

    /// Print nothing but the names of files that would change; exit status 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Fmt) -> Result<ExitCode, Failure> {
    let target = arguments.which.target()?;
    let mut out = io::stdout().lock();
    let mut changed = false;
    for path in &arguments.programs {
        let text = text(path)?;
        let program = program(&target, path, &text, arguments.lenient)?;
        let written = write_program(&target, &program);
        if !arguments.check {
            out.write_all(written.as_bytes())?;
        } else if written.trim_end() != text.trim_end() {
            changed = true;
            writeln!(out, "{}", Escaped(&path.display().to_string()))?;
        }
    }
    Ok(if changed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The text of a file of a program.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", path.display())).map_err(Failure::usage)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::usage(anyhow!("{}: longer than {LONGEST} bytes", path.display()))
            .hint("a program is a few calls: is it a log?"));
    }
    // Data in quotes may be of any bytes; what is no text would be wrong anywhere else.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The program of a file; a mistake is shown with its line.
pub(super) fn program(
    target: &Target,
    path: &Path,
    text: &str,
    lenient: bool,
) -> Result<Program, Failure> {
    let reading = if lenient { Reading::Lenient } else { Reading::Strict };
    parse_program(text).and_then(|parsed| read_program(target, &parsed, reading)).map_err(|error| {
        let shown = error.show(&path.display().to_string(), text);
        let shown: Vec<String> = shown.lines().map(|line| Escaped(line).to_string()).collect();
        let failure = Failure::usage(anyhow!("{}", shown.join("\n")));
        if lenient {
            failure
        } else {
            failure.hint("--lenient gives defaults to what other descriptions wrote")
        }
    })
}
