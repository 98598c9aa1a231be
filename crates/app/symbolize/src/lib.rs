//! The use case "symbolize a log": files and lines of its frames, locks and instructions, by the vmlinux and the modules
//! of the very kernel that wrote it.
//!
//! Start reading at [`Symbolizer::of`]: it finds the kernel of a log and refuses another one; [`Session::line`] then
//! tells the places of one line.
//!
//! Invariants: prints nothing; a function whose size differs from the file's gets no place unless the user insists;
//! what has no place says why.

mod code;
mod error;
mod kernels;
mod log;
mod session;
mod tree;

pub use error::Error;
pub use io_symbols::SymbolError;
pub use kernels::{Options, Symbolizer};
pub use log::LogLine;
pub use session::Session;
