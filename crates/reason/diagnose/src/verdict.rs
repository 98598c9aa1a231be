//! The verdict: what kind of failure the log shows, in the order cycle, sink, report; and the exhibits that
//! are missing.
//!
//! Invariant: a deadlock is said only of a cycle of edges that are there.

use facts::{Grade, LineSpan};

use crate::cause::{self, Causes};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, HungScan, Stall};
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
            format!("Reports that share no task, CPU, lock or grace period compete: {}. The log does not show which one began it.", names.join("; ")),
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

fn out_of_memory(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(memory) = &event.detail else {
        return Verdict::new(VerdictKind::MemoryShortage, "Memory ran out.", Grade::Seen);
    };
    let cgroup = memory.constraint.as_ref().is_some_and(|(_, c)| c.contains("MEMCG"))
        || memory.cgroup_limit.is_some()
        || event.headline.contains("Memory cgroup");
    let limit = memory
        .cgroup_limit
        .map(|(_, usage, limit)| format!(" (usage {usage} kB, limit {limit} kB)"))
        .unwrap_or_default();
    let whose = event
        .task
        .as_ref()
        .map(|task| format!(" when {task} asked for memory"))
        .unwrap_or_default();
    let killed: Vec<String> =
        memory.killed.iter().take(4).map(|(_, task)| task.to_string()).collect();
    let killed = if killed.is_empty() {
        String::new()
    } else {
        format!(
            " Killed: {}; the victim is chosen by size and is not thereby the culprit.",
            killed.join(", ")
        )
    };
    let scope = if cgroup {
        format!("A memory cgroup reached its limit{limit}")
    } else {
        "Memory ran out".to_owned()
    };
    Verdict::new(VerdictKind::MemoryShortage, format!("{scope}{whose}.{killed}"), Grade::Seen)
        .at(line, format!("{scope}{whose}."))
        .missing("who uses the memory over time (the task table, /proc/meminfo, slabinfo) before the first kill")
}

/// What the watermarks say of a failed allocation.
pub fn shortage(memory: &crate::event::MemoryReport) -> Option<bool> {
    let order = memory.order?;
    if memory.zones.is_empty() {
        return None;
    }
    let roomy = memory.zones.iter().any(|zone| zone.free > zone.high.saturating_mul(10));
    let block = memory.largest_free.iter().filter_map(|(_, _, largest)| *largest).max();
    if roomy && order <= 3 && block.is_none_or(|largest| largest >= order) {
        return Some(false);
    }
    let low = memory.zones.iter().all(|zone| zone.free < zone.high);
    (low || block.is_some_and(|largest| largest < order)).then_some(true)
}

fn allocation(event: &Event, line: u64) -> Verdict {
    let Detail::Memory(memory) = &event.detail else {
        return Verdict::new(VerdictKind::Unknown, "An allocation failed.", Grade::Unknown);
    };
    let whose = event.task.as_ref().map(|task| format!(" of {task}")).unwrap_or_default();
    let order = memory.order.unwrap_or(0);
    let what = format!(
        "A request{whose} for 2^{order} contiguous page{} failed",
        if order == 0 { "" } else { "s" }
    );
    match shortage(memory) {
        Some(true) => Verdict::new(VerdictKind::MemoryShortage, format!("{what}: no zone shows a free block of that size above its watermark."), Grade::Derived).at(line, what + "."),
        Some(false) => Verdict::new(VerdictKind::Unknown, format!("{what} although zones are far above their watermarks; the reason is not in the log."), Grade::Derived)
            .at(line, what + ".")
            .missing("which zones the request may use (nodemask, mempolicy, cpuset), and whether the task had PF_MEMALLOC or was dying"),
        None if order > 3 => Verdict::new(VerdictKind::MemoryShortage, format!("{what}; requests above order 3 fail when memory is scattered, even if much is free."), Grade::Inferred).at(line, what + "."),
        None => Verdict::new(VerdictKind::Unknown, format!("{what}. The report does not show the zones in full."), Grade::Unknown)
            .at(line, what + ".")
            .missing("the Mem-Info block with the zones' watermarks and free lists"),
    }
}

