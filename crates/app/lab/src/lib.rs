//! Runs of reproducers on real kernels.
//!
//! Invariants: prints nothing; a reproducer runs in a guest only; what went wrong in the lab is
//! never taken for something the kernel did, and the other way round.

mod campaign;
mod emulator;
mod error;
mod host;
mod judge;
mod reproducer;
mod session;
mod starts;
mod stored;

pub use campaign::{Campaign, Plan, Progress, one_run, run_campaign, snapshot_after_boot};
pub use emulator::{Phase, TRIES, emulator_error};
pub use error::LabError;
pub use host::{ccache, cpus};
pub use judge::{Observed, judge};
pub use reproducer::{Action, Prepared, Reproducer, prepare};
pub use session::{Limits, RunResult, boot_machine, run_once};
pub use starts::{RUNS_A_SNAPSHOT, reached, shares};
pub use stored::{Crash, Outcome, StoredRun};
