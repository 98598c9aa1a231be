//! What a kernel's source tree knows: whose code it is, and where the functions of a crash are defined.
//!
//! Invariants: prints nothing, asks no clock, writes nothing but the index of functions in the state folder.

mod guilty;
mod judge;
mod who;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use io_git::{GitError, Repository};
use io_source::{Functions, SourceTree};

pub use io_source::{Error as SourceError, Place};
pub use who::{Asked, Maintainers};

/// Why a tree gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The history.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A path that was asked about is not there.
    #[error("{}: the tree has no {path}", root.display())]
    NoFile {
        /// The path.
        path: String,
        /// The tree.
        root: PathBuf,
    },
}

/// A kernel's tree: its files and, where it is a repository's work tree, its history.
#[derive(Debug)]
pub struct Tree {
    source: SourceTree,
    repository: Option<Repository>,
    /// The folder in which the index of functions is kept.
    state: Option<PathBuf>,
    functions: RefCell<Option<Functions>>,
}

impl Tree {
    /// The tree in a folder. The index of its functions is made when it is first needed and kept in `state`.
    ///
    /// # Errors
    /// When it is no folder.
    pub fn open(folder: &Path, state: Option<&Path>) -> Result<Self, Error> {
        let source = SourceTree::open(folder)?;
        // A tree that is unpacked inside of another project's repository has no history of its own.
        let is_own = |repository: &Repository| {
            repository.root().canonicalize().ok() == folder.canonicalize().ok()
        };
        let repository = folder
            .join(".git")
            .exists()
            .then(|| Repository::open(folder).ok())
            .flatten()
            .filter(is_own);
        let state = state.map(Path::to_owned);
        Ok(Self { source, repository, state, functions: RefCell::new(None) })
    }

    /// Its files.
    pub fn source(&self) -> &SourceTree {
        &self.source
    }

    /// Its history, where it has one.
    pub fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// The places that define a function, by what a stack calls it.
    ///
    /// # Errors
    /// When the tree cannot be read or the index cannot be written.
    pub fn places(&self, symbol: &str) -> Result<Vec<Place>, Error> {
        let mut functions = self.functions.borrow_mut();
        let known = match functions.as_mut() {
            Some(known) => known,
            None => functions.insert(Functions::open(&self.source, self.index())?),
        };
        Ok(known.find(symbol)?)
    }

    /// Brings the index of functions up to date with files that changed without a checkout; says how many functions
    /// and files it holds.
    ///
    /// # Errors
    /// When the tree cannot be read or the index cannot be written.
    pub fn refresh(&self) -> Result<(usize, usize), Error> {
        let mut functions = Functions::open(&self.source, self.index())?;
        functions.refresh()?;
        let size = functions.size();
        *self.functions.borrow_mut() = Some(functions);
        Ok(size)
    }

    /// Where the index of this tree is kept.
    fn index(&self) -> Option<PathBuf> {
        let root = self.source.root();
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let name = root.to_string_lossy().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.state.as_ref().map(|state| state.join(format!("functions-{name:016x}.index")))
    }
}
