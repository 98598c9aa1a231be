//! The families of events: how the line that begins one is read, and what lines inside it mean. A new kind of event
//! whose line says it all needs no more than its row in the table of events; one with lines of its own is a file here.

mod atomic;
mod damage;
mod hardware;
mod head;
mod hung;
mod lockdep;
mod lockup;
mod memory;
mod notice;
mod object;
mod rcu;
mod sanitizer;
mod trap;
mod warning;
mod workqueue;

pub(super) use self::head::{Head, Inner};
use super::state::{Collector, Context};
use crate::event::{Detail, EventKind as K};

/// Reads the line that begins an event; false when it is something else.
type Begin = fn(&mut Collector, &mut Context, &Head<'_>) -> bool;
/// Reads a line inside an event; false when it means nothing to it.
type Continue = fn(&mut Collector, &mut Context, &Inner<'_>) -> bool;

/// How the lines are read that begin events of these kinds; those of others say it all.
const BEGIN: &[(&[K], Begin)] = &[
    (&[K::RcuKthreadStarved], rcu::starved),
    (&[K::RcuStall, K::RcuExpeditedStall, K::RcuTasksStall], rcu::stall),
    (&[K::HungTasks], hung::hung),
    (&[K::SoftLockup, K::HardLockup], lockup::lockup),
    (&[K::CsdLock], lockup::silent_cpu),
    (&[K::SpinlockLockup], lockup::spin),
    (&[K::WorkqueueLockup, K::WorkqueueHog, K::WorkqueueLeak], workqueue::workqueue),
    (
        &[
            K::LockdepCircular,
            K::LockdepRecursive,
            K::LockdepInterrupt,
            K::LockdepWaitContext,
            K::LockdepOwnership,
        ],
        lockdep::lockdep,
    ),
    (&[K::RcuUsage], lockdep::rcu_usage),
    (&[K::SleepInAtomic, K::ScheduleInAtomic], atomic::atomic),
    (&[K::AllocationFailure, K::OutOfMemory], memory::memory),
    (&[K::FaultOomLeaked], memory::leaked_out),
    (&[K::Kasan, K::Kfence, K::Kmsan, K::Kcsan, K::Ubsan], sanitizer::sanitizer),
    (&[K::Refcount, K::Corruption, K::RcuVoluntarySwitch, K::SpinlockBug], damage::damage),
    (&[K::MemoryLeak], damage::leak),
    (&[K::Fault, K::KernelBug, K::StackOverflow], trap::trap),
    (&[K::Warning], warning::warning),
    (&[K::UserSegfault], notice::user_fault),
    (&[K::Device, K::SlowInterrupt, K::NetdevReference], notice::device),
    (&[K::FileSystem], notice::file_system),
    (&[K::Hardware], hardware::hardware),
];

/// Takes a line that may begin an event. False when it turns out to be something else.
pub(super) fn begin(c: &mut Collector, context: &mut Context, head: &Head<'_>) -> bool {
    match BEGIN.iter().find(|(kinds, _)| kinds.contains(&head.kind)) {
        Some((_, begin)) => begin(c, context, head),
        None => {
            c.begin(context, head.kind, head.text, head.number, head.at);
            true
        }
    }
}

/// Takes a line inside an open event to which only its kind gives a meaning.
pub(super) fn continues(c: &mut Collector, context: &mut Context, inner: &Inner<'_>) -> bool {
    let read: Continue = match &c.out.events[inner.event].detail {
        Detail::Stall(_) => rcu::detail,
        Detail::Spin { .. } => lockup::detail,
        Detail::Workqueue(_) => workqueue::detail,
        Detail::Hardware { .. } => hardware::detail,
        Detail::Lockdep(_) => lockdep::detail,
        Detail::Atomic(_) => atomic::detail,
        Detail::Memory(_) => memory::detail,
        Detail::Bad(_) => sanitizer::detail,
        _ => damage::detail,
    };
    read(c, context, inner)
}
