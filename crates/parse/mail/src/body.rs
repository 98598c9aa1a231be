//! The text of a message: lines that know their number in the input, as bytes after the transfer
//! encoding and as text after the charset.
//!
//! Invariant: the bytes of a line are exactly what the sender's diff held, so that a diff taken
//! from them applies where the original did. The text is for reading only.

use std::ops::Range;

use crate::problem::ProblemKind;

/// Bytes of one part that are kept; what is longer is no mail a person wrote, and is noted as cut.
pub(crate) const MAX_BODY: usize = 16 << 20;

/// One line of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Number of the line in the input, from 1.
    pub number: u64,
    /// The line as text, without its end.
    pub text: &'a str,
    /// The line as bytes, without its end.
    pub raw: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct At {
    number: u64,
    raw: Range<usize>,
    text: Range<usize>,
}

/// The lines of a message, all its text parts one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    text: String,
    /// Empty as long as it would equal `text`.
    raw: Vec<u8>,
    lines: Vec<At>,
}

impl Body {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at `index`, counted from 0; an empty one past the end.
    pub fn line(&self, index: usize) -> Line<'_> {
        let Some(at) = self.lines.get(index) else {
            return Line { number: 0, text: "", raw: b"" };
        };
        let text = &self.text[at.text.clone()];
        let raw = if self.raw.is_empty() { text.as_bytes() } else { &self.raw[at.raw.clone()] };
        Line { number: at.number, text, raw }
    }

    /// All lines in order.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Line<'_>> {
        (0..self.lines.len()).map(|index| self.line(index))
    }

    /// The bytes of the lines from `first` to `last` (indexes, both included), each with `\n`.
    pub fn bytes(&self, first: usize, last: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for index in first..=last.min(self.lines.len().saturating_sub(1)) {
            all.extend_from_slice(self.line(index).raw);
            all.push(b'\n');
        }
        all
    }

    /// Adds `by` to the number of each line.
    pub(crate) fn shift(&mut self, by: u64) {
        self.renumber(|number| number + by);
    }

    /// Gives each line another number.
    pub(crate) fn renumber(&mut self, number: impl Fn(u64) -> u64) {
        for line in &mut self.lines {
            line.number = number(line.number);
        }
    }

    /// Adds a line whose text and bytes are the same.
    pub(crate) fn push_text(&mut self, number: u64, line: &str) {
        self.push(number, line.as_bytes(), line);
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, number: u64, raw: &[u8], text: &str) {
        if self.raw.is_empty() && raw != text.as_bytes() {
            // From here on text and bytes differ.
            self.raw = self.text.clone().into_bytes();
            for at in &mut self.lines {
                at.raw = at.text.clone();
            }
        }
        let text_start = self.text.len();
        self.text.push_str(text);
        let separate = !self.raw.is_empty() || raw != text.as_bytes();
        let raw_start = self.raw.len();
        if separate {
            self.raw.extend_from_slice(raw);
        }
        self.lines.push(At {
            number,
            raw: raw_start..self.raw.len(),
            text: text_start..self.text.len(),
        });
    }
}

/// A transfer encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    Identity,
    QuotedPrintable,
    Base64,
}

/// Bytes after the transfer encoding, with the input line on which each of their lines begins.
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// One a line of `bytes`.
    pub(crate) numbers: Vec<u64>,
    pub(crate) problem: Option<ProblemKind>,
}

/// Undoes the transfer encoding of `raw`, whose first byte stands on line `first`.
pub(crate) fn decode(raw: &[u8], transfer: Transfer, first: u64) -> Decoded {
    let (raw, cut) = if raw.len() > MAX_BODY {
        (&raw[..MAX_BODY], Some(ProblemKind::BodyCut { kept: MAX_BODY }))
    } else {
        (raw, None)
    };
    let mut decoded = match transfer {
        Transfer::Identity => {
            let lines = memchr::memchr_iter(b'\n', raw).count() as u64 + 1;
            Decoded {
                bytes: raw.to_vec(),
                numbers: (first..first + lines).collect(),
                problem: None,
            }
        }
        Transfer::QuotedPrintable => quoted_printable(raw, first),
        Transfer::Base64 => base64(raw, first),
    };
    decoded.problem = cut.or(decoded.problem);
    decoded
}

