//! The mail that is answered where a program copied it below the answer without quote marks: the
//! lines from its heading on are given the marks that other programs write, so that nobody is taken
//! for the writer of what somebody else wrote.

use std::borrow::Cow;

use crate::body::Body;
use crate::message::Part;

/// Copies within copies that are told apart.
const MAX_DEPTH: usize = 64;
/// Lines of a heading.
const HEADING: usize = 8;

/// What programs write between dashes above the copy.
const RULERS: [&str; 9] = [
    "original message",
    "original-nachricht",
    "ursprüngliche nachricht",
    "message d'origine",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht",
    "原始邮件",
];

/// The fields of the heading by language: who, when, about what. The second is not `Date:`, which
/// stands in pasted patches too.
const HEADINGS: [[&str; 3]; 8] = [
    ["From:", "Sent:", "Subject:"],
    ["Von:", "Gesendet:", "Betreff:"],
    ["De :", "Envoyé :", "Objet :"],
    ["De:", "Enviado:", "Asunto:"],
    ["De:", "Enviada em:", "Assunto:"],
    ["Da:", "Inviato:", "Oggetto:"],
    ["Van:", "Verzonden:", "Onderwerp:"],
    ["发件人:", "发送时间:", "主题:"],
];

/// Marks the copies in the text parts of a reply. The number of lines stays.
pub(crate) fn mark(body: &mut Body, parts: &[Part]) {
    let begins = |index: usize, end: usize| {
        let text = body.line(index).text;
        is_ruler(text) && (index + 1..end.min(index + 4)).any(|i| is_field(body.line(i).text, 0))
            || is_heading(body, index, end)
    };
    let mut depths: Vec<usize> = Vec::new();
    for part in parts.iter().filter(|p| p.attachment.is_none()) {
        let mut depth = 0;
        let mut keeps_marks = false;
        let mut heading = 0;
        for index in part.first..part.end.min(body.len()) {
            if index >= heading && depth < MAX_DEPTH && begins(index, part.end) {
                depth += 1;
                heading = index + HEADING;
                // Some programs write this heading and quote marks as well.
                let below = (index..part.end.min(body.len()))
                    .map(|i| body.line(i).text)
                    .skip_while(|t| !t.trim().is_empty())
                    .find(|t| !t.trim().is_empty());
                keeps_marks = below.is_some_and(|t| t.starts_with('>'));
            }
            if depth > 0 {
                depths.resize(index + 1, 0);
                let is_marked = keeps_marks && body.line(index).text.starts_with('>');
                depths[index] = if is_marked { depth - 1 } else { depth };
            }
        }
    }
    if depths.is_empty() {
        return;
    }
    let mut marked = Body::default();
    for (index, line) in body.lines().enumerate() {
        let depth = depths.get(index).copied().unwrap_or(0);
        let mark = match depth {
            0 => Cow::Borrowed(""),
            depth if line.text.starts_with('>') => Cow::Owned(">".repeat(depth)),
            depth => Cow::Owned(format!("{} ", ">".repeat(depth))),
        };
        let raw = [mark.as_bytes(), line.raw].concat();
        marked.push(line.number, &raw, &format!("{mark}{}", line.text));
    }
    *body = marked;
}

/// `-----Original Message-----`.
fn is_ruler(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("--") && text.ends_with("--") && {
        let lower = text.trim_matches(['-', ' ', '\u{a0}']).to_lowercase();
        RULERS.contains(&lower.as_str())
    }
}

fn is_field(text: &str, field: usize) -> bool {
    let text = text.trim_start_matches(['*', ' ']);
    HEADINGS.iter().any(|names| text.starts_with(names[field]))
}

/// `From:`, `Sent:` and `Subject:` of one language right below each other, others between them.
fn is_heading(body: &Body, index: usize, end: usize) -> bool {
    let line = |i: usize| body.line(i).text.trim_start_matches(['*', ' ']);
    let head = line(index);
    HEADINGS.iter().any(|names| {
        head.starts_with(names[0]) && {
            let rest = index + 1..end.min(index + HEADING);
            let has = |name: &str| {
                rest.clone().map(line).take_while(|t| !t.is_empty()).any(|t| t.starts_with(name))
            };
            has(names[1]) && has(names[2])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> Vec<String> {
        let mut body = Body::default();
        for (index, line) in text.lines().enumerate() {
            body.push_text(index as u64 + 1, line);
        }
        let parts = [Part { first: 0, end: body.len(), attachment: None }];
        mark(&mut body, &parts);
        body.lines().map(|l| l.text.to_owned()).collect()
    }

    #[test]
    fn a_copy_below_an_answer_is_a_quote_and_the_copy_in_it_a_deeper_one() {
        let text = "Yes.\n\n-----Original Message-----\nFrom: Bo Ek <b@e.example>\n\
                    Sent: Monday, 2 February 2026 10:06\nTo: x\nSubject: RE: pump\n\nWhy?\n\n\
                    From: Ann Lee\nSent: Monday\nSubject: pump\n\n+x\n";
        let lines = marked(text);
        assert_eq!(lines[0], "Yes.");
        assert_eq!(lines[2], "> -----Original Message-----");
        assert_eq!(lines[8], "> Why?");
        assert_eq!(lines[10], ">> From: Ann Lee");
        assert_eq!(lines[14], ">> +x");
    }

    #[test]
    fn marks_that_stand_below_the_heading_are_not_doubled() {
        let text = "No.\n--- Original Message ---\nFrom: Bo\nSent: x\nSubject: y\n\n> Why?\n";
        assert_eq!(marked(text)[6], "> Why?");
    }

    #[test]
    fn a_pasted_patch_is_no_copy() {
        let text =
            "How about\n\nFrom: Bo Ek <b@e.example>\nDate: Mon\nSubject: [PATCH] x\n\nText\n";
        assert_eq!(marked(text), text.lines().collect::<Vec<_>>());
    }
}
