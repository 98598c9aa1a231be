//! Claims about what happened: durations, counts, interrupts, clock, memory, deaths, names, releases.
//! Judged by the lines of the log.

use std::sync::LazyLock;

use analysis_hang::event::{Detail, EventKind};
use model::{AllocationCause, IrqState, LineSpan, Predicate};
use regex::Regex;

use super::{Shape, is_match};
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit, Source};
use crate::verdict::Verdict::{CannotJudge, Contradicted, Plausible, Supported, Unsupported};

fn number_word(word: &str) -> Option<usize> {
    const WORDS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    word.parse().ok().or_else(|| WORDS.iter().position(|w| w.eq_ignore_ascii_case(word)))
}

/// What the exhibits state of durations: seconds, line, and the tasks that hung.
struct Durations {
    seconds: Vec<(u32, Cited)>,
    tasks: Vec<(String, Cited)>,
    more: u32,
    suppressed: bool,
}

static STATED: Shape = LazyLock::new(|| {
    Regex::new(
        r"(?:stuck for (\d{1,6})s!|blocked (?:in I/O wait )?for more than (\d{1,6}) seconds)",
    )
    .ok()
});

fn durations_of(case: &Case<'_>) -> Durations {
    let mut out = Durations { seconds: Vec::new(), tasks: Vec::new(), more: 0, suppressed: false };
    for exhibit in case.evidence.exhibits() {
        // Reports of one kind that repeat are one event; their lines tell each figure.
        if let Some(shape) = STATED.as_ref() {
            for line in exhibit.find_all(shape) {
                let stated = shape.captures(&line.text).and_then(|c| c.get(1).or(c.get(2)));
                if let Some(seconds) = stated.and_then(|m| m.as_str().parse().ok()) {
                    out.seconds.push((seconds, exhibit.cite(line.number)));
                }
            }
        }
        for event in &exhibit.seen.events {
            let line = exhibit.cite(event.lines.first);
            match &event.detail {
                Detail::Hung(scan) => {
                    out.more += scan.more;
                    for member in &scan.members {
                        let line = exhibit.cite(member.line);
                        if member.seconds > 0 {
                            out.seconds.push((member.seconds, line));
                        }
                        let name = member.task.to_string();
                        if !out.tasks.iter().any(|(known, _)| *known == name) {
                            out.tasks.push((name, line));
                        }
                    }
                }
                Detail::Lockup { seconds: Some(seconds) } => out.seconds.push((*seconds, line)),
                _ => {}
            }
        }
        out.suppressed |= exhibit.seen.hung_suppressed.is_some();
    }
    out
}

