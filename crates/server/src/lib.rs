//! The record's pages and its interfaces over HTTP.

mod view;

pub use view::view;
