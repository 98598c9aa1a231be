//! A small archive of public-inbox that a test fills mail by mail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs git on nobody's settings. False where it is missing or fails.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> bool {
    Command::new("git")
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
        .args(["-c", "init.defaultBranch=master"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// A work tree of an archive of format 2; each mail becomes a commit.
pub(crate) struct Archive(pub(crate) PathBuf);

impl Archive {
    /// Makes it. None where git is missing.
    pub(crate) fn begin(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).expect("a directory");
        git(&path, &["init", "-q", "."]).then_some(Self(path))
    }

    /// Adds a mail.
    pub(crate) fn put(&self, mail: &[u8]) {
        fs::write(self.0.join("m"), mail).expect("written");
        assert!(git(&self.0, &["add", "-A", "."]));
        self.commit();
    }

    /// Makes a commit of what is staged.
    pub(crate) fn commit(&self) {
        assert!(git(&self.0, &["commit", "-q", "--allow-empty", "-m", "x"]));
    }
}

/// A mail of 2 March 2026 or some days later.
pub(crate) fn mail(
    id: &str,
    day: u32,
    from: &str,
    parent: Option<&str>,
    subject: &str,
    text: &str,
) -> String {
    let parent = parent.map_or(String::new(), |p| format!("In-Reply-To: <{p}>\n"));
    format!(
        "From: {from}\nSubject: {subject}\nDate: {day} Mar 2026 09:00:00 +0000\nMessage-ID: <{id}>\n{parent}\n{text}\n"
    )
}

/// What `ktriage thread --list` prints.
pub(crate) fn list(mirror: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ktriage"))
        .args(["thread", "--list"])
        .arg(mirror)
        .args(arguments)
        .output()
        .expect("ktriage runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
