//! What can go wrong between a source and a kernel.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::failure::CompileError;

/// Why there is no kernel.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A program is not installed.
    #[error("{program} is not installed (Debian's package is {package})")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// A program failed.
    #[error("{what} failed: {words}")]
    Failed {
        /// What was being done.
        what: String,
        /// The program's last words.
        words: String,
    },
    /// A file operation failed.
    #[error("cannot {operation}: {cause}")]
    Io {
        /// What was being done, with the path.
        operation: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// No package has this name or pattern.
    #[error("no kernel package of Debian matches {wanted}")]
    NoPackage {
        /// What was asked for.
        wanted: String,
    },
    /// A fragment of that name does not exist.
    #[error("there is no configuration fragment {name}")]
    NoFragment {
        /// The name that was asked for.
        name: String,
    },
    /// The folder is no kernel source.
    #[error("{} is no kernel source: it has no {missing}", path.display())]
    NotASource {
        /// The folder.
        path: PathBuf,
        /// The file that should be there.
        missing: &'static str,
    },
    /// The compiler, the linker or a script of the kernel's build found an error.
    #[error("the kernel does not build: {error}")]
    Compile {
        /// The first error.
        error: CompileError,
        /// The whole output of the build.
        log: PathBuf,
    },
    /// The caller wants to stop.
    #[error("stopped")]
    Stopped,
}

impl BuildError {
    /// For `map_err` on an I/O result.
    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |cause| Self::Io { operation, cause }
    }
}
