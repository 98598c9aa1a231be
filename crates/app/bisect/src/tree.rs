//! What a clone of the tested tree adds to an audit: the history between the tests, and the named commit.

use std::path::Path;

use analysis_bisect_audit::{Lineage, LineageCommit, Tree};
use io_git::{GitError, Repository};
use model::CommitId;
use parse_bisect_log::{Answer, BisectLog, Phase};

use crate::failure::Failure;

/// Reads what the audit of `log` can use of the repository that holds `dir`.
///
/// # Errors
/// When the clone cannot be read.
pub fn tree_of(dir: &Path, log: &BisectLog) -> Result<Tree, Failure> {
    let repository = Repository::open(dir).map_err(|error| {
        failure(error).hint("give a clone of the tree that was bisected, as in --tree ~/linux")
    })?;
    if repository.is_shallow().map_err(failure)? {
        return Err(Failure::usage(format!(
            "the clone at {} is shallow: its history is cut off",
            dir.display()
        ))
        .hint("fetch the rest: git fetch --unshallow"));
    }
    let mut tree = Tree::default();
    let named = match &log.answer {
        Answer::Commit { id, .. } => known(&repository, id)?,
        _ => None,
    };
    if let Some(named) = &named {
        tree.changed = repository.details(named).map_err(failure)?.files;
    }
    let mut tested = Vec::new();
    for test in &log.tests {
        if let Some(id) = known(&repository, &test.commit)? {
            tested.push((test.phase, id));
        }
    }
    let Some((_, newest)) = tested.first() else {
        if named.is_some() {
            return Ok(tree);
        }
        return Err(Failure::usage(format!(
            "none of the commits of the log is in {}",
            dir.display()
        ))
        .hint("fetch the tree that was bisected, or leave out --tree"));
    };
    let mut base = None;
    for (phase, id) in tested.iter().rev() {
        if *phase == Phase::Release && repository.is_ancestor(id, newest).map_err(failure)? {
            base = Some(id.clone());
            break;
        }
    }
    let older: Vec<CommitId> = base.iter().cloned().collect();
    let mut commits: Vec<LineageCommit> = repository
        .range(&older, newest)
        .map_err(failure)?
        .into_iter()
        .map(|commit| LineageCommit { id: commit.id, parents: commit.parents })
        .collect();
    commits.reverse();
    tree.merge =
        commits.iter().any(|commit| Some(&commit.id) == named.as_ref() && commit.parents.len() > 1);
    tree.lineage = Lineage { commits, base };
    Ok(tree)
}

/// The commit, when the repository has it.
fn known(repository: &Repository, id: &CommitId) -> Result<Option<CommitId>, Failure> {
    match repository.resolve(id.as_str()) {
        Ok(id) => Ok(Some(id)),
        Err(GitError::UnknownRevision { .. }) => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

fn failure(error: GitError) -> Failure {
    Failure::from_error(error)
}
