//! A written analysis as a reader sees it: headings, sentences, quoted mail, stacks, console lines,
//! code.
//!
//! Invariants: every line has exactly one kind; a sentence knows all lines it stands on; a sentence
//! never crosses a blank line, a heading, a list item or a fence. Any bytes give a document.

use std::borrow::Cow;

use model::LineSpan;
use parse_console::Line;

use crate::console::is_console;

/// The most lines of an analysis that are read. Longer input is a log, not an analysis.
pub const MOST_LINES: usize = 200_000;
/// The longest sentence kept, in bytes; the rest of a longer one is a sentence of its own.
const LONGEST_SENTENCE: usize = 4_000;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Nothing.
    Blank,
    /// A heading, or the subject of a mail.
    Heading,
    /// Running text.
    Prose,
    /// Text of somebody else, after `>`.
    Quoted,
    /// A header of a mail other than the subject, or a trailer.
    Header,
    /// A line of a kernel console.
    Console,
    /// A stack or a drawing that is not a console's: inside a fence, or indented frames.
    Stack,
    /// Source code or a patch.
    Code,
    /// The line that opens or closes a fence.
    Fence,
}

/// One sentence of the author's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its text, on one line, marks of emphasis and code taken off.
    pub text: String,
    /// The lines it stands on.
    pub lines: LineSpan,
    /// The heading above it, empty at the top.
    pub heading: String,
    /// It is a heading itself.
    pub is_heading: bool,
    /// Byte offsets into `text` at which a new line of the document begins.
    breaks: Vec<(usize, u64)>,
}

impl Sentence {
    /// The lines of a part of the text.
    pub fn lines_of(&self, range: std::ops::Range<usize>) -> LineSpan {
        let at = |offset: usize| {
            self.breaks
                .iter()
                .rev()
                .find(|(start, _)| *start <= offset)
                .map_or(self.lines.first, |b| b.1)
        };
        LineSpan::new(at(range.start), at(range.end.saturating_sub(1).max(range.start)))
    }
}

/// A written analysis, taken apart.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// The text of each line as it stands, first to last.
    pub raw: Vec<Cow<'a, str>>,
    /// The kind of each line.
    pub kinds: Vec<LineKind>,
    /// The author's sentences, in order.
    pub sentences: Vec<Sentence>,
    /// The lines of consoles and stacks with their prefixes taken off.
    pub console: Vec<Line<'a>>,
}

impl Document<'_> {
    /// The lines of one kind, with their numbers.
    pub fn of_kind(&self, kind: LineKind) -> impl Iterator<Item = (u64, &str)> {
        (1u64..)
            .zip(&self.raw)
            .zip(&self.kinds)
            .filter(move |(_, k)| **k == kind)
            .map(|((number, text), _)| (number, text.as_ref()))
    }

    /// The kind of a line, counted from 1.
    pub fn kind_of(&self, number: u64) -> Option<LineKind> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.kinds.get(at).copied()
    }

    /// The text of a line, counted from 1.
    pub fn line(&self, number: u64) -> &str {
        usize::try_from(number)
            .ok()
            .and_then(|n| self.raw.get(n.checked_sub(1)?))
            .map_or("", AsRef::as_ref)
    }
}

/// Takes an analysis apart.
pub fn read(bytes: &[u8]) -> Document<'_> {
    let raw: Vec<Cow<'_, str>> = bytes
        .split(|b| *b == b'\n')
        .take(MOST_LINES)
        .map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            String::from_utf8_lossy(line)
        })
        .collect();
    let console: Vec<Line<'_>> =
        parse_console::lines(bytes).take_while(|line| line.number as usize <= raw.len()).collect();
    let kinds = kinds(&raw, &console);
    let sentences = sentences(&raw, &kinds);
    Document { raw, kinds, sentences, console }
}

