//! Who waits for what, held by whom. Nodes are tasks, CPUs, locks, grace periods and the like; an edge
//! says what proves it.
//!
//! Invariants: no edge without lines; a cycle is a cycle of edges that are there, never of names that
//! look alike.

use std::collections::HashMap;

use facts::{Grade, LineSpan};

use crate::collect::Observations;
use crate::event::{
    Detail, Event, EventId, EventKind, LockList, Ownership, Role, Snapshot, SnapshotId, Stall, Task,
};
use crate::locks;
use crate::stack;
use crate::wait::{self, Awaited, Wait};

/// Edges kept.
const EDGE_LIMIT: usize = 4_000;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A task.
    Task,
    /// A CPU.
    Cpu,
    /// A lock.
    Lock,
    /// An RCU grace period.
    GracePeriod,
    /// An SRCU domain's grace period.
    Srcu,
    /// Work items.
    Work,
    /// A device or its driver.
    Device,
    /// A user program, peer or server.
    UserSpace,
    /// Something else that somebody releases.
    Resource,
    /// The log does not show it.
    Unknown,
}

impl NodeKind {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Cpu => "cpu",
            Self::Lock => "lock",
            Self::GracePeriod => "grace_period",
            Self::Srcu => "srcu_domain",
            Self::Work => "work",
            Self::Device => "device",
            Self::UserSpace => "user_space",
            Self::Resource => "resource",
            Self::Unknown => "unknown",
        }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Stable name for JSON, as `task:1010`.
    pub id: String,
    /// What it stands for.
    pub kind: NodeKind,
    /// Name for people.
    pub name: String,
    /// The task, for tasks.
    pub task: Option<Task>,
    /// The CPU, for CPUs.
    pub cpu: Option<u32>,
    /// Its stack.
    pub snapshot: Option<SnapshotId>,
    /// The event that reports it, where one does.
    pub event: Option<EventId>,
}

/// One waits for the other.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Index of the waiting node.
    pub from: usize,
    /// Index of the node waited for.
    pub to: usize,
    /// In words: what is awaited, or why this one has it.
    pub waits_for: String,
    /// The lines that prove it.
    pub lines: Vec<LineSpan>,
    /// The rule.
    pub rule: &'static str,
    /// How sure.
    pub grade: Grade,
    /// The kernel itself named the holder (R32).
    pub named_by_kernel: bool,
}

/// The wait graph of one boot.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Edges.
    pub edges: Vec<Edge>,
    index: HashMap<String, usize>,
}

impl Graph {
    /// The edges that leave a node.
    pub fn out(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }

    /// The node of a task by its pid.
    pub fn task(&self, pid: u32) -> Option<usize> {
        self.index.get(&format!("task:{pid}")).copied()
    }

    /// The node of a CPU.
    pub fn cpu(&self, cpu: u32) -> Option<usize> {
        self.index.get(&format!("cpu:{cpu}")).copied()
    }

    /// A node with that stable name, made where it is missing.
    pub fn node(&mut self, id: String, kind: NodeKind, name: impl Into<String>) -> usize {
        if let Some(node) = self.index.get(&id) {
            return *node;
        }
        self.index.insert(id.clone(), self.nodes.len());
        self.nodes.push(Node {
            id,
            kind,
            name: name.into(),
            task: None,
            cpu: None,
            snapshot: None,
            event: None,
        });
        self.nodes.len() - 1
    }

    /// The node of a task, made where it is missing.
    pub fn task_node(&mut self, task: &Task) -> usize {
        let id =
            task.pid.map_or_else(|| format!("task:{}", task.name), |pid| format!("task:{pid}"));
        let node = self.node(id, NodeKind::Task, task.to_string());
        let known = &mut self.nodes[node];
        if known.task.as_ref().is_none_or(|known| known.name.is_empty()) {
            known.task = Some(task.clone());
            known.name = task.to_string();
        }
        node
    }

    /// Adds an edge unless the two nodes have one already; a surer edge replaces a weaker one.
    pub fn edge(&mut self, edge: Edge) {
        if self.edges.len() >= EDGE_LIMIT {
            return;
        }
        if let Some(known) =
            self.edges.iter_mut().find(|known| known.from == edge.from && known.to == edge.to)
        {
            if edge.grade > known.grade || edge.named_by_kernel && !known.named_by_kernel {
                *known = edge;
            }
            return;
        }
        self.edges.push(edge);
    }

