//! Who waits for what, in which function; who spins.

use model::{LockRef, Party, Predicate, Task, WaitKind};

use super::fact::{Facts, Family};
use super::fit::{Fit, task as fit_task};
use super::kind::headline;
use super::log::Log;
use super::stack::{Part, Stack};
use super::tasks;

/// What a task waits for that is inside a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Lock(&'static str),
    Spin(&'static str),
    GracePeriod,
    Srcu,
    Work,
    Page,
    Completion,
    Device,
    Other,
}

use Target as T;

/// How functions begin in which a task waits, and for what.
const WAITS: &[(&str, Target)] = &[
    ("__mutex_lock", T::Lock("mutex")),
    ("mutex_lock", T::Lock("mutex")),
    ("__ww_mutex_lock", T::Lock("mutex")),
    ("ww_mutex_lock", T::Lock("mutex")),
    ("rwsem_down_", T::Lock("rwsemaphore")),
    ("__down_read", T::Lock("rwsemaphore")),
    ("__down_write", T::Lock("rwsemaphore")),
    ("down_read", T::Lock("rwsemaphore")),
    ("down_write", T::Lock("rwsemaphore")),
    ("percpu_down_", T::Lock("percpurwsemaphore")),
    ("__percpu_down_", T::Lock("percpurwsemaphore")),
    ("percpu_rwsem_wait", T::Lock("percpurwsemaphore")),
    ("__down_common", T::Lock("semaphore")),
    ("__down", T::Lock("semaphore")),
    ("down", T::Lock("semaphore")),
    ("rt_mutex_slowlock", T::Lock("rtmutex")),
    ("__rt_mutex_slowlock", T::Lock("rtmutex")),
    ("rtlock_slowlock", T::Lock("rtmutex")),
    ("rt_spin_lock", T::Lock("rtmutex")),
    ("__rt_mutex_lock", T::Lock("rtmutex")),
    ("rt_mutex_lock", T::Lock("rtmutex")),
    ("rwbase_", T::Lock("rtmutex")),
    ("__rwbase_", T::Lock("rtmutex")),
    ("__lock_sock", T::Lock("socketlock")),
    ("lock_sock_nested", T::Lock("socketlock")),
    ("queued_spin_lock_slowpath", T::Spin("spinlock")),
    ("native_queued_spin_lock_slowpath", T::Spin("spinlock")),
    ("__pv_queued_spin_lock_slowpath", T::Spin("spinlock")),
    ("_raw_spin_lock", T::Spin("spinlock")),
    ("do_raw_spin_lock", T::Spin("spinlock")),
    ("__raw_spin_lock", T::Spin("spinlock")),
    ("queued_read_lock_slowpath", T::Spin("rwlock")),
    ("queued_write_lock_slowpath", T::Spin("rwlock")),
    ("_raw_read_lock", T::Spin("rwlock")),
    ("_raw_write_lock", T::Spin("rwlock")),
    ("synchronize_rcu", T::GracePeriod),
    ("__wait_rcu_gp", T::GracePeriod),
    ("wait_rcu_gp", T::GracePeriod),
    ("rcu_barrier", T::GracePeriod),
    ("exp_funnel_lock", T::GracePeriod),
    ("synchronize_net", T::GracePeriod),
    ("synchronize_sched", T::GracePeriod),
    ("__synchronize_srcu", T::Srcu),
    ("synchronize_srcu", T::Srcu),
    ("flush_workqueue", T::Work),
    ("__flush_workqueue", T::Work),
    ("flush_work", T::Work),
    ("__flush_work", T::Work),
    ("cancel_work_sync", T::Work),
    ("__cancel_work", T::Work),
    ("cancel_delayed_work_sync", T::Work),
    ("flush_delayed_work", T::Work),
    ("drain_workqueue", T::Work),
    ("destroy_workqueue", T::Work),
    ("start_flush_work", T::Work),
    ("folio_wait_", T::Page),
    ("wait_on_page_", T::Page),
    ("__lock_page", T::Page),
    ("__folio_lock", T::Page),
    ("__wait_on_buffer", T::Page),
    ("bit_wait", T::Page),
    ("wait_on_page", T::Page),
    ("wait_for_completion", T::Completion),
    ("__wait_for_common", T::Completion),
    ("wait_for_common", T::Completion),
    ("do_wait_for_common", T::Completion),
    ("blk_mq_get_tag", T::Device),
    ("rq_qos_wait", T::Device),
    ("submit_bio_wait", T::Device),
    ("usb_start_wait_urb", T::Device),
    ("mmc_wait_for_", T::Device),
    ("dma_fence_wait", T::Device),
    ("blk_mq_freeze_queue_wait", T::Device),
    ("io_schedule", T::Device),
    ("blk_queue_enter", T::Device),
    ("smp_call_function", T::Other),
    ("stop_one_cpu", T::Other),
    ("stop_machine", T::Other),
    ("kthread_stop", T::Other),
    ("kthread_park", T::Other),
    ("schedule_timeout", T::Other),
];

