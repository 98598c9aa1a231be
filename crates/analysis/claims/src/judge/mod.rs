//! The judges of the table of claims, by what they look at.

use std::sync::LazyLock;

use regex::Regex;

pub(crate) mod advice;
pub(crate) mod crash;
pub(crate) mod details;
pub(crate) mod faults;
pub(crate) mod fields;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod quotation;
pub(crate) mod source;
pub(crate) mod stalls;
pub(crate) mod tasks;
pub(crate) mod waits;

/// A shape that is compiled once; one that does not compile matches nothing (a test compiles all).
pub(crate) type Shape = LazyLock<Option<Regex>>;

/// Whether a shape matches.
pub(crate) fn is_match(shape: &Shape, text: &str) -> bool {
    shape.as_ref().is_some_and(|shape| shape.is_match(text))
}
