//! What a message says itself: neither quoted nor part of a diff, a signature or a diffstat.

use std::sync::Arc;

use parse_mail::{Message, attribution, diffs, quote};

use crate::model::{Kind, Thread};

pub(crate) use crate::model::Role;

/// The role of each line of the message at `entry`, found once a thread.
pub(crate) fn roles(message: &Message, entry: usize, thread: &Thread) -> Arc<[Role]> {
    match thread.roles.get(entry) {
        Some(known) => known.get_or_init(|| find(message, entry, thread)).clone(),
        None => find(message, entry, thread),
    }
}

fn find(message: &Message, entry: usize, thread: &Thread) -> Arc<[Role]> {
    let body = &message.body;
    let is_patch = matches!(thread.entries[entry].kind, Kind::Patch(_));
    let all = diffs(body);
    let first_diff = all.first().map_or(body.len(), |d| d.first);
    let rule = (0..first_diff.min(body.len())).find(|i| body.line(*i).text == "---");
    let mut roles: Vec<Role> = (0..body.len())
        .map(|i| match (is_patch, rule) {
            (true, Some(rule)) if i == rule => Role::Diff,
            (true, Some(rule)) if i > rule => Role::Notes,
            (true, _) => Role::CommitMessage,
            _ => Role::Words,
        })
        .collect();
    for diff in &all {
        roles[diff.first..=diff.last].fill(Role::Diff);
    }
    for index in 0..body.len() {
        if roles[index] == Role::Diff {
            continue;
        }
        let text = body.line(index).text;
        if quote(text).depth > 0 {
            roles[index] = Role::Quoted;
        }
        if let Some(found) = attribution(body, index) {
            roles[found.first..=found.last].fill(Role::Attribution);
        }
        if is_statistics(text) {
            roles[index] = Role::Diff;
        } else if crate::commands::behind_mark(text).is_some() {
            roles[index] = Role::Command;
        }
    }
    let inner = body.len().saturating_sub(1);
    for (index, role) in roles.iter_mut().enumerate().take(inner).skip(1) {
        if *role == Role::Words && is_rest_of_quote(message, index) {
            *role = Role::Quoted;
        }
    }
    for part in &message.parts {
        let mut signature = false;
        let end = part.end.min(body.len());
        let first = part.first.min(end);
        for (role, index) in roles[first..end].iter_mut().zip(first..) {
            let text = body.line(index).text;
            if *role == Role::Diff && !is_statistics(text) {
                signature = false;
                continue;
            }
            // Some programs cut the blank of `-- `; the version of git below it shows what it is.
            let short = text == "--" && body.line(index + 1).text.starts_with("2.");
            let ruler = text.len() > 30 && text.bytes().all(|b| b == b'_');
            signature |= text == "-- " || short || ruler;
            if signature && *role != Role::Quoted {
                *role = Role::Signature;
            }
        }
    }
    roles.into()
}

/// Columns at which programs that know nothing of quotes break a quoted line.
const BREAK: usize = 70;

/// Whether a line without quote mark is the end of the quoted line above, broken by the program that
/// sent the mail: it is short, stands between quotes, would not have fitted above, and goes on with
/// a sentence that did not end.
fn is_rest_of_quote(message: &Message, index: usize) -> bool {
    let (above, text) = (message.body.line(index - 1).text, message.body.line(index).text);
    let below = message.body.line(index + 1).text;
    let goes_on = !above.trim_end().ends_with(['.', '?', '!', ':', ';', '{', '}', ')', '>'])
        && text.starts_with(char::is_lowercase);
    goes_on
        && quote(above).depth > 0
        && quote(below).depth > 0
        && text.chars().count() <= 24
        && above.chars().count() + 1 + text.chars().count() > BREAK
}

/// ` kernel/kcov.c | 94 +++---`, ` 3 files changed, …`, ` create mode …`.
fn is_statistics(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(' ') else { return false };
    if rest.starts_with("create mode ")
        || rest.starts_with("delete mode ")
        || rest.starts_with("rename ")
    {
        return true;
    }
    if let Some((_, counts)) = rest.split_once(" | ") {
        let counts = counts.trim();
        let digits = counts.bytes().take_while(u8::is_ascii_digit).count();
        return digits > 0 && counts[digits..].trim().bytes().all(|b| matches!(b, b'+' | b'-'))
            || counts.starts_with("Bin ");
    }
    (rest.contains(" file changed") || rest.contains(" files changed"))
        && rest.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// Bytes of a paragraph that are read as prose; what is longer is no prose.
pub(crate) const MAX_PROSE: usize = 64 << 10;

/// A paragraph of own words with the line on which each part stands.
pub(crate) struct Prose {
    /// The text, folded.
    pub(crate) text: String,
    /// Offset in the text and number of the input line that begins there.
    starts: Vec<(usize, u64)>,
}

impl Prose {
    /// The lines of a piece of the text.
    pub(crate) fn lines(&self, start: usize, end: usize) -> model::LineSpan {
        let at = |offset: usize| self.starts.iter().rfind(|s| s.0 <= offset).map_or(0, |s| s.1);
        model::LineSpan::new(at(start), at(end.saturating_sub(1)))
    }
}

/// The paragraphs of all lines whose role is in `wanted`. Trailers are no prose.
pub(crate) fn prose(message: &Message, roles: &[Role], wanted: &[Role]) -> Vec<Prose> {
    let mut found = Vec::new();
    let mut open: Option<Prose> = None;
    for (index, line) in message.body.lines().enumerate() {
        let own = roles.get(index).is_some_and(|r| wanted.contains(r));
        let length = open.as_ref().map_or(0, |p| p.text.len());
        if own && length + line.text.len() > MAX_PROSE {
            continue;
        }
        let text = crate::text::fold(line.text);
        if !own || text.is_empty() || parse_mail::trailer(line.text).is_some() {
            found.extend(open.take());
            continue;
        }
        let prose = open.get_or_insert_with(|| Prose { text: String::new(), starts: Vec::new() });
        if !prose.text.is_empty() {
            prose.text.push(' ');
        }
        prose.starts.push((prose.text.len(), line.number));
        prose.text.push_str(&text);
    }
    found.extend(open);
    found
}
