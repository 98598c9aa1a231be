//! Consoles that go on: text comes in piece by piece, crashes are taken into the record when their reports are whole.
//!
//! Invariants: each piece of a console is filed once at most; what is held of a console is bounded; time is an argument.

use std::collections::BTreeMap;

use analysis_identity::LogReader;
use model::tracker::{Manager, NewCrash};

use crate::filing::{Origin, file_log};
use crate::ingest::Filed;
use crate::{Error, Tracker};

/// Bytes of a console that are held.
const HELD: usize = 4 << 20;
/// Bytes that are left when some went: what came before a crash is worth most.
const AFTER_TRIM: usize = 1 << 20;
/// Bytes that are held of a console whose report waits to be taken into the record.
const WAITING: usize = 2 * HELD;
/// What stands where the middle of such a text was.
const CUT: &[u8] = b"-- cut: the record could not be written --\n";
/// Seconds of quiet after which a report is taken to be whole.
const QUIET: i64 = 5;
/// Seconds after which it is filed though the console does not become quiet.
const LONGEST: i64 = 60;
/// Consoles that are watched.
const CONSOLES: usize = 10_000;
/// Seconds between two signs of life that are written down.
const HEARTBEAT: i64 = 60;

/// A console.
#[derive(Debug)]
struct Console {
    text: Vec<u8>,
    /// Bytes at the start of the text that were searched.
    searched: usize,
    /// When the first report of the text that is held was seen.
    since: Option<i64>,
    /// When something last came.
    last: i64,
    written: i64,
    is_silent: bool,
}

/// What the consoles tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A crash was taken into the record.
    Crash {
        /// The console.
        console: String,
        /// The title.
        title: String,
        /// What became of it.
        filed: Filed,
    },
    /// Nothing has come from a console for long.
    Silent {
        /// The console.
        console: String,
        /// For how long, in seconds.
        seconds: i64,
    },
    /// Something came again.
    Back {
        /// The console.
        console: String,
    },
}

/// Watches consoles.
#[derive(Debug)]
pub struct Watch {
    consoles: BTreeMap<String, Console>,
    silence: i64,
    source: String,
    refused: u64,
}

impl Watch {
    /// A watch that tells of consoles which are silent for so many seconds.
    pub fn new(source: impl Into<String>, silence: i64) -> Self {
        Self { consoles: BTreeMap::new(), silence, source: source.into(), refused: 0 }
    }

    /// Takes text of a console.
    pub fn push(&mut self, console: &str, text: &[u8], now: i64) {
        if !self.consoles.contains_key(console) {
            if self.consoles.len() >= CONSOLES {
                self.refused += 1;
                return;
            }
            let new = Console {
                text: Vec::new(),
                searched: 0,
                since: None,
                last: now,
                written: 0,
                is_silent: false,
            };
            self.consoles.insert(console.to_owned(), new);
        }
        let Some(known) = self.consoles.get_mut(console) else { return };
        known.last = now;
        known.text.extend_from_slice(text);
        known.trim();
    }

    /// Datagrams of consoles beyond those that are watched.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes whole reports into the record and looks who is silent; appends what there is to tell. `end` says that
    /// nothing more will come.
    ///
    /// # Errors
    /// When the record cannot be written; what was not taken is kept and tried again at the next look.
    pub fn look(
        &mut self,
        tracker: &Tracker,
        now: i64,
        end: bool,
        told: &mut Vec<Told>,
    ) -> Result<(), Error> {
        // After a failure nothing more is written in this look: each attempt may wait for long.
        let mut result = Ok(());
        for (name, console) in &mut self.consoles {
            console.search(now, end);
            if result.is_ok() && console.is_due(now, end) {
                result = console.file(tracker, name, &self.source, now, told);
            }
            let seconds = now - console.last;
            let silent = self.silence > 0 && seconds >= self.silence;
            if silent != console.is_silent {
                console.is_silent = silent;
                told.push(match silent {
                    true => Told::Silent { console: name.clone(), seconds },
                    false => Told::Back { console: name.clone() },
                });
            }
            if result.is_ok()
                && console.last > console.written
                && now - console.written >= HEARTBEAT
            {
                result = console.write_down(tracker, name);
            }
        }
        result
    }
}

