//! The sections that name a file, or a line of a patch.

use std::collections::BTreeSet;

use parse_maintainers::{Entry, Section};
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::patch;
use super::pattern::{compile, depth, matches, names, without_blanks};
use super::{Ground, Matched, Query};

/// Matching sections with the pattern that matched: file by file, the deepest pattern first, then keywords.
pub(super) fn matching<'s, 'a>(
    sections: &'s [Section<'a>],
    query: &Query<'_>,
) -> Vec<(&'s Section<'a>, Ground)> {
    let mut found = Vec::new();
    for file in query.files {
        let mut of_file: Vec<_> = sections
            .iter()
            .filter_map(|section| {
                let (deep, entry) = by_path(section, file, query.is_directory)?;
                Some((deep, section, ground(entry, Matched::File(file.clone()))))
            })
            .collect();
        of_file.sort_by_key(|(deep, ..)| std::cmp::Reverse(*deep));
        found.extend(of_file.into_iter().map(|(_, section, ground)| (section, ground)));
    }
    if let Some(patch) = query.patch {
        found.extend(by_keyword(sections, patch));
    }
    found
}

fn ground(entry: &Entry<'_>, matched: Matched) -> Ground {
    let pattern = entry.value.to_owned();
    Ground { letter: entry.kind, pattern, line: entry.line, matched }
}

/// The last pattern of a section that matches a path decides how near the section is.
fn by_path<'s, 'a>(
    section: &'s Section<'a>,
    file: &str,
    is_directory: &dyn Fn(&str) -> bool,
) -> Option<(usize, &'s Entry<'a>)> {
    let found = section.entries.iter().rev().find_map(|entry| match entry.kind {
        'F' if matches(entry.value, file, is_directory) => {
            Some((depth(entry.value, is_directory), entry))
        }
        'N' if names(entry.value, file) => Some((1, entry)),
        _ => None,
    })?;
    let excluded = section.values('X').any(|pattern| matches(pattern, file, is_directory));
    (!excluded).then_some(found)
}

/// The sections one of whose `K:` is found in the text before the diffs or in changed lines.
fn by_keyword<'s, 'a>(sections: &'s [Section<'a>], text: &str) -> Vec<(&'s Section<'a>, Ground)> {
    let keywords: Vec<(&Section<'a>, &Entry<'a>)> = sections
        .iter()
        .flat_map(|s| s.entries.iter().filter(|e| e.kind == 'K').map(move |e| (s, e)))
        .collect();
    let (of_text, in_text) = set(&keywords, "");
    // The pattern is put behind "a changed line, then anything", so that in `a|b` only `a` is held to that.
    let (of_change, in_change) = set(&keywords, "^[+-].*");
    let mut lines: Vec<Option<usize>> = vec![None; keywords.len()];
    for (number, line) in patch::keyword_lines(text) {
        let (places, set) = match line {
            patch::KeywordLine::Text(line) => (&of_text, in_text.matches(line.as_bytes())),
            patch::KeywordLine::Diff(line) => (&of_change, in_change.matches(line.as_bytes())),
        };
        for at in set.iter().filter_map(|at| places.get(at)) {
            if let Some(first) = lines.get_mut(*at) {
                first.get_or_insert(number);
            }
        }
    }
    let mut seen = BTreeSet::new();
    keywords
        .iter()
        .zip(lines)
        .filter_map(|((section, entry), line)| {
            let line = line?;
            seen.insert(section.line).then(|| (*section, ground(entry, Matched::PatchLine(line))))
        })
        .collect()
}

/// The keywords that can be compiled, by their places, and a set of them.
fn set(keywords: &[(&Section<'_>, &Entry<'_>)], before: &str) -> (Vec<usize>, RegexSet) {
    let all: Vec<String> =
        keywords.iter().map(|(_, e)| format!("{before}{}", without_blanks(e.value))).collect();
    let build = |expressions: &[&String]| {
        RegexSetBuilder::new(expressions).unicode(false).size_limit(16 << 20).build()
    };
    let whole: Vec<&String> = all.iter().collect();
    if let Ok(set) = build(&whole) {
        return ((0..all.len()).collect(), set);
    }
    let good: Vec<usize> = (0..all.len()).filter(|at| compile(&all[*at]).is_some()).collect();
    let chosen: Vec<&String> = good.iter().map(|at| &all[*at]).collect();
    match build(&chosen) {
        Ok(set) => (good, set),
        Err(_) => (Vec::new(), RegexSet::empty()),
    }
}
