//! Raw bytes of a line to printable text: broken UTF-8, terminal escape sequences, control bytes
//! and the entities of saved HTML pages.
//!
//! Invariant: the result holds no control character but tab.

use std::borrow::Cow;

/// The printable text of `bytes` (one line, without its end).
pub(crate) fn printable(bytes: &[u8]) -> Cow<'_, str> {
    if is_plain(bytes) {
        // Plain ASCII is always valid UTF-8.
        return Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(bytes);
    // Some terminals save line ends as pictures of them.
    let text = match text.trim_end_matches(['\u{240d}', '\u{240a}']).len() {
        kept if kept == text.len() => text,
        kept => Cow::Owned(text[..kept].to_owned()),
    };
    if !text.chars().any(|c| (c.is_control() && c != '\t') || c == '&') {
        return text;
    }
    Cow::Owned(without_entities(&without_controls(&text)))
}

fn is_plain(bytes: &[u8]) -> bool {
    // No early exit: so the compiler makes vector instructions of it.
    let plain = |b: u8| ((b'\x20'..b'\x7f').contains(&b) & (b != b'&')) | (b == b'\t');
    bytes.iter().fold(true, |all, &b| all & plain(b))
}

/// Takes out control characters and whole escape sequences: CSI (`ESC [ … letter`), OSC
/// (`ESC ] … BEL`), and two-character escapes.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_control_sequence(rest),
        Some(']') => {
            for c in rest.by_ref() {
                if c == '\x07' || c == '\x1b' {
                    break;
                }
            }
        }
        _ => {}
    }
}

fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    for c in rest.by_ref() {
        if ('\x40'..='\x7e').contains(&c) {
            break;
        }
    }
}

/// The entities that saved mail archives and bug pages put in place of markup characters.
const ENTITIES: [(&str, char); 9] = [
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&#39;", '\''),
    ("&#34;", '"'),
    ("&#x27;", '\''),
    ("&nbsp;", ' '),
    ("&#43;", '+'),
    ("&amp;", '&'),
];

fn without_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (character, length) = ENTITIES
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .map_or(('&', 1), |(name, character)| (*character, name.len()));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escape_sequences_go_and_tabs_stay() {
        assert_eq!(printable(b"a\x1b[1;31mb\x1b]0;title\x07c\td\x00"), "abc\td");
    }

    #[test]
    fn entities_of_saved_pages_become_characters() {
        assert_eq!(
            printable(b" &lt;TASK&gt; &amp;q-&gt;lock &x->lock"),
            " <TASK> &q->lock &x->lock"
        );
    }

    #[test]
    fn broken_utf8_is_replaced() {
        assert_eq!(printable(b"a\xffb"), "a\u{fffd}b");
    }
}
