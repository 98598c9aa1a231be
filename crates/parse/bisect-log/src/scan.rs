//! Lines of the input, numbered, and the small matchers that all readers of this crate use.
//!
//! A log that was mailed or saved from a page is read as it was before: see [`crate::mended`].
//!
//! Invariant: a line is valid text of at most [`crate::limits::LINE_BYTES`] bytes without its end.

use std::borrow::Cow;

use model::CommitId;

use crate::{limits, mended};

/// The numbered lines of an input.
pub(crate) struct Lines<'a> {
    lines: Vec<Cow<'a, str>>,
    cut: bool,
}

impl<'a> Lines<'a> {
    /// Cuts `bytes` into lines; carriage returns at line ends are dropped.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let mut lines: Vec<_> = pieces.by_ref().take(limits::LINES).map(text).collect();
        let cut = pieces.next().is_some_and(|rest| !rest.is_empty());
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        mended::mend(&mut lines);
        Self { lines, cut }
    }

    /// Every line with its number, from 1.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        (1..).zip(self.lines.iter().map(AsRef::as_ref))
    }

    /// The number of the last line that was read, when there are more.
    pub(crate) fn cut_at(&self) -> Option<u64> {
        self.cut.then_some(self.lines.len() as u64)
    }
}

fn text(line: &[u8]) -> Cow<'_, str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(&line[..line.len().min(limits::LINE_BYTES)])
}

/// A full commit name at the start of `text`, and what follows it.
pub(crate) fn leading_commit(text: &str) -> Option<(CommitId, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (name, rest) = text.split_at(digits);
    Some((CommitId::parse(name)?, rest))
}

/// `[H] SUBJECT`, as git prints the commit it checked out.
pub(crate) fn bracketed_commit(text: &str) -> Option<(CommitId, &str)> {
    let (id, rest) = leading_commit(text.strip_prefix('[')?)?;
    Some((id, rest.strip_prefix(']')?.trim_start()))
}

/// A Go duration such as `4h20m12.4547961s` or `35.2ms`, in seconds.
pub(crate) fn duration_seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(|b| !b.is_ascii_digit() && *b != b'.').count();
        let (unit, tail) = tail.split_at(letters);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_prints_them() {
        assert_eq!(duration_seconds("2h0m54.5s"), Some(7254.5));
        assert_eq!(duration_seconds("0s"), Some(0.0));
        assert_eq!(duration_seconds("12"), None);
        assert_eq!(duration_seconds("h"), None);
        assert_eq!(duration_seconds(""), None);
    }

    #[test]
    fn an_abbreviated_name_is_no_commit() {
        assert!(leading_commit("dbe69e433722 x").is_none());
        assert!(bracketed_commit(&format!("[{}] Merge tag", "a".repeat(40))).is_some());
    }
}
