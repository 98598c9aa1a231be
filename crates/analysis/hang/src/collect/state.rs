//! What was collected so far, and what each printer is in the middle of.

use std::collections::{HashMap, VecDeque};

use model::LineSpan;
use parse_console::Caller;

use super::detail::is_said;
use crate::clock::{Clock, Moment};
use crate::event::{Detail, Event, EventId, EventKind, LockList, Role, Snapshot, SnapshotId, Task};
use crate::kernel::{Kernel, Kernels};
use crate::text::bounded;

/// Events kept. Further ones are counted in [`Observations::dropped`].
pub const EVENT_LIMIT: usize = 4_096;
/// Stacks kept.
pub const SNAPSHOT_LIMIT: usize = 12_288;
/// Frames kept of one stack.
pub const FRAME_LIMIT: usize = 160;
/// Tasks kept of one scan of the hung task detector.
pub const MEMBER_LIMIT: usize = 256;
/// Lists of held locks kept.
pub const LOCK_LIST_LIMIT: usize = 4_096;
/// Inlined functions kept of one lock.
pub(super) const INLINED_LIMIT: usize = 8;
/// Printers followed at once.
pub(super) const CONTEXT_LIMIT: usize = 1_024;
/// Lines of the same printer without meaning for an open report after which it is closed.
pub(super) const QUIET_LINES: u32 = 40;
/// Lines kept of a warning's message.
pub(super) const MESSAGE_LINES: usize = 4;
/// A kernel says its version within so many lines of its start; before it stand firmware and loader.
pub(super) const BOOT_START: u64 = 60;

/// Everything the log reports, before any conclusion.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// The kernels, by boot.
    pub kernels: Kernels,
    /// The events in the order of their first lines.
    pub events: Vec<Event>,
    /// The stacks.
    pub snapshots: Vec<Snapshot>,
    /// Lists of held locks; a later list of the same task replaces an earlier one only if both name it.
    pub locks: Vec<LockList>,
    /// The clock of the log.
    pub clock: Clock,
    /// Lines read.
    pub lines: u64,
    /// Events beyond [`EVENT_LIMIT`].
    pub dropped: u64,
    /// The line saying that lockdep is off (R55).
    pub lockdep_off: Option<u64>,
    /// The line saying that hung task reports are suppressed from here on (R34).
    pub hung_suppressed: Option<u64>,
    /// The first stack outside of any report.
    pub trace: Option<u64>,
    /// A line saying that messages were lost.
    pub messages_lost: Option<u64>,
    /// The line heading a list of all locks in the system.
    pub all_locks: Option<u64>,
    /// Lines saying that a thread overran its stack or that a stack is corrupted, each with the event in whose report
    /// it stands.
    pub stack_suspect: Vec<(u64, Option<EventId>)>,
    /// What workers execute, by lists of busy workqueues.
    pub work: Vec<WorkLine>,
    /// Pools of workers: boot, line, number, idle workers.
    pub pools: Vec<(u32, u64, u64, u64)>,
    /// Lines before the first event of a boot that are not routine, each with that event.
    pub context: Vec<Aside>,
}

/// A work item that a worker executes or that waits for one, with those who wait for its end.
#[derive(Clone, Debug)]
pub struct WorkLine {
    /// The boot.
    pub boot: u32,
    /// Line of the log.
    pub line: u64,
    /// The worker; none for an item that waits for one.
    pub worker: Option<u32>,
    /// The work function.
    pub function: String,
    /// Seconds, where printed.
    pub seconds: Option<u64>,
    /// Tasks behind a barrier, `BAR(pid)`: they flush the item.
    pub flushers: Vec<u32>,
}

/// A line before the first event of its boot that is not routine.
#[derive(Clone, Debug)]
pub struct Aside {
    /// The event.
    pub event: EventId,
    /// Line of the log.
    pub line: u64,
    /// The message, at most 240 bytes.
    pub text: String,
}

impl Observations {
    /// The stack with that number.
    pub fn snapshot(&self, id: SnapshotId) -> &Snapshot {
        &self.snapshots[id.0]
    }

    /// The kernel of the event's boot.
    pub fn kernel_of(&self, event: &Event) -> &Kernel {
        self.kernels.of(event.boot)
    }

    /// The event with that number.
    pub fn event(&self, id: EventId) -> &Event {
        &self.events[id.0]
    }

