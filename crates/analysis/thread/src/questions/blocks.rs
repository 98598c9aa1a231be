//! A message cut into blocks of its sender's own words, each with what is quoted right above it.

use parse_mail::Message;

use crate::model::Thread;
use crate::own::{Role, roles};
use crate::text::fold;

/// A paragraph of own words.
#[derive(Clone, Debug)]
pub(crate) struct Paragraph {
    /// Index of its first line in the body.
    pub(crate) first: usize,
    /// Index of its last line.
    pub(crate) last: usize,
    /// Its prose, folded. Indented code and output are left out.
    pub(crate) text: String,
}

/// Own words between two quotes.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The message.
    pub(crate) entry: usize,
    /// Its paragraphs.
    pub(crate) paragraphs: Vec<Paragraph>,
    /// Indexes of the quoted lines between the block before and this one.
    pub(crate) above: Vec<usize>,
}

/// Cuts the message at `entry`. Greetings, names at the end, trailers and added people are no words.
pub(crate) fn blocks(message: &Message, entry: usize, thread: &Thread) -> Vec<Block> {
    let roles = roles(message, entry, thread);
    let body = &message.body;
    let first_name = message.from.name.split(' ').next().unwrap_or_default().to_lowercase();
    let mut found: Vec<Block> = Vec::new();
    let mut above = Vec::new();
    let mut open: Option<Block> = None;
    let mut lines: Vec<usize> = Vec::new();
    for index in 0..=body.len() {
        let role = roles.get(index).copied();
        let text = body.line(index).text;
        let own = role == Some(Role::Words);
        let blank = text.trim().is_empty();
        if (!own || blank || index == body.len()) && !lines.is_empty() {
            if let Some(paragraph) = paragraph(message, &lines, &first_name) {
                open.get_or_insert_with(|| Block {
                    entry,
                    paragraphs: Vec::new(),
                    above: std::mem::take(&mut above),
                })
                .paragraphs
                .push(paragraph);
            }
            lines.clear();
        }
        match role {
            Some(Role::Quoted) => {
                found.extend(open.take());
                above.push(index);
            }
            Some(Role::Words) if !blank => {
                let skip = parse_mail::trailer(text).is_some() || adds_person(text);
                if !skip {
                    lines.push(index);
                }
            }
            _ => {}
        }
    }
    found.extend(open);
    found
}

fn adds_person(text: &str) -> bool {
    text.starts_with('+') && text.len() < 200 && !text.starts_with("+1")
}

fn paragraph(message: &Message, lines: &[usize], first_name: &str) -> Option<Paragraph> {
    let (first, last) = (*lines.first()?, *lines.last()?);
    let mut prose = String::new();
    for &index in lines {
        let text = message.body.line(index).text;
        if prose.len() + text.len() > crate::own::MAX_PROSE {
            break;
        }
        if is_literal(text) || is_listed(text) || is_log(text) {
            continue;
        }
        prose.push_str(text);
        prose.push('\n');
    }
    let text = fold(&prose);
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric());
    const CLOSINGS: [&str; 14] = [
        "thanks",
        "thank you",
        "thx",
        "cheers",
        "regards",
        "best regards",
        "kind regards",
        "best",
        "br",
        "brgds",
        "yours",
        "greetings",
        "ciao",
        "many thanks",
    ];
    // `...` for what was cut away, a line above a name.
    if bare.is_empty() || lower.starts_with("---") && lower.len() < 40 {
        return None;
    }
    let closing = bare == first_name
        || bare.split([',', ' ']).all(|w| {
            let w = w.trim_matches(|c: char| !c.is_alphanumeric());
            w.is_empty()
                || CLOSINGS.iter().any(|c| c.split(' ').any(|p| p == w))
                || message.from.name.to_lowercase().split(' ').any(|n| n == w)
        });
    let greeting = lower.len() < 40
        && ["hi", "hello", "hey", "dear"]
            .iter()
            .any(|g| bare == *g || bare.starts_with(&format!("{g} ")))
        && !lower.contains('?');
    if (closing || greeting) && lower.len() < 60 {
        return None;
    }
    Some(Paragraph { first, last, text })
}

/// Indented text that is no list item: code, output, a pasted log.
fn is_literal(text: &str) -> bool {
    let trimmed = text.trim_start();
    let indent = text.len() - trimmed.len();
    // A finger at a word of the quoted line above: `     ^^^ a capital, please`.
    if trimmed.starts_with("^^") && reads_as_remark(trimmed) {
        return false;
    }
    if text.starts_with('\t') {
        return true;
    }
    let item = trimmed.starts_with("- ")
        || trimmed.starts_with("* ")
        || trimmed.as_bytes().first().is_some_and(u8::is_ascii_digit)
            && trimmed[1..]
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .starts_with(['.', ')']);
    // A list's items go on below their first words.
    indent >= 2 && !item && !(indent <= 4 && reads_as_prose(trimmed))
}

/// Whether a line is words, not code or output: some four of them and few signs.
fn reads_as_prose(text: &str) -> bool {
    let words = text
        .split(' ')
        .filter(|w| w.len() > 1 && w.chars().all(|c| c.is_alphabetic() || "',.:?!-()".contains(c)))
        .count();
    let signs = text.chars().filter(|c| "{}[]|=<>&*\\/#$%@+;_0123456789".contains(*c)).count();
    words >= 4 && signs * 12 <= text.len() && !text.ends_with([';', '{', '}', '\\'])
}

/// Whether words follow the fingers of a line: `^^^ five now`.
fn reads_as_remark(text: &str) -> bool {
    text.trim_start_matches(['^', '~', ' ', '|', '-'])
        .split(' ')
        .any(|w| w.len() > 1 && w.chars().all(|c| c.is_alphabetic() || "',.?!".contains(c)))
}

/// A line of a console: `[   14.287850] run fstests`.
fn is_log(text: &str) -> bool {
    text.split('[').skip(1).any(|rest| {
        rest.split_once(']').is_some_and(|(inner, _)| {
            inner.trim().split_once('.').is_some_and(|(seconds, fraction)| {
                let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
                !seconds.is_empty() && digits(seconds) && fraction.len() == 6 && digits(fraction)
            })
        })
    })
}

/// `[2/3] title` and its commit, as `b4 ty` lists what was applied.
fn is_listed(text: &str) -> bool {
    let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let title = text.strip_prefix('[').and_then(|t| t.split_once(']')).is_some_and(|(inner, _)| {
        inner.split_once('/').is_some_and(|(a, b)| number(a.trim()) && number(b.trim()))
    });
    title || text.trim_start().starts_with("commit: ")
}
