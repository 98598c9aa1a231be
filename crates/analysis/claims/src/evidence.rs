//! What an analysis can be judged against: the lines it quotes, the stacks it writes down, and the
//! log itself where it is given.
//!
//! Invariant: prose is never evidence. Only console lines and stacks are.

use std::cell::OnceCell;
use std::sync::LazyLock;

use analysis_hang::event::{
    Detail, Event, EventId, EventKind, HungScan, SnapshotId, Stall, StallCpu, StallTask,
};
use analysis_hang::graph::{Graph, NodeKind};
use analysis_hang::wait::{self, Awaited};
use analysis_hang::{Collector, Observations, graph};
use model::{Grade, LineSpan};
use parse_console::Line;
use regex::Regex;

use crate::console::is_console;
use crate::document::{Document, LineKind};
use crate::index::Index;
use crate::quoted::{self, QuotedStack};

/// Which input a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The analysis.
    Analysis,
    /// The log given beside it.
    Log,
}

/// Lines of one of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cited {
    /// Which input.
    pub source: Source,
    /// Which lines.
    pub lines: LineSpan,
}

/// `L7` in the analysis, `log L7` in the log.
impl std::fmt::Display for Cited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.source {
            Source::Analysis => self.lines.fmt(f),
            Source::Log => write!(f, "log {}", self.lines),
        }
    }
}

/// One body of console lines with what is seen in it.
#[derive(Debug)]
pub struct Exhibit<'a> {
    /// Which input.
    pub source: Source,
    /// The console lines.
    pub lines: Vec<&'a Line<'a>>,
    /// Events, stacks, kernel.
    pub seen: Observations,
    /// Who waits for whom.
    pub graph: Graph,
    /// The lines look like a whole stretch of a console, not like single quoted lines.
    pub is_stretch: bool,
    /// What the diagnosis of a stretch concludes; single lines are not diagnosed.
    pub verdict: Option<analysis_hang::verdict::Verdict>,
    /// HZ, as far as a stretch tells it.
    pub hertz: Option<analysis_hang::hertz::Hertz>,
}

/// Everything to judge against.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What the analysis itself quotes.
    pub quoted: Exhibit<'a>,
    /// The log beside it.
    pub log: Option<Exhibit<'a>>,
    /// The stacks written by hand.
    pub stacks: Vec<QuotedStack>,
    /// What the exhibits say of single things, gathered at the first question.
    pub(crate) index: OnceCell<Index>,
}

/// How a chain of waits ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// At a task that runs or could run.
    Runnable(String),
    /// At a thread that idles while something still counts on it.
    Idle(String),
    /// At a lock whose holder is not shown.
    NoHolder(String),
    /// At a device, server or user program.
    Elsewhere(String),
    /// At a CPU.
    Cpu(String),
    /// At something the exhibits do not show.
    Unknown(String),
}

/// The most stray lines turned into holdouts.
const MOST_HOLDOUTS: usize = 64;
/// Console lines in a row from which on they count as a stretch of a log.
const STRETCH: usize = 12;

static HOLDOUT_TASK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bP(\d{1,7})(?:/(\d+):(\S+))?").ok());
static HOLDOUT_CPU: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:rcu:)?\s*(\d{1,5})-([.O?][.o?][.N?]\S?):").ok());

