//! `ktriage index`: builds the index and brings it up to date.

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::{Sources, failure};
use crate::failure::Failure;
use crate::output::Escaped;

/// Index mailing lists and trees for `suspects` and `fixed`; later runs add only what is new.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage index --list ~/lore                      all lists below a folder
  ktriage index --list ~/lore/io-uring --tree ~/linux
  ktriage index                                    what the index holds

An interrupted run goes on where it was. See docs/index.md.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    sources: Sources,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let index = arguments.sources.open(false)?;
    let mut out = io::stdout().lock();
    let sources = index.sources().map_err(failure)?;
    for source in &sources {
        let newest = source.newest.map(|s| crate::output::date(s.saturating_mul(1_000_000)));
        let name = source.name.as_str();
        writeln!(
            out,
            "{:>9}  {}  {}{}",
            source.changes,
            Escaped(name),
            Escaped(&source.path.display().to_string()),
            newest.map_or_else(String::new, |day| format!(", up to {day}"))
        )?;
    }
    let size = std::fs::metadata(index.path()).map_or(0, |file| file.len());
    writeln!(
        out,
        "{} changes and reports in {} ({} MB)",
        sources.iter().map(|s| u64::from(s.changes)).sum::<u64>(),
        Escaped(&index.path().display().to_string()),
        size / 1_000_000
    )?;
    Ok(ExitCode::SUCCESS)
}
