//! What programs cannot reach: other processes, other networks, the mounts of the guest.

use std::ffi::{CStr, CString};
use std::fs;

use crate::sys::{self, nr};

/// Where the working directories of lanes are, in the guest.
pub(crate) const HOMES: &str = "/home";

/// How programs are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// As root, in namespaces of their own.
    None,
    /// As nobody (65534), in namespaces of their own.
    Setuid,
    /// As root of a user namespace, in namespaces of their own.
    Namespace,
}

impl Sandbox {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "setuid" => Some(Self::Setuid),
            "namespace" => Some(Self::Namespace),
            _ => None,
        }
    }
}

const CLONE_NEWNS: u64 = 0x2_0000;
const CLONE_NEWCGROUP: u64 = 0x200_0000;
const CLONE_NEWUTS: u64 = 0x400_0000;
const CLONE_NEWIPC: u64 = 0x800_0000;
const CLONE_NEWUSER: u64 = 0x1000_0000;
const CLONE_NEWPID: u64 = 0x2000_0000;
const CLONE_NEWNET: u64 = 0x4000_0000;
const MS_REC_PRIVATE: u64 = 1 << 14 | 1 << 18;

/// New namespaces for the children of this process; false if the kernel has not all of them.
pub(crate) fn enter(sandbox: Sandbox) -> bool {
    let mut all = true;
    if sandbox == Sandbox::Namespace {
        all &= unshare(CLONE_NEWUSER);
        let _ = fs::write("/proc/self/setgroups", "deny");
        all &= fs::write("/proc/self/uid_map", "0 0 1").is_ok();
        all &= fs::write("/proc/self/gid_map", "0 0 1").is_ok();
    }
    // One by one: a small kernel has some of them.
    for flag in
        [CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWPID]
    {
        all &= unshare(flag);
    }
    mount(c"none", c"/", c"none", MS_REC_PRIVATE);
    all
}

/// What the first process in the new namespaces does: mounts of its own, the loopback device up.
pub(crate) fn furnish() {
    mount(c"proc", c"/proc", c"proc", 0);
    mount(c"tmpfs", c"/home", c"tmpfs", 0);
    mount(c"tmpfs", c"/tmp", c"tmpfs", 0);
    loopback_up();
    // A guest has little memory: objects of System V IPC are small there (Documentation/admin-guide/sysctl).
    for (path, value) in [
        ("/proc/sys/kernel/shmmax", "16777216"),
        ("/proc/sys/kernel/shmall", "16384"),
        ("/proc/sys/kernel/shmmni", "1024"),
        ("/proc/sys/kernel/msgmax", "8192"),
        ("/proc/sys/kernel/msgmni", "1024"),
        ("/proc/sys/kernel/msgmnb", "16384"),
        ("/proc/sys/kernel/sem", "1024 65536 500 1024"),
    ] {
        let _ = fs::write(path, value);
    }
}

fn unshare(flag: u64) -> bool {
    sys::call3(nr::UNSHARE, flag, 0, 0) == 0
}

pub(crate) fn mount(device: &CStr, folder: &CStr, kind: &CStr, flags: u64) -> bool {
    let options = if kind == c"tmpfs" { c"size=64m,mode=777" } else { c"" };
    let [device, folder, kind, options] =
        [device, folder, kind, options].map(|text| text.as_ptr() as u64);
    sys::call(nr::MOUNT, [device, folder, kind, flags, options, 0]) == 0
}

fn loopback_up() {
    const AF_INET_DGRAM: (u64, u64) = (2, 2);
    const SIOCGIFFLAGS: u64 = 0x8913;
    const SIOCSIFFLAGS: u64 = 0x8914;
    const IFF_UP: u8 = 1;
    let socket = sys::call3(nr::SOCKET, AF_INET_DGRAM.0, AF_INET_DGRAM.1, 0);
    if socket < 0 {
        return;
    }
    // struct ifreq: the name, then flags at 16.
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    let at = request.as_mut_ptr().expose_provenance() as u64;
    if sys::call3(nr::IOCTL, socket as u64, SIOCGIFFLAGS, at) == 0 {
        request[16] |= IFF_UP;
        sys::call3(nr::IOCTL, socket as u64, SIOCSIFFLAGS, at);
        std::hint::black_box(&request);
    }
    sys::call3(nr::CLOSE, socket as u64, 0, 0);
}

