//! Kernels for the lab: Debian's, unpacked, and our own, built.
//!
//! Invariants: knows nothing about machines and crashes; changes nothing outside the folder that it
//! is given; installs nothing; runs nothing but the kernel's own build, `apt-get download`,
//! `apt-cache`, `dpkg-deb`, `setpriv` and `tar`.

mod build;
mod command;
mod debian;
mod error;
mod failure;
mod fragments;
mod headers;
mod signature;
mod source;
mod used;

pub use build::{Built, Recipe, build};
pub use debian::{DebianKernel, debian_kernel, package_matches, unpacked};
pub use error::BuildError;
pub use failure::{CompileError, first_error};
pub use fragments::{FRAGMENTS, Fragment};
pub use headers::debian_kernel_with_headers;
pub use signature::signature;
pub use source::{Source, source_tree};
pub use used::{NEVER_BUILT, is_outside_build, sources_used};
