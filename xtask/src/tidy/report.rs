//! What is reported whether or not a rule is broken: the longest functions, the largest files, the lines
//! of the command line.

use super::functions::functions;
use super::source::{File, Scope};
use crate::task::say;

/// How many of each are named in the short list and in the long one.
const NAMED: (usize, usize) = (3, 12);

pub(super) fn tell(files: &[File], all: bool) {
    let most = if all { NAMED.1 } else { NAMED.0 };
    let mut longest: Vec<(usize, String)> = files
        .iter()
        .flat_map(|file| {
            functions(file).into_iter().map(|function| {
                (function.length, format!("{}:{} {}", file.place, function.line, function.name))
            })
        })
        .collect();
    let code = || files.iter().filter(|file| file.scope == Scope::Code);
    let mut largest: Vec<(usize, String)> =
        code().map(|file| (file.text.lines().count(), file.place.clone())).collect();
    let cli: usize = largest
        .iter()
        .filter(|(_, place)| place.starts_with("crates/cli/"))
        .map(|(lines, _)| lines)
        .sum();
    for (what, list) in [("longest functions", &mut longest), ("largest files", &mut largest)] {
        list.sort_by(|a, b| b.cmp(a));
        say(&format!("tidy: {what}:"));
        for (lines, name) in list.iter().take(most) {
            say(&format!("  {lines:>5}  {name}"));
        }
    }
    say(&format!("tidy: lines of cli: {cli}"));
}
