//! What came from a machine, kept within bounds and with times.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much of a stream's beginning is kept, in bytes.
const HEAD: usize = 24 * 1024 * 1024;
/// How much of its end is kept once the beginning is full, in bytes.
const TAIL: usize = 2 * 1024 * 1024;
/// Two times are noted only if they are at least this far apart.
const RESOLUTION: Duration = Duration::from_millis(1);
/// The most times that are noted.
const MOST_TIMES: usize = 1_000_000;

/// A stream of bytes as it came: its beginning, and its end if it was too long to keep whole.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    head: Vec<u8>,
    tail: Vec<u8>,
    length: u64,
    /// From which byte on what arrived when.
    times: Vec<(u64, Duration)>,
    bounds: Option<(usize, usize)>,
}

impl Recording {
    /// A recording that keeps `head` bytes of the beginning and `tail` of the end.
    pub fn bounded(head: usize, tail: usize) -> Self {
        Self { bounds: Some((head, tail)), ..Self::default() }
    }

    /// Adds bytes that arrived at `time` after the start.
    pub fn push(&mut self, bytes: &[u8], time: Duration) {
        let (head, tail) = self.bounds.unwrap_or((HEAD, TAIL));
        let due = self.times.last().is_none_or(|(_, last)| time >= *last + RESOLUTION);
        if due && self.times.len() < MOST_TIMES {
            self.times.push((self.length, time));
        }
        self.length += bytes.len() as u64;
        let room = head.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend_from_slice(&bytes[room..]);
        // Cut seldom, so that each byte is moved at most once on average.
        if self.tail.len() > 2 * tail {
            self.tail.drain(..self.tail.len() - tail);
        }
    }

    /// Bytes that came, including those that were not kept.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that came and were not kept.
    pub const fn dropped(&self) -> u64 {
        self.length - self.head.len() as u64 - self.tail.len() as u64
    }

    /// What was kept. Where bytes are missing stands a line that says so.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if self.dropped() > 0 {
            let note = format!("\n[ktriage: {} bytes were not kept here]\n", self.dropped());
            bytes.extend_from_slice(note.as_bytes());
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// The kept bytes from byte `offset` of the stream on.
    pub fn since(&self, offset: u64) -> Vec<u8> {
        let head = self.head.len() as u64;
        let mut bytes = Vec::new();
        if let Some(part) = usize::try_from(offset).ok().and_then(|at| self.head.get(at..)) {
            bytes.extend_from_slice(part);
        }
        let tail_start = head + self.dropped();
        let skip = usize::try_from(offset.saturating_sub(tail_start)).unwrap_or(usize::MAX);
        bytes.extend_from_slice(self.tail.get(skip..).unwrap_or_default());
        bytes
    }

    /// When which byte arrived: pairs of the offset of a piece and its time after the start.
    pub fn times(&self) -> &[(u64, Duration)] {
        &self.times
    }

    /// Writes the bytes to `NAME.log` and the times to `NAME.times` (lines of offset and
    /// microseconds, separated by a tab).
    ///
    /// # Errors
    /// When a file cannot be written; the path is the one at fault.
    pub fn save(&self, folder: &Path, name: &str) -> Result<(), (PathBuf, io::Error)> {
        let log = folder.join(format!("{name}.log"));
        std::fs::write(&log, self.bytes()).map_err(|error| (log, error))?;
        let path = folder.join(format!("{name}.times"));
        let write = || -> io::Result<()> {
            let mut file = io::BufWriter::new(File::create(&path)?);
            for (offset, time) in &self.times {
                writeln!(file, "{offset}\t{}", time.as_micros())?;
            }
            file.flush()
        };
        write().map_err(|error| (path.clone(), error))
    }
}

/// The records of one machine, shared with the threads that fill them.
#[derive(Clone, Debug)]
pub struct Records {
    start: Instant,
    streams: Arc<Mutex<Streams>>,
}

#[derive(Debug)]
struct Streams {
    console: Recording,
    qemu: Recording,
    output: Recording,
    error: Recording,
    last_sign: Option<Instant>,
}

impl Records {
    pub(crate) fn new(start: Instant) -> Self {
        let small = || Recording::bounded(4 << 20, 1 << 20);
        Self {
            start,
            streams: Arc::new(Mutex::new(Streams {
                console: Recording::default(),
                qemu: small(),
                output: small(),
                error: small(),
                last_sign: None,
            })),
        }
    }

    /// Records that go on where a snapshot of age `age` stopped.
    pub(crate) fn resumed(console: &Recording, age: Duration) -> Self {
        let now = Instant::now();
        let records = Self::new(now.checked_sub(age).unwrap_or(now));
        records.lock().console = console.clone();
        records
    }

    /// Time since the start, or since what would have been the start of a resumed machine.
    pub(crate) fn age(&self) -> Duration {
        self.start.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push_console(&self, bytes: &[u8]) {
        let time = self.start.elapsed();
        self.lock().console.push(bytes, time);
    }

    pub(crate) fn push_qemu(&self, bytes: &[u8]) {
        let time = self.start.elapsed();
        self.lock().qemu.push(bytes, time);
    }

    pub(crate) fn push_output(&self, stream: guest_protocol::Stream, bytes: &[u8]) {
        let time = self.start.elapsed();
        let mut streams = self.lock();
        match stream {
            guest_protocol::Stream::Output => streams.output.push(bytes, time),
            guest_protocol::Stream::Error => streams.error.push(bytes, time),
        }
    }

    pub(crate) fn sign_of_life(&self) {
        self.lock().last_sign = Some(Instant::now());
    }

    /// How long the guest's agent has not been heard; `None` if it never was.
    pub fn silence(&self) -> Option<Duration> {
        self.lock().last_sign.map(|at| at.elapsed())
    }

    /// The length of the console so far, in bytes.
    pub fn console_length(&self) -> u64 {
        self.lock().console.length()
    }

    /// The console from byte `offset` on.
    pub fn console_since(&self, offset: u64) -> Vec<u8> {
        self.lock().console.since(offset)
    }

    /// The console.
    pub fn console(&self) -> Recording {
        self.lock().console.clone()
    }

    /// QEMU's own messages.
    pub fn qemu(&self) -> Recording {
        self.lock().qemu.clone()
    }

    /// Standard output of the programs that ran.
    pub fn output(&self) -> Recording {
        self.lock().output.clone()
    }

    /// Standard error of the programs that ran.
    pub fn error(&self) -> Recording {
        self.lock().error.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_too_long_keeps_its_ends_and_says_what_is_missing() {
        let mut recording = Recording::bounded(10, 4);
        for piece in b"0123456789abcdefghijklmnopqrstuvwxyz".chunks(3) {
            recording.push(piece, Duration::ZERO);
        }
        let text = String::from_utf8(recording.bytes()).unwrap();
        assert!(text.starts_with("0123456789\n[ktriage: "), "{text}");
        assert!(text.ends_with("wxyz"), "{text}");
        assert_eq!(recording.length(), 36);
        let kept = recording.length() - recording.dropped();
        assert!((14..=18).contains(&kept), "kept {kept}");
        assert_eq!(recording.since(34), b"yz");
        assert_eq!(&recording.since(8)[..2], b"89");
    }
}
