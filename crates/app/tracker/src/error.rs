//! Why something was not done.

use analysis_tracker::Refusal;
use model::tracker::RecordError;

/// Why something was not done. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The action does not fit.
    #[error("bug {bug}: {refusal}")]
    Refused {
        /// The bug.
        bug: i64,
        /// Why.
        refusal: Refusal,
    },
    /// It would show or hide crashes, and whoever asks may not.
    #[error("bug {0}: that shows or hides crashes, which needs the right to publish")]
    Shows(i64),
    /// Nothing has that name.
    #[error("no bug is known as `{0}`")]
    NoBug(String),
    /// Several bugs have that name.
    #[error("several bugs are known as `{name}`: {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The bugs.
        ids: Vec<i64>,
    },
    /// An entry of the history cannot be undone.
    #[error("{0}")]
    NoUndo(&'static str),
    /// No crash of the bug has that title.
    #[error("no crash of bug {bug} has the title `{title}`")]
    NoTitle {
        /// The bug.
        bug: i64,
        /// The title.
        title: String,
    },
    /// The log is too long.
    #[error("the log is longer than {} MiB", crate::LONGEST_LOG >> 20)]
    TooLong,
    /// The kernel gives no random numbers for secrets.
    #[error("no random numbers: {0}")]
    Chance(std::io::Error),
    /// The text of a label or note does not do.
    #[error("{0}")]
    Text(&'static str),
}
