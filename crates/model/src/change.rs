//! A change to the kernel as an index keeps it: a patch of a mailing list or a commit of a tree, and
//! beside them the reports of crashes that were mailed.

use serde::{Deserialize, Serialize};

/// What stands in an index under one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// A patch of a mailing list.
    #[default]
    Patch,
    /// A commit of a tree.
    Commit,
    /// A mail that reports a crash.
    Report,
}

/// A commit that a change names in `Fixes:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedCommit {
    /// The beginning of its name, in lower-case hexadecimal digits.
    pub commit: String,
    /// Its title, where it is given.
    pub title: String,
}

/// A change, or the report of a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// What it is.
    pub kind: ChangeKind,
    /// The Message-ID of its mail.
    pub message_id: Option<String>,
    /// The name of its commit.
    pub commit: Option<String>,
    /// When it was sent or committed, in seconds since 1970; 0 where nobody says.
    pub date: i64,
    /// The address of its author.
    pub author: String,
    /// Its title, without `[PATCH …]`.
    pub title: String,
    /// Its version in a series, from 1.
    pub version: u32,
    /// The commit of which it is a copy for a stable branch.
    pub upstream: Option<String>,
    /// The Message-IDs that its mail answers.
    pub answers: Vec<String>,
    /// The Message-IDs to which its text links.
    pub cites: Vec<String>,
    /// The files it changes.
    pub files: Vec<String>,
    /// The functions it changes, from the headings and the lines of hunks.
    pub functions: Vec<String>,
    /// The functions that begin on added lines.
    pub defined: Vec<String>,
    /// The identifiers of changed lines.
    pub identifiers: Vec<String>,
    /// The identifiers that its text names; of a report the functions of its stacks.
    pub mentioned: Vec<String>,
    /// The titles of crashes whose report its text quotes; of a report its titles.
    pub crashes: Vec<String>,
    /// The words of its text, in lower case.
    pub words: Vec<String>,
    /// What it says it mends.
    pub fixes: Vec<FixedCommit>,
    /// The bugs it names.
    pub bugs: Vec<String>,
    /// Who is thanked for a report.
    pub reporters: Vec<String>,
    /// Lines added and removed.
    pub changed_lines: u32,
    /// A hash of the changed lines: equal where two changes do the same.
    pub patch_hash: u64,
}
