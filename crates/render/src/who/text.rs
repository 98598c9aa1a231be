//! Whose code it is, as text.

use std::fmt::Write as _;

use analysis_tree::who::history::Part;
use analysis_tree::who::{
    Answer, Ground, Guilty, How, Matched, Reason, Recipient, Role, Subsystem,
};

use crate::escape::{Escaped, one_line};

/// Digits of a commit that are shown.
const DIGITS: usize = 12;
/// Reasons of one person that are shown.
const MOST_REASONS: usize = 6;
/// Files that are named at the head.
const MOST_FILES: usize = 10;

/// The addresses alone, one a line, as mail programs take them.
pub fn addresses(answer: &Answer) -> String {
    let lines = answer.recipients.iter().map(|one| one_line(&one.address.to_string()) + "\n");
    lines.collect()
}

/// An answer for a terminal.
pub fn text(answer: &Answer) -> String {
    let mut out = String::new();
    if let Some(guilty) = &answer.guilty {
        out.push_str(&guilty_file(guilty));
    } else {
        for file in answer.files.iter().take(MOST_FILES) {
            let _ = writeln!(out, "{}", Escaped(file));
        }
        if answer.files.len() > MOST_FILES {
            let _ = writeln!(out, "and {} more files", answer.files.len() - MOST_FILES);
        }
    }
    if answer.subsystems.is_empty() {
        out.push_str("\nNo section of MAINTAINERS names it.\n");
    } else {
        out.push_str("\nSubsystems\n");
        answer.subsystems.iter().for_each(|s| subsystem(&mut out, s));
    }
    for (role, title) in ROLES {
        people(&mut out, title, answer.recipients.iter().filter(|one| one.role == role));
    }
    for commit in &answer.unknown_fixes {
        let _ = writeln!(out, "\nFixes: {}: the history does not hold it", Escaped(commit));
    }
    match &answer.head {
        Some(head) => {
            let _ =
                write!(out, "\nHistory asked up to {}", Escaped(&head[..head.len().min(DIGITS)]));
            if answer.passed_over > 0 {
                let _ = write!(out, ", not for {} further files", answer.passed_over);
            }
            out.push_str(".\n");
        }
        None => out.push_str("\nNo history was asked.\n"),
    }
    out
}

const ROLES: [(Role, &str); 5] = [
    (Role::Maintainer, "Maintainers"),
    (Role::Reviewer, "Reviewers"),
    (Role::InFile, "Named in the file"),
    (Role::History, "By the history"),
    (Role::List, "Lists"),
];

fn guilty_file(guilty: &Guilty) -> String {
    let mut out = format!("{}  L{}\n", Escaped(&guilty.title), guilty.header_line);
    let file = Escaped(&guilty.file);
    let _ = match &guilty.how {
        How::Named => writeln!(out, "{file}: the report points at it"),
        How::Defined { function, line } if guilty.others.is_empty() => {
            writeln!(
                out,
                "{file}:{line}: defines {}, the first function of the report that is no helper",
                Escaped(function)
            )
        }
        How::Defined { function, line } => writeln!(
            out,
            "{file}:{line}: defines {}, as do {}; the report does not tell which, so the people of all are listed",
            Escaped(function),
            Escaped(&guilty.others.join(", "))
        ),
    };
    if !guilty.is_there {
        out.push_str("The tree has no such file; it is another version's.\n");
    }
    out
}

fn subsystem(out: &mut String, subsystem: &Subsystem) {
    let status = subsystem.status.as_deref().map_or_else(String::new, |s| format!(" ({s})"));
    let _ = writeln!(out, "  {}{}", Escaped(&subsystem.title), Escaped(&status));
    let _ = writeln!(out, "      {}", Escaped(&ground(&subsystem.ground)));
    for (name, values) in [("tree", &subsystem.trees), ("bugs", &subsystem.bugs)] {
        for value in values {
            let _ = writeln!(out, "      {name} {}", Escaped(value));
        }
    }
}

fn people<'a>(out: &mut String, title: &str, all: impl Iterator<Item = &'a Recipient>) {
    let mut is_first = true;
    for one in all {
        if is_first {
            let _ = write!(out, "\n{title}\n");
            is_first = false;
        }
        let _ = writeln!(out, "  {}", one_line(&one.address.to_string()));
        for why in one.reasons.iter().take(MOST_REASONS) {
            let _ = writeln!(out, "      {}", one_line(&reason(why)));
        }
        if one.reasons.len() > MOST_REASONS {
            let _ = writeln!(out, "      and {} more reasons", one.reasons.len() - MOST_REASONS);
        }
    }
}

fn ground(ground: &Ground) -> String {
    let Ground { letter, pattern, line, matched } = ground;
    match matched {
        Matched::File(file) => format!("{letter}: {pattern} (MAINTAINERS:{line}) matches {file}"),
        Matched::PatchLine(number) => {
            format!("{letter}: {pattern} (MAINTAINERS:{line}) matches line {number} of the patch")
        }
    }
}

/// Why somebody is listed, as a clause.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Section { section, role, line, ground: by } => {
            let what = match role {
                Role::Maintainer => "maintainer of ",
                Role::Reviewer => "reviewer of ",
                _ => "list of ",
            };
            format!("{what}{section} (MAINTAINERS:{line}); {}", ground(by))
        }
        Reason::InFile { file, line } => format!("{file}:{line} names him"),
        Reason::History(Part::Commits { file, wrote, signed, of, until }) => format!(
            "wrote {wrote} and signed, reviewed or acked {signed} of the {of} commits of {file} in the year up to {until}"
        ),
        Reason::History(Part::Mended { commit, title, wrote }) => {
            let what = if *wrote { "wrote" } else { "signed" };
            format!("{what} {commit} (\"{title}\"), which the patch names in Fixes:")
        }
        Reason::History(Part::Lines { file, lines, commit, title }) => {
            let commit: String = commit.chars().take(DIGITS).collect();
            let lines = if *lines == 1 { "line".to_owned() } else { format!("{lines} lines") };
            format!(
                "last changed {lines} of {file} that the patch touches, most in {commit} (\"{title}\")"
            )
        }
    }
}
