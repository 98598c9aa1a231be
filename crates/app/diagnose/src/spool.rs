//! An input kept to pass once more, line by line.
//!
//! Invariant: memory holds [`IN_MEMORY`] bytes, one piece and one line; the rest is in a temporary file.

use std::io::{self, Read as _, Seek as _, Write as _};

use parse_console::LONGEST_LINE;
use tempfile::SpooledTempFile;

/// Bytes that wait in memory; more go to a temporary file.
const IN_MEMORY: usize = 2 << 20;
/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// What came so far.
#[derive(Debug)]
pub(crate) struct Spool {
    file: SpooledTempFile,
    failed: Option<io::Error>,
}

impl Spool {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { file: SpooledTempFile::new(IN_MEMORY), failed: None }
    }

    /// Keeps the next piece. A failure is told by [`Spool::replay`].
    pub(crate) fn push(&mut self, piece: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.file.write_all(piece).err();
        }
    }

    /// Gives every line, counted from 1, with the offset of its first byte and without its end; of a line longer than
    /// [`LONGEST_LINE`] its start.
    pub(crate) fn replay(mut self, mut take: impl FnMut(u64, u64, &[u8])) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.file.rewind()?;
        let mut piece = vec![0; PIECE];
        let mut tail: Vec<u8> = Vec::new();
        let (mut number, mut offset, mut next) = (1, 0, 0);
        loop {
            let length = self.file.read(&mut piece)?;
            if length == 0 {
                break;
            }
            let mut rest = &piece[..length];
            while let Some(end) = memchr::memchr(b'\n', rest) {
                next += end as u64 + 1;
                if tail.is_empty() {
                    take(number, offset, &rest[..end]);
                } else {
                    keep(&mut tail, &rest[..end]);
                    take(number, offset, &tail);
                    tail.clear();
                }
                (number, offset, rest) = (number + 1, next, &rest[end + 1..]);
            }
            next += rest.len() as u64;
            keep(&mut tail, rest);
        }
        if next > offset {
            take(number, offset, &tail);
        }
        Ok(())
    }
}

/// Adds to an unfinished line what it may still hold.
fn keep(tail: &mut Vec<u8>, bytes: &[u8]) {
    let room = LONGEST_LINE.saturating_sub(tail.len());
    tail.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_with_number_and_offset_across_pieces() {
        let long = "x".repeat(PIECE + 5);
        let text = format!("a\n\n{long}\nb\nlast");
        let mut spool = Spool::new();
        text.as_bytes().chunks(1000).for_each(|piece| spool.push(piece));
        let mut lines = Vec::new();
        spool.replay(|number, offset, raw| lines.push((number, offset, raw.to_vec()))).unwrap();
        let numbers: Vec<u64> = lines.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(lines[2].2.len(), LONGEST_LINE);
        for (at, wanted) in [(0, "a"), (1, ""), (3, "b"), (4, "last")] {
            assert_eq!(lines[at].2, wanted.as_bytes());
            assert!(text[lines[at].1 as usize..].starts_with(wanted));
        }
    }
}
