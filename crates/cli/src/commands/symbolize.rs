//! `ktriage symbolize`: files and lines of a log's frames, locks and instructions. Its options serve the other commands
//! that read logs.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_identity::CrashReport;
use analysis_symbolize::{Disassembly, Facts, FactsReader, Found, annotated};
use app_symbolize::{Error, LogLine, Options, Session, SymbolError, Symbolizer};
use parse_console::Line;

use crate::failure::Failure;
use crate::input::Input;
use crate::output::message;

/// The longest log that is symbolised, in bytes.
const LONGEST_LOG: usize = 1 << 30;

/// Print a console log with files and lines, inlined functions, and the instructions of `Code:` lines.
///
/// The vmlinux must be the kernel that wrote the log: the build id is compared, or, where the log has none, the version
/// and the sizes of the functions in it. Frames lead to the call, not to the return address behind it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage symbolize console.log --vmlinux vmlinux
  ktriage symbolize oops.txt --vmlinux build/vmlinux --modules build --tree ~/linux
  ktriage symbolize console.log                        the kernel is looked for (docs/symbolize.md)
  ktriage symbolize --json console.log --vmlinux /usr/lib/debug/boot/vmlinux-6.1.0-56-amd64

What was read of a vmlinux is kept in the cache folder, so that the next call is instant.")]
pub(crate) struct Arguments {
    /// Console logs; `-` is standard input. Gzip, xz and zstd files are opened as they are.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,

    #[command(flatten)]
    files: Files,

    /// The kernel's source, for the text of the lines of instructions.
    #[arg(long, value_name = "DIR", help_heading = "Files and lines")]
    tree: Option<PathBuf>,

    /// Tell the lines of return addresses, as decode_stacktrace.sh did up to Linux 6.17.
    #[arg(long)]
    return_addresses: bool,

    /// Print one JSON object a log, on one line.
    #[arg(long)]
    json: bool,
}

/// The kernel that wrote a log: what the commands that read logs have in common.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Files {
    /// The kernel that wrote the log, with debug information; `auto` looks for it where debug packages are installed
    /// and among the kernels of the lab.
    #[arg(long, value_name = "FILE", help_heading = "Files and lines")]
    vmlinux: Option<PathBuf>,

    /// A folder with the kernel's modules; may be given several times.
    #[arg(long, value_name = "DIR", help_heading = "Files and lines")]
    modules: Vec<PathBuf>,

    /// Use the files though they are of another kernel.
    #[arg(long, help_heading = "Files and lines")]
    force: bool,

    /// Folder in which what was read of a vmlinux is kept; the user's cache folder unless given.
    #[arg(long, value_name = "DIR", help_heading = "Files and lines")]
    cache: Option<PathBuf>,

    /// Folder of the lab, whose kernels are looked through; the user's state folder unless given.
    #[arg(long = "lab-state", value_name = "DIR", help_heading = "Files and lines")]
    lab_state: Option<PathBuf>,
}

impl Files {
    /// What symbolises logs, if a vmlinux was named.
    pub(crate) fn symbolizer(&self) -> Option<Symbolizer> {
        self.vmlinux.as_ref()?;
        Some(Symbolizer::new(self.options()))
    }

    fn options(&self) -> Options {
        let vmlinux = self.vmlinux.clone().filter(|path| path.as_os_str() != "auto");
        Options {
            vmlinux,
            modules: self.modules.clone(),
            force: self.force,
            cache: self.cache.clone().or_else(cache_folder).map(|folder| folder.join("symbols")),
            lab: self.lab_state.clone().or_else(super::user_state_folder),
            ..Options::default()
        }
    }
}

/// The user's folder for what can be made again: `$XDG_CACHE_HOME/ktriage` or `~/.cache/ktriage`.
fn cache_folder() -> Option<PathBuf> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("XDG_CACHE_HOME")
        .or_else(|| from("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("ktriage"))
}

/// A log that cannot be symbolised, with what to do.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::NoKernel { .. } => {
                "name it with --vmlinux FILE; on Debian it is in the package linux-image-RELEASE-dbg"
            }
            Error::OtherKernel { .. } => {
                "give the vmlinux that was built with the kernel of the log, or --force to use this one all the same"
            }
            Error::Symbols(SymbolError::Damaged { .. } | SymbolError::Read { .. }) => {
                "is the file whole? unpack or build it again"
            }
            Error::Symbols(SymbolError::BootImage { .. } | SymbolError::Stripped { .. }) => {
                "give the vmlinux of the build folder or of the debug package (Debian: linux-image-RELEASE-dbg)"
            }
            Error::Symbols(_) => "give the path of a vmlinux with --vmlinux",
        };
        Self::usage(error).hint(hint)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut symbolizer = Symbolizer::new(Options {
        tree: arguments.tree.clone(),
        return_addresses: arguments.return_addresses,
        ..arguments.files.options()
    });
    let inputs: Vec<Input> = arguments.logs.iter().cloned().map(Input::from).collect();
    let several = inputs.len() > 1;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut failed: Option<Failure> = None;
    for input in &inputs {
        // The other logs are still read; the last failure decides the exit status.
        if let Err(failure) = one(&mut out, &mut symbolizer, input, several, arguments.json)
            && let Some(earlier) = failed.replace(failure)
        {
            earlier.report();
        }
    }
    out.flush()?;
    failed.map_or(Ok(ExitCode::SUCCESS), Err)
}

