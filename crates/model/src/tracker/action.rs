//! What can be done to a bug, as it stands in its history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BugId, Fix, Standing};

/// One change. The history holds these; nothing in it is ever changed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// The first crash came in.
    Create {
        /// The closed bug of the same title.
        previous: Option<BugId>,
    },
    /// A report went out.
    Report {
        /// The stage of reporting.
        stage: String,
        /// The mail.
        message_id: Option<String>,
    },
    /// A patch is on a list.
    Propose {
        /// Where.
        link: String,
    },
    /// These commits fix it.
    Fix {
        /// The commits.
        fixes: Vec<Fix>,
    },
    /// No commit is known to fix it after all.
    Unfix,
    /// Every kernel under test contains the fix.
    Contained {
        /// The kernels.
        kernels: Vec<String>,
    },
    /// It is the same bug as another one; both records stay.
    Duplicate {
        /// The other.
        of: BugId,
    },
    /// It is a bug of its own after all.
    Unduplicate,
    /// It is no bug of the kernel.
    Invalid,
    /// It was silent for longer than chance allows.
    Expire {
        /// Days of silence.
        silent: u32,
        /// Days that were allowed.
        allowed: u32,
    },
    /// It is open again.
    Reopen,
    /// Its crashes stand in another bug's record from now on.
    Merge {
        /// The other.
        into: BugId,
    },
    /// The crashes that a merge took stand in its own record again, or crashes of one title left for a bug of their own.
    Split {
        /// The title that left; `None` undoes a merge.
        title: Option<String>,
        /// The bug that they left for.
        to: Option<BugId>,
    },
    /// A reproducer came in.
    Reproducer {
        /// `c` or `syz`.
        language: String,
    },
    /// A reproduction failed.
    Attempt,
    /// The lab ran its reproducer to see what it does: its titles with their rates are its signature.
    Manifest {
        /// The kernel.
        kernel: String,
        /// Runs that came as far as the reproducer.
        runs: u32,
        /// How many of them ended with which title first.
        titles: Vec<Manifestation>,
    },
    /// Its reproducer was run again on a newer kernel.
    Retest {
        /// The number of the reproducer.
        reproducer: i64,
        /// The kernel.
        kernel: String,
        /// Runs on it, of all its retests.
        runs: u32,
        /// How many of them crashed.
        crashes: u32,
        /// Runs on the kernel that it crashed.
        known_runs: u32,
        /// How many of those crashed.
        known_crashes: u32,
        /// Whether it counts as gone: so many clean runs would come by chance in less than one of a hundred cases.
        revoked: bool,
    },
    /// Something worth remembering.
    Note {
        /// In words.
        text: String,
    },
    /// A label was set.
    Label {
        /// Its name.
        name: String,
        /// Its value; empty where the name says all.
        value: String,
    },
    /// A label was taken off.
    Unlabel {
        /// Its name.
        name: String,
    },
    /// Anybody may see it from now on, or not.
    Publish {
        /// Whether.
        public: bool,
    },
    /// A job ended.
    JobDone {
        /// Its number.
        job: i64,
        /// What came out.
        result: String,
    },
    /// An earlier change was undone.
    Undo {
        /// The entry of the history.
        entry: i64,
    },
}

/// A title that a reproducer gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifestation {
    /// The title.
    pub title: String,
    /// Runs that gave it first.
    pub runs: u32,
}

/// One entry of a bug's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// The bug.
    pub bug: BugId,
    /// When.
    pub time: i64,
    /// Who or what did it.
    pub who: String,
    /// What was done.
    pub action: Action,
    /// Why, as far as it was said.
    pub why: String,
    /// How the bug stood before, where the action changed that.
    pub before: Option<Standing>,
}
