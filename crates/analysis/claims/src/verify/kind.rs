//! What kind of failure a headline reports.

use model::{FaultKind as K, Predicate};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, hex, number_after};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    for (at, message) in log.messages.iter().enumerate() {
        for kind in kinds(&message.text) {
            facts.say(&[at], Predicate::FaultKind { kind });
        }
    }
}

/// How a headline begins, its kind, and the kernel file that prints it.
const BEGINNINGS: &[(&str, K)] = &[
    // arch/*/mm/fault.c
    ("BUG: kernel NULL pointer dereference", K::NullPointer),
    ("BUG: unable to handle kernel NULL pointer dereference", K::NullPointer),
    ("Unable to handle kernel NULL pointer dereference", K::NullPointer),
    ("Kernel attempted to read user page (0)", K::NullPointer),
    ("BUG: Kernel NULL pointer dereference", K::NullPointer),
    ("BUG: unable to handle page fault", K::PageFault),
    ("BUG: unable to handle kernel paging request", K::PageFault),
    ("Unable to handle kernel paging request", K::PageFault),
    ("Unable to handle kernel access to user memory", K::UserMemoryAccess),
    ("BUG: Unable to handle kernel data access", K::PageFault),
    ("unable to execute userspace code (SMEP?)", K::UserMemoryAccess),
    // arch/x86/kernel/traps.c
    ("general protection fault", K::GeneralProtection),
    ("Oops: general protection fault", K::GeneralProtection),
    ("divide error", K::DivideError),
    ("Oops: divide error", K::DivideError),
    ("invalid opcode", K::InvalidOpcode),
    ("Oops: invalid opcode", K::InvalidOpcode),
    ("int3", K::Breakpoint),
    ("Oops: int3", K::Breakpoint),
    ("BUG: stack guard page was hit", K::StackGuardPage),
    ("BUG: IRQ stack guard page was hit", K::StackGuardPage),
    ("BUG: TASK stack guard page was hit", K::StackGuardPage),
    ("stack guard page", K::StackGuardPage),
    ("Oops: stack guard page", K::StackGuardPage),
    ("Insufficient stack space to handle exception", K::StackOverflow),
    ("Kernel stack overflow", K::StackOverflow),
    ("kernel stack overflow", K::StackOverflow),
    ("Thread overran stack, or stack corrupted", K::StackOverflow),
    ("kernel BUG at ", K::KernelBug),
    ("Kernel BUG at ", K::KernelBug),
    ("Kernel BUG [#", K::KernelBug),
    // mm/kasan/report.c
    ("BUG: KASAN: slab-use-after-free", K::UseAfterFree),
    ("BUG: KASAN: use-after-free", K::UseAfterFree),
    ("BUG: KASAN: slab-out-of-bounds", K::SlabOutOfBounds),
    ("BUG: KASAN: stack-out-of-bounds", K::StackOutOfBounds),
    ("BUG: KASAN: global-out-of-bounds", K::GlobalOutOfBounds),
    ("BUG: KASAN: vmalloc-out-of-bounds", K::VmallocOutOfBounds),
    ("BUG: KASAN: out-of-bounds", K::OutOfBounds),
    ("BUG: KASAN: double-free", K::DoubleFree),
    ("BUG: KASAN: double-free or invalid-free", K::DoubleFree),
    ("BUG: KASAN: invalid-free", K::InvalidFree),
    ("BUG: KASAN: null-ptr-deref", K::NullPointer),
    ("BUG: KASAN: user-memory-access", K::UserMemoryAccess),
    ("BUG: KASAN: wild-memory-access", K::WildMemoryAccess),
    ("BUG: KASAN: invalid-access", K::InvalidAccess),
    ("BUG: KASAN: stack-use-after-scope", K::StackOutOfBounds),
    ("KASAN: null-ptr-deref in range", K::NullPointer),
    ("KASAN: probably user-memory-access in range", K::UserMemoryAccess),
    ("KASAN: maybe wild-memory-access in range", K::WildMemoryAccess),
    // mm/kfence/report.c, mm/kmsan/report.c, kernel/kcsan/report.c
    ("BUG: KFENCE: use-after-free", K::UseAfterFree),
    ("BUG: KFENCE: out-of-bounds", K::OutOfBounds),
    ("BUG: KFENCE: memory corruption", K::MemoryCorruption),
    ("BUG: KFENCE: invalid free", K::InvalidFree),
    ("BUG: KFENCE: invalid", K::InvalidAccess),
    ("BUG: KMSAN: uninit-value", K::UninitValue),
    ("BUG: KMSAN: kernel-infoleak", K::InfoLeak),
    ("BUG: KMSAN: kernel-usb-infoleak", K::InfoLeak),
    ("BUG: KMSAN: kernel-network-infoleak", K::InfoLeak),
    ("BUG: KMSAN: use-after-free", K::UseAfterFree),
    ("BUG: KCSAN: data-race", K::DataRace),
    // lib/ubsan.c
    ("UBSAN: array-index-out-of-bounds", K::ArrayIndexOutOfBounds),
    ("UBSAN: shift-out-of-bounds", K::ShiftOutOfBounds),
    ("UBSAN: signed-integer-overflow", K::IntegerOverflow),
    ("UBSAN: unsigned-integer-overflow", K::IntegerOverflow),
    ("UBSAN: integer-overflow", K::IntegerOverflow),
    ("UBSAN: division-overflow", K::DivideError),
    ("UBSAN: invalid-load", K::InvalidLoad),
    ("UBSAN: ", K::UndefinedBehaviour),
    // lib/refcount.c, lib/list_debug.c, mm/slub.c, mm/page_alloc.c, mm/kmemleak.c
    ("refcount_t: ", K::Refcount),
    ("list_add ", K::ListCorruption),
    ("list_add corruption", K::ListCorruption),
    ("list_del corruption", K::ListCorruption),
    ("BUG: Bad page state", K::BadPage),
    ("BUG: Bad page map", K::BadPage),
    ("BUG: Bad rss-counter state", K::BadPage),
    ("BUG: memory leak", K::MemoryLeak),
    ("unreferenced object 0x", K::MemoryLeak),
    // kernel/panic.c
    ("Kernel panic - not syncing: stack-protector: Kernel stack is corrupted", K::StackCanary),
    ("Kernel panic - not syncing", K::Panic),
    ("mce: [Hardware Error]", K::Hardware),
    ("{1}[Hardware Error]", K::Hardware),
    // kernel/locking/lockdep.c
    ("WARNING: possible circular locking dependency detected", K::CircularLocking),
    ("[ INFO: possible circular locking dependency detected", K::CircularLocking),
    ("WARNING: possible recursive locking detected", K::RecursiveLocking),
    ("[ INFO: possible recursive locking detected", K::RecursiveLocking),
    ("WARNING: inconsistent lock state", K::InconsistentLockState),
    ("[ INFO: inconsistent lock state", K::InconsistentLockState),
    ("WARNING: possible irq lock inversion dependency detected", K::InconsistentLockState),
    ("[ BUG: Invalid wait context ]", K::InvalidWaitContext),
    ("WARNING: bad unlock balance detected", K::LockOwnership),
    ("WARNING: lock held when returning to user space", K::LockOwnership),
    ("WARNING: held lock freed", K::LockOwnership),
    ("WARNING: Nested lock was not taken", K::LockOwnership),
    ("[ BUG: bad unlock balance detected", K::LockOwnership),
    ("[ BUG: held lock freed", K::LockOwnership),
    ("WARNING: suspicious RCU usage", K::RcuUsage),
    ("[ INFO: suspicious RCU usage", K::RcuUsage),
    // kernel/sched/core.c
    ("BUG: sleeping function called from invalid context", K::SleepInAtomic),
    ("BUG: scheduling while atomic", K::ScheduleInAtomic),
    // kernel/locking/spinlock_debug.c
    ("BUG: spinlock ", K::SpinlockBug),
    ("BUG: rwlock ", K::SpinlockBug),
    // kernel/rcu, kernel/watchdog.c, kernel/hung_task.c, kernel/workqueue.c, kernel/smp.c
    ("INFO: rcu_", K::RcuStall),
    ("BUG: soft lockup", K::SoftLockup),
    ("Watchdog detected hard LOCKUP", K::HardLockup),
    ("CPU ", K::HardLockup),
    ("INFO: task ", K::HungTask),
    ("BUG: workqueue lockup", K::WorkqueueLockup),
    ("csd: Detected non-responsive CSD lock", K::CsdLock),
    ("csd: Continued non-responsive CSD lock", K::CsdLock),
];

