//! Stalled grace periods.

use model::{Finding as F, Participant, PeriodWaiter, Running};

use super::cpu::console;
use super::parts::{capital, its_cpu, place};
use super::waits::{participant, waits_for};

/// Holdouts that are named.
const NAMED: usize = 4;

fn period(number: Option<i64>) -> String {
    number.map_or_else(|| "the grace period".to_owned(), |n| format!("grace period {n}"))
}

/// CPUs, those beyond the first ones counted.
pub(super) fn holdouts(cpus: &[Participant]) -> String {
    let named: Vec<String> = cpus.iter().take(NAMED).map(participant).collect();
    match cpus.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn levels(depth: u32) -> String {
    format!("{depth} level{} deep", if depth == 1 { "" } else { "s" })
}

pub(super) fn sentence(found: &F) -> Option<String> {
    of_thread(found).or_else(|| of_reader(found)).or_else(|| of_cpus(found))
}

fn of_thread(found: &F) -> Option<String> {
    Some(match found {
        F::ThreadNotWoken { number, cpu } => format!(
            "The grace-period thread sleeps and its timer did not wake it; that alone keeps {} open. Why timers do not fire on {} is not shown in this log.",
            period(*number),
            its_cpu(*cpu)
        ),
        F::ThreadSpins { number, cpu, function, holdouts: cpus } => {
            let others = match cpus.is_empty() {
                true => String::new(),
                false => format!(" Holdout: {}.", holdouts(cpus)),
            };
            format!(
                "{} does not end: its thread runs on CPU {cpu} but does not get on{}.{others}",
                capital(&period(*number)),
                function.as_ref().map(|f| format!(" (in {f})")).unwrap_or_default()
            )
        }
        F::ThreadDenied { number, cpu, seen } => {
            let what = match seen {
                Some(at) => format!(
                    "{} was seen running {}{}; one sample does not prove that it kept the CPU.",
                    its_cpu(*cpu),
                    at.task,
                    place(at.function.as_ref())
                ),
                None => format!(
                    "WHO denied it {} is not shown: no stack of that CPU was read in this report.",
                    its_cpu(*cpu)
                ),
            };
            format!(
                "The grace-period thread was ready to run and was not given a CPU. That alone keeps {} open. {what}",
                period(*number)
            )
        }
        F::AllSeen { number } => format!(
            "{} does not end although every CPU and reader has passed its quiescent state: its thread did not act on it. Whether the thread was denied a CPU or not woken is not shown in this log.",
            capital(&period(*number))
        ),
        _ => return None,
    })
}

fn of_reader(found: &F) -> Option<String> {
    Some(match found {
        F::ReaderNotShown { number, reader } => format!(
            "{} waits for reader {}, of which no stack was read in this report.",
            capital(&period(*number)),
            participant(reader)
        ),
        F::ReaderLeaked { number, reader, depths, waiters } => {
            let depth = match depths {
                Some((first, last)) if first != last => {
                    format!(" {first}, later {last} levels deep")
                }
                Some((first, _)) => format!(" {}", levels(*first)),
                None => String::new(),
            };
            let others: Vec<String> = waiters.iter().map(waiter).collect();
            let others = match others.is_empty() {
                true => String::new(),
                false => format!("; {}", others.join("; ")),
            };
            format!(
                "A leaked RCU read-side section. {} sleeps idle while still counted as an RCU reader{depth}; so {} can never end{others}.",
                participant(reader),
                period(*number)
            )
        }
        F::ReaderRuns { number, reader, others } => {
            let others: Vec<String> = others.iter().map(running).collect();
            let others = match others.is_empty() {
                true => "What takes the CPU is not shown.".to_owned(),
                false => format!("Stacks printed with these reports show {}.", others.join(", ")),
            };
            format!(
                "{} waits for reader {}, which is not blocked: it is running, or ready and not given enough CPU time to leave its section. {others}",
                capital(&period(*number)),
                participant(reader)
            )
        }
        F::ReaderSleeps { number, reader, depth, waits, end } => {
            let depth = depth.map(|depth| format!(" {}", levels(depth))).unwrap_or_default();
            let what = waits
                .as_ref()
                .map_or_else(|| "something the log does not show".to_owned(), |s| waits_for(s));
            let end = end
                .as_ref()
                .map(participant)
                .filter(|end| *end != what)
                .map(|end| format!("; the chain ends at {end}"))
                .unwrap_or_default();
            format!(
                "{} waits for reader {}{depth}, which sleeps inside its section and waits for {what}{end}. Who releases that is not shown.",
                capital(&period(*number)),
                participant(reader)
            )
        }
        _ => return None,
    })
}

fn waiter(waiter: &PeriodWaiter) -> String {
    let who = participant(&waiter.who);
    let locks: Vec<String> = waiter.holds.iter().map(participant).collect();
    match locks.is_empty() {
        true => format!("{who} waits for it"),
        false => {
            format!("{who} waits for it holding {}; others queue on that lock", locks.join(", "))
        }
    }
}

fn running(at: &Running) -> String {
    format!("CPU {} running {}{}", at.cpu, at.task, place(at.function.as_ref()))
}

fn of_cpus(found: &F) -> Option<String> {
    Some(match found {
        F::NoHoldout { number, idle_only } => format!(
            "{} does not end, but {}.",
            capital(&period(*number)),
            if *idle_only { "only idle CPUs are listed" } else { "no holdout is listed" }
        ),
        F::Holdouts { number, cpus, with_stack, spins, prints } => {
            let shown = if *with_stack { "" } else { "; the log shows no stack of it" };
            let spins = match spins {
                Some(step) => {
                    let cpu = match &step.from {
                        Participant::Cpu { cpu, .. } => format!("CPU {cpu}"),
                        other => participant(other),
                    };
                    format!(" {cpu} spins: {}; who has it is not shown.", waits_for(step))
                }
                None => String::new(),
            };
            format!(
                "{} waits for {}, which passed no quiescent state{shown}.{spins}{}",
                capital(&period(*number)),
                holdouts(cpus),
                console(prints.as_ref())
            )
        }
        _ => return None,
    })
}
