//! Words for the arguments of predicates.

use model::{
    AccessKind, Context, FaultKind, LockRef, LockUsage, MemoryUse, OomConstraint, Party, Role,
    TaintMeaning,
};

/// A number with commas between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 byte`, `2 bytes`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A lock: class and address where known.
pub(crate) fn lock(lock: &LockRef) -> String {
    match (&lock.class, &lock.address) {
        (Some(class), Some(address)) => format!("{class} at {address}"),
        (Some(class), None) => class.clone(),
        (None, Some(address)) => format!("the lock at {address}"),
        (None, None) => "a lock".to_owned(),
    }
}

/// Somebody who waits or is waited for.
pub(super) fn party(party: &Party) -> String {
    match party {
        Party::Task { task } => task.to_string(),
        Party::Cpu { cpu } => format!("CPU {cpu}"),
        Party::Lock { lock: which } => lock(which),
        Party::SomeLock { lock } => format!("{} {lock}", article(lock)),
        Party::GracePeriod { number: Some(number) } => format!("RCU grace period {number}"),
        Party::GracePeriod { number: None } => "an RCU grace period".to_owned(),
        Party::SrcuGracePeriod => "an SRCU grace period".to_owned(),
        Party::Work { function: Some(function) } => format!("work item {function}"),
        Party::Work { function: None } => "a work item".to_owned(),
        Party::Pool { cpus } => format!("the worker pool of CPUs {cpus}"),
        Party::Page => "a folio or buffer".to_owned(),
        Party::Device { name } | Party::Resource { name } => name.clone(),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// What was done to an object, as a past participle.
pub(super) const fn done(role: Role) -> &'static str {
    match role {
        Role::Use => "accessed",
        Role::Allocation => "allocated",
        Role::Free => "freed",
        Role::Related => "last queued for work or a callback",
    }
}

/// What was done to an object, as a noun.
pub(super) const fn deed(role: Role) -> &'static str {
    match role {
        Role::Use => "access",
        Role::Allocation => "allocation",
        Role::Free => "free",
        Role::Related => "related work",
    }
}

/// What an access is.
pub(super) const fn access(access: AccessKind) -> &'static str {
    match access {
        AccessKind::Read => "read",
        AccessKind::Write => "write",
        AccessKind::ReadWrite => "read-write",
        AccessKind::Free => "free",
        AccessKind::Fetch => "instruction fetch",
    }
}

/// A context of execution.
pub(super) const fn context(context: Context) -> &'static str {
    match context {
        Context::Task => "task context",
        Context::Softirq => "a softirq",
        Context::Hardirq => "a hard interrupt",
        Context::Nmi => "an NMI",
    }
}

/// What a taint flag tells of, with its letter.
pub(crate) const fn taint(meaning: TaintMeaning) -> (char, &'static str) {
    match meaning {
        TaintMeaning::Oops => ('D', "an oops or BUG"),
        TaintMeaning::Warning => ('W', "a warning"),
        TaintMeaning::BadPage => ('B', "a bad page"),
        TaintMeaning::MachineCheck => ('M', "a machine check"),
        TaintMeaning::SoftLockup => ('L', "a soft lockup"),
    }
}

/// How a lock is used.
pub(super) const fn usage(usage: LockUsage) -> &'static str {
    match usage {
        LockUsage::InHardirq => "taken in a hard interrupt",
        LockUsage::InSoftirq => "taken in a softirq",
        LockUsage::HardirqsOn => "taken with hard interrupts enabled",
        LockUsage::SoftirqsOn => "taken with softirqs enabled",
        LockUsage::InReclaim => "taken during memory reclaim",
        LockUsage::ReclaimOn => "held while an allocation may reclaim memory",
    }
}

/// What bounded the memory of an OOM kill.
pub(super) const fn constraint(constraint: OomConstraint) -> &'static str {
    match constraint {
        OomConstraint::None => "the whole machine",
        OomConstraint::Memcg => "a memory cgroup",
        OomConstraint::Cpuset => "a cpuset",
        OomConstraint::MemoryPolicy => "a memory policy",
    }
}