fn target(function: &str) -> Option<Target> {
    if function.contains("wait_for_completion") {
        return Some(T::Completion);
    }
    WAITS
        .iter()
        .find(|(begin, _)| match *begin {
            // Short names stand for themselves only.
            "down" | "__down" => {
                function == *begin
                    || function == "down_interruptible"
                    || function == "down_killable"
                    || function == "down_timeout"
            }
            begin => {
                function.starts_with(begin)
                    && !function.contains("_unlock")
                    && !function.ends_with("_irq_work")
            }
        })
        .map(|(_, target)| *target)
}

/// The waits and spins that the stacks show.
pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        if let Some((waiter, owner)) = tasks::likely_owner(headline(&message.text)) {
            facts.say(
                &[at],
                Predicate::WaitsFor {
                    waiter: Party::Task { task: waiter },
                    target: Party::Task { task: owner },
                    kind: WaitKind::Lock,
                    function: None,
                },
            );
        }
    }
    for stack in log.stacks().iter().filter(|stack| stack.part == Part::Call) {
        let Some(owner) = &stack.owner else { continue };
        let frames = || stack.pointer.iter().chain(stack.reliable());
        let known = frames().find_map(|frame| Some((frame, target(&frame.function)?)));
        // Any function that called the scheduler waits, whatever for.
        let sleeps = frames().next().is_some_and(|frame| is_scheduling(&frame.function));
        let Some((frame, target)) = known.or_else(|| {
            sleeps
                .then(|| frames().find(|frame| target_of_caller(&frame.function)))?
                .map(|f| (f, T::Other))
        }) else {
            continue;
        };
        let wanting = frames().find(|frame| target_of_caller(&frame.function));
        let parties = owner
            .task
            .clone()
            .map(|task| Party::Task { task })
            .into_iter()
            .chain(owner.cpu.map(|cpu| Party::Cpu { cpu }));
        // A function that sleeps on its own was called by the next one.
        let callers = frames().filter(|frame| target_of_caller(&frame.function));
        let most = if matches!(target, T::Other | T::Completion | T::Device) { 2 } else { 1 };
        for caller in callers.take(most) {
            let Some(task) = owner.task.clone() else { continue };
            let function = caller.function.clone();
            facts.hint(&[owner.at, caller.at], Predicate::WaitCaller { task, function });
        }
        if known.is_none() {
            continue;
        }
        for party in parties {
            let Some(wanting) = wanting else { continue };
            if let Target::Spin(_) = target {
                facts.say(
                    &[owner.at, frame.at, wanting.at],
                    Predicate::SpinsOn { party: party.clone(), function: wanting.function.clone() },
                );
            }
            facts.say(
                &[owner.at, frame.at],
                Predicate::WaitsFor {
                    waiter: party,
                    target: as_party(target),
                    kind: as_kind(target),
                    function: Some(wanting.function.clone()),
                },
            );
        }
    }
}

/// A function that is no part of the lock or of the scheduler.
fn target_of_caller(name: &str) -> bool {
    const PLUMBING: [&str; 26] = [
        "cpus_read_lock",
        "get_online_cpus",
        "lock_sock",
        "call_rwsem_",
        "rwsem_",
        "__schedule",
        "schedule",
        "context_switch",
        "preempt_schedule",
        "io_schedule",
        "native_",
        "pv_",
        "rcu_is_watching",
        "lock_acquire",
        "__lock_acquire",
        "_raw_",
        "__raw_",
        "do_raw_",
        "queued_",
        "__pv_",
        "prepare_to_",
        "__switch_to",
        "out_of_line_wait_on_bit",
        "__wait_on_bit",
        "arch_spin",
        "kvm_wait",
    ];
    target(name).is_none()
        && !name.contains("wait_for_completion")
        && !PLUMBING.iter().any(|head| name.starts_with(head))
}

fn is_scheduling(name: &str) -> bool {
    ["__schedule", "schedule", "io_schedule", "__switch_to", "context_switch"]
        .iter()
        .any(|head| name.starts_with(head))
}

