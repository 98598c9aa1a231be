//! A kernel's source, cut down to what the lab builds.

use std::fs;
use std::io;
use std::path::Path;

use io_kernel_build::NEVER_BUILT;

/// More folders of which only what steers the build is kept: the lab's kernels have nothing of them.
const LEFT_OUT: &[&str] = &[
    "arch/um",
    "drivers/accel",
    "drivers/comedi",
    "drivers/crypto",
    "drivers/gpu",
    "drivers/hid",
    "drivers/hwmon",
    "drivers/iio",
    "drivers/infiniband",
    "drivers/md",
    "drivers/media",
    "drivers/misc",
    "drivers/mtd",
    "drivers/net",
    "drivers/phy",
    "drivers/pinctrl",
    "drivers/platform",
    "drivers/s390",
    "drivers/scsi",
    "drivers/soc",
    "drivers/staging",
    "drivers/usb",
    "sound",
];

/// Files that are kept though their folder is left out.
const KEPT: &[&str] = &["Documentation/process/howto.rst", "MAINTAINERS"];

/// Copies the source tree `from` to the new folder `to`, without what the lab's kernels lack.
///
/// # Errors
/// When something cannot be read or written.
pub fn cut_down(from: &Path, to: &Path) -> io::Result<()> {
    copy(from, to, Path::new(""))
}

fn copy(from: &Path, to: &Path, below: &Path) -> io::Result<()> {
    let folder = from.join(below);
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                copy(from, to, &path)?;
            }
            continue;
        }
        if !is_kept(&path) {
            continue;
        }
        let target = to.join(&path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn is_kept(path: &Path) -> bool {
    let left_out = LEFT_OUT.iter().chain(NEVER_BUILT).any(|folder| path.starts_with(folder));
    !left_out || steers(path) || KEPT.iter().any(|kept| path == Path::new(kept))
}

/// Whether the build reads a file wherever it lies.
fn steers(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["Kconfig", "Makefile", "Kbuild", "Build"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_build_stays() {
        for (path, kept) in [
            ("kernel/fork.c", true),
            ("drivers/net/tun.c", false),
            ("drivers/net/Kconfig", true),
            ("arch/arm64/Kconfig.platforms", true),
            ("arch/arm64/kernel/entry.S", false),
            ("arch/x86/kernel/head_64.S", true),
            ("Documentation/process/howto.rst", true),
            ("Documentation/process/1.Intro.rst", false),
        ] {
            assert_eq!(is_kept(Path::new(path)), kept, "{path}");
        }
    }
}
