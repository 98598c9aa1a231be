//! One line of a console log, taken apart.

use std::borrow::Cow;

/// One line of an input, with the prefixes of printk, syslog, journals, mail quotes and the like
/// taken off, and what they said.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// Line number in the input, counted from 1.
    pub number: u64,
    /// Byte offset of the line's first byte in the (decompressed) input.
    pub offset: u64,
    /// When it was printed, as far as the line says.
    pub stamp: Option<Stamp>,
    /// The date that another writer (syslog, a journal) put in front of the kernel's own stamp.
    pub outer: Option<Stamp>,
    /// Who printed it: the `[   T12]` or `[    C1]` of `CONFIG_PRINTK_CALLER`.
    pub caller: Option<Caller>,
    /// The printk level 0 (emergency) to 7 (debug), where the line carries it.
    pub level: Option<u8>,
    /// The message without prefixes and without the line end. Bytes that are not UTF-8 are
    /// replaced by U+FFFD and terminal escape sequences are gone, so it is printable text except
    /// for tabs.
    pub text: Cow<'a, str>,
}

impl Line<'_> {
    /// The same line, holding its own text.
    pub fn into_owned(self) -> Line<'static> {
        Line { text: Cow::Owned(self.text.into_owned()), ..self }
    }
}

/// The printer of a line (`CONFIG_PRINTK_CALLER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// A task, by pid: `[  T12]`.
    Task(u32),
    /// A CPU in interrupt context or before scheduling starts: `[    C1]`.
    Cpu(u32),
}

/// A time as a line states it. Microseconds throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Since boot: `[   12.345678]`.
    Boot(i64),
    /// Since the previous line: `[  +0.000004]` of `dmesg -H`.
    Delta(i64),
    /// A minute mark of `dmesg -H`: `[Jul25 00:42]`. The year is not stated. The first line after
    /// boot's minute change carries it in place of a delta.
    MinuteMark {
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
    },
    /// A date with a year: microseconds since 1970-01-01 UTC (local time where no zone is stated).
    Wall(i64),
    /// A date without a year (RFC 3164 syslog, short journals): microseconds since the start of an
    /// unstated year, counted as if it were a leap year.
    Yearless(i64),
}
