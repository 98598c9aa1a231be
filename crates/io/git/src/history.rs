//! The commits of a history with their diffs, in a stream.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use model::CommitId;

use crate::{GitError, Repository};

/// Bytes of one commit's diff that are kept.
const MAX_DIFF: u64 = 4 << 20;

/// A commit with its message and diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Its name.
    pub id: String,
    /// When it was committed, in seconds since 1970.
    pub date: i64,
    /// The address of its author.
    pub author: String,
    /// The whole message.
    pub message: String,
    /// The diff.
    pub diff: Vec<u8>,
}

impl Repository {
    /// How many commits without merges `head` holds that `after` does not.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn count_new(&self, after: Option<&str>, head: &CommitId) -> Result<usize, GitError> {
        let range = after.map_or_else(|| head.to_string(), |after| format!("{after}..{head}"));
        let text =
            self.demand("count commits", ["rev-list", "--count", "--no-merges", &range, "--"])?;
        text.trim().parse().map_err(|_| GitError::Unreadable)
    }

    /// The names of the commits, merges included, that `head` holds and none of `good` does.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn names_of_range(
        &self,
        good: &[CommitId],
        head: &CommitId,
    ) -> Result<HashSet<String>, GitError> {
        let mut arguments = vec!["rev-list".to_owned(), head.to_string()];
        arguments.extend(good.iter().map(|good| format!("^{good}")));
        arguments.push("--".to_owned());
        let text = self.demand("list the commits of the range", arguments)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Hands the commits of `head` that `after` does not hold to `take`, parents before children, merges left out.
    /// Stops when `take` says `false`. Memory does not grow with the history.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn walk(
        &self,
        after: Option<&str>,
        head: &CommitId,
        mut take: impl FnMut(Recorded) -> bool,
    ) -> Result<(), GitError> {
        let range = after.map_or_else(|| head.to_string(), |after| format!("{after}..{head}"));
        let mut child = self
            .command(PLAIN_LOG.iter().copied().chain([range.as_str(), "--"]))
            // The number of context lines is taken from here before any option.
            .env_remove("GIT_DIFF_OPTS")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| GitError::Start { source })?;
        let Some(out) = child.stdout.take() else { return Err(GitError::Unreadable) };
        let errors = child.stderr.take();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(errors) = errors {
                // What git complains about is cut, never waited for.
                let _ = errors.take(1 << 16).read_to_string(&mut text);
            }
            text
        });
        let ended = hand_on(BufReader::with_capacity(1 << 18, out), &mut take);
        if !matches!(ended, Ok(true)) {
            // It would go on for a long time.
            let _ = child.kill();
        }
        let status = child.wait().map_err(|source| GitError::Start { source })?;
        let message = errors.join().unwrap_or_default();
        let failed = |message: &str| GitError::Failed {
            doing: "read the history",
            path: self.root.clone(),
            message: message.trim().to_owned(),
        };
        match ended {
            Ok(true) if !status.success() => Err(failed(&message)),
            Ok(_) => Ok(()),
            Err(error) => Err(failed(&format!("its output cannot be read: {error}"))),
        }
    }
}

/// `git log` with the diffs as git writes them without settings: what a user's configuration may change of the text
/// is said here, for the paths and lines of a diff are read by their form.
const PLAIN_LOG: &[&str] = &[
    "-c",
    "core.quotePath=false",
    "-c",
    "diff.renameLimit=200",
    "-c",
    "diff.relative=false",
    "-c",
    "diff.suppressBlankEmpty=false",
    "-c",
    "diff.indentHeuristic=true",
    "-c",
    "log.showRoot=true",
    "log",
    "--reverse",
    "--topo-order",
    "--no-merges",
    "--no-show-signature",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "--diff-algorithm=myers",
    "--unified=3",
    "--inter-hunk-context=0",
    "-O/dev/null",
    "-p",
    "-M",
    "--encoding=UTF-8",
    "--format=%x00%x01%H%n%ct%n%ae%n%B%x00",
];