fn one(
    out: &mut impl io::Write,
    symbolizer: &mut Symbolizer,
    input: &Input,
    several: bool,
    json: bool,
) -> Result<(), Failure> {
    let name = input.name();
    let log = read(input)?;
    let mut session = symbolizer.of(facts(&log))?;
    if json {
        let (mut found, mut code) = (Vec::new(), Vec::new());
        session.log(&log, |line| -> Result<(), Failure> {
            keep(line, &mut found, &mut code);
            Ok(())
        })?;
        let summary = session.finish();
        let document = render::symbolize::json::log(&name, &found, &code, &summary);
        serde_json::to_writer(&mut *out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    if several {
        writeln!(out, "== {} ==", crate::output::Escaped(&name))?;
    }
    session.log(&log, |line| -> Result<(), Failure> {
        for text in render::symbolize::lines(&line.raw, &line.found) {
            writeln!(out, "{text}")?;
        }
        for text in line.code.iter().flat_map(render::symbolize::code) {
            writeln!(out, "{text}")?;
        }
        Ok(())
    })?;
    out.flush()?;
    render::symbolize::summary(&session.finish()).iter().for_each(|line| message(line));
    Ok(())
}

fn keep(line: LogLine<'_>, found: &mut Vec<(u64, Vec<Found>)>, code: &mut Vec<Disassembly>) {
    if !line.found.is_empty() {
        found.push((line.number, line.found));
    }
    code.extend(line.code);
}

fn read(input: &Input) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    input.read_to(|piece| {
        let room = LONGEST_LOG.saturating_sub(bytes.len());
        too_long |= piece.len() > room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    })?;
    if too_long {
        let limit = LONGEST_LOG >> 20;
        return Err(Failure::usage(anyhow::anyhow!("{} is longer than {limit} MiB", input.name()))
            .hint("cut the log to the boot that matters"));
    }
    Ok(bytes)
}

/// What a log says of its kernel.
fn facts(log: &[u8]) -> Facts {
    let mut reader = FactsReader::new();
    reader.push(log);
    reader.finish()
}

/// The lines of a log with files and lines: inlined functions are lines of their own, with the number of their frame.
pub(crate) fn symbolised(
    symbolizer: &mut Symbolizer,
    log: &[u8],
) -> Result<Vec<Line<'static>>, Failure> {
    let mut session = symbolizer.of(facts(log))?;
    let mut lines = Vec::new();
    for line in parse_console::lines(log) {
        let found = session.line(&line)?;
        for text in annotated(&line.text, &found) {
            lines.push(Line { text: text.into(), ..line.clone() }.into_owned());
        }
    }
    finish(session);
    Ok(lines)
}

/// Gives a report files and lines. It points at no file where a module stands before that whose file is not there:
/// the guilty code may be in it.
pub(crate) fn symbolise(
    session: &mut Session<'_>,
    report: &mut CrashReport,
) -> Result<(), Failure> {
    let mut out = String::new();
    let mut hidden = None;
    for line in report.text.lines() {
        let found = session.text(line, report.header_line, None)?;
        let without = |one: &Found| one.module.is_some() && one.resolved.places.is_empty();
        if found.iter().any(without) {
            hidden.get_or_insert(out.len());
        }
        for line in annotated(line, &found) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    let before = hidden.map(|at| out[..at].to_owned());
    report.symbolise(out);
    if let (Some(before), Some(file)) = (before, &report.guilty_file)
        && !before.contains(file.as_str())
    {
        report.guilty_file = None;
    }
    Ok(())
}

/// Ends a session; an index that cannot be kept is told.
pub(crate) fn finish(session: Session<'_>) {
    if let Some(reason) = session.finish().not_kept {
        message(&format!("the index of the vmlinux was not kept: {reason}"));
    }
}
