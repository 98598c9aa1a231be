//! Statements on the other kinds of reports: lockups, sanitizers, traps, broken rules.

use model::{Claim, Grade, LineSpan};

use super::{claim, line};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind};
use crate::{stack, verdict};

pub(super) fn of_other(claims: &mut Vec<Claim>, seen: &Observations, event: &Event) {
    let first = line(event.lines.first);
    let subject = seen.subjects(event).find(|(_, s)| !s.frames.is_empty()).map(|(_, s)| s);
    match (&event.detail, event.kind) {
        (_, EventKind::RcuVoluntarySwitch) => {
            let name = subject
                .and_then(|s| s.task.clone())
                .or_else(|| event.task.clone())
                .map_or_else(|| "A task".to_owned(), |task| task.to_string());
            let mut lines = vec![first];
            let mut way = String::new();
            if let Some(s) = subject {
                let frames = stack::task_frames(s);
                let body: Vec<_> = frames
                    .iter()
                    .filter(|f| {
                        !stack::is_scheduling(&f.function)
                            && !stack::is_detector(&f.function)
                            && f.function != "rcu_note_context_switch"
                    })
                    .collect();
                if let (Some(inner), Some(outer)) = (body.first(), stack::anchor(s)) {
                    way = format!(" in {outer} -> {}", inner.function);
                }
                lines.extend(s.workqueue.as_ref().map(|(number, _)| line(*number)));
                if let (Some(a), Some(b)) = (frames.first(), frames.last()) {
                    lines.push(LineSpan::new(a.line, b.line));
                }
            }
            claims.push(claim(format!("{}: {name} blocked{way} with reader depth > 0. The place where it sleeps is not the place that leaks; the warning is printed once only.", event.id), Grade::Seen, &["R26"], lines));
        }
        (Detail::Atomic(report), _) => {
            let mut reasons = Vec::new();
            if report.irqs_disabled.is_some_and(|v| v > 0) {
                reasons.push("interrupts are disabled".to_owned());
            }
            if report.non_block.is_some_and(|v| v > 0) {
                reasons.push("inside a non-blocking section".to_owned());
            }
            if let Some((count, expected)) = report.preempt_count
                && count > expected
            {
                reasons.push(format!(
                    "preempt_count is {count:#x}, expected {expected:#x}: {}",
                    preempt_parts(count)
                ));
            } else if report.in_atomic.is_some_and(|v| v > 0) && report.preempt_count.is_none() {
                reasons.push(
                    "the task is atomic (preemption or bottom halves off, or in interrupt)"
                        .to_owned(),
                );
            }
            if let Some((depth, expected)) = report.rcu_depth
                && depth > expected
            {
                reasons.push(format!("RCU reader depth {depth}, expected {expected}"));
            }
            if !reasons.is_empty() {
                claims.push(claim(
                    format!(
                        "{}: sleeping is forbidden there because {}.",
                        event.id,
                        reasons.join("; ")
                    ),
                    Grade::Seen,
                    &[if event.kind == EventKind::SleepInAtomic { "R60" } else { "R61" }],
                    vec![first, line(report.line)],
                ));
            }
        }
        (Detail::Lockdep(report), _) => {
            if let (Some(wanted), Some(held)) = (&report.wanted, &report.held) {
                let same = !wanted.address.is_empty() && wanted.address == held.address;
                let note = if same { " It is the same lock: the same address." } else { "" };
                let whose =
                    event.task.as_ref().map_or_else(|| "A task".to_owned(), ToString::to_string);
                claims.push(claim(
                    format!(
                        "{}: {whose} takes {} (in {}) while it holds {} (in {}).{note}",
                        event.id, wanted.class, wanted.at, held.class, held.at
                    ),
                    Grade::Seen,
                    &["R50"],
                    vec![line(wanted.line), line(held.line)],
                ));
            }
            if let Some(usage) = &report.usage {
                claims.push(claim(
                    format!("{}: {usage}", event.id),
                    Grade::Seen,
                    &["R52"],
                    vec![first],
                ));
            }
        }
        (Detail::Bad(bad), _) => {
            let access = bad
                .access
                .as_ref()
                .map(|(size, kind, _)| format!(", {kind} of {size} bytes"))
                .unwrap_or_default();
            let whose = event.task.as_ref().map(|task| format!(" by {task}")).unwrap_or_default();
            let mut lines = vec![first];
            lines.extend(bad.access.as_ref().map(|(_, _, number)| line(*number)));
            claims.push(claim(
                format!("{}: {}{access}{whose}.", event.id, verdict::title(event)),
                Grade::Seen,
                &["R80"],
                lines,
            ));
            for (id, word) in [
                (bad.allocated, "allocated"),
                (bad.freed, "freed"),
                (bad.related, "related work was queued"),
            ] {
                let Some(s) = id.map(|id| seen.snapshot(id)) else { continue };
                let frame = s.frames.iter().find(|f| f.reliable && !is_allocator(&f.function));
                if let Some(frame) = frame {
                    claims.push(claim(
                        format!("{}: the object was {word} in {}.", event.id, frame.function),
                        Grade::Seen,
                        &["R80"],
                        vec![line(frame.line)],
                    ));
                }
            }
            if bad.freed.is_some() && bad.what.contains("use-after-free") {
                claims.push(claim(format!("{}: a fault of lifetime; its cause sits with the one that frees as often as with the one that uses.", event.id), Grade::Inferred, &["R80"], vec![first]));
            }
        }
        (Detail::Trap(trap), EventKind::Fault) => {
            if let Some(address) = trap.address {
                let what = if address < 0x1000 {
                    format!(
                        "address {address:#x} is near zero: a NULL pointer with a field offset of {address:#x}"
                    )
                } else if let Some(poison) = poison(address) {
                    format!("address {address:#x} looks like {poison}")
                } else {
                    return;
                };
                claims.push(claim(
                    format!("{}: {what}.", event.id),
                    Grade::Inferred,
                    &["R82"],
                    vec![first],
                ));
            }
        }
        (_, EventKind::Corruption) => {
            for snapshot in event.snapshots.iter().map(|id| seen.snapshot(*id)) {
                let word = match snapshot.role {
                    crate::event::Role::Allocated => "allocated",
                    crate::event::Role::Freed => "freed",
                    _ => continue,
                };
                let whose =
                    snapshot.task.as_ref().map(|task| format!(" by {task}")).unwrap_or_default();
                if let (Some(frame), Some(span)) = (
                    snapshot.frames.iter().find(|f| f.reliable && !is_allocator(&f.function)),
                    snapshot.lines,
                ) {
                    claims.push(claim(
                        format!(
                            "{}: the damaged object was {word} in {}{whose}.",
                            event.id, frame.function
                        ),
                        Grade::Seen,
                        &["R81"],
                        vec![line(span.first), line(frame.line)],
                    ));
                }
            }
        }
        (Detail::Segfault(fault), _) => {
            let bits = segfault_bits(fault.error);
            let place = fault
                .file
                .as_ref()
                .map(|(file, offset)| format!(" at offset {offset:#x} of {file}"))
                .unwrap_or_default();
            let whose = event.task.as_ref().map(ToString::to_string).unwrap_or_default();
            claims.push(claim(
                format!("{}: {whose}{place}: {bits}, address {:#x}.", event.id, fault.address),
                Grade::Seen,
                &["R85"],
                vec![first],
            ));
        }
        (Detail::Lockup { seconds }, _) => {
            let own = event
                .snapshots
                .iter()
                .map(|id| seen.snapshot(*id))
                .find(|s| s.cpu.is_none() || event.cpu.is_none() || s.cpu == event.cpu);
            if let Some((function, number)) = own.and_then(stack::where_it_was) {
                let cpu = event.cpu.map(|cpu| format!("CPU {cpu}")).unwrap_or_default();
                let time = seconds.map(|s| format!(" for {s} s")).unwrap_or_default();
                let again = if event.repeats > 0 {
                    format!(" (reported {} times more)", event.repeats)
                } else {
                    String::new()
                };
                claims.push(claim(
                    format!("{}: {cpu} was in {function}; stuck{time}{again}.", event.id),
                    Grade::Seen,
                    &[if event.kind == EventKind::HardLockup { "R41" } else { "R40" }],
                    vec![first, line(number)],
                ));
            }
        }
        _ => {}
    }
}

