//! Reads commit graphs and keeps work trees, through the `git` command.
//!
//! Invariants: a revision typed by a user is never taken for an option; nothing is ever written to
//! the user's own work tree or branches.

mod apply;
mod blobs;
mod borrowed;
mod error;
mod history;
mod people;
pub mod public_inbox;
mod releases;
mod revert;
mod worktree;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use model::CommitId;
use model::bisection::CommitDetails;

pub use apply::{Applied, FailedHunk, Scratch};
pub use blobs::{BlobTable, Touch};
pub use error::GitError;
pub use history::Recorded;
pub use worktree::Worktree;

/// A repository on this machine.
#[derive(Clone, Debug)]
pub struct Repository {
    root: PathBuf,
    /// It is our own: hooks, settings and variables of the user's have no influence.
    isolated: bool,
}

/// A commit of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// All its parents, the first first; some may lie outside of the range.
    pub parents: Vec<CommitId>,
    /// The name of its tree: equal trees hold equal files.
    pub tree: String,
}

impl Repository {
    /// Finds the repository that holds `dir`.
    ///
    /// # Errors
    /// When `git` cannot be started or `dir` is in no repository.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        if !dir.is_dir() {
            return Err(GitError::NoDirectory { path: dir.to_owned() });
        }
        let at = Self { root: dir.to_owned(), isolated: false };
        let output = at.git(["rev-parse", "--show-toplevel"])?;
        let root = match output.line() {
            Some(root) => PathBuf::from(root),
            // A bare repository has no work tree of its own; that does not hinder.
            None => {
                let output = at.git(["rev-parse", "--absolute-git-dir"])?;
                let line = output.line().ok_or(GitError::NoRepository { path: dir.to_owned() })?;
                PathBuf::from(line)
            }
        };
        Ok(Self { root, isolated: false })
    }

    /// Where the repository is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.root)
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null());
        if self.isolated {
            isolate(&mut command);
        }
        command
    }

    fn git<I: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<Answer, GitError> {
        let output =
            self.command(arguments).output().map_err(|source| GitError::Start { source })?;
        Ok(Answer {
            success: output.status.success(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// As [`Self::git`], where failure is an error.
    fn demand<I: AsRef<OsStr>>(
        &self,
        doing: &'static str,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<String, GitError> {
        let answer = self.git(arguments)?;
        if answer.success {
            Ok(answer.text)
        } else {
            Err(GitError::Failed { doing, path: self.root.clone(), message: answer.error })
        }
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// When no commit has that name here.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, GitError> {
        let wanted = format!("{revision}^{{commit}}");
        let answer = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        answer.line().and_then(CommitId::parse).ok_or_else(|| GitError::UnknownRevision {
            revision: revision.to_owned(),
            path: self.root.clone(),
        })
    }

    /// Whether history was cut off when the repository was cloned.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.git(["rev-parse", "--is-shallow-repository"])?.line() == Some("true"))
    }

    /// Whether files that git knows differ from the last commit. A bare repository has none.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn has_changes(&self) -> Result<bool, GitError> {
        let answer = self.git(["status", "--porcelain", "--untracked-files=no"])?;
        Ok(answer.success && !answer.text.trim().is_empty())
    }

    /// Whether `older` is `newer` or one of its ancestors.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, GitError> {
        Ok(self.git(["merge-base", "--is-ancestor", older.as_str(), newer.as_str()])?.success)
    }

    /// A best common ancestor of two commits; `None` when their histories never meet.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        let answer = self.git(["merge-base", a.as_str(), b.as_str()])?;
        Ok(answer.line().and_then(CommitId::parse))
    }

    /// What `git log` prints of the commits that `bad` holds and none of `good` does.
    fn log(
        &self,
        doing: &'static str,
        options: &[&str],
        good: &[CommitId],
        bad: &CommitId,
    ) -> Result<String, GitError> {
        let mut arguments = vec!["log".to_owned(), "--no-show-signature".to_owned()];
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        arguments.push(bad.to_string());
        arguments.extend(good.iter().map(|good| format!("^{good}")));
        arguments.push("--".to_owned());
        self.demand(doing, arguments)
    }

    /// The commits that `bad` holds and none of `good` does, parents before children.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn range(&self, good: &[CommitId], bad: &CommitId) -> Result<Vec<Commit>, GitError> {
        let options = ["--date-order", "--reverse", "--format=%H%x09%P%x09%T"];
        let text = self.log("list the commits of the range", &options, good, bad)?;
        text.lines().map(|line| parse_commit(line).ok_or(GitError::Unreadable)).collect()
    }

    /// The paths each commit of the range changes against its first parent.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn changes(
        &self,
        good: &[CommitId],
        bad: &CommitId,
    ) -> Result<Vec<(CommitId, Vec<String>)>, GitError> {
        let options =
            ["--no-renames", "--diff-merges=first-parent", "--name-only", "--format=%x01%H"];
        let text = self.log("list the files that the range changes", &options, good, bad)?;
        text.split('\u{1}')
            .skip(1)
            .map(|entry| {
                let mut lines = entry.lines().filter(|line| !line.is_empty());
                let id = lines.next().and_then(CommitId::parse).ok_or(GitError::Unreadable)?;
                Ok((id, lines.map(str::to_owned).collect()))
            })
            .collect()
    }

    /// What a commit says about itself and which files it changes.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn details(&self, commit: &CommitId) -> Result<CommitDetails, GitError> {
        let text = self.demand(
            "read a commit",
            [
                "log",
                "-1",
                "--no-show-signature",
                "--format=%s%x00%an <%ae>%x00%aI%x00%(trailers:only,unfold)",
                commit.as_str(),
                "--",
            ],
        )?;
        let read = people::details(&text);
        let files = self.demand(
            "list the files of a commit",
            [
                "diff-tree",
                "-r",
                "-m",
                "--first-parent",
                "--root",
                "--no-commit-id",
                "--name-only",
                "-z",
                commit.as_str(),
            ],
        )?;
        let files = files.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
        Ok(CommitDetails { files, ..read })
    }
}

/// Keeps out what the user, the machine or a caller that is git itself has set, and gives what is made
/// one name however often it is made.
fn isolate(command: &mut Command) {
    let set = std::env::vars_os().map(|(name, _)| name);
    for name in set.filter(|name| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    for (name, value) in [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_EDITOR", "false"),
        ("GIT_COMMITTER_NAME", "ktriage"),
        ("GIT_COMMITTER_EMAIL", "ktriage"),
        ("GIT_COMMITTER_DATE", "@1000000000 +0000"),
    ] {
        command.env(name, value);
    }
}

struct Answer {
    success: bool,
    text: String,
    error: String,
}

impl Answer {
    fn line(&self) -> Option<&str> {
        self.text.lines().next().filter(|line| self.success && !line.is_empty())
    }
}

fn parse_commit(line: &str) -> Option<Commit> {
    let mut fields = line.split('\t');
    let id = CommitId::parse(fields.next()?)?;
    let parents =
        fields.next()?.split_whitespace().map(CommitId::parse).collect::<Option<Vec<_>>>()?;
    Some(Commit { id, parents, tree: fields.next()?.to_owned() })
}
