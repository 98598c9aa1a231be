//! What would settle what is open.

use model::{Need as N, Participant, Task};

use super::parts::its_cpu;
use super::waits::participant;
use crate::sentence::taint;

fn names(who: &[Participant]) -> String {
    who.iter().map(participant).collect::<Vec<_>>().join(", ")
}

/// What would settle what is open, as a noun phrase.
pub fn need(need: &N) -> String {
    stacks(need).or_else(|| measured(need)).unwrap_or_else(|| told(need).to_owned())
}

/// Stacks of somebody.
fn stacks(need: &N) -> Option<String> {
    Some(match need {
        N::LockupStack { cpu } => format!("the stack of {} in the lockup report", its_cpu(*cpu)),
        N::SecondStack { cpu } => format!("a second stack of {}", its_cpu(*cpu)),
        N::CpuStack { cpu } => {
            format!("the stack of CPU {cpu} at that moment (NMI backtrace, sysrq-l)")
        }
        N::CodeOfCpu { cpu } => format!(
            "stacks of all other CPUs at that moment (sysrq-l), and the code that CPU {cpu} is inside of"
        ),
        N::OwnerStack { task } => format!("the stack of {task} at that moment (sysrq-l)"),
        N::MoreStacks { who } => format!("more than one stack of {}", participant(who)),
        N::LastFrames { who } => format!("the meaning of the last frames of {}", participant(who)),
        N::Stack { who } => format!("the stack of {} (sysrq-t)", participant(who)),
        N::LockHolder { list: Some(line) } => format!(
            "who holds it: the list of held locks (L{line}) names nobody else, and a task that runs prints no list; all stacks (sysrq-t), stacks of all CPUs (sysrq-l)"
        ),
        N::Releaser { what } => format!(
            "all stacks of the system (sysrq-t), to find who should end: {}",
            participant(what)
        ),
        N::HolderStacks { tasks } => {
            let tasks: Vec<String> = tasks.iter().map(Task::to_string).collect();
            format!("stacks of tasks that hold locks and are not shown: {}", tasks.join(", "))
        }
        N::OccupantStack { cpu } => format!(
            "stack of {} at the same moment (sysrq-l, or a kernel >= about 5.12, which dumps the CPU where the thread last ran)",
            its_cpu(*cpu)
        ),
        N::KeeperStack { cpu } => {
            format!("the stack of the CPU that keeps CPU {cpu} waiting (sysrq-l)")
        }
        N::CpuStacks { cpus } => format!("stack of {} (NMI backtrace, sysrq-l)", names(cpus)),
        N::PolledFor { who } => {
            let who = who.as_ref().map_or_else(|| "the task".to_owned(), participant);
            format!(
                "what {who} polls for: more than one stack of it, and the messages of its driver"
            )
        }
        N::HolderFor { who } => format!(
            "who holds what {} waits for: a list of held locks (CONFIG_LOCKDEP, sysrq-d) or all stacks (sysrq-t)",
            participant(who)
        ),
        _ => return None,
    })
}

/// States, policies, further reports.
fn measured(need: &N) -> Option<String> {
    Some(match need {
        N::EarlierLog { letter, meaning } => format!(
            "the log from boot on: taint {letter} tells of {} before its first report",
            taint(*meaning).1
        ),
        N::TimerState { cpu } => format!(
            "timer state of {} (sysrq-q), two reports with timer-softirq to see whether it moves, clockevent and idle driver messages",
            its_cpu(*cpu)
        ),
        N::OccupantPolicy { cpu, task } => {
            format!("a second stack of {}, and policy and priority of {task}", its_cpu(*cpu))
        }
        N::Policies { thread } => format!(
            "policy and priority of {thread}, of the ksoftirqd threads and of the tasks on the CPUs named"
        ),
        N::SecondReport { number: Some(number) } => {
            format!("a second report of g={number}, to tell slow from never")
        }
        _ => return None,
    })
}

