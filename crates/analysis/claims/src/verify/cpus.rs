//! CPUs: stuck ones, what they executed, and those that do not answer.
//!
//! Lines of kernel/watchdog.c, lib/nmi_backtrace.c, kernel/smp.c.

use model::{CpuId, Predicate};

use super::fact::Facts;
use super::kind::headline;
use super::log::Log;
use super::scan::{after, number, number_after};
use super::stack::{Frame, Part, Stack};

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
        for frame in where_it_was(stack) {
            let function = frame.function.clone();
            facts.hint(
                &[owner.at, frame.at],
                Predicate::CpuIn { cpu, task: owner.task.clone(), function },
            );
        }
        if let Some(frame) = &stack.pointer {
            let function = frame.function.clone();
            let says = Predicate::CpuIn { cpu, task: owner.task.clone(), function };
            facts.say(&[owner.at, frame.at], says);
        }
    }
}

/// Where the CPU was when the stack was taken: the instruction pointer, or the innermost frame outside of the
/// interrupt that took it, with those around it up to the first that is no primitive.
fn where_it_was(stack: &Stack) -> Vec<&Frame> {
    let frames: Vec<&Frame> = stack.reliable().collect();
    let behind = match (&stack.pointer, frames.iter().position(|frame| frame.entered)) {
        (Some(_), _) => 0,
        (None, Some(entered)) => entered,
        (None, None) => match frames.iter().position(|frame| is_entry(&frame.function)) {
            Some(first) => {
                let chain = frames[first..].iter().take_while(|frame| is_entry(&frame.function));
                first + chain.count()
            }
            None => 0,
        },
    };
    let mut found = Vec::new();
    for frame in &frames[behind..] {
        found.push(*frame);
        if !is_primitive(&frame.function) {
            break;
        }
    }
    found
}

/// Ways of an interrupt into the kernel, and the functions that hand it on.
fn is_entry(name: &str) -> bool {
    const NAMES: [&str; 16] = [
        "call_on_stack",
        "execute_on_irq_stack",
        "intr_return",
        "hypervisor_call",
        "decrementer_common",
        "decrementer_common_virt",
        "timer_interrupt",
        "el1h_64_irq",
        "handle_exception",
        "ret_from_exception",
        "end_repeat_nmi",
        "asm_exc_nmi",
        "tl0_irq14",
        "rtrap_irq",
        "do_cpu_irq_mask",
        "fred_extint",
    ];
    const OTHERS: [&str; 9] = [
        "_raw_",
        "__raw_",
        "spin_",
        "local_irq",
        "arch_local",
        "raw_local",
        "irq_work",
        "rcu_",
        "__rcu_",
    ];
    let own = !OTHERS.iter().any(|head| name.starts_with(head))
        && !name.contains("backtrace")
        && !name.contains("affinity");
    NAMES.contains(&name)
        || own && ["irq", "interrupt", "sysvec_", "nmi"].iter().any(|part| name.contains(part))
}

/// Functions of dumps, locks and flags that stand for those which called them.
fn is_primitive(name: &str) -> bool {
    const HEADS: [&str; 22] = [
        "_raw_",
        "__raw_",
        "do_raw_",
        "native_",
        "queued_",
        "__pv_",
        "pv_",
        "arch_local",
        "arch_spin",
        "lock_acquire",
        "__lock_acquire",
        "lock_release",
        "mem",
        "__mem",
        "show_stack",
        "sched_show_task",
        "dump_",
        "__switch_to",
        "__schedule",
        "preempt_",
        "replay_",
        "smp_call_function",
    ];
    HEADS.iter().any(|head| name.starts_with(head))
}

/// `BUG: soft lockup - CPU#3 stuck for 22s!`, `Watchdog detected hard LOCKUP on cpu 3`, `CPU 3 Hard LOCKUP`,
/// `CPU 3 detected hard LOCKUP on other CPUs 5`.
fn stuck(text: &str) -> Option<(CpuId, Option<u64>)> {
    if let Some(rest) = after(text, "soft lockup - CPU#") {
        let (cpu, rest) = number(rest)?;
        let seconds = number_after(rest, "stuck for ");
        // A quote mark may stand where a mailer cut the line.
        rest.find("stuck for ").filter(|at| *at <= 16)?;
        return Some((CpuId::try_from(cpu).ok()?, seconds));
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
