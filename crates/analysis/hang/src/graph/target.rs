//! The node of what a task waits for.

use super::{Graph, NodeKind};
use crate::collect::Observations;
use crate::event::{EventId, EventKind, LockList, Snapshot};
use crate::wait::{Awaited, Wait};
use crate::{locks, wait};

/// The node of what a task waits for; `owner` is the pid of the holder that the kernel names.
#[expect(clippy::too_many_arguments, reason = "all that is known of one wait")]
pub(super) fn target(
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
        Awaited::KthreadWork => graph.node(
            format!("kthread-work:{caller}"),
            NodeKind::Work,
            format!("work item of a kernel thread, flushed by {caller}"),
        ),
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
pub(super) fn srcu_domain(caller: &str) -> String {
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
