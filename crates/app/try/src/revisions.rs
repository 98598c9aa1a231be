//! Revisions of a repository as a series.

use std::path::Path;

use io_git::Repository;
use model::CommitId;

use crate::failure::Failure;

/// A range of commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revisions {
    /// The commit before the first.
    pub base: CommitId,
    /// The last commit.
    pub tip: CommitId,
    /// The commits as mails.
    pub mailbox: Vec<u8>,
}

/// Commits of a range beyond which it is refused: more are no series.
const MOST: usize = 1000;

/// Reads `A..B`, or one commit, as a series. Merges in it are left out, as `git format-patch` does.
///
/// # Errors
/// When a name means no commit, or the range is empty or too long.
pub fn revisions(tree: &Path, text: &str) -> Result<Revisions, Failure> {
    let repository = Repository::open(tree).map_err(Failure::from_error)?;
    let resolve = |name: &str| repository.resolve(name).map_err(Failure::from_error);
    let (base, tip) = match text.split_once("..") {
        Some((old, new)) => {
            let new = new.trim_start_matches('.');
            let tip = resolve(if new.is_empty() { "HEAD" } else { new })?;
            let old = resolve(if old.is_empty() { "HEAD" } else { old })?;
            let base = repository.merge_base(&old, &tip).map_err(Failure::from_error)?;
            (
                base.ok_or_else(|| Failure::usage(format!("{text}: these histories never meet")))?,
                tip,
            )
        }
        None => {
            let tip = resolve(text)?;
            let base = resolve(&format!("{tip}^"))
                .map_err(|_| Failure::usage(format!("{text} is a first commit: it has no base")))?;
            (base, tip)
        }
    };
    let commits =
        repository.range(std::slice::from_ref(&base), &tip).map_err(Failure::from_error)?;
    if commits.is_empty() {
        return Err(Failure::usage(format!("{text}: no commit in this range"))
            .hint("the older revision comes first, as in main..topic"));
    }
    if commits.len() > MOST {
        return Err(Failure::usage(format!("{text}: {} commits are no series", commits.len()))
            .hint(format!("at most {MOST} are tried at once; name a shorter range")));
    }
    let mailbox = repository.as_mails(&base, &tip).map_err(Failure::from_error)?;
    Ok(Revisions { base, tip, mailbox })
}
