//! The record for people and programs: text, JSON, words.

pub mod json;
pub mod mail;
pub mod page;
pub mod question;
pub mod text;
mod view;
mod words;

pub use view::BugView;
pub use words::{ago, date, day, formula, state};
