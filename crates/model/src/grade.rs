//! How sure a statement is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How sure a statement is. Ordered from the weakest to the strongest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
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
