//! Names of events.

use analysis_hang::event::{Detail, Event, EventKind};

use crate::conclusion::without_key;

/// The name of an event: the titles of its crash reports, as `ktriage report` gives them, else what the event is.
pub fn name(event: &Event) -> String {
    match event.titles.as_slice() {
        [] => crate::conclusion::title(event),
        titles => titled(event, titles),
    }
}

/// Each title once, with how many reports have it where there are several.
fn titled(event: &Event, titles: &[String]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for title in titles.iter().map(|title| without_key(title)) {
        match counted.iter_mut().find(|(known, _)| *known == title) {
            Some((_, count)) => *count += 1,
            None => counted.push((title, 1)),
        }
    }
    let what = if matches!(event.detail, Detail::Hung(_)) { "tasks" } else { "times" };
    let parts: Vec<String> = counted
        .iter()
        .map(|(title, count)| match count {
            1 => (*title).to_owned(),
            count => format!("{title} ({count} {what})"),
        })
        .collect();
    parts.join("; ")
}

/// Tasks of a scan that are named.
const TASKS_NAMED: usize = 3;

/// Who and where, for kinds whose name does not say it; begins with its punctuation where there is something.
pub(crate) fn about(event: &Event) -> String {
    let is_titled = !event.titles.is_empty();
    let mut parts = Vec::new();
    match &event.detail {
        Detail::Stall(stall) => {
            if let Some(period) = &stall.period
                && event.kind == EventKind::RcuStall
            {
                parts.push(format!("g={}", period.number));
            }
            for reader in stall.tasks.iter().take(2) {
                let depth = match (reader.depth, &reader.flags) {
                    (Some(depth), Some(flags)) => format!("/{depth}:{flags}"),
                    _ => String::new(),
                };
                parts.push(format!("holdout task P{}{depth}", reader.pid));
            }
            let cpus: Vec<String> =
                stall.cpus.iter().take(6).map(|cpu| cpu.cpu.to_string()).collect();
            if !cpus.is_empty() {
                let more = match stall.cpus.len().saturating_sub(6) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                parts.push(format!("holdout CPU {}{more}", cpus.join(", ")));
            }
        }
        Detail::Hung(scan) if is_titled => {
            parts.extend(scan.members.iter().take(TASKS_NAMED).map(|m| m.task.to_string()));
            match scan.members.len().saturating_sub(TASKS_NAMED) as u32 + scan.more {
                0 => {}
                more => parts.push(format!("{more} more")),
            }
        }
        Detail::Hung(_) => {}
        _ => {
            parts.extend(event.task.as_ref().map(ToString::to_string));
            // The plain name of a lockup names its CPU.
            let named = !is_titled
                && (matches!(event.detail, Detail::Csd { .. })
                    || matches!(event.kind, EventKind::SoftLockup | EventKind::HardLockup));
            parts.extend(event.cpu.filter(|_| !named).map(|cpu| format!("CPU {cpu}")));
        }
    }
    let before = if is_titled && matches!(event.detail, Detail::Hung(_)) { ": " } else { ", " };
    if parts.is_empty() { String::new() } else { format!("{before}{}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_for_an_unread_place_is_no_place() {
        let diagnosis = analysis_hang::diagnose(b"WARNING: CPU: 0 PID: 7 at shop/till.c:3\n");
        let event = &diagnosis.seen.events[0];
        let titles = ["WARNING in corrupted", "WARNING in corrupted"].map(str::to_owned);
        assert_eq!(titled(event, &titles), "WARNING (2 times)");
        assert_eq!(titled(event, &["WARNING in till_open".to_owned()]), "WARNING in till_open");
    }
}
