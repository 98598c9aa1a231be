//! The printed report: plain text of at most 100 columns, evidence at the right.

use analysis_hang::Diagnosis;
use analysis_hang::event::{Detail, EventId};
use analysis_hang::graph::NodeKind;
use analysis_hang::stack;
use model::{Grade, LineSpan, Notice, Predicate, Statement};

use super::event;
use super::log::Log;
use crate::conclusion;
use crate::layout::{Text, cite};
use crate::telling::is_telling;

/// Columns of the headings at the left.
const HEAD: usize = 9;
/// Events listed.
const EVENTS_SHOWN: usize = 40;
/// Edges listed.
const EDGES_SHOWN: usize = 60;

/// The report of one log, with what registers say and what was not read.
pub fn report(log: &Log<'_>) -> String {
    let diagnosis = log.diagnosis;
    let mut out = Text::default();
    events(&mut out, log);
    kernel(&mut out, diagnosis);
    place(&mut out, diagnosis);
    order(&mut out, diagnosis);
    out.blank();
    verdict_of(&mut out, diagnosis);
    let several = diagnosis.seen.events.len() > 1;
    said(&mut out, "Why", diagnosis.statements.iter().filter(|said| is_telling(said)), several);
    graph(&mut out, diagnosis);
    said(&mut out, "Hypotheses", diagnosis.hypotheses.iter(), several);
    groups(&mut out, diagnosis);
    let needs: Vec<String> = diagnosis.needs.iter().map(conclusion::need).collect();
    out.list("Need", &needs);
    said(&mut out, "Source", log.sources.iter().take(SOURCES_SHOWN), several);
    let telling = log.registers.iter().filter(|claim| is_telling(claim));
    said(&mut out, "Registers", telling.take(REGISTERS_SHOWN), several);
    out.text + &notices(log.notices)
}

fn head(text: &str) -> String {
    format!("{text:<HEAD$}")
}

fn events(out: &mut Text, log: &Log<'_>) {
    let diagnosis = log.diagnosis;
    let events = &diagnosis.seen.events;
    if events.is_empty() {
        let lines = match diagnosis.seen.lines {
            1 => "none in 1 line".into(),
            lines => format!("none in {lines} lines"),
        };
        out.entry(&head("Event"), &lines, "");
        return;
    }
    for (at, event) in events.iter().take(EVENTS_SHOWN).enumerate() {
        let name = match (events.len(), at) {
            (1, _) => head("Event"),
            (_, 0) => head("Events"),
            _ => head(""),
        };
        let number = if events.len() > 1 { format!("{} ", event.id) } else { String::new() };
        let when = event
            .at
            .and_then(|at| diagnosis.seen.clock.show(at))
            .map(|when| format!(" at {when}"))
            .unwrap_or_default();
        let again = match (event.repeats, event.last_repeat) {
            (0, _) | (_, None) => String::new(),
            (times, Some(last)) => {
                format!(" (again {times} time{}, last {last})", if times == 1 { "" } else { "s" })
            }
        };
        let boot = if diagnosis.seen.clock.boots() > 0 {
            format!(", boot {}", event.boot + 1)
        } else {
            String::new()
        };
        out.entry(
            &format!("{name}{number}"),
            &format!("{}{}{when}{boot}{again}", event::name(event), event::about(event)),
            &LineSpan::new(event.lines.first, event.lines.first).to_string(),
        );
    }
    let hidden = events.len().saturating_sub(EVENTS_SHOWN) as u64 + diagnosis.seen.dropped;
    if hidden > 0 {
        out.entry(&head(""), &format!("… and {hidden} more"), "");
    }
}

/// Kernels that are told, where several boots report something.
const KERNELS_SHOWN: usize = 4;

/// The kernel that the verdict is about; of other boots with events the release, where it is another one.
fn kernel(out: &mut Text, diagnosis: &Diagnosis) {
    one_kernel(out, diagnosis);
    let own = diagnosis.kernel().release.as_ref().map(|(release, _)| release);
    let mut told = vec![diagnosis.boot];
    for event in &diagnosis.seen.events {
        if told.contains(&event.boot) || told.len() > KERNELS_SHOWN {
            continue;
        }
        told.push(event.boot);
        if let Some((release, line)) = &diagnosis.seen.kernel_of(event).release
            && Some(release) != own
        {
            let text = format!("boot {}: {release}", event.boot + 1);
            out.entry(&head(""), &text, &format!("L{line}"));
        }
    }
}

