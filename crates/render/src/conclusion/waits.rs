//! Nodes and edges of the wait graph.

use model::{
    Awaited, CpuId, GracePeriodSort, LockRef, Ownership, Participant as P, Release, Step, WaitsFor,
};

/// `CPU 3`, or what stands for a CPU that is not named.
pub(super) fn on_cpu(cpu: Option<CpuId>) -> String {
    cpu.map_or_else(|| "a CPU (not named)".to_owned(), |cpu| format!("CPU {cpu}"))
}

/// A node of the wait graph.
pub fn participant(who: &P) -> String {
    match who {
        P::Task { task } => task.to_string(),
        P::Cpu { cpu, task: Some(task), function } => {
            let place = function.as_ref().map(|f| format!(" in {f}")).unwrap_or_default();
            format!("CPU {cpu} ({task}{place})")
        }
        P::Cpu { cpu, task: None, function } => {
            let place = function.as_ref().map(|f| format!(" (in {f})")).unwrap_or_default();
            format!("CPU {cpu}{place}")
        }
        P::UnnamedCpu => "a CPU that does not schedule (not named)".to_owned(),
        P::SilentCpu => "a CPU that does not answer".to_owned(),
        P::Lock { lock: LockRef { class: Some(class), .. } } => class.clone(),
        P::Lock { lock } => {
            let address = lock.address.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
            format!("lock{address}")
        }
        P::LockTakenIn { function, lock: Some(kind) } => format!("{kind} taken in {function}"),
        P::LockTakenIn { function, lock: None } => format!("lock taken in {function}"),
        P::UnknownLock { lock } => {
            let kind = lock.map_or("spinning lock", |kind| kind.name());
            format!("{kind} (the log does not show which)")
        }
        P::FreezeProtection => "freeze protection of the file system".to_owned(),
        P::GracePeriod { sort, number, reported } => grace_period(*sort, *number, *reported),
        P::Srcu { domain: Some(domain), .. } => format!("SRCU grace period of {domain}"),
        P::Srcu { domain: None, function } => {
            format!("SRCU grace period of the domain of {function}")
        }
        P::Work { function } => format!("work {function}"),
        P::WorkFlushedBy { function } => format!("work item flushed by {function}"),
        P::Workqueue { name } => format!("workqueue {name}"),
        P::WorkqueueFlushedBy { function } => format!("workqueue flushed by {function}"),
        P::KthreadWorkFlushedBy { function } => {
            format!("work item of a kernel thread, flushed by {function}")
        }
        P::KthreadStoppedBy { function } => {
            format!("the end of the kernel thread that {function} stops")
        }
        P::HandlerAwaitedBy { function } => format!("timer handler awaited by {function}"),
        P::HotplugStep => "hotplug step of the cpuhp thread".to_owned(),
        P::Softirq { cpu } => format!("RCU softirq on CPU {cpu} (not executed; reason unknown)"),
        P::Timer { cpu } => format!("timer of {}", on_cpu(*cpu)),
        P::CpuTime { cpu } => format!("time on {}", on_cpu(*cpu)),
        P::Occupant { cpu } => format!("unknown occupant of {}", on_cpu(*cpu)),
        P::Resource { resource } => resource.name().to_owned(),
        P::Device { work } => work.name().to_owned(),
        P::User { work } => work.name().to_owned(),
        P::Server => "server or network".to_owned(),
        P::AwaitedIn { function } => format!("whatever {function} waits for"),
    }
}

fn grace_period(sort: GracePeriodSort, number: Option<i64>, reported: bool) -> String {
    let name = match sort {
        GracePeriodSort::Normal => "RCU grace period",
        GracePeriodSort::Expedited if reported => "expedited grace period",
        GracePeriodSort::Expedited => "expedited RCU grace period",
        GracePeriodSort::Tasks => return "tasks-RCU grace period".to_owned(),
    };
    match (number, reported) {
        (Some(number), _) => format!("{name} {number}"),
        (None, false) => format!("{name} (no stall reported)"),
        (None, true) => format!("{name} (number not shown)"),
    }
}

