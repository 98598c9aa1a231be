//! The verdict.

use analysis_hang::Observations;
use model::{Finding as F, Participant, Remark, SpinOwner, Step, Task, Verdict};

use super::event::title;
use super::parts::{capital, place};
use super::waits::{clause, participant};
use super::{chain, cpu, memory, stall};

/// Rivals that are named.
const NAMED: usize = 5;

/// The verdict in sentences.
pub fn verdict(seen: &Observations, verdict: &Verdict) -> String {
    let parts: Vec<String> = verdict.findings.iter().map(|found| finding(seen, found)).collect();
    parts.join(" ")
}

fn finding(seen: &Observations, found: &F) -> String {
    match found {
        F::NoReport => "No report of a kernel problem is in this log.".to_owned(),
        F::UnknownTrace { line } => format!(
            "A call trace stands at L{line}, but the report that it belongs to was not recognised: read the lines before it."
        ),
        F::Rivals { events, share } => {
            let names: Vec<String> = events
                .iter()
                .take(NAMED)
                .map(|id| seen.event(*id))
                .map(|event| format!("{} ({}, L{})", event.id, title(event), event.lines.first))
                .collect();
            let kind = match share {
                true => {
                    "Reports that share a task or a CPU, but nothing that tells which led to which,"
                }
                false => "Reports that share no task, CPU, lock or grace period",
            };
            format!(
                "{kind} compete: {}. The log does not show which one began it.",
                names.join("; ")
            )
        }
        F::Cycle { steps, proven, .. } => cycle(steps, *proven),
        F::Report { event, place, remark } => report(seen, *event, place.as_ref(), *remark),
        F::PoolStuck { cpus, in_flight } => {
            let flying: Vec<String> =
                in_flight.iter().map(|(pid, f)| format!("{f} in worker {pid}")).collect();
            let what = match flying.is_empty() {
                true => "no item is shown in flight".to_owned(),
                false => format!("in flight: {}", flying.join(", ")),
            };
            format!(
                "A worker pool (cpus={cpus}) makes no progress; {what}. The log does not show what keeps it."
            )
        }
        F::WorkLeak { function } => format!(
            "Work function {function} returned with a lock, atomic or RCU section still held."
        ),
        F::Spins { task, place: at, owner, .. } => {
            let who = task.as_ref().map_or_else(|| "A task".to_owned(), Task::to_string);
            let spins = format!("{who} spins{}", place(at.as_ref()));
            match owner {
                SpinOwner::Itself => {
                    format!("{spins} for a lock that it holds itself; it can never get it.")
                }
                SpinOwner::Other { task } => {
                    format!("{spins} for a lock that {task} holds and does not release.")
                }
                SpinOwner::NotNamed => format!("{spins} for a lock; no owner is named."),
            }
        }
        F::HungUnknown { event, shown } => {
            let what = if *shown {
                "known from their stacks"
            } else {
                "shown: their stacks were not read"
            };
            let hung = capital(&title(seen.event(*event)));
            format!("{hung}; what they wait for is not {what}.")
        }
        _ => stall::sentence(found)
            .or_else(|| cpu::sentence(found))
            .or_else(|| chain::sentence(found))
            .or_else(|| memory::sentence(found))
            .unwrap_or_default(),
    }
}

fn cycle(steps: &[Step], proven: bool) -> String {
    let word = match proven {
        true => "Deadlock",
        false => "Probable deadlock (an edge of the cycle is inferred)",
    };
    let parts: Vec<String> = steps
        .iter()
        .map(|step| {
            let (from, to) = (participant(&step.from), participant(&step.to));
            match (&step.from, clause(&step.waits_for)) {
                (Participant::Task { .. }, _) => format!("{from} waits for {to}"),
                (_, Some(clause)) if !is_told(step) => format!("{from}: {to} {clause}"),
                _ => format!("{from} is held by {to}"),
            }
        })
        .collect();
    format!("{word}: {}.", parts.join("; "))
}

/// Whether the log itself says who holds it.
fn is_told(step: &Step) -> bool {
    matches!(step.waits_for, model::WaitsFor::Listed { .. } | model::WaitsFor::Named { .. })
}

/// A report that speaks for itself.
fn report(
    seen: &Observations,
    event: model::EventId,
    at: Option<&String>,
    remark: Remark,
) -> String {
    let event = seen.event(event);
    let name = title(event);
    let task = event.task.as_ref().map(|task| format!(", {task}")).unwrap_or_default();
    let at = if name.contains(" in ") { String::new() } else { place(at) };
    let line = &event.headline;
    match remark {
        Remark::Plain => format!("{}{at}{task}.", capital(&name)),
        Remark::PossibleCycle => format!("{}{at}{task}. Lockdep shows a possible cycle, not one that happened.", capital(&name)),
        Remark::ClassesCompared => format!("{}{at}{task}. Lockdep compares classes; whether it is the same lock twice is told by the addresses.", capital(&name)),
        Remark::Damage => format!("{name}{task}: the first report of damage; what follows in this boot is not to be trusted."),
        Remark::LaterDamage => format!("{name}{task}; the kernel had failed before, as its taint says, so this may be a consequence."),
        Remark::ZeroMagic => format!("{name}{task}: the lock's magic number is 0, as in a lock that was never initialised; memory that was cleared later looks the same."),
        Remark::LeakedMemory => format!("kmemleak found memory that nothing points to{at}{task}."),
        Remark::DeviceReference => "A network device cannot be freed: somebody keeps a reference. The log does not show who.".to_owned(),
        Remark::HardwareError => format!("The machine reports an error of its own: {}.", line.trim_end_matches('.')),
        Remark::HardwareErrorPerhapsCorrected => format!("The machine reports an error of its own: {}. No line says that it was not corrected.", line.trim_end_matches('.')),
        Remark::DeviceTrouble => format!("A device or its link fails: {line}"),
        Remark::FileSystemNoMemory => format!("A file system had no memory for what it was to do: {line}"),
        Remark::FileSystemIo => format!("I/O of a file system failed: {line}"),
        Remark::FileSystemStops => format!("A file system stops after an earlier failure: {line}"),
        Remark::FileSystem => format!("A file system reports inconsistent data: {line}. The disk, memory or a bug may have done it."),
        Remark::UnhandledInterrupt => format!("An interrupt kept coming that no handler took for its own, and the kernel switches it off: {line}. A device on that line, or its driver, is at fault; all of them get no interrupts any more."),
        Remark::UserProgram => format!("A user program faulted{task}; the kernel is not shown to be at fault."),
        Remark::Hint => format!("Only a hint: {line}"),
        Remark::Panic => format!("The kernel gave up: {line}"),
    }
}
