//! Building a fault's module against a kernel's headers, and the guest's program.
//!
//! The sources are written into a folder of the caller's and built there: nothing is left in the
//! kernel's folders, and the folder of one module never serves two kernels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::program::package_of;

use crate::catalogue::{HEADER, PROVOKER, Source};
use crate::error::FaultError;

/// Words of a Makefile for every module. Sibling calls are kept as calls, so that a stack shows
/// each function that was passed through; file names in reports do not tell where it was built.
const MODULE_FLAGS: &str = "-fno-optimize-sibling-calls -fmacro-prefix-map=$(src)/=";

/// The C compiler.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// Its command, such as `gcc-12`.
    pub command: String,
}

/// The folder to build modules in for a kernel unpacked into `root`: the headers of a Debian package
/// (`usr/src/linux-headers-RELEASE`), or `root` itself where that is a kernel's own build folder.
///
/// Debian's headers name their common part by its absolute path. Where the package was unpacked
/// elsewhere, the build is pointed there.
///
/// # Errors
/// When there are none.
pub fn kernel_headers(root: &Path) -> Result<PathBuf, FaultError> {
    let root = fs::canonicalize(root).map_err(io("open", root))?;
    let complete = |folder: &Path| {
        folder.join("Makefile").is_file()
            && folder.join(".config").is_file()
            && folder.join("Module.symvers").is_file()
    };
    let mut folders = vec![root.clone()];
    if let Ok(entries) = fs::read_dir(root.join("usr/src")) {
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        found.sort();
        folders.extend(found);
    }
    folders
        .into_iter()
        .find(|folder| complete(folder))
        .ok_or(FaultError::NoHeaders { folder: root })
}

/// Builds a fault's module and returns its path, in `folder`.
///
/// # Errors
/// When the folder cannot be written, or the compiler refuses: then with its first errors.
pub fn build_module(
    source: &Source,
    headers: &Path,
    compiler: &Compiler,
    folder: &Path,
) -> Result<PathBuf, FaultError> {
    let sources = folder.join(source.name);
    fs::create_dir_all(&sources).map_err(io("create", &sources))?;
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(io("write", &path));
    write(folder.join("fault.h"), HEADER)?;
    write(sources.join(format!("{}.c", source.name)), source.code)?;
    write(
        sources.join("Makefile"),
        &format!("obj-m := {}.o\nccflags-y := {MODULE_FLAGS}\n", source.name),
    )?;
    let headers = usable_headers(headers, folder)?;
    for program in ["make", compiler.command.as_str(), "ld", "strip"] {
        look_for(program)?;
    }
    if needs_pahole(&headers) {
        look_for("pahole")?;
    }
    let mut make = Command::new("make");
    make.current_dir(&sources)
        .arg("-C")
        .arg(&headers)
        .arg(format!("M={}", sources.display()))
        .arg(format!("CC={}", compiler.command))
        .arg("modules")
        .env_remove("MAKEFLAGS")
        .env("LC_ALL", "C");
    run(&mut make, source.name)?;
    let module = sources.join(format!("{}.ko", source.name));
    let mut strip = Command::new("strip");
    strip.current_dir(&sources).arg("--strip-debug").arg(&module);
    run(&mut strip, source.name)?;
    Ok(module)
}

/// Builds the program that carries a fault's steps out, static, and returns its path.
///
/// # Errors
/// As for [`build_module`].
pub fn build_provoker(compiler: &Compiler, folder: &Path) -> Result<PathBuf, FaultError> {
    look_for(&compiler.command)?;
    fs::create_dir_all(folder).map_err(io("create", folder))?;
    let code = folder.join("provoke.c");
    fs::write(&code, PROVOKER).map_err(io("write", &code))?;
    let program = folder.join("provoke");
    let mut command = Command::new(&compiler.command);
    command
        .current_dir(folder)
        .args(["-O2", "-Wall", "-static", "-o"])
        .arg(&program)
        .arg(&code)
        .env("LC_ALL", "C");
    run(&mut command, "provoke")?;
    Ok(program)
}

/// Whether a module gets BTF: the kernel's build then runs pahole on it, when the kernel's own is there
/// (`scripts/Makefile.modfinal`).
fn needs_pahole(headers: &Path) -> bool {
    headers.join("vmlinux").is_file()
        && fs::read_to_string(headers.join(".config")).is_ok_and(|config| {
            config.lines().any(|line| line == "CONFIG_DEBUG_INFO_BTF_MODULES=y")
        })
}

/// Looks for a program before it is needed deep inside a build.
fn look_for(program: &str) -> Result<(), FaultError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if found {
        return Ok(());
    }
    let package = package_of(program).unwrap_or(program).to_owned();
    Err(FaultError::NoProgram { program: program.to_owned(), package })
}

/// Headers that work where they lie. Debian's Makefile includes `/usr/src/linux-headers-…-common`; if
/// that is not there but beside the headers, a folder of links with a right Makefile stands in.
fn usable_headers(headers: &Path, folder: &Path) -> Result<PathBuf, FaultError> {
    let makefile = headers.join("Makefile");
    let text = fs::read_to_string(&makefile).map_err(io("read", &makefile))?;
    let common = text.trim().strip_prefix("include ").map(Path::new);
    let Some(common) = common.filter(|common| !common.exists()) else {
        return Ok(headers.to_owned());
    };
    let beside = common
        .parent()
        .and_then(Path::file_name)
        .zip(headers.parent())
        .map(|(name, parent)| parent.join(name).join("Makefile"))
        .filter(|beside| beside.is_file())
        .ok_or_else(|| FaultError::NoHeaders { folder: common.to_owned() })?;
    let linked = folder.join("headers");
    fs::create_dir_all(&linked).map_err(io("create", &linked))?;
    for entry in fs::read_dir(headers).map_err(io("read", headers))?.flatten() {
        let link = linked.join(entry.file_name());
        if entry.file_name() != "Makefile" && !link.exists() {
            std::os::unix::fs::symlink(entry.path(), &link).map_err(io("link", &link))?;
        }
    }
    let makefile = linked.join("Makefile");
    fs::write(&makefile, format!("include {}\n", beside.display()))
        .map_err(io("write", &makefile))?;
    Ok(linked)
}

fn run(command: &mut Command, what: &str) -> Result<(), FaultError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |reason: String| FaultError::Build { what: what.to_owned(), reason };
    let output =
        command.output().map_err(|error| failed(format!("cannot run {program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let errors: Vec<&str> =
        text.lines().filter(|line| line.contains("rror")).take(3).map(str::trim).collect();
    Err(failed(if errors.is_empty() {
        text.lines().next_back().unwrap_or("no message").to_owned()
    } else {
        errors.join("; ")
    }))
}

fn io<'a>(
    operation: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> FaultError + use<'a> {
    move |source| FaultError::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = look_for("gcc-nosuch").unwrap_err().to_string();
        assert_eq!(error, "gcc-nosuch is not installed (Debian's package is gcc-nosuch)");
        assert!(look_for("sh").is_ok());
    }

    #[test]
    fn pahole_is_needed_only_where_modules_get_btf() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(".config", "CONFIG_DEBUG_INFO_BTF=y\nCONFIG_DEBUG_INFO_BTF_MODULES=y\n");
        assert!(!needs_pahole(folder.path()));
        write("vmlinux", "");
        assert!(needs_pahole(folder.path()));
        write(".config", "# CONFIG_DEBUG_INFO_BTF_MODULES is not set\n");
        assert!(!needs_pahole(folder.path()));
    }
}
