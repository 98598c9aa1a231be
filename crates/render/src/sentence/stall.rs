//! Sentences on RCU stalls.

use model::{CpuDenial, CpuId, Predicate as P, StallMechanism, Task};

use super::words::{count, grouped};

pub(super) fn sentence(predicate: &P) -> Option<String> {
    period(predicate).or_else(|| holdouts(predicate))
}

/// The grace period and its thread.
fn period(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::GracePeriodAge { number, jiffies } => {
            format!("Grace period {number} is {} jiffies old.", grouped(*jiffies))
        }
        P::GracePeriodBegan { at, hz } => format!("It began at {at} (HZ={hz})."),
        P::GracePeriodThreadStarved { jiffies, cpu, state } => {
            let cpu = cpu.map(|cpu| format!(", last on CPU {cpu}")).unwrap_or_default();
            let state = state.map(|state| format!(", state {state:#x}")).unwrap_or_default();
            format!(
                "The grace-period thread did not run for {} jiffies{cpu}{state}.",
                grouped(*jiffies)
            )
        }
        P::GracePeriodThreadWorked { jiffies } => format!(
            "It worked for the first {} of the grace period only.",
            if *jiffies == 1 {
                "jiffy".to_owned()
            } else {
                format!("{} jiffies", grouped(*jiffies))
            }
        ),
        P::GracePeriodScans { count: scans } => {
            format!("{} for quiescent states since the grace period began.", count(*scans, "scan"))
        }
        P::TimerSuspected { cpu, softirqs } => {
            let cpu = cpu.map(|cpu| format!(" on CPU {cpu}")).unwrap_or_default();
            let ran = softirqs
                .map(|n| format!("; {} ran there", count(n, "timer softirq")))
                .unwrap_or_default();
            format!("The kernel suspects that a timer was not handled{cpu}{ran}.")
        }
        P::CallbacksWaiting { count: waiting } => {
            format!(
                "{} for grace periods.",
                match waiting {
                    1 => "1 callback waits".to_owned(),
                    waiting => format!("{} callbacks wait", grouped(*waiting)),
                }
            )
        }
        P::CallbacksGrew { from, to } => {
            format!("Callbacks waiting grew from {} to {}.", grouped(*from), grouped(*to))
        }
        P::SameStall { first, second, number } => {
            format!("{first} and {second} report the same grace period {number}: one stall.")
        }
        P::StallFoundBy { cpu } => {
            format!("CPU {cpu} found the stall and reports it; that alone is no sign against it.")
        }
        P::StallEnded => {
            "The stall ended before the stacks were dumped; they may show what came after."
                .to_owned()
        }
        P::TickRate { hz } => match hz.as_slice() {
            [only] => format!("HZ={only}."),
            several => {
                let several: Vec<String> = several.iter().map(u32::to_string).collect();
                format!("HZ is one of {}.", several.join(", "))
            }
        },
        P::CpuDenied { cpu, by: CpuDenial::RealTimeTask } => {
            format!(
                "A real-time or deadline task keeps CPU {cpu}, or the thread's own real-time budget is used up."
            )
        }
        P::CpuDenied { cpu, by: CpuDenial::KernelLoop } => {
            format!("A loop in the kernel with preemption or softirqs off keeps CPU {cpu}.")
        }
        _ => return None,
    })
}

/// CPUs and readers that hold it up.
fn holdouts(predicate: &P) -> Option<String> {
    Some(match predicate {
        P::HoldoutCpu { cpu, behind, ticks } => {
            let behind = behind
                .map(|n| format!(", {} behind", count(n, "grace period")))
                .unwrap_or_default();
            let ticks =
                ticks.map(|n| format!(", {} in this one", count(n, "tick"))).unwrap_or_default();
            format!("CPU {cpu} holds up the grace period{behind}{ticks}.")
        }
        P::HoldoutTask { task, depth } => {
            let depth = depth.map(|depth| format!(", reader depth {depth}")).unwrap_or_default();
            format!("{task} holds up the grace period{depth}.")
        }
        P::DepthGrew { task, from, to } => {
            format!("The reader depth of {task} grew from {from} to {to}: the leak repeats.")
        }
        P::RcuSoftirqs { cpu, count: ran } => format!(
            "{} ran on CPU {cpu} since the last grace period that it noticed.",
            if *ran == 0 { "No RCU softirq".to_owned() } else { count(*ran, "RCU softirq") }
        ),
        P::RcucStarved { cpu, jiffies } => {
            format!("The rcuc thread of CPU {cpu} did not run for {} jiffies.", grouped(*jiffies))
        }
        P::StallMechanism { mechanism, cpu, task } => {
            mechanism_words(*mechanism, *cpu, task.as_ref())
        }
        _ => return None,
    })
}

fn mechanism_words(mechanism: StallMechanism, cpu: Option<CpuId>, task: Option<&Task>) -> String {
    use StallMechanism as M;
    let cpu = cpu.map_or_else(|| "the CPU".to_owned(), |cpu| format!("CPU {cpu}"));
    let task = task.map_or_else(|| "The reader".to_owned(), Task::to_string);
    match mechanism {
        M::ThreadNotPicked => format!("The grace-period thread is runnable and was not given {cpu}."),
        M::ThreadRunning => format!("The grace-period thread has {cpu} and does not get on."),
        M::ThreadWaking => "The grace-period thread is being woken.".to_owned(),
        M::ThreadNotWoken => "The grace-period thread sleeps: its timer did not wake it.".to_owned(),
        M::ThreadOrTimer => {
            "All quiescent states were seen: the grace-period thread or its timer is at fault.".to_owned()
        }
        M::Holdout => "The grace-period thread worked: a holdout keeps the grace period open.".to_owned(),
        M::CpuOffline => format!("{} was offline.", upper(&cpu)),
        M::CpuBusy => format!("{} ran kernel code: RCU watches it.", upper(&cpu)),
        M::CpuIdle => format!("{} was idle or ran a user program.", upper(&cpu)),
        M::NoQuiescentState => format!("The tick of {cpu} runs; it passes no quiescent state."),
        M::NoTick => format!("{} took no tick: it is idle, or its tick or its IRQs are off.", upper(&cpu)),
        M::TakesTimerInterrupts => format!("{} takes timer interrupts: the report was printed from one.", upper(&cpu)),
        M::SoftirqNotRun => {
            format!("RCU softirqs are not run on {cpu}: bottom halves are off, or ksoftirqd gets no time.")
        }
        M::IrqWorkPending => format!("irq-work is pending on {cpu}: IRQs are disabled there, or it does not take them."),
        M::ReaderPreempted => format!("{task} is runnable: a preempted reader that gets too little CPU time."),
        M::ReaderSleeps => format!("{task} sleeps inside its reader section."),
        M::ReaderLeaked => format!("{task} is idle with a reader section open: it was leaked, and nothing pending ends it."),
        M::EarlierReportsMissing => {
            "The grace period is older than any stall timeout: earlier reports are missing, or the clock jumped.".to_owned()
        }
    }
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
