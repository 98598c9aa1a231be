//! Patches as mails, applied with `git am -3` in a work tree of our own, and what stands in their way.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use model::CommitId;

use crate::{GitError, Repository, Worktree};

/// A work tree with the files of a series only: there it is tried whether the series applies.
#[derive(Clone, Debug)]
pub struct Scratch {
    tree: Worktree,
}

/// How a series went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// All of it.
    Whole {
        /// The commit after each patch.
        commits: Vec<CommitId>,
        /// Positions of patches that needed a three-way merge: their context had changed.
        merged: Vec<usize>,
    },
    /// It stopped.
    Stopped {
        /// The position of the patch.
        patch: usize,
        /// What git said.
        message: String,
        /// The hunks that find no place.
        hunks: Vec<FailedHunk>,
    },
}

/// A hunk that finds no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedHunk {
    /// The file.
    pub file: String,
    /// The number of the hunk in the diff of that file, from 1; 0 when the whole file is at fault.
    pub hunk: u32,
    /// Why, in git's words, where it gives any.
    pub reason: String,
}

/// Only the files of the series are checked out.
const SPARSE: [&str; 4] = ["-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=false"];

impl Repository {
    /// A work tree at `path` with `files` of `commit` and no others; made anew when it is there.
    ///
    /// # Errors
    /// When `git` fails, or a file cannot be written.
    pub fn scratch(
        &self,
        path: &Path,
        commit: &CommitId,
        files: &[String],
    ) -> Result<Scratch, GitError> {
        let failed = |source| GitError::Write { path: path.to_owned(), source };
        if path.exists() {
            fs::remove_dir_all(path).map_err(failed)?;
        }
        self.demand("forget vanished work trees", ["worktree", "prune"])?;
        let mut arguments: Vec<OsString> =
            ["worktree", "add", "--quiet", "--force", "--detach", "--no-checkout"]
                .map(OsString::from)
                .to_vec();
        arguments.extend([path.as_os_str().to_owned(), commit.as_str().into()]);
        self.demand("make a work tree", arguments)?;
        let repository = Self { root: path.to_owned(), isolated: self.isolated };
        let folder = repository.demand("find its folder", ["rev-parse", "--absolute-git-dir"])?;
        let information = Path::new(folder.trim()).join("info");
        fs::create_dir_all(&information).map_err(failed)?;
        let patterns: String = files.iter().map(|file| format!("/{}\n", literal(file))).collect();
        fs::write(information.join("sparse-checkout"), patterns).map_err(failed)?;
        let scratch = Scratch { tree: Worktree::at(repository, path) };
        scratch.reset(commit)?;
        Ok(scratch)
    }
}

