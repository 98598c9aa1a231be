//! Statements that need several events: two reports of one stall, the tick rate, what hangs on what.

use model::{Claim, Grade};

use super::stall::reader_name;
use super::{claim, line};
use crate::collect::Observations;
use crate::event::{Detail, EventKind};
use crate::hertz::Hertz;
use crate::text::grouped;

/// Claims that need several events: one stall twice, HZ, the age of a grace period.
pub(super) fn across(claims: &mut Vec<Claim>, seen: &Observations, hertz: Option<&Hertz>) {
    if let Some(hertz) = hertz {
        claims.push(claim(
            format!("{}.", hertz.how),
            Grade::Derived,
            &[if hertz.settled().is_some() && hertz.lines.len() > 1 { "R10" } else { "R11" }],
            hertz.lines.clone(),
        ));
    }
    let stalls: Vec<_> = seen
        .events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Stall(stall) if event.kind == EventKind::RcuStall => {
                Some((event, stall, stall.period.as_ref()?))
            }
            _ => None,
        })
        .collect();
    let Some((event, stall, period)) = stalls.first() else { return };
    let again = stalls[1..].iter().rfind(|(e, s, p)| {
        e.boot == event.boot
            && s.flavour == stall.flavour
            && p.number == period.number
            && p.jiffies > period.jiffies
    });
    if let Some((later, later_stall, later_period)) = again {
        let lines = vec![line(period.line), line(later_period.line)];
        let gap = later_period.jiffies - period.jiffies;
        let timeout = hertz
            .and_then(Hertz::settled)
            .map(|hz| (period.jiffies / u64::from(hz), u64::from(hz)));
        let arithmetic = timeout
            .filter(|(seconds, hz)| gap >= 3 * seconds * hz && gap < 3 * seconds * hz + 50)
            .map(|(seconds, hz)| {
                format!(
                    "; first report at {:.1} s; gap = 3 x timeout + {} jiffies",
                    period.jiffies as f64 / hz as f64,
                    gap - 3 * seconds * hz
                )
            })
            .unwrap_or_default();
        claims.push(claim(
            format!(
                "{} and {} have the same g={}: one stall{arithmetic}.",
                event.id, later.id, period.number
            ),
            Grade::Derived,
            &["R10"],
            lines,
        ));
        for reader in stall.tasks.iter().take(4) {
            let Some(later_reader) = later_stall.tasks.iter().find(|other| other.pid == reader.pid)
            else {
                continue;
            };
            let name = reader_name(seen, event, reader.pid);
            let lines = vec![line(reader.line), line(later_reader.line)];
            let cpus = if stall.cpus.is_empty() && later_stall.cpus.is_empty() {
                ", and no CPU"
            } else {
                ""
            };
            claims.push(claim(
                format!(
                    "{} and {} name one and the same blocker, {name}{cpus}.",
                    event.id, later.id
                ),
                Grade::Seen,
                &["R19"],
                lines.clone(),
            ));
            if let (Some(a), Some(b)) = (reader.depth, later_reader.depth)
                && b > a
            {
                let time = seconds_between(seen, period, later_period)
                    .map(|s| format!(" in {s:.0} s"))
                    .unwrap_or_default();
                claims.push(claim(
                    format!("Depth {a} -> {b}{time}: the leak repeats on this task."),
                    Grade::Derived,
                    &["R21"],
                    lines,
                ));
            }
        }
        if let (Some(a), Some(b)) = (period.callbacks, later_period.callbacks)
            && b > a
        {
            let rate = seconds_between(seen, period, later_period)
                .filter(|s| *s > 0.0)
                .map(|s| {
                    format!(
                        " (about {}/s)",
                        grouped((((b - a) as f64 / s) / 10.0).round() as u64 * 10)
                    )
                })
                .unwrap_or_default();
            claims.push(claim(
                format!("Callbacks waiting grew {} -> {}{rate}.", grouped(a), grouped(b)),
                Grade::Derived,
                &["R10"],
                vec![line(period.line), line(later_period.line)],
            ));
        }
    }
    // When the grace period began, and what was printed just before.
    let (Some(hz), Some(at)) = (hertz.and_then(Hertz::settled), period.at) else { return };
    let age = (period.jiffies as f64 / f64::from(hz) * 1e6) as i64;
    let Some(interval) = seen.clock.resolve(at) else { return };
    let began = crate::clock::Interval {
        from: interval.from - age,
        to: interval.to - age,
        axis: interval.axis,
    };
    let mut lines = vec![line(period.line)];
    lines.extend(seen.clock.anchor_line(at).map(line));
    let zone = if interval.axis == crate::clock::Axis::Wall && seen.clock.anchor_line(at).is_some()
    {
        " UTC"
    } else {
        ""
    };
    let symptom = seen
        .events
        .iter()
        .filter(|e| {
            e.kind == EventKind::RcuVoluntarySwitch && e.boot == event.boot && e.id < event.id
        })
        .find_map(|e| {
            let distance = seen.clock.between(e.at?, at)? - age;
            (distance.abs() < 5_000_000).then_some((e, distance))
        });
    let tail = symptom.map(|(e, distance)| {
        lines.push(line(e.lines.first));
        lines.extend(e.at.and_then(|at| seen.clock.anchor_line(at)).map(line));
        let order = if distance >= 0 { "after" } else { "before" };
        format!(
            ", about {} ms {order} {} ({}): {} is its first reader-side symptom",
            (distance.abs() + 500) / 1000,
            e.id,
            e.at.and_then(|at| seen.clock.show(at)).unwrap_or_default(),
            e.id
        )
    });
    claims.push(claim(
        format!(
            "This grace period began at {}{zone}{}.",
            crate::clock::show(began),
            tail.unwrap_or_default()
        ),
        Grade::Derived,
        &["R10"],
        lines,
    ));
}

fn seconds_between(
    seen: &Observations,
    a: &crate::event::StallPeriod,
    b: &crate::event::StallPeriod,
) -> Option<f64> {
    seen.clock.between(a.at?, b.at?).map(|micros| micros as f64 / 1e6)
}
