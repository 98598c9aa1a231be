//! What a call leaves behind in the process that made it, by the kernel's number of it.
//!
//! A process runs programs as long as none has changed what another would notice. Descriptors, files in
//! the working folder and the data area are put right after each program; for the rest a new process is
//! made. A call that fails leaves nothing.

use guest_programs::{DATA_BASE, DATA_SIZE};

/// What must be done after a call that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dirt {
    /// What is done after each program is enough.
    Nothing,
    /// Standard descriptors or the current folder are others.
    Files,
    /// The data area is mapped otherwise.
    Data,
    /// A mapping was made elsewhere; its address is the result and its length the second argument.
    Mapping,
    /// The process is not used again.
    Process,
}

/// `mmap`, whose result is the place.
const MMAP: u32 = 9;
const MREMAP: u32 = 25;
const SHMAT: u32 = 30;

/// Calls on memory whose first argument is the place: `mprotect`, `munmap`, `mremap`, `msync` and others.
const ON_MEMORY: &[u32] = &[10, 11, 25, 27, 28, 67, 149, 150, 216, 237, 325, 329, 440, 450, 462];

/// `close`, `dup2`, `dup3`, `close_range`, `chdir`, `fchdir`.
const ON_FILES: &[u32] = &[3, 33, 292, 436, 80, 81];

/// Calls after which the process is another. By number, with their names in the comments.
const ON_PROCESS: &[u32] = &[
    12,  // brk
    13,  // rt_sigaction
    14,  // rt_sigprocmask
    37,  // alarm
    38,  // setitimer
    56,  // clone
    57,  // fork
    58,  // vfork
    60,  // exit
    95,  // umask
    101, // ptrace
    105, // setuid
    106, // setgid
    109, // setpgid
    112, // setsid
    113, // setreuid
    114, // setregid
    116, // setgroups
    117, // setresuid
    119, // setresgid
    122, // setfsuid
    123, // setfsgid
    126, // capset
    131, // sigaltstack
    135, // personality
    141, // setpriority
    142, // sched_setparam
    144, // sched_setscheduler
    151, // mlockall
    152, // munlockall
    154, // modify_ldt
    155, // pivot_root
    157, // prctl
    158, // arch_prctl
    160, // setrlimit
    161, // chroot
    172, // iopl
    173, // ioperm
    203, // sched_setaffinity
    205, // set_thread_area
    218, // set_tid_address
    222, // timer_create
    251, // ioprio_set
    272, // unshare
    273, // set_robust_list
    302, // prlimit64
    308, // setns
    314, // sched_setattr
    317, // seccomp
    334, // rseq
    435, // clone3
    446, // landlock_restrict_self
];

/// `keyctl`: joining a session keyring and the default keyring belong to the process.
const KEYCTL: u32 = 250;
const KEYCTL_JOIN_SESSION_KEYRING: u64 = 1;
const KEYCTL_SET_REQKEY_KEYRING: u64 = 14;
const KEYCTL_SESSION_TO_PARENT: u64 = 18;

/// What a call leaves, given its arguments and its result.
pub(crate) fn dirt(number: u32, arguments: &[u64; 9], result: u64) -> Dirt {
    let inside = |at: u64| (DATA_BASE..DATA_BASE + u64::from(DATA_SIZE)).contains(&at);
    match number {
        MMAP | SHMAT if inside(result) => Dirt::Data,
        MMAP => Dirt::Mapping,
        SHMAT => Dirt::Process,
        MREMAP if !inside(result) => Dirt::Process,
        KEYCTL => match arguments[0] {
            KEYCTL_JOIN_SESSION_KEYRING | KEYCTL_SET_REQKEY_KEYRING | KEYCTL_SESSION_TO_PARENT => {
                Dirt::Process
            }
            _ => Dirt::Nothing,
        },
        _ if ON_MEMORY.contains(&number) && inside(arguments[0]) => Dirt::Data,
        _ if ON_MEMORY.contains(&number) => Dirt::Process,
        _ if ON_FILES.contains(&number) => Dirt::Files,
        _ if ON_PROCESS.contains(&number) => Dirt::Process,
        _ => Dirt::Nothing,
    }
}

/// Calls that may return twice.
pub(crate) const FORKS: &[u32] = &[56, 57, 58, 435];

/// `exit`: its thread would be gone without a word, so it is made the end of the process.
pub(crate) const EXIT: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(number: u32, first: u64, result: u64) -> Dirt {
        let mut arguments = [0; 9];
        arguments[0] = first;
        dirt(number, &arguments, result)
    }

    #[test]
    fn memory_calls_are_told_apart_by_their_place() {
        assert_eq!(after(9, DATA_BASE, DATA_BASE), Dirt::Data);
        assert_eq!(after(9, 0, 0x7f00_0000_0000), Dirt::Mapping);
        assert_eq!(after(11, DATA_BASE + 4096, 0), Dirt::Data);
        assert_eq!(after(11, 0x40_0000, 0), Dirt::Process);
    }

    #[test]
    fn a_sandbox_that_a_program_puts_on_ends_its_process() {
        assert_eq!(after(446, 3, 0), Dirt::Process);
        assert_eq!(after(317, 1, 0), Dirt::Process);
        assert_eq!(after(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 5), Dirt::Process);
        assert_eq!(after(KEYCTL, 0, 5), Dirt::Nothing);
        assert_eq!(after(1, 3, 8), Dirt::Nothing);
    }
}
