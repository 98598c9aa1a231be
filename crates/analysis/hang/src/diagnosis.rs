//! The diagnosis of a log: everything put together.

use model::{FirstCause, Grade, LineSpan, Need, Statement, Verdict, VerdictKind};

use crate::cause::{self, Causes};
use crate::claims;
use crate::collect::{Collector, Observations};
use crate::event::Event;
use crate::graph::{self, Graph};
use crate::group::{self, Group};
use crate::hertz::{self, Hertz};
use crate::kernel::Kernel;
use crate::verdict;

/// Boots of one log for which a graph is built; a log of more boots has none for the later ones.
const BOOT_LIMIT: u32 = 64;

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
    /// What would settle what is open.
    pub needs: Vec<Need>,
    /// HZ, where the log tells.
    pub hertz: Option<Hertz>,
    /// The boot that the verdict is about.
    pub boot: u32,
}

impl Diagnosis {
    /// The kernel that the verdict is about.
    pub fn kernel(&self) -> &Kernel {
        self.seen.kernels.of(self.boot)
    }
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
    let statements = claims::all(&seen, &graph, &causes, hertz.as_ref(), boot);
    let first_cause = first_cause(&seen, &causes, &verdict, boot);
    let hypotheses = causes
        .first
        .map(|id| claims::hypotheses(&seen, &graph, seen.event(id)))
        .unwrap_or_default();
    let groups = group::groups(&seen, &graph, &causes, &verdict);
    let needs = needs(&seen, &verdict, boot);
    Diagnosis {
        seen,
        graph,
        causes,
        first_cause,
        verdict,
        statements,
        hypotheses,
        groups,
        needs,
        hertz,
        boot,
    }
}

/// What the verdict leaves open, and what the log as a whole lacks.
fn needs(seen: &Observations, verdict: &Verdict, boot: u32) -> Vec<Need> {
    let mut needs = verdict.needs.clone();
    if seen.lines > 0 && seen.kernels.of(boot).release.is_none() && !seen.events.is_empty() {
        needs.push(Need::KernelVersion);
    }
    if let Some(before) = cause::unseen(seen, boot) {
        needs.push(Need::EarlierLog { letter: before.letter, meaning: before.meaning });
    }
    needs.dedup();
    needs
}

fn first_cause(
    seen: &Observations,
    causes: &Causes,
    verdict: &Verdict,
    boot: u32,
) -> Option<FirstCause> {
    // What damaged the kernel before this log may have begun everything in it.
    if cause::unseen(seen, boot).is_some_and(|before| before.fatal) {
        return None;
    }
    let line = verdict.cause?;
    let finding = verdict.findings.first()?.clone();
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
        finding,
        grade: if verdict.grade == Grade::Unknown { Grade::Seen } else { verdict.grade },
    })
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
