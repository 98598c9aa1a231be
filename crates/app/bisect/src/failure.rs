//! What ends a search early, with what to do about it.

use std::error::Error;
use std::fmt;

/// Whose matter a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Wrong use, or something that cannot be read or written.
    Usage,
    /// Kernels or programs could not be built, booted or run.
    Lab,
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

impl Failure {
    /// Wrong use or unreadable input, in words.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Usage, message: message.into(), source: None, hint: None }
    }

    /// The same, from an error that says all.
    pub(crate) fn from_error(error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FailureKind::Usage,
            message: error.to_string(),
            source: error.source().map(|source| source.to_string().into()),
            hint: None,
        }
    }

    /// What was to be tried could not be tried.
    pub(crate) fn lab(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Lab, ..Self::usage(message) }
    }

    /// Adds what the user should do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
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
