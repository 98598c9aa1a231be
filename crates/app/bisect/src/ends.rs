//! What can be wrong with the ends of a range, found before anything is built.

use std::path::Path;

use analysis_bisect::Direction;
use io_git::Repository;
use model::CommitId;

use crate::failure::Failure;
use crate::progress::{Progress, Tell};

/// The ends of a range, checked.
pub struct Ends {
    /// The repository.
    pub repository: Repository,
    /// The older ends: the good ones or, in a search for a fix, the bad one.
    pub old: Vec<CommitId>,
    /// The newer end.
    pub new: CommitId,
    /// Commits between them.
    pub commits: usize,
}

/// Opens the repository and checks the ends.
///
/// # Errors
/// When a revision is unknown, or the ends do not bound a range; the hint says what to name instead.
pub fn ends(
    directory: &Path,
    good: &[String],
    bad: &str,
    direction: Direction,
    tell: Tell<'_>,
) -> Result<Ends, Failure> {
    let repository = open(directory)?;
    let shallow = repository.is_shallow().map_err(Failure::from_error)?;
    let bad = resolve(&repository, bad)?;
    let good = good
        .iter()
        .map(|revision| resolve(&repository, revision))
        .collect::<Result<Vec<_>, _>>()?;
    let words = Words::of(direction);
    let (old, new) = match (direction, good.as_slice()) {
        (Direction::Cause, _) => (good, bad),
        (Direction::Fix, [good]) => (vec![bad], good.clone()),
        (Direction::Fix, _) => {
            return Err(Failure::usage("a search for a fix has one good end")
                .hint("give --good once: the newer commit, without the failure"));
        }
    };
    for end in &old {
        if *end == new {
            return Err(Failure::usage(format!("{} is said to be good and bad", new.short()))
                .hint("name two different commits"));
        }
        if repository.is_ancestor(&new, end).map_err(Failure::from_error)? {
            return Err(Failure::usage(format!(
                "the {} commit {} is newer than the {} commit {}",
                words.old,
                end.short(),
                words.new,
                new.short()
            ))
            .hint(words.exchanged));
        }
        if !repository.is_ancestor(end, &new).map_err(Failure::from_error)? {
            return Err(apart(&repository, end, &new, &words, shallow)?);
        }
    }
    let range = repository.range(&old, &new).map_err(Failure::from_error)?;
    if shallow && range.iter().any(|commit| commit.parents.is_empty()) {
        return Err(Failure::usage(format!(
            "{}: the clone is shallow, and its edge lies inside the range",
            repository.root().display()
        ))
        .hint("`git fetch --unshallow` brings the rest of the history"));
    }
    if repository.has_changes().map_err(Failure::from_error)? {
        tell(&Progress::Uncommitted { tree: repository.root().to_owned() });
    }
    Ok(Ends { repository, old, new, commits: range.len() })
}

/// The release at which a search begins that was told no good commit: `back` releases before `bad`, or
/// the oldest one.
///
/// # Errors
/// When there is no release before `bad`.
pub fn release(directory: &Path, bad: &str, back: u16, tell: Tell<'_>) -> Result<String, Failure> {
    let repository = open(directory)?;
    let bad = resolve(&repository, bad)?;
    let releases = repository.releases(&bad).map_err(Failure::from_error)?;
    let place = releases.len().saturating_sub(usize::from(back));
    let Some((name, id)) = releases.get(place) else {
        return Err(Failure::usage(format!(
            "{}: there is no release before {} to begin with",
            repository.root().display(),
            bad.short()
        ))
        .hint(
            "name a commit without the failure with --good; `git fetch --tags` brings releases",
        ));
    };
    tell(&Progress::FromRelease {
        name: name.clone(),
        commit: id.clone(),
        back: releases.len() - place,
    });
    Ok(id.to_string())
}

fn open(directory: &Path) -> Result<Repository, Failure> {
    Repository::open(directory).map_err(|error| {
        Failure::from_error(error).hint("name the project's git repository with --repository DIR")
    })
}

/// The commit that a revision names.
fn resolve(repository: &Repository, revision: &str) -> Result<CommitId, Failure> {
    let shallow = repository.is_shallow().map_err(Failure::from_error)?;
    repository.resolve(revision).map_err(|error| {
        Failure::from_error(error).hint(if shallow {
            "the clone is shallow: `git fetch --unshallow` brings the older commits"
        } else {
            "check the name; `git fetch --all --tags` brings what others have published"
        })
    })
}

/// How the ends are called.
struct Words {
    old: &'static str,
    new: &'static str,
    exchanged: &'static str,
}

impl Words {
    fn of(direction: Direction) -> Self {
        match direction {
            Direction::Cause => Self {
                old: "good",
                new: "bad",
                exchanged: "were --good and --bad exchanged? To find the commit that ended a failure, say --fix",
            },
            Direction::Fix => Self {
                old: "bad",
                new: "good",
                exchanged: "with --fix the good commit is the newer one; were --good and --bad exchanged?",
            },
        }
    }
}

/// The older end is no ancestor of the newer one: says what to name instead.
fn apart(
    repository: &Repository,
    old: &CommitId,
    new: &CommitId,
    words: &Words,
    shallow: bool,
) -> Result<Failure, Failure> {
    let base = repository.merge_base(old, new).map_err(Failure::from_error)?;
    Ok(match base {
        Some(base) => Failure::usage(format!(
            "the {0} commit {1} is not an ancestor of the {2} commit {3}: they are on different branches",
            words.old,
            old.short(),
            words.new,
            new.short()
        ))
        .hint(format!(
            "test {}, where the branches part, and give it as --{1} if it is {1}",
            base.short(),
            words.old
        )),
        None => Failure::usage(format!(
            "the histories of {} and {} never meet",
            old.short(),
            new.short()
        ))
        .hint(if shallow {
            "the clone is shallow: `git fetch --unshallow` brings the rest of the history".to_owned()
        } else {
            format!("name a {} commit from the history of the {} one", words.old, words.new)
        }),
    })
}
