//! Blocked frame to what is awaited and who releases it. The table is data: a new way to wait is one
//! row with the functions it is known by.
//!
//! Invariant: an unknown wait stays unknown; nothing is guessed from the name of a function.

mod rules;

use model::{Awaited, Awaited as A, DeviceWork, LineSpan, RuleId, WaitsFor};

pub use self::rules::{WAIT_RULES, WaitRule};
use crate::event::{Frame, Snapshot};
use crate::stack;

/// A wait that was recognised.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The rule; `W51` where no row fits.
    pub rule: RuleId,
    /// What is awaited.
    pub awaited: Awaited,
    /// Function in which the wait was recognised.
    pub function: String,
    /// The function that asked for it: the first one further out that is no part of the primitive.
    pub caller: Option<String>,
    /// Return offset in the caller.
    pub caller_offset: Option<u64>,
    /// The lines of the frames from the waiting one to the caller.
    pub lines: LineSpan,
}

impl Wait {
    /// As the reason of an edge.
    pub fn reason(&self) -> WaitsFor {
        WaitsFor::Stack {
            awaited: self.awaited,
            function: self.function.clone(),
            caller: self.caller.clone(),
        }
    }
}

/// Whether a function is meant by a pattern with or without a trailing `*`.
pub(crate) fn matches(pattern: &str, function: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => function.starts_with(start),
        None => function == pattern,
    }
}

/// Whether a function is meant by one of the patterns.
pub(crate) fn any(patterns: &[&str], function: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, function))
}

/// Functions that are parts of locking and waiting primitives, not their callers.
const PRIMITIVES: &[&str] = &[
    "__mutex_lock*",
    "mutex_lock*",
    "__ww_mutex*",
    "ww_mutex*",
    "rwsem_*",
    "call_rwsem*",
    "down_*",
    "__down*",
    "___down*",
    "down",
    "percpu_*",
    "__percpu_*",
    "rt_mutex*",
    "__rt_mutex*",
    "rtlock_*",
    "rt_spin_*",
    "rwbase_*",
    "__rwbase_*",
    "rt_read_lock",
    "rt_write_lock",
    "rt_down_*",
    "_raw_spin_*",
    "_raw_read_*",
    "_raw_write_*",
    "queued_*",
    "native_queued_*",
    "__pv_queued_*",
    "pv_queued*",
    "do_raw_*",
    "rcuwait_*",
    "rcu_sync_*",
    "__wait_rcu_gp",
    "synchronize_*",
    "__synchronize_srcu*",
    "wait_rcu_gp",
    "lock_sock*",
    "__lock_sock",
    "__raw_spin*",
    "osq_lock",
    "mutex_spin_on_owner",
    "rwsem_spin*",
    "__lock_acquire",
    "lock_acquire",
    "_raw_spin_lock*",
    "raw_spin_*",
    "spin_lock*",
    "__spin_lock_debug",
    "debug_spin_*",
    "debug_write_*",
    "__flush_work",
    "flush_work",
    "flush_delayed_work",
    "__flush_workqueue",
    "drain_workqueue",
    "destroy_workqueue",
    "cancel_*work*",
    "__cancel_*",
    "cpus_read_lock",
    "get_online_cpus",
    "mutex_optimistic_spin",
    "ldsem_*",
    "__ldsem_*",
];

/// Whether the function is part of a locking or waiting primitive.
pub fn is_primitive(function: &str) -> bool {
    any(PRIMITIVES, function)
}

