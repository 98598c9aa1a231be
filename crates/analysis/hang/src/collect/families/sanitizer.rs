//! KASAN, KFENCE, KMSAN, KCSAN and UBSAN.

use super::head::{Head, Inner};
use super::object;
use crate::collect::state::{Collector, Context};
use crate::event::{BadAccess, Detail, EventKind, Role, Task};
use crate::parse;
use crate::text::{after, bounded, number_after};

/// A report of a sanitizer.
pub(super) fn sanitizer(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if c.absorbed(context, &[EventKind::Fault], number, 3) {
        return true;
    }
    // `BUG: KASAN: kind in f`, `UBSAN: kind in file:line`.
    let tail = ["KASAN: ", "KFENCE: ", "KMSAN: ", "KCSAN: ", "UBSAN: "]
        .iter()
        .find_map(|head| after(text, head))
        .unwrap_or(text);
    let (what, function) = tail.split_once(" in ").unwrap_or((tail, ""));
    let bad = BadAccess {
        what: bounded(what.trim(), 60),
        function: bounded(parse::plain(function.split(['+', ' ']).next().unwrap_or_default()), 80),
        ..BadAccess::default()
    };
    if let Some(event) = c.inlined(context, kind, text, number) {
        c.out.events[event].detail = Detail::Bad(bad);
        return true;
    }
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].detail = Detail::Bad(bad);
    }
    true
}

/// Lines of a report.
pub(super) fn detail(c: &mut Collector, context: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, at } = *inner;
    let event = &mut c.out.events[index];
    let Detail::Bad(report) = &mut event.detail else { return false };
    object::observe(report, text, number);
    for access in [
        "Read of size ",
        "Write of size ",
        "Free of addr",
        "read to 0x",
        "write to 0x",
        "read-write to 0x",
    ] {
        if text.starts_with(access) {
            let (kind, _) = access.split_once(' ').unwrap_or((access, ""));
            let size =
                number_after(text, "of size ").or_else(|| number_after(text, " of ")).unwrap_or(0);
            report.access.get_or_insert((size, kind.to_lowercase(), number));
            if let Some(task) = after(text, "by task ").and_then(parse::name_slash_pid) {
                event.task.get_or_insert(task);
            }
            // KCSAN prints one stack for each access.
            if access.ends_with("0x") {
                context.snapshot = None;
                object::race(report, text, kind, number);
            }
            return true;
        }
    }
    let role = if text.starts_with("Allocated by task")
        || text.starts_with("allocated by task")
        || text.starts_with("Uninit was created at")
    {
        Role::Allocated
    } else if text.starts_with("Freed by task") || text.starts_with("freed by task") {
        Role::Freed
    } else if text.starts_with("Last potentially related work creation")
        || text.starts_with("Last call_rcu")
    {
        Role::Related
    } else if text.starts_with("Uninit was stored to memory at") {
        // On its way from where it was made to where it is used.
        Role::Recorded
    } else if text.starts_with("The buggy address belongs")
        || text.starts_with("Memory state around")
    {
        context.role = Role::Subject;
        context.snapshot = None;
        return true;
    } else {
        return false;
    };
    context.role = role;
    if let Some(snapshot) = c.begin_snapshot(context, number, at) {
        let pid = number_after(text, "by task ");
        c.out.snapshots[snapshot].task =
            pid.map(|pid| Task { name: String::new(), pid: Some(pid) });
    }
    true
}
