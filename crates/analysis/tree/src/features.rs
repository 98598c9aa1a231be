//! What speaks for a change, as numbers.

use std::collections::{HashMap, HashSet};

use model::change::Change;

use crate::evidence::Evidence;
use crate::term::plain_title;

/// The features, in the order of a row of numbers. Shares lie between 0 and 1.
pub const NAMES: [&str; COUNT] = [
    "bug_id",
    "same_thread",
    "touches_frames",
    "touches_best_frame",
    "touches_guilty",
    "defines_frames",
    "changes_use_of_frames",
    "changes_use_of_guilty",
    "mentions_frames",
    "mentions_guilty",
    "title_names_guilty",
    "title_names_frame",
    "quotes_this_crash",
    "quotes_other_crash",
    "says_kind_of_failure",
    "title_says_kind_of_failure",
    "guilty_file",
    "other_file",
    "guilty_directory",
    "title_says_fix",
    "has_fixes_tag",
    "reported_by_robot",
    "reported_by_sender",
    "after",
    "log_days_after",
    "log_days_before",
    "within_fortnight_after",
    "log_changed_lines",
    "log_files",
    "score",
    "reciprocal_rank",
    "log_versions",
    "stable_copy",
    "names_a_bug",
    "named_by_fix",
    "touches_first_three",
];
/// How many features there are.
pub const COUNT: usize = 36;
/// The features of one candidate.
pub type Row = [f64; COUNT];

/// A candidate: the versions of one change.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// The versions, the one that is shown first.
    pub versions: Vec<Change>,
    /// What the search gave it.
    pub score: f64,
    /// Its rank in the search, from 0.
    pub rank: usize,
    /// How surely a patch that mends this crash names it in `Fixes:`; 0 where none does.
    pub named_by_fix: f64,
}

/// How rare the functions of a crash are, by name.
pub type Rarity = HashMap<String, f64>;

/// Words of a title that tell what kind of failure it is, and the words by which patches call it.
const KINDS: [(&[&str], &[&str]); 15] = [
    (&["leak"], &["leak", "leaks", "leaked", "leaking", "free", "release", "put"]),
    (&["use-after-free"], &["uaf", "freed", "free", "lifetime", "dangling", "race"]),
    (&["double-free", "invalid-free"], &["double", "twice", "freed", "free"]),
    (
        &["deadlock", "locking"],
        &["deadlock", "lockdep", "lock", "locking", "inversion", "recursive"],
    ),
    (
        &["hung", "stall", "lockup", "hang"],
        &["hang", "hung", "stall", "lockup", "loop", "deadlock", "stuck", "livelock"],
    ),
    (
        &["NULL", "null-ptr-deref", "general"],
        &["null", "dereference", "deref", "crash", "oops", "uninitialized"],
    ),
    (
        &["out-of-bounds"],
        &["bounds", "bound", "overflow", "overrun", "corrupted", "validate", "check", "oob"],
    ),
    (
        &["uninit-value"],
        &["uninit", "uninitialized", "uninitialised", "initialize", "kmsan", "init"],
    ),
    (&["data-race"], &["race", "kcsan", "annotate", "racy"]),
    (&["WARNING"], &["warning", "warn", "splat", "warnings"]),
    (&["refcount"], &["refcount", "reference", "refcounting", "refs", "underflow"]),
    (&["kernel", "BUG"], &["bug", "crash", "panic", "assertion", "corrupted"]),
    (
        &["sleeping", "scheduling", "suspicious"],
        &["atomic", "sleep", "sleeping", "rcu", "context", "blocking"],
    ),
    (&["shift-out-of-bounds", "UBSAN"], &["shift", "ubsan", "overflow", "undefined", "validate"]),
    (&["divide"], &["divide", "division", "zero"]),
];
/// Words of a title that say a change mends something.
const FIXES: [&str; 12] = [
    "fix", "fixes", "fixed", "avoid", "prevent", "don", "handle", "check", "ensure", "validate",
    "protect", "correct",
];
const DAY: f64 = 86_400.0;

/// What of a crash is looked for in each candidate.
#[derive(Debug)]
pub struct Asked<'e> {
    evidence: &'e Evidence,
    /// The functions with their weights: rare ones and those at the top count more.
    functions: Vec<(&'e str, f64)>,
    kinds: HashSet<&'static str>,
    titles: HashSet<String>,
}

