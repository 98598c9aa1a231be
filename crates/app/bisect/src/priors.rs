//! What is believed of each commit before anything is run: from the report of the crash, from paths,
//! from `Fixes:` trailers, and from the caller's own weights.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use analysis_bisect::{Hint, History, Prior};
use io_git::Repository;
use model::CommitId;
use model::bisection::Request;

use crate::ends::Ends;
use crate::failure::Failure;
use crate::progress::{Progress, Tell};

/// A commit that a later one of the range says it fixes has had one bug at least. Not measured.
const NEEDED_A_FIX: f64 = 2.0;
/// The same where the later one touches a file of the trace. Not measured.
const NEEDED_A_FIX_THERE: f64 = 4.0;

/// The files that the first report of a crash log names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// The file that it blames.
    pub(crate) guilty: Vec<String>,
    /// All files of its traces.
    pub(crate) trace: Vec<String>,
}

/// Most files of a trace that are looked at.
const MOST_FILES: usize = 200;

/// Reads the files of a crash from a log. Raw logs name none; that is said.
pub(crate) fn files_of_crash(path: &Path, tell: Tell<'_>) -> Result<Files, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", path.display())))?;
    let Some(report) = analysis_identity::read_log(&bytes).reports.into_iter().next() else {
        return Err(Failure::usage(format!("{}: there is no crash report in it", path.display()))
            .hint("`ktriage report FILE` shows what is found in a log"));
    };
    let mut trace = BTreeSet::new();
    for word in report.text.split_whitespace() {
        if let Some(file) = source_file(word)
            && trace.len() < MOST_FILES
        {
            trace.insert(file.to_owned());
        }
    }
    if trace.is_empty() {
        tell(&Progress::NoSourceFiles { log: path.to_owned() });
    }
    Ok(Files {
        guilty: report.guilty_file.into_iter().collect(),
        trace: trace.into_iter().collect(),
    })
}

/// Ranks the commits of the range by a crash and gives the factor of each over a commit that is not ranked.
pub(crate) fn ranked(
    ends: &Ends,
    log: &Path,
    state: &Path,
    tell: Tell<'_>,
) -> Result<Vec<(String, f64)>, Failure> {
    let bytes = fs::read(log)
        .map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", log.display())))?;
    let mut evidence = analysis_tree::evidence::of_input(&bytes);
    let root = ends.repository.root();
    // Without a date nothing counts as newer than the crash: all of the range is older.
    evidence.date = None;
    let tree = app_source::Tree::open(root, Some(state)).map_err(Failure::from_error)?;
    tree.complete(&mut evidence, &bytes).map_err(Failure::from_error)?;
    let found = app_index::suspects_of_range(root, &ends.old, &ends.new, &evidence, |_| {})
        .map_err(Failure::from_error)?;
    let first: Vec<(CommitId, f64)> = found
        .iter()
        .filter_map(|one| Some((CommitId::parse(&one.commit)?, one.probability)))
        .collect();
    tell(&Progress::Ranked { first });
    Ok(found.into_iter().map(|one| (one.commit, one.factor)).collect())
}

/// `net/core/sock.c` of `net/core/sock.c:12` and `(./net/core/sock.c:12)`.
fn source_file(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| matches!(c, '(' | ')' | '[' | ']' | ',' | ';'));
    let (path, line) = word.split_once(':')?;
    let path = path.trim_start_matches("./");
    let is_source = [".c", ".h", ".S", ".rs"].iter().any(|end| path.ends_with(end));
    (is_source && line.starts_with(|c: char| c.is_ascii_digit()) && !path.starts_with('/'))
        .then_some(path)
}

/// Reads `REVISION FACTOR` lines. Empty lines and those that begin with `#` say nothing.
pub(crate) fn read_weights(
    path: &Path,
    repository: &Repository,
) -> Result<Vec<(String, f64)>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", path.display())))?;
    let mut weights = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| {
            Failure::usage(format!("{}:{}: {why}", path.display(), number + 1))
                .hint("a line holds a revision and a factor: `v6.1-rc3~5 20`")
        };
        let mut words = line.split_whitespace();
        let (Some(revision), Some(factor), None) = (words.next(), words.next(), words.next())
        else {
            return Err(wrong("not a revision and a factor"));
        };
        let factor: f64 = factor.parse().map_err(|_| wrong("the factor is not a number"))?;
        if !(factor.is_finite() && (0.0..=1e6).contains(&factor)) {
            return Err(wrong("the factor is not from 0 to 1000000"));
        }
        let commit =
            repository.resolve(revision).map_err(|_| wrong("there is no such revision"))?;
        weights.push((commit.to_string(), factor));
    }
    Ok(weights)
}

