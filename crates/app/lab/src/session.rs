//! One run on one machine: start the reproducer, watch, ask a hung guest, judge, record.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use analysis_identity::{CrashReport, read_log};
use io_vm::{Event, Exhibits, Initramfs, Kernel, Machine, Ready, Settings, VmError};

use crate::emulator::{Phase, TRIES, of_report};
use crate::error::LabError;
use crate::judge::{Observed, judge};
use crate::reproducer::{Action, Prepared};
use crate::stored::{Crash, Outcome, StoredRun};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From QEMU's start to the agent's first words.
    pub boot: Duration,
    /// The reproducer.
    pub run: Duration,
    /// Silence of the agent after which the guest counts as hung.
    pub hang: Duration,
    /// After the reproducer's end: reports may come late.
    pub settle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            boot: Duration::from_secs(180),
            run: Duration::from_secs(60),
            hang: Duration::from_secs(30),
            settle: Duration::from_secs(1),
        }
    }
}

/// A finished run.
#[derive(Debug)]
pub struct RunResult {
    /// What it ended with.
    pub outcome: Outcome,
    /// One sentence on it.
    pub detail: String,
    /// The first report is the emulator's doing: the run is worth another try.
    pub emulator_failed: bool,
    /// The reports that the lab did not provoke, in the order of the console.
    pub reports: Vec<CrashReport>,
    /// Exit status or signal of the reproducer.
    pub exit: Option<(Option<u32>, u32)>,
    /// What a hung guest was asked for.
    pub exhibits: Option<Exhibits>,
    /// How long it took.
    pub duration: Duration,
    /// What decided how the guest's state was varied.
    pub seed: Option<u64>,
}

/// After the first report: how long its rest may take to begin, and how long it may take in all.
const REPORT_PAUSE: Duration = Duration::from_millis(1500);
const REPORT_LONGEST: Duration = Duration::from_secs(15);
/// The console is searched for reports at most this often.
const SEARCH: Duration = Duration::from_millis(300);
/// A request to a healthy agent takes no longer, even in a slow guest.
const ANSWER: Duration = Duration::from_secs(20);
/// The longest wait for one event.
const TICK: Duration = Duration::from_millis(200);

/// Boots a machine up to its agent's first words. After a failure of the emulator it is started anew, and
/// `retried` is told why.
///
/// # Errors
/// [`LabError::BootFailed`] when the kernel does not come as far; other errors are the lab's.
pub fn boot_machine(
    settings: &Settings,
    kernel: &Kernel,
    initramfs: &Initramfs,
    limits: &Limits,
    keep_in: Option<&Path>,
    retried: &mut dyn FnMut(&str),
) -> Result<(Machine, Ready), LabError> {
    boot_and(settings, kernel, initramfs, limits, keep_in, &mut |_| Ok(()), retried)
}

/// As [`boot_machine`], with something that is done before the machine counts as booted.
pub(crate) fn boot_and(
    settings: &Settings,
    kernel: &Kernel,
    initramfs: &Initramfs,
    limits: &Limits,
    keep_in: Option<&Path>,
    then: &mut dyn FnMut(&mut Machine) -> Result<(), VmError>,
    retried: &mut dyn FnMut(&str),
) -> Result<(Machine, Ready), LabError> {
    let mut tries = 1;
    loop {
        match boot_once(settings, kernel, initramfs, limits, keep_in, then) {
            Err(LabError::Emulator { reason, .. }) if tries < TRIES => {
                retried(&reason);
                tries += 1;
            }
            Err(LabError::Emulator { reason, .. }) => {
                return Err(LabError::Emulator { reason, tries });
            }
            result => return result,
        }
    }
}