/// Seconds must be what the log states; a number of tasks must be the number of tasks. Where the sentence names a
/// task, only its own lines count.
pub(crate) fn durations(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let unit = first.any("unit").and_then(crate::number::seconds_of);
    let readings = first.any("seconds").map(crate::number::readings).unwrap_or_default();
    let claimed: Option<f64> = readings.first().zip(unit).map(|(value, unit)| value * unit);
    let count = first.group("count").or(first.group("only"));
    let who = match count {
        Some(count) => format!("{} tasks", count.to_ascii_lowercase()),
        None => "something".to_owned(),
    };
    let time = first
        .any("seconds")
        .zip(first.any("unit"))
        .map(|(n, u)| if seconds_letter(u) { format!("{n} s") } else { format!("{n} {u}") });
    let statement = match &time {
        Some(time) => format!("{who} blocked or stuck for {time}"),
        None => format!("{who} hung"),
    };
    let mut known = durations_of(case);
    if known.seconds.is_empty() && known.tasks.is_empty() {
        return stall_age(case, statement, count, claimed);
    }
    // A task that is named has lines of its own.
    let subject = super::tasks::subject(case, first.before(), first.after());
    if let (Some((_, tasks)), None) = (&subject, count) {
        let own = durations_of_tasks(case, tasks);
        if !own.is_empty() {
            known.seconds = own;
        }
    }
    if let Some(seconds) = claimed {
        let about = first.any("about").is_some();
        let least = first.group("least").is_some();
        let near = |stated: f64| {
            let slack = if about { 0.15 * stated + 1.0 } else { 0.5 };
            (stated - seconds).abs() <= slack
        };
        let fits = |stated: f64| near(stated) || (least && stated >= seconds);
        let exact: Vec<Cited> = known
            .seconds
            .iter()
            .filter(|(s, _)| fits(f64::from(*s)))
            .map(|(_, l)| *l)
            .take(8)
            .collect();
        let longest = known.seconds.iter().max_by_key(|(s, _)| *s).copied();
        if exact.is_empty() {
            let (longest, line) = longest?;
            let judgement = if seconds > f64::from(longest) {
                Judgement::new(
                    statement,
                    Contradicted,
                    format!("the longest that the log states is {longest} s"),
                )
            } else {
                Judgement::new(
                    statement,
                    Plausible,
                    format!("the log states up to {longest} s, not that figure"),
                )
            };
            return Some(judgement.citing([line]));
        }
        if count.is_none() {
            return Some(Judgement::new(statement, Supported, "the log states it").citing(exact));
        }
    }
    if let Some(number) = count.and_then(number_word) {
        let shown = known.tasks.len();
        let may_be_more = known.more > 0 || known.suppressed;
        if number != shown && shown > 0 && !(may_be_more && number > shown) {
            // With several scans, each may name some of them.
            let of_one_scan = case.evidence.exhibits().any(|e| {
                e.seen
                    .events
                    .iter()
                    .any(|e| matches!(&e.detail, Detail::Hung(s) if s.members.len() == number))
            });
            let (verdict, reason) = match of_one_scan {
                true => (
                    Plausible,
                    format!(
                        "one scan names {number}, all together {shown}: {}",
                        names(&known.tasks)
                    ),
                ),
                false => (Contradicted, format!("the log names {shown}: {}", names(&known.tasks))),
            };
            return Some(
                Judgement::new(statement, verdict, reason)
                    .citing(known.tasks.iter().map(|(_, l)| *l)),
            );
        }
        if shown == 0 {
            return Some(Judgement::new(statement, Unsupported, "no hung-task line is at hand"));
        }
    } else if count.is_some() && known.tasks.len() < 2 && known.more == 0 {
        let (reason, lines) = match known.tasks.first() {
            Some((name, line)) => (format!("one hung task is named: {name}"), vec![*line]),
            None => ("no hung-task line is at hand".to_owned(), Vec::new()),
        };
        return Some(Judgement::new(statement, Unsupported, reason).citing(lines));
    }
    let lines: Vec<Cited> = match claimed {
        Some(seconds) => known
            .seconds
            .iter()
            .filter(|(s, _)| f64::from(*s) + 0.5 >= seconds)
            .map(|(_, l)| *l)
            .take(8)
            .collect(),
        None => known.tasks.iter().map(|(_, l)| *l).take(8).collect(),
    };
    if lines.is_empty() {
        return Some(Judgement::new(
            statement,
            CannotJudge,
            "the log names hung tasks but states no time",
        ));
    }
    Some(Judgement::new(statement, Supported, "the log states it").citing(lines))
}

fn seconds_letter(unit: &str) -> bool {
    unit.to_ascii_lowercase().starts_with('s')
}

/// The durations stated of some tasks: of hung ones, and of lockups while they ran.
fn durations_of_tasks(case: &Case<'_>, tasks: &[&crate::index::KnownTask]) -> Vec<(u32, Cited)> {
    let is_own = |task: &analysis_hang::event::Task| tasks.iter().any(|k| k.task == *task);
    let mut out = Vec::new();
    for exhibit in case.evidence.exhibits() {
        for line in STATED.as_ref().map(|s| exhibit.find_all(s)).unwrap_or_default() {
            let own = tasks.iter().any(|k| {
                k.task.pid.is_some_and(|pid| {
                    line.text.contains(&format!("{}:{pid}]", k.task.name))
                        || line.text.contains(&format!("{}:{pid} blocked", k.task.name))
                })
            });
            let stated = STATED.as_ref().and_then(|s| s.captures(&line.text));
            let stated = stated.and_then(|c| c.get(1).or(c.get(2))?.as_str().parse().ok());
            if let (true, Some(seconds)) = (own, stated) {
                out.push((seconds, exhibit.cite(line.number)));
            }
        }
        for event in &exhibit.seen.events {
            match &event.detail {
                Detail::Hung(scan) => out.extend(
                    scan.members
                        .iter()
                        .filter(|m| m.seconds > 0 && is_own(&m.task))
                        .map(|m| (m.seconds, exhibit.cite(m.line))),
                ),
                Detail::Lockup { seconds: Some(seconds) }
                    if event.task.as_ref().is_some_and(is_own) =>
                {
                    out.push((*seconds, exhibit.cite(event.lines.first)));
                }
                _ => {}
            }
        }
    }
    out
}

