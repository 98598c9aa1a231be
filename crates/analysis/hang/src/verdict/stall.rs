//! Stalls: the thread of the grace period, a reader, or CPUs.

use model::{Grade, LineSpan};

use super::{Verdict, VerdictKind, capital, title};
use crate::collect::Observations;
use crate::event::{Detail, Event, Stall};
use crate::graph::{Graph, NodeKind};
use crate::{cause, stack};

pub(super) fn stalled(seen: &Observations, graph: &Graph, event: &Event, stall: &Stall) -> Verdict {
    let number = stall
        .period
        .as_ref()
        .map(|p| p.number)
        .or_else(|| stall.starved.as_ref().and_then(|s| s.number));
    let period =
        number.map_or_else(|| "the grace period".to_owned(), |n| format!("grace period {n}"));
    let first = event.lines.first;
    let dominant = stall
        .starved
        .as_ref()
        .filter(|s| stall.period.as_ref().is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies));
    if let Some(starved) = dominant {
        let cpu = starved.cpu.map_or_else(|| "its CPU".to_owned(), |cpu| format!("CPU {cpu}"));
        let asleep = starved.state.is_some_and(|state| state & 0x3 != 0);
        if asleep || stall.timer.is_some() {
            return Verdict::new(
                VerdictKind::Starvation,
                format!("The grace-period thread sleeps and its timer did not wake it; that alone keeps {period} open. Why timers do not fire on {cpu} is not in this log."),
                Grade::Inferred,
            )
            .at(first, format!("{}: the timer of its thread does not fire on {cpu}.", title(event)))
            .missing(format!("timer state of {cpu} (sysrq-q), two reports with timer-softirq to see whether it moves, clockevent and idle driver messages"));
        }
        let who = starved.cpu.and_then(|cpu| crate::graph::occupant(seen, event, cpu));
        let thread = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.clone());
        // The thread itself may be what runs there, spinning for a lock.
        let own = who
            .as_ref()
            .zip(thread.as_ref())
            .is_some_and(|((_, task), thread)| task.pid == thread.pid);
        if own {
            let place = who
                .as_ref()
                .and_then(|(id, _)| stack::where_it_was(seen.snapshot(*id)))
                .map(|(f, _)| f)
                .unwrap_or_default();
            let stuck = cpu_sinks(graph, event);
            let others = if stuck.is_empty() {
                String::new()
            } else {
                format!(" Holdout: {}.", stuck.join(", "))
            };
            return Verdict::new(VerdictKind::Starvation, format!("{} does not end: its thread runs on {cpu} but does not get on (in {place}).{others}", capital(&period)), Grade::Inferred)
                .at(first, format!("{}{}.", title(event), if stuck.is_empty() { String::new() } else { format!(": holdout {}", stuck.join(", ")) }))
                .missing("the holder of the lock that the thread spins for");
        }
        let mut verdict = match who {
            Some((id, task)) => {
                let place = stack::where_it_was(seen.snapshot(id)).map(|(f, _)| format!(" in {f}")).unwrap_or_default();
                Verdict::new(
                    VerdictKind::Starvation,
                    format!("The grace-period thread was ready to run and was not given a CPU. That alone keeps {period} open. {cpu} was seen running {task}{place}; one sample does not prove that it kept the CPU."),
                    Grade::Inferred,
                )
                .missing(format!("a second stack of {cpu}, and policy and priority of {task}"))
            }
            None => Verdict::new(
                VerdictKind::Starvation,
                format!("The grace-period thread was ready to run and was not given a CPU. That alone keeps {period} open. WHO denied it {cpu} is NOT in this log: {cpu}'s stack is missing."),
                Grade::Inferred,
            )
            .missing(format!("stack of {cpu} at the same moment (sysrq-l, or a kernel >= about 5.12, which dumps the CPU where the thread last ran)")),
        };
        verdict.missing.push(format!("policy and priority of {}, of the ksoftirqd threads and of the tasks on the CPUs named", starved.flavour));
        let again = number.is_some_and(|number| {
            seen.reports_of_period(event.boot, number).any(|other| other.id != event.id)
        });
        if !again {
            verdict.missing.push(number.map_or_else(
                || "a second report of the same stall".to_owned(),
                |n| format!("a second report of g={n}, to tell slow from never"),
            ));
        }
        if event.lines.first > 0 && seen.subjects(event).any(|(_, s)| stack::syscall(s).is_some()) {
            verdict.missing.push("the reproducer".into());
        }
        return verdict
            .at(first, format!("{}: its thread gets no time on {cpu}.", capital(&title(event))));
    }
    if let Some(reader) = stall.tasks.first() {
        let node = graph.task(reader.pid);
        let name = node
            .map_or_else(|| format!("pid {}", reader.pid), |node| graph.nodes[node].name.clone());
        let snapshot = node.and_then(|node| graph.nodes[node].snapshot).map(|id| seen.snapshot(id));
        let depth = reader
            .depth
            .map(|depth| format!(" {depth} level{} deep", if depth == 1 { "" } else { "s" }))
            .unwrap_or_default();
        let Some(snapshot) = snapshot else {
            return Verdict::new(
                VerdictKind::Unknown,
                format!(
                    "{} waits for reader {name}, whose stack the log does not show.",
                    capital(&period)
                ),
                Grade::Unknown,
            )
            .at(first, format!("{}: blocked by reader {name}.", title(event)))
            .missing(format!("the stack of {name}"));
        };
        if cause::is_idle(snapshot) && reader.depth.is_none_or(|depth| depth > 0) {
            return leak(seen, graph, event, stall, &name, &period)
                .at(first, format!("{}: idle reader {name}.", title(event)));
        }
        if snapshot.on_cpu || snapshot.state == Some('R') {
            let others = running(seen, event, reader.pid);
            let others = if others.is_empty() {
                "What takes the CPU is not shown.".to_owned()
            } else {
                format!("Stacks printed with these reports show {}.", others.join(", "))
            };
            return Verdict::new(
                VerdictKind::Starvation,
                format!("{} waits for reader {name}, which is not blocked: it is running, or ready and not given enough CPU time to leave its section. {others}", capital(&period)),
                Grade::Inferred,
            )
            .at(first, format!("{}: reader {name} does not leave its section.", title(event)))
            .missing("what ran on the CPUs (sysrq-l), policy and priority of the reader, a second report with the same g=");
        }
        let sinks = node.map(|node| graph.sinks(node, Grade::Inferred)).unwrap_or_default();
        let waits = node.and_then(|node| graph.out(node).next()).map(|edge| edge.waits_for.clone());
        let what = waits.unwrap_or_else(|| "something the log does not show".into());
        let end = sinks.first().map(|(sink, _)| graph.nodes[*sink].name.clone());
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{} waits for reader {name}{depth}, which sleeps inside its section and waits for {what}{}. Who releases that is not in the log.", capital(&period), end.filter(|end| *end != what).map(|end| format!("; the chain ends at {end}")).unwrap_or_default()),
            Grade::Inferred,
        )
        .at(first, format!("{}: reader {name} sleeps, waiting for {what}.", title(event)))
        .missing(format!("who holds what {name} waits for: a list of held locks (CONFIG_LOCKDEP, sysrq-d) or all stacks (sysrq-t)"));
    }
    let cpus = cpu_sinks(graph, event);
    if let Some(number) = stall.all_seen.filter(|_| cpus.is_empty()) {
        let mut verdict = Verdict::new(
            VerdictKind::Starvation,
            format!(
                "{} does not end although every CPU and reader has passed its quiescent state: its thread did not act on it. Whether the thread was denied a CPU or not woken is not in this log.",
                capital(&period)
            ),
            Grade::Inferred,
        )
        .at(first, format!("{}: its thread does not act.", capital(&title(event))))
        .missing("state and stack of the grace-period thread, and what ran on its CPU (sysrq-t, sysrq-l)");
        verdict.lines.push(LineSpan::line(number));
        return verdict;
    }
    if cpus.is_empty() {
        let all_idle = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
        let why = if all_idle { "only idle CPUs are listed" } else { "no holdout is listed" };
        return Verdict::new(VerdictKind::Unknown, format!("{} does not end, but {why}.", capital(&period)), Grade::Unknown)
            .at(first, title(event))
            .missing("the lines after the stall header: CPU lines, (t= g= q=), any line about the grace-period thread");
    }
    let shown: Vec<String> = cpus.iter().take(4).cloned().collect();
    let more = if cpus.len() > 4 { format!(" and {} more", cpus.len() - 4) } else { String::new() };
    let with_stack = stall.cpus.iter().any(|cpu| {
        graph.cpu(cpu.cpu).is_some_and(|node| {
            graph.nodes[node]
                .snapshot
                .is_some_and(|id| stack::where_it_was(seen.snapshot(id)).is_some())
        })
    });
    let mut verdict = Verdict::new(
        if with_stack { VerdictKind::Starvation } else { VerdictKind::Unknown },
        format!(
            "{} waits for {}{more}, which passed no quiescent state{}.",
            capital(&period),
            shown.join(", "),
            if with_stack { "" } else { "; the log shows no stack of it" }
        ),
        if with_stack { Grade::Inferred } else { Grade::Unknown },
    )
    .at(first, format!("{}: holdout {}{more}.", title(event), shown.join(", ")));
    for cpu in &stall.cpus {
        let Some(node) = graph.cpu(cpu.cpu) else { continue };
        if let Some(edge) =
            graph.out(node).find(|edge| graph.nodes[edge.to].kind != NodeKind::Resource)
        {
            verdict.statement +=
                &format!(" CPU {} spins: {}; who has it is not shown.", cpu.cpu, edge.waits_for);
            verdict
                .missing
                .push(format!("the stack of the CPU that keeps CPU {} waiting (sysrq-l)", cpu.cpu));
            break;
        }
    }
    let printer = stall
        .cpus
        .iter()
        .filter_map(|cpu| graph.nodes[graph.cpu(cpu.cpu)?].snapshot)
        .find_map(|id| super::cpu::printing(seen.snapshot(id)));
    if let Some(frame) = printer {
        verdict.statement += &super::cpu::said_of_console(frame);
        verdict.missing.push(super::cpu::CONSOLE_EXHIBIT.into());
    }
    if !with_stack {
        verdict.missing.push(format!("stack of {} (NMI backtrace, sysrq-l)", shown.join(", ")));
    } else if verdict.missing.is_empty() {
        verdict.missing.push(
            "a second stack of the same CPU: one sample cannot show whether it loops there".into(),
        );
    }
    verdict
}

