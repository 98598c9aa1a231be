//! The printed report: plain text of at most 100 columns, evidence at the right.

use std::fmt::Write as _;

use analysis_hang::Diagnosis;
use analysis_hang::event::{Detail, Event, EventId, EventKind};
use analysis_hang::graph::NodeKind;
use analysis_hang::stack;
use analysis_hang::verdict;
use model::{Claim, Grade, LineSpan};

use crate::output::Escaped;

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of the headings at the left.
const HEAD: usize = 9;
/// Events listed.
const EVENTS_SHOWN: usize = 40;
/// Edges listed.
const EDGES_SHOWN: usize = 60;

/// The report of one log.
pub(super) fn report(diagnosis: &Diagnosis) -> String {
    let mut out = Page::default();
    events(&mut out, diagnosis);
    kernel(&mut out, diagnosis);
    place(&mut out, diagnosis);
    order(&mut out, diagnosis);
    out.blank();
    verdict_of(&mut out, diagnosis);
    claims(&mut out, "Why", &diagnosis.claims);
    graph(&mut out, diagnosis);
    claims(&mut out, "Hypotheses", &diagnosis.hypotheses);
    groups(&mut out, diagnosis);
    list(&mut out, "Need", &diagnosis.missing);
    out.text
}

/// Lines of at most [`WIDTH`] columns; all foreign text passes [`Escaped`] here.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    pub(super) fn blank(&mut self) {
        if !self.text.ends_with("\n\n") && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}", Escaped(text.trim_end()));
    }

    /// A statement with a heading, wrapped, its evidence at the right end of the last line.
    pub(super) fn entry(&mut self, head: &str, statement: &str, evidence: &str) {
        let indent = " ".repeat(head.chars().count());
        let mut lines = wrap(&sanitized(statement), WIDTH.saturating_sub(head.chars().count()));
        if lines.is_empty() {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        for (at, text) in lines.iter().enumerate() {
            let start = if at == 0 { head } else { &indent };
            let mut row = format!("{start}{text}");
            if at == last && !evidence.is_empty() {
                let used = row.chars().count() + evidence.chars().count();
                if used < WIDTH {
                    row += &" ".repeat((WIDTH - used).max(2));
                    row += evidence;
                } else {
                    self.line(&row);
                    row = format!(
                        "{}{evidence}",
                        " ".repeat(
                            WIDTH.saturating_sub(evidence.chars().count()).max(indent.len())
                        )
                    );
                }
            }
            self.line(&row);
        }
    }
}

/// Foreign text without line breaks and with what a terminal could act on made visible, before it is measured.
fn sanitized(text: &str) -> String {
    Escaped(&text.replace(['\n', '\t'], " ")).to_string()
}

/// Words packed into lines of at most `width` characters; longer words are cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if length <= width {
                break;
            }
            let cut = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
            lines.push(word[..cut].to_owned());
            word = &word[cut..];
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line += word;
        used += word.chars().count();
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

/// `L3 L7-L9`, shortened when long.
pub(super) fn cite(lines: &[LineSpan]) -> String {
    let shown: Vec<String> = lines.iter().take(6).map(ToString::to_string).collect();
    let more = if lines.len() > 6 { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}

fn head(text: &str) -> String {
    format!("{text:<HEAD$}")
}

fn events(out: &mut Page, diagnosis: &Diagnosis) {
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
            &format!("{}{}{when}{boot}{again}", verdict::title(event), about(diagnosis, event)),
            &LineSpan::new(event.lines.first, event.lines.first).to_string(),
        );
    }
    let hidden = events.len().saturating_sub(EVENTS_SHOWN) as u64 + diagnosis.seen.dropped;
    if hidden > 0 {
        out.entry(&head(""), &format!("… and {hidden} more"), "");
    }
}

