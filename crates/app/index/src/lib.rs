//! An index of mailing lists and source trees, and what it answers: which change brought a crash, and which one
//! mends it.
//!
//! Invariants: prints nothing and asks no clock; progress goes to the one who calls.

mod answer;
mod range;
mod search;
mod update;

use std::path::{Path, PathBuf};

use io_database::change_index::{self, ChangeIndex};
use io_git::GitError;
use io_git::public_inbox;

pub use answer::{MOST_SAID, Tree, whole_name};
pub use io_database::change_index::Source;
pub use range::{Suspect, suspects_of_range};
pub use search::{Bounds, Found, Question};
pub use update::Progress;

/// Why the index cannot be made or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index.
    #[error(transparent)]
    Index(#[from] change_index::Error),
    /// An archive.
    #[error(transparent)]
    Archive(#[from] public_inbox::Error),
    /// A tree.
    #[error(transparent)]
    Tree(#[from] GitError),
    /// The state folder cannot be made.
    #[error("cannot make the state folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no archive of mails.
    #[error("{}: no archive of public-inbox here", .0.display())]
    NoArchive(PathBuf),
    /// The thread that reads an archive ended without a word.
    #[error("reading {} broke off", .0.display())]
    BrokeOff(PathBuf),
}

/// The index of a state folder.
#[derive(Debug)]
pub struct Index {
    changes: ChangeIndex,
    path: PathBuf,
}

impl Index {
    /// Opens the index in a state folder; makes both when they are not there.
    ///
    /// # Errors
    /// When the folder cannot be made or holds something else.
    pub fn open(state: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(state)
            .map_err(|source| Error::Folder { path: state.to_owned(), source })?;
        let path = state.join("changes.sqlite");
        Ok(Self { changes: ChangeIndex::open(&path)?, path })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made of nothing yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.changes.is_empty()?)
    }

    /// What it was made of.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sources(&self) -> Result<Vec<Source>, Error> {
        Ok(self.changes.sources(i64::MAX)?)
    }
}