/// Without a hung task or a lockup, the age of a grace period may be what is meant.
fn stall_age(
    case: &Case<'_>,
    statement: String,
    count: Option<&str>,
    claimed: Option<f64>,
) -> Option<Judgement> {
    let jiffies = case.evidence.exhibits().find_map(|exhibit| {
        let period = exhibit.stalls().find_map(|(_, s)| s.period.as_ref())?;
        Some((exhibit.cite(period.line), period.jiffies))
    });
    Some(match (jiffies, count, claimed) {
        (Some((line, jiffies)), None, Some(seconds)) => {
            if (seconds - jiffies as f64).abs() < 0.5 {
                return Some(
                    Judgement::new(
                        statement,
                        Contradicted,
                        format!("{jiffies} is a number of jiffies, not of seconds"),
                    )
                    .citing([line]),
                );
            }
            let possible = case.evidence.exhibits().find_map(|e| e.hertz.as_ref()).map_or_else(
                || analysis_hang::hertz::CANDIDATES.to_vec(),
                |known| known.values.clone(),
            );
            let fits = possible.iter().find(|hz| {
                let age = jiffies as f64 / f64::from(**hz);
                (age - seconds).abs() <= 1.0 + seconds / 20.0
            });
            match fits {
                Some(hz) => Judgement::new(
                    statement,
                    Plausible,
                    format!("the grace period is {jiffies} jiffies old, which is that long if HZ is {hz}"),
                ),
                None => Judgement::new(
                    statement,
                    Unsupported,
                    format!("the report gives {jiffies} jiffies; no HZ that fits the log makes that {seconds} s"),
                ),
            }
            .citing([line])
        }
        _ => Judgement::new(statement, Unsupported, "no hung-task or lockup line is quoted"),
    })
}

fn names(tasks: &[(String, Cited)]) -> String {
    let mut names: Vec<&str> = tasks.iter().take(5).map(|(n, _)| n.as_str()).collect();
    if tasks.len() > 5 {
        names.push("…");
    }
    names.join(", ")
}

static SHARE: Shape = LazyLock::new(|| Regex::new(r"\b(\d{1,3})% (softirq|hardirq)\b").ok());
static COUNTS: Shape = LazyLock::new(|| {
    Regex::new(r"(?:hardirqs\s+softirqs\s+csw/system|number:\s+\d+|cputime:\s+\d+)").ok()
});
static PERF: Shape = LazyLock::new(|| {
    Regex::new(r"perf: interrupt took too long \((\d+) > (\d+)\)|NMI handler .* took too long").ok()
});
static TIMER: Shape = LazyLock::new(|| Regex::new(r"(?i)\btimer\b|apic_timer").ok());
static MILLISECONDS: Shape = LazyLock::new(|| Regex::new(r"(?i)\b\d+(?:\.\d+)?\s*ms\b").ok());

