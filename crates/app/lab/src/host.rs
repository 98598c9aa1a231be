//! What this machine has for builds: its CPUs, and a cache of compiled objects.

use std::path::{Path, PathBuf};

/// The folder of ccache's objects in a state folder; `None` where ccache is not installed.
pub fn ccache(state: &Path) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths).any(|folder| folder.join("ccache").is_file());
    installed.then(|| state.join("ccache"))
}

/// CPUs of this machine.
pub fn cpus() -> u32 {
    std::thread::available_parallelism()
        .map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}
