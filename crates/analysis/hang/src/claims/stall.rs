//! Statements on stalls: the grace period, its thread, the CPUs and readers that hold it up.

use model::{Grade, LineSpan, Predicate, RuleId, StallMechanism, Statements, Task};

use super::limits::SPELLED_OUT;
use super::{lockup, wait};
use crate::collect::Observations;
use crate::event::{
    Event, EventKind, Snapshot, SnapshotId, Stall, StallCpu, StallPeriod, StallTask,
};
use crate::stack;

/// Says what keeps a grace period open.
fn mechanism(
    said: &mut Statements,
    rule: RuleId,
    lines: impl IntoIterator<Item = u64>,
    mechanism: StallMechanism,
    cpu: Option<u32>,
    task: Option<Task>,
) {
    said.say(Grade::Inferred, rule, lines, Predicate::StallMechanism { mechanism, cpu, task });
}

pub(super) fn of_stall(said: &mut Statements, seen: &Observations, event: &Event, stall: &Stall) {
    // Expedited grace periods and those of tasks have no number of this kind and no thread of their own.
    if matches!(event.kind, EventKind::RcuStall | EventKind::RcuKthreadStarved) {
        period(said, seen, event, stall);
        thread(said, seen, event, stall);
    }
    for cpu in stall.cpus.iter().take(SPELLED_OUT) {
        holdout(said, seen, event, stall, cpu);
    }
    for reader in stall.tasks.iter().take(SPELLED_OUT) {
        of_reader(said, seen, event, reader);
    }
    if let Some((number, cpus)) = &stall.deaf {
        for cpu in
            cpus.split([',', ' ']).filter_map(|cpu| cpu.trim().parse().ok()).take(SPELLED_OUT)
        {
            said.seen(RuleId::R18, [*number], Predicate::CpuNoResponse { cpu, waiting: None });
        }
    }
    if let Some(number) = stall.all_seen {
        mechanism(said, RuleId::R22, [number], StallMechanism::ThreadOrTimer, None, None);
    }
    if let Some(number) = stall.ended.filter(|number| Some(*number) != stall.all_seen) {
        said.seen(RuleId::R12, [number], Predicate::StallEnded);
    }
}

/// Age, callbacks, who found it.
fn period(said: &mut Statements, seen: &Observations, event: &Event, stall: &Stall) {
    let Some(period) = &stall.period else { return };
    said.seen(
        RuleId::R09,
        [period.line],
        Predicate::GracePeriodAge { number: period.number, jiffies: period.jiffies },
    );
    if let Some(count) = period.callbacks {
        said.seen(RuleId::R09, [period.line], Predicate::CallbacksWaiting { count });
    }
    if let Some(cpu) = period.detected_by {
        said.seen(RuleId::R02, [period.line], Predicate::StallFoundBy { cpu });
    }
    if let Some(old) = too_old(seen, event, stall) {
        mechanism(said, RuleId::R11, [old.line], StallMechanism::EarlierReportsMissing, None, None);
    }
}

/// The grace period's thread: how long it ran, and why it does not.
fn thread(said: &mut Statements, seen: &Observations, event: &Event, stall: &Stall) {
    let scans = stall.cpus.iter().filter_map(|cpu| Some((cpu.fqs?, cpu.line))).max();
    if let Some((count, number)) = scans {
        said.seen(RuleId::R08, [number], Predicate::GracePeriodScans { count });
        if count > 10 && !stall.is_starving() {
            mechanism(said, RuleId::R08, [number], StallMechanism::Holdout, None, None);
        }
    }
    if let Some((number, cpu, softirqs)) = stall.timer {
        said.seen(RuleId::R16, [number], Predicate::TimerSuspected { cpu, softirqs });
    }
    let Some(starved) = &stall.starved else { return };
    said.seen(
        RuleId::R13,
        [starved.line],
        Predicate::GracePeriodThreadStarved {
            jiffies: starved.jiffies,
            cpu: starved.cpu,
            state: starved.state,
        },
    );
    let same = |period: &&StallPeriod| starved.number.is_none_or(|number| number == period.number);
    if let Some(period) = stall.period.as_ref().filter(same)
        && let Some(jiffies) = period.jiffies.checked_sub(starved.jiffies)
    {
        said.say(
            Grade::Derived,
            RuleId::R13,
            [period.line, starved.line],
            Predicate::GracePeriodThreadWorked { jiffies },
        );
    }
    let Some(state) = starved.state else { return };
    let dump = stall.kthread_stack.map(|id| seen.snapshot(id));
    if let Some((dump, header)) = dump.and_then(|dump| Some((dump, dump.header?)))
        && let (Some(task), Some(state)) = (&dump.task, dump.state)
    {
        said.seen(RuleId::R31, [header], Predicate::TaskState { task: task.clone(), state });
    }
    let condition = match state {
        0 if runs_itself(seen, event, stall) => StallMechanism::ThreadRunning,
        0 => StallMechanism::ThreadNotPicked,
        0x200 => StallMechanism::ThreadWaking,
        _ => StallMechanism::ThreadNotWoken,
    };
    let mut lines = vec![LineSpan::line(starved.line)];
    lines.extend(dump.and_then(|dump| dump.lines));
    said.say_spans(
        Grade::Inferred,
        RuleId::R14,
        lines,
        Predicate::StallMechanism { mechanism: condition, cpu: starved.cpu, task: None },
    );
}

