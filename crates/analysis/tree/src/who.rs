//! Whose code is it: the people and lists of the MAINTAINERS sections that name a file or a changed line.

use std::collections::HashSet;

use parse_maintainers::{Entry, Section};
use regex::bytes::{Regex, RegexBuilder};

/// What is asked.
pub struct Query<'a> {
    /// Paths from the root of the tree, without `./`.
    pub files: &'a [&'a str],
    /// Added and removed lines of a patch, for `K:`; empty for a file.
    pub changed: &'a [&'a [u8]],
    /// Addresses that are never listed (`.get_maintainer.ignore`), and those that get no such mail.
    pub ignored: &'a [&'a str],
    /// Whether a pattern names a directory of the tree.
    pub is_directory: &'a dyn Fn(&str) -> bool,
}

/// Why somebody is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Title of the section.
    pub section: String,
    /// The pattern that matched: its letter `F`, `N` or `K`, its text and its line of MAINTAINERS.
    pub pattern: Entry,
    /// Line of MAINTAINERS with the address.
    pub line: usize,
}

/// A person or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// `M`, `R` or `L`.
    pub kind: char,
    /// Name; empty for a list.
    pub name: String,
    /// Mail address.
    pub address: String,
    /// Every section that lists it, the nearest first.
    pub reasons: Vec<Reason>,
}

/// People first, then lists; those of the most precise pattern first.
#[must_use]
pub fn who(sections: &[Section], query: &Query<'_>) -> Vec<Recipient> {
    let mut people = Vec::new();
    let mut lists = Vec::new();
    for (section, pattern) in matching(sections, query) {
        for entry in &section.entries {
            let reason = || Reason {
                section: section.title.clone(),
                pattern: pattern.clone(),
                line: entry.line,
            };
            let Some((name, address)) = address(entry) else { continue };
            if query.ignored.iter().any(|no| no.eq_ignore_ascii_case(address)) {
                continue;
            }
            let into = if entry.kind == 'L' { &mut lists } else { &mut people };
            add(into, entry.kind, name, address, reason());
        }
    }
    people.append(&mut lists);
    people
}

fn add(into: &mut Vec<Recipient>, kind: char, name: &str, address: &str, reason: Reason) {
    let known = into.iter_mut().find(|r| {
        r.address.eq_ignore_ascii_case(address)
            || (!name.is_empty() && r.name.eq_ignore_ascii_case(name))
    });
    match known {
        Some(known) => known.reasons.push(reason),
        None => into.push(Recipient {
            kind,
            name: name.to_owned(),
            address: address.to_owned(),
            reasons: vec![reason],
        }),
    }
}

fn address(entry: &Entry) -> Option<(&str, &str)> {
    match entry.kind {
        'L' => {
            let (list, remark) =
                entry.value.split_once(char::is_whitespace).unwrap_or((&entry.value, ""));
            (!list.is_empty() && !remark.contains("subscribers-only")).then_some(("", list))
        }
        'M' | 'R' => {
            let Some((name, rest)) = entry.value.split_once('<') else {
                return entry.value.contains('@').then_some(("", entry.value.as_str()));
            };
            let (address, _) = rest.split_once('>')?;
            Some((name.trim().trim_matches('"'), address.trim()))
        }
        _ => None,
    }
}

/// Matching sections with the pattern that matched: file by file, the deepest pattern first, then keywords.
fn matching<'a>(sections: &'a [Section], query: &Query<'_>) -> Vec<(&'a Section, &'a Entry)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for file in query.files {
        let mut of_file: Vec<_> = sections
            .iter()
            .filter_map(|section| {
                by_path(section, file, query.is_directory).map(|(depth, p)| (depth, section, p))
            })
            .collect();
        of_file.sort_by_key(|(depth, ..)| std::cmp::Reverse(*depth));
        found.extend(of_file.into_iter().map(|(_, s, p)| (s, p)));
    }
    if !query.changed.is_empty() {
        found.extend(sections.iter().filter_map(|s| by_keyword(s, query.changed).map(|p| (s, p))));
    }
    found.retain(|(section, pattern)| seen.insert((section.line, pattern.line)));
    found
}

fn by_path<'a>(
    section: &'a Section,
    file: &str,
    is_directory: &dyn Fn(&str) -> bool,
) -> Option<(i64, &'a Entry)> {
    if section.values('X').any(|pattern| matches(pattern, file, is_directory)) {
        return None;
    }
    section.entries.iter().rev().find_map(|entry| match entry.kind {
        'F' if matches(&entry.value, file, is_directory) => Some((depth(&entry.value), entry)),
        'N' if regex(&entry.value).is_some_and(|r| r.is_match(file.as_bytes())) => Some((0, entry)),
        _ => None,
    })
}

