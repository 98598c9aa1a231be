//! Bytes to [`Line`]s: cuts lines, takes prefixes off, and follows the few formats whose lines
//! depend on earlier ones (`dmesg --json`) or hold several messages (journals as JSON).

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::clean::printable;
use crate::line::{Line, Stamp};
use crate::prefix;

/// Bytes of one line that are read; the rest is dropped. The kernel prints at most about 1 KiB a
/// line; a journal record in JSON may be some KiB.
pub const LONGEST_LINE: usize = 64 << 10;

/// A no-break space in UTF-8.
pub(crate) const NO_BREAK: &[u8] = "\u{a0}".as_bytes();

/// Takes lines apart one after the other. Holds what earlier lines said about later ones.
#[derive(Clone, Debug, Default)]
pub struct LineReader {
    /// Inside the `"dmesg": [` array of `dmesg --json`: what the record said before its message.
    record: Option<Record>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    level: Option<u8>,
    stamp: Option<Stamp>,
}

impl LineReader {
    /// A reader at the start of an input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one raw line apart (`raw` without its newline) and hands every message of it to
    /// `sink`: one as a rule, several for JSON records with newlines inside and for two messages
    /// glued together on a serial line, none for the scaffolding of `dmesg --json`.
    ///
    /// `number` counts from 1; `offset` is that of the line's first byte in the input.
    pub fn read<'a>(
        &mut self,
        raw: &'a [u8],
        number: u64,
        offset: u64,
        mut sink: impl FnMut(Line<'a>),
    ) {
        let raw = &raw[..raw.len().min(LONGEST_LINE)];
        let raw = last_overprint(raw);
        if looks_like_json(raw) && self.json(raw, number, offset, &mut sink) {
            return;
        }
        // Escape sequences of a terminal may stand anywhere, before the stamp and inside it.
        // No-break spaces of mail programs stand for blanks.
        if memchr::memchr2(b'\x1b', NO_BREAK[0], raw).is_some() {
            let cleaned = printable(raw).replace('\u{a0}', " ");
            messages(cleaned.as_bytes(), number, offset, false, &mut |line: Line<'_>| {
                sink(line.into_owned());
            });
            return;
        }
        messages(raw, number, offset, true, &mut sink);
    }

    /// Reads a line of a JSON form; false when it is none after all.
    fn json<'a>(
        &mut self,
        raw: &'a [u8],
        number: u64,
        offset: u64,
        sink: &mut impl FnMut(Line<'a>),
    ) -> bool {
        let text = raw.trim_ascii();
        if let Some(record) = text.strip_prefix(b"- {") {
            return lava_record(record, number, offset, sink);
        }
        if text.starts_with(b"{") && memchr::memmem::find(text, b"\"MESSAGE\"").is_some() {
            return journal_record(text, number, offset, sink);
        }
        if text.starts_with(b"\"dmesg\"") {
            self.record = Some(Record::default());
            return true;
        }
        let Some(record) = &mut self.record else { return false };
        if text.first().is_some_and(|b| b"{}[]".contains(b)) {
            *record = Record::default();
            return true;
        }
        let Some((key, value)) = field(text) else { return false };
        match key {
            b"pri" => {
                record.level = std::str::from_utf8(value)
                    .ok()
                    .and_then(|v| v.parse::<u16>().ok())
                    .map(|v| (v & 7) as u8);
            }
            b"time" => {
                record.stamp = crate::time::seconds(&mut crate::time::Cursor::new(value));
            }
            b"msg" => {
                let Ok(message) = serde_json::from_slice::<String>(value) else { return false };
                let (stamp, level) = (record.stamp, record.level);
                owned(&message, number, offset, stamp, level, sink);
            }
            _ => {}
        }
        true
    }
}

/// A serial console redraws a line after a bare carriage return; the last non-empty text counts.
/// A carriage return before the newline is a line end.
fn last_overprint(raw: &[u8]) -> &[u8] {
    let end = raw.len() - raw.iter().rev().take_while(|b| **b == b'\r').count();
    let raw = &raw[..end];
    match memchr::memrchr(b'\r', raw) {
        Some(at) => &raw[at + 1..],
        None => raw,
    }
}

fn looks_like_json(raw: &[u8]) -> bool {
    matches!(raw.trim_ascii_start().first(), Some(b'{' | b'"' | b'}' | b']' | b'['))
        && !raw.starts_with(b"[")
        || raw.starts_with(b"- {")
}

/// `"key": value,` of `dmesg --json`.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', text)?;
    let value = text[end + 1..].trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    Some((&text[..end], value.strip_suffix(b",").unwrap_or(value)))
}