fn stalled(seen: &Observations, graph: &Graph, event: &Event, stall: &Stall) -> Verdict {
    let number = stall
        .period
        .as_ref()
        .map(|p| p.number)
        .or_else(|| stall.starved.as_ref().and_then(|s| s.number));
    let period =
        number.map_or_else(|| "the grace period".to_owned(), |n| format!("grace period {n}"));
    let first = event.lines.first;
    let dominant = stall
        .starved
        .as_ref()
        .filter(|s| stall.period.as_ref().is_none_or(|p| s.jiffies.saturating_mul(2) >= p.jiffies));
    if let Some(starved) = dominant {
        let cpu = starved.cpu.map_or_else(|| "its CPU".to_owned(), |cpu| format!("CPU {cpu}"));
        let asleep = starved.state.is_some_and(|state| state & 0x3 != 0);
        if asleep || stall.timer.is_some() {
            return Verdict::new(
                VerdictKind::Starvation,
                format!("The grace-period thread sleeps and its timer did not wake it; that alone keeps {period} open. Why timers do not fire on {cpu} is not in this log."),
                Grade::Inferred,
            )
            .at(first, format!("{}: the timer of its thread does not fire on {cpu}.", title(event)))
            .missing(format!("timer state of {cpu} (sysrq-q), two reports with timer-softirq to see whether it moves, clockevent and idle driver messages"));
        }
        let who = starved.cpu.and_then(|cpu| crate::graph::occupant(seen, event, cpu));
        let thread = stall.kthread_stack.and_then(|id| seen.snapshot(id).task.clone());
        // The thread itself may be what runs there, spinning for a lock.
        let own = who
            .as_ref()
            .zip(thread.as_ref())
            .is_some_and(|((_, task), thread)| task.pid == thread.pid);
        if own {
            let place = who
                .as_ref()
                .and_then(|(id, _)| stack::where_it_was(seen.snapshot(*id)))
                .map(|(f, _)| f)
                .unwrap_or_default();
            let stuck = cpu_sinks(graph, event);
            let others = if stuck.is_empty() {
                String::new()
            } else {
                format!(" Holdout: {}.", stuck.join(", "))
            };
            return Verdict::new(VerdictKind::Starvation, format!("{} does not end: its thread runs on {cpu} but does not get on (in {place}).{others}", capital(&period)), Grade::Inferred)
                .at(first, format!("{}{}.", title(event), if stuck.is_empty() { String::new() } else { format!(": holdout {}", stuck.join(", ")) }))
                .missing("the holder of the lock that the thread spins for");
        }
        let mut verdict = match who {
            Some((id, task)) => {
                let place = stack::where_it_was(seen.snapshot(id)).map(|(f, _)| format!(" in {f}")).unwrap_or_default();
                Verdict::new(
                    VerdictKind::Starvation,
                    format!("The grace-period thread was ready to run and was not given a CPU. That alone keeps {period} open. {cpu} was seen running {task}{place}; one sample does not prove that it kept the CPU."),
                    Grade::Inferred,
                )
                .missing(format!("a second stack of {cpu}, and policy and priority of {task}"))
            }
            None => Verdict::new(
                VerdictKind::Starvation,
                format!("The grace-period thread was ready to run and was not given a CPU. That alone keeps {period} open. WHO denied it {cpu} is NOT in this log: {cpu}'s stack is missing."),
                Grade::Inferred,
            )
            .missing(format!("stack of {cpu} at the same moment (sysrq-l, or a kernel >= about 5.12, which dumps the CPU where the thread last ran)")),
        };
        verdict.missing.push(format!("policy and priority of {}, of the ksoftirqd threads and of the tasks on the CPUs named", starved.flavour));
        verdict.missing.push(number.map_or_else(
            || "a second report of the same stall".to_owned(),
            |n| format!("a second report of g={n}, to tell slow from never"),
        ));
        if event.lines.first > 0 && seen.subjects(event).any(|(_, s)| stack::syscall(s).is_some()) {
            verdict.missing.push("the reproducer".into());
        }
        return verdict
            .at(first, format!("{}: its thread gets no time on {cpu}.", capital(&title(event))));
    }
    if let Some(reader) = stall.tasks.first() {
        let node = graph.task(reader.pid);
        let name = node
            .map_or_else(|| format!("pid {}", reader.pid), |node| graph.nodes[node].name.clone());
        let snapshot = node.and_then(|node| graph.nodes[node].snapshot).map(|id| seen.snapshot(id));
        let depth = reader
            .depth
            .map(|depth| format!(" {depth} level{} deep", if depth == 1 { "" } else { "s" }))
            .unwrap_or_default();
        let Some(snapshot) = snapshot else {
            return Verdict::new(
                VerdictKind::Unknown,
                format!(
                    "{} waits for reader {name}, whose stack the log does not show.",
                    capital(&period)
                ),
                Grade::Unknown,
            )
            .at(first, format!("{}: blocked by reader {name}.", title(event)))
            .missing(format!("the stack of {name}"));
        };
        if cause::is_idle(snapshot) && reader.depth.is_none_or(|depth| depth > 0) {
            return leak(seen, graph, event, stall, &name, &period)
                .at(first, format!("{}: idle reader {name}.", title(event)));
        }
        if snapshot.on_cpu || snapshot.state == Some('R') {
            let others = running(seen, event, reader.pid);
            let others = if others.is_empty() {
                "What takes the CPU is not shown.".to_owned()
            } else {
                format!("Stacks printed with these reports show {}.", others.join(", "))
            };
            return Verdict::new(
                VerdictKind::Starvation,
                format!("{} waits for reader {name}, which is not blocked: it is running, or ready and not given enough CPU time to leave its section. {others}", capital(&period)),
                Grade::Inferred,
            )
            .at(first, format!("{}: reader {name} does not leave its section.", title(event)))
            .missing("what ran on the CPUs (sysrq-l), policy and priority of the reader, a second report with the same g=");
        }
        let sinks = node.map(|node| graph.sinks(node, Grade::Inferred)).unwrap_or_default();
        let waits = node.and_then(|node| graph.out(node).next()).map(|edge| edge.waits_for.clone());
        let what = waits.unwrap_or_else(|| "something the log does not show".into());
        let end = sinks.first().map(|(sink, _)| graph.nodes[*sink].name.clone());
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{} waits for reader {name}{depth}, which sleeps inside its section and waits for {what}{}. Who releases that is not in the log.", capital(&period), end.filter(|end| *end != what).map(|end| format!("; the chain ends at {end}")).unwrap_or_default()),
            Grade::Inferred,
        )
        .at(first, format!("{}: reader {name} sleeps, waiting for {what}.", title(event)))
        .missing(format!("who holds what {name} waits for: a list of held locks (CONFIG_LOCKDEP, sysrq-d) or all stacks (sysrq-t)"));
    }
    let cpus = cpu_sinks(graph, event);
    if let Some(number) = stall.all_seen.filter(|_| cpus.is_empty()) {
        let mut verdict = Verdict::new(
            VerdictKind::Starvation,
            format!(
                "{} does not end although every CPU and reader has passed its quiescent state: its thread did not act on it. Whether the thread was denied a CPU or not woken is not in this log.",
                capital(&period)
            ),
            Grade::Inferred,
        )
        .at(first, format!("{}: its thread does not act.", capital(&title(event))))
        .missing("state and stack of the grace-period thread, and what ran on its CPU (sysrq-t, sysrq-l)");
        verdict.lines.push(LineSpan::line(number));
        return verdict;
    }
    if cpus.is_empty() {
        let all_idle = !stall.cpus.is_empty() && stall.cpus.iter().all(|cpu| cpu.false_positive);
        let why = if all_idle { "only idle CPUs are listed" } else { "no holdout is listed" };
        return Verdict::new(VerdictKind::Unknown, format!("{} does not end, but {why}.", capital(&period)), Grade::Unknown)
            .at(first, title(event))
            .missing("the lines after the stall header: CPU lines, (t= g= q=), any line about the grace-period thread");
    }
    let shown: Vec<String> = cpus.iter().take(4).cloned().collect();
    let more = if cpus.len() > 4 { format!(" and {} more", cpus.len() - 4) } else { String::new() };
    let with_stack = stall.cpus.iter().any(|cpu| {
        graph.cpu(cpu.cpu).is_some_and(|node| {
            graph.nodes[node]
                .snapshot
                .is_some_and(|id| stack::where_it_was(seen.snapshot(id)).is_some())
        })
    });
    let mut verdict = Verdict::new(
        if with_stack { VerdictKind::Starvation } else { VerdictKind::Unknown },
        format!(
            "{} waits for {}{more}, which passed no quiescent state{}.",
            capital(&period),
            shown.join(", "),
            if with_stack { "" } else { "; the log shows no stack of it" }
        ),
        if with_stack { Grade::Inferred } else { Grade::Unknown },
    )
    .at(first, format!("{}: holdout {}{more}.", title(event), shown.join(", ")));
    for cpu in &stall.cpus {
        let Some(node) = graph.cpu(cpu.cpu) else { continue };
        if let Some(edge) =
            graph.out(node).find(|edge| graph.nodes[edge.to].kind != NodeKind::Resource)
        {
            verdict.statement +=
                &format!(" CPU {} spins: {}; who has it is not shown.", cpu.cpu, edge.waits_for);
            verdict
                .missing
                .push(format!("the stack of the CPU that keeps CPU {} waiting (sysrq-l)", cpu.cpu));
            break;
        }
    }
    if !with_stack {
        verdict.missing.push(format!("stack of {} (NMI backtrace, sysrq-l)", shown.join(", ")));
    } else if verdict.missing.is_empty() {
        verdict.missing.push(
            "a second stack of the same CPU: one sample cannot show whether it loops there".into(),
        );
    }
    verdict
}

