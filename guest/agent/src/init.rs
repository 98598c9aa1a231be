//! Process 1: file systems, modules, the agent's start, orphans, the end.

use std::convert::Infallible;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use rustix::mount::{MountFlags, mount};
use rustix::process::WaitOptions;

/// Device, folder, type and options of what is mounted. One that the kernel does not know is left
/// out without a word: small kernels lack many.
const FILE_SYSTEMS: &[(&str, &str, &str, &str)] = &[
    ("proc", "/proc", "proc", ""),
    ("sysfs", "/sys", "sysfs", ""),
    ("devtmpfs", "/dev", "devtmpfs", "mode=0755"),
    ("devpts", "/dev/pts", "devpts", ""),
    ("tmpfs", "/dev/shm", "tmpfs", "mode=1777"),
    ("tmpfs", "/tmp", "tmpfs", "mode=1777"),
    ("tmpfs", "/run", "tmpfs", "mode=0755"),
    ("debugfs", "/sys/kernel/debug", "debugfs", ""),
    ("tracefs", "/sys/kernel/tracing", "tracefs", ""),
    ("securityfs", "/sys/kernel/security", "securityfs", ""),
    ("configfs", "/sys/kernel/config", "configfs", ""),
    ("cgroup2", "/sys/fs/cgroup", "cgroup2", ""),
    ("bpf", "/sys/fs/bpf", "bpf", ""),
    ("fusectl", "/sys/fs/fuse/connections", "fusectl", ""),
];

/// Links that programs expect in `/dev`.
const LINKS: &[(&str, &str)] = &[
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
];

/// Prints a line of the lab's own to the kernel's console.
pub(crate) fn say(text: &str) {
    // There is nobody else to tell.
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        let _ = writeln!(log, "<6>ktriage-agent: {text}");
    }
}

/// The life of process 1.
pub(crate) fn run() -> ! {
    for (device, folder, kind, options) in FILE_SYSTEMS {
        let options = std::ffi::CString::new(*options).unwrap_or_default();
        if fs::create_dir_all(folder).is_ok() {
            let _ = mount(*device, *folder, *kind, MountFlags::empty(), options.as_c_str());
        }
    }
    for (target, link) in LINKS {
        let _ = std::os::unix::fs::symlink(target, link);
    }
    let _ = rustix::system::sethostname(b"ktriage");
    if let Ok(list) = fs::read_to_string(guest_protocol::MODULE_LIST) {
        for path in list.lines() {
            if let Err(error) = insert_module(Path::new(path), "") {
                say(&format!("cannot insert {path}: {error}"));
            }
        }
    }
    let Err(error) = start_and_reap();
    say(&format!("the guest ends: {error}"));
    switch_off()
}

fn start_and_reap() -> io::Result<Infallible> {
    let agent = Command::new("/proc/self/exe").spawn()?;
    let agent = i64::from(agent.id());
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if i64::from(pid.as_raw_nonzero().get()) == agent => {
                return Err(io::Error::other(format!("the agent ended with {status:?}")));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Inserts a kernel module. One that is in already is no error.
pub(crate) fn insert_module(path: &Path, parameters: &str) -> io::Result<()> {
    /// `MODULE_INIT_COMPRESSED_FILE`: the kernel unpacks the file itself.
    const COMPRESSED_FILE: i32 = 4;
    let compressed = path.extension().is_some_and(|extension| extension != "ko");
    let file = File::open(path)?;
    let parameters = std::ffi::CString::new(parameters)?;
    let flags = if compressed { COMPRESSED_FILE } else { 0 };
    match rustix::system::finit_module(&file, &parameters, flags) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Switches the guest off, one way or another.
pub(crate) fn switch_off() -> ! {
    use rustix::system::{RebootCommand, reboot};
    rustix::fs::sync();
    loop {
        let _ = reboot(RebootCommand::PowerOff);
        let _ = reboot(RebootCommand::Restart);
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}
