//! A lab of shell commands in a work tree, for trees that are no kernels, other labs, and boards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::failure::{Failure, says_full};
use crate::lab::{Common, Job, Lab, Ran, Work};
use crate::progress::Progress;
use crate::record::{Event, StoredRun};
use analysis_trial::{Build, BuildFailure, ChangedFunction, WorkloadKind};
use io_command::{End, Finished, Task};
use io_git::Worktree;

/// The commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// Ends with 0 when the failure did not show, with 125 when it cannot tell.
    pub test: String,
    /// What builds the tree.
    pub build: Option<String>,
    /// What brings up what was built.
    pub boot: Option<String>,
    /// Prints a name of what was built, equal when nothing that runs differs.
    pub signature: Option<String>,
    /// Prints the functions that ran, one a line.
    pub reached: Option<String>,
}

/// Bytes kept of what a command printed.
const KEPT: usize = 32 * 1024;
/// The variable by which a process of ours is known again.
const MARK: &str = "KTRIAGE_TREE";

pub(crate) struct Shell<'a> {
    common: Common<'a>,
    commands: Commands,
    tree: Option<Worktree>,
    /// What the work tree was built of last.
    built: Option<(String, String)>,
}

impl<'a> Shell<'a> {
    pub(crate) fn new(common: Common<'a>, commands: Commands) -> Self {
        let shell = Self { common, commands, tree: None, built: None };
        shell.end_leftover();
        shell
    }

    fn path(&self, cell: &str) -> PathBuf {
        self.common.folder.join(format!("tree-{}", crate::keys::file_name(cell)))
    }

    fn group_file(&self) -> PathBuf {
        self.common.folder.join("group")
    }

    /// Ends the process group that a killed trial left behind, if its leader still is what it was.
    fn end_leftover(&self) {
        let file = self.group_file();
        let Ok(text) = fs::read_to_string(&file) else { return };
        // Gone already when two noticed it.
        let _ = fs::remove_file(&file);
        let Ok(group) = text.trim().parse::<u32>() else { return };
        let Ok(environment) = fs::read(format!("/proc/{group}/environ")) else { return };
        let mark = format!("{MARK}={}/", self.common.folder.display());
        if environment.split(|&byte| byte == 0).any(|entry| entry.starts_with(mark.as_bytes())) {
            io_command::kill(group);
        }
    }

    fn command(
        &self,
        text: &str,
        job: &Job<'_>,
        more: &[(&str, String)],
        seconds: u64,
        stop: &AtomicBool,
    ) -> Result<Finished, Failure> {
        let path = self.path(&job.cell.name);
        let side = if job.is_patched() { "patched" } else { "base" };
        let mut variables = vec![
            (MARK, path.display().to_string()),
            ("KTRIAGE_COMMIT", job.commit.to_string()),
            ("KTRIAGE_REPOSITORY", self.common.user.display().to_string()),
            ("KTRIAGE_SIDE", side.to_owned()),
            ("KTRIAGE_CONFIG", job.cell.name.clone()),
        ];
        variables.extend(more.iter().cloned());
        let limit = Duration::from_secs(seconds);
        let task = Task { command: text, directory: &path, variables: &variables, limit };
        let file = self.group_file();
        let finished = io_command::run(
            &task,
            // Without the note a killed trial leaves its test running: a nuisance, no more.
            |group| drop(fs::write(&file, group.to_string())),
            || stop.load(Ordering::Relaxed),
        )
        .map_err(Failure::from_error)?;
        // The note may never have been written.
        let _ = fs::remove_file(&file);
        if finished.end == End::Stopped {
            return Err(Failure::stopped());
        }
        Ok(finished)
    }

    /// Moves the work tree to the job's commit.
    fn check_out(&mut self, job: &Job<'_>) -> Result<(), Failure> {
        let path = self.path(&job.cell.name);
        let moved = match &self.tree {
            Some(tree) if tree.path() == path && path.join(".git").exists() => {
                tree.checkout(job.commit)
            }
            _ => {
                (self.common.tell)(&Progress::CheckingOut(job.commit.clone()));
                let tree = self.common.repository.worktree(&path, job.commit);
                tree.map(|tree| self.tree = Some(tree))
            }
        };
        self.built = None;
        moved.map_err(Failure::from_error)
    }

    /// The tree of the job, built as it was recorded: it may have been another's turn since.
    fn prepare(&mut self, job: &Job<'_>, stop: &AtomicBool) -> Result<(), Failure> {
        let wanted = (job.cell.name.clone(), job.tree.to_owned());
        if self.built.as_ref() == Some(&wanted) && self.path(&job.cell.name).join(".git").exists() {
            return Ok(());
        }
        match self.build(job, stop)? {
            Build::Done { .. } => Ok(()),
            Build::Failed(failure) => Err(Failure::lab(format!(
                "{} was built before and does not build any more: {}",
                job.commit.short(),
                failure.message
            ))),
        }
    }

    fn test(&self, work: &Work) -> Option<&str> {
        match work.kind {
            WorkloadKind::Boot => self.commands.boot.as_deref(),
            _ => Some(&self.commands.test),
        }
    }
}

