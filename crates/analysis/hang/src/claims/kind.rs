//! What kind of failure a report tells of, by the words of its headline.

use model::{BadObject, FaultKind};

use crate::event::{Detail, Event, EventKind};

/// The kind of failure that the headline names.
pub(super) fn kind(event: &Event) -> Option<FaultKind> {
    use EventKind as E;
    use FaultKind as F;
    let says = |text: &str| event.headline.contains(text);
    Some(match event.kind {
        E::Kasan | E::Kfence | E::Kmsan | E::Kcsan | E::Ubsan => {
            let Detail::Bad(bad) = &event.detail else { return None };
            return sanitizer_kind(event.kind, &bad.what);
        }
        E::Refcount => F::Refcount,
        E::Corruption if says("list_add") || says("list_del") => F::ListCorruption,
        E::Corruption if says("stack-protector") => F::StackCanary,
        E::Corruption if says("Bad page state") => F::BadPage,
        E::Corruption if says("Redzone") || says("Poison overwritten") || says("Freepointer") => {
            F::SlabCorruption
        }
        E::MemoryLeak => F::MemoryLeak,
        E::Fault if says("NULL pointer dereference") => F::NullPointer,
        E::Fault if says("general protection fault") => F::GeneralProtection,
        E::KernelBug if says("kernel BUG at") => F::KernelBug,
        E::KernelBug if says("divide error") => F::DivideError,
        E::KernelBug if says("invalid opcode") => F::InvalidOpcode,
        E::StackOverflow if says("guard page was hit") => F::StackGuardPage,
        E::StackOverflow => F::StackOverflow,
        E::Warning if says("WARNING: ") => F::Warning,
        E::LockdepCircular => F::CircularLocking,
        E::LockdepRecursive => F::RecursiveLocking,
        E::LockdepInterrupt if says("inconsistent lock state") => F::InconsistentLockState,
        E::LockdepWaitContext => F::InvalidWaitContext,
        E::LockdepOwnership if !says("non-static key") => F::LockOwnership,
        E::RcuUsage => F::RcuUsage,
        E::SleepInAtomic => F::SleepInAtomic,
        E::ScheduleInAtomic => F::ScheduleInAtomic,
        E::SpinlockBug => F::SpinlockBug,
        E::Panic => F::Panic,
        _ => return None,
    })
}

/// The kind that a sanitizer's own word stands for.
fn sanitizer_kind(by: EventKind, what: &str) -> Option<FaultKind> {
    use EventKind as E;
    use FaultKind as F;
    const WORDS: &[(E, &str, F)] = &[
        (E::Kasan, "null-ptr-deref", F::NullPointer),
        (E::Kasan, "user-memory-access", F::UserMemoryAccess),
        (E::Kasan, "wild-memory-access", F::WildMemoryAccess),
        (E::Kasan, "use-after-free", F::UseAfterFree),
        (E::Kasan, "slab-use-after-free", F::UseAfterFree),
        (E::Kasan, "use-after-scope", F::UseAfterFree),
        (E::Kasan, "slab-out-of-bounds", F::SlabOutOfBounds),
        (E::Kasan, "stack-out-of-bounds", F::StackOutOfBounds),
        (E::Kasan, "global-out-of-bounds", F::GlobalOutOfBounds),
        (E::Kasan, "vmalloc-out-of-bounds", F::VmallocOutOfBounds),
        (E::Kasan, "out-of-bounds", F::OutOfBounds),
        (E::Kasan, "double-free", F::DoubleFree),
        (E::Kasan, "invalid-free", F::InvalidFree),
        (E::Kasan, "invalid-access", F::InvalidAccess),
        (E::Kfence, "use-after-free", F::UseAfterFree),
        (E::Kfence, "out-of-bounds", F::OutOfBounds),
        (E::Kfence, "memory corruption", F::MemoryCorruption),
        (E::Kfence, "invalid free", F::InvalidFree),
        (E::Kfence, "invalid", F::InvalidAccess),
        (E::Kmsan, "uninit-value", F::UninitValue),
        (E::Kmsan, "use-after-free", F::UseAfterFree),
        (E::Kmsan, "kernel-infoleak", F::InfoLeak),
        (E::Kmsan, "kernel-usb-infoleak", F::InfoLeak),
        (E::Kcsan, "data-race", F::DataRace),
        (E::Kcsan, "assert: race", F::DataRace),
        (E::Ubsan, "array-index-out-of-bounds", F::ArrayIndexOutOfBounds),
        (E::Ubsan, "shift-out-of-bounds", F::ShiftOutOfBounds),
        (E::Ubsan, "signed-integer-overflow", F::IntegerOverflow),
        (E::Ubsan, "unsigned-integer-overflow", F::IntegerOverflow),
        (E::Ubsan, "invalid-load", F::InvalidLoad),
    ];
    let found = WORDS.iter().find(|(kind, word, _)| {
        *kind == by
            && what.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    found.map(|(.., kind)| *kind)
}

/// The state of an object that a report found wrong.
pub(super) fn bad_object(event: &Event) -> Option<BadObject> {
    let says = |text: &str| event.headline.contains(text);
    Some(match event.kind {
        EventKind::Corruption if says("list_") => BadObject::List,
        EventKind::Corruption if says("Bad page") => BadObject::Page,
        EventKind::Corruption if says("stack") => BadObject::Stack,
        EventKind::Corruption if says("ODEBUG") => BadObject::DebugObject,
        EventKind::Corruption
            if says("Redzone") || says("Poison") || says("Free") || says("Object") =>
        {
            BadObject::SlabObject
        }
        _ => return None,
    })
}