/// The kinds a line reports.
pub(super) fn kinds(text: &str) -> Vec<K> {
    let text = headline(text);
    let found = BEGINNINGS.iter().filter(|(begin, _)| text.starts_with(begin));
    // The longest beginning is the most exact one.
    let longest = found.max_by_key(|(begin, _)| begin.len()).map(|(_, kind)| *kind);
    let mut kinds: Vec<K> = longest.filter(|kind| is_whole(text, *kind)).into_iter().collect();
    if is_warning(text) {
        kinds.push(K::Warning);
    }
    if text.starts_with("BUG: KASAN: double-free or invalid-free") {
        kinds.push(K::InvalidFree);
    }
    if text.starts_with("BUG: IRQ stack guard")
        || text.starts_with("BUG: TASK stack guard")
        || text.starts_with("BUG: stack guard")
    {
        kinds.push(K::StackOverflow);
    }
    // `WARNING: NAME/PID still has locks held!` of lockdep.
    if text.starts_with("WARNING: ")
        && text.ends_with(" still has locks held!")
        && super::scan::task_slash(&text["WARNING: ".len()..]).is_some()
    {
        kinds.push(K::LockOwnership);
    }
    if is_slab(text) {
        kinds.push(K::SlabCorruption);
    }
    if text.contains(": page allocation failure: order:") {
        kinds.push(K::AllocationFailure);
    }
    if text.contains(" invoked oom-killer: ") {
        kinds.push(K::OutOfMemory);
    }
    if is_null_shadow(text) || is_small_address(text) {
        kinds.push(K::NullPointer);
    }
    kinds
}