/// What the stack waits for, if it shows a wait: asleep in a known function, or spinning in one.
pub fn awaited(snapshot: &Snapshot) -> Option<Wait> {
    let frames = stack::task_frames(snapshot);
    let running = snapshot.on_cpu && !matches!(snapshot.state, Some('D' | 'S' | 'I'));
    if running {
        return spins(snapshot, &frames);
    }
    // Frames that two printers spoilt may stand between the scheduler's.
    let asleep = frames
        .iter()
        .take(12)
        .rposition(|frame| stack::is_scheduling(&frame.function))
        .map_or(0, |at| at + 1);
    let body = &frames[asleep..];
    for (at, frame) in body.iter().enumerate().take(2) {
        if at == 1 && !is_primitive(&body[0].function) {
            break;
        }
        for rule in WAIT_RULES {
            if any(rule.frames, &frame.function)
                && (rule.inside.is_empty()
                    || body[at..]
                        .iter()
                        .skip(usize::from(rule.id != RuleId::W06))
                        .take(8)
                        .any(|f| any(rule.inside, &f.function)))
            {
                // The journal's thread waits for handles, or for the blocks it has sent to the disk.
                if rule.id == RuleId::W24 && waits_for_io(&frames[..asleep]) {
                    let journal = A::Device(DeviceWork::Journal);
                    return Some(found(snapshot, RuleId::W29, journal, frame, &body[at..]));
                }
                return Some(found(snapshot, rule.id, rule.awaited, frame, &body[at..]));
            }
        }
    }
    let completion = frames[..asleep].iter().any(|frame| frame.function.contains("wait_for_co"));
    let frame = body.first()?;
    // Only a stack that goes through the scheduler shows a wait; where the next frame is the way into the
    // kernel, frames are lost.
    let lost = stack::is_syscall_entry(&frame.function)
        || ["__arm64_sys_", "__x64_sys_", "__se_sys_", "ksys_", "kthread", "ret_from_fork"]
            .iter()
            .any(|start| frame.function.starts_with(start));
    (asleep > 0 && !lost).then(|| {
        if waits_for_io(&frames[..asleep]) {
            return found(snapshot, RuleId::W32, A::Device(DeviceWork::Io), frame, body);
        }
        let awaited = if completion { A::Completion } else { A::Unknown };
        found(snapshot, RuleId::W51, awaited, frame, body)
    })
}

/// Whether the frames of the scheduler say that the wait is for I/O that was sent off.
fn waits_for_io(scheduling: &[&Frame]) -> bool {
    scheduling.iter().any(|frame| {
        frame.function.starts_with("wait_for_completion_io")
            || frame.function.starts_with("wait_for_common_io")
            || frame.function.starts_with("bit_wait_io")
    })
}

fn found(
    snapshot: &Snapshot,
    rule: RuleId,
    awaited: Awaited,
    frame: &Frame,
    body: &[&Frame],
) -> Wait {
    let caller = body.iter().skip(1).find(|f| !is_primitive(&f.function));
    // Behind a gap the next frame need not be the caller.
    let is_whole = |to: u64| !snapshot.gaps.iter().any(|gap| frame.line < *gap && *gap <= to);
    let caller = caller.filter(|caller| is_whole(caller.line));
    let last = caller.map_or(frame.line, |f| f.line);
    Wait {
        rule,
        awaited,
        function: frame.function.clone(),
        caller: caller.map(|f| f.function.clone()),
        caller_offset: caller.and_then(|f| f.offset),
        lines: LineSpan::new(frame.line, last),
    }
}

/// Whether the stack shows an idle thread that waits for nothing.
pub fn is_idle(snapshot: &Snapshot) -> bool {
    let idle_state = matches!(snapshot.state, Some('I' | 'S'));
    idle_state && awaited(snapshot).is_some_and(|wait| wait.awaited == A::Nothing)
}

const SPINS: &[&str] = &[
    "native_queued_spin_lock_slowpath",
    "queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "pv_queued_spin_lock_slowpath",
    "do_raw_spin_lock",
    "_raw_spin_lock*",
    "queued_write_lock_slowpath",
    "queued_read_lock_slowpath",
    "raw_spin_rq_lock_nested",
    "__raw_spin_lock*",
    "_raw_read_lock*",
    "_raw_write_lock*",
    "arch_spin_lock_wait",
    "arch_spin_lock_lp",
    "osq_lock",
];

