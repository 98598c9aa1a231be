//! What can be said of each event, one claim a statement, each with grade, rule and lines.

use facts::{Claim, Grade, LineSpan, Rule};

use crate::cause::{self, Causes};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, HungScan, MemoryReport, Snapshot, SnapshotId, Stall};
use crate::graph::{Graph, NodeKind};
use crate::hertz::Hertz;
use crate::stack;
use crate::text::grouped;
use crate::verdict;

/// Events of one kind whose details are spelled out; later ones are only listed.
const SPELLED_OUT: usize = 6;

pub(crate) fn claim(
    statement: impl Into<String>,
    grade: Grade,
    rules: &[&'static str],
    lines: Vec<LineSpan>,
) -> Claim {
    let mut lines: Vec<LineSpan> = lines.into_iter().filter(|span| span.first > 0).collect();
    lines.sort_unstable();
    lines.dedup();
    Claim {
        statement: statement.into(),
        grade,
        rules: rules.iter().map(|rule| Rule(rule)).collect(),
        lines,
    }
}

fn line(number: u64) -> LineSpan {
    LineSpan::line(number)
}

/// All claims of a log, in the order of its events.
pub(crate) fn all(
    seen: &Observations,
    graph: &Graph,
    boot: u32,
    causes: &Causes,
    hertz: Option<&Hertz>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut spelled: Vec<EventKind> = Vec::new();
    for event in &seen.events {
        if spelled.iter().filter(|kind| **kind == event.kind).count() >= SPELLED_OUT {
            continue;
        }
        // A stall told again is told by what changed.
        let again = causes.links[event.id.0]
            .as_ref()
            .filter(|link| link.rule == "R10" && seen.event(link.parent).kind == event.kind);
        if again.is_some() {
            continue;
        }
        spelled.push(event.kind);
        match &event.detail {
            Detail::Stall(stall) => of_stall(&mut claims, seen, event, stall),
            Detail::Hung(scan) => of_scan(&mut claims, seen, event, scan),
            Detail::Memory(memory) => of_memory(&mut claims, event, memory),
            _ => of_other(&mut claims, seen, event),
        }
    }
    across(&mut claims, seen, hertz);
    of_graph(&mut claims, seen, graph, boot);
    for event in &seen.events {
        if let Some(link) = &causes.links[event.id.0]
            && link.grade > Grade::Guess
            && claims.len() < 400
        {
            claims.push(claim(
                format!("{} goes back to {}: {}.", event.id, link.parent, link.because),
                link.grade,
                &[link.rule],
                link.lines.clone(),
            ));
        }
    }
    if let Some(number) = seen.lockdep_off {
        claims.push(claim(
            "Lockdep is off from here on; its later silence is not health.",
            Grade::Seen,
            &["R55"],
            vec![line(number)],
        ));
    }
    if let Some(number) = seen.hung_suppressed {
        claims.push(claim(
            "Further hung task reports are suppressed; that others are not named proves nothing.",
            Grade::Seen,
            &["R34"],
            vec![line(number)],
        ));
    }
    if let Some(number) = seen.messages_lost {
        claims.push(claim(
            "Messages were lost; what the log does not show may still have been printed.",
            Grade::Seen,
            &["R85"],
            vec![line(number)],
        ));
    }
    claims
}

fn of_stall(claims: &mut Vec<Claim>, seen: &Observations, event: &Event, stall: &Stall) {
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

fn reader_name(seen: &Observations, event: &Event, pid: u32) -> String {
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
            own.frames.iter().filter(|f| f.interrupt || stack::is_detector(&f.function)).any(|f| {
                f.function.contains("timer")
                    || f.function.starts_with("tick_")
                    || f.function.contains("update_process_times")
            });
        if stall.self_detected && tick {
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
            let mut lines: Vec<LineSpan> =
                first.zip(last).map(|(a, b)| LineSpan::new(a, b)).into_iter().collect();
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
                &[],
                lines,
            ));
        } else if let Some((number, flags)) = own.flags {
            let word = if flags & 0x200 != 0 { "enabled" } else { "disabled" };
            claims.push(claim(
                format!("CPU {} was seen with interrupts {word} (EFLAGS {flags:#x}).", cpu.cpu),
                Grade::Seen,
                &[],
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
                &[],
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

fn of_scan(claims: &mut Vec<Claim>, seen: &Observations, event: &Event, scan: &HungScan) {
    // A task that an earlier scan already named is spelled out there.
    let known: Vec<Option<u32>> = seen
        .events
        .iter()
        .filter(|earlier| earlier.id < event.id && earlier.boot == event.boot)
        .filter_map(
            |earlier| if let Detail::Hung(scan) = &earlier.detail { Some(scan) } else { None },
        )
        .flat_map(|scan| scan.members.iter().map(|member| member.task.pid))
        .collect();
    let again = scan.members.first().is_some_and(|member| known.contains(&member.task.pid));
    for member in
        scan.members.iter().filter(|member| !known.contains(&member.task.pid)).take(SPELLED_OUT)
    {
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        let Some(wait) = crate::wait::awaited(snapshot) else { continue };
        let work = snapshot
            .workqueue
            .as_ref()
            .filter(|(_, work)| !work.starts_with("0x0"))
            .map(|(_, work)| format!(" (work {work})"))
            .unwrap_or_default();
        let call =
            stack::syscall(snapshot).map(|(name, _)| format!(" in {name}(2)")).unwrap_or_default();
        let via = via(snapshot, &wait);
        claims.push(claim(
            format!(
                "{}{work}{call} waits for {}{via}{}.",
                member.task,
                crate::graph::in_words(&wait),
                if wait.released_by.is_empty() {
                    String::new()
                } else {
                    format!("; released by {}", wait.released_by)
                }
            ),
            Grade::Seen,
            &[wait.rule],
            vec![wait.lines],
        ));
    }
    if let (Some(member), Some(at)) =
        (scan.members.first(), scan.members.first().and_then(|m| m.at))
        && member.seconds > 0
        && !again
    {
        let seconds = i64::from(member.seconds);
        // The wait may have begun up to one look of the detector earlier than it says; it looks as often as its
        // limit is long unless told otherwise, or as two scans show.
        let next = seen.events.iter().find(|other| other.id > event.id && other.boot == event.boot && matches!(&other.detail, Detail::Hung(scan) if scan.members.iter().any(|m| m.task.pid == member.task.pid)));
        let measured = next
            .and_then(|next| seen.clock.between(at, next.at?))
            .filter(|gap| *gap > 500_000 && *gap <= seconds * 1_000_000 + 3_000_000);
        let period = measured.unwrap_or(seconds * 1_000_000);
        let source = if measured.is_some() { "as two scans show" } else { "its default" };
        // Times that count from the first line of the log say nothing of what was before it.
        if let Some(interval) =
            seen.clock.resolve(at).filter(|interval| interval.axis != crate::clock::Axis::Log)
        {
            let floor = if interval.axis == crate::clock::Axis::Boot { 0 } else { i64::MIN };
            let latest = (interval.to - seconds * 1_000_000).max(floor);
            let earliest = (interval.from - seconds * 1_000_000 - period).max(floor);
            let every = period as f64 / 1e6;
            let show = |at: i64| {
                crate::clock::show(crate::clock::Interval { from: at, to: at, axis: interval.axis })
            };
            let who = if scan.members.len() == 1 { "the wait began" } else { "the waits began" };
            let anchor = seen.clock.anchor_line(at).map(line);
            let mut lines = vec![line(member.line)];
            lines.extend(anchor);
            claims.push(claim(
                format!("{}: blocked for more than {seconds} s at {}; the detector looks every {every:.0} s ({source}), so {who} between {} and {}.", event.id, crate::clock::show(interval), show(earliest), show(latest)),
                Grade::Derived,
                &["R30"],
                lines,
            ));
        }
    }
}

/// The way of well-known steps between the caller and the wait.
fn via(snapshot: &Snapshot, wait: &crate::wait::Wait) -> String {
    if wait.rule != "W04" && wait.rule != "W14" {
        return String::new();
    }
    let frames = stack::task_frames(snapshot);
    let steps: Vec<&str> = frames
        .iter()
        .map(|f| f.function.as_str())
        .filter(|f| {
            [
                "synchronize_rcu",
                "rcu_sync_enter",
                "percpu_down_write",
                "process_srcu",
                "synchronize_rcu_normal",
            ]
            .contains(f)
        })
        .collect();
    let steps: Vec<&str> = steps.into_iter().rev().collect();
    format!(", inside {}", steps.join(" -> "))
}

fn of_memory(claims: &mut Vec<Claim>, event: &Event, memory: &MemoryReport) {
    if event.kind == EventKind::OutOfMemory {
        if let Some((number, constraint)) = &memory.constraint {
            claims.push(claim(
                format!("The kill was asked for by {constraint}."),
                Grade::Seen,
                &["R71"],
                vec![line(*number)],
            ));
        }
        if let Some((number, usage, limit)) = memory.cgroup_limit {
            claims.push(claim(
                format!(
                    "The memory cgroup used {} kB of its {} kB.",
                    grouped(usage),
                    grouped(limit)
                ),
                Grade::Seen,
                &["R71"],
                vec![line(number)],
            ));
        }
        for (number, task) in memory.killed.iter().take(3) {
            claims.push(claim(format!("{task} was killed; the victim is chosen by size and is not thereby the culprit."), Grade::Seen, &["R71"], vec![line(*number)]));
        }
        return;
    }
    let Some(order) = memory.order else { return };
    let mut lines = vec![line(event.lines.first)];
    match verdict::shortage(memory) {
        Some(false) => {
            let mut zones: Vec<_> = memory.zones.iter().collect();
            zones.sort_by_key(|zone| std::cmp::Reverse(zone.free));
            let mut parts = Vec::new();
            if let Some(zone) = zones.first() {
                parts.push(format!(
                    "{} free {} kB against min {} / high {}",
                    zone.name,
                    grouped(zone.free),
                    grouped(zone.min),
                    grouped(zone.high)
                ));
            }
            let above: Vec<String> = zones
                .iter()
                .skip(1)
                .filter(|zone| zone.free > zone.high)
                .map(|zone| short(&zone.name))
                .collect();
            if !above.is_empty() {
                let kept = zones.iter().skip(1).find_map(|zone| {
                    zone.reserve
                        .filter(|(_, pages)| pages * 4 > zone.free)
                        .map(|(number, _)| (short(&zone.name), number))
                });
                let kept_back = kept.as_ref().map(|(name, number)| {
                    lines.push(line(*number));
                    format!(" ({name} kept back by lowmem_reserve)")
                });
                parts.push(format!(
                    "{} also above{}",
                    above.join(" and "),
                    kept_back.unwrap_or_default()
                ));
            }
            lines.extend(memory.zones.iter().map(|zone| line(zone.line)));
            if let (Some((a, free)), Some((b, total))) = (memory.free_pages, memory.total_pages) {
                parts.push(format!(
                    "{:.1}M of {:.1}M pages free",
                    free as f64 / 1e6,
                    total as f64 / 1e6
                ));
                lines.push(line(a));
                lines.push(line(b));
            }
            parts.push(format!("order {order}"));
            if reclaim_allowed(&memory.mode) {
                parts.push("reclaim allowed".into());
            }
            claims.push(claim(
                format!(
                    "{} is not a memory shortage: {}; no oom-killer line belongs to it.",
                    event.id,
                    parts.join("; ")
                ),
                Grade::Derived,
                &["R70"],
                lines,
            ));
            let nodes = match (&memory.nodemask, &memory.mems_allowed) {
                (Some(mask), Some(mems)) => {
                    format!("Allowed: nodemask={mask}, mems_allowed={mems}. ")
                }
                _ => String::new(),
            };
            let echo = memory.echo.map(line);
            let mut lines = vec![line(event.lines.first)];
            lines.extend(echo);
            let dying = if echo.is_some() {
                "; a dying task is unlikely, the echo is not printed with a fatal signal pending"
            } else {
                ", or a dying task"
            };
            claims.push(claim(format!("{nodes}Usual remaining reasons: no usable zone for the chosen node and mask, or PF_MEMALLOC{dying}."), Grade::Guess, &["R70"], lines));
        }
        Some(true) => {
            let block = memory.largest_free.iter().filter_map(|(_, _, largest)| *largest).max();
            lines.extend(memory.zones.iter().map(|zone| line(zone.line)));
            lines.extend(memory.largest_free.iter().map(|(number, ..)| line(*number)));
            let largest = block
                .map(|largest| format!("; largest free block is of order {largest}"))
                .unwrap_or_default();
            claims.push(claim(
                format!("{}: a request of order {order}{largest}.", event.id),
                Grade::Derived,
                &["R70"],
                lines,
            ));
        }
        None => {}
    }
    if let Some(number) = memory.echo {
        claims.push(claim(
            format!("VM_FAULT_OOM leaked: the echo of {}, not a kill.", event.id),
            Grade::Inferred,
            &["R72"],
            vec![line(number)],
        ));
    }
}

fn short(zone: &str) -> String {
    zone.rsplit(' ').next().unwrap_or(zone).to_owned()
}

fn reclaim_allowed(mode: &str) -> bool {
    mode.contains("GFP_KERNEL")
        || mode.contains("GFP_USER")
        || mode.contains("GFP_HIGHUSER")
        || mode.contains("GFP_NOFS")
        || mode.contains("GFP_NOIO")
        || mode.contains("__GFP_DIRECT_RECLAIM")
}

fn of_other(claims: &mut Vec<Claim>, seen: &Observations, event: &Event) {
    let first = line(event.lines.first);
    let subject = seen.subjects(event).find(|(_, s)| !s.frames.is_empty()).map(|(_, s)| s);
    match (&event.detail, event.kind) {
        (_, EventKind::RcuVoluntarySwitch) => {
            let name = subject
                .and_then(|s| s.task.clone())
                .or_else(|| event.task.clone())
                .map_or_else(|| "A task".to_owned(), |task| task.to_string());
            let mut lines = vec![first];
            let mut way = String::new();
            if let Some(s) = subject {
                let frames = stack::task_frames(s);
                let body: Vec<_> = frames
                    .iter()
                    .filter(|f| {
                        !stack::is_scheduling(&f.function)
                            && !stack::is_detector(&f.function)
                            && f.function != "rcu_note_context_switch"
                    })
                    .collect();
                if let (Some(inner), Some(outer)) = (body.first(), stack::anchor(s)) {
                    way = format!(" in {outer} -> {}", inner.function);
                }
                lines.extend(s.workqueue.as_ref().map(|(number, _)| line(*number)));
                if let (Some(a), Some(b)) = (frames.first(), frames.last()) {
                    lines.push(LineSpan::new(a.line, b.line));
                }
            }
            claims.push(claim(format!("{}: {name} blocked{way} with reader depth > 0. The place where it sleeps is not the place that leaks; the warning is printed once only.", event.id), Grade::Seen, &["R26"], lines));
        }
        (Detail::Atomic(report), _) => {
            let mut reasons = Vec::new();
            if report.irqs_disabled.is_some_and(|v| v > 0) {
                reasons.push("interrupts are disabled".to_owned());
            }
            if report.non_block.is_some_and(|v| v > 0) {
                reasons.push("inside a non-blocking section".to_owned());
            }
            if let Some((count, expected)) = report.preempt_count
                && count > expected
            {
                reasons.push(format!(
                    "preempt_count is {count:#x}, expected {expected:#x}: {}",
                    preempt_parts(count)
                ));
            } else if report.in_atomic.is_some_and(|v| v > 0) && report.preempt_count.is_none() {
                reasons.push(
                    "the task is atomic (preemption or bottom halves off, or in interrupt)"
                        .to_owned(),
                );
            }
            if let Some((depth, expected)) = report.rcu_depth
                && depth > expected
            {
                reasons.push(format!("RCU reader depth {depth}, expected {expected}"));
            }
            if !reasons.is_empty() {
                claims.push(claim(
                    format!(
                        "{}: sleeping is forbidden there because {}.",
                        event.id,
                        reasons.join("; ")
                    ),
                    Grade::Seen,
                    &[if event.kind == EventKind::SleepInAtomic { "R60" } else { "R61" }],
                    vec![first, line(report.line)],
                ));
            }
        }
        (Detail::Lockdep(report), _) => {
            if let (Some(wanted), Some(held)) = (&report.wanted, &report.held) {
                let same = !wanted.address.is_empty() && wanted.address == held.address;
                let note = if same { " It is the same lock: the same address." } else { "" };
                let whose =
                    event.task.as_ref().map_or_else(|| "A task".to_owned(), ToString::to_string);
                claims.push(claim(
                    format!(
                        "{}: {whose} takes {} (in {}) while it holds {} (in {}).{note}",
                        event.id, wanted.class, wanted.at, held.class, held.at
                    ),
                    Grade::Seen,
                    &["R50"],
                    vec![line(wanted.line), line(held.line)],
                ));
            }
            if let Some(usage) = &report.usage {
                claims.push(claim(
                    format!("{}: {usage}", event.id),
                    Grade::Seen,
                    &["R52"],
                    vec![first],
                ));
            }
        }
        (Detail::Bad(bad), _) => {
            let access = bad
                .access
                .as_ref()
                .map(|(size, kind, _)| format!(", {kind} of {size} bytes"))
                .unwrap_or_default();
            let whose = event.task.as_ref().map(|task| format!(" by {task}")).unwrap_or_default();
            let mut lines = vec![first];
            lines.extend(bad.access.as_ref().map(|(_, _, number)| line(*number)));
            claims.push(claim(
                format!("{}: {}{access}{whose}.", event.id, verdict::title(event)),
                Grade::Seen,
                &["R80"],
                lines,
            ));
            for (id, word) in [
                (bad.allocated, "allocated"),
                (bad.freed, "freed"),
                (bad.related, "related work was queued"),
            ] {
                let Some(s) = id.map(|id| seen.snapshot(id)) else { continue };
                let frame = s.frames.iter().find(|f| f.reliable && !is_allocator(&f.function));
                if let Some(frame) = frame {
                    claims.push(claim(
                        format!("{}: the object was {word} in {}.", event.id, frame.function),
                        Grade::Seen,
                        &["R80"],
                        vec![line(frame.line)],
                    ));
                }
            }
            if bad.freed.is_some() && bad.what.contains("use-after-free") {
                claims.push(claim(format!("{}: a fault of lifetime; its cause sits with the one that frees as often as with the one that uses.", event.id), Grade::Inferred, &["R80"], vec![first]));
            }
        }
        (Detail::Trap(trap), EventKind::Fault) => {
            if let Some(address) = trap.address {
                let what = if address < 0x1000 {
                    format!(
                        "address {address:#x} is near zero: a NULL pointer with a field offset of {address:#x}"
                    )
                } else if let Some(poison) = poison(address) {
                    format!("address {address:#x} looks like {poison}")
                } else {
                    return;
                };
                claims.push(claim(
                    format!("{}: {what}.", event.id),
                    Grade::Inferred,
                    &["R82"],
                    vec![first],
                ));
            }
        }
        (_, EventKind::Corruption) => {
            for snapshot in event.snapshots.iter().map(|id| seen.snapshot(*id)) {
                let word = match snapshot.role {
                    crate::event::Role::Allocated => "allocated",
                    crate::event::Role::Freed => "freed",
                    _ => continue,
                };
                let whose =
                    snapshot.task.as_ref().map(|task| format!(" by {task}")).unwrap_or_default();
                if let (Some(frame), Some(span)) = (
                    snapshot.frames.iter().find(|f| f.reliable && !is_allocator(&f.function)),
                    snapshot.lines,
                ) {
                    claims.push(claim(
                        format!(
                            "{}: the damaged object was {word} in {}{whose}.",
                            event.id, frame.function
                        ),
                        Grade::Seen,
                        &["R81"],
                        vec![line(span.first), line(frame.line)],
                    ));
                }
            }
        }
        (Detail::Segfault(fault), _) => {
            let bits = segfault_bits(fault.error);
            let place = fault
                .file
                .as_ref()
                .map(|(file, offset)| format!(" at offset {offset:#x} of {file}"))
                .unwrap_or_default();
            let whose = event.task.as_ref().map(ToString::to_string).unwrap_or_default();
            claims.push(claim(
                format!("{}: {whose}{place}: {bits}, address {:#x}.", event.id, fault.address),
                Grade::Seen,
                &["R85"],
                vec![first],
            ));
        }
        (Detail::Lockup { seconds }, _) => {
            let own = event
                .snapshots
                .iter()
                .map(|id| seen.snapshot(*id))
                .find(|s| s.cpu.is_none() || event.cpu.is_none() || s.cpu == event.cpu);
            if let Some((function, number)) = own.and_then(stack::where_it_was) {
                let cpu = event.cpu.map(|cpu| format!("CPU {cpu}")).unwrap_or_default();
                let time = seconds.map(|s| format!(" for {s} s")).unwrap_or_default();
                let again = if event.repeats > 0 {
                    format!(" (reported {} times more)", event.repeats)
                } else {
                    String::new()
                };
                claims.push(claim(
                    format!("{}: {cpu} was in {function}; stuck{time}{again}.", event.id),
                    Grade::Seen,
                    &[if event.kind == EventKind::HardLockup { "R41" } else { "R40" }],
                    vec![first, line(number)],
                ));
            }
        }
        _ => {}
    }
}

fn is_allocator(function: &str) -> bool {
    [
        "kasan_",
        "__kasan",
        "kmem_cache_",
        "kmalloc",
        "__kmalloc",
        "kfree",
        "kvfree",
        "slab_",
        "set_track",
        "stack_trace_save",
        "save_stack",
        "kzalloc",
        "kvmalloc",
        "__alloc_",
        "alloc_pages",
        "kcalloc",
        "__kfree",
        "poison_slab",
        "unpoison_slab",
        "__slab",
        "___slab",
        "__rcu_free",
    ]
    .iter()
    .any(|start| function.starts_with(start))
}

fn preempt_parts(count: u64) -> String {
    let parts = [
        (count & 0xff, "preemption off"),
        (count >> 8 & 0xff, "bottom halves off or in softirq"),
        (count >> 16 & 0xf, "in hard interrupt"),
        (count >> 20 & 0xf, "in NMI"),
    ];
    let words: Vec<&str> =
        parts.iter().filter(|(bits, _)| *bits > 0).map(|(_, word)| *word).collect();
    words.join(", ")
}

/// Values the kernel writes on purpose.
fn poison(address: u64) -> Option<&'static str> {
    const POISONS: &[(u64, u64, &str)] = &[
        (0xdead_0000_0000_0000, 0xffff_ffff_ffff_0000, "a list poison: the entry was deleted"),
        (0x6b6b_6b6b_6b6b_6b6b, 0xffff_ffff_ffff_0000, "slab poison: freed memory"),
        (0x5a5a_5a5a_5a5a_5a5a, 0xffff_ffff_ffff_0000, "slab poison: memory not yet set"),
        (0xcccc_cccc_cccc_cccc, 0xffff_ffff_ffff_0000, "a red zone or int3 filling"),
    ];
    POISONS.iter().find(|(value, mask, _)| address & mask == value & mask).map(|(.., name)| *name)
}

/// The error code of a user page fault, spelled out (x86).
pub fn segfault_bits(error: u64) -> String {
    let mut words = vec![
        if error & 2 != 0 { "write" } else { "read" },
        if error & 1 != 0 { "of a page that forbids it" } else { "of a page that is not there" },
        if error & 4 != 0 { "in user mode" } else { "in kernel mode" },
    ];
    for (bit, word) in [
        (8, "reserved page-table bit set"),
        (16, "while fetching an instruction"),
        (32, "forbidden by a protection key"),
        (64, "on a shadow stack"),
        (0x8000, "in an SGX enclave"),
    ] {
        if error & bit != 0 {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Claims that need several events: one stall twice, HZ, the age of a grace period.
fn across(claims: &mut Vec<Claim>, seen: &Observations, hertz: Option<&Hertz>) {
    if let Some(hertz) = hertz {
        claims.push(claim(
            format!("{}.", hertz.how),
            Grade::Derived,
            &[if hertz.settled().is_some() && hertz.lines.len() > 1 { "R10" } else { "R11" }],
            hertz.lines.clone(),
        ));
    }
    let stalls: Vec<_> = seen
        .events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Stall(stall) if event.kind == EventKind::RcuStall => {
                Some((event, stall, stall.period.as_ref()?))
            }
            _ => None,
        })
        .collect();
    let Some((event, stall, period)) = stalls.first() else { return };
    let again = stalls[1..].iter().rfind(|(e, s, p)| {
        e.boot == event.boot
            && s.flavour == stall.flavour
            && p.number == period.number
            && p.jiffies > period.jiffies
    });
    if let Some((later, later_stall, later_period)) = again {
        let lines = vec![line(period.line), line(later_period.line)];
        let gap = later_period.jiffies - period.jiffies;
        let timeout = hertz
            .and_then(Hertz::settled)
            .map(|hz| (period.jiffies / u64::from(hz), u64::from(hz)));
        let arithmetic = timeout
            .filter(|(seconds, hz)| gap >= 3 * seconds * hz && gap < 3 * seconds * hz + 50)
            .map(|(seconds, hz)| {
                format!(
                    "; first report at {:.1} s; gap = 3 x timeout + {} jiffies",
                    period.jiffies as f64 / hz as f64,
                    gap - 3 * seconds * hz
                )
            })
            .unwrap_or_default();
        claims.push(claim(
            format!(
                "{} and {} have the same g={}: one stall{arithmetic}.",
                event.id, later.id, period.number
            ),
            Grade::Derived,
            &["R10"],
            lines,
        ));
        for reader in stall.tasks.iter().take(4) {
            let Some(later_reader) = later_stall.tasks.iter().find(|other| other.pid == reader.pid)
            else {
                continue;
            };
            let name = reader_name(seen, event, reader.pid);
            let lines = vec![line(reader.line), line(later_reader.line)];
            let cpus = if stall.cpus.is_empty() && later_stall.cpus.is_empty() {
                ", and no CPU"
            } else {
                ""
            };
            claims.push(claim(
                format!(
                    "{} and {} name one and the same blocker, {name}{cpus}.",
                    event.id, later.id
                ),
                Grade::Seen,
                &["R19"],
                lines.clone(),
            ));
            if let (Some(a), Some(b)) = (reader.depth, later_reader.depth)
                && b > a
            {
                let time = seconds_between(seen, period, later_period)
                    .map(|s| format!(" in {s:.0} s"))
                    .unwrap_or_default();
                claims.push(claim(
                    format!("Depth {a} -> {b}{time}: the leak repeats on this task."),
                    Grade::Derived,
                    &["R21"],
                    lines,
                ));
            }
        }
        if let (Some(a), Some(b)) = (period.callbacks, later_period.callbacks)
            && b > a
        {
            let rate = seconds_between(seen, period, later_period)
                .filter(|s| *s > 0.0)
                .map(|s| {
                    format!(
                        " (about {}/s)",
                        grouped((((b - a) as f64 / s) / 10.0).round() as u64 * 10)
                    )
                })
                .unwrap_or_default();
            claims.push(claim(
                format!("Callbacks waiting grew {} -> {}{rate}.", grouped(a), grouped(b)),
                Grade::Derived,
                &["R10"],
                vec![line(period.line), line(later_period.line)],
            ));
        }
    }
    // When the grace period began, and what was printed just before.
    let (Some(hz), Some(at)) = (hertz.and_then(Hertz::settled), period.at) else { return };
    let age = (period.jiffies as f64 / f64::from(hz) * 1e6) as i64;
    let Some(interval) = seen.clock.resolve(at) else { return };
    let began = crate::clock::Interval {
        from: interval.from - age,
        to: interval.to - age,
        axis: interval.axis,
    };
    let mut lines = vec![line(period.line)];
    lines.extend(seen.clock.anchor_line(at).map(line));
    let zone = if interval.axis == crate::clock::Axis::Wall && seen.clock.anchor_line(at).is_some()
    {
        " UTC"
    } else {
        ""
    };
    let symptom = seen
        .events
        .iter()
        .filter(|e| {
            e.kind == EventKind::RcuVoluntarySwitch && e.boot == event.boot && e.id < event.id
        })
        .find_map(|e| {
            let distance = seen.clock.between(e.at?, at)? - age;
            (distance.abs() < 5_000_000).then_some((e, distance))
        });
    let tail = symptom.map(|(e, distance)| {
        lines.push(line(e.lines.first));
        lines.extend(e.at.and_then(|at| seen.clock.anchor_line(at)).map(line));
        let order = if distance >= 0 { "after" } else { "before" };
        format!(
            ", about {} ms {order} {} ({}): {} is its first reader-side symptom",
            (distance.abs() + 500) / 1000,
            e.id,
            e.at.and_then(|at| seen.clock.show(at)).unwrap_or_default(),
            e.id
        )
    });
    claims.push(claim(
        format!(
            "This grace period began at {}{zone}{}.",
            crate::clock::show(began),
            tail.unwrap_or_default()
        ),
        Grade::Derived,
        &["R10"],
        lines,
    ));
}

fn seconds_between(
    seen: &Observations,
    a: &crate::event::StallPeriod,
    b: &crate::event::StallPeriod,
) -> Option<f64> {
    seen.clock.between(a.at?, b.at?).map(|micros| micros as f64 / 1e6)
}

/// Claims the graph makes beyond single events: who holds a lock.
fn of_graph(claims: &mut Vec<Claim>, seen: &Observations, graph: &Graph, boot: u32) {
    let _ = (seen, boot);
    let mut waiting_for: Vec<(usize, Vec<usize>)> = Vec::new();
    for edge in &graph.edges {
        if graph.nodes[edge.to].kind == NodeKind::Lock
            && graph.nodes[edge.from].kind == NodeKind::Task
        {
            match waiting_for.iter_mut().find(|(lock, _)| *lock == edge.to) {
                Some((_, tasks)) => tasks.push(edge.from),
                None => waiting_for.push((edge.to, vec![edge.from])),
            }
        }
    }
    for edge in graph
        .edges
        .iter()
        .filter(|edge| graph.nodes[edge.from].kind == NodeKind::Lock && edge.grade > Grade::Unknown)
        .take(12)
    {
        let lock = &graph.nodes[edge.from];
        let why = edge.waits_for.split_once(", ").map_or("", |(_, why)| why);
        claims.push(claim(
            held(&graph.nodes[edge.to].name, &lock.name, why),
            edge.grade,
            &[edge.rule],
            edge.lines.clone(),
        ));
    }
    for (lock, tasks) in waiting_for.iter().take(12) {
        let names: Vec<&str> =
            tasks.iter().take(6).map(|task| graph.nodes[*task].name.as_str()).collect();
        let more =
            if tasks.len() > 6 { format!(" and {} more", tasks.len() - 6) } else { String::new() };
        let named = graph.nodes[*lock].id.starts_with("lock:");
        let lines = graph
            .edges
            .iter()
            .filter(|edge| edge.to == *lock)
            .flat_map(|edge| edge.lines.clone())
            .take(12)
            .collect();
        let word = if tasks.len() == 1 { "waits" } else { "wait" };
        claims.push(claim(
            format!("{}{more} {word} for {}.", names.join(", "), graph.nodes[*lock].name),
            if named { Grade::Inferred } else { Grade::Seen },
            &[if graph.nodes[*lock].name == "cgroup_mutex" { "W47" } else { "R35" }],
            lines,
        ));
    }
}

/// `A holds L inside F`, from the reason of an edge.
fn held(holder: &str, lock: &str, why: &str) -> String {
    let why = why.trim_start_matches("which ");
    match why.strip_prefix("holds it") {
        Some(rest) => format!("{holder} holds {lock}{rest}."),
        None if why.is_empty() => {
            format!("{holder} is named by the kernel as the holder of {lock}.")
        }
        None => format!("{holder} {why} ({lock})."),
    }
}

/// Ranked possibilities for what the log leaves open.
pub(crate) fn hypotheses(seen: &Observations, graph: &Graph, event: &Event) -> Vec<Claim> {
    if let Detail::Hung(scan) = &event.detail {
        return same_module(seen, graph, scan);
    }
    let Detail::Stall(stall) = &event.detail else { return Vec::new() };
    let Some(starved) = stall.starved.as_ref().filter(|s| {
        s.state == Some(0)
            && stall.period.as_ref().is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies)
    }) else {
        return Vec::new();
    };
    let Some(cpu) = starved.cpu else { return Vec::new() };
    if crate::graph::occupant(seen, event, cpu).is_some() {
        return Vec::new();
    }
    let lines = vec![line(starved.line)];
    let also =
        stall.cpus.iter().find(|other| other.cpu != cpu).map(|other| {
            (other, seen.snapshots.iter().find(|s| s.cpu == Some(other.cpu) && s.on_cpu))
        });
    let (same_way, loop_there) = match &also {
        Some((other, snapshot)) => {
            let place = snapshot
                .and_then(|s| {
                    stack::task_frames(s)
                        .iter()
                        .find(|f| !stack::is_detector(&f.function))
                        .map(|f| f.function.clone())
                })
                .map(|f| format!(" around {f}"))
                .unwrap_or_default();
            (
                format!(", and CPU {} in the same way", other.cpu),
                format!(", another on CPU {}{place}", other.cpu),
            )
        }
        None => (String::new(), String::new()),
    };
    vec![
        claim(
            format!(
                "A real-time or deadline task (or a FIFO-priority grace-period thread out of its RT budget) monopolises CPU {cpu}{same_way}. Needs the scheduling classes."
            ),
            Grade::Guess,
            &["R14"],
            lines.clone(),
        ),
        claim(
            format!(
                "A kernel loop with preemption or softirqs off on CPU {cpu}{loop_there}. One sample cannot show a loop."
            ),
            Grade::Guess,
            &["R14"],
            lines.clone(),
        ),
        claim(
            "The guest was stopped by its host: not excluded; no clock message in the log.",
            Grade::Guess,
            &["R14"],
            lines,
        ),
    ]
}

/// For a lock without a known holder: tasks that sleep in the module that takes the lock, and do not wait for it.
fn same_module(seen: &Observations, graph: &Graph, scan: &HungScan) -> Vec<Claim> {
    let mut found: Vec<Claim> = Vec::new();
    let pids: Vec<Option<u32>> = scan.members.iter().map(|member| member.task.pid).collect();
    for member in &scan.members {
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        let Some(wait) = crate::wait::awaited(snapshot)
            .filter(|wait| matches!(wait.awaited, crate::wait::Awaited::Lock(_)))
        else {
            continue;
        };
        let known = member
            .task
            .pid
            .and_then(|pid| graph.task(pid))
            .and_then(|node| graph.out(node).next())
            .is_some_and(|edge| graph.out(edge.to).any(|held| held.grade >= Grade::Inferred));
        let module = stack::task_frames(snapshot)
            .iter()
            .find(|f| Some(&f.function) == wait.caller.as_ref())
            .and_then(|f| f.module.clone());
        let Some(module) = module.filter(|_| !known) else { continue };
        for other in seen.snapshots.iter().filter(|s| {
            s.task.as_ref().is_some_and(|task| task.pid.is_some() && !pids.contains(&task.pid))
        }) {
            let Some(frame) = other
                .frames
                .iter()
                .find(|f| f.reliable && f.module.as_deref() == Some(module.as_str()))
            else {
                continue;
            };
            let task = other.task.as_ref().map(ToString::to_string).unwrap_or_default();
            let statement = format!(
                "{task} is inside {} of the same module {module} and may hold what is awaited.",
                frame.function
            );
            if found.len() < 4 && !found.iter().any(|claim| claim.statement == statement) {
                found.push(claim(statement, Grade::Guess, &["R33"], vec![line(frame.line)]));
            }
        }
    }
    found
}