/// Beginnings that are too short by themselves.
fn is_whole(text: &str, kind: K) -> bool {
    match kind {
        K::RcuStall => text.contains("stall"),
        K::HungTask => text.contains(" blocked ") || text.contains(" blocked for more than "),
        K::HardLockup => text.starts_with("Watchdog") || text.contains("Hard LOCKUP"),
        K::ListCorruption => text.contains("corruption") || text.contains("double add"),
        K::Breakpoint => text.contains("[#"),
        K::Refcount => ["saturated", "underflow", " on 0", "decrement", "hit zero"]
            .iter()
            .any(|word| text.contains(word)),
        _ => true,
    }
}

/// `WARNING: CPU: 0 PID: 1 at f.c:1 f+0x1/0x2` and, from 6.18, `WARNING: f.c:1 at f+0x1/0x2, CPU#0: …`.
fn is_warning(text: &str) -> bool {
    text.strip_prefix("WARNING: ").is_some_and(|rest| {
        rest.starts_with("CPU: ") && rest.contains(" at ")
            || rest.contains(" at ") && rest.contains("CPU#")
    })
}

/// `BUG kmalloc-64 (Not tainted): Poison overwritten`.
fn is_slab(text: &str) -> bool {
    text.strip_prefix("BUG ").is_some_and(|rest| rest.contains("ainted") && rest.contains("): "))
}

