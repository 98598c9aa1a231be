//! Kernel configurations (`.config` and fragments), and what a symbol depends on (`Kconfig`).
//!
//! Invariants: does no I/O (the files that a `Kconfig` names are asked for by a closure); any text
//! gives a result, never a panic; memory is bounded by the text.

mod config;
mod expression;
mod menu;

pub use config::{Config, Lost, Value};
pub use expression::Expression;
pub use menu::Menu;
