//! The releases of a project, tags that are version numbers, and the tags that hold a commit.

use model::CommitId;

use crate::{GitError, Repository};

impl Repository {
    /// The releases that `commit` holds, the oldest first: tags such as `v6.12` or `1.4.2`, without
    /// candidates (`v6.12-rc3`) and without one that is `commit` itself.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn releases(&self, commit: &CommitId) -> Result<Vec<(String, CommitId)>, GitError> {
        let text = self.tags(
            "list the releases",
            &format!("--merged={commit}"),
            "%(refname:strip=2)%09%(objectname)%09%(*objectname)",
        )?;
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                let (name, own, pointed) = (fields.next()?, fields.next()?, fields.next());
                // An annotated tag is an object of its own that points to the commit.
                let id = CommitId::parse(pointed.filter(|id| !id.is_empty()).unwrap_or(own))?;
                (is_release(name) && id != *commit).then(|| (name.to_owned(), id))
            })
            .collect())
    }

    /// The tags whose history holds `commit`, the oldest first; none made at `until` (seconds since 1970) or later.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn tags_with(&self, commit: &str, until: Option<i64>) -> Result<Vec<String>, GitError> {
        let text = self.tags(
            "list the tags that hold a commit",
            &format!("--contains={commit}"),
            "%(creatordate:unix) %(refname:strip=2)",
        )?;
        let tags = text.lines().filter_map(|line| line.split_once(' '));
        let is_known =
            |made: &str| until.is_none_or(|until| made.parse().is_ok_and(|made: i64| made < until));
        Ok(tags.filter(|(made, _)| is_known(made)).map(|(_, tag)| tag.to_owned()).collect())
    }

    /// A line for each tag that `which` chooses, the oldest first; of one moment by version, candidates before the
    /// release.
    fn tags(&self, doing: &'static str, which: &str, format: &str) -> Result<String, GitError> {
        let format = format!("--format={format}");
        self.demand(
            doing,
            [
                "-c",
                "versionsort.suffix=-rc",
                "for-each-ref",
                which,
                "--sort=version:refname",
                "--sort=creatordate",
                &format,
                "refs/tags",
            ],
        )
    }
}

/// Whether a tag's name is a version number of two or more parts.
fn is_release(tag: &str) -> bool {
    let number = tag.strip_prefix('v').unwrap_or(tag);
    let parts: Vec<&str> = number.split('.').collect();
    parts.len() > 1
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn candidates_and_other_tags_are_no_releases() {
        for (tag, release) in [
            ("v6.12", true),
            ("1.4.2", true),
            ("v6.12-rc3", false),
            ("next-20241117", false),
            ("v6", false),
            ("v6.", false),
        ] {
            assert_eq!(super::is_release(tag), release, "{tag}");
        }
    }
}
