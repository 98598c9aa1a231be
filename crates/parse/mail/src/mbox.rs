//! Cuts mbox files into messages, in the dialects that lists and tools write.
//!
//! A `From ` line inside a message is escaped by good writers and not by bad ones, so a line counts
//! as a separator only if it looks like those of the same file: archives of public-inbox have
//! `From mboxrd@z`, patches of git have the date of all its patches, others have a date and are
//! followed by a header.

use std::borrow::Cow;

/// A message inside an mbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<'a> {
    /// Number of the first line behind the `From ` line, from 1.
    pub first_line: u64,
    /// The message with its `From ` escapes undone.
    pub bytes: Cow<'a, [u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    PublicInbox,
    Git,
    Dated,
}

const GIT_DATE: &[u8] = b"Mon Sep 17 00:00:00 2001";

/// Whether `bytes` begin with the separator of an mbox.
pub fn is_mbox(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    dialect(first_line(bytes.trim_ascii_start())).is_some()
}

/// Cuts an mbox into its messages. Text before the first separator is a message of its own, so that
/// nothing is lost.
pub fn messages(bytes: &[u8]) -> impl Iterator<Item = Slice<'_>> {
    let bom = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let lead = bytes[bom..].len() - bytes[bom..].trim_ascii_start().len() + bom;
    let kind = dialect(first_line(&bytes[lead..]));
    Cutter { bytes, at: lead, line: 1 + count(&bytes[..lead]), kind }
}

struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    kind: Option<Dialect>,
}

impl<'a> Iterator for Cutter<'a> {
    type Item = Slice<'a>;

    fn next(&mut self) -> Option<Slice<'a>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|r| !r.is_empty())?;
            let mut start = 0;
            if self.is_separator(self.at) {
                start = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
            }
            let end = if rest[start..].starts_with(b"From ") && self.is_separator(self.at + start) {
                start
            } else {
                memchr::memmem::find_iter(&rest[start..], b"\nFrom ")
                    .map(|at| start + at + 1)
                    .find(|at| self.is_separator(self.at + at))
                    .unwrap_or(rest.len())
            };
            let first_line = self.line + count(&rest[..start]);
            let message = &rest[start..end];
            self.line += count(&rest[..end]);
            self.at += end;
            if message.trim_ascii().is_empty() {
                continue;
            }
            // The blank line before a separator belongs to it.
            let message = match self.at < self.bytes.len() {
                true if message.ends_with(b"\n\n") => &message[..message.len() - 1],
                true if message.ends_with(b"\n\r\n") => &message[..message.len() - 2],
                _ => message,
            };
            return Some(Slice { first_line, bytes: unescape(message) });
        }
    }
}

impl Cutter<'_> {
    fn is_separator(&self, at: usize) -> bool {
        let Some(kind) = self.kind else { return false };
        let line = first_line(&self.bytes[at..]);
        match (dialect(line), kind) {
            (Some(Dialect::PublicInbox), _) => true,
            // Archives of public-inbox escape every such line of a mail, so one that begins a mail
            // was put behind them from elsewhere.
            (Some(_), Dialect::PublicInbox) => {
                let next = self.bytes.get(at + line.len() + 1..).unwrap_or_default();
                begins_mail(next)
            }
            (Some(Dialect::Git), Dialect::Git)
            | (Some(Dialect::Dated), Dialect::Dated | Dialect::Git) => {
                let next = self.bytes.get(at + line.len() + 1..).unwrap_or_default();
                is_header(first_line(next))
            }
            _ => false,
        }
    }
}

/// Whether headers stand here, two at least, one of those that tell who wrote what when.
fn begins_mail(bytes: &[u8]) -> bool {
    let mut headers = 0;
    let mut known = false;
    for line in bytes.split(|b| *b == b'\n').take(200) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        if line.is_empty() || !is_header(line) {
            break;
        }
        headers += 1;
        known |=
            [&b"from:"[..], b"subject:", b"date:", b"message-id:", b"received:", b"return-path:"]
                .iter()
                .any(|name| line.get(..name.len()).is_some_and(|l| l.eq_ignore_ascii_case(name)));
    }
    headers >= 2 && known
}

fn dialect(line: &[u8]) -> Option<Dialect> {
    let rest = line.strip_prefix(b"From ")?;
    if rest.starts_with(b"mboxrd@z ") {
        return Some(Dialect::PublicInbox);
    }
    let rest = rest.trim_ascii_end();
    if rest.ends_with(GIT_DATE) {
        return Some(Dialect::Git);
    }
    // A sender, then a date with a time of day and a year.
    let words: Vec<&[u8]> =
        rest.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).take(16).collect();
    let clock = words.iter().any(|w| {
        w.len() >= 5 && w[0].is_ascii_digit() && w.iter().filter(|b| **b == b':').count() >= 1
    });
    let year = words
        .iter()
        .any(|w| w.len() == 4 && w.iter().all(u8::is_ascii_digit) && matches!(w[0], b'1' | b'2'));
    (words.len() >= 5 && clock && year).then_some(Dialect::Dated)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..end])
}

/// `Name: …`, also escaped or as a second `From ` line that some tools add.
pub(crate) fn is_header(line: &[u8]) -> bool {
    let line = line.strip_prefix(b">").unwrap_or(line);
    if line.starts_with(b"From ") {
        return true;
    }
    match memchr::memchr(b':', line) {
        Some(end) if (1..=76).contains(&end) => {
            line[..end].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_')
        }
        _ => false,
    }
}

fn count(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Takes one `>` from every line that is `>`s and `From `.
fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(bytes, b">From ").is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let depth = line.iter().take_while(|b| **b == b'>').count();
        let escaped = depth > 0 && line[depth..].starts_with(b"From ");
        out.extend_from_slice(&line[usize::from(escaped)..]);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(u64, String)> {
        messages(text.as_bytes())
            .map(|s| (s.first_line, String::from_utf8_lossy(&s.bytes).into_owned()))
            .collect()
    }

    #[test]
    fn a_from_line_inside_a_message_does_not_cut_it() {
        let text = "From mboxrd@z Thu Jan  1 00:00:00 1970\nSubject: a\n\n>From here\n\
                    From a@b Thu Jan  1 00:00:00 2026\nX: y\n\n\
                    From mboxrd@z Thu Jan  1 00:00:00 1970\nSubject: b\n\nx\n";
        let found = cut(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, 2);
        assert!(found[0].1.contains("\nFrom here\n"), "{found:?}");
        assert_eq!(found[1].0, 9);
    }

    #[test]
    fn mailboxes_of_several_tools_in_one_file_lose_no_mail() {
        let public = "From mboxrd@z Thu Jan  1 00:00:00 1970\nSubject: a\nFrom: A <a@b>\n\nx\n\n";
        let dated = "From a@b Fri May  8 10:00:00 2026\nReceived: x\nSubject: b\n\ny\n\n";
        let git = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
                   From: A <a@b>\nSubject: c\n\nz\n\n";
        assert_eq!(cut(&[public, dated, git, public].concat()).len(), 4);
        assert_eq!(cut(&[dated, public, dated].concat()).len(), 3);
        assert_eq!(cut(&[git, public, git, dated].concat()).len(), 4);
    }

    #[test]
    fn a_git_patch_pasted_into_a_mail_does_not_cut_it() {
        let text = "From a@b Fri May  8 10:00:00 2026\nSubject: a\n\nsee\n\
                    From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
                    From: A <a@b>\n";
        assert_eq!(cut(text).len(), 1);
        assert!(!is_mbox(b"From me to you\n"));
    }
}