/// A storm needs a share of time or a rate. Lines of `perf` give neither.
pub(crate) fn storm(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let statement = format!("{} takes the CPU time", found.first()?.text);
    // A load that somebody makes on purpose is no finding.
    if found.iter().all(|f| f.text.to_ascii_lowercase().ends_with("load")) {
        return None;
    }
    for exhibit in case.evidence.exhibits() {
        for line in SHARE.as_ref().map(|s| exhibit.find_all(s)).unwrap_or_default() {
            let share = SHARE.as_ref().and_then(|s| {
                s.captures_iter(&line.text)
                    .filter_map(|c| Some((c[1].parse::<u32>().ok()?, c[2].to_owned())))
                    .max()
            });
            if let Some((percent, kind)) = share {
                let line = exhibit.cite(line.number);
                return Some(if percent >= 50 {
                    Judgement::new(statement, Plausible, format!("{percent}% of the time went to {kind} on that CPU; which source is not shown"))
                        .citing([line])
                } else {
                    Judgement::new(
                        statement,
                        Contradicted,
                        format!("at most {percent}% of the time went to {kind}"),
                    )
                    .citing([line])
                });
            }
        }
        if let Some(line) = COUNTS.as_ref().and_then(|s| exhibit.find(s)) {
            return Some(
                Judgement::new(
                    statement,
                    CannotJudge,
                    "a table of interrupt counts and CPU time is there; it has to be read by CPU",
                )
                .citing([exhibit.cite(line)]),
            );
        }
    }
    let perf = PERF.as_ref().and_then(|s| case.evidence.find(s));
    if let Some(line) = perf {
        return Some(
            Judgement::new(
                statement,
                Unsupported,
                "the perf line gives nanoseconds per handler, not a share of CPU time",
            )
            .citing([line]),
        );
    }
    let mut reason = "no perf line and no CPU-time table is quoted".to_owned();
    let mut cited = Vec::new();
    let timer = case.evidence.stacks.iter().flat_map(|s| {
        let notes = s.notes.iter().filter(|(n, _)| is_match(&TIMER, n)).map(|(_, l)| *l);
        let frames =
            s.snapshot.frames.iter().filter(|f| is_match(&TIMER, &f.function)).map(|f| f.line);
        notes.chain(frames).collect::<Vec<_>>()
    });
    let lines: Vec<u64> = timer.collect();
    if let (Some(from), Some(to)) = (lines.iter().min(), lines.iter().max()) {
        let span = LineSpan::new(*from, *to);
        reason.push_str(&format!("; the only interrupt shown is the timer ({span})"));
        cited.push(Cited { source: Source::Analysis, lines: span });
    }
    if found.iter().any(|f| is_match(&MILLISECONDS, &f.sentence.text)) {
        reason.push_str(". Figures are in ms, the kernel prints ns per handler: ask for the line");
    }
    Some(Judgement::new(statement, Unsupported, reason).citing(cited))
}

/// Compares the figure with the line; silent without the line, since the storm's judge asks for it.
pub(crate) fn perf_units(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let unit: f64 = match first.group("unit")?.to_ascii_lowercase().as_str() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        _ => 1e9,
    };
    let claimed: f64 = first.group("value")?.parse::<f64>().ok()? * unit;
    let statement = format!("an interrupt took {} {}", first.group("value")?, first.group("unit")?);
    let shape = PERF.as_ref()?;
    let mut values: Vec<(f64, Cited)> = Vec::new();
    for exhibit in case.evidence.exhibits() {
        for line in exhibit.find_all(shape) {
            let value = shape.captures(&line.text).and_then(|c| c.get(1)?.as_str().parse().ok());
            values.extend(value.map(|v| (v, exhibit.cite(line.number))));
        }
    }
    if values.is_empty() {
        return None;
    }
    let close = |a: f64, b: f64| (a - b).abs() <= 0.05 * a.max(b);
    if let Some((_, line)) = values.iter().find(|(v, _)| close(*v, claimed)) {
        return Some(
            Judgement::new(statement, Supported, "the line states it in nanoseconds")
                .citing([*line]),
        );
    }
    let scaled = [1e3, 1e6].into_iter().find_map(|factor| {
        values.iter().find(|(v, _)| close(v * factor, claimed)).map(|(v, l)| (*v, factor, *l))
    });
    Some(match scaled {
        Some((value, factor, line)) => Judgement::new(
            statement,
            Contradicted,
            format!("the line says {value} ns: the claim is {factor} times too large"),
        )
        .citing([line]),
        None => Judgement::new(statement, Unsupported, "no perf line states that figure")
            .citing(values.iter().take(3).map(|(_, l)| *l)),
    })
}

