//! Short names of events.

use analysis_hang::event::{Detail, Event, EventKind, HungScan, Stall};

use super::parts::place;

/// A short name of an event for people: that of a hang tells who hangs; others go by the title of their crash report,
/// as the list of events does.
pub fn title(event: &Event) -> String {
    let titled = || event.titles.first().map(|title| without_key(title).to_owned());
    of_hang(event).or_else(titled).or_else(|| of_damage(event)).unwrap_or_else(|| of_rule(event))
}

/// A title without the word that stands for a place where none could be read: a key to search by, never a place.
pub(crate) fn without_key(title: &str) -> &str {
    title.strip_suffix(" in corrupted").unwrap_or(title)
}

fn at(event: &Event, word: &str) -> String {
    event.cpu.map_or_else(|| word.to_owned(), |cpu| format!("{word} on CPU {cpu}"))
}

/// Stalls, hung tasks, lockups, pools.
fn of_hang(event: &Event) -> Option<String> {
    Some(match (&event.detail, event.kind) {
        (Detail::Stall(stall), EventKind::RcuStall) => format!(
            "RCU stall, {}{}",
            if stall.self_detected { "self-detected, " } else { "" },
            flavour(stall)
        ),
        (Detail::Stall(stall), EventKind::RcuExpeditedStall) => {
            format!("expedited RCU stall, {}", flavour(stall))
        }
        (Detail::Stall(_), EventKind::RcuTasksStall) => "tasks-RCU stall".into(),
        (Detail::Stall(stall), EventKind::RcuKthreadStarved) => {
            format!("RCU grace-period thread starved, {}", flavour(stall))
        }
        (Detail::Hung(scan), _) => hung(scan),
        (_, EventKind::SoftLockup) => at(event, "soft lockup"),
        (_, EventKind::HardLockup) => at(event, "hard lockup"),
        (Detail::Csd { from, to }, _) => format!("CPU {to} does not answer CPU {from}"),
        (Detail::Workqueue(report), EventKind::WorkqueueLockup) => {
            format!("workqueue lockup, pool cpus={}", report.cpus)
        }
        _ => return None,
    })
}

fn flavour(stall: &Stall) -> String {
    format!("flavour {}", stall.flavour)
}

fn hung(scan: &HungScan) -> String {
    let names: Vec<String> =
        scan.members.iter().take(3).map(|member| member.task.to_string()).collect();
    let more = scan.members.len().saturating_sub(3) as u32 + scan.more;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{} {} task{}: {}{more}",
        scan.members.len() as u32 + scan.more,
        if scan.listed { "blocked" } else { "hung" },
        if scan.members.len() == 1 { "" } else { "s" },
        names.join(", ")
    )
}

/// Sanitizers, traps, assertions, memory.
fn of_damage(event: &Event) -> Option<String> {
    Some(match (&event.detail, event.kind) {
        (Detail::Memory(memory), EventKind::AllocationFailure) => {
            let order = memory.order.map(|order| format!(", order {order}")).unwrap_or_default();
            format!("page allocation failure{order}")
        }
        (Detail::Memory(_), EventKind::OutOfMemory) => "out-of-memory killer".into(),
        (Detail::Bad(bad), kind) => {
            let named = bad.function.is_empty() || bad.what.contains(" in ");
            let place = if named { String::new() } else { format!(" in {}", bad.function) };
            format!("{} {}{place}", kind.name().to_uppercase(), bad.what)
        }
        (Detail::Trap(_), EventKind::Warning) if !event.headline.contains("WARNING") => {
            bounded(event.headline.trim())
        }
        (Detail::Trap(trap), kind) => {
            let name = match kind {
                EventKind::Warning => "WARNING",
                EventKind::KernelBug => "kernel BUG",
                _ => "kernel fault",
            };
            format!("{name}{}", place(trap.function.as_ref().or(trap.place.as_ref())))
        }
        (Detail::Segfault(_), _) => "fault of a user program".into(),
        _ => return None,
    })
}

/// Broken rules, and what is known by its own words.
fn of_rule(event: &Event) -> String {
    let name = match event.kind {
        EventKind::RcuVoluntarySwitch => "WARNING voluntary context switch in RCU reader",
        EventKind::LockdepCircular => "possible circular locking dependency",
        EventKind::LockdepRecursive => "possible recursive locking",
        EventKind::LockdepInterrupt => "lock used with and without interrupts",
        EventKind::LockdepWaitContext => "sleeping lock under a raw one",
        EventKind::SleepInAtomic => "sleeping function in atomic context",
        EventKind::ScheduleInAtomic => "scheduling while atomic",
        EventKind::RcuUsage => "suspicious RCU usage",
        EventKind::Panic => "kernel panic",
        EventKind::Device => "device trouble",
        EventKind::Corruption
        | EventKind::Refcount
        | EventKind::SpinlockBug
        | EventKind::SpinlockLockup
        | EventKind::LockdepOwnership
        | EventKind::Hardware
        | EventKind::FileSystem
        | EventKind::NetdevReference
        | EventKind::Irq
        | EventKind::Report => return bounded(event.headline.trim_matches(['=', '-', ' '])),
        kind => return kind.name().replace('_', " "),
    };
    name.to_owned()
}

/// At most 100 bytes of a headline.
fn bounded(text: &str) -> String {
    const LIMIT: usize = 100;
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
