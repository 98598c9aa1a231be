//! The memory that is shared with the host: the second bar of an ivshmem device, mapped through sysfs. No
//! driver is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use crate::sandbox::c_text;
use crate::sys;

/// Vendor and device of ivshmem (docs/specs/ivshmem-spec.txt of QEMU).
const IDS: (&str, &str) = ("0x1af4", "0x1110");

/// The shared memory.
///
/// # Errors
/// When the device is missing or cannot be mapped.
pub(crate) fn shared_memory() -> Result<&'static [AtomicU64], String> {
    let device = find(Path::new("/sys/bus/pci/devices"))
        .ok_or("there is no memory that is shared with the host (no ivshmem device)")?;
    fs::write(device.join("enable"), "1")
        .map_err(|error| format!("cannot enable {}: {error}", device.display()))?;
    let bar = device.join("resource2");
    let length = fs::metadata(&bar)
        .map_err(|error| format!("cannot read {}: {error}", bar.display()))?
        .len();
    let file = sys::open(&c_text(&bar.to_string_lossy()), 0o2_000_002, 0);
    if file < 0 {
        return Err(format!("cannot open {}: errno {}", bar.display(), -file));
    }
    let address = sys::map(0, length, sys::READ_WRITE, sys::SHARED, file)
        .ok_or_else(|| format!("cannot map {}", bar.display()))?;
    sys::call3(sys::nr::CLOSE, file as u64, 0, 0);
    Ok(sys::words(address, length))
}

fn find(devices: &Path) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(devices)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let id = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
            id("vendor").trim() == IDS.0 && id("device").trim() == IDS.1
        })
        .collect();
    found.sort();
    found.into_iter().next()
}
