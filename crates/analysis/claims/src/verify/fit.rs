//! Whether a fact shows a claim, speaks against it, or is of something else.

use model::{LockRef, Party, Predicate as P, Task};

use super::kind;

/// How a fact stands to a claim of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It shows it.
    Yes,
    /// It neither shows nor refutes it.
    Open,
    /// It says otherwise of the same thing.
    No,
    /// It is of something else.
    Other,
}

use Fit::{No, Open, Other, Yes};

impl Fit {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Other, _) | (_, Other) => Other,
            (No, _) | (_, No) => No,
            (Open, _) | (_, Open) => Open,
            (Yes, Yes) => Yes,
        }
    }

    /// Where this part differs, the fact is of something else.
    fn of_same(self) -> Self {
        if self == No { Other } else { self }
    }
}

fn same<T: PartialEq>(claimed: &T, found: &T) -> Fit {
    if claimed == found { Yes } else { No }
}

/// What a claim leaves out it leaves open; what the log leaves out it does not show.
fn given<T: PartialEq>(claimed: Option<&T>, found: Option<&T>) -> Fit {
    match (claimed, found) {
        (None, _) => Yes,
        (Some(_), None) => Open,
        (Some(claimed), Some(found)) => same(claimed, found),
    }
}

fn given_function(claimed: Option<&str>, found: Option<&str>) -> Fit {
    match (claimed, found) {
        (None, _) => Yes,
        (Some(_), None) => Open,
        (Some(claimed), Some(found)) => function(claimed, found),
    }
}

/// Longest name of a task that the kernel keeps (TASK_COMM_LEN less its end).
const LONGEST_NAME: usize = 15;

/// One task by name and pid, as far as both are told.
pub(crate) fn task(claimed: &Task, found: &Task) -> Fit {
    let pid = given(claimed.pid.as_ref(), found.pid.as_ref());
    let name = if claimed.name.is_empty() {
        Yes
    } else if found.name.is_empty() {
        // The pid alone names a task.
        if pid == Yes && claimed.pid.is_some() { Yes } else { Open }
    } else if same_name(&claimed.name, &found.name) {
        Yes
    } else {
        No
    };
    // A kernel thread is named by its work where the log tells it (`kworker/0:1+events`).
    if claimed.name.is_empty() && claimed.pid.is_none() { Open } else { pid.and(name) }
}

fn same_name(claimed: &str, found: &str) -> bool {
    let found = found
        .split_once('+')
        .filter(|(thread, _)| thread.starts_with("kworker/"))
        .map_or(found, |(thread, _)| thread);
    let claimed = claimed
        .split_once('+')
        .filter(|(thread, _)| thread.starts_with("kworker/"))
        .map_or(claimed, |(thread, _)| thread);
    claimed == found || found.len() == LONGEST_NAME && claimed.starts_with(found)
        // The idle task of a CPU.
        || claimed == "swapper" && found.starts_with("swapper/")
}

fn maybe_task(claimed: Option<&Task>, found: Option<&Task>) -> Fit {
    match (claimed, found) {
        (None, _) => Yes,
        (Some(_), None) => Open,
        (Some(claimed), Some(found)) => task(claimed, found),
    }
}

/// A lock by class and address, as far as the claim tells them.
pub(crate) fn lock(claimed: &LockRef, found: &LockRef) -> Fit {
    if claimed.class.is_none() && claimed.address.is_none() {
        return Yes;
    }
    let class = given(
        claimed.class.as_deref().map(class).as_ref(),
        found.class.as_deref().map(class).as_ref(),
    );
    class.and(given(claimed.address.as_ref(), found.address.as_ref()))
}

/// A class with or without the marks of its subclass and of `wait_lock`-like nesting (`#2`, `/1`).
fn class(text: &str) -> &str {
    text.trim_start_matches('(').trim_end_matches(')')
}