fn quoted_printable(raw: &[u8], first: u64) -> Decoded {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut numbers = Vec::new();
    let mut problem = None;
    let mut begins = true;
    for (offset, line) in raw.split(|b| *b == b'\n').enumerate() {
        let number = first + offset as u64;
        if begins {
            numbers.push(number);
        }
        // White space at the end of a physical line is never part of the text.
        let mut line = line.trim_ascii_end();
        let soft = line.last() == Some(&b'=');
        if soft {
            line = &line[..line.len() - 1];
        }
        let mut at = 0;
        while at < line.len() {
            if line[at] == b'=' {
                match (line.get(at + 1).and_then(hex), line.get(at + 2).and_then(hex)) {
                    (Some(high), Some(low)) => {
                        bytes.push(high * 16 + low);
                        if bytes.last() == Some(&b'\n') {
                            numbers.push(number);
                        }
                        at += 3;
                        continue;
                    }
                    _ => problem = Some(ProblemKind::TransferEncoding),
                }
            }
            bytes.push(line[at]);
            at += 1;
        }
        begins = !soft;
        if !soft {
            bytes.push(b'\n');
        }
    }
    // The last piece of the split has no line end.
    if begins {
        bytes.pop();
    }
    Decoded { bytes, numbers, problem }
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

fn base64(raw: &[u8], first: u64) -> Decoded {
    let mut bytes = Vec::with_capacity(raw.len() / 4 * 3);
    let mut numbers = vec![first];
    let mut problem = None;
    let (mut bits, mut held, mut number) = (0u32, 0u32, first);
    for &byte in raw {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (bits, held) = (0, 0);
                continue;
            }
            b'\n' => {
                number += 1;
                continue;
            }
            b' ' | b'\t' | b'\r' => continue,
            _ => {
                problem = Some(ProblemKind::TransferEncoding);
                continue;
            }
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            let out = (bits >> held & 0xff) as u8;
            bytes.push(out);
            if out == b'\n' {
                numbers.push(number);
            }
        }
    }
    Decoded { bytes, numbers, problem }
}

/// Joins the lines of `format=flowed` text (RFC 3676) at equal quote depth and undoes its stuffing.
/// Programs that send patches often write this header over text that was never stuffed: text whose
/// hunks are whole only as it stands stays as it stands.
pub(crate) fn unflow(decoded: &mut Decoded, delete_space: bool) {
    let before = has_whole_hunks(&decoded.bytes).then(|| Decoded {
        bytes: decoded.bytes.clone(),
        numbers: decoded.numbers.clone(),
        problem: decoded.problem.clone(),
    });
    join_flowed(decoded, delete_space);
    if let Some(before) = before
        && !has_whole_hunks(&decoded.bytes)
    {
        *decoded = before;
    }
}

/// Whether there is a hunk and each hunk has as many lines with their marks as its heading counts.
fn has_whole_hunks(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|b| *b == b'\n').peekable();
    let mut found = false;
    while let Some(line) = lines.next() {
        let Some((mut old, mut new)) = hunk_counts(line) else { continue };
        found = true;
        while old > 0 || new > 0 {
            match lines.next().and_then(|l| l.first()) {
                Some(b' ') if old > 0 && new > 0 => (old, new) = (old - 1, new - 1),
                Some(b'-') if old > 0 => old -= 1,
                Some(b'+') if new > 0 => new -= 1,
                Some(b'\\') => {}
                _ => return false,
            }
        }
    }
    found
}

/// `@@ -10,3 +10,4 @@`: 3 and 4.
fn hunk_counts(line: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(line.strip_prefix(b"@@ -")?.get(..48).unwrap_or(&line[4..]));
    // A cut inside a character of the function's name leaves the counts whole.
    let text = match text {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&line[4..4 + error.valid_up_to()]).ok()?,
    };
    let (old, rest) = text.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, n)| n.parse().ok());
    Some((count(old)?, count(new)?))
}

fn join_flowed(decoded: &mut Decoded, delete_space: bool) {
    let old = std::mem::take(&mut decoded.bytes);
    let old_numbers = std::mem::take(&mut decoded.numbers);
    let mut open: Option<usize> = None;
    for (index, line) in old.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let depth = line.iter().take_while(|b| **b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(b" ").unwrap_or(content);
        let signature = content == b"-- ";
        if open == Some(depth) && !signature {
            decoded.bytes.extend_from_slice(content);
        } else {
            if index > 0 {
                decoded.bytes.push(b'\n');
            }
            decoded.numbers.push(old_numbers.get(index).copied().unwrap_or_default());
            decoded.bytes.extend(std::iter::repeat_n(b'>', depth));
            if depth > 0 {
                decoded.bytes.push(b' ');
            }
            decoded.bytes.extend_from_slice(content);
        }
        if content.last() == Some(&b' ') && !signature {
            open = Some(depth);
            if delete_space {
                decoded.bytes.pop();
            }
        } else {
            open = None;
        }
    }
}

/// Cuts decoded bytes into the lines of `body`; `text_of` turns the bytes of a line into text.
pub(crate) fn append(
    body: &mut Body,
    decoded: &Decoded,
    encoded: bool,
    mut text_of: impl FnMut(&[u8]) -> String,
) {
    let mut bytes = decoded.bytes.as_slice();
    if bytes.last() == Some(&b'\n') {
        bytes = &bytes[..bytes.len() - 1];
        if bytes.last() == Some(&b'\r') && bytes.len() == 1 {
            bytes = b"";
        }
    }
    if bytes.is_empty() {
        return;
    }
    let strip = match diff_ends_in_carriage_return(bytes) {
        Some(marked) => marked,
        None => !encoded || mostly_end_in_carriage_return(bytes),
    };
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = if strip { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        let number =
            decoded.numbers.get(index).or(decoded.numbers.last()).copied().unwrap_or_default();
        match std::str::from_utf8(line) {
            Ok(text) if !line.contains(&0x1b) => body.push(number, line, text),
            _ => {
                let text = text_of(line);
                body.push(number, line, text.trim_end_matches(['\n', '\r']));
            }
        }
    }
}

