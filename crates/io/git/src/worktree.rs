//! A work tree of our own beside the user's, moved from commit to commit. Files that git does not
//! know stay, so that a build continues where the last one ended.

use std::path::{Path, PathBuf};

use model::CommitId;

use crate::{GitError, Repository};

/// A work tree with a detached head.
#[derive(Clone, Debug)]
pub struct Worktree {
    repository: Repository,
    path: PathBuf,
}

impl Repository {
    /// Takes the work tree at `path`, or makes it. One that was deleted behind git's back is made
    /// anew.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn worktree(&self, path: &Path, commit: &CommitId) -> Result<Worktree, GitError> {
        let there = path.join(".git").exists();
        let tree =
            Worktree { repository: Repository { root: path.to_owned() }, path: path.to_owned() };
        if there && tree.repository.git(["rev-parse", "--git-dir"])?.success {
            tree.checkout(commit)?;
            return Ok(tree);
        }
        self.demand("forget vanished work trees", ["worktree", "prune"])?;
        self.demand(
            "make a work tree",
            [
                "worktree".as_ref(),
                "add".as_ref(),
                "--force".as_ref(),
                "--detach".as_ref(),
                path.as_os_str(),
                commit.as_str().as_ref(),
            ],
        )?;
        Ok(tree)
    }
}

impl Worktree {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves to a commit; changes to files that git knows are dropped.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn checkout(&self, commit: &CommitId) -> Result<(), GitError> {
        let arguments = ["checkout", "--quiet", "--force", "--detach", commit.as_str()];
        self.repository.demand("check out a commit", arguments)?;
        Ok(())
    }

    /// Removes the work tree.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn remove(self) -> Result<(), GitError> {
        let Self { repository, path } = self;
        let arguments: [&std::ffi::OsStr; 4] =
            ["worktree".as_ref(), "remove".as_ref(), "--force".as_ref(), path.as_os_str()];
        repository.demand("remove a work tree", arguments)?;
        Ok(())
    }
}
