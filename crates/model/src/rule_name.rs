//! Names of rules that are not in the registry yet: those of threads.

use std::fmt;

/// The identifier of a row in a table of rules, such as `R13` or `W04`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName(pub &'static str);

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
