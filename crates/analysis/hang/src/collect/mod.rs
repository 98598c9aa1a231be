//! Lines to observations, one line after the other. Lines of different printers (CPUs, tasks) are kept
//! apart, so that interleaved reports and stacks stay whole.
//!
//! Invariant: memory is bounded by the limits below, whatever the log holds; what is dropped is counted.

mod detail;
mod families;
mod place;
mod stack;
mod state;
mod trouble;

use std::collections::{HashMap, VecDeque};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use parse_console::{Line, shape};

use self::families::Head;
use self::state::{BOOT_START, CONTEXT_LIMIT, Context, QUIET_LINES, Source, WorkLine};
pub use self::state::{
    Collector, EVENT_LIMIT, FRAME_LIMIT, LOCK_LIST_LIMIT, MEMBER_LIMIT, Observations,
    SNAPSHOT_LIMIT,
};
use crate::clock::Moment;
use crate::event::{Detail, EventId};
use crate::kernel::{Ident, Kernel};
use crate::parse;
use crate::rules::EVENT_RULES;
use crate::text::{self, bounded, number_after};

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
    "Rebooting in ",
    "in-flight: ",
    "pending: ",
    " workers=",
    "/stack",
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
            section: 0,
            words: 0,
            rebooting: false,
            banner: None,
            trouble: Vec::new(),
            printed: (0, None),
            last: VecDeque::new(),
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
        let boot = self.out.clock.boots();
        let at = self.out.clock.advance(line);
        if self.out.clock.boots() != boot {
            self.left_boot();
        }
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
        let source = self.continued(source);
        self.piece(text, source.stamped);
        if let Some((begun, head)) = self.broken.take() {
            if line.stamp.is_none()
                && line.number <= begun.number + 2
                && (!is_named_inline(&head) || text.contains("[inline]"))
                && (!is_without_function(&head) || is_place(text))
            {
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

    /// A line without a stamp behind one of a warning's message is the rest of it, which a mail program broke off.
    fn continued(&mut self, source: Source) -> Source {
        let (before, caller) = self.printed;
        let is_rest = !source.stamped && caller.is_some() && before + 1 == source.number;
        let speaks = |context: &Context| context.opening.is_some() && !context.said.is_empty();
        let caller = match is_rest && self.contexts.get(&caller).is_some_and(speaks) {
            true => caller,
            false => source.caller,
        };
        self.printed = (source.number, caller);
        Source { caller, ..source }
    }

    /// Counts the pieces of a log between which somebody speaks.
    fn piece(&mut self, text: &str, stamped: bool) {
        /// So many lines of words are somebody's; a single one may be a driver's.
        const SPOKEN: u32 = 2;
        if stamped || shape::begins(text) {
            self.section += u32::from(self.words >= SPOKEN);
            self.words = 0;
        } else if place::is_spoken(text) {
            self.words += 1;
        }
    }

    /// Ends the log.
    pub fn finish(mut self) -> Observations {
        if let Some((begun, head)) = self.broken.take() {
            self.message(&format!("{head} "), begun);
        }
        self.headless_lockups();
        self.name_tasks();
        for boot in 0..=self.out.clock.boots() {
            let first = self.out.clock.first_of(boot);
            if first != boot {
                self.out.kernels.unite(first, boot);
            }
        }
        for event in &mut self.out.events {
            event.boot = self.out.clock.first_of(event.boot);
        }
        for list in &mut self.out.locks {
            list.boot = self.out.clock.first_of(list.boot);
        }
        self.out
    }

    /// A headline that tells a pid only gets the name that the next header of that task tells.
    fn name_tasks(&mut self) {
        /// Lines behind a report within which a pid is not used anew.
        const NEAR: u64 = 200;
        for event in &mut self.out.events {
            let last = event.lines.last;
            let Some(task) = event.task.as_mut().filter(|task| task.name.is_empty()) else {
                continue;
            };
            let from = self.out.snapshots.partition_point(|snapshot| {
                snapshot.lines.is_none_or(|lines| lines.first < event.lines.first)
            });
            let named = self.out.snapshots[from..].iter().take(8).find_map(|snapshot| {
                let near = snapshot.header.is_some_and(|header| header <= last + NEAR);
                snapshot.task.as_ref().filter(|other| {
                    near && other.pid == task.pid && task.pid > Some(0) && !other.name.is_empty()
                })
            });
            if let Some(named) = named {
                task.name.clone_from(&named.name);
            }
        }
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
        let opening = |context: &Context| context.opening.is_some();
        if row == usize::MAX
            && !aside
            && self.open == 0
            && !self.contexts.get(&caller).is_some_and(opening)
        {
            self.note(text, source);
            return;
        }
        let mut context = self.contexts.remove(&caller).unwrap_or_default();
        let was_open = context.is_open();
        if was_open && (context.idle > QUIET_LINES || number > context.last_line + 2_000) {
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
            if let Some(event) = context.event.filter(|_| !context.mixed && !context.again) {
                let lines = &mut self.out.events[event].lines;
                lines.last = lines.last.max(number);
            }
        } else {
            context.idle += 1;
            context.read_on(text, number);
            if row == usize::MAX && !was_open && !aside {
                self.note(text, source);
            }
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

    /// Takes a line with an anchor of the row. False when the line turns out to be something else.
    fn headline(
        &mut self,
        context: &mut Context,
        row: usize,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let rule = &EVENT_RULES[row];
        let head = Head { kind: rule.kind, anchors: rule.anchors, text, number, at };
        families::begin(self, context, &head)
    }

    /// The kernel that prints.
    fn kernel(&mut self) -> &mut Kernel {
        let boot = self.out.clock.boots();
        self.out.kernels.at(boot)
    }

    /// Another boot prints from here on: what was open is cut off.
    fn left_boot(&mut self) {
        // The mark that opens a report may stand before the line that tells of the new boot.
        self.contexts.retain(|_, context| context.opening.is_some());
        for context in self.contexts.values_mut() {
            let (opening, last_line) = (context.opening, context.last_line);
            let (cut, said) = (context.cut, std::mem::take(&mut context.said));
            *context = Context { opening, last_line, cut, said, ..Context::default() };
        }
        self.open = 0;
        self.requester = None;
        self.scan = None;
        self.rebooting = false;
        self.trouble.clear();
        self.last.clear();
    }

    /// Notes a line while no event of the boot is known: the last ones, and those of trouble.
    fn note(&mut self, text: &str, source: Source) {
        /// Lines of trouble that are kept.
        const KEPT: usize = 4;
        /// Last lines that are kept.
        const LAST: usize = 3;
        let boot = self.out.clock.boots();
        let told = self.out.events.last().is_some_and(|event| event.boot == boot);
        if told
            || !source.stamped
            || source.at.is_none()
            || trouble::is_routine(text)
            || detail::belongs(text.trim())
        {
            return;
        }
        if trouble::is_trouble(text) {
            if self.trouble.len() >= KEPT {
                self.trouble.remove(0);
            }
            self.trouble.push((source.number, bounded(text.trim(), 240), source.at));
        }
        let mut slot = match self.last.len() < LAST {
            true => Default::default(),
            false => self.last.pop_front().unwrap_or_default(),
        };
        slot.0 = source.number;
        slot.1.clear();
        slot.1.push_str(text.trim().get(..240).unwrap_or(&bounded(text.trim(), 240)));
        slot.2 = source.at;
        self.last.push_back(slot);
    }

    /// What a line says of its kernel beside any report: which build prints, and whether it started anew. Gives
    /// the moment in the new boot.
    fn marks(&mut self, context: &mut Context, text: &str, number: u64) -> Option<Moment> {
        let text = text.trim();
        if text.contains("stack corrupted") && self.out.stack_suspect.len() < 64 {
            let event = context.event.map(EventId);
            self.out.stack_suspect.push((number, event));
        }
        if let Some(list) = text.strip_prefix("in-flight: ") {
            self.work(list, number);
            return None;
        }
        if let Some(list) = text.strip_prefix("pending: ") {
            self.work(list, number);
            return None;
        }
        if let Some(rest) = text.strip_prefix("pool ") {
            self.pool(rest, number);
            return None;
        }
        // panic() of kernel/panic.c.
        if text.starts_with("Rebooting in ") && text.contains(" second") {
            self.rebooting = true;
            return None;
        }
        if text.starts_with("Linux version ") {
            return self.banner(context, number);
        }
        if !text.contains("ainted") {
            return None;
        }
        let at = self.build(context, text, number);
        self.kernel().observe(text, number);
        at
    }

    /// `in-flight: 264128:do_work [module] for 57502s BAR(12), 31(RESCUER):other` and `pending: do_work BAR(12)` of
    /// kernel/workqueue.c show_pwq().
    fn work(&mut self, list: &str, number: u64) {
        /// Lines kept.
        const KEPT: usize = 512;
        let boot = self.out.clock.boots();
        for item in list.split(", ").flat_map(|item| item.split(" ,")).take(32) {
            let item = item.trim();
            let (worker, rest) = match item.split_once(':') {
                Some((worker, rest)) => (worker.trim_end_matches("(RESCUER)").parse().ok(), rest),
                // `2*do_work BAR(12)` waits for a worker.
                None => (None, item.split_once('*').map_or(item, |(_, rest)| rest)),
            };
            let function = rest.split([' ', ',']).next().unwrap_or_default();
            let named = function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !named || function.starts_with("BAR(") {
                continue;
            }
            if self.out.work.len() >= KEPT {
                return;
            }
            self.out.work.push(WorkLine {
                boot,
                line: number,
                worker,
                function: bounded(parse::plain(function), 80),
                seconds: number_after(rest, " for "),
                flushers: rest.split("BAR(").skip(1).take(8).filter_map(text::number).collect(),
            });
        }
    }

    /// `pool 22: cpus=5 … workers=3 idle: 166929 260518`.
    fn pool(&mut self, rest: &str, number: u64) {
        /// Lines kept.
        const KEPT: usize = 256;
        let Some(pool) = text::number(rest).filter(|_| rest.contains(": cpus=")) else { return };
        if self.out.pools.len() < KEPT {
            let idle = text::after(rest, " idle: ").map_or(0, |list| {
                let pid = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
                list.split_ascii_whitespace().take_while(pid).count()
            });
            self.out.pools.push((self.out.clock.boots(), number, pool, idle as u64));
        }
    }

    /// `Linux version …`: a kernel starts. It says so within so many lines of its start, which firmware and loader
    /// precede, so the clock may have told before.
    fn banner(&mut self, context: &mut Context, number: u64) -> Option<Moment> {
        let boot = self.out.clock.boots();
        let told = self.out.events.iter().any(|event| event.boot == boot);
        let twice = self.banner.is_some_and(|(of, _)| of == boot);
        let is_new = twice || told && number > self.out.clock.began() + BOOT_START;
        let at = if is_new { self.out.clock.new_boot(number) } else { None };
        if is_new {
            self.left_boot();
            *context = Context::default();
        }
        self.banner = Some((self.out.clock.boots(), number));
        at
    }

    /// Which build prints, by a line with the taint.
    fn build(&mut self, context: &mut Context, text: &str, number: u64) -> Option<Moment> {
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
}

/// Whether a sanitizer's headline ends with a function without an offset: that of an inlined one, whose file stands
/// behind it.
fn is_named_inline(text: &str) -> bool {
    let named = text.contains("BUG: KASAN:") || text.contains("BUG: KMSAN:");
    named
        && text.trim_end().rsplit_once(" in ").is_some_and(|(_, function)| {
            !function.contains(['+', ' ', '/']) && !function.starts_with("0x")
        })
}

/// Whether the headline of a warning ends with its place: the kernel prints a function behind it.
fn is_without_function(text: &str) -> bool {
    let end = text.trim_end();
    let place = end.rsplit(' ').next().and_then(|place| place.rsplit_once(':'));
    end.contains("WARNING: CPU: ")
        && place.is_some_and(|(file, line)| {
            file.contains('.') && !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
        })
}

/// Whether a line is a function with an offset and nothing else before it.
fn is_place(text: &str) -> bool {
    let text = text.trim_start();
    !text.starts_with('[')
        && parse_console::frame::parse(text).is_some_and(|frame| frame.offset.is_some())
}

/// Whether a headline was broken by a mail program and goes on in the next line.
fn breaks_off(text: &str) -> bool {
    let end = text.trim_end();
    is_named_inline(end)
        || (end.contains("BUG: soft lockup - CPU#") && !end.ends_with(']'))
        || (end.contains("INFO: task ")
            && end.contains(" blocked")
            && !end.ends_with(['.', '>'])
            && !end.contains(" seconds"))
        || (end.contains(" invoked oom-killer:") && !end.contains("order="))
        || (end.contains(": page allocation failure") && !end.contains("mode:"))
        || (end.contains("WARNING: CPU: ") && end.ends_with(" at"))
        || is_without_function(end)
        || (end.contains("irqs last ") && end.ends_with("):"))
        || (end.contains("detected expedited stalls on CPUs/tasks: {") && !end.contains('}'))
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
