//! Foreign text without anything that a terminal could act on.

use std::fmt;

/// Foreign text, shown with everything a terminal could act on made visible: `\x1b`, `\u{202e}`.
/// Newlines and tabs stay.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(acts_on_terminal) {
            f.write_str(&rest[..at])?;
            let character = rest[at..].chars().next().unwrap_or_default();
            match u32::from(character) {
                code @ 0..=0xff => write!(f, "\\x{code:02x}")?,
                code => write!(f, "\\u{{{code:x}}}")?,
            }
            rest = &rest[at + character.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Whether a terminal, or who reads a page, could be misled by it: controls and marks that turn the direction of text.
pub(crate) fn acts_on_terminal(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Foreign text on one line, with what a terminal could act on made visible.
pub(crate) fn one_line(text: &str) -> String {
    Escaped(&text.replace(['\n', '\t'], " ")).to_string()
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn escape_sequences_and_direction_marks_never_pass() {
        let shown = Escaped("a\x1b[31mb\u{202e}c\td\u{9b}\n").to_string();
        assert_eq!(shown, "a\\x1b[31mb\\u{202e}c\td\\x9b\n");
    }
}
