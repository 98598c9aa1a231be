//! Which events belong together, and which came first. An event gets a parent when something shared
//! proves the tie: a grace period, a task, a CPU, a lock. What shares nothing stays separate.
//!
//! Invariant: where two unrelated reports compete, no first cause is named.

use std::collections::HashSet;

use model::functions::{Role, role};
use model::{Grade, LineSpan};

use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, Stall};
use crate::graph::{Graph, NodeKind};
use crate::stack;
use crate::wait::{self, Awaited};

/// Why an event is taken for a consequence of another.
#[derive(Clone, Debug)]
pub struct Link {
    /// The earlier event (in the order of causes).
    pub parent: EventId,
    /// What they share.
    pub because: String,
    /// The lines that show it.
    pub lines: Vec<LineSpan>,
    /// The rule.
    pub rule: &'static str,
    /// How sure.
    pub grade: Grade,
}

/// How the events hang together.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    /// The link of each event, by event number.
    pub links: Vec<Option<Link>>,
    /// The root event, where one is clear.
    pub first: Option<EventId>,
    /// Roots that compete, where none is clear.
    pub rivals: Vec<EventId>,
}

impl Causes {
    /// The root above an event.
    pub fn root(&self, mut event: EventId) -> EventId {
        let mut steps = 0;
        while let Some(link) = &self.links[event.0] {
            event = link.parent;
            steps += 1;
            if steps > self.links.len() {
                break;
            }
        }
        event
    }
}

/// Most earlier events compared with a later one; more are only compared by kind.
const LOOK_BACK: usize = 200;

/// Ties the events of a log together and finds the first cause.
pub fn find(seen: &Observations, graphs: &[Graph]) -> Causes {
    let mut causes = Causes { links: vec![None; seen.events.len()], ..Causes::default() };
    for (at, event) in seen.events.iter().enumerate() {
        let link = seen.events[at.saturating_sub(LOOK_BACK)..at]
            .iter()
            .filter(|earlier| earlier.boot == event.boot)
            .filter_map(|earlier| tie(seen, graphs.get(event.boot as usize), earlier, event))
            .max_by(|a, b| a.grade.cmp(&b.grade).then(b.parent.cmp(&a.parent)));
        causes.links[at] = link;
    }
    later_stalls(seen, graphs, &mut causes);
    stuck_pools(seen, &mut causes);
    victims(seen, graphs, &mut causes);
    choose(seen, &mut causes);
    causes
}

/// Hung tasks reported before the stall whose grace period they wait for: the stall's holdout is the root.
fn later_stalls(seen: &Observations, graphs: &[Graph], causes: &mut Causes) {
    for (at, event) in seen.events.iter().enumerate() {
        if event.kind != EventKind::HungTasks || causes.links[at].is_some() {
            continue;
        }
        let Some(graph) = graphs.get(event.boot as usize) else { continue };
        let later = seen.events[at + 1..].iter().take(LOOK_BACK).find_map(|later| {
            let Detail::Stall(stall) = &later.detail else { return None };
            (later.boot == event.boot
                && causes.links[later.id.0].is_none()
                && waits_for_period(graph, event, later, stall))
            .then_some(later.id)
        });
        if let Some(parent) = later {
            causes.links[at] = Some(Link {
                parent,
                because: "its tasks wait for the grace period that is then reported as stalled"
                    .into(),
                lines: vec![seen.event(parent).lines],
                rule: "W10",
                grade: Grade::Inferred,
            });
        }
    }
}

/// A report of a worker pool and one of its CPU or worker this far apart may be of one thing, in microseconds.
const SAME_HANG: i64 = 120_000_000;

