//! Quotes: how deep a line is quoted, and the line above a quote that says who wrote it and when.

use crate::body::Body;
use crate::message::{Person, person};
use crate::time::{QuotedDate, quoted_date};

/// A line without its quote marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote<'a> {
    /// How many `>` stood before it.
    pub depth: usize,
    /// The rest, less one blank.
    pub text: &'a str,
}

/// Takes the quote marks off a line. `>> x`, `> > x` and `>>x` are all two deep.
pub fn quote(line: &str) -> Quote<'_> {
    let mut rest = line;
    let mut depth = 0;
    loop {
        let after = match rest.strip_prefix('>') {
            Some(after) => after,
            None if depth > 0 => match rest.strip_prefix(" >") {
                Some(after) => after,
                None => break,
            },
            None => break,
        };
        depth += 1;
        rest = after;
    }
    let text = if depth > 0 { rest.strip_prefix([' ', '\u{a0}']).unwrap_or(rest) } else { rest };
    Quote { depth, text }
}

/// `On DATE, NAME wrote:` above a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Index of its first line in the body.
    pub first: usize,
    /// Index of its last line in the body.
    pub last: usize,
    /// How deep it is quoted itself: 0 names the message that is answered.
    pub depth: usize,
    /// The date, when it can be read.
    pub date: Option<QuotedDate>,
    /// Who is quoted.
    pub person: Person,
}

/// What mail programs write at the end of an attribution; before the name in some languages.
const VERBS: [&str; 14] = [
    "wrote:",
    "writes:",
    "wrote :",
    "wrote on",
    "said:",
    "schrieb:",
    "schreef:",
    "escreveu:",
    "escribió:",
    "ha scritto:",
    "a écrit :",
    "a écrit:",
    "napisał(a):",
    "写道：",
];
const OPENINGS: [&str; 9] = ["On ", "Am ", "Le ", "El ", "Il ", "Op ", "Em ", "W dniu ", "在 "];

/// The attribution whose last line is at `index`, if that line ends one and a deeper quote follows.
pub fn attribution(body: &Body, index: usize) -> Option<Attribution> {
    let Quote { depth, text } = quote(body.line(index).text);
    let end = text.trim_end();
    let german = end.ends_with(':') && end.contains(" schrieb ");
    if !german && !VERBS.iter().any(|verb| end.ends_with(verb)) {
        return None;
    }
    let follows = (index + 1..body.len().min(index + 4))
        .map(|i| quote(body.line(i).text))
        .find(|q| q.depth != depth || !q.text.trim().is_empty())?;
    if follows.depth <= depth {
        return None;
    }
    let mut first = index;
    let mut joined = end.trim_start().to_owned();
    let opens = |t: &str| OPENINGS.iter().any(|o| t.starts_with(o));
    let mut back = 0;
    while !opens(&joined) && back < 3 && index > back {
        back += 1;
        let above = quote(body.line(index - back).text);
        let line = above.text.trim();
        if above.depth != depth || line.is_empty() || line.ends_with(':') {
            break;
        }
        let candidate = format!("{line} {joined}");
        if opens(&candidate) {
            joined = candidate;
            first = index - back;
            break;
        }
        joined = candidate;
    }
    if first == index && !opens(&joined) {
        joined = end.trim_start().to_owned();
    }
    let opening = OPENINGS.iter().find(|o| joined.starts_with(**o)).map_or(0, |o| o.len());
    let rest = &joined[opening..];
    let (date, rest) = match quoted_date(rest) {
        Some((date, rest)) => (Some(date), rest),
        None => (None, rest),
    };
    let rest = rest.trim_start_matches([',', ' ', '*']);
    let mut name = rest;
    for verb in VERBS {
        name = name.strip_suffix(verb).unwrap_or(name);
    }
    if german && let Some((_, after)) = name.split_once("schrieb ") {
        name = after.trim_end_matches(':');
    }
    let name = name.trim().trim_end_matches(',');
    // `NAME <ADDRESS> [DATE]` and the like.
    let name = name.split(" [").next().unwrap_or(name);
    let mut who = person(name);
    if let Some(at) = who.name.find(" via ") {
        who.name.truncate(at);
    }
    // An undated line of prose that happens to end in a verb names nobody.
    if date.is_none() && (who.name.split_whitespace().count() > 5 || who == Person::default()) {
        return None;
    }
    Some(Attribution { first, last: index, depth, date, person: who })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        let mut body = Body::default();
        for (index, line) in text.lines().enumerate() {
            body.push_text(index as u64 + 1, line);
        }
        body
    }

    #[test]
    fn quote_marks_are_counted_in_all_spacings() {
        for (line, depth, text) in [
            ("> > a", 2, "a"),
            (">> a", 2, "a"),
            (">>a", 2, "a"),
            (">  a", 1, " a"),
            (">", 1, ""),
            ("a > b", 0, "a > b"),
        ] {
            assert_eq!(quote(line), Quote { depth, text }, "{line}");
        }
        assert_eq!(quote(&">".repeat(10_000)).depth, 10_000);
    }

    #[test]
    fn attributions_give_the_person_and_the_date_also_over_two_lines() {
        let b = body("On Sat, 9 May 2026 at 10:09, Tom Hand\n<t@h.example> wrote:\n>\n> x");
        let a = attribution(&b, 1).expect("an attribution");
        assert_eq!((a.first, a.person.name.as_str()), (0, "Tom Hand"));
        assert_eq!(a.person.address.as_deref(), Some("t@h.example"));
        assert!(a.date.is_some());
        let b = body("Ann Lee <a@l.example> writes:\n\n> x");
        assert_eq!(attribution(&b, 0).map(|a| a.person.name), Some("Ann Lee".to_owned()));
        let b = body("Am 09.05.26 um 10:09 schrieb Ann Lee:\n> x");
        assert_eq!(attribution(&b, 0).map(|a| a.person.name), Some("Ann Lee".to_owned()));
        let b = body("> On 2026-05-09 17:09:44 [+0900], Tom Hand wrote:\n> > x");
        assert_eq!(attribution(&b, 0).map(|a| a.depth), Some(1));
        let b = body("that is what he wrote:\nno quote here");
        assert_eq!(attribution(&b, 0), None);
    }
}
