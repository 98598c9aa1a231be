//! Corpus and crashes on disk. Each file is written beside its place and then moved there, so none is ever half.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file that cannot be read or written.
#[derive(Debug)]
pub struct StoreError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for StoreError {}

/// A folder with `corpus/` and `crashes/`.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// Longest program that is read.
const LONGEST: u64 = 16 << 20;

impl Store {
    /// Opens a folder and makes what it lacks.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        for name in ["corpus", "crashes"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|error| StoreError { path, error })?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Texts of all programs of the corpus, in order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read. Files that cannot be read are left out.
    pub fn programs(&self) -> Result<Vec<String>, StoreError> {
        read_programs(&self.folder.join("corpus"))
    }

    /// Keeps a program under the hash of its text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, text: &str) -> Result<(), StoreError> {
        let path = self.folder.join("corpus").join(format!("{:016x}.syz", hash(text.as_bytes())));
        if path.exists() { Ok(()) } else { write(&path, text.as_bytes()) }
    }

    /// The folder of a crash, by its title.
    #[must_use]
    pub fn crash_folder(&self, title: &str) -> PathBuf {
        let mut name: String = title
            .chars()
            .map(|one| if one.is_ascii_alphanumeric() { one } else { '-' })
            .take(60)
            .collect();
        name.push_str(&format!("-{:08x}", hash(title.as_bytes()) >> 32));
        self.folder.join("crashes").join(name)
    }

    /// Writes files of a crash into its folder.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn crash(&self, title: &str, files: &[(&str, &[u8])]) -> Result<PathBuf, StoreError> {
        let folder = self.crash_folder(title);
        fs::create_dir_all(&folder).map_err(|error| StoreError { path: folder.clone(), error })?;
        for (name, bytes) in files {
            write(&folder.join(name), bytes)?;
        }
        Ok(folder)
    }
}

/// Texts of the programs of a folder, in order of their names.
pub(crate) fn read_programs(folder: &Path) -> Result<Vec<String>, StoreError> {
    let wrong = |error| StoreError { path: folder.to_owned(), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let small = fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= LONGEST);
        if small && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    let written = fs::File::create(&beside).and_then(|mut file| file.write_all(bytes));
    let moved = written.and_then(|()| fs::rename(&beside, path));
    moved.map_err(|error| {
        // What is left of it is of no use; that it cannot be removed is not the first trouble.
        drop(fs::remove_file(&beside));
        StoreError { path: path.to_owned(), error }
    })
}

/// FNV-1a of 64 bits.
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