/// Hands on the commits that `git log` prints; whether it was read to its end.
fn hand_on(
    mut out: impl std::io::BufRead,
    take: &mut impl FnMut(Recorded) -> bool,
) -> std::io::Result<bool> {
    let mut current: Option<Recorded> = None;
    while let Some(part) = part(&mut out)? {
        if part.first() == Some(&1) {
            if let Some(done) = current.take()
                && !take(done)
            {
                return Ok(false);
            }
            current = header(&part[1..]);
        } else if let Some(commit) = current.as_mut() {
            commit.diff.extend_from_slice(&part);
        }
    }
    if let Some(done) = current {
        take(done);
    }
    Ok(true)
}

/// The bytes up to the next zero, cut at what is kept; none at the end.
fn part(out: &mut impl std::io::BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if out.take(MAX_DIFF).read_until(0, &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&0) {
        bytes.pop();
    } else {
        out.skip_until(0)?;
    }
    Ok(Some(bytes))
}

fn header(bytes: &[u8]) -> Option<Recorded> {
    let text = String::from_utf8_lossy(bytes);
    let mut fields = text.splitn(4, '\n');
    let (id, date) = (fields.next()?, fields.next()?);
    let (author, message) = (fields.next()?, fields.next().unwrap_or_default());
    CommitId::parse(id)?;
    Some(Recorded {
        id: id.to_owned(),
        date: date.parse().ok()?,
        author: author.to_owned(),
        message: message.to_owned(),
        diff: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn commits_come_parents_first_with_their_diffs_and_only_new_ones_the_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
                .args(arguments)
                .output()
                .is_ok_and(|out| out.status.success())
        };
        if !git(&["init", "-q", "."]) {
            println!("skipped: no git command");
            return;
        }
        for text in ["one", "two"] {
            std::fs::write(folder.path().join("pump.c"), format!("int {text};\n")).unwrap();
            assert!(git(&["add", "-A", "."]) && git(&["commit", "-q", "-m", text]));
        }
        assert!(git(&["tag", "v1.0-rc1"]) && git(&["tag", "v1.0"]));
        let repository = Repository::open(folder.path()).unwrap();
        let head = repository.resolve("HEAD").unwrap();
        let walk = |after: Option<&str>| {
            let mut all = Vec::new();
            repository
                .walk(after, &head, |commit| {
                    all.push(commit);
                    true
                })
                .unwrap();
            all
        };
        let all = walk(None);
        let messages: Vec<&str> = all.iter().map(|c| c.message.trim()).collect();
        assert_eq!(messages, ["one", "two"]);
        assert!(String::from_utf8_lossy(&all[1].diff).contains("+int two;"));
        assert_eq!(all[1].author, "ann@x.example");
        assert_eq!(walk(Some(&all[0].id)), [all[1].clone()]);
        assert_eq!(repository.count_new(None, &head).unwrap(), 2);
        let tags = |until| repository.tags_with(&all[0].id, until).unwrap();
        assert_eq!(tags(None), ["v1.0-rc1", "v1.0"]);
        assert!(tags(Some(all[1].date)).is_empty());
        let first = repository.resolve(&all[0].id).unwrap();
        assert!(repository.is_ancestor(&first, &head).unwrap());
        // A user's settings alter nothing of it.
        for (name, value) in [
            ("diff.noprefix", "true"),
            ("diff.mnemonicPrefix", "true"),
            ("diff.context", "0"),
            ("diff.external", "true"),
            ("diff.orderFile", "order"),
            ("color.ui", "always"),
            ("log.showSignature", "true"),
            ("log.showRoot", "false"),
        ] {
            assert!(git(&["config", name, value]));
        }
        assert!(String::from_utf8_lossy(&all[1].diff).contains("--- a/pump.c\n+++ b/pump.c\n"));
        assert_eq!(walk(None), all);
    }

    #[test]
    fn output_that_cannot_be_read_to_its_end_is_no_history() {
        struct Broken;
        impl std::io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the pipe broke"))
            }
        }
        let begun = format!("\0\u{1}{}\n7\nann@x\npump: start\n\0", "a".repeat(40));
        let read = |end: &mut dyn std::io::Read| {
            let mut titles = Vec::new();
            let out = BufReader::new(std::io::Read::chain(begun.as_bytes(), end));
            let ended = hand_on(out, &mut |commit: Recorded| {
                titles.push(commit.message);
                true
            });
            (ended.is_ok(), titles.len())
        };
        assert_eq!(read(&mut std::io::empty()), (true, 1));
        assert_eq!(read(&mut Broken), (false, 0));
    }
}
