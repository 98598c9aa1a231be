//! Programs of the host made fit for the guest: a program comes with its loader and libraries.
//!
//! Nothing is executed to find them (as `ldd` would): the program may be hostile.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use parse_elf::Elf;

use crate::error::VmError;
use crate::initramfs::GuestFile;

/// Where the loader of a Debian guest looks, in its order.
const LIBRARY_FOLDERS: &[&str] = &[
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// `EM_X86_64`.
const X86_64: u16 = 62;

/// The program at `host`, to lie at `guest`, with the loader and the libraries it needs where its
/// loader will look for them. A static program comes alone.
///
/// # Errors
/// When the program or a library cannot be read, is of another architecture, or is missing.
pub fn with_libraries(host: &Path, guest: &Path) -> Result<Vec<GuestFile>, VmError> {
    let problem = |reason: String| VmError::Program { path: host.to_owned(), reason };
    let mut files = vec![GuestFile::read(host, guest, 0o755)?];
    let mut libraries: HashMap<String, ()> = HashMap::new();
    let mut queue: VecDeque<(PathBuf, usize)> = VecDeque::from([(host.to_owned(), 0)]);
    while let Some((path, index)) = queue.pop_front() {
        let content = std::sync::Arc::clone(&files[index].content);
        let elf = Elf::parse(&content)
            .map_err(|error| problem(format!("{}: {error}", path.display())))?;
        if elf.machine() != X86_64 {
            return Err(problem(format!("{} is not built for x86-64", path.display())));
        }
        let dynamic =
            elf.dynamic().map_err(|error| problem(format!("{}: {error}", path.display())))?;
        if let Some(interpreter) = dynamic.interpreter.filter(|_| index == 0) {
            let place = PathBuf::from(&interpreter);
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(GuestFile::read(&place, &place, 0o755)?);
            libraries.insert(name, ());
        }
        let origin = path.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let search: Vec<String> = dynamic
            .search
            .iter()
            .map(|folder| folder.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin))
            .collect();
        for name in dynamic.needed {
            if libraries.contains_key(&name) {
                continue;
            }
            let found = search
                .iter()
                .map(String::as_str)
                .chain(LIBRARY_FOLDERS.iter().copied())
                .map(|folder| Path::new(folder).join(&name))
                .find(|path| fs::metadata(path).is_ok_and(|data| data.is_file()))
                .ok_or_else(|| problem(format!("its library {name} is not on this machine")))?;
            // All libraries go where each loader looks last and always.
            files.push(GuestFile::read(&found, Path::new("/lib").join(&name), 0o755)?);
            libraries.insert(name, ());
            queue.push_back((found, files.len() - 1));
        }
    }
    Ok(files)
}

/// The interpreter that a script's first line names, with its argument if it has one.
pub fn interpreter_of(script: &[u8]) -> Option<(PathBuf, Option<String>)> {
    let line = script.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).trim().to_owned();
    let (program, argument) = match line.split_once([' ', '\t']) {
        Some((program, argument)) => (program, Some(argument.trim().to_owned())),
        None => (line.as_str(), None),
    };
    (!program.is_empty()).then(|| (PathBuf::from(program), argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_comes_with_its_loader_and_libraries() {
        let program = std::env::current_exe().unwrap();
        let files = with_libraries(&program, Path::new("/bin/probe")).unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path.to_string_lossy()).collect();
        assert_eq!(paths[0], "/bin/probe");
        assert!(paths.iter().any(|path| path.contains("ld-linux")), "{paths:?}");
        assert!(paths.iter().any(|path| path == "/lib/libc.so.6"), "{paths:?}");
    }

    #[test]
    fn a_first_line_names_interpreter_and_argument() {
        assert_eq!(
            interpreter_of(b"#! /usr/bin/env bash\necho"),
            Some((PathBuf::from("/usr/bin/env"), Some("bash".into())))
        );
        assert_eq!(interpreter_of(b"#!/bin/sh"), Some((PathBuf::from("/bin/sh"), None)));
        assert_eq!(interpreter_of(b"int main"), None);
    }
}