/// R44: a worker pool reported before its CPU, or the worker in flight, is itself reported as stuck.
fn stuck_pools(seen: &Observations, causes: &mut Causes) {
    for (at, event) in seen.events.iter().enumerate() {
        let Detail::Workqueue(report) = &event.detail else { continue };
        if event.kind != EventKind::WorkqueueLockup || causes.links[at].is_some() {
            continue;
        }
        // A pool of one CPU; those of several go on without one of theirs.
        let only: Option<u32> = report.cpus.parse().ok();
        let stuck = seen.events[at + 1..].iter().take(LOOK_BACK).find(|later| {
            let worker = later.task.as_ref().and_then(|task| task.pid).is_some_and(|pid| {
                pid > 0 && report.in_flight.iter().any(|(_, worker, _)| *worker == pid)
            });
            later.boot == event.boot
                && matches!(later.kind, EventKind::SoftLockup | EventKind::HardLockup)
                && (worker || only.is_some() && later.cpu == only)
                && close(seen, event, later, SAME_HANG)
                && causes.links[later.id.0].as_ref().is_none_or(|link| link.parent == event.id)
        });
        if let Some(stuck) = stuck {
            causes.links[stuck.id.0] = None;
            causes.links[at] = Some(Link {
                parent: stuck.id,
                because: "the CPU or worker of that pool is then reported as stuck".into(),
                lines: vec![LineSpan::line(event.lines.first), LineSpan::line(stuck.lines.first)],
                rule: "R44",
                grade: Grade::Inferred,
            });
        }
    }
}

/// A CPU reported first although it only waits for another one that is reported later: the later one is the
/// root.
fn victims(seen: &Observations, graphs: &[Graph], causes: &mut Causes) {
    for event in seen.events.iter().take(LOOK_BACK) {
        if causes.links[event.id.0].is_some()
            || !matches!(event.kind, EventKind::SoftLockup | EventKind::HardLockup)
        {
            continue;
        }
        let Some(graph) = graphs.get(event.boot as usize) else { continue };
        let Some(node) = event.cpu.and_then(|cpu| graph.cpu(cpu)) else { continue };
        // Which lock a stuck CPU has is a guess; that the only one that waits for nothing comes first is not.
        let sinks = graph.sinks(node, Grade::Guess);
        let culprit = sinks.iter().find_map(|(sink, way)| {
            let found = &graph.nodes[*sink];
            let own = found.event.map(|id| seen.event(id))?;
            let reports = own.cpu == found.cpu
                || matches!(&own.detail, Detail::Stall(stall) if stall.cpus.iter().any(|cpu| Some(cpu.cpu) == found.cpu));
            let is_guess = way.iter().any(|edge| graph.edges[*edge].grade == Grade::Guess);
            (found.kind == NodeKind::Cpu && own.id > event.id && reports).then_some((own, is_guess))
        });
        let Some((culprit, is_guess)) = culprit else { continue };
        let mut above = Some(culprit.id);
        while let Some(id) = above {
            above = causes.links[id.0].as_ref().map(|link| link.parent);
            if above == Some(event.id) {
                causes.links[id.0] = None;
                above = None;
            }
        }
        causes.links[event.id.0] = Some(Link {
            parent: culprit.id,
            because: {
                let which = culprit.cpu.map_or_else(
                    || "the one that blocks the grace period".to_owned(),
                    |cpu| format!("CPU {cpu}"),
                );
                if is_guess {
                    format!("it waits for a lock; the only other stuck CPU is {which}")
                } else {
                    format!("it only waits for {which}")
                }
            },
            lines: vec![LineSpan::line(event.lines.first), LineSpan::line(culprit.lines.first)],
            rule: "W20",
            grade: Grade::Inferred,
        });
    }
}

fn waits_for_period(graph: &Graph, hung: &Event, stall_event: &Event, stall: &Stall) -> bool {
    let Detail::Hung(scan) = &hung.detail else { return false };
    let Some(period) = graph
        .nodes
        .iter()
        .position(|node| node.kind == NodeKind::GracePeriod && node.event == Some(stall_event.id))
    else {
        return false;
    };
    let _ = stall;
    scan.members
        .iter()
        .filter_map(|member| graph.task(member.task.pid?))
        .any(|node| reaches(graph, node, period))
}

/// Whether a way of edges that are at least inferred leads from one node to the other.
fn reaches(graph: &Graph, from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.nodes.len()];
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        open.extend(
            graph.out(node).filter(|edge| edge.grade >= Grade::Inferred).map(|edge| edge.to),
        );
    }
    false
}

