//! A small git project with a history and a flaky test, for tests of `ktriage bisect`.
//!
//! A test that needs it says `#[path = "support/project.rs"] mod project;`. Dates, and so the names of
//! commits, are fixed; which run fails follows from the commit and the number of the run, so a search
//! meets the same runs on every machine, whatever order it makes them in.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A git project in a folder of its own, and a state folder beside it.
pub(crate) struct Project {
    pub(crate) folder: TempDir,
    commits: Cell<u32>,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), commits: Cell::new(0) };
        fs::create_dir(project.root()).unwrap();
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let date = format!("@{} +0000", 1_700_000_000 + 60 * self.commits.get());
        let output = Command::new("git")
            .current_dir(self.root())
            .args(["-c", "user.name=Ann Author", "-c", "user.email=ann@example.org"])
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        self.commits.set(self.commits.get() + 1);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Writes a file, commits, and gives the name of the commit.
    pub(crate) fn commit(&self, file: &str, text: &str, message: &str) -> String {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn bisect(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ktriage"))
            .current_dir(self.root())
            .arg("bisect")
            .args(arguments)
            .arg("--state")
            .arg(self.folder.path().join("state"))
            .output()
            .unwrap()
    }

    /// What `show --json` prints.
    pub(crate) fn json(&self) -> serde_json::Value {
        let output = self.bisect(&["show", "--json"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A test outside of the project. It fails in one of `one_in` runs of a commit where the file
    /// `bug` says "bad", and now and then, anywhere, for a reason of its own.
    pub(crate) fn flaky_test(&self, one_in: u32) -> String {
        self.test_that(&format!(
            "[ $((({hash} / 7 + n) % 23)) = 5 ] && {{ echo 'Error: network unreachable'; exit 1; }}\n\
             [ $((({hash} / 161 + n) % {one_in})) = 0 ] && grep -q bad bug 2>/dev/null && {{\n\
             echo 'queue.c:12: pop: Assertion `n > 0'\"'\"' failed.'; exit 1; }}\n\
             exit 0\n",
            hash = "h"
        ))
    }

    /// A test outside of the project with these lines of shell. `$n` is the number of the run of this
    /// commit, from 0 on, and `$h` a number that follows from the commit.
    pub(crate) fn test_that(&self, lines: &str) -> String {
        let path = self.folder.path().join("test.sh");
        let counts = self.folder.path().join("counts");
        fs::create_dir_all(&counts).unwrap();
        let text = format!(
            "count={}/$KTRIAGE_COMMIT\n\
             n=$(cat $count 2>/dev/null || echo 0); echo $((n + 1)) > $count\n\
             h=$(printf '%s' $KTRIAGE_COMMIT | cksum | cut -d' ' -f1)\n{lines}",
            counts.display()
        );
        fs::write(&path, text).unwrap();
        format!("sh {}", path.display())
    }

    /// 24 commits on the main line and a side branch of 6; the bug comes with the third of the branch.
    /// Gives the first commit and the culprit.
    pub(crate) fn with_a_bug() -> (Self, String, String) {
        let project = Self::new();
        let first = project.commit("a", "0", "Begin");
        for at in 1..8 {
            project.commit("a", &at.to_string(), &format!("Main line, {at}"));
        }
        project.git(&["checkout", "--quiet", "-b", "side"]);
        let mut culprit = String::new();
        for at in 0..6 {
            let bug = at == 2;
            let (file, text) = if bug { ("bug", "bad".to_owned()) } else { ("b", at.to_string()) };
            let name = project.commit(
                file,
                &text,
                &format!("Side branch, {at}\n\nReviewed-by: Rae Viewer <rae@example.org>"),
            );
            if bug {
                culprit = name;
            }
        }
        project.git(&["checkout", "--quiet", "main"]);
        for at in 8..16 {
            project.commit("a", &at.to_string(), &format!("Main line, {at}"));
        }
        project.git(&["merge", "--quiet", "--no-ff", "-m", "Take the side branch in", "side"]);
        for at in 16..24 {
            project.commit("a", &at.to_string(), &format!("Main line, {at}"));
        }
        (project, first, culprit)
    }
}

/// Standard output and standard error.
pub(crate) fn text(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
