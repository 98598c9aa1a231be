//! Decoded mails and notes to whole lines: what mail programs broke is joined, the headers of a mail are left out,
//! and of two forms of one text (plain and HTML) the plain one is read.
//!
//! Invariants: numbers of lines stay those of the input (empty lines stand in for what was joined or left out);
//! memory holds one paragraph of bounded size; what is longer than a mail passes unchanged.

use model::LineSpan;

use crate::flowed::{self, Flowed};
use crate::{LONGEST_LINE, wrap};

/// Mail is short: lists refuse more than some hundred KiB. What comes behind is a log of a machine. Bytes.
const MAIL_LIMIT: u64 = 1 << 20;
/// Longest paragraph that is held, bytes.
const PARAGRAPH_LIMIT: usize = 256 << 10;
/// Headers of which one begins each mail as people save it.
const FIRST_HEADERS: &[&str] = &[
    "archived-at",
    "authentication-results",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "in-reply-to",
    "list-id",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-spam-checker-version",
];

/// Where in a mail the next line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing was read yet.
    #[default]
    Start,
    Headers,
    Body,
    /// Behind a line that separates parts: its headers may follow.
    PartHeaders,
    /// The text of a part that repeats another in HTML.
    Skipped,
}

/// Joins lines in a stream of decoded bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joiner {
    seen: u64,
    /// Lines that were given out, and which of them stand for several.
    given: u64,
    joined: JoinedLines,
    passing: bool,
    place: Place,
    flowed: Option<Flowed>,
    /// The content type that is being read; it may be folded.
    content: String,
    in_content: bool,
    /// The unfinished last line.
    tail: Vec<u8>,
    /// Whole lines of the open paragraph.
    paragraph: Vec<u8>,
    out: Vec<u8>,
}

impl Joiner {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8], mut sink: impl FnMut(&[u8])) {
        if self.passing {
            return sink(piece);
        }
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = (&rest[..end], &rest[end + 1..]);
            rest = behind;
            self.seen += end as u64 + 1;
            if self.tail.is_empty() {
                self.line(line);
            } else {
                let mut first = std::mem::take(&mut self.tail);
                self.seen += first.len() as u64;
                first.extend_from_slice(line);
                self.line(&first);
            }
            if self.seen > MAIL_LIMIT {
                break;
            }
        }
        self.tail.extend_from_slice(rest);
        if self.seen > MAIL_LIMIT || self.tail.len() > 2 * LONGEST_LINE {
            self.paragraph_ends();
            self.out.append(&mut self.tail);
            self.passing = true;
        }
        self.give(&mut sink);
    }

    /// Ends the input.
    pub(crate) fn finish(&mut self, mut sink: impl FnMut(&[u8])) {
        let tail = std::mem::take(&mut self.tail);
        if !tail.is_empty() {
            self.line(&tail);
            self.paragraph_ends();
            // The last line had no end.
            self.out.pop();
        }
        self.paragraph_ends();
        self.give(&mut sink);
    }

    fn give(&mut self, sink: &mut impl FnMut(&[u8])) {
        if !self.out.is_empty() {
            sink(&self.out);
            self.out.clear();
        }
    }

    /// Lines that were put together.
    pub(crate) const fn joined(&self) -> &JoinedLines {
        &self.joined
    }

    /// Takes one line without its end.
    fn line(&mut self, line: &[u8]) {
        let bare = line.strip_suffix(b"\r").unwrap_or(line);
        if self.place == Place::Start && !bare.is_empty() {
            let first =
                header_name(bare).is_some_and(|name| FIRST_HEADERS.contains(&name.as_str()));
            self.place =
                if first || bare.starts_with(b"From ") { Place::Headers } else { Place::Body };
            if self.place == Place::Headers {
                self.header(bare);
                return self.emit(b"");
            }
        }
        match self.place {
            Place::Headers => {
                if self.header(bare) {
                    return self.emit(b"");
                }
                self.headers_end();
            }
            Place::PartHeaders => {
                if !self.header(bare) {
                    self.headers_end();
                }
            }
            Place::Skipped if !is_separator(bare) => return self.emit(b""),
            Place::Start | Place::Body | Place::Skipped => {}
        }
        if is_separator(bare) {
            if self.place == Place::Skipped {
                self.flowed = None;
            }
            self.place = Place::PartHeaders;
        }
        if bare.trim_ascii().is_empty() || self.paragraph.len() > PARAGRAPH_LIMIT {
            self.paragraph_ends();
        }
        self.paragraph.extend_from_slice(line);
        self.paragraph.push(b'\n');
    }

    /// Takes a line of headers; false when it is none.
    fn header(&mut self, line: &[u8]) -> bool {
        if line.is_empty() {
            return false;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if self.in_content && self.content.len() < 1024 {
                self.content.push_str(&String::from_utf8_lossy(line));
            }
            return true;
        }
        let Some(name) = header_name(line) else { return line.starts_with(b"From ") };
        self.in_content = name == "content-type";
        if self.in_content {
            self.content = String::from_utf8_lossy(&line[..line.len().min(1024)]).into_owned();
        }
        true
    }

    fn headers_end(&mut self) {
        let content = std::mem::take(&mut self.content).to_ascii_lowercase().replace('"', "");
        self.in_content = false;
        let is_part = self.place == Place::PartHeaders;
        self.place = Place::Body;
        if content.is_empty() {
            return;
        }
        self.flowed = content
            .contains("format=flowed")
            .then(|| Flowed { delete_space: content.contains("delsp=yes") });
        if is_part && content.contains("text/html") {
            self.place = Place::Skipped;
        }
    }

    fn paragraph_ends(&mut self) {
        if self.paragraph.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.paragraph);
        let body = text.strip_suffix(b"\n").unwrap_or(&text);
        let lines: Vec<&[u8]> = body
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect();
        let decoded = self.flowed.map(|flowed| flowed::join(&lines, flowed));
        let lines: Vec<&[u8]> = match &decoded {
            // Stand-ins are no ends of a paragraph; the ones that are left keep their order.
            Some(decoded) => decoded.iter().map(Vec::as_slice).collect(),
            None => lines,
        };
        match (wrap::join(&lines), &decoded) {
            (Some(joined), _) => self.emit_joined(&text, &joined),
            (None, Some(decoded)) => self.emit_joined(&text, decoded),
            (None, None) => {
                self.given += lines.len() as u64;
                self.out.extend_from_slice(&text);
            }
        }
        self.paragraph = text;
        self.paragraph.clear();
    }

    /// Gives out a paragraph; what is empty and was not in `text` stands in for a part of the line before.
    fn emit_joined(&mut self, text: &[u8], lines: &[Vec<u8>]) {
        for (line, before) in lines.iter().zip(text.split(|byte| *byte == b'\n')) {
            self.emit(line);
            if line.is_empty() && !before.trim_ascii().is_empty() {
                self.joined.part(self.given);
            }
        }
    }

    fn emit(&mut self, line: &[u8]) {
        self.out.extend_from_slice(line);
        self.out.push(b'\n');
        self.given += 1;
    }
}

