//! Reports of the sanitizers: KASAN, KFENCE, KMSAN, KCSAN, UBSAN.

use model::functions::Role;

use super::family::{Doubt, Family, Look, Shape};

/// Functions of the tag check on arm64, which stand above the access that failed it.
const TAG_CHECK: &[&str] = &["kernel_fault", "tag_check", "mem_abort", "^el1_", "^el1h_"];
/// What frees memory: the bug of an invalid free is in its caller.
const FREES: &[&str] = &["kfree", "vunmap"];
const FREE_ROLES: &[Role] = &[Role::PageAllocator];
/// What copies to the network: the leak is what the caller put there.
const SENDS: &[&str] = &["alloc_skb", "netlink_ack", "netlink_rcv_skb"];

/// What a whole report of KMSAN ends with.
const KMSAN_TRAILER: Doubt = Doubt::Needs("^(?:CPU: |Uninit was |Local variable )");

pub(super) static FAMILIES: &[Family] = &[
    Family {
        header: "BUG: KASAN:",
        shapes: &[
            Shape {
                line: r"BUG: KASAN: (?:double-free or invalid-free|double-free|invalid-free) in (?:(\S+))",
                title: "KASAN: invalid-free in {F}",
                also: &["invalid-free in {F}"],
                function: &[Look::Trace],
                roles: FREE_ROLES,
                skip: FREES,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KASAN: ([a-z\-]+) in ([^\s/+]+)",
                then: &["^(Read|Write) (?:of size [0-9]+|at addr )"],
                title: "KASAN: {1} {3} in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Group(2), Look::Trace],
                skip: TAG_CHECK,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KASAN: ([a-z\-]+) on address",
                then: &["^(Read|Write) of size [0-9]+"],
                title: "KASAN: {1} {2}",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: (KASAN: [a-z\-]+ in \S+ at addr .*)",
                title: "{1}",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
            Shape { line: r"BUG: (KASAN: .*)", title: "{1}", doubt: Doubt::Always, ..Shape::EMPTY },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: KFENCE:",
        shapes: &[
            Shape {
                line: r"BUG: KFENCE: (out-of-bounds|use-after-free) (read|write) in ([^\s+]+)",
                title: "KFENCE: {1} {2} in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Group(3), Look::After("^(?:Use-after-free|Out-of-bounds) ")],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KFENCE: memory corruption in ([^\s+]+)",
                title: "KFENCE: memory corruption in {F}",
                function: &[Look::Group(1), Look::After("^Corrupted memory ")],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KFENCE: (invalid read|invalid write) in ([^\s+]+)",
                title: "KFENCE: {1} in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Group(2), Look::After("^Invalid ")],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KFENCE: invalid free in ([^\s+]+)",
                title: "KFENCE: invalid free in {F}",
                also: &["invalid-free in {F}"],
                function: &[Look::Group(1), Look::After("^Invalid free of ")],
                roles: FREE_ROLES,
                skip: FREES,
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: (KFENCE: .*)",
                title: "{1}",
                doubt: Doubt::Always,
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: KMSAN:",
        shapes: &[
            // Before the reports had kinds.
            Shape {
                line: r"BUG: KMSAN: use of unini?tialized memory in ([^\s+]+)",
                title: "KMSAN: uninit-value in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Group(1), Look::Trace],
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KMSAN: (kernel-usb-infoleak|kernel-network-infoleak)[a-z\-]* in ([^\s+]+)",
                title: "KMSAN: {1} in {F}",
                also: &["KMSAN origin in {O}"],
                function: &[Look::Group(2), Look::Frames],
                skip: SENDS,
                doubt: KMSAN_TRAILER,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KMSAN: ([a-z\-]+) in ([^\s+]+)",
                title: "KMSAN: {1} in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Group(2), Look::Frames],
                roles: &[Role::Crypto],
                skip: SENDS,
                doubt: KMSAN_TRAILER,
                ..Shape::EMPTY
            },
            Shape { line: r"BUG: (KMSAN: .*)", title: "{1}", doubt: Doubt::Always, ..Shape::EMPTY },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "BUG: KCSAN:",
        shapes: &[
            Shape {
                line: r"BUG: KCSAN: (data-race|assert: race) in ([^\s+/]+)(?:\+\S+)? / ([^\s+/]+)",
                title: "KCSAN: {1} in {F} / {f3}",
                function: &[Look::AnyGroup(2)],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape {
                line: r"BUG: KCSAN: (data-race|assert: race) in ([^\s+/]+)",
                title: "KCSAN: {1} in {F}",
                function: &[Look::Group(2), Look::Frames],
                doubt: Doubt::TraceOptional,
                ..Shape::EMPTY
            },
            Shape { line: r"BUG: (KCSAN: .*)", title: "{1}", doubt: Doubt::Always, ..Shape::EMPTY },
        ],
        ..Family::EMPTY
    },
    Family {
        header: "UBSAN:",
        shapes: &[
            Shape {
                line: r"UBSAN: (array-index-out-of-bounds|object-size-mismatch|misaligned-access|null-ptr-deref|vla-bound-not-positive) in ",
                title: "UBSAN: {1} in {F}",
                also: &["bad-access in {F}"],
                function: &[Look::Trace],
                skip: &["overflow"],
                ..Shape::EMPTY
            },
            Shape {
                line: "UBSAN: Undefined behaviour in",
                title: "UBSAN: undefined-behaviour in {F}",
                function: &[Look::Trace],
                skip: &["overflow"],
                ..Shape::EMPTY
            },
            Shape {
                line: r"UBSAN: ([a-z\-]+) in ",
                title: "UBSAN: {1} in {F}",
                function: &[Look::Trace],
                skip: &["overflow"],
                ..Shape::EMPTY
            },
        ],
        ..Family::EMPTY
    },
];
