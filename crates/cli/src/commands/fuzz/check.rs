//! `ktriage fuzz check`: descriptions of system calls.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_fuzz::architecture;
use anyhow::anyhow;
use render::descriptions::Place;

use super::load::{self, Described};
use crate::failure::Failure;

/// Read descriptions (.txt) and constants (.const), tell each mistake at its place, and count.
///
/// Counts are of what is declared, and of each architecture: the calls that have a number and all
/// constants there, those that can get the resources that they take, and those that cannot, with
/// what they want. Exit status 2 where something is wrong.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz check --descriptions syzkaller/sys/linux\n  ktriage fuzz check --descriptions my --arch arm64 --arch s390x\n  ktriage fuzz check --descriptions my --json\n\nSee docs/fuzz.md."
)]
pub(crate) struct Check {
    /// The folder with .txt and .const files; without it, the descriptions that ktriage has itself.
    #[arg(long, value_name = "DIR")]
    descriptions: Option<PathBuf>,

    /// Architecture, as the constants name it; may be given several times.
    #[arg(long, value_name = "ARCH", default_value = "amd64")]
    arch: Vec<String>,

    /// Print one JSON object, on one line (see docs/json.md).
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Check) -> Result<ExitCode, Failure> {
    let mut described = load::read(arguments.descriptions.as_deref())?;
    let mut out = io::stdout().lock();
    if !described.errors.is_empty() {
        return Err(tell(&mut out, arguments.json, &described)?);
    }
    for name in &arguments.arch {
        described.check_architecture(name)?;
        described.compile(name);
    }
    if !described.errors.is_empty() {
        return Err(tell(&mut out, arguments.json, &described)?);
    }
    let counts = described.all.counts();
    let architectures: Vec<_> = arguments
        .arch
        .iter()
        .map(|name| architecture(&described.all, &described.constants, name))
        .collect();
    if arguments.json {
        let document = render::descriptions::right(&counts, architectures);
        serde_json::to_writer(&mut out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", render::descriptions::text(&counts, &architectures))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints mistakes; what is given back ends the command.
fn tell(out: &mut impl io::Write, json: bool, described: &Described) -> Result<Failure, Failure> {
    let errors = &described.errors;
    if json {
        let place = |(file, error): &(String, parse_syzlang::Error)| Place {
            file: file.clone(),
            line: error.at.line,
            column: error.at.column,
            message: error.message.clone(),
            help: error.help.clone(),
        };
        let document = render::descriptions::wrong(errors.iter().map(place).collect());
        serde_json::to_writer(&mut *out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        described.write_errors(out)?;
    }
    let mistakes = if errors.len() == 1 { "mistake" } else { "mistakes" };
    Ok(Failure::usage(anyhow!("{} {mistakes} in the descriptions", errors.len()))
        .hint("the first one may cause others"))
}
