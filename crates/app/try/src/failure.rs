//! What ends a trial early, with what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// Whose matter a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Wrong use, or something that cannot be read or written.
    Usage,
    /// Kernels or programs could not be built, booted or run.
    Lab,
    /// The caller stopped it; everything is recorded.
    Stopped,
}

/// An error with what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// Whose matter it is.
    pub kind: FailureKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    /// What the user should do next.
    pub hint: Option<String>,
}

/// What to do when a disk is full.
const FULL: &str = "free some space, or keep the records elsewhere with --state DIR; nothing recorded is lost, and the \
     same call goes on from here";

impl Failure {
    /// Wrong use or unreadable input, in words.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Usage, message: message.into(), source: None, hint: None }
    }

    /// The lab could not do its work.
    pub(crate) fn lab(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Lab, ..Self::usage(message) }
    }

    /// The caller stopped it.
    pub(crate) fn stopped() -> Self {
        Self { kind: FailureKind::Stopped, ..Self::usage("stopped") }
    }

    /// An error that says all, as wrong use.
    pub(crate) fn from_error(error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            source: error.source().map(|source| source.to_string().into()),
            ..Self::usage(error.to_string())
        }
        .with_space_in_mind()
    }

    /// A file operation that failed.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("{}: cannot {doing}: {error}", path.display())).with_space_in_mind()
    }

    /// Adds what the user should do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A full disk looks alike, whatever met it first: a compiler, git or we.
    pub(crate) fn with_space_in_mind(self) -> Self {
        let source = self.source.as_ref().map(ToString::to_string).unwrap_or_default();
        if says_full(&self.message) || says_full(&source) {
            return Self { kind: FailureKind::Lab, ..self }.hint(FULL);
        }
        self
    }
}

/// Whether a message is that of a full disk.
pub(crate) fn says_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains("Disk quota exceeded")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
