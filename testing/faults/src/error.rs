//! What can go wrong with a fault outside the guest.

use std::io;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// No fault has that name.
    #[error("there is no fault `{name}`{}", nearest.as_ref().map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// A name that is near, if one is.
        nearest: Option<String>,
    },
    /// A definition cannot be read.
    #[error("definition of {name}: {reason}")]
    Definition {
        /// The fault, or the file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An operation on a file failed.
    #[error("{operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No headers that a module could be built against.
    #[error("no kernel headers with a Makefile and a .config in {}", folder.display())]
    NoHeaders {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// A program is not installed.
    #[error("{program} is not installed (Debian's package is {package})")]
    NoProgram {
        /// The program.
        program: String,
        /// The package that has it.
        package: String,
    },
    /// The compiler refused.
    #[error("building {what} failed: {reason}")]
    Build {
        /// What was built.
        what: String,
        /// The first error lines.
        reason: String,
    },
}
