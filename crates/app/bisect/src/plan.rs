//! The range that a plan is made for.

use std::collections::HashMap;
use std::path::Path;

use analysis_bisect::{Direction, History};

use crate::ends;
use crate::failure::Failure;
use crate::progress::Tell;

/// The history of a range.
///
/// # Errors
/// When the ends do not bound a range of two commits or more.
pub fn range(
    repository: &Path,
    good: &[String],
    bad: &str,
    tell: Tell<'_>,
) -> Result<History, Failure> {
    let ends = ends::ends(repository, good, bad, Direction::Cause, tell)?;
    let commits = ends.repository.range(&ends.old, &ends.new).map_err(Failure::from_error)?;
    if commits.len() < 2 {
        return Err(Failure::usage(format!(
            "the range holds {} commit: nothing to plan",
            commits.len()
        )));
    }
    let positions: HashMap<_, _> =
        commits.iter().enumerate().map(|(at, commit)| (&commit.id, at)).collect();
    let parents: Vec<Vec<usize>> = commits
        .iter()
        .map(|commit| commit.parents.iter().filter_map(|id| positions.get(id).copied()).collect())
        .collect();
    History::new(&parents).map_err(Failure::from_error)
}
