//! One mail: its headers as far as a thread needs them, and its body.
//!
//! Invariants: bytes of any kind give a message, with problems noted; nothing recurses by the
//! nesting of the input; a `From` that a list rewrote is undone only where the mail itself says who
//! wrote it.

use std::borrow::Cow;
use std::sync::LazyLock;

use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::{
    Address, Encoding, HeaderName, HeaderValue, MessageParser, MessagePart, MimeHeaders as _,
    PartType,
};
use model::LineSpan;

use crate::body::{self, Body, Transfer};
use crate::html;
use crate::original;
use crate::problem::{Problem, ProblemKind};
use crate::subject::{Subject, subject};
use crate::time::{Civil, Moment};

/// Bytes of a message that are read; the rest is noted as cut.
const MAX_MESSAGE: usize = 256 << 20;
/// Boundaries and nested messages beyond which the structure is taken for an attack.
const MAX_PARTS: usize = 100;
/// People kept of one address header.
const MAX_PEOPLE: usize = 4096;

/// A name and an address as a header, a trailer or a page gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    /// The name, empty if none is given.
    pub name: String,
    /// The address, if one is given. Never made up.
    pub address: Option<String>,
}

impl Person {
    /// What to call the person: the name, else the address.
    pub fn shown(&self) -> &str {
        match (&self.address, self.name.is_empty()) {
            (Some(address), true) => address,
            _ => &self.name,
        }
    }

    /// Whether both are the same person as far as the text shows: the same address, or the same
    /// name while one of the addresses is missing or both names are full names.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.address, &other.address) {
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => true,
            _ => {
                !self.name.is_empty()
                    && same_name(&self.name, &other.name)
                    && (self.name.contains(' ')
                        || self.address.is_none()
                        || other.address.is_none())
            }
        }
    }
}

/// Names are compared without case, quotes and doubled blanks; `Last, First` is turned.
fn same_name(a: &str, b: &str) -> bool {
    a == b || plain_name(a) == plain_name(b)
}

fn plain_name(name: &str) -> String {
    let name = name.trim_matches(['"', '\'']);
    let turned = match name.split_once(", ") {
        Some((last, first)) => format!("{first} {last}"),
        None => name.to_owned(),
    };
    turned.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// How a message was at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A mail with its headers.
    Mail,
    /// A part of a page saved as text: most headers are missing.
    Page,
}

