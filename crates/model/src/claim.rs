//! A statement whose text is made where it is found. On its way out: [`crate::Statement`] takes its place.

use std::fmt;

use crate::{Grade, LineSpan};

/// The identifier of a row in a table of rules, such as `R13` or `W04`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName(pub &'static str);

impl fmt::Display for RuleName {
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
    pub rules: Vec<RuleName>,
    /// The lines that prove it. Empty only for [`Grade::Unknown`].
    pub lines: Vec<LineSpan>,
}
