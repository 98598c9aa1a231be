//! The few facts about an ELF file that the lab needs, read with `object`.
//!
//! Invariants: does no I/O; any bytes give facts or an error, never a panic; memory is bounded by
//! the number of headers the file really holds. Only 64-bit little-endian files are read.

mod dynamic;
mod header;
mod symbols;

pub use dynamic::Dynamic;
pub use header::{Elf, ElfError, Section};
pub use symbols::Function;
