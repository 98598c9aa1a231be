//! What `ktriage who --json` prints: one [`Answered`] a line.

use analysis_tree::who::{Answer, Ground, How, Matched, Reason, Recipient, Role};
use schemars::JsonSchema;
use serde::Serialize;

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// The answer about one log, patch or path.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered<'a> {
    /// Number of this format.
    format: u32,
    /// What was asked about, as it was named on the command line.
    file: &'a str,
    /// The files of the tree that were asked about.
    files: &'a [String],
    /// How a crash led to its file; null where a patch or a path was asked about.
    guilty: Option<Guilty<'a>>,
    /// The sections of MAINTAINERS that name them, the most precise first.
    subsystems: Vec<Subsystem<'a>>,
    /// People first, then lists.
    recipients: Vec<One<'a>>,
    /// The commit up to which the history was asked; null where there is none or it was not asked.
    history: Option<&'a str>,
    /// Commits of `Fixes:` that the history does not hold.
    unknown_fixes: &'a [String],
}

/// The file at which a crash points.
#[derive(Debug, Serialize, JsonSchema)]
struct Guilty<'a> {
    /// Title of the crash.
    title: &'a str,
    /// The line of the log that announces it.
    header_line: u64,
    /// The file.
    file: &'a str,
    /// The function of the report that the tree defines there; null where the report names the file.
    function: Option<&'a str>,
    /// The line of that definition.
    line: Option<usize>,
    /// Other files that define a function of that name.
    others: &'a [String],
    /// Whether the tree has the file.
    in_tree: bool,
}

/// A section of MAINTAINERS.
#[derive(Debug, Serialize, JsonSchema)]
struct Subsystem<'a> {
    title: &'a str,
    /// Line of MAINTAINERS.
    line: usize,
    /// As `Maintained` or `Orphan`.
    status: Option<&'a str>,
    /// Where its patches are collected.
    trees: &'a [String],
    /// Where its bugs are reported.
    bugs: &'a [String],
    by: By<'a>,
}

/// The pattern by which a section was found.
#[derive(Debug, Serialize, JsonSchema)]
struct By<'a> {
    /// `F`, `N` or `K`.
    letter: char,
    pattern: &'a str,
    /// Line of MAINTAINERS.
    line: usize,
    /// The path that it matches.
    file: Option<&'a str>,
    /// The line of the patch that it matches, from 1.
    patch_line: Option<usize>,
}

/// A person or a list.
#[derive(Debug, Serialize, JsonSchema)]
struct One<'a> {
    /// `maintainer`, `reviewer`, `in_file`, `history` or `list`.
    role: &'static str,
    /// Empty where none is known.
    name: &'a str,
    address: &'a str,
    /// Why, the nearest first.
    reasons: Vec<Why<'a>>,
}

/// Why somebody is listed.
#[derive(Debug, Serialize, JsonSchema)]
struct Why<'a> {
    /// `section`, `in_file` or `history`.
    kind: &'static str,
    /// The section, for `section`.
    section: Option<&'a str>,
    /// What the section makes of him.
    role: Option<&'static str>,
    /// Line of MAINTAINERS, or of the file that names him.
    line: Option<usize>,
    by: Option<By<'a>>,
    /// The same as a clause.
    reason: String,
}

/// The printed shape of an answer.
pub fn answered<'a>(name: &'a str, answer: &'a Answer) -> Answered<'a> {
    Answered {
        format: FORMAT,
        file: name,
        files: &answer.files,
        guilty: answer.guilty.as_ref().map(|guilty| {
            let (function, line) = match &guilty.how {
                How::Named => (None, None),
                How::Defined { function, line } => (Some(function.as_str()), Some(*line)),
            };
            Guilty {
                title: &guilty.title,
                header_line: guilty.header_line,
                file: &guilty.file,
                function,
                line,
                others: &guilty.others,
                in_tree: guilty.is_there,
            }
        }),
        subsystems: answer
            .subsystems
            .iter()
            .map(|s| Subsystem {
                title: &s.title,
                line: s.line,
                status: s.status.as_deref(),
                trees: &s.trees,
                bugs: &s.bugs,
                by: by(&s.ground),
            })
            .collect(),
        recipients: answer.recipients.iter().map(one).collect(),
        history: answer.head.as_deref(),
        unknown_fixes: &answer.unknown_fixes,
    }
}

fn one(recipient: &Recipient) -> One<'_> {
    One {
        role: role(recipient.role),
        name: &recipient.address.name,
        address: &recipient.address.mail,
        reasons: recipient.reasons.iter().map(why).collect(),
    }
}

fn why(reason: &Reason) -> Why<'_> {
    let plain = |kind, line| Why {
        kind,
        section: None,
        role: None,
        line,
        by: None,
        reason: super::reason(reason),
    };
    match reason {
        Reason::Section { section, role: own, line, ground } => Why {
            section: Some(section),
            role: Some(role(*own)),
            by: Some(by(ground)),
            ..plain("section", Some(*line))
        },
        Reason::InFile { line, .. } => plain("in_file", Some(*line)),
        Reason::History(_) => plain("history", None),
    }
}

fn by(ground: &Ground) -> By<'_> {
    let (file, patch_line) = match &ground.matched {
        Matched::File(file) => (Some(file.as_str()), None),
        Matched::PatchLine(line) => (None, Some(*line)),
    };
    By { letter: ground.letter, pattern: &ground.pattern, line: ground.line, file, patch_line }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Maintainer => "maintainer",
        Role::Reviewer => "reviewer",
        Role::InFile => "in_file",
        Role::History => "history",
        Role::List => "list",
    }
}