/// A text part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Index of the first line in the body.
    pub first: usize,
    /// Index behind the last line.
    pub end: usize,
    /// The file name, if it is an attachment.
    pub attachment: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it stands in the input.
    pub lines: LineSpan,
    /// The line that names its sender; the first line of a mail.
    pub from_line: u64,
    /// How it was at hand.
    pub source: Source,
    /// `Message-ID` without brackets.
    pub message_id: Option<String>,
    /// `In-Reply-To`, without brackets.
    pub in_reply_to: Vec<String>,
    /// `References`, oldest first, without brackets.
    pub references: Vec<String>,
    /// Who wrote it.
    pub from: Person,
    /// The list through whose address the mail was sent, if the list rewrote `From`.
    pub via: Option<String>,
    /// `To`.
    pub to: Vec<Person>,
    /// `Cc`.
    pub cc: Vec<Person>,
    /// The subject.
    pub subject: Subject,
    /// `Date`.
    pub date: Option<Moment>,
    /// When the last machine on the way took the mail, in seconds since 1970 (`Received`).
    pub received: Option<i64>,
    /// The age on a page, such as `3 weeks, 1 day ago`.
    pub age: Option<String>,
    /// When the message was sent that this one answers, as the tree on a page shows it; seconds
    /// since 1970, to the minute.
    pub parent_seconds: Option<i64>,
    /// The list it came from (`List-Id`), if any.
    pub list: Option<String>,
    /// `X-Patchwork-…`, bots and the like: the mail says it was sent by a machine.
    pub is_automatic: bool,
    /// The text.
    pub body: Body,
    /// Its parts in order.
    pub parts: Vec<Part>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Message {
    /// Adds `by` to the number of each line, for a file that is not the first of its input.
    pub(crate) fn shift(&mut self, by: u64) {
        let span = |s: LineSpan| LineSpan::new(s.first + by, s.last + by);
        self.lines = span(self.lines);
        self.from_line += by;
        self.body.shift(by);
        for problem in &mut self.problems {
            problem.lines = span(problem.lines);
        }
    }

    pub(crate) fn empty(lines: LineSpan, source: Source) -> Self {
        Self {
            lines,
            from_line: lines.first,
            source,
            message_id: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            from: Person::default(),
            via: None,
            to: Vec::new(),
            cc: Vec::new(),
            subject: subject(""),
            date: None,
            received: None,
            age: None,
            parent_seconds: None,
            list: None,
            is_automatic: false,
            body: Body::default(),
            parts: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// Reads one mail. `first` is the number of its first line in the input.
pub fn message(raw: &[u8], first: u64) -> Message {
    let mut cut = false;
    let raw = if raw.len() > MAX_MESSAGE {
        cut = true;
        &raw[..MAX_MESSAGE]
    } else {
        raw
    };
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let line_count = memchr::memchr_iter(b'\n', raw).count() as u64
        + u64::from(raw.last().is_some_and(|b| *b != b'\n'));
    let lines = LineSpan::new(first, first + line_count.max(1) - 1);
    let mut message = Message::empty(lines, Source::Mail);
    let problem = |line, kind| Problem { lines: LineSpan::line(line), kind };
    if cut {
        message.problems.push(problem(lines.last, ProblemKind::BodyCut { kept: MAX_MESSAGE }));
    }
    let head_end = head_end(raw);
    let deep = is_too_deep(raw);
    let parser = &*PARSER;
    let parsed = if deep { parser.parse_headers(&raw[..head_end]) } else { parser.parse(raw) };
    let Some(parsed) = parsed.filter(|p| !p.parts.is_empty()) else {
        message.problems.push(problem(first, ProblemKind::NoHeaders));
        plain_body(&mut message, raw, first, Transfer::Identity);
        return message;
    };
    read_headers(&mut message, &parsed.parts[0]);
    if message.date.is_none() {
        message.problems.push(problem(first, ProblemKind::NoDate));
    }
    if deep {
        message.problems.push(problem(first, ProblemKind::TooManyParts));
        let lines = memchr::memchr_iter(b'\n', &raw[..head_end]).count() as u64;
        plain_body(&mut message, &raw[head_end..], first + lines, Transfer::Identity);
        return message;
    }
    let mut wanted: Vec<(usize, bool)> = Vec::new();
    for id in &parsed.text_body {
        wanted.push((*id as usize, false));
    }
    for id in &parsed.attachments {
        if parsed.parts.get(*id as usize).is_some_and(is_readable_attachment) {
            wanted.push((*id as usize, true));
        }
    }
    wanted.sort_unstable();
    wanted.dedup_by_key(|w| w.0);
    let mut counted = LineCounter { raw, offset: 0, line: first };
    for (id, attached) in wanted {
        let Some(part) = parsed.parts.get(id) else { continue };
        let (start, end) = (part.offset_body as usize, part.offset_end as usize);
        let Some(bytes) = raw.get(start..end.max(start)) else { continue };
        let number = counted.at(start);
        read_part(&mut message, part, bytes, number, attached);
    }
    if message.subject.is_reply {
        original::mark(&mut message.body, &message.parts);
    }
    message
}

/// Counts lines up to growing offsets.
struct LineCounter<'a> {
    raw: &'a [u8],
    offset: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn at(&mut self, offset: usize) -> u64 {
        if offset < self.offset {
            (self.offset, self.line) = (0, self.line - self.lines(0, self.offset));
        }
        self.line += self.lines(self.offset, offset);
        self.offset = offset;
        self.line
    }

    fn lines(&self, from: usize, to: usize) -> u64 {
        self.raw.get(from..to).map_or(0, |b| memchr::memchr_iter(b'\n', b).count() as u64)
    }
}

fn head_end(raw: &[u8]) -> usize {
    let unix = memchr::memmem::find(raw, b"\n\n").map(|at| at + 2);
    let dos = memchr::memmem::find(raw, b"\r\n\r\n").map(|at| at + 4);
    match (unix, dos) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b).unwrap_or(raw.len()),
    }
}

/// Whether the mail nests so many parts that reading its structure would cost more than it is
/// worth: each boundary and each nested message is a level at worst.
fn is_too_deep(raw: &[u8]) -> bool {
    let count = |needle: &[u8]| {
        let mut found = 0usize;
        let first = needle[0];
        for at in memchr::memchr2_iter(first, first.to_ascii_uppercase(), raw) {
            if raw.get(at..at + needle.len()).is_some_and(|s| s.eq_ignore_ascii_case(needle)) {
                found += 1;
                if found > MAX_PARTS {
                    return true;
                }
            }
        }
        false
    };
    // Plain mails, the bulk of every archive, have neither word.
    let has_structure = memchr::memmem::find(raw, b"oundary").is_some()
        || memchr::memmem::find(raw, b"OUNDARY").is_some()
        || memchr::memmem::find(raw, b"essage/").is_some()
        || memchr::memmem::find(raw, b"ESSAGE/").is_some();
    has_structure && (count(b"boundary=") || count(b"message/") || count(b"boundary*"))
}

