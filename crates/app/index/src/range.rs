//! The suspects of one range of a history, ranked without an index that is kept.

use std::path::Path;

use analysis_tree::evidence::Evidence;
use io_git::Repository;
use model::CommitId;

use crate::{Bounds, Error, Index, Progress, Question};

/// A commit of the range that could have brought the crash.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The commit.
    pub commit: String,
    /// How likely it is the one, if one of the range is.
    pub probability: f64,
    /// By how much likelier it is than a commit of the range that is not ranked.
    pub factor: f64,
}

/// Ranks the commits that `bad` holds and none of `good` does. The range is read anew, into a file that is removed.
///
/// # Errors
/// When the history cannot be read or there is no room for the file.
pub fn suspects_of_range(
    directory: &Path,
    good: &[CommitId],
    bad: &CommitId,
    evidence: &Evidence,
    progress: impl FnMut(Progress<'_>),
) -> Result<Vec<Suspect>, Error> {
    let repository = Repository::open(directory)?;
    let names = repository.names_of_range(good, bad)?;
    let folder = tempfile::tempdir()
        .map_err(|source| Error::Folder { path: std::env::temp_dir(), source })?;
    let mut index = Index::open(folder.path())?;
    index.add_range(directory, good.first(), bad, progress)?;
    let bounds = Bounds { until: None, within: Some(&names) };
    let answer = index.ask(evidence, Question::Suspects, bounds)?;
    let listed: Vec<(String, f64)> = answer
        .candidates
        .iter()
        .filter_map(|one| {
            let commit = one.versions.iter().find_map(|version| version.commit.clone())?;
            Some((commit, one.probability))
        })
        .collect();
    Ok(factors(listed, names.len()))
}

/// What is not said of a ranked commit is shared alike by all others.
fn factors(listed: Vec<(String, f64)>, commits: usize) -> Vec<Suspect> {
    let said: f64 = listed.iter().map(|(_, p)| p).sum();
    let others = commits.saturating_sub(listed.len()).max(1) as f64;
    let each = (1.0 - said).max(0.01) / others;
    listed
        .into_iter()
        .map(|(commit, probability)| Suspect { commit, probability, factor: probability / each })
        .filter(|suspect| suspect.factor > 1.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_that_over_a_commit_of_which_nothing_is_said() {
        let found = factors(vec![("a".into(), 0.2), ("b".into(), 0.0001)], 802);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0].factor - 200.0).abs() < 0.1, "{found:?}");
    }
}