/// A use of memory.
pub(super) const fn memory(kind: MemoryUse) -> &'static str {
    match kind {
        MemoryUse::Anonymous => {
            "on the anonymous lists (memory of programs, tmpfs and shared memory)"
        }
        MemoryUse::File => "on the file lists (page cache)",
        MemoryUse::Unevictable => "memory that may not be paged out",
        MemoryUse::SlabReclaimable => "reclaimable slab caches",
        MemoryUse::SlabUnreclaimable => "unreclaimable slab objects of the kernel",
        MemoryUse::PageTables => "page tables",
        MemoryUse::Shmem => "shared memory and tmpfs",
        MemoryUse::Free => "free",
    }
}

/// What kind of failure is reported.
pub(super) fn fault(kind: FaultKind) -> &'static str {
    use FaultKind as F;
    match kind {
        F::NullPointer => "NULL pointer dereference",
        F::GeneralProtection => "general protection fault",
        F::PageFault => "access to a page that is not mapped",
        F::UserMemoryAccess => "access to user memory without permission",
        F::WildMemoryAccess => "access to an address that is no memory",
        F::UseAfterFree => "use after free",
        F::SlabOutOfBounds => "access beyond a slab object",
        F::StackOutOfBounds => "access beyond an object on the stack",
        F::GlobalOutOfBounds => "access beyond a global object",
        F::VmallocOutOfBounds => "access beyond a vmalloc area",
        F::OutOfBounds => "access out of bounds",
        F::DoubleFree => "double free",
        F::InvalidFree => "free of an address that begins no object",
        F::InvalidAccess => "invalid access",
        F::MemoryCorruption => "memory corruption",
        F::UninitValue => "use of an uninitialized value",
        F::InfoLeak => "leak of uninitialized kernel memory",
        F::DataRace => "data race",
        F::ArrayIndexOutOfBounds => "array index out of bounds",
        F::ShiftOutOfBounds => "shift out of bounds",
        F::IntegerOverflow => "integer overflow",
        F::InvalidLoad => "load of a value that its type does not have",
        F::UndefinedBehaviour => "undefined behaviour",
        F::DivideError => "divide error",
        F::InvalidOpcode => "invalid opcode",
        F::KernelBug => "BUG()",
        F::Warning => "WARN()",
        F::StackOverflow => "kernel stack overflow",
        F::StackGuardPage => "kernel stack overflow into its guard page",
        F::Refcount => "refcount misuse",
        F::ListCorruption => "list corruption",
        F::SlabCorruption => "slab corruption",
        F::BadPage => "bad page state",
        F::StackCanary => "stack canary overwritten",
        F::MemoryLeak => "memory leak",
        F::Breakpoint => "breakpoint that nobody owns",
        F::Hardware => "hardware error",
        F::CircularLocking => "possible circular locking dependency",
        F::RecursiveLocking => "possible recursive locking",
        F::InconsistentLockState => "inconsistent lock state",
        F::InvalidWaitContext => "invalid wait context",
        F::LockOwnership => "wrong ownership of a lock",
        F::RcuUsage => "suspicious RCU usage",
        F::SleepInAtomic => "sleeping function called in atomic context",
        F::ScheduleInAtomic => "scheduling while atomic",
        F::SpinlockBug => "spinlock in a wrong state",
        F::RcuStall => "RCU stall",
        F::SoftLockup => "soft lockup",
        F::HardLockup => "hard lockup",
        F::HungTask => "hung task",
        F::WorkqueueLockup => "workqueue lockup",
        F::CsdLock => "CPU that does not answer a function call",
        F::AllocationFailure => "page allocation failure",
        F::OutOfMemory => "OOM kill",
        F::Panic => "panic",
        F::Other => "another kind of report",
    }
}
