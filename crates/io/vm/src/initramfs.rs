//! The archive from which the guest starts (cpio, "newc"), written in memory.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::error::VmError;
use crate::kernel::{Kernel, needed_modules};

/// The agent, built as a static program along with this crate.
const AGENT: &[u8] = include_bytes!(env!("KTRIAGE_GUEST_AGENT"));

/// The executor of programs of system calls, likewise.
const EXECUTOR: &[u8] = include_bytes!(env!("KTRIAGE_GUEST_EXECUTOR"));

/// Where the executor lies in the guest.
pub const EXECUTOR_PATH: &str = "/lab/executor";

/// What the link to the agent needs of the kernel.
const LINK_MODULES: &[&str] = &["virtio_pci", "virtio_console"];

/// A file for the guest.
#[derive(Clone, Debug)]
pub struct GuestFile {
    /// Absolute path in the guest.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Its bytes.
    pub content: Arc<[u8]>,
}

impl GuestFile {
    /// The executor of programs of system calls, at [`EXECUTOR_PATH`].
    pub fn executor() -> Self {
        Self { path: EXECUTOR_PATH.into(), mode: 0o755, content: EXECUTOR.into() }
    }

    /// Reads a file of the host.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(host: &Path, guest: impl Into<PathBuf>, mode: u32) -> Result<Self, VmError> {
        let content =
            std::fs::read(host).map_err(VmError::io(format!("read {}", host.display())))?;
        Ok(Self { path: guest.into(), mode, content: content.into() })
    }
}

/// A finished archive.
#[derive(Clone, Debug)]
pub struct Initramfs {
    bytes: Arc<[u8]>,
}

impl Initramfs {
    /// The archive with the agent, the modules that the link needs, the modules named in `modules`
    /// with what they depend on, and `files`.
    ///
    /// # Errors
    /// When a module is neither built in nor found, or a file cannot be read.
    pub fn build(
        kernel: &Kernel,
        modules: &[String],
        files: &[GuestFile],
    ) -> Result<Self, VmError> {
        let mut archive = Archive::default();
        archive.folder(Path::new("/dev"));
        archive.entry("dev/console", 0o020_600, (5, 1), &[]);
        archive.file(Path::new("/init"), 0o755, AGENT);
        let wanted: Vec<&str> =
            LINK_MODULES.iter().copied().chain(modules.iter().map(String::as_str)).collect();
        let mut list = String::new();
        for module in needed_modules(kernel, &wanted)? {
            let file = GuestFile::read(
                &module,
                Path::new("/lab/modules.d").join(module.file_name().unwrap_or_default()),
                0o644,
            )?;
            list.push_str(&file.path.to_string_lossy());
            list.push('\n');
            archive.file(&file.path, file.mode, &file.content);
        }
        archive.file(Path::new(guest_protocol::MODULE_LIST), 0o644, list.as_bytes());
        for file in files {
            archive.file(&file.path, file.mode, &file.content);
        }
        Ok(Self { bytes: archive.finish().into() })
    }

    /// The archive's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    inode: u32,
}

impl Archive {
    fn folder(&mut self, folder: &Path) {
        if let Some(parent) = folder.parent() {
            self.folder(parent);
        }
        let name = relative(folder);
        if !name.is_empty() && self.folders.insert(name.clone()) {
            self.entry(&name, 0o040_755, (0, 0), &[]);
        }
    }

    fn file(&mut self, path: &Path, mode: u32, content: &[u8]) {
        if let Some(parent) = path.parent() {
            self.folder(parent);
        }
        self.entry(&relative(path), 0o100_000 | (mode & 0o7777), (0, 0), content);
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        use std::fmt::Write as _;
        self.inode += 1;
        let mut header = String::with_capacity(110);
        header.push_str("070701");
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        let (major, minor) = device;
        for field in [self.inode, mode, 0, 0, 1, 0, length, 0, 0, major, minor, name_length, 0] {
            // Writing to a String cannot fail.
            let _ = write!(header, "{field:08x}");
        }
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }
}

/// The path as the archive names it: without the leading slash, `.` and `..`.
fn relative(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_what_cpio_reads() {
        let mut archive = Archive::default();
        archive.file(Path::new("/a/b/c.txt"), 0o640, b"hello");
        archive.file(Path::new("/a/b/../d"), 0o600, b"");
        let bytes = archive.finish();
        let names: Vec<String> = names_of(&bytes);
        assert_eq!(names, ["a", "a/b", "a/b/c.txt", "a/b/d", "TRAILER!!!"]);
    }

    /// The names in a newc archive, read by the offsets of the format's description.
    fn names_of(mut bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        while bytes.len() >= 110 {
            assert_eq!(&bytes[..6], b"070701");
            let field = |index: usize| {
                let text = std::str::from_utf8(&bytes[6 + index * 8..14 + index * 8]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (content, name) = (field(6), field(11));
            names.push(String::from_utf8(bytes[110..110 + name - 1].to_vec()).unwrap());
            let start = (110 + name).next_multiple_of(4);
            bytes = &bytes[(start + content).next_multiple_of(4)..];
        }
        names
    }
}