fn plain_body(message: &mut Message, bytes: &[u8], number: u64, transfer: Transfer) {
    let decoded = body::decode(bytes, transfer, number);
    body::append(&mut message.body, &decoded, false, |b| String::from_utf8_lossy(b).into_owned());
    let end = message.body.len();
    message.parts.push(Part { first: 0, end, attachment: None });
}

fn is_readable_attachment(part: &MessagePart<'_>) -> bool {
    let name = part.attachment_name().unwrap_or_default().to_ascii_lowercase();
    let named = [".patch", ".diff", ".txt", ".eml", ".log"].iter().any(|end| name.ends_with(end));
    let typed = part.content_type().is_some_and(|t| {
        let sub = t.subtype().unwrap_or_default().to_ascii_lowercase();
        t.ctype().eq_ignore_ascii_case("text") && sub != "html"
            || matches!(sub.as_str(), "x-patch" | "x-diff")
    });
    let readable =
        matches!(part.body, PartType::Text(_) | PartType::Binary(_) | PartType::InlineBinary(_));
    readable && (typed || named)
}

fn read_part(
    message: &mut Message,
    part: &MessagePart<'_>,
    bytes: &[u8],
    number: u64,
    attached: bool,
) {
    let transfer = match part.encoding {
        Encoding::None => Transfer::Identity,
        Encoding::QuotedPrintable => Transfer::QuotedPrintable,
        Encoding::Base64 => Transfer::Base64,
    };
    let mut decoded = body::decode(bytes, transfer, number);
    let mut encoded = transfer != Transfer::Identity;
    let content = part.content_type();
    let attribute = |name| content.and_then(|c| c.attribute(name)).unwrap_or_default();
    if attribute("format").eq_ignore_ascii_case("flowed") {
        body::unflow(&mut decoded, attribute("delsp").eq_ignore_ascii_case("yes"));
        encoded = true;
    }
    if let Some(kind) = decoded.problem.take() {
        message.problems.push(Problem { lines: LineSpan::line(number), kind });
    }
    let declared = attribute("charset").to_owned();
    let first = message.body.len();
    let is_html = matches!(part.body, PartType::Html(_));
    if is_html {
        if attached {
            return;
        }
        let html = charset_text(&decoded.bytes, &declared);
        for (offset, line) in html::to_text(&html) {
            let number = decoded.numbers.get(offset).or(decoded.numbers.last());
            message.body.push_text(number.copied().unwrap_or(number_of(message)), &line);
        }
        message
            .problems
            .push(Problem { lines: LineSpan::line(number), kind: ProblemKind::HtmlOnly });
    } else {
        let mut lied = false;
        body::append(&mut message.body, &decoded, encoded, |line| {
            lied |= is_utf8_name(&declared) && std::str::from_utf8(line).is_err();
            charset_text(line, &declared).into_owned()
        });
        if lied && !declared.is_empty() {
            message.problems.push(Problem {
                lines: LineSpan::line(number),
                kind: ProblemKind::Charset { declared },
            });
        }
    }
    let attachment = attached.then(|| part.attachment_name().unwrap_or("attachment").to_owned());
    message.parts.push(Part { first, end: message.body.len(), attachment });
}

fn number_of(message: &Message) -> u64 {
    message.lines.first
}

fn is_utf8_name(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|n| name.eq_ignore_ascii_case(n))
}

/// Bytes as text: UTF-8 if they are, else what the header says, else Windows-1252, as mail
/// programs do.
fn charset_text<'a>(bytes: &'a [u8], declared: &str) -> Cow<'a, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0x1b) => Cow::Borrowed(text),
        _ => {
            let name = if is_utf8_name(declared) || declared.is_empty() {
                b"windows-1252".as_slice()
            } else {
                declared.as_bytes()
            };
            match charset_decoder(name).or_else(|| charset_decoder(b"windows-1252")) {
                Some(decoder) => Cow::Owned(decoder(bytes)),
                None => String::from_utf8_lossy(bytes),
            }
        }
    }
}

