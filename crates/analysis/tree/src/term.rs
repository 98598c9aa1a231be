//! The terms under which changes are found.

use model::change::{Change, ChangeKind};

/// What a term stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A function that is changed.
    Function,
    /// An identifier of changed lines.
    Identifier,
    /// An identifier of the text; a function of a report's stacks.
    Mention,
    /// A file that is changed.
    File,
    /// A word of the title.
    Word,
    /// A title as a whole.
    Title,
    /// The title of a crash.
    Crash,
    /// A bug id.
    Bug,
    /// A mail that is answered or linked to.
    Mail,
    /// A commit: its own, or the one it is a copy of.
    Commit,
    /// A commit that is mended, by its first digits.
    FixesCommit,
    /// The title of a commit that is mended.
    FixesTitle,
    /// A hash of the changed lines.
    Patch,
    /// The title of a crash that a report has.
    ReportTitle,
    /// A function of the stacks of a report.
    ReportFunction,
    /// A bug that a report names.
    ReportBug,
}

/// Digits of a commit's name under which it is found.
pub const DIGITS: usize = 10;
/// Identifiers under which one change is found, at most.
const MAX_IDENTIFIERS: usize = 200;

/// Something under which changes are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What it stands for.
    pub sort: Sort,
    /// Its text.
    pub text: String,
}

impl Term {
    /// A term.
    pub fn new(sort: Sort, text: impl Into<String>) -> Self {
        Self { sort, text: text.into() }
    }

    /// A number for it, the same in every run (FNV-1a, 64 bits).
    pub fn number(&self) -> i64 {
        let bytes = [self.sort as u8, 0].into_iter().chain(self.text.bytes());
        hash(bytes).cast_signed()
    }
}

/// FNV-1a of 64 bits.
pub(crate) fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A title as titles are compared: lower case, letters and digits only.
pub fn plain_title(title: &str) -> String {
    let mut plain = String::with_capacity(title.len());
    for word in title.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if !word.is_empty() {
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.push_str(&word.to_ascii_lowercase());
        }
    }
    plain
}

/// The first digits of a commit's name.
pub fn short(commit: &str) -> String {
    commit.chars().take(DIGITS).collect::<String>().to_ascii_lowercase()
}

/// The terms under which a change is found, each once.
pub fn terms(change: &Change) -> Vec<Term> {
    if change.kind == ChangeKind::Report {
        return terms_of_report(change);
    }
    let mut all = Vec::new();
    let mut add = |sort, texts: &[String]| {
        all.extend(texts.iter().map(|text| Term::new(sort, text.clone())));
    };
    add(Sort::Function, &change.functions);
    add(Sort::Identifier, &change.identifiers[..change.identifiers.len().min(MAX_IDENTIFIERS)]);
    add(Sort::Mention, &change.mentioned[..change.mentioned.len().min(MAX_IDENTIFIERS)]);
    add(Sort::File, &change.files);
    add(Sort::Bug, &change.bugs);
    add(Sort::Mail, &change.answers);
    add(Sort::Mail, &change.cites);
    let plain = plain_title(&change.title);
    all.extend(plain.split(' ').filter(|w| w.len() > 2).map(|w| Term::new(Sort::Word, w)));
    all.push(Term::new(Sort::Title, plain));
    all.extend(change.crashes.iter().map(|t| Term::new(Sort::Crash, plain_title(t))));
    let commits = [&change.commit, &change.upstream];
    all.extend(commits.into_iter().flatten().map(|c| Term::new(Sort::Commit, short(c))));
    for fixed in &change.fixes {
        all.push(Term::new(Sort::FixesCommit, short(&fixed.commit)));
        if !fixed.title.is_empty() {
            all.push(Term::new(Sort::FixesTitle, plain_title(&fixed.title)));
        }
    }
    if change.patch_hash != 0 {
        all.push(Term::new(Sort::Patch, format!("{:016x}", change.patch_hash)));
    }
    all.sort();
    all.dedup();
    all
}

fn terms_of_report(report: &Change) -> Vec<Term> {
    let titles = report.crashes.iter().map(|t| Term::new(Sort::ReportTitle, plain_title(t)));
    let functions = report.mentioned.iter().map(|f| Term::new(Sort::ReportFunction, f.clone()));
    let bugs = report.bugs.iter().map(|b| Term::new(Sort::ReportBug, b.clone()));
    let mut all: Vec<Term> = titles.chain(functions).chain(bugs).collect();
    all.sort();
    all.dedup();
    all
}
