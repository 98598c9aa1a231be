//! Whose code is it: the people and lists of the MAINTAINERS sections that name a file or a changed line, of the
//! bindings that name their maintainers, and of a history.

mod answer;
pub mod history;
pub mod patch;
mod pattern;
mod people;
mod sections;

use parse_maintainers::{Address, Mailmap, Section};

pub use answer::{Answer, Guilty, How};
pub use people::People;

/// What is asked.
pub struct Query<'a> {
    /// Paths from the root of the tree, without `./`; a directory ends with a slash.
    pub files: &'a [String],
    /// A patch, whose lines are compared with `K:`.
    pub patch: Option<&'a str>,
    /// Names and addresses by which people go.
    pub mailmap: &'a Mailmap,
    /// Whether a path is a directory of the tree.
    pub is_directory: &'a dyn Fn(&str) -> bool,
    /// The text of a file of the tree; asked for bindings (`.yaml`).
    pub text: &'a dyn Fn(&str) -> Option<String>,
}

/// What somebody is to the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `M:` of a section.
    Maintainer,
    /// `R:` of a section.
    Reviewer,
    /// Named in the file itself.
    InFile,
    /// Wrote or signed commits.
    History,
    /// `L:` of a section.
    List,
}

/// By which pattern a section was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// `F`, `N` or `K`.
    pub letter: char,
    /// The pattern as MAINTAINERS has it.
    pub pattern: String,
    /// Its line of MAINTAINERS.
    pub line: usize,
    /// What it matched.
    pub matched: Matched,
}

/// What a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    /// A path.
    File(String),
    /// A line of the patch, counted from 1.
    PatchLine(usize),
}

/// Why somebody is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An entry of a section.
    Section {
        /// Title of the section.
        section: String,
        /// What the entry makes of him.
        role: Role,
        /// Line of MAINTAINERS with the address.
        line: usize,
        /// How the section was found.
        ground: Ground,
    },
    /// A file names him.
    InFile {
        /// The file.
        file: String,
        /// The line of the file.
        line: usize,
    },
    /// Commits of a history.
    History(history::Part),
}

/// A person or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// What the first reason makes of him.
    pub role: Role,
    /// Name and address.
    pub address: Address,
    /// Why he is listed, the nearest section first; never empty.
    pub reasons: Vec<Reason>,
}

/// A section that names the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// Its title.
    pub title: String,
    /// Line of the title.
    pub line: usize,
    /// `S:`, as `Maintained` or `Orphan`.
    pub status: Option<String>,
    /// `T:`: where its patches are collected.
    pub trees: Vec<String>,
    /// `B:`: where its bugs are reported.
    pub bugs: Vec<String>,
    /// How it was found.
    pub ground: Ground,
}

/// The subsystems, the most precise pattern of each file first, and the people: those of the sections, those named in
/// files, then the lists. One who goes by two names or addresses is listed once.
#[must_use]
pub fn who(sections: &[Section<'_>], query: &Query<'_>) -> (Vec<Subsystem>, People) {
    let mut subsystems: Vec<Subsystem> = Vec::new();
    let mut people = People::default();
    for (section, ground) in sections::matching(sections, query) {
        people.add_section(section, &ground);
        if !subsystems.iter().any(|known| known.line == section.line) {
            let all = |kind| section.values(kind).map(str::to_owned).collect();
            subsystems.push(Subsystem {
                title: section.title.to_owned(),
                line: section.line,
                status: section.values('S').last().map(str::to_owned),
                trees: all('T'),
                bugs: all('B'),
                ground,
            });
        }
    }
    people.merge(query.mailmap);
    for file in query.files.iter().filter(|file| file.ends_with(".yaml")) {
        let text = (query.text)(file).unwrap_or_default();
        for (address, line) in parse_maintainers::in_text(&text) {
            people.add_named(&query.mailmap.proper(&address), file, line);
        }
    }
    (subsystems, people)
}

#[cfg(test)]
mod tests;