    /// A cycle of edges of at least `least`, as indices of edges in order; the one through the node with
    /// the lowest number.
    pub fn cycle(&self, least: Grade) -> Option<Vec<usize>> {
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (at, edge) in self.edges.iter().enumerate() {
            if edge.grade >= least {
                next[edge.from].push(at);
            }
        }
        // Depth-first, iterative: a hostile log must not overflow the stack.
        let mut colour = vec![0u8; self.nodes.len()];
        for start in 0..self.nodes.len() {
            if colour[start] != 0 {
                continue;
            }
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            let mut taken: Vec<usize> = Vec::new();
            colour[start] = 1;
            while let Some((node, tried)) = path.last_mut() {
                let Some(edge) = next[*node].get(*tried).copied() else {
                    colour[*node] = 2;
                    path.pop();
                    taken.pop();
                    continue;
                };
                *tried += 1;
                let to = self.edges[edge].to;
                match colour[to] {
                    0 => {
                        colour[to] = 1;
                        taken.push(edge);
                        path.push((to, 0));
                    }
                    1 => {
                        let at = path.iter().position(|(node, _)| *node == to)?;
                        let mut cycle = taken[at..].to_vec();
                        cycle.push(edge);
                        return Some(cycle);
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// Nodes without outgoing edges of at least `least` that can be reached from `start`, with the edges of
    /// the way, nearest first.
    pub fn sinks(&self, start: usize, least: Grade) -> Vec<(usize, Vec<usize>)> {
        let mut seen = vec![false; self.nodes.len()];
        let mut queue = std::collections::VecDeque::from([(start, Vec::new())]);
        let mut sinks = Vec::new();
        seen[start] = true;
        while let Some((node, way)) = queue.pop_front() {
            let mut leaf = true;
            for (at, edge) in self
                .edges
                .iter()
                .enumerate()
                .filter(|(_, edge)| edge.from == node && edge.grade >= least)
            {
                leaf = false;
                if !seen[edge.to] {
                    seen[edge.to] = true;
                    let mut way: Vec<usize> = way.clone();
                    way.push(at);
                    queue.push_back((edge.to, way));
                }
            }
            if leaf && node != start {
                sinks.push((node, way));
            }
        }
        sinks
    }
}

/// A waiting task with what its stack shows.
struct Waiter<'a> {
    node: usize,
    snapshot: &'a Snapshot,
    wait: Wait,
    /// What it waits for.
    target: usize,
}

/// Builds the graph of one boot.
pub fn build(seen: &Observations, boot: u32) -> Graph {
    let mut graph = Graph::default();
    let events: Vec<&Event> = seen.events.iter().filter(|event| event.boot == boot).collect();
    let periods = grace_periods(&mut graph, seen, &events);
    for event in &events {
        cpu_events(&mut graph, seen, event);
    }
    spinning_cpus(&mut graph, seen);
    // Every stack of a task, the first one with frames for each.
    let owners = named_owners(&events);
    let mut stacks: Vec<(usize, SnapshotId)> = Vec::new();
    for event in &events {
        for (id, snapshot) in event.snapshots.iter().map(|id| (*id, seen.snapshot(*id))) {
            if !snapshot.frames.iter().any(|frame| frame.reliable) || !may_wait(event.kind) {
                continue;
            }
            let Some(task) =
                snapshot.task.as_ref().filter(|task| task.pid.is_some_and(|pid| pid > 0))
            else {
                continue;
            };
            // Of a list of all tasks, those that sleep interruptibly are at rest, not hung.
            if matches!(snapshot.state, Some('S' | 'I' | 'T' | 't' | 'Z' | 'X'))
                && graph.task(task.pid.unwrap_or_default()).is_none()
                && !owners.values().any(|owner| Some(*owner) == task.pid)
            {
                continue;
            }
            let node = graph.task_node(task);
            if graph.nodes[node].snapshot.is_none_or(|known| seen.snapshot(known).frames.is_empty())
            {
                graph.nodes[node].snapshot = Some(id);
                stacks.push((node, id));
            }
            graph.nodes[node].event.get_or_insert(event.id);
        }
        if let Detail::Hung(scan) = &event.detail {
            for member in &scan.members {
                if member.task.pid.is_some() {
                    let node = graph.task_node(&member.task);
                    graph.nodes[node].event.get_or_insert(event.id);
                }
            }
        }
    }
    let mut waiters = Vec::new();
    for (node, id) in stacks {
        let snapshot = seen.snapshot(id);
        let Some(wait) = wait::awaited(snapshot) else { continue };
        if wait.awaited == Awaited::Nothing {
            continue;
        }
        let owner = snapshot.task.as_ref().and_then(|task| owners.get(&task.pid?).copied());
        let target = target(&mut graph, seen, boot, node, snapshot, &wait, &periods, owner);
        if target != node {
            let spinning = matches!(wait.awaited, Awaited::SpinLock | Awaited::RemoteCpu);
            graph.edge(Edge {
                from: node,
                to: target,
                waits_for: in_words(&wait),
                lines: vec![wait.lines],
                rule: wait.rule,
                grade: if spinning { Grade::Inferred } else { Grade::Seen },
                named_by_kernel: false,
            });
        }
        waiters.push(Waiter { node, snapshot, wait, target });
    }
    owners_named(&mut graph, &events, &waiters);
    holders_by_list(&mut graph, seen, boot, &waiters);
    holders_by_stack(&mut graph, seen, &waiters);
    releasers(&mut graph, seen, &events, &waiters);
    recursions(&mut graph, &events, &waiters);
    foretold(&mut graph, seen, &events, &waiters);
    graph
}

/// R32: tasks to the owners that the kernel names for the locks they wait for.
fn named_owners(events: &[&Event]) -> HashMap<u32, u32> {
    let mut owners = HashMap::new();
    for event in events {
        let Detail::Hung(scan) = &event.detail else { continue };
        for member in &scan.members {
            if let (Some(pid), Some((_, owner, _))) = (member.task.pid, &member.owner)
                && let Some(owner) = owner.pid
            {
                owners.entry(pid).or_insert(owner);
            }
        }
    }
    owners
}

/// Reports whose stacks show tasks that may wait; those of assertion failures show tasks that run.
fn may_wait(kind: EventKind) -> bool {
    kind.is_hang() || kind == EventKind::Panic
}

/// What a wait is called.
pub fn in_words(wait: &Wait) -> String {
    let from = wait.caller.as_deref().map(|caller| format!(" (from {caller})")).unwrap_or_default();
    match wait.awaited {
        Awaited::Lock(kind) => format!("{kind}{from}"),
        Awaited::SpinLock => format!("spinning lock{from}"),
        Awaited::GracePeriod => "RCU grace period".into(),
        Awaited::ExpeditedGracePeriod => "expedited RCU grace period".into(),
        Awaited::TasksGracePeriod => "tasks-RCU grace period".into(),
        Awaited::Callbacks => "earlier RCU callbacks".into(),
        Awaited::Srcu => format!("SRCU grace period{from}"),
        Awaited::Work => format!("a work item{from}"),
        Awaited::Workqueue => format!("all work of a queue{from}"),
        Awaited::Kthread => format!("a kernel thread{from}"),
        Awaited::EveryCpu => "every CPU to schedule".into(),
        Awaited::RemoteCpu => "other CPUs to answer a function call".into(),
        Awaited::Handler => format!("a timer handler{from}"),
        Awaited::HotplugThread => "the CPU's hotplug thread".into(),
        Awaited::Resource(what) | Awaited::Device(what) | Awaited::User(what) => what.into(),
        Awaited::Server => "a server's reply".into(),
        Awaited::Nothing => "nothing".into(),
        Awaited::Completion => format!("something in {}", wait.function),
    }
}

/// Nodes of stalled grace periods: `(node, event, expedited)`.
fn grace_periods(
    graph: &mut Graph,
    seen: &Observations,
    events: &[&Event],
) -> Vec<(usize, EventId, bool)> {
    let mut periods = Vec::new();
    for event in events {
        let Detail::Stall(stall) = &event.detail else { continue };
        let expedited = event.kind == EventKind::RcuExpeditedStall;
        let number = stall
            .period
            .as_ref()
            .map(|p| p.number)
            .or_else(|| stall.starved.as_ref().and_then(|s| s.number));
        let (kind, name) = match (event.kind, number) {
            (EventKind::RcuExpeditedStall, number) => (
                "exp",
                format!(
                    "expedited grace period{}",
                    number.map(|n| format!(" {n}")).unwrap_or_default()
                ),
            ),
            (EventKind::RcuTasksStall, _) => ("tasks", "tasks-RCU grace period".to_owned()),
            (_, Some(number)) => ("gp", format!("RCU grace period {number}")),
            (_, None) => ("gp", "RCU grace period (number not shown)".to_owned()),
        };
        let node = graph.node(
            format!("{kind}:{}:{}", stall.flavour, number.unwrap_or_default()),
            NodeKind::GracePeriod,
            name,
        );
        graph.nodes[node].event.get_or_insert(event.id);
        periods.push((node, event.id, expedited));
        holdouts(graph, seen, event, stall, node);
    }
    periods
}

fn holdouts(graph: &mut Graph, seen: &Observations, event: &Event, stall: &Stall, period: usize) {
    let idle_all = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
    for cpu in stall.cpus.iter().take(64) {
        if cpu.false_positive && (idle_all || stall.starved.is_some()) {
            continue;
        }
        let node = cpu_node(graph, seen, event, cpu.cpu);
        graph.edge(Edge {
            from: period,
            to: node,
            waits_for: format!("a quiescent state of CPU {}", cpu.cpu),
            lines: vec![LineSpan::line(cpu.line)],
            rule: if event.kind == EventKind::RcuExpeditedStall { "R23" } else { "R03" },
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
    for cpu in stall.cpus.iter().filter(|cpu| !cpu.false_positive && stall.self_detected).take(16) {
        // It takes ticks, is behind, and ran next to no RCU softirq: that work is not done there.
        let (Some(behind), Some((a, b)), Some(node)) =
            (cpu.behind, cpu.softirq, graph.cpu(cpu.cpu))
        else {
            continue;
        };
        if behind == 0 || b < a || b - a > 1 || cpu.rcuc.is_some() {
            continue;
        }
        let softirq = graph.node(
            format!("softirq:{}", cpu.cpu),
            NodeKind::Resource,
            format!("RCU softirq on CPU {} (not executed; reason unknown)", cpu.cpu),
        );
        graph.edge(Edge {
            from: node,
            to: softirq,
            waits_for: format!("RCU softirq on CPU {} (not executed; reason unknown)", cpu.cpu),
            lines: vec![LineSpan::line(cpu.line)],
            rule: "R07",
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
    }
    for reader in stall.tasks.iter().take(64) {
        let snapshot = event.snapshots.iter().find(|id| {
            seen.snapshot(**id).task.as_ref().is_some_and(|task| task.pid == Some(reader.pid))
        });
        let task = snapshot
            .and_then(|id| seen.snapshot(*id).task.clone())
            .unwrap_or(Task { name: String::new(), pid: Some(reader.pid) });
        let node = graph.task_node(&task);
        graph.nodes[node].event.get_or_insert(event.id);
        graph.edge(Edge {
            from: period,
            to: node,
            waits_for: format!("reader {task} to leave its section"),
            lines: vec![LineSpan::line(reader.line)],
            rule: "R19",
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
    let Some(starved) = &stall.starved else { return };
    // A thread that ran shortly before the report is not what holds the period up.
    let dominant = stall
        .period
        .as_ref()
        .is_none_or(|period| starved.jiffies.saturating_mul(2) >= period.jiffies);
    if !dominant {
        return;
    }
    let pid = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.clone());
    let task = pid.unwrap_or(Task { name: starved.flavour.clone(), pid: None });
    let thread = graph.task_node(&task);
    if let Some(id) = stall
        .kthread_stack
        .filter(|id| seen.snapshot(*id).frames.iter().any(|frame| frame.reliable))
    {
        graph.nodes[thread].snapshot.get_or_insert(id);
    }
    graph.nodes[thread].event.get_or_insert(event.id);
    graph.edge(Edge {
        from: period,
        to: thread,
        waits_for: "its grace-period thread".into(),
        lines: vec![LineSpan::line(starved.line)],
        rule: "R13",
        grade: Grade::Seen,
        named_by_kernel: true,
    });
    let place =
        starved.cpu.map_or_else(|| "a CPU (not named)".to_owned(), |cpu| format!("CPU {cpu}"));
    let asleep = starved.state.is_some_and(|state| state & 0x3 != 0);
    if asleep {
        let timer = graph.node(
            format!("timer:{}", starved.cpu.unwrap_or(u32::MAX)),
            NodeKind::Resource,
            format!("timer of {place}"),
        );
        let line = stall.timer.map_or(starved.line, |(line, ..)| line);
        graph.edge(Edge {
            from: thread,
            to: timer,
            waits_for: "its timer to fire".into(),
            lines: vec![LineSpan::line(line)],
            rule: if stall.timer.is_some() { "R16" } else { "R14" },
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
        return;
    }
    // Seen on that CPU: it runs, and what it spins for is its own wait.
    if let Some((id, _)) = starved
        .cpu
        .and_then(|cpu| occupant(seen, event, cpu))
        .filter(|(_, running)| running.pid == task.pid && task.pid.is_some())
    {
        if graph.nodes[thread].snapshot.is_none_or(|known| {
            !seen.snapshot(known).on_cpu || wait::awaited(seen.snapshot(known)).is_none()
        }) {
            graph.nodes[thread].snapshot = None;
        }
        let _ = id;
        return;
    }
    let time = graph.node(
        format!("time:{}", starved.cpu.unwrap_or(u32::MAX)),
        NodeKind::Resource,
        format!("time on {place}"),
    );
    graph.edge(Edge {
        from: thread,
        to: time,
        waits_for: format!("time on {place}"),
        lines: vec![LineSpan::line(starved.line)],
        rule: "R14",
        grade: Grade::Inferred,
        named_by_kernel: false,
    });
    let occupant = starved.cpu.and_then(|cpu| occupant(seen, event, cpu));
    match occupant {
        Some((id, task))
            if task.pid != graph.nodes[thread].task.as_ref().and_then(|t| t.pid)
                && task.pid != Some(0) =>
        {
            let node = graph.task_node(&task);
            graph.nodes[node].snapshot.get_or_insert(id);
            graph.nodes[node].event.get_or_insert(event.id);
            graph.edge(Edge {
                from: time,
                to: node,
                waits_for: format!("{task}, which was on {place} when it was asked"),
                lines: seen.snapshot(id).lines.into_iter().collect(),
                rule: "R18",
                grade: Grade::Inferred,
                named_by_kernel: false,
            });
        }
        Some(_) => {}
        None => {
            let node = graph.node(
                format!("occupant:{}", starved.cpu.unwrap_or(u32::MAX)),
                NodeKind::Unknown,
                format!("unknown occupant of {place}"),
            );
            graph.edge(Edge {
                from: time,
                to: node,
                waits_for: "whatever runs there".into(),
                lines: vec![LineSpan::line(starved.line)],
                rule: "R18",
                grade: Grade::Unknown,
                named_by_kernel: false,
            });
        }
    }
}

/// What ran on a CPU, by a stack printed with the event.
pub(crate) fn occupant(seen: &Observations, event: &Event, cpu: u32) -> Option<(SnapshotId, Task)> {
    event.snapshots.iter().find_map(|id| {
        let snapshot = seen.snapshot(*id);
        let fits = snapshot.cpu == Some(cpu) && snapshot.on_cpu;
        (fits).then(|| snapshot.task.clone()).flatten().map(|task| (*id, task))
    })
}

fn cpu_node(graph: &mut Graph, seen: &Observations, event: &Event, cpu: u32) -> usize {
    let node = graph.node(format!("cpu:{cpu}"), NodeKind::Cpu, format!("CPU {cpu}"));
    graph.nodes[node].cpu = Some(cpu);
    graph.nodes[node].event.get_or_insert(event.id);
    if graph.nodes[node].snapshot.is_none()
        && let Some((id, task)) = occupant(seen, event, cpu)
    {
        let place = stack::where_it_was(seen.snapshot(id))
            .map(|(function, _)| format!(" in {function}"))
            .unwrap_or_default();
        graph.nodes[node].snapshot = Some(id);
        graph.nodes[node].name = format!("CPU {cpu} ({task}{place})");
        graph.nodes[node].task = Some(task);
    }
    node
}

/// Lockups and unanswered calls: edges between CPUs.
fn cpu_events(graph: &mut Graph, seen: &Observations, event: &Event) {
    match (&event.detail, event.kind) {
        (Detail::Csd { from, to }, _) => {
            let (a, b) = (cpu_node(graph, seen, event, *from), cpu_node(graph, seen, event, *to));
            graph.edge(Edge {
                from: a,
                to: b,
                waits_for: format!("CPU {to} to answer a function call"),
                lines: vec![LineSpan::line(event.lines.first)],
                rule: "R43",
                grade: Grade::Seen,
                named_by_kernel: true,
            });
        }
        (_, EventKind::SoftLockup | EventKind::HardLockup) => {
            if let Some(cpu) = event.cpu {
                cpu_node(graph, seen, event, cpu);
            }
        }
        (Detail::Workqueue(report), EventKind::WorkqueueLockup) => {
            for (line, pid, function) in report.in_flight.iter().take(16) {
                let work = graph.node(
                    format!("work:{function}"),
                    NodeKind::Work,
                    format!("work {function}"),
                );
                let worker = graph.task_node(&Task { name: String::new(), pid: Some(*pid) });
                graph.nodes[worker].event.get_or_insert(event.id);
                graph.edge(Edge {
                    from: work,
                    to: worker,
                    waits_for: format!("its worker, pid {pid}"),
                    lines: vec![LineSpan::line(*line)],
                    rule: "R44",
                    grade: Grade::Seen,
                    named_by_kernel: true,
                });
            }
        }
        _ => {}
    }
}

/// CPUs that spin for a lock or for other CPUs.
fn spinning_cpus(graph: &mut Graph, seen: &Observations) {
    for node in 0..graph.nodes.len() {
        if graph.nodes[node].kind != NodeKind::Cpu {
            continue;
        }
        let Some(wait) = graph.nodes[node].snapshot.and_then(|id| wait::awaited(seen.snapshot(id)))
        else {
            continue;
        };
        let caller = wait.caller.as_deref().unwrap_or("an unknown function");
        let target = match wait.awaited {
            Awaited::SpinLock => graph.node(
                format!("spin:{caller}"),
                NodeKind::Lock,
                format!("lock taken in {caller}"),
            ),
            Awaited::RemoteCpu => {
                graph.node("remote".into(), NodeKind::Unknown, "a CPU that does not answer")
            }
            _ => continue,
        };
        let waits_for = in_words(&wait);
        graph.edge(Edge {
            from: node,
            to: target,
            waits_for,
            lines: vec![wait.lines],
            rule: wait.rule,
            grade: Grade::Inferred,
            named_by_kernel: false,
        });
    }
}

/// The node of what a task waits for; `owner` is the pid of the holder that the kernel names.
#[expect(clippy::too_many_arguments, reason = "all that is known of one wait")]
fn target(
    graph: &mut Graph,
    seen: &Observations,
    boot: u32,
    node: usize,
    snapshot: &Snapshot,
    wait: &Wait,
    periods: &[(usize, EventId, bool)],
    owner: Option<u32>,
) -> usize {
    let line = wait.lines.first;
    let nearest = |expedited: bool| {
        // The period that was reported last before the wait was printed, else the first one after it.
        let known = periods.iter().filter(|(_, _, exp)| *exp == expedited);
        known
            .clone()
            .rfind(|(_, id, _)| seen.event(*id).lines.first <= line)
            .or_else(|| known.clone().next())
            .map(|(node, ..)| *node)
    };
    let caller = wait.caller.clone().unwrap_or_else(|| "?".into());
    match wait.awaited {
        Awaited::GracePeriod | Awaited::Callbacks => nearest(false).unwrap_or_else(|| {
            graph.node("gp".into(), NodeKind::GracePeriod, "RCU grace period (no stall reported)")
        }),
        Awaited::ExpeditedGracePeriod => {
            nearest(true).or_else(|| nearest(false)).unwrap_or_else(|| {
                graph.node(
                    "exp".into(),
                    NodeKind::GracePeriod,
                    "expedited RCU grace period (no stall reported)",
                )
            })
        }
        Awaited::TasksGracePeriod => periods
            .iter()
            .find(|(_, id, _)| seen.event(*id).kind == EventKind::RcuTasksStall)
            .map(|(node, ..)| *node)
            .unwrap_or_else(|| {
                graph.node("tasks".into(), NodeKind::GracePeriod, "tasks-RCU grace period")
            }),
        Awaited::Srcu => {
            let domain = srcu_domain(&caller);
            graph.node(
                format!("srcu:{domain}"),
                NodeKind::Srcu,
                format!("SRCU grace period of {domain}"),
            )
        }
        Awaited::Lock(kind) => {
            if let Some(held) = wanted(seen, boot, snapshot, wait) {
                return graph.node(format!("lock:{}", held.address), NodeKind::Lock, held.class);
            }
            if kind == "superblock freeze" {
                return graph.node(
                    "lock:freeze".into(),
                    NodeKind::Lock,
                    "freeze protection of the file system",
                );
            }
            // Locks of one name or one place may be many; two with different owners are not the same.
            let apart = owner.map(|owner| format!(":{owner}")).unwrap_or_default();
            if let Some(name) = locks::taken_by(&caller, &seen.kernel)
                .or_else(|| locks::taken_by(&wait.function, &seen.kernel))
            {
                let apart = if locks::is_one_of_many(name) { apart.as_str() } else { "" };
                return graph.node(format!("lock:{name}{apart}"), NodeKind::Lock, name);
            }
            if wait.caller.is_none() {
                return graph.node(
                    format!("lock-of:{}", graph.nodes[node].id),
                    NodeKind::Lock,
                    format!("{kind} (the log does not show which)"),
                );
            }
            graph.node(
                format!("lock-in:{caller}{apart}"),
                NodeKind::Lock,
                format!("{kind} taken in {caller}"),
            )
        }
        Awaited::SpinLock => match &wait.caller {
            Some(caller) => graph.node(
                format!("spin:{caller}"),
                NodeKind::Lock,
                format!("lock taken in {caller}"),
            ),
            None => graph.node(
                format!("lock-of:{}", graph.nodes[node].id),
                NodeKind::Lock,
                "spinning lock (the log does not show which)",
            ),
        },
        Awaited::Work => graph.node(
            format!("work-of:{caller}"),
            NodeKind::Work,
            format!("work item flushed by {caller}"),
        ),
        Awaited::Workqueue => {
            let queue = locks::FLUSHES
                .iter()
                .find(|(function, _)| *function == caller)
                .map(|(_, queue)| *queue);
            let name = queue.map_or_else(
                || format!("workqueue flushed by {caller}"),
                |queue| format!("workqueue {queue}"),
            );
            graph.node(format!("queue:{}", queue.unwrap_or(&caller)), NodeKind::Work, name)
        }
        Awaited::Kthread => graph.node(
            format!("kthread-of:{caller}"),
            NodeKind::Unknown,
            format!("the end of the kernel thread that {caller} stops"),
        ),
        Awaited::EveryCpu => graph.node(
            "every-cpu".into(),
            NodeKind::Cpu,
            "a CPU that does not schedule (not named)",
        ),
        Awaited::RemoteCpu => {
            graph.node("remote".into(), NodeKind::Unknown, "a CPU that does not answer")
        }
        Awaited::Handler => graph.node(
            format!("handler:{caller}"),
            NodeKind::Unknown,
            format!("timer handler awaited by {caller}"),
        ),
        Awaited::HotplugThread => {
            graph.node("cpuhp".into(), NodeKind::Resource, "hotplug step of the cpuhp thread")
        }
        Awaited::Resource(what) => graph.node(format!("resource:{what}"), NodeKind::Resource, what),
        Awaited::Device(what) => graph.node(format!("device:{what}"), NodeKind::Device, what),
        Awaited::User(what) => graph.node(format!("user:{what}"), NodeKind::UserSpace, what),
        Awaited::Server => graph.node("server".into(), NodeKind::UserSpace, "server or network"),
        Awaited::Nothing => node,
        Awaited::Completion => graph.node(
            format!("in:{}", wait.function),
            NodeKind::Unknown,
            format!("whatever {} waits for", wait.function),
        ),
    }
}

/// SRCU domains by the function that waits for them.
fn srcu_domain(caller: &str) -> String {
    const DOMAINS: &[(&str, &str)] = &[
        ("tracepoint_synchronize_unregister", "tracepoint_srcu"),
        ("perf_trace_event_unreg", "tracepoint_srcu"),
        ("perf_event_release_kernel", "pmus_srcu"),
        ("fsnotify_mark_destroy_workfn", "fsnotify_mark_srcu"),
        ("kvm_swap_active_memslots", "kvm->srcu"),
        ("kvm_set_memslot", "kvm->srcu"),
        ("mmu_notifier_unregister", "mmu_notifier srcu"),
        ("nvme_remove_namespaces", "nvme head srcu"),
    ];
    DOMAINS
        .iter()
        .find(|(function, _)| *function == caller)
        .map_or_else(|| format!("the domain of {caller}"), |(_, domain)| (*domain).to_owned())
}

/// The entry of the task's own list that names the lock it waits for: taken in the function that asks.
fn wanted(
    seen: &Observations,
    boot: u32,
    snapshot: &Snapshot,
    wait: &Wait,
) -> Option<crate::event::HeldLock> {
    let pid = snapshot.task.as_ref()?.pid?;
    let list = lasting_lists(seen, boot).find(|list| list.task.pid == Some(pid))?;
    let caller = wait.caller.as_deref()?;
    let lock = list.locks.iter().rfind(|lock| !is_scheduler_lock(lock))?;
    (lock.at == caller || wait::is_primitive(&lock.at) || lock.at == wait.function)
        .then(|| lock.clone())
        .filter(|lock| !lock.address.is_empty())
}

/// The lists of held locks that say what is held while tasks hang.
fn lasting_lists(seen: &Observations, boot: u32) -> impl Iterator<Item = &LockList> {
    seen.locks.iter().filter(move |list| list.lasting && list.boot == boot)
}

fn is_scheduler_lock(lock: &crate::event::HeldLock) -> bool {
    lock.at == "__schedule" || lock.class.contains("rq->__lock") || lock.class == "&rq->lock"
}

/// R32: the kernel names the holder.
fn owners_named(graph: &mut Graph, events: &[&Event], waiters: &[Waiter<'_>]) {
    for event in events {
        let Detail::Hung(scan) = &event.detail else { continue };
        for member in &scan.members {
            let Some((line, owner, how)) = &member.owner else { continue };
            let from = graph.task_node(&member.task);
            let to = graph.task_node(owner);
            let grade = match how {
                Ownership::Owner => Grade::Seen,
                Ownership::Reader => Grade::Inferred,
                Ownership::LastHolder => Grade::Guess,
            };
            // The lock stands between the two.
            let lock = waiters.iter().find(|waiter| {
                waiter.node == from && matches!(waiter.wait.awaited, Awaited::Lock(_))
            });
            let holder_of = lock.map_or(from, |waiter| waiter.target);
            graph.edge(Edge {
                from: holder_of,
                to,
                waits_for: match how {
                    Ownership::Owner => format!("its likely owner {owner}"),
                    Ownership::Reader => format!("{owner}, the last known reader"),
                    Ownership::LastHolder => format!("{owner}, its last known holder"),
                },
                lines: vec![LineSpan::line(*line)],
                rule: "R32",
                grade,
                named_by_kernel: true,
            });
        }
    }
}

/// R33: holders by the address of the lock.
fn holders_by_list(graph: &mut Graph, seen: &Observations, boot: u32, waiters: &[Waiter<'_>]) {
    let targets: Vec<usize> = {
        let mut all: Vec<usize> = waiters
            .iter()
            .filter(|w| matches!(w.wait.awaited, Awaited::Lock(_)))
            .map(|w| w.target)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    for target in targets {
        let Some(address) = graph.nodes[target].id.strip_prefix("lock:").map(str::to_owned) else {
            continue;
        };
        // First list of each task that has the lock.
        let mut holding: Vec<(&LockList, usize)> = Vec::new();
        for list in lasting_lists(seen, boot) {
            if let Some(at) =
                list.locks.iter().position(|lock| lock.address == address && !address.is_empty())
                && !holding.iter().any(|(known, _)| known.task.pid == list.task.pid)
            {
                holding.push((list, at));
            }
        }
        let waiting: Vec<Option<u32>> = waiters
            .iter()
            .filter(|w| w.target == target)
            .map(|w| w.snapshot.task.as_ref().and_then(|t| t.pid))
            .collect();
        let mut sure = Vec::new();
        let mut open = Vec::new();
        for (list, at) in holding {
            let later = list.locks[at + 1..].iter().any(|lock| !is_scheduler_lock(lock));
            let same_twice = list.locks[at + 1..].iter().any(|lock| lock.address == address);
            if waiting.contains(&list.task.pid) {
                // Waits for it and has it besides: taken twice.
                if same_twice {
                    sure.push((list, at));
                }
            } else if later {
                sure.push((list, at));
            } else {
                open.push((list, at));
            }
        }
        let only = sure.is_empty() && open.len() == 1;
        let grade = if sure.is_empty() {
            if only { Grade::Inferred } else { Grade::Guess }
        } else {
            Grade::Seen
        };
        for (list, at) in if sure.is_empty() { open } else { sure }.into_iter().take(8) {
            let to = graph.task_node(&list.task);
            graph.edge(Edge {
                from: target,
                to,
                waits_for: format!(
                    "{}, which holds it (taken in {})",
                    list.task, list.locks[at].at
                ),
                lines: vec![LineSpan::line(list.line), LineSpan::line(list.locks[at].line)],
                rule: "R33",
                grade,
                named_by_kernel: true,
            });
        }
    }
}

/// Holders by what their own stacks show: inside a function that holds the lock, or past the place where the
/// waiter asks for it.
fn holders_by_stack(graph: &mut Graph, seen: &Observations, waiters: &[Waiter<'_>]) {
    let stacks: Vec<(usize, SnapshotId)> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.kind == NodeKind::Task)
        .filter_map(|(at, node)| node.snapshot.map(|id| (at, id)))
        .collect();
    let mut found = Vec::new();
    for waiter in waiters.iter().filter(|w| matches!(w.wait.awaited, Awaited::Lock(_))) {
        let name = graph.nodes[waiter.target].name.clone();
        if graph.out(waiter.target).any(|edge| edge.grade >= Grade::Inferred) {
            continue;
        }
        for (node, id) in &stacks {
            if *node == waiter.node
                || waiters.iter().any(|other| other.node == *node && other.target == waiter.target)
            {
                continue;
            }
            let snapshot = seen.snapshot(*id);
            let frames = stack::task_frames(snapshot);
            let functions: Vec<&str> = frames.iter().map(|frame| frame.function.as_str()).collect();
            let by_name = locks::held_at(&name, &functions, &seen.kernel);
            let by_offset = || {
                // Same outer function, the waiter still in the helper that returns locked, the other one past it.
                let helper =
                    waiter.wait.caller.as_deref().filter(|caller| locks::returns_locked(caller))?;
                let own = stack::task_frames(waiter.snapshot);
                let outer =
                    own.iter().position(|f| f.function == helper).and_then(|at| own.get(at + 1))?;
                let at = frames
                    .iter()
                    .position(|f| f.function == outer.function && f.size == outer.size)?;
                (at > 0 && frames[at].offset > outer.offset && frames[at - 1].function != helper)
                    .then_some(at)
            };
            let grade = match waiter.wait.caller.as_deref() {
                // Each device has its own: the place tells the kind of lock, not which one.
                Some("device_lock") if by_name.is_none() => Grade::Guess,
                _ => Grade::Inferred,
            };
            let Some(at) = by_name.or_else(by_offset) else { continue };
            found.push((
                waiter.target,
                *node,
                functions[at].to_owned(),
                LineSpan::new(frames[at.saturating_sub(1)].line, frames[at].line),
                waiter.wait.rule,
                grade,
            ));
        }
    }
    for (target, node, function, lines, rule, grade) in found {
        let holder = graph.nodes[node].name.clone();
        graph.edge(Edge {
            from: target,
            to: node,
            waits_for: format!("{holder}, which holds it inside {function}"),
            lines: vec![lines],
            rule: if rule == "W01" && graph.nodes[target].name == "cgroup_mutex" {
                "W47"
            } else {
                rule
            },
            grade,
            named_by_kernel: false,
        });
    }
}

/// Who releases what is no lock: committers, freezers, workers, hotplug threads, SRCU workers.
fn releasers(graph: &mut Graph, seen: &Observations, events: &[&Event], waiters: &[Waiter<'_>]) {
    let stacks: Vec<(usize, SnapshotId)> = graph
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, n)| n.kind == NodeKind::Task)
        .filter_map(|(at, n)| n.snapshot.map(|id| (at, id)))
        .collect();
    let inside = |function: &str, exact: bool| -> Vec<(usize, u64)> {
        stacks
            .iter()
            .filter_map(|(node, id)| {
                let frames = stack::task_frames(seen.snapshot(*id));
                let frame = frames.iter().find(|f| {
                    if exact { f.function == function } else { f.function.starts_with(function) }
                })?;
                Some((*node, frame.line))
            })
            .collect()
    };
    let mut edges: Vec<(usize, usize, String, u64, &'static str, Grade)> = Vec::new();
    for waiter in waiters {
        let candidates: (Vec<(usize, u64)>, &'static str, &str) = match waiter.wait.awaited {
            Awaited::Resource("btrfs transaction commit") => {
                (inside("btrfs_commit_transaction", true), "W26", "commits the transaction")
            }
            Awaited::Resource("journal commit" | "journal transaction") => {
                (inside("jbd2_journal_commit_transaction", true), "W22", "commits the journal")
            }
            Awaited::Resource("queue to be unfrozen") => {
                (inside("blk_mq_freeze_queue_wait", true), "W31", "froze the queue")
            }
            Awaited::HotplugThread => {
                (inside("cpuhp_thread_fun", true), "W46", "is the hotplug thread inside a callback")
            }
            Awaited::Srcu => (inside("process_srcu", true), "W13", "works on an SRCU grace period"),
            Awaited::Lock("superblock freeze") => {
                (inside("thaw_super", false), "W43", "would thaw the file system")
            }
            Awaited::Workqueue | Awaited::Work => {
                let queue = graph.nodes[waiter.target]
                    .id
                    .strip_prefix("queue:")
                    .unwrap_or_default()
                    .to_owned();
                let workers = stacks
                    .iter()
                    .filter_map(|(node, id)| {
                        let (line, work) = seen.snapshot(*id).workqueue.as_ref()?;
                        (work.split_whitespace().next() == Some(queue.as_str()))
                            .then_some((*node, *line))
                    })
                    .collect();
                (workers, "W17", "runs work of that queue")
            }
            _ => continue,
        };
        let (candidates, rule, why) = candidates;
        let others: Vec<_> =
            candidates.into_iter().filter(|(node, _)| *node != waiter.node).collect();
        let grade = if others.len() == 1 { Grade::Inferred } else { Grade::Guess };
        for (node, line) in others.into_iter().take(8) {
            edges.push((waiter.target, node, why.to_owned(), line, rule, grade));
        }
    }
    // A function call that nobody answers: the CPU that a hard lockup or a stall with interrupts off names.
    if let Some(remote) = graph.index.get("remote").copied() {
        let deaf: Vec<(u32, u64)> = events
            .iter()
            .filter_map(|event| match (&event.detail, event.kind) {
                (Detail::Csd { to, .. }, _) => Some((*to, event.lines.first)),
                (_, EventKind::HardLockup) => Some((event.cpu?, event.lines.first)),
                (Detail::Stall(stall), _) if stall.cpus.len() == 1 => {
                    let cpu = stall.cpus.first()?;
                    let pending = cpu
                        .flags
                        .chars()
                        .nth(3)
                        .is_some_and(|flag| flag.is_ascii_digit() || flag == 'D');
                    (pending && !stall.self_detected).then_some((cpu.cpu, cpu.line))
                }
                _ => None,
            })
            .collect();
        let mut deaf = deaf;
        if deaf.is_empty() {
            // Stacks of other CPUs: a task that runs with interrupts off, reported or not.
            for (at, s) in seen.snapshots.iter().enumerate() {
                let (Some(cpu), Some(task)) = (s.cpu, &s.task) else { continue };
                let Some((line, _)) = s.flags.filter(|(_, flags)| flags & 0x200 == 0) else {
                    continue;
                };
                if !s.on_cpu || task.pid == Some(0) || wait::awaited(s).is_some() {
                    continue;
                }
                let node = graph.node(format!("cpu:{cpu}"), NodeKind::Cpu, format!("CPU {cpu}"));
                if graph.nodes[node].snapshot.is_none() {
                    let place = stack::where_it_was(s)
                        .map(|(function, _)| format!(" in {function}"))
                        .unwrap_or_default();
                    graph.nodes[node].cpu = Some(cpu);
                    graph.nodes[node].name = format!("CPU {cpu} ({task}{place})");
                    graph.nodes[node].snapshot = Some(SnapshotId(at));
                }
                deaf.push((cpu, line));
            }
        }
        let mut cpus: Vec<u32> = deaf.iter().map(|(cpu, _)| *cpu).collect();
        cpus.sort_unstable();
        cpus.dedup();
        if let ([cpu], Some((_, line))) = (cpus.as_slice(), deaf.first())
            && let Some(to) = graph.cpu(*cpu)
            && !graph.edges.iter().any(|edge| edge.from == to && edge.to == remote)
        {
            edges.push((remote, to, "takes no interrupts".into(), *line, "W20", Grade::Inferred));
        }
    }
    for (from, to, why, line, rule, grade) in edges {
        let name = graph.nodes[to].name.clone();
        graph.edge(Edge {
            from,
            to,
            waits_for: format!("{name}, which {why}"),
            lines: vec![LineSpan::line(line)],
            rule,
            grade,
            named_by_kernel: false,
        });
    }
}

/// R51: lockdep saw a task take a lock it holds; if the same task then sleeps in the same function, it waits
/// for itself.
fn recursions(graph: &mut Graph, events: &[&Event], waiters: &[Waiter<'_>]) {
    for event in events.iter().filter(|event| event.kind == EventKind::LockdepRecursive) {
        let Detail::Lockdep(report) = &event.detail else { continue };
        let (Some(wanted), Some(held), Some(task)) = (&report.wanted, &report.held, &event.task)
        else {
            continue;
        };
        if wanted.address != held.address || wanted.address.is_empty() {
            continue;
        }
        let Some(waiter) = waiters.iter().find(|w| {
            w.snapshot.task.as_ref().is_some_and(|t| t.pid == task.pid)
                && w.wait.caller.as_deref() == Some(wanted.at.as_str())
        }) else {
            continue;
        };
        graph.nodes[waiter.target].name.clone_from(&wanted.class);
        graph.nodes[waiter.node].event = Some(event.id);
        graph.edge(Edge {
            from: waiter.target,
            to: waiter.node,
            waits_for: format!("{task} itself, which took it in {}", held.at),
            lines: vec![LineSpan::line(wanted.line), LineSpan::line(held.line)],
            rule: "R51",
            grade: Grade::Seen,
            named_by_kernel: true,
        });
    }
}

/// R50: lockdep warned of two locks taken in both orders; if then the task it named sleeps for the one and
/// another task sleeps where the other order was recorded, the cycle has happened.
fn foretold(graph: &mut Graph, seen: &Observations, events: &[&Event], waiters: &[Waiter<'_>]) {
    for event in events.iter().filter(|event| event.kind == EventKind::LockdepCircular) {
        let Detail::Lockdep(report) = &event.detail else { continue };
        let (Some(wanted), Some(held), Some(task)) = (&report.wanted, &report.held, &event.task)
        else {
            continue;
        };
        if report.chain.len() > 2 {
            continue;
        }
        let sleeps = |waiter: &&Waiter<'_>| matches!(waiter.wait.awaited, Awaited::Lock(_));
        let Some(first) = waiters.iter().filter(sleeps).find(|waiter| {
            waiter.snapshot.task.as_ref().is_some_and(|other| other.pid == task.pid)
                && waiter.wait.caller.as_deref() == Some(wanted.at.as_str())
        }) else {
            continue;
        };
        // The stack recorded when the lock now held was taken inside of the one now wanted.
        let recorded: Vec<&str> = event
            .snapshots
            .iter()
            .map(|id| seen.snapshot(*id))
            .find(|snapshot| snapshot.role == Role::Recorded)
            .map(|snapshot| snapshot.frames.iter().map(|frame| frame.function.as_str()).collect())
            .unwrap_or_default();
        let Some(second) = waiters.iter().filter(sleeps).find(|waiter| {
            waiter.node != first.node
                && waiter.target != first.target
                && waiter.wait.caller.as_deref().is_some_and(|caller| {
                    recorded.iter().find(|function| {
                        !wait::is_primitive(function) && !stack::is_detector(function)
                    }) == Some(&caller)
                })
        }) else {
            continue;
        };
        for (lock, holder, name, line) in [
            (first.target, second.node, &wanted.class, wanted.line),
            (second.target, first.node, &held.class, held.line),
        ] {
            graph.nodes[lock].name.clone_from(name);
            let who = graph.nodes[holder].name.clone();
            graph.edge(Edge {
                from: lock,
                to: holder,
                waits_for: format!(
                    "{who}, which took it first in the order that {} recorded",
                    event.id
                ),
                lines: vec![LineSpan::line(line)],
                rule: "R50",
                grade: Grade::Inferred,
                named_by_kernel: false,
            });
        }
    }
}