fn one_kernel(out: &mut Text, diagnosis: &Diagnosis) {
    let kernel = diagnosis.kernel();
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    match &kernel.release {
        Some((release, line)) => {
            parts.push(match kernel.modified() {
                // scripts/setlocalversion adds a plus where the commit carries no tag of the version.
                Some("+") => format!("{release} (\"+\": not at a tag)"),
                Some(sign) => format!("{release} (modified tree: \"{sign}\")"),
                None => release.clone(),
            });
            lines.push(*line);
        }
        None => parts.push("version not read in this log".into()),
    }
    match (&kernel.taint, &kernel.later_taint) {
        (Some((taint, _)), None) if taint.is_empty() => parts.push("not tainted".into()),
        (Some((taint, _)), None) => parts.push(format!("taint {taint}")),
        (Some((taint, _)), Some((later, line))) => {
            let named = |flags: &str| if flags.is_empty() { "none" } else { flags }.to_owned();
            parts.push(format!("taint {}, then {}", named(taint), named(later)));
            lines.push(*line);
        }
        (None, _) => {}
    }
    if let Some((arch, _)) = kernel.arch {
        parts.push(arch.into());
    }
    if let Some((cpus, line)) = kernel.cpus {
        parts.push(format!("{cpus} CPUs"));
        lines.push(line);
    }
    if let Some((hardware, line)) = &kernel.hardware {
        parts.push(hardware.clone());
        lines.push(*line);
    }
    if let Some(hz) = diagnosis.hertz.as_ref().and_then(analysis_hang::hertz::Hertz::settled) {
        parts.push(format!("HZ={hz}"));
    }
    lines.sort_unstable();
    lines.dedup();
    let spans: Vec<LineSpan> =
        lines.into_iter().filter(|line| *line > 0).map(LineSpan::line).collect();
    out.entry(&head("Kernel"), &parts.join(", "), &cite(&spans));
}

fn place(out: &mut Text, diagnosis: &Diagnosis) {
    let Some(event) = diagnosis.main_event() else { return };
    if matches!(event.detail, Detail::Hung(_)) {
        return;
    }
    let Some((_, snapshot)) = diagnosis
        .seen
        .subjects(event)
        .find(|(_, snapshot)| !snapshot.frames.is_empty() || snapshot.task.is_some())
    else {
        return;
    };
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    if let Some(cpu) = snapshot.cpu {
        parts.push(format!("CPU {cpu}"));
    }
    if let Some(task) = &snapshot.task {
        parts.push(match task.pid {
            Some(pid) => format!("pid {pid} {}", task.name),
            None => task.name.clone(),
        });
    }
    if let Some((call, line)) = stack::syscall(snapshot) {
        parts.push(format!("in {call}(2)"));
        lines.push(LineSpan::line(line));
    } else if let Some((line, work)) = &snapshot.workqueue {
        parts.push(format!("workqueue {work}"));
        lines.push(LineSpan::line(*line));
    }
    let at = match &event.detail {
        Detail::Memory(_) => stack::asked_for_memory(snapshot),
        Detail::Lockdep(_) => stack::outside_locks(snapshot),
        _ => stack::where_it_was(snapshot),
    };
    // What is said of the place, and what is not known to be wrong, comes before what the stack suggests.
    let own = diagnosis.statements.iter().filter(|said| said.event() == Some(event.id));
    let said = own.clone().find_map(|said| match said.predicate() {
        Predicate::CrashPlace { function } => Some((function, said.lines())),
        _ => None,
    });
    if let Some((function, cited)) = said {
        let caller = own.clone().find_map(|said| match said.predicate() {
            Predicate::CalledBy { function: called, caller } if called == function => Some(caller),
            _ => None,
        });
        let caller = caller.map(|caller| format!(", called by {caller}")).unwrap_or_default();
        parts.push(format!("at {function}{caller}"));
        lines.extend(cited.last());
    } else if let Some((function, line)) = at {
        parts.push(format!("at {function}"));
        lines.push(LineSpan::line(line));
    }
    lines.dedup();
    if let Some(span) = snapshot.lines {
        lines.insert(0, LineSpan::line(span.first));
    }
    if !parts.is_empty() {
        out.entry(&head("Where"), &parts.join(", "), &cite(&lines));
    }
}

