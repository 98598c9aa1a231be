//! The one place where ktriage speaks English: sentences, pages and mails made of values.
//!
//! Invariants: decides nothing; reads no log and no text that it wrote; whatever comes from a log is made
//! harmless here: [`Escaped`] for terminals, maud's escaping besides for pages.

pub mod bisect;
pub mod candidates;
pub mod conclusion;
pub mod descriptions;
pub mod diagnosis;
mod escape;
mod frame;
pub mod judgement;
mod layout;
mod notice;
mod sentence;
pub mod symbolize;
mod telling;
pub mod thread;
pub mod told;
pub mod tracker;
pub mod trial;
pub mod who;

pub use escape::Escaped;
pub use notice::notice;
pub use sentence::sentence;
