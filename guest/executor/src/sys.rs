//! System calls without a library between: what a program does to this process must not confuse one.

#![expect(
    unsafe_code,
    reason = "system calls, signal handlers and copies that may fault are what this file is for"
)]

use std::arch::{asm, global_asm};
use std::ffi::CStr;

/// Kernel numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
pub(crate) mod nr {
    pub(crate) const READ: u64 = 0;
    pub(crate) const WRITE: u64 = 1;
    pub(crate) const OPEN: u64 = 2;
    pub(crate) const CLOSE: u64 = 3;
    pub(crate) const FSTAT: u64 = 5;
    pub(crate) const MMAP: u64 = 9;
    pub(crate) const MUNMAP: u64 = 11;
    pub(crate) const RT_SIGACTION: u64 = 13;
    pub(crate) const IOCTL: u64 = 16;
    pub(crate) const DUP2: u64 = 33;
    pub(crate) const GETPID: u64 = 39;
    pub(crate) const SOCKET: u64 = 41;
    pub(crate) const SENDTO: u64 = 44;
    pub(crate) const RECVFROM: u64 = 45;
    pub(crate) const WAIT4: u64 = 61;
    pub(crate) const KILL: u64 = 62;
    pub(crate) const FCNTL: u64 = 72;
    pub(crate) const FCHDIR: u64 = 81;
    pub(crate) const SETGROUPS: u64 = 116;
    pub(crate) const SETRESUID: u64 = 117;
    pub(crate) const SETRESGID: u64 = 119;
    pub(crate) const CAPGET: u64 = 125;
    pub(crate) const CAPSET: u64 = 126;
    pub(crate) const SETRLIMIT: u64 = 160;
    pub(crate) const MOUNT: u64 = 165;
    pub(crate) const UMOUNT2: u64 = 166;
    pub(crate) const GETTID: u64 = 186;
    pub(crate) const EXIT_GROUP: u64 = 231;
    pub(crate) const TGKILL: u64 = 234;
    pub(crate) const UNSHARE: u64 = 272;
    pub(crate) const SETNS: u64 = 308;
    pub(crate) const IO_URING_SETUP: u64 = 425;
    pub(crate) const PIDFD_OPEN: u64 = 434;
    pub(crate) const CLONE: u64 = 56;
    pub(crate) const VFORK: u64 = 58;
    pub(crate) const CLONE3: u64 = 435;
    pub(crate) const CLOSE_RANGE: u64 = 436;
    pub(crate) const POLL: u64 = 7;
}

pub(crate) const EPERM: i64 = 1;
pub(crate) const EINTR: i64 = 4;
pub(crate) const EFAULT: i64 = 14;
pub(crate) const EBUSY: i64 = 16;
pub(crate) const EINVAL: i64 = 22;
pub(crate) const ENOTTY: i64 = 25;
pub(crate) const ENOSYS: i64 = 38;

