//! The verdict: what kind of failure the log shows, in the order cycle, sink, report; and the exhibits that
//! are missing.
//!
//! Invariant: a deadlock is said only of a cycle of edges that are there.

mod cpu;
mod hung;
mod memory;
mod stall;

use model::{Grade, LineSpan};

use self::cpu::{deaf_cpu, locked_up, spinlock};
use self::hung::hung;
use self::memory::{allocation, out_of_memory};
use self::stall::stalled;
use crate::cause::Causes;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind, Stall};
use crate::graph::{Graph, NodeKind};
use crate::stack;

/// The kinds of verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// A cycle of waits that the text proves.
    Deadlock,
    /// A cycle of which an edge is inferred.
    SuspectedDeadlock,
    /// Somebody runnable gets no time, or a CPU does not come out of what it does.
    Starvation,
    /// A section, lock or object that nobody gives back.
    Leak,
    /// A lock whose holder is known but not what the holder does.
    LockHeld,
    /// The chain ends at a device.
    Device,
    /// The chain ends outside the kernel.
    UserSpace,
    /// Memory ran out or is too scattered.
    MemoryShortage,
    /// Memory or an object is damaged.
    MemoryCorruption,
    /// A rule of the kernel was broken; no damage is shown.
    Misuse,
    /// The kernel trapped or an assertion failed.
    Fault,
    /// The machine reports an error.
    Hardware,
    /// The log does not decide.
    Unknown,
}

impl VerdictKind {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deadlock => "deadlock",
            Self::SuspectedDeadlock => "suspected_deadlock",
            Self::Starvation => "starvation",
            Self::Leak => "leak",
            Self::LockHeld => "lock_held",
            Self::Device => "device",
            Self::UserSpace => "user_space",
            Self::MemoryShortage => "memory_shortage",
            Self::MemoryCorruption => "memory_corruption",
            Self::Misuse => "misuse",
            Self::Fault => "fault",
            Self::Hardware => "hardware",
            Self::Unknown => "unknown",
        }
    }
}

/// The verdict.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its kind.
    pub kind: VerdictKind,
    /// In words.
    pub statement: String,
    /// How sure.
    pub grade: Grade,
    /// The lines that carry it.
    pub lines: Vec<LineSpan>,
    /// Exhibits that would settle what is open.
    pub missing: Vec<String>,
    /// The line that best stands for the first cause, and what to say of it.
    pub cause: Option<(u64, String)>,
}

impl Verdict {
    fn new(kind: VerdictKind, statement: impl Into<String>, grade: Grade) -> Self {
        Self {
            kind,
            statement: statement.into(),
            grade,
            lines: Vec::new(),
            missing: Vec::new(),
            cause: None,
        }
    }

    fn at(mut self, line: u64, cause: impl Into<String>) -> Self {
        self.lines.push(LineSpan::line(line));
        self.cause = Some((line, cause.into()));
        self
    }

    fn missing(mut self, exhibit: impl Into<String>) -> Self {
        self.missing.push(exhibit.into());
        self
    }
}

