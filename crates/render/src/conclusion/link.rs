//! Ties between events.

use model::{CpuId, LinkReason as R};

use crate::sentence::lock;

fn cpu_or(cpu: Option<CpuId>) -> String {
    let other = || "the one that blocks the grace period".to_owned();
    cpu.map_or_else(other, |cpu| format!("CPU {cpu}"))
}

/// What ties a later event to an earlier one.
pub fn link(reason: &R) -> String {
    let text = match reason {
        R::SamePeriod => "same grace period: one stall",
        R::SameHoldout => "the same holdout",
        R::ThreadStarved => "the grace-period thread is starved in both",
        R::SameTasks => "the same tasks, still blocked",
        R::SameAwaited => "their tasks wait for the same",
        R::HungBefore => "tasks hung before in the same boot",
        R::WaitsForPeriod => "its tasks wait for that grace period",
        R::InitDied => "the first process died of it",
        R::PanicNames => "the panic says so",
        R::PanicOfReport => "the panic is of the same task, right after it",
        R::SameTaskFailed => "the same task failed before",
        R::Damaged => "later in the boot; the kernel was damaged before, and no more is shown",
        R::AllocationEcho => "the echo of the failed allocation",
        R::MemoryRanOut => "memory ran out before",
        R::SameFailure => "the same kind of failure",
        R::AllocationOfTask => "the same task, whose allocation had just failed",
        R::AllocationBefore => "an allocation failed before",
        R::CpuStuck => "later in the boot; a CPU was stuck before",
        R::PoolStuck => "a worker pool was stuck before",
        R::PoolOfCpu => "the CPU or worker of that pool is reported as stuck",
        R::WorkLeak => "a work function leaked a section before",
        R::ServerSilent => "the server that they wait for did not respond before",
        R::DeviceFailed => "tasks wait for a device, and a device failed before",
        R::StorageFailed => "tasks wait for I/O, and storage failed before",
        R::SameTask => "the same task",
        R::SameCpu => "the same CPU, moments later",
        R::SwitchInAtomic => "a task switch where none may be breaks the CPU's state",
        R::SameMoment => "the same kind of report at the same moment",
        R::ReaderReported { task } => {
            return format!(
                "{task}, the reader that blocks the grace period, is the task of that report"
            );
        }
        R::HoldoutCpu { cpu } => return format!("CPU {cpu} blocks the grace period"),
        R::FailedTaskHolds { task } => {
            return format!("{task}, which failed there, holds what others wait for");
        }
        R::NamespaceLock { function } => {
            return format!(
                "the device that is not freed keeps the lock that tasks wait for in {function}"
            );
        }
        R::InsideDriver { driver } => {
            return format!("tasks wait inside {driver}, which reported trouble before");
        }
        R::SameLock { lock: which } => return format!("the same lock, {}", lock(which)),
        R::SameFunction { function } => return format!("both in {function}"),
        R::WaitsForCpu { cpu } => return format!("it only waits for {}", cpu_or(*cpu)),
        R::OnlyOtherStuck { cpu } => {
            return format!("it waits for a lock; the only other stuck CPU is {}", cpu_or(*cpu));
        }
    };
    text.to_owned()
}
