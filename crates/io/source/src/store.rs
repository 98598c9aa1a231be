//! The file in which an index of functions is kept: files with size and time, then functions by a hash of their name.

use std::io::Write as _;
use std::path::Path;

use crate::Error;

/// Changes when the shape of the file or what counts as a function does; an index of another shape is made anew.
const MAGIC: &[u8; 20] = b"ktriage functions 1\n";

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) path: String,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) changed: u64,
}

/// A function: a hash of its name, the place of its file in the list of files, and its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) hash: u64,
    pub(crate) file: u32,
    pub(crate) line: u32,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// What the tree looked like: changes when a checkout changed it.
    pub(crate) stamp: u64,
    pub(crate) files: Vec<Known>,
    /// Sorted.
    pub(crate) entries: Vec<Entry>,
}

/// Reads an index; `None` where there is none, or what is there is not whole.
pub(crate) fn read(path: &Path) -> Option<Table> {
    let bytes = std::fs::read(path).ok()?;
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let stamp = number(&mut rest)?;
    let count = usize::try_from(number(&mut rest)?).ok()?;
    // No file takes less than 24 bytes.
    if count > rest.len() / 24 {
        return None;
    }
    let mut files = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (name, after) = rest.split_at_checked(length)?;
        rest = after;
        let path = std::str::from_utf8(name).ok()?.to_owned();
        files.push(Known { path, size: number(&mut rest)?, changed: number(&mut rest)? });
    }
    let count = usize::try_from(number(&mut rest)?).ok()?;
    if rest.len() != count.checked_mul(16)? {
        return None;
    }
    let half = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
    let entries: Option<Vec<Entry>> = rest
        .chunks_exact(16)
        .map(|one| {
            let hash = u64::from_le_bytes(one.get(..8)?.try_into().ok()?);
            let file = half(one.get(8..12)?)?;
            let line = half(one.get(12..)?)?;
            ((file as usize) < files.len()).then_some(Entry { hash, file, line })
        })
        .collect();
    Some(Table { stamp, files, entries: entries? })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (first, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_le_bytes(*first))
}

/// Writes an index whole or not at all.
pub(crate) fn write(path: &Path, table: &Table) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let mut bytes = MAGIC.to_vec();
    let mut add = |number: u64| bytes.extend_from_slice(&number.to_le_bytes());
    add(table.stamp);
    add(table.files.len() as u64);
    for file in &table.files {
        bytes.extend_from_slice(&(file.path.len() as u64).to_le_bytes());
        bytes.extend_from_slice(file.path.as_bytes());
        bytes.extend_from_slice(&file.size.to_le_bytes());
        bytes.extend_from_slice(&file.changed.to_le_bytes());
    }
    bytes.extend_from_slice(&(table.entries.len() as u64).to_le_bytes());
    for entry in &table.entries {
        bytes.extend_from_slice(&entry.hash.to_le_bytes());
        bytes.extend_from_slice(&entry.file.to_le_bytes());
        bytes.extend_from_slice(&entry.line.to_le_bytes());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    // Another process may write the same index at the same time.
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_a_cut_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/f.idx");
        let table = Table {
            stamp: 7,
            files: vec![Known { path: "fs/a.c".into(), size: 3, changed: 9 }],
            entries: vec![Entry { hash: 1, file: 0, line: 2 }],
        };
        write(&path, &table).unwrap();
        assert_eq!(read(&path), Some(table));
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(read(&path), None, "{length}");
        }
    }
}
