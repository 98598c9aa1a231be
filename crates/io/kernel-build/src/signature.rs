//! A signature of what of a kernel is loaded: equal when nothing that runs has changed.
//!
//! Hashed are the allocated sections of `vmlinux` and of the modules: names, addresses, sizes and
//! bytes. Left out is what differs though nothing that runs does: the build identifier (notes) and
//! the type information. Debug information is not allocated, so it does not count; build stamps are
//! fixed by the build. Line numbers in warnings are part of the kernel's data: a comment that moves
//! lines with warnings changes the signature, which costs a run and never hides a change.

use std::fs;
use std::path::{Path, PathBuf};

use parse_elf::{Elf, Section};

use crate::error::BuildError;

/// `SHT_NOTE`.
const NOTE: u32 = 7;
/// Sections without effect on what runs.
const IGNORED: &[&str] = &[".BTF", ".BTF_ids", ".notes"];

fn counts(section: &Section<'_>) -> bool {
    section.is_allocated()
        && section.kind != NOTE
        && section.size > 0
        && !IGNORED.contains(&section.name)
}

/// The signature of `vmlinux` and of the modules below `modules`, as a hexadecimal number.
///
/// # Errors
/// When a file cannot be read or is no ELF file.
pub fn signature(vmlinux: &Path, modules: Option<&Path>) -> Result<String, BuildError> {
    let mut hash = blake3::Hasher::new();
    add(&mut hash, "vmlinux", vmlinux)?;
    let mut files = Vec::new();
    if let Some(folder) = modules {
        collect(folder, &mut files)?;
    }
    files.sort();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        add(&mut hash, &name, &file)?;
    }
    Ok(hash.finalize().to_hex().to_string())
}

fn add(hash: &mut blake3::Hasher, name: &str, path: &Path) -> Result<(), BuildError> {
    let bytes = fs::read(path).map_err(BuildError::io(format!("read {}", path.display())))?;
    let sections = Elf::parse(&bytes).and_then(|elf| elf.sections()).map_err(|error| {
        BuildError::Failed { what: format!("reading {}", path.display()), words: error.to_string() }
    })?;
    text(hash, name);
    for section in sections.iter().filter(|section| counts(section)) {
        text(hash, section.name);
        hash.update(&section.address.to_le_bytes());
        hash.update(&section.size.to_le_bytes());
        hash.update(section.data);
    }
    Ok(())
}

/// Adds a text with its length, so that no two lists of texts hash alike.
fn text(hash: &mut blake3::Hasher, text: &str) {
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    let reading = || BuildError::io(format!("read {}", folder.display()));
    for entry in fs::read_dir(folder).map_err(reading())? {
        let entry = entry.map_err(reading())?;
        let path = entry.path();
        if entry.file_type().map_err(reading())?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Compiles `source` and returns the program's signature, or `None` without a compiler.
    fn of(folder: &Path, name: &str, source: &str, flags: &[&str]) -> Option<String> {
        let program = folder.join(name);
        let input = folder.join(format!("{name}.c"));
        fs::write(&input, source).unwrap();
        let status = Command::new("gcc")
            .args(["-O1", "-Wl,--build-id=sha1"])
            .args(flags)
            .arg("-o")
            .arg(&program)
            .arg(&input)
            .current_dir(folder)
            .status()
            .ok()?;
        assert!(status.success());
        Some(signature(&program, None).unwrap())
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that skips says so")]
    fn only_what_runs_counts() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let source = "int main(void) { return 1; }\n";
        let Some(first) = of(folder, "first", source, &[]) else {
            eprintln!("skipped: no gcc");
            return;
        };
        let comment = format!("/* A comment. */ {source}");
        assert_eq!(of(folder, "second", &comment, &["-g"]).unwrap(), first);
        assert_ne!(of(folder, "third", "int main(void) { return 2; }\n", &[]).unwrap(), first);
    }
}
