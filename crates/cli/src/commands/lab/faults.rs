//! `ktriage lab faults`: provokes known failures on real kernels, records the console and checks that
//! it shows what the fault's definition says.

use std::collections::VecDeque;
use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use app_lab::{Phase, TRIES, emulator_error};
use io_kernel_build::debian_kernel_with_headers;
use io_vm::{Accelerator, Event, GuestFile, Initramfs, Kernel, Machine, Settings, VmError};
use testing_faults::{
    Compiler, Fault, Judgement, KnownKernel, Origin, Outcome, Recorded, Row, build_module,
    build_provoker, catalogue, judge, judge_recordings, kernel_headers, known_kernels, markdown,
    progress, source,
};

use super::kernel::{State, build_failure, lab_failure};
use crate::failure::Failure;
use crate::output::{Escaped, message};
use crate::stop;

/// Provoke known failures on real kernels and record their consoles
///
/// Each fault is a small kernel module with the truth about it: what happens first, who does it, who
/// waits for whom. A run builds the module, boots the kernel, provokes the failure and checks that the
/// console shows what it should.
///
/// Debian's kernels are downloaded with their headers into the folder KERNELS/NAME. A kernel of the lab's
/// own is a link there to its build folder.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  ktriage lab faults --list
  ktriage lab faults mutex_abba --kernel debian-6.12
  ktriage lab faults --all --record testing/faults/recorded --docs docs/faults.md
  ktriage lab faults --all --recorded testing/faults/recorded --docs docs/faults.md")]
pub(crate) struct Arguments {
    /// Names of faults
    #[arg(value_name = "NAME", required_unless_present_any = ["all", "list"])]
    names: Vec<String>,
    /// Run all faults
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// List the faults and the kernels that can show them, and run nothing
    #[arg(long)]
    list: bool,
    /// Only on this kernel (can be given several times)
    #[arg(long, value_name = "KERNEL")]
    kernel: Vec<String>,
    /// Folder with the kernels and their headers; one in the lab's own folder unless given
    #[arg(long, value_name = "DIR")]
    kernels: Option<PathBuf>,
    /// Write logs and their truth to DIR/KERNEL/NAME.log and .toml; only of runs that show it
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Run nothing: judge what was recorded in DIR by an earlier run
    #[arg(long, value_name = "DIR", conflicts_with_all = ["record", "jobs", "timeout", "list"])]
    recorded: Option<PathBuf>,
    /// Write the table of outcomes to FILE
    #[arg(long, value_name = "FILE")]
    docs: Option<PathBuf>,
    /// Machines at a time
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZero<usize>,
    /// Longest time for one run, in seconds, the kernel's start included
    #[arg(long, value_name = "SECONDS", default_value = "180")]
    timeout: u64,
    /// The compiler for modules; it should be the one the kernel was built with
    #[arg(long, value_name = "COMMAND", default_value = "gcc-12")]
    compiler: String,

    #[command(flatten)]
    state: State,
}

/// What the console may still say after the last step.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A kernel that is there.
struct Present {
    known: KnownKernel,
    kernel: Kernel,
    headers: PathBuf,
    provoker: PathBuf,
}

/// One fault on one kernel.
struct Task<'a> {
    fault: &'a Fault,
    place: (usize, usize),
    kernel: &'a Present,
}

