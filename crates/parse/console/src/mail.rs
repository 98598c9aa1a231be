//! Mails as they were sent: lines that quoted-printable cut in two and the signs it spells as `=3D`, and text
//! that base64 hides; then lines that mail programs broke are joined and headers left out. A log saved from a
//! raw mail is made readable before its lines are read.
//!
//! Invariants: an input that is no such mail passes through unchanged; a line cut in two keeps the number of its
//! first part, and the lines behind it keep theirs (blank lines stand in for what was joined); reading twice gives
//! what reading once gives; memory holds one line.

use std::borrow::Cow;

use crate::LONGEST_LINE;
pub use crate::join::JoinedLines;
use crate::join::Joiner;

/// Longest line that quoted-printable allows (RFC 2045, 6.7), the sign of a soft break included.
const LONGEST: usize = 76;
/// Before a mail is known to be quoted-printable, only a line about as long as allowed counts as cut.
const ABOUT: usize = 68;
/// The header that tells the coding, in the spellings of mail programs. Each holds one of [`SIGNS`].
const HEADERS: [&[u8]; 4] = [
    b"Content-Transfer-Encoding:",
    b"Content-transfer-encoding:",
    b"content-transfer-encoding:",
    b"CONTENT-TRANSFER-ENCODING:",
];
/// Texts of which a block has none that speaks of no coding.
const SIGNS: [&[u8]; 2] = [b"ransfer-", b"RANSFER-"];

/// What the lines that follow are coded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Coding {
    /// None, as far as is known.
    #[default]
    Plain,
    QuotedPrintable,
    /// The headers of a base64 part go on; then its first line.
    BeforeBase64,
    /// Behind the blank line that ends the headers.
    StartOfBase64,
    Base64,
}

/// Makes whole lines of raw mails in a stream of bytes.
#[derive(Clone, Debug, Default)]
pub struct MailDecoder {
    decoder: Decoder,
    joiner: Joiner,
}

impl MailDecoder {
    /// A decoder at the start of an input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether lines behind a base64 part have other numbers than in the input.
    pub const fn is_renumbered(&self) -> bool {
        self.decoder.renumbered
    }

    /// Which lines of the text stand for several lines of the input, as mail programs broke them.
    pub const fn joined(&self) -> &JoinedLines {
        self.joiner.joined()
    }

    /// Takes the next piece; hands the decoded text to `sink`.
    pub fn push(&mut self, piece: &[u8], mut sink: impl FnMut(&[u8])) {
        let joiner = &mut self.joiner;
        self.decoder.push(piece, |text| joiner.push(text, &mut sink));
    }

    /// Ends the input.
    pub fn finish(&mut self, mut sink: impl FnMut(&[u8])) {
        let joiner = &mut self.joiner;
        self.decoder.finish(|text| joiner.push(text, &mut sink));
        self.joiner.finish(sink);
    }
}

/// Takes transfer codings off.
#[derive(Clone, Debug, Default)]
struct Decoder {
    coding: Coding,
    /// The unfinished last line of what was pushed.
    tail: Vec<u8>,
    /// A line longer than is kept goes through as it is.
    passing: bool,
    /// The first parts of a cut line, and how many lines they were.
    part: Vec<u8>,
    parts: usize,
    /// Decoded base64 behind the last newline, and the lines that were taken and not given back.
    text: Vec<u8>,
    owed: usize,
    renumbered: bool,
}

impl Decoder {
    /// Takes the next piece; hands the decoded text to `sink`.
    fn push(&mut self, mut piece: &[u8], mut sink: impl FnMut(&[u8])) {
        if self.passing {
            let Some(end) = memchr::memchr(b'\n', piece) else { return sink(piece) };
            sink(&piece[..=end]);
            piece = &piece[end + 1..];
            self.passing = false;
        }
        let Some(last) = memchr::memrchr(b'\n', piece) else { return self.keep(piece, &mut sink) };
        let (mut whole, rest) = piece.split_at(last + 1);
        if !self.tail.is_empty() {
            let end = memchr::memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            let mut first = std::mem::take(&mut self.tail);
            first.extend_from_slice(&whole[..end]);
            self.lines(&first, &mut sink);
            whole = &whole[end..];
        }
        self.lines(whole, &mut sink);
        self.keep(rest, &mut sink);
    }

