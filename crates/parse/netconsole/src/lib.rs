//! Datagrams of netconsole in, the lines of the console in order out.
//!
//! Basic netconsole sends text as it is. Extended netconsole (`Documentation/networking/netconsole.rst`) puts a header
//! before it, `level,sequence,microseconds,flag[,name=value…];text`, perhaps with the kernel's release in front, and
//! cuts long messages into fragments (`ncfrag=OFFSET/TOTAL`).
//!
//! Invariants: any bytes give a message; what is kept of a host is bounded; a message that never came is said, once.

mod assembler;
mod message;

pub use assembler::{Assembler, Counts};
pub use message::{Fragment, Message, message};