fn by_keyword<'a>(section: &'a Section, changed: &[&[u8]]) -> Option<&'a Entry> {
    section.entries.iter().filter(|entry| entry.kind == 'K').find(|entry| {
        regex(&entry.value).is_some_and(|r| changed.iter().any(|line| r.is_match(line)))
    })
}

fn regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).ignore_whitespace(true).size_limit(1 << 20).build().ok()
}

fn depth(pattern: &str) -> i64 {
    if pattern.starts_with('*') {
        return -1;
    }
    let slashes = pattern.matches('/').count();
    i64::try_from(slashes).unwrap_or(i64::MAX - 1) + i64::from(!pattern.ends_with('/'))
}

/// A path pattern is anchored at its start only. One that ends with a slash, or names a directory,
/// covers the whole subtree; any other covers paths with as many slashes as it has.
fn matches(pattern: &str, file: &str, is_directory: &dyn Fn(&str) -> bool) -> bool {
    if !starts_with(pattern.as_bytes(), file.as_bytes()) {
        return false;
    }
    if pattern.ends_with('/') {
        return true;
    }
    if is_directory(pattern) {
        return file.as_bytes().get(pattern.len()) == Some(&b'/');
    }
    pattern.matches('/').count() == file.matches('/').count()
}

/// Whether a beginning of `text` matches: `*` is any run, `?` one byte.
fn starts_with(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while let Some(&want) = pattern.get(p) {
        if want == b'*' {
            p += 1;
            star = Some((p, t));
        } else if text.get(t).is_some_and(|&byte| want == b'?' || want == byte) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, from)) = star.filter(|(_, from)| *from < text.len()) {
            star = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
WIDGETS
M:\t\"Jane Doe\" <jane@example.org>
R:\tRob Roe <rob@example.org>
L:\twidgets@example.org (moderated for non-subscribers)
L:\tclosed@example.org (subscribers-only)
F:\tdrivers/widget/
F:\tinclude/widget*.h
F:\tlib/wi?get
X:\tdrivers/widget/old/
N:\tgad[gj]et
K:\twidget_(get|put)

ONE FILE
M:\tJane Doe <jane@example.com>
M:\tIgnored <no@example.org>
F:\tdrivers/widget/core.c

THE REST
L:\tall@example.org
F:\t*
F:\t*/
";

    fn listed(files: &[&str], changed: &[&[u8]]) -> Vec<String> {
        let is_directory = |path: &str| path == "lib/wi?get";
        let query =
            Query { files, changed, ignored: &["no@example.org"], is_directory: &is_directory };
        who(&parse_maintainers::sections(SMALL.as_bytes()), &query)
            .into_iter()
            .map(|r| r.address)
            .collect()
    }

    const ALL: [&str; 4] =
        ["jane@example.org", "rob@example.org", "widgets@example.org", "all@example.org"];

    #[test]
    fn a_trailing_slash_covers_the_subtree_and_closed_lists_are_dropped() {
        assert_eq!(listed(&["drivers/widget/a/b.c"], &[]), ALL);
    }

    #[test]
    fn an_excluded_path_leaves_the_rest() {
        assert_eq!(listed(&["drivers/widget/old/gadget.c"], &[]), ["all@example.org"]);
    }

    #[test]
    fn a_star_does_not_go_deeper_than_the_pattern() {
        assert_eq!(listed(&["include/widget_ops.h"], &[]), ALL);
        assert_eq!(listed(&["include/widget/ops.h"], &[]), ["all@example.org"]);
    }

    #[test]
    fn a_directory_without_a_slash_counts_as_one_with() {
        assert_eq!(listed(&["lib/widget/deep/x.c"], &[]), ALL);
    }

    #[test]
    fn names_and_keywords_are_regular_expressions() {
        assert_eq!(listed(&["arch/x/gadjet.c"], &[]), ALL);
        assert_eq!(listed(&["mm/x.c"], &[b"+\twidget_put(w);"]).len(), 4);
        assert_eq!(listed(&["mm/x.c"], &[b"+\tput(w);"]), ["all@example.org"]);
    }

    #[test]
    fn the_nearest_section_comes_first_and_a_name_is_listed_once() {
        let got = listed(&["drivers/widget/core.c"], &[]);
        assert_eq!(
            got,
            ["jane@example.com", "rob@example.org", "widgets@example.org", "all@example.org"]
        );
    }
}