    /// Ends the input.
    fn finish(&mut self, mut sink: impl FnMut(&[u8])) {
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.line(&tail, &mut sink);
        }
        if self.parts > 0 {
            sink(&decoded(&self.part));
            self.part.clear();
            self.parts = 0;
        }
        self.end_base64(&mut sink);
    }

    fn keep(&mut self, rest: &[u8], sink: &mut impl FnMut(&[u8])) {
        if self.tail.len() + rest.len() <= LONGEST_LINE {
            self.tail.extend_from_slice(rest);
            return;
        }
        sink(&std::mem::take(&mut self.tail));
        sink(rest);
        self.passing = true;
    }

    /// Takes whole lines. Where nothing speaks of a coded mail they pass at once.
    fn lines(&mut self, block: &[u8], sink: &mut impl FnMut(&[u8])) {
        let speaks = || SIGNS.iter().any(|sign| memchr::memmem::find(block, sign).is_some());
        if self.coding == Coding::Plain && self.parts == 0 && !has_cut(block) && !speaks() {
            return sink(block);
        }
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            self.line(line, sink);
        }
    }

    /// Takes one line, with its newline where it has one.
    fn line(&mut self, line: &[u8], sink: &mut impl FnMut(&[u8])) {
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let body = body.strip_suffix(b"\r").unwrap_or(body);
        match self.coding {
            Coding::BeforeBase64 => {
                if body.is_empty() {
                    self.coding = Coding::StartOfBase64;
                }
                return sink(line);
            }
            Coding::StartOfBase64 if body.is_empty() => return sink(line),
            Coding::StartOfBase64 | Coding::Base64 => {
                if self.base64(body, sink) {
                    return;
                }
                self.end_base64(sink);
                self.coding = Coding::Plain;
            }
            Coding::Plain | Coding::QuotedPrintable => {}
        }
        if self.is_cut(body) {
            self.coding = Coding::QuotedPrintable;
            let room = LONGEST_LINE.saturating_sub(self.part.len());
            let rest = &body[..body.len() - 1];
            self.part.extend_from_slice(&rest[..rest.len().min(room)]);
            self.parts += 1;
            return;
        }
        if self.parts > 0 {
            let room = LONGEST_LINE.saturating_sub(self.part.len());
            self.part.extend_from_slice(&body[..body.len().min(room)]);
            self.part.push(b'\n');
            sink(&decoded(&self.part));
            self.part.clear();
            for _ in 0..std::mem::take(&mut self.parts) {
                sink(b"\n");
            }
            return;
        }
        if let Some(coding) = header(body) {
            if coding.eq_ignore_ascii_case(b"quoted-printable") {
                self.coding = Coding::QuotedPrintable;
                return sink(b"Content-Transfer-Encoding: 8bit\n");
            }
            if coding.eq_ignore_ascii_case(b"base64") {
                self.coding = Coding::BeforeBase64;
                return sink(b"Content-Transfer-Encoding: 8bit\n");
            }
            self.coding = Coding::Plain;
        } else if body.len() > LONGEST + 2 {
            self.coding = Coding::Plain;
        }
        match self.coding {
            Coding::QuotedPrintable => sink(&decoded(line)),
            _ => sink(line),
        }
    }

    fn is_cut(&self, body: &[u8]) -> bool {
        let known = self.coding == Coding::QuotedPrintable || self.parts > 0;
        let least = if known { 2 } else { ABOUT };
        // A ruler of equal signs is none: quoted-printable spells them.
        body.ends_with(b"=") && !body.ends_with(b"==") && (least..=LONGEST).contains(&body.len())
    }

    /// Takes a line of a base64 part; false when it is none, or no text.
    fn base64(&mut self, body: &[u8], sink: &mut impl FnMut(&[u8])) -> bool {
        let Some(bytes) = from_base64(body) else { return false };
        let is_text =
            bytes.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b));
        if self.coding == Coding::StartOfBase64 && !is_text {
            return false;
        }
        self.coding = Coding::Base64;
        self.owed += 1;
        self.text.extend_from_slice(&bytes);
        if let Some(end) = memchr::memrchr(b'\n', &self.text) {
            let rest = self.text.split_off(end + 1);
            self.give(sink);
            self.text = rest;
        } else if self.text.len() > LONGEST_LINE {
            self.text.push(b'\n');
            self.give(sink);
        }
        true
    }

    /// Hands over the decoded lines.
    fn give(&mut self, sink: &mut impl FnMut(&[u8])) {
        let lines = memchr::memchr_iter(b'\n', &self.text).count();
        self.owed = self.owed.checked_sub(lines).unwrap_or_else(|| {
            self.renumbered = true;
            0
        });
        sink(&self.text);
        self.text.clear();
    }

    /// Ends a base64 part: blank lines stand in for those that became fewer.
    fn end_base64(&mut self, sink: &mut impl FnMut(&[u8])) {
        if !self.text.is_empty() {
            self.text.push(b'\n');
            self.give(sink);
        }
        if self.owed > 0 {
            // Numbers inside of the part are those of the decoded text.
            self.renumbered = true;
        }
        for _ in 0..std::mem::take(&mut self.owed) {
            sink(b"\n");
        }
    }
}

/// Whether a line ends in one equal sign. Rulers of many are common in logs and cut nothing.
fn has_cut(block: &[u8]) -> bool {
    let ends = |end: &[u8]| {
        memchr::memmem::find_iter(block, end)
            .any(|at| at > 0 && !matches!(block[at - 1], b'=' | b'\n'))
    };
    ends(b"=\n") || ends(b"=\r\n")
}

/// The text of an input in memory, with raw mails decoded and broken lines joined.
pub fn text(input: &[u8]) -> Cow<'_, [u8]> {
    let mut decoder = MailDecoder::new();
    let mut out = Vec::with_capacity(input.len());
    decoder.push(input, |piece| out.extend_from_slice(piece));
    decoder.finish(|piece| out.extend_from_slice(piece));
    if out == input { Cow::Borrowed(input) } else { Cow::Owned(out) }
}

