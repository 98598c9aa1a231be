//! A whole log, line by line.

use std::borrow::Cow;

use analysis_symbolize::{Disassembly, Found};
use parse_console::LineReader;

use crate::error::Error;
use crate::session::Session;

/// A line of a log as it was written, with what is known of it.
#[derive(Debug)]
pub struct LogLine<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// The whole line, stamps and all, without its end.
    pub raw: Cow<'a, str>,
    /// The functions with offsets in it.
    pub found: Vec<Found>,
    /// Its instructions, if it is a `Code:` line of the kernel.
    pub code: Option<Disassembly>,
}

impl Session<'_> {
    /// Hands every line of the log that is in memory to `take`, in order.
    ///
    /// # Errors
    /// When the debug information is damaged, or `take` fails.
    pub fn log<E: From<Error>>(
        &mut self,
        log: &[u8],
        mut take: impl FnMut(LogLine<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut reader = LineReader::new();
        let log = log.strip_suffix(b"\n").unwrap_or(log);
        let mut offset = 0;
        for (at, raw) in log.split(|byte| *byte == b'\n').enumerate() {
            let number = at as u64 + 1;
            let mut lines = Vec::new();
            reader.read(raw, number, offset, |line| lines.push(line));
            offset += raw.len() as u64 + 1;
            let (mut found, mut code) = (Vec::new(), None);
            for line in &lines {
                found.extend(self.line(line)?);
                code = code.or(self.code(line)?);
            }
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            take(LogLine { number, raw: String::from_utf8_lossy(raw), found, code })?;
        }
        Ok(())
    }
}
