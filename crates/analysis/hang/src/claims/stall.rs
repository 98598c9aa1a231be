//! Statements on stalls: the grace period, its thread, the CPUs and readers that hold it up.

use model::{Claim, Grade, LineSpan};

use super::{SPELLED_OUT, claim, line};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, Snapshot, SnapshotId, Stall, StallPeriod};
use crate::text::grouped;
use crate::{cause, stack};

pub(super) fn of_stall(claims: &mut Vec<Claim>, seen: &Observations, event: &Event, stall: &Stall) {
    let period = stall.period.as_ref();
    let life =
        period.zip(stall.starved.as_ref()).and_then(|(p, s)| p.jiffies.checked_sub(s.jiffies));
    let starving = stall
        .starved
        .as_ref()
        .is_some_and(|s| period.is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies));
    let cpu_line = stall.cpus.first().map(|cpu| cpu.line).unwrap_or_default();
    if let (Some(period), Some(starved)) = (period, &stall.starved) {
        let lines = vec![line(period.line), line(starved.line)];
        match life {
            Some(life) if starving => claims.push(claim(
                format!("Grace period is {} jiffies old; its thread last ran {} jiffies ago, so it worked for the first {life} jiffies only.", period.jiffies, starved.jiffies),
                Grade::Derived,
                &["R13"],
                lines,
            )),
            Some(life) => claims.push(claim(
                format!("Grace period is {} jiffies old and its thread ran until {} jiffies ago, for the first {life} jiffies: it was not starved from the start.", period.jiffies, starved.jiffies),
                Grade::Derived,
                &["R13"],
                lines,
            )),
            None => claims.push(claim(format!("The thread has not run for {} jiffies, longer than the grace period's age of {}.", starved.jiffies, period.jiffies), Grade::Derived, &["R13"], lines)),
        }
    }
    if let Some(starved) = &stall.starved
        && let Some(state) = starved.state
    {
        let dump = stall.kthread_stack.map(|id| seen.snapshot(id));
        let mut lines = vec![line(starved.line)];
        lines.extend(dump.and_then(|d| d.lines));
        let cpu = starved.cpu.map(|cpu| format!(", home CPU {cpu}")).unwrap_or_default();
        let place = dump
            .and_then(|d| {
                d.frames.iter().find(|f| f.reliable && f.function.starts_with("schedule_timeout"))
            })
            .map(|f| format!(", switched out in {}", f.function))
            .unwrap_or_default();
        let letter = dump
            .and_then(|d| d.state)
            .map(|s| format!("; dump shows {s}{place}"))
            .unwrap_or_default();
        let meaning = match state {
            0 if runs_itself(seen, event, stall) => format!(
                "Thread state 0x0{cpu}{letter}; the stack of that CPU shows it running there: it has the CPU and does not get on."
            ),
            0 => format!(
                "Thread state 0x0 = runnable{cpu}{letter}: it was ready and was not picked."
            ),
            0x200 => format!("Thread state 0x200 = being woken{cpu}{letter}."),
            other => {
                format!("Thread state {other:#x} = asleep{cpu}{letter}: its timer did not wake it.")
            }
        };
        claims.push(claim(meaning, Grade::Inferred, &["R14", "R18"], lines));
    }
    if let Some((number, cpu, softirq)) = stall.timer {
        let place = cpu.map(|cpu| format!(" on CPU {cpu}")).unwrap_or_default();
        let count =
            softirq.map(|n| format!("; timer softirqs run there so far: {n}")).unwrap_or_default();
        claims.push(claim(
            format!("The kernel itself suspects timer handling{place}{count}."),
            Grade::Seen,
            &["R16"],
            vec![line(number)],
        ));
    }
    let scans = stall.cpus.iter().filter_map(|cpu| cpu.fqs).max();
    if let Some(scans) = scans {
        if let (true, Some(life), Some(starved)) = (starving, life, &stall.starved) {
            claims.push(claim(
                format!(
                    "{scans} scan pass{} fit into those {life} jiffies, none after.",
                    if scans == 1 { "" } else { "es" }
                ),
                Grade::Derived,
                &["R08"],
                vec![line(cpu_line), line(starved.line)],
            ));
        } else if scans > 10 && !starving {
            claims.push(claim(format!("{scans} scans since the grace period began: its thread worked, so the holdout keeps it open."), Grade::Inferred, &["R08"], vec![line(cpu_line)]));
        }
    }
    for cpu in stall.cpus.iter().take(SPELLED_OUT) {
        of_stalled_cpu(claims, seen, event, stall, cpu, life, starving);
    }
    if let Some(starved) = &stall.starved
        && let Some(flags) = starved.flags
    {
        let meaning = match flags {
            0 => "Nobody asked for anything else: f0x0".to_owned(),
            flags => {
                let names: Vec<&str> = [(1, "start wanted"), (2, "scan wanted"), (4, "overload")]
                    .iter()
                    .filter(|(bit, _)| flags & bit != 0)
                    .map(|(_, name)| *name)
                    .collect();
                format!("Asked of the thread: {} (f{flags:#x})", names.join(", "))
            }
        };
        claims.push(claim(meaning + ".", Grade::Seen, &["R15"], vec![line(starved.line)]));
    }
    if let Some(period) = period {
        let number = period.number;
        if seen.kernel.at_least(4, 19) == Some(true)
            && number >= 0
            && event.kind == EventKind::RcuStall
        {
            claims.push(claim(
                format!(
                    "g={number}: phase {} (1 = running), grace period number {}; {} jiffies old{}.",
                    number & 3,
                    number >> 2,
                    period.jiffies,
                    period
                        .callbacks
                        .map(|q| format!(", {} callbacks wait", grouped(q)))
                        .unwrap_or_default()
                ),
                Grade::Inferred,
                &["R09"],
                vec![line(period.line)],
            ));
        }
        if let Some(by) = period.detected_by {
            claims.push(claim(
                format!("CPU {by} found the stall; it is a witness, not a suspect."),
                Grade::Seen,
                &["R02"],
                vec![line(period.line)],
            ));
        }
    }
    if !stall.tasks.is_empty() {
        let cpus = if stall.cpus.is_empty() { " and no CPU" } else { "" };
        for reader in stall.tasks.iter().take(4) {
            let name = reader_name(seen, event, reader.pid);
            let depth = reader.depth.map(|d| format!(", reader depth {d}")).unwrap_or_default();
            let flags = reader.flags.as_deref().map(flags_in_words).unwrap_or_else(|| match stall
                .tasks
                .len()
            {
                _ if event.kind == EventKind::RcuStall
                    && seen.kernel.at_least(5, 10) == Some(true) =>
                {
                    "; no flags: on a CPU when listed, unless the line was cut".to_owned()
                }
                _ => String::new(),
            });
            claims.push(claim(
                format!("{} names a task reader{cpus} as holdout: {name}{depth}{flags}.", event.id),
                Grade::Seen,
                &["R19"],
                vec![line(reader.line)],
            ));
            if let Some((_, snapshot)) = reader_stack(seen, event, reader.pid) {
                of_reader(claims, snapshot, &name, reader.depth);
            }
        }
    }
    if let Some(period) = too_old(seen, event, stall) {
        claims.push(claim(
            format!(
                "{} jiffies are longer than any stall timeout, and this is the first report of the grace period in this log: earlier ones are missing, or no CPU looked for all that time, as when a virtual machine is stopped by its host or the clock jumps.",
                grouped(period.jiffies)
            ),
            Grade::Inferred,
            &["R11"],
            vec![line(period.line)],
        ));
    }
    if let Some((number, cpus)) = &stall.deaf {
        claims.push(claim(
            format!("CPU {cpus} did not answer even an NMI within 10 s."),
            Grade::Seen,
            &["R18"],
            vec![line(*number)],
        ));
    }
    if let Some(number) = stall.all_seen {
        claims.push(claim(
            "All quiescent states were seen: the grace-period thread or its timer is at fault.",
            Grade::Seen,
            &["R22"],
            vec![line(number)],
        ));
    }
    if let Some(number) = stall.ended {
        claims.push(claim(
            "The stall ended before the stacks were dumped; they may show what came after.",
            Grade::Seen,
            &["R12"],
            vec![line(number)],
        ));
    }
}

