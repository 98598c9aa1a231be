//! Days as options take them.

use model::calendar::{civil_from_days, days_from_civil};

/// The beginning of a day (UTC) as it is typed, or the moment where a time is given with it, in seconds since 1970.
pub(crate) fn day(text: &str) -> Result<i64, String> {
    let found = parse_mail::quoted_date(text).filter(|(_, rest)| rest.trim().is_empty());
    let is_in_calendar = |(year, month, day): (i64, u32, u32)| {
        civil_from_days(days_from_civil(year, month, day)) == (year, month, day)
    };
    found
        .map(|(date, _)| date)
        .filter(|date| is_in_calendar((date.civil.year, date.civil.month, date.civil.day)))
        .map(|date| date.at(0))
        .ok_or_else(|| "no such day; give it as YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        assert_eq!(day("1970-01-02"), Ok(86_400));
        assert_eq!(day("2024-02-29"), Ok(1_709_164_800));
        for text in [
            "2026-02-31",
            "2025-02-29",
            "2026-13-01",
            "2026-04-00",
            "yesterday",
            "",
            "2026-04-01 x",
        ] {
            assert!(day(text).is_err(), "{text}");
        }
    }
}