/// The value of a `Content-Transfer-Encoding` header.
fn header(line: &[u8]) -> Option<&[u8]> {
    HEADERS.iter().find_map(|name| line.strip_prefix(*name)).map(<[u8]>::trim_ascii)
}

/// Spelled signs as themselves: the equal sign, blanks, and what is not ASCII.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    let spelled = |at: usize| -> Option<u8> {
        let digits = std::str::from_utf8(text.get(at + 1..at + 3)?).ok()?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        (matches!(byte, b'=' | b' ' | b'\t') || byte >= 0x80).then_some(byte)
    };
    if !memchr::memchr_iter(b'=', text).any(|at| spelled(at).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match spelled(at).filter(|_| *byte == b'=') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    Cow::Owned(out)
}

/// The bytes of a line of base64 (RFC 2045, 6.8): whole groups of four signs, at most one line's worth.
fn from_base64(line: &[u8]) -> Option<Vec<u8>> {
    if line.is_empty() || line.len() > LONGEST + 4 || !line.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(line.len() / 4 * 3);
    for (at, group) in line.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || padding > 0 && (at + 1) * 4 != line.len() {
            return None;
        }
        let mut bits = 0u32;
        for byte in group {
            let six = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> String {
        String::from_utf8_lossy(&text(input.as_bytes())).into_owned()
    }

    #[test]
    fn a_line_cut_by_a_soft_break_is_one_line_and_the_next_keeps_its_number() {
        let input = "[   31.712052] BUG: workqueue lockup - pool cpus=3D1 node=3D0 flags=3D0x0 n=\nice=3D0 stuck for 30s!\n[   31.716029] nice=3D0\n";
        let whole = "[   31.712052] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 30s!";
        assert_eq!(read(input), format!("{whole}\n\n[   31.716029] nice=0\n"));
    }

    #[test]
    fn a_plain_log_stays_as_it_is() {
        let input = format!("{}\n(t=10501 jiffies g=3D1)\nx=\ny\n", "=".repeat(75));
        assert_eq!(read(&input), input);
        assert!(matches!(text(b"[ 1.0] a\n[ 2.0] b\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_header_of_a_mail_switches_the_decoding_on_and_off() {
        let input = "Content-Transfer-Encoding: quoted-printable\na=3Db\nContent-Transfer-Encoding: 7bit\na=3Db\n";
        let lines = read(input);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!((lines[1], lines[3]), ("a=b", "a=3Db"));
    }

    #[test]
    fn text_in_base64_is_read_and_a_picture_is_left() {
        // "[    1.000000] BUG: first line of the log\n[    2.000000] and the second\n"
        let log = "WyAgICAxLjAwMDAwMF0gQlVHOiBmaXJzdCBsaW5lIG9mIHRoZSBsb2cKWyAgICAyLjAwMDAwMF0g\nYW5kIHRoZSBzZWNvbmQK";
        let input = format!(
            "Content-Transfer-Encoding: base64\nX-More: y\n\n{log}\n\n--b\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n\nend\n"
        );
        let lines = read(&input);
        assert!(
            lines.contains(
                "\n[    1.000000] BUG: first line of the log\n[    2.000000] and the second\n"
            ),
            "{lines}"
        );
        assert!(lines.contains("iVBORw0KGgo=\n"), "{lines}");
        assert_eq!(lines.lines().count(), input.lines().count());
    }

    #[test]
    fn reading_twice_and_in_pieces_gives_the_same() {
        let input = "Content-Transfer-Encoding: quoted-printable\n\nflags=3D80 and a line that is cut in the mid=\ndle=\n of it\n";
        let once = read(input);
        assert!(once.contains("flags=80 and a line that is cut in the middle of it"), "{once}");
        assert_eq!(read(&once), once);
        for size in 1..20 {
            let mut decoder = MailDecoder::new();
            let mut out = Vec::new();
            for piece in input.as_bytes().chunks(size) {
                decoder.push(piece, |text| out.extend_from_slice(text));
            }
            decoder.finish(|text| out.extend_from_slice(text));
            assert_eq!(String::from_utf8_lossy(&out), once, "pieces of {size}");
        }
    }

    #[test]
    fn each_spelling_of_the_header_is_noticed() {
        for name in HEADERS {
            assert!(SIGNS.iter().any(|sign| memchr::memmem::find(name, sign).is_some()));
            let name = std::str::from_utf8(name).unwrap();
            assert!(read(&format!("{name} Quoted-Printable\na=3Db\n")).ends_with("\na=b\n"));
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut decoder = MailDecoder::new();
        let mut length = 0;
        for _ in 0..64 {
            decoder.push(&[b'x'; 4096], |text| length += text.len());
            assert!(decoder.decoder.tail.len() <= LONGEST_LINE);
        }
        decoder.push(b"\n[ 1.0] y=3D\n", |text| length += text.len());
        decoder.finish(|text| length += text.len());
        assert_eq!(length, 64 * 4096 + 13);
    }
}
