//! One time line from mixed stamps. A log is cut into segments; inside one, distances are exact. A
//! segment is tied to the wall clock by an audit record or a dated stamp, or only to a minute.
//!
//! Invariant: a time that is known only as a range stays a range.

use parse_console::{Line, Stamp, shape};

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
    /// The boot it belongs to.
    boot: u32,
}

/// Segments kept; a log that restarts its clock more often has its later times unresolved.
const SEGMENT_LIMIT: usize = 10_000;
/// A boot stamp this much smaller than the last one is a new boot, not CPUs overtaking each other.
const REBOOT_STEP: i64 = 5_000_000;

/// The same boot seen in two logs of one machine: the date of its start as both tell it, microseconds.
const SAME_BOOT: i64 = 120_000_000;
/// Lines of people between two pieces of log, behind which other stamps are those of another log.
const FOREIGN_LINES: u32 = 3;
/// Dates of one log that fall back further than this are those of another one, microseconds: daylight saving moves a
/// clock by an hour.
const OTHER_DATES: i64 = 2 * 3_600_000_000;

/// Follows the stamps of a log, line by line.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    segments: Vec<Segment>,
    now: Option<Moment>,
    highest: i64,
    boots: u32,
    /// Open segments of stamps since boot and of dates; a log may mix both.
    since_boot: Option<u32>,
    dated: Option<u32>,
    /// When the machine was started, as far as dates in front of the kernel's stamps tell it.
    booted: Option<i64>,
    /// The first line of the current boot.
    began: u64,
    /// Lines in a row without a stamp that are no kernel's.
    foreign: u32,
    /// Boots found to be the same: a later and an earlier one.
    same: Vec<(u32, u32)>,
}

