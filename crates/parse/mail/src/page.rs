//! Saved pages of web archives, as text or as HTML. They lack most headers: Patchew gives names and ages, lore
//! gives names and minutes. What is missing stays missing.

use std::borrow::Cow;

use model::LineSpan;

use crate::html;
use crate::message::{Message, Part, Person, Source, message, person};
use crate::problem::{Problem, ProblemKind};
use crate::subject::subject;
use crate::time::{Moment, quoted_date};

/// Lines before the first message in which a page is recognised.
const HEAD: usize = 4000;

/// The lines of a page that was saved as text or as HTML.
pub(crate) struct Lines<'a> {
    all: Vec<Cow<'a, str>>,
    /// The number of each in the input, where one of HTML may hold several or none.
    numbers: Option<Vec<u64>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if is_html(bytes) {
            let text = String::from_utf8_lossy(bytes);
            let (numbers, all) = html::to_text(&text)
                .into_iter()
                .map(|(line, text)| (line as u64 + 1, Cow::Owned(text)))
                .unzip();
            return Self { all, numbers: Some(numbers) };
        }
        let all = bytes
            .split(|b| *b == b'\n')
            .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)))
            .collect();
        Self { all, numbers: None }
    }

    /// The number in the input of the line at `index`.
    fn number(&self, index: usize) -> u64 {
        match &self.numbers {
            Some(numbers) => numbers.get(index).or(numbers.last()).copied().unwrap_or(1),
            None => index as u64 + 1,
        }
    }

    /// From the line at `first` to the one before `end`.
    fn span(&self, first: usize, end: usize) -> LineSpan {
        let first_number = self.number(first);
        LineSpan::new(first_number, self.number(end.saturating_sub(1)).max(first_number))
    }

    fn get(&self, index: usize) -> &str {
        self.all.get(index).map_or("", |line| line)
    }

    /// The lines from `first` to before `end` as the body of `message`, blank ends cut off.
    fn body(&self, message: &mut Message, first: usize, end: usize) {
        let mut end = end.min(self.all.len());
        let mut first = first;
        while end > first && self.get(end - 1).trim().is_empty() {
            end -= 1;
        }
        while first < end && self.get(first).trim().is_empty() {
            first += 1;
        }
        for index in first..end {
            message.body.push_text(self.number(index), self.get(index));
        }
        message.parts.push(Part { first: 0, end: message.body.len(), attachment: None });
    }
}

/// Whether the input is a document of HTML.
fn is_html(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let start = &start[..start.len().min(15)];
    let begins =
        |tag: &[u8]| start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag);
    begins(b"<!doctype html") || begins(b"<html")
}

/// Whether the bytes hold any of the words by which pages are told, so that others are not searched.
pub(crate) fn may_be(bytes: &[u8]) -> bool {
    [&b"Posted by"[..], b"From: ", b"help"].iter().any(|w| memchr::memmem::find(bytes, w).is_some())
}

/// Whether a line is `Posted by NAME AGE` below a title.
pub(crate) fn is_patchew(lines: &Lines<'_>) -> bool {
    lines.all.iter().take(HEAD).any(|line| posted(line).is_some())
}

/// Reads a Patchew page.
pub(crate) fn patchew(lines: &Lines<'_>) -> Vec<Message> {
    let starts: Vec<(usize, String, String)> = (1..lines.all.len())
        .filter(|index| !lines.get(index - 1).trim().is_empty())
        .filter_map(|index| {
            let (name, age) = posted(lines.get(index))?;
            Some((index - 1, name, age))
        })
        .collect();
    let mut messages = Vec::new();
    for (position, (start, name, age)) in starts.iter().enumerate() {
        let end = starts.get(position + 1).map_or(lines.all.len(), |next| next.0);
        let last =
            if end == lines.all.len() && lines.get(end - 1).is_empty() { end - 1 } else { end };
        let mut message = Message::empty(lines.span(*start, last), Source::Page);
        message.subject = subject(lines.get(*start));
        (message.from, message.via) = without_list(name);
        message.age = Some(age.clone());
        message.from_line = lines.number(start + 1);
        lines.body(&mut message, start + 2, end);
        messages.push(message);
    }
    if let (Some(first), Some(message)) = (starts.first(), messages.first_mut())
        && first.0 > 0
    {
        message
            .problems
            .push(Problem { lines: lines.span(0, first.0), kind: ProblemKind::PageHead });
    }
    messages
}

/// `Posted by NAME 3 weeks, 1 day ago`: the name and the age.
fn posted(line: &str) -> Option<(String, String)> {
    const UNITS: [&str; 7] = ["year", "month", "week", "day", "hour", "minute", "second"];
    let rest = line.strip_prefix("Posted by ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    if words.last() != Some(&"ago") {
        return None;
    }
    let mut at = words.len() - 1;
    while at >= 2
        && UNITS.contains(&words[at - 1].trim_end_matches(',').trim_end_matches('s'))
        && words[at - 2].bytes().all(|b| b.is_ascii_digit())
    {
        at -= 2;
    }
    (at < words.len() - 1 && at > 0).then(|| (words[..at].join(" "), words[at..].join(" ")))
}

