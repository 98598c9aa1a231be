//! One time line from mixed stamps. A log is cut into segments; inside one, distances are exact. A
//! segment is tied to the wall clock by an audit record or a dated stamp, or only to a minute.
//!
//! Invariant: a time that is known only as a range stays a range.

use parse_console::{Line, Stamp};

use crate::text;

/// A point in a segment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Which segment, counted from 0.
    pub segment: u32,
    /// Microseconds since the start of the segment (of the boot, for boot stamps).
    pub offset: i64,
}

/// A resolved time in microseconds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Not before.
    pub from: i64,
    /// Not after.
    pub to: i64,
    /// What the microseconds count from.
    pub axis: Axis,
}

/// What a time counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Since the kernel started.
    Boot,
    /// Since 1970 (UTC, or local time where the log does not tell).
    Wall,
    /// Since the first stamped line of the log.
    Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boot,
    Wall,
    Relative,
}

#[derive(Clone, Debug)]
struct Segment {
    kind: Kind,
    /// Wall clock of offset 0 and the line that proves it.
    anchor: Option<(i64, u64)>,
    /// The minute in which offset 0 lies, as microseconds of an unstated year.
    minute: Option<i64>,
}

/// Segments kept; a log that restarts its clock more often has its later times unresolved.
const SEGMENT_LIMIT: usize = 10_000;
/// A boot stamp this much smaller than the last one is a new boot, not CPUs overtaking each other.
const REBOOT_STEP: i64 = 5_000_000;

/// Follows the stamps of a log, line by line.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    segments: Vec<Segment>,
    now: Option<Moment>,
    highest: i64,
    boots: u32,
}

