//! Reads a kernel's source tree, and keeps an index of the functions that it defines.
//!
//! Invariants: nothing of the tree is written; a path never leads out of the tree; what the index says of a function
//! was read in the file as it is now.

mod functions;
mod store;

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

pub use functions::{Functions, Place};

/// Bytes of one file that are read.
const MAX_FILE: u64 = 64 << 20;

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such folder.
    #[error("{}: no such folder", .0.display())]
    NoFolder(PathBuf),
    /// It holds none of what a kernel's tree holds.
    #[error("{}: no source tree of a kernel: it has no {missing}", path.display())]
    NoKernel {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The index cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path is not one of the tree.
    #[error("{path}: not a path inside of {}", root.display())]
    Outside {
        /// The path.
        path: String,
        /// The tree.
        root: PathBuf,
    },
}

/// A source tree on this machine.
#[derive(Clone, Debug)]
pub struct SourceTree {
    root: PathBuf,
}

impl SourceTree {
    /// The tree in a folder.
    ///
    /// # Errors
    /// When it is no folder.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::NoFolder(folder.to_owned()));
        }
        Ok(Self { root: folder.to_owned() })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a path of the tree is a directory.
    pub fn is_directory(&self, path: &str) -> bool {
        inside(path).is_some_and(|path| self.root.join(path).is_dir())
    }

    /// Whether a path of the tree is a file.
    pub fn is_file(&self, path: &str) -> bool {
        inside(path).is_some_and(|path| self.root.join(path).is_file())
    }

    /// A file of the tree, cut at 64 MiB; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read, or the path leads out of the tree.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(relative) = inside(path) else {
            return Err(Error::Outside { path: path.to_owned(), root: self.root.clone() });
        };
        let path = self.root.join(relative);
        let mut bytes = Vec::new();
        match std::fs::File::open(&path).and_then(|f| f.take(MAX_FILE).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// A file that a kernel's tree has.
    ///
    /// # Errors
    /// When there is none or it cannot be read.
    pub fn demand(&self, path: &'static str) -> Result<Vec<u8>, Error> {
        self.read(path)?.ok_or_else(|| Error::NoKernel { path: self.root.clone(), missing: path })
    }

    /// What somebody typed as a path of the tree: relative to its root, or a path of this machine that leads into it.
    ///
    /// # Errors
    /// When it leads out of the tree.
    pub fn relative(&self, typed: &Path) -> Result<String, Error> {
        let outside =
            || Error::Outside { path: typed.display().to_string(), root: self.root.clone() };
        let own = if typed.is_absolute() {
            let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
            let whole = typed.canonicalize().unwrap_or_else(|_| typed.to_owned());
            whole.strip_prefix(root).map_err(|_| outside())?.to_owned()
        } else {
            typed.to_owned()
        };
        let own = own.to_str().and_then(inside).ok_or_else(outside)?;
        let mut path = own.to_str().ok_or_else(outside)?.to_owned();
        if self.is_directory(&path) && !path.is_empty() {
            path.push('/');
        }
        Ok(path)
    }
}

/// A path without `.`; `None` where it leads out.
fn inside(path: &str) -> Option<PathBuf> {
    let mut own = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => own.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let tree = SourceTree::open(folder.path()).unwrap();
        std::fs::create_dir(folder.path().join("fs")).unwrap();
        std::fs::write(folder.path().join("fs/a.c"), "x").unwrap();
        assert_eq!(tree.read("./fs/a.c").unwrap().unwrap(), b"x");
        assert!(tree.read("fs/b.c").unwrap().is_none());
        for out in ["../x", "/etc/hostname", "fs/../../x"] {
            assert!(matches!(tree.read(out), Err(Error::Outside { .. })), "{out}");
        }
        assert_eq!(tree.relative(&folder.path().join("fs")).unwrap(), "fs/");
        assert_eq!(tree.relative(Path::new("./fs/a.c")).unwrap(), "fs/a.c");
        assert!(tree.relative(Path::new("/")).is_err());
        assert!(matches!(SourceTree::open(&folder.path().join("none")), Err(Error::NoFolder(_))));
        assert!(matches!(tree.demand("MAINTAINERS"), Err(Error::NoKernel { .. })));
    }
}
