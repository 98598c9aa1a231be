//! Where in an input a statement is proven.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run of whole lines of one input, both ends included. Lines count from 1, as editors count. In JSON it is
/// `[first, last]`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "[u64; 2]", into = "[u64; 2]")]
pub struct LineSpan {
    /// First line, counted from 1.
    pub first: u64,
    /// Last line, counted from 1; never smaller than `first`.
    pub last: u64,
}

impl LineSpan {
    /// The span of a single line.
    pub const fn line(line: u64) -> Self {
        Self { first: line, last: line }
    }

    /// The span from `first` to `last`; the ends may come in either order.
    pub fn new(first: u64, last: u64) -> Self {
        Self { first: first.min(last), last: first.max(last) }
    }

    /// Whether `line` lies inside.
    pub const fn contains(self, line: u64) -> bool {
        self.first <= line && line <= self.last
    }
}

/// A pair of numbers that is no run of lines.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("[{0}, {1}] is no run of lines: write [first, last], counted from 1")]
pub struct NoLines(u64, u64);

impl TryFrom<[u64; 2]> for LineSpan {
    type Error = NoLines;

    fn try_from([first, last]: [u64; 2]) -> Result<Self, NoLines> {
        (0 < first && first <= last).then_some(Self { first, last }).ok_or(NoLines(first, last))
    }
}

impl From<LineSpan> for [u64; 2] {
    fn from(span: LineSpan) -> Self {
        [span.first, span.last]
    }
}

/// `L7` for one line, `L7-L9` for several: the form in which every statement cites its evidence.
impl fmt::Display for LineSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "L{}", self.first)
        } else {
            write!(f, "L{}-L{}", self.first, self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_prints_as_it_is_cited() {
        assert_eq!(LineSpan::line(7).to_string(), "L7");
        assert_eq!(LineSpan::new(9, 7).to_string(), "L7-L9");
        assert!(LineSpan::new(7, 9).contains(8) && !LineSpan::new(7, 9).contains(10));
    }
}
