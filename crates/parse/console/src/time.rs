//! The dates and clock readings that log writers put in front of lines.
//!
//! Each parser takes the bytes from the start of the line and returns the value and how many bytes
//! it took. None allocates.

use model::calendar::days_from_civil;

use crate::line::Stamp;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A cursor over the start of a line.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over `byte`, or fails.
    pub(crate) fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    pub(crate) fn eat_all(&mut self, expected: &[u8]) -> Option<()> {
        self.rest().starts_with(expected).then(|| self.at += expected.len())
    }

    pub(crate) fn spaces(&mut self) -> usize {
        let start = self.at;
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        self.at - start
    }

    /// A decimal number of `least` to `most` digits.
    pub(crate) fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let digits = self.rest().iter().take(most).take_while(|b| b.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let value = self.rest()[..digits].iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        self.at += digits;
        Some(value)
    }

    /// The digits after a decimal point, as microseconds.
    pub(crate) fn fraction(&mut self) -> Option<i64> {
        let digits = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        let mut value = 0;
        for place in 0..6 {
            let digit = if place < digits { i64::from(self.rest()[place] - b'0') } else { 0 };
            value = value * 10 + digit;
        }
        self.at += digits;
        Some(value)
    }

    /// A word of anything but spaces, at least one byte.
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        let length = memchr::memchr(b' ', self.rest()).unwrap_or(self.rest().len());
        let word = &self.rest()[..length];
        self.at += length;
        (length > 0).then_some(word)
    }

    fn month(&mut self) -> Option<i64> {
        let month = MONTHS.iter().position(|name| self.rest().starts_with(*name))?;
        self.at += 3;
        Some(month as i64 + 1)
    }

    fn weekday(&mut self) -> Option<()> {
        WEEKDAYS.iter().any(|name| self.rest().starts_with(*name)).then(|| self.at += 3)
    }

    /// `HH:MM:SS` with an optional fraction after a point or comma, as microseconds of the day.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.number(2, 2)?;
        self.eat(b':')?;
        let minute = self.number(2, 2)?;
        self.eat(b':')?;
        let second = self.number(2, 2)?;
        let mut micros = ((hour * 60 + minute) * 60 + second) * SECOND;
        if matches!(self.peek(), Some(b'.' | b',')) {
            self.at += 1;
            micros += self.fraction()?;
        }
        (hour < 24 && minute < 60 && second < 61).then_some(micros)
    }

    /// `Z`, `+01:00` or `+0100`, as microseconds east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if self.eat(b'Z').is_some() {
            return Some(0);
        }
        let sign = match self.peek()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.at += 1;
        let hours = self.number(2, 2)?;
        let _ = self.eat(b':');
        let minutes = self.number(2, 2)?;
        Some(sign * (hours * 60 + minutes) * 60 * SECOND)
    }
}

/// `2024-01-31T12:00:00.123456+01:00` (also with a space for the `T`, a comma for the point, or
/// without zone), as [`Stamp::Wall`].
pub(crate) fn iso(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let year = cursor.number(4, 4)?;
    let separator = cursor.peek().filter(|b| matches!(b, b'-' | b'/'))?;
    cursor.at += 1;
    let month = cursor.number(2, 2)?;
    cursor.eat(separator)?;
    let day = cursor.number(2, 2)?;
    if !matches!(cursor.peek()?, b'T' | b' ' | b'_') {
        return None;
    }
    cursor.at += 1;
    let time = cursor.time_of_day()?;
    let zone = cursor.zone().unwrap_or(0);
    ((1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| Stamp::Wall(days_from_civil(year, month as u32, day as u32) * DAY + time - zone))
}

/// `Nov 21 03:42:50` of RFC 3164 and of journals, as [`Stamp::Yearless`]; some writers put the
/// year after the time (`Nov 21 03:42:50 2024`) and make it [`Stamp::Wall`].
pub(crate) fn month_day_time(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.month()?;
    cursor.eat(b' ')?;
    cursor.spaces();
    let day = cursor.number(1, 2)?;
    cursor.eat(b' ')?;
    let time = cursor.time_of_day()?;
    // 2000 is a leap year.
    let start = days_from_civil(2000, 1, 1);
    Some(Stamp::Yearless((days_from_civil(2000, month as u32, day as u32) - start) * DAY + time))
}

/// `11-21 03:42:50.123` of Android's logcat, as [`Stamp::Yearless`].
pub(crate) fn month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.number(2, 2).filter(|month| (1..=12).contains(month))?;
    cursor.eat(b'-')?;
    let day = cursor.number(2, 2).filter(|day| (1..=31).contains(day))?;
    cursor.eat(b' ')?;
    let time = cursor.time_of_day()?;
    let start = days_from_civil(2000, 1, 1);
    Some(Stamp::Yearless((days_from_civil(2000, month as u32, day as u32) - start) * DAY + time))
}