fn boot_once(
    settings: &Settings,
    kernel: &Kernel,
    initramfs: &Initramfs,
    limits: &Limits,
    keep_in: Option<&Path>,
    then: &mut dyn FnMut(&mut Machine) -> Result<(), VmError>,
) -> Result<(Machine, Ready), LabError> {
    let mut machine = Machine::boot(settings, kernel, initramfs)?;
    let ready = machine.wait_ready(limits.boot);
    let error = match ready.and_then(|ready| then(&mut machine).map(|()| ready)) {
        Ok(ready) => return Ok((machine, ready)),
        Err(VmError::Stopped) => return Err(LabError::Stopped),
        Err(error) => error,
    };
    let console = machine.records().console();
    let mut observed =
        Observed { reports: genuine(&console.bytes(), 0, u64::MAX), ..Observed::default() };
    note_failed_boot(&error, &mut observed);
    if observed.ended.is_some() {
        observed.shutdown = kept_shutdown(&mut machine);
    }
    if let Some(folder) = keep_in {
        save(folder, &machine, None)?;
    }
    if let Some(reason) = emulators_doing(settings, &observed, Phase::Boot) {
        return Err(LabError::Emulator { reason, tries: 1 });
    }
    match judge(&observed) {
        (Outcome::BootFailed, reason) => {
            let spoke = if console.length() == 0 {
                " (the console is empty: does the kernel have a serial console?)"
            } else {
                ""
            };
            Err(LabError::BootFailed {
                reason: format!("{reason}{spoke}"),
                folder: keep_in.map(Path::to_owned),
            })
        }
        _ => Err(error.into()),
    }
}

/// Notes what an error tells of a boot: whether the kernel failed, or the lab.
fn note_failed_boot(error: &VmError, observed: &mut Observed) {
    match error {
        VmError::QemuEnded { status, messages } => {
            if status == "guest-reset" || status == "guest-shutdown" {
                observed.shutdown = Some(status.clone());
            } else {
                observed.ended = Some(format!("{status} {messages}").trim().to_owned());
            }
        }
        VmError::AgentSilent { after, .. } => observed.silent_seconds = Some(after.as_secs()),
        VmError::LinkLost { .. } => observed.link_lost = Some(error.to_string()),
        // The agent answered, and said no.
        other => observed.infrastructure_error = Some(other.to_string()),
    }
}

/// How the guest ended itself, where QEMU said so while an answer was waited for.
fn kept_shutdown(machine: &mut Machine) -> Option<String> {
    while let Ok(Some(event)) = machine.next_event(Instant::now()) {
        match event {
            Event::Shutdown(word) if word.starts_with("guest-") => return Some(word),
            _ => {}
        }
    }
    None
}

/// Runs the reproducer on a machine whose agent is ready. Reports before byte `mark` of the console
/// are not the reproducer's. With a `seed` the guest's state is varied first: machines that start from one
/// snapshot are equal otherwise.
///
/// # Errors
/// Only [`LabError::Stopped`], and when the record cannot be written.
pub fn run_once(
    machine: &mut Machine,
    prepared: &Prepared,
    limits: &Limits,
    mark: u64,
    seed: Option<u64>,
    keep_in: Option<&Path>,
) -> Result<RunResult, LabError> {
    let start = Instant::now();
    let mut observed = Observed { booted: true, ..Observed::default() };
    let watched = match seed.map_or(Ok(()), |seed| machine.vary(seed, limits.hang)) {
        Ok(()) => watch(machine, prepared, limits, mark, &mut observed),
        Err(error) => Err(error),
    };
    let mut exhibits = None;
    match watched {
        Ok(()) => {}
        Err(VmError::Stopped) => return Err(LabError::Stopped),
        Err(VmError::LinkLost { reason }) => observed.link_lost = Some(reason),
        Err(VmError::AgentSilent { after, .. }) => observed.silent_seconds = Some(after.as_secs()),
        Err(VmError::QemuEnded { status, messages }) => {
            observed.ended.get_or_insert(format!("{status} {messages}").trim().to_owned());
        }
        // The agent answered, and said no: the reproducer cannot be started.
        Err(error) => observed.infrastructure_error = Some(error.to_string()),
    }
    let gone = observed.ended.is_some() || observed.shutdown.is_some();
    let before = machine.records().console();
    observed.reports = genuine(&before.bytes(), mark, before.length());
    if !gone && (observed.silent_seconds.is_some() || observed.reports.iter().any(is_hang)) {
        match machine.collect_exhibits() {
            Ok(collected) => exhibits = Some(collected),
            Err(_) => return Err(LabError::Stopped),
        }
    }
    if gone {
        // The last lines and QEMU's status come after the word that it ends.
        drain(machine, &mut observed)?;
        let console = machine.records().console();
        observed.reports = genuine(&console.bytes(), mark, console.length());
    }
    machine.kill();
    if let Some(folder) = keep_in {
        save(folder, machine, exhibits.as_ref())?;
    }
    observed.emulator_error = emulators_doing(machine.settings(), &observed, Phase::Run);
    let (outcome, detail) = judge(&observed);
    Ok(RunResult {
        outcome,
        detail,
        emulator_failed: observed.emulator_error.is_some(),
        reports: observed.reports,
        exit: observed.exit,
        exhibits,
        duration: start.elapsed(),
        seed,
    })
}