fn order(out: &mut Text, diagnosis: &Diagnosis) {
    if diagnosis.seen.events.len() < 2 {
        return;
    }
    let statement = match &diagnosis.first_cause {
        Some(cause) => {
            let boot = |id: EventId| diagnosis.seen.event(id).boot;
            let same = |id: &EventId| boot(*id) == boot(cause.event);
            let (mut others, mut separate) = (Vec::new(), Vec::new());
            for other in &diagnosis.groups {
                let list =
                    if other.events.contains(&cause.event) { &mut others } else { &mut separate };
                let rest = other.events.iter().copied().filter(|id| *id != cause.event);
                list.extend(rest.filter(same));
            }
            let seen = &diagnosis.seen;
            let before = |id: &EventId| seen.precedes(seen.event(*id), seen.event(cause.event));
            let (before, separate): (Vec<EventId>, Vec<EventId>) =
                separate.into_iter().partition(before);
            let events = diagnosis.seen.events.iter().map(|event| event.id);
            let elsewhere: Vec<EventId> = events.filter(|id| !same(id)).collect();
            let mut text = if !before.is_empty() {
                let (comes, is) = if before.len() == 1 { ("comes", "is") } else { ("come", "are") };
                let which = in_runs(before);
                format!(
                    "{which} {comes} before {} and {is} not shown to have led to it",
                    cause.event
                )
            } else if others.is_empty() && separate.is_empty() {
                format!("{} alone in its boot", cause.event)
            } else {
                format!("{} first", cause.event)
            };
            if !others.is_empty() {
                let hang = if others.len() == 1 { "hangs" } else { "hang" };
                text += &format!("; {} {hang} on {}", in_runs(others), cause.event);
            }
            if !separate.is_empty() {
                text += &format!("; {} not shown to belong to {}", in_runs(separate), cause.event);
            }
            if !elsewhere.is_empty() {
                text += &format!("; {} in another boot", in_runs(elsewhere));
            }
            text
        }
        None => "not decided by this log".into(),
    };
    out.entry(&head("Order"), &statement, "");
    let links = diagnosis.seen.events.iter().filter_map(|event| {
        let link = diagnosis.causes.links.get(event.id.0)?.as_ref()?;
        (link.grade > Grade::Guess).then_some((event.id, link))
    });
    for (event, link) in links.take(LINKS_SHOWN) {
        let said = format!("{event} to {}: {}", link.parent, conclusion::link(&link.reason));
        let evidence = format!("{}  {}  {}", link.grade, cite(&link.lines), link.rule);
        out.entry(&head(""), &said, &evidence);
    }
}

/// Ties between events that are told.
const LINKS_SHOWN: usize = 6;

/// Runs of numbers that are printed.
const MOST_RUNS: usize = 12;

/// `E2 to E5, E8, E9`.
fn in_runs(mut events: Vec<EventId>) -> String {
    events.sort_unstable();
    events.dedup();
    let mut parts: Vec<String> = Vec::new();
    for run in events.chunk_by(|a, b| a.0 + 1 == b.0) {
        match run {
            [first, .., last] if run.len() > 2 => parts.push(format!("{first} to {last}")),
            few => parts.extend(few.iter().map(ToString::to_string)),
        }
    }
    let more = parts.len().saturating_sub(MOST_RUNS);
    parts.truncate(MOST_RUNS);
    let text = parts.join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

fn verdict_of(out: &mut Text, diagnosis: &Diagnosis) {
    let verdict = &diagnosis.verdict;
    let cause = if diagnosis.needs.is_empty() { "" } else { "; what is open stands under Need" };
    out.entry(&head("Verdict"), &conclusion::verdict(&diagnosis.seen, verdict), "");
    out.entry(
        &head(""),
        &format!("({}; grade {}{cause})", verdict.kind.name().replace('_', " "), verdict.grade),
        &cite(&verdict.lines),
    );
    if let Some(cause) = &diagnosis.first_cause {
        let said = conclusion::first_cause(&diagnosis.seen, cause);
        out.entry(&head("First"), &said, &format!("{}  L{}", cause.grade, cause.line));
    }
    if let Some(event) = diagnosis.main_event()
        && let Detail::Stall(stall) = &event.detail
        && let Some(line) = stall.boilerplate
    {
        out.entry(&head("Note"), "the sentence about what is expected if the thread gets no time is boilerplate, not an event", &format!("L{line}"));
    }
}

/// Statements about files and lines that the text shows; JSON has them all.
const SOURCES_SHOWN: usize = 30;
/// Statements about registers that the text shows; JSON has them all.
const REGISTERS_SHOWN: usize = 12;

/// What was not read or kept; begins with an empty line.
pub fn notices(notices: &[Notice]) -> String {
    let mut out = Text::default();
    for (at, notice) in notices.iter().enumerate() {
        if at == 0 {
            out.text.push('\n');
        }
        out.entry(&head(if at == 0 { "Notice" } else { "" }), &crate::notice(notice), "");
    }
    out.text
}

/// Statements under a heading; where the log has several events, each with the one that it is about.
fn said<'a>(
    out: &mut Text,
    title: &str,
    statements: impl Iterator<Item = &'a Statement>,
    several: bool,
) {
    for (at, statement) in statements.enumerate() {
        if at == 0 {
            out.blank();
            out.line(title);
        }
        let evidence =
            format!("{}  {}  {}", statement.grade(), cite(statement.lines()), statement.rule());
        let event = statement.event().filter(|_| several).map(|event| format!("{event}: "));
        let sentence = event.unwrap_or_default() + &crate::sentence(statement.predicate());
        out.entry(&format!("{:>3} ", at + 1), &sentence, evidence.trim_end());
    }
}