/// Judges a log by its root event.
pub fn judge(seen: &Observations, graph: &Graph, causes: &Causes) -> Verdict {
    if seen.events.is_empty() {
        return Verdict::new(VerdictKind::Unknown, "No report of a kernel problem is in this log.", Grade::Unknown)
            .missing("the console log around the failure: kernel messages of all levels (dmesg, or the serial console)");
    }
    if let Some(verdict) = cycle(seen, graph) {
        return verdict;
    }
    let Some(root) = causes.first else {
        let names: Vec<String> = causes
            .rivals
            .iter()
            .take(5)
            .map(|id| {
                format!("{id} ({}, L{})", title(seen.event(*id)), seen.event(*id).lines.first)
            })
            .collect();
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{} compete: {}. The log does not show which one began it.", kind_of_rivals(seen, &causes.rivals), names.join("; ")),
            Grade::Unknown,
        )
        .missing("the log from boot to the first of these reports, and one more occurrence, to see which report always comes first");
    };
    let event = seen.event(root);
    // A broken rule that ends in a hang: the hang tells what the rule was broken to.
    let hang = seen
        .events
        .iter()
        .filter(|later| later.kind.is_hang() && later.boot == event.boot && later.id != root)
        .find(|later| {
            causes.links[later.id.0]
                .as_ref()
                .is_some_and(|link| link.parent == root && link.grade >= Grade::Inferred)
        });
    if let Some(hang) = hang.filter(|_| event.kind.is_misuse() || event.kind == EventKind::Warning)
    {
        let own = by_event(seen, graph, event);
        let mut verdict = by_event(seen, graph, hang);
        if let Some((line, statement)) = own.cause {
            verdict.lines.insert(0, LineSpan::line(line));
            verdict.cause = Some((line, statement));
        }
        if verdict.kind == VerdictKind::Unknown {
            verdict.kind = own.kind;
            verdict.grade = own.grade;
            verdict.statement = format!("{} {}", own.statement, verdict.statement);
        }
        return verdict;
    }
    by_event(seen, graph, event)
}

/// What reports are called that no tie orders: some share a task or a CPU all the same.
fn kind_of_rivals(seen: &Observations, rivals: &[EventId]) -> &'static str {
    let pid = |event: &Event| event.task.as_ref().and_then(|task| task.pid).filter(|pid| *pid > 0);
    let shares = rivals.iter().take(64).enumerate().any(|(at, id)| {
        let event = seen.event(*id);
        rivals.iter().take(64).skip(at + 1).map(|id| seen.event(*id)).any(|other| {
            pid(event).is_some() && pid(event) == pid(other)
                || event.cpu.is_some() && event.cpu == other.cpu
        })
    });
    match shares {
        true => "Reports that share a task or a CPU, but nothing that tells which led to which,",
        false => "Reports that share no task, CPU, lock or grace period",
    }
}

/// A short name of an event for people.
pub fn title(event: &Event) -> String {
    let at = |word: &str| {
        event.cpu.map(|cpu| format!("{word} on CPU {cpu}")).unwrap_or_else(|| word.to_owned())
    };
    match (&event.detail, event.kind) {
        (Detail::Stall(stall), EventKind::RcuStall) => {
            format!(
                "RCU stall, {}{}",
                if stall.self_detected { "self-detected, " } else { "" },
                flavour(stall)
            )
        }
        (Detail::Stall(stall), EventKind::RcuExpeditedStall) => {
            format!("expedited RCU stall, {}", flavour(stall))
        }
        (Detail::Stall(_), EventKind::RcuTasksStall) => "tasks-RCU stall".into(),
        (Detail::Stall(stall), EventKind::RcuKthreadStarved) => {
            format!("RCU grace-period thread starved, {}", flavour(stall))
        }
        (Detail::Hung(scan), _) => {
            let names: Vec<String> =
                scan.members.iter().take(3).map(|member| member.task.to_string()).collect();
            let more = scan.members.len().saturating_sub(3) as u32 + scan.more;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!(
                "{} {} task{}: {}{more}",
                scan.members.len() as u32 + scan.more,
                if scan.listed { "blocked" } else { "hung" },
                if scan.members.len() == 1 { "" } else { "s" },
                names.join(", ")
            )
        }
        (_, EventKind::RcuVoluntarySwitch) => {
            "WARNING voluntary context switch in RCU reader".into()
        }
        (_, EventKind::SoftLockup) => at("soft lockup"),
        (_, EventKind::HardLockup) => at("hard lockup"),
        (Detail::Csd { from, to }, _) => format!("CPU {to} does not answer CPU {from}"),
        (Detail::Workqueue(report), EventKind::WorkqueueLockup) => {
            format!("workqueue lockup, pool cpus={}", report.cpus)
        }
        (Detail::Memory(memory), EventKind::AllocationFailure) => {
            format!(
                "page allocation failure{}",
                memory.order.map(|order| format!(", order {order}")).unwrap_or_default()
            )
        }
        (Detail::Memory(_), EventKind::OutOfMemory) => "out-of-memory killer".into(),
        (Detail::Bad(bad), kind) => {
            let place = if bad.function.is_empty() || bad.what.contains(" in ") {
                String::new()
            } else {
                format!(" in {}", bad.function)
            };
            format!("{} {}{place}", kind.name().to_uppercase(), bad.what)
        }
        (Detail::Trap(trap), EventKind::Warning) => {
            format!(
                "WARNING{}",
                trap.function
                    .as_ref()
                    .or(trap.place.as_ref())
                    .map(|f| format!(" in {f}"))
                    .unwrap_or_default()
            )
        }
        (Detail::Trap(trap), kind) => {
            let place = trap
                .function
                .as_ref()
                .or(trap.place.as_ref())
                .map(|f| format!(" in {f}"))
                .unwrap_or_default();
            format!(
                "{}{place}",
                if kind == EventKind::KernelBug { "kernel BUG" } else { "kernel fault" }
            )
        }
        (Detail::Segfault(_), _) => "fault of a user program".into(),
        (_, EventKind::LockdepCircular) => "possible circular locking dependency".into(),
        (_, EventKind::LockdepRecursive) => "possible recursive locking".into(),
        (_, EventKind::LockdepInterrupt) => "lock used with and without interrupts".into(),
        (_, EventKind::LockdepWaitContext) => "sleeping lock under a raw one".into(),
        (_, EventKind::SleepInAtomic) => "sleeping function in atomic context".into(),
        (_, EventKind::ScheduleInAtomic) => "scheduling while atomic".into(),
        (_, EventKind::RcuUsage) => "suspicious RCU usage".into(),
        (_, EventKind::Panic) => "kernel panic".into(),
        (_, EventKind::Device) => "device trouble".into(),
        (
            _,
            EventKind::Corruption
            | EventKind::Refcount
            | EventKind::SpinlockBug
            | EventKind::SpinlockLockup
            | EventKind::LockdepOwnership
            | EventKind::Hardware
            | EventKind::FileSystem
            | EventKind::NetdevReference,
        ) => crate::text::bounded(event.headline.trim_matches(['=', '-', ' ']), 100),
        (_, kind) => kind.name().replace('_', " "),
    }
}