fn kinds(raw: &[Cow<'_, str>], console: &[Line<'_>]) -> Vec<LineKind> {
    let mut is_log = vec![false; raw.len()];
    for line in console {
        if is_console(line)
            && let Some(flag) = is_log.get_mut((line.number - 1) as usize)
        {
            *flag = true;
        }
    }
    let mut kinds = Vec::with_capacity(raw.len());
    let mut fence: Option<Fence> = None;
    let mut in_head = starts_as_mail(raw);
    let mut in_patch = false;
    for (at, line) in raw.iter().enumerate() {
        let trimmed = line.trim();
        if let Some(open) = &fence {
            if is_fence(trimmed) {
                kinds.push(LineKind::Fence);
                fence = None;
            } else if trimmed.is_empty() {
                kinds.push(LineKind::Blank);
            } else if is_log[at] {
                kinds.push(LineKind::Console);
            } else {
                kinds.push(if open.is_code { LineKind::Code } else { LineKind::Stack });
            }
            continue;
        }
        if is_fence(trimmed) {
            fence = Some(Fence { is_code: fence_holds_code(raw, at) });
            kinds.push(LineKind::Fence);
            continue;
        }
        if trimmed.is_empty() {
            in_head = false;
            kinds.push(LineKind::Blank);
            continue;
        }
        if in_head {
            let subject = trimmed.len() >= 8
                && trimmed[..trimmed.floor_char_boundary(8)].eq_ignore_ascii_case("subject:");
            kinds.push(if subject { LineKind::Heading } else { LineKind::Header });
            continue;
        }
        if trimmed.starts_with('>') {
            kinds.push(LineKind::Quoted);
            continue;
        }
        if trimmed.starts_with("diff --git ") || (trimmed.starts_with("--- a/")) {
            in_patch = true;
        }
        if in_patch {
            let more = line.starts_with(['+', '-', ' ', '@', '\\', '\t'])
                || ["diff ", "index ", "new file", "deleted file"]
                    .iter()
                    .any(|s| line.starts_with(s));
            if more {
                kinds.push(LineKind::Code);
                continue;
            }
            in_patch = false;
        }
        kinds.push(if is_log[at] {
            LineKind::Console
        } else if is_heading(trimmed, raw.get(at + 1).map(|l| l.trim())) {
            LineKind::Heading
        } else if is_trailer(trimmed) {
            LineKind::Header
        } else if is_indented_code(line) {
            LineKind::Code
        } else if is_indented_frame(line) {
            LineKind::Stack
        } else {
            LineKind::Prose
        });
    }
    kinds
}

struct Fence {
    is_code: bool,
}

fn is_fence(trimmed: &str) -> bool {
    trimmed.starts_with("```") || trimmed.starts_with("~~~")
}

/// `do_it()`, `do_it`, `-> do_it() (a.c:12)`: a function alone on its line, as people write stacks by hand.
fn is_bare_frame(line: &str) -> bool {
    let line = line.trim_start_matches(['-', '>', '|', '+', '`', '#', ' ', '\t']);
    let name = line.split([' ', '(', '+']).next().unwrap_or_default();
    let symbol = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    let rest = &line[name.len()..];
    symbol
        && name.contains('_')
        && (rest.is_empty() || rest.starts_with("()") || rest.starts_with("+0x"))
}