fn function(claimed: &str, found: &str) -> Fit {
    if super::scan::plain(claimed.trim_end_matches("()")) == found.trim_start_matches('.') {
        Yes
    } else {
        No
    }
}

/// A release by itself or by its beginning: `6.12` of `6.12.1-amd64`, but no release candidate.
fn version(claimed: &str, found: &str) -> Fit {
    let rest = match found.strip_prefix(claimed) {
        Some(rest) => rest,
        None => return No,
    };
    let ends =
        rest.is_empty() || rest.starts_with(['.', '-', '+', '_']) && !rest.starts_with("-rc");
    if ends { Yes } else { No }
}

/// A name of the message with or without what follows it.
fn reason(claimed: Option<&String>, found: Option<&String>) -> Fit {
    match (claimed, found) {
        (None, _) => Yes,
        (Some(_), None) => Open,
        (Some(claimed), Some(found)) => {
            let (claimed, found) = (joined(claimed), joined(found));
            if found == claimed || found.starts_with(&claimed) { Yes } else { No }
        }
    }
}

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn party(claimed: &Party, found: &Party) -> Fit {
    match (claimed, found) {
        (Party::Task { task: claimed }, Party::Task { task: found }) => task(claimed, found),
        (Party::Lock { lock: claimed }, Party::Lock { lock: found }) => lock(claimed, found),
        _ => same(claimed, found),
    }
}

/// Compares a claim with a fact; `None` where they are of different kinds.
pub(crate) fn fit(claim: &P, fact: &P) -> Option<Fit> {
    crash(claim, fact)
        .or_else(|| object(claim, fact))
        .or_else(|| machine(claim, fact))
        .or_else(|| hang(claim, fact))
        .or_else(|| waiting(claim, fact))
        .or_else(|| locks(claim, fact))
        .or_else(|| memory(claim, fact))
        .or_else(|| details(claim, fact))
}

fn crash(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (P::FaultKind { kind: claimed }, P::FaultKind { kind: found }) => {
            if kind::includes(*claimed, *found) {
                Yes
            } else if kind::exclude(*claimed, *found) {
                No
            } else {
                Open
            }
        }
        (P::CrashPlace { function: claimed }, P::CrashPlace { function: found }) => {
            function(claimed, found)
        }
        (
            P::CalledBy { function: claimed, caller },
            P::CalledBy { function: found, caller: found_caller },
        ) => function(claimed, found).of_same().and(function(caller, found_caller)),
        (P::OnStack { function: claimed }, P::OnStack { function: found }) => {
            function(claimed, found).of_same()
        }
        (P::Recursion { function: claimed }, P::Recursion { function: found }) => {
            function(claimed, found).of_same()
        }
        (P::SystemCall { name: claimed }, P::SystemCall { name: found }) => same(claimed, found),
        (P::Access { access, size }, P::Access { access: found, size: found_size }) => {
            same(access, found).and(given(size.as_ref(), found_size.as_ref()))
        }
        (P::FaultAddress { address }, P::FaultAddress { address: found }) => same(address, found),
        (
            P::RacingAccess { function: claimed, access, task, cpu },
            P::RacingAccess {
                function: found,
                access: found_access,
                task: found_task,
                cpu: found_cpu,
            },
        ) => function(claimed, found)
            .of_same()
            .and(same(access, found_access))
            .and(maybe_task(task.as_ref(), found_task.as_ref()))
            .and(given(cpu.as_ref(), found_cpu.as_ref())),
        (P::ExecutionContext { context: claimed }, P::ExecutionContext { context: found }) => {
            same(claimed, found)
        }
        (P::OnCpu { cpu }, P::OnCpu { cpu: found }) => same(cpu, found),
        (P::CurrentTask { task: claimed }, P::CurrentTask { task: found }) => task(claimed, found),
        (
            P::Workqueue { workqueue, function: claimed },
            P::Workqueue { workqueue: found_queue, function: found },
        ) => given(workqueue.as_ref(), found_queue.as_ref()).and(function(claimed, found)),
        (P::SourceLine { file, line }, P::SourceLine { file: found, line: found_line }) => {
            let named =
                if found == file || found.ends_with(&format!("/{file}")) { Yes } else { No };
            named.and(same(line, found_line))
        }
        _ => return None,
    })
}