/// Tasks seen on CPUs in the hang reports of that boot: neither idle, nor the one given, nor asking for the stacks.
fn running(seen: &Observations, event: &Event, pid: u32) -> Vec<String> {
    let mut found = Vec::new();
    for snapshot in seen
        .events
        .iter()
        .filter(|other| other.boot == event.boot && other.kind.is_hang())
        .flat_map(|other| &other.snapshots)
        .map(|id| seen.snapshot(*id))
    {
        let Some((cpu, task)) = snapshot.cpu.zip(snapshot.task.as_ref()) else { continue };
        let asks = snapshot
            .frames
            .iter()
            .any(|f| f.function.contains("sysrq") || f.function == "watchdog");
        if !snapshot.on_cpu || asks || matches!(task.pid, None | Some(0)) || task.pid == Some(pid) {
            continue;
        }
        let place = stack::where_it_was(snapshot)
            .map(|(function, _)| format!(" in {function}"))
            .unwrap_or_default();
        let text = format!("CPU {cpu} running {task}{place}");
        if !found.contains(&text) && found.len() < 4 {
            found.push(text);
        }
    }
    found
}

/// The names of the CPUs that hold the event's grace period up.
fn cpu_sinks(graph: &Graph, event: &Event) -> Vec<String> {
    let Detail::Stall(stall) = &event.detail else { return Vec::new() };
    stall
        .cpus
        .iter()
        .filter_map(|cpu| graph.cpu(cpu.cpu))
        .map(|node| graph.nodes[node].name.clone())
        .collect()
}