/// A general protection fault whose address is the KASAN shadow of the first page.
fn is_null_shadow(text: &str) -> bool {
    let address = after(text, "non-canonical address ").and_then(hex).map(|(address, _)| address);
    address.is_some_and(|address| (0xdfff_fc00_0000_0000..0xdfff_fc00_0000_0200).contains(&address))
}

/// A page fault in the first page, which older kernels call a paging request.
fn is_small_address(text: &str) -> bool {
    let text = text.strip_prefix("BUG: ").unwrap_or(text);
    let fault = text.starts_with("unable to handle page fault for address: ")
        || text.starts_with("unable to handle kernel paging request at ");
    let address = after(text, "address: ").or_else(|| after(text, "request at ")).and_then(hex);
    fault
        && number_after(text, "address: ").is_some()
        && address.is_some_and(|(address, _)| address < 4096)
}

/// A headline without what stands before it.
pub(super) fn headline(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(rest) =
        HEADS.iter().find_map(|head| text.strip_prefix(head)).or_else(|| behind_prefix(text))
    {
        text = rest.trim_start();
    }
    text
}

/// What writers that the reader of lines does not know put in front: quote marks, a level, a stamp with letters or a
/// part of one, the name of the machine.
fn behind_prefix(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(['>', '|']) {
        return Some(rest);
    }
    if let Some((level, rest)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        return level.parse::<u8>().is_ok().then_some(rest);
    }
    let stamp = |inner: &str| {
        !inner.is_empty()
            && inner.len() <= 24
            && inner.bytes().all(|b| b.is_ascii_digit() || b" .TC".contains(&b))
            && inner.bytes().any(|b| b.is_ascii_digit() || b == b'.')
    };
    if let Some((inner, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return stamp(inner).then_some(rest);
    }
    if let Some((inner, rest)) = text.split_once("] ").filter(|(inner, _)| inner.contains('.')) {
        return stamp(inner).then_some(rest);
    }
    // `host kernel: `, `caller: WARNING: …`.
    if let Some((host, rest)) = text.split_once(" kernel: ") {
        let plain = host.len() <= 40
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.> ".contains(&b));
        return plain.then_some(rest);
    }
    let (before, rest) = text.split_once(": WARNING: CPU: ")?;
    let is_name = before.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| &text[text.len() - rest.len() - "WARNING: CPU: ".len()..])
}

/// What stands before headlines: pr_fmt of the files that print them, and syslog's name of the kernel.
const HEADS: [&str; 6] =
    ["kernel:", "watchdog: ", "rcu: ", "workqueue: ", "smp: ", "NMI watchdog: "];

/// Kinds that name one and the same thing, the wider one first.
pub(super) fn includes(wide: K, narrow: K) -> bool {
    wide == narrow
        || wide == K::OutOfBounds
            && matches!(
                narrow,
                K::SlabOutOfBounds
                    | K::StackOutOfBounds
                    | K::GlobalOutOfBounds
                    | K::VmallocOutOfBounds
            )
}

/// Kinds of which a report has one only: if it is one of them, it is no other.
pub(super) fn exclude(one: K, other: K) -> bool {
    group(one).is_some_and(|group_of_one| Some(group_of_one) == group(other)) && one != other
}

fn group(kind: K) -> Option<u8> {
    match kind {
        K::NullPointer
        | K::UseAfterFree
        | K::SlabOutOfBounds
        | K::StackOutOfBounds
        | K::GlobalOutOfBounds
        | K::VmallocOutOfBounds
        | K::OutOfBounds
        | K::DoubleFree
        | K::InvalidFree
        | K::UninitValue
        | K::DataRace
        | K::DivideError
        | K::UserMemoryAccess
        | K::WildMemoryAccess
        | K::ArrayIndexOutOfBounds
        | K::ShiftOutOfBounds => Some(0),
        K::CircularLocking
        | K::RecursiveLocking
        | K::InconsistentLockState
        | K::InvalidWaitContext => Some(1),
        K::SoftLockup | K::HardLockup => Some(2),
        _ => None,
    }
}
