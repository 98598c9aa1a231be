//! Which change brought a crash and which one mends it, as text and as JSON.

pub mod json;
mod text;

pub use text::{Asked, reason, text};