/// Whether the headings of the first diff end in a carriage return: then the transport put it there.
/// Where they do not, that of a line in a hunk is one of the patched file. None without a diff.
fn diff_ends_in_carriage_return(bytes: &[u8]) -> Option<bool> {
    bytes
        .split(|b| *b == b'\n')
        .take(20_000)
        .find(|line| line.starts_with(b"diff --git ") || line.starts_with(b"@@ -"))
        .map(|line| line.last() == Some(&b'\r'))
}

/// Whether carriage returns belong to the transport.
fn mostly_end_in_carriage_return(bytes: &[u8]) -> bool {
    let mut ends = 0usize;
    let mut all = 0usize;
    for line in bytes.split(|b| *b == b'\n').take(2000) {
        all += 1;
        ends += usize::from(line.last() == Some(&b'\r'));
    }
    ends * 2 > all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(decoded: &Decoded) -> Vec<(u64, String)> {
        let mut body = Body::default();
        append(&mut body, decoded, true, |b| String::from_utf8_lossy(b).into_owned());
        body.lines().map(|l| (l.number, l.text.to_owned())).collect()
    }

    #[test]
    fn quoted_printable_lines_keep_the_number_of_the_line_they_begin_on() {
        let decoded = decode(b"one =\ntwo=20\nthree=3D\n\nfour", Transfer::QuotedPrintable, 10);
        let expected = [(10, "one two "), (12, "three="), (13, ""), (14, "four")]
            .map(|(n, t)| (n, t.to_owned()));
        assert_eq!(lines(&decoded), expected);
    }

    #[test]
    fn base64_lines_keep_the_number_of_the_line_they_begin_on() {
        // "first\nsecond\nthird\n" cut after 8 characters of code.
        let decoded = decode(b"Zmlyc3QK\nc2Vjb25k\nCnRoaXJk\nCg==\n", Transfer::Base64, 5);
        let expected = [(5, "first"), (5, "second"), (7, "third")].map(|(n, t)| (n, t.to_owned()));
        assert_eq!(lines(&decoded), expected);
    }

    #[test]
    fn flowed_lines_are_joined_only_at_one_depth() {
        let mut decoded = decode(b"> a \n> b\nc \n> d\n-- \nsig \nx", Transfer::Identity, 1);
        unflow(&mut decoded, false);
        let expected = [(1, "> a b"), (3, "c "), (4, "> d"), (5, "-- "), (6, "sig x")]
            .map(|(n, t)| (n, t.to_owned()));
        assert_eq!(lines(&decoded), expected);
    }

    #[test]
    fn a_patch_that_was_never_stuffed_keeps_its_blanks_whatever_the_header_says() {
        let plain = b"@@ -1,3 +1,3 @@ f\n \n-a\n+b\n \tc\n";
        let stuffed = b"@@ -1,3 +1,3 @@ f\n  {\n-a\n+b\n  \tc\n";
        let mut kept = decode(plain, Transfer::Identity, 1);
        unflow(&mut kept, false);
        assert_eq!(kept.bytes, plain);
        let mut undone = decode(stuffed, Transfer::Identity, 1);
        unflow(&mut undone, false);
        assert_eq!(undone.bytes, b"@@ -1,3 +1,3 @@ f\n {\n-a\n+b\n \tc\n");
    }

    #[test]
    fn carriage_returns_of_a_patched_file_stay_and_those_of_the_transport_go() {
        let mut body = Body::default();
        let plain = Decoded {
            bytes: b"diff --git a/x b/x\n-a\r\n".to_vec(),
            numbers: vec![1, 2],
            problem: None,
        };
        append(&mut body, &plain, true, |_| String::new());
        assert_eq!(body.line(1).raw, b"-a\r");
        let mut body = Body::default();
        append(&mut body, &plain, false, |_| String::new());
        assert_eq!(body.line(1).raw, b"-a\r", "the transport puts them on all lines or none");
        let mut body = Body::default();
        let sent = Decoded {
            bytes: b"Hi\r\ndiff --git a/x b/x\r\n-a\r\n+\r\r\n".to_vec(),
            numbers: vec![1, 2, 3, 4],
            problem: None,
        };
        append(&mut body, &sent, false, |_| String::new());
        assert_eq!(body.line(1).raw, b"diff --git a/x b/x");
        assert_eq!((body.line(2).raw, body.line(3).raw), (&b"-a"[..], &b"+\r"[..]));
    }
}
