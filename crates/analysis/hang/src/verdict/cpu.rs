//! Lockups, and CPUs that do not answer a function call.

use model::Grade;

use super::{Verdict, VerdictKind, capital, title};
use crate::collect::Observations;
use crate::event::{Event, EventKind, Frame, Snapshot, Task};
use crate::graph::{Graph, NodeKind};
use crate::stack;

pub(super) fn locked_up(seen: &Observations, graph: &Graph, event: &Event) -> Verdict {
    let line = event.lines.first;
    let cpu = event.cpu.map_or_else(|| "A CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let hard = event.kind == EventKind::HardLockup;
    let own = event
        .snapshots
        .iter()
        .map(|id| seen.snapshot(*id))
        .find(|s| event.cpu.is_none() || s.cpu.is_none() || s.cpu == event.cpu);
    let place = own.and_then(stack::where_it_was);
    let task = event.task.clone().or_else(|| own.and_then(|s| s.task.clone()));
    let whose = task.map(|task| format!(" ({task})")).unwrap_or_default();
    let how = if hard {
        "takes no interrupts"
    } else {
        "runs kernel code without scheduling, interrupts open"
    };
    let Some((function, _)) = place else {
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{cpu}{whose} {how}; the log does not show where."),
            Grade::Unknown,
        )
        .at(line, format!("{}{whose}.", capital(&title(event))))
        .missing(format!("the stack of {cpu} in the lockup report"));
    };
    let spin =
        event.cpu.and_then(|cpu| graph.cpu(cpu)).and_then(|node| graph.out(node).next().cloned());
    if let Some(edge) = spin {
        let sinks = event
            .cpu
            .and_then(|cpu| graph.cpu(cpu))
            .map(|node| graph.sinks(node, Grade::Guess))
            .unwrap_or_default();
        let known = sinks.iter().find(|(sink, _)| graph.nodes[*sink].kind == NodeKind::Cpu);
        if let Some((sink, _)) = known {
            // A culprit that no report names stands where its stack was printed.
            let line = match (graph.nodes[*sink].event, graph.nodes[*sink].snapshot) {
                (None, Some(id)) => seen.snapshot(id).lines.map_or(line, |lines| lines.first),
                _ => line,
            };
            let is_lock = graph.nodes[edge.to].kind == NodeKind::Lock;
            let (how, grade) = if is_lock {
                (
                    "is the only other CPU reported as stuck and waits for nothing itself: it is taken for the holder",
                    Grade::Guess,
                )
            } else if edge.rule == "W19" {
                ("does not come", Grade::Inferred)
            } else {
                ("does not answer", Grade::Inferred)
            };
            let verdict = Verdict::new(
                VerdictKind::Starvation,
                format!(
                    "{cpu}{whose} waits in {function}: {}; {} {how}.",
                    edge.waits_for, graph.nodes[*sink].name
                ),
                grade,
            )
            .at(
                line,
                format!(
                    "{}{whose}, a victim of {}.",
                    capital(&title(event)),
                    graph.nodes[*sink].name
                ),
            );
            return match is_lock {
                true => verdict.missing(
                    "who holds the lock: CONFIG_DEBUG_SPINLOCK prints it, a crash dump has it",
                ),
                false => verdict,
            };
        }
        // A CPU on the way that waits in turn.
        let next = sinks.iter().find_map(|(_, way)| {
            way.iter().map(|at| &graph.edges[*at]).find(|step| {
                graph.nodes[step.from].kind == NodeKind::Cpu
                    && graph.nodes[step.from].cpu != event.cpu
            })
        });
        let who = next.map_or_else(
            || "Who has it is not in this log.".to_owned(),
            |step| {
                format!(
                    "{} does not answer: it waits itself ({}). Who has that is not in this log.",
                    graph.nodes[step.from].name, step.waits_for
                )
            },
        );
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{cpu}{whose} {how}: it waits in {function} ({}). {who}", edge.waits_for),
            Grade::Inferred,
        )
        .at(
            line,
            format!("{}{whose} in {function}: it waits for {}.", capital(&title(event)), edge.waits_for),
        )
        .missing(
            "stacks of all other CPUs at that moment (sysrq-l, or softlockup_all_cpu_backtrace=1); without another holder the lock may be held by what this CPU itself is inside of",
        );
    }
    let idle = own.is_some_and(|s| {
        s.task.as_ref().is_some_and(|task| task.pid == Some(0))
            && s.frames.iter().any(|frame| {
                ["do_idle", "cpu_idle", "default_idle", "cpuidle_", "cpu_startup_entry"]
                    .iter()
                    .any(|start| frame.function.starts_with(start))
            })
    });
    if idle {
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{cpu} is in its idle task, in {function}: it has nothing to loop in. It did not run at all for that time (a virtual machine that its host did not run, a clock that jumped), or its timer did not wake it."),
            Grade::Inferred,
        )
        .at(line, format!("{}{whose}, idle.", capital(&title(event))))
        .missing("steal time and log of the host, clocksource messages of this boot");
    }
    let printing = own.and_then(printing);
    let console = printing.map(said_of_console).unwrap_or_default();
    let verdict = Verdict::new(VerdictKind::Starvation, format!("{cpu}{whose} {how}, in {function}.{console} One sample does not show whether it loops there or just works long."), Grade::Inferred)
        .at(line, format!("{}{whose} in {function}.", capital(&title(event))))
        .missing(format!("a second stack of {cpu}"));
    match printing {
        Some(_) => verdict.missing(CONSOLE_EXHIBIT),
        None => verdict,
    }
}

