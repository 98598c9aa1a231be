//! Points in time as mails name them: civil dates with or without a zone, and the dates people's
//! mail programs write above a quote. Knows no clock.

use std::fmt;

use model::calendar::{civil_from_days, days_from_civil};

/// A point in time, with the zone in which its writer named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Minutes east of UTC, when the text says it.
    pub zone: Option<i32>,
}

impl Moment {
    /// `2026-05-09 08:09:44`, in UTC.
    pub fn utc(self) -> String {
        let c = Civil::from_seconds(self.seconds);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc())
    }
}

/// A date and time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, 1970 to 9999 in every value the readers make.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, from 1.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute, 0 to 59.
    pub minute: u32,
    /// Second, 0 to 60.
    pub second: u32,
}

impl Civil {
    /// Seconds since 1970 if the clock stood in UTC.
    pub fn seconds(self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * 86400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }

    /// The civil time in UTC of `seconds` since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        let day = seconds.div_euclid(86400);
        let rest = seconds.rem_euclid(86400);
        let (year, month, day) = civil_from_days(day);
        Self {
            year,
            month,
            day,
            hour: small(rest / 3600),
            minute: small(rest % 3600 / 60),
            second: small(rest % 60),
        }
    }

    fn is_possible(self) -> bool {
        (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
    }
}

fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or_default()
}

/// A date as it stands above a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedDate {
    /// Date and time of day, in the zone of whoever the quoting mail program follows.
    pub civil: Civil,
    /// Minutes east of UTC, if written.
    pub zone: Option<i32>,
    /// Whether seconds were written.
    pub has_seconds: bool,
    /// Whether a time of day was written.
    pub has_time: bool,
}

impl QuotedDate {
    /// The point in time, once a zone is known.
    pub fn at(self, zone: i32) -> i64 {
        self.civil.seconds() - i64::from(zone) * 60
    }
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads a date at the start of `text`, in any of the forms mail programs write above a quote.
/// Returns it with the rest of the text. A date whose day and month cannot be told apart
/// (`03/04/2026`) is refused rather than guessed.
pub fn quoted_date(text: &str) -> Option<(QuotedDate, &str)> {
    let mut words = DateWords::default();
    let mut rest = text;
    for _ in 0..24 {
        let before = rest;
        rest = rest.trim_start_matches([' ', ',', '\u{a0}', '\u{202f}']);
        let word_end = rest
            .find(|c: char| c.is_whitespace() || c == ',' || c == '\u{202f}')
            .unwrap_or(rest.len());
        let word = &rest[..word_end];
        if word.is_empty() {
            break;
        }
        match words.take(word.trim_matches(['[', ']', '(', ')', '.'])) {
            Step::Taken => rest = &rest[word_end..],
            Step::Ends => {
                rest = before;
                break;
            }
            Step::Refused => return None,
        }
    }
    Some((words.date()?, rest))
}

/// What the words of a date said so far.
#[derive(Default)]
struct DateWords {
    /// Numbers with how many digits each has.
    numbers: Vec<(u32, usize)>,
    month: Option<u32>,
    year_first: bool,
    day_first_mark: bool,
    time: Option<(u32, u32, Option<u32>)>,
    afternoon: Option<bool>,
    zone: Option<i32>,
}

/// What became of a word.
enum Step {
    /// It belongs to the date.
    Taken,
    /// The date ended before it.
    Ends,
    /// It makes the whole no date.
    Refused,
}

impl DateWords {
    fn take(&mut self, bare: &str) -> Step {
        let lower = bare.to_ascii_lowercase();
        let key = lower.get(..3).unwrap_or(&lower);
        let is_word = bare.chars().all(char::is_alphabetic);
        let begins_with_digit = bare.bytes().next().is_some_and(|b| b.is_ascii_digit());
        if self.time.is_some() && self.zone.is_none() && parse_zone(bare).is_some() {
            self.zone = parse_zone(bare);
            return Step::Taken;
        }
        if self.time.is_some() && (lower == "am" || lower == "pm") {
            self.afternoon = Some(lower == "pm");
            return Step::Taken;
        }
        let is_weekday =
            WEEKDAYS.contains(&key) && is_word && bare.len() <= 9 && self.time.is_none();
        if is_filler(&lower) || is_weekday {
            // Says nothing that the rest does not.
            return Step::Taken;
        }
        if self.time.is_some() {
            return Step::Ends;
        }
        if self.month.is_none() && is_word && is_month(&lower) {
            self.month = MONTHS.iter().position(|m| *m == key).map(|m| m as u32 + 1);
            return Step::Taken;
        }
        if begins_with_digit && bare.contains(':') && !bare.contains('T') {
            let Some((clock, half)) = clock(&lower) else { return Step::Ends };
            self.time = Some(clock);
            self.afternoon = half;
            return Step::Taken;
        }
        if begins_with_digit { self.digits(bare) } else { Step::Ends }
    }

