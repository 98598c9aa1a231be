//! What a commit would be without another one, as a commit of its own that no branch knows.

use std::process::Stdio;

use model::CommitId;

use crate::{GitError, Repository};

impl Repository {
    /// A commit on top of `at` that takes `commit` back, if that merges without conflict. `None` for a
    /// conflict, a merge or a first commit, and where nothing would change.
    ///
    /// The commit is written to the object database only: no branch and no work tree changes. It has
    /// one name however often it is made.
    ///
    /// # Errors
    /// When `git` fails otherwise.
    pub fn without(&self, at: &CommitId, commit: &CommitId) -> Result<Option<CommitId>, GitError> {
        let parents =
            self.demand("read the parents of a commit", ["rev-parse", &format!("{commit}^@")])?;
        let mut parents = parents.lines();
        let (Some(parent), None) = (parents.next(), parents.next()) else { return Ok(None) };
        // The way from the commit back to its parent, applied to `at`. Commits without a history of their
        // own give the merge its base: git before 2.40 takes no other.
        let tree_of = |name: &str| {
            let tree = format!("{name}^{{tree}}");
            self.demand("read the tree of a commit", ["rev-parse", tree.as_str()])
        };
        let own = tree_of(at.as_str())?;
        let base = self.write_commit(tree_of(commit.as_str())?.trim(), None, "base")?;
        let ours = self.write_commit(own.trim(), Some(&base), "ours")?;
        let theirs = self.write_commit(tree_of(parent)?.trim(), Some(&base), "theirs")?;
        let merged = self.git([
            "merge-tree",
            "--write-tree",
            "--no-messages",
            ours.as_str(),
            theirs.as_str(),
        ])?;
        let Some(tree) = merged.line() else { return Ok(None) };
        if tree == own.trim() {
            return Ok(None);
        }
        self.write_commit(tree, Some(at), &format!("Revert {commit}")).map(Some)
    }

    /// Writes a commit to the object database; it has one name however often it is made.
    fn write_commit(
        &self,
        tree: &str,
        parent: Option<&CommitId>,
        message: &str,
    ) -> Result<CommitId, GitError> {
        let mut arguments = vec!["commit-tree", tree, "-m", message];
        if let Some(parent) = parent {
            arguments.extend(["-p", parent.as_str()]);
        }
        let mut command = self.command(arguments);
        for (name, value) in [
            ("GIT_AUTHOR_NAME", "ktriage"),
            ("GIT_AUTHOR_EMAIL", "ktriage"),
            ("GIT_AUTHOR_DATE", "@1000000000 +0000"),
            ("GIT_COMMITTER_NAME", "ktriage"),
            ("GIT_COMMITTER_EMAIL", "ktriage"),
            ("GIT_COMMITTER_DATE", "@1000000000 +0000"),
        ] {
            command.env(name, value);
        }
        let output =
            command.stdin(Stdio::null()).output().map_err(|source| GitError::Start { source })?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        CommitId::parse(&name).ok_or_else(|| GitError::Failed {
            doing: "write a commit",
            path: self.root().to_owned(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Which commits the commits of a range say that they fix, by the names their `Fixes:` trailers
    /// give, which may be short.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn fixes(
        &self,
        good: &[CommitId],
        bad: &CommitId,
    ) -> Result<Vec<(CommitId, Vec<String>)>, GitError> {
        let options = [
            "--no-merges",
            "--grep=^Fixes:",
            "--format=%H%x09%(trailers:key=Fixes,valueonly,unfold,separator=%x09)",
        ];
        let text = self.log("list what the range fixes", &options, good, bad)?;
        text.lines()
            .map(|line| {
                let mut fields = line.split('\t');
                let id = fields.next().and_then(CommitId::parse).ok_or(GitError::Unreadable)?;
                let names = fields
                    .filter_map(|value| value.split_whitespace().next())
                    .filter(|name| name.len() >= 8 && name.chars().all(|c| c.is_ascii_hexdigit()))
                    .map(str::to_ascii_lowercase)
                    .collect();
                Ok((id, names))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(folder: &Path, file: &str, text: &str, message: &str) -> CommitId {
        std::fs::write(folder.join(file), text).unwrap();
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "-m", message]);
        CommitId::parse(&git(folder, &["rev-parse", "HEAD"])).unwrap()
    }

    #[test]
    fn a_commit_is_taken_back_where_that_does_not_conflict() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet", "--initial-branch=main"]);
        let first = commit(root, "a", "1\n", "First");
        let clean = commit(root, "b", "1\n", "Clean");
        let conflicting = commit(root, "a", "2\n", "Conflicting");
        let last = commit(
            root,
            "a",
            "3\n",
            &format!("Last\n\nFixes: {} (\"Clean\")", &clean.as_str()[..12]),
        );
        let repository = Repository::open(root).unwrap();
        let reverted = repository.without(&last, &clean).unwrap().unwrap();
        assert_eq!(repository.without(&last, &clean).unwrap(), Some(reverted.clone()));
        let files = git(root, &["ls-tree", "--name-only", reverted.as_str()]);
        assert_eq!(files, "a");
        assert_eq!(repository.without(&last, &conflicting).unwrap(), None);
        assert_eq!(repository.without(&last, &first).unwrap(), None);
        // Nothing of it shows in the user's repository.
        assert_eq!(git(root, &["rev-parse", "HEAD"]), last.as_str());
        assert_eq!(git(root, &["status", "--porcelain"]), "");
        let fixes = repository.fixes(&[first], &last).unwrap();
        assert_eq!(fixes, [(last, vec![clean.as_str()[..12].to_owned()])]);
    }
}