/// Only the killer shows it; the lines that merely speak of memory are read for what they are.
pub(crate) fn out_of_memory(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let statement = "memory ran out";
    for exhibit in case.evidence.exhibits() {
        if let Some(event) = exhibit.events(EventKind::OutOfMemory).next() {
            return Some(
                Judgement::new(statement, Supported, "the out-of-memory killer ran")
                    .citing([exhibit.cite(event.lines.first)]),
            );
        }
    }
    for exhibit in case.evidence.exhibits() {
        for event in exhibit.events(EventKind::AllocationFailure) {
            let Detail::Memory(report) = &event.detail else { continue };
            let Some(cause) = analysis_hang::memory::failed_by(event, report) else { continue };
            let verdict = match cause {
                AllocationCause::Watermark => Plausible,
                _ => Contradicted,
            };
            return Some(
                Judgement::new(
                    statement,
                    verdict,
                    format!("an allocation failed, but no killer ran: {cause}"),
                )
                .citing([exhibit.cite(event.lines.first)]),
            );
        }
        if let Some(event) = exhibit.events(EventKind::FaultOomLeaked).next() {
            return Some(
                Judgement::new(
                    statement,
                    Unsupported,
                    "VM_FAULT_OOM is the echo of a failed allocation, no out-of-memory kill",
                )
                .citing([exhibit.cite(event.lines.first)]),
            );
        }
        if let Some(line) = exhibit.stalls().find_map(|(_, s)| s.boilerplate) {
            return Some(
                Judgement::new(statement, Contradicted, "that line is printed with every starved grace-period thread; it reports no memory event")
                    .citing([exhibit.cite(line)]),
            );
        }
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        match case.evidence.has_stretch() {
            true => "the log has no out-of-memory line and no failed allocation",
            false => "no out-of-memory line is quoted",
        },
    ))
}

static TIMER_REPORT: Shape = LazyLock::new(|| {
    Regex::new(r"\b(?:sysvec_apic_timer_interrupt|apic_timer_interrupt|rcu_sched_clock_irq|rcu_check_callbacks|timer_interrupt|arch_timer_handler)").ok()
});

/// Saved flags decide, where they are of the CPU that is meant or of the only one.
pub(crate) fn interrupts_off(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let statement = "interrupts are disabled";
    for exhibit in case.evidence.exhibits() {
        for event in &exhibit.seen.events {
            let line = exhibit.cite(event.lines.first);
            if event.kind == EventKind::HardLockup {
                return Some(
                    Judgement::new(
                        statement,
                        Supported,
                        "a hard lockup is reported: that CPU took no interrupts",
                    )
                    .citing([line]),
                );
            }
            if let Detail::Atomic(report) = &event.detail
                && let Some(off) = report.irqs_disabled
            {
                let line = exhibit.cite(report.line);
                return Some(match off {
                    0 => {
                        Judgement::new(statement, Contradicted, "irqs_disabled(): 0").citing([line])
                    }
                    _ => Judgement::new(statement, Supported, format!("irqs_disabled(): {off}"))
                        .citing([line]),
                });
            }
        }
        let lines: Vec<_> = exhibit.lines.iter().map(|line| (*line).clone()).collect();
        let flags: Vec<_> = analysis_registers::statements(&lines)
            .into_iter()
            .filter_map(|statement| match statement.predicate() {
                Predicate::Irqs { state, .. } => Some((*state, statement.lines().to_vec())),
                _ => None,
            })
            .collect();
        let open = flags.iter().filter(|(state, _)| *state == IrqState::Enabled).count();
        if !flags.is_empty() {
            let cited: Vec<Cited> = flags
                .iter()
                .flat_map(|(_, lines)| lines.iter().map(|l| exhibit.cite_span(*l)))
                .take(4)
                .collect();
            if open == flags.len() {
                let timer =
                    TIMER_REPORT.as_ref().and_then(|s| exhibit.find(s)).map(|l| exhibit.cite(l));
                let more = if timer.is_some() { ", and timer interrupts arrive" } else { "" };
                return Some(
                    Judgement::new(
                        statement,
                        Contradicted,
                        format!("the saved flags say that interrupts were open{more}"),
                    )
                    .citing(cited)
                    .citing(timer),
                );
            }
            if open == 0 {
                return Some(
                    Judgement::new(statement, Supported, "the saved flags say so").citing(cited),
                );
            }
            return Some(
                Judgement::new(statement, CannotJudge, "some contexts had interrupts open and some had not; the claim does not say which is meant")
                    .citing(cited),
            );
        }
        // R03: the fourth flag of a CPU line.
        for (_, stall) in exhibit.stalls() {
            for cpu in &stall.cpus {
                match cpu.flags.chars().nth(3) {
                    Some('.') => {
                        return Some(
                            Judgement::new(statement, Contradicted, format!("CPU {} ran the report's interrupt work: its interrupts were open", cpu.cpu))
                                .citing([exhibit.cite(cpu.line)]),
                        );
                    }
                    Some(digit) if digit.is_ascii_digit() => {
                        return Some(
                            Judgement::new(
                                statement,
                                Plausible,
                                format!("CPU {} did not run the report's interrupt work", cpu.cpu),
                            )
                            .citing([exhibit.cite(cpu.line)]),
                        );
                    }
                    _ => {}
                }
            }
        }
    }
    let _ = found;
    Some(Judgement::new(
        statement,
        Unsupported,
        "neither saved flags nor a CPU line of a stall is at hand",
    ))
}

