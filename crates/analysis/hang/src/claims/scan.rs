//! Statements on hung tasks: for how long, what each waits for, and since when.

use model::{Grade, Predicate, RuleId, Statements};

use super::limits::SPELLED_OUT;
use super::wait;
use crate::clock::{Axis, Interval};
use crate::collect::Observations;
use crate::event::{Detail, Event, HungScan};

pub(super) fn of_scan(said: &mut Statements, seen: &Observations, event: &Event, scan: &HungScan) {
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
    let new = scan.members.iter().filter(|member| !known.contains(&member.task.pid));
    for member in new.take(SPELLED_OUT) {
        if member.seconds > 0 {
            said.seen(
                RuleId::R30,
                [member.line],
                Predicate::BlockedFor { task: member.task.clone(), seconds: member.seconds.into() },
            );
        }
        if let Some(owner) = &member.owner {
            wait::owner(said, &member.task, owner);
        }
        let Some(snapshot) = member.snapshot.map(|id| seen.snapshot(id)) else { continue };
        if member.task.pid.is_none()
            || snapshot.task.as_ref().is_some_and(|task| task.pid != member.task.pid)
        {
            continue;
        }
        if let Some(awaited) = crate::wait::awaited(snapshot) {
            wait::of_wait(said, &member.task, snapshot.header.unwrap_or(member.line), &awaited);
        }
    }
    let first = scan.members.first();
    if first.is_some_and(|member| member.seconds > 0 && !known.contains(&member.task.pid)) {
        began(said, seen, event, scan);
    }
}

/// Since when the tasks of a scan wait: the wait may have begun up to one look of the detector earlier than it says;
/// it looks as often as its limit is long unless told otherwise, or as two scans show.
fn began(said: &mut Statements, seen: &Observations, event: &Event, scan: &HungScan) {
    let Some(member) = scan.members.first() else { return };
    let Some(at) = member.at else { return };
    let seconds = i64::from(member.seconds);
    let next = seen.events.iter().find(|other| {
        other.id > event.id
            && other.boot == event.boot
            && matches!(&other.detail, Detail::Hung(scan) if scan.members.iter().any(|m| m.task.pid == member.task.pid))
    });
    let measured = next
        .and_then(|next| seen.clock.between(at, next.at?))
        .filter(|gap| *gap > 500_000 && *gap <= seconds * 1_000_000 + 3_000_000);
    let period = measured.unwrap_or(seconds * 1_000_000);
    // Times that count from the first line of the log say nothing of what was before it.
    let Some(interval) = seen.clock.resolve(at).filter(|interval| interval.axis != Axis::Log)
    else {
        return;
    };
    let floor = if interval.axis == Axis::Boot { 0 } else { i64::MIN };
    let show = |at: i64| {
        let at = at.max(floor);
        crate::clock::show(Interval { from: at, to: at, axis: interval.axis })
    };
    let lines = [Some(member.line), seen.clock.anchor_line(at)];
    said.say(
        Grade::Inferred,
        RuleId::R30,
        lines.into_iter().flatten(),
        Predicate::WaitBegan {
            earliest: show(interval.from - seconds * 1_000_000 - period),
            latest: show(interval.to - seconds * 1_000_000),
        },
    );
}