fn object(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (P::Object { cache, size }, P::Object { cache: found, size: found_size }) => {
            given(cache.as_ref(), found.as_ref()).and(given(size.as_ref(), found_size.as_ref()))
        }
        (
            P::ObjectOffset { side, distance, region },
            P::ObjectOffset { side: found_side, distance: found, region: found_region },
        ) => same(side, found_side).and(same(distance, found)).and(same(region, found_region)),
        (
            P::ObjectFunction { role, function: claimed },
            P::ObjectFunction { role: found_role, function: found },
        ) => same(role, found_role).of_same().and(function(claimed, found).of_same()),
        (
            P::ObjectTask { role, task: claimed },
            P::ObjectTask { role: found_role, task: found },
        ) => {
            if role == found_role {
                task(claimed, found)
            } else {
                Open
            }
        }
        (
            P::SameTask { first, second, same: claimed },
            P::SameTask { first: found_first, second: found_second, same: found },
        ) => {
            let roles = (first, second) == (found_first, found_second)
                || (second, first) == (found_first, found_second);
            if roles { same(claimed, found) } else { Open }
        }
        _ => return None,
    })
}

fn machine(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (P::KernelVersion { version: claimed }, P::KernelVersion { version: found }) => {
            version(claimed, found)
        }
        (P::Taint { flags }, P::Taint { flags: found }) => same(&letters(flags), &letters(found)),
        (P::TaintedBefore { meaning }, P::TaintedBefore { meaning: found }) => {
            same(meaning, found).of_same()
        }
        (P::Panicked { reason: claimed }, P::Panicked { reason: found }) => {
            reason(claimed.as_ref(), found.as_ref())
        }
        (P::MessagesLost, P::MessagesLost)
        | (P::HungReportsSuppressed, P::HungReportsSuppressed)
        | (P::LockdepOff, P::LockdepOff) => Yes,
        (P::BadState { object }, P::BadState { object: found }) => same(object, found).of_same(),
        (P::Register { register, value }, P::Register { register: found, value: found_value }) => {
            let name = register.trim_start_matches('%').eq_ignore_ascii_case(found);
            if name { same(value, found_value) } else { Open }
        }
        (
            P::UserFault { task: claimed, kind, address, ip },
            P::UserFault { task: found, kind: found_kind, address: found_address, ip: found_ip },
        ) => task(claimed, found)
            .of_same()
            .and(same(kind, found_kind))
            .and(given(address.as_ref(), found_address.as_ref()))
            .and(same(ip, found_ip)),
        (
            P::UserFaultPlace { task: claimed, file, in_mapping, in_file },
            P::UserFaultPlace {
                task: found,
                file: found_file,
                in_mapping: mapped,
                in_file: offset,
            },
        ) => task(claimed, found)
            .of_same()
            .and(same(file, found_file))
            .and(given(in_mapping.as_ref(), mapped.as_ref()))
            .and(given(in_file.as_ref(), offset.as_ref())),
        (P::Irqs { state, register }, P::Irqs { state: found, register: found_register }) => {
            let name = match (register, found_register) {
                (Some(claimed), Some(found)) => claimed.eq_ignore_ascii_case(found),
                _ => true,
            };
            same(state, found).and(if name { Yes } else { Open })
        }
        _ => return None,
    })
}

fn letters(flags: &str) -> Vec<char> {
    let mut letters: Vec<char> =
        flags.chars().filter(|c| c.is_ascii_uppercase() && !"GP".contains(*c)).collect();
    letters.sort_unstable();
    letters
}

