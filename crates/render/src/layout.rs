//! Plain text in columns: statements wrapped at the left, their evidence at the right.

use std::fmt::Write as _;

use model::LineSpan;

use crate::escape::{Escaped, one_line};

/// Columns of a line.
pub(crate) const WIDTH: usize = 100;

/// Lines of at most [`WIDTH`] columns; all foreign text passes [`Escaped`] here.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// What was written.
    pub(crate) text: String,
}

impl Text {
    /// One empty line, unless there is one.
    pub(crate) fn blank(&mut self) {
        if !self.text.ends_with("\n\n") && !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}", Escaped(text.trim_end()));
    }

    /// A statement with a heading, wrapped, its evidence at the right end of the last line.
    pub(crate) fn entry(&mut self, head: &str, statement: &str, evidence: &str) {
        let indent = " ".repeat(head.chars().count());
        let mut lines = wrap(&one_line(statement), WIDTH.saturating_sub(indent.len()));
        if lines.is_empty() {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        for (at, text) in lines.iter().enumerate() {
            let start = if at == 0 { head } else { &indent };
            let mut row = format!("{start}{text}");
            if at == last && !evidence.is_empty() {
                let used = row.chars().count() + evidence.chars().count();
                if used < WIDTH {
                    row += &" ".repeat((WIDTH - used).max(2));
                    row += evidence;
                } else {
                    self.line(&row);
                    let column = WIDTH.saturating_sub(evidence.chars().count()).max(indent.len());
                    row = format!("{}{evidence}", " ".repeat(column));
                }
            }
            self.line(&row);
        }
    }

    /// A numbered list under a title; nothing where it is empty.
    pub(crate) fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.blank();
        self.line(title);
        for (at, item) in items.iter().enumerate() {
            self.entry(&format!("{:>3} ", at + 1), item, "");
        }
    }
}

/// Words packed into lines of at most `width` characters; longer words are cut.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Vec::new();
    }
    let options = textwrap::Options::new(width.max(20))
        .break_words(true)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(&words.join(" "), options)
        .into_iter()
        .map(std::borrow::Cow::into_owned)
        .collect()
}

/// `L3 L7-L9`, shortened when long.
pub(crate) fn cite(lines: &[LineSpan]) -> String {
    let shown: Vec<String> = lines.iter().take(6).map(ToString::to_string).collect();
    let more = if lines.len() > 6 { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_packed_and_long_ones_cut() {
        assert_eq!(wrap("aaaa bbbb cccc dddd eeee", 20), ["aaaa bbbb cccc dddd", "eeee"]);
        assert_eq!(wrap(&"x".repeat(45), 20).len(), 3);
    }
}