/// What the emulator did, if the first report is its doing.
fn emulators_doing(settings: &Settings, observed: &Observed, phase: Phase) -> Option<String> {
    of_report(settings, observed.reports.first()?, phase)
}

fn watch(
    machine: &mut Machine,
    prepared: &Prepared,
    limits: &Limits,
    mark: u64,
    observed: &mut Observed,
) -> Result<(), VmError> {
    let program = match &prepared.action {
        Action::Run(arguments) => {
            let environment = ["PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/tmp", "TERM=dumb"];
            let environment = environment.map(str::to_owned);
            Some(machine.start_program(arguments, &environment, "/tmp", limits.hang.min(ANSWER))?)
        }
        Action::Insert(path, parameters) => {
            // A module that oopses in its init never answers: the console tells.
            match machine.insert_module(path, parameters, limits.run) {
                Ok(()) => observed.exit = Some((Some(0), 0)),
                Err(VmError::AgentSilent { .. }) => {}
                Err(error) => return Err(error),
            }
            None
        }
        Action::Nothing => None,
    };
    let start = Instant::now();
    let mut deadline = start + if program.is_some() { limits.run } else { limits.settle };
    let mut ending = program.is_none();
    let mut report_seen: Option<(Instant, Instant)> = None;
    let mut searched = (Instant::now(), mark);
    loop {
        let now = Instant::now();
        if let Some((last, first)) = report_seen {
            if now > last + REPORT_PAUSE || now > first + REPORT_LONGEST {
                return Ok(());
            }
        } else if now >= deadline {
            if ending {
                // A guest that is well says so.
                return machine.ping(limits.hang);
            }
            observed.cut_short = true;
            if let Some(program) = program {
                machine.kill_program(program, limits.hang)?;
            }
            ending = true;
            deadline = Instant::now() + limits.settle;
        }
        match machine.next_event((now + TICK).min(deadline.max(now + Duration::from_millis(5))))? {
            Some(Event::Exited { started, status, signal }) if Some(started) == program => {
                if !observed.cut_short {
                    observed.exit = Some((status, signal));
                }
                ending = true;
                deadline = Instant::now() + limits.settle;
            }
            Some(Event::Console) => {
                if let Some((last, _)) = &mut report_seen {
                    *last = Instant::now();
                }
            }
            Some(Event::Shutdown(word)) => {
                observed.shutdown = Some(word);
                return Ok(());
            }
            Some(Event::Ended(status)) => {
                let messages = machine.records().qemu().bytes();
                let messages = String::from_utf8_lossy(&messages).trim().to_owned();
                observed.ended = Some(format!("{status} {messages}").trim().to_owned());
                return Ok(());
            }
            // The guest may have written garbage on its way down: the console tells more.
            Some(Event::LinkLost(reason)) => {
                observed.link_lost = Some(reason);
                report_seen.get_or_insert((Instant::now(), Instant::now()));
            }
            _ => {}
        }
        let length = machine.records().console_length();
        if report_seen.is_none() && length > searched.1 && searched.0.elapsed() > SEARCH {
            // From the mark on, because a report may have begun in an earlier piece.
            let from = length.saturating_sub(1 << 20).max(mark);
            let found = !read_log(&machine.records().console_since(from)).reports.is_empty();
            searched = (Instant::now(), length);
            if found {
                report_seen = Some((Instant::now(), Instant::now()));
            }
        }
        if report_seen.is_none()
            && let Some(silence) = machine.records().silence()
            && silence > limits.hang
        {
            return Err(VmError::AgentSilent { what: "a sign of life".into(), after: silence });
        }
    }
}

