//! What the naming of crashes knows, as data.

pub(crate) mod entries;
pub(crate) mod files;
pub(crate) mod kinds;
pub(crate) mod suppressions;
