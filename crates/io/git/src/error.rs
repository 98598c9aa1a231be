//! What can go wrong with a repository.

use std::io;
use std::path::PathBuf;

/// An operation on a repository that failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// `git` is not installed or cannot be started.
    #[error("cannot start git")]
    Start {
        /// Why.
        source: io::Error,
    },
    /// The directory does not exist.
    #[error("{}: no such directory", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The directory is in no repository.
    #[error("{}: not in a git repository", path.display())]
    NoRepository {
        /// The directory.
        path: PathBuf,
    },
    /// No commit has that name.
    #[error("{}: no commit is called {revision:?}", path.display())]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// The repository.
        path: PathBuf,
    },
    /// A file of a repository of ours cannot be written.
    #[error("{}: cannot write", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `git` said no.
    #[error("{}: git could not {doing}: {message}", path.display())]
    Failed {
        /// What was to be done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What git wrote.
        message: String,
    },
    /// `git` printed something that was not asked for.
    #[error("git printed a list of commits that cannot be read")]
    Unreadable,
}