/// Tasks seen on CPUs in the hang reports of that boot: neither idle, nor the one given, nor asking for the stacks.
pub(super) fn running(seen: &Observations, event: &Event, pid: u32) -> Vec<String> {
    let mut found = Vec::new();
    for snapshot in seen
        .events
        .iter()
        .filter(|other| other.boot == event.boot && other.kind.is_hang())
        .flat_map(|other| &other.snapshots)
        .map(|id| seen.snapshot(*id))
    {
        let Some((cpu, task)) = snapshot.cpu.zip(snapshot.task.as_ref()) else { continue };
        let asks = snapshot
            .frames
            .iter()
            .any(|f| f.function.contains("sysrq") || f.function == "watchdog");
        if !snapshot.on_cpu || asks || matches!(task.pid, None | Some(0)) || task.pid == Some(pid) {
            continue;
        }
        let place = stack::where_it_was(snapshot)
            .map(|(function, _)| format!(" in {function}"))
            .unwrap_or_default();
        let text = format!("CPU {cpu} running {task}{place}");
        if !found.contains(&text) && found.len() < 4 {
            found.push(text);
        }
    }
    found
}

/// The names of the CPUs that hold the event's grace period up.
fn cpu_sinks(graph: &Graph, event: &Event) -> Vec<String> {
    let Detail::Stall(stall) = &event.detail else { return Vec::new() };
    stall
        .cpus
        .iter()
        .filter_map(|cpu| graph.cpu(cpu.cpu))
        .map(|node| graph.nodes[node].name.clone())
        .collect()
}

