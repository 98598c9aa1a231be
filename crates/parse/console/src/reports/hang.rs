//! Things that do not go on: RCU stalls, hung tasks, lockups.

use model::functions::Role;

use super::family::{Choice, Doubt, Family, Look, Shape};

/// `kernel/locking/spinlock_debug.c`, from 2.6 on.
macro_rules! spinlock_bug {
    ($lock:literal) => {
        concat!(
            "BUG: ",
            $lock,
            "[ -](lockup suspected|lockup|already unlocked|recursion|cpu recursion|bad magic|wrong owner|\
             wrong CPU|trylock failure on UP)"
        )
    };
}

/// The tick and RCU itself stand above the interrupted code.
const STALL_ROLES: &[Role] = &[Role::Rcu, Role::Tick, Role::Interrupt];

const RCU_STALL: Shape = Shape {
    line: r"INFO: rcu(?:_[a-z]+)*(?:_tasks_trace|_tasks)? (?:self-)?detected(?: expedited)? stalls? on",
    title: "INFO: rcu detected stall in {F}",
    also: &["stall in {F}"],
    function: &[Look::After(
        r"apic_timer_interrupt|\b__irq_svc\b|\bel1_irq\b|\bel1h_64_irq\b|timer_interrupt\+",
    )],
    choice: Choice::Entry,
    roles: STALL_ROLES,
    skip: &["rcu", "exit_to_user_mode"],
    ..Shape::EMPTY
};

/// What a task calls to wait or to take a lock says so in its name; the caller tells what for.
const WAITS: &[&str] = &[
    "wait",
    "_lock",
    "sched",
    "down_(?:read|write|killable|interruptible)",
    "rwsem",
    "completion",
];
/// A task that does not die is named by what it waits in, but for the waits of every file system.
const DEATHS: &[&str] = &["wait_on_", "folio_wait", "fdatawait", "__wait_rcu_gp", "console_lock"];
const WAIT_ROLES: &[Role] = &[Role::Scheduler, Role::Interrupt];

/// The message is cut where the task's name holds a line break.
const BROKEN_NAME: &[&str] = &[r"blocked (?:in I/O wait )?for more than [0-9]+ seconds"];

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "INFO: rcu",
        except: &[r"INFO: Stall ended"],
        shapes: &[RCU_STALL],
        ..Family::EMPTY
    },
    Family {
        header: "INFO: task ",
        shapes: &[
            Shape {
                line: r"INFO: task .* blocked (?:in I/O wait )?for more than [0-9]+ seconds",
                title: "INFO: task hung in {F}",
                also: &["hang in {F}"],
                function: &[Look::Trace],
                choice: Choice::Waiter,
                roles: WAIT_ROLES,
                skip: WAITS,
                ..Shape::EMPTY
            },
            Shape {
                line: r"INFO: task \S*$",
                then: BROKEN_NAME,
                title: "INFO: task hung in {F}",
                also: &["hang in {F}"],
                function: &[Look::Trace],
                choice: Choice::Waiter,
                roles: WAIT_ROLES,
                skip: WAITS,
                ..Shape::EMPTY
            },
            Shape {
                line: r"INFO: task .* can't die for more than [0-9]+ seconds",
                title: "INFO: task can't die in {F}",
                also: &["hang in {F}"],
                function: &[Look::Trace],
                choice: Choice::Waiter,
                roles: WAIT_ROLES,
                skip: DEATHS,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: soft lockup",
        shapes: &[Shape {
            line: r"BUG: soft lockup",
            title: "BUG: soft lockup in {F}",
            also: &["stall in {F}"],
            function: &[Look::Frames],
            choice: Choice::Entry,
            roles: WAIT_ROLES,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // x86 and arm64: `Watchdog detected hard LOCKUP on cpu 1`; powerpc: `CPU 1 self-detected hard LOCKUP @ f+0x1/0x2`.
    Family {
        header: "detected hard LOCKUP",
        shapes: &[Shape {
            line: r"detected hard LOCKUP",
            title: "BUG: hard lockup in {F}",
            also: &["stall in {F}"],
            function: &[Look::Frames],
            choice: Choice::Entry,
            roles: WAIT_ROLES,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: workqueue lockup",
        shapes: &[Shape {
            line: r"BUG: workqueue lockup",
            title: "BUG: workqueue lockup",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: spinlock",
        shapes: &[Shape {
            line: spinlock_bug!("spinlock"),
            title: "BUG: spinlock {1} in {F}",
            function: &[Look::Trace],
            skip: &["_lock", "_unlock"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: rwlock",
        shapes: &[Shape {
            line: spinlock_bug!("rwlock"),
            title: "BUG: rwlock {1} in {F}",
            function: &[Look::Trace],
            skip: &["_lock", "_unlock"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
];
