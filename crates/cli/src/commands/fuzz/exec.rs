//! `ktriage fuzz exec`: run programs in a guest and tell how each call went.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use analysis_fuzz::{Program, Target};
use anyhow::Context as _;
use app_fuzz::encode;
use app_guests::{Base, Cause, Design, Guest, GuestError, Loss, Sandbox};
use guest_programs::{CallReply, End, Options, Outcome, Reply, Request};
use model::errno_name;

use super::fmt::{program, text};
use super::load::Which;
use crate::commands::lab::kernel::{MachineOptions, State, find_kernel, lab_failure};
use crate::failure::{FOUND, Failure};
use crate::json::exec::{CallJson, ExecJson, ProgramJson};
use crate::output::{Escaped, message};
use crate::stop;

/// Run programs (.syz) in a guest: errno, result and coverage of each call.
///
/// The kernel boots once; programs run one after the other, each in a process in which none has run. A crash
/// is told with its title, and the next program runs in a new guest.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ktriage lab build debian:6.12 --name fuzz --with fuzz    a kernel with coverage
  ktriage fuzz exec repro.syz --kernel fuzz
  ktriage fuzz exec tests/*.syz --kernel fuzz --verify --exit-code
  ktriage fuzz exec repro.syz --kernel arch/x86/boot/bzImage --repeat 100 --json

See docs/guests.md.")]
pub(crate) struct Exec {
    /// Files with programs; - is standard input.
    #[arg(value_name = "PROGRAM", required = true)]
    programs: Vec<PathBuf>,

    /// A kernel image, the name of a build of the lab, or a kernel of Debian by version and flavour.
    #[arg(long, value_name = "KERNEL", default_value = "fuzz")]
    kernel: String,

    /// The folder lib/modules/RELEASE of a kernel image.
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,

    /// Insert this file of a kernel module after the boot; may be given several times.
    #[arg(id = "inserted_files", long = "insert", value_name = "FILE.ko")]
    inserted: Vec<PathBuf>,

    /// How programs are kept in: none (root), setuid (nobody), namespace (root of a user namespace).
    #[arg(long, value_name = "NAME", default_value = "none", value_parser = ["none", "setuid", "namespace"])]
    sandbox: String,

    /// Run each program so often.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: u32,

    /// Give defaults to what does not fit these descriptions, such as fields that went.
    #[arg(long)]
    lenient: bool,

    /// Compare each call with the comment on its line: an errno (`# EACCES`), `blocked`, `unexecuted`,
    /// `unfinished`; a call without one must have been made and ended.
    #[arg(long)]
    verify: bool,

    /// Print the places that each call reached too.
    #[arg(long)]
    places: bool,

    /// Exit with 1 when a program crashed its guest, or with --verify went otherwise.
    #[arg(long)]
    exit_code: bool,

    /// Print one JSON object a program.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    machine: MachineOptions,

    #[command(flatten)]
    state: State,
}

/// A program of the command line.
struct Asked {
    name: String,
    program: Program,
    bytes: Vec<u8>,
}

/// What became of a run.
enum Run {
    Ended(Reply),
    Lost(Box<Loss>),
}

pub(super) fn run(arguments: &Exec) -> Result<ExitCode, Failure> {
    let target = arguments.which.target()?;
    let mut asked = Vec::new();
    for path in &arguments.programs {
        asked.push(read(&target, path, arguments.lenient)?);
    }
    let state = arguments.state.folder()?;
    let base = boot(arguments, &state)?;
    let mut out = io::stdout().lock();
    let mut guest = None;
    let mut bad = false;
    for one in &asked {
        for _ in 0..arguments.repeat {
            let run = run_one(&base, &mut guest, one)?;
            let json = describe(&target, one, &run, arguments);
            bad |= json.crash.is_some() || json.otherwise > 0;
            if let Run::Lost(loss) = &run {
                keep_console(&state, one, loss)?;
            }
            if arguments.json {
                serde_json::to_writer(&mut out, &json).map_err(io::Error::from)?;
                writeln!(out)?;
            } else {
                write_text(&mut out, &json, arguments.places)?;
            }
        }
    }
    Ok(if bad && arguments.exit_code { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

fn read(target: &Target, path: &Path, lenient: bool) -> Result<Asked, Failure> {
    let program = program(target, path, &text(path)?, lenient)?;
    let name = path.display().to_string();
    let bytes = encode(target, &program)
        .with_context(|| format!("cannot run {name}"))
        .map_err(Failure::usage)?;
    Ok(Asked { name, program, bytes })
}

fn boot(arguments: &Exec, state: &Path) -> Result<Base, Failure> {
    let kernel = find_kernel(&arguments.kernel, arguments.modules.as_deref(), state)?;
    let settings = arguments.machine.settings(stop::flag()?)?;
    let sandbox = Sandbox::NAMES.iter().find(|(name, _)| *name == arguments.sandbox);
    let design = Design {
        lanes: 1,
        boot: arguments.machine.limits().boot,
        modules: arguments.machine.modules.clone(),
        inserted: arguments.inserted.clone(),
        sandbox: sandbox.map_or(Sandbox::None, |(_, sandbox)| *sandbox),
        settings,
        kernel,
    };
    let base = Base::boot(&design).map_err(guest_failure)?;
    if base.features() & guest_programs::features::COVERAGE == 0 {
        message("this kernel has no coverage (CONFIG_KCOV): only errno and results are told");
    }
    Ok(base)
}

pub(super) fn guest_failure(error: GuestError) -> Failure {
    match error {
        GuestError::Vm(error) => lab_failure(error.into()),
        GuestError::NotBooted { .. } => {
            Failure::lab(error).hint("`ktriage lab boot KERNEL --console` shows how far it comes")
        }
        error => Failure::lab(error),
    }
}

/// Runs a program, in a new guest if the last one is lost.
fn run_one(base: &Base, guest: &mut Option<Guest>, one: &Asked) -> Result<Run, Failure> {
    let options = Options { coverage: true, fresh: true, ..Options::default() };
    let request = Request {
        program_time: 15_000,
        call_time: 1000,
        ..Request::new(1, options, one.bytes.clone())
    };
    let mut running = match guest.take() {
        Some(guest) => guest,
        None => base.start().map_err(guest_failure)?,
    };
    match running.run(vec![request]) {
        Ok(mut replies) if replies.len() == 1 => {
            // A crash may follow its program by a moment.
            match running.replies(Duration::from_millis(20)) {
                Ok(_) => *guest = Some(running),
                Err(loss) => return Ok(Run::Lost(loss)),
            }
            Ok(Run::Ended(replies.remove(0)))
        }
        Ok(_) => Err(Failure::lab(anyhow::anyhow!("the guest gave no reply to {}", one.name))),
        Err(loss) => Ok(Run::Lost(loss)),
    }
}

/// Keeps the console of a guest that was lost.
fn keep_console(state: &Path, one: &Asked, loss: &Loss) -> Result<(), Failure> {
    let folder = state.join("exec");
    let name = Path::new(&one.name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let path = folder.join(format!("{name}.log"));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, &loss.console))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::lab)?;
    message(&format!("the console is in {}", path.display()));
    Ok(())
}

fn describe(target: &Target, one: &Asked, run: &Run, arguments: &Exec) -> ProgramJson {
    let (end, reply, crash) = match run {
        Run::Ended(reply) => (end(reply.end), Some(reply), None),
        Run::Lost(loss) => {
            let end = if matches!(loss.cause, Cause::Crashed(_)) { "crashed" } else { "lost" };
            (end.to_owned(), loss.replies.first(), Some(loss.title()))
        }
    };
    let begun = match run {
        Run::Ended(reply) => reply.begun,
        Run::Lost(loss) => loss.running.first().map_or(0, |running| running.calls),
    };
    let mut calls = Vec::new();
    for (number, call) in (0_u16..).zip(&one.program.calls) {
        let record =
            reply.and_then(|reply| reply.calls.iter().rev().find(|record| record.call == number));
        let name = target.call(call.kind).name.as_str();
        let mut json = call_json(name, record, u32::from(number) < begun, arguments.places);
        if arguments.verify {
            let expected = call.comment.as_deref().map_or("", str::trim);
            json.as_expected = Some(goes_as(&json, expected));
            json.expected = Some(expected.to_owned());
        }
        calls.push(json);
    }
    ProgramJson {
        program: one.name.clone(),
        end,
        crash,
        milliseconds: reply.map(|reply| f64::from(reply.duration) / 1000.0),
        otherwise: calls.iter().filter(|call| call.as_expected == Some(false)).count(),
        calls,
        format: ExecJson::FORMAT,
    }
}

fn end(end: End) -> String {
    match end {
        End::Finished => "finished".to_owned(),
        End::TimedOut => "timed out".to_owned(),
        End::Exited { status } if status & 0x7f != 0 => format!("signal {}", status & 0x7f),
        End::Exited { status } => format!("exit {}", status >> 8 & 0xff),
        End::Malformed => "refused".to_owned(),
        End::NotRun { errno } => format!("not run: errno {errno}"),
        End::Lost => "lost".to_owned(),
    }
}

fn call_json(name: &str, record: Option<&CallReply>, begun: bool, places: bool) -> CallJson {
    let state = match record.map(|record| record.outcome) {
        Some(Outcome::Done) => "done",
        Some(Outcome::Late) => "late",
        Some(Outcome::Blocked) => "blocked",
        Some(Outcome::Missing) => "missing",
        None if begun => "unfinished",
        None => "unexecuted",
    };
    let mut seen: Vec<u64> = record
        .filter(|_| places)
        .map(|record| record.edges.iter().map(|edge| edge.pc()).collect())
        .unwrap_or_default();
    seen.sort_unstable();
    seen.dedup();
    CallJson {
        call: name.to_owned(),
        state,
        errno: record.map(|record| record.errno),
        errno_name: record.and_then(|record| errno_name(record.errno)),
        result: record.filter(|record| record.errno == 0).map(|record| record.result),
        edges: record.map_or(0, |record| record.edges.len()),
        microseconds: record.map(|record| record.duration),
        places: places.then(|| seen.iter().map(|place| format!("{place:#x}")).collect()),
        expected: None,
        as_expected: None,
    }
}

/// Whether a call went as the comment on its line says.
fn goes_as(call: &CallJson, expected: &str) -> bool {
    match expected {
        // A call that ends its process is begun and never ends.
        "unexecuted" => call.state == "unexecuted" || call.state == "unfinished",
        "unfinished" => call.state == "unfinished" || call.state == "blocked",
        "blocked" => call.state == "blocked" || call.state == "late",
        "" => call.state == "done" || call.state == "late",
        name if name.starts_with('E') => call.errno_name == Some(name),
        // Another comment says nothing of how it goes.
        _ => true,
    }
}

fn write_text(out: &mut impl Write, json: &ProgramJson, places: bool) -> io::Result<()> {
    let time = json.milliseconds.map_or(String::new(), |time| format!(" in {time:.1} ms"));
    writeln!(out, "{}: {}{time}", Escaped(&json.program), json.end)?;
    if let Some(title) = &json.crash {
        writeln!(out, "  crash: {}", Escaped(title))?;
    }
    for (number, call) in json.calls.iter().enumerate() {
        let result = match (call.errno, call.result) {
            (Some(0), Some(result)) => format!("{result:#x}"),
            (Some(errno), _) => {
                call.errno_name.map_or_else(|| format!("errno {errno}"), str::to_owned)
            }
            _ => "-".to_owned(),
        };
        write!(
            out,
            "  {number:3} {:<32} {:<10} {result:<12} {:>6} edges",
            Escaped(&call.call),
            call.state,
            call.edges
        )?;
        if let Some(time) = call.microseconds {
            write!(out, " {time:>8} us")?;
        }
        if call.as_expected == Some(false) {
            let expected = call.expected.as_deref().unwrap_or("");
            let expected = if expected.is_empty() { "an end" } else { expected };
            write!(out, "  expected {}", Escaped(expected))?;
        }
        writeln!(out)?;
        if places {
            for place in call.places.iter().flatten() {
                writeln!(out, "        {place}")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(outcome: Outcome, errno: u32) -> CallReply {
        CallReply {
            call: 0,
            outcome,
            errno,
            result: 3,
            injected: false,
            cut: false,
            duration: 10,
            edges: Vec::new(),
            comparisons: Vec::new(),
        }
    }

    #[test]
    fn a_call_is_compared_with_its_comment() {
        let done = |errno| call_json("openat", Some(&record(Outcome::Done, errno)), true, false);
        assert!(goes_as(&done(0), ""));
        assert!(goes_as(&done(13), ""));
        assert!(goes_as(&done(13), "EACCES"));
        assert!(!goes_as(&done(0), "EACCES"));
        let blocked = call_json("read", Some(&record(Outcome::Blocked, 4)), true, false);
        assert!(goes_as(&blocked, "blocked"));
        assert!(goes_as(&call_json("exit", None, true, false), "unfinished"));
        assert!(!goes_as(&call_json("exit", None, true, false), ""));
        assert!(goes_as(&call_json("read", None, false, false), "unexecuted"));
        assert!(!goes_as(
            &call_json("syz_x", Some(&record(Outcome::Missing, 38)), true, false),
            ""
        ));
    }

    #[test]
    fn the_end_of_a_process_is_told_by_its_status() {
        assert_eq!(end(End::Exited { status: 9 }), "signal 9");
        assert_eq!(end(End::Exited { status: 5 << 8 }), "exit 5");
    }
}