/// Takes what is still on its way after the guest's end.
fn drain(machine: &mut Machine, observed: &mut Observed) -> Result<(), LabError> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while observed.ended.is_none() {
        match machine.next_event(deadline) {
            Ok(Some(Event::Ended(status))) => observed.ended = Some(status),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(VmError::Stopped) => return Err(LabError::Stopped),
            Err(_) => break,
        }
    }
    // The console's thread reads what QEMU left in the socket.
    let mut length = machine.records().console_length();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(10));
        let now = machine.records().console_length();
        if now == length {
            break;
        }
        length = now;
    }
    Ok(())
}

/// The reports that begin between two places of the console and stand for a bug.
fn genuine(console: &[u8], from: u64, to: u64) -> Vec<CrashReport> {
    let mut reports = read_log(console).reports;
    reports.retain(|report| {
        report.offset >= from && report.offset < to && report.suppressed.is_none()
    });
    reports
}

/// A report that says who waits, not who is to blame: the guest is asked for more.
fn is_hang(report: &CrashReport) -> bool {
    const WORDS: &[&str] = &["task hung", "stall", "lockup", "hung in", "can't die"];
    WORDS.iter().any(|words| report.title.contains(words))
}

fn save(folder: &Path, machine: &Machine, exhibits: Option<&Exhibits>) -> Result<(), LabError> {
    fs::create_dir_all(folder)
        .map_err(LabError::io(format!("make the folder {}", folder.display())))?;
    let records = machine.records();
    for (recording, name) in [
        (records.console(), "console"),
        (records.qemu(), "qemu"),
        (records.output(), "output"),
        (records.error(), "error"),
    ] {
        if name == "console" || recording.length() > 0 {
            recording.save(folder, name).map_err(|(path, error)| {
                LabError::io(format!("write {}", path.display()))(error)
            })?;
        }
    }
    if let Some(exhibits) = exhibits {
        let path = folder.join("exhibits.txt");
        fs::write(&path, exhibits_text(exhibits))
            .map_err(LabError::io(format!("write {}", path.display())))?;
    }
    Ok(())
}

fn exhibits_text(exhibits: &Exhibits) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "From byte {} of console.log on, the lab asked the hung guest for its state.\n\
         What it printed there is no crash.\n",
        exhibits.console_from
    );
    for exhibit in &exhibits.exhibits {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n== {}", exhibit.what);
        if exhibit.console_to > exhibit.console_from {
            let _ = write!(
                text,
                ": bytes {} to {} of console.log",
                exhibit.console_from, exhibit.console_to
            );
        }
        if let Some(problem) = &exhibit.problem {
            let _ = write!(text, ": {problem}");
        }
        let _ = writeln!(text);
        if !exhibit.text.is_empty() {
            let _ = writeln!(text, "{}", exhibit.text.replace('\r', ""));
        }
    }
    text
}

impl RunResult {
    /// The stored shape.
    pub fn stored(&self, run: u32, folder: Option<String>) -> StoredRun {
        StoredRun {
            format: StoredRun::FORMAT,
            run,
            outcome: self.outcome,
            detail: self.detail.clone(),
            crashes: match self.outcome {
                Outcome::Crashed => self.reports.iter().map(Crash::from).collect(),
                _ => Vec::new(),
            },
            exit_status: self.exit.and_then(|(status, _)| status),
            signal: self.exit.and_then(|(_, signal)| (signal != 0).then_some(signal)),
            milliseconds: StoredRun::milliseconds(self.duration),
            folder,
            snapshot: None,
            seed: self.seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_dies_before_the_snapshot_did_not_boot_and_an_agent_that_refuses_is_the_labs() {
        let after = Duration::from_secs(30);
        let ended =
            |status: &str| VmError::QemuEnded { status: status.into(), messages: "".into() };
        for (error, outcome) in [
            (VmError::LinkLost { reason: "broken pipe".into() }, Outcome::BootFailed),
            (VmError::AgentSilent { what: "vary".into(), after }, Outcome::BootFailed),
            (ended("guest-reset"), Outcome::BootFailed),
            (ended("signal 9"), Outcome::InfrastructureError),
            (VmError::Agent { what: "vary".into() }, Outcome::InfrastructureError),
        ] {
            let mut observed = Observed::default();
            note_failed_boot(&error, &mut observed);
            assert_eq!(judge(&observed).0, outcome, "{error}");
        }
    }
}
