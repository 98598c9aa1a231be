//! A kernel to boot, and which of its modules a driver needs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::program::package_of;
use parse_elf::Elf;

use crate::error::VmError;

/// A kernel that can be booted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The compressed image, `vmlinuz` or `bzImage`.
    pub image: PathBuf,
    /// `…/lib/modules/RELEASE`, if it has modules.
    pub modules: Option<PathBuf>,
}

/// The files of the modules `wanted` and of all they depend on, dependencies first. A module that
/// is built into the kernel needs no file.
///
/// Works on an unpacked package too, in which nobody has run `depmod`: what a module depends on is
/// read from the module.
///
/// # Errors
/// When a module is neither built in nor found, or cannot be read.
pub fn needed_modules(kernel: &Kernel, wanted: &[&str]) -> Result<Vec<PathBuf>, VmError> {
    let Some(folder) = &kernel.modules else { return Ok(Vec::new()) };
    let built_in: HashSet<String> = fs::read_to_string(folder.join("modules.builtin"))
        .unwrap_or_default()
        .lines()
        .map(|line| module_name(Path::new(line)))
        .collect();
    let mut files = BTreeMap::new();
    collect(folder, 0, &mut files)?;
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    for name in wanted {
        add(&normal(name), &files, &built_in, &mut seen, &mut order)?;
    }
    Ok(order)
}

fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    built_in: &HashSet<String>,
    seen: &mut HashSet<String>,
    order: &mut Vec<PathBuf>,
) -> Result<(), VmError> {
    if built_in.contains(name) || !seen.insert(name.to_owned()) {
        return Ok(());
    }
    let problem = |reason: String| VmError::Module { name: name.to_owned(), reason };
    let Some(path) = files.get(name) else {
        return Err(problem("it is neither built in nor among the kernel's modules".into()));
    };
    let bytes = unpacked(path).map_err(problem)?;
    let depends = Elf::parse(&bytes)
        .and_then(|elf| elf.module_information("depends"))
        .map_err(|error| problem(format!("{}: {error}", path.display())))?;
    for dependency in depends.unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        add(&normal(dependency), files, built_in, seen, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// Programs that unpack a module by the end of its name. The guest's kernel unpacks it itself; here
/// only its list of dependencies is wanted.
const UNPACKERS: &[(&str, &str)] = &[("xz", "xz"), ("zst", "zstd"), ("gz", "gzip")];

fn unpacked(path: &Path) -> Result<Vec<u8>, String> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let Some((_, program)) = UNPACKERS.iter().find(|(end, _)| *end == extension) else {
        return fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    };
    let output =
        Command::new(program).arg("-dc").arg(path).current_dir("/").output().map_err(|error| {
            let package = package_of(program).unwrap_or(program);
            format!(
                "cannot run {program} (Debian's package is {package}) to unpack {}: {error}",
                path.display()
            )
        })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{program} cannot unpack {}", path.display()))
    }
}

/// Folders deeper than this hold no modules.
const MOST_DEPTH: u32 = 16;

fn collect(
    folder: &Path,
    depth: u32,
    files: &mut BTreeMap<String, PathBuf>,
) -> Result<(), VmError> {
    let read = || format!("read {}", folder.display());
    for entry in fs::read_dir(folder).map_err(VmError::io(read()))? {
        let entry = entry.map_err(VmError::io(read()))?;
        let path = entry.path();
        // `build` and `source` are links to trees: they are not followed.
        let kind = entry.file_type().map_err(VmError::io(read()))?;
        if kind.is_dir() && depth < MOST_DEPTH {
            collect(&path, depth + 1, files)?;
        } else if entry.file_name().to_string_lossy().contains(".ko") {
            files.insert(module_name(&path), path);
        }
    }
    Ok(())
}

fn module_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    normal(name.split(".ko").next().unwrap_or_default())
}

/// Modules are named with `_`, their files sometimes with `-`.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}
