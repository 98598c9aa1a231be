//! How much is said of one log.

/// Events of one kind whose details are spelled out; later ones are only listed.
pub(super) const SPELLED_OUT: usize = 6;

/// Statements kept of one log.
pub(super) const LIMIT: usize = 2_000;