/// Whether the stack of the thread's CPU shows the thread itself running there.
fn runs_itself(seen: &Observations, event: &Event, stall: &Stall) -> bool {
    if crate::graph::thread_prints(seen, stall) {
        return true;
    }
    let Some(cpu) = stall.starved.as_ref().and_then(|starved| starved.cpu) else { return false };
    let thread = stall
        .kthread_stack
        .and_then(|id| seen.snapshot(id).task.as_ref())
        .and_then(|task| task.pid);
    thread.is_some()
        && crate::graph::occupant(seen, event, cpu).is_some_and(|(_, task)| task.pid == thread)
}

/// A CPU that holds up the grace period.
fn holdout(
    said: &mut Statements,
    seen: &Observations,
    event: &Event,
    stall: &Stall,
    cpu: &StallCpu,
) {
    use StallMechanism as M;
    let number = cpu.line;
    let on = Some(cpu.cpu);
    said.seen(
        RuleId::R05,
        [number],
        Predicate::HoldoutCpu { cpu: cpu.cpu, behind: cpu.behind, ticks: cpu.ticks },
    );
    let mut flags = cpu.flags.chars();
    if flags.next() == Some('O') {
        mechanism(said, RuleId::R03, [number], M::CpuOffline, on, None);
    }
    if cpu.flags.chars().nth(3).is_some_and(|flag| flag.is_ascii_digit()) {
        mechanism(said, RuleId::R03, [number], M::IrqWorkPending, on, None);
    }
    if let Some((watching, ..)) = cpu.idle
        && let Some(bit) = busy_bit(seen, event)
    {
        let busy = watching >> bit & 1 == 1;
        mechanism(
            said,
            RuleId::R06,
            [number],
            if busy { M::CpuBusy } else { M::CpuIdle },
            on,
            None,
        );
    }
    let own = event
        .snapshots
        .iter()
        .map(|id| seen.snapshot(*id))
        .find(|s| s.cpu == Some(cpu.cpu) && s.on_cpu && !s.frames.is_empty());
    let tick = own.filter(|_| stall.self_detected).and_then(tick_frames);
    if let Some(lines) = tick {
        said.say_spans(
            Grade::Inferred,
            RuleId::R01,
            [lines],
            Predicate::StallMechanism { mechanism: M::TakesTimerInterrupts, cpu: on, task: None },
        );
    }
    if let Some(own) = own {
        lockup::cpu_in(said, own);
    }
    if let Some((a, b)) = cpu.softirq
        && cpu.rcuc.is_none()
        && let Some(ran) = b.checked_sub(a)
        && cpu.behind.is_some_and(|behind| behind > 0)
        && !cpu.false_positive
    {
        said.say(
            Grade::Derived,
            RuleId::R07,
            [number],
            Predicate::RcuSoftirqs { cpu: cpu.cpu, count: ran },
        );
        if ran <= 1 && tick.is_some() {
            mechanism(said, RuleId::R07, [number], M::SoftirqNotRun, on, None);
        }
    }
    if let (Some(ticks), Some(period)) = (cpu.ticks, &stall.period) {
        if ticks == 0 {
            mechanism(said, RuleId::R04, [number], M::NoTick, on, None);
        } else if ticks.saturating_add(ticks / 10) >= period.jiffies {
            mechanism(said, RuleId::R04, [number, period.line], M::NoQuiescentState, on, None);
        }
    }
    if let Some(jiffies) = cpu.rcuc {
        said.seen(RuleId::R07, [number], Predicate::RcucStarved { cpu: cpu.cpu, jiffies });
    }
}

