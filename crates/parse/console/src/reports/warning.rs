//! `WARNING:` reports of `WARN_ON` and its like. The file that warned tells the finer kind.

use super::family::{Choice, Doubt, Family, Look, Shape};

/// `WARNING: CPU: 1 PID: 2 at FILE:LINE FUNC+0x1/0x2`, or from 6.16 `WARNING: FILE:LINE at
/// FUNC+0x1/0x2, CPU#1: COMM/2`, perhaps with the condition in brackets.
macro_rules! warning_at {
    ($file:literal, $function:literal) => {
        concat!(
            r"WARNING: (?:CPU: \d+ PID: -?\d+ at (?:\S*/)?",
            $file,
            r":\d+ ",
            $function,
            r"|(?:\[.*\] )?(?:\S*/)?",
            $file,
            r":\d+ at (?:0x0|",
            $function,
            "))"
        )
    };
}

/// The frame that warned, then its callers.
const WARNED: &[Look] = &[Look::InstructionPointer, Look::Trace];

/// What objects are freed and started by: the bug is in whoever did so with an active object.
const ODEBUG_SKIP: &[&str] = &["debug_", "rcu", "timer", "vunmap", "vfree", "^free_", "^work_"];

const fn by_file(line: &'static str, title: &'static str, skip: &'static [&'static str]) -> Shape {
    Shape { line, title, skip, function: WARNED, ..Shape::EMPTY }
}

pub(super) static FAMILIES: &[Family] = &[Family {
    header: "WARNING:",
    except: &[
        // Advice to administrators, printed at every boot or mount.
        r"WARNING: The mand mount option",
        r"WARNING: the mand mount option",
        r"WARNING: fbcon: Driver ",
        r"WARNING: See https?://",
        r"WARNING: /etc/",
        r"WARNING: Unsupported flag value",
        r"WARNING: Unknown RNG",
        r"WARNING: can't dereference registers",
        r"WARNING: can't access",
        // Which mitigations of the processor's own faults are missing.
        r"WARNING: (?:Unprivileged eBPF|Spectre|IBRS|LFENCE|BTB|ITS|retbleed|CPU does not support IBPB)",
        r"WARNING: kernel not compiled with ",
        r"WARNING: unsafe ",
        r"WARNING: \S+ is deprecated",
    ],
    shapes: &[
        by_file(
            warning_at!(
                r"lib/debugobjects\.c",
                r"(?:debug_print_object|debug_check_no_obj_freed)\S*"
            ),
            "WARNING: ODEBUG bug in {F}",
            ODEBUG_SKIP,
        ),
        by_file(
            warning_at!(r"lib/refcount\.c", r"\S+"),
            "WARNING: refcount bug in {F}",
            &["refcount"],
        ),
        by_file(
            warning_at!(r"include/linux/refcount\.h", r"\S+"),
            "WARNING: refcount bug in {F}",
            &["refcount"],
        ),
        by_file(warning_at!(r"lib/kobject\.c", r"\S+"), "WARNING: kobject bug in {F}", &[]),
        by_file(
            warning_at!(r"fs/proc/generic\.c", r"proc_register\S*"),
            "WARNING: proc registration bug in {F}",
            &["proc_"],
        ),
        by_file(
            warning_at!(r"mm/usercopy\.c", r"\S+"),
            "WARNING: bad usercopy in {F}",
            &["usercopy", "__check"],
        ),
        // What takes, releases and classifies locks. Other warnings are of the validator itself.
        by_file(
            warning_at!(r"kernel/locking/lockdep\.c", r"\S*lock_\S*"),
            "WARNING: locking bug in {F}",
            &["lock", "^release_sock"],
        ),
        by_file(
            warning_at!(r"mm/slab_common\.c", r"kmalloc_slab\S*"),
            "WARNING: kmalloc bug in {F}",
            &["kmalloc", "kmem"],
        ),
        by_file(
            warning_at!(r"mm/util\.c", r"kvmalloc_node\S*"),
            "WARNING: kmalloc bug in {F}",
            &["kmalloc", "kmem"],
        ),
        by_file(
            warning_at!(r"mm/vmalloc\.c", r"(?:__vmalloc_node|vmalloc)\S*"),
            "WARNING: zero-size vmalloc in {F}",
            &["vmalloc"],
        ),
        Shape {
            line: warning_at!(r"drivers/usb/core/urb\.c", r"usb_submit_urb\S*"),
            title: "WARNING in {F}",
            function: &[Look::Trace],
            choice: Choice::Caller("usb_submit_urb"),
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: kernel stack regs at +\(ptrval\) in .* has bad '\S+' value",
            title: "WARNING: kernel stack regs has bad value",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: kernel stack regs .* has bad '(\S+)' value",
            title: "WARNING: kernel stack regs has bad '{1}' value",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: kernel stack (?:frame pointer|regs) .* has bad value",
            title: "WARNING: kernel stack regs has bad value",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: stack recursion on stack type",
            title: "WARNING: stack recursion",
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: stack going in the wrong direction\? (?:at|ip=)\s*([^\s+]+)",
            title: "WARNING: stack going in the wrong direction? in {F}",
            function: &[Look::AnyGroup(1)],
            doubt: Doubt::TraceOptional,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: .* still has locks held!",
            then: &[r"locks? held by .*:$", r"at: (?:\[<[0-9a-f]+>\] )?([^\s+]+)"],
            title: "WARNING: still has locks held in {F}",
            function: &[Look::Group(1), Look::Trace],
            ..Shape::EMPTY
        },
        Shape {
            line: warning_at!(r"\S+", r"([^\s+,]+)"),
            title: "WARNING in {F}",
            function: WARNED,
            ..Shape::EMPTY
        },
        Shape {
            line: r"WARNING: CPU: \d+ PID: -?\d+ at ",
            title: "WARNING in {F}",
            function: WARNED,
            ..Shape::EMPTY
        },
    ],
    ..Family::EMPTY
}];
