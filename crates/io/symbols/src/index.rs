//! What was read of an image, kept between calls: one file an image, of records that are only ever appended.
//!
//! A record is length, kind, key, checksum, contents. A writer that is killed leaves a record that is cut short or
//! whose checksum is wrong: it counts as absent, and the next writer cuts it off. Every record can be made again from
//! the image, so the file may be deleted at any time.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The first bytes of the file; another number is another format, and the file is begun anew.
const MAGIC: &[u8; 16] = b"ktriage-symbols1";
/// Bytes before the contents of a record.
const HEAD: usize = 4 + 1 + 8 + 8;
/// The most bytes that all kept files may have together; the one that was written longest ago goes first.
const MOST_KEPT: u64 = 4 << 30;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The table of symbols.
    Table = 1,
    /// A unit; the key is its offset.
    Unit = 2,
}

/// A record to be appended.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) key: u64,
    pub(crate) contents: Vec<u8>,
}

/// The records of one file.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
    file: Option<File>,
    /// Where the contents of each record start, their length and checksum.
    records: HashMap<(u8, u64), (u64, u32, [u8; 8])>,
}

impl Index {
    /// The records of a file; none where it is absent, damaged or of another format.
    pub(crate) fn open(path: PathBuf) -> Self {
        let file = File::open(&path).ok();
        let records = file.as_ref().and_then(|file| scan(file).ok()).map(|(records, _)| records);
        Self { path, file, records: records.unwrap_or_default() }
    }

    /// The contents of a record.
    pub(crate) fn get(&self, kind: Kind, key: u64) -> Option<Vec<u8>> {
        let (start, length, checksum) = self.records.get(&(kind as u8, key))?;
        let mut contents = vec![0; *length as usize];
        self.file.as_ref()?.read_exact_at(&mut contents, *start).ok()?;
        (sum(kind as u8, key, &contents) == *checksum).then_some(contents)
    }

    /// Appends records. Writers take turns; a record that another one appended meanwhile is kept beside.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
            make_room(folder, &self.path);
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        file.lock()?;
        match scan(&file) {
            // What a killed writer left behind.
            Ok((_, end)) if end < file.metadata()?.len() => file.set_len(end)?,
            Ok(_) => {}
            Err(_) => {
                file.set_len(0)?;
                file.write_all(MAGIC)?;
            }
        }
        let mut bytes = Vec::new();
        for record in records {
            let Ok(length) = u32::try_from(record.contents.len()) else { continue };
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.push(record.kind as u8);
            bytes.extend_from_slice(&record.key.to_le_bytes());
            bytes.extend_from_slice(&sum(record.kind as u8, record.key, &record.contents));
            bytes.extend_from_slice(&record.contents);
        }
        file.write_all(&bytes)?;
        (self.records, _) = scan(&file)?;
        file.unlock()?;
        self.file = Some(file);
        Ok(())
    }
}

type Records = HashMap<(u8, u64), (u64, u32, [u8; 8])>;

/// The records of a file and where the last whole one ends.
fn scan(file: &File) -> io::Result<(Records, u64)> {
    let mut magic = [0; MAGIC.len()];
    file.read_exact_at(&mut magic, 0)?;
    if magic != *MAGIC {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let length = file.metadata()?.len();
    let (mut at, mut records) = (MAGIC.len() as u64, Records::new());
    let mut head = [0; HEAD];
    while at + HEAD as u64 <= length {
        file.read_exact_at(&mut head, at)?;
        let [l0, l1, l2, l3, kind, rest @ ..] = head;
        let size = u32::from_le_bytes([l0, l1, l2, l3]);
        let end = at + HEAD as u64 + u64::from(size);
        if end > length || !matches!(kind, 1 | 2) {
            break;
        }
        let (key, checksum) = rest.split_at(8);
        let key = u64::from_le_bytes(key.try_into().unwrap_or_default());
        let checksum = checksum.try_into().unwrap_or_default();
        records.insert((kind, key), (at + HEAD as u64, size, checksum));
        at = end;
    }
    Ok((records, at))
}

fn sum(kind: u8, key: u64, contents: &[u8]) -> [u8; 8] {
    let mut hash = blake3::Hasher::new();
    hash.update(&[kind]).update(&key.to_le_bytes()).update(contents);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    sum
}

/// Deletes the kept files that were written longest ago while all together are too large.
fn make_room(folder: &Path, keep: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "index"))
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|file| file.1).sum();
    for (_, length, path) in files {
        if total <= MOST_KEPT {
            return;
        }
        if path != keep && fs::remove_file(&path).is_ok() {
            total -= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: u64) -> Record {
        Record { kind: Kind::Unit, key, contents: vec![key as u8; 40 + key as usize] }
    }

    #[test]
    fn a_writer_that_is_killed_at_any_byte_loses_nothing_that_was_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.index");
        Index::open(path.clone()).append(&[record(1), record(2)]).unwrap();
        let before = fs::metadata(&path).unwrap().len();
        Index::open(path.clone()).append(&[record(3)]).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut index = Index::open(path.clone());
            if cut as u64 >= before {
                assert_eq!(index.get(Kind::Unit, 2), Some(record(2).contents), "cut at {cut}");
            }
            assert_eq!(index.get(Kind::Unit, 3), None, "cut at {cut}");
            index.append(&[record(3)]).unwrap();
            assert_eq!(index.get(Kind::Unit, 3), Some(record(3).contents), "cut at {cut}");
            let again = Index::open(path.clone());
            assert_eq!(again.get(Kind::Unit, 3), Some(record(3).contents), "cut at {cut}");
            assert_eq!(again.get(Kind::Unit, 2).is_some(), cut as u64 >= before, "cut at {cut}");
        }
    }

    #[test]
    fn a_record_that_was_changed_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.index");
        Index::open(path.clone()).append(&[record(1)]).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(Index::open(path.clone()).get(Kind::Unit, 1), None, "changed at {at}");
        }
    }
}
