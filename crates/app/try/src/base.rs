//! Looks for the commit on which a series belongs: candidates in the order of what speaks for them, each
//! tried with `git am -3`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use analysis_trial::{
    Attempt, Base, BlobMatch, Candidate, FailedHunk, Nearest, Origin, Series, choose, missing,
    names_in_mail,
};
use io_git::{Applied, BlobTable, Repository, Scratch};
use model::CommitId;

use crate::failure::Failure;
use crate::progress::{Progress, Tell};

/// Commits of one branch that are looked at for the files of the diff.
const MOST_TOUCHES: usize = 4000;
/// Names asked of git at once.
const BATCH: usize = 20_000;
/// Candidates that are tried.
const MOST_CANDIDATES: usize = 8;

/// A base that was found, with the commits of the series on top of it.
pub(crate) struct Found {
    pub(crate) base: Base,
    /// The commit after each patch; empty when there is no base.
    pub(crate) commits: Vec<CommitId>,
}

/// Where a base is looked for.
pub(crate) struct Place<'a> {
    /// The user's repository: only read.
    pub(crate) user: &'a Repository,
    /// Our own.
    pub(crate) own: &'a Repository,
    /// The folder of our work trees.
    pub(crate) folder: &'a Path,
}

/// A candidate before it is tried.
struct Idea {
    origin: Origin,
    commit: CommitId,
}

/// Finds the base of `series`. `given` is the caller's word; with it no other is tried.
///
/// # Errors
/// When git fails, or `given` names no commit.
pub(crate) fn find(
    place: &Place<'_>,
    series: &Series,
    given: Option<(Origin, CommitId)>,
    tell: Tell<'_>,
) -> Result<Found, Failure> {
    let preimage = series.preimage();
    let mut base = Base {
        is_shallow: place.user.is_shallow().map_err(Failure::from_error)?,
        ..Base::default()
    };
    let paths: Vec<String> = preimage.iter().map(|(path, _)| path.clone()).collect();
    let mut ideas = match given {
        Some((origin, commit)) => vec![Idea { origin, commit }],
        None => ideas(place, series, &mut base, tell)?,
    };
    let mut seen: Vec<CommitId> = Vec::new();
    ideas.retain(|idea| {
        let is_new = !seen.contains(&idea.commit);
        seen.push(idea.commit.clone());
        is_new
    });
    ideas.truncate(MOST_CANDIDATES);
    let mails = write_mails(place, series)?;
    let mut chosen_commits: Vec<Vec<CommitId>> = Vec::new();
    let mut scratch: Option<Scratch> = None;
    for idea in ideas {
        let Idea { origin, commit } = idea;
        let blobs = place.user.blobs(&commit, &paths).map_err(Failure::from_error)?;
        let matched = matches(&preimage, &blobs);
        tell(&Progress::Applying { commit: commit.clone(), patches: mails.len() });
        let tree = match &scratch {
            Some(tree) => tree,
            None => {
                let path = place.folder.join("scratch");
                let made = place.own.scratch(&path, &commit, &series.paths());
                scratch.insert(made.map_err(Failure::from_error)?)
            }
        };
        let applied = tree.apply(&commit, &mails).map_err(Failure::from_error)?;
        let (attempt, commits) = attempt(applied);
        chosen_commits.push(commits);
        let (_, title) = place.user.made(&commit).map_err(Failure::from_error)?;
        let name = place.user.described(&commit).map_err(Failure::from_error)?;
        base.candidates.push(Candidate { origin, commit, name, title, blobs: matched, attempt });
        // Nothing that follows can be surer.
        if choose(&base.candidates)
            .is_some_and(|at| base.candidates[at].grade() >= model::Grade::Derived)
        {
            break;
        }
    }
    base.chosen = choose(&base.candidates);
    if base.taken().is_none_or(|taken| !taken.blobs.is_whole()) {
        tell_missing(place, &preimage, &mut base)?;
    }
    let commits = base.chosen.map(|at| chosen_commits.swap_remove(at)).unwrap_or_default();
    Ok(Found { base, commits })
}

