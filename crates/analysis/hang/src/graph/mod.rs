//! Who waits for what, held by whom. Nodes are tasks, CPUs, locks, grace periods and the like; an edge
//! says what proves it.
//!
//! Invariants: no edge without lines; a cycle is a cycle of edges that are there, never of names that
//! look alike.

mod holders;
mod releasers;
mod stall;
mod target;

use std::collections::HashMap;

use model::{Grade, LineSpan};

use self::holders::{foretold, holders_by_list, holders_by_stack, owners_named, recursions};
use self::releasers::releasers;
pub(crate) use self::stall::occupant;
use self::stall::{absent_from_stopper, cpu_events, grace_periods, spinning_cpus, stuck_holder};
use self::target::target;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, Snapshot, SnapshotId, Task};
use crate::wait;
use crate::wait::{Awaited, Wait};

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
    absent_from_stopper(&mut graph, &events);
    stuck_holder(&mut graph, seen, &events);
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
        Awaited::KthreadWork => format!("a work item of a kernel thread{from}"),
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