fn as_kind(target: Target) -> WaitKind {
    match target {
        T::Lock(_) => WaitKind::Lock,
        T::Spin(_) => WaitKind::Spin,
        T::GracePeriod | T::Srcu => WaitKind::GracePeriod,
        T::Work => WaitKind::Work,
        T::Page => WaitKind::Page,
        T::Completion => WaitKind::Completion,
        T::Device => WaitKind::Device,
        T::Other => WaitKind::Other,
    }
}

fn as_party(target: Target) -> Party {
    match target {
        T::Lock(lock) | T::Spin(lock) => Party::SomeLock { lock: lock.to_owned() },
        T::GracePeriod => Party::GracePeriod { number: None },
        T::Srcu => Party::SrcuGracePeriod,
        T::Work => Party::Work { function: None },
        T::Page => Party::Page,
        T::Completion => Party::Resource { name: "completion".to_owned() },
        T::Device => Party::Device { name: "device".to_owned() },
        T::Other => Party::Resource { name: "another task or CPU".to_owned() },
    }
}

/// Messages that show the wait, or a fact that speaks against it.
pub(super) enum Wait {
    Shown(Vec<usize>),
    Otherwise(Vec<usize>, Predicate),
    Open,
}

/// Judges a wait: the waiter's own stack has to hold the function and something that waits for such a target.
pub(super) fn judge(
    log: &Log,
    waiter: &Party,
    target: &Party,
    kind: WaitKind,
    function: Option<&str>,
) -> Wait {
    if let Some(at) = told(log, waiter, target, kind) {
        return Wait::Shown(at);
    }
    let mut otherwise = None;
    for stack in
        log.stacks().iter().filter(|stack| stack.part == Part::Call && is_of(stack, waiter))
    {
        match on_stack(log, stack, waiter, target, kind, function) {
            Some(at) if log.may_cite(&at) => return Wait::Shown(at),
            Some(_) => {}
            None if stack.whole && otherwise.is_none() => otherwise = found(stack, waiter),
            None => {}
        }
    }
    match otherwise {
        Some((at, says)) if contradicts(&says, target, kind) => Wait::Otherwise(at, says),
        _ => Wait::Open,
    }
}

/// The kernel names the holder itself.
fn told(log: &Log, waiter: &Party, target: &Party, kind: WaitKind) -> Option<Vec<usize>> {
    let (Party::Task { task: waiter }, Party::Task { task: owner }) = (waiter, target) else {
        return None;
    };
    log.messages.iter().enumerate().find_map(|(at, message)| {
        let (found, holder) = tasks::likely_owner(headline(&message.text))?;
        let fits = fit_task(waiter, &found) == Fit::Yes && fit_task(owner, &holder) == Fit::Yes;
        (fits && matches!(kind, WaitKind::Lock | WaitKind::Other) && log.may_cite(&[at]))
            .then(|| vec![at])
    })
}

fn is_of(stack: &Stack, waiter: &Party) -> bool {
    let Some(owner) = &stack.owner else { return false };
    match waiter {
        Party::Task { task } => {
            owner.task.as_ref().is_some_and(|found| fit_task(task, found) == Fit::Yes)
        }
        Party::Cpu { cpu } => owner.cpu == Some(*cpu),
        _ => false,
    }
}

fn on_stack(
    log: &Log,
    stack: &Stack,
    waiter: &Party,
    wanted: &Party,
    kind: WaitKind,
    function: Option<&str>,
) -> Option<Vec<usize>> {
    let owner = stack.owner.as_ref()?;
    let mut at = vec![owner.at];
    if let Some(function) = function.map(super::scan::plain) {
        let frame = stack
            .pointer
            .iter()
            .chain(stack.reliable())
            .find(|frame| frame.function == function)?;
        at.push(frame.at);
    }
    let waits = stack
        .pointer
        .iter()
        .chain(stack.reliable())
        .filter_map(|frame| Some((frame.at, target(&frame.function)?)));
    let fitting = waits.into_iter().find(|(_, found)| fits(*found, wanted, kind));
    match (fitting, wanted) {
        (Some((line, found)), Party::Lock { lock }) => {
            at.push(line);
            at.extend(named_lock(log, waiter, lock, matches!(found, T::Lock(_)))?);
        }
        (Some((line, _)), Party::Task { task }) => {
            at.push(line);
            at.extend(shared_lock(log, waiter, task)?);
        }
        (Some((line, _)), Party::Work { function: Some(work) }) => {
            at.push(line);
            at.extend(barrier(log, waiter, work)?);
        }
        (Some((line, _)), _) => at.push(line),
        // What is awaited has no row: the function in which it waits is all there is to see.
        (None, Party::Resource { .. } | Party::Device { .. })
            if function.is_some() && matches!(kind, WaitKind::Other | WaitKind::Device) => {}
        (None, _) => return None,
    }
    at.sort_unstable();
    at.dedup();
    Some(at)
}

