//! `ktriage add`: crashes of logs into the record.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use app_tracker::{Filed, LONGEST_LOG, Origin, Tracker, file_log};
use model::tracker::NewCrash;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use super::{State, failure, name_of_user, now};
use crate::failure::Failure;
use crate::input::Input;
use crate::output::Escaped;

/// Logs that are read and written together.
const AT_ONCE: usize = 64;
/// Bytes of them.
const BYTES_AT_ONCE: usize = 64 << 20;
/// Folders inside folders that are entered.
const DEPTH: usize = 16;

/// Add the crashes of console logs to the record: each finds its bug or opens a new one.
///
/// A log that is in the record already is not counted again, so that whatever ended an earlier run, the same
/// command goes on where it was.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    ktriage add console.log               the crashes of one log\n  \
    dmesg | ktriage add --machine $(hostname) -    those of the running kernel\n  \
    ktriage add /var/crash/               of every file in a folder")]
pub(crate) struct Arguments {
    /// Console logs, or folders of them; `-` is standard input.
    #[arg(value_name = "LOG", required = true)]
    pub(super) logs: Vec<PathBuf>,
    /// The machine that they are from.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(super) machine: String,
    /// The name under which it stands in the history; the user's if not given.
    #[arg(long, value_name = "WHO")]
    pub(super) by: Option<String>,
    /// Print one JSON object a crash.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) state: State,
}

/// What became of one crash.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Added<'a> {
    /// Number of this format.
    format: u32,
    /// The log.
    file: &'a str,
    /// The title of the crash.
    title: &'a str,
    /// The bug.
    bug: i64,
    /// The crash.
    crash: i64,
    /// Whether it opened the bug.
    is_new: bool,
    /// Whether it was in the record already.
    is_repeat: bool,
    /// The closed bug of the same title that came back.
    previous: Option<i64>,
}

/// One log on its way.
struct Read {
    name: String,
    bytes: Vec<u8>,
    time: i64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tracker = arguments.state.open()?;
    let mut inputs = Vec::new();
    for path in &arguments.logs {
        collect(path, DEPTH, &mut inputs)?;
    }
    let mut failed = None;
    let mut counts = Counts::default();
    let mut batch: Vec<Read> = Vec::new();
    let mut size = 0;
    for input in inputs {
        match read(&input) {
            Ok(log) => {
                size += log.bytes.len();
                batch.push(log);
            }
            Err(failure) => {
                if let Some(earlier) = failed.replace(failure) {
                    let earlier: Failure = earlier;
                    earlier.report();
                }
            }
        }
        if batch.len() >= AT_ONCE || size >= BYTES_AT_ONCE {
            write(&tracker, arguments, &mut batch, &mut counts)?;
            size = 0;
        }
    }
    write(&tracker, arguments, &mut batch, &mut counts)?;
    if !arguments.json {
        let Counts { logs, quiet, crashes, new, repeats } = counts;
        let repeats = match repeats {
            0 => String::new(),
            n => format!("; {n} were in the record already"),
        };
        let quiet = match quiet {
            0 => String::new(),
            n => format!(" ({n} without a crash)"),
        };
        writeln!(
            io::stdout(),
            "{logs} logs{quiet}: {crashes} crashes added, {new} new bugs{repeats}"
        )?;
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Adds one file and says what became of its crashes; one that cannot be read is told and passed over. That the record
/// cannot be written is told inside.
pub(super) fn add_one(
    tracker: &Tracker,
    path: &Path,
    machine: &str,
) -> Result<Result<(), app_tracker::Error>, Failure> {
    let log = match read(&Input::from(path.to_owned())) {
        Ok(log) => log,
        Err(failure) => {
            failure.report();
            return Ok(Ok(()));
        }
    };
    let origin = Origin { machine: machine.to_owned(), source: log.name.clone(), time: log.time };
    let crashes = file_log(&log.bytes, &origin);
    let filed = match tracker.ingest(&crashes, "watch", now()) {
        Ok(filed) => filed,
        Err(error) => return Ok(Err(error)),
    };
    let mut out = io::stdout().lock();
    for (crash, filed) in crashes.iter().zip(&filed) {
        tell(&mut out, false, &log.name, crash, filed)?;
    }
    out.flush()?;
    Ok(Ok(()))
}

#[derive(Default)]
struct Counts {
    logs: u64,
    quiet: u64,
    crashes: u64,
    new: u64,
    repeats: u64,
}

/// The files that a path stands for, in order.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    collect(path, DEPTH, &mut found)?;
    let path = |input| match input {
        Input::File(path) => path,
        Input::Standard => PathBuf::from("-"),
    };
    Ok(found.into_iter().map(path).collect())
}

fn collect(path: &Path, depth: usize, into: &mut Vec<Input>) -> Result<(), Failure> {
    if !path.is_dir() {
        into.push(Input::from(path.to_owned()));
        return Ok(());
    }
    if depth == 0 {
        return Ok(());
    }
    let unreadable = |error: io::Error| {
        let context = format!("cannot read the folder {}", path.display());
        Failure::usage(anyhow::Error::new(error).context(context))
    };
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    let mut inside = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        // A link may lead anywhere, also in circles.
        let kind = entry.file_type().map_err(unreadable)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && (kind.is_file() || kind.is_dir()) {
            inside.push(entry.path());
        }
    }
    inside.sort();
    inside.iter().try_for_each(|path| collect(path, depth - 1, into))
}

