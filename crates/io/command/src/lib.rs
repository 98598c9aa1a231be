//! Runs a shell command with a time limit, and keeps the beginning and the end of what it prints.
//!
//! Invariants: the command and everything it started end with it, unless they leave its process
//! group; memory is bounded whatever it prints; it reads nothing.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Bytes kept from the beginning of the output, and as many from the end.
const KEPT: usize = 256 * 1024;
/// How often the end of the command and the wish to stop are looked at.
const POLL: Duration = Duration::from_millis(20);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The text for `sh -c`.
    pub command: &'a str,
    /// Where it runs.
    pub directory: &'a Path,
    /// Variables added to the environment.
    pub variables: &'a [(&'a str, String)],
    /// The longest it may take.
    pub limit: Duration,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Exit(i32),
    /// By this signal, of its own.
    Signal(i32),
    /// It took too long and was ended.
    TimedOut,
    /// The caller asked to stop.
    Stopped,
}

/// A command that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub end: End,
    /// How long it took.
    pub took: Duration,
    /// Standard output and standard error as they came; the middle is left out of a long one.
    pub output: Vec<u8>,
}

/// A command that could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The shell could not be started.
    #[error("cannot run a command in {}", directory.display())]
    Start {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its end could not be waited for.
    #[error("cannot wait for the command in {}", directory.display())]
    Wait {
        /// Where.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Runs a command to its end. `started` is told its process group; `stop` is asked often and ends the
/// command when it says so.
///
/// # Errors
/// When the shell cannot be started or waited for.
pub fn run(
    task: &Task<'_>,
    started: impl FnOnce(u32),
    stop: impl Fn() -> bool,
) -> Result<Finished, CommandError> {
    let failed = |source| CommandError::Start { directory: task.directory.to_owned(), source };
    let (reader, writer) = io::pipe().map_err(failed)?;
    let copy = writer.try_clone().map_err(failed)?;
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(task.command)
        .current_dir(task.directory)
        .envs(task.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(copy)
        .process_group(0);
    let begin = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    // Our ends of the pipe must close, or reading never ends.
    drop(command);
    started(child.id());
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone when the output is not waited for.
        let _ = send.send(ends_of(reader));
    });
    let end = wait(&mut child, task, begin, stop);
    // Whatever the shell left behind in its group.
    kill(child.id());
    let end = end?;
    // A process that left the group may hold the pipe open for ever: wait a moment, no longer.
    let output = receive.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
    Ok(Finished { end, took: begin.elapsed(), output })
}

fn wait(
    child: &mut Child,
    task: &Task<'_>,
    begin: Instant,
    stop: impl Fn() -> bool,
) -> Result<End, CommandError> {
    let failed = |source| CommandError::Wait { directory: task.directory.to_owned(), source };
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(match (status.code(), status.signal()) {
                (Some(code), _) => End::Exit(code),
                (None, signal) => End::Signal(signal.unwrap_or(0)),
            });
        }
        let end = if stop() {
            Some(End::Stopped)
        } else {
            (begin.elapsed() > task.limit).then_some(End::TimedOut)
        };
        if let Some(end) = end {
            kill(child.id());
            child.wait().map_err(failed)?;
            return Ok(end);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(POLL);
    }
}

/// Ends a process group; one that is gone already is no error.
pub fn kill(group: u32) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Reads to the end; keeps the beginning and the end.
fn ends_of(mut reader: impl Read) -> Vec<u8> {
    let mut first = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    let mut left_out = false;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let mut rest = &buffer[..count];
        let room = KEPT.saturating_sub(first.len()).min(rest.len());
        first.extend_from_slice(&rest[..room]);
        rest = &rest[room..];
        last.extend_from_slice(rest);
        if last.len() > 2 * KEPT {
            last.drain(..last.len() - KEPT);
            left_out = true;
        }
    }
    if last.len() > KEPT {
        last.drain(..last.len() - KEPT);
        left_out = true;
    }
    if left_out {
        first.extend_from_slice(b"\n[... left out ...]\n");
    }
    first.extend_from_slice(&last);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_it(command: &str, limit: Duration) -> Finished {
        let task = Task { command, directory: Path::new("/"), variables: &[], limit };
        run(&task, |_| {}, || false).unwrap()
    }

    #[test]
    fn exit_status_signal_and_both_outputs_are_kept() {
        let long = Duration::from_secs(60);
        let finished = run_it("echo out; echo err >&2; exit 3", long);
        assert_eq!(finished.end, End::Exit(3));
        assert_eq!(finished.output, b"out\nerr\n");
        assert_eq!(run_it("kill -SEGV $$", long).end, End::Signal(11));
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_its_children() {
        let finished = run_it("sleep 1000 & sleep 1000", Duration::from_millis(100));
        assert_eq!(finished.end, End::TimedOut);
    }

    #[test]
    fn a_wish_to_stop_ends_the_command() {
        let task = Task {
            command: "sleep 1000",
            directory: Path::new("/"),
            variables: &[],
            limit: Duration::from_secs(1000),
        };
        assert_eq!(run(&task, |_| {}, || true).unwrap().end, End::Stopped);
    }

    #[test]
    fn endless_output_stays_within_bounds() {
        let finished =
            run_it("yes 0123456789 | head -c 5000000; echo last", Duration::from_secs(60));
        assert!(finished.output.len() < 2 * KEPT + 100);
        assert!(finished.output.ends_with(b"last\n"));
    }
}
