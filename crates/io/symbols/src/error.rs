//! Why an address has no place.

use std::path::{Path, PathBuf};

/// Why an address has no place.
#[derive(Debug, thiserror::Error)]
pub enum SymbolError {
    /// The file cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no program that can be read.
    #[error("cannot read {path} as a program: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is the compressed image that boots.
    #[error(
        "{path} is the compressed image that boots; names and lines are in the vmlinux it was made of"
    )]
    BootImage {
        /// The file.
        path: PathBuf,
    },
    /// The file has no symbol table.
    #[error("{path} has no symbol table: it was stripped")]
    Stripped {
        /// The file.
        path: PathBuf,
    },
    /// The debug information cannot be read.
    #[error("the debug information of {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// No executable segment has the place.
    #[error("no executable segment of {path} holds {what}")]
    Outside {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: String,
    },
    /// More than one executable segment fits a mapping.
    #[error("{count} executable segments of {path} fit a mapping of {length:#x} bytes")]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The mapping's length.
        length: u64,
    },
}

/// Words on what is wrong.
pub(crate) struct Reason(String);

impl<T: std::fmt::Display> From<T> for Reason {
    fn from(words: T) -> Self {
        Self(words.to_string())
    }
}

impl SymbolError {
    pub(crate) fn read(path: &Path, reason: impl Into<Reason>) -> Self {
        Self::Read { path: path.to_owned(), reason: reason.into().0 }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<Reason>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into().0 }
    }
}
