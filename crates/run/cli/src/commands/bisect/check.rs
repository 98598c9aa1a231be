//! What can be wrong with the ends of a range, found before anything is built.

use std::path::Path;

use anyhow::anyhow;
use facts::CommitId;
use outside_git::Repository;

use crate::failure::Failure;
use crate::output::message;

/// The ends of a range, checked.
pub(super) struct Ends {
    pub(super) repository: Repository,
    pub(super) good: Vec<CommitId>,
    pub(super) bad: CommitId,
    /// Commits between them.
    pub(super) commits: usize,
}

/// Opens the repository and checks the ends.
pub(super) fn ends(directory: &Path, good: &[String], bad: &str) -> Result<Ends, Failure> {
    let repository = Repository::open(directory).map_err(|error| {
        Failure::usage(error).hint("name the project's git repository with --repository DIR")
    })?;
    let shallow = repository.is_shallow().map_err(Failure::usage)?;
    let resolve = |revision: &str| {
        repository.resolve(revision).map_err(|error| {
            Failure::usage(error).hint(if shallow {
                "the clone is shallow: `git fetch --unshallow` brings the older commits"
            } else {
                "check the name; `git fetch --all --tags` brings what others have published"
            })
        })
    };
    let bad = resolve(bad)?;
    let good = good.iter().map(|revision| resolve(revision)).collect::<Result<Vec<_>, _>>()?;
    for end in &good {
        if *end == bad {
            return Err(Failure::usage(anyhow!("{} is said to be good and bad", bad.short()))
                .hint("name two different commits"));
        }
        if repository.is_ancestor(&bad, end).map_err(Failure::usage)? {
            return Err(Failure::usage(anyhow!(
                "the good commit {} is newer than the bad commit {}",
                end.short(),
                bad.short()
            ))
            .hint("were --good and --bad exchanged?"));
        }
        if !repository.is_ancestor(end, &bad).map_err(Failure::usage)? {
            return Err(apart(&repository, end, &bad, shallow)?);
        }
    }
    let range = repository.range(&good, &bad).map_err(Failure::usage)?;
    if shallow && range.iter().any(|commit| commit.parents.is_empty()) {
        return Err(Failure::usage(anyhow!(
            "{}: the clone is shallow, and its edge lies inside the range",
            repository.root().display()
        ))
        .hint("`git fetch --unshallow` brings the rest of the history"));
    }
    if repository.has_changes().map_err(Failure::usage)? {
        message(&format!(
            "note: {} has changes that are not committed; they are not part of what is tested",
            repository.root().display()
        ));
    }
    Ok(Ends { repository, good, bad, commits: range.len() })
}

/// The good end is no ancestor of the bad one: says what to name instead.
fn apart(
    repository: &Repository,
    good: &CommitId,
    bad: &CommitId,
    shallow: bool,
) -> Result<Failure, Failure> {
    let base = repository.merge_base(good, bad).map_err(Failure::usage)?;
    Ok(match base {
        Some(base) => Failure::usage(anyhow!(
            "the good commit {} is not an ancestor of the bad commit {}: they are on different branches",
            good.short(),
            bad.short()
        ))
        .hint(format!(
            "test {}, where the branches part, and give it as --good if it is good",
            base.short()
        )),
        None => Failure::usage(anyhow!(
            "the histories of {} and {} never meet",
            good.short(),
            bad.short()
        ))
        .hint(if shallow {
            "the clone is shallow: `git fetch --unshallow` brings the rest of the history"
        } else {
            "name a good commit from the history of the bad one"
        }),
    })
}