/// Who and where, for kinds whose title does not say it.
fn about(diagnosis: &Diagnosis, event: &Event) -> String {
    let mut parts = Vec::new();
    match &event.detail {
        Detail::Stall(stall) => {
            if let Some(period) = &stall.period
                && event.kind == EventKind::RcuStall
            {
                parts.push(format!("g={}", period.number));
            }
            for reader in stall.tasks.iter().take(2) {
                let depth = match (reader.depth, &reader.flags) {
                    (Some(depth), Some(flags)) => format!("/{depth}:{flags}"),
                    _ => String::new(),
                };
                parts.push(format!("holdout task P{}{depth}", reader.pid));
            }
            let cpus: Vec<String> =
                stall.cpus.iter().take(6).map(|cpu| cpu.cpu.to_string()).collect();
            if !cpus.is_empty() {
                let more = if stall.cpus.len() > 6 {
                    format!(" and {} more", stall.cpus.len() - 6)
                } else {
                    String::new()
                };
                parts.push(format!("holdout CPU {}{more}", cpus.join(", ")));
            }
        }
        Detail::Hung(_) => {}
        _ => {
            if let Some(task) = &event.task {
                parts.push(task.to_string());
            }
            if let Some(cpu) = event.cpu
                && !verdict::title(event).contains("CPU")
            {
                parts.push(format!("CPU {cpu}"));
            }
        }
    }
    let _ = diagnosis;
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

fn kernel(out: &mut Page, diagnosis: &Diagnosis) {
    let kernel = &diagnosis.seen.kernel;
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    match &kernel.release {
        Some((release, line)) => {
            parts.push(match kernel.modified() {
                Some(sign) => format!("{release} (modified tree: \"{sign}\"{})", local(diagnosis)),
                None => release.clone(),
            });
            lines.push(*line);
        }
        None => parts.push("version not in the log".into()),
    }
    match (&kernel.taint, &kernel.later_taint) {
        (Some((taint, _)), None) if taint.is_empty() => parts.push("not tainted".into()),
        (Some((taint, _)), None) => parts.push(format!("taint {taint}")),
        (Some((taint, _)), Some((later, line))) => {
            parts.push(format!(
                "taint {}, then {later}",
                if taint.is_empty() { "none" } else { taint }
            ));
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

fn local(diagnosis: &Diagnosis) -> String {
    diagnosis
        .seen
        .events
        .iter()
        .find_map(|event| analysis_hang::local_symbol(&diagnosis.seen, event))
        .map(|function| format!("; frame {function} is defined in the text around the log"))
        .unwrap_or_default()
}

fn place(out: &mut Page, diagnosis: &Diagnosis) {
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
    if let Some((function, line)) = stack::where_it_was(snapshot) {
        parts.push(format!("at {function}"));
        lines.push(LineSpan::line(line));
    }
    if let Some(span) = snapshot.lines {
        lines.insert(0, LineSpan::line(span.first));
    }
    if !parts.is_empty() {
        out.entry(&head("Where"), &parts.join(", "), &cite(&lines));
    }
}

fn order(out: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.seen.events.len() < 2 {
        return;
    }
    let statement = match &diagnosis.first_cause {
        Some(cause) => {
            let (mut others, mut separate) = (Vec::new(), Vec::new());
            for other in &diagnosis.groups {
                let list =
                    if other.events.contains(&cause.event) { &mut others } else { &mut separate };
                list.extend(other.events.iter().copied().filter(|id| *id != cause.event));
            }
            let mut text = format!("{} first", cause.event);
            if !others.is_empty() {
                let hang = if others.len() == 1 { "hangs" } else { "hang" };
                text += &format!("; {} {hang} on it", in_runs(others));
            }
            if !separate.is_empty() {
                text += &format!("; {} not shown to belong to it", in_runs(separate));
            }
            text
        }
        None => "not decided by this log".into(),
    };
    out.entry(&head("Order"), &statement, "");
}

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

fn verdict_of(out: &mut Page, diagnosis: &Diagnosis) {
    let verdict = &diagnosis.verdict;
    let cause = if diagnosis.missing.is_empty() { "" } else { "; what is open stands under Need" };
    out.entry(&head("Verdict"), &verdict.statement, "");
    out.entry(
        &head(""),
        &format!("({}; grade {}{cause})", verdict.kind.name().replace('_', " "), verdict.grade),
        &cite(&verdict.lines),
    );
    if let Some(cause) = &diagnosis.first_cause {
        out.entry(&head("First"), &cause.statement, &format!("{}  L{}", cause.grade, cause.line));
    }
    if let Some(event) = diagnosis.main_event()
        && let Detail::Stall(stall) = &event.detail
        && let Some(line) = stall.boilerplate
    {
        out.entry(&head("Note"), "the sentence about what is expected if the thread gets no time is boilerplate, not an event", &format!("L{line}"));
    }
}

/// Statements about registers that the text shows; JSON has them all.
const REGISTERS_SHOWN: usize = 12;

/// What registers, faults and code bytes say; empty when they say nothing.
pub(super) fn registers(claims: &[Claim]) -> String {
    let mut out = Page::default();
    let telling: Vec<Claim> =
        claims.iter().filter(|claim| is_telling(claim)).take(REGISTERS_SHOWN).cloned().collect();
    if !telling.is_empty() {
        // The section stands behind the report.
        out.text.push('\n');
        self::claims(&mut out, "Registers", &telling);
    }
    out.text
}

/// Whether a statement on registers is worth a line: what stands in nearly every dump is left to JSON.
pub(super) fn is_telling(claim: &Claim) -> bool {
    !claim.statement.starts_with("IRQs enabled")
}

/// What was not read or kept.
pub(super) fn notices(notices: &[String]) -> String {
    let mut out = Page::default();
    for (at, notice) in notices.iter().enumerate() {
        if at == 0 {
            out.text.push('\n');
        }
        out.entry(if at == 0 { "Notice   " } else { "         " }, notice, "");
    }
    out.text
}

fn claims(out: &mut Page, title: &str, claims: &[Claim]) {
    if claims.is_empty() {
        return;
    }
    out.blank();
    out.line(title);
    for (at, claim) in claims.iter().enumerate() {
        let rules: Vec<&str> = claim.rules.iter().map(|rule| rule.0).collect();
        let evidence = format!("{}  {}  {}", claim.grade, cite(&claim.lines), rules.join(" "));
        out.entry(&format!("{:>3} ", at + 1), &claim.statement, evidence.trim_end());
    }
}

fn graph(out: &mut Page, diagnosis: &Diagnosis) {
    let graph = &diagnosis.graph;
    if graph.edges.is_empty() {
        return;
    }
    out.blank();
    out.line("Wait graph");
    for edge in graph.edges.iter().take(EDGES_SHOWN) {
        let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
        let what = if to.name == edge.waits_for
            || edge.waits_for.starts_with(&to.name)
            || edge.waits_for.contains(&to.name)
        {
            edge.waits_for.clone()
        } else if to.name.starts_with(&edge.waits_for) {
            to.name.clone()
        } else {
            format!("{} ({})", to.name, edge.waits_for)
        };
        out.entry(
            "  ",
            &format!("{} -> {what}", from.name),
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
    let ends: Vec<&str> = {
        let mut ends: Vec<&str> = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                graph.edges.iter().any(|e| e.to == *at) && graph.out(*at).next().is_none()
            })
            .map(|(_, node)| node.name.as_str())
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

fn groups(out: &mut Page, diagnosis: &Diagnosis) {
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
        let perhaps = group
            .perhaps_of
            .as_ref()
            .and_then(|(of, why)| {
                diagnosis
                    .groups
                    .get(*of)
                    .map(|of| format!("; perhaps a symptom of {}: {why}", of.key))
            })
            .unwrap_or_default();
        out.entry("  ", &format!("{}  ({}{more}{perhaps})", group.key, events.join(" ")), "");
    }
}

fn list(out: &mut Page, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    out.blank();
    out.line(title);
    for (at, item) in items.iter().enumerate() {
        out.entry(&format!("{:>3} ", at + 1), item, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_promised_and_nothing_acts_on_a_terminal() {
        let evil = "a\u{1b}[31m\u{202e}b";
        let log = format!(
            "[   50.0] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [{evil}:77]\n[   50.1] CPU: 3 PID: 77 Comm: {evil} Not tainted 6.1.0 #1\n[   50.2] RIP: 0010:{}+0x1/0x9\n",
            "long_".repeat(50)
        );
        let text = report(&analysis_hang::diagnose(log.as_bytes()));
        assert!(text.contains("soft lockup"));
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line}");
        }
    }

    #[test]
    fn words_are_packed_and_long_ones_cut() {
        assert_eq!(wrap("aaaa bbbb cccc dddd eeee", 20), ["aaaa bbbb cccc dddd", "eeee"]);
        assert_eq!(wrap(&"x".repeat(45), 20).len(), 3);
    }
}
