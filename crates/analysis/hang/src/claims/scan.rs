//! Statements on hung tasks: what each waits for, and since when.

use model::{Claim, Grade};

use super::{SPELLED_OUT, claim, line};
use crate::collect::Observations;
use crate::event::{Detail, Event, HungScan, Snapshot};
use crate::stack;

pub(super) fn of_scan(
    claims: &mut Vec<Claim>,
    seen: &Observations,
    event: &Event,
    scan: &HungScan,
) {
    // A task that an earlier scan already named is spelled out there.
    let known: Vec<Option<u32>> = seen
        .events
        .iter()
        .filter(|earlier| earlier.id < event.id && earlier.boot == event.boot)
        .filter_map(
            |earlier| if let Detail::Hung(scan) = &earlier.detail { Some(scan) } else { None },
        )
        .flat_map(|scan| scan.members.iter().map(|member| member.task.pid))
        .collect();
    let again = scan.members.first().is_some_and(|member| known.contains(&member.task.pid));
    for member in
        scan.members.iter().filter(|member| !known.contains(&member.task.pid)).take(SPELLED_OUT)
    {
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        let Some(wait) = crate::wait::awaited(snapshot) else { continue };
        let work = snapshot
            .workqueue
            .as_ref()
            .filter(|(_, work)| !work.starts_with("0x0"))
            .map(|(_, work)| format!(" (work {work})"))
            .unwrap_or_default();
        let call =
            stack::syscall(snapshot).map(|(name, _)| format!(" in {name}(2)")).unwrap_or_default();
        let via = via(snapshot, &wait);
        claims.push(claim(
            format!(
                "{}{work}{call} waits for {}{via}{}.",
                member.task,
                crate::graph::in_words(&wait),
                if wait.released_by.is_empty() {
                    String::new()
                } else {
                    format!("; released by {}", wait.released_by)
                }
            ),
            Grade::Seen,
            &[wait.rule],
            vec![wait.lines],
        ));
    }
    if let (Some(member), Some(at)) =
        (scan.members.first(), scan.members.first().and_then(|m| m.at))
        && member.seconds > 0
        && !again
    {
        let seconds = i64::from(member.seconds);
        // The wait may have begun up to one look of the detector earlier than it says; it looks as often as its
        // limit is long unless told otherwise, or as two scans show.
        let next = seen.events.iter().find(|other| other.id > event.id && other.boot == event.boot && matches!(&other.detail, Detail::Hung(scan) if scan.members.iter().any(|m| m.task.pid == member.task.pid)));
        let measured = next
            .and_then(|next| seen.clock.between(at, next.at?))
            .filter(|gap| *gap > 500_000 && *gap <= seconds * 1_000_000 + 3_000_000);
        let period = measured.unwrap_or(seconds * 1_000_000);
        let source = if measured.is_some() { "as two scans show" } else { "its default" };
        // Times that count from the first line of the log say nothing of what was before it.
        if let Some(interval) =
            seen.clock.resolve(at).filter(|interval| interval.axis != crate::clock::Axis::Log)
        {
            let floor = if interval.axis == crate::clock::Axis::Boot { 0 } else { i64::MIN };
            let latest = (interval.to - seconds * 1_000_000).max(floor);
            let earliest = (interval.from - seconds * 1_000_000 - period).max(floor);
            let every = period as f64 / 1e6;
            let show = |at: i64| {
                crate::clock::show(crate::clock::Interval { from: at, to: at, axis: interval.axis })
            };
            let who = if scan.members.len() == 1 { "the wait began" } else { "the waits began" };
            let anchor = seen.clock.anchor_line(at).map(line);
            let mut lines = vec![line(member.line)];
            lines.extend(anchor);
            claims.push(claim(
                format!("{}: blocked for more than {seconds} s at {}; the detector looks every {every:.0} s ({source}), so {who} between {} and {}.", event.id, crate::clock::show(interval), show(earliest), show(latest)),
                Grade::Derived,
                &["R30"],
                lines,
            ));
        }
    }
}

/// The way of well-known steps between the caller and the wait.
pub(super) fn via(snapshot: &Snapshot, wait: &crate::wait::Wait) -> String {
    if wait.rule != "W04" && wait.rule != "W14" {
        return String::new();
    }
    let frames = stack::task_frames(snapshot);
    let steps: Vec<&str> = frames
        .iter()
        .map(|f| f.function.as_str())
        .filter(|f| {
            [
                "synchronize_rcu",
                "rcu_sync_enter",
                "percpu_down_write",
                "process_srcu",
                "synchronize_rcu_normal",
            ]
            .contains(f)
        })
        .collect();
    let steps: Vec<&str> = steps.into_iter().rev().collect();
    format!(", inside {}", steps.join(" -> "))
}
