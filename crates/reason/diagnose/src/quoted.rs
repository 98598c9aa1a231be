//! Mails as they were sent: lines that quoted-printable cut in two, and the signs it spells as `=3D`. A log
//! saved from a raw mail is joined again before its lines are read.
//!
//! Invariant: a log that is no such mail passes through unchanged; a joined line keeps the number of its first
//! part and is bounded.

use std::borrow::Cow;

use read_console::LONGEST_LINE;

/// Longest line that quoted-printable allows (RFC 2045, 6.7), the sign of a soft break included.
const LONGEST: usize = 76;
/// Before a mail is known to be quoted-printable, only a line about as long as allowed counts as cut.
const ABOUT: usize = 68;

/// A line cut in two, waiting for its rest.
#[derive(Clone, Debug)]
struct Part {
    text: Vec<u8>,
    number: u64,
    offset: u64,
}

/// Joins what quoted-printable cut.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuotedPrintable {
    on: bool,
    part: Option<Part>,
}

impl QuotedPrintable {
    /// Whether lines are being decoded, so that none may be skipped unread.
    pub(crate) const fn is_on(&self) -> bool {
        self.on
    }

    /// Takes a raw line; gives it back with its number and offset, joined and decoded where it needs to be.
    /// `None` while a line is incomplete.
    pub(crate) fn take<'a>(
        &mut self,
        raw: &'a [u8],
        number: u64,
        offset: u64,
    ) -> Option<(Cow<'a, [u8]>, u64, u64)> {
        let body = raw.strip_suffix(b"\r").unwrap_or(raw);
        let cut = self.is_cut(body);
        if cut {
            self.on = true;
            let rest = &body[..body.len() - 1];
            let part = self.part.get_or_insert(Part { text: Vec::new(), number, offset });
            let room = LONGEST_LINE.saturating_sub(part.text.len());
            part.text.extend_from_slice(&rest[..rest.len().min(room)]);
            return None;
        }
        if let Some(mut part) = self.part.take() {
            let room = LONGEST_LINE.saturating_sub(part.text.len());
            part.text.extend_from_slice(&body[..body.len().min(room)]);
            let text = decoded(&part.text).into_owned();
            return Some((Cow::Owned(text), part.number, part.offset));
        }
        if let Some(encoding) = header(body) {
            self.on = encoding.eq_ignore_ascii_case(b"quoted-printable");
        } else if body.len() > LONGEST + 2 {
            self.on = false;
        }
        let text = if self.on { decoded(raw) } else { Cow::Borrowed(raw) };
        Some((text, number, offset))
    }

    /// The line that was still incomplete at the end.
    pub(crate) fn finish(&mut self) -> Option<(Vec<u8>, u64, u64)> {
        let part = self.part.take()?;
        Some((decoded(&part.text).into_owned(), part.number, part.offset))
    }

    fn is_cut(&self, body: &[u8]) -> bool {
        let least = if self.on || self.part.is_some() { 2 } else { ABOUT };
        // A ruler of equal signs is none: quoted-printable spells them.
        body.ends_with(b"=") && !body.ends_with(b"==") && (least..=LONGEST).contains(&body.len())
    }
}

/// The value of a `Content-Transfer-Encoding` header.
fn header(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"content-transfer-encoding:";
    let head = line.get(..NAME.len())?;
    head.eq_ignore_ascii_case(NAME).then(|| line[NAME.len()..].trim_ascii())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, u64)> {
        let mut mail = QuotedPrintable::default();
        let mut out: Vec<(String, u64)> = text
            .lines()
            .enumerate()
            .filter_map(|(at, line)| mail.take(line.as_bytes(), at as u64 + 1, 0))
            .map(|(text, number, _)| (String::from_utf8_lossy(&text).into_owned(), number))
            .collect();
        out.extend(mail.finish().map(|(t, n, _)| (String::from_utf8_lossy(&t).into_owned(), n)));
        out
    }

    #[test]
    fn a_line_cut_by_a_soft_break_is_one_line_with_its_first_number() {
        let text = "[   31.712052] BUG: workqueue lockup - pool cpus=3D1 node=3D0 flags=3D0x0 n=\nice=3D0 stuck for 30s!\n[   31.716029] nice=3D0\n";
        assert_eq!(
            read(text),
            [
                ("[   31.712052] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 30s!".to_owned(), 1),
                ("[   31.716029] nice=0".to_owned(), 3)
            ]
        );
    }

    #[test]
    fn a_plain_log_stays_as_it_is() {
        let text = format!("{}\n(t=10501 jiffies g=3D1)\nx=\ny\n", "=".repeat(75));
        let lines: Vec<String> = read(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines.join("\n") + "\n", text);
    }

    #[test]
    fn the_header_of_a_mail_switches_the_decoding_on_and_off() {
        let text = "Content-Transfer-Encoding: quoted-printable\na=3Db\nContent-Transfer-Encoding: 8bit\na=3Db\n";
        let lines: Vec<String> = read(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!((&*lines[1], &*lines[3]), ("a=b", "a=3Db"));
    }
}