fn leak(
    seen: &Observations,
    graph: &Graph,
    event: &Event,
    stall: &Stall,
    name: &str,
    period: &str,
) -> Verdict {
    let pid = stall.tasks.first().map(|reader| reader.pid);
    let depths: Vec<u32> = seen
        .events
        .iter()
        .filter(|other| other.boot == event.boot)
        .filter_map(|other| match &other.detail {
            Detail::Stall(stall) => {
                stall.tasks.iter().find(|task| Some(task.pid) == pid).and_then(|task| task.depth)
            }
            _ => None,
        })
        .collect();
    let depth = match (depths.first(), depths.last()) {
        (Some(a), Some(b)) if a != b => format!(" {a}, later {b} levels deep"),
        (Some(a), _) => format!(" {a} level{} deep", if *a == 1 { "" } else { "s" }),
        _ => String::new(),
    };
    let mut others = Vec::new();
    for node in &graph.nodes {
        if node.kind != NodeKind::Task {
            continue;
        }
        let at = graph.nodes.iter().position(|other| other.id == node.id).unwrap_or(0);
        for edge in graph.out(at).filter(|edge| graph.nodes[edge.to].kind == NodeKind::GracePeriod)
        {
            let locks: Vec<&str> = graph
                .edges
                .iter()
                .filter(|held| held.to == at && graph.nodes[held.from].kind == NodeKind::Lock)
                .map(|held| graph.nodes[held.from].name.as_str())
                .collect();
            let _ = edge;
            others.push(if locks.is_empty() {
                format!("{} waits for it", node.name)
            } else {
                format!(
                    "{} waits for it holding {}; others queue on that lock",
                    node.name,
                    locks.join(", ")
                )
            });
        }
    }
    others.truncate(3);
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join("; ")) };
    Verdict::new(
        VerdictKind::Leak,
        format!("A leaked RCU read-side section. {name} sleeps idle while still counted as an RCU reader{depth}; so {period} can never end{others}."),
        Grade::Inferred,
    )
    .missing("which function leaks: the text of the local functions on the stacks, or any path with rcu_read_lock() without unlock")
    .missing("a kernel >= about 6.9, whose workqueue check names the leaking work function")
}