fn hang(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (
            P::BlockedFor { task: claimed, seconds },
            P::BlockedFor { task: found, seconds: found_seconds },
        ) => task(claimed, found).of_same().and(same(seconds, found_seconds)),
        (P::BlockedTasks { count }, P::BlockedTasks { count: found }) => same(count, found),
        (
            P::TaskState { task: claimed, state },
            P::TaskState { task: found, state: found_state },
        ) => task(claimed, found).of_same().and(same(state, found_state)),
        (P::CpuStuck { cpu, seconds }, P::CpuStuck { cpu: found, seconds: found_seconds }) => {
            same(cpu, found).and(given(seconds.as_ref(), found_seconds.as_ref()))
        }
        (
            P::CpuIn { cpu, task: claimed, function: name },
            P::CpuIn { cpu: found_cpu, task: found, function: found_name },
        ) => same(cpu, found_cpu)
            .of_same()
            .and(maybe_task(claimed.as_ref(), found.as_ref()).of_same())
            .and(function(name, found_name)),
        (
            P::CpuNoResponse { cpu, waiting },
            P::CpuNoResponse { cpu: found, waiting: found_waiting },
        ) => same(cpu, found).and(given(waiting.as_ref(), found_waiting.as_ref())),
        (
            P::GracePeriodAge { number, jiffies },
            P::GracePeriodAge { number: found, jiffies: found_jiffies },
        ) => same(number, found).of_same().and(same(jiffies, found_jiffies)),
        (
            P::GracePeriodThreadStarved { jiffies, cpu, state },
            P::GracePeriodThreadStarved { jiffies: found, cpu: found_cpu, state: found_state },
        ) => same(jiffies, found)
            .and(given(cpu.as_ref(), found_cpu.as_ref()))
            .and(given(state.as_ref(), found_state.as_ref())),
        (P::GracePeriodThreadWorked { jiffies }, P::GracePeriodThreadWorked { jiffies: found }) => {
            same(jiffies, found)
        }
        (
            P::HoldoutCpu { cpu, behind, ticks },
            P::HoldoutCpu { cpu: found, behind: found_behind, ticks: found_ticks },
        ) => same(cpu, found)
            .of_same()
            .and(given(behind.as_ref(), found_behind.as_ref()))
            .and(given(ticks.as_ref(), found_ticks.as_ref())),
        (
            P::HoldoutTask { task: claimed, depth },
            P::HoldoutTask { task: found, depth: found_depth },
        ) => task(claimed, found).of_same().and(given(depth.as_ref(), found_depth.as_ref())),
        (P::CallbacksWaiting { count }, P::CallbacksWaiting { count: found }) => same(count, found),
        (P::SameStall { number, .. }, P::SameStall { number: found, .. }) => {
            same(number, found).of_same()
        }
        (P::TickRate { hz }, P::TickRate { hz: found }) => same(hz, found),
        _ => return None,
    })
}

