//! Regular expressions of the tables.

use regex::{Regex, RegexSet};

/// Compiles a pattern of a table.
///
/// # Panics
/// When the pattern is no regular expression: a test compiles every row.
pub(crate) fn regex(pattern: &str) -> Regex {
    match Regex::new(&ascii(pattern)) {
        Ok(regex) => regex,
        Err(error) => panic!("a table holds a bad pattern: {error}"),
    }
}

pub(crate) fn regex_set<'a>(patterns: impl IntoIterator<Item = &'a str>) -> RegexSet {
    match RegexSet::new(patterns.into_iter().map(ascii)) {
        Ok(set) => set,
        Err(error) => panic!("a table holds a bad pattern: {error}"),
    }
}

/// The pattern with `\d`, `\s`, `\S` and `\b` of ASCII alone: logs need no more, and the classes of Unicode
/// make a pattern many times as large.
fn ascii(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (chars.next(), in_class) {
                (Some('d'), true) => out.push_str("0-9"),
                (Some('s'), true) => out.push_str(" \\t"),
                (Some('d'), false) => out.push_str("[0-9]"),
                (Some('s'), false) => out.push_str("[ \\t]"),
                (Some('S'), false) => out.push_str("[^ \\t]"),
                (Some('b'), false) => out.push_str("(?-u:\\b)"),
                (Some(other), _) => out.extend(['\\', other]),
                (None, _) => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push(c);
            }
            ']' if in_class && !out.ends_with('[') && !out.ends_with("[^") => {
                in_class = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_unicode_become_those_of_ascii() {
        assert_eq!(ascii(r"(\S+):\d+ [^\s+]\.\[x\]\b"), r"([^ \t]+):[0-9]+ [^ \t+]\.\[x\](?-u:\b)");
        assert_eq!(ascii(r"[]\d]"), "[]0-9]");
    }
}