fn read(input: &Input) -> Result<Read, Failure> {
    let mut bytes = Vec::new();
    let mut long = false;
    input.read_to(|piece| {
        let room = LONGEST_LOG.saturating_sub(bytes.len());
        long |= piece.len() > room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    })?;
    if long {
        return Err(failure(app_tracker::Error::TooLong));
    }
    let written = match input {
        Input::Standard => None,
        Input::File(path) => std::fs::metadata(path).and_then(|file| file.modified()).ok(),
    };
    let time = written
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or_else(now, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    Ok(Read { name: input.name(), bytes, time })
}

fn write(
    tracker: &Tracker,
    arguments: &Arguments,
    batch: &mut Vec<Read>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let filed: Vec<Vec<NewCrash>> = batch
        .par_iter()
        .map(|log| {
            let origin = Origin {
                machine: arguments.machine.clone(),
                source: log.name.clone(),
                time: log.time,
            };
            file_log(&log.bytes, &origin)
        })
        .collect();
    let crashes: Vec<NewCrash> = filed.iter().flatten().cloned().collect();
    let who = name_of_user(arguments.by.as_deref());
    let added = tracker.ingest(&crashes, &who, now()).map_err(failure)?;
    let mut out = io::stdout().lock();
    let mut results = added.iter();
    for (log, crashes) in batch.iter().zip(&filed) {
        counts.logs += 1;
        counts.quiet += u64::from(crashes.is_empty());
        for (crash, filed) in crashes.iter().zip(&mut results) {
            counts.crashes += u64::from(!filed.is_repeat);
            counts.repeats += u64::from(filed.is_repeat);
            counts.new += u64::from(filed.is_new);
            tell(&mut out, arguments.json, &log.name, crash, filed)?;
        }
    }
    out.flush()?;
    batch.clear();
    Ok(())
}

fn tell(
    out: &mut impl io::Write,
    json: bool,
    file: &str,
    new: &NewCrash,
    filed: &Filed,
) -> io::Result<()> {
    let title = &new.identity.title;
    let Filed { bug, crash, is_new, is_repeat, previous, .. } = *filed;
    if json {
        let format = render::tracker::json::FORMAT;
        let added = Added { format, file, title, bug, crash, is_new, is_repeat, previous };
        serde_json::to_writer(&mut *out, &added)?;
        return writeln!(out);
    }
    let what = match (is_new, is_repeat, previous) {
        (_, true, _) => "known".to_owned(),
        (true, _, Some(previous)) => format!("new, after bug {previous} was closed"),
        (true, _, None) => "new".to_owned(),
        (false, ..) => "again".to_owned(),
    };
    let damaged = if new.corrupted.is_some() { ", damaged" } else { "" };
    writeln!(out, "{}: bug {bug} ({what}{damaged}): {}", Escaped(file), Escaped(title))
}
