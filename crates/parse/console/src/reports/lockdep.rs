//! Reports of the lock validator, old headings (`[ INFO: … ]`, `[ BUG: … ]`) and new (`WARNING: …`).

use model::functions::Role;

use super::family::{Doubt, Family, Look, Shape};

/// The function that takes the lock, as the report's own line gives it, then the trace.
const TAKEN_AT: &[Look] = &[Look::Group(1), Look::Trace];
const LOCK_NAMES: &[&str] = &["stack", "lock", "IRQ"];

/// `possible circular locking dependency detected` and `possible recursive locking detected`.
const CIRCULAR: Shape = Shape {
    line: r"(?:WARNING: |INFO: )?possible (?:circular locking dependency|recursive locking|irq lock inversion dependency) detected",
    then: &[r"is trying to acquire lock:?$"],
    title: "possible deadlock in {F}",
    function: &[Look::After(r"is trying to acquire lock:?$")],
    skip: &["process_one_work"],
    ..Shape::EMPTY
};

/// The same under its old heading, which named the function whatever it was.
const CIRCULAR_OLD: Shape = Shape {
    then: &[r"is trying to acquire lock:?$", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
    function: &[Look::AnyGroup(1)],
    ..CIRCULAR
};

/// `HARDIRQ-safe -> HARDIRQ-unsafe lock order detected`: named by where the lock became safe.
const SAFE_UNSAFE: Shape = Shape {
    line: r"(?:WARNING: |INFO: )?[A-Z]+(?:-READ)?-safe -> [A-Z]+(?:-READ)?-unsafe lock order detected",
    then: &[r"which became [A-Z]+(?:-READ)?-irq-safe at:"],
    title: "possible deadlock in {F}",
    function: &[Look::After(r"which became [A-Z]+(?:-READ)?-irq-safe at:")],
    ..Shape::EMPTY
};

/// The same, cut short before it tells where the lock became safe.
const SAFE_UNSAFE_CUT: Shape = Shape {
    then: &[r"is trying to acquire:$", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
    function: &[Look::AnyGroup(1)],
    doubt: Doubt::Always,
    ..SAFE_UNSAFE
};

const INVERSION: Shape = Shape {
    line: r"(?:WARNING: |INFO: )?possible irq lock inversion dependency detected",
    then: &[r"just changed the state of lock:", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
    title: "possible deadlock in {F}",
    function: TAKEN_AT,
    skip: LOCK_NAMES,
    ..Shape::EMPTY
};

const INCONSISTENT: Shape = Shape {
    line: r"(?:WARNING: |INFO: )?inconsistent lock state",
    then: &[r"takes:$", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
    title: "inconsistent lock state in {F}",
    function: TAKEN_AT,
    skip: LOCK_NAMES,
    ..Shape::EMPTY
};

const WAIT_CONTEXT: Shape = Shape {
    line: r"(?:BUG: |WARNING: )Invalid wait context",
    then: &[r"is trying to lock:", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
    title: "WARNING: locking bug in {F}",
    function: TAKEN_AT,
    ..Shape::EMPTY
};

const RCU_USAGE: Shape = Shape {
    line: r"(?:WARNING|INFO): suspicious RCU usage",
    then: &[r"^\S+\.[ch]:[0-9]+ |suspicious rcu_|Illegal context switch"],
    title: "WARNING: suspicious RCU usage in {F}",
    function: &[Look::Trace],
    roles: &[Role::Rcu],
    skip: &["rcu"],
    ..Shape::EMPTY
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "WARNING: possible circular locking dependency detected",
        shapes: &[CIRCULAR],
        ..Family::EMPTY
    },
    Family {
        header: "WARNING: possible recursive locking detected",
        shapes: &[CIRCULAR],
        ..Family::EMPTY
    },
    Family {
        header: "WARNING: possible irq lock inversion dependency detected",
        shapes: &[INVERSION],
        ..Family::EMPTY
    },
    Family {
        header: "INFO: possible irq lock inversion dependency detected",
        shapes: &[INVERSION],
        ..Family::EMPTY
    },
    Family {
        header: "INFO: possible circular locking dependency detected",
        shapes: &[CIRCULAR_OLD],
        ..Family::EMPTY
    },
    Family {
        header: "INFO: possible recursive locking detected",
        shapes: &[CIRCULAR_OLD],
        ..Family::EMPTY
    },
    Family { header: "WARNING: HARDIRQ", shapes: &[SAFE_UNSAFE, SAFE_UNSAFE_CUT], ..Family::EMPTY },
    Family { header: "WARNING: SOFTIRQ", shapes: &[SAFE_UNSAFE, SAFE_UNSAFE_CUT], ..Family::EMPTY },
    Family { header: "INFO: HARDIRQ", shapes: &[SAFE_UNSAFE, SAFE_UNSAFE_CUT], ..Family::EMPTY },
    Family { header: "INFO: SOFTIRQ", shapes: &[SAFE_UNSAFE, SAFE_UNSAFE_CUT], ..Family::EMPTY },
    Family { header: "WARNING: inconsistent lock state", shapes: &[INCONSISTENT], ..Family::EMPTY },
    Family { header: "INFO: inconsistent lock state", shapes: &[INCONSISTENT], ..Family::EMPTY },
    Family { header: "BUG: Invalid wait context", shapes: &[WAIT_CONTEXT], ..Family::EMPTY },
    Family { header: "WARNING: Invalid wait context", shapes: &[WAIT_CONTEXT], ..Family::EMPTY },
    Family { header: "WARNING: suspicious RCU usage", shapes: &[RCU_USAGE], ..Family::EMPTY },
    Family {
        header: "INFO: suspicious RCU usage",
        shapes: &[
            Shape { title: "INFO: suspicious RCU usage in {F}", ..RCU_USAGE },
            Shape {
                line: r"INFO: suspicious RCU usage",
                title: "INFO: suspicious RCU usage in {F}",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: bad unlock balance detected",
        shapes: &[UNLOCK_BALANCE_OLD, UNLOCK_BALANCE_CUT],
        ..Family::EMPTY
    },
    Family {
        header: "WARNING: bad unlock balance detected",
        shapes: &[Shape { title: "WARNING: bad unlock balance in {F}", ..UNLOCK_BALANCE_OLD }],
        ..Family::EMPTY
    },
    Family { header: "BUG: held lock freed", shapes: &[HELD_FREED_OLD], ..Family::EMPTY },
    Family {
        header: "WARNING: held lock freed",
        shapes: &[Shape { title: "WARNING: held lock freed in {F}", ..HELD_FREED_OLD }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: lock held when returning to user space",
        shapes: &[HELD_RETURNING_OLD],
        ..Family::EMPTY
    },
    Family {
        header: "WARNING: lock held when returning to user space",
        shapes: &[Shape {
            title: "WARNING: lock held when returning to user space in {F}",
            ..HELD_RETURNING_OLD
        }],
        ..Family::EMPTY
    },
    Family {
        header: "WARNING: Nested lock was not taken",
        shapes: &[Shape {
            line: "WARNING: Nested lock was not taken",
            then: &[r"is trying to lock:$", r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)"],
            title: "WARNING: nested lock was not taken in {F}",
            function: TAKEN_AT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    // `lock_contended()` of a lock that the task does not hold.
    Family {
        header: "WARNING: bad contention detected",
        shapes: &[Shape {
            line: r"WARNING: bad contention detected!",
            then: &[
                r"is trying to contend lock .* at:",
                r"(?:\[<[0-9a-f]+>\] )?([^\s+]+)(?:\+0x| \()",
            ],
            title: "WARNING: bad contention in {F}",
            function: TAKEN_AT,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "INFO: trying to register non-static key",
        shapes: &[Shape {
            line: "INFO: trying to register non-static key",
            title: "INFO: trying to register non-static key in {F}",
            function: &[Look::Trace],
            skip: &["stack", "lock", "IRQ"],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
];

const UNLOCK_BALANCE_OLD: Shape = Shape {
    line: r"(?:BUG|WARNING): bad unlock balance detected!",
    then: &[r"is trying to release lock .* at:", r"(?:\[<[0-9a-f]+>\] )?([^\s+]+)(?:\+0x| \()"],
    title: "BUG: bad unlock balance in {F}",
    function: &[Look::Group(1), Look::Trace],
    ..Shape::EMPTY
};

const UNLOCK_BALANCE_CUT: Shape = Shape {
    line: r"BUG: bad unlock balance detected!",
    title: "BUG: bad unlock balance in {F}",
    doubt: Doubt::Always,
    ..Shape::EMPTY
};

const HELD_FREED_OLD: Shape = Shape {
    line: r"(?:BUG|WARNING): held lock freed!",
    then: &[
        r"is freeing memory .*, with a lock still held there!",
        r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)",
    ],
    title: "BUG: held lock freed in {F}",
    function: &[Look::Group(1), Look::Trace],
    ..Shape::EMPTY
};

const HELD_RETURNING_OLD: Shape = Shape {
    line: r"(?:BUG|WARNING): lock held when returning to user space!",
    then: &[
        r"is leaving the kernel with locks still held!",
        r"at: (?:\[<[0-9a-f]+>\]\s*)?([^\s+]+)",
    ],
    title: "BUG: lock held when returning to user space in {F}",
    function: &[Look::Group(1)],
    doubt: Doubt::TraceOptional,
    ..Shape::EMPTY
};