/// Whether the stack of the thread's CPU shows the thread itself running there.
fn runs_itself(seen: &Observations, event: &Event, stall: &Stall) -> bool {
    let Some(cpu) = stall.starved.as_ref().and_then(|starved| starved.cpu) else { return false };
    let thread = stall
        .kthread_stack
        .and_then(|id| seen.snapshot(id).task.as_ref())
        .and_then(|task| task.pid);
    thread.is_some()
        && crate::graph::occupant(seen, event, cpu).is_some_and(|(_, task)| task.pid == thread)
}

fn flags_in_words(flags: &str) -> String {
    let mut words = Vec::new();
    for (at, word) in [
        "switched out inside the section",
        "owes a quiescent state",
        "owes an expedited report",
        "on the blocked list",
    ]
    .iter()
    .enumerate()
    {
        if flags.chars().nth(at).is_some_and(|flag| flag != '.') {
            words.push(*word);
        }
    }
    if words.is_empty() { String::new() } else { format!(", {}", words.join(", ")) }
}

fn reader_stack<'a>(
    seen: &'a Observations,
    event: &Event,
    pid: u32,
) -> Option<(SnapshotId, &'a Snapshot)> {
    event
        .snapshots
        .iter()
        .map(|id| (*id, seen.snapshot(*id)))
        .find(|(_, s)| s.task.as_ref().is_some_and(|task| task.pid == Some(pid)))
}