    /// Whether one event was printed before the other, both of one boot: by their times, else by where they stand.
    pub fn precedes(&self, one: &Event, other: &Event) -> bool {
        let gap = one.at.zip(other.at).and_then(|(one, other)| self.clock.between(one, other));
        match gap {
            Some(gap) if gap != 0 => gap > 0,
            _ => one.id < other.id,
        }
    }

    /// The reports of a boot that tell of the grace period with that number.
    pub fn reports_of_period(&self, boot: u32, number: i64) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| {
            event.boot == boot
                && matches!(&event.detail, Detail::Stall(stall)
                    if stall.period.as_ref().is_some_and(|period| period.number == number))
        })
    }

    /// The stacks of an event that stand for what the report is about.
    pub fn subjects<'a>(
        &'a self,
        event: &'a Event,
    ) -> impl Iterator<Item = (SnapshotId, &'a Snapshot)> {
        event
            .snapshots
            .iter()
            .map(|id| (*id, self.snapshot(*id)))
            .filter(|(_, s)| s.role == Role::Subject)
    }
}

/// What a printer is in the middle of.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) event: Option<usize>,
    pub(super) snapshot: Option<usize>,
    pub(super) locks: Option<usize>,
    /// The hung task whose lines are being printed.
    pub(super) member: Option<usize>,
    pub(super) role: Role,
    pub(super) interrupt: bool,
    /// `Task dump for CPU n:` stands before the header it belongs to.
    pub(super) dump_cpu: Option<u32>,
    /// Lockdep announces a lock on the next line: wanted (true) or held.
    pub(super) lock_follows: Option<bool>,
    /// Line of `cut here` or of a ruler.
    pub(super) opening: Option<u64>,
    /// The lines behind a `cut here`, before the headline: what `WARN(condition, text)` says.
    pub(super) said: Vec<(u64, String)>,
    /// The line of a `?` whose function stands on the next one.
    pub(super) leftover: Option<u64>,
    /// The opening is a `cut here`.
    pub(super) cut: bool,
    /// Number of the last entry of the list of held locks.
    pub(super) lock_index: Option<u32>,
    /// Inside a list of blocked tasks that was asked for.
    pub(super) listing: bool,
    pub(super) idle: u32,
    pub(super) last_line: u64,
    /// The lines add nothing to the event: a copy of its report, or two reports that run into each other
    /// without marks, so that whose the frames are cannot be told.
    pub(super) mixed: bool,
    /// Whose stack was asked for on a line before (`cat /proc/PID/stack`, `bt` of crash(8)), with that line and its text.
    pub(super) asked: Option<(Task, u64, String)>,
    /// A later sample of the event: its stacks count, its lines do not make the event longer.
    pub(super) again: bool,
}

/// Builds [`Observations`].
#[derive(Debug)]
pub struct Collector {
    pub(super) out: Observations,
    pub(super) contexts: HashMap<Option<Caller>, Context>,
    pub(super) open: usize,
    /// The last event that asks for stacks of other CPUs.
    pub(super) requester: Option<usize>,
    /// The last scan of the hung task detector.
    pub(super) scan: Option<usize>,
    /// A headline broken by a mail program: its line, when, and its text.
    pub(super) broken: Option<Begun>,
    /// Pieces of the log so far between which somebody speaks, and lines in a row of such words.
    pub(super) section: u32,
    pub(super) words: u32,
    /// The kernel said that it reboots.
    pub(super) rebooting: bool,
    /// The boot and line of the last `Linux version`.
    pub(super) banner: Option<(u32, u64)>,
    /// Lines of trouble since the boot began, while no event is known of it.
    pub(super) trouble: Vec<(u64, String, Option<Moment>)>,
    /// The last line with a printer, or its rest.
    pub(super) printed: (u64, Option<Caller>),
    /// The last lines of any kind, while no event of the boot is known.
    pub(super) last: VecDeque<(u64, String, Option<Moment>)>,
    /// The boot whose build is known, with release and number of the build.
    pub(super) build: Option<(u32, String, String)>,
}

/// Where a message stands: line, moment and printer, and whether a stamp, a level or a printer shows that a
/// console printed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) number: u64,
    pub(super) at: Option<Moment>,
    pub(super) caller: Option<Caller>,
    pub(super) stamped: bool,
}

/// The start of a message that goes on in the next line.
pub(super) type Begun = (Source, String);