/// What a stack shows that its task or CPU waits for.
pub(super) fn awaited(awaited: Awaited, function: &str, caller: Option<&str>) -> String {
    let from = caller.map(|caller| format!(" (from {caller})")).unwrap_or_default();
    match awaited {
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
        Awaited::Resource(what) => what.name().into(),
        Awaited::Device(what) => what.name().into(),
        Awaited::User(what) => what.name().into(),
        Awaited::Server => "a server's reply".into(),
        Awaited::Nothing => "nothing".into(),
        Awaited::Completion | Awaited::Unknown => format!("something in {function}"),
    }
}

const fn release(release: Release) -> &'static str {
    match release {
        Release::CommitsTransaction => "commits the transaction",
        Release::CommitsJournal => "commits the journal",
        Release::FrozeQueue => "froze the queue",
        Release::RunsKthreadWork => "is a kernel thread inside a work item",
        Release::RunsHotplugCallback => "is the hotplug thread inside a callback",
        Release::WorksOnSrcu => "works on an SRCU grace period",
        Release::WouldThaw => "would thaw the file system",
        Release::RunsWorkOfQueue => "runs work of that queue",
        Release::TakesNoInterrupts => "takes no interrupts",
        Release::HasFolioLocked => "has a folio locked",
        Release::InPowerChange => "is inside a runtime power change",
        Release::HasHandleOpen => "has a journal handle open",
        Release::EvictsInode => "evicts an inode",
        Release::DoesDirectIo => "does direct I/O",
    }
}

/// Why a node waits for the next one, as a clause about the next one (`which holds it`); `None` where the reason is no
/// such clause.
pub(super) fn clause(waits_for: &WaitsFor) -> Option<String> {
    Some(match waits_for {
        WaitsFor::Listed { function } => format!("holds it (taken in {function})"),
        WaitsFor::Inside { function, certain } => {
            format!("{} it inside {function}", if *certain { "holds" } else { "may hold" })
        }
        WaitsFor::RecordedOrder { event } => {
            format!("took it first in the order that {event} recorded")
        }
        WaitsFor::Releases { release: how } => release(*how).to_owned(),
        WaitsFor::OnlyOtherStuck => "is the only other CPU reported as stuck".to_owned(),
        WaitsFor::AbsentFromStopper => "alone of those reported is not in the stopper".to_owned(),
        _ => return None,
    })
}

/// What the first node of a step waits for, and why the second one has it.
pub fn waits_for(step: &Step) -> String {
    let to = || participant(&step.to);
    if let Some(clause) = clause(&step.waits_for) {
        return format!("{}, which {clause}", to());
    }
    let place = || match &step.to {
        P::CpuTime { cpu } | P::Timer { cpu } | P::Occupant { cpu } => on_cpu(*cpu),
        P::Cpu { cpu, .. } => format!("CPU {cpu}"),
        _ => match &step.from {
            P::CpuTime { cpu } => on_cpu(*cpu),
            other => participant(other),
        },
    };
    match &step.waits_for {
        WaitsFor::Stack { awaited: what, function, caller } => {
            awaited(*what, function, caller.as_deref())
        }
        WaitsFor::Named { how: Ownership::Owner } => format!("its likely owner {}", to()),
        WaitsFor::Named { how: Ownership::Reader } => format!("{}, the last known reader", to()),
        WaitsFor::Named { how: Ownership::LastHolder } => {
            format!("{}, its last known holder", to())
        }
        WaitsFor::Itself { function } => format!("{} itself, which took it in {function}", to()),
        WaitsFor::QuiescentState => format!("a quiescent state of {}", place()),
        WaitsFor::ReaderSection => format!("reader {} to leave its section", to()),
        WaitsFor::GracePeriodThread => "its grace-period thread".to_owned(),
        WaitsFor::TimerToFire => "its timer to fire".to_owned(),
        WaitsFor::SoftirqNotRun => to(),
        WaitsFor::CpuTime => format!("time on {}", place()),
        WaitsFor::SeenOnCpu => format!("{}, which was on {} when it was asked", to(), place()),
        WaitsFor::NotShown => "whatever runs there".to_owned(),
        WaitsFor::FunctionCall => format!("{} to answer a function call", place()),
        WaitsFor::Barrier => format!("{} to end, which it flushes", to()),
        WaitsFor::Worker => format!("its worker, {}", to()),
        _ => to(),
    }
}