/// The tie from a later event to an earlier one, if something shared proves it.
fn tie(seen: &Observations, graph: Option<&Graph>, earlier: &Event, later: &Event) -> Option<Link> {
    let link = |because: &str, rule: &'static str, grade: Grade| {
        Some(Link {
            parent: earlier.id,
            because: because.to_owned(),
            lines: vec![LineSpan::line(earlier.lines.first), LineSpan::line(later.lines.first)],
            rule,
            grade,
        })
    };
    use EventKind as K;
    let same_task = match (&earlier.task, &later.task) {
        (Some(a), Some(b)) => a.pid.is_some_and(|pid| pid > 1) && a.pid == b.pid,
        _ => false,
    };
    let same_cpu = earlier.cpu.is_some() && earlier.cpu == later.cpu;
    match (&earlier.detail, &later.detail) {
        (Detail::Stall(a), Detail::Stall(b)) => {
            let number = |stall: &Stall| {
                stall
                    .period
                    .as_ref()
                    .map(|p| p.number)
                    .or_else(|| stall.starved.as_ref().and_then(|s| s.number))
            };
            if earlier.kind == later.kind
                && a.flavour == b.flavour
                && number(a).is_some()
                && number(a) == number(b)
            {
                return link("same grace period: one stall", "R10", Grade::Derived);
            }
            let tasks = a.tasks.iter().any(|x| b.tasks.iter().any(|y| x.pid == y.pid));
            let cpus = a.cpus.iter().any(|x| b.cpus.iter().any(|y| x.cpu == y.cpu));
            if tasks || cpus {
                return link("the same holdout", "R10", Grade::Inferred);
            }
            if a.starved.is_some() && b.starved.is_some() {
                return link("the grace-period thread is starved in both", "R13", Grade::Inferred);
            }
        }
        (Detail::Hung(a), Detail::Hung(b)) => {
            if a.members
                .iter()
                .any(|x| b.members.iter().any(|y| x.task.pid.is_some() && x.task.pid == y.task.pid))
            {
                return link("the same tasks, still blocked", "R35", Grade::Seen);
            }
            if let Some(graph) = graph {
                let waits = |scan: &crate::event::HungScan| -> HashSet<usize> {
                    scan.members
                        .iter()
                        .filter_map(|m| graph.task(m.task.pid?))
                        .flat_map(|node| graph.sinks(node, Grade::Inferred))
                        .map(|(sink, _)| sink)
                        // Two that sleep in the same unknown function need not wait for one thing.
                        .filter(|sink| graph.nodes[*sink].kind != NodeKind::Unknown)
                        .collect()
                };
                if waits(a).intersection(&waits(b)).next().is_some() {
                    return link("they wait for the same", "R35", Grade::Inferred);
                }
            }
            return link("tasks hung before in the same boot", "R35", Grade::Guess);
        }
        (Detail::Stall(stall), Detail::Hung(_))
            if graph.is_some_and(|graph| waits_for_period(graph, later, earlier, stall)) =>
        {
            return link("its tasks wait for that grace period", "W10", Grade::Inferred);
        }
        (_, Detail::Stall(stall)) => {
            if let Some(reader) = stall.tasks.iter().find(|reader| {
                earlier.task.as_ref().is_some_and(|task| task.pid == Some(reader.pid))
            }) {
                let mut found = link(
                    "the reader that blocks the grace period is the task of that report",
                    "R26",
                    Grade::Derived,
                )?;
                found.lines =
                    vec![LineSpan::line(earlier.lines.first), LineSpan::line(reader.line)];
                return Some(found);
            }
            if earlier.kind.is_hang() && stall.cpus.iter().any(|cpu| Some(cpu.cpu) == earlier.cpu) {
                return link(
                    "the CPU that blocks the grace period was stuck before",
                    "R03",
                    Grade::Inferred,
                );
            }
        }
        (Detail::Stall(stall), Detail::Lockup { .. })
            if stall.cpus.iter().any(|cpu| Some(cpu.cpu) == later.cpu) =>
        {
            return link("the CPU that blocks the grace period", "R03", Grade::Inferred);
        }
        _ => {}
    }
    if later.kind == K::Panic
        && earlier.kind == K::UserSegfault
        && earlier.task.as_ref().is_some_and(|task| task.pid == Some(1))
        && later.headline.contains("init")
    {
        return link("the first process died of it", "R85", Grade::Inferred);
    }
    if later.kind == K::Panic && announces(&later.headline, earlier.kind) {
        return link("the panic says so", "R85", Grade::Seen);
    }
    if later.kind == K::Panic
        && earlier.kind != K::Device
        && earlier.kind != K::UserSegfault
        && later.lines.first.saturating_sub(earlier.lines.last) < 400
    {
        return link("the panic follows it", "R85", Grade::Inferred);
    }
    let fatal = earlier.kind.is_trap()
        || earlier.kind.is_corruption()
        || matches!(earlier.detail, Detail::Hardware { severe: true })
        || earlier.kind == K::Panic;
    if fatal
        && !only_a_read_long_ago(seen, earlier, later, same_task)
        && (later.kind.is_hang()
            || later.kind.is_trap()
            || later.kind.is_corruption()
            || matches!(later.kind, K::Warning | K::FileSystem | K::Ubsan)
            || later.kind.is_misuse() && (same_task || close(seen, earlier, later, 10_000_000)))
    {
        let died = died(graph, earlier, later);
        return match died {
            Some(lines) => {
                let mut found = link(
                    "the task that failed there holds what others wait for",
                    "R84",
                    Grade::Inferred,
                )?;
                found.lines.extend(lines);
                Some(found)
            }
            None if same_task => link("the same task failed before", "R84", Grade::Inferred),
            None => link("the kernel was damaged before", "R84", Grade::Inferred),
        };
    }
    if earlier.kind == K::NetdevReference
        && later.kind == K::HungTasks
        && let Some(function) = waits_for_namespaces(seen, later)
    {
        return link(
            &format!(
                "the device that is not freed keeps the lock that tasks wait for in {function}"
            ),
            "W37",
            Grade::Inferred,
        );
    }
    match (earlier.kind, later.kind) {
        (K::AllocationFailure, K::FaultOomLeaked) => {
            return link("the echo of the failed allocation", "R72", Grade::Inferred);
        }
        (K::OutOfMemory, K::OutOfMemory) => {
            return link("memory ran out before", "R71", Grade::Inferred);
        }
        (K::AllocationFailure, K::AllocationFailure) => {
            return link("the same kind of failure", "R70", Grade::Inferred);
        }
        (K::AllocationFailure, later_kind)
            if same_task
                && (later_kind.is_trap() || later_kind.is_corruption())
                && close(seen, earlier, later, 5_000_000) =>
        {
            return link("the same task, whose allocation had just failed", "R70", Grade::Inferred);
        }
        (K::AllocationFailure, K::OutOfMemory) => {
            return link("an allocation failed before", "R70", Grade::Guess);
        }
        _ => {}
    }
    if later.kind.is_hang() {
        let stuck = matches!(
            earlier.kind,
            K::SoftLockup | K::HardLockup | K::CsdLock | K::SpinlockLockup
        ) || matches!(&earlier.detail, Detail::Stall(stall) if !stall.cpus.is_empty() || stall.starved.is_some());
        if stuck {
            return link("a CPU was stuck before", "R85", Grade::Inferred);
        }
        if earlier.kind == K::WorkqueueLockup && later.kind != K::WorkqueueLockup {
            return link("a worker pool was stuck before", "R44", Grade::Guess);
        }
        if matches!(earlier.kind, K::WorkqueueLeak) {
            return link("a work function leaked a section before", "R46", Grade::Inferred);
        }
        if earlier.kind == K::Device
            && close(seen, earlier, later, DEVICE_FIRST)
            && let Some(because) = device_before(seen, graph, earlier, later)
        {
            return link(&because, "R85", Grade::Inferred);
        }
    }
    let assertion = matches!(earlier.kind, K::Warning | K::Ubsan) || earlier.kind.is_misuse();
    if assertion && (later.kind.is_hang() || later.kind.is_trap() || later.kind.is_corruption()) {
        if same_task {
            return link("the same task", "R85", Grade::Inferred);
        }
        if let Some(class) = shared_lock(seen, earlier, later) {
            return link(&format!("the same lock, {class}"), "R33", Grade::Inferred);
        }
        if let Some(function) = shared_function(seen, earlier, later) {
            return link(&format!("both in {function}"), "R85", Grade::Inferred);
        }
        if same_cpu && close(seen, earlier, later, 5_000_000) {
            return link("the same CPU, moments later", "R85", Grade::Inferred);
        }
    }
    if earlier.kind == K::ScheduleInAtomic
        && (later.kind.is_trap() || later.kind.is_corruption())
        && close(seen, earlier, later, 5_000_000)
    {
        return link(
            "a task switch where none may be breaks the CPU's state",
            "R61",
            Grade::Inferred,
        );
    }
    if earlier.kind == later.kind
        && later.kind.is_misuse()
        && close(seen, earlier, later, 1_000_000)
        && matches!((earlier.at, later.at), (Some(_), Some(_)))
    {
        return link("the same kind of report at the same moment", "R85", Grade::Inferred);
    }
    if assertion && (matches!(later.kind, K::Warning | K::Ubsan) || later.kind.is_misuse()) {
        if same_task {
            return link("the same task", "R85", Grade::Inferred);
        }
        if let Some(function) = shared_function(seen, earlier, later) {
            return link(&format!("both in {function}"), "R85", Grade::Inferred);
        }
    }
    None
}