/// Two reports of one grace period give the rate of jiffies.
pub(crate) fn clock(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let jiffies = found.iter().any(|f| f.text.to_ascii_lowercase().contains("jiffies"));
    let statement = if jiffies { "jiffies become wrong" } else { "the clock or a timer is broken" };
    for exhibit in case.evidence.exhibits() {
        if let Some((reason, lines)) = rate(exhibit).filter(|_| jiffies) {
            return Some(Judgement::new(statement, Contradicted, reason).citing(lines));
        }
        if let Some((line, ..)) = exhibit.stalls().find_map(|(_, s)| s.timer) {
            return Some(
                Judgement::new(statement, Supported, "the report says that the timer did not fire")
                    .citing([exhibit.cite(line)]),
            );
        }
    }
    static JUMP: Shape = LazyLock::new(|| {
        Regex::new(r"(?i)clocksource.*unstable|timekeeping watchdog|time jumped|RTC.*drift").ok()
    });
    if let Some(line) = JUMP.as_ref().and_then(|s| case.evidence.find(s)) {
        return Some(
            Judgement::new(statement, Plausible, "the kernel distrusts a clock source")
                .citing([line]),
        );
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        "no line shows it; two reports of the same grace period would give the rate",
    ))
}

fn rate(exhibit: &Exhibit<'_>) -> Option<(String, Vec<Cited>)> {
    let periods: Vec<_> = exhibit.stalls().filter_map(|(_, s)| s.period.as_ref()).collect();
    for pair in periods.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if a.number != b.number || b.jiffies <= a.jiffies {
            continue;
        }
        let (Some(from), Some(to)) = (a.at, b.at) else { continue };
        let Some(microseconds) = exhibit.seen.clock.between(from, to) else { continue };
        if microseconds <= 0 {
            continue;
        }
        let hz = (b.jiffies - a.jiffies) as f64 * 1e6 / microseconds as f64;
        let known =
            [100.0, 250.0, 300.0, 1000.0].into_iter().find(|k: &f64| (hz - k).abs() / k < 0.01);
        if let Some(known) = known {
            return Some((
                format!("jiffies advance {known}/s between the two reports, as they should"),
                vec![exhibit.cite(a.line), exhibit.cite(b.line)],
            ));
        }
    }
    None
}

static DEATH: Shape = LazyLock::new(|| {
    Regex::new(r"(?i)segfault at |\bcore ?dump|Killed process|traps: \S+\[|Kernel panic|Attempted to kill init|potentially unexpected fatal signal|unhandled signal|exited with preempt").ok()
});

/// The kernel prints a line when a program dies of its own fault or of memory.
pub(crate) fn death(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let statement = match found.iter().any(|f| f.text.to_ascii_lowercase().contains("dump")) {
        true => "a core dump or death follows",
        false => "a program died",
    };
    if let Some(line) = DEATH.as_ref().and_then(|s| case.evidence.find(s)) {
        return Some(
            Judgement::new(statement, Supported, "the log has such a line").citing([line]),
        );
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        match case.evidence.has_stretch() {
            true => "not in the log: no segfault, core dump or kill line",
            false => "no segfault, core dump or kill line is quoted",
        },
    ))
}