/// Of a mail's many `Received` only the date of the first is wanted, so that they are not read.
static PARSER: LazyLock<MessageParser> = LazyLock::new(|| {
    MessageParser::new()
        .with_mime_headers()
        .with_date_headers()
        .with_address_headers()
        .with_message_ids()
        .header_text(HeaderName::Subject)
        .header_text(HeaderName::ListId)
});

/// When the last machine on the way took the mail: `Received` ends in `; DATE`.
fn received(value: &HeaderValue<'_>) -> Option<i64> {
    let (_, date) = value.as_text()?.rsplit_once(';')?;
    // The end of the header is the end of a date.
    let date = mail_parser::DateTime::parse_rfc822(&format!("{}\n", date.trim()))?;
    moment(&date).map(|m| m.seconds)
}

fn read_headers(message: &mut Message, part: &MessagePart<'_>) {
    let mut reply_to = Vec::new();
    let mut original = None;
    for header in &part.headers {
        match &header.name {
            HeaderName::MessageId => {
                message.message_id = message.message_id.take().or_else(|| ids(&header.value).pop());
            }
            HeaderName::InReplyTo => message.in_reply_to = ids(&header.value),
            HeaderName::References => message.references = ids(&header.value),
            HeaderName::From if message.from == Person::default() => {
                message.from = people(&header.value).into_iter().next().unwrap_or_default();
            }
            HeaderName::ReplyTo => reply_to = people(&header.value),
            HeaderName::To => message.to.extend(people(&header.value)),
            HeaderName::Cc => message.cc.extend(people(&header.value)),
            HeaderName::Subject => {
                if let Some(text) = header.value.as_text() {
                    message.subject = subject(text);
                }
            }
            HeaderName::Received if message.received.is_none() => {
                message.received = received(&header.value);
            }
            HeaderName::Date => message.date = message.date.or_else(|| date(&header.value)),
            HeaderName::ListId => {
                message.list = text_of(&header.value).map(|t| {
                    t.rsplit('<').next().unwrap_or(&t).trim_matches(['<', '>', ' ']).to_owned()
                });
            }
            HeaderName::Other(name) => {
                let value = || text_of(&header.value).unwrap_or_default();
                if name.eq_ignore_ascii_case("x-original-from")
                    || name.eq_ignore_ascii_case("x-original-sender")
                {
                    let found = person(&value());
                    if original.is_none() || !found.name.is_empty() {
                        original = Some(found);
                    }
                } else if name.eq_ignore_ascii_case("auto-submitted") {
                    message.is_automatic |= !value().trim().eq_ignore_ascii_case("no");
                } else if name.eq_ignore_ascii_case("x-patchwork-bot")
                    || name.eq_ignore_ascii_case("x-syzbot-report")
                {
                    message.is_automatic = true;
                }
            }
            _ => {}
        }
    }
    restore_from(message, original.as_ref(), &reply_to);
}

/// Undoes the `NAME via LIST <list@…>` by which lists get past DMARC.
fn restore_from(message: &mut Message, original: Option<&Person>, reply_to: &[Person]) {
    let lower = message.from.name.to_ascii_lowercase();
    let marked = lower.rfind(" via ");
    let relay = message
        .from
        .address
        .as_deref()
        .is_some_and(|a| a.starts_with("devnull+") || a.contains("via.b4"));
    if marked.is_none() && !relay {
        return;
    }
    let name = match marked {
        Some(at) => message.from.name.get(..at).unwrap_or_default().trim_matches(['\'', '"', ' ']),
        None => message.from.name.as_str(),
    }
    .to_owned();
    message.via = message
        .from
        .address
        .take()
        .or_else(|| marked.and_then(|at| message.from.name.get(at + 5..)).map(str::to_owned));
    let fits = |p: &&Person| {
        p.address.is_some()
            && (p.name.is_empty() || same_name(&p.name, &name))
            && p.address != message.via
    };
    let address = original.into_iter().chain(reply_to).find(fits).and_then(|p| p.address.clone());
    message.from = Person { name, address };
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let clean = |text: &str| text.trim_matches(['<', '>', ' ']).to_owned();
    let split = |text: &str| -> Vec<String> {
        // Some programs encode an id as if it were a subject.
        let text = if text.contains("=?") { decoded_words(text) } else { text.to_owned() };
        text.split_whitespace().map(clean).collect()
    };
    let mut all: Vec<String> = match value {
        HeaderValue::Text(text) => split(text),
        HeaderValue::TextList(list) => list.iter().flat_map(|t| split(t)).collect(),
        _ => Vec::new(),
    };
    all.retain(|id| !id.is_empty() && id.len() <= 998);
    all.truncate(MAX_PEOPLE);
    all
}

