//! The families of crash reports: how the first line of each looks, which lines must follow, what
//! the title is made of and where its function is found.
//!
//! Families are data. To add one, add a row to the table of its kind (or a new table here) and a
//! sample under `samples/reports`; nothing else changes. The engine that applies the rows is in
//! `analysis-identity`.
//!
//! Invariant: rows hold patterns and templates only; no row carries code.

mod family;
mod hang;
mod lockdep;
mod memory;
mod misuse;
mod oops;
mod other;
mod sanitizer;
mod warning;

pub use family::{Choice, Doubt, Family, Look, Printer, Shape};

/// All families. Where two headers begin at the same byte, the first listed wins.
pub static FAMILIES: &[&[Family]] = &[
    sanitizer::FAMILIES,
    memory::FAMILIES,
    lockdep::FAMILIES,
    hang::FAMILIES,
    misuse::FAMILIES,
    warning::FAMILIES,
    oops::FAMILIES,
    other::FAMILIES,
];
