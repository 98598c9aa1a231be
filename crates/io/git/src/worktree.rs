//! A work tree of our own beside the user's, moved from commit to commit. Files that git does not
//! know stay, so that a build continues where the last one ended.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

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
    /// anew; a lock that a killed git left in it is removed, since the tree is the caller's alone.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn worktree(&self, path: &Path, commit: &CommitId) -> Result<Worktree, GitError> {
        let there = path.join(".git").exists();
        let repository = Self { root: path.to_owned(), isolated: self.isolated };
        let tree = Worktree::at(repository, path);
        if there && tree.repository.git(["rev-parse", "--git-dir"])?.success {
            tree.clear_lock()?;
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

/// A lock of the index that is older belongs to a git that was killed; a younger one may be of a git that
/// outlived its caller and still works.
const STALE: Duration = Duration::from_secs(30);

impl Worktree {
    pub(crate) fn at(repository: Repository, path: &Path) -> Self {
        Self { repository, path: path.to_owned() }
    }

    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Waits until no other git works in this tree, and removes the lock of one that never will again.
    fn clear_lock(&self) -> Result<(), GitError> {
        let folder =
            self.repository.demand("find its folder", ["rev-parse", "--absolute-git-dir"])?;
        let lock = Path::new(folder.trim()).join("index.lock");
        loop {
            let Ok(made) = lock.metadata().and_then(|file| file.modified()) else { return Ok(()) };
            if SystemTime::now().duration_since(made).is_ok_and(|age| age > STALE) {
                // Another that removed it just now is as good.
                let _ = std::fs::remove_file(&lock);
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_lock_that_a_killed_git_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tree");
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.current_dir(folder.path()).args(["-c", "user.name=A", "-c", "user.email=a@b"]);
            assert!(command.args(arguments).status().unwrap().success(), "{arguments:?}");
        };
        git(&["init", "--quiet", "tree"]);
        git(&["-C", "tree", "commit", "--quiet", "--allow-empty", "--message", "first"]);
        let repository = Repository::open(&root).unwrap();
        let head = repository.resolve("HEAD").unwrap();
        let own = folder.path().join("own");
        repository.worktree(&own, &head).unwrap();
        let lock = root.join(".git/worktrees/own/index.lock");
        let file = File::create(&lock).unwrap();
        file.set_modified(SystemTime::now() - 2 * STALE).unwrap();
        repository.worktree(&own, &head).unwrap();
        assert!(!lock.exists());
    }
}
