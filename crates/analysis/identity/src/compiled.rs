//! The tables, compiled. A family is compiled when its first report is met, so that a program that
//! reads one crash pays for one family.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use model::functions::role;
use parse_console::reports::{Choice, Doubt, FAMILIES, Family, Look, Shape};
use regex::{Regex, RegexSet};

use crate::anchors;
use crate::bucket::bucket;
use crate::helpers::is_helper;
use crate::pattern::{regex, regex_set};

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
                && !(self.shape.choice == Choice::Waiter && bucket(function).is_some()))
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
