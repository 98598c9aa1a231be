//! An answer to "whose code is it".

use super::{Recipient, Subsystem};

/// Whose code it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The files that were asked about.
    pub files: Vec<String>,
    /// How a crash led to its file; none where files or a patch were asked about.
    pub guilty: Option<Guilty>,
    /// The sections of MAINTAINERS that name them.
    pub subsystems: Vec<Subsystem>,
    /// People and lists.
    pub recipients: Vec<Recipient>,
    /// The commit up to which the history was asked; `None` where there is none or it was not asked.
    pub head: Option<String>,
    /// Commits of `Fixes:` that the history does not hold.
    pub unknown_fixes: Vec<String>,
    /// Files whose history was not read, since there are too many.
    pub passed_over: usize,
}

/// The file at which a crash points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guilty {
    /// Title of the crash.
    pub title: String,
    /// The line of the log that announces it.
    pub header_line: u64,
    /// The file, from the root of the tree.
    pub file: String,
    /// How that is known.
    pub how: How,
    /// Other files that define a function of that name, where the name alone does not decide.
    pub others: Vec<String>,
    /// Whether the tree has the file.
    pub is_there: bool,
}

/// How the guilty file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The report names it.
    Named,
    /// The report names a function that the tree defines there.
    Defined {
        /// The function, as the report has it.
        function: String,
        /// The line on which its definition starts.
        line: usize,
    },
}
