//! Statements that need several events: two reports of one stall, the tick rate, when a grace period began.

use model::{Grade, Predicate, RuleId, Statements};

use super::stall::reader;
use crate::clock::Interval;
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, Stall, StallPeriod};
use crate::hertz::Hertz;

type Found<'a> = (&'a Event, &'a Stall, &'a StallPeriod);

pub(super) fn across(said: &mut Statements, seen: &Observations, hertz: Option<&Hertz>) {
    if let Some(hertz) = hertz {
        // Two reports measure it; one only leaves values that fit a timeout of whole seconds.
        let (grade, rule) = if hertz.settled().is_some() && hertz.lines.len() > 1 && hertz.measured
        {
            (Grade::Derived, RuleId::R10)
        } else {
            (Grade::Inferred, RuleId::R11)
        };
        said.say_spans(
            grade,
            rule,
            hertz.lines.clone(),
            Predicate::TickRate { hz: hertz.values.clone() },
        );
    }
    let stalls: Vec<Found<'_>> = seen
        .events
        .iter()
        .filter_map(|event| match &event.detail {
            Detail::Stall(stall) if event.kind == EventKind::RcuStall => {
                Some((event, &**stall, stall.period.as_ref()?))
            }
            _ => None,
        })
        .collect();
    let Some(first) = stalls.first() else { return };
    let (event, stall, period) = first;
    let again = stalls[1..].iter().rfind(|(e, s, p)| {
        e.boot == event.boot
            && s.flavour == stall.flavour
            && p.number == period.number
            && p.jiffies > period.jiffies
    });
    if let Some(later) = again {
        same_stall(said, seen, first, later);
    }
    said.about(Some(event.id));
    began(said, seen, period, hertz);
    said.about(None);
}

/// Two reports of one grace period, and what grew between them.
fn same_stall(said: &mut Statements, seen: &Observations, first: &Found<'_>, later: &Found<'_>) {
    let (event, stall, period) = first;
    let (later, later_stall, later_period) = later;
    let lines = [period.line, later_period.line];
    said.say(
        Grade::Derived,
        RuleId::R10,
        lines,
        Predicate::SameStall { first: event.id, second: later.id, number: period.number },
    );
    for listed in stall.tasks.iter().take(4) {
        let Some(again) = later_stall.tasks.iter().find(|other| other.pid == listed.pid) else {
            continue;
        };
        if let (Some(from), Some(to)) = (listed.depth, again.depth)
            && to > from
        {
            let (task, header) = reader(seen, event, listed.pid);
            let lines = [listed.line, again.line, header.unwrap_or(0)];
            said.say(Grade::Derived, RuleId::R21, lines, Predicate::DepthGrew { task, from, to });
        }
    }
    if let (Some(from), Some(to)) = (period.callbacks, later_period.callbacks)
        && to > from
    {
        said.say(Grade::Derived, RuleId::R10, lines, Predicate::CallbacksGrew { from, to });
    }
}

/// When the grace period began.
fn began(said: &mut Statements, seen: &Observations, period: &StallPeriod, hertz: Option<&Hertz>) {
    let (Some(hz), Some(at)) = (hertz.and_then(Hertz::settled), period.at) else { return };
    let Some(interval) = seen.clock.resolve(at) else { return };
    let age = (period.jiffies as f64 / f64::from(hz) * 1e6) as i64;
    let began = Interval { from: interval.from - age, to: interval.to - age, axis: interval.axis };
    let lines = [Some(period.line), seen.clock.anchor_line(at)];
    said.say(
        Grade::Inferred,
        RuleId::R10,
        lines.into_iter().flatten(),
        Predicate::GracePeriodBegan { at: crate::clock::show(began), hz },
    );
}
