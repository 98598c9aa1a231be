//! The service's pages. They need no script, load nothing from elsewhere, and can be read on a telephone.
//!
//! Invariant: foreign text passes [`one_line`] or [`Escaped`], and maud escapes markup.
//!
//! [`one_line`]: crate::escape::one_line
//! [`Escaped`]: crate::Escaped

mod bug;
mod chart;
mod diagnosis;
mod list;
mod log;
mod machines;
mod overview;
mod shell;

pub use bug::bug;
pub use diagnosis::diagnosis;
pub use list::list;
pub use log::log;
pub use machines::{Health, health, jobs, managers};
pub use overview::{Overview, overview};
pub use shell::{LIVE, STYLE, Visitor, error, login};
