//! What is said, how sure it is, by which rule, and where it is proven.

use std::fmt;

use crate::LineSpan;

/// How sure a statement is. Ordered from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// The input does not tell. The statement names the exhibit that would settle it.
    Unknown,
    /// One of several ranked possibilities.
    Guess,
    /// Needs knowledge of how that kernel version works.
    Inferred,
    /// Arithmetic on the text.
    Derived,
    /// The text says it.
    Seen,
}

impl Grade {
    /// The name under which the grade is printed and stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Guess => "GUESS",
            Self::Inferred => "INFERRED",
            Self::Derived => "DERIVED",
            Self::Seen => "SEEN",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The identifier of a row in a table of rules, such as `R13` or `W04`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule(pub &'static str);

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// One statement with all that stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The statement, one sentence.
    pub statement: String,
    /// How sure it is.
    pub grade: Grade,
    /// The rules that were applied; empty when the text says it literally.
    pub rules: Vec<Rule>,
    /// The lines that prove it. Empty only for [`Grade::Unknown`].
    pub lines: Vec<LineSpan>,
}