fn is_allocator(function: &str) -> bool {
    [
        "kasan_",
        "__kasan",
        "kmem_cache_",
        "kmalloc",
        "__kmalloc",
        "kfree",
        "kvfree",
        "slab_",
        "set_track",
        "stack_trace_save",
        "save_stack",
        "kzalloc",
        "kvmalloc",
        "__alloc_",
        "alloc_pages",
        "kcalloc",
        "__kfree",
        "poison_slab",
        "unpoison_slab",
        "__slab",
        "___slab",
        "__rcu_free",
    ]
    .iter()
    .any(|start| function.starts_with(start))
}

fn preempt_parts(count: u64) -> String {
    let parts = [
        (count & 0xff, "preemption off"),
        (count >> 8 & 0xff, "bottom halves off or in softirq"),
        (count >> 16 & 0xf, "in hard interrupt"),
        (count >> 20 & 0xf, "in NMI"),
    ];
    let words: Vec<&str> =
        parts.iter().filter(|(bits, _)| *bits > 0).map(|(_, word)| *word).collect();
    words.join(", ")
}

/// Values the kernel writes on purpose.
fn poison(address: u64) -> Option<&'static str> {
    const POISONS: &[(u64, u64, &str)] = &[
        (0xdead_0000_0000_0000, 0xffff_ffff_ffff_0000, "a list poison: the entry was deleted"),
        (0x6b6b_6b6b_6b6b_6b6b, 0xffff_ffff_ffff_0000, "slab poison: freed memory"),
        (0x5a5a_5a5a_5a5a_5a5a, 0xffff_ffff_ffff_0000, "slab poison: memory not yet set"),
        (0xcccc_cccc_cccc_cccc, 0xffff_ffff_ffff_0000, "a red zone or int3 filling"),
    ];
    POISONS.iter().find(|(value, mask, _)| address & mask == value & mask).map(|(.., name)| *name)
}

/// The error code of a user page fault, spelled out (x86).
pub fn segfault_bits(error: u64) -> String {
    let mut words = vec![
        if error & 2 != 0 { "write" } else { "read" },
        if error & 1 != 0 { "of a page that forbids it" } else { "of a page that is not there" },
        if error & 4 != 0 { "in user mode" } else { "in kernel mode" },
    ];
    for (bit, word) in [
        (8, "reserved page-table bit set"),
        (16, "while fetching an instruction"),
        (32, "forbidden by a protection key"),
        (64, "on a shadow stack"),
        (0x8000, "in an SGX enclave"),
    ] {
        if error & bit != 0 {
            words.push(word);
        }
    }
    words.join(" ")
}
