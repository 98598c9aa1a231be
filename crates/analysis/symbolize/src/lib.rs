//! Which places of a log are addresses of the kernel, of which kernel, and whether a file is that kernel.
//!
//! Start reading at [`spots`] (what is found in a line), [`Facts`] (what the whole log says of its kernel) and
//! [`fit`] (whether a vmlinux is that kernel).
//!
//! Invariants: pure; knows nothing of files and of formats of output but the one of symbolised text; memory is bounded
//! however long the log is; holds no sentence.

mod facts;
mod fit;
mod form;
mod kaslr;
mod result;
mod spot;

pub use facts::{Boot, Facts, FactsReader, Known, release_of};
pub use fit::{FileFacts, Fit, Misfit, WrongSize, fit};
pub use form::{annotated, named};
pub use kaslr::{Kaslr, kaslr};
pub use result::{BootKernel, Coded, Disassembly, Found, ModuleUse, Resolved, Summary, WhyNot};
pub use spot::{Bare, Points, Spot, bare_address, is_user_mode, spots};
