//! The reference material that stands beside the project, for the tests that use it.
//!
//! A test that needs it says `#[path = "support/reference.rs"] mod reference;`.

use std::path::{Path, PathBuf};

/// The folder of the reference material, or `None` with a note that the test is skipped.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if shared.is_dir() {
        return Some(shared);
    }
    note(&format!("skipped: {test}: {} is absent", shared.display()));
    None
}

/// Says something that must be seen though the test passes.
#[expect(clippy::print_stderr, reason = "a skipped test and a score must be seen")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}
