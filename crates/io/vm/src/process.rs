//! QEMU as a process: what it inherits, and that it never outlives us.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use rustix::io::FdFlags;
use rustix::process::Signal;

use crate::error::VmError;

/// Our ends of what connects us with a machine. None of them has a name in a file system, so none
/// can be taken, stale or left behind.
pub(crate) struct Links {
    pub(crate) console: UnixStream,
    pub(crate) agent: UnixStream,
    pub(crate) qmp: UnixStream,
    pub(crate) messages: ChildStderr,
}

/// QEMU's ends, as numbers for its command line.
pub(crate) struct Inherited {
    pub(crate) console: RawFd,
    pub(crate) agent: RawFd,
    pub(crate) qmp: RawFd,
}

/// A running QEMU. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `program` with the arguments that `arguments` makes from the inherited descriptors.
    /// `files` are inherited too, under their own numbers.
    pub(crate) fn start(
        program: &Path,
        files: &[&OwnedFd],
        arguments: impl FnOnce(&Inherited) -> Vec<OsString>,
    ) -> Result<(Self, Links), VmError> {
        let pair = || UnixStream::pair().map_err(VmError::io("make a socket pair"));
        let (console, its_console) = pair()?;
        let (agent, its_agent) = pair()?;
        let (qmp, its_qmp) = pair()?;
        let inherited = Inherited {
            console: its_console.as_raw_fd(),
            agent: its_agent.as_raw_fd(),
            qmp: its_qmp.as_raw_fd(),
        };
        let mut numbers = vec![inherited.console, inherited.agent, inherited.qmp];
        numbers.extend(files.iter().map(|file| file.as_raw_fd()));
        let mut command = Command::new(program);
        command
            .args(arguments(&inherited))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C on our terminal is for us: we then end QEMU ourselves.
            .process_group(0);
        let parent = rustix::process::getpid();
        #[expect(
            unsafe_code,
            reason = "between fork and exec, and it makes system calls only; the descriptors are \
                      open because `its_*` and `files` live until spawn returns"
        )]
        unsafe {
            command.pre_exec(move || {
                for number in &numbers {
                    rustix::io::fcntl_setfd(BorrowedFd::borrow_raw(*number), FdFlags::empty())?;
                }
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                // We may have died before the line above took effect.
                if rustix::process::getppid() != Some(parent) {
                    return Err(io::Error::other("the lab ended"));
                }
                Ok(())
            });
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => VmError::NoQemu { program: program.to_owned() },
            _ => VmError::io(format!("start {}", program.display()))(error),
        })?;
        let messages = child
            .stderr
            .take()
            .ok_or_else(|| VmError::io("read QEMU's messages")(io::Error::other("no pipe")))?;
        Ok((Self { child }, Links { console, agent, qmp, messages }))
    }

    /// The process's number, for those who watch it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().ok()
    }

    /// Its status, if it has ended.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
