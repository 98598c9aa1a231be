//! Finding bugs by programs of system calls: the loop over machines, what is kept, and what becomes of a crash.

mod c;
mod crash;
mod deadly;
mod encode;
mod fuzzer;
mod guests;
mod log;
mod machine;
mod options;
mod pool;
mod probe;
mod reproduce;
mod store;
mod work;

pub use c::{CError, c_source};
pub use crash::{Crash, Found};
pub use encode::{EncodeError, encode};
pub use fuzzer::{Counts, Events, Fuzzer, Settings};
pub use log::programs_of_log;
pub use machine::{Lost, Machine, Machines};
pub use options::{Options, Sandbox};
pub use probe::{Lacking, probe};
pub use reproduce::{Reproduced, Reproducer, Trials, reproduce};
pub use store::{Store, StoreError, hash};
