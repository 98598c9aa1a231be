//! `ktriage diagnose`: what happened first, who waits for whom, why, what is missing.

mod analysis;
mod excerpt;
mod html;
mod mail;
mod picture;
mod registers;
mod text;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use facts::Claim;
use rayon::prelude::*;
use reason_diagnose::{Diagnosis, LogReader, conclude};

use self::excerpt::Excerpt;
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

    /// Write one self-contained page with time line, wait graph and the cited lines to FILE.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// A program that the log reports for a fault of its own: name its function and line. May be given
    /// several times; the program of the same file name is used.
    #[arg(long, value_name = "FILE")]
    binary: Vec<PathBuf>,

    /// Exit with 1 when the log reports trouble, as `git diff --exit-code` does.
    #[arg(long)]
    exit_code: bool,
}

/// One log with its conclusions and, where the output shows them, its cited lines.
struct Diagnosed {
    diagnosis: Diagnosis,
    excerpt: Excerpt,
    /// The input is no log but quotes stacks.
    analysis: Option<reason_check::Report>,
    /// What registers, faults and code bytes say.
    registers: Vec<Claim>,
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
    let quotes = arguments.mail || arguments.html.is_some();
    let mut found = false;
    let mut out = io::stdout().lock();
    let mut failed = None;
    for (batch, inputs) in inputs.chunks(64).enumerate() {
        let results: Vec<Result<Diagnosed, Failure>> =
            inputs.par_iter().map(|input| read(input, quotes, &arguments.binary)).collect();
        for (at, (input, result)) in inputs.iter().zip(results).enumerate() {
            let read = match result {
                Ok(read) => read,
                Err(failure) => {
                    failed = Some(failure);
                    continue;
                }
            };
            found |= !read.diagnosis.seen.events.is_empty();
            let name = input.name();
            if let Some(path) = &arguments.html {
                let page = html::page(&name, &read.diagnosis, &read.excerpt);
                std::fs::write(path, page)
                    .with_context(|| format!("cannot write {}", path.display()))
                    .map_err(Failure::usage)?;
            }
            if arguments.json {
                let object = match &read.analysis {
                    Some(report) => json::analysis(&name, report),
                    None => json::log(&name, &read.diagnosis, &read.registers),
                };
                serde_json::to_writer(&mut out, &object).map_err(io::Error::from)?;
                writeln!(out)?;
            } else if arguments.mail {
                out.write_all(mail::reply(&read.diagnosis, &read.excerpt).as_bytes())?;
            } else {
                if arguments.logs.len() > 1 {
                    writeln!(
                        out,
                        "{}== {} ==",
                        if batch + at > 0 { "\n" } else { "" },
                        crate::output::Escaped(&name)
                    )?;
                }
                let text = match &read.analysis {
                    Some(report) => analysis::report(report),
                    None => text::report(&read.diagnosis),
                };
                out.write_all(text.as_bytes())?;
                out.write_all(text::registers(&read.registers).as_bytes())?;
            }
        }
    }
    out.flush()?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    Ok(if arguments.exit_code && found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn read(input: &Input, quotes: bool, binaries: &[PathBuf]) -> Result<Diagnosed, Failure> {
    let mut reader = LogReader::new();
    // Standard input cannot be read twice: its lines are kept while it passes.
    let mut kept = Vec::new();
    let mut head = Vec::new();
    let mut start = Vec::new();
    let keeps = quotes && *input == Input::Standard;
    input.read_to(|piece| {
        reader.push(piece);
        let room = analysis::LIMIT.saturating_sub(head.len());
        head.extend_from_slice(&piece[..piece.len().min(room)]);
        let room = registers::READ_LIMIT - start.len();
        start.extend_from_slice(&piece[..piece.len().min(room)]);
        if keeps && kept.len() < excerpt::KEPT_LIMIT {
            kept.extend_from_slice(piece);
        }
    })?;
    let diagnosis = conclude(reader.finish());
    let analysis = (diagnosis.seen.events.is_empty() && head.len() < analysis::LIMIT)
        .then(|| analysis::read(&head))
        .flatten();
    let mut excerpt = Excerpt::new(&diagnosis);
    if keeps {
        excerpt.push(&kept);
    } else if quotes {
        input.read_to(|piece| excerpt.push(piece))?;
    }
    excerpt.finish();
    // A log without events has no dump worth reading.
    let registers = match diagnosis.seen.events.is_empty() {
        true => Vec::new(),
        false => registers::claims(&start, binaries)?,
    };
    Ok(Diagnosed { diagnosis, excerpt, analysis, registers })
}
