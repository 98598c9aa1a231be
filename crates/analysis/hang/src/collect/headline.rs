//! Lines that begin an event, or that add to the open one although they could begin their own.

use super::{Collector, Context, MEMBER_LIMIT};
use crate::clock::Moment;
use crate::event::{
    AtomicReport, BadAccess, Detail, EventKind, HungScan, HungTask, LockdepReport, MemoryReport,
    Snapshot, Stall, Task, Trap, WorkqueueReport,
};
use crate::parse;
use crate::rules::EVENT_RULES;
use crate::text::{after, between, bounded, hex_after, number_after};

/// Lines within which a second headline still describes the same trap.
const SAME_TRAP: u64 = 14;
/// Two prints of the hung task detector this close in time belong to one scan, microseconds.
const SAME_SCAN: i64 = 10_000_000;

/// Whether the line of a hardware error says that it was not corrected.
pub(super) fn is_severe(text: &str) -> bool {
    [
        "Machine Check Exception",
        "Uncorrect",
        "ncorrected",
        "atal",
        "Memory failure",
        "Killing",
        "|UE|",
        "context corrupt",
        "panic",
    ]
    .iter()
    .any(|word| text.contains(word))
        && !text.contains("no action required")
}

impl Collector {
    /// Takes a line with an anchor of the row. False when the line turns out to be something else.
    pub(super) fn headline(
        &mut self,
        context: &mut Context,
        row: usize,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let rule = &EVENT_RULES[row];
        let kind = rule.kind;
        match kind {
            EventKind::RcuKthreadStarved => self.starved(context, text, number, at),
            EventKind::RcuStall | EventKind::RcuExpeditedStall | EventKind::RcuTasksStall => {
                self.stall(context, kind, text, number, at)
            }
            EventKind::HungTasks => self.hung(context, text, number, at),
            EventKind::SoftLockup | EventKind::HardLockup => {
                self.lockup(context, kind, text, number, at)
            }
            EventKind::CsdLock => {
                let (Some(from), Some(to)) =
                    (number_after(text, "on CPU#"), number_after(text, "for CPU#"))
                else {
                    return false;
                };
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    self.out.events[event].cpu = Some(to);
                    self.out.events[event].detail = Detail::Csd { from, to };
                }
                true
            }
            EventKind::WorkqueueLockup | EventKind::WorkqueueHog | EventKind::WorkqueueLeak => {
                self.workqueue(context, kind, text, number, at)
            }
            EventKind::LockdepCircular
            | EventKind::LockdepRecursive
            | EventKind::LockdepInterrupt
            | EventKind::LockdepWaitContext
            | EventKind::LockdepOwnership => {
                if !["WARNING:", "INFO:", "BUG:"].iter().any(|banner| text.contains(banner)) {
                    return false;
                }
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    self.out.events[event].detail = Detail::Lockdep(LockdepReport::default());
                }
                true
            }
            EventKind::RcuUsage => {
                if !["WARNING:", "INFO:"].iter().any(|banner| text.contains(banner)) {
                    return false;
                }
                self.begin(context, kind, text, number, at);
                true
            }
            EventKind::SleepInAtomic | EventKind::ScheduleInAtomic => {
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    let mut report = AtomicReport {
                        line: number,
                        count_line: number,
                        ..AtomicReport::default()
                    };
                    if let Some(place) = after(text, "while atomic: ") {
                        // `name/pid/0xcount`
                        if let Some((task, count)) = place.trim().rsplit_once('/') {
                            self.out.events[event].task = parse::name_slash_pid(task);
                            report.preempt_count = crate::text::hex(count).map(|count| (count, 0));
                        }
                    }
                    self.out.events[event].detail = Detail::Atomic(report);
                }
                true
            }
            EventKind::AllocationFailure | EventKind::OutOfMemory => {
                self.memory(context, kind, text, number, at)
            }
            EventKind::Kasan
            | EventKind::Kfence
            | EventKind::Kmsan
            | EventKind::Kcsan
            | EventKind::Ubsan => {
                if self.absorbed(context, &[EventKind::Fault], number, 3) {
                    return true;
                }
                // `BUG: KASAN: kind in f`, `UBSAN: kind in file:line`.
                let tail = ["KASAN: ", "KFENCE: ", "KMSAN: ", "KCSAN: ", "UBSAN: "]
                    .iter()
                    .find_map(|head| after(text, head))
                    .unwrap_or(text);
                let (what, function) = tail.split_once(" in ").unwrap_or((tail, ""));
                let bad = BadAccess {
                    what: bounded(what.trim(), 60),
                    function: bounded(
                        parse::plain(function.split(['+', ' ']).next().unwrap_or_default()),
                        80,
                    ),
                    ..BadAccess::default()
                };
                if let Some(event) = self.inlined(context, kind, text, number) {
                    self.out.events[event].detail = Detail::Bad(bad);
                    return true;
                }
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    self.out.events[event].detail = Detail::Bad(bad);
                }
                true
            }
            EventKind::SpinlockLockup => {
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    let event = &mut self.out.events[event];
                    event.cpu = number_after(text, "on CPU#");
                    event.task = after(text, "on CPU#")
                        .and_then(|rest| rest.split_once(", "))
                        .and_then(|(_, task)| parse::name_slash_pid(task.split(", ").next()?));
                    event.detail = Detail::Spin { owner: None };
                }
                true
            }
            EventKind::Refcount
            | EventKind::Corruption
            | EventKind::RcuVoluntarySwitch
            | EventKind::SpinlockBug => {
                if self.absorbed(
                    context,
                    &[
                        EventKind::Refcount,
                        EventKind::Corruption,
                        EventKind::RcuVoluntarySwitch,
                        EventKind::Warning,
                    ],
                    number,
                    3,
                ) {
                    let event = context.event.map(|event| &mut self.out.events[event]);
                    if let Some(event) = event.filter(|event| event.kind == EventKind::Warning) {
                        event.kind = kind;
                        event.line = number;
                        event.headline = bounded(text.trim(), 240);
                    }
                    return true;
                }
                self.begin(context, kind, text, number, at);
                true
            }
            EventKind::MemoryLeak => {
                if self.folds(kind, "", number).is_some() {
                    return true;
                }
                self.begin(context, kind, text, number, at);
                true
            }
            EventKind::Fault | EventKind::KernelBug | EventKind::StackOverflow => {
                self.trap(context, kind, text, number, at)
            }
            EventKind::Warning => self.warning(context, text, number, at),
            EventKind::UserSegfault => {
                let Some((task, fault)) = parse::segfault(text) else { return false };
                if self.folds(kind, &format!("{}[", task.name), number).is_some() {
                    return true;
                }
                let keep = context.clone();
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    self.out.events[event].task = Some(task);
                    self.out.events[event].detail = Detail::Segfault(fault);
                }
                // One line and no more: whatever was open goes on.
                *context = keep;
                true
            }
            EventKind::Device | EventKind::SlowInterrupt | EventKind::NetdevReference => {
                // Lists of modules and boot banners hold such words too.
                let anchor = rule
                    .anchors
                    .iter()
                    .find(|anchor| text.contains(**anchor))
                    .copied()
                    .unwrap_or_default();
                // Printing a stack takes its time: that handler is the report's own.
                if text.contains("nmi_cpu_backtrace_handler")
                    || self.folds(kind, anchor, number).is_some()
                {
                    return false;
                }
                let keep = context.clone();
                self.begin(context, kind, text, number, at);
                *context = keep;
                false
            }
            EventKind::FileSystem => {
                let anchor = rule
                    .anchors
                    .iter()
                    .find(|anchor| text.contains(**anchor))
                    .copied()
                    .unwrap_or_default();
                if anchor == "Internal error " && !text.contains("XFS")
                    || self.folds(kind, anchor, number).is_some()
                {
                    return false;
                }
                self.begin(context, kind, text, number, at);
                true
            }
            EventKind::FaultOomLeaked if self.echo(number) => true,
            EventKind::Hardware => {
                let event = self
                    .folds(kind, "", number)
                    .or_else(|| self.begin(context, kind, text, number, at));
                if let Some(event) = event {
                    let detail = &mut self.out.events[event].detail;
                    let before = matches!(detail, Detail::Hardware { severe: true });
                    *detail = Detail::Hardware { severe: before || is_severe(text) };
                }
                true
            }
            EventKind::FaultOomLeaked => {
                if self.folds(kind, "", number).is_none() {
                    self.begin(context, kind, text, number, at);
                }
                true
            }
            EventKind::Panic => {
                self.begin(context, kind, text, number, at);
                true
            }
        }
    }

    /// Ties `VM_FAULT_OOM leaked out` to the allocation failure printed before it.
    fn echo(&mut self, number: u64) -> bool {
        let boot = self.out.clock.boots();
        let near = self
            .out
            .events
            .iter_mut()
            .rfind(|event| event.kind == EventKind::AllocationFailure && event.boot == boot);
        let Some(event) = near.filter(|event| number <= event.lines.last + 200) else {
            return false;
        };
        if let Detail::Memory(memory) = &mut event.detail {
            memory.echo.get_or_insert(number);
        }
        event.lines.last = event.lines.last.max(number);
        true
    }

    /// Whether the context's event has one of the kinds and its last line is that close.
    fn absorbed(&self, context: &Context, kinds: &[EventKind], number: u64, within: u64) -> bool {
        context.event.is_some_and(|event| {
            let event = &self.out.events[event];
            let last = if context.mixed { context.last_line } else { event.lines.last };
            kinds.contains(&event.kind) && number <= last + within
        })
    }

    /// A symbolised headline stands once for each inlined function, the one that was called last. Takes the line
    /// into the event that its first form began.
    fn inlined(
        &mut self,
        context: &Context,
        kind: EventKind,
        text: &str,
        number: u64,
    ) -> Option<usize> {
        let index = context.event?;
        let event = &mut self.out.events[index];
        let head = |text: &str| text.trim().split(" in ").next().unwrap_or_default().len();
        let same = event.kind == kind
            && event.headline.ends_with("[inline]")
            && number <= event.lines.last + 3
            && event.headline.get(..head(&event.headline)) == text.trim().get(..head(text));
        same.then(|| {
            event.headline = bounded(text.trim(), 240);
            event.lines.last = event.lines.last.max(number);
            index
        })
    }

    /// Counts the line as a repetition of an earlier event of the kind whose headline has the text.
    fn folds(&mut self, kind: EventKind, text: &str, number: u64) -> Option<usize> {
        let boot = self.out.clock.boots();
        let index = self.out.events.iter().rposition(|event| {
            event.kind == kind && event.boot == boot && event.headline.contains(text)
        })?;
        let event = &mut self.out.events[index];
        event.repeats += 1;
        event.last_repeat = Some(model::LineSpan::line(number));
        Some(index)
    }

    fn stall(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let flavour = text
            .split_whitespace()
            .find(|word| word.starts_with("rcu_") && !word.ends_with(':'))
            .unwrap_or("rcu")
            .to_owned();
        let mut stall =
            Stall { flavour, self_detected: text.contains("self-detected"), ..Stall::default() };
        if kind == EventKind::RcuExpeditedStall {
            let (cpus, tasks, jiffies) = parse::expedited(text, number);
            stall.cpus = cpus;
            stall.tasks = tasks;
            stall.period = jiffies.map(|jiffies| crate::event::StallPeriod {
                line: number,
                jiffies,
                number: number_after(text, " s: ").unwrap_or(0),
                completed: None,
                callbacks: None,
                cpus: None,
                detected_by: None,
                at,
            });
        } else if let Some(list) = between(text, "{", "}") {
            // Before 3.10 or so the whole stall is one line: `{ 0 2} (detected by 1, t=…)`.
            stall.cpus = list
                .split_whitespace()
                .filter_map(crate::text::number)
                .map(|cpu| crate::event::StallCpu { line: number, cpu, ..Default::default() })
                .take(1024)
                .collect();
            stall.tasks = parse::stall_tasks(list, number);
            stall.period = parse::stall_period(text, number)
                .map(|period| crate::event::StallPeriod { at, ..period });
        } else if let Some(cpu) = number_after(text, "detected stall on CPU ") {
            // Before 3.10 or so a CPU that found itself said so in one line.
            stall.self_detected = true;
            stall.cpus = vec![crate::event::StallCpu { line: number, cpu, ..Default::default() }];
            stall.period = parse::stall_period(text, number)
                .map(|period| crate::event::StallPeriod { at, ..period });
        }
        if let Some(event) = self.begin(context, kind, text, number, at) {
            if let [only] = stall.cpus.as_slice() {
                self.out.events[event].cpu = Some(only.cpu);
            }
            self.out.events[event].detail = Detail::Stall(Box::new(stall));
        }
        true
    }

    fn starved(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let Some(starved) = parse::starved(text, number) else { return false };
        let timer = text.contains("timer wakeup");
        // The stall that this line belongs to may be open in another printer's lines.
        let owner = context.event.filter(|event| matches!(self.out.events[*event].detail, Detail::Stall(_))).or_else(|| {
            self.out.events.iter().rposition(|event| {
                matches!(&event.detail, Detail::Stall(stall) if stall.flavour == starved.flavour) && number <= event.lines.last + 600
            })
        });
        let owner = match owner {
            Some(owner) => owner,
            None => {
                let Some(event) =
                    self.begin(context, EventKind::RcuKthreadStarved, text, number, at)
                else {
                    return true;
                };
                self.out.events[event].detail = Detail::Stall(Box::new(Stall {
                    flavour: starved.flavour.clone(),
                    ..Stall::default()
                }));
                event
            }
        };
        context.event = Some(owner);
        context.snapshot = None;
        if let Detail::Stall(stall) = &mut self.out.events[owner].detail {
            if timer {
                stall.timer = Some((number, None, None));
            }
            if !timer || stall.starved.is_none() {
                stall.starved = Some(starved);
            }
        }
        true
    }

    fn hung(&mut self, context: &mut Context, text: &str, number: u64, at: Option<Moment>) -> bool {
        if let Some((waiter, owner, how)) = parse::owner(text) {
            for event in self.out.events.iter_mut().rev().take(4) {
                if let Detail::Hung(scan) = &mut event.detail
                    && let Some(member) =
                        scan.members.iter_mut().rfind(|member| member.task.pid == waiter.pid)
                {
                    member.owner = Some((number, owner, how));
                    event.lines.last = event.lines.last.max(number);
                    // What follows is the stack of the owner.
                    context.member = None;
                    context.snapshot = None;
                    return true;
                }
            }
            // Its own report is lost; the line says as much.
            let scan = self.scan.filter(|scan| {
                let event = &self.out.events[*scan];
                event.boot == self.out.clock.boots() && number < event.lines.last + 400
            });
            if let Some(Detail::Hung(scan)) = scan.map(|scan| &mut self.out.events[scan].detail)
                && scan.members.len() < MEMBER_LIMIT
            {
                scan.members.push(HungTask {
                    line: number,
                    task: waiter,
                    seconds: 0,
                    in_io_wait: false,
                    snapshot: None,
                    owner: Some((number, owner, how)),
                    at,
                });
                return true;
            }
            return false;
        }
        let headless = text.contains("hung_task_timeout_secs");
        if headless {
            let expected = context.member.is_some() && number <= context.last_line + 3;
            if expected || !text.contains("echo") {
                return expected;
            }
        }
        let (task, seconds, in_io_wait) = match parse::hung(text) {
            Some(found) => found,
            // The first line is lost; the header that follows names the task.
            None if headless => (Task::default(), 0, false),
            None => return false,
        };
        let scan = self.scan.filter(|scan| self.same_scan(*scan, &task, seconds, number, at));
        let index = match scan {
            Some(index) => index,
            None => {
                let Some(index) = self.begin(context, EventKind::HungTasks, text, number, at)
                else {
                    return true;
                };
                self.out.events[index].detail = Detail::Hung(HungScan::default());
                self.out.events[index].task = Some(task.clone());
                self.scan = Some(index);
                index
            }
        };
        *context = Context { event: Some(index), ..Context::default() };
        if let Detail::Hung(scan) = &mut self.out.events[index].detail {
            scan.listed = false;
            if scan.members.len() < MEMBER_LIMIT {
                scan.members.push(HungTask {
                    line: number,
                    task,
                    seconds,
                    in_io_wait,
                    snapshot: None,
                    owner: None,
                    at,
                });
                context.member = Some(scan.members.len() - 1);
            } else {
                scan.more += 1;
            }
        }
        true
    }

    fn same_scan(
        &self,
        scan: usize,
        task: &Task,
        seconds: u32,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let event = &self.out.events[scan];
        let Detail::Hung(members) = &event.detail else { return false };
        let Some(last) = members.members.last() else { return true };
        if event.boot != self.out.clock.boots()
            || members
                .members
                .iter()
                .any(|member| task.pid.is_some() && member.task.pid == task.pid)
        {
            return false;
        }
        match (last.at, at) {
            (Some(earlier), Some(later)) => {
                self.out.clock.between(earlier, later).is_some_and(|gap| gap.abs() < SAME_SCAN)
            }
            _ => {
                (seconds.abs_diff(last.seconds) < 5 || last.seconds == 0)
                    && number < event.lines.last + 400
            }
        }
    }

    fn lockup(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let cpu: Option<u32> = number_after(text, "CPU#")
            .or_else(|| number_after(text, "LOCKUP on cpu "))
            .or_else(|| number_after(text, "on other CPUs "))
            .or_else(|| number_after(text, "LOCKUP other CPUS:"))
            .or_else(|| number_after(text, "CPU "))
            .or_else(|| number_after(text, "Watchdog CPU:"));
        // A line that speaks of lockups names the CPU; one that does not is a title or prose.
        if cpu.is_none() || kind == EventKind::HardLockup && !text.contains("LOCKUP") {
            return false;
        }
        let task = after(text, "! [")
            .and_then(|rest| rest.rsplit_once(']'))
            .and_then(|(task, _)| parse::name_colon_pid(task));
        let seconds = number_after(text, "stuck for ");
        let boot = self.out.clock.boots();
        // Before 4.4 or so the detector said it by an assertion of its own.
        if let Some(event) = context.event.filter(|event| {
            let event = &self.out.events[*event];
            event.kind == EventKind::Warning
                && number <= event.lines.last + 3
                && event.headline.contains("watchdog")
        }) {
            let event = &mut self.out.events[event];
            event.kind = kind;
            event.line = number;
            event.cpu = cpu;
            event.headline = bounded(text.trim(), 240);
            event.detail = Detail::Lockup { seconds };
            return true;
        }
        let earlier = self.out.events.iter().rposition(|event| {
            event.kind == kind
                && event.boot == boot
                && event.cpu == cpu
                && (task.is_none() || event.task == task)
        });
        if let Some(earlier) = earlier {
            let event = &mut self.out.events[earlier];
            event.repeats += 1;
            event.last_repeat = Some(model::LineSpan::line(number));
            // Its stack is worth having where the first report had none.
            if event.snapshots.is_empty() {
                *context = Context { event: Some(earlier), ..Context::default() };
                return true;
            }
            self.requester = None;
            *context = Context::default();
            return true;
        }
        // The report of another CPU is still being printed, and nothing marks the lines of either.
        let mixed = context.event.is_some_and(|event| {
            let event = &self.out.events[event];
            matches!(event.detail, Detail::Lockup { .. })
                && event.cpu != cpu
                && number <= event.lines.last + 4
        }) && context.snapshot.is_some_and(|s| self.out.snapshots[s].frames.is_empty());
        if let Some(event) = self.begin(context, kind, text, number, at) {
            let event = &mut self.out.events[event];
            event.cpu = cpu;
            event.task = task;
            event.detail = Detail::Lockup { seconds };
            context.mixed = mixed;
        }
        true
    }

    fn workqueue(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let mut report = WorkqueueReport::default();
        let mut task = None;
        match kind {
            EventKind::WorkqueueLockup => {
                report.cpus = crate::text::word_after(text, "cpus=")
                    .map(|cpus| bounded(cpus, 40))
                    .unwrap_or_default();
                report.seconds = number_after(text, "stuck for ");
                if self.folds(kind, "", number).is_some() {
                    let index = self.out.events.iter().rposition(|event| event.kind == kind);
                    let empty = index.is_some_and(|i| matches!(&self.out.events[i].detail, Detail::Workqueue(r) if r.in_flight.is_empty() && r.pending.is_empty()));
                    *context = Context { event: index.filter(|_| empty), ..Context::default() };
                    return true;
                }
            }
            EventKind::WorkqueueHog => {
                report.function = text
                    .split(" hogged CPU for")
                    .next()
                    .and_then(|head| head.split_whitespace().next_back())
                    .map(|f| bounded(parse::plain(f), 80));
                let name = report.function.clone().unwrap_or_default();
                if self.folds(kind, &name, number).is_some() {
                    return false;
                }
                let keep = context.clone();
                if let Some(event) = self.begin(context, kind, text, number, at) {
                    self.out.events[event].detail = Detail::Workqueue(report);
                }
                *context = keep;
                return false;
            }
            _ => {
                report.function =
                    after(text, "workfn=").map(|f| bounded(parse::plain(f.trim()), 80));
                task = between(text, "RCU: ", "[")
                    .zip(between(text, "[", "]"))
                    .and_then(|(name, pid)| Some(Task::new(bounded(name, 64), pid.parse().ok()?)));
            }
        }
        if let Some(event) = self.begin(context, kind, text, number, at) {
            self.out.events[event].detail = Detail::Workqueue(report);
            self.out.events[event].task = task;
        }
        true
    }

    fn memory(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        if kind == EventKind::OutOfMemory && text.contains("out of memory: Kill")
            || text.contains("Out of memory: Kill")
        {
            let task = number_after(text, "rocess ").map(|pid| Task {
                name: between(text, "(", ")").map(|name| bounded(name, 64)).unwrap_or_default(),
                pid: Some(pid),
            });
            let open = self
                .out
                .events
                .iter()
                .rposition(|event| event.kind == kind && number <= event.lines.last + 3_000);
            let index = match open {
                Some(index) => index,
                None => {
                    let Some(index) = self.begin(context, kind, text, number, at) else {
                        return true;
                    };
                    self.out.events[index].detail = Detail::Memory(Box::default());
                    index
                }
            };
            let event = &mut self.out.events[index];
            if let (Detail::Memory(memory), Some(task)) = (&mut event.detail, task)
                && memory.killed.len() < 64
            {
                memory.killed.push((number, task));
            }
            return true;
        }
        let name = text
            .split(if kind == EventKind::OutOfMemory {
                " invoked oom-killer"
            } else {
                ": page allocation failure"
            })
            .next();
        let report = MemoryReport {
            order: number_after(text, "order:").or_else(|| number_after(text, "order=")),
            mode: after(text, "mode:")
                .or_else(|| after(text, "gfp_mask="))
                .map(|mode| {
                    let end = mode
                        .find(')')
                        .map_or_else(|| mode.find(',').unwrap_or(mode.len()), |at| at + 1);
                    bounded(&mode[..end], 160)
                })
                .unwrap_or_default(),
            nodemask: crate::text::word_after(text, "nodemask=").map(|mask| {
                bounded(mask.split(",cpuset=").next().unwrap_or(mask).trim_end_matches(','), 40)
            }),
            mems_allowed: crate::text::word_after(text, "mems_allowed=")
                .map(|mems| bounded(mems, 40)),
            ..MemoryReport::default()
        };
        if let Some(event) = self.begin(context, kind, text, number, at) {
            self.out.events[event].detail = Detail::Memory(Box::new(report));
            self.out.events[event].task =
                name.map(|name| Task { name: bounded(name.trim(), 64), pid: None });
        }
        true
    }

    fn trap(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        // `traps: x[1] general protection fault ip:…` is a user program's.
        if text.contains("traps: ") && text.contains(" ip:") {
            return false;
        }
        // The names of s390's exceptions are everyday words; a report of the kernel's own counts itself.
        let everyday = ["exception: ", "privileged operation: ", "Low-address protection: "];
        if everyday.iter().any(|name| text.contains(name))
            && !text.contains("[#")
            && !text.contains("Unable to handle")
        {
            return false;
        }
        let same = [
            EventKind::Fault,
            EventKind::KernelBug,
            EventKind::StackOverflow,
            EventKind::Corruption,
            EventKind::Refcount,
            EventKind::SpinlockBug,
            EventKind::Ubsan,
        ];
        if self.absorbed(context, &same, number, SAME_TRAP)
            && (!text.contains("kernel BUG at") || self.absorbed(context, &same[3..], number, 4))
        {
            if let Some(event) = context.event
                && let Detail::Trap(trap) = &mut self.out.events[event].detail
                && text.contains("Oops")
            {
                trap.oops = Some(number);
            }
            return true;
        }
        let address = hex_after(text, "address: ")
            .or_else(|| hex_after(text, "virtual address "))
            .or_else(|| hex_after(text, " at 0x"))
            .or_else(|| hex_after(text, "request at "))
            .or_else(|| hex_after(text, "dereference at "))
            .or_else(|| hex_after(text, "data at address "))
            .or_else(|| hex_after(text, "probably for non-canonical address "));
        let place = after(text, "kernel BUG at ")
            .map(|place| bounded(place.trim_end_matches('!').trim(), 120));
        if let Some(event) = self.begin(context, kind, text, number, at) {
            self.out.events[event].detail = Detail::Trap(Trap {
                line: number,
                address,
                place,
                function: None,
                oops: text.contains("Oops").then_some(number),
            });
        }
        true
    }

    fn warning(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        if text.contains("BUG: using ") {
            self.begin(context, EventKind::Warning, text, number, at);
            return true;
        }
        let Some(rest) = after(text, "WARNING: ") else { return false };
        let (cpu, task, place, function) = if rest.starts_with("CPU: ") || rest.starts_with("at ") {
            let place = after(rest, "at ").unwrap_or_default();
            let mut words = place.split_whitespace();
            let pid: Option<u32> = number_after(rest, "PID: ");
            (
                number_after(rest, "CPU: "),
                pid.map(|pid| Task { name: String::new(), pid: Some(pid) }),
                words.next(),
                words.next(),
            )
        } else if let Some((place, tail)) = rest.split_once(" at ") {
            // From 6.19 or so: `WARNING: file:line at function, CPU#c: name/pid`.
            let Some((function, tail)) = tail.split_once(", CPU#") else { return false };
            let task = tail.split_once(": ").and_then(|(_, task)| parse::name_slash_pid(task));
            (crate::text::number(tail), task, Some(place), Some(function))
        } else {
            return false;
        };
        if !place.is_some_and(|place| place.contains(':')) {
            return false;
        }
        let kinds = [EventKind::RcuVoluntarySwitch, EventKind::Refcount, EventKind::Corruption];
        if self.absorbed(context, &kinds, number, 3) {
            if let Some(event) = context.event.map(|event| &mut self.out.events[event]) {
                event.cpu = event.cpu.or(cpu);
                event.task = event.task.take().or(task);
            }
            return true;
        }
        let open = context.event.map(|event| &mut self.out.events[event]);
        if let Some(event) = open
            .filter(|event| event.headline.ends_with("[inline]") && number <= event.lines.last + 3)
            && let Detail::Trap(trap) = &mut event.detail
            && trap.place.as_deref() == place
        {
            trap.function =
                function.map(|f| bounded(parse::plain(f.split('+').next().unwrap_or(f)), 80));
            event.headline = bounded(text.trim(), 240);
            return true;
        }
        // The same place again: counted, and its lines belong to nothing new.
        if let Some(place) = place
            && self.folds(EventKind::Warning, place, number).is_some()
        {
            *context = Context::default();
            return true;
        }
        // `rcu_note_context_switch` warns without a text before 5.15.
        let function =
            function.map(|f| bounded(parse::plain(f.split('+').next().unwrap_or(f)), 80));
        let kind = if function.as_deref() == Some("rcu_note_context_switch") {
            EventKind::RcuVoluntarySwitch
        } else {
            EventKind::Warning
        };
        if let Some(event) = self.begin(context, kind, text, number, at) {
            let event = &mut self.out.events[event];
            event.cpu = cpu;
            event.task = task;
            event.detail = Detail::Trap(Trap {
                line: number,
                address: None,
                place: place.map(|p| bounded(p, 120)),
                function,
                oops: None,
            });
        }
        true
    }
}

/// Whether the stack is still empty and so waits for the lines that follow its header.
pub(super) fn is_bare(snapshot: &Snapshot) -> bool {
    snapshot.frames.is_empty() && snapshot.instruction.is_empty()
}
