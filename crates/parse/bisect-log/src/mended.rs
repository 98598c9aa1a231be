//! Takes off what a mail or a page does to a log: marks of quotation, entities and tags of HTML, and
//! lines that were wrapped at a space.
//!
//! Invariant: a line keeps its number; the second half of a wrapped line becomes part of the first,
//! and an empty line stands in its place.

use std::borrow::Cow;

use crate::limits;

/// How lines begin that only a bisection log has.
const SIGNS: [&str; 6] = [
    "bisecting cause commit",
    "bisecting fixing commit",
    "testing commit ",
    "git bisect start",
    "git bisect bad",
    "git bisect good",
];

/// Entities that programs write for the characters that HTML needs.
const ENTITIES: [(&str, char); 8] = [
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&#34;", '"'),
    ("&#39;", '\''),
    ("&#x27;", '\''),
    ("&nbsp;", ' '),
    ("&amp;", '&'),
];

/// How lines begin that never end right there: what follows was wrapped.
const UNFINISHED: [&str; 16] = [
    "testing commit",
    "testing release",
    "bisecting cause commit starting from",
    "bisecting fixing commit since",
    "kernel signature:",
    "culprit signature:",
    "parent signature:",
    "parent  signature:",
    "all runs: crashed:",
    "all runs: boot failed:",
    "all runs:",
    "# git bisect bad",
    "# git bisect good",
    "# git bisect skip",
    "git bisect bad",
    "git bisect good",
];

/// Mends all lines.
pub(crate) fn mend(lines: &mut [Cow<'_, str>]) {
    if is_quoted(lines) {
        each(lines, |line| unquoted(line).map(str::to_owned));
    }
    if lines.iter().any(|line| line.starts_with("<pre") || line.starts_with("<html")) {
        each(lines, |line| line.contains('<').then(|| without_tags(line)));
    }
    if lines
        .iter()
        .any(|line| line.contains("&gt;") || line.contains("&lt;") || line.contains("&#3"))
    {
        each(lines, |line| line.contains('&').then(|| without_entities(line)));
    }
    for at in 1..lines.len() {
        let (before, rest) = lines.split_at_mut(at);
        if (is_unfinished(&before[at - 1])
            || is_title(&before[at - 1]) && rest[0].starts_with("in "))
            && continues(&rest[0])
        {
            let whole = format!("{} {}", before[at - 1].trim_end(), rest[0].trim_start());
            if whole.len() <= limits::LINE_BYTES {
                before[at - 1] = Cow::Owned(whole);
                rest[0] = Cow::Borrowed("");
            }
        }
    }
}

fn each(lines: &mut [Cow<'_, str>], change: impl Fn(&str) -> Option<String>) {
    for line in lines {
        if let Some(changed) = change(line) {
            *line = Cow::Owned(changed);
        }
    }
}

/// Whether the lines of the log bear marks of quotation.
fn is_quoted(lines: &[Cow<'_, str>]) -> bool {
    let is_sign = |line: &str| SIGNS.iter().any(|sign| line.starts_with(sign));
    let quoted = |line: &str| unquoted(line).is_some_and(is_sign);
    !lines.iter().any(|line| is_sign(line)) && lines.iter().any(|line| quoted(line))
}

/// The line without leading `>` and `|`, each with a space if there is one.
fn unquoted(line: &str) -> Option<&str> {
    let mut rest = line;
    // Entities, since a quoted mail may have been saved as a page.
    while let Some(more) =
        ["&gt;", ">", "|"].iter().find_map(|mark| rest.trim_start().strip_prefix(mark))
    {
        rest = more.strip_prefix(' ').unwrap_or(more);
    }
    (rest.len() < line.len()).then_some(rest)
}

fn without_tags(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let names = |c: char| c == '/' || c == '!' || c.is_ascii_alphabetic();
        // `<addr@host>` of a trailer is no tag.
        let end =
            tag.find('>').filter(|end| tag[1..].starts_with(names) && !tag[..*end].contains('@'));
        match end {
            Some(end) => rest = &tag[end + 1..],
            None => {
                text.push('<');
                rest = &tag[1..];
            }
        }
    }
    text + rest
}

fn without_entities(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity)) {
            Some((entity, c)) => {
                text.push(*c);
                rest = &rest[entity.len()..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

/// Whether a line stops where no line of a log does.
fn is_unfinished(line: &str) -> bool {
    let line = line.trim_end();
    if UNFINISHED.contains(&line) {
        return true;
    }
    is_title(line) && [" in", " crashed:", ":"].iter().any(|end| line.ends_with(end))
}

/// Whether a line bears the title of a crash.
fn is_title(line: &str) -> bool {
    ["run #", "all runs: ", "crash: "].iter().any(|start| line.starts_with(start))
}

/// Whether a line can be the rest of another one.
fn continues(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && !line.starts_with("run #")
        && !line.starts_with("all runs:")
        && !line.starts_with('#')
        && !SIGNS.iter().chain(&UNFINISHED).any(|sign| line.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(text: &str) -> Vec<String> {
        let mut lines: Vec<Cow<'_, str>> = text.lines().map(Cow::Borrowed).collect();
        mend(&mut lines);
        lines.into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn quotation_is_taken_off_where_the_log_is_quoted() {
        assert_eq!(
            mended("Hello,\n> > testing commit abc\n>> all runs: OK\n> | run #0: OK"),
            ["Hello,", "testing commit abc", "all runs: OK", "run #0: OK"]
        );
        // A log that is not quoted is left alone.
        let plain = ["testing commit abc", "> all"];
        assert_eq!(mended(&plain.join("\n")), plain);
    }

    #[test]
    fn a_saved_page_is_read_as_its_text() {
        assert_eq!(
            mended(
                "<pre>testing commit abc\nrun #0: crashed: f-&gt;g &amp;amp; h\nA &lt;a@b.c&gt; <a href='x'>l</a>"
            ),
            ["testing commit abc", "run #0: crashed: f->g &amp; h", "A <a@b.c> l"]
        );
    }

    #[test]
    fn a_wrapped_line_is_joined_and_the_next_ones_keep_their_numbers() {
        assert_eq!(
            mended("testing commit\nabc with gcc\nrun #0: crashed: WARNING in\nf_one\nrun #1: OK"),
            [
                "testing commit abc with gcc",
                "",
                "run #0: crashed: WARNING in f_one",
                "",
                "run #1: OK"
            ]
        );
        assert_eq!(mended("run #0: crashed:\nrun #1: OK"), ["run #0: crashed:", "run #1: OK"]);
    }
}
