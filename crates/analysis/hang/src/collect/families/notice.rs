//! Devices, file systems and user programs that fail; single lines.

use super::head::Head;
use crate::collect::state::{Collector, Context};
use crate::event::Detail;
use crate::parse;

/// A fault of a user program.
pub(super) fn user_fault(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let Some((task, fault)) = parse::segfault(text) else { return false };
    if c.folds(kind, &format!("{}[", task.name), number).is_some() {
        return true;
    }
    let keep = context.clone();
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].task = Some(task);
        c.out.events[event].detail = Detail::Segfault(fault);
    }
    // One line and no more: whatever was open goes on.
    *context = keep;
    true
}

/// A device that fails: counted where it says the same again.
pub(super) fn device(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    // Lists of modules and boot banners hold such words too.
    let anchor = head.anchor();
    // Printing a stack takes its time: that handler is the report's own.
    if text.contains("nmi_cpu_backtrace_handler") || c.folds(kind, anchor, number).is_some() {
        return false;
    }
    let keep = context.clone();
    c.begin(context, kind, text, number, at);
    *context = keep;
    false
}

/// A file system that found data it does not believe.
pub(super) fn file_system(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    let anchor = head.anchor();
    if anchor == "Internal error " && !text.contains("XFS")
        || c.folds(kind, anchor, number).is_some()
    {
        return false;
    }
    c.begin(context, kind, text, number, at);
    true
}
