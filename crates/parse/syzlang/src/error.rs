//! Where something stands, and what is wrong there.

use std::fmt;

/// A place in a file; line and column count from 1, columns are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Number of the file, where several are joined; 0 until then.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

impl Position {
    pub(crate) fn new(line: u32, column: usize) -> Self {
        Self { file: 0, line, column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

/// A mistake in a file: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it was found.
    pub at: Position,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Longest part of a source line that is shown before and after the caret, in characters.
const SHOWN: usize = 60;

impl Error {
    pub(crate) fn new(at: Position, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: help.into() }
    }

    /// The error with its source line and a caret, as a compiler prints it. Control characters of the line become spaces.
    #[must_use]
    pub fn show(&self, path: &str, text: &str) -> String {
        let line = text.lines().nth(self.at.line.saturating_sub(1) as usize).unwrap_or_default();
        let mut split = (self.at.column.saturating_sub(1) as usize).min(line.len());
        while !line.is_char_boundary(split) {
            split -= 1;
        }
        let clean = |character: char| if character.is_control() { ' ' } else { character };
        let mut before: Vec<char> = line[..split].chars().rev().take(SHOWN).map(clean).collect();
        before.reverse();
        let after: String = line[split..].chars().take(SHOWN).map(clean).collect();
        let indent = " ".repeat(before.len());
        let before: String = before.into_iter().collect();
        format!("{path}:{self}\n    {before}{after}\n    {indent}^ {}", self.help)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.at.line, self.at.column, self.message)
    }
}

impl std::error::Error for Error {}