    /// A word that begins with a digit: `9`, `9th`, `2026-05-09`, `2026-05-09T10:00:00Z`.
    fn digits(&mut self, bare: &str) -> Step {
        let mut number = |text: &str| match text.parse() {
            Ok(number) => {
                self.numbers.push((number, text.len()));
                true
            }
            Err(_) => false,
        };
        let taken = |good: bool| if good { Step::Taken } else { Step::Refused };
        match bare.bytes().find(|b| !b.is_ascii_digit()) {
            None => taken(number(bare)),
            Some(b'-' | b'/' | b'.') => {
                // 2026-05-09T10:00:00Z is one word.
                let (date, clock_part) = bare.split_once('T').unwrap_or((bare, ""));
                let mut month = None;
                for piece in date.split(['-', '/', '.']) {
                    let named = MONTHS.iter().position(|m| piece.eq_ignore_ascii_case(m));
                    match named {
                        Some(m) => month = Some(m as u32 + 1),
                        None if number(piece) => {}
                        None => return Step::Refused,
                    }
                }
                self.month = month.or(self.month);
                self.year_first = self.numbers.first().is_some_and(|n| n.1 == 4);
                self.day_first_mark = date.contains('.');
                if !clock_part.is_empty() {
                    let utc = clock_part.ends_with('Z');
                    self.time = clock(clock_part.trim_end_matches('Z')).map(|c| c.0);
                    self.zone = utc.then_some(0);
                }
                Step::Taken
            }
            // 9th, 2nd
            Some(_) => {
                let digits = bare.trim_end_matches(char::is_alphabetic);
                let is_ordinal = bare.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
                if is_ordinal { taken(number(digits)) } else { Step::Ends }
            }
        }
    }

    fn date(&self) -> Option<QuotedDate> {
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            (Some(m), [a, b]) if a.1 == 4 => (a.0, m, b.0),
            (Some(m), [a, b]) => (b.0, m, a.0),
            (None, [y, m, d]) if self.year_first => (y.0, m.0, d.0),
            (None, [d, m, y]) if self.day_first_mark || d.0 > 12 => (y.0, m.0, d.0),
            (None, [m, d, y]) if d.0 > 12 || m.0 == d.0 => (y.0, m.0, d.0),
            _ => return None,
        };
        let year = if year < 100 { 2000 + year } else { year };
        let (mut hour, minute, second) = self.time.unwrap_or((0, 0, None));
        match self.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            _ => {}
        }
        let civil =
            Civil { year: year.into(), month, day, hour, minute, second: second.unwrap_or(0) };
        civil.is_possible().then_some(QuotedDate {
            civil,
            zone: self.zone,
            has_seconds: second.is_some(),
            has_time: self.time.is_some(),
        })
    }
}

/// Words between date and time of day, in the languages of mail programs.
fn is_filler(lower: &str) -> bool {
    matches!(lower, "at" | "um" | "à" | "den" | "le" | "on" | "kl")
}

fn is_month(lower: &str) -> bool {
    const LONG: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    lower == "sept"
        || LONG.iter().any(|m| lower == *m || (lower.len() == 3 && m.starts_with(lower)))
}

/// `10:09`, `17:09:44`, `5:09:44pm`.
#[expect(clippy::type_complexity, reason = "hour, minute, second, and the half of the day")]
fn clock(word: &str) -> Option<((u32, u32, Option<u32>), Option<bool>)> {
    let (word, half) = match (word.strip_suffix("pm"), word.strip_suffix("am")) {
        (Some(w), _) => (w, Some(true)),
        (_, Some(w)) => (w, Some(false)),
        _ => (word, None),
    };
    let mut parts = word.split(':').map(|p| p.split('.').next().unwrap_or(p).parse::<u32>());
    let hour = parts.next()?.ok()?;
    let minute = parts.next()?.ok()?;
    let second = parts.next().map(Result::ok);
    let second = match second {
        Some(None) => return None,
        Some(s) => s,
        None => None,
    };
    (parts.next().is_none()).then_some(((hour, minute, second), half))
}

