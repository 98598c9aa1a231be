//! What pages that are about something that goes on are told.

/// Something was done to a bug.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    pub(crate) bug: i64,
    pub(crate) is_public: bool,
}