fn fits(found: Target, wanted: &Party, kind: WaitKind) -> bool {
    let same_kind = as_kind(found) == kind || kind == WaitKind::Other;
    same_kind
        && match wanted {
            Party::SomeLock { lock } => {
                let lock = letters(lock);
                matches!(found, T::Lock("rwsemaphore")) && lock.starts_with("rwsem")
                    || matches!(found, T::Lock(name) | T::Spin(name) if name == lock || lock == "lock" || lock.contains(name) || name == "rwsemaphore" && lock == "rwsem" || name == "socketlock" && lock == "socket" || name == "percpurwsemaphore" && lock.starts_with("percpu"))
            }
            Party::Lock { .. } | Party::Task { .. } => matches!(found, T::Lock(_) | T::Spin(_)),
            Party::GracePeriod { .. } => found == T::GracePeriod,
            Party::SrcuGracePeriod => found == T::Srcu,
            Party::Work { .. } => found == T::Work,
            Party::Page => found == T::Page,
            Party::Device { .. } => matches!(found, T::Device | T::Completion | T::Page),
            Party::Resource { .. } => matches!(found, T::Completion | T::Other | T::Device),
            Party::Cpu { .. } => found == T::Other,
            Party::Pool { .. } => false,
        }
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The lock stands in the waiter's own list.
fn named_lock(log: &Log, waiter: &Party, lock: &LockRef, listed: bool) -> Option<Vec<usize>> {
    let Party::Task { task } = waiter else { return None };
    let held = tasks::held(log);
    let found = held.iter().find(|held| {
        fit_task(task, &held.task) == Fit::Yes && super::fit::lock(lock, &held.lock) == Fit::Yes
    });
    found.filter(|_| listed).map(|held| vec![held.head, held.at])
}

/// Both tasks list one lock, by its address.
fn shared_lock(log: &Log, waiter: &Party, holder: &Task) -> Option<Vec<usize>> {
    let Party::Task { task } = waiter else { return None };
    let held = tasks::held(log);
    let of = |wanted: &Task| {
        held.iter().filter(move |held| fit_task(wanted, &held.task) == Fit::Yes).collect::<Vec<_>>()
    };
    let theirs = of(holder);
    of(task).into_iter().find_map(|mine| {
        let address = mine.lock.address.as_ref()?;
        let other = theirs.iter().find(|other| other.lock.address.as_ref() == Some(address))?;
        Some(vec![mine.head, mine.at, other.head, other.at])
    })
}

/// `pending: do_work BAR(12)`: task 12 waits for that work.
fn barrier(log: &Log, waiter: &Party, work: &str) -> Option<Vec<usize>> {
    let Party::Task { task } = waiter else { return None };
    let pid = task.pid?;
    log.facts(Family::Workqueue).iter().find_map(|fact| match &fact.says {
        Predicate::WorkBarrier { task, function } if task.pid == Some(pid) && function == work => {
            Some(fact.at.clone())
        }
        _ => None,
    })
}

/// What the innermost wait of a stack is.
fn found(stack: &Stack, waiter: &Party) -> Option<(Vec<usize>, Predicate)> {
    let owner = stack.owner.as_ref()?;
    let (at, function, target) = stack
        .pointer
        .iter()
        .chain(stack.reliable())
        .find_map(|frame| Some((frame.at, &frame.function, target(&frame.function)?)))?;
    let says = Predicate::WaitsFor {
        waiter: waiter.clone(),
        target: as_party(target),
        kind: as_kind(target),
        function: Some(function.clone()),
    };
    Some((vec![owner.at, at], says))
}

/// A lock of one kind is none of another kind, and a wait for a lock is none for something else.
fn contradicts(says: &Predicate, wanted: &Party, kind: WaitKind) -> bool {
    let Predicate::WaitsFor { target, kind: found, .. } = says else { return false };
    match (target, wanted) {
        (Party::SomeLock { lock: found }, Party::SomeLock { lock }) => {
            let (found, lock) = (letters(found), letters(lock));
            !(lock.contains(&found)
                || found.contains(&lock)
                || found.starts_with("rwsem") && lock.starts_with("rwsem"))
        }
        _ => {
            *found != kind
                && matches!(found, WaitKind::Lock | WaitKind::Spin | WaitKind::GracePeriod)
                && kind != WaitKind::Other
        }
    }
}
