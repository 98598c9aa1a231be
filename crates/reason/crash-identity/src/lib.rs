//! Names a crash as the kernel community does.
//!
//! Invariants: does no I/O; knows nothing about output formats.
