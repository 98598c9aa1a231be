//! Files by their content: which commit holds them as a patch found them.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::Stdio;

use model::CommitId;

use crate::{GitError, Repository};

/// A commit that changes one of some paths, on the way from the newest to the oldest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The commit.
    pub id: CommitId,
    /// Its first parent.
    pub parent: Option<CommitId>,
}

impl Repository {
    /// The objects that `names` mean, each a whole or short name or `COMMIT:PATH`: full name and kind;
    /// `None` for one that is not there or is meant by several.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn objects(&self, names: &[String]) -> Result<Vec<Option<(String, String)>>, GitError> {
        let mut command = self.command(["cat-file", "--batch-check"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| GitError::Start { source })?;
        // One line each: a name with a line end in it is none.
        let text: String =
            names.iter().map(|name| format!("{}\n", name.replace('\n', "\u{fffd}"))).collect();
        let input = child.stdin.take();
        let writer = std::thread::spawn(move || {
            // What git does not read it does not answer: the count of lines tells.
            input.map(|mut input| input.write_all(text.as_bytes()))
        });
        let output = child.wait_with_output().map_err(|source| GitError::Start { source })?;
        let _ = writer.join();
        let text = String::from_utf8_lossy(&output.stdout);
        // `… missing`, `… ambiguous`, and below the latter a list for people that goes to standard error.
        let found: Vec<_> = text.lines().map(object).collect();
        if found.len() == names.len() { Ok(found) } else { Err(GitError::Unreadable) }
    }