/// Gathers the evidence.
pub fn gather<'a>(document: &'a Document<'a>, log: Option<&'a [Line<'a>]>) -> Evidence<'a> {
    let stacks = quoted::stacks(document);
    let lines: Vec<&Line<'_>> = document
        .console
        .iter()
        .filter(|line| {
            let at = usize::try_from(line.number).unwrap_or(usize::MAX).saturating_sub(1);
            match document.kinds.get(at) {
                Some(LineKind::Console) => true,
                // A report that a mail quotes with `>` is what the mail speaks of.
                Some(LineKind::Quoted) => is_console(line),
                _ => false,
            }
        })
        .collect();
    let mut seen = observe(&lines);
    add_stacks(&mut seen, &stacks, &states(document));
    add_stray_holdouts(&mut seen, &lines);
    let is_stretch = longest_run(&lines) >= STRETCH;
    let quoted =
        exhibit(Source::Analysis, lines, seen, is_stretch, is_stretch && stacks.is_empty());
    let log = log.map(|lines| {
        let lines: Vec<&Line<'_>> = lines.iter().collect();
        let mut seen = observe(&lines);
        add_stray_holdouts(&mut seen, &lines);
        exhibit(Source::Log, lines, seen, true, true)
    });
    Evidence { quoted, log, stacks, index: OnceCell::new() }
}

/// Builds the graph, and the diagnosis where there is enough for one.
fn exhibit<'a>(
    source: Source,
    lines: Vec<&'a Line<'a>>,
    seen: Observations,
    is_stretch: bool,
    diagnosed: bool,
) -> Exhibit<'a> {
    if diagnosed {
        let diagnosis = analysis_hang::conclude(seen);
        return Exhibit {
            source,
            lines,
            seen: diagnosis.seen,
            graph: diagnosis.graph,
            is_stretch,
            verdict: Some(diagnosis.verdict),
            hertz: diagnosis.hertz,
        };
    }
    let graph = graph::build(&seen, 0);
    Exhibit { source, lines, seen, graph, is_stretch, verdict: None, hertz: None }
}

fn observe(lines: &[&Line<'_>]) -> Observations {
    let mut collector = Collector::new();
    for line in lines {
        collector.line(line);
    }
    collector.finish()
}

fn longest_run(lines: &[&Line<'_>]) -> usize {
    let mut longest = usize::from(!lines.is_empty());
    let mut run = longest;
    for pair in lines.windows(2) {
        run = if pair[1].number <= pair[0].number + 1 { run + 1 } else { 1 };
        longest = longest.max(run);
    }
    longest
}

/// What prose says of the state of tasks: name (singular), letter, line.
fn states(document: &Document<'_>) -> Vec<(String, char, LineSpan)> {
    static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\b([A-Za-z][\w./:-]+) (?:is|are|was|were) (?:both |all )?(?:stuck |blocked |sleeping )?in (?:state )?([DSRI])\b").ok()
    });
    let Some(shape) = SHAPE.as_ref() else { return Vec::new() };
    document
        .sentences
        .iter()
        .flat_map(|sentence| {
            shape.captures_iter(&sentence.text).filter_map(move |captures| {
                let whole = captures.get(0)?.range();
                let name = captures[1].trim_end_matches('s').to_owned();
                Some((name, captures[2].chars().next()?, sentence.lines_of(whole)))
            })
        })
        .collect()
}

fn add_stacks(
    seen: &mut Observations,
    stacks: &[QuotedStack],
    states: &[(String, char, LineSpan)],
) {
    for stack in stacks {
        let mut ids = Vec::new();
        for mut snapshot in stack.of_each_task() {
            let name = snapshot.task.as_ref().map(|t| t.name.clone()).unwrap_or_default();
            if snapshot.state.is_none()
                && let Some((_, state, _)) =
                    states.iter().find(|(n, ..)| name.starts_with(n.as_str()))
            {
                snapshot.state = Some(*state);
                snapshot.on_cpu = *state == 'R';
            }
            ids.push(SnapshotId(seen.snapshots.len()));
            seen.snapshots.push(snapshot);
        }
        if !ids.is_empty() {
            let event = event(
                seen,
                EventKind::HungTasks,
                stack.lines,
                ids,
                Detail::Hung(HungScan::default()),
            );
            seen.events.push(event);
        }
    }
}