fn waiting(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (P::PoolStuck { cpus, seconds }, P::PoolStuck { cpus: found, seconds: found_seconds }) => {
            same(cpus, found).and(given(seconds.as_ref(), found_seconds.as_ref()))
        }
        (
            P::WorkInFlight { function: claimed, worker, seconds },
            P::WorkInFlight { function: found, worker: found_worker, seconds: found_seconds },
        ) => function(claimed, found)
            .of_same()
            .and(maybe_task(worker.as_ref(), found_worker.as_ref()))
            .and(given(seconds.as_ref(), found_seconds.as_ref())),
        (
            P::WorkPending { function: claimed, count },
            P::WorkPending { function: found, count: found_count },
        ) => function(claimed, found).of_same().and(given(count.as_ref(), found_count.as_ref())),
        (P::IdleWorkers { pool, count }, P::IdleWorkers { pool: found, count: found_count }) => {
            same(pool, found).of_same().and(same(count, found_count))
        }
        (
            P::WorkBarrier { task: claimed, function: name },
            P::WorkBarrier { task: found, function: found_name },
        ) => task(claimed, found).of_same().and(function(name, found_name).of_same()),
        (
            P::SpinsOn { party: claimed, function: name },
            P::SpinsOn { party: found, function: found_name },
        ) => party(claimed, found).of_same().and(function(name, found_name)),
        (
            P::WaitsFor { waiter, kind, target, function: name },
            P::WaitsFor {
                waiter: found,
                kind: found_kind,
                target: found_target,
                function: found_name,
            },
        ) => party(waiter, found)
            .of_same()
            .and(same(kind, found_kind))
            .and(party(target, found_target))
            .and(given_function(name.as_deref(), found_name.as_deref()).of_same()),
        (
            P::Holds { task: claimed, lock: which, function: name },
            P::Holds { task: found, lock: found_lock, function: found_name },
        ) => task(claimed, found)
            .of_same()
            .and(lock(which, found_lock).of_same())
            .and(given_function(name.as_deref(), found_name.as_deref())),
        _ => return None,
    })
}

fn locks(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (
            P::LockWanted { task: claimed, lock: which, function: name },
            P::LockWanted { task: found, lock: found_lock, function: found_name },
        ) => task(claimed, found)
            .of_same()
            .and(lock(which, found_lock))
            .and(function(name, found_name)),
        (
            P::LockOrder { first, then, function: name },
            P::LockOrder { first: found_first, then: found_then, function: found_name },
        ) => lock(first, found_first)
            .of_same()
            .and(lock(then, found_then).of_same())
            .and(given_function(name.as_deref(), found_name.as_deref())),
        (
            P::LockConflict { lock: which, one, other },
            P::LockConflict { lock: found, one: found_one, other: found_other },
        ) => {
            let usages = (one, other) == (found_one, found_other)
                || (other, one) == (found_one, found_other);
            lock(which, found).of_same().and(if usages { Yes } else { No })
        }
        (
            P::SameLock { first, second, same: claimed },
            P::SameLock { first: found_first, second: found_second, same: found },
        ) => {
            let straight = lock(first, found_first).and(lock(second, found_second));
            let crossed = lock(first, found_second).and(lock(second, found_first));
            if straight == Yes || crossed == Yes { same(claimed, found) } else { Open }
        }
        (
            P::AtomicContext { field, value, expected },
            P::AtomicContext { field: found, value: found_value, expected: found_expected },
        ) => {
            if field == found {
                same(value, found_value).and(given(expected.as_ref(), found_expected.as_ref()))
            } else {
                Open
            }
        }
        _ => return None,
    })
}

fn memory(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (
            P::Allocation { order, gfp, task: claimed },
            P::Allocation { order: found, gfp: found_gfp, task: found_task },
        ) => same(order, found)
            .and(same(&flags(gfp), &flags(found_gfp)))
            .and(maybe_task(claimed.as_ref(), found_task.as_ref())),
        (P::OomLimit { constraint }, P::OomLimit { constraint: found }) => same(constraint, found),
        (
            P::CgroupMemory { usage, limit },
            P::CgroupMemory { usage: found, limit: found_limit },
        ) => same(usage, found).and(same(limit, found_limit)),
        (
            P::ZoneMemory { zone, free, min, unusable },
            P::ZoneMemory {
                zone: found,
                free: found_free,
                min: found_min,
                unusable: found_unusable,
            },
        ) => same(zone, found)
            .of_same()
            .and(same(free, found_free))
            .and(same(min, found_min))
            .and(given(unusable.as_ref(), found_unusable.as_ref())),
        (
            P::FreeBlocks { zone, order, count, kinds },
            P::FreeBlocks {
                zone: found,
                order: found_order,
                count: found_count,
                kinds: found_kinds,
            },
        ) => {
            let of = same(zone, found).and(same(order, found_order)).of_same();
            of.and(same(count, found_count)).and(same(&letters(kinds), &letters(found_kinds)))
        }
        (P::MemoryUse { kind, pages }, P::MemoryUse { kind: found, pages: found_pages }) => {
            same(kind, found).of_same().and(same(pages, found_pages))
        }
        (P::Killed { task: claimed }, P::Killed { task: found }) => task(claimed, found),
        _ => return None,
    })
}

