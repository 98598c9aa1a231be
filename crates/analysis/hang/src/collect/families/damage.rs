//! Objects and counts found in a wrong state.

use super::head::{Head, Inner};
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, Role, Task};
use crate::parse;
use crate::text::{between, bounded, number_after};

/// A damaged list, count, page, stack or lock; a switch inside a reader.
pub(super) fn damage(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if c.absorbed(
        context,
        &[
            EventKind::Refcount,
            EventKind::Corruption,
            EventKind::RcuVoluntarySwitch,
            EventKind::Warning,
        ],
        number,
        3,
    ) {
        let event = context.event.map(|event| &mut c.out.events[event]);
        if let Some(event) = event.filter(|event| event.kind == EventKind::Warning) {
            event.kind = kind;
            event.line = number;
            event.headline = bounded(text.trim(), 240);
        }
        return true;
    }
    c.begin(context, kind, text, number, at);
    true
}

/// An object that nothing points to.
pub(super) fn leak(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    if c.folds(kind, "", number).is_some() {
        return true;
    }
    c.begin(context, kind, text, number, at);
    true
}

/// Lines of a damaged object, a spinlock or a leaked object.
pub(super) fn detail(c: &mut Collector, context: &mut Context, inner: &Inner<'_>) -> bool {
    let Inner { event: index, text, number, at } = *inner;
    let event = &mut c.out.events[index];
    match event.kind {
        EventKind::SpinlockBug if text.contains(".magic: 00000000") => {
            event.detail = Detail::ZeroMagic { line: number };
            true
        }
        EventKind::Corruption => {
            const STACKS: [(&str, Role); 2] =
                [("Allocated in ", Role::Allocated), ("Freed in ", Role::Freed)];
            if let Some((head, role)) = STACKS.iter().find(|(head, _)| text.starts_with(head)) {
                context.role = *role;
                let name = text[head.len()..].split(['+', ' ']).next().unwrap_or_default();
                if let Some(snapshot) = c.begin_snapshot(context, number, at) {
                    c.out.snapshots[snapshot].named = Some(bounded(parse::plain(name), 80));
                    let pid = number_after(text, "pid=");
                    c.out.snapshots[snapshot].task =
                        pid.map(|pid| Task { name: String::new(), pid: Some(pid) });
                }
                return true;
            }
            let ends = ["Slab ", "Object ", "INFO: "].iter().any(|head| text.starts_with(head));
            if ends {
                context.role = Role::Subject;
                context.snapshot = None;
            }
            ends
        }
        EventKind::MemoryLeak => {
            let Some(name) = between(text, "comm \"", "\"") else { return false };
            event.task = Some(Task {
                name: bounded(name.trim_matches('"'), 64),
                pid: number_after(text, "pid "),
            });
            true
        }
        _ => false,
    }
}
