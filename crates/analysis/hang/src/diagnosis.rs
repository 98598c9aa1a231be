//! The diagnosis of a log: everything put together.

use model::{Grade, LineSpan, Statement};

use crate::cause::{self, Causes};
use crate::claims;
use crate::collect::{Collector, Observations};
use crate::event::{Detail, Event, EventId, EventKind};
use crate::graph::{self, Graph, NodeKind};
use crate::hertz::{self, Hertz};
use crate::stack;
use crate::verdict::{self, Verdict, VerdictKind};

/// Boots of one log for which a graph is built; a log of more boots has none for the later ones.
const BOOT_LIMIT: u32 = 64;

/// What happened first.
#[derive(Clone, Debug)]
pub struct FirstCause {
    /// The event.
    pub event: EventId,
    /// The line.
    pub line: u64,
    /// In words.
    pub statement: String,
    /// How sure.
    pub grade: Grade,
}

/// Events that are one bug.
#[derive(Clone, Debug)]
pub struct Group {
    /// Key under which other logs of the same bug fall.
    pub key: String,
    /// The events.
    pub events: Vec<EventId>,
}

/// Everything that can be said of a log.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What the log reports.
    pub seen: Observations,
    /// The wait graph of the boot that the verdict is about.
    pub graph: Graph,
    /// How the events hang together.
    pub causes: Causes,
    /// What happened first, where the log decides.
    pub first_cause: Option<FirstCause>,
    /// The verdict.
    pub verdict: Verdict,
    /// What is said of each event.
    pub statements: Vec<Statement>,
    /// Ranked possibilities for what is open.
    pub hypotheses: Vec<Statement>,
    /// Events by bug.
    pub groups: Vec<Group>,
    /// Exhibits that would settle what is open.
    pub missing: Vec<String>,
    /// HZ, where the log tells.
    pub hertz: Option<Hertz>,
}

/// Diagnoses a log that is in memory.
pub fn diagnose(log: &[u8]) -> Diagnosis {
    let mut collector = Collector::new();
    for line in parse_console::lines(log) {
        collector.line(&line);
    }
    conclude(collector.finish())
}

/// Draws the conclusions from what was collected.
pub fn conclude(seen: Observations) -> Diagnosis {
    let boots = seen.clock.boots().min(BOOT_LIMIT - 1);
    let mut graphs: Vec<Graph> = (0..=boots).map(|boot| graph::build(&seen, boot)).collect();
    let causes = cause::find(&seen, &graphs);
    let boot = causes
        .first
        .or(causes.rivals.first().copied())
        .map_or(0, |id| seen.event(id).boot)
        .min(boots);
    let graph = std::mem::take(&mut graphs[boot as usize]);
    let verdict = verdict::judge(&seen, &graph, &causes);
    let hertz = hertz::find(&seen);
    let statements = claims::all(&seen, &graph, &causes, hertz.as_ref());
    let first_cause = first_cause(&seen, &causes, &verdict);
    let hypotheses = causes
        .first
        .map(|id| claims::hypotheses(&seen, &graph, seen.event(id)))
        .unwrap_or_default();
    let groups = groups(&seen, &graph, &causes, &verdict);
    let mut missing = verdict.missing.clone();
    if seen.lines > 0 && seen.kernel.release.is_none() && !seen.events.is_empty() {
        missing.push("the kernel version (the first line of the boot log, or uname -a)".into());
    }
    if let Some(before) = cause::unseen(&seen) {
        missing.push(format!(
            "the log from boot on: taint {} tells of {} before its first report",
            before.letter, before.what
        ));
    }
    missing.dedup();
    Diagnosis {
        seen,
        graph,
        causes,
        first_cause,
        verdict,
        statements,
        hypotheses,
        groups,
        missing,
        hertz,
    }
}

fn first_cause(seen: &Observations, causes: &Causes, verdict: &Verdict) -> Option<FirstCause> {
    // What damaged the kernel before this log may have begun everything in it.
    if cause::unseen(seen).is_some_and(|before| before.fatal) {
        return None;
    }
    let (line, statement) = verdict.cause.clone()?;
    let event = match verdict.kind {
        // The cycle names its own event: the one whose lines hold the first member.
        VerdictKind::Deadlock | VerdictKind::SuspectedDeadlock => {
            let holds = seen.events.iter().find(|event| event.lines.contains(line));
            let holds = holds.map(|event| event.id)?;
            causes.first.filter(|root| causes.root(holds) == *root).unwrap_or(holds)
        }
        _ => causes.first?,
    };
    let printed = seen.snapshots.iter().any(|s| s.lines.is_some_and(|lines| lines.first == line));
    let line = if printed || seen.event(event).lines.contains(line) {
        line
    } else {
        seen.event(event).lines.first
    };
    Some(FirstCause {
        event,
        line,
        statement,
        grade: if verdict.grade == Grade::Unknown { Grade::Seen } else { verdict.grade },
    })
}

fn groups(seen: &Observations, graph: &Graph, causes: &Causes, verdict: &Verdict) -> Vec<Group> {
    let mut groups: Vec<(EventId, Vec<EventId>)> = Vec::new();
    for event in &seen.events {
        let root = sure_root(causes, event.id);
        match groups.iter_mut().find(|(known, _)| *known == root) {
            Some((_, events)) => events.push(event.id),
            None => groups.push((root, vec![event.id])),
        }
    }
    groups
        .into_iter()
        .map(|(root, events)| Group {
            key: key(seen, graph, causes, verdict, root, &events),
            events,
        })
        .collect()
}

