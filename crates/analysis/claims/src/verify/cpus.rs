//! CPUs: stuck ones, what they executed, and those that do not answer.
//!
//! Lines of kernel/watchdog.c, lib/nmi_backtrace.c, kernel/smp.c.

use model::{CpuId, Predicate};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, number, number_after};
use super::stack::Part;

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        let text = headline(&message.text);
        if let Some((cpu, seconds)) = stuck(text) {
            facts.say(&[at], Predicate::CpuStuck { cpu, seconds });
        }
        if text.starts_with("csd: ") && text.contains("non-responsive CSD lock") {
            let waiting = number_after(text, "on CPU#").and_then(|cpu| CpuId::try_from(cpu).ok());
            if let Some(cpu) =
                number_after(text, "for CPU#").and_then(|cpu| CpuId::try_from(cpu).ok())
            {
                facts.say(&[at], Predicate::CpuNoResponse { cpu, waiting });
            }
        }
    }
    for stack in log.stacks().iter().filter(|stack| stack.part == Part::Call) {
        let Some(owner) = &stack.owner else { continue };
        let Some(cpu) = owner.cpu else { continue };
        // What ran is what the instruction pointer says; without one it is somewhere on the stack.
        if let Some(frame) = &stack.pointer {
            facts.say(
                &[owner.at, frame.at],
                Predicate::CpuIn {
                    cpu,
                    task: owner.task.clone(),
                    function: frame.function.clone(),
                },
            );
        }
        for frame in stack.reliable() {
            facts.hint(
                &[owner.at, frame.at],
                Predicate::CpuIn {
                    cpu,
                    task: owner.task.clone(),
                    function: frame.function.clone(),
                },
            );
        }
    }
}

/// `BUG: soft lockup - CPU#3 stuck for 22s!`, `Watchdog detected hard LOCKUP on cpu 3`, `CPU 3 Hard LOCKUP`,
/// `CPU 3 detected hard LOCKUP on other CPUs 5`.
fn stuck(text: &str) -> Option<(CpuId, Option<u64>)> {
    if let Some(rest) = after(text, "soft lockup - CPU#") {
        let (cpu, rest) = number(rest)?;
        let seconds = number_after(rest, "stuck for ")?;
        return Some((CpuId::try_from(cpu).ok()?, Some(seconds)));
    }
    if text.contains("etected hard LOCKUP on cpu ") {
        return Some((CpuId::try_from(number_after(text, "on cpu ")?).ok()?, None));
    }
    if text.starts_with("CPU ") && text.contains("detected hard LOCKUP on other CPUs ") {
        return Some((CpuId::try_from(number_after(text, "other CPUs ")?).ok()?, None));
    }
    let (cpu, rest) =
        number(text.strip_prefix("CPU ").or_else(|| text.strip_prefix("Watchdog CPU:"))?)?;
    (rest.starts_with(" self-detected hard LOCKUP") || rest.starts_with(" Hard LOCKUP"))
        .then_some((CpuId::try_from(cpu).ok()?, None))
}
