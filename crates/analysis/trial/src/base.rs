//! Which commit a series belongs on: the candidates, what speaks for each, and which is taken.

use model::{CommitId, Grade};

use crate::series::Series;

/// Why a commit is a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller names it.
    Given,
    /// The revisions that are tried begin after it.
    Parent,
    /// `base-commit` of the mail, with its line.
    BaseCommit(Option<u64>),
    /// Its files are those from which the diff starts.
    Blobs,
    /// The mail names a tree or a release.
    Named(String),
    /// The newest commit when the mail was sent.
    Date,
    /// What the tree stands at.
    Head,
}

/// The files of a commit held against those from which the diff starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobMatch {
    /// Files that are the same.
    pub same: usize,
    /// Files of which the diff tells the blob.
    pub of: usize,
}

impl BlobMatch {
    /// Whether every file is the one from which the diff starts, and the diff tells of one at least.
    pub const fn is_whole(self) -> bool {
        self.of > 0 && self.same == self.of
    }
}

/// A hunk that finds no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedHunk {
    /// The file.
    pub file: String,
    /// The number of the hunk in the diff of that file, from 1; 0 when the whole file is at fault.
    pub hunk: u32,
    /// Why, where it is known.
    pub reason: String,
}

/// How a series went onto a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// All of it applies.
    Whole {
        /// Numbers of the patches, from 1, whose context had changed, so that a three-way merge was needed.
        merged: Vec<usize>,
    },
    /// It stops.
    Stopped {
        /// The number of the patch, from 1.
        patch: usize,
        /// What git says.
        message: String,
        /// The hunks that find no place.
        hunks: Vec<FailedHunk>,
    },
}

/// A commit on which the series may belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Why.
    pub origin: Origin,
    /// The commit.
    pub commit: CommitId,
    /// Its name for people: the nearest tag and its distance, where there is one.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// Its files against those of the diff.
    pub blobs: BlobMatch,
    /// How the series went onto it.
    pub attempt: Attempt,
}

impl Candidate {
    /// Whether the series applies.
    pub const fn applies(&self) -> bool {
        matches!(self.attempt, Attempt::Whole { .. })
    }

    /// How sure it is that the series was made for this commit, or for one that is the same to it.
    pub fn grade(&self) -> Grade {
        if !self.applies() {
            return Grade::Unknown;
        }
        match (&self.origin, self.blobs.is_whole()) {
            (Origin::Given | Origin::Parent, _) => Grade::Seen,
            // The mail says it, and its own diff agrees.
            (Origin::BaseCommit(_), true) => Grade::Seen,
            (_, true) => Grade::Derived,
            // The mail says it; its diff tells no blobs, or others.
            (Origin::BaseCommit(_), false) if self.blobs.of == 0 => Grade::Seen,
            (Origin::Named(_), false) if self.blobs.of == 0 => Grade::Inferred,
            _ => Grade::Guess,
        }
    }

    /// Whether the mail names this commit and its own diff starts from other files.
    pub fn is_contradicted(&self) -> bool {
        let says = matches!(self.origin, Origin::BaseCommit(_) | Origin::Named(_));
        says && self.blobs.of > 0 && !self.blobs.is_whole()
    }
}

/// The candidate to build: one on which the series applies, the surest first, in the order in which they
/// were found.
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let applying = candidates.iter().enumerate().filter(|(_, one)| one.applies());
    let surest = applying.clone().map(|(_, one)| one.grade()).max()?;
    let best = applying.filter(|(_, one)| one.grade() == surest);
    // Of guesses, the one with the most files of the diff.
    let most = best.clone().map(|(_, one)| one.blobs.same).max()?;
    best.filter(|(_, one)| one.blobs.same == most).map(|(at, _)| at).next()
}

/// A file from which the diff starts and that the tree does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The file.
    pub path: String,
    /// Its blob, as short as the diff has it.
    pub blob: String,
    /// Whether the blob is in the repository at all, if in no commit together with the others.
    pub is_known: bool,
    /// The blob that the file has in the nearest candidate.
    pub instead: Option<String>,
}

/// The commit whose files come nearest to those of the diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// The commit.
    pub commit: CommitId,
    /// Its name for people.
    pub name: Option<String>,
    /// Its files against those of the diff.
    pub blobs: BlobMatch,
}

/// What is known of the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// Every candidate, in the order in which they were found.
    pub candidates: Vec<Candidate>,
    /// The one that is taken.
    pub chosen: Option<usize>,
    /// A commit that the mail names and the tree does not have.
    pub absent: Option<String>,
    /// Trees and releases that the mail names and of which the tree knows nothing.
    pub unknown_names: Vec<String>,
    /// Files from which the diff starts and that the tree does not have.
    pub missing: Vec<Missing>,
    /// The commit that comes nearest.
    pub nearest: Option<Nearest>,
    /// History is cut off in this clone, so what is missing may only be older.
    pub is_shallow: bool,
}

impl Base {
    /// The candidate that is taken.
    pub fn taken(&self) -> Option<&Candidate> {
        self.candidates.get(self.chosen?)
    }
}

