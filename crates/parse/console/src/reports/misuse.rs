//! Calls from a context that does not allow them, and balances that do not balance.

use model::functions::Role;

use super::family::{Doubt, Family, Look, Shape};

const PREEMPTION: &[&str] = &["preempt", "debug_"];

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "BUG: sleeping function called from invalid context",
        shapes: &[Shape {
            line: r"BUG: sleeping function called from invalid context at",
            title: "BUG: sleeping function called from invalid context in {F}",
            function: &[Look::Trace],
            roles: &[Role::Scheduler],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: assuming atomic context at",
        shapes: &[Shape {
            line: r"BUG: assuming atomic context at (\S+)",
            title: "BUG: assuming atomic context at {1}",
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: assuming non migratable context at",
        shapes: &[Shape {
            line: r"BUG: assuming non migratable context at (\S+)",
            title: "BUG: assuming non migratable context at {1}",
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: scheduling while atomic",
        shapes: &[Shape {
            line: r"BUG: scheduling while atomic",
            title: "BUG: scheduling while atomic in {F}",
            function: &[Look::Trace],
            roles: &[Role::Scheduler],
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: using ",
        shapes: &[Shape {
            line: r"BUG: using ([a-z_]+)\(\) in preemptible \[[0-9a-f]+\] code",
            title: "BUG: using {1}() in preemptible code in {F}",
            // The function that asked stands in a line of its own.
            function: &[Look::Trace, Look::Line(r"^caller is (?:\[<[0-9a-f]+>\] ?)?([^\s+]+)")],
            skip: PREEMPTION,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: workqueue leaked",
        shapes: &[Shape {
            line: r"BUG: workqueue leaked (?:lock or atomic|atomic, lock or RCU)",
            then: &[r"(?:last function: |workfn=)([^\s+]+)"],
            title: "BUG: workqueue leaked lock or atomic in {F}",
            function: &[Look::Group(1)],
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: MAX_",
        shapes: &[Shape {
            line: r"BUG: (MAX_[A-Z_]+) too low",
            title: "BUG: {1} too low!",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        }],
        ..Family::EMPTY
    },
];
