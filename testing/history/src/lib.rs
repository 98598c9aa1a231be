//! A history made from a real kernel's source, to bisect: its culprit is known because we put it there.
//!
//! The source is cut down to what a kernel of the lab is built from, and some that is not. On top come
//! blocks of eight commits, each with a side branch and a merge. Among them is what makes bisection
//! hard: commits that do not build, that do not boot, that change no kernel, another bug that shows
//! seldom. One commit, on a side branch, brings the bug.

mod changes;
mod source;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use changes::{Change, Edit, block};

pub use changes::REPRODUCER;
pub use source::cut_down;

/// A history that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Full name of the first commit, which has no bug.
    pub good: String,
    /// Full name of the last commit.
    pub bad: String,
    /// Full name of the commit that brought the bug.
    pub culprit: String,
    /// Commits after the first one, merges included.
    pub commits: usize,
}

/// Commits of a block.
pub const BLOCK: usize = 8;

/// Makes a history of `blocks` blocks (at least 2) from the source tree `tree` in the new repository
/// `repository`.
///
/// # Errors
/// When a file cannot be read or written, git fails, or the source lacks a place that is changed.
pub fn make(tree: &Path, repository: &Path, blocks: usize) -> io::Result<History> {
    cut_down(tree, repository)?;
    let git = Git { folder: repository };
    git.run(&["init", "--quiet", "--initial-branch=main"])?;
    git.run(&["add", "--all", "--force"])?;
    git.commit("Linux, cut down to what the lab builds")?;
    let good = git.head()?;
    let mut culprit = None;
    for number in 0..blocks {
        let block = block(number, blocks);
        git.run(&["checkout", "--quiet", "-b", "side"])?;
        for change in &block.side {
            git.apply(change)?;
            if change.is_culprit {
                culprit = Some(git.head()?);
            }
        }
        git.run(&["checkout", "--quiet", "main"])?;
        for change in &block.main {
            git.apply(change)?;
        }
        let message = format!("Merge branch 'side-{number}'");
        git.run(&["merge", "--quiet", "--no-ff", "--message", &message, "side"])?;
        git.run(&["branch", "--quiet", "--delete", "side"])?;
    }
    Ok(History {
        good,
        bad: git.head()?,
        culprit: culprit.ok_or_else(|| io::Error::other("no block holds the culprit"))?,
        commits: blocks * BLOCK,
    })
}

/// Git in one repository, with names and dates of its own, so that the same source gives the same
/// history.
struct Git<'a> {
    folder: &'a Path,
}

impl Git<'_> {
    fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let output = Command::new("git")
            .args(["-c", "core.compression=0", "-c", "gc.auto=0", "-c", "commit.gpgSign=false"])
            .args(arguments)
            .current_dir(self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ada Keeper")
            .env("GIT_AUTHOR_EMAIL", "ada@kernel.example")
            .env("GIT_COMMITTER_NAME", "Ada Keeper")
            .env("GIT_COMMITTER_EMAIL", "ada@kernel.example")
            .env("GIT_AUTHOR_DATE", "2024-11-17T12:00:00Z")
            .env("GIT_COMMITTER_DATE", "2024-11-17T12:00:00Z")
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("git {}: {words}", arguments.join(" "))));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn head(&self) -> io::Result<String> {
        self.run(&["rev-parse", "HEAD"])
    }

    fn commit(&self, message: &str) -> io::Result<()> {
        self.run(&["commit", "--quiet", "--message", message]).map(drop)
    }

    fn apply(&self, change: &Change) -> io::Result<()> {
        for edit in &change.edits {
            let path = self.folder.join(edit.file());
            let text = fs::read_to_string(&path)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            let text = edit.applied(&text).ok_or_else(|| {
                io::Error::other(format!("{}: nothing to change there: {edit:?}", path.display()))
            })?;
            fs::write(&path, text)?;
        }
        self.run(&["add", "--update"])?;
        self.commit(&change.subject)
    }
}

/// Writes the reproducer into `folder` and returns its path.
///
/// # Errors
/// When it cannot be written.
pub fn write_reproducer(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join("repro.c");
    fs::write(&path, REPRODUCER)?;
    Ok(path)
}

impl Edit {
    fn file(&self) -> &'static str {
        match self {
            Self::Append { file, .. } | Self::Insert { file, .. } | Self::Remove { file, .. } => {
                file
            }
        }
    }

    /// The text after the edit; `None` when it has no such place.
    fn applied(&self, text: &str) -> Option<String> {
        match self {
            Self::Append { text: more, .. } => Some(format!("{text}{more}")),
            Self::Insert { before, at, after, .. } => {
                let place = text.find(at)?;
                let end = place + at.len();
                Some(format!("{}{before}{at}{after}{}", &text[..place], &text[end..]))
            }
            Self::Remove { text: gone, .. } => {
                text.contains(gone.as_str()).then(|| text.replacen(gone.as_str(), "", 1))
            }
        }
    }
}