fn locked_up(seen: &Observations, graph: &Graph, event: &Event) -> Verdict {
    let line = event.lines.first;
    let cpu = event.cpu.map_or_else(|| "A CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let hard = event.kind == EventKind::HardLockup;
    let own = event
        .snapshots
        .iter()
        .map(|id| seen.snapshot(*id))
        .find(|s| event.cpu.is_none() || s.cpu.is_none() || s.cpu == event.cpu);
    let place = own.and_then(stack::where_it_was);
    let task = event.task.clone().or_else(|| own.and_then(|s| s.task.clone()));
    let whose = task.map(|task| format!(" ({task})")).unwrap_or_default();
    let how = if hard {
        "takes no interrupts"
    } else {
        "runs kernel code without scheduling, interrupts open"
    };
    let Some((function, _)) = place else {
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{cpu}{whose} {how}; the log does not show where."),
            Grade::Unknown,
        )
        .at(line, format!("{}{whose}.", capital(&title(event))))
        .missing(format!("the stack of {cpu} in the lockup report"));
    };
    let spin =
        event.cpu.and_then(|cpu| graph.cpu(cpu)).and_then(|node| graph.out(node).next().cloned());
    if let Some(edge) = spin {
        let sinks = event
            .cpu
            .and_then(|cpu| graph.cpu(cpu))
            .map(|node| graph.sinks(node, Grade::Inferred))
            .unwrap_or_default();
        let known = sinks.iter().find(|(sink, _)| graph.nodes[*sink].kind == NodeKind::Cpu);
        if let Some((sink, _)) = known {
            // A culprit that no report names stands where its stack was printed.
            let line = match (graph.nodes[*sink].event, graph.nodes[*sink].snapshot) {
                (None, Some(id)) => seen.snapshot(id).lines.map_or(line, |lines| lines.first),
                _ => line,
            };
            return Verdict::new(
                VerdictKind::Starvation,
                format!(
                    "{cpu}{whose} waits in {function}: {}; {} does not answer.",
                    edge.waits_for, graph.nodes[*sink].name
                ),
                Grade::Inferred,
            )
            .at(
                line,
                format!(
                    "{}{whose}, a victim of {}.",
                    capital(&title(event)),
                    graph.nodes[*sink].name
                ),
            );
        }
        return Verdict::new(
            VerdictKind::Unknown,
            format!(
                "{cpu}{whose} {how}: it waits in {function} ({}). Who has it is not in this log.",
                edge.waits_for
            ),
            Grade::Inferred,
        )
        .at(
            line,
            format!("{}{whose} in {function}: it waits for {}.", capital(&title(event)), edge.waits_for),
        )
        .missing(
            "stacks of all other CPUs at that moment (sysrq-l, or softlockup_all_cpu_backtrace=1); without another holder the lock may be held by what this CPU itself is inside of",
        );
    }
    let idle = own.is_some_and(|s| {
        s.task.as_ref().is_some_and(|task| task.pid == Some(0))
            && s.frames.iter().any(|frame| {
                ["do_idle", "cpu_idle", "default_idle", "cpuidle_", "cpu_startup_entry"]
                    .iter()
                    .any(|start| frame.function.starts_with(start))
            })
    });
    if idle {
        return Verdict::new(
            VerdictKind::Unknown,
            format!("{cpu} is in its idle task, in {function}: it has nothing to loop in. It did not run at all for that time (a virtual machine that its host did not run, a clock that jumped), or its timer did not wake it."),
            Grade::Inferred,
        )
        .at(line, format!("{}{whose}, idle.", capital(&title(event))))
        .missing("steal time and log of the host, clocksource messages of this boot");
    }
    Verdict::new(VerdictKind::Starvation, format!("{cpu}{whose} {how}, in {function}. One sample does not show whether it loops there or just works long."), Grade::Inferred)
        .at(line, format!("{}{whose} in {function}.", capital(&title(event))))
        .missing(format!("a second stack of {cpu}"))
}

