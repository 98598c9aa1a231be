//! The one place where ktriage speaks English: sentences, pages and mails made of values.
//!
//! Invariants: decides nothing; reads no log and no text that it wrote; whatever comes from a log is escaped by
//! the writer that puts it on a terminal or a page.

pub mod bisect;
mod escape;
pub mod judgement;
mod sentence;
pub mod thread;

pub use escape::Escaped;
pub use sentence::sentence;
