//! Everything that reaches a terminal passes here. Invariant: no control character except newline
//! and tab, and no bidirectional override, is ever written from foreign text.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use model::calendar::civil_from_days;

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

/// Foreign text, shown with everything a terminal could act on made visible: `\x1b`, `\u{202e}`.
/// Newlines and tabs stay.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(acts_on_terminal) {
            f.write_str(&rest[..at])?;
            let character = rest[at..].chars().next().unwrap_or_default();
            match u32::from(character) {
                code @ 0..=0xff => write!(f, "\\x{code:02x}")?,
                code => write!(f, "\\u{{{code:x}}}")?,
            }
            rest = &rest[at + character.len_utf8()..];
        }
        f.write_str(rest)
    }
}

fn acts_on_terminal(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{Escaped, date, yearless};

    #[test]
    fn dates_are_those_of_the_stamps() {
        assert_eq!(date(1_704_110_400_000_000), "2024-01-01 12:00:00.000000");
        assert_eq!(date(951_782_400_000_001), "2000-02-29 00:00:00.000001");
        assert_eq!(yearless(86_400_000_000), "01-02 00:00:00.000000");
    }

    #[test]
    fn escape_sequences_and_direction_marks_never_pass() {
        let shown = Escaped("a\x1b[31mb\u{202e}c\td\u{9b}\n").to_string();
        assert_eq!(shown, "a\\x1b[31mb\\u{202e}c\td\\x9b\n");
    }
}
