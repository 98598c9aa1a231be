//! The tables, compiled. A family is compiled when its first report is met, so that a program that
//! reads one crash pays for one family.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use model::functions::role;
use parse_console::reports::{Choice, Doubt, FAMILIES, Family, Look, Shape};
use regex::{Regex, RegexSet};

use crate::anchors;
use crate::helpers::is_helper;
use crate::stall;

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

/// A row of a family, ready to match.
#[derive(Debug)]
pub(crate) struct CompiledShape {
    pub(crate) shape: &'static Shape,
    pub(crate) line: Regex,
    pub(crate) then: Vec<Regex>,
    /// One for each place of `shape.function`: the pattern of [`Look::After`] and [`Look::Line`].
    pub(crate) starts: Vec<Option<Regex>>,
    skip: Option<RegexSet>,
    /// The pattern of [`Doubt::Needs`].
    pub(crate) needs: Option<Regex>,
}

impl CompiledShape {
    fn new(shape: &'static Shape) -> Self {
        Self {
            shape,
            line: regex(&format!("^(?:{})", shape.line)),
            then: shape.then.iter().map(|pattern| regex(pattern)).collect(),
            starts: shape
                .function
                .iter()
                .map(|look| match look {
                    Look::After(pattern) | Look::Line(pattern) => Some(regex(pattern)),
                    _ => None,
                })
                .collect(),
            skip: (!shape.skip.is_empty()).then(|| regex_set(shape.skip.iter().copied())),
            needs: match shape.doubt {
                Doubt::Needs(pattern) => Some(regex(pattern)),
                _ => None,
            },
        }
    }

    /// Whether a function never names a report of this kind.
    pub(crate) fn passes_over(&self, function: &str) -> bool {
        is_helper(function, self.shape.title)
            || role(function).is_some_and(|role| self.shape.roles.contains(&role))
            || (self.skip.as_ref().is_some_and(|skip| skip.is_match(function))
                && !(self.shape.choice == Choice::Waiter && stall::bucket(function).is_some()))
    }
}

/// A family, ready to match.
#[derive(Debug)]
pub(crate) struct CompiledFamily {
    pub(crate) family: &'static Family,
    except: RegexSet,
    pub(crate) shapes: Vec<CompiledShape>,
}

impl CompiledFamily {
    /// Whether the line (whole message) is one of the family's exceptions.
    pub(crate) fn excepts(&self, text: &str) -> bool {
        self.except.is_match(text)
    }
}

struct Headers {
    literals: AhoCorasick,
    families: Vec<(&'static Family, OnceLock<CompiledFamily>)>,
}

static HEADERS: LazyLock<Headers> = LazyLock::new(|| {
    let families: Vec<_> = FAMILIES.iter().copied().flatten().collect();
    let literals = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::DFA))
        .build(families.iter().map(|family| family.header));
    match literals {
        Ok(literals) => Headers {
            literals,
            families: families.into_iter().map(|f| (f, OnceLock::new())).collect(),
        },
        Err(error) => panic!("the headers do not compile: {error}"),
    }
});

/// The first header in the message of a line, with its byte offset there.
pub(crate) fn find_header(text: &str) -> Option<(usize, &'static CompiledFamily)> {
    if !anchors::may_hold_header(text.as_bytes()) {
        return None;
    }
    let headers = &*HEADERS;
    let found = headers.literals.find(text)?;
    let (family, compiled) = &headers.families[found.pattern().as_usize()];
    let compiled = compiled.get_or_init(|| CompiledFamily {
        family,
        except: regex_set(family.except.iter().copied()),
        shapes: family.shapes.iter().map(CompiledShape::new).collect(),
    });
    Some((found.start(), compiled))
}

/// The reboot family: its line is a report only when something ran before.
pub(crate) const REBOOT_TITLE: &str = "unexpected kernel reboot";

/// Whether raw bytes of a line hold any header.
pub(crate) fn holds_header(raw: &[u8]) -> bool {
    anchors::may_hold_header(raw) && HEADERS.literals.is_match(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_unicode_become_those_of_ascii() {
        assert_eq!(ascii(r"(\S+):\d+ [^\s+]\.\[x\]\b"), r"([^ \t]+):[0-9]+ [^ \t+]\.\[x\](?-u:\b)");
        assert_eq!(ascii(r"[]\d]"), "[]0-9]");
    }

    #[test]
    fn every_row_of_every_table_compiles() {
        for family in FAMILIES.iter().copied().flatten() {
            for shape in family.shapes {
                CompiledShape::new(shape);
            }
            regex_set(family.except.iter().copied());
        }
    }

    #[test]
    fn every_header_is_found_at_its_place() {
        for family in FAMILIES.iter().copied().flatten() {
            let line = format!("x {} y", family.header);
            let (at, found) = find_header(&line).unwrap();
            assert_eq!((at, found.family.header), (2, family.header));
        }
    }
}
