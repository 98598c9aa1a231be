//! Descriptions of system calls: what their names mean, which calls an architecture has, and which of them can get
//! the resources that they need.

mod architecture;
mod constants;
mod descriptions;
mod enabled;
mod mistake;

pub use architecture::{Architecture, Wanting, architecture};
pub use constants::Constants;
pub use descriptions::{Counts, Descriptions};
pub use enabled::{Needs, enabled, live, needs};
pub use mistake::{Mistake, Wrong};