/// A running task that spins for somebody else.
fn spins(snapshot: &Snapshot, frames: &[&Frame]) -> Option<Wait> {
    let remote = WAIT_RULES.iter().find(|rule| rule.awaited == A::RemoteCpu)?;
    let pointer = stack::instruction(snapshot);
    let top = pointer.map(|at| (at.function.as_str(), at.line));
    let yields = |function: &str| YIELDS.iter().any(|start| function.starts_with(start));
    let innermost = frames.iter().take(4).map(|frame| (frame.function.as_str(), frame.line));
    for (function, line) in top.into_iter().chain(innermost) {
        let asks = |frame: &&&Frame| !is_primitive(&frame.function) && !yields(&frame.function);
        let outer: Vec<&&Frame> = frames.iter().filter(asks).take(1).collect();
        let make = |rule, awaited| Wait {
            rule,
            awaited,
            function: function.to_owned(),
            caller: outer.iter().map(|f| f.function.clone()).find(|f| f != function).or_else(
                || {
                    frames
                        .iter()
                        .find(|f| f.function != function && asks(f))
                        .map(|f| f.function.clone())
                },
            ),
            caller_offset: None,
            lines: LineSpan::line(line),
        };
        if any(remote.frames, function) {
            return Some(make(remote.id, remote.awaited));
        }
        // The stopper runs with every CPU in step; it goes on when the last one has come.
        if function == "multi_cpu_stop" {
            return Some(make(RuleId::W19, A::EveryCpu));
        }
        if any(SPINS, function) {
            return Some(make(RuleId::W08, A::SpinLock));
        }
        if !yields(function) {
            break;
        }
    }
    None
}

/// Ways in which a virtual CPU hands its time to another while it spins.
const YIELDS: &[&str] = &[
    "plpar_hcall",
    "yield_to_preempted",
    "smp_yield_cpu",
    "kvm_wait",
    "pv_wait",
    "xen_hypercall",
    "native_safe_halt",
    "pv_native_safe_halt",
    "stop_machine_yield",
    "rcu_momentary_",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stack_of(state: char, functions: &[&str]) -> Snapshot {
        let frames = functions
            .iter()
            .enumerate()
            .map(|(at, function)| Frame {
                line: at as u64 + 10,
                function: (*function).to_owned(),
                offset: Some(16),
                size: Some(64),
                module: None,
                reliable: true,
                allocates: false,
                interrupt: false,
            })
            .collect();
        Snapshot { state: Some(state), on_cpu: state == 'R', frames, ..Snapshot::default() }
    }

    #[test]
    fn each_row_is_reached_by_its_own_frames() {
        for rule in WAIT_RULES {
            let first = rule.frames[0].trim_end_matches('*');
            let mut functions = vec!["__schedule", "schedule", first];
            if let Some(inside) = rule.inside.first() {
                functions.push(inside.trim_end_matches('*'));
            }
            let wait = awaited(&stack_of('D', &functions))
                .unwrap_or_else(|| panic!("{}: no wait", rule.id));
            assert_eq!(wait.awaited, rule.awaited, "{} ({first})", rule.id);
        }
    }

    #[test]
    fn the_lock_is_asked_for_by_the_first_function_that_is_no_primitive() {
        let wait = awaited(&stack_of(
            'D',
            &[
                "__schedule",
                "schedule",
                "schedule_preempt_disabled",
                "__mutex_lock",
                "mutex_lock_nested",
                "my_open",
                "vfs_open",
            ],
        ))
        .unwrap();
        assert_eq!(
            (wait.rule, wait.caller.as_deref(), wait.lines),
            (RuleId::W01, Some("my_open"), LineSpan::new(13, 15))
        );
    }

    /// W50: the main loops of kernel threads.
    #[test]
    fn a_thread_in_its_main_loop_waits_for_nobody() {
        let idle = stack_of('I', &["__schedule", "schedule", "worker_thread", "kthread"]);
        assert_eq!(awaited(&idle).map(|wait| wait.rule), Some(RuleId::W50));
        assert!(is_idle(&idle));
        assert!(!is_idle(&stack_of('D', &["__schedule", "schedule", "worker_thread"])));
    }

    #[test]
    fn a_wait_far_out_is_not_taken_for_the_present_one() {
        let wait =
            awaited(&stack_of('D', &["__schedule", "schedule", "my_own_wait", "blk_queue_enter"]))
                .unwrap();
        assert_eq!((wait.rule, wait.awaited), (RuleId::W51, Awaited::Unknown));
    }

    #[test]
    fn a_running_task_waits_only_where_it_spins() {
        assert!(awaited(&stack_of('R', &["my_loop", "mutex_lock", "vfs_read"])).is_none());
        let wait =
            awaited(&stack_of('R', &["queued_spin_lock_slowpath", "_raw_spin_lock", "my_poll"]))
                .unwrap();
        assert_eq!((wait.awaited, wait.caller.as_deref()), (Awaited::SpinLock, Some("my_poll")));
    }
}
