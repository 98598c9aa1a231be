//! Rules on the text of a file: its heading, its length, and words that must not stand in it.

use super::problem::{Kind, Problem};
use super::source::{File, Scope};

/// What pure crates must not touch.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "SystemTime::now",
    "Instant::now",
];
/// Crates that do no I/O.
const PURE: &[&str] = &["crates/model/", "crates/parse/", "crates/analysis/"];

/// The markup that stands for `<`. A decoder has it as the key of a table; who writes it escapes.
const ESCAPED: &[&str] =
    &["push_str(\"&lt;", "+= \"&lt;", "replace('<', \"&lt;", "replace(\"<\", \"&lt;"];

/// A file longer than this is hard to hold in the head; tables may be.
const LONG: usize = 1_500;

/// Starts of paths that exist on some machine only; sources must not name them.
fn private_words() -> Vec<String> {
    ["work", "root", "home"].iter().map(|name| format!("/{name}/")).collect()
}

pub(super) fn check(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |kind, line: usize, what: String| {
        problems.push(Problem::new(kind, format!("{}:{line}", file.place), what));
    };
    let is_code = file.scope == Scope::Code;
    if is_code && !file.text.trim_start().starts_with("//!") {
        add(Kind::Heading, 1, "the module has no heading comment (`//!`)".to_owned());
    }
    let length = file.text.lines().count();
    if is_code && length > LONG && !file.place.contains("table") {
        add(Kind::LongFile, length, format!("{length} lines; split it"));
    }
    let pure = is_code && PURE.iter().any(|layer| file.place.starts_with(layer));
    let own = file.place.starts_with("xtask/");
    let private = private_words();
    for (number, line) in file.lines() {
        let trimmed = line.trim();
        if pure && IMPURE.iter().any(|word| line.contains(word)) {
            add(Kind::Impure, number, format!("pure code must not do this: {trimmed}"));
        }
        if !own && private.iter().any(|word| line.contains(word.as_str())) {
            add(Kind::PrivatePath, number, format!("names a path of some machine: {trimmed}"));
        }
        if is_code
            && !own
            && !file.place.starts_with("crates/render/")
            && ESCAPED.iter().any(|words| line.contains(words))
        {
            add(Kind::Escaping, number, format!("only `render` escapes HTML: {trimmed}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::problem::file;
    use super::*;

    fn kinds(place: &str, text: &str) -> Vec<Kind> {
        check(&file(place, text)).into_iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn each_rule_finds_what_breaks_it_and_nothing_in_tests() {
        let pure = "crates/parse/x/src/lib.rs";
        assert_eq!(kinds(pure, "//! A.\nuse std::fs;\n"), [Kind::Impure]);
        assert_eq!(kinds("crates/io/x/src/lib.rs", "//! A.\nuse std::fs;\n"), []);
        assert_eq!(kinds(pure, "fn f() {}\n"), [Kind::Heading]);
        assert_eq!(kinds(pure, "//! A.\n#[cfg(test)]\nmod tests { use std::fs; }\n"), []);
        let escapes = "//! A.\nfn f(s: &mut String) { s.push_str(\"&lt;\"); }\n";
        assert_eq!(kinds("crates/cli/src/page.rs", escapes), [Kind::Escaping]);
        assert_eq!(kinds("crates/render/src/page.rs", escapes), []);
    }
}