/// R43: a CPU that does not answer a function call, and what its stack shows where it was printed.
fn deaf_cpu(seen: &Observations, event: &Event, from: u32, to: u32) -> Verdict {
    let said = format!("CPU {to} does not answer the function call of CPU {from}.");
    let shown = crate::graph::occupant(seen, event, to)
        .and_then(|(id, task)| Some((id, task, stack::where_it_was(seen.snapshot(id))?.0)));
    let Some((id, task, place)) = shown else {
        return Verdict::new(
            VerdictKind::Starvation,
            format!("{said} Why is not in this log."),
            Grade::Seen,
        )
        .at(event.lines.first, format!("CPU {to} does not answer CPU {from}."))
        .missing(format!("the stack of CPU {to} at that moment (NMI backtrace, sysrq-l)"));
    };
    let snapshot = seen.snapshot(id);
    let shut = match snapshot.flags {
        Some((_, flags)) if flags & 0x200 == 0 => ", interrupts off",
        _ => "",
    };
    let (what, missing) = match crate::wait::awaited(snapshot) {
        Some(wait) => (
            format!(
                " It waits for {}; who has it is not shown: another CPU, or what this CPU itself is inside of.",
                crate::graph::in_words(&wait)
            ),
            format!(
                "stacks of all other CPUs at that moment (sysrq-l), and the code that CPU {to} is inside of"
            ),
        ),
        None => (
            " One sample does not show whether it loops there or just works long.".to_owned(),
            format!("a second stack of CPU {to}"),
        ),
    };
    Verdict::new(
        VerdictKind::Starvation,
        format!("{said} It was in {place} ({task}{shut}).{what}"),
        Grade::Inferred,
    )
    .at(event.lines.first, format!("CPU {to} ({task} in {place}) does not answer CPU {from}."))
    .missing(missing)
}