pub(super) fn reader_name(seen: &Observations, event: &Event, pid: u32) -> String {
    reader_stack(seen, event, pid)
        .and_then(|(_, s)| s.task.clone())
        .map_or_else(|| format!("pid {pid}"), |task| task.to_string())
}

fn of_reader(claims: &mut Vec<Claim>, snapshot: &Snapshot, name: &str, depth: Option<u32>) {
    let Some(span) = snapshot.lines else { return };
    let last = snapshot.frames.last().map_or(span.last, |f| f.line);
    let span = LineSpan::new(span.first, last);
    if cause::is_idle(snapshot) {
        let work = snapshot
            .workqueue
            .as_ref()
            .filter(|(_, work)| work.starts_with("0x0"))
            .map(|_| ", \"Workqueue: 0x0\"")
            .unwrap_or_default();
        let should = depth.map(|d| format!(" Depth should be 0; it is {d}.")).unwrap_or_default();
        let frame = stack::task_frames(snapshot)
            .iter()
            .find(|f| !stack::is_scheduling(&f.function))
            .map(|f| f.function.clone())
            .unwrap_or_default();
        claims.push(claim(
            format!("{name}: state {}, {frame} -> schedule{work}: no work item runs.{should} Nothing pending will release it.", snapshot.state.unwrap_or('?')),
            Grade::Inferred,
            &["R20"],
            vec![span],
        ));
    } else if snapshot.on_cpu || snapshot.state == Some('R') {
        claims.push(claim(format!("{name} is runnable or running: a preempted reader without enough CPU time, not a blocked one."), Grade::Inferred, &["R20"], vec![span]));
    } else if let Some(wait) = crate::wait::awaited(snapshot) {
        claims.push(claim(
            format!(
                "{name} sleeps inside its reader section, in {} ({}).",
                wait.function,
                crate::graph::in_words(&wait)
            ),
            Grade::Seen,
            &["R20", wait.rule],
            vec![wait.lines],
        ));
    }
}

