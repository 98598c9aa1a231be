//! Which files of a source tree a finished build was made of.
//!
//! The kernel's build writes beside each object `X` a file `.X.cmd` with the paths it was made of.
//! A commit that touches none of them changes nothing that runs, as far as this build tells; files
//! that steer the build are not listed there and never count as outside of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::BuildError;

/// The files of `tree` that the build in `folder` was made of, relative to `tree`.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn sources_used(tree: &Path, folder: &Path) -> Result<BTreeSet<String>, BuildError> {
    let mut used = BTreeSet::new();
    collect(Places { tree, build: folder }, folder, &mut used)?;
    Ok(used)
}

/// The folders by which paths are told.
#[derive(Clone, Copy)]
struct Places<'a> {
    tree: &'a Path,
    build: &'a Path,
}

fn collect(
    places: Places<'_>,
    folder: &Path,
    used: &mut BTreeSet<String>,
) -> Result<(), BuildError> {
    let reading = |path: &Path| BuildError::io(format!("read {}", path.display()));
    for entry in fs::read_dir(folder).map_err(reading(folder))? {
        let entry = entry.map_err(reading(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(reading(&path))?.is_dir() {
            collect(places, &path, used)?;
        } else if path.extension().is_some_and(|extension| extension == "cmd") {
            let bytes = fs::read(&path).map_err(reading(&path))?;
            used.extend(named(places, &String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(())
}

/// The files of the tree that a `.cmd` file names as sources and dependencies. A build in a folder of
/// its own writes absolute paths; ccache makes them relative to that folder.
fn named(places: Places<'_>, text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| !line.starts_with("savedcmd_") && !line.starts_with("cmd_"))
        .flat_map(str::split_whitespace)
        .filter_map(move |word| {
            let path = absolute(&places.build.join(word));
            Some(path.strip_prefix(places.tree).ok()?.to_str()?.to_owned())
        })
}

/// The path without `..`. No symbolic link is followed: the build's folders are none.
fn absolute(path: &Path) -> PathBuf {
    let mut absolute = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(absolute.pop()),
            Component::CurDir => {}
            part => absolute.push(part),
        }
    }
    absolute
}

/// Extensions of files that matter to a build only if it names them.
const NAMED_WHEN_USED: &[&str] =
    &["S", "c", "dts", "dtsi", "h", "json", "md", "rst", "svg", "txt", "yaml"];

/// Whether a change of `path` is outside of a build that used `used`.
pub fn is_outside_build(path: &str, used: &BTreeSet<String>) -> bool {
    let extension = Path::new(path).extension().unwrap_or_default();
    NAMED_WHEN_USED.iter().any(|known| extension == *known)
        && !path.starts_with("scripts/")
        && !path.starts_with("tools/")
        && !used.contains(path)
}

/// Paths of a kernel tree of which no x86 kernel is made, whatever its configuration.
pub const NEVER_BUILT: &[&str] = &[
    ".mailmap",
    "CREDITS",
    "Documentation",
    "LICENSES",
    "MAINTAINERS",
    "README",
    "arch/alpha",
    "arch/arc",
    "arch/arm",
    "arch/arm64",
    "arch/csky",
    "arch/hexagon",
    "arch/loongarch",
    "arch/m68k",
    "arch/microblaze",
    "arch/mips",
    "arch/nios2",
    "arch/openrisc",
    "arch/parisc",
    "arch/powerpc",
    "arch/riscv",
    "arch/s390",
    "arch/sh",
    "arch/sparc",
    "arch/xtensa",
    "tools/perf",
    "tools/testing",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_object_was_made_of_is_read_and_its_command_is_not() {
        let text = "savedcmd_kernel/fork.o := gcc -include /tree/include/linux/kconfig.h -c \
                    /tree/kernel/other.c\n\nsource_kernel/fork.o := /tree/kernel/fork.c\n\n\
                    deps_kernel/fork.o := \\\n    $(wildcard include/config/SMP) \\\n  \
                    ../tree/include/linux/compiler.h \\\n  arch/x86/include/generated/asm/a.h \\\n";
        let places = Places { tree: Path::new("/tree"), build: Path::new("/build") };
        let used: Vec<String> = named(places, text).collect();
        assert_eq!(used, ["kernel/fork.c", "include/linux/compiler.h"]);
    }

    #[test]
    fn what_steers_a_build_is_never_outside_of_it() {
        let used = BTreeSet::from(["kernel/fork.c".to_owned()]);
        for path in ["drivers/net/tg3.c", "include/linux/tg3.h", "Documentation/a.rst"] {
            assert!(is_outside_build(path, &used), "{path}");
        }
        for path in [
            "kernel/fork.c",
            "kernel/Makefile",
            "init/Kconfig",
            "scripts/mod/modpost.c",
            "tools/objtool/check.c",
            "arch/x86/kernel/vmlinux.lds.S.in",
        ] {
            assert!(!is_outside_build(path, &used), "{path}");
        }
    }
}