/// Makes a system call; a negative result is an errno.
#[inline(always)]
pub(crate) fn call(number: u64, arguments: [u64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the kernel may do anything to our memory; the callers know what they ask for, and what a
    // program asks for is confined to a process that is given up when it misbehaves.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as i64 => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Makes a system call with fewer arguments.
pub(crate) fn call3(number: u64, a: u64, b: u64, c: u64) -> i64 {
    call(number, [a, b, c, 0, 0, 0])
}

global_asm!(
    // A call that may return twice. The child never comes back to Rust: it waits for signals, or ends at
    // once if its parent waits for its end (r9 on entry: 1). Its stack may be another one, so it uses none.
    // rdi: number, rsi: pointer to six arguments, rdx: the child ends at once.
    ".globl executor_fork",
    "executor_fork:",
    "push rbx",
    "push r12",
    "mov rbx, rdx",
    "mov rax, rdi",
    "mov r11, rsi",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "syscall",
    "test rax, rax",
    "jz 2f",
    "pop r12",
    "pop rbx",
    "ret",
    "2:",
    "test rbx, rbx",
    "jnz 4f",
    "3:",
    "mov eax, 34",
    "syscall",
    "jmp 3b",
    "4:",
    "mov eax, 60",
    "xor edi, edi",
    "syscall",
    "ud2",
    // Copies rdx bytes from rsi to rdi; 0 if it could, 1 if a fault came (the handler goes on at
    // executor_copy_fault).
    ".globl executor_copy",
    ".globl executor_copy_fault",
    "executor_copy:",
    "mov rcx, rdx",
    "shr rcx, 3",
    "rep movsq",
    "mov ecx, edx",
    "and ecx, 7",
    "rep movsb",
    "xor eax, eax",
    "ret",
    "executor_copy_fault:",
    "mov eax, 1",
    "ret",
    ".globl executor_restore",
    "executor_restore:",
    "mov eax, 15",
    "syscall",
    "ud2",
);

unsafe extern "C" {
    fn executor_fork(number: u64, arguments: *const u64, ends: u64) -> i64;
    fn executor_copy(to: *mut u8, from: *const u8, length: usize) -> i32;
    fn executor_copy_fault();
    fn executor_restore();
    #[link_name = "fork"]
    fn library_fork() -> i32;
}

/// A call of the fork family for a program.
pub(crate) fn fork_call(number: u64, arguments: [u64; 6], child_ends: bool) -> i64 {
    // SAFETY: the child never returns, see the assembler text; a child that shares our memory does nothing
    // but wait.
    unsafe { executor_fork(number, arguments.as_ptr(), u64::from(child_ends)) }
}

/// Forks this process, which must have one thread; `None` in the child.
pub(crate) fn fork() -> Result<Option<i32>, i64> {
    // SAFETY: one thread, as the callers see to.
    match unsafe { library_fork() } {
        0 => Ok(None),
        pid if pid > 0 => Ok(Some(pid)),
        _ => Err(-1),
    }
}

/// Copies into this process's memory wherever it is; false if it is not there.
pub(crate) fn copy_in(at: u64, bytes: &[u8]) -> bool {
    // SAFETY: a fault is caught; the programs' data area holds nothing of ours.
    unsafe { executor_copy(at as *mut u8, bytes.as_ptr(), bytes.len()) == 0 }
}

/// Copies out of this process's memory wherever it is; false if it is not there.
pub(crate) fn copy_out(at: u64, bytes: &mut [u8]) -> bool {
    // SAFETY: a fault is caught; what is written is ours.
    unsafe { executor_copy(bytes.as_mut_ptr(), at as *const u8, bytes.len()) == 0 }
}

#[repr(C)]
struct SignalAction {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

const SA_SIGINFO: u64 = 4;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESTORER: u64 = 0x0400_0000;
const SIGBUS: u64 = 7;
const SIGSEGV: u64 = 11;
const SIGPIPE: u64 = 13;
/// Gets a thread out of a call that blocks.
pub(crate) const SIGNAL_OUT: u64 = 63;
/// `gregs[REG_RIP]` in `struct ucontext`: 40 bytes of flags, link and stack, then registers.
const RIP: usize = 40 / 8 + 16;

/// # Safety
/// Called by the kernel with a valid context.
unsafe extern "C" fn on_fault(signal: i32, _info: *const u8, context: *mut u64) {
    // SAFETY: the kernel's context holds all registers.
    let rip = unsafe { context.add(RIP) };
    let start = executor_copy as *const () as u64;
    let fault = executor_copy_fault as *const () as u64;
    // SAFETY: as above.
    unsafe {
        if (start..fault).contains(&*rip) {
            *rip = fault;
            return;
        }
    }
    // A real fault: the process ends with it, as it would without us.
    action(signal as u64, 0, 0);
}

extern "C" fn on_out(_signal: i32) {}

fn action(signal: u64, handler: u64, flags: u64) {
    let action = SignalAction {
        handler,
        flags: flags | SA_RESTORER,
        restorer: executor_restore as *const () as u64,
        mask: 0,
    };
    call(nr::RT_SIGACTION, [signal, &raw const action as u64, 0, 8, 0, 0]);
}

/// Catches faults of copies, and makes [`SIGNAL_OUT`] do nothing but end a call.
pub(crate) fn catch_signals() {
    let fault = on_fault as *const () as u64;
    for signal in [SIGSEGV, SIGBUS] {
        action(signal, fault, SA_SIGINFO | SA_NODEFER | SA_ONSTACK);
    }
    action(SIGNAL_OUT, on_out as *const () as u64, SA_ONSTACK);
    // SIG_IGN.
    action(SIGPIPE, 1, 0);
}

/// Maps memory; `None` if the kernel refuses.
pub(crate) fn map(at: u64, length: u64, protection: u64, flags: u64, file: i64) -> Option<u64> {
    let address = call(nr::MMAP, [at, length, protection, flags, file as u64, 0]);
    (!(-4095..0).contains(&address)).then_some(address as u64)
}

pub(crate) const READ_WRITE: u64 = 3;
pub(crate) const READ_WRITE_EXECUTE: u64 = 7;
pub(crate) const SHARED: u64 = 1;
pub(crate) const PRIVATE: u64 = 2;
pub(crate) const FIXED: u64 = 0x10;
pub(crate) const ANONYMOUS: u64 = 0x20;

/// Mapped memory as numbers that others may change at any time.
pub(crate) fn words(address: u64, length: u64) -> &'static [std::sync::atomic::AtomicU64] {
    // SAFETY: the caller has mapped it and never unmaps it; atomics may be shared with anybody.
    unsafe { std::slice::from_raw_parts(address as *const _, (length / 8) as usize) }
}

/// Opens a file; a negative result is an errno.
pub(crate) fn open(path: &CStr, flags: u64, mode: u64) -> i64 {
    call3(nr::OPEN, path.as_ptr() as u64, flags, mode)
}

/// Moves a descriptor out of the way of programs; it is closed on exec.
pub(crate) fn hide(file: i64) -> i64 {
    const F_DUPFD_CLOEXEC: u64 = 1030;
    let hidden = call3(nr::FCNTL, file as u64, F_DUPFD_CLOEXEC, FIRST_HIDDEN);
    if hidden < 0 {
        return file;
    }
    call3(nr::CLOSE, file as u64, 0, 0);
    hidden
}

/// Descriptors from here on are ours.
pub(crate) const FIRST_HIDDEN: u64 = 900;
/// The limit of descriptors.
pub(crate) const DESCRIPTORS: u64 = 1024;

/// The processor's cycle counter.
pub(crate) fn cycles() -> u64 {
    // SAFETY: every x86-64 processor has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Executes code that a program has put into memory.
pub(crate) fn execute(at: u64) {
    // SAFETY: not safe at all, and asked for: a fault ends this process, which is not used again.
    unsafe {
        let code: extern "C" fn() = std::mem::transmute::<u64, extern "C" fn()>(at);
        code();
    }
}