/// `03:42:50` or `03:42:50.123`, the time of day.
pub(crate) fn clock(cursor: &mut Cursor<'_>) -> Option<()> {
    cursor.time_of_day().map(|_| ())
}

/// `Mon 2024-01-01 00:00:00 UTC` of `journalctl -o short-full`, as [`Stamp::Wall`] (local time where
/// the zone is another).
pub(crate) fn weekday_iso(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    cursor.weekday()?;
    cursor.eat(b' ')?;
    let stamp = iso(cursor)?;
    cursor.eat(b' ')?;
    let zone = cursor.word()?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-');
    (zone.len() <= 5 && zone.iter().all(plain)).then_some(stamp)
}

/// `Mon Jan  1 00:00:00 2024` of `dmesg -T`, as [`Stamp::Wall`].
pub(crate) fn ctime(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    cursor.weekday()?;
    cursor.eat(b' ')?;
    let month = cursor.month()?;
    cursor.eat(b' ')?;
    cursor.spaces();
    let day = cursor.number(1, 2)?;
    cursor.eat(b' ')?;
    let time = cursor.time_of_day()?;
    cursor.eat(b' ')?;
    let year = cursor.number(4, 4)?;
    Some(Stamp::Wall(days_from_civil(year, month as u32, day as u32) * DAY + time))
}

/// `Jul25 00:42` of `dmesg -H`.
pub(crate) fn minute_mark(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let month = cursor.month()?;
    cursor.spaces();
    let day = cursor.number(1, 2)?;
    cursor.eat(b' ')?;
    let hour = cursor.number(2, 2)?;
    cursor.eat(b':')?;
    let minute = cursor.number(2, 2)?;
    Some(Stamp::MinuteMark {
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: u8::try_from(hour).ok()?,
        minute: u8::try_from(minute).ok()?,
    })
}

/// `   12.345678` or `  +0.000004`: seconds since boot or since the previous line.
pub(crate) fn seconds(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    cursor.spaces();
    let delta = cursor.eat(b'+').is_some();
    let seconds = cursor.number(1, 12)?;
    // `dmesg -H` writes the sign of the user's language between seconds and their parts.
    cursor.eat(b'.').or_else(|| delta.then(|| cursor.eat(b',')).flatten())?;
    let micros = seconds * SECOND + cursor.fraction()?;
    Some(if delta { Stamp::Delta(micros) } else { Stamp::Boot(micros) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<'a>(parse: fn(&mut Cursor<'a>) -> Option<Stamp>, text: &'a str) -> Option<Stamp> {
        let mut cursor = Cursor::new(text.as_bytes());
        parse(&mut cursor).filter(|_| cursor.rest().is_empty())
    }

    #[test]
    fn iso_dates_are_read_with_and_without_zone() {
        let noon = Some(Stamp::Wall(1_704_110_400_000_000));
        assert_eq!(all(iso, "2024-01-01T12:00:00Z"), noon);
        assert_eq!(all(iso, "2024-01-01T13:00:00+0100"), noon);
        assert_eq!(all(iso, "2024-01-01T13:00:00,000000+01:00"), noon);
        assert_eq!(all(iso, "2024/01/01 12:00:00"), noon);
    }

    #[test]
    fn dmesg_dates_are_read() {
        assert_eq!(
            all(ctime, "Mon Jan  1 12:00:00 2024"),
            Some(Stamp::Wall(1_704_110_400_000_000))
        );
        assert_eq!(
            all(minute_mark, "Jul25 00:42"),
            Some(Stamp::MinuteMark { month: 7, day: 25, hour: 0, minute: 42 })
        );
        assert_eq!(all(seconds, "  +0.000004"), Some(Stamp::Delta(4)));
        assert_eq!(all(seconds, "   12.5"), Some(Stamp::Boot(12_500_000)));
    }

    #[test]
    fn a_yearless_date_counts_from_new_year() {
        assert_eq!(all(month_day_time, "Jan  2 00:00:01"), Some(Stamp::Yearless(DAY + SECOND)));
    }
}
