//! What a tree tells of claims about the source, as text.

use std::fmt::Write as _;

use analysis_tree::told::{Says, Told, Where, Why};

use crate::escape::one_line;
use crate::sentence;

/// Digits of a commit that are shown.
const DIGITS: usize = 12;

/// The claims, each with its judgement; nothing where there are none.
pub fn told(all: &[Told]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let count = |wanted: fn(&Says) -> bool| all.iter().filter(|told| wanted(&told.says)).count();
    let mut out = format!(
        "Source    {} claims about the source and its history: {} supported, {} contradicted, {} not shown\n\n",
        all.len(),
        count(|says| matches!(says, Says::Shown(_))),
        count(|says| matches!(says, Says::Contradicted { .. })),
        count(|says| matches!(says, Says::NotShown(_))),
    );
    for told in all {
        let line = if told.line > 0 { format!("L{}", told.line) } else { String::new() };
        let (word, at) = match &told.says {
            Says::Shown(at) => ("SUPPORTED", at.as_slice()),
            Says::Contradicted { at, .. } => ("CONTRADICTED", at.as_slice()),
            Says::NotShown(_) => ("NOT SHOWN", &[][..]),
        };
        let at: Vec<String> = at.iter().map(place).collect();
        let said = one_line(&sentence(&told.claim));
        let row = format!("{line:>5} {word:<13} {said}   {}", one_line(&at.join(" ")));
        let _ = writeln!(out, "{}", row.trim_end());
        match &told.says {
            Says::Shown(_) => {}
            Says::Contradicted { found, .. } => {
                let _ = writeln!(out, "{:20}but: {}", "", one_line(&sentence(found)));
            }
            Says::NotShown(why) => {
                let _ = writeln!(out, "{:20}{}", "", one_line(&reason(why)));
            }
        }
    }
    out
}

/// Where a tree says something, in a word.
pub fn place(at: &Where) -> String {
    match at {
        Where::Line { file, line } => format!("{file}:{line}"),
        Where::Commit(id) => id.chars().take(DIGITS).collect(),
        Where::Tag(tag) => format!("tag {tag}"),
    }
}

/// Why a tree does not tell, as a clause.
pub fn reason(why: &Why) -> String {
    match why {
        Why::NotDefined(function) => format!(
            "the tree defines no {function}() that its layout shows; a macro may make it, or another version has it"
        ),
        Why::NoFile(file) => format!("the tree has no {file}"),
        Why::OnlyNamed(file) => {
            format!(
                "{file} holds the name, but no definition that its layout shows; a macro may make it"
            )
        }
        Why::NotInBody(at) => format!(
            "the body at {} does not hold the name; a macro, a pointer or another function may lead there",
            place(at)
        ),
        Why::NoHistory => "the tree has no history: a clone of its repository has".to_owned(),
        Why::NoCommit(commit) => format!("the history of the tree does not hold {commit}"),
        Why::NoTag(tag) => format!("the tree has no tag {tag}"),
        Why::InNoTag(commit) => format!("no tag of the tree holds {commit}"),
    }
}