/// Compares with console headers only; says nothing when they agree or are silent.
pub(crate) fn task_name(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let pid: u32 = first.group("pid")?.parse().ok()?;
    let name = first.group("name")?.trim_matches(['*', '`', '(']);
    let mut known: Option<(String, Cited)> = None;
    for exhibit in case.evidence.exhibits() {
        let of_stacks =
            exhibit.seen.snapshots.iter().filter_map(|s| Some((s.task.as_ref()?, s.lines?.first)));
        let of_scans = exhibit.seen.events.iter().flat_map(|e| match &e.detail {
            Detail::Hung(scan) => scan.members.iter().map(|m| (&m.task, m.line)).collect(),
            _ => Vec::new(),
        });
        for (task, line) in of_stacks.chain(of_scans) {
            // Stacks that the analysis writes by hand repeat its own words.
            let own = case.evidence.stacks.iter().any(|s| s.lines.contains(line))
                && exhibit.source == Source::Analysis;
            if task.pid == Some(pid) && !task.name.is_empty() && !own {
                if task.name == name || task.name.starts_with(name) || name.starts_with(&task.name)
                {
                    return None;
                }
                known.get_or_insert((task.name.clone(), exhibit.cite(line)));
            }
        }
    }
    let (other, line) = known?;
    // `systemd` for `(systemd)` and names with their worker's suffix are the same task.
    if other.contains(name) || name.contains(&other) {
        return None;
    }
    Some(
        Judgement::new(
            format!("pid {pid} is {name}"),
            Contradicted,
            format!("the log calls pid {pid} {other}"),
        )
        .citing([line]),
    )
}

/// Machine checks and device errors leave lines.
pub(crate) fn hardware(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    let statement = "hardware fails";
    for exhibit in case.evidence.exhibits() {
        let event = exhibit
            .seen
            .events
            .iter()
            .find(|e| matches!(e.kind, EventKind::Hardware | EventKind::Device));
        if let Some(event) = event {
            let verdict = if event.kind == EventKind::Hardware { Supported } else { Plausible };
            return Some(
                Judgement::new(
                    statement,
                    verdict,
                    "the log reports an error of a device or of the machine",
                )
                .citing([exhibit.cite(event.lines.first)]),
            );
        }
    }
    Some(Judgement::new(statement, Unsupported, "no machine check and no device error is at hand"))
}

/// No report prints scheduling classes; only throttling does.
pub(crate) fn real_time(case: &Case<'_>, _: &[Found<'_>]) -> Option<Judgement> {
    static THROTTLING: Shape = LazyLock::new(|| {
        Regex::new(r"RT throttling activated|sched: DL replenish|prio=\d|policy=\d").ok()
    });
    let statement = "a real-time task takes the CPU";
    Some(match THROTTLING.as_ref().and_then(|s| case.evidence.find(s)) {
        Some(line) => Judgement::new(statement, Plausible, "the scheduler reports real-time load")
            .citing([line]),
        None => Judgement::new(
            statement,
            Unsupported,
            "the log shows no scheduling class; policy and priority of the tasks would settle it",
        ),
    })
}

