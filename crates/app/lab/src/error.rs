//! Why a campaign cannot be carried out.

use std::io;
use std::path::PathBuf;

use io_vm::VmError;
use thiserror::Error;

/// An error that ends a campaign. What ends a single run is an outcome, not an error.
#[derive(Debug, Error)]
pub enum LabError {
    /// The machine layer failed.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// The reproducer does not compile.
    #[error("{} does not compile: {words}", path.display())]
    Reproducer {
        /// The source.
        path: PathBuf,
        /// The compiler's first error.
        words: String,
    },
    /// The reproducer cannot be read or is nothing that can run.
    #[error("cannot use {} as a reproducer: {reason}", path.display())]
    NotAReproducer {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file operation failed.
    #[error("cannot {operation}: {cause}")]
    Io {
        /// What was being done, with the path.
        operation: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The kernel does not boot.
    #[error("the kernel does not boot: {reason}")]
    BootFailed {
        /// What is known.
        reason: String,
        /// Where the console was recorded.
        folder: Option<PathBuf>,
    },
    /// The emulator failed, each time that it was tried.
    #[error("infrastructure error: {reason}, in each of {tries} tries")]
    Emulator {
        /// What it did.
        reason: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The same campaign is under way in another process.
    #[error("another lab is working in {}", folder.display())]
    Busy {
        /// The folder of the campaign.
        folder: PathBuf,
    },
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

impl LabError {
    /// For `map_err` on an I/O result.
    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |cause| Self::Io { operation, cause }
    }
}