/// A path as a pattern that fits nothing else.
fn literal(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

impl Scratch {
    /// Moves to `commit`, whatever was begun here.
    fn reset(&self, commit: &CommitId) -> Result<(), GitError> {
        let mut arguments = SPARSE.to_vec();
        arguments.extend(["read-tree", "--reset", "-u", commit.as_str()]);
        self.repository().demand("check out the files of the series", arguments)?;
        let arguments = ["update-ref", "--no-deref", "HEAD", commit.as_str()];
        self.repository().demand("move its head", arguments)?;
        Ok(())
    }

    fn repository(&self) -> &Repository {
        self.tree.repository()
    }

    /// Applies mails, one patch each, on top of `base`. The commits have the same names each time when
    /// the mails have dates.
    ///
    /// # Errors
    /// When `git` fails for another reason than that a patch does not apply.
    pub fn apply(&self, base: &CommitId, mails: &[PathBuf]) -> Result<Applied, GitError> {
        self.reset(base)?;
        if mails.is_empty() {
            return Ok(Applied::Whole { commits: Vec::new(), merged: Vec::new() });
        }
        let mut arguments: Vec<OsString> = SPARSE.map(OsString::from).to_vec();
        let options =
            ["am", "--3way", "--no-gpg-sign", "--no-scissors", "--keep-non-patch", "--empty=stop"];
        arguments.extend(options.map(OsString::from));
        arguments.push("--".into());
        arguments.extend(mails.iter().map(|mail| mail.as_os_str().to_owned()));
        let answer = self.repository().git(arguments)?;
        let (mut begun, mut merged) = (0, Vec::new());
        for line in answer.text.lines() {
            if line.starts_with("Applying: ") {
                begun += 1;
            } else if line.starts_with("Falling back to patching base") {
                merged.push(begun - 1);
            }
        }
        if answer.success {
            return Ok(Applied::Whole { commits: self.since(base)?, merged });
        }
        if begun == 0 {
            // Not even the first mail could be read as a patch, or git failed otherwise.
            let words = [answer.error.as_str(), answer.text.trim()];
            let message = words.iter().find(|text| !text.is_empty()).copied().unwrap_or_default();
            self.end()?;
            return Ok(Applied::Stopped {
                patch: 0,
                message: first_line(message),
                hunks: Vec::new(),
            });
        }
        let patch: usize = begun - 1;
        let message = first_line(&answer.error);
        let at = self.repository().resolve("HEAD")?;
        self.end()?;
        let hunks = self.failed_hunks(&at, &mails[patch])?;
        Ok(Applied::Stopped { patch, message, hunks })
    }

    /// Drops a series that stopped.
    fn end(&self) -> Result<(), GitError> {
        let mut arguments = SPARSE.to_vec();
        arguments.extend(["am", "--quit"]);
        // There may be nothing to drop.
        self.repository().git(arguments).map(drop)
    }

    /// The commits after `base`, oldest first.
    fn since(&self, base: &CommitId) -> Result<Vec<CommitId>, GitError> {
        let range = format!("{base}..HEAD");
        let text = self
            .repository()
            .demand("list the commits of the series", ["rev-list", "--reverse", &range])?;
        text.lines().map(|line| CommitId::parse(line).ok_or(GitError::Unreadable)).collect()
    }

    /// Which hunks of a mail find no place on `commit`.
    fn failed_hunks(&self, commit: &CommitId, mail: &Path) -> Result<Vec<FailedHunk>, GitError> {
        self.reset(commit)?;
        let mut arguments: Vec<OsString> = SPARSE.map(OsString::from).to_vec();
        arguments.extend(["apply", "--reject", "--verbose"].map(OsString::from));
        arguments.push(mail.as_os_str().to_owned());
        let answer = self.repository().git(arguments)?;
        let hunks = rejected(&answer.error);
        self.reset(commit)?;
        Ok(hunks)
    }
}

/// The words of git that say most: its first complaint.
fn first_line(message: &str) -> String {
    let lines = || message.lines().filter(|line| !line.starts_with("hint: "));
    let complaint = lines().find(|line| line.starts_with("error: ") || line.starts_with("fatal: "));
    complaint.or_else(|| lines().next()).unwrap_or_default().to_owned()
}

/// What `git apply --reject --verbose` says of the hunks that it rejects.
fn rejected(words: &str) -> Vec<FailedHunk> {
    let mut hunks: Vec<FailedHunk> = Vec::new();
    let mut file = String::new();
    for line in words.lines() {
        if let Some(rest) = line.strip_prefix("Applying patch ") {
            file = rest.split(" with ").next().unwrap_or(rest).to_owned();
        } else if let Some(number) = line.strip_prefix("Rejected hunk #") {
            let hunk = number.trim_end_matches('.').parse().unwrap_or(0);
            hunks.push(FailedHunk { file: file.clone(), hunk, reason: String::new() });
        } else if let Some(rest) = line.strip_prefix("error: ") {
            // `error: PATH: does not exist in index`; the place of a hunk is told by its number.
            let whole = rest.split_once(": ").filter(|(path, _)| *path != "patch failed");
            if let Some((path, reason)) = whole
                && reason != "patch does not apply"
            {
                let path = path.to_owned();
                hunks.push(FailedHunk { file: path, hunk: 0, reason: reason.to_owned() });
            }
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn commit(folder: &Path, file: &str, text: &str) -> CommitId {
        fs::write(folder.join(file), text).unwrap();
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "-m", "Change"]);
        CommitId::parse(git(folder, &["rev-parse", "HEAD"]).trim()).unwrap()
    }

    fn lines(changed: &[(usize, &str)]) -> String {
        (0..60)
            .map(|at| {
                let text = changed.iter().find(|(line, _)| *line == at).map(|(_, text)| *text);
                format!("{}\n", text.map_or_else(|| format!("line {at}"), str::to_owned))
            })
            .collect()
    }

    /// A repository with a hook and settings that would spoil everything, a patch, and three bases.
    #[test]
    fn patches_apply_without_a_trace_in_the_users_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("user");
        fs::create_dir(&root).unwrap();
        git(&root, &["init", "--quiet"]);
        fs::create_dir_all(root.join(".git/hooks")).unwrap();
        for hook in ["applypatch-msg", "post-checkout", "pre-applypatch", "post-commit"] {
            let path = root.join(".git/hooks").join(hook);
            fs::write(&path, "#!/bin/sh\ntouch /tmp/never; exit 1\n").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
        }
        for setting in [["core.autocrlf", "true"], ["am.threeWay", "false"], ["diff.noprefix", "1"]]
        {
            git(&root, &["config", setting[0], setting[1]]);
        }
        git(&root, &["config", "core.hooksPath", ""]);
        fs::write(root.join("other"), "x\n").unwrap();
        let base = commit(&root, "file name", &lines(&[]));
        let patched = commit(&root, "file name", &lines(&[(10, "ten"), (50, "fifty")]));
        let mail = folder.path().join("1.patch");
        let repository = Repository::open(&root).unwrap();
        let own = repository.borrowed(&folder.path().join("own")).unwrap();
        fs::write(&mail, own.as_mails(&base, &patched).unwrap()).unwrap();
        let moved = commit(&root, "file name", &lines(&[(0, "zero"), (13, "thirteen")]));
        let conflict = commit(&root, "file name", &lines(&[(49, "x"), (50, "y"), (51, "z")]));
        let before = git(&root, &["for-each-ref"]) + &git(&root, &["count-objects"]);
        // Work that is not committed stays.
        fs::write(root.join("other"), "mine\n").unwrap();

        let files = ["file name".to_owned()];
        let scratch = own.scratch(&folder.path().join("scratch"), &base, &files).unwrap();
        assert!(!folder.path().join("scratch/other").exists());
        let mails = [mail];
        let Applied::Whole { commits, merged } = scratch.apply(&base, &mails).unwrap() else {
            panic!()
        };
        assert_eq!((commits.len(), merged.len()), (1, 0));
        assert_eq!(own.tree_of(&commits[0]).unwrap(), own.tree_of(&patched).unwrap());
        let Applied::Whole { merged, .. } = scratch.apply(&moved, &mails).unwrap() else {
            panic!()
        };
        assert_eq!(merged, [0]);
        let stopped = scratch.apply(&conflict, &mails).unwrap();
        let Applied::Stopped { patch: 0, hunks, .. } = stopped else { panic!("{stopped:?}") };
        let [hunk] = hunks.as_slice() else { panic!("{hunks:?}") };
        assert_eq!((hunk.file.as_str(), hunk.hunk), ("file name", 2));
        // Again, as after an interruption.
        assert!(matches!(scratch.apply(&base, &mails).unwrap(), Applied::Whole { .. }));

        assert_eq!(git(&root, &["for-each-ref"]) + &git(&root, &["count-objects"]), before);
        assert_eq!(fs::read_to_string(root.join("other")).unwrap(), "mine\n");
        assert!(!root.join(".git/worktrees").exists());
    }

    #[test]
    fn what_git_rejects_is_read_with_its_file() {
        let words = "Checking patch kernel/a.c...\nerror: while searching for:\nx\n\
                     error: patch failed: kernel/a.c:88\nChecking patch b.c...\n\
                     error: b.c: does not exist in index\n\
                     Applying patch kernel/a.c with 1 reject...\nHunk #1 applied cleanly.\n\
                     Rejected hunk #2.\n";
        let found = rejected(words);
        let found: Vec<_> = found.iter().map(|hunk| (hunk.file.as_str(), hunk.hunk)).collect();
        assert_eq!(found, [("b.c", 0), ("kernel/a.c", 2)]);
    }
}