/// One line of a LAVA log: `- {"dt": "…", "lvl": "target", "msg": "…"}`.
fn lava_record<'a>(
    record: &[u8],
    number: u64,
    offset: u64,
    sink: &mut impl FnMut(Line<'a>),
) -> bool {
    let record = [b"{", record].concat();
    let Ok(serde_json::Value::Object(record)) = serde_json::from_slice(&record) else {
        return false;
    };
    let text = |key: &str| record.get(key).and_then(serde_json::Value::as_str);
    let (Some(_), Some(level), Some(message)) = (text("dt"), text("lvl"), text("msg")) else {
        return false;
    };
    // What the device printed; the rest is the test runner's own talk.
    if level == "target" || level == "feedback" {
        owned(message, number, offset, None, None, sink);
    }
    true
}

/// One record of `journalctl -o json`.
fn journal_record<'a>(
    text: &[u8],
    number: u64,
    offset: u64,
    sink: &mut impl FnMut(Line<'a>),
) -> bool {
    let Ok(serde_json::Value::Object(record)) = serde_json::from_slice(text) else { return false };
    let message = match record.get("MESSAGE") {
        Some(serde_json::Value::String(message)) => message.clone(),
        // A message that is not UTF-8 is an array of bytes.
        Some(serde_json::Value::Array(bytes)) => {
            let bytes: Vec<u8> = bytes
                .iter()
                .filter_map(|b| b.as_u64().and_then(|b| u8::try_from(b).ok()))
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return false,
    };
    let integer = |key: &str| {
        let value = record.get(key)?;
        value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok())
    };
    let stamp = integer("_SOURCE_MONOTONIC_TIMESTAMP")
        .map(Stamp::Boot)
        .or_else(|| integer("__REALTIME_TIMESTAMP").map(Stamp::Wall));
    let level = integer("PRIORITY").and_then(|v| u8::try_from(v & 7).ok());
    let identifier = record.get("SYSLOG_IDENTIFIER").and_then(serde_json::Value::as_str);
    let message = match identifier {
        None | Some("kernel") => message,
        Some(program) => format!("{program}: {message}"),
    };
    owned(&message, number, offset, stamp, level, sink);
    true
}

/// Hands the lines of a decoded message to `sink`.
fn owned<'a>(
    message: &str,
    number: u64,
    offset: u64,
    stamp: Option<Stamp>,
    level: Option<u8>,
    sink: &mut impl FnMut(Line<'a>),
) {
    for part in message.split('\n') {
        let (prefix, rest) = prefix::strip(part.as_bytes());
        sink(Line {
            number,
            offset,
            stamp: prefix.stamp.or(stamp),
            outer: prefix.outer,
            caller: prefix.caller,
            level: prefix.level.or(level),
            text: Cow::Owned(printable(rest).into_owned()),
        });
    }
}

/// Parts messages that share a line. Their offsets are counted only where `raw` is the input itself.
fn messages<'a>(
    raw: &'a [u8],
    number: u64,
    offset: u64,
    exact: bool,
    sink: &mut impl FnMut(Line<'a>),
) {
    let mut start = 0;
    loop {
        let blank = raw[start..].iter().take_while(|byte| **byte == 0).count();
        let at = if exact { offset + start as u64 } else { offset };
        start += blank;
        let rest = &raw[start..];
        let (prefix, message) = prefix::strip(rest);
        match glued(rest, rest.len() - message.len()) {
            Some(length) => {
                let message = &rest[(rest.len() - message.len()).min(length)..length];
                emit(prefix, message, number, at, sink);
                start += length;
            }
            None => return emit(prefix, message, number, at, sink),
        }
    }
}

fn emit<'a>(
    prefix: prefix::Prefix,
    rest: &'a [u8],
    number: u64,
    offset: u64,
    sink: &mut impl FnMut(Line<'a>),
) {
    let mut text = printable(rest);
    if prefix.escaped && text.contains("\\x") {
        text = Cow::Owned(unescape_kmsg(&text));
    }
    sink(Line {
        number,
        offset,
        stamp: prefix.stamp,
        outer: prefix.outer,
        caller: prefix.caller,
        level: prefix.level,
        text,
    });
}