impl Collector {
    /// The event of which a line is a copy: the same text at the same microsecond of a boot. Then both pieces of
    /// log are of one boot.
    pub(in crate::collect) fn copied(
        &mut self,
        kind: EventKind,
        text: &str,
        at: Option<Moment>,
    ) -> Option<usize> {
        let boot = self.out.clock.boots();
        let at = at.filter(|at| self.out.clock.is_since_boot(*at) && at.offset > 0)?;
        let headline = bounded(text.trim(), 240);
        let earlier = self.out.events.iter().rposition(|event| {
            event.boot != boot
                && event.kind == kind
                && event.headline == headline
                && event.at.is_some_and(|earlier| {
                    earlier.offset == at.offset && self.out.clock.is_since_boot(earlier)
                })
        });
        self.out.clock.unite(self.out.events[earlier?].boot);
        earlier
    }

    /// Begins an event in a context; `None` when the limit is reached or the report was read before.
    pub(in crate::collect) fn begin(
        &mut self,
        context: &mut Context,
        kind: EventKind,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> Option<usize> {
        if self.out.events.len() >= EVENT_LIMIT {
            self.out.dropped += 1;
            *context = Context::default();
            return None;
        }
        if self.out.clock.boots() > 0
            && let Some(earlier) = self.copied(kind, text, at)
        {
            *context = Context {
                event: Some(earlier),
                mixed: true,
                last_line: number,
                ..Context::default()
            };
            return None;
        }
        if std::mem::take(&mut self.rebooting) {
            self.out.clock.new_boot(number);
        }
        let index = self.out.events.len();
        self.tell_trouble(index, at);
        let message = std::mem::take(&mut context.said);
        let ruler = context.opening.filter(|line| !context.cut && number - line <= 2);
        let first = ruler.unwrap_or(number);
        self.out.events.push(Event {
            id: EventId(index),
            kind,
            lines: LineSpan::new(first, number),
            line: number,
            headline: bounded(text.trim(), 240),
            task: None,
            cpu: None,
            at,
            boot: self.out.clock.boots(),
            section: self.section,
            snapshots: Vec::new(),
            message,
            titles: Vec::new(),
            repeats: 0,
            last_repeat: None,
            detail: Detail::None,
        });
        *context = Context { event: Some(index), last_line: number, ..Context::default() };
        if kind.is_hang() {
            self.requester = Some(index);
        }
        Some(index)
    }

    /// Keeps the lines of trouble that stand shortly before the first event of a boot.
    fn tell_trouble(&mut self, index: usize, at: Option<Moment>) {
        /// Trouble so long before an event, in microseconds, is not told with it.
        const BEFORE: i64 = 30_000_000;
        /// What was printed so shortly before, whatever it says.
        const JUST_BEFORE: i64 = 50_000;
        let boot = self.out.clock.boots();
        if self.out.events.iter().any(|event| event.boot == boot) {
            return;
        }
        let clock = &self.out.clock;
        let near = |when: Option<Moment>, within: i64| {
            let gap = when.zip(at).and_then(|(when, at)| clock.between(when, at));
            gap.is_some_and(|gap| (0..=within).contains(&gap))
        };
        let trouble = self.trouble.drain(..).filter(|(.., when)| near(*when, BEFORE));
        let last = self.last.drain(..).filter(|(.., when)| near(*when, JUST_BEFORE));
        let mut before: Vec<_> = trouble.chain(last).collect();
        before.sort_by_key(|(line, ..)| *line);
        before.dedup_by_key(|(line, ..)| *line);
        let event = EventId(index);
        self.out.context.extend(before.into_iter().map(|(line, text, _)| Aside {
            event,
            line,
            text,
        }));
    }

    /// Begins a stack. It belongs to the context's event, or to the last one that asked for stacks.
    pub(in crate::collect) fn begin_snapshot(
        &mut self,
        context: &mut Context,
        number: u64,
        at: Option<Moment>,
    ) -> Option<usize> {
        if self.out.snapshots.len() >= SNAPSHOT_LIMIT {
            context.snapshot = None;
            return None;
        }
        let index = self.out.snapshots.len();
        self.out.snapshots.push(Snapshot {
            lines: Some(LineSpan::line(number)),
            role: context.role,
            at,
            ..Snapshot::default()
        });
        context.snapshot = Some(index);
        context.interrupt = false;
        context.locks = None;
        let owner = context.event.or(self.recent_requester(number));
        if let Some(owner) = owner {
            let event = &mut self.out.events[owner];
            event.snapshots.push(SnapshotId(index));
            match (&mut event.detail, context.role) {
                (Detail::Stall(stall), Role::GracePeriodThread) => {
                    stall.kthread_stack = Some(SnapshotId(index));
                }
                (Detail::Bad(bad), Role::Allocated) => bad.allocated = Some(SnapshotId(index)),
                (Detail::Bad(bad), Role::Freed) => bad.freed = Some(SnapshotId(index)),
                (Detail::Bad(bad), Role::Related) => bad.related = Some(SnapshotId(index)),
                _ => {}
            }
            if let (Detail::Hung(scan), Some(member)) = (&mut event.detail, context.member)
                && let Some(member) = scan.members.get_mut(member)
                && member.snapshot.is_none()
            {
                member.snapshot = Some(SnapshotId(index));
                // The header may be lost; a task is reported as hung only while it sleeps in D.
                self.out.snapshots[index].task =
                    Some(member.task.clone()).filter(|task| task.pid.is_some());
                self.out.snapshots[index].state = Some('D');
            }
        }
        if context.role == Role::GracePeriodThread {
            context.role = Role::Subject;
        }
        Some(index)
    }

    /// The last event that asks for stacks of others, where it is near enough to have asked for these.
    pub(in crate::collect) fn recent_requester(&self, number: u64) -> Option<usize> {
        self.requester.filter(|event| {
            number <= self.out.events[*event].lines.last + 2_000
                && self.out.events[*event].boot == self.out.clock.boots()
        })
    }

    pub(in crate::collect) fn name_event_task(
        &mut self,
        context: &Context,
        task: &Task,
        cpu: Option<u32>,
    ) {
        let Some(event) = context.event.map(|event| &mut self.out.events[event]) else { return };
        // A stall or a scan names its tasks itself; the CPU that prints is a witness.
        if matches!(event.detail, Detail::Stall(_) | Detail::Hung(_))
            || context.role != Role::Subject
        {
            return;
        }
        match &event.task {
            None => event.task = Some(task.clone()),
            Some(known)
                if known.pid.is_none() || known.name.is_empty() && known.pid == task.pid =>
            {
                event.task = Some(task.clone());
            }
            // Another printer's header: every CPU's idle task has pid 0, its name tells it apart.
            Some(known)
                if known.pid != task.pid || task.pid == Some(0) && known.name != task.name =>
            {
                return;
            }
            Some(_) => {}
        }
        if event.cpu.is_none() {
            event.cpu = cpu;
        }
    }

    /// Counts the line as a repetition of an earlier event of the kind whose headline has the text.
    pub(in crate::collect) fn folds(
        &mut self,
        kind: EventKind,
        text: &str,
        number: u64,
    ) -> Option<usize> {
        let boot = self.out.clock.boots();
        let index = self.out.events.iter().rposition(|event| {
            event.kind == kind && event.boot == boot && event.headline.contains(text)
        })?;
        let event = &mut self.out.events[index];
        event.repeats += 1;
        event.last_repeat = Some(LineSpan::line(number));
        Some(index)
    }

    /// Whether the context's event has one of the kinds and its last line is that close.
    pub(in crate::collect) fn absorbed(
        &self,
        context: &Context,
        kinds: &[EventKind],
        number: u64,
        within: u64,
    ) -> bool {
        let boot = self.out.clock.boots();
        context.event.is_some_and(|event| {
            let event = &self.out.events[event];
            let last = if context.mixed { context.last_line } else { event.lines.last };
            event.boot == boot && kinds.contains(&event.kind) && number <= last + within
        })
    }

    /// A symbolised headline stands once for each inlined function, the one that was called last. Takes the line
    /// into the event that its first form began.
    pub(in crate::collect) fn inlined(
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
            event.line = number;
            event.lines.last = event.lines.last.max(number);
            index
        })
    }
}

impl Context {
    /// A line that means nothing else: behind `cut here` it is a part of a warning's message.
    pub(super) fn read_on(&mut self, text: &str, number: u64) {
        if self.cut && self.opening == Some(number) {
            return;
        }
        let follows = |opening: u64| number == opening + 1 + self.said.len() as u64;
        let is_message =
            self.cut && self.said.len() < MESSAGE_LINES && self.opening.is_some_and(follows);
        if is_message && is_said(text.trim()) {
            self.said.push((number, bounded(text.trim(), 240)));
        } else {
            self.opening = None;
            self.said.clear();
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.event.is_some()
            || self.snapshot.is_some()
            || self.locks.is_some()
            || self.listing
            || self.asked.is_some()
    }
}