/// A text with its encoded words, `=?utf-8?q?=3Ca=40b=3E?=`, as what they stand for.
fn decoded_words(text: &str) -> String {
    let header = format!("Subject: {}\n\n", text.replace(['\r', '\n'], " "));
    let found = PARSER.parse_headers(header.as_bytes());
    found.and_then(|m| m.subject().map(str::to_owned)).unwrap_or_else(|| text.to_owned())
}

fn text_of(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Text(text) => Some(text.to_string()),
        HeaderValue::TextList(list) => Some(list.join(" ")),
        HeaderValue::Address(address) => address.first().map(|a| match (&a.name, &a.address) {
            (Some(n), Some(m)) => format!("{n} <{m}>"),
            (n, m) => n.as_ref().or(m.as_ref()).map(ToString::to_string).unwrap_or_default(),
        }),
        _ => None,
    }
}

fn people(value: &HeaderValue<'_>) -> Vec<Person> {
    let one = |name: Option<&str>, address: Option<&str>| {
        let address = address.map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned);
        let name = name.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        Person { name: name.trim_matches('"').to_owned(), address }
    };
    match value {
        HeaderValue::Address(Address::List(list)) => list
            .iter()
            .take(MAX_PEOPLE)
            .map(|a| one(a.name.as_deref(), a.address.as_deref()))
            .collect(),
        HeaderValue::Address(Address::Group(groups)) => groups
            .iter()
            .flat_map(|g| &g.addresses)
            .take(MAX_PEOPLE)
            .map(|a| one(a.name.as_deref(), a.address.as_deref()))
            .collect(),
        _ => Vec::new(),
    }
}

fn date(value: &HeaderValue<'_>) -> Option<Moment> {
    let HeaderValue::DateTime(date) = value else { return None };
    moment(date)
}

fn moment(date: &mail_parser::DateTime) -> Option<Moment> {
    let zone = i32::from(date.tz_hour) * 60 + i32::from(date.tz_minute);
    let zone = if date.tz_before_gmt { -zone } else { zone };
    let civil = Civil {
        year: i64::from(date.year),
        month: u32::from(date.month).clamp(1, 12),
        day: u32::from(date.day).clamp(1, 31),
        hour: u32::from(date.hour),
        minute: u32::from(date.minute),
        second: u32::from(date.second),
    };
    (1970..=9999)
        .contains(&civil.year)
        .then(|| Moment { seconds: civil.seconds() - i64::from(zone) * 60, zone: Some(zone) })
}

/// `NAME <ADDRESS<mailto:ADDRESS>>`, as programs make it of a link, without the link.
pub(crate) fn without_mailto(text: &str) -> Cow<'_, str> {
    const MARK: &str = "<mailto:";
    let Some(at) = text.find(MARK) else { return Cow::Borrowed(text) };
    let (head, link) = (&text[..at], &text[at + MARK.len()..]);
    let (address, rest) = link.split_once('>').unwrap_or((link, ""));
    let last = head.rsplit(['<', ' ', '\t']).next().unwrap_or_default();
    Cow::Owned(match last.contains('@') {
        true => format!("{head}{rest}"),
        false => format!("{head}<{address}>{rest}"),
    })
}

/// Reads `NAME <ADDRESS>`, `ADDRESS`, `ADDRESS (NAME)` or a bare name. An address needs an `@`
/// (or the word `at` in its place) and no blank; anything else is a name.
pub fn person(text: &str) -> Person {
    let text = without_mailto(text.trim().trim_end_matches(','));
    let text = text.as_ref();
    if let Some(open) = text.rfind('<') {
        let address = text[open + 1..].split('>').next().unwrap_or_default().trim();
        let name = text[..open].trim().trim_matches(['"', '\'', ',']).trim();
        if address.contains('@') && !address.contains(char::is_whitespace) {
            return Person { name: name.to_owned(), address: Some(address.to_owned()) };
        }
        return Person { name: name.to_owned(), address: None };
    }
    if let Some((head, tail)) = text.split_once('(')
        && head.contains('@')
        && !head.trim().contains(char::is_whitespace)
    {
        let name = tail.trim_end_matches(')').trim();
        return Person { name: name.to_owned(), address: Some(head.trim().to_owned()) };
    }
    if text.contains('@') && !text.contains(char::is_whitespace) {
        return Person { name: String::new(), address: Some(text.to_owned()) };
    }
    Person { name: text.trim_matches(['"', '\'']).to_owned(), address: None }
}