/// Compares with the release that console headers print.
pub(crate) fn release(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let claimed = found.first()?.group("release")?.trim_end_matches(['.', ',']);
    let (printed, line) = case.evidence.exhibits().find_map(|exhibit| {
        let (release, line) = exhibit.seen.kernel.release.as_ref()?;
        Some((release.clone(), exhibit.cite(*line)))
    })?;
    let printed_name = printed.split_whitespace().next().unwrap_or(&printed);
    let statement = format!("the kernel is {claimed}");
    let numbers = |text: &str| -> Vec<u32> {
        text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    let (a, b) = (numbers(claimed), numbers(printed_name));
    let shared = a.len().min(b.len());
    Some(if shared >= 2 && a[..shared] == b[..shared] {
        Judgement::new(statement, Supported, format!("the log prints {printed_name}"))
            .citing([line])
    } else {
        Judgement::new(statement, Contradicted, format!("the log prints {printed_name}"))
            .citing([line])
    })
}

/// The kind of event that a word means.
pub(crate) fn event_key(word: &str) -> String {
    let word = word.to_ascii_lowercase().replace('-', " ");
    [
        ("soft lockup", "a soft lockup"),
        ("hard lockup", "a hard lockup"),
        ("workqueue lockup", "a workqueue lockup"),
        ("panic", "a panic"),
        ("atomic", "sleeping in atomic context"),
        ("invalid", "sleeping in atomic context"),
        ("allocation", "a failed page allocation"),
        ("stall", "an RCU stall"),
        ("hung", "a hung task"),
        ("general protection", "a general protection fault"),
    ]
    .iter()
    .find(|(part, _)| word.contains(part))
    .map_or(word.clone(), |(_, name)| (*name).to_owned())
}

/// Compares with the orders that failures print; silent where none is.
pub(crate) fn order(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let claimed: u32 = found.first()?.group("order")?.parse().ok()?;
    let mut printed: Vec<(u32, Cited)> = Vec::new();
    for exhibit in case.evidence.exhibits() {
        for event in &exhibit.seen.events {
            if let Detail::Memory(report) = &event.detail
                && let Some(order) = report.order
            {
                printed.push((order, exhibit.cite(event.lines.first)));
            }
        }
    }
    let statement = format!("an allocation of order {claimed}");
    if let Some((_, line)) = printed.iter().find(|(order, _)| *order == claimed) {
        return Some(Judgement::new(statement, Supported, "the log prints it").citing([*line]));
    }
    let (other, line) = *printed.first()?;
    Some(
        Judgement::new(statement, Contradicted, format!("the log prints order {other}"))
            .citing([line]),
    )
}

/// The kinds of event that a name of [`event_key`] stands for.
pub(crate) fn event_kinds(name: &str) -> Option<&'static [EventKind]> {
    Some(match name {
        "a soft lockup" => &[EventKind::SoftLockup],
        "a hard lockup" => &[EventKind::HardLockup],
        "a workqueue lockup" => &[EventKind::WorkqueueLockup],
        "a panic" => &[EventKind::Panic],
        "an RCU stall" => &[
            EventKind::RcuStall,
            EventKind::RcuKthreadStarved,
            EventKind::RcuExpeditedStall,
            EventKind::RcuTasksStall,
        ],
        "a hung task" => &[EventKind::HungTasks],
        "a general protection fault" => &[EventKind::Fault],
        "sleeping in atomic context" => {
            &[EventKind::SleepInAtomic, EventKind::ScheduleInAtomic, EventKind::LockdepWaitContext]
        }
        "a failed page allocation" => &[EventKind::AllocationFailure],
        _ => return None,
    })
}

/// The event that a find means; the detector of an event is none.
pub(crate) fn event_of(found: &Found<'_>) -> Option<String> {
    let behind = found.after().trim_start().to_ascii_lowercase();
    let detector =
        ["detector", "watchdog", "timeout", "checker", "mechanism", "threshold", "panic"];
    if detector.iter().any(|word| behind.starts_with(word)) {
        return None;
    }
    found.group("event").map(event_key)
}

/// Whether the kernel reported it by itself: a list of tasks that somebody asked for is no report.
pub(crate) fn is_report(event: &analysis_hang::event::Event) -> bool {
    !matches!(&event.detail, Detail::Hung(scan) if scan.listed)
}

/// Only a log can lack an event; single quoted lines cannot.
pub(crate) fn event(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let name = event_key(found.first()?.group("event")?);
    let kinds = event_kinds(&name)?;
    let statement = format!("there was {name}");
    let mut seen = None;
    for exhibit in case.evidence.exhibits() {
        let event = exhibit.seen.events.iter().find(|e| {
            kinds.contains(&e.kind)
                && !e.headline.is_empty()
                && is_report(e)
                && (name != "a general protection fault"
                    || e.headline.contains("general protection"))
        });
        if let Some(event) = event {
            seen = Some(exhibit.cite(event.lines.first));
            break;
        }
    }
    let log = case.evidence.log.as_ref();
    match (seen, log) {
        (Some(line), Some(_)) => {
            Some(Judgement::new(statement, Supported, "the log reports it").citing([line]))
        }
        // What an analysis quotes itself needs no row.
        (Some(_), None) => None,
        (None, Some(_)) => Some(Judgement::new(statement, Unsupported, "the log has no such line")),
        (None, None) => None,
    }
}