/// Whether what a request asks for depends on the files that commits change.
pub(crate) fn asks_for_files(request: &Request) -> bool {
    !request.not_built.is_empty() || !request.suspects.is_empty() || !request.guilty.is_empty()
}

/// What is known of a range.
pub(crate) struct Range<'a> {
    pub(crate) history: &'a History,
    pub(crate) positions: &'a HashMap<CommitId, usize>,
    /// The paths that each commit changes.
    pub(crate) changes: &'a [(CommitId, Vec<String>)],
    /// The commits that each commit says it fixes; short names, sorted by nothing.
    pub(crate) fixes: &'a [(CommitId, Vec<String>)],
}

fn under(path: &str, folder: &str) -> bool {
    Path::new(path).starts_with(folder)
}

/// The folder of a file, if it is worth anything as a hint: not the top of the tree, and not a folder
/// of headers.
fn folder(file: &str) -> Option<&str> {
    let (folder, _) = file.rsplit_once('/')?;
    (folder.contains('/') && !folder.starts_with("include/")).then_some(folder)
}

/// Applies what was asked for.
pub(crate) fn weigh(mut prior: Prior, range: &Range<'_>, request: &Request) -> Prior {
    let touches = |files: &[String], named: &[String]| {
        files.iter().any(|path| named.iter().any(|name| under(path, name)))
    };
    let mut in_trace: BTreeSet<&CommitId> = BTreeSet::new();
    for (id, files) in range.changes {
        let Some(&at) = range.positions.get(id) else { continue };
        let not_built = |path: &String| request.not_built.iter().any(|folder| under(path, folder));
        if !files.is_empty() && files.iter().all(not_built) {
            match range.history.parents(at) {
                [parent] => prior = prior.same_kernel(at, *parent as usize),
                _ => prior = prior.hint(at, Hint::TouchesNothingBuilt),
            }
            continue;
        }
        let near = || {
            files.iter().filter_map(|file| folder(file)).any(|own| {
                request.suspects.iter().filter_map(|file| folder(file)).any(|other| own == other)
            })
        };
        if touches(files, &request.guilty) {
            prior = prior.hint(at, Hint::TouchesGuiltyFile);
            in_trace.insert(id);
        } else if touches(files, &request.suspects) {
            prior = prior.hint(at, Hint::TouchesTrace);
            in_trace.insert(id);
        } else if near() {
            prior = prior.hint(at, Hint::TouchesTraceDirectory);
        }
    }
    let mut by_name: Vec<(&str, usize)> =
        range.positions.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    by_name.sort_unstable();
    let mut fixed: HashMap<usize, f64> = HashMap::new();
    for (id, targets) in range.fixes {
        let factor = if in_trace.contains(id) { NEEDED_A_FIX_THERE } else { NEEDED_A_FIX };
        for target in targets {
            let from = by_name.partition_point(|(name, _)| *name < target.as_str());
            let mut named = by_name[from..].iter().take_while(|(name, _)| name.starts_with(target));
            // A name that fits two commits names none.
            if let (Some((_, at)), None) = (named.next(), named.next()) {
                let known = fixed.entry(*at).or_insert(1.0);
                *known = f64::max(*known, factor);
            }
        }
    }
    for (at, factor) in fixed {
        prior = prior.weigh(at, factor);
    }
    for (commit, factor) in &request.weights {
        if let Some(&at) = CommitId::parse(commit).and_then(|id| range.positions.get(&id)) {
            prior = prior.weigh(at, *factor);
        }
    }
    prior
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_is_told_from_other_words() {
        assert_eq!(source_file("net/core/sock.c:12"), Some("net/core/sock.c"));
        assert_eq!(source_file("(./net/core/sock.c:12"), Some("net/core/sock.c"));
        assert_eq!(source_file("mm/slub.c:4431)"), Some("mm/slub.c"));
        for word in ["12:30", "RIP:", "0010:f+0x1/0x2", "/usr/src/a.c:1", "a.c:", "sock.c"] {
            assert_eq!(source_file(word), None, "{word}");
        }
    }
}
