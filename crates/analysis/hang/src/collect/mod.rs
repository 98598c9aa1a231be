//! Lines to observations, one line after the other. Lines of different printers (CPUs, tasks) are kept
//! apart, so that interleaved reports and stacks stay whole.
//!
//! Invariant: memory is bounded by the limits below, whatever the log holds; what is dropped is counted.

mod detail;
mod headline;
mod place;
mod sanitizer;

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use model::LineSpan;
use parse_console::{Caller, Line};

use crate::clock::{Clock, Moment};
use crate::event::{Detail, Event, EventId, EventKind, LockList, Role, Snapshot, SnapshotId, Task};
use crate::kernel::{Ident, Kernel};
use crate::rules::EVENT_RULES;
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
/// Printers followed at once.
const CONTEXT_LIMIT: usize = 1_024;
/// Lines of the same printer without meaning for an open report after which it is closed.
const PATIENCE: u32 = 40;
/// A kernel says its version within so many lines of its start; before it stand firmware and loader.
const BOOT_START: u64 = 60;

/// Everything the log reports, before any conclusion.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// The kernel.
    pub kernel: Kernel,
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
    /// A line saying that messages were lost.
    pub messages_lost: Option<u64>,
    /// The line heading a list of all locks in the system.
    pub all_locks: Option<u64>,
    /// The line saying that a kernel stack was overrun or corrupted.
    pub stack_corrupted: Option<u64>,
}

impl Observations {
    /// The stack with that number.
    pub fn snapshot(&self, id: SnapshotId) -> &Snapshot {
        &self.snapshots[id.0]
    }