pub(super) fn leak(
    seen: &Observations,
    graph: &Graph,
    event: &Event,
    stall: &Stall,
    name: &str,
    period: &str,
) -> Verdict {
    let pid = stall.tasks.first().map(|reader| reader.pid);
    let depths: Vec<u32> = seen
        .events
        .iter()
        .filter(|other| other.boot == event.boot)
        .filter_map(|other| match &other.detail {
            Detail::Stall(stall) => {
                stall.tasks.iter().find(|task| Some(task.pid) == pid).and_then(|task| task.depth)
            }
            _ => None,
        })
        .collect();
    let depth = match (depths.first(), depths.last()) {
        (Some(a), Some(b)) if a != b => format!(" {a}, later {b} levels deep"),
        (Some(a), _) => format!(" {a} level{} deep", if *a == 1 { "" } else { "s" }),
        _ => String::new(),
    };
    let mut others = Vec::new();
    for node in &graph.nodes {
        if node.kind != NodeKind::Task {
            continue;
        }
        let at = graph.nodes.iter().position(|other| other.id == node.id).unwrap_or(0);
        for edge in graph.out(at).filter(|edge| graph.nodes[edge.to].kind == NodeKind::GracePeriod)
        {
            let locks: Vec<&str> = graph
                .edges
                .iter()
                .filter(|held| held.to == at && graph.nodes[held.from].kind == NodeKind::Lock)
                .map(|held| graph.nodes[held.from].name.as_str())
                .collect();
            let _ = edge;
            others.push(if locks.is_empty() {
                format!("{} waits for it", node.name)
            } else {
                format!(
                    "{} waits for it holding {}; others queue on that lock",
                    node.name,
                    locks.join(", ")
                )
            });
        }
    }
    others.truncate(3);
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join("; ")) };
    let mut verdict = Verdict::new(
        VerdictKind::Leak,
        format!("A leaked RCU read-side section. {name} sleeps idle while still counted as an RCU reader{depth}; so {period} can never end{others}."),
        Grade::Inferred,
    )
    .missing("which function leaks: the text of the local functions on the stacks, or any path with rcu_read_lock() without unlock")
    .missing("a kernel >= about 6.9, whose workqueue check names the leaking work function");
    if seen.kernel.modified().is_some() {
        verdict.missing.push(
            "a run with CONFIG_PROVE_RCU=y, and one without the local changes to the kernel".into(),
        );
    }
    verdict
}
