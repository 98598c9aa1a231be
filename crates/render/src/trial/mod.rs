//! A trial of a patch series for people and for programs: text, page, mail, JSON.

pub mod json;
mod mail;
mod page;
mod text;
mod words;

pub use mail::{MailTo, mail};
pub use page::page;
pub use text::text;