/// What needs no names.
const fn told(need: &N) -> &'static str {
    match need {
        N::ConsoleLog => {
            "the console log around the failure: kernel messages of all levels (dmesg, or the serial console)"
        }
        N::KernelVersion => "the kernel version (the first line of the boot log, or uname -a)",
        N::OrderOfReports => {
            "the log from boot to the first of these reports, and one more occurrence, to see which report always comes first"
        }
        N::HeldLocks => {
            "a list of held locks (CONFIG_LOCKDEP, or sysrq-d) at the moment of the hang, to prove the inferred edge"
        }
        N::PoolStacks => {
            "stacks of the workers in flight and of the CPUs of the pool (sysrq-t, sysrq-l)"
        }
        N::Initialisation => {
            "whether the lock is initialised before its first use; a KASAN kernel tells freed memory"
        }
        N::ReferenceTracker => "CONFIG_NET_DEV_REFCNT_TRACKER=y, which names the holder",
        N::FileSystemCheck => {
            "a check of the file system from a healthy kernel, and the log of the storage below it"
        }
        N::HangReport => "a report of a stall, lockup or hang, if there was one",
        N::SpinHolder => "who holds the lock: CONFIG_DEBUG_SPINLOCK prints it, a crash dump has it",
        N::AllCpus => {
            "stacks of all other CPUs at that moment (sysrq-l, or softlockup_all_cpu_backtrace=1); without another holder the lock may be held by what this CPU itself is inside of"
        }
        N::HostTime => "steal time and log of the host, clocksource messages of this boot",
        N::ConsoleSpeed => "the messages that were printed then, and the speed of the console",
        N::OwnerLine => "the line with .owner, and the stacks of all CPUs at that moment (sysrq-l)",
        N::BlockedStacks => {
            "the stacks of the blocked tasks (sysrq-w) and of everything that runs (sysrq-t)"
        }
        N::LockHolder { .. } => {
            "who holds it: CONFIG_LOCKDEP's list of all locks (sysrq-d), or all blocked stacks (sysrq-w)"
        }
        N::StallReport => {
            "the RCU stall report of that grace period (rcupdate.rcu_cpu_stall_timeout lower than the hung task timeout)"
        }
        N::DriverMessages => {
            "messages of the driver and its error handler, requests in flight (/sys/kernel/debug/block), state of the device"
        }
        N::PeerState => "the state of that program, peer or server",
        N::ThreadLock => "the holder of the lock that the thread spins for",
        N::SecondReport { .. } => "a second report of the same stall",
        N::Reproducer => "the reproducer",
        N::ReaderPolicy => {
            "what ran on the CPUs (sysrq-l), policy and priority of the reader, a second report with the same g="
        }
        N::ThreadState => {
            "state and stack of the grace-period thread, and what ran on its CPU (sysrq-t, sysrq-l)"
        }
        N::StallLines => {
            "the lines after the stall header: CPU lines, (t= g= q=), any line about the grace-period thread"
        }
        N::SecondSample => {
            "a second stack of the same CPU: one sample cannot show whether it loops there"
        }
        N::LeakingFunction => {
            "which function leaks: the text of the local functions on the stacks, or any path with rcu_read_lock() without unlock"
        }
        N::WorkqueueCheck => {
            "a kernel >= about 6.9, whose workqueue check names the leaking work function"
        }
        N::ProveRcu => {
            "a run with CONFIG_PROVE_RCU=y, and one without the local changes to the kernel"
        }
        N::MemoryUsers => {
            "who uses the memory over time (the task table, /proc/meminfo, slabinfo) before the first kill"
        }
        N::PageTypes => {
            "/proc/pagetypeinfo and the compaction counters of /proc/vmstat before the kill"
        }
        N::MemInfo => "the Mem-Info block in full, with the zones' watermarks and free lists",
        N::AllowedZones => {
            "which zones the request may use (nodemask, mempolicy, cpuset), and whether the task had PF_MEMALLOC or was dying"
        }
        _ => "more of the log",
    }
}
