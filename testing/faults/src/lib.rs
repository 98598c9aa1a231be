//! Faults: small kernel modules that provoke known failures, and the truth about each as data.
//!
//! A fault is a folder in `modules/` with a C source and a `fault.toml`. Adding one means such a
//! folder and a row in [`catalogue`]. The truth is stated before the run; [`judge`] looks whether a
//! console log shows it and finds the lines that prove it.
//!
//! Invariants: knows nothing about how a kernel is booted; a log is text that may say anything.

mod catalogue;
mod definition;
mod error;
mod judge;
mod kernels;
mod module;
mod recorded;
mod table;

pub use catalogue::{Source, catalogue, source};
pub use definition::{Culprit, Fault, Guest, Provocation, Truth};
pub use error::FaultError;
pub use judge::{Judgement, Proof, judge, progress};
pub use kernels::{Feature, KnownKernel, Origin, known_kernels};
pub use module::{Compiler, build_module, build_provoker, kernel_headers};
pub use recorded::{FirstCause, Recorded, RecordedCulprit, judge_recordings};
pub use table::{NamedKernels, Outcome, Row, markdown};