/// `/dev/kmsg` writes bytes that are not printable as `\x0a`.
fn unescape_kmsg(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        out.push_str(&rest[..at]);
        match rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                let c = char::from(byte);
                out.push(if c.is_control() && c != '\t' { ' ' } else { c });
                rest = &rest[at + 4..];
            }
            None => {
                out.push_str("\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where a second message begins on the same line: at a printk stamp with six decimals that has
/// text before it which is no prefix; `message` is where the first one begins (`dmesg -wH[  +4.088043] audit: …`, two CPUs on one serial
/// line). `None` when the line is one message.
fn glued(raw: &[u8], message: usize) -> Option<usize> {
    let mut from = message;
    while let Some(at) = memchr::memchr(b'[', raw.get(from..)?) {
        let at = from + at;
        if at > 0 && is_stamp(&raw[at..]) && !raw[..at].trim_ascii().is_empty() {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// `[` spaces or `+`, digits, point, six digits, `]`.
fn is_stamp(bytes: &[u8]) -> bool {
    let blank = bytes[1..].iter().take_while(|b| **b == b' ').count();
    let mut at = 1 + blank;
    if bytes.get(at) == Some(&b'+') {
        at += 1;
    }
    let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    at += digits;
    (1..=9).contains(&digits)
        && bytes.get(at) == Some(&b'.')
        && bytes.len() > at + 7
        && bytes[at + 1..at + 7].iter().all(u8::is_ascii_digit)
        && bytes[at + 7] == b']'
}

/// All lines of an input that is in memory.
pub fn lines(input: &[u8]) -> Lines<'_> {
    Lines { input, at: 0, number: 0, reader: LineReader::new(), ready: VecDeque::new() }
}

/// The iterator of [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    input: &'a [u8],
    at: usize,
    number: u64,
    reader: LineReader,
    ready: VecDeque<Line<'a>>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while self.ready.is_empty() {
            if self.at >= self.input.len() {
                return None;
            }
            let rest = &self.input[self.at..];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let offset = self.at as u64;
            self.at += length + 1;
            self.number += 1;
            let ready = &mut self.ready;
            self.reader.read(&rest[..length], self.number, offset, |line| ready.push_back(line));
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &str) -> Vec<String> {
        lines(input.as_bytes()).map(|line| line.text.into_owned()).collect()
    }

    #[test]
    fn lines_keep_number_and_offset() {
        let all: Vec<_> = lines(b"[ 1.0] a\n\n<6>b\n").collect();
        assert_eq!(
            all.iter().map(|l| (l.number, l.offset)).collect::<Vec<_>>(),
            [(1, 0), (2, 9), (3, 10)]
        );
    }

    #[test]
    fn two_messages_on_one_line_are_parted() {
        let input = "dmesg -wH[  +4.088043] audit: x\n[    1.000000] a[    1.000001] b\n";
        assert_eq!(texts(input), ["dmesg -wH", "audit: x", "a", "b"]);
    }

    #[test]
    fn serial_carriage_returns_are_line_ends_or_redraws() {
        assert_eq!(texts("a\r\nold\rnew\r\r\n"), ["a", "new"]);
    }

    #[test]
    fn dmesg_json_is_read() {
        let input = "{\n   \"dmesg\": [\n      {\n         \"pri\": 4,\n         \"time\":     0.500000,\n         \"msg\": \"a \\\"b\\\"\"\n      },{\n         \"pri\": 6,\n         \"time\": 1.000000,\n         \"msg\": \"c\"\n      }\n   ]\n}\n";
        let all: Vec<_> = lines(input.as_bytes()).filter(|l| !l.text.is_empty()).collect();
        let got: Vec<_> = all.iter().map(|l| (&*l.text, l.stamp, l.level, l.number)).collect();
        assert!(got.contains(&("a \"b\"", Some(Stamp::Boot(500_000)), Some(4), 6)), "{got:?}");
        assert!(got.contains(&("c", Some(Stamp::Boot(1_000_000)), Some(6), 10)), "{got:?}");
    }

    #[test]
    fn journal_json_is_read_with_several_lines_a_record() {
        let input = r#"{"__REALTIME_TIMESTAMP":"1704110400000000","PRIORITY":"4","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"a\nb"}"#;
        let all: Vec<_> = lines(input.as_bytes()).collect();
        assert_eq!(all.iter().map(|l| &*l.text).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all[0].stamp, Some(Stamp::Wall(1_704_110_400_000_000)));
    }

    #[test]
    fn the_target_s_lines_of_a_lava_log_are_read() {
        let input = "- {\"dt\": \"2026-01-01T00:00:00\", \"lvl\": \"target\", \"msg\": \"[    1.000000] a \\\"b\\\"\"}\n- {\"dt\": \"x\", \"lvl\": \"debug\", \"msg\": \"start\"}\n- {no json\n";
        assert_eq!(texts(input), ["a \"b\"", "- {no json"]);
    }

    #[test]
    fn kmsg_escapes_are_decoded() {
        assert_eq!(texts("6,1,2,-;a\\x09b\\x0ac\n"), ["a\tb c"]);
    }

    #[test]
    fn no_break_spaces_are_blanks() {
        let input = "[\u{a0}\u{a0}\u{a0} 1.500000]\u{a0}\u{a0}f+0x1/0x2\n";
        let all: Vec<_> = lines(input.as_bytes()).collect();
        assert_eq!((&*all[0].text, all[0].stamp), (" f+0x1/0x2", Some(Stamp::Boot(1_500_000))));
    }

    #[test]
    fn an_endless_line_is_cut() {
        let input = vec![b'x'; 3 * LONGEST_LINE];
        assert_eq!(lines(&input).next().map(|l| l.text.len()), Some(LONGEST_LINE));
    }
}