/// W37: the function in which a hung task waits for the lock of network namespaces, or for the device itself. The
/// worker that frees a namespace has that lock while it waits for the last reference.
fn waits_for_namespaces(seen: &Observations, hung: &Event) -> Option<String> {
    const WAITERS: &[&str] = &[
        "copy_net_ns",
        "cleanup_net",
        "netdev_wait_allrefs",
        "netdev_run_todo",
        "register_pernet_",
        "unregister_pernet_",
    ];
    hung.snapshots.iter().take(64).find_map(|id| {
        stack::task_frames(seen.snapshot(*id))
            .into_iter()
            .find(|frame| WAITERS.iter().any(|start| frame.function.starts_with(start)))
            .map(|frame| frame.function.clone())
    })
}

/// Something that the first report's taint tells of and the log does not show.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// The line with the taint.
    pub line: u64,
    /// The letter.
    pub letter: char,
    /// What happened.
    pub what: &'static str,
    /// It left the kernel damaged, so that nothing in this log can be called the first cause.
    pub fatal: bool,
}

/// R84: a kernel that was tainted when it printed the first report of the log.
pub fn unseen(seen: &Observations) -> Option<Unseen> {
    const TAINTS: &[(char, &str, bool)] = &[
        ('D', "an oops or BUG", true),
        ('B', "a bad page or slab", true),
        ('M', "a machine check", false),
        ('L', "a soft lockup", false),
        ('W', "a warning", false),
    ];
    let (letters, line) = seen.kernel.taint.as_ref()?;
    let own = seen.events.iter().find(|event| event.lines.contains(*line))?;
    let (letter, what, fatal) = TAINTS.iter().find(|(letter, ..)| letters.contains(*letter))?;
    let first = seen.events.iter().all(|event| event.id >= own.id);
    // Kernels before 4.x taint before they print the warning itself.
    let itself = *letter == 'W' && own.kind == EventKind::Warning;
    (first && !itself).then_some(Unseen { line: *line, letter: *letter, what, fatal: *fatal })
}

