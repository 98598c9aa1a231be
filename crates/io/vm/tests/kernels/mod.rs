//! The kernel and the emulator that the tests on real machines use, if this machine has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use io_vm::{Kernel, Settings, probe};

/// A folder with `boot/vmlinuz-*` and `lib/modules/*`, as a kernel package unpacks.
const VARIABLE: &str = "KTRIAGE_TEST_KERNEL";

/// Settings and a kernel, or `None` with a line that says what is missing.
#[expect(clippy::print_stderr, reason = "a test that skips says so")]
pub(crate) fn settings_and_kernel() -> Option<(Settings, Kernel)> {
    let Some(kernel) = kernel() else {
        eprintln!(
            "skipped: no kernel to boot (unpack a linux-image-*-cloud-amd64 package into \
             target/lab/kernels/NAME, or name a folder in {VARIABLE})"
        );
        return None;
    };
    let qemu = PathBuf::from("qemu-system-x86_64");
    let accelerator = match probe(&qemu) {
        Ok(accelerator) => accelerator,
        Err(error) => {
            eprintln!("skipped: {error} (Debian's package is qemu-system-x86)");
            return None;
        }
    };
    let settings = Settings {
        qemu,
        accelerator,
        memory: 256,
        cpus: 2,
        command_line: String::new(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    Some((settings, kernel))
}

fn kernel() -> Option<Kernel> {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return kernel_in(Path::new(&folder));
    }
    let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/lab/kernels");
    let mut folders: Vec<_> =
        std::fs::read_dir(kernels).into_iter().flatten().flatten().map(|e| e.path()).collect();
    folders.sort();
    folders.iter().find_map(|folder| kernel_in(folder)).or_else(|| kernel_in(Path::new("/")))
}

fn kernel_in(folder: &Path) -> Option<Kernel> {
    std::fs::read_dir(folder.join("boot")).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let release = name.strip_prefix("vmlinuz-")?;
        let modules = folder.join("lib/modules").join(release);
        Some(Kernel { image: entry.path(), modules: modules.is_dir().then_some(modules) })
    })
}