impl Console {
    /// Takes the crashes of the text that is held into the record, and lets go of the text.
    fn file(
        &mut self,
        tracker: &Tracker,
        name: &str,
        source: &str,
        now: i64,
        told: &mut Vec<Told>,
    ) -> Result<(), Error> {
        let origin = Origin { machine: name.to_owned(), source: source.to_owned(), time: now };
        let crashes: Vec<NewCrash> = file_log(&self.text, &origin);
        let filed = tracker.ingest(&crashes, "watch", now)?;
        for (crash, filed) in crashes.into_iter().zip(filed) {
            let title = crash.identity.title;
            told.push(Told::Crash { console: name.to_owned(), title, filed });
        }
        self.text.clear();
        self.searched = 0;
        self.since = None;
        Ok(())
    }

    /// Writes down when the console was last heard of.
    fn write_down(&mut self, tracker: &Tracker, name: &str) -> Result<(), Error> {
        let manager = Manager {
            name: name.to_owned(),
            client: "watch".into(),
            seen: self.last,
            ..Manager::default()
        };
        tracker.change(|change| Ok(change.put_manager(&manager)?))?;
        self.written = self.last;
        Ok(())
    }

    /// Keeps what is held within its bounds.
    fn trim(&mut self) {
        let line_from = |text: &[u8], from: usize| {
            memchr::memchr(b'\n', &text[from..]).map_or(from, |at| from + at + 1)
        };
        let length = self.text.len();
        if self.since.is_none() && length > HELD {
            // A console without a report keeps its end only.
            let line = line_from(&self.text, length - AFTER_TRIM);
            self.text.drain(..line);
            self.searched = self.searched.saturating_sub(line);
        } else if length > WAITING {
            // It is due since long, but the record cannot be written: the report and the end stay.
            let from = memchr::memrchr(b'\n', &self.text[..HELD]).map_or(HELD, |at| at + 1);
            let head = &self.text[..from];
            let from = head.strip_suffix(CUT).map_or(from, <[u8]>::len);
            let line = line_from(&self.text, length - AFTER_TRIM);
            self.text.splice(from..line, CUT.iter().copied());
            self.searched = self.searched.min(self.text.len());
        }
    }

    /// Looks for a report in what came since.
    fn search(&mut self, now: i64, end: bool) {
        if self.since.is_some() || self.searched == self.text.len() {
            return;
        }
        // A line that is not whole yet is looked at when it is.
        let until = match end {
            true => self.text.len(),
            false => memchr::memrchr(b'\n', &self.text).map_or(0, |at| at + 1),
        };
        let before = self.searched.saturating_sub(1_000);
        let from = memchr::memrchr(b'\n', &self.text[..before]).map_or(0, |at| at + 1);
        if until <= self.searched {
            return;
        }
        let mut reader = LogReader::of_names();
        reader.push(&self.text[from..until]);
        if !reader.finish().reports.is_empty() {
            self.since = Some(now);
        }
        self.searched = until;
    }

    fn is_due(&self, now: i64, end: bool) -> bool {
        self.since.is_some_and(|since| {
            end || now - self.last >= QUIET || now - since >= LONGEST || self.text.len() > HELD
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_filed_is_bounded_and_keeps_the_report_and_the_end() {
        let mut watch = Watch::new("test", 0);
        watch.push("a", b"first\n", 1);
        if let Some(console) = watch.consoles.get_mut("a") {
            console.since = Some(1);
        }
        for number in 0..40 {
            let line = format!("{number:063}\n").repeat(16 << 10);
            watch.push("a", line.as_bytes(), 1);
            assert!(watch.consoles["a"].text.len() <= WAITING, "{number}");
        }
        let text = &watch.consoles["a"].text;
        assert!(text.starts_with(b"first\n") && text.ends_with(b"039\n"));
        assert_eq!(memchr::memmem::find_iter(text, CUT).count(), 1);
        assert!(text.split(|byte| *byte == b'\n').all(|line| line.len() <= 63));
    }
}