/// Whether a panic's line names that kind of report as its reason.
fn announces(panic: &str, kind: EventKind) -> bool {
    use EventKind as K;
    let says = |text: &str| panic.contains(text);
    match kind {
        K::HardLockup => says("Hard LOCKUP"),
        K::SoftLockup => says("softlockup"),
        K::HungTasks => says("hung_task"),
        K::RcuStall | K::RcuExpeditedStall | K::RcuKthreadStarved => says("RCU Stall"),
        K::OutOfMemory => says("Out of memory") || says("System is deadlocked on memory"),
        _ => false,
    }
}

/// How long after a bad read a hang of other tasks may still be its consequence, in microseconds.
const AFTER_BAD_READ: i64 = 10_000_000;

/// Whether the earlier event is a bad read that damaged nothing, and the later one a hang of other tasks
/// so long after it that nothing ties them.
fn only_a_read_long_ago(
    seen: &Observations,
    earlier: &Event,
    later: &Event,
    same_task: bool,
) -> bool {
    let Detail::Bad(bad) = &earlier.detail else { return false };
    bad.access.as_ref().is_some_and(|(_, kind, _)| kind == "read")
        && !same_task
        && later.kind.is_hang()
        && !close(seen, earlier, later, AFTER_BAD_READ)
}

fn close(seen: &Observations, earlier: &Event, later: &Event, within: i64) -> bool {
    match (earlier.at, later.at) {
        (Some(a), Some(b)) => seen.clock.between(a, b).is_some_and(|gap| gap.abs() <= within),
        _ => later.lines.first.saturating_sub(earlier.lines.last) < 60,
    }
}