fn hung(seen: &Observations, graph: &Graph, event: &Event, scan: &HungScan) -> Verdict {
    let first = headline_of(event);
    // Where the ways of the most tasks end.
    let mut ends: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    for member in &scan.members {
        let Some(node) = member.task.pid.and_then(|pid| graph.task(pid)) else { continue };
        for (sink, way) in graph.sinks(node, Grade::Inferred) {
            match ends.iter_mut().find(|(known, ..)| *known == sink) {
                Some((_, count, longest)) => {
                    *count += 1;
                    if way.len() > longest.len() {
                        *longest = way;
                    }
                }
                None => ends.push((sink, 1, way)),
            }
        }
    }
    ends.sort_by_key(|(_, count, way)| (std::cmp::Reverse(*count), std::cmp::Reverse(way.len())));
    let Some((sink, count, way)) = ends.first().cloned() else {
        let shown = scan
            .members
            .iter()
            .any(|member| member.snapshot.is_some_and(|id| !seen.snapshot(id).frames.is_empty()));
        return Verdict::new(
            VerdictKind::Unknown,
            format!(
                "{}; what they wait for is not {}.",
                capital(&title(event)),
                if shown { "known from their stacks" } else { "shown: their stacks are missing" }
            ),
            Grade::Unknown,
        )
        .at(first, title(event))
        .missing(
            "the stacks of the blocked tasks (sysrq-w) and of everything that runs (sysrq-t)",
        );
    };
    let tied = ends.len() > 1 && ends[1].1 == count;
    let chain: Vec<String> = way
        .iter()
        .map(|at| graph.edges[*at].from)
        .chain([sink])
        .map(|node| graph.nodes[node].name.clone())
        .collect();
    // The task nearest the end.
    let root = way
        .iter()
        .rev()
        .map(|at| graph.edges[*at].from)
        .chain([])
        .find(|node| graph.nodes[*node].kind == NodeKind::Task);
    let root = if graph.nodes[sink].kind == NodeKind::Task { Some(sink) } else { root };
    let line =
        root.filter(|_| !tied).and_then(|node| member_line(graph, scan, node)).unwrap_or(first);
    let rest = if tied {
        format!(" {} other waits of this scan end elsewhere.", ends.len() - 1)
    } else {
        String::new()
    };
    let chain = chain.join(" -> ");
    let node = &graph.nodes[sink];
    let say = |kind, why: String, grade| {
        Verdict::new(kind, format!("{why}{rest} Chain: {chain}."), grade)
            .at(line, format!("{}; the chain ends at {}.", capital(&title(event)), node.name))
    };
    match node.kind {
        NodeKind::Task => {
            let pid = node.task.as_ref().and_then(|task| task.pid);
            let snapshot = node
                .snapshot
                .map(|id| seen.snapshot(id))
                .filter(|s| !s.frames.is_empty())
                .or_else(|| {
                    seen.snapshots.iter().find(|s| {
                        pid.is_some()
                            && !s.frames.is_empty()
                            && s.task.as_ref().is_some_and(|task| task.pid == pid)
                    })
                });
            match snapshot {
                Some(s) if s.on_cpu || s.state == Some('R') => say(VerdictKind::Starvation, format!("All wait for {}, which is not blocked but running or ready to run.", node.name), Grade::Inferred)
                    .missing(format!("more than one stack of {}", node.name)),
                Some(s) if cause::is_idle(s) => say(VerdictKind::Leak, format!("All wait for {}, which is idle: it cannot give back what it holds.", node.name), Grade::Inferred),
                Some(_) => say(VerdictKind::Unknown, format!("The tasks wait for {}; what that task waits for is not known.", node.name), Grade::Unknown).missing(format!("the meaning of the last frames of {}", node.name)),
                None => say(VerdictKind::LockHeld, format!("What is awaited is held by {}, whose stack the log does not show.", node.name), Grade::Inferred)
                    .missing(format!("the stack of {} (sysrq-t)", node.name)),
            }
        }
        NodeKind::Lock => {
            let known = holders_without_stack(seen, scan);
            let verdict = say(VerdictKind::Unknown, format!("The tasks wait for a lock ({}) whose holder the log does not show.", node.name), Grade::Unknown)
                .missing("who holds it: CONFIG_LOCKDEP's list of all locks (sysrq-d), or all blocked stacks (sysrq-w)");
            with_candidates(verdict, &known)
        }
        NodeKind::GracePeriod => say(VerdictKind::Unknown, format!("The tasks wait for an {}; what keeps it open is not in the log.", node.name), Grade::Unknown)
            .missing("the RCU stall report of that grace period (rcupdate.rcu_cpu_stall_timeout lower than the hung task timeout)"),
        NodeKind::Device => say(VerdictKind::Device, format!("The chain ends at the storage or device: {}. The log does not show why it does not complete.", node.name), Grade::Inferred)
            .missing("messages of the driver and its error handler, requests in flight (/sys/kernel/debug/block), state of the device"),
        NodeKind::UserSpace => say(VerdictKind::UserSpace, format!("The chain leaves the kernel: {}.", node.name), Grade::Inferred).missing("the state of that program, peer or server"),
        NodeKind::Cpu => say(VerdictKind::Starvation, format!("The chain ends at {}, which does not get on.", node.name), Grade::Inferred).missing(format!("a second stack of {}", node.name)),
        _ if node.name == crate::wait::DELAY => {
            let who = root.map_or_else(|| "the task".to_owned(), |root| graph.nodes[root].name.clone());
            say(VerdictKind::LockHeld, format!("{who} keeps the others waiting, or waits itself, in a delay that it asked for: it polls for something, or works slowly. The log does not show for what."), Grade::Inferred)
                .missing(format!("what {who} polls for: more than one stack of it, and the messages of its driver"))
        }
        _ => {
            let known = holders_without_stack(seen, scan);
            let verdict = say(VerdictKind::Unknown, format!("The chain ends at {}; who ends that is not in the log.", node.name), Grade::Unknown)
                .missing(format!("all stacks of the system (sysrq-t), to find who should end: {}", node.name));
            with_candidates(verdict, &known)
        }
    }
}

fn with_candidates(mut verdict: Verdict, known: &[String]) -> Verdict {
    if !known.is_empty() {
        verdict.missing.push(format!(
            "stacks of tasks that hold locks and are not shown: {}",
            known.join(", ")
        ));
    }
    verdict
}

/// Tasks of the lock list that hold locks but whose stacks are not shown.
fn holders_without_stack(seen: &Observations, scan: &HungScan) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for list in &seen.locks {
        let shown = scan.members.iter().any(|member| member.task.pid == list.task.pid);
        let trivial = list.locks.iter().all(|lock| {
            ["rcu_read_lock", "&rq->__lock", "tasks_gp_mutex"]
                .iter()
                .any(|name| lock.class.contains(name))
                || lock.at == "__fdget_pos"
                || lock.class.contains("ldata->")
        });
        let name = list.task.to_string();
        if !shown && !trivial && !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(6);
    names
}

fn member_line(graph: &Graph, scan: &HungScan, node: usize) -> Option<u64> {
    let pid = graph.nodes[node].task.as_ref()?.pid?;
    scan.members.iter().find(|member| member.task.pid == Some(pid)).map(|member| member.line)
}
