//! Crash reports that only the tables of report families know: each becomes an event, so that a family is one row
//! wherever a log is read.

use model::LineSpan;

use crate::collect::Observations;
use crate::event::{Detail, Event, EventId, EventKind};

/// A crash report, as the reader of report families gives it.
#[derive(Clone, Debug)]
pub struct KnownReport {
    /// The line that announces it.
    pub line: u64,
    /// All its lines.
    pub lines: LineSpan,
    /// What it is called.
    pub title: String,
}

/// Adds an event for each report that no event of the log covers.
pub fn add_reports(seen: &mut Observations, reports: impl IntoIterator<Item = KnownReport>) {
    let covered = |event: &Event, line: u64| {
        event.lines.contains(line) || event.last_repeat.is_some_and(|lines| lines.contains(line))
    };
    // What is added stands behind these, in no order.
    let original = seen.events.len();
    for report in reports {
        let inside = |event: &&Event| report.lines.contains(event.lines.first);
        if seen.events.iter().any(|event| covered(event, report.line))
            || seen.events.iter().any(|event| inside(&event))
        {
            continue;
        }
        let earlier =
            seen.events[..original].iter().filter(|event| event.lines.first < report.line);
        let before = earlier.max_by_key(|event| event.lines.first);
        let (boot, section) = before.map_or((0, 0), |event| (event.boot, event.section));
        seen.events.push(Event {
            id: EventId(seen.events.len()),
            kind: EventKind::Report,
            lines: report.lines,
            line: report.line,
            headline: report.title,
            task: None,
            cpu: None,
            at: None,
            boot,
            section,
            snapshots: Vec::new(),
            message: Vec::new(),
            titles: Vec::new(),
            repeats: 0,
            last_repeat: None,
            detail: Detail::None,
        });
    }
    if seen.events.len() > original {
        renumber(seen);
    }
}

/// Events stand in the order of their first lines, numbered from 0.
fn renumber(seen: &mut Observations) {
    seen.events.sort_by_key(|event| event.lines.first);
    let mut numbers = vec![EventId(0); seen.events.len()];
    for (at, event) in seen.events.iter_mut().enumerate() {
        numbers[event.id.0] = EventId(at);
        event.id = EventId(at);
    }
    for (_, event) in &mut seen.stack_suspect {
        *event = event.map(|event| numbers[event.0]);
    }
    for aside in &mut seen.context {
        aside.event = numbers[aside.event.0];
    }
}

#[cfg(test)]
mod tests {
    use model::RuleId;

    use super::*;
    use crate::collect::Collector;

    #[test]
    fn a_report_is_of_the_boot_in_which_it_stands_whatever_was_added_before() {
        let log = "Linux version 6.1.0 (marl@bed) #1 SMP\nBUG: marl balance broken\nWARNING: CPU: 2 PID: 71 at mm/my.c:40 my_check+0x11/0x40\nLinux version 6.1.0 (marl@bed) #1 SMP\nWARNING: CPU: 2 PID: 72 at mm/my.c:47 my_other+0x11/0x40\nBUG: marl turned over\n";
        let mut collector = Collector::new();
        for line in parse_console::lines(log.as_bytes()) {
            collector.line(&line);
        }
        let mut seen = collector.finish();
        let report = |line: u64| KnownReport {
            line,
            lines: LineSpan::line(line),
            title: "BUG: marl".into(),
        };
        add_reports(&mut seen, [report(2), report(6)]);
        let boots: Vec<(EventKind, u32)> =
            seen.events.iter().map(|event| (event.kind, event.boot)).collect();
        let (report, warning) = (EventKind::Report, EventKind::Warning);
        assert_eq!(boots, [(report, 0), (warning, 0), (warning, 1), (report, 1)]);
    }

    #[test]
    fn a_report_that_no_event_covers_becomes_one_in_its_place() {
        let log = "BUG: marl balance broken\nCall Trace:\n marl_put+0x1/0x9\n\nWARNING: CPU: 2 PID: 71 at mm/my.c:40 my_check+0x11/0x40\n";
        let mut collector = Collector::new();
        for line in parse_console::lines(log.as_bytes()) {
            collector.line(&line);
        }
        let mut seen = collector.finish();
        let report = |line: u64| KnownReport {
            line,
            lines: LineSpan::new(line, line + 1),
            title: "BUG: marl balance broken in marl_put".into(),
        };
        add_reports(&mut seen, [report(1), report(5)]);
        let kinds: Vec<(usize, EventKind)> =
            seen.events.iter().map(|event| (event.id.0, event.kind)).collect();
        assert_eq!(kinds, [(0, EventKind::Report), (1, EventKind::Warning)]);
        assert_eq!(crate::rules::of(EventKind::Report), RuleId::R89);
    }
}