/// What became of it.
struct Finished {
    outcome: Outcome,
    note: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let faults = chosen(arguments).map_err(Failure::usage)?;
    let kernels = wanted_kernels(arguments).map_err(Failure::usage)?;
    if arguments.list {
        return list(&faults, &kernels);
    }
    if let Some(folder) = &arguments.recorded {
        return judge_recorded(arguments, folder, &faults, &kernels);
    }
    let qemu = PathBuf::from("qemu-system-x86_64");
    let accelerator = io_vm::probe(&qemu).map_err(|error| lab_failure(error.into()))?;
    let stop = stop::flag()?;
    let workshop =
        tempfile::tempdir().context("create a folder to build in").map_err(Failure::lab)?;
    let compiler = Compiler { command: arguments.compiler.clone() };
    let provoker = build_provoker(&compiler, workshop.path()).map_err(Failure::lab)?;
    let folder = match &arguments.kernels {
        Some(folder) => folder.clone(),
        None => arguments.state.folder()?.join("faults"),
    };
    let kernels = present(arguments, &folder, kernels, &provoker)?;
    let mut tasks = VecDeque::new();
    let mut rows: Vec<Row<'_>> = faults
        .iter()
        .map(|fault| Row { fault, outcomes: vec![Outcome::NotThere; kernels.len()] })
        .collect();
    for (row, fault) in faults.iter().enumerate() {
        for (column, kernel) in kernels.iter().enumerate() {
            if fault.on(&kernel.known.features).is_some() {
                tasks.push_back(Task { fault, place: (row, column), kernel });
            }
        }
    }
    if tasks.is_empty() {
        return Err(Failure::usage(anyhow!("none of these kernels can show any of these faults"))
            .hint("`ktriage lab faults --list` says which can"));
    }
    let lab =
        Lab { arguments, compiler, accelerator, qemu, workshop: workshop.path(), stop: &stop };
    let tasks = Mutex::new(tasks);
    let finished = Mutex::new(Vec::new());
    let first_error = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.get() {
            scope.spawn(|| {
                while let Some(task) = lock(&tasks).pop_front() {
                    let start = Instant::now();
                    match lab.run(&task) {
                        Ok(result) => {
                            let shown = lab.print(&task, &result, start.elapsed());
                            lock(&finished).push((task.place, result.outcome));
                            if let Err(error) = shown {
                                lock(&first_error).get_or_insert(Failure::from(error));
                                return;
                            }
                        }
                        Err(failure) => {
                            lock(&first_error).get_or_insert(failure);
                            lock(&tasks).clear();
                        }
                    }
                }
            });
        }
    });
    if let Some(failure) = lock(&first_error).take() {
        return Err(failure);
    }
    for ((row, column), outcome) in finished.into_inner().unwrap_or_else(PoisonError::into_inner) {
        rows[row].outcomes[column] = outcome;
    }
    let names: Vec<(String, String)> =
        kernels.iter().map(|k| (k.known.name.clone(), version_of(&k.kernel.image))).collect();
    conclude(arguments, &names, &rows)
}

/// Judges the logs of an earlier run.
fn judge_recorded(
    arguments: &Arguments,
    folder: &Path,
    faults: &[Fault],
    kernels: &[KnownKernel],
) -> Result<ExitCode, Failure> {
    let (names, rows) = judge_recordings(folder, faults, kernels).map_err(Failure::usage)?;
    let mut out = std::io::stdout().lock();
    for row in &rows {
        for (kernel, outcome) in kernels.iter().zip(&row.outcomes) {
            if *outcome != Outcome::NotThere {
                writeln!(out, "{:<16} {:<30} {}", kernel.name, row.fault.name, outcome.word())?;
            }
        }
    }
    conclude(arguments, &names, &rows)
}