/// Limits and rights of the process that runs programs.
pub(crate) fn confine(sandbox: Sandbox) {
    const RLIMIT_FSIZE: u64 = 1;
    const RLIMIT_STACK: u64 = 3;
    const RLIMIT_CORE: u64 = 4;
    const RLIMIT_NOFILE: u64 = 7;
    const RLIMIT_MEMLOCK: u64 = 8;
    const RLIMIT_AS: u64 = 9;
    let megabytes = |count: u64| count << 20;
    for (limit, value) in [
        (RLIMIT_FSIZE, megabytes(136)),
        (RLIMIT_STACK, megabytes(1)),
        (RLIMIT_CORE, 0),
        (RLIMIT_NOFILE, sys::DESCRIPTORS),
        (RLIMIT_MEMLOCK, megabytes(32)),
        (RLIMIT_AS, megabytes(512)),
    ] {
        let pair = [value, value];
        sys::call3(nr::SETRLIMIT, limit, pair.as_ptr() as u64, 0);
    }
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    match sandbox {
        Sandbox::None | Sandbox::Namespace => drop_rights(),
        Sandbox::Setuid => {
            const NOBODY: u64 = 65534;
            sys::call3(nr::SETGROUPS, 0, 0, 0);
            sys::call3(nr::SETRESGID, NOBODY, NOBODY, NOBODY);
            sys::call3(nr::SETRESUID, NOBODY, NOBODY, NOBODY);
        }
    }
}

/// Without the right to trace what it does not own and to take all of a processor.
fn drop_rights() {
    const VERSION_3: u32 = 0x2008_0522;
    const SYS_PTRACE: u32 = 19;
    const SYS_NICE: u32 = 23;
    let header = [VERSION_3, 0];
    // Effective, permitted, inheritable: low halves, then high halves.
    let mut data = [0_u32; 6];
    let (header, at) = (header.as_ptr() as u64, data.as_mut_ptr() as u64);
    if sys::call3(nr::CAPGET, header, at, 0) == 0 {
        for low in &mut data[..3] {
            *low &= !(1 << SYS_PTRACE | 1 << SYS_NICE);
        }
        sys::call3(nr::CAPSET, header, at, 0);
    }
}

/// What the whole guest needs once: devices that programs may use whoever they are, quiet switches.
pub(crate) fn prepare_guest() {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, mode) in [("/sys/kernel/debug", 0o755), ("/sys/kernel/debug/kcov", 0o666)] {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    }
    for (path, value) in [
        ("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"),
        ("/sys/kernel/debug/failslab/verbose", "0"),
        ("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N"),
        ("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N"),
        ("/sys/kernel/debug/fail_page_alloc/min-order", "0"),
        ("/sys/kernel/debug/fail_page_alloc/verbose", "0"),
        ("/sys/kernel/debug/fail_futex/ignore-private", "N"),
        // A sleeping process that somebody waits for must not end the whole guest.
        ("/proc/sys/kernel/ctrl-alt-del", "0"),
        ("/proc/sys/kernel/printk_devkmsg", "on"),
        ("/proc/sys/net/core/bpf_jit_enable", "1"),
        ("/proc/sys/vm/oom_dump_tasks", "0"),
        ("/proc/sys/debug/exception-trace", "0"),
        ("/proc/sys/kernel/print-fatal-signals", "0"),
    ] {
        let _ = fs::write(path, value);
    }
    let _ = fs::create_dir_all(HOMES);
    register_formats();
}

/// Two formats of programs for `binfmt_misc`, as published programs expect them: files that begin with byte 1,
/// and files whose second byte is 2, are run by `./file0`.
fn register_formats() {
    const FOLDER: &CStr = c"/proc/sys/fs/binfmt_misc";
    mount(c"binfmt_misc", FOLDER, c"binfmt_misc", 0);
    for format in [r":syz0:M:0:\x01::./file0:", r":syz1:M:1:\x02::./file0:POC"] {
        let _ = fs::write("/proc/sys/fs/binfmt_misc/register", format);
    }
}

/// The text as the kernel takes it.
pub(crate) fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}
