//! CPUs that are stuck or silent.

use model::{CpuId, Culprit, Finding as F, Participant, Step, WaitsFor};

use super::parts::whose;
use super::waits::{participant, waits_for};

fn name(cpu: Option<CpuId>) -> String {
    cpu.map_or_else(|| "A CPU".to_owned(), |cpu| format!("CPU {cpu}"))
}

const fn how(hard: bool) -> &'static str {
    match hard {
        true => "takes no interrupts",
        false => "runs kernel code without scheduling, IRQs enabled",
    }
}

/// That a CPU prints to the console.
pub(super) fn console(prints: Option<&String>) -> String {
    let told = |function: &String| {
        format!(
            " It was printing to the console ({function}): much output on a slow console keeps a CPU that long."
        )
    };
    prints.map(told).unwrap_or_default()
}

/// How often a CPU was seen in a function.
fn seen(samples: u32) -> String {
    match samples {
        0 | 1 => "One sample does not show whether it loops there or just works long.".to_owned(),
        many => format!("{many} samples show it there."),
    }
}

pub(super) fn sentence(found: &F) -> Option<String> {
    Some(match found {
        F::StuckSomewhere { cpu, task, hard } => format!(
            "{}{} {}; the log does not show where.",
            name(*cpu),
            whose(task.as_ref()),
            how(*hard)
        ),
        F::StuckBehind { cpu, task, function, waits, culprit, how } => {
            let why = match how {
                Culprit::TakenForHolder => {
                    "is the only other CPU reported as stuck and waits for nothing itself: it is taken for the holder"
                }
                Culprit::DoesNotCome => "does not come",
                Culprit::DoesNotAnswer => "does not answer",
            };
            format!(
                "{}{} waits in {function}: {}; {} {why}.",
                name(*cpu),
                whose(task.as_ref()),
                waits_for(waits),
                participant(culprit)
            )
        }
        F::StuckWaiting { cpu, task, hard, function, waits, next } => {
            let who = match next {
                None => "Who has it is not shown in this log.".to_owned(),
                Some(step) => format!(
                    "{} does not answer: it waits itself ({}). Who has that is not shown in this log.",
                    participant(&step.from),
                    waits_for(step)
                ),
            };
            format!(
                "{}{} {}: it waits in {function} ({}). {who}",
                name(*cpu),
                whose(task.as_ref()),
                how(*hard),
                waits_for(waits)
            )
        }
        F::StuckIdle { cpu, function, .. } => format!(
            "{} is in its idle task, in {function}: it has nothing to loop in. It did not run at all for that time (a virtual machine that its host did not run, a clock that jumped), or its timer did not wake it.",
            name(*cpu)
        ),
        F::StuckIn { cpu, task, hard, function, prints, samples } => format!(
            "{}{} {}, in {function}.{} {}",
            name(*cpu),
            whose(task.as_ref()),
            how(*hard),
            console(prints.as_ref()),
            seen(*samples)
        ),
        F::NoAnswer { cpu, waiting, seen: at, irqs_off, waits } => {
            let said = format!("CPU {cpu} does not answer the function call of CPU {waiting}.");
            let Some(at) = at else { return Some(format!("{said} Why is not shown in this log.")) };
            let place = at.function.as_deref().unwrap_or("an unknown function");
            let off = if *irqs_off { ", IRQs disabled" } else { "" };
            let rest = match waits {
                Some(waits) => format!(
                    "It waits for {}; who has it is not shown: another CPU, or what this CPU itself is inside of.",
                    of_stack(waits)
                ),
                None => seen(1),
            };
            format!("{said} It was in {place} ({}{off}). {rest}", at.task)
        }
        _ => return None,
    })
}

/// What a stack waits for, without the node that stands for it.
fn of_stack(waits: &WaitsFor) -> String {
    let nobody = || Participant::UnnamedCpu;
    waits_for(&Step { from: nobody(), to: nobody(), waits_for: waits.clone() })
}