fn of_stalled_cpu(
    claims: &mut Vec<Claim>,
    seen: &Observations,
    event: &Event,
    stall: &Stall,
    cpu: &crate::event::StallCpu,
    life: Option<u64>,
    starving: bool,
) {
    let own = event
        .snapshots
        .iter()
        .map(|id| seen.snapshot(*id))
        .find(|s| s.cpu == Some(cpu.cpu) && s.on_cpu && !s.frames.is_empty());
    let mut parts = Vec::new();
    let mut flags = cpu.flags.chars();
    if let (Some(offline), Some(at_start), Some(coming)) =
        (flags.next(), flags.next(), flags.next())
    {
        parts.push(if offline == '.' { "online" } else { "offline" }.to_owned());
        parts.push(
            if at_start == '.' {
                "present when the grace period began"
            } else {
                "absent when the grace period began"
            }
            .to_owned(),
        );
        if coming != '.' {
            parts.push("not coming online".into());
        }
    }
    if let Some(behind) = cpu.behind {
        parts.push(format!("{behind} grace period{} behind", if behind == 1 { "" } else { "s" }));
    }
    if let Some(ticks) = cpu.ticks {
        parts.push(format!("{ticks} ticks in this grace period"));
    }
    if let Some((watching, nesting, _)) = cpu.idle
        && let Some((bit, width)) = busy_bit(seen)
    {
        let busy = watching >> bit & 1 == 1;
        parts.push(format!(
            "idle={watching:0width$x}: bit {bit} {} => {}, nesting {nesting:x}",
            if busy { "set" } else { "clear" },
            if busy { "RCU watching, CPU busy" } else { "CPU idle or in user mode" }
        ));
    }
    if let Some((a, b)) = cpu.softirq {
        parts.push(format!("softirq {a}/{b}"));
    }
    if let Some(fqs) = cpu.fqs {
        parts.push(format!("fqs {fqs}"));
    }
    claims.push(claim(
        format!("CPU {}: {}.", cpu.cpu, parts.join(", ")),
        Grade::Inferred,
        &["R03", "R06"],
        vec![line(cpu.line)],
    ));
    match cpu.flags.chars().nth(3) {
        Some('!') => {
            let when = match (starving, life) {
                (true, Some(life)) => format!("; expected, since scans stopped at jiffy {life}"),
                _ => String::new(),
            };
            claims.push(claim(format!("CPU {}: `!` = irq-work for this grace period was not queued{when}; it says nothing about interrupts.", cpu.cpu), Grade::Inferred, &["R03"], vec![line(cpu.line)]));
        }
        Some('.') => claims.push(claim(
            format!("CPU {}: irq-work ran since half-time, so interrupts were open then.", cpu.cpu),
            Grade::Inferred,
            &["R03"],
            vec![line(cpu.line)],
        )),
        Some(digit) if digit.is_ascii_digit() => {
            claims.push(claim(format!("CPU {}: irq-work is pending ({digit}): interrupts are shut there, or it does not take them.", cpu.cpu), Grade::Inferred, &["R03"], vec![line(cpu.line)]));
        }
        _ => {}
    }
    let mut takes_ticks = false;
    if let Some(own) = own {
        let tick =
            own.frames.iter().filter(|f| f.interrupt || stack::is_detector(&f.function)).find(
                |f| {
                    f.function.contains("timer")
                        || f.function.starts_with("tick_")
                        || f.function.contains("update_process_times")
                },
            );
        if let Some(tick) = tick.filter(|_| stall.self_detected) {
            takes_ticks = true;
            let first = own
                .frames
                .iter()
                .find(|f| {
                    f.function.starts_with("rcu_sched_clock_irq")
                        || f.function.starts_with("update_process_times")
                        || f.function.starts_with("rcu_check_callbacks")
                })
                .map(|f| f.line);
            let last = own
                .frames
                .iter()
                .rfind(|f| {
                    f.interrupt
                        || f.function.contains("apic_timer")
                        || f.function.contains("timer_interrupt")
                })
                .map(|f| f.line);
            // Where either end is lost, the frame of the tick shows it.
            let shown = first.zip(last).filter(|(a, b)| a <= b).unwrap_or((tick.line, tick.line));
            let mut lines = vec![LineSpan::new(shown.0, shown.1)];
            let open = own.flags.filter(|(_, flags)| flags & 0x200 != 0);
            let also = open.map(|(number, flags)| {
                lines.push(line(number));
                format!(" and was interrupted with interrupts enabled (EFLAGS {flags:#x}, IF set)")
            });
            claims.push(claim(
                format!(
                    "CPU {} takes timer interrupts (the report was printed from one){}.",
                    cpu.cpu,
                    also.unwrap_or_default()
                ),
                Grade::Seen,
                &["R01"],
                lines,
            ));
        } else if let Some((number, flags)) = own.flags {
            let word = if flags & 0x200 != 0 { "enabled" } else { "disabled" };
            claims.push(claim(
                format!("CPU {} was seen with interrupts {word} (EFLAGS {flags:#x}).", cpu.cpu),
                Grade::Seen,
                &["X09"],
                vec![line(number)],
            ));
        }
        if let Some((function, number)) = stack::where_it_was(own) {
            let whose = own.task.as_ref().map(|task| format!(" ({task})")).unwrap_or_default();
            let call =
                stack::syscall(own).map(|(name, _)| format!(", in {name}(2)")).unwrap_or_default();
            let mut lines = vec![line(number)];
            let via = stack::instruction_of_leaf(own).map(|at| {
                lines.push(line(at.line));
                format!("{}, called from ", at.function)
            });
            claims.push(claim(
                format!(
                    "CPU {}{whose} was in {}{function}{call} when its stack was taken.",
                    cpu.cpu,
                    via.unwrap_or_default()
                ),
                Grade::Seen,
                &["R18"],
                lines,
            ));
        }
    }
    if let Some((a, b)) = cpu.softirq
        && cpu.rcuc.is_none()
        && b >= a
    {
        let ran = b - a;
        let behind = cpu.behind.unwrap_or(0);
        if behind > 0 && ran <= 1 && !cpu.false_positive {
            let times = if ran == 1 { "ran just one RCU softirq" } else { "ran no RCU softirq" };
            let yet = if takes_ticks { "Yet CPU" } else { "CPU" };
            claims.push(claim(format!("{yet} {} has not noticed this grace period ({behind} behind) and {times} since the last one it saw ({a} -> {b}).", cpu.cpu), Grade::Seen, &["R05", "R07"], vec![line(cpu.line)]));
            if takes_ticks {
                claims.push(claim(
                    format!("RCU softirq work is not executed on CPU {}{}: bottom halves are off, or it is left to a ksoftirqd/{} that gets no time.", cpu.cpu, if starving { " either" } else { "" }, cpu.cpu),
                    Grade::Inferred,
                    &["R07"],
                    vec![line(cpu.line)],
                ));
            }
        }
    }
    if let (Some(ticks), Some(period)) = (cpu.ticks, &stall.period) {
        if ticks == 0 {
            claims.push(claim(format!("CPU {} took no tick in this grace period: it is idle, or its tick or interrupts are off.", cpu.cpu), Grade::Inferred, &["R04"], vec![line(cpu.line)]));
        } else if ticks + ticks / 10 >= period.jiffies {
            claims.push(claim(format!("CPU {} took {ticks} ticks in {} jiffies: its tick is healthy, it does not pass a quiescent state.", cpu.cpu, period.jiffies), Grade::Derived, &["R04"], vec![line(cpu.line), line(period.line)]));
        }
    }
    if let Some(rcuc) = cpu.rcuc {
        claims.push(claim(
            format!("The rcuc thread of CPU {} did not run for {rcuc} jiffies.", cpu.cpu),
            Grade::Seen,
            &["R07"],
            vec![line(cpu.line)],
        ));
    }
}

/// Which bit of `idle=` says that the CPU is busy, by release, and how many digits are printed.
fn busy_bit(seen: &Observations) -> Option<(u32, usize)> {
    let version = seen.kernel.version?;
    Some(match version {
        v if v < (4, 12) => (0, 3),
        v if v < (5, 14) => (1, 3),
        v if v < (6, 1) => (0, 3),
        _ => (2, 4),
    })
}

/// The longest stall timeout is 300 s, which is 300,000 jiffies at HZ=1000; twice that no first report can be old.
const OLDEST_FIRST_REPORT: u64 = 600_000;

/// The period of a stall that is older at its first report than any timeout lets it be.
fn too_old<'a>(seen: &Observations, event: &Event, stall: &'a Stall) -> Option<&'a StallPeriod> {
    let period = stall.period.as_ref().filter(|period| period.jiffies > OLDEST_FIRST_REPORT)?;
    let before = seen.events.iter().take_while(|other| other.id < event.id).any(|other| {
        other.boot == event.boot
            && matches!(&other.detail, Detail::Stall(other) if other.period.as_ref().is_some_and(|known| known.number == period.number))
    });
    (!before).then_some(period)
}