fn without_list(name: &str) -> (Person, Option<String>) {
    let found = person(name);
    match found.name.rfind(" via ") {
        Some(at) => {
            let list = found.name[at + 5..].to_owned();
            let name = found.name[..at].trim_matches(['\'', '"']).to_owned();
            (Person { name, address: None }, Some(list))
        }
        None => (found, None),
    }
}

/// Whether a line is the head of a message in a thread view, or the page's navigation stands on top.
pub(crate) fn is_lore(lines: &Lines<'_>) -> bool {
    let mut navigation = false;
    for line in lines.all.iter().take(HEAD) {
        navigation |= line.contains("help / color / mirror");
        if flat_head(line).is_some() || navigation && line.starts_with("From: ") {
            return true;
        }
    }
    false
}

/// Reads a page of lore: the flat or nested view of a thread, or one message.
pub(crate) fn lore(lines: &Lines<'_>) -> Vec<Message> {
    let heads: Vec<(usize, String, i64)> = (0..lines.all.len())
        .filter_map(|index| flat_head(lines.get(index)).map(|(n, s)| (index, n, s)))
        .collect();
    if heads.is_empty() {
        return single(lines);
    }
    // A message begins at its `* SUBJECT` line, above the piece of the tree that leads to it.
    let mut begins = Vec::new();
    for (position, (head, ..)) in heads.iter().enumerate() {
        let floor = if position == 0 { 0 } else { heads[position - 1].0 + 1 };
        let title = (floor..*head).rev().take(400).find(|i| lines.get(*i).starts_with("* "));
        begins.push(title.unwrap_or(*head));
    }
    let mut messages = Vec::new();
    for (position, (head, name, seconds)) in heads.iter().enumerate() {
        let begin = begins[position];
        let next = begins.get(position + 1).copied().unwrap_or(lines.all.len());
        let mut message = Message::empty(lines.span(begin, next), Source::Page);
        if begin < *head {
            let mut title = lines.get(begin)[2..].trim().to_owned();
            // A long title goes on until the tree begins.
            for index in begin + 1..*head {
                let line = lines.get(index);
                if line.starts_with("@ ") || tree(line).is_some() || line.trim().is_empty() {
                    break;
                }
                title.push(' ');
                title.push_str(line.trim());
            }
            message.subject = subject(&title);
        } else if let Some(first) = messages.first() {
            let first: &Message = first;
            message.subject = subject(&format!("Re: {}", first.subject.text));
        }
        (message.from, message.via) = without_list(name);
        message.date = Some(Moment { seconds: *seconds, zone: None });
        message.from_line = lines.number(*head);
        message.parent_seconds = parent(lines, begin, *head);
        let mut body = head + 1;
        let mut people = String::new();
        while body < next && !lines.get(body).trim().is_empty() {
            people.push(' ');
            people.push_str(lines.get(body).trim());
            body += 1;
        }
        let (to, cc) = people.split_once("Cc:").unwrap_or((&people, ""));
        message.to = names(to.trim().trim_start_matches("To:"));
        message.cc = names(cc);
        let end = (body..next)
            .find(|i| {
                let line = lines.get(*i);
                line.starts_with("^ permalink") || line.starts_with("^ raw ")
            })
            .unwrap_or(next);
        lines.body(&mut message, body, end);
        messages.push(message);
    }
    messages
}

fn names(list: &str) -> Vec<Person> {
    list.split([',', ';'])
        .map(|name| person(name.trim().trim_start_matches('+')))
        .filter(|p| *p != Person::default())
        .take(4096)
        .collect()
}

/// `From: NAME @ 2026-05-09  8:09 UTC (permalink / raw)`.
fn flat_head(line: &str) -> Option<(String, i64)> {
    let rest = line.strip_prefix("From: ")?;
    let (name, rest) = rest.split_once(" @ ")?;
    let (date, rest) = quoted_date(rest)?;
    let utc = date.zone == Some(0) || rest.trim_start().starts_with("UTC");
    (utc && date.has_time).then(|| (name.trim().to_owned(), date.at(0)))
}

/// A line of the tree: its depth and time. `  2026-05-15  7:10 ` NAME`.
fn tree(line: &str) -> Option<(usize, i64)> {
    let rest = line.strip_prefix("@ ").or_else(|| line.strip_prefix("  "))?;
    if !rest.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let clock = rest.find(':')? + 3;
    let (date, _) = quoted_date(rest.get(..clock)?)?;
    let behind = &rest[clock..];
    let indent = behind.len() - behind.trim_start_matches(' ').len();
    let depth = if behind.trim_start().starts_with('`') { indent.div_ceil(2) } else { 0 };
    Some((depth, date.at(0)))
}