fn flavour(stall: &Stall) -> String {
    format!("flavour {}", stall.flavour)
}

/// (1) and (2): cycles.
fn cycle(seen: &Observations, graph: &Graph) -> Option<Verdict> {
    let (edges, kind, grade) = match graph.cycle(Grade::Derived) {
        Some(edges) => (edges, VerdictKind::Deadlock, Grade::Derived),
        None => (graph.cycle(Grade::Inferred)?, VerdictKind::SuspectedDeadlock, Grade::Inferred),
    };
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    for at in &edges {
        let edge = &graph.edges[*at];
        lines.extend(edge.lines.iter().copied());
        let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
        if from.kind == NodeKind::Task {
            parts.push(format!("{} waits for {}", from.name, to.name));
        } else if let Some((_, why)) =
            edge.waits_for.split_once(", which ").filter(|_| !matches!(edge.rule, "R33" | "R32"))
        {
            parts.push(format!("{}: {} {why}", from.name, to.name));
        } else {
            parts.push(format!("{} is held by {}", from.name, to.name));
        }
    }
    let mut members: Vec<(u64, usize)> = edges
        .iter()
        .map(|at| graph.edges[*at].from)
        .filter(|node| graph.nodes[*node].kind == NodeKind::Task)
        .filter_map(|node| Some((reported_at(seen, graph, node)?, node)))
        .collect();
    members.sort_unstable();
    let word = if kind == VerdictKind::Deadlock {
        "Deadlock"
    } else {
        "Probable deadlock (an edge of the cycle is inferred)"
    };
    let mut verdict = Verdict::new(kind, format!("{word}: {}.", parts.join("; ")), grade);
    verdict.lines = lines;
    if let Some((line, node)) = members.first() {
        let names: Vec<&str> =
            members.iter().map(|(_, node)| graph.nodes[*node].name.as_str()).collect();
        let self_wait = if names.len() == 1 {
            "waits for itself".to_owned()
        } else {
            format!("is part of the cycle of {}", names.join(", "))
        };
        verdict.cause = Some((*line, format!("{} {self_wait}.", graph.nodes[*node].name)));
    }
    if kind == VerdictKind::SuspectedDeadlock {
        verdict.missing.push("a list of held locks (CONFIG_LOCKDEP, or sysrq-d) at the moment of the hang, to prove the inferred edge".into());
    }
    Some(verdict)
}

