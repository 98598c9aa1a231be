//! Nodes and edges of a wait graph, its cycles and the ends of its ways.

use std::collections::HashMap;

use model::{Grade, LineSpan, LockRef, Participant, RuleId, Step, WaitsFor};

use crate::event::{EventId, Snapshot, SnapshotId, Task};
use crate::wait::Wait;

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

/// What a participant is.
pub const fn kind_of(who: &Participant) -> NodeKind {
    use Participant as P;
    match who {
        P::Task { .. } => NodeKind::Task,
        P::Cpu { .. } | P::UnnamedCpu => NodeKind::Cpu,
        P::Lock { .. } | P::LockTakenIn { .. } | P::UnknownLock { .. } | P::FreezeProtection => {
            NodeKind::Lock
        }
        P::GracePeriod { .. } => NodeKind::GracePeriod,
        P::Srcu { .. } => NodeKind::Srcu,
        P::Work { .. }
        | P::WorkFlushedBy { .. }
        | P::Workqueue { .. }
        | P::WorkqueueFlushedBy { .. }
        | P::KthreadWorkFlushedBy { .. } => NodeKind::Work,
        P::HotplugStep
        | P::Softirq { .. }
        | P::Timer { .. }
        | P::CpuTime { .. }
        | P::Resource { .. } => NodeKind::Resource,
        P::Device { .. } => NodeKind::Device,
        P::User { .. } | P::Server => NodeKind::UserSpace,
        P::SilentCpu
        | P::KthreadStoppedBy { .. }
        | P::HandlerAwaitedBy { .. }
        | P::Occupant { .. }
        | P::AwaitedIn { .. } => NodeKind::Unknown,
    }
}

/// The stable name of a participant that is one for the whole boot. Locks and grace periods of which there may be
/// several of one description have an id made where they are found.
fn id_of(who: &Participant) -> String {
    use Participant as P;
    let on = |cpu: &Option<u32>| cpu.map_or_else(|| "?".to_owned(), |cpu| cpu.to_string());
    match who {
        P::Task { task } => match task.pid {
            Some(pid) => format!("task:{pid}"),
            None => format!("task:{}", task.name),
        },
        P::Cpu { cpu, .. } => format!("cpu:{cpu}"),
        P::UnnamedCpu => "every-cpu".into(),
        P::SilentCpu => "remote".into(),
        P::Lock { lock: LockRef { address: Some(address), .. } } => format!("lock:{address}"),
        P::Lock { lock } => format!("lock:{}", lock.class.as_deref().unwrap_or_default()),
        P::LockTakenIn { function, lock: Some(_) } => format!("lock-in:{function}"),
        P::LockTakenIn { function, lock: None } => format!("spin:{function}"),
        P::UnknownLock { .. } => "lock-of:?".into(),
        P::FreezeProtection => "lock:freeze".into(),
        P::GracePeriod { sort, number, .. } => {
            format!("{}:{}", sort.name(), number.unwrap_or_default())
        }
        P::Srcu { domain, function } => {
            format!("srcu:{}", domain.as_deref().unwrap_or(function))
        }
        P::Work { function } => format!("work:{function}"),
        P::WorkFlushedBy { function } => format!("work-of:{function}"),
        P::Workqueue { name } => format!("queue:{name}"),
        P::WorkqueueFlushedBy { function } => format!("queue-of:{function}"),
        P::KthreadWorkFlushedBy { function } => format!("kthread-work:{function}"),
        P::KthreadStoppedBy { function } => format!("kthread-of:{function}"),
        P::HandlerAwaitedBy { function } => format!("handler:{function}"),
        P::HotplugStep => "cpuhp".into(),
        P::Softirq { cpu } => format!("softirq:{cpu}"),
        P::Timer { cpu } => format!("timer:{}", on(cpu)),
        P::CpuTime { cpu } => format!("time:{}", on(cpu)),
        P::Occupant { cpu } => format!("occupant:{}", on(cpu)),
        P::Resource { resource } => format!("resource:{resource}"),
        P::Device { work } => format!("device:{work}"),
        P::User { work } => format!("user:{work}"),
        P::Server => "server".into(),
        P::AwaitedIn { function } => format!("in:{function}"),
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Stable name for JSON, as `task:1010`.
    pub id: String,
    /// What kind of thing it is.
    pub kind: NodeKind,
    /// What it stands for.
    pub who: Participant,
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
    /// What is awaited, or why this one has it.
    pub waits_for: WaitsFor,
    /// The lines that prove it.
    pub lines: Vec<LineSpan>,
    /// The rule.
    pub rule: RuleId,
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

    /// The node of whichever CPU does not schedule.
    pub fn unnamed_cpu(&self) -> Option<usize> {
        self.index.get(&id_of(&Participant::UnnamedCpu)).copied()
    }

    /// The node of whichever CPU does not answer.
    pub fn silent_cpu(&self) -> Option<usize> {
        self.index.get(&id_of(&Participant::SilentCpu)).copied()
    }

    /// The node of a participant, made where it is missing.
    pub fn node(&mut self, who: Participant) -> usize {
        self.keyed(id_of(&who), who)
    }

    /// The node of a participant, one of several of that description that `apart` tells from each other.
    pub fn node_apart(&mut self, who: Participant, apart: Option<&str>) -> usize {
        let id = match apart {
            Some(apart) => format!("{}:{apart}", id_of(&who)),
            None => id_of(&who),
        };
        self.keyed(id, who)
    }

    fn keyed(&mut self, id: String, who: Participant) -> usize {
        if let Some(node) = self.index.get(&id) {
            return *node;
        }
        self.index.insert(id.clone(), self.nodes.len());
        self.nodes.push(Node {
            id,
            kind: kind_of(&who),
            who,
            task: None,
            cpu: None,
            snapshot: None,
            event: None,
        });
        self.nodes.len() - 1
    }

    /// The node of a task, made where it is missing.
    pub fn task_node(&mut self, task: &Task) -> usize {
        let node = self.node(Participant::Task { task: task.clone() });
        let known = &mut self.nodes[node];
        if known.task.as_ref().is_none_or(|known| known.name.is_empty()) {
            known.task = Some(task.clone());
            known.who = Participant::Task { task: task.clone() };
        }
        node
    }

    /// What is waited for at the far end of an edge, and why.
    pub fn step(&self, edge: &Edge) -> Step {
        Step {
            from: self.nodes[edge.from].who.clone(),
            to: self.nodes[edge.to].who.clone(),
            waits_for: edge.waits_for.clone(),
        }
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
pub(super) struct Waiter<'a> {
    pub(super) node: usize,
    pub(super) snapshot: &'a Snapshot,
    pub(super) wait: Wait,
    /// What it waits for.
    pub(super) target: usize,
}
