//! An answer: candidates with probabilities and reasons, and where was searched by what.

use model::change::Change;

use crate::reason::Reason;
use crate::term::Term;

/// A candidate with its place in the answer.
#[derive(Clone, Debug, Default)]
pub struct Ranked {
    /// Its versions, the one to be shown first; never empty.
    pub versions: Vec<Change>,
    /// How likely it is the one.
    pub probability: f64,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The tags that hold it, by commit; empty where no tree was asked.
    pub releases: Vec<(String, Vec<String>)>,
    /// The releases since which the bug it mends is there, by the commit that it names in `Fixes:`.
    pub since: Vec<(String, String)>,
}

/// A report of the same crash.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Its mail.
    pub report: Change,
    /// The title under which it was found.
    pub title: String,
}

/// A source that was searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Its name: that of a list or of a tree.
    pub name: String,
    /// How many changes and reports of it the index holds.
    pub changes: u32,
    /// The newest of them, in seconds since 1970.
    pub newest: Option<i64>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The candidates, the most likely first.
    pub candidates: Vec<Ranked>,
    /// Reports of the same crash, the newest first.
    pub reports: Vec<Earlier>,
    /// Where was searched.
    pub searched: Vec<Searched>,
    /// By which terms, with how many changes have each.
    pub query: Vec<(Term, u32)>,
    /// Nothing from this moment on was used, in seconds since 1970.
    pub until: Option<i64>,
    /// The range of a tree's history in which alone a suspect may lie.
    pub range: Option<Range>,
}

/// A range of a tree's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The commits without the crash, as they were named.
    pub good: Vec<String>,
    /// How many commits it has, merges included.
    pub commits: usize,
}