impl Lab for Shell<'_> {
    fn build(&mut self, job: &Job<'_>, stop: &AtomicBool) -> Result<Build, Failure> {
        self.check_out(job)?;
        let mut seconds = 0.0;
        if let Some(build) = &self.commands.build {
            let finished = self.command(build, job, &[], self.common.build_seconds, stop)?;
            seconds = finished.took.as_secs_f64();
            if finished.end != End::Exit(0) {
                let text = String::from_utf8_lossy(&finished.output);
                if says_full(&text) {
                    let full = "No space left on device, while building";
                    return Err(Failure::lab(full).with_space_in_mind());
                }
                let log = job.folder.join("build.log");
                fs::write(&log, &finished.output)
                    .map_err(|error| Failure::io("write", &log, &error))?;
                return Ok(Build::Failed(failure(&text, finished.end, &log)));
            }
        }
        self.built = Some((job.cell.name.clone(), job.tree.to_owned()));
        let mut signature = None;
        if let Some(command) = &self.commands.signature {
            let finished = self.command(command, job, &[], self.common.run_seconds, stop)?;
            let text = String::from_utf8_lossy(&finished.output).trim().to_owned();
            signature = (finished.end == End::Exit(0) && !text.is_empty()).then_some(text);
        }
        Ok(Build::Done { seconds, signature, from_base: job.is_patched() })
    }

    fn run(
        &mut self,
        job: &Job<'_>,
        work: &Work,
        count: u32,
        stop: &AtomicBool,
        keep: &mut dyn FnMut(StoredRun) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(command) = self.test(work).map(str::to_owned) else { return Ok(()) };
        self.prepare(job, stop)?;
        let folder = job.folder.join(&work.key);
        fs::create_dir_all(&folder).map_err(|error| Failure::io("make", &folder, &error))?;
        for _ in 0..count {
            let number = (0..).find(|n| !folder.join(format!("run-{n}.log")).exists()).unwrap_or(0);
            let log = folder.join(format!("run-{number}.log"));
            let variables = [("KTRIAGE_RUN", number.to_string())];
            let finished =
                self.command(&command, job, &variables, self.common.run_seconds, stop)?;
            let from = finished.output.len().saturating_sub(KEPT);
            fs::write(&log, &finished.output[from..])
                .map_err(|error| Failure::io("write", &log, &error))?;
            let seconds = finished.took.as_secs_f64();
            let (event, titles, later) = judge(work, &finished);
            keep(StoredRun { later, record: Some(log), ..StoredRun::new(event, titles, seconds) })?;
        }
        Ok(())
    }

    fn reach(
        &mut self,
        job: &Job<'_>,
        _: &[&Work],
        functions: &[ChangedFunction],
        stop: &AtomicBool,
    ) -> Result<Result<Ran, String>, Failure> {
        let Some(command) = self.commands.reached.clone() else {
            return Ok(
                Err("a command tests, and none was given that tells (--reached CMD)".into()),
            );
        };
        self.prepare(job, stop)?;
        let finished = self.command(&command, job, &[], self.common.run_seconds, stop)?;
        if finished.end != End::Exit(0) {
            return Ok(Err("the command of --reached failed".into()));
        }
        let text = String::from_utf8_lossy(&finished.output);
        let printed: BTreeSet<&str> = text.lines().map(str::trim).collect();
        let names = functions.iter().map(|one| one.name.clone());
        let run = names.clone().filter(|name| printed.contains(name.as_str())).collect();
        Ok(Ok(Ran { there: names.collect(), run, ..Ran::default() }))
    }

    fn machine(&self) -> Option<String> {
        None
    }
}

/// The first error of a build's output, else its last words.
fn failure(output: &str, end: End, log: &Path) -> BuildFailure {
    let found = io_kernel_build::first_error(output);
    let last = output.lines().rev().find(|line| !line.trim().is_empty());
    let (file, line, message) = match found {
        Some(error) => (error.file, error.line, error.message),
        None => (None, None, last.map_or_else(|| ended(end), str::to_owned)),
    };
    BuildFailure { file, line, message, patch: None, log: Some(log.display().to_string()) }
}

fn ended(end: End) -> String {
    match end {
        End::Exit(code) => format!("exit status {code}"),
        End::Signal(signal) => format!("killed by signal {signal}"),
        End::TimedOut => "did not end in time".into(),
        End::Stopped => "stopped".into(),
    }
}

/// What a run means: event, titles of the first failure, titles of those after it.
fn judge(work: &Work, finished: &Finished) -> (Event, Vec<String>, Vec<String>) {
    match finished.end {
        End::Exit(0) => return (Event::Clean, Vec::new(), Vec::new()),
        // Cannot tell; the shell's own words for "no such command".
        End::Exit(125..=127) => return (Event::Lost, Vec::new(), Vec::new()),
        _ => {}
    }
    let reports = analysis_identity::read_log(&finished.output).reports;
    let mut titles = reports.into_iter().map(|report| {
        let mut all = vec![report.title.clone()];
        all.extend(report.alt_titles.iter().cloned());
        all
    });
    let first = titles.next();
    let later = titles.flatten().collect();
    if work.kind == WorkloadKind::Boot {
        let mut all = vec![crate::lab::NO_BOOT.to_owned()];
        all.extend(first.into_iter().flatten());
        return (Event::Failed, all, later);
    }
    let first = first.unwrap_or_else(|| {
        let title = parse_test_output::title(&finished.output);
        vec![title.unwrap_or_else(|| ended(finished.end))]
    });
    (Event::Failed, first, later)
}