/// The time of the message above the marked one in the tree between the title and the head.
fn parent(lines: &Lines<'_>, begin: usize, head: usize) -> Option<i64> {
    let marked = (begin..head).find(|i| lines.get(*i).starts_with("@ "))?;
    let (depth, _) = tree(lines.get(marked))?;
    (begin..marked)
        .rev()
        .filter_map(|i| tree(lines.get(i)))
        .find(|(above, _)| *above < depth)
        .map(|found| found.1)
}

/// The page of one message has its headers almost as they were.
fn single(lines: &Lines<'_>) -> Vec<Message> {
    let Some(start) = (0..lines.all.len()).find(|i| lines.get(*i).starts_with("From: ")) else {
        return Vec::new();
    };
    let end = (start..lines.all.len())
        .find(|i| {
            let line = lines.get(*i);
            line.starts_with("^ permalink") || line.contains("other threads:[~")
        })
        .unwrap_or(lines.all.len());
    let mut text = String::new();
    let mut in_head = true;
    for index in start..end {
        let mut line = lines.get(index);
        in_head &= !line.is_empty();
        if in_head {
            line = line.split("\t[thread").next().unwrap_or(line);
            line = line.split(" [thread overview]").next().unwrap_or(line);
            line = line.strip_suffix(" (raw)").unwrap_or(line);
        }
        text.push_str(line);
        text.push('\n');
    }
    let first = start as u64 + 1;
    let mut found = message(text.as_bytes(), first);
    if lines.numbers.is_some() {
        let number = |n: u64| lines.number(usize::try_from(n - 1).unwrap_or(usize::MAX));
        let span = |s: LineSpan| {
            let from = number(s.first);
            LineSpan::new(from, number(s.last).max(from))
        };
        found.lines = span(found.lines);
        found.from_line = number(found.from_line);
        found.body.renumber(number);
        for problem in &mut found.problems {
            problem.lines = span(problem.lines);
        }
    }
    vec![found]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patchew_page_gives_names_and_ages_and_nothing_made_up() {
        let page = "[PATCH] a: b\n\nAnn Lee posted 1 patch 2\u{a0}days ago\n[PATCH] a: b\n\
                    Posted by Ann Lee 2\u{a0}days ago\ntext\n-- \n2.47\nRe: [PATCH] a: b\n\
                    Posted by Bo Ek via lists 1\u{a0}day, 3\u{a0}hours ago\nHm.\n";
        let all = patchew(&Lines::of(page.as_bytes()));
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].lines, LineSpan::new(4, 8));
        assert_eq!(all[0].body.line(0).number, 6);
        assert_eq!(all[1].from, Person { name: "Bo Ek".into(), address: None });
        assert_eq!(all[1].age.as_deref(), Some("1 day, 3 hours ago"));
        assert_eq!(all[1].lines, LineSpan::new(9, 11));
    }

    #[test]
    fn a_page_of_one_mail_as_html_keeps_the_lines_of_the_input() {
        let page = "<html><head><title>x</title></head><body><pre>a list\n\
                    <a\nhref=h>help</a> / <a\nhref=c>color</a> / mirror</pre>\n\
                    <pre>From: Ann Lee &lt;a@b.example&gt;\nSubject: [PATCH] a: b\nDate: Mon, 2 Mar 2026 09:00:00 +0100\t[thread overview]\n\
                    Message-ID: &lt;m@b.example&gt; (<a\nhref=raw>raw</a>)\n\none &#8212; two\n</pre></body></html>\n";
        let lines = Lines::of(page.as_bytes());
        assert!(is_lore(&lines));
        let all = lore(&lines);
        assert_eq!(all[0].message_id.as_deref(), Some("m@b.example"));
        assert_eq!((all[0].from_line, all[0].body.line(0).number), (5, 11));
        assert_eq!(all[0].body.line(0).text, "one — two");
    }

    #[test]
    fn a_flat_page_of_lore_gives_minutes_and_parents() {
        let page = "* [PATCH] a: b\n@ 2026-05-09  8:09 Ann Lee\n  2026-05-15  7:10 ` Bo Ek\n\
                    0 siblings, 1 reply; 2+ messages in thread\n\
                    From: Ann Lee @ 2026-05-09  8:09 UTC (permalink / raw)\n  To: x; +Cc: y, z\n\ntext\n\n\
                    ^ permalink raw reply\t[flat|nested] 2+ messages in thread\n\n\
                    * Re: [PATCH] a: b\n  2026-05-09  8:09 [PATCH] a: b Ann Lee\n@ 2026-05-15  7:10 ` Bo Ek\n\
                    0 siblings, 0 replies; 2+ messages in thread\n\
                    From: Bo Ek @ 2026-05-15  7:10 UTC (permalink / raw)\n  To: Ann Lee\n\n> text\nno\n\n\
                    ^ permalink raw reply\t[flat|nested] 2+ messages in thread\n";
        let all = lore(&Lines::of(page.as_bytes()));
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].cc.len(), 2);
        assert_eq!(all[0].body.len(), 1);
        assert_eq!(all[1].parent_seconds, all[0].date.map(|d| d.seconds));
        assert!(all[1].subject.is_reply);
    }
}
