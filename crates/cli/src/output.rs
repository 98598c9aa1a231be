//! Everything that reaches a terminal passes here. Invariant: no control character except newline
//! and tab, and no bidirectional override, is ever written from foreign text.

use std::io::{self, IsTerminal as _, Write as _};

use model::calendar::civil_from_days;
pub(crate) use render::Escaped;

/// Writes one line to standard error.
pub(crate) fn message(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{}", Escaped(text));
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// How standard output is painted.
    pub(crate) fn for_stdout(self) -> Paint {
        Paint(match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !refused
            }
        })
    }
}

/// Paints our own words; foreign text is escaped before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    fn with(self, style: anstyle::Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A heading.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with(anstyle::Style::new().bold(), text)
    }

    /// The title of a crash.
    pub(crate) fn title(self, text: &str) -> String {
        self.with(anstyle::AnsiColor::Red.on_default().bold(), text)
    }
}

/// A date of [`parse_console::Stamp::Wall`], `2024-01-31 12:00:00.123456`. The log does not always
/// state its zone, so none is printed.
pub(crate) fn date(micros: i64) -> String {
    let (days, time) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02} {}", time_of_day(time))
}

/// A date of [`parse_console::Stamp::Yearless`], `01-31 12:00:00.123456`.
pub(crate) fn yearless(micros: i64) -> String {
    // 2000 is the leap year that such stamps are counted in; it began 10,957 days after the epoch.
    let (_, month, day) = civil_from_days(micros.div_euclid(DAY) + 10_957);
    format!("{month:02}-{day:02} {}", time_of_day(micros.rem_euclid(DAY)))
}

const DAY: i64 = 86_400_000_000;

fn time_of_day(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:06}", seconds % 60, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{date, yearless};

    #[test]
    fn dates_are_those_of_the_stamps() {
        assert_eq!(date(1_704_110_400_000_000), "2024-01-01 12:00:00.000000");
        assert_eq!(date(951_782_400_000_001), "2000-02-29 00:00:00.000001");
        assert_eq!(yearless(86_400_000_000), "01-02 00:00:00.000000");
    }
}
