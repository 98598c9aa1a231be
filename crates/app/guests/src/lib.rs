//! Guests that run programs of system calls.
//!
//! A [`Base`] is a kernel that has booted, with the executor waiting; it is a snapshot, from which any number
//! of [`Guest`]s start in a fraction of a second. A guest takes batches of programs and gives replies; when
//! it crashes, hangs or lies, it gives a [`Loss`], and the next one is started.
//!
//! Invariants: prints nothing; a guest has no network, no disk and no folder of the host; whatever it writes
//! into the shared memory costs this guest only.

mod base;
mod error;
mod guest;
mod loss;

pub use base::{Base, COMMAND_LINE, Design, Sandbox};
pub use error::GuestError;
pub use guest::Guest;
pub use loss::{Cause, Loss, Running};