fn parse_zone(word: &str) -> Option<i32> {
    if matches!(word, "UTC" | "GMT" | "Z") {
        return Some(0);
    }
    let word = word.strip_prefix("GMT").or_else(|| word.strip_prefix("UTC")).unwrap_or(word);
    let sign = match word.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = word[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: i32 = digits.parse().ok()?;
    let minutes = n / 100 * 60 + n % 100;
    (minutes <= 14 * 60).then_some(sign * minutes)
}

/// The range of ages, in seconds, that `3 weeks, 1 day` can stand for: at least the first value,
/// less than the second. Two adjacent units are written, smaller ones are cut off.
pub fn age_range(text: &str) -> Option<(i64, i64)> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    // Name, shortest and longest length, and the next smaller unit that would have been written.
    const UNITS: [(&str, i64, i64, i64); 6] = [
        ("year", 365 * DAY, 366 * DAY, 31 * DAY),
        ("month", 28 * DAY, 31 * DAY, 7 * DAY),
        ("week", 7 * DAY, 7 * DAY, DAY),
        ("day", DAY, DAY, HOUR),
        ("hour", HOUR, HOUR, MINUTE),
        ("minute", MINUTE, MINUTE, MINUTE),
    ];
    let text = text.replace(['\u{a0}', '\u{202f}'], " ");
    let text = text.trim().strip_suffix("ago")?.trim();
    let (mut low, mut high, mut slack) = (0i64, 0i64, 0i64);
    let mut any = false;
    for (position, piece) in text.split(',').enumerate() {
        let (number, unit) = piece.trim().split_once(' ')?;
        let number: i64 = number.parse().ok().filter(|n| (0..=10_000).contains(n))?;
        let unit = unit.trim().trim_end_matches('s');
        let row = UNITS.iter().find(|row| row.0 == unit)?;
        low = low.checked_add(number * row.1)?;
        high = high.checked_add(number * row.2)?;
        // After a second unit nothing finer is ever written.
        slack = if position == 0 { row.3 } else { row.2 };
        any = true;
    }
    any.then_some((low, high + slack))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<i32>, String) {
        let (date, rest) = quoted_date(text).unwrap_or_else(|| panic!("no date in {text}"));
        let shown = Moment { seconds: date.civil.seconds(), zone: None }.utc();
        (shown, date.zone, rest.trim_start_matches([',', ' ']).to_owned())
    }

    #[test]
    fn dates_above_quotes_are_read_in_the_forms_mail_programs_write() {
        for (text, date, zone) in [
            ("2026-05-09 17:09:44 [+0900], A B wrote:", "2026-05-09 17:09:44", Some(540)),
            ("2026/05/21 22:06, A B wrote:", "2026-05-21 22:06:00", None),
            ("2026/05/22 3:14, A B wrote:", "2026-05-22 03:14:00", None),
            ("Sat, 9 May 2026 at 10:09, A B wrote:", "2026-05-09 10:09:00", None),
            ("Sat, May 9, 2026 at 1:09 PM A B wrote:", "2026-05-09 13:09:00", None),
            ("Sat, May 09, 2026 at 05:09:44PM +0900, A B wrote:", "2026-05-09 17:09:44", Some(540)),
            ("Sat, 9 May 2026 17:09:44 -0730, A B wrote:", "2026-05-09 17:09:44", Some(-450)),
            ("5/21/26 10:09 PM, A B wrote:", "2026-05-21 22:09:00", None),
            ("21/05/2026 10:09, A B wrote:", "2026-05-21 10:09:00", None),
            ("09.05.26 um 10:09, A B wrote:", "2026-05-09 10:09:00", None),
            ("2026-05-09T10:00:00Z, A B wrote:", "2026-05-09 10:00:00", Some(0)),
            ("Mon Aug 12, 2024 at 3:02 PM CEST", "2024-08-12 15:02:00", None),
        ] {
            let (shown, found, rest) = read(text);
            assert_eq!((shown.as_str(), found), (date, zone), "{text}");
            assert!(rest.starts_with("A B") || rest == "CEST", "{text} left {rest}");
        }
    }

    #[test]
    fn a_date_that_could_be_two_days_is_refused() {
        assert!(quoted_date("03/04/2026 10:00, A wrote:").is_none());
        assert!(quoted_date("nonsense").is_none());
    }

    #[test]
    fn civil_time_and_seconds_agree_both_ways() {
        for seconds in [0, 951_782_400, 1_779_436_800, 4_102_444_799] {
            assert_eq!(Civil::from_seconds(seconds).seconds(), seconds);
        }
        assert_eq!(Civil::from_seconds(951_782_400).day, 29, "2000-02-29");
    }

    #[test]
    fn an_age_is_a_range_as_wide_as_the_unit_that_was_cut_off() {
        const DAY: i64 = 86400;
        assert_eq!(age_range("3\u{a0}weeks, 1\u{a0}day ago"), Some((22 * DAY, 23 * DAY)));
        assert_eq!(age_range("4 weeks ago"), Some((28 * DAY, 29 * DAY)));
        assert_eq!(age_range("1 month ago"), Some((28 * DAY, 38 * DAY)));
        assert_eq!(age_range("yesterday"), None);
    }
}
