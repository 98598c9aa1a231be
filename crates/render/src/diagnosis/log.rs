//! What the printers of a diagnosis are given.

use std::collections::BTreeMap;

use analysis_claims::verify::Unconfirmed;
use analysis_hang::Diagnosis;
use model::{Notice, Statement};

/// One diagnosed log with all that is printed of it.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// The name under which it was given.
    pub name: &'a str,
    /// What happened first, who waits for whom.
    pub diagnosis: &'a Diagnosis,
    /// What registers, faults and code bytes say.
    pub registers: &'a [Statement],
    /// Files and lines, where the kernel was given.
    pub sources: &'a [Statement],
    /// The cited lines with some around them, by number.
    pub excerpt: &'a BTreeMap<u64, String>,
    /// What the lines that it cites do not show; printed only where it is asked for.
    pub unconfirmed: &'a [Unconfirmed],
    /// What was not read or kept.
    pub notices: &'a [Notice],
}

#[cfg(test)]
impl<'a> Log<'a> {
    /// A diagnosis without anything else.
    pub(crate) fn of(diagnosis: &'a Diagnosis) -> Self {
        static NOTHING: BTreeMap<u64, String> = BTreeMap::new();
        Self {
            name: "a.log",
            diagnosis,
            registers: &[],
            sources: &[],
            excerpt: &NOTHING,
            unconfirmed: &[],
            notices: &[],
        }
    }
}
