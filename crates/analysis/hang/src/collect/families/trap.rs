//! Traps of the kernel.

use super::head::Head;
use crate::collect::state::{Collector, Context};
use crate::event::{Detail, EventKind, Trap};
use crate::text::{after, bounded, hex_after};

/// Lines within which a second headline still describes the same trap.
const SAME_TRAP: u64 = 14;
/// An oops, a BUG, a stack that ran over.
pub(super) fn trap(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    let Head { kind, text, number, at, .. } = *head;
    // `traps: x[1] general protection fault ip:…` is a user program's.
    if text.contains("traps: ") && text.contains(" ip:") {
        return false;
    }
    // The names of s390's exceptions are everyday words; a report of the kernel's own counts itc.
    let everyday = ["exception: ", "privileged operation: ", "Low-address protection: "];
    if everyday.iter().any(|name| text.contains(name))
        && !text.contains("[#")
        && !text.contains("Unable to handle")
    {
        return false;
    }
    let same = [
        EventKind::Fault,
        EventKind::KernelBug,
        EventKind::StackOverflow,
        EventKind::Corruption,
        EventKind::Refcount,
        EventKind::SpinlockBug,
        EventKind::Ubsan,
    ];
    if c.absorbed(context, &same, number, SAME_TRAP)
        && (!text.contains("kernel BUG at") || c.absorbed(context, &same[3..], number, 4))
    {
        if let Some(event) = context.event
            && let Detail::Trap(trap) = &mut c.out.events[event].detail
            && text.contains("Oops")
        {
            trap.oops = Some(number);
        }
        return true;
    }
    let address = hex_after(text, "address: ")
        .or_else(|| hex_after(text, "virtual address "))
        .or_else(|| hex_after(text, " at 0x"))
        .or_else(|| hex_after(text, "request at "))
        .or_else(|| hex_after(text, "dereference at "))
        .or_else(|| hex_after(text, "data at address "))
        .or_else(|| hex_after(text, "probably for non-canonical address "));
    let place =
        after(text, "kernel BUG at ").map(|place| bounded(place.trim_end_matches('!').trim(), 120));
    if let Some(event) = c.begin(context, kind, text, number, at) {
        c.out.events[event].detail = Detail::Trap(Trap {
            line: number,
            address,
            place,
            function: None,
            oops: text.contains("Oops").then_some(number),
        });
    }
    true
}
