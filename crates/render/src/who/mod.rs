//! Whose code it is, as text and as JSON.

pub mod json;
mod text;

pub use text::{addresses, reason, text};