    /// The event with that number.
    pub fn event(&self, id: EventId) -> &Event {
        &self.events[id.0]
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
struct Context {
    event: Option<usize>,
    snapshot: Option<usize>,
    locks: Option<usize>,
    /// The hung task whose lines are being printed.
    member: Option<usize>,
    role: Role,
    interrupt: bool,
    /// `Task dump for CPU n:` stands before the header it belongs to.
    dump_cpu: Option<u32>,
    /// Lockdep announces a lock on the next line: wanted (true) or held.
    lock_follows: Option<bool>,
    /// Line of `cut here` or of a ruler.
    opening: Option<u64>,
    /// Number of the last entry of the list of held locks.
    lock_index: Option<u32>,
    /// Inside a list of blocked tasks that was asked for.
    listing: bool,
    idle: u32,
    last_line: u64,
    /// The lines add nothing to the event: a copy of its report, or two reports that run into each other
    /// without marks, so that whose the frames are cannot be told.
    mixed: bool,
}

/// Builds [`Observations`].
#[derive(Debug)]
pub struct Collector {
    out: Observations,
    contexts: HashMap<Option<Caller>, Context>,
    open: usize,
    /// The last event that asks for stacks of other CPUs.
    requester: Option<usize>,
    /// The last scan of the hung task detector.
    scan: Option<usize>,
    /// A headline broken by a mail program: its line, when, and its text.
    broken: Option<Begun>,
    /// The boot whose build is known, with release and number of the build.
    build: Option<(u32, String, String)>,
}

/// Where a message stands: line, moment and printer, and whether a stamp, a level or a printer shows that a
/// console printed it.
#[derive(Clone, Copy, Debug)]
struct Source {
    number: u64,
    at: Option<Moment>,
    caller: Option<Caller>,
    stamped: bool,
}

/// The start of a message that goes on in the next line.
type Begun = (Source, String);

/// Texts that matter outside of any report.
const ASIDES: &[&str] = &[
    "Linux version ",
    "INFO: task ",
    "smp: Brought up ",
    "SMP: Total of ",
    "lockdep is turned off",
    "hung task reports are suppressed",
    "printk messages dropped",
    "messages suppressed",
    "NMI backtrace for cpu ",
    "Task dump for CPU ",
    "------------[ cut here ]",
    "==================",
    " held by ",
    "Showing all locks held",
    "Showing busy workqueues",
    "Show Blocked State",
    "task:",
    "PID: ",
    "Not tainted",
    "Tainted: ",
    "stack corrupted",
    "Call Trace:",
    "Call trace:",
    "Backtrace:",
    "flags:0x",
    " 0x0000",
    " 0x8000",
];

/// The texts that begin events or matter beside them, and the row of [`EVENT_RULES`] of each; `None` for those
/// that are no events.
#[expect(clippy::expect_used, reason = "the patterns are constants; a test builds the automaton")]
static ANCHORS: LazyLock<(AhoCorasick, Vec<Option<usize>>)> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut rows = Vec::new();
    for (row, rule) in EVENT_RULES.iter().enumerate() {
        for anchor in rule.anchors {
            patterns.push(*anchor);
            rows.push(Some(row));
        }
    }
    for aside in ASIDES {
        patterns.push(aside);
        rows.push(None);
    }
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(patterns)
        .expect("constant patterns");
    (automaton, rows)
});

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector {
    /// A collector at the start of a log.
    pub fn new() -> Self {
        Self {
            out: Observations::default(),
            contexts: HashMap::new(),
            open: 0,
            requester: None,
            scan: None,
            broken: None,
            build: None,
        }
    }

    /// The texts of which a line of a quiet stretch has none: a reader may skip stretches without them.
    pub fn texts_that_matter() -> impl Iterator<Item = &'static str> {
        EVENT_RULES
            .iter()
            .flat_map(|rule| rule.anchors.iter().copied())
            .chain(ASIDES.iter().copied())
    }

    /// Whether a report is open, so that the next lines matter whatever they hold.
    pub fn is_inside_report(&self) -> bool {
        self.open > 0 || self.broken.is_some()
    }

    /// Takes the next line.
    pub fn line(&mut self, line: &Line<'_>) {
        self.out.lines = line.number;
        let at = self.out.clock.advance(line);
        let text = &*line.text;
        if text.trim_start().is_empty() {
            return;
        }
        let source = Source {
            number: line.number,
            at,
            caller: line.caller,
            stamped: line.stamp.is_some() || line.caller.is_some() || line.level.is_some(),
        };
        if let Some((begun, head)) = self.broken.take() {
            if line.stamp.is_none() && line.number <= begun.number + 2 {
                let joined = format!("{head} {}", text.trim());
                self.message(&joined, begun);
                return;
            }
            self.message(&format!("{head} "), begun);
        }
        if breaks_off(text) {
            self.broken = Some((source, bounded(text.trim_end(), 512)));
            return;
        }
        self.message(text, source);
    }

    /// Ends the log.
    pub fn finish(mut self) -> Observations {
        if let Some((begun, head)) = self.broken.take() {
            self.message(&format!("{head} "), begun);
        }
        self.headless_lockups();
        for event in &mut self.out.events {
            event.boot = self.out.clock.first_of(event.boot);
        }
        for list in &mut self.out.locks {
            list.boot = self.out.clock.first_of(list.boot);
        }
        self.out
    }

    /// A lockup is printed by the CPU that is stuck, or by one that then prints the other's header: a stack
    /// right under the headline without a header of its own is that of the CPU named there.
    fn headless_lockups(&mut self) {
        for event in &self.out.events {
            let Some(cpu) = event.cpu.filter(|_| matches!(event.detail, Detail::Lockup { .. }))
            else {
                continue;
            };
            let Some(snapshot) = event.snapshots.first().map(|id| &mut self.out.snapshots[id.0])
            else {
                continue;
            };
            let below = snapshot.lines.is_some_and(|lines| lines.first <= event.lines.first + 4);
            if below
                && snapshot.cpu.is_none()
                && snapshot.task.is_none()
                && snapshot.state.is_none()
            {
                snapshot.cpu = Some(cpu);
                snapshot.on_cpu = true;
                snapshot.task = Some(event.task.clone().unwrap_or_default());
            }
        }
    }

    fn message(&mut self, text: &str, source: Source) {
        let Source { number, caller, .. } = source;
        let mut row = usize::MAX;
        let mut aside = false;
        let (anchors, rows) = &*ANCHORS;
        let ends = place::is_end_mark(text);
        for hit in anchors.find_overlapping_iter(text).filter(|_| !ends) {
            match rows[hit.pattern().as_usize()] {
                Some(r) if r < row => {
                    let kind = EVENT_RULES[r].kind;
                    if source.stamped || place::stands(text, hit.start()..hit.end(), kind) {
                        row = r;
                    }
                }
                Some(_) => {}
                None => aside = true,
            }
        }
        if row == usize::MAX && !aside && self.open == 0 {
            return;
        }
        let mut context = self.contexts.remove(&caller).unwrap_or_default();
        let was_open = context.is_open();
        if was_open && (context.idle > PATIENCE || number > context.last_line + 2_000) {
            context = Context::default();
        }
        let at = match aside {
            true => self.marks(&mut context, text, number).or(source.at),
            false => source.at,
        };
        let taken = (row != usize::MAX && self.headline(&mut context, row, text, number, at))
            || ((context.is_open() || aside) && self.detail(&mut context, text, number, at));
        if taken {
            context.idle = 0;
            context.last_line = number;
            if let Some(event) = context.event.filter(|_| !context.mixed) {
                let lines = &mut self.out.events[event].lines;
                lines.last = lines.last.max(number);
            }
        } else {
            context.idle += 1;
            context.opening = None;
        }
        let is_open = context.is_open();
        if is_open && self.contexts.len() < CONTEXT_LIMIT || context.opening.is_some() {
            self.contexts.insert(caller, context);
        }
        self.open = (self.open + usize::from(is_open)).saturating_sub(usize::from(was_open));
        if number.is_multiple_of(4096) {
            self.contexts.retain(|_, context| number <= context.last_line + 4096);
            self.open = self.contexts.values().filter(|context| context.is_open()).count();
        }
    }

    /// What a line says of its kernel beside any report: which build prints, and whether it started anew. Gives
    /// the moment in the new boot.
    fn marks(&mut self, context: &mut Context, text: &str, number: u64) -> Option<Moment> {
        let text = text.trim();
        if text.contains("stack corrupted") {
            self.out.stack_corrupted.get_or_insert(number);
        }
        if text.starts_with("Linux version ") {
            let boot = self.out.clock.boots();
            let told = self.out.events.iter().any(|event| event.boot == boot);
            return (told && number > self.out.clock.began() + BOOT_START)
                .then(|| self.out.clock.new_boot(number))?;
        }
        if !text.contains("ainted") {
            return None;
        }
        self.out.kernel.observe(text, number);
        let Ident { release, number: build, .. } = Ident::read(text)?;
        let build = build?;
        let boot = self.out.clock.boots();
        let other = self.build.as_ref().is_some_and(|(of, known_release, known_build)| {
            *of == boot && (*known_release != release || *known_build != build)
        });
        let at = if other { self.out.clock.new_boot(number) } else { None };
        self.build = Some((self.out.clock.boots(), release, build));
        if other {
            self.requester = None;
            self.scan = None;
            // The headline of the report that tells the build stands in front of it.
            if let Some(event) = context.event.map(|event| &mut self.out.events[event]) {
                event.boot = self.out.clock.boots();
                event.at = at;
            }
        }
        at
    }

    /// The event of which a line is a copy: the same text at the same microsecond of a boot. Then both pieces of
    /// log are of one boot.
    fn copied(&mut self, kind: EventKind, text: &str, at: Option<Moment>) -> Option<usize> {
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
    fn begin(
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
        let index = self.out.events.len();
        let first = context.opening.filter(|line| number - line <= 2).unwrap_or(number);
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
            snapshots: Vec::new(),
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

    /// Begins a stack. It belongs to the context's event, or to the last one that asked for stacks.
    fn begin_snapshot(
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
    fn recent_requester(&self, number: u64) -> Option<usize> {
        self.requester.filter(|event| {
            number <= self.out.events[*event].lines.last + 2_000
                && self.out.events[*event].boot == self.out.clock.boots()
        })
    }

    fn name_event_task(&mut self, context: &Context, task: &Task, cpu: Option<u32>) {
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
}

impl Context {
    fn is_open(&self) -> bool {
        self.event.is_some() || self.snapshot.is_some() || self.locks.is_some() || self.listing
    }
}

/// Whether a headline was broken by a mail program and goes on in the next line.
fn breaks_off(text: &str) -> bool {
    let end = text.trim_end();
    (end.contains("BUG: soft lockup - CPU#") && !end.ends_with(']'))
        || (end.contains("INFO: task ")
            && end.contains(" blocked")
            && !end.ends_with(['.', '>'])
            && !end.contains(" seconds"))
        || (end.contains(" invoked oom-killer:") && !end.contains("order="))
        || (end.contains(": page allocation failure") && !end.contains("mode:"))
        || (end.trim_start().starts_with("task:")
            && end.contains("state:")
            && !end.contains(" pid:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_nothing_but_stalls_stays_within_the_limits() {
        let mut collector = Collector::new();
        let mut log = String::new();
        for n in 0..EVENT_LIMIT + 50 {
            log += &format!(
                "[{n:5}.000000] rcu: INFO: rcu_sched self-detected stall on CPU\n[{n:5}.000001] \t1-....: (9 ticks this GP) idle=1/1/0x0 softirq=1/2 fqs=3\n"
            );
        }
        for line in parse_console::lines(log.as_bytes()) {
            collector.line(&line);
        }
        let seen = collector.finish();
        assert_eq!(seen.events.len(), EVENT_LIMIT);
        assert_eq!(seen.dropped, 50);
    }
}
