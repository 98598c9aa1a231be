//! A diagnosis for people: text, page, mail, drawings.

pub mod event;
mod log;
pub mod mail;
pub mod page;
pub(crate) mod svg;
pub mod text;
pub mod verification;

pub use log::Log;