/// Lines that show the task of a fault as holder of what the later event's tasks wait for.
fn died(graph: Option<&Graph>, fault: &Event, later: &Event) -> Option<Vec<LineSpan>> {
    let graph = graph?;
    let pid = fault.task.as_ref()?.pid.filter(|pid| *pid > 0)?;
    let node = graph.task(pid)?;
    let _ = later;
    let edge =
        graph.edges.iter().find(|edge| edge.to == node && matches!(edge.rule, "R32" | "R33"))?;
    Some(edge.lines.clone())
}

/// A device that failed this long before tasks hang, in microseconds, may be why they hang.
const DEVICE_FIRST: i64 = 900_000_000;

/// What ties hung tasks to a device that failed before: they wait for a device or for I/O, for a server, or
/// inside the driver that reported.
fn device_before(
    seen: &Observations,
    graph: Option<&Graph>,
    device: &Event,
    hung: &Event,
) -> Option<String> {
    let (Some(graph), Detail::Hung(scan)) = (graph, &hung.detail) else { return None };
    let sinks = |kind: NodeKind| {
        scan.members.iter().filter_map(|member| graph.task(member.task.pid?)).any(|node| {
            graph
                .sinks(node, Grade::Inferred)
                .iter()
                .any(|(sink, _)| graph.nodes[*sink].kind == kind)
        })
    };
    if device.headline.contains("not responding") {
        let server = "the server that they wait for did not respond before";
        return sinks(NodeKind::UserSpace).then(|| server.to_owned());
    }
    let stacks =
        || scan.members.iter().filter_map(|member| member.snapshot).map(|id| seen.snapshot(id));
    if let Some(driver) = driver(&device.headline)
        && stacks().flat_map(stack::task_frames).any(|frame| {
            frame.function.starts_with(driver)
                || frame.module.as_deref().is_some_and(|module| module.starts_with(driver))
        })
    {
        return Some(format!("tasks wait inside {driver}, which reported trouble before"));
    }
    if !is_storage(&device.headline) {
        return None;
    }
    if sinks(NodeKind::Device) {
        return Some("tasks wait for a device, and a device failed before".into());
    }
    stacks()
        .flat_map(stack::task_frames)
        .any(|frame| {
            frame.function.starts_with("io_schedule") || frame.function.starts_with("bit_wait_io")
        })
        .then(|| "tasks wait for I/O, and storage failed before".into())
}

/// Whether the trouble is one of storage, not of a network card or a GPU.
fn is_storage(headline: &str) -> bool {
    const OTHERS: &[&str] = &[
        "NETDEV WATCHDOG",
        "transmit queue",
        "Tx Unit Hang",
        "tx timeout",
        "GPU HANG",
        "Link Down",
    ];
    !OTHERS.iter().any(|other| headline.contains(other))
}