/// Writes the document and says whether all is well.
fn conclude(
    arguments: &Arguments,
    kernels: &[(String, String)],
    rows: &[Row<'_>],
) -> Result<ExitCode, Failure> {
    if let Some(path) = &arguments.docs {
        write(path, markdown(kernels, rows).as_bytes())?;
    }
    let wrong = rows
        .iter()
        .flat_map(|row| &row.outcomes)
        .filter(|outcome| matches!(outcome, Outcome::NotShown | Outcome::Failed))
        .count();
    if wrong > 0 {
        return Err(Failure::lab(anyhow!("{wrong} runs do not show what they should"))
            .hint("the lines above say what each console lacks"));
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(arguments: &Arguments) -> anyhow::Result<Vec<Fault>> {
    let all = catalogue()?;
    if arguments.names.is_empty() {
        return Ok(all);
    }
    for name in &arguments.names {
        source(name)?;
    }
    Ok(all.into_iter().filter(|fault| arguments.names.contains(&fault.name)).collect())
}

fn wanted_kernels(arguments: &Arguments) -> anyhow::Result<Vec<KnownKernel>> {
    let all = known_kernels()?;
    for name in &arguments.kernel {
        if !all.iter().any(|kernel| kernel.name == *name) {
            let names: Vec<&str> = all.iter().map(|kernel| kernel.name.as_str()).collect();
            return Err(anyhow!("there is no kernel `{name}`; there are {}", names.join(", ")));
        }
    }
    let wanted = |kernel: &KnownKernel| {
        arguments.kernel.is_empty() || arguments.kernel.contains(&kernel.name)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

fn list(faults: &[Fault], kernels: &[KnownKernel]) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    for fault in faults {
        let able: Vec<&str> = kernels
            .iter()
            .filter(|kernel| fault.on(&kernel.features).is_some())
            .map(|kernel| kernel.name.as_str())
            .collect();
        writeln!(out, "{}\n    {}\n    on {}", fault.name, fault.summary(), able.join(", "))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The kernels, downloaded where they are Debian's. One of the lab's own that was not asked for by name
/// may be absent.
fn present(
    arguments: &Arguments,
    folder: &Path,
    kernels: Vec<KnownKernel>,
    provoker: &Path,
) -> Result<Vec<Present>, Failure> {
    let mut found = Vec::new();
    for known in kernels {
        let root = folder.join(&known.name);
        if let (Origin::Debian { series, flavour }, None) = (&known.origin, kernel_in(&root)) {
            let wanted = format!("{series}-{flavour}");
            message(&format!("downloading Debian's kernel {wanted} with its headers"));
            std::fs::create_dir_all(folder)?;
            debian_kernel_with_headers(&wanted, &root).map_err(build_failure)?;
        }
        let Some(kernel) = kernel_in(&root) else {
            let absent = anyhow!("there is no kernel in {}", root.display());
            if arguments.kernel.contains(&known.name) {
                return Err(Failure::usage(absent)
                    .hint("build it with `ktriage lab build` and link its build folder there"));
            }
            message(&format!("{} is left out: {absent}", known.name));
            continue;
        };
        let headers = kernel_headers(&root).map_err(Failure::lab)?;
        found.push(Present { known, kernel, headers, provoker: provoker.to_owned() });
    }
    Ok(found)
}

/// An unpacked package (`boot/vmlinuz-*`, `lib/modules/*`) or a build folder (`arch/x86/boot/bzImage`).
fn kernel_in(root: &Path) -> Option<Kernel> {
    let built = root.join("arch/x86/boot/bzImage");
    if built.is_file() {
        return Some(Kernel { image: built, modules: None });
    }
    std::fs::read_dir(root.join("boot")).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let release = name.strip_prefix("vmlinuz-")?;
        let modules = root.join("lib/modules").join(release);
        Some(Kernel { image: entry.path(), modules: modules.is_dir().then_some(modules) })
    })
}

/// The version in an image's header, such as `6.12.117+deb12-cloud-amd64 (…) #1 SMP …`. The boot
/// protocol says where: at offset 0x20e is the address of the text, less 0x200.
fn version_of(image: &Path) -> String {
    let bytes = std::fs::read(image).unwrap_or_default();
    let offset =
        bytes.get(0x20e..0x210).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    let text = bytes.get(offset + 0x200..).unwrap_or_default();
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(0).min(200);
    String::from_utf8_lossy(&text[..end]).into_owned()
}

struct Lab<'a> {
    arguments: &'a Arguments,
    compiler: Compiler,
    accelerator: Accelerator,
    qemu: PathBuf,
    workshop: &'a Path,
    stop: &'a Arc<AtomicBool>,
}

impl Lab<'_> {
    /// Runs one fault on one kernel. An error ends the whole run; trouble of one machine does not.
    fn run(&self, task: &Task<'_>) -> Result<Finished, Failure> {
        let failed = |note: String| Ok(Finished { outcome: Outcome::Failed, note });
        let Some(here) = task.fault.on(&task.kernel.known.features) else {
            return Ok(Finished { outcome: Outcome::NotThere, note: String::new() });
        };
        let name = &task.fault.name;
        let folder = self.workshop.join(&task.kernel.known.name).join(name);
        let source = source(name).map_err(Failure::usage)?;
        let module = match build_module(source, &task.kernel.headers, &self.compiler, &folder) {
            Ok(module) => module,
            Err(error) => return failed(error.to_string()),
        };
        let mut steps = String::from("load /fault.ko\nsleep 2\n");
        for step in &here.guest.steps {
            steps.push_str(step);
            steps.push('\n');
        }
        let read = |host: &Path, guest: &str| GuestFile::read(host, guest, 0o755);
        let files = [
            read(&task.kernel.provoker, "/provoke").map_err(Failure::lab)?,
            read(&module, "/fault.ko").map_err(Failure::lab)?,
            GuestFile { path: "/steps".into(), mode: 0o644, content: steps.into_bytes().into() },
        ];
        let initramfs = Initramfs::build(&task.kernel.kernel, &[], &files).map_err(Failure::lab)?;
        let settings = Settings {
            qemu: self.qemu.clone(),
            accelerator: self.accelerator,
            memory: here.guest.memory_mib.unwrap_or(task.kernel.known.memory_mib),
            cpus: here.guest.cpus,
            command_line: here.guest.parameters.join(" "),
            stop: Arc::clone(self.stop),
        };
        let mut console = Vec::new();
        let mut spoiled = None;
        for _ in 0..TRIES {
            console = match self.console(&settings, &task.kernel.kernel, &initramfs) {
                Ok(console) => console,
                Err(VmError::Stopped) => return Err(Failure::lab(VmError::Stopped)),
                Err(error @ VmError::NoQemu { .. }) => return Err(Failure::lab(error)),
                Err(error) => return failed(error.to_string()),
            };
            let phase = if progress(&console).0 { Phase::Run } else { Phase::Boot };
            let Some(reason) = emulator_error(&settings, &console, phase) else {
                spoiled = None;
                break;
            };
            message(&format!("{name}: infrastructure error: {reason}; trying again"));
            spoiled = Some(reason);
        }
        if let Some(reason) = spoiled {
            self.keep(task, &console, "failed")?;
            return failed(format!("infrastructure error in each of {TRIES} tries: {reason}"));
        }
        if !progress(&console).0 {
            self.keep(task, &console, "failed")?;
            return failed("the kernel did not come up".to_owned());
        }
        let text = String::from_utf8_lossy(&console);
        match judge(&here.truth, &text).map_err(Failure::usage)? {
            Judgement::NotShown { missing } => {
                self.keep(task, &console, "failed")?;
                let note = format!("not in the console: {}", missing.join("  "));
                Ok(Finished { outcome: Outcome::NotShown, note })
            }
            Judgement::Shown(proof) => {
                let kernel = &task.kernel.known.name;
                let truth = Recorded::new(name, task.fault.summary(), kernel, &here, &proof);
                if let Some(truth_file) = self.keep(task, &console, "log")? {
                    let text = truth.to_toml().map_err(Failure::usage)?;
                    write(&truth_file.with_extension("toml"), text.as_bytes())?;
                }
                let note = format!("line {}: {}", truth.first_cause.line, truth.culprit.who);
                Ok(Finished { outcome: Outcome::Shown, note })
            }
        }
    }

    /// Boots, carries the steps out and returns the console. A guest that dies of its fault is no
    /// error.
    fn console(
        &self,
        settings: &Settings,
        kernel: &Kernel,
        initramfs: &Initramfs,
    ) -> Result<Vec<u8>, VmError> {
        let deadline = Instant::now() + Duration::from_secs(self.arguments.timeout);
        let mut machine = Machine::boot(settings, kernel, initramfs)?;
        let ready = machine.wait_ready(Duration::from_secs(self.arguments.timeout));
        let started = match ready {
            Ok(_) => machine.start_program(
                &["/provoke".into(), "/steps".into()],
                &[],
                "/",
                Duration::from_secs(30),
            ),
            Err(error) => Err(error),
        };
        match started {
            Ok(_) => {}
            Err(error @ (VmError::Stopped | VmError::NoQemu { .. })) => return Err(error),
            // The console says what happened.
            Err(_) => return Ok(machine.records().console().bytes()),
        }
        let mut seen = 0;
        loop {
            let length = machine.records().console_length();
            if length > seen {
                // Once more the end of what was seen: the last words may have come in pieces.
                let recent = machine.records().console_since(u64::saturating_sub(seen, 64));
                seen = length;
                if progress(&recent).1 {
                    machine.next_event(Instant::now() + AFTERMATH)?;
                    std::thread::sleep(AFTERMATH);
                    break;
                }
            }
            if Instant::now() >= deadline {
                break;
            }
            let tick = Instant::now() + Duration::from_millis(300);
            if let Some(Event::Shutdown(_) | Event::Ended(_)) = machine.next_event(tick)? {
                break;
            }
        }
        Ok(machine.records().console().bytes())
    }

    /// Writes the console where it is wanted and returns the path. `extension` tells a log that shows
    /// the fault from one that does not.
    fn keep(
        &self,
        task: &Task<'_>,
        console: &[u8],
        extension: &str,
    ) -> Result<Option<PathBuf>, Failure> {
        let Some(folder) = &self.arguments.record else { return Ok(None) };
        let path =
            folder.join(&task.kernel.known.name).join(&task.fault.name).with_extension(extension);
        write(&path, console)?;
        Ok(Some(path))
    }

    fn print(&self, task: &Task<'_>, result: &Finished, time: Duration) -> std::io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{:<16} {:<30} {:<9} {:>4.0} s  {}",
            task.kernel.known.name,
            task.fault.name,
            result.outcome.word(),
            time.as_secs_f64(),
            Escaped(&result.note)
        )?;
        out.flush()
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .with_context(|| format!("write {}", path.display()))
        .map_err(Failure::usage)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