/// The line on which a task is first reported.
fn reported_at(seen: &Observations, graph: &Graph, node: usize) -> Option<u64> {
    let node = &graph.nodes[node];
    let pid = node.task.as_ref().and_then(|task| task.pid);
    for event in &seen.events {
        if let Detail::Hung(scan) = &event.detail
            && let Some(member) =
                scan.members.iter().find(|member| member.task.pid == pid && pid.is_some())
        {
            return Some(member.line);
        }
    }
    let own = node.event.map(|id| seen.event(id).lines.first);
    own.or_else(|| node.snapshot.and_then(|id| seen.snapshot(id).lines).map(|lines| lines.first))
}

fn by_event(seen: &Observations, graph: &Graph, event: &Event) -> Verdict {
    let line = headline_of(event);
    let name = title(event);
    match &event.detail {
        Detail::Stall(stall) => return stalled(seen, graph, event, stall),
        Detail::Hung(scan) => return hung(seen, graph, event, scan),
        Detail::Lockup { .. } => return locked_up(seen, graph, event),
        Detail::Csd { from, to } => {
            return deaf_cpu(seen, event, *from, *to);
        }
        Detail::Spin { owner } => return spinlock(seen, event, owner.as_ref()),
        _ => {}
    }
    use EventKind as K;
    let place = place_of(seen, event);
    let whose = event.task.as_ref().map(|task| format!(", {task}")).unwrap_or_default();
    match event.kind {
        K::WorkqueueLockup => {
            let Detail::Workqueue(report) = &event.detail else { return Verdict::new(VerdictKind::Unknown, name, Grade::Unknown) };
            let flying: Vec<String> = report.in_flight.iter().take(4).map(|(_, pid, f)| format!("{f} in worker {pid}")).collect();
            let what = if flying.is_empty() { "no item is shown in flight".to_owned() } else { format!("in flight: {}", flying.join(", ")) };
            Verdict::new(VerdictKind::Unknown, format!("A worker pool (cpus={}) makes no progress; {what}. The log does not show what keeps it.", report.cpus), Grade::Unknown)
                .at(line, format!("Worker pool cpus={} is stuck.", report.cpus))
                .missing("stacks of the workers in flight and of the CPUs of the pool (sysrq-t, sysrq-l)")
        }
        K::OutOfMemory => out_of_memory(event, line),
        K::AllocationFailure => allocation(event, line),
        K::Kasan if matches!(&event.detail, Detail::Bad(bad) if bad.what.starts_with("null-ptr")) => {
            Verdict::new(VerdictKind::Fault, format!("{name}{whose}."), Grade::Seen).at(line, format!("{name}."))
        }
        K::SpinlockBug if let Detail::ZeroMagic { line: magic } = &event.detail => {
            let mut verdict = Verdict::new(VerdictKind::Misuse, format!("{name}{whose}: the lock's magic number is 0, as in a lock that was never initialised; memory that was cleared later looks the same."), Grade::Guess)
                .at(line, format!("{name}{}.", if name.contains(" in ") { "" } else { &place }))
                .missing("whether the lock is initialised before its first use; a KASAN kernel tells freed memory");
            verdict.lines.push(LineSpan::line(*magic));
            verdict
        }
        K::Kasan | K::Kfence | K::Kmsan | K::Corruption | K::Refcount | K::SpinlockBug => {
            Verdict::new(VerdictKind::MemoryCorruption, format!("{name}{whose}: the first report of damage; what follows in this boot is not to be trusted."), Grade::Seen)
                .at(line, format!("{name}{}.", if name.contains(" in ") { "" } else { &place }))
        }
        K::MemoryLeak => Verdict::new(VerdictKind::Leak, format!("kmemleak found memory that nothing points to{place}{whose}."), Grade::Seen).at(line, format!("Memory leak{place}.")),
        K::WorkqueueLeak => {
            let function = match &event.detail {
                Detail::Workqueue(report) => report.function.clone().unwrap_or_default(),
                _ => String::new(),
            };
            Verdict::new(VerdictKind::Leak, format!("Work function {function} returned with a lock, atomic or RCU section still held."), Grade::Seen).at(line, format!("{function} leaked a section."))
        }
        K::NetdevReference => Verdict::new(VerdictKind::Leak, "A network device cannot be freed: somebody keeps a reference. The log does not show who.", Grade::Inferred)
            .at(line, "A reference to the network device is not given back.")
            .missing("CONFIG_NET_DEV_REFCNT_TRACKER=y, which names the holder"),
        kind if kind.is_misuse() => {
            let note = match kind {
                K::LockdepCircular => " Lockdep shows a possible cycle, not one that happened.",
                K::LockdepRecursive => " Lockdep compares classes; whether it is the same lock twice is told by the addresses.",
                _ => "",
            };
            let place = if name.contains(" in ") { "" } else { &place };
            Verdict::new(VerdictKind::Misuse, format!("{}{place}{whose}.{note}", capital(&name)), Grade::Seen).at(line, format!("{}{place}.", capital(&name)))
        }
        K::Hardware => {
            let severe = matches!(event.detail, Detail::Hardware { severe: true });
            let how = if severe { "" } else { " No line says that it was not corrected." };
            Verdict::new(VerdictKind::Hardware, format!("The machine reports an error of its own: {}.{how}", event.headline.trim_end_matches('.')), Grade::Seen).at(line, "A hardware error report.")
        }
        K::Device => Verdict::new(VerdictKind::Device, format!("A device or its link fails: {}", event.headline), Grade::Seen).at(line, format!("Device trouble: {}", event.headline)),
        K::FileSystem => Verdict::new(VerdictKind::Unknown, format!("A file system reports inconsistent data: {}. The disk, memory or a bug may have done it.", event.headline), Grade::Unknown)
            .at(line, event.headline.clone())
            .missing("a check of the file system from a healthy kernel, and the log of the storage below it"),
        K::UserSegfault => Verdict::new(VerdictKind::UserSpace, format!("A user program faulted{whose}; the kernel is not shown to be at fault."), Grade::Seen).at(line, "A user program faulted."),
        K::SlowInterrupt | K::WorkqueueHog => Verdict::new(VerdictKind::Unknown, format!("Only a hint: {}", event.headline), Grade::Unknown)
            .at(line, event.headline.clone())
            .missing("a report of a stall, lockup or hang, if there was one"),
        K::Panic => Verdict::new(VerdictKind::Fault, format!("The kernel gave up: {}", event.headline), Grade::Seen).at(line, event.headline.clone()),
        _ => Verdict::new(VerdictKind::Fault, format!("{}{}{whose}.", capital(&name), if name.contains(" in ") { "" } else { &place }), Grade::Seen)
            .at(line, format!("{}{}.", capital(&name), if name.contains(" in ") { "" } else { &place })),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The line that names the event: its first line may be a ruler.
fn headline_of(event: &Event) -> u64 {
    match &event.detail {
        Detail::Hung(scan) => scan.members.first().map_or(event.lines.first, |member| member.line),
        _ => event.lines.first,
    }
}

fn place_of(seen: &Observations, event: &Event) -> String {
    seen.subjects(event)
        .filter(|(_, snapshot)| !stack::jumped(snapshot))
        .find_map(|(_, snapshot)| {
            let frames = stack::task_frames(snapshot);
            frames
                .iter()
                .find(|f| {
                    !stack::is_detector(&f.function)
                        && !stack::is_scheduling(&f.function)
                        && !crate::wait::is_primitive(&f.function)
                })
                .map(|f| format!(" in {}", f.function))
        })
        .unwrap_or_default()
}
