//! Where a step meets the world: a commit is prepared and the test is run on it.
//!
//! A runner knows nothing about beliefs; it turns a commit into attempts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use io_command::{End, Finished, Task};
use io_git::{Repository, Worktree};
use model::CommitId;
use model::bisection::{Attempt, Event, Request};

/// Bytes kept from the end of what an attempt printed.
const KEPT: usize = 8 * 1024;

/// What makes attempts. A lab with virtual machines is another one beside the shell.
pub(crate) trait Runner: Send {
    /// Makes a commit ready to be tested; the attempt says whether that worked. Nothing when there
    /// was nothing to do.
    fn prepare(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Prepared;

    /// Runs the test once on the commit prepared last. Nothing when it was stopped.
    fn test(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Option<Attempt>;
}

/// How preparing ended.
pub(crate) enum Prepared {
    /// Ready, with nothing to record.
    Ready,
    /// Ready after this build.
    Built(Attempt),
    /// Not to be tested, for this reason.
    Not(Attempt),
    /// The caller asked to stop.
    Stopped,
}

/// A runner that tests in a work tree with a shell command.
pub(crate) struct Shell {
    repository: Repository,
    request: Request,
    path: PathBuf,
    tree: Option<Worktree>,
    prepared: Option<CommitId>,
}

impl Shell {
    /// A runner with a work tree in `folder`, the `number`th of this bisection. Ends what an earlier
    /// one, that was killed, left running there.
    pub(crate) fn new(
        repository: &Repository,
        request: &Request,
        folder: &Path,
        number: usize,
    ) -> Self {
        let path = folder.join(format!("tree-{number}"));
        end_leftover(&group_file(&path), &path);
        Self {
            repository: repository.clone(),
            request: request.clone(),
            path,
            tree: None,
            prepared: None,
        }
    }

    /// What the commit was built with, in one line, if the caller said how to find out.
    fn environment(&self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Option<String> {
        let command = self.request.environment.as_ref()?;
        let finished = self.run(command, commit, self.request.run_seconds, stop).ok()?;
        let kept = &finished.output[..finished.output.len().min(ENVIRONMENT)];
        let text = String::from_utf8_lossy(kept);
        let words: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        (finished.end == End::Exit(0) && !words.is_empty()).then(|| words.join("; "))
    }

    fn run(
        &self,
        command: &str,
        commit: &CommitId,
        seconds: u64,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Finished, String> {
        let variables = [
            (MARK, self.path.display().to_string()),
            ("KTRIAGE_COMMIT", commit.to_string()),
            ("KTRIAGE_REPOSITORY", self.repository.root().display().to_string()),
        ];
        let task = Task {
            command,
            directory: &self.path,
            variables: &variables,
            limit: Duration::from_secs(seconds),
        };
        let file = group_file(&self.path);
        let finished = io_command::run(
            &task,
            // Without the note a killed bisection leaves its test running: a nuisance, no more.
            |group| drop(fs::write(&file, group.to_string())),
            stop,
        )
        .map_err(|error| error.to_string());
        // The note may never have been written.
        let _ = fs::remove_file(&file);
        finished
    }
}

/// The most that is kept of what a build was made with, in bytes.
const ENVIRONMENT: usize = 500;

/// The variable by which a process of ours is known again.
const MARK: &str = "KTRIAGE_TREE";

fn group_file(tree: &Path) -> PathBuf {
    tree.with_extension("group")
}

/// Ends the process group that a killed bisection left behind, if its leader still is what it was.
fn end_leftover(file: &Path, tree: &Path) {
    let Ok(text) = fs::read_to_string(file) else { return };
    // Gone already when two noticed it.
    let _ = fs::remove_file(file);
    let Ok(group) = text.trim().parse::<u32>() else { return };
    let Ok(environment) = fs::read(format!("/proc/{group}/environ")) else { return };
    let mark = format!("{MARK}={}", tree.display());
    if environment.split(|&byte| byte == 0).any(|entry| entry == mark.as_bytes()) {
        io_command::kill(group);
    }
}

pub(crate) fn attempt(
    commit: &CommitId,
    event: Event,
    title: Option<String>,
    seconds: f64,
    output: &[u8],
) -> Attempt {
    let from = output.len().saturating_sub(KEPT);
    Attempt {
        commit: commit.to_string(),
        event,
        title,
        seconds,
        also: Vec::new(),
        signature: None,
        output: String::from_utf8_lossy(&output[from..]).into_owned(),
    }
}

impl Runner for Shell {
    fn prepare(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Prepared {
        if self.prepared.as_ref() == Some(commit) && self.path.join(".git").exists() {
            return Prepared::Ready;
        }
        self.prepared = None;
        let moved = match &self.tree {
            Some(tree) if tree.path().join(".git").exists() => tree.checkout(commit),
            _ => self.repository.worktree(&self.path, commit).map(|tree| self.tree = Some(tree)),
        };
        if let Err(error) = moved {
            let text = error.to_string();
            return Prepared::Not(attempt(
                commit,
                Event::InfrastructureError,
                None,
                0.0,
                text.as_bytes(),
            ));
        }
        let Some(build) = self.request.build.clone() else {
            self.prepared = Some(commit.clone());
            return Prepared::Ready;
        };
        let finished = match self.run(&build, commit, self.request.build_seconds, stop) {
            Ok(finished) => finished,
            Err(text) => {
                return Prepared::Not(attempt(
                    commit,
                    Event::InfrastructureError,
                    None,
                    0.0,
                    text.as_bytes(),
                ));
            }
        };
        let seconds = finished.took.as_secs_f64();
        match finished.end {
            End::Stopped => Prepared::Stopped,
            End::Exit(0) => {
                self.prepared = Some(commit.clone());
                let environment = self.environment(commit, stop);
                let made = attempt(commit, Event::Built, environment, seconds, &finished.output);
                Prepared::Built(made)
            }
            _ => {
                Prepared::Not(attempt(commit, Event::BuildFailed, None, seconds, &finished.output))
            }
        }
    }

    fn test(&mut self, commit: &CommitId, stop: &(dyn Fn() -> bool + Sync)) -> Option<Attempt> {
        let finished = match self.run(&self.request.test, commit, self.request.run_seconds, stop) {
            Ok(finished) => finished,
            Err(text) => {
                return Some(attempt(
                    commit,
                    Event::InfrastructureError,
                    None,
                    0.0,
                    text.as_bytes(),
                ));
            }
        };
        let (event, title) = match finished.end {
            End::Stopped => return None,
            End::Exit(0) => (Event::Clean, None),
            // The shell's own words for "no such command": the commit has no such test.
            End::Exit(125..=127) => (Event::Skip, None),
            end => (Event::Crashed, Some(title(&finished.output, end))),
        };
        let title = match finished.end {
            End::Exit(code @ 126..=127) => Some(no_command(code)),
            _ => title,
        };
        Some(attempt(commit, event, title, finished.took.as_secs_f64(), &finished.output))
    }
}

/// The title of an attempt whose command could not be found or executed.
fn no_command(code: i32) -> String {
    let what = if code == 126 { "executed" } else { "found" };
    format!("the test could not be {what} (exit status {code})")
}

/// The name of a failure: that of a kernel crash, of another known failure, or how the test ended.
fn title(output: &[u8], end: End) -> String {
    let crash = analysis_identity::read_log(output).reports.into_iter().next();
    if let Some(crash) = crash {
        return crash.title;
    }
    match (parse_test_output::title(output), end) {
        (Some(title), _) => title,
        (None, End::Exit(code)) => format!("exit status {code}"),
        (None, End::Signal(signal)) => format!("killed by signal {signal}"),
        (None, End::TimedOut) => "did not end in time".into(),
        (None, End::Stopped) => "stopped".into(),
    }
}