fn attempt(applied: Applied) -> (Attempt, Vec<CommitId>) {
    match applied {
        Applied::Whole { commits, merged } => {
            (Attempt::Whole { merged: merged.iter().map(|at| at + 1).collect() }, commits)
        }
        Applied::Stopped { patch, message, hunks } => {
            let hunks = hunks
                .into_iter()
                .map(|hunk| FailedHunk { file: hunk.file, hunk: hunk.hunk, reason: hunk.reason })
                .collect();
            (Attempt::Stopped { patch: patch + 1, message, hunks }, Vec::new())
        }
    }
}

/// Writes each patch as a mail into a folder of its own.
fn write_mails(place: &Place<'_>, series: &Series) -> Result<Vec<PathBuf>, Failure> {
    let folder = place.folder.join("mails");
    let failed = |error: std::io::Error| Failure::io("write the mails", &folder, &error);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::create_dir_all(&folder).map_err(failed)?;
    let write = |(at, patch): (usize, &analysis_trial::Patch)| {
        let path = folder.join(format!("{:04}.patch", at + 1));
        fs::write(&path, &patch.mail).map_err(failed).map(|()| path)
    };
    series.patches.iter().enumerate().map(write).collect()
}

fn matches(preimage: &[(String, Option<String>)], found: &[Option<String>]) -> BlobMatch {
    let told = || {
        preimage.iter().zip(found).filter_map(|((_, blob), found)| Some((blob.as_ref()?, found)))
    };
    let same = told().filter(|(blob, found)| {
        found.as_ref().is_some_and(|found| found.starts_with(blob.as_str()))
    });
    BlobMatch { same: same.count(), of: told().count() }
}

/// The candidates, the surest first.
fn ideas(
    place: &Place<'_>,
    series: &Series,
    base: &mut Base,
    tell: Tell<'_>,
) -> Result<Vec<Idea>, Failure> {
    let user = place.user;
    let mut ideas = Vec::new();
    if let Some((name, line)) = &series.base_commit {
        match user.resolve(name) {
            Ok(commit) => ideas.push(Idea { origin: Origin::BaseCommit(*line), commit }),
            Err(_) => base.absent = Some(name.clone()),
        }
    }
    let head = user.resolve("HEAD").ok();
    if let Some(commit) = by_blobs(place, series, head.as_ref(), tell)? {
        ideas.push(Idea { origin: Origin::Blobs, commit });
    }
    let references = user.references().map_err(Failure::from_error)?;
    for name in names_in_mail(series) {
        match named(user, &references, &name) {
            Some(commit) => ideas.push(Idea { origin: Origin::Named(name), commit }),
            None => base.unknown_names.push(name),
        }
    }
    if let Some(head) = head {
        if let Some((_, sent)) = series.sent
            && let Some(commit) = user.before(&head, sent).map_err(Failure::from_error)?
            && commit != head
        {
            ideas.push(Idea { origin: Origin::Date, commit });
        }
        ideas.push(Idea { origin: Origin::Head, commit: head });
    }
    Ok(ideas)
}

/// The commit that a name in a mail means: a branch or tag, `NAME/master` of a remote, a release with or
/// without its `v`, or a commit.
fn named(user: &Repository, references: &[(String, CommitId)], name: &str) -> Option<CommitId> {
    let with_v = format!("v{name}");
    let fits = |reference: &str| {
        let last = reference.rsplit('/').next().unwrap_or(reference);
        let remote = reference.strip_suffix("/master").or_else(|| reference.strip_suffix("/main"));
        reference == name
            || reference == with_v
            || last == name
            || remote.is_some_and(|remote| remote == name || remote.ends_with(&format!("/{name}")))
    };
    let found = references.iter().find(|(reference, _)| fits(reference));
    let is_commit = name.len() >= 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    found
        .map(|(_, commit)| commit.clone())
        .or_else(|| is_commit.then(|| user.resolve(name).ok()).flatten())
}

/// The newest commit whose files are all those from which the diff starts: of HEAD's history first, then of
/// every branch and tag.
fn by_blobs(
    place: &Place<'_>,
    series: &Series,
    head: Option<&CommitId>,
    tell: Tell<'_>,
) -> Result<Option<CommitId>, Failure> {
    let told: Vec<(String, String)> =
        series.preimage().into_iter().filter_map(|(path, blob)| Some((path, blob?))).collect();
    if told.is_empty() {
        return Ok(None);
    }
    let user = place.user;
    let blobs: Vec<String> = told.iter().map(|(_, blob)| blob.clone()).collect();
    let known = user.objects(&blobs).map_err(Failure::from_error)?;
    if known.iter().any(Option::is_none) {
        // Without one of them no commit can have them all.
        return Ok(None);
    }
    tell(&Progress::SearchingBlobs { files: told.len() });
    let paths: Vec<String> = told.iter().map(|(path, _)| path.clone()).collect();
    if let Some(head) = head
        && let Some(commit) = newest_with(user, std::slice::from_ref(head), &paths, &blobs)?
    {
        return Ok(Some(commit));
    }
    newest_with(user, &[], &paths, &blobs)
}