fn graph(out: &mut Text, diagnosis: &Diagnosis) {
    let graph = &diagnosis.graph;
    if graph.edges.is_empty() {
        return;
    }
    out.blank();
    out.line("Wait graph");
    for edge in graph.edges.iter().take(EDGES_SHOWN) {
        let from = conclusion::participant(&graph.nodes[edge.from].who);
        let to = conclusion::participant(&graph.nodes[edge.to].who);
        let why = conclusion::waits_for(&graph.step(edge));
        let what = if why.contains(&to) {
            why
        } else if to.starts_with(&why) {
            to
        } else {
            format!("{to} ({why})")
        };
        out.entry(
            "  ",
            &format!("{from} -> {what}"),
            &format!("{}  {}  {}", edge.grade, cite(&edge.lines), edge.rule),
        );
    }
    let hidden = graph.edges.len().saturating_sub(EDGES_SHOWN);
    if hidden > 0 {
        out.line(&format!("  … and {hidden} more edges"));
    }
    let tasks = graph.edges.iter().any(|edge| {
        graph.nodes[edge.from].kind == NodeKind::Task && graph.nodes[edge.to].kind == NodeKind::Task
    });
    let cycle = graph.cycle(Grade::Inferred).is_some();
    let ends: Vec<String> = {
        let mut ends: Vec<String> = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                graph.edges.iter().any(|e| e.to == *at) && graph.out(*at).next().is_none()
            })
            .map(|(_, node)| conclusion::participant(&node.who))
            .collect();
        ends.truncate(6);
        ends
    };
    let kind = if cycle {
        "A cycle: see the verdict."
    } else if tasks {
        "No cycle."
    } else {
        "No task-to-task edge, no cycle."
    };
    let ends = if cycle || ends.is_empty() {
        String::new()
    } else {
        format!(" Ends at: {}.", ends.join("; "))
    };
    out.entry("  ", &format!("{kind}{ends}"), "");
}

fn groups(out: &mut Text, diagnosis: &Diagnosis) {
    if diagnosis.groups.is_empty() {
        return;
    }
    out.blank();
    out.line("Grouping");
    for group in diagnosis.groups.iter().take(20) {
        let events: Vec<String> = group.events.iter().take(12).map(ToString::to_string).collect();
        let more = if group.events.len() > 12 {
            format!(" and {} more", group.events.len() - 12)
        } else {
            String::new()
        };
        out.entry("  ", &format!("{}  ({}{more})", group.key, events.join(" ")), "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::WIDTH;

    #[test]
    fn no_line_is_wider_than_promised_and_nothing_acts_on_a_terminal() {
        let evil = "a\u{1b}[31m\u{202e}b";
        let log = format!(
            "[   50.0] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [{evil}:77]\n[   50.1] CPU: 3 PID: 77 Comm: {evil} Not tainted 6.1.0 #1\n[   50.2] RIP: 0010:{}+0x1/0x9\n",
            "long_".repeat(50)
        );
        let diagnosis = analysis_hang::diagnose(log.as_bytes());
        let text = report(&Log::of(&diagnosis));
        assert!(text.contains("soft lockup"));
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line}");
        }
    }

    #[test]
    fn the_order_of_events_is_told_within_one_boot_only() {
        let fault = |at: u32, function: &str| {
            format!(
                "[   {at}.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n[   {at}.000001] RIP: 0010:{function}+0x4/0x30\n[   {at}.000002] ---[ end trace 0000000000000000 ]---\n"
            )
        };
        let boot = "[    0.000000] Linux version 6.8.0 (me@here) #3 SMP\n";
        let quiet = "[   40.000000] shop: open\n".repeat(40);
        let log =
            format!("{boot}{}{boot}{quiet}{}", fault(50, "shop_ring"), fault(60, "shop_open"));
        let diagnosis = analysis_hang::diagnose(log.as_bytes());
        assert_eq!(diagnosis.seen.events.len(), 2);
        let text = report(&Log::of(&diagnosis));
        let order = text.lines().find(|line| line.trim_start().starts_with("Order"));
        assert!(
            order.is_some_and(|line| line.contains("E1 alone in its boot; E2 in another boot")),
            "{text}"
        );
    }
}