/// R43: a CPU that does not answer a function call, and what its stack shows where it was printed.
pub(super) fn deaf_cpu(seen: &Observations, event: &Event, from: u32, to: u32) -> Verdict {
    let said = format!("CPU {to} does not answer the function call of CPU {from}.");
    let shown = crate::graph::occupant(seen, event, to)
        .and_then(|(id, task)| Some((id, task, stack::where_it_was(seen.snapshot(id))?.0)));
    let Some((id, task, place)) = shown else {
        return Verdict::new(
            VerdictKind::Starvation,
            format!("{said} Why is not in this log."),
            Grade::Seen,
        )
        .at(event.lines.first, format!("CPU {to} does not answer CPU {from}."))
        .missing(format!("the stack of CPU {to} at that moment (NMI backtrace, sysrq-l)"));
    };
    let snapshot = seen.snapshot(id);
    let shut = match snapshot.flags {
        Some((_, flags)) if flags & 0x200 == 0 => ", interrupts off",
        _ => "",
    };
    let (what, missing) = match crate::wait::awaited(snapshot) {
        Some(wait) => (
            format!(
                " It waits for {}; who has it is not shown: another CPU, or what this CPU itself is inside of.",
                crate::graph::in_words(&wait)
            ),
            format!(
                "stacks of all other CPUs at that moment (sysrq-l), and the code that CPU {to} is inside of"
            ),
        ),
        None => (
            " One sample does not show whether it loops there or just works long.".to_owned(),
            format!("a second stack of CPU {to}"),
        ),
    };
    Verdict::new(
        VerdictKind::Starvation,
        format!("{said} It was in {place} ({task}{shut}).{what}"),
        Grade::Inferred,
    )
    .at(event.lines.first, format!("CPU {to} ({task} in {place}) does not answer CPU {from}."))
    .missing(missing)
}

/// R82: a spinning lock that is not released: held by the one who asks for it, by another, or by nobody named.
pub(super) fn spinlock(seen: &Observations, event: &Event, owner: Option<&(u64, Task)>) -> Verdict {
    let who = event.task.clone().map_or_else(|| "A task".to_owned(), |task| task.to_string());
    let place = event
        .snapshots
        .iter()
        .find_map(|id| {
            stack::task_frames(seen.snapshot(*id))
                .into_iter()
                .find(|frame| {
                    !stack::is_detector(&frame.function)
                        && !crate::wait::is_primitive(&frame.function)
                })
                .map(|frame| format!(" in {}", frame.function))
        })
        .unwrap_or_default();
    let line = event.lines.first;
    let own = event.headline.contains("recursion")
        || owner.is_some_and(|(_, owner)| {
            owner.pid.is_some() && event.task.as_ref().is_some_and(|task| task.pid == owner.pid)
        });
    let mut verdict = match owner {
        _ if own => Verdict::new(
            VerdictKind::LockHeld,
            format!("{who} spins{place} for a lock that it holds itself; it can never get it."),
            Grade::Seen,
        ),
        Some((_, owner)) => Verdict::new(
            VerdictKind::LockHeld,
            format!("{who} spins{place} for a lock that {owner} holds and does not release."),
            Grade::Seen,
        )
        .missing(format!("the stack of {owner} at that moment (sysrq-l)")),
        None => Verdict::new(
            VerdictKind::Unknown,
            format!("{who} spins{place} for a lock; no owner is named."),
            Grade::Unknown,
        )
        .missing("the line with .owner, and the stacks of all CPUs at that moment (sysrq-l)"),
    }
    .at(line, format!("{}{place}.", capital(&title(event))));
    if let Some((named, _)) = owner {
        verdict.lines.push(model::LineSpan::line(*named));
    }
    verdict
}

/// What would tell whether the console alone kept the CPU.
pub(super) const CONSOLE_EXHIBIT: &str =
    "the messages that were printed then, and the speed of the console";

/// W48: the frame in which the CPU prints to a console, outside of the report itself.
pub(super) fn printing(snapshot: &Snapshot) -> Option<&Frame> {
    const PRINTERS: &[&str] = &[
        "console_unlock",
        "console_flush_all",
        "serial8250_console_write",
        "univ8250_console_write",
        "pl011_console_write",
        "uart_console_write",
    ];
    stack::task_frames(snapshot)
        .into_iter()
        .find(|frame| PRINTERS.contains(&frame.function.as_str()))
}

/// What is said of a CPU that prints.
pub(super) fn said_of_console(frame: &Frame) -> String {
    format!(
        " It was printing to the console ({}): much output on a slow console keeps a CPU that long.",
        frame.function
    )
}