/// Which lines of the result stand for several of the input: a line with the numbers behind it whose texts it took.
/// Mails are short, so this is too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedLines(Vec<LineSpan>);

impl JoinedLines {
    /// The last line of the input that the line of that number stands for; the line itself as a rule.
    pub fn last_of(&self, line: u64) -> u64 {
        let after = self.0.partition_point(|span| span.first <= line);
        match after.checked_sub(1).map(|at| self.0[at]) {
            Some(span) if line <= span.last => span.last,
            _ => line,
        }
    }

    /// The span with all parts of its last line.
    pub fn whole(&self, span: LineSpan) -> LineSpan {
        LineSpan::new(span.first, self.last_of(span.last))
    }

    /// Whether no line was joined.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that the line of that number is a part of the one before.
    fn part(&mut self, line: u64) {
        match self.0.last_mut() {
            Some(span) if span.last + 1 == line => span.last = line,
            _ => self.0.push(LineSpan::new(line.saturating_sub(1).max(1), line)),
        }
    }
}

/// The name of a header, in small letters.
fn header_name(line: &[u8]) -> Option<String> {
    let end = memchr::memchr(b':', &line[..line.len().min(80)])?;
    let name = &line[..end];
    (!name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
    .then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// `--boundary` of a mail in parts. Rulers of the kernel and of people hold blanks or nothing but their sign.
fn is_separator(line: &[u8]) -> bool {
    line.len() > 10
        && line.starts_with(b"--")
        && !line.contains(&b' ')
        && !line.iter().all(|byte| *byte == b'-')
}

#[cfg(test)]
mod tests {
    use crate::mail::text;

    fn read(input: &str) -> String {
        String::from_utf8_lossy(&text(input.as_bytes())).into_owned()
    }

    #[test]
    fn headers_of_a_mail_are_left_out_and_numbers_stay() {
        let mail = "Received: by host\n\tid 7\nSubject: BUG: soft lockup - CPU#1 stuck for 22s!\n\n[    1.000000] x\n";
        assert_eq!(read(mail), "\n\n\n\n[    1.000000] x\n");
        let log = "CPU: 1 PID: 7 Comm: x\nSubject: y\n";
        assert_eq!(read(log), log);
    }

    #[test]
    fn a_part_in_html_repeats_the_plain_one_and_is_left_out() {
        let mail = "Content-Type: multipart/alternative; boundary=\"=_b123456789\"\n\n--=_b123456789\nContent-Type: text/plain;\n charset=utf-8; format=flowed; delsp=yes\n\none  \ntwo\n\n--=_b123456789\nContent-Type: text/html\n\n<p>one two\n--=_b123456789--\n";
        let text = read(mail);
        assert!(text.contains("one two\n\n"), "{text}");
        assert!(!text.contains("<p>"), "{text}");
        assert_eq!(text.lines().count(), mail.lines().count());
    }

    #[test]
    fn joined_lines_are_known_with_all_their_parts() {
        let mail = "Subject: x\nContent-Type: text/plain; format=flowed\n\none \ntwo \nthree\n\n[   12.345678] CPU: 1 PID: 77 Comm: a worker Tainted: G        W\n6.1.0-rc7+ #60\n[   12.345690] Call Trace:\n";
        let mut decoder = crate::mail::MailDecoder::new();
        decoder.push(mail.as_bytes(), |_| {});
        decoder.finish(|_| {});
        let joined = decoder.joined();
        let last: Vec<u64> = (1..=11).map(|line| joined.last_of(line)).collect();
        assert_eq!(last, [1, 2, 3, 6, 6, 6, 7, 9, 9, 10, 11]);
        assert_eq!(joined.whole(model::LineSpan::new(2, 8)), model::LineSpan::new(2, 9));
    }

    #[test]
    fn a_log_longer_than_any_mail_passes_unchanged() {
        let log =
            "[    1.000000] a line of the log that is about as long as mail allows\nits rest\n"
                .repeat(40_000);
        let read = text(log.as_bytes());
        assert_eq!(read.split(|byte| *byte == b'\n').count(), 80_001);
        assert!(read.ends_with(b"allows\nits rest\n"));
    }
}
