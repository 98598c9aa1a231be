//! Words for states, times and what was done to a bug.

use analysis_tracker::Silence;
use model::calendar::civil_from_days;
use model::tracker::{Action, Manifestation, State};

use crate::escape::one_line;

const DAY: i64 = 86_400;

/// A state.
pub const fn state(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Reported => "reported",
        State::FixProposed => "fix proposed",
        State::FixKnown => "fix known",
        State::Fixed => "fixed",
        State::Duplicate => "duplicate",
        State::Invalid => "invalid",
        State::Obsolete => "obsolete",
    }
}

/// A day, `2024-01-31`.
pub fn day(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time, `2024-01-31 12:00`, in UTC.
pub fn date(seconds: i64) -> String {
    let time = seconds.rem_euclid(DAY);
    format!("{} {:02}:{:02}", day(seconds.div_euclid(DAY)), time / 3600, time / 60 % 60)
}

/// How long ago, in one word: `5m`, `3h`, `12d`, `2y`.
pub fn ago(then: i64, now: i64) -> String {
    let seconds = now.saturating_sub(then);
    match seconds {
        i64::MIN..-60 => "in the future".to_owned(),
        -60..3_600 => format!("{}m", seconds.max(0) / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..63_072_000 => format!("{}d", seconds / DAY),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// How long a bug may be silent, with the arithmetic.
pub fn formula(silence: &Silence) -> String {
    let Silence { silent, allowed, rate, crashes, days } = silence;
    let why = match rate {
        Some(rate) => format!(
            "{crashes} crashes in {days:.0} days make {rate:.2} a day; 3 ln(100) / {rate:.2} = {:.0} days, within the bounds {allowed:.0}",
            3.0 * 100_f64.ln() / rate
        ),
        None => format!(
            "{crashes} crashes tell no rate, so the longest time is waited: {allowed:.0} days"
        ),
    };
    format!("silent for {silent:.0} days; {why}")
}

/// What a reproducer does, with how often.
pub(crate) fn signature(kernel: &str, runs: u32, titles: &[Manifestation]) -> String {
    let each = titles.iter().map(|one| format!("{} of {runs} {}", one.runs, one.title));
    let each: Vec<String> = each.collect();
    match each.is_empty() {
        true => format!("its reproducer on {kernel}: nothing in {runs} runs"),
        false => format!("its reproducer on {kernel}: {}", each.join("; ")),
    }
}

/// What was done, in a few words.
pub(crate) fn action(action: &Action) -> String {
    let text = match action {
        Action::Create { previous: None } => "first seen".to_owned(),
        Action::Create { previous: Some(bug) } => format!("seen again after bug {bug} was closed"),
        Action::Report { stage, message_id: Some(id) } => format!("reported ({stage}): {id}"),
        Action::Report { stage, message_id: None } => format!("reported ({stage})"),
        Action::Propose { link } => format!("a fix is proposed: {link}"),
        Action::Fix { fixes } => {
            let each = fixes.iter().map(|fix| match &fix.hash {
                Some(hash) => format!("{} (\"{}\")", hash, fix.title),
                None => format!("\"{}\"", fix.title),
            });
            format!("fixed by {}", each.collect::<Vec<_>>().join(", "))
        }
        Action::Unfix => "no fix is known after all".to_owned(),
        Action::Contained { kernels } => format!("the fix is in {}", kernels.join(", ")),
        Action::Duplicate { of } => format!("duplicate of bug {of}"),
        Action::Unduplicate => "no duplicate after all".to_owned(),
        Action::Invalid => "invalid".to_owned(),
        Action::Expire { silent, allowed } => {
            format!("obsolete: silent for {silent} days, chance allows {allowed}")
        }
        Action::Reopen => "reopened".to_owned(),
        Action::Merge { into } => format!("merged into bug {into}"),
        Action::Split { title: Some(title), to: Some(to) } => {
            format!("the crashes \"{title}\" left for bug {to}")
        }
        Action::Split { .. } => "split off again".to_owned(),
        Action::Reproducer { language } => format!("a reproducer came in ({language})"),
        Action::Attempt => "a reproduction failed".to_owned(),
        Action::Manifest { kernel, runs, titles } => signature(kernel, *runs, titles),
        Action::Retest {
            reproducer,
            kernel,
            runs,
            crashes,
            known_runs,
            known_crashes,
            revoked,
        } => {
            let told = match (crashes, revoked) {
                (0, true) => "it counts as gone",
                (0, false) => "too few runs to tell",
                _ => "it still crashes",
            };
            format!(
                "reproducer {reproducer} on {kernel}: {crashes} of {runs} runs crashed ({known_crashes} of {known_runs} before): {told}"
            )
        }
        Action::Note { text } => text.clone(),
        Action::Label { name, value } if value.is_empty() => format!("label {name}"),
        Action::Label { name, value } => format!("label {name}: {value}"),
        Action::Unlabel { name } => format!("without label {name}"),
        Action::Publish { public: true } => "public".to_owned(),
        Action::Publish { public: false } => "private".to_owned(),
        Action::JobDone { job, result } => format!("job {job} ended: {result}"),
        Action::Undo { entry } => format!("entry {entry} undone"),
    };
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_a_clock_that_went_back_is_seen() {
        assert_eq!(date(1_704_110_400), "2024-01-01 12:00");
        assert_eq!(date(-1), "1969-12-31 23:59");
        let now = 1_000_000_000;
        for (before, said) in [
            (0, "0m"),
            (119, "1m"),
            (7_200, "2h"),
            (3 * 86_400, "3d"),
            (100_000_000, "3y"),
            (-99, "in the future"),
        ] {
            assert_eq!(ago(now - before, now), said);
        }
    }

    #[test]
    fn the_formula_shows_its_numbers() {
        let bounds = analysis_tracker::Rate { least: 10.0, most: 100.0 };
        let silence = analysis_tracker::silence(16, 0, 30 * 86_400, 61 * 86_400, bounds);
        assert_eq!(
            formula(&silence),
            "silent for 31 days; 16 crashes in 30 days make 0.50 a day; 3 ln(100) / 0.50 = 28 days, within the bounds 28"
        );
    }
}