/// The files from which a diff starts and that are not in `found`, which are the blobs of the nearest commit.
/// `known` tells of each blob whether the repository has it.
pub fn missing(
    preimage: &[(String, Option<String>)],
    found: &[Option<String>],
    known: &[bool],
) -> Vec<Missing> {
    preimage
        .iter()
        .zip(found)
        .zip(known)
        .filter_map(|(((path, blob), found), known)| {
            let blob = blob.as_ref()?;
            let same = found.as_ref().is_some_and(|found| found.starts_with(blob.as_str()));
            (!same).then(|| Missing {
                path: path.clone(),
                blob: blob.clone(),
                is_known: *known,
                instead: found.clone(),
            })
        })
        .collect()
}

/// Words before the name of a tree.
const BEFORE: &[&str] = &[
    "based on",
    "base on",
    "on top of",
    "applies to",
    "apply to",
    "applies on",
    "against",
    "rebased on",
    "rebased to",
    "rebased onto",
];
/// Characters after such words in which the name is looked for.
const REACH: usize = 120;
/// Names that are looked for in the tree.
const MOST_NAMES: usize = 8;

/// The trees and releases that a mail names as its base: tags of its subject, releases and names of branches
/// after words such as "based on".
pub fn names_in_mail(series: &Series) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if name.len() > 1 && !names.iter().any(|known| known == name) && names.len() < MOST_NAMES {
            names.push(name.to_owned());
        }
    };
    let text = series.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_ascii_lowercase();
    for words in BEFORE {
        for (at, _) in lower.match_indices(words) {
            let mut end = (at + words.len() + REACH).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            // To the end of the sentence; the dots of a release are inside of a word.
            let rest = text[at + words.len()..end].split(". ").next().unwrap_or_default();
            rest.split([' ', ',', ';', '(', ')', '"', '\'', '`'])
                .filter(|word| is_name(word))
                .for_each(&mut add);
        }
    }
    series
        .trees
        .iter()
        .filter(|tag| tag.contains('-') || tag.contains('.'))
        .for_each(|tag| add(tag));
    names
}

/// Whether a word is a release (`v6.12-rc3`, `6.12`, `next-20260102`), a branch (`net-next`, `mm/mm-unstable`)
/// or a commit.
fn is_name(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let version = word.strip_prefix('v').unwrap_or(word);
    let release = version.split_once('.').is_some_and(|(major, rest)| {
        !major.is_empty()
            && major.bytes().all(|b| b.is_ascii_digit())
            && rest.bytes().next().is_some_and(|b| b.is_ascii_digit())
    });
    let commit = (8..=40).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && word.bytes().any(|b| b.is_ascii_digit());
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/.".contains(&b));
    let branch = plain
        && ["-next", "next-", "linux-", "-fixes", "-tip", "tip/", "-dev", "-unstable", "-testing"]
            .iter()
            .any(|part| word.contains(part));
    release || commit || branch || word == "linux-next"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(origin: Origin, same: usize, of: usize, applies: bool) -> Candidate {
        Candidate {
            origin,
            commit: CommitId::parse(&"a".repeat(40)).unwrap(),
            name: None,
            title: String::new(),
            blobs: BlobMatch { same, of },
            attempt: match applies {
                true => Attempt::Whole { merged: Vec::new() },
                false => Attempt::Stopped { patch: 1, message: String::new(), hunks: Vec::new() },
            },
        }
    }

    #[test]
    fn a_base_whose_files_agree_is_taken_before_one_that_the_mail_only_names() {
        let lie = candidate(Origin::BaseCommit(Some(3)), 0, 2, true);
        assert!(lie.is_contradicted());
        assert_eq!(lie.grade(), Grade::Guess);
        let all = [lie, candidate(Origin::Blobs, 2, 2, true), candidate(Origin::Head, 1, 2, true)];
        assert_eq!(choose(&all), Some(1));
        assert_eq!(all[1].grade(), Grade::Derived);
    }

    #[test]
    fn what_does_not_apply_is_never_taken_and_a_guess_says_so() {
        let all = [
            candidate(Origin::BaseCommit(None), 2, 2, false),
            candidate(Origin::Date, 0, 2, true),
            candidate(Origin::Head, 1, 2, true),
        ];
        assert_eq!(choose(&all), Some(2));
        assert_eq!(all[2].grade(), Grade::Guess);
        assert_eq!(choose(&all[..1]), None);
    }

    #[test]
    fn trees_are_named_by_tags_and_after_words_of_basing() {
        let series = Series {
            text: "The pump works against the clock. This series is based on v6.12-rc3 and\n\
                   applies to net-next (commit 0123456789ab).\n"
                .into(),
            trees: vec!["bpf-next".into(), "RFC".into()],
            ..Series::default()
        };
        assert_eq!(names_in_mail(&series), ["v6.12-rc3", "net-next", "0123456789ab", "bpf-next"]);
    }

    #[test]
    fn a_missing_blob_is_told_with_what_stands_there() {
        let preimage = [
            ("a.c".to_owned(), Some("1111111".to_owned())),
            ("b.c".to_owned(), Some("2222222".to_owned())),
            ("c.c".to_owned(), None),
        ];
        let found = [Some("1111111aaaa".to_owned()), Some("9".repeat(40)), None];
        let missing = missing(&preimage, &found, &[true, false, false]);
        assert_eq!(missing.len(), 1);
        assert_eq!((missing[0].path.as_str(), missing[0].is_known), ("b.c", false));
        assert_eq!(missing[0].instead, Some("9".repeat(40)));
    }
}