impl Clock {
    /// Takes the next line; gives the moment it was printed, as far as is known. A line without a
    /// stamp has the moment of the line before.
    pub fn advance(&mut self, line: &Line<'_>) -> Option<Moment> {
        match line.stamp {
            None => {
                let counts = self.foreign < FOREIGN_LINES && self.now.is_some();
                if counts && !line.text.trim().is_empty() && !shape::begins(&line.text) {
                    self.foreign += 1;
                }
            }
            Some(Stamp::Boot(at)) => self.boot_stamp(at, line),
            Some(Stamp::Wall(at) | Stamp::Yearless(at)) => self.date(at, line.number),
            Some(Stamp::Delta(delta)) => {
                // What a line adds to one before somebody's words is not known.
                if self.kind() != Some(Kind::Relative) || self.foreign >= FOREIGN_LINES {
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
        if line.stamp.is_some() {
            self.foreign = 0;
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

    /// The number of the current boot: reboots seen so far.
    pub const fn boots(&self) -> u32 {
        self.boots
    }

    /// The first line of the current boot.
    pub(crate) const fn began(&self) -> u64 {
        self.began
    }

    /// Another kernel or another start of it prints from here on, although no stamp fell back. Gives the moment
    /// in the new boot.
    pub(crate) fn new_boot(&mut self, line: u64) -> Option<Moment> {
        let before = self.now.zip(self.kind());
        self.boots += 1;
        self.began = line;
        (self.since_boot, self.dated, self.booted) = (None, None, None);
        if let Some((now, kind)) = before {
            self.open(kind, None);
            self.highest = now.offset;
            self.set(now.offset);
            self.remember(kind);
        }
        self.now
    }

    /// Whether the moment is counted from the start of the kernel.
    pub(crate) fn is_since_boot(&self, moment: Moment) -> bool {
        self.segments.get(moment.segment as usize).is_some_and(|segment| segment.kind == Kind::Boot)
    }

    /// The current boot turned out to be an earlier one, seen again.
    pub(crate) fn unite(&mut self, earlier: u32) {
        let (now, earlier) = (self.first_of(self.boots), self.first_of(earlier));
        if now > earlier && self.same.len() < 1024 {
            self.same.push((now, earlier));
        }
    }

    /// The number under which a boot was seen first.
    pub(crate) fn first_of(&self, boot: u32) -> u32 {
        self.same.iter().rev().fold(
            boot,
            |boot, (later, earlier)| {
                if boot == *later { *earlier } else { boot }
            },
        )
    }

    fn kind(&self) -> Option<Kind> {
        let now = self.now?;
        self.segments.get(now.segment as usize).map(|segment| segment.kind)
    }

    fn set(&mut self, at: i64) {
        if let Some(now) = &mut self.now {
            now.offset = at;
        }
    }

    fn remember(&mut self, kind: Kind) {
        let segment = self.now.map(|now| now.segment);
        match kind {
            Kind::Boot => self.since_boot = segment,
            Kind::Wall => self.dated = segment,
            Kind::Relative => {}
        }
    }

    fn boot_stamp(&mut self, at: i64, line: &Line<'_>) {
        let booted = match line.outer {
            Some(Stamp::Wall(date) | Stamp::Yearless(date)) => date.checked_sub(at),
            _ => None,
        };
        let fell_back = self.since_boot.is_some() && at < self.highest.saturating_sub(REBOOT_STEP);
        let same_start = booted
            .zip(self.booted)
            .is_some_and(|(one, other)| one.saturating_sub(other).abs() <= SAME_BOOT);
        if fell_back && !same_start {
            self.boots += 1;
            self.began = line.number;
            (self.since_boot, self.dated, self.booted) = (None, None, None);
        }
        self.stamped(Kind::Boot, self.since_boot, at, line.number);
        self.highest = if fell_back && !same_start { at } else { self.highest.max(at) };
        self.booted = self.booted.or(booted);
    }

    fn date(&mut self, at: i64, line: u64) {
        let fell_back = self.dated.is_some()
            && self.now.is_some_and(|now| {
                Some(now.segment) == self.dated && at < now.offset.saturating_sub(OTHER_DATES)
            });
        if fell_back {
            self.boots += 1;
            self.began = line;
            (self.since_boot, self.dated, self.booted) = (None, None, None);
        }
        self.stamped(Kind::Wall, self.dated, at, line);
    }

    /// Goes on in the open segment of the kind, or opens one. Behind lines of people other stamps are those of
    /// another log.
    fn stamped(&mut self, kind: Kind, segment: Option<u32>, at: i64, line: u64) {
        match segment {
            Some(segment) => self.now = Some(Moment { segment, offset: at }),
            None => {
                let other = self.now.is_some() && self.foreign >= FOREIGN_LINES;
                if other && line > self.began {
                    self.boots += 1;
                    self.began = line;
                    (self.since_boot, self.dated, self.booted) = (None, None, None);
                    self.highest = at;
                }
                self.open(kind, None);
                self.set(at);
                self.remember(kind);
            }
        }
    }

    fn open(&mut self, kind: Kind, minute: Option<i64>) {
        if self.segments.len() >= SEGMENT_LIMIT {
            return;
        }
        self.segments.push(Segment { kind, anchor: None, minute, boot: self.boots });
        self.now = Some(Moment { segment: (self.segments.len() - 1) as u32, offset: 0 });
    }

    fn anchor(&mut self, wall: i64, line: u64) {
        let Some(now) = self.now else { return };
        let Some(segment) = self.segments.get_mut(now.segment as usize) else { return };
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
        let boot = |moment: Moment| {
            let segment = self.segments.get(moment.segment as usize)?;
            (segment.kind == Kind::Boot).then(|| self.first_of(segment.boot))
        };
        if boot(earlier).is_some() && boot(earlier) == boot(later) {
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
        Line {
            number,
            offset: 0,
            stamp,
            outer: None,
            caller: None,
            level: None,
            text: Cow::Borrowed(message),
        }
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

    #[test]
    fn dates_between_stamps_since_boot_are_no_reboot() {
        let mut clock = Clock::default();
        let boot = |at: i64| Some(Stamp::Boot(at));
        let wall = Some(Stamp::Wall(1_704_110_400_000_000));
        let first = clock.advance(&line(1, boot(90_000_000), "a")).unwrap();
        clock.advance(&line(2, wall, "b"));
        let last = clock.advance(&line(3, boot(91_000_000), "c")).unwrap();
        assert_eq!((clock.boots(), clock.between(first, last)), (0, Some(1_000_000)));
        clock.advance(&line(4, boot(1_000_000), "d"));
        assert_eq!(clock.boots(), 1);
    }

    #[test]
    fn dates_that_fall_back_by_hours_are_those_of_another_log() {
        let mut clock = Clock::default();
        let hour = 3_600_000_000;
        for at in [100 * hour, 100 * hour - 60_000_000, 99 * hour, 90 * hour] {
            clock.advance(&line(1, Some(Stamp::Wall(at)), "a"));
        }
        assert_eq!(clock.boots(), 1);
    }

    #[test]
    fn no_time_is_added_up_across_the_words_of_somebody() {
        let mut clock = Clock::default();
        let first = clock.advance(&line(1, Some(Stamp::Delta(10)), "a")).unwrap();
        for number in 2..6 {
            clock.advance(&line(number, None, "I then tried the other cable, and it hung again."));
        }
        let last = clock.advance(&line(6, Some(Stamp::Delta(20)), "b")).unwrap();
        assert_eq!(clock.between(first, last), None);
    }

    #[test]
    fn an_earlier_piece_of_one_boot_is_told_by_the_date_of_its_start() {
        let mut clock = Clock::default();
        let day = 86_400_000_000;
        let at = |number, boot: i64, date: i64| Line {
            outer: Some(Stamp::Yearless(date)),
            ..line(number, Some(Stamp::Boot(boot)), "a")
        };
        clock.advance(&at(1, 9_000_000_000, 5 * day + 9_000_000_000));
        clock.advance(&at(2, 8_000_000_000, 5 * day + 8_000_000_000));
        assert_eq!(clock.boots(), 0);
        clock.advance(&at(3, 7_000_000_000, 6 * day));
        assert_eq!(clock.boots(), 1);
    }
}
