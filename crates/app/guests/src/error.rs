//! What can go wrong with a guest that runs programs, other than by a program.

use std::time::Duration;

use guest_programs::RegionError;
use io_vm::VmError;
use thiserror::Error;

/// A guest that cannot be had.
#[derive(Debug, Error)]
pub enum GuestError {
    /// The machine failed.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// The kernel did not come as far as the agent.
    #[error("the kernel did not boot: {reason}")]
    NotBooted {
        /// Why, in one sentence.
        reason: String,
        /// The console.
        console: Vec<u8>,
    },
    /// The executor ended or said nothing.
    #[error("the executor did not start within {after:?}{}", after_colon(.words))]
    NoExecutor {
        /// How long was waited.
        after: Duration,
        /// What it printed.
        words: String,
    },
    /// The shared memory is not as it should be.
    #[error("{0}")]
    Region(#[from] RegionError),
}

fn after_colon(words: &str) -> String {
    if words.trim().is_empty() { String::new() } else { format!(": {}", words.trim()) }
}