    /// The blobs at `paths` in `commit`; `None` where there is no such file.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn blobs(
        &self,
        commit: &CommitId,
        paths: &[String],
    ) -> Result<Vec<Option<String>>, GitError> {
        let names: Vec<String> = paths.iter().map(|path| format!("{commit}:{path}")).collect();
        let objects = self.objects(&names)?;
        Ok(objects.into_iter().map(|object| Some(object?.0)).collect())
    }

    /// The name of a commit's tree.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn tree_of(&self, commit: &CommitId) -> Result<String, GitError> {
        let tree = format!("{commit}^{{tree}}");
        Ok(self.demand("read the tree of a commit", ["rev-parse", &tree])?.trim().to_owned())
    }

    /// The commits below `heads` that change one of `paths`, the newest first, at most `limit`. With no
    /// head, those of all branches and tags.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn touching(
        &self,
        heads: &[CommitId],
        paths: &[String],
        limit: usize,
    ) -> Result<Vec<Touch>, GitError> {
        let limit = limit.to_string();
        let mut arguments = [
            "log",
            "--no-show-signature",
            "--full-history",
            "--date-order",
            "-m",
            "--first-parent",
        ]
        .map(str::to_owned)
        .to_vec();
        if heads.is_empty() {
            arguments.retain(|argument| argument != "--first-parent");
            arguments.push("--all".to_owned());
        }
        arguments.extend(["--format=%H %P".to_owned(), "--no-patch".to_owned(), "-n".to_owned()]);
        arguments.push(limit);
        arguments.extend(heads.iter().map(CommitId::to_string));
        arguments.push("--".to_owned());
        arguments.extend(paths.iter().map(|path| format!(":(literal){path}")));
        let text = self.demand("list the commits that change the files", arguments)?;
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                let mut names = line.split(' ');
                let id = names.next().and_then(CommitId::parse).ok_or(GitError::Unreadable)?;
                Ok(Touch { id, parent: names.next().and_then(CommitId::parse) })
            })
            .collect()
    }

    /// The newest commit below `head` that was made before `seconds` (since 1970).
    ///
    /// # Errors
    /// When `git` fails.
    pub fn before(&self, head: &CommitId, seconds: i64) -> Result<Option<CommitId>, GitError> {
        let until = format!("--before=@{seconds}");
        let answer =
            self.git(["rev-list", "-n", "1", "--first-parent", &until, head.as_str(), "--"])?;
        Ok(answer.line().and_then(CommitId::parse))
    }

    /// Branches and tags: their names without `refs/heads/` and the like, and their commits.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn references(&self) -> Result<Vec<(String, CommitId)>, GitError> {
        let text = self.demand(
            "list branches and tags",
            ["for-each-ref", "--format=%(refname:lstrip=2) %(objectname) %(*objectname)"],
        )?;
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let name = words.next()?.to_owned();
                // A tag that has a message is an object of its own.
                let (object, peeled) = (words.next()?, words.next().unwrap_or_default());
                let commit = if peeled.is_empty() { object } else { peeled };
                Some((name, CommitId::parse(commit)?))
            })
            .collect())
    }

    /// A name for people: the nearest tag, as `v6.12-rc3-17-gabcdef012345`.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn described(&self, commit: &CommitId) -> Result<Option<String>, GitError> {
        let answer = self.git(["describe", "--tags", "--abbrev=12", commit.as_str()])?;
        Ok(answer.line().map(str::to_owned))
    }

    /// The bytes of a file in a commit; `None` when there is none.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub fn file(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let output = self
            .command(["cat-file", "blob", &format!("{commit}:{path}")])
            .output()
            .map_err(|source| GitError::Start { source })?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// When a commit was made, in seconds since 1970, and its title.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn made(&self, commit: &CommitId) -> Result<(i64, String), GitError> {
        let text = self.demand(
            "read a commit",
            ["log", "-1", "--no-show-signature", "--format=%ct %s", commit.as_str(), "--"],
        )?;
        let (seconds, title) = text.trim_end().split_once(' ').unwrap_or((text.trim_end(), ""));
        Ok((seconds.parse().map_err(|_| GitError::Unreadable)?, title.to_owned()))
    }

    /// The lines of each file that differ between two commits, as they are counted in the newer one. A line
    /// that was only removed is told by the one before it.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn changed_lines(
        &self,
        old: &CommitId,
        new: &CommitId,
    ) -> Result<Vec<(String, Vec<u64>)>, GitError> {
        let text = self.demand(
            "compare two commits",
            [
                "-c",
                "core.quotePath=false",
                "diff",
                "--unified=0",
                "--no-color",
                "--no-ext-diff",
                "--no-textconv",
                "--no-renames",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                old.as_str(),
                new.as_str(),
                "--",
            ],
        )?;
        let mut files: Vec<(String, Vec<u64>)> = Vec::new();
        // Lines of a file's content never begin like these two: they have a mark in front.
        for line in text.lines() {
            if let Some(names) = line.strip_prefix("diff --git a/") {
                // Both names are equal, since renames are told as two changes.
                let name = names.get(names.len() / 2 + 2..).unwrap_or_default();
                files.push((name.trim_end_matches('"').to_owned(), Vec::new()));
            } else if let Some(place) = line.strip_prefix("@@ -")
                && let Some((_, lines)) = files.last_mut()
                && let Some((first, count)) = new_range(place)
            {
                match count {
                    0 => lines.push(first.max(1)),
                    count => lines.extend(first..first.saturating_add(count)),
                }
            }
        }
        Ok(files)
    }

    /// The commits after `base` up to `tip` as mails, a mailbox with whole blob names.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn as_mails(&self, base: &CommitId, tip: &CommitId) -> Result<Vec<u8>, GitError> {
        let range = format!("{base}..{tip}");
        let output = self
            .command([
                "format-patch",
                "--stdout",
                "--full-index",
                "--binary",
                "--no-signature",
                "--no-ext-diff",
                "--no-textconv",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                &range,
            ])
            .output()
            .map_err(|source| GitError::Start { source })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(GitError::Failed {
            doing: "write the commits as mails",
            path: self.root().to_owned(),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// `12,3 +14,2 @@ heading`: 14 and 2.
fn new_range(place: &str) -> Option<(u64, u64)> {
    let new = place.split_once('+')?.1.split(' ').next()?;
    match new.split_once(',') {
        Some((first, count)) => Some((first.parse().ok()?, count.parse().ok()?)),
        None => Some((new.parse().ok()?, 1)),
    }
}

/// A line of `cat-file --batch-check`: name, kind, size.
fn object(line: &str) -> Option<(String, String)> {
    let mut words = line.rsplitn(3, ' ');
    let (size, kind, name) = (words.next()?, words.next()?, words.next()?);
    let known = matches!(kind, "blob" | "commit" | "tree" | "tag");
    (known && size.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| (name.to_owned(), kind.to_owned()))
}

/// How the files of a series stand in commits, asked for many at once.
#[derive(Clone, Debug, Default)]
pub struct BlobTable {
    known: HashMap<CommitId, Vec<Option<String>>>,
}

impl BlobTable {
    /// The blobs of `paths` in each of `commits`.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn read(
        repository: &Repository,
        commits: &[CommitId],
        paths: &[String],
    ) -> Result<Self, GitError> {
        let names: Vec<String> = commits
            .iter()
            .flat_map(|commit| paths.iter().map(move |path| format!("{commit}:{path}")))
            .collect();
        let objects = repository.objects(&names)?;
        let mut objects = objects.into_iter().map(|object| object.map(|(name, _)| name));
        let known = commits
            .iter()
            .map(|commit| (commit.clone(), objects.by_ref().take(paths.len()).collect()))
            .collect();
        Ok(Self { known })
    }

    /// The blobs in one commit, in the order of the paths.
    pub fn of(&self, commit: &CommitId) -> &[Option<String>] {
        self.known.get(commit).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(folder: &std::path::Path, arguments: &[&str]) -> String {
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

    fn commit(folder: &std::path::Path, file: &str, text: &str) -> CommitId {
        std::fs::write(folder.join(file), text).unwrap();
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "--quiet", "-m", "Change"]);
        CommitId::parse(git(folder, &["rev-parse", "HEAD"]).trim()).unwrap()
    }

    #[test]
    fn blobs_tell_the_commits_in_which_a_file_stood_so() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet"]);
        let first = commit(root, "a", "1\n2\n3\n");
        let second = commit(root, "a", "1\nTWO\nTHREE\n4\n");
        let third = commit(root, "b", "x\n");
        let repository = Repository::open(root).unwrap();
        let paths = ["a".to_owned(), "gone".to_owned()];
        let blobs = repository.blobs(&first, &paths).unwrap();
        let blob = blobs[0].clone().unwrap();
        assert_eq!(blobs[1], None);
        let short = [blob[..10].to_owned(), "0123456789ab".to_owned(), "-x\ny".to_owned()];
        let objects = repository.objects(&short).unwrap();
        assert_eq!(objects, [Some((blob.clone(), "blob".to_owned())), None, None]);
        let touches = repository.touching(&[third.clone()], &paths[..1], 10).unwrap();
        let ids: Vec<_> = touches.into_iter().map(|touch| touch.id).collect();
        assert_eq!(ids, [second.clone(), first.clone()]);
        let table = BlobTable::read(&repository, &[third.clone(), first.clone()], &paths).unwrap();
        assert_eq!(table.of(&first)[0].as_deref(), Some(blob.as_str()));
        assert_ne!(table.of(&third)[0], table.of(&first)[0]);
        let lines = repository.changed_lines(&first, &third).unwrap();
        assert_eq!(lines, [("a".to_owned(), vec![2, 3, 4]), ("b".to_owned(), vec![1])]);
        assert_eq!(repository.before(&third, 1).unwrap(), None);
    }
}
