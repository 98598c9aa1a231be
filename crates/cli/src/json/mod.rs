//! The shapes of printed JSON. They are types of their own, so that what is printed changes only
//! when somebody changes it here, together with its format number.

pub(crate) mod check;
pub(crate) mod diagnose;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod report;
