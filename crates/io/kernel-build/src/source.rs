//! Where a kernel's source comes from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::run;
use crate::debian::unpack_packages;
use crate::error::BuildError;

/// A kernel's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder with a `Makefile` and a `Kconfig`.
    Tree(PathBuf),
    /// A tarball with one folder in it.
    Tarball(PathBuf),
    /// Debian's package `linux-source-VERSION`.
    Debian(String),
}

/// The folder with the source. Tarballs and packages are unpacked below `folder`, once.
///
/// # Errors
/// When the source cannot be had, or is none.
pub fn source_tree(source: &Source, folder: &Path) -> Result<PathBuf, BuildError> {
    let tree = match source {
        Source::Tree(tree) => tree
            .canonicalize()
            .map_err(BuildError::io(format!("find the source tree {}", tree.display())))?,
        Source::Tarball(file) => unpack(file, folder)?,
        Source::Debian(version) => {
            let package = format!("linux-source-{version}");
            let place = folder.join(&package);
            if !place.exists() {
                unpack_packages(std::slice::from_ref(&package), &place)?;
            }
            unpack(&place.join(format!("usr/src/{package}.tar.xz")), folder)?
        }
    };
    for missing in ["Makefile", "Kconfig", "scripts/kconfig"] {
        if !tree.join(missing).exists() {
            return Err(BuildError::NotASource { path: tree, missing });
        }
    }
    Ok(tree)
}

/// Unpacks a tarball into a folder that is named after its content, so that it is done once.
fn unpack(file: &Path, folder: &Path) -> Result<PathBuf, BuildError> {
    let bytes = fs::read(file).map_err(BuildError::io(format!("read {}", file.display())))?;
    let hash = blake3::hash(&bytes).to_hex();
    let place = folder.join(format!("source-{}", &hash[..16]));
    if !place.exists() {
        let work = folder.join(format!(".source-{}.{}", &hash[..16], std::process::id()));
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work)
            .map_err(BuildError::io(format!("make the folder {}", work.display())))?;
        let file =
            file.canonicalize().map_err(BuildError::io(format!("find {}", file.display())))?;
        let unpacked = run("tar", &format!("unpacking {}", file.display()), |command| {
            command
                .arg("-xf")
                .arg(&file)
                .args(["--strip-components=1", "-C"])
                .arg(&work)
                .current_dir(&work)
        });
        if let Err(error) = unpacked {
            let _ = fs::remove_dir_all(&work);
            return Err(error);
        }
        fs::rename(&work, &place)
            .map_err(BuildError::io(format!("move the source to {}", place.display())))?;
    }
    Ok(place)
}