impl<'e> Asked<'e> {
    /// Prepares a crash.
    pub fn new(evidence: &'e Evidence, rarity: &Rarity) -> Self {
        let functions = evidence
            .functions
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let rare = rarity.get(name).copied().unwrap_or(0.0);
                (name.as_str(), rare * depth(at))
            })
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        let first = evidence.titles.first().map(String::as_str).unwrap_or_default();
        let words: HashSet<&str> = first.split([' ', ':', ',']).collect();
        let kinds = KINDS
            .iter()
            .filter(|(marks, _)| marks.iter().any(|mark| words.contains(mark)))
            .flat_map(|(_, said)| said.iter().copied())
            .collect();
        let titles = evidence.titles.iter().map(|title| plain_title(title)).collect();
        Self { evidence, functions, kinds, titles }
    }

    /// The features of a candidate.
    pub fn row(&self, candidate: &Candidate) -> Row {
        let mut row = [0.0; COUNT];
        for version in &candidate.versions {
            // What any version has, the candidate has.
            for (best, value) in row.iter_mut().zip(self.version(version)) {
                *best = f64::max(*best, value);
            }
        }
        self.dates(candidate, &mut row);
        let shown = candidate.versions.first();
        row[27] = shown.map_or(0.0, |c| log(f64::from(c.changed_lines)));
        row[28] = shown.map_or(0.0, |c| log(count(c.files.len())));
        row[29] = candidate.score;
        row[30] = 1.0 / (count(candidate.rank) + 1.0);
        row[31] = log(count(candidate.versions.len()));
        row[34] = candidate.named_by_fix;
        row
    }

    fn version(&self, change: &Change) -> Row {
        let mut row = [0.0; COUNT];
        let evidence = self.evidence;
        let guilty = evidence.guilty.as_ref();
        let has =
            |list: &[String], name: &str| list.binary_search_by(|x| x.as_str().cmp(name)).is_ok();
        let guilty_in = |list: &[String]| flag(guilty.is_some_and(|name| has(list, name)));
        row[0] = flag(change.bugs.iter().any(|bug| evidence.bugs.contains(bug)));
        let related = |id: &String| evidence.mails.contains(id);
        row[1] = flag(change.answers.iter().any(related) || change.cites.iter().any(related));
        (row[2], row[3]) = self.share(&change.functions);
        row[4] = guilty_in(&change.functions);
        row[5] = self.share(&change.defined).0;
        row[6] = self.share(&change.identifiers).0;
        row[7] = guilty_in(&change.identifiers);
        row[8] = self.share(&change.mentioned).0;
        row[9] = guilty_in(&change.mentioned);
        let title = plain_title(&change.title);
        let title: Vec<&str> = title.split(' ').collect();
        let in_title = |name: &str| title.iter().any(|w| w.eq_ignore_ascii_case(name));
        row[10] = flag(guilty.is_some_and(|name| in_title(name)));
        row[11] = flag(self.functions.iter().any(|(name, _)| in_title(name)));
        let quotes = change.crashes.iter().any(|t| self.titles.contains(&plain_title(t)));
        row[12] = flag(quotes);
        row[13] = flag(!quotes && !change.crashes.is_empty());
        let told = self.kinds.iter().filter(|word| has(&change.words, word)).count();
        row[14] = flag(told > 0);
        row[15] = flag(title.iter().any(|word| self.kinds.contains(word)));
        let file = evidence.files.first();
        row[16] = flag(file.is_some_and(|file| change.files.contains(file)));
        row[17] = flag(evidence.files.iter().skip(1).any(|file| change.files.contains(file)));
        let directory = |path: &str| path.rsplit_once('/').map(|(d, _)| d.to_owned());
        let guilty_directory = file.and_then(|file| directory(file));
        row[18] = flag(
            guilty_directory.is_some()
                && change.files.iter().any(|f| directory(f) == guilty_directory),
        );
        row[19] = flag(title.iter().any(|word| FIXES.contains(word)));
        row[20] = flag(!change.fixes.is_empty());
        row[21] = flag(change.reporters.iter().any(|who| who.starts_with("syzbot")));
        row[22] =
            flag(evidence.reporter.as_ref().is_some_and(|who| change.reporters.contains(who)));
        row[32] = flag(change.upstream.is_some());
        row[33] = flag(evidence.bugs.is_empty() && !change.bugs.is_empty());
        let first =
            self.functions.iter().take(3).filter(|(n, _)| has(&change.functions, n)).count();
        row[35] = count(first) / 3.0;
        row
    }

    /// The weighted share of the crash's functions that a sorted list holds, and the weight of the best.
    fn share(&self, list: &[String]) -> (f64, f64) {
        let total: f64 = self.functions.iter().map(|f| f.1).sum();
        let held = self
            .functions
            .iter()
            .filter(|(name, _)| list.binary_search_by(|x| x.as_str().cmp(name)).is_ok())
            .map(|f| f.1);
        let (sum, best) = held.fold((0.0, 0.0), |(sum, best), w| (sum + w, f64::max(best, w)));
        if total > 0.0 { ((sum / total).sqrt(), best / 10.0) } else { (0.0, 0.0) }
    }

    fn dates(&self, candidate: &Candidate, row: &mut Row) {
        let first = candidate.versions.iter().map(|c| c.date).filter(|d| *d > 0).min();
        let (Some(known), Some(date)) = (self.evidence.date, first) else { return };
        let days = (date - known) as f64 / DAY;
        row[23] = flag(days >= 0.0);
        row[24] = log(days.max(0.0));
        row[25] = log((-days).max(0.0));
        row[26] = flag((-1.0..14.0).contains(&days));
    }

    /// The functions of the crash that a change touches, each with its place in the stacks, from 1.
    pub fn touched(&self, change: &Change) -> Vec<(usize, String)> {
        self.found_in(&change.functions)
    }

    /// The functions of the crash whose use a change alters.
    pub fn used(&self, change: &Change) -> Vec<(usize, String)> {
        self.found_in(&change.identifiers)
    }

    /// The functions of the crash that the text of a change names.
    pub fn named(&self, change: &Change) -> Vec<(usize, String)> {
        self.found_in(&change.mentioned)
    }

    fn found_in(&self, list: &[String]) -> Vec<(usize, String)> {
        let weight: HashMap<&str, f64> = self.functions.iter().copied().collect();
        let mut found: Vec<(usize, String)> = self
            .evidence
            .functions
            .iter()
            .enumerate()
            .filter(|(_, name)| list.contains(name) && weight.contains_key(name.as_str()))
            .map(|(at, name)| (at + 1, name.clone()))
            .collect();
        found.sort_by(|a, b| weight[b.1.as_str()].total_cmp(&weight[a.1.as_str()]));
        found
    }
}

/// How much a function counts by its place in the stacks, from 0.
pub fn depth(at: usize) -> f64 {
    1.0 / (1.0 + 0.15 * count(at))
}

fn log(value: f64) -> f64 {
    value.ln_1p() / 5.0
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn count(n: usize) -> f64 {
    n as f64
}