/// The frames of the tick from which a CPU reported itself.
fn tick_frames(own: &Snapshot) -> Option<LineSpan> {
    let inside =
        |starts: &[&str], function: &str| starts.iter().any(|start| function.starts_with(start));
    let tick = own.frames.iter().find(|frame| {
        inside(
            &["update_process_times", "tick_", "hrtimer_interrupt", "timer_interrupt"],
            &frame.function,
        )
    })?;
    let report = own
        .frames
        .iter()
        .find(|frame| {
            inside(
                &["rcu_sched_clock_irq", "rcu_check_callbacks", "update_process_times"],
                &frame.function,
            )
        })
        .map_or(tick.line, |frame| frame.line);
    let entry = own
        .frames
        .iter()
        .rfind(|frame| {
            frame.function.contains("apic_timer") || frame.function.contains("timer_interrupt")
        })
        .map_or(tick.line, |frame| frame.line);
    Some(if report <= entry { LineSpan::new(report, entry) } else { LineSpan::line(tick.line) })
}

fn reader_stack<'a>(
    seen: &'a Observations,
    event: &Event,
    pid: u32,
) -> Option<(SnapshotId, &'a Snapshot)> {
    event
        .snapshots
        .iter()
        .map(|id| (*id, seen.snapshot(*id)))
        .find(|(_, s)| s.task.as_ref().is_some_and(|task| task.pid == Some(pid)))
}

/// The reader, by the name that its stack's header gives it.
pub(super) fn reader(seen: &Observations, event: &Event, pid: u32) -> (Task, Option<u64>) {
    match reader_stack(seen, event, pid) {
        Some((_, Snapshot { task: Some(task), header: Some(header), .. })) => {
            (task.clone(), Some(*header))
        }
        _ => (Task { name: String::new(), pid: Some(pid) }, None),
    }
}

/// A task that holds up the grace period, and what its stack shows it doing.
fn of_reader(said: &mut Statements, seen: &Observations, event: &Event, listed: &StallTask) {
    let (task, header) = reader(seen, event, listed.pid);
    let lines = [listed.line, header.unwrap_or(0)];
    said.seen(
        RuleId::R19,
        lines,
        Predicate::HoldoutTask { task: task.clone(), depth: listed.depth },
    );
    let (Some((_, snapshot)), Some(header)) = (reader_stack(seen, event, listed.pid), header)
    else {
        return;
    };
    let Some(span) = snapshot.lines else { return };
    let last = snapshot.frames.last().map_or(span.last, |frame| frame.line);
    let whole = [LineSpan::new(span.first, last)];
    let says = |said: &mut Statements, mechanism: StallMechanism| {
        let task = Some(task.clone());
        said.say_spans(
            Grade::Inferred,
            RuleId::R20,
            whole,
            Predicate::StallMechanism { mechanism, cpu: None, task },
        );
    };
    if let Some(state) = snapshot.state {
        said.seen(RuleId::R31, [header], Predicate::TaskState { task: task.clone(), state });
    }
    if crate::wait::is_idle(snapshot) {
        says(said, StallMechanism::ReaderLeaked);
    } else if snapshot.on_cpu || snapshot.state == Some('R') {
        says(said, StallMechanism::ReaderPreempted);
    } else if let Some(awaited) = crate::wait::awaited(snapshot) {
        says(said, StallMechanism::ReaderSleeps);
        wait::of_wait(said, &task, header, &awaited);
    }
    if let Some((name, at)) = stack::syscall(snapshot) {
        said.seen(RuleId::R88, [at], Predicate::SystemCall { name });
    }
}

/// Which bit of `idle=` says that the CPU is busy, by release.
fn busy_bit(seen: &Observations, event: &Event) -> Option<u32> {
    let version = seen.kernel_of(event).version?;
    Some(match version {
        v if v < (4, 12) => 0,
        v if v < (5, 14) => 1,
        v if v < (6, 1) => 0,
        _ => 2,
    })
}

/// The longest stall timeout is 300 s, which is 300,000 jiffies at HZ=1000; twice that no first report can be old.
const OLDEST_FIRST_REPORT: u64 = 600_000;

/// The period of a stall that is older at its first report than any timeout lets it be.
fn too_old<'a>(seen: &Observations, event: &Event, stall: &'a Stall) -> Option<&'a StallPeriod> {
    let period = stall.period.as_ref().filter(|period| period.jiffies > OLDEST_FIRST_REPORT)?;
    let mut reports = seen.reports_of_period(event.boot, period.number);
    let before = reports.any(|other| other.id < event.id);
    (!before).then_some(period)
}