/// Whether a fence holds source code or a patch: by its label, else by its look.
fn fence_holds_code(raw: &[Cow<'_, str>], at: usize) -> bool {
    const LABELS: [&str; 12] =
        ["c", "h", "cpp", "diff", "patch", "rust", "python", "py", "make", "kconfig", "asm", "go"];
    let label = raw[at].trim().trim_start_matches(['`', '~']).trim().to_ascii_lowercase();
    if LABELS.contains(&label.as_str()) {
        return true;
    }
    let body = raw[at + 1..].iter().take_while(|l| !is_fence(l.trim())).take(200);
    let (mut lines, mut code) = (0usize, 0usize);
    for line in body {
        let line = line.trim();
        if !line.is_empty() {
            lines += 1;
            code += usize::from(
                line.ends_with([';', '{', '}']) || line.starts_with(['+', '-', '#', '@']),
            );
        }
    }
    lines > 0 && code * 2 > lines
}

fn starts_as_mail(raw: &[Cow<'_, str>]) -> bool {
    let known = |line: &str| {
        [
            "from:",
            "from ",
            "subject:",
            "date:",
            "to:",
            "cc:",
            "message-id:",
            "return-path:",
            "received:",
            "in-reply-to:",
        ]
        .iter()
        .any(|head| line.get(..head.len()).is_some_and(|h| h.eq_ignore_ascii_case(head)))
    };
    raw.iter().take(6).filter(|line| known(line)).count() >= 2
}

/// A Markdown heading, or a short line underlined by `===` or `---`.
fn is_heading(trimmed: &str, next: Option<&str>) -> bool {
    let hashes = trimmed.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&hashes) {
        // `#0 function` and `#syz fix:` are no headings.
        return trimmed.as_bytes().get(hashes) == Some(&b' ');
    }
    let underlined = |mark: char| {
        next.is_some_and(|n| n.len() >= 3 && n.chars().all(|c| c == mark))
            && trimmed.len() < 80
            && trimmed.chars().any(char::is_alphabetic)
    };
    underlined('=') || underlined('-')
}

/// `Reported-by: …` and its kin.
pub(crate) fn is_trailer(trimmed: &str) -> bool {
    let Some((key, value)) = trimmed.split_once(": ") else { return false };
    !value.is_empty()
        && (key.ends_with("-by")
            || matches!(key, "Fixes" | "Closes" | "Link" | "Cc" | "Message-ID"))
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_indented_code(line: &str) -> bool {
    let trimmed = line.trim();
    line.starts_with([' ', '\t'])
        && (trimmed.ends_with([';', '{', '}']) && trimmed.len() < 200)
        && !trimmed.contains(". ")
}

/// Frames written without offsets: an indented line that is one function, with or without a place,
/// and nothing else.
fn is_indented_frame(line: &str) -> bool {
    line.starts_with([' ', '\t']) && is_bare_frame(line.trim())
}

/// Joins lines of prose to paragraphs and cuts them into sentences.
fn sentences(raw: &[Cow<'_, str>], kinds: &[LineKind]) -> Vec<Sentence> {
    let mut out = Vec::new();
    let mut heading = String::new();
    let mut paragraph = Paragraph::default();
    for (at, (line, kind)) in raw.iter().zip(kinds).enumerate() {
        let number = at as u64 + 1;
        match kind {
            LineKind::Prose => {
                let (text, is_item) = strip_marks(line.trim());
                if is_item {
                    paragraph.finish(&heading, &mut out);
                }
                paragraph.add(&text, number);
            }
            LineKind::Heading => {
                paragraph.finish(&heading, &mut out);
                let text = heading_text(line.trim());
                heading.clone_from(&text);
                paragraph.add(&text, number);
                paragraph.is_heading = true;
                paragraph.finish(&heading, &mut out);
            }
            _ => paragraph.finish(&heading, &mut out),
        }
    }
    paragraph.finish(&heading, &mut out);
    out
}

fn heading_text(trimmed: &str) -> String {
    let text = trimmed.trim_start_matches('#').trim();
    let text = match text.get(..8) {
        Some(head) if head.eq_ignore_ascii_case("subject:") => text[8..].trim(),
        _ => text,
    };
    strip_marks(text).0
}

/// Takes off list marks, emphasis and code marks; tells whether the line began a list item.
fn strip_marks(text: &str) -> (String, bool) {
    let mut rest = text;
    let mut item = false;
    for mark in ["- ", "* ", "+ ", "• "] {
        if let Some(after) = rest.strip_prefix(mark) {
            rest = after;
            item = true;
            break;
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits)
        && let Some(after) =
            rest[digits..].strip_prefix(". ").or_else(|| rest[digits..].strip_prefix(") "))
    {
        rest = after;
        item = true;
    }
    let mut text: String = rest.replace("**", "").replace("__ ", " ");
    text.retain(|c| c != '`');
    (text.trim().to_owned(), item || rest.starts_with("**"))
}

#[derive(Default)]
struct Paragraph {
    text: String,
    breaks: Vec<(usize, u64)>,
    is_heading: bool,
}

impl Paragraph {
    fn add(&mut self, text: &str, line: u64) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.breaks.push((self.text.len(), line));
        self.text.push_str(text);
    }

    fn finish(&mut self, heading: &str, out: &mut Vec<Sentence>) {
        let text = std::mem::take(&mut self.text);
        let breaks = std::mem::take(&mut self.breaks);
        let is_heading = std::mem::take(&mut self.is_heading);
        let mut start = 0;
        for end in sentence_ends(&text) {
            let piece = &text[start..end];
            let lead = piece.len() - piece.trim_start().len();
            let piece = piece.trim();
            if piece.chars().any(char::is_alphanumeric) {
                let from = start + lead;
                let own: Vec<(usize, u64)> = breaks
                    .iter()
                    .filter(|(offset, _)| *offset < from + piece.len())
                    .map(|&(offset, line)| (offset.saturating_sub(from), line))
                    .collect();
                // Breaks before the sentence collapse onto its start: the last of them counts.
                let first_real = own.iter().rposition(|(offset, _)| *offset == 0).unwrap_or(0);
                let own = own[first_real..].to_vec();
                let lines = LineSpan::new(own[0].1, own[own.len() - 1].1);
                out.push(Sentence {
                    text: piece.to_owned(),
                    lines,
                    heading: heading.to_owned(),
                    is_heading,
                    breaks: own,
                });
            }
            start = end;
        }
    }
}

/// Where sentences end. A full stop ends one when a blank and a capital, a digit or a mark follows,
/// unless it belongs to an abbreviation.
fn sentence_ends(text: &str) -> Vec<usize> {
    const ABBREVIATIONS: [&str; 18] = [
        "e.g.", "i.e.", "vs.", "cf.", "etc.", "resp.", "approx.", "incl.", "Mr.", "Dr.", "esp.",
        "max.", "min.", "no.", "fig.", "sec.", "ca.", "a.k.a.",
    ];
    let bytes = text.as_bytes();
    let mut ends = Vec::new();
    let mut last = 0;
    for at in 0..bytes.len() {
        let mark = matches!(bytes[at], b'.' | b'!' | b'?')
            || (bytes[at] == b';' && bytes.get(at + 1) == Some(&b' '));
        let next_is_blank = bytes.get(at + 1).is_none_or(|b| *b == b' ');
        let too_long = at - last >= LONGEST_SENTENCE && text.is_char_boundary(at + 1);
        if !too_long {
            if !(mark && next_is_blank) {
                continue;
            }
            if ABBREVIATIONS.iter().any(|a| text[..=at].ends_with(a)) {
                continue;
            }
            let follows = text[at + 1..].trim_start().chars().next();
            // Names of functions and tasks begin sentences, and are written small.
            let word = text[..at].rsplit(' ').next().unwrap_or_default();
            let whole = (word.len() >= 3 || word.bytes().all(|b| b.is_ascii_digit()))
                && word.ends_with(|c: char| c.is_alphanumeric() || ")]\"'".contains(c));
            if bytes[at] != b';' && follows.is_some_and(char::is_lowercase) && !whole {
                continue;
            }
        }
        ends.push(at + 1);
        last = at + 1;
    }
    if last < text.len() {
        ends.push(text.len());
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_knows_its_lines() {
        let document = read(
            b"# Title\n\nThe first sentence. The second one\ngoes on here, e.g. with v6.x, and\nends. A third.\n\n- item one\n- item two\n",
        );
        let found: Vec<_> = document.sentences.iter().map(|s| (s.text.as_str(), s.lines)).collect();
        assert_eq!(
            found,
            [
                ("Title", LineSpan::line(1)),
                ("The first sentence.", LineSpan::line(3)),
                ("The second one goes on here, e.g. with v6.x, and ends.", LineSpan::new(3, 5)),
                ("A third.", LineSpan::line(5)),
                ("item one", LineSpan::line(7)),
                ("item two", LineSpan::line(8)),
            ]
        );
        let second = &document.sentences[2];
        let at = second.text.find("ends").unwrap();
        assert_eq!(second.lines_of(at..at + 4), LineSpan::line(5));
    }

    #[test]
    fn fences_quotes_logs_and_code_are_no_prose() {
        let document = read(
            b"Text.\n```\nschedule\n  do_it\n```\n> quoted. Text.\n```c\nint x;\n```\n[   12.345678] BUG: soft lockup - CPU#1 stuck for 22s! [x:1]\n\tif (x) {\nReported-by: A <a@b.org>\n",
        );
        use LineKind::*;
        assert_eq!(
            document.kinds[..12],
            [Prose, Fence, Stack, Stack, Fence, Quoted, Fence, Code, Fence, Console, Code, Header]
        );
        assert_eq!(document.sentences.len(), 1);
    }

    #[test]
    fn the_head_of_a_mail_is_no_prose_but_its_subject_is_a_heading() {
        let document =
            read(b"From: a@b.org\nSubject: Re: deadlock in foo\nTo: c@d.org\n\nHello.\n");
        assert_eq!(document.kinds[..2], [LineKind::Header, LineKind::Heading]);
        assert_eq!(document.sentences[0].text, "Re: deadlock in foo");
        assert!(document.sentences[0].is_heading);
    }

    #[test]
    fn any_bytes_give_a_document() {
        for bytes in
            [&b"\xff\xfe\x00"[..], b"```", b"#", b"> ", b". . . ?", b"\r\n\r\n", b"- ", b"1. "]
        {
            let _ = read(bytes);
        }
    }
}
