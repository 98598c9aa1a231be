//! Finding bugs by programs of system calls.

mod encode;

pub use encode::{EncodeError, encode};
