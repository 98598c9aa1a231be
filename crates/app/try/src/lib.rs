//! A patch series on trial: its base is found, base and patched trees are built, run and compared.
//!
//! Invariants: prints nothing; the user's tree and repository are only read; nothing of the patches is
//! executed on this machine but what the caller's own commands do; what is decided is decided in
//! `analysis-trial`.

mod base;
mod changed;
mod drive;
mod failure;
mod kernels;
mod keys;
mod lab;
mod progress;
mod reach;
mod record;
mod revisions;
mod shell;
mod smoke;
mod start;

pub use failure::{Failure, FailureKind};
pub use kernels::Machines;
pub use lab::{Configuration, NO_BOOT};
pub use progress::{Progress, Tell};
pub use revisions::{Revisions, revisions};
pub use shell::Commands;
pub use start::{Asked, Tester, try_series};
