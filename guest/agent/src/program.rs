//! Programs that the host starts: their output and their end are sent as they come.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use guest_protocol::{FromGuest, MAXIMUM_CHUNK, Stream};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::agent::Port;

/// How long a program's last output may take to arrive after its end.
const DRAIN: Duration = Duration::from_secs(1);

/// The first argument that makes this program a launcher.
///
/// What a program needs before it begins is done by a process of ours that then becomes the program:
/// the standard library's own way between fork and exec needs sockets, which a small kernel lacks.
const LAUNCHER: &str = "--launch";

fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// Becomes the program that the arguments name, if they ask for that: `--launch DIRECTORY PROGRAM …`.
pub(crate) fn launch_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(LAUNCHER)) {
        return;
    }
    let (Some(directory), Some(program)) = (arguments.next(), arguments.next()) else { return };
    // The agent is protected from the out-of-memory killer; the program must not be.
    let _ = std::fs::write("/proc/self/oom_score_adj", "0");
    let error = match std::env::set_current_dir(&directory) {
        Ok(()) => Command::new(&program).args(arguments).exec(),
        Err(error) => error,
    };
    let _ = writeln!(io::stderr(), "cannot start {}: {error}", program.display());
    std::process::exit(NOT_STARTED);
}

/// The status of a shell for a program that cannot be started.
const NOT_STARTED: i32 = 127;

/// The programs that run, by the number of the request that started them.
pub(crate) struct Programs {
    port: Port,
    running: Arc<Mutex<HashMap<u32, Pid>>>,
}

impl Programs {
    pub(crate) fn new(port: Port) -> Self {
        Self { port, running: Arc::default() }
    }

    /// Starts a program in a process group of its own.
    pub(crate) fn start(
        &self,
        request: u32,
        arguments: &[Vec<u8>],
        environment: &[Vec<u8>],
        directory: &[u8],
    ) -> io::Result<()> {
        let program = arguments
            .first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
        // Said here, because the launcher's own end says less.
        rustix::fs::access(program.as_slice(), rustix::fs::Access::EXEC_OK)?;
        let mut child = Command::new("/proc/self/exe")
            .arg(LAUNCHER)
            .arg(os(directory))
            .args(arguments.iter().map(|argument| os(argument)))
            .env_clear()
            .envs(environment.iter().filter_map(|entry| {
                let at = entry.iter().position(|byte| *byte == b'=')?;
                Some((os(&entry[..at]), os(&entry[at + 1..])))
            }))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        self.lock().insert(request, pid);
        let output = child.stdout.take().map(|pipe| self.forward(request, Stream::Output, pipe));
        let error = child.stderr.take().map(|pipe| self.forward(request, Stream::Error, pipe));
        let port = self.port.clone();
        let running = Arc::clone(&self.running);
        thread::Builder::new().name("wait".into()).spawn(move || {
            let status = child.wait();
            running.lock().unwrap_or_else(PoisonError::into_inner).remove(&request);
            // What the program wrote is told before its end. A grandchild may hold the pipes open for
            // ever, so the wait has a limit.
            let deadline = Instant::now() + DRAIN;
            for reader in [output, error].into_iter().flatten() {
                while !reader.is_finished() && Instant::now() < deadline {
                    thread::sleep(Duration::from_millis(2));
                }
            }
            let status = status.ok();
            let _ = port.send(&FromGuest::Exited {
                started: request,
                status: status
                    .and_then(|status| status.code())
                    .and_then(|code| u32::try_from(code).ok()),
                signal: status
                    .and_then(|status| status.signal())
                    .and_then(|signal| u32::try_from(signal).ok())
                    .unwrap_or(0),
            });
        })?;
        Ok(())
    }

    /// Kills a program's process group. A program that has ended is no error.
    pub(crate) fn kill(&self, started: u32) -> io::Result<()> {
        let Some(pid) = self.lock().get(&started).copied() else { return Ok(()) };
        match kill_process_group(pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forward(
        &self,
        started: u32,
        stream: Stream,
        mut pipe: impl Read + Send + 'static,
    ) -> thread::JoinHandle<()> {
        let port = self.port.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; MAXIMUM_CHUNK];
            loop {
                match pipe.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => {
                        let bytes = buffer[..length].to_vec();
                        if port.send(&FromGuest::Output { started, stream, bytes }).is_err() {
                            return;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return,
                }
            }
        })
    }
}
