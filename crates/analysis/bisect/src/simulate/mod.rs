//! Worlds with a known culprit, to measure a rule before it meets a real bug.
//!
//! Invariant: everything follows from the seed.

mod plan;
mod random;
mod world;

pub use plan::{PlanCost, plan};
pub use random::Random;
pub use world::{Cost, Fade, Noise, World};
