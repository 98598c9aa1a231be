//! `ktriage fuzz show`: what a program does to memory and which calls it makes.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use analysis_fuzz::write_call;
use app_fuzz::{EncodeError, encode};
use guest_programs::{Instruction, Number, PSEUDO_CALLS, Program as Encoded, Value};
use render::Escaped;

use super::fmt::{program, text};
use super::load::Which;
use crate::failure::{FOUND, Failure};

/// Bytes of data that are shown.
const SHOWN: usize = 16;

/// Show what programs (.syz) do, step by step: what is put into memory, calls, what is kept of them.
///
/// Exit status 1 if one of several cannot be run by the executor; which call it lacks is told.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz show repro.syz\n  ktriage fuzz show --quiet --descriptions syzkaller/sys/linux *.syz\n\nSee docs/fuzz.md."
)]
pub(crate) struct Show {
    /// Files with programs; - is standard input.
    #[arg(value_name = "PROGRAM", required = true)]
    programs: Vec<PathBuf>,

    #[command(flatten)]
    which: Which,

    /// Give defaults to what does not fit these descriptions.
    #[arg(long)]
    lenient: bool,

    /// Print one line for each program only.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(arguments: &Show) -> Result<ExitCode, Failure> {
    let target = arguments.which.target()?;
    let mut out = io::stdout().lock();
    let mut failed = false;
    for path in &arguments.programs {
        let text = text(path)?;
        let program = program(&target, path, &text, arguments.lenient)?;
        let name = Escaped(&path.display().to_string()).to_string();
        match encode(&target, &program) {
            Ok(bytes) => {
                let lacking = lacking(&bytes);
                failed |= !lacking.is_empty();
                let rest = if lacking.is_empty() {
                    String::new()
                } else {
                    format!("; the executor cannot make {}", lacking.join(", "))
                };
                writeln!(
                    out,
                    "{name}: {} calls, {} bytes{rest}",
                    program.calls.len(),
                    bytes.len()
                )?;
                if !arguments.quiet {
                    write!(out, "{}", steps(&bytes, &write_call(&target, &program)))?;
                }
            }
            Err(EncodeError::Unknown(call)) => {
                failed = true;
                writeln!(out, "{name}: the executor has no call {}", Escaped(&call))?;
            }
            Err(error @ EncodeError::TooMuch(_)) => {
                failed = true;
                writeln!(out, "{name}: {error}")?;
            }
        }
    }
    Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Calls of a program that the executor knows by name only.
fn lacking(bytes: &[u8]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Ok(program) = Encoded::check(bytes) else { return found };
    for step in program.instructions() {
        if let Instruction::Call(call) = step
            && let Number::Pseudo(number) = call.number
            && let Some(pseudo) = PSEUDO_CALLS.get(usize::from(number))
            && !pseudo.runs
            && !found.contains(&pseudo.name)
        {
            found.push(pseudo.name);
        }
    }
    found
}

fn steps(bytes: &[u8], calls: &[String]) -> String {
    let mut out = String::new();
    let Ok(program) = Encoded::check(bytes) else { return out };
    let mut next = calls.iter();
    for step in program.instructions() {
        // Writing to a string cannot fail.
        let _ = match step {
            Instruction::Store { at, format, value } => {
                let bits = if format.bit_length > 0 {
                    format!(" bits {}+{}", format.bit_offset, format.bit_length)
                } else {
                    String::new()
                };
                writeln!(
                    out,
                    "  {at:#08x} {:?} {}{bits} = {}",
                    format.order,
                    format.length(),
                    shown(&value)
                )
            }
            Instruction::Data { at, bytes } => {
                let start: String =
                    bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
                let more = if bytes.len() > SHOWN { "…" } else { "" };
                writeln!(out, "  {at:#08x} {} bytes {start}{more}", bytes.len())
            }
            Instruction::Checksum { at, chunks } => {
                writeln!(out, "  {at:#08x} checksum of {} pieces", chunks.len())
            }
            Instruction::Call(call) => {
                let line: String =
                    next.next().map_or("", String::as_str).chars().take(160).collect();
                let kept = call.result.map_or(String::new(), |kept| format!(" -> result {kept}"));
                writeln!(out, "{}{kept}", Escaped(&line))
            }
            Instruction::Load { at, format, result } => {
                writeln!(out, "  result {result} = {} bytes at {at:#08x}", format.length())
            }
        };
    }
    out
}

fn shown(value: &Value) -> String {
    match value {
        Value::Constant { value, stride: 0 } => format!("{value:#x}"),
        Value::Constant { value, stride } => format!("{value:#x} + process * {stride:#x}"),
        Value::Pointer(at) => format!("pointer to {at:#x}"),
        Value::Result { index, divide, add, default } => {
            format!("result {index} / {} + {add:#x}, else {default:#x}", (*divide).max(1))
        }
    }
}