/// The driver that a message names first, `nvme` of `nvme nvme0: …`, without number and bus.
fn driver(headline: &str) -> Option<&str> {
    let word = headline.split([' ', ':']).next()?;
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = word.strip_suffix("_core").unwrap_or(word);
    (word.len() >= 4 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .then_some(word)
}

/// A lock class that a lockdep report names and a later stack's task holds or wants.
fn shared_lock(seen: &Observations, earlier: &Event, later: &Event) -> Option<String> {
    let Detail::Lockdep(report) = &earlier.detail else { return None };
    let classes: Vec<&str> = [&report.wanted, &report.held]
        .into_iter()
        .flatten()
        .map(|lock| lock.class.as_str())
        .collect();
    let pids: HashSet<u32> = match &later.detail {
        Detail::Hung(scan) => scan.members.iter().filter_map(|m| m.task.pid).collect(),
        _ => later.task.iter().filter_map(|task| task.pid).collect(),
    };
    seen.locks
        .iter()
        .filter(|list| {
            list.line > earlier.lines.last && list.task.pid.is_some_and(|pid| pids.contains(&pid))
        })
        .flat_map(|list| &list.locks)
        .find(|lock| classes.contains(&lock.class.as_str()))
        .map(|lock| lock.class.clone())
}

/// A telling function both stacks show: neither machinery nor an entry that every stack has.
fn shared_function(seen: &Observations, earlier: &Event, later: &Event) -> Option<String> {
    let telling = |event: &Event, limit: usize| -> Vec<String> {
        event
            .snapshots
            .iter()
            .take(16)
            .flat_map(|id| {
                stack::task_frames(seen.snapshot(*id))
                    .into_iter()
                    .filter(|f| is_telling(&f.function))
                    .take(limit)
                    .map(|f| f.function.clone())
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let first: HashSet<String> = telling(earlier, 6).into_iter().collect();
    telling(later, 8).into_iter().find(|function| first.contains(function))
}

fn is_telling(function: &str) -> bool {
    /// Layers that everything of a subsystem goes through.
    const COMMON: &[&str] = &[
        "vfs_",
        "ksys_",
        "do_sys",
        "__x64_",
        "__arm64_",
        "__se_sys",
        "__do_sys",
        "sock_sendmsg",
        "__sys_",
        "____sys_",
        "___sys_",
        "path_",
        "do_filp",
        "kernel_init",
        "do_one_initcall",
        "secondary_startup",
        "common_startup",
        "start_kernel",
        "arch_",
        "exit_to_user",
        "do_exit",
        "do_group_exit",
        "get_signal",
        "new_sync_",
        "seq_read",
        "kernfs_",
        "sysfs_",
        "dev_attr_",
    ];
    let serves = matches!(
        role(function),
        Some(
            Role::Runner
                | Role::SyscallEntry
                | Role::Idle
                | Role::Rcu
                | Role::Lock
                | Role::Allocator
                | Role::PageAllocator
                | Role::Memory
                | Role::Atomic
                | Role::Container
                | Role::Printk
                | Role::Console
        )
    );
    !serves
        && !stack::is_scheduling(function)
        && !stack::is_detector(function)
        && !stack::is_entry(function)
        && !wait::is_primitive(function)
        && !COMMON.iter().any(|start| function.starts_with(start))
}

/// How much an unlinked event says about a first cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Noise unless nothing else is there.
    Hint,
    /// A report of its own that need not have to do with later ones.
    Assertion,
    /// Something that broke or stopped.
    Serious,
}

fn weight(event: &Event) -> Weight {
    use EventKind as K;
    match event.kind {
        K::Hardware if !matches!(event.detail, Detail::Hardware { severe: true }) => Weight::Hint,
        K::SlowInterrupt
        | K::WorkqueueHog
        | K::UserSegfault
        | K::Device
        | K::FaultOomLeaked
        | K::MemoryLeak => Weight::Hint,
        K::Warning | K::Ubsan | K::AllocationFailure | K::FileSystem => Weight::Assertion,
        kind if kind.is_misuse() => Weight::Assertion,
        _ => Weight::Serious,
    }
}

fn choose(seen: &Observations, causes: &mut Causes) {
    // The part of the tree that holds the most serious events decides; hints only when alone.
    let sure = |causes: &Causes, at: usize| {
        causes.links[at].as_ref().is_none_or(|link| link.grade <= Grade::Guess)
    };
    let roots: Vec<&Event> = seen.events.iter().filter(|event| sure(causes, event.id.0)).collect();
    let has_children = |root: &Event| {
        causes
            .links
            .iter()
            .flatten()
            .any(|link| link.parent == root.id && link.grade > Grade::Guess)
    };
    let ends_in_a_hang = |root: &Event| {
        seen.events.iter().any(|event| {
            weight(event) == Weight::Serious
                && event.id != root.id
                && causes.root(event.id) == root.id
        })
    };
    let effective = |root: &&Event| {
        let own = weight(root);
        if own == Weight::Hint && has_children(root)
            || own == Weight::Assertion && ends_in_a_hang(root)
        {
            Weight::Serious
        } else {
            own
        }
    };
    let highest = roots.iter().map(effective).max();
    let serious: Vec<&&Event> =
        roots.iter().filter(|root| Some(effective(root)) == highest).collect();
    let Some(first) = serious.first() else { return };
    if highest == Some(Weight::Serious) {
        // An assertion without a tie that came earlier in the same boot may be the cause: not decided.
        let earlier: Vec<EventId> = roots
            .iter()
            .filter(|root| {
                effective(root) == Weight::Assertion
                    && root.boot == first.boot
                    && root.id < first.id
                    && !has_children(root)
            })
            .filter(|root| suspicious_before(seen, root, first))
            .map(|root| root.id)
            .collect();
        // A rule broken long after damage that it shares nothing with: which one matters is open.
        let later = roots.iter().filter(|root| {
            (first.kind.is_corruption() || first.kind.is_trap())
                && root.kind.is_misuse()
                && root.boot == first.boot
                && root.id > first.id
        });
        // Storage that failed shortly before tasks hang in ways that do not show what they wait for.
        let device = roots.iter().filter(|root| {
            first.kind == EventKind::HungTasks
                && root.kind == EventKind::Device
                && is_storage(&root.headline)
                && root.boot == first.boot
                && root.id < first.id
                && close(seen, root, first, DEVICE_FIRST)
        });
        let device: Vec<EventId> = device.map(|root| root.id).collect();
        let earlier: Vec<EventId> =
            earlier.into_iter().chain(device).chain(later.map(|root| root.id)).collect();
        let rivals: Vec<EventId> =
            serious.iter().filter(|root| root.boot == first.boot).map(|root| root.id).collect();
        // A trap after a hang was reported cannot have begun that hang.
        let hang_first = first.kind.is_hang()
            && rivals[1..].iter().all(|id| {
                let later = seen.event(*id);
                later.kind == first.kind
                    || (later.kind.is_trap()
                        || later.kind.is_corruption()
                        || later.kind == EventKind::Panic)
                        && close(seen, first, later, 300_000_000)
            });
        if !earlier.is_empty() || rivals.len() > 1 && !hang_first && !orderly(seen, &rivals) {
            causes.rivals = earlier.into_iter().chain(rivals).collect();
            causes.rivals.sort_unstable();
            return;
        }
    }
    causes.first = Some(first.id);
}

/// Whether an earlier assertion without a tie is close enough to leave the question open.
fn suspicious_before(seen: &Observations, assertion: &Event, serious: &Event) -> bool {
    match (assertion.at, serious.at) {
        (Some(a), Some(b)) => seen.clock.between(a, b).is_none_or(|gap| {
            gap < 60_000_000 || gap < 600_000_000 && kindred(seen, assertion, serious)
        }),
        _ => true,
    }
}

/// Whether two reports may be about the same code: they share a module, or neither tells where it was.
fn kindred(seen: &Observations, a: &Event, b: &Event) -> bool {
    let places = |event: &Event| -> (HashSet<String>, bool) {
        let mut places = HashSet::new();
        let mut shown = false;
        for id in event.snapshots.iter().take(8) {
            for frame in stack::task_frames(seen.snapshot(*id)).into_iter().take(24) {
                shown |= is_telling(&frame.function);
                places.extend(frame.module.clone());
            }
        }
        (places, shown)
    };
    let ((first, first_shown), (second, second_shown)) = (places(a), places(b));
    !first_shown
        || !second_shown
        || first.is_empty() && second.is_empty()
        || first.intersection(&second).next().is_some()
}

/// Several roots that only a guess ties: still one story when all but the first are hangs of the same sort.
fn orderly(seen: &Observations, rivals: &[EventId]) -> bool {
    let kinds: HashSet<EventKind> = rivals.iter().map(|id| seen.event(*id).kind).collect();
    kinds.len() == 1
        && rivals.len() <= 64
        && kinds.iter().all(|kind| {
            matches!(
                kind,
                EventKind::HungTasks | EventKind::OutOfMemory | EventKind::NetdevReference
            )
        })
}

/// Whether the stack shows an idle thread that waits for nothing.
pub fn is_idle(snapshot: &crate::event::Snapshot) -> bool {
    let idle_state = matches!(snapshot.state, Some('I' | 'S'));
    idle_state && wait::awaited(snapshot).is_some_and(|wait| wait.awaited == Awaited::Nothing)
}
