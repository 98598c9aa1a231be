//! Bisections and audits of bisections, as text, mail, page and JSON.

pub mod audit;
pub mod audit_json;
mod finding;
pub mod json;
mod mail;
mod page;
mod picture;
mod text;

pub use mail::{culprit, log, mail};
pub use page::page;
pub use picture::draw;
pub use text::{percent, text};