/// Holdouts quoted without the head of their report become a stall of their own.
fn add_stray_holdouts(seen: &mut Observations, lines: &[&Line<'_>]) {
    if seen
        .events
        .iter()
        .any(|e| matches!(&e.detail, Detail::Stall(s) if !s.tasks.is_empty() || !s.cpus.is_empty()))
    {
        return;
    }
    let mut stall = Stall::default();
    for line in lines {
        let text = line.text.trim();
        let text = text.strip_prefix("rcu:").unwrap_or(text).trim_start();
        if text.starts_with("Tasks blocked on level-")
            && let Some(shape) = HOLDOUT_TASK.as_ref()
        {
            for captures in shape.captures_iter(text) {
                let Ok(pid) = captures[1].parse() else { continue };
                if stall.tasks.len() < MOST_HOLDOUTS {
                    stall.tasks.push(StallTask {
                        line: line.number,
                        pid,
                        depth: captures.get(2).and_then(|d| d.as_str().parse().ok()),
                        flags: captures.get(3).map(|f| f.as_str().to_owned()),
                    });
                }
            }
        } else if let Some(captures) = HOLDOUT_CPU.as_ref().and_then(|s| s.captures(text))
            && let Ok(cpu) = captures[1].parse()
            && stall.cpus.len() < MOST_HOLDOUTS
        {
            stall.cpus.push(StallCpu {
                line: line.number,
                cpu,
                flags: captures[2].to_owned(),
                ..StallCpu::default()
            });
        }
    }
    let numbers = stall.tasks.iter().map(|t| t.line).chain(stall.cpus.iter().map(|c| c.line));
    let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else { return };
    // The stack of a task that is named as a holdout stands with it.
    let pids: Vec<u32> = stall.tasks.iter().map(|t| t.pid).collect();
    let ids = (0..seen.snapshots.len())
        .filter(|at| {
            seen.snapshots[*at].task.as_ref().and_then(|t| t.pid).is_some_and(|p| pids.contains(&p))
        })
        .map(SnapshotId)
        .collect();
    let event = event(
        seen,
        EventKind::RcuStall,
        LineSpan::new(first, last),
        ids,
        Detail::Stall(Box::new(stall)),
    );
    seen.events.push(event);
}

fn event(
    seen: &Observations,
    kind: EventKind,
    lines: LineSpan,
    snapshots: Vec<SnapshotId>,
    detail: Detail,
) -> Event {
    Event {
        id: EventId(seen.events.len()),
        kind,
        lines,
        line: 0,
        headline: String::new(),
        task: None,
        cpu: None,
        at: None,
        boot: 0,
        snapshots,
        repeats: 0,
        last_repeat: None,
        detail,
    }
}

impl<'a> Exhibit<'a> {
    /// The first line whose message the shape matches.
    pub fn find(&self, shape: &Regex) -> Option<u64> {
        self.lines.iter().find(|line| shape.is_match(&line.text)).map(|line| line.number)
    }

    /// All lines whose message the shape matches.
    pub fn find_all(&self, shape: &Regex) -> Vec<&'a Line<'a>> {
        self.lines.iter().filter(|line| shape.is_match(&line.text)).copied().collect()
    }

    /// A line of this exhibit, to cite.
    pub const fn cite(&self, line: u64) -> Cited {
        Cited { source: self.source, lines: LineSpan::line(line) }
    }

    /// Lines of this exhibit, to cite.
    pub const fn cite_span(&self, lines: LineSpan) -> Cited {
        Cited { source: self.source, lines }
    }

    /// The stalls.
    pub fn stalls(&self) -> impl Iterator<Item = (&Event, &Stall)> {
        self.seen.events.iter().filter_map(|event| match &event.detail {
            Detail::Stall(stall) => Some((event, stall.as_ref())),
            _ => None,
        })
    }

    /// Events of a kind.
    pub fn events(&self, kind: EventKind) -> impl Iterator<Item = &Event> {
        self.seen.events.iter().filter(move |event| event.kind == kind)
    }

    /// The ends of all chains of waits, the same one once.
    pub fn ends(&self) -> Vec<End> {
        let mut ends = Vec::new();
        for start in 0..self.graph.nodes.len() {
            if self.graph.out(start).next().is_none() {
                continue;
            }
            for (sink, _) in self.graph.sinks(start, Grade::Guess) {
                let end = self.end(sink);
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    /// What kind of end a node without outgoing edges is.
    fn end(&self, node: usize) -> End {
        let node = &self.graph.nodes[node];
        let name = node.name.clone();
        match node.kind {
            NodeKind::Lock => End::NoHolder(name),
            NodeKind::Device | NodeKind::UserSpace => End::Elsewhere(name),
            NodeKind::Cpu => End::Cpu(name),
            NodeKind::Task => {
                let pid = node.task.as_ref().and_then(|task| task.pid);
                let stacks = self
                    .seen
                    .snapshots
                    .iter()
                    .filter(|s| pid.is_some() && s.task.as_ref().and_then(|t| t.pid) == pid);
                let mut state = None;
                let mut idle = false;
                for snapshot in stacks {
                    state = state.or(snapshot.state);
                    idle |= wait::awaited(snapshot).is_some_and(|w| w.awaited == Awaited::Nothing);
                }
                match state {
                    Some('R') => End::Runnable(name),
                    _ if idle => End::Idle(name),
                    _ => End::Unknown(name),
                }
            }
            _ => End::Unknown(name),
        }
    }

    /// The tasks that wait, with the edge that says so.
    pub fn has_waits(&self) -> bool {
        !self.graph.edges.is_empty()
    }
}

impl<'a> Evidence<'a> {
    /// What is evidence: the log where it is given, else what the analysis quotes. Beside a log a quotation proves
    /// nothing, since it may be altered.
    pub fn exhibits(&self) -> impl Iterator<Item = &Exhibit<'a>> {
        std::iter::once(self.facts())
    }

    /// The exhibit whose graph tells most: the log's when it shows waits, else the quoted one.
    pub fn graph_exhibit(&self) -> &Exhibit<'a> {
        match &self.log {
            Some(log) if log.has_waits() => log,
            _ => &self.quoted,
        }
    }

    /// Whether a stretch of console is at hand, so that the absence of a line means something.
    pub fn has_stretch(&self) -> bool {
        self.exhibits().any(|exhibit| exhibit.is_stretch)
    }

    /// The first line that the shape matches, in the log or else in the quoted lines.
    pub fn find(&self, shape: &Regex) -> Option<Cited> {
        self.exhibits().find_map(|exhibit| exhibit.find(shape).map(|line| exhibit.cite(line)))
    }
}

/// A cycle in a wait graph.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// `a -> b -> a`.
    pub text: String,
    /// The weakest edge of it.
    pub grade: Grade,
    /// The lines of its edges.
    pub lines: Vec<Cited>,
}

impl Exhibit<'_> {
    /// The surest cycle of the graph: one of seen edges before one with an inferred edge.
    pub fn cycle(&self) -> Option<Cycle> {
        let edges = self.graph.cycle(Grade::Seen).or_else(|| self.graph.cycle(Grade::Inferred))?;
        let name = |node: usize| self.graph.nodes.get(node).map_or("?", |n| n.name.as_str());
        let mut names: Vec<&str> =
            edges.iter().map(|at| name(self.graph.edges[*at].from)).collect();
        names.extend(edges.first().map(|at| name(self.graph.edges[*at].from)));
        let of_cycle = || edges.iter().map(|at| &self.graph.edges[*at]);
        Some(Cycle {
            text: names.join(" -> "),
            grade: of_cycle().map(|e| e.grade).min().unwrap_or(Grade::Inferred),
            lines: of_cycle().flat_map(|e| e.lines.iter().map(|l| self.cite_span(*l))).collect(),
        })
    }

    /// The ends of the chains when there are waits, no cycle, and every chain ends at something
    /// that goes on by itself: then nothing in the graph can last forever on its own account.
    pub fn open_ends(&self) -> Option<Vec<End>> {
        let ends = self.ends();
        let open = |end: &End| matches!(end, End::Runnable(_) | End::Idle(_));
        (!ends.is_empty() && self.graph.cycle(Grade::Guess).is_none() && ends.iter().all(open))
            .then_some(ends)
    }

    /// The lines of all edges.
    pub fn edge_lines(&self) -> Vec<Cited> {
        let mut lines: Vec<Cited> = self
            .graph
            .edges
            .iter()
            .flat_map(|edge| edge.lines.iter().map(|l| self.cite_span(*l)))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}

impl End {
    /// How the end reads behind "ends".
    pub fn text(&self) -> String {
        match self {
            Self::Runnable(name) => format!("at {name}, which is not blocked"),
            Self::Idle(name) => format!("at {name}, which idles"),
            Self::NoHolder(name) => format!("at {name}, whose holder is not shown"),
            Self::Elsewhere(name) => format!("outside the kernel's locks, at {name}"),
            Self::Cpu(name) => format!("at {name}"),
            Self::Unknown(name) => format!("at {name}, of which nothing more is shown"),
        }
    }
}
