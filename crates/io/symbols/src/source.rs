//! The bytes of a file: read where they lie, or unpacked into memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::error::SymbolError;

/// The most bytes that a compressed file may unpack to. Modules are compressed, kernels are not.
const MOST_UNPACKED: u64 = 1 << 30;

/// The bytes of a file.
#[derive(Debug)]
pub(crate) enum Source {
    /// Read piece by piece.
    File { file: File, length: u64 },
    /// Unpacked.
    Memory(Vec<u8>),
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, SymbolError> {
        let failed = |source| SymbolError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let mut start = [0; 8];
        let known = file.read_at(&mut start, 0).map_err(failed)?;
        if !parse_packed::is_packed(&start[..known]) {
            return Ok(Self::File { file, length: metadata.len() });
        }
        let mut bytes = Vec::new();
        parse_packed::unpacked(BufReader::new(file))
            .and_then(|reader| reader.take(MOST_UNPACKED + 1).read_to_end(&mut bytes))
            .map_err(|error| SymbolError::read(path, error))?;
        if bytes.len() as u64 > MOST_UNPACKED {
            let reason = format!("unpacked it has more than {} MiB", MOST_UNPACKED >> 20);
            return Err(SymbolError::read(path, reason));
        }
        Ok(Self::Memory(bytes))
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes of a range.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file is cut short");
        let end = offset.checked_add(length).filter(|end| *end <= self.length()).ok_or_else(cut)?;
        match self {
            Self::File { file, .. } => {
                let mut bytes = vec![0; usize::try_from(length).map_err(|_| cut())?];
                file.read_exact_at(&mut bytes, offset)?;
                Ok(bytes)
            }
            Self::Memory(bytes) => Ok(bytes[offset as usize..end as usize].to_vec()),
        }
    }
}

/// A reader of a source, for the cache through which an ELF file is parsed.
pub(crate) struct Cursor<'a> {
    pub(crate) source: &'a Source,
    pub(crate) at: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.source {
            Source::File { file, .. } => file.read_at(buffer, self.at)?,
            Source::Memory(bytes) => {
                let rest = bytes.get(self.at as usize..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                length
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::from(io::ErrorKind::InvalidInput);
        self.at = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        }
        .ok_or_else(outside)?;
        Ok(self.at)
    }
}
