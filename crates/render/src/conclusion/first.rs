//! The first cause in one sentence.

use analysis_hang::Observations;
use model::{ChainEnd, Finding as F, FirstCause, Remark};

use super::event::title;
use super::memory::scope;
use super::parts::{capital, its_cpu, place, whose};
use super::stall::holdouts;
use super::waits::{participant, waits_for};

/// What happened first.
pub fn first_cause(seen: &Observations, cause: &FirstCause) -> String {
    let name = title(seen.event(cause.event));
    of_thing(seen, &cause.finding)
        .or_else(|| of_stall(&name, &cause.finding))
        .or_else(|| of_cpu(&name, &cause.finding))
        .unwrap_or_else(|| format!("{}.", capital(&name)))
}

fn of_thing(seen: &Observations, found: &F) -> Option<String> {
    Some(match found {
        F::Cycle { members, .. } => {
            let names: Vec<String> = members.iter().map(participant).collect();
            let first = names.first().cloned().unwrap_or_default();
            match names.len() {
                0 | 1 => format!("{first} waits for itself."),
                _ => format!("{first} is part of the cycle of {}.", names.join(", ")),
            }
        }
        F::Report { event, place: at, remark } => {
            let event = seen.event(*event);
            let name = title(event);
            let at = if name.contains(" in ") { String::new() } else { place(at.as_ref()) };
            match remark {
                Remark::LeakedMemory => format!("Memory leak{at}."),
                Remark::DeviceReference => {
                    "A reference to the network device is not given back.".to_owned()
                }
                Remark::HardwareError | Remark::HardwareErrorPerhapsCorrected => {
                    "A hardware error report.".to_owned()
                }
                Remark::DeviceTrouble => format!("Device trouble: {}", event.headline),
                Remark::FileSystem
                | Remark::FileSystemNoMemory
                | Remark::FileSystemIo
                | Remark::FileSystemStops
                | Remark::UnhandledInterrupt
                | Remark::Hint
                | Remark::Panic => event.headline.clone(),
                Remark::UserProgram => "A user program faulted.".to_owned(),
                Remark::Damage | Remark::LaterDamage | Remark::ZeroMagic => format!("{name}{at}."),
                Remark::Plain | Remark::PossibleCycle | Remark::ClassesCompared => {
                    format!("{}{at}.", capital(&name))
                }
            }
        }
        F::PoolStuck { cpus, .. } => format!("Worker pool cpus={cpus} is stuck."),
        F::WorkLeak { function } => format!("{function} leaked a section."),
        F::Spins { event, place: at, .. } => {
            format!("{}{}.", capital(&title(seen.event(*event))), place(at.as_ref()))
        }
        F::HungUnknown { event, .. } => title(seen.event(*event)),
        F::Hung { event, chain, end, .. } => {
            let name = capital(&title(seen.event(*event)));
            let last = chain.last().map(participant).unwrap_or_default();
            match end {
                ChainEnd::TaskNotShown => format!("{name}; the chain ends at {last}, not shown."),
                _ => format!("{name}; the chain ends at {last}."),
            }
        }
        F::OutOfMemory { .. } | F::AllocationFailed { .. } => format!("{}.", scope(found)?),
        _ => return None,
    })
}

fn of_stall(name: &str, found: &F) -> Option<String> {
    Some(match found {
        F::ThreadNotWoken { cpu, .. } => {
            format!("{name}: the timer of its thread does not fire on {}.", its_cpu(*cpu))
        }
        F::ThreadSpins { holdouts: cpus, .. } if cpus.is_empty() => format!("{name}."),
        F::ThreadSpins { holdouts: cpus, .. } | F::Holdouts { cpus, .. } => {
            format!("{name}: holdout {}.", holdouts(cpus))
        }
        F::ThreadDenied { cpu, .. } => {
            format!("{}: its thread gets no time on {}.", capital(name), its_cpu(*cpu))
        }
        F::ReaderNotShown { reader, .. } => {
            format!("{name}: blocked by reader {}.", participant(reader))
        }
        F::ReaderLeaked { reader, .. } => format!("{name}: idle reader {}.", participant(reader)),
        F::ReaderRuns { reader, .. } => {
            format!("{name}: reader {} does not leave its section.", participant(reader))
        }
        F::ReaderSleeps { reader, waits, .. } => {
            let what = waits
                .as_ref()
                .map_or_else(|| "something the log does not show".to_owned(), |s| waits_for(s));
            format!("{name}: reader {} sleeps, waiting for {what}.", participant(reader))
        }
        F::AllSeen { .. } => format!("{}: its thread does not act.", capital(name)),
        F::NoHoldout { .. } => name.to_owned(),
        _ => return None,
    })
}

fn of_cpu(name: &str, found: &F) -> Option<String> {
    let name = capital(name);
    Some(match found {
        F::StuckSomewhere { task, .. } => format!("{name}{}.", whose(task.as_ref())),
        F::StuckBehind { task, culprit, .. } => {
            format!("{name}{}, a victim of {}.", whose(task.as_ref()), participant(culprit))
        }
        F::StuckWaiting { task, function, waits, .. } => format!(
            "{name}{} in {function}: it waits for {}.",
            whose(task.as_ref()),
            waits_for(waits)
        ),
        F::StuckIdle { task, .. } => format!("{name}{}, idle.", whose(task.as_ref())),
        F::StuckIn { task, function, .. } => {
            format!("{name}{} in {function}.", whose(task.as_ref()))
        }
        F::NoAnswer { cpu, waiting, seen, .. } => {
            let at = seen
                .as_ref()
                .map(|at| format!(" ({}{})", at.task, place(at.function.as_ref())))
                .unwrap_or_default();
            format!("CPU {cpu}{at} does not answer CPU {waiting}.")
        }
        _ => return None,
    })
}