/// The newest commit below `heads`, or below any branch, in which `paths` are `blobs`.
fn newest_with(
    user: &Repository,
    heads: &[CommitId],
    paths: &[String],
    blobs: &[String],
) -> Result<Option<CommitId>, Failure> {
    let fits = |found: &[Option<String>]| {
        found.len() == blobs.len()
            && found.iter().zip(blobs).all(|(found, blob)| {
                found.as_ref().is_some_and(|found| found.starts_with(blob.as_str()))
            })
    };
    // The heads themselves: the files may have stood so ever since.
    let tips: Vec<CommitId> = match heads {
        [] => user
            .references()
            .map_err(Failure::from_error)?
            .into_iter()
            .map(|(_, commit)| commit)
            .take(BATCH / paths.len().max(1))
            .collect(),
        heads => heads.to_vec(),
    };
    let table = BlobTable::read(user, &tips, paths).map_err(Failure::from_error)?;
    if let Some(tip) = tips.iter().find(|tip| fits(table.of(tip))) {
        return Ok(Some(tip.clone()));
    }
    let touches = user.touching(heads, paths, MOST_TOUCHES).map_err(Failure::from_error)?;
    for batch in touches.chunks((BATCH / paths.len().max(1) / 2).max(1)) {
        // Before a commit that changed the files they may have been those of the diff: its parent is the
        // newest that has them.
        let commits: Vec<CommitId> = batch
            .iter()
            .flat_map(|touch| touch.parent.clone().into_iter().chain([touch.id.clone()]))
            .collect();
        let table = BlobTable::read(user, &commits, paths).map_err(Failure::from_error)?;
        if let Some(found) = commits.into_iter().find(|commit| fits(table.of(commit))) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Says which files the tree does not have, and which commit comes nearest.
fn tell_missing(
    place: &Place<'_>,
    preimage: &[(String, Option<String>)],
    base: &mut Base,
) -> Result<(), Failure> {
    let user = place.user;
    let told: Vec<&(String, Option<String>)> =
        preimage.iter().filter(|(_, blob)| blob.is_some()).collect();
    if told.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = preimage.iter().map(|(path, _)| path.clone()).collect();
    let mut commits: BTreeMap<usize, CommitId> = BTreeMap::new();
    let tried: Vec<CommitId> = base.candidates.iter().map(|one| one.commit.clone()).collect();
    let head: Vec<CommitId> = user.resolve("HEAD").into_iter().collect();
    let touches = match head.as_slice() {
        [] => Vec::new(),
        head => {
            user.touching(head, &paths, BATCH / paths.len().max(1)).map_err(Failure::from_error)?
        }
    };
    let all: Vec<CommitId> =
        tried.into_iter().chain(touches.into_iter().map(|touch| touch.id)).collect();
    let table = BlobTable::read(user, &all, &paths).map_err(Failure::from_error)?;
    for (at, commit) in all.iter().enumerate() {
        commits.insert(at, commit.clone());
    }
    // Of equals the first: a candidate, or the newest.
    let best = commits
        .into_values()
        .map(|commit| (matches(preimage, table.of(&commit)), commit))
        .reduce(|best, next| if next.0.same > best.0.same { next } else { best });
    let Some((blobs, commit)) = best else { return Ok(()) };
    let names: Vec<String> =
        preimage.iter().map(|(_, blob)| blob.clone().unwrap_or_default()).collect();
    let known: Vec<bool> = user
        .objects(&names)
        .map_err(Failure::from_error)?
        .iter()
        .map(|object| object.as_ref().is_some_and(|(_, kind)| kind == "blob"))
        .collect();
    base.missing = missing(preimage, table.of(&commit), &known);
    let name = user.described(&commit).map_err(Failure::from_error)?;
    base.nearest = Some(Nearest { commit, name, blobs });
    Ok(())
}
