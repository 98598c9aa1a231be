//! The node of what a task waits for.

use model::{Awaited, GracePeriodSort, LockKind, LockRef, Participant as P};

use super::types::Graph;
use crate::collect::Observations;
use crate::event::{EventId, EventKind, LockList, Snapshot};
use crate::wait::Wait;
use crate::{locks, wait};

/// All that is known of one wait.
pub(super) struct Asked<'a> {
    pub(super) seen: &'a Observations,
    pub(super) boot: u32,
    /// Who waits.
    pub(super) node: usize,
    pub(super) snapshot: &'a Snapshot,
    pub(super) wait: &'a Wait,
    /// Nodes of stalled grace periods: `(node, event, expedited)`.
    pub(super) periods: &'a [(usize, EventId, bool)],
    /// The pid of the holder that the kernel names.
    pub(super) owner: Option<u32>,
}

impl Asked<'_> {
    /// The period that was reported last before the wait was printed, else the first one after it.
    fn nearest(&self, expedited: bool) -> Option<usize> {
        let known = || self.periods.iter().filter(|(_, _, exp)| *exp == expedited);
        let line = self.wait.lines.first;
        known()
            .rfind(|(_, id, _)| self.seen.event(*id).lines.first <= line)
            .or_else(|| known().next())
            .map(|(node, ..)| *node)
    }

    fn tasks_period(&self) -> Option<usize> {
        let mut periods = self.periods.iter();
        let found =
            periods.find(|(_, id, _)| self.seen.event(*id).kind == EventKind::RcuTasksStall);
        found.map(|(node, ..)| *node)
    }
}

/// A grace period that no report tells of.
const fn unreported(sort: GracePeriodSort) -> P {
    P::GracePeriod { sort, number: None, reported: false }
}

/// The node of what a task waits for.
pub(super) fn target(graph: &mut Graph, asked: &Asked<'_>) -> usize {
    let wait = asked.wait;
    let caller = || wait.caller.clone().unwrap_or_else(|| "?".into());
    let who = match wait.awaited {
        Awaited::GracePeriod | Awaited::Callbacks => match asked.nearest(false) {
            Some(node) => return node,
            None => unreported(GracePeriodSort::Normal),
        },
        Awaited::ExpeditedGracePeriod => {
            match asked.nearest(true).or_else(|| asked.nearest(false)) {
                Some(node) => return node,
                None => unreported(GracePeriodSort::Expedited),
            }
        }
        Awaited::TasksGracePeriod => match asked.tasks_period() {
            Some(node) => return node,
            None => unreported(GracePeriodSort::Tasks),
        },
        Awaited::Srcu => P::Srcu { domain: srcu_domain(&caller()), function: caller() },
        Awaited::Lock(kind) => return lock(graph, asked, kind),
        Awaited::SpinLock => match &wait.caller {
            Some(function) => P::LockTakenIn { function: function.clone(), lock: None },
            None => return unknown_lock(graph, asked.node, None),
        },
        Awaited::Work => P::WorkFlushedBy { function: caller() },
        Awaited::Workqueue => {
            let function = caller();
            let queue = locks::FLUSHES.iter().find(|(flusher, _)| *flusher == function);
            match queue {
                Some((_, queue)) => P::Workqueue { name: (*queue).to_owned() },
                None => P::WorkqueueFlushedBy { function },
            }
        }
        Awaited::KthreadWork => P::KthreadWorkFlushedBy { function: caller() },
        Awaited::Kthread => P::KthreadStoppedBy { function: caller() },
        Awaited::EveryCpu => P::UnnamedCpu,
        Awaited::RemoteCpu => P::SilentCpu,
        Awaited::Handler => P::HandlerAwaitedBy { function: caller() },
        Awaited::HotplugThread => P::HotplugStep,
        Awaited::Resource(resource) => P::Resource { resource },
        Awaited::Device(work) => P::Device { work },
        Awaited::User(work) => P::User { work },
        Awaited::Server => P::Server,
        Awaited::Nothing => return asked.node,
        Awaited::Completion | Awaited::Unknown => P::AwaitedIn { function: wait.function.clone() },
    };
    graph.node(who)
}

fn unknown_lock(graph: &mut Graph, waiter: usize, lock: Option<LockKind>) -> usize {
    let apart = graph.nodes[waiter].id.clone();
    graph.node_apart(P::UnknownLock { lock }, Some(&apart))
}

/// The lock that a task sleeps for: by the list of what it holds and wants, by the source, by the function that takes
/// it.
fn lock(graph: &mut Graph, asked: &Asked<'_>, kind: LockKind) -> usize {
    let Asked { seen, wait, .. } = asked;
    if let Some(held) = wanted(seen, asked.boot, asked.snapshot, wait) {
        let lock = LockRef { class: Some(held.class), address: Some(held.address) };
        return graph.node(P::Lock { lock });
    }
    if kind == LockKind::SuperblockFreeze {
        return graph.node(P::FreezeProtection);
    }
    // Locks of one name or one place may be many; two with different owners are not the same.
    let apart = asked.owner.map(|owner| owner.to_string());
    let caller = wait.caller.as_deref();
    if let Some(name) = caller
        .and_then(|caller| locks::taken_by(caller, seen.kernels.of(asked.boot)))
        .or_else(|| locks::taken_by(&wait.function, seen.kernels.of(asked.boot)))
    {
        let apart = apart.filter(|_| locks::is_one_of_many(name));
        let lock = LockRef { class: Some(name.to_owned()), address: None };
        return graph.node_apart(P::Lock { lock }, apart.as_deref());
    }
    match caller {
        None => unknown_lock(graph, asked.node, Some(kind)),
        Some(caller) => {
            let who = P::LockTakenIn { function: caller.to_owned(), lock: Some(kind) };
            graph.node_apart(who, apart.as_deref())
        }
    }
}

/// SRCU domains by the function that waits for them.
fn srcu_domain(caller: &str) -> Option<String> {
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
    let found = DOMAINS.iter().find(|(function, _)| *function == caller);
    found.map(|(_, domain)| (*domain).to_owned())
}

/// The entry of the task's own list that names the lock it waits for: taken in the function that asks.
pub(super) fn wanted(
    seen: &Observations,
    boot: u32,
    snapshot: &Snapshot,
    wait: &Wait,
) -> Option<crate::event::HeldLock> {
    let pid = snapshot.task.as_ref()?.pid?;
    let list = lasting_lists(seen, boot).find(|list| list.task.pid == Some(pid))?;
    let caller = wait.caller.as_deref()?;
    let lock = list.locks.iter().rfind(|lock| !is_scheduler_lock(lock))?;
    (lock.at == caller
        || lock.inlined.iter().any(|inner| inner == caller)
        || wait::is_primitive(&lock.at)
        || lock.at == wait.function)
        .then(|| lock.clone())
        .filter(|lock| !lock.address.is_empty())
}

/// The lists of held locks that say what is held while tasks hang.
pub(super) fn lasting_lists(seen: &Observations, boot: u32) -> impl Iterator<Item = &LockList> {
    seen.locks.iter().filter(move |list| list.lasting && list.boot == boot)
}

pub(super) fn is_scheduler_lock(lock: &crate::event::HeldLock) -> bool {
    lock.at == "__schedule" || lock.class.contains("rq->__lock") || lock.class == "&rq->lock"
}