impl Clock {
    /// Takes the next line; gives the moment it was printed, as far as is known. A line without a
    /// stamp has the moment of the line before.
    pub fn advance(&mut self, line: &Line<'_>) -> Option<Moment> {
        match line.stamp {
            None => {}
            Some(Stamp::Boot(at)) => self.absolute(Kind::Boot, at),
            Some(Stamp::Wall(at) | Stamp::Yearless(at)) => self.absolute(Kind::Wall, at),
            Some(Stamp::Delta(delta)) => {
                if self.kind() != Some(Kind::Relative) {
                    self.open(Kind::Relative, None);
                }
                if let Some(now) = &mut self.now {
                    now.offset = now.offset.saturating_add(delta);
                }
            }
            Some(Stamp::MinuteMark { month, day, hour, minute }) => {
                let days = (i64::from(month).saturating_sub(1)) * 31 + i64::from(day) - 1;
                let at = ((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60_000_000;
                self.open(Kind::Relative, Some(at));
            }
        }
        if let Some(wall) = audit_time(&line.text) {
            self.anchor(wall, line.number);
        }
        self.now
    }

    /// The moment of the last stamped line.
    pub const fn now(&self) -> Option<Moment> {
        self.now
    }

    /// Number of reboots seen so far.
    pub const fn boots(&self) -> u32 {
        self.boots
    }

    fn kind(&self) -> Option<Kind> {
        self.segments.last().map(|segment| segment.kind)
    }

    fn absolute(&mut self, kind: Kind, at: i64) {
        if self.kind() != Some(kind) {
            self.open(kind, None);
            self.highest = at;
        }
        if kind == Kind::Boot && at < self.highest.saturating_sub(REBOOT_STEP) {
            self.boots += 1;
            self.open(kind, None);
            self.highest = at;
        }
        self.highest = self.highest.max(at);
        if let Some(now) = &mut self.now {
            now.offset = at;
        }
    }

    fn open(&mut self, kind: Kind, minute: Option<i64>) {
        if self.segments.len() >= SEGMENT_LIMIT {
            return;
        }
        self.segments.push(Segment { kind, anchor: None, minute });
        self.now = Some(Moment { segment: (self.segments.len() - 1) as u32, offset: 0 });
    }

    fn anchor(&mut self, wall: i64, line: u64) {
        let (Some(now), Some(segment)) = (self.now, self.segments.last_mut()) else { return };
        if segment.anchor.is_none() {
            segment.anchor = Some((wall.saturating_sub(now.offset), line));
        }
    }

    /// Microseconds from `earlier` to `later`, where both lie in one segment or both segments are tied
    /// to the wall clock.
    pub fn between(&self, earlier: Moment, later: Moment) -> Option<i64> {
        if earlier.segment == later.segment {
            return later.offset.checked_sub(earlier.offset);
        }
        self.wall(later)?.checked_sub(self.wall(earlier)?)
    }

    /// The wall clock time of a moment in microseconds since 1970, where an audit record or a dated
    /// stamp ties it.
    pub fn wall(&self, moment: Moment) -> Option<i64> {
        let segment = self.segments.get(moment.segment as usize)?;
        match (segment.kind, segment.anchor) {
            (_, Some((base, _))) => base.checked_add(moment.offset),
            (Kind::Wall, None) => Some(moment.offset),
            _ => None,
        }
    }

    /// The line that ties the moment's segment to the wall clock.
    pub fn anchor_line(&self, moment: Moment) -> Option<u64> {
        self.segments.get(moment.segment as usize)?.anchor.map(|(_, line)| line)
    }

    /// The moment as a range on the best axis known.
    pub fn resolve(&self, moment: Moment) -> Option<Interval> {
        let segment = self.segments.get(moment.segment as usize)?;
        Some(match (segment.kind, self.wall(moment), segment.minute) {
            (Kind::Boot, _, _) => {
                Interval { from: moment.offset, to: moment.offset, axis: Axis::Boot }
            }
            (_, Some(wall), _) => Interval { from: wall, to: wall, axis: Axis::Wall },
            (_, None, Some(minute)) => Interval {
                from: minute.saturating_add(moment.offset),
                to: minute.saturating_add(moment.offset).saturating_add(59_999_999),
                axis: Axis::Wall,
            },
            _ => Interval { from: moment.offset, to: moment.offset, axis: Axis::Log },
        })
    }

    /// The moment in words: `at 123.456 s`, `at 00:42:17.467`.
    pub fn show(&self, moment: Moment) -> Option<String> {
        let interval = self.resolve(moment)?;
        Some(show(interval))
    }
}

/// A range in words.
pub fn show(interval: Interval) -> String {
    let point = |at: i64| match interval.axis {
        Axis::Boot => format!("{:.3} s", at as f64 / 1e6),
        Axis::Log => format!("+{:.3} s", at as f64 / 1e6),
        Axis::Wall => time_of_day(at),
    };
    if interval.from == interval.to {
        point(interval.from)
    } else {
        format!("{} to {}", point(interval.from), point(interval.to))
    }
}

/// `00:42:17.467`, from microseconds since any midnight.
pub fn time_of_day(at: i64) -> String {
    let day = at.rem_euclid(86_400_000_000);
    let (seconds, millis) = (day / 1_000_000, day % 1_000_000 / 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Microseconds since 1970 of `audit(1690245681.539:137)`.
fn audit_time(message: &str) -> Option<i64> {
    let stamp = text::between(message, "audit(", ":")?;
    let (seconds, fraction) = stamp.split_once('.')?;
    if fraction.len() != 3 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let millis: i64 = fraction.parse().ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(millis * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn line(number: u64, stamp: Option<Stamp>, message: &str) -> Line<'_> {
        Line { number, offset: 0, stamp, caller: None, level: None, text: Cow::Borrowed(message) }
    }

    #[test]
    fn an_audit_record_ties_deltas_before_and_after_it() {
        let mut clock = Clock::default();
        let first = clock.advance(&line(1, Some(Stamp::Delta(10)), "a")).unwrap();
        let _ = clock.advance(&line(
            2,
            Some(Stamp::Delta(2_000_000)),
            "audit: type=1 audit(100.500:1): x",
        ));
        let last = clock.advance(&line(3, Some(Stamp::Delta(250_000)), "b")).unwrap();
        assert_eq!(clock.wall(first), Some(98_500_000));
        assert_eq!(clock.wall(last), Some(100_750_000));
        assert_eq!(clock.between(first, last), Some(2_250_000));
    }

    #[test]
    fn a_minute_mark_without_anchor_gives_a_range() {
        let mut clock = Clock::default();
        let mark = Stamp::MinuteMark { month: 1, day: 1, hour: 0, minute: 42 };
        let _ = clock.advance(&line(1, Some(mark), "a"));
        let at = clock.advance(&line(2, Some(Stamp::Delta(5_000_000)), "b")).unwrap();
        let interval = clock.resolve(at).unwrap();
        assert_eq!(show(interval), "00:42:05.000 to 00:43:04.999");
    }

    #[test]
    fn a_clock_that_falls_back_is_a_new_boot_but_overtaking_lines_are_not() {
        let mut clock = Clock::default();
        for at in [90_000_000, 89_999_000, 90_100_000, 12_000] {
            clock.advance(&line(1, Some(Stamp::Boot(at)), "a"));
        }
        assert_eq!(clock.boots(), 1);
    }
}
