//! Functions and source lines of addresses, from symbols and debug information: of a kernel and its modules
//! ([`Binary`]), of a program of user space ([`places`]).
//!
//! Start reading at `binary.rs`. A file is opened as an [`image`](mod@self) (`image.rs`: sections, build id), its
//! function names become a table (`table.rs`), the debug information of one compilation unit becomes a [`Unit`]
//! (`dwarf.rs`, `unit.rs`), and both are kept between calls (`index.rs`).
//!
//! Invariants: knows nothing of logs; a file is only read, piece by piece, never mapped; an address that no function
//! holds gives no place, never the nearest symbol; any bytes of a file give a result or an error, never a panic.

mod binary;
mod bytes;
mod dwarf;
mod error;
mod image;
mod index;
mod search;
mod source;
mod table;
mod unit;
mod user;

pub use binary::{Binary, Identity, Keep};
pub use error::SymbolError;
pub use image::Machine;
pub use search::{Roots, find_kernel, find_module, module_name};
pub use table::{Symbol, SymbolTable};
pub use unit::{Place, Unit};
pub use user::{Location, places};
