//! `ktriage diagnose`: what happened first, who waits for whom, why, what is missing.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use app_diagnose::{Diagnosed, Error, Reader, Wanted};
use rayon::prelude::*;
use render::diagnosis::Log;

use crate::failure::{FOUND, Failure};
use crate::input::Input;
use crate::json::diagnose as json;

/// Say what happened first in a console log, who waits for whom, and which lines prove it.
///
/// Every statement carries its lines (L7), its rule and its grade: SEEN (the text says it), DERIVED
/// (arithmetic on the text), INFERRED (needs knowledge of that kernel), GUESS, UNKNOWN.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage console.log             the same as ktriage diagnose console.log\n  dmesg | ktriage                 diagnose what the running kernel printed\n  ktriage diagnose --html page.html console.log.gz"
)]
pub(crate) struct Arguments {
    /// Console logs; `-` is standard input. Compressed logs (gzip, xz, zstd) are opened as they are.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    /// Print one JSON object a log, on one line.
    #[arg(long, conflicts_with = "mail")]
    json: bool,

    /// Print a plain-text reply for a kernel mailing list, of at most 60 lines.
    #[arg(long)]
    mail: bool,

    /// The kernel's source tree: what a written analysis in the input claims of the source and its history is judged,
    /// and --mail gets the people and lists of the code that crashed, by its MAINTAINERS.
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,

    /// Write one self-contained page with time line, wait graph and the cited lines to FILE.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// A program that the log reports for a fault of its own: name its function and line. May be given
    /// several times; the program of the same file name is used.
    #[arg(long, value_name = "FILE")]
    binary: Vec<PathBuf>,

    /// List the statements that an independent verifier does not find in the lines they cite, and which are
    /// therefore printed nowhere else; exit with 1 when there is one.
    #[arg(long, conflicts_with_all = ["mail", "html"])]
    verify: bool,

    /// Exit with 1 when the log reports trouble, as `git diff --exit-code` does.
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    files: super::symbolize::Files,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inputs: Vec<Input> = arguments.logs.iter().cloned().map(Input::from).collect();
    if arguments.html.is_some() && inputs.len() > 1 {
        return Err(Failure::usage(anyhow::anyhow!(
            "--html shows one log, {} are named",
            inputs.len()
        ))
        .hint("run it once for each log, with a page of its own"));
    }
    let wanted = Wanted {
        quotes: arguments.mail || arguments.html.is_some(),
        programs: arguments.binary.clone(),
        symbols: arguments.files.symbolizer().map(|symbols| Arc::new(Mutex::new(symbols))),
    };
    let tree = arguments.tree.as_ref().map(|folder| super::who::open(folder, None)).transpose()?;
    let (mut found, mut doubtful) = (false, false);
    let mut out = io::stdout().lock();
    let mut failed = None;
    for (batch, inputs) in inputs.chunks(64).enumerate() {
        let keeps = if tree.is_some() { LONGEST_ANALYSIS } else { 0 };
        let results: Vec<Result<(Diagnosed, Vec<u8>), Failure>> =
            inputs.par_iter().map(|input| read(input, &wanted, keeps)).collect();
        for (at, (input, result)) in inputs.iter().zip(results).enumerate() {
            let (read, text) = match result {
                Ok(read) => read,
                Err(failure) => {
                    failed = Some(failure);
                    continue;
                }
            };
            found |= !read.diagnosis.seen.events.is_empty();
            doubtful |= !read.unconfirmed.is_empty();
            let name = input.name();
            let log = view(&name, &read);
            let told = match &tree {
                Some(tree) => {
                    tree.judge_text(&String::from_utf8_lossy(&text)).map_err(super::who::failure)?
                }
                None => Vec::new(),
            };
            if let Some(path) = &arguments.html {
                std::fs::write(path, render::diagnosis::page::page(&log))
                    .with_context(|| format!("cannot write {}", path.display()))
                    .map_err(Failure::usage)?;
            }
            if arguments.json {
                let printed = json::log(&log, &told);
                serde_json::to_writer(&mut out, &printed).map_err(io::Error::from)?;
                writeln!(out)?;
            } else if arguments.mail {
                if let Some(tree) = &arguments.tree {
                    let people = super::who::of_log(tree, input)?;
                    out.write_all(render::diagnosis::mail::headers(&people).as_bytes())?;
                }
                out.write_all(render::diagnosis::mail::reply(&log).as_bytes())?;
            } else {
                if arguments.logs.len() > 1 {
                    let gap = if batch + at > 0 { "\n" } else { "" };
                    writeln!(out, "{gap}== {} ==", crate::output::Escaped(&name))?;
                }
                let text = match arguments.verify {
                    true => render::diagnosis::verification::report(&log),
                    false => render::diagnosis::text::report(&log),
                };
                out.write_all(text.as_bytes())?;
                if !told.is_empty() && !arguments.verify {
                    write!(out, "\n{}", render::told::told(&told))?;
                }
            }
        }
    }
    out.flush()?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    let one = arguments.exit_code && found || arguments.verify && doubtful;
    Ok(if one { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Bytes of an input that are read as a written analysis.
const LONGEST_ANALYSIS: usize = 4 << 20;

/// The diagnosis, and the beginning of the text for `keeps` bytes.
fn read(input: &Input, wanted: &Wanted, keeps: usize) -> Result<(Diagnosed, Vec<u8>), Failure> {
    let mut reader = Reader::new(wanted.clone());
    let mut text = Vec::new();
    let renumbered = input
        .read_to(|piece| {
            let room = keeps.saturating_sub(text.len());
            text.extend_from_slice(&piece[..piece.len().min(room)]);
            reader.push(piece);
        })?
        .is_some();
    let read = reader.finish(renumbered).map_err(|error| match error {
        Error::Program(_) => {
            Failure::usage(error).hint("give the very program that ran, not a rebuilt one")
        }
        Error::Kernel(error) => error.into(),
        Error::Spool(_) => Failure::usage(error)
            .hint("free some space in the folder for temporary files, or name another in TMPDIR"),
    })?;
    Ok((read, text))
}

/// What is printed of a log.
pub(crate) fn view<'a>(name: &'a str, read: &'a Diagnosed) -> Log<'a> {
    Log {
        name,
        diagnosis: &read.diagnosis,
        registers: &read.registers,
        sources: &read.sources,
        excerpt: &read.excerpt,
        unconfirmed: &read.unconfirmed,
        notices: &read.notices,
    }
}