fn flags(gfp: &str) -> Vec<&str> {
    let mut flags: Vec<&str> = gfp.split('|').collect();
    flags.sort_unstable();
    flags
}

fn details(claim: &P, fact: &P) -> Option<Fit> {
    Some(match (claim, fact) {
        (P::StallEnded, P::StallEnded) => Yes,
        (P::ValueChanged { .. }, P::ValueChanged { .. })
        | (P::ArrayIndex { .. }, P::ArrayIndex { .. })
        | (P::StallFoundBy { .. }, P::StallFoundBy { .. })
        | (P::AtomicBecause { .. }, P::AtomicBecause { .. })
        | (P::GracePeriodScans { .. }, P::GracePeriodScans { .. })
        | (P::CallbacksGrew { .. }, P::CallbacksGrew { .. }) => same(claim, fact),
        (
            P::ShiftExponent { exponent, bits },
            P::ShiftExponent { exponent: found, bits: found_bits },
        ) => same(exponent, found).and(given(bits.as_ref(), found_bits.as_ref())),
        (
            P::WaitCaller { task: claimed, function: name },
            P::WaitCaller { task: found, function: found_name },
        ) => task(claimed, found).of_same().and(function(name, found_name)),
        (
            P::LikelyHolder { waiter, holder, how },
            P::LikelyHolder { waiter: found, holder: found_holder, how: found_how },
        ) => {
            task(waiter, found).of_same().and(task(holder, found_holder)).and(same(how, found_how))
        }
        (
            P::TimerSuspected { cpu, softirqs },
            P::TimerSuspected { cpu: found, softirqs: found_softirqs },
        ) => given(cpu.as_ref(), found.as_ref())
            .and(given(softirqs.as_ref(), found_softirqs.as_ref())),
        (P::RcuSoftirqs { cpu, count }, P::RcuSoftirqs { cpu: found, count: found_count }) => {
            same(cpu, found).of_same().and(same(count, found_count))
        }
        (
            P::RcucStarved { cpu, jiffies },
            P::RcucStarved { cpu: found, jiffies: found_jiffies },
        ) => same(cpu, found).of_same().and(same(jiffies, found_jiffies)),
        (
            P::DepthGrew { task: claimed, from, to },
            P::DepthGrew { task: found, from: found_from, to: found_to },
        ) => task(claimed, found).of_same().and(same(from, found_from)).and(same(to, found_to)),
        (
            P::SleptInReader { task: claimed, function: name },
            P::SleptInReader { task: found, function: found_name },
        ) => task(claimed, found)
            .of_same()
            .and(given_function(name.as_deref(), found_name.as_deref())),
        (
            P::LockReleased { task: claimed, lock: which, function: name },
            P::LockReleased { task: found, lock: found_lock, function: found_name },
        ) => task(claimed, found)
            .of_same()
            .and(lock(which, found_lock))
            .and(given_function(name.as_deref(), found_name.as_deref())),
        (
            P::PreemptionDisabledAt { function: name },
            P::PreemptionDisabledAt { function: found },
        ) => function(name, found),
        (P::ListPointer { field, .. }, P::ListPointer { field: found, .. }) => {
            same(field, found).of_same().and(same(claim, fact))
        }
        (
            P::DeviceReferences { device, count },
            P::DeviceReferences { device: found, count: found_count },
        ) => same(device, found).of_same().and(same(count, found_count)),
        _ => return None,
    })
}
