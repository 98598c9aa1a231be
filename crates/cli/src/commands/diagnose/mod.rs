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

use analysis_hang::{Diagnosis, LogReader, conclude};
use anyhow::Context as _;
use model::Claim;
use rayon::prelude::*;

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
    analysis: Option<analysis_claims::Report>,
    /// What registers, faults and code bytes say.
    registers: Vec<Claim>,
    /// What was not read or kept, in sentences.
    notices: Vec<String>,
}

#[cfg(test)]
impl Diagnosed {
    /// A log in memory, read as a file would be.
    fn of(log: &str) -> Self {
        let diagnosis = analysis_hang::diagnose(log.as_bytes());
        let registers = registers::claims(log.as_bytes(), &[]).unwrap();
        let mut excerpt = Excerpt::new(&diagnosis, &registers);
        excerpt.push(log.as_bytes());
        excerpt.finish();
        Self { diagnosis, excerpt, analysis: None, registers, notices: Vec::new() }
    }
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
                let page = html::page(&name, &read);
                std::fs::write(path, page)
                    .with_context(|| format!("cannot write {}", path.display()))
                    .map_err(Failure::usage)?;
            }
            if arguments.json {
                let object = match &read.analysis {
                    Some(report) => json::analysis(&name, report),
                    None => json::log(&name, &read.diagnosis, &read.registers),
                }
                .noticing(&read.notices);
                serde_json::to_writer(&mut out, &object).map_err(io::Error::from)?;
                writeln!(out)?;
            } else if arguments.mail {
                out.write_all(mail::reply(&read).as_bytes())?;
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
                out.write_all(text::notices(&read.notices).as_bytes())?;
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
    let mut size = 0;
    let renumbered = input.read_to(|piece| {
        reader.push(piece);
        size += piece.len() as u64;
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
    // A log without events has no dump worth reading.
    let registers = match diagnosis.seen.events.is_empty() {
        true => Vec::new(),
        false => registers::claims(&start, binaries)?,
    };
    let mut notices: Vec<String> = renumbered.map(str::to_owned).into_iter().collect();
    let mebibytes = |limit: usize| limit >> 20;
    if size > registers::READ_LIMIT as u64 && !diagnosis.seen.events.is_empty() {
        notices.push(format!(
            "registers and code were read in the first {} MiB of the log only",
            mebibytes(registers::READ_LIMIT)
        ));
    }
    if diagnosis.seen.events.is_empty() && size >= analysis::LIMIT as u64 {
        notices.push(format!(
            "an input of {} MiB or more is not searched for stacks that prose quotes",
            mebibytes(analysis::LIMIT)
        ));
    }
    if keeps && size > kept.len() as u64 {
        notices.push(format!(
            "lines behind the first {} MiB of standard input cannot be quoted; give the log as a file",
            mebibytes(excerpt::KEPT_LIMIT)
        ));
    }
    if diagnosis.seen.dropped > 0 {
        notices.push(format!(
            "{} events behind the first {} were counted only",
            diagnosis.seen.dropped,
            analysis_hang::EVENT_LIMIT
        ));
    }
    let mut excerpt = Excerpt::new(&diagnosis, &registers);
    if keeps {
        excerpt.push(&kept);
    } else if quotes {
        input.read_to(|piece| excerpt.push(piece))?;
    }
    excerpt.finish();
    Ok(Diagnosed { diagnosis, excerpt, analysis, registers, notices })
}
