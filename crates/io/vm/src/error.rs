//! What can go wrong with a virtual machine.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// An operation on a virtual machine that failed. Each names the operation and, where there is one,
/// the path.
#[derive(Debug, Error)]
pub enum VmError {
    /// The emulator is not installed.
    #[error("{program} is not installed or not in PATH")]
    NoQemu {
        /// The program that was looked for.
        program: PathBuf,
    },
    /// A system call or file operation failed.
    #[error("cannot {operation}: {cause}")]
    Io {
        /// What was being done.
        operation: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// QEMU ended before the guest could start, or in the middle of a conversation.
    #[error("QEMU ended ({status}){}", after_colon(.messages))]
    QemuEnded {
        /// Its exit status.
        status: String,
        /// What it printed.
        messages: String,
    },
    /// QEMU refused a command.
    #[error("QEMU refused `{command}`: {reason}")]
    Refused {
        /// The QMP command.
        command: String,
        /// Its words.
        reason: String,
    },
    /// QEMU did not answer in time.
    #[error("QEMU did not answer `{command}` within {after:?}")]
    Silent {
        /// The QMP command.
        command: String,
        /// How long was waited.
        after: Duration,
    },
    /// The guest's agent did not do as it was asked.
    #[error("the guest's agent cannot {what}")]
    Agent {
        /// What it was asked, and the reason it gave.
        what: String,
    },
    /// The guest's agent did not answer in time.
    #[error("the guest's agent did not answer within {after:?} ({what})")]
    AgentSilent {
        /// What it was asked.
        what: String,
        /// How long was waited.
        after: Duration,
    },
    /// The link to the guest's agent carries something else than frames, or ended.
    #[error("the link to the guest's agent is lost: {reason}")]
    LinkLost {
        /// Why.
        reason: String,
    },
    /// A program cannot be brought into the guest.
    #[error("cannot bring {} into the guest: {reason}", path.display())]
    Program {
        /// The program on the host.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A kernel module that the guest needs is missing or cannot be read.
    #[error("kernel module {name}: {reason}")]
    Module {
        /// The module's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The caller wants to stop.
    #[error("stopped")]
    Stopped,
}

fn after_colon(messages: &str) -> String {
    if messages.trim().is_empty() { String::new() } else { format!(": {}", messages.trim()) }
}

impl VmError {
    /// For `map_err` on an I/O result.
    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |cause| Self::Io { operation, cause }
    }
}
