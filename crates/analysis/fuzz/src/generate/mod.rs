//! New programs, and changes of programs. All chance comes from one generator of random numbers, so the same seed gives
//! the same programs.

mod catalog;
mod hints;
mod make;
mod mutate;
mod numbers;
mod reduce;
mod squash;

pub use catalog::Catalog;
pub use hints::{Compared, hints};
pub use make::generate;
pub use mutate::{insert_corpus, mutate};
pub use reduce::{Target as Reduced, minimise, remove_call};