/// The root over links that are more than a guess.
fn sure_root(causes: &Causes, mut event: EventId) -> EventId {
    for _ in 0..=causes.links.len() {
        match &causes.links[event.0] {
            Some(link) if link.grade > Grade::Guess || Some(link.parent) == causes.first => {
                event = link.parent;
            }
            _ => break,
        }
    }
    event
}

fn anchor(seen: &Observations, event: &Event) -> Option<String> {
    seen.subjects(event).find_map(|(_, snapshot)| stack::anchor(snapshot))
}

/// The grouping key of a bug.
fn key(
    seen: &Observations,
    graph: &Graph,
    causes: &Causes,
    verdict: &Verdict,
    root: EventId,
    events: &[EventId],
) -> String {
    let event = seen.event(root);
    let stall = events
        .iter()
        .map(|id| seen.event(*id))
        .find(|e| matches!(e.kind, EventKind::RcuStall | EventKind::RcuKthreadStarved));
    let is_main = causes.first == Some(root);
    if let Some(stall_event) = stall
        && (event.id == stall_event.id || event.kind == EventKind::RcuVoluntarySwitch)
        && let Detail::Stall(stall) = &stall_event.detail
    {
        let place = anchor(seen, event)
            .or_else(|| anchor(seen, stall_event))
            .unwrap_or_else(|| "unknown".into());
        if !stall.tasks.is_empty() {
            let sub = if is_main && verdict.kind == VerdictKind::Leak {
                "leaked_depth"
            } else {
                "task_reader"
            };
            return format!("rcu_stall_task_reader/{sub}/{place}");
        }
        let starved = stall.starved.as_ref().is_some_and(|s| {
            stall.period.as_ref().is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies)
        });
        let place = if starved || !stall.cpus.is_empty() { place } else { "unknown".into() };
        return format!(
            "rcu_stall/{place}/{}",
            if starved { "gp_kthread_starved" } else { "cpu_holdout" }
        );
    }
    match &event.detail {
        Detail::Hung(scan) => {
            let mut ends: Vec<&str> = scan
                .members
                .iter()
                .filter_map(|member| graph.task(member.task.pid?))
                .flat_map(|node| graph.sinks(node, Grade::Inferred))
                .map(|(sink, _)| {
                    if graph.nodes[sink].kind == NodeKind::Task {
                        graph.nodes[sink].task.as_ref().map_or("task", |t| t.name.as_str())
                    } else {
                        graph.nodes[sink].name.as_str()
                    }
                })
                .collect();
            ends.sort_unstable();
            let most = ends
                .iter()
                .max_by_key(|end| ends.iter().filter(|other| other == end).count())
                .map_or("unknown", |end| *end);
            format!("hung_task/{most}")
        }
        Detail::Lockdep(report) => {
            let mut classes: Vec<&str> = [&report.wanted, &report.held]
                .into_iter()
                .flatten()
                .map(|lock| lock.class.as_str())
                .collect();
            classes.sort_unstable();
            format!("{}/{}", event.kind.name(), classes.join("+"))
        }
        Detail::Bad(bad) => {
            format!(
                "{}/{}/{}{}",
                event.kind.name(),
                bad.what,
                bad.function,
                claims::freed_in(seen, bad)
                    .map(|function| format!("/freed in {function}"))
                    .unwrap_or_default()
            )
        }
        Detail::Trap(trap) => format!(
            "{}/{}",
            event.kind.name(),
            trap.function.as_deref().or(trap.place.as_deref()).unwrap_or("unknown")
        ),
        Detail::Stall(_) | Detail::Lockup { .. } => {
            let place = anchor(seen, event).or_else(|| {
                seen.subjects(event).find_map(|(_, s)| stack::where_it_was(s)).map(|(f, _)| f)
            });
            format!("{}/{}", event.kind.name(), place.as_deref().unwrap_or("unknown"))
        }
        _ => {
            let place = seen.subjects(event).find_map(|(_, s)| {
                stack::task_frames(s)
                    .iter()
                    .find(|f| !stack::is_detector(&f.function))
                    .map(|f| f.function.clone())
            });
            format!("{}/{}", event.kind.name(), place.as_deref().unwrap_or("unknown"))
        }
    }
}

impl Diagnosis {
    /// The events that report trouble, for a headline: the first cause, else the first event.
    pub fn main_event(&self) -> Option<&Event> {
        self.first_cause
            .as_ref()
            .map(|cause| self.seen.event(cause.event))
            .or_else(|| self.seen.events.first())
    }

    /// All lines that some claim, edge or cause cites, sorted.
    pub fn cited_lines(&self) -> Vec<LineSpan> {
        let statements = self.statements.iter().chain(&self.hypotheses);
        let mut lines: Vec<LineSpan> =
            statements.flat_map(|statement| statement.lines().iter().copied()).collect();
        lines.extend(self.graph.edges.iter().flat_map(|edge| edge.lines.iter().copied()));
        lines.extend(self.verdict.lines.iter().copied());
        lines.extend(self.seen.events.iter().map(|event| LineSpan::line(event.lines.first)));
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}
