//! Lines inside an open report: stacks, registers, lists, numbers.

use parse_console::frame;

use super::headline::is_bare;
use super::sanitizer;
use super::{Collector, Context, FRAME_LIMIT, LOCK_LIST_LIMIT, MEMBER_LIMIT};
use crate::clock::Moment;
use crate::event::{
    ChainEntry, Detail, EventKind, Frame, HeldLock, HungScan, HungTask, Instruction, LockList,
    Released, Role, Stall, StallPeriod, Task,
};
use crate::parse;
use crate::stack;
use crate::text::{after, between, bounded, hex_after, number, number_after};

/// Lines kept of a Mem-Info block; a machine with many nodes and wrapped lines has some hundred.
const BLOCK_LIMIT: usize = 600;

/// Starts of lines that belong to whatever is being printed.
const BELONGING: &[&str] = &[
    "Code:",
    "RAX:",
    "RDX:",
    "RBP:",
    "RSP:",
    "R10:",
    "R13:",
    "R11:",
    "R14:",
    "R15:",
    "FS:",
    "CS:",
    "CR2:",
    "DR0:",
    "DR3:",
    "PKRU:",
    "Modules linked in",
    "Call Trace",
    "Call trace",
    "Backtrace",
    "Hardware name",
    "Tainted:",
    "Not tainted",
    "---[ end trace",
    "---[ end Kernel panic",
    "\"echo 0 >",
    "disables this message",
    "Stack:",
    "Oops",
    "#PF:",
    "PGD",
    "Sending NMI",
    "EAX:",
    "ESI:",
    "DS:",
    "ESP:",
    "pstate:",
    "sp :",
    "lr :",
    "pc :",
    "x29:",
    "x2",
    "x1",
    "Mem abort info",
    "ESR =",
    "Data abort info",
    "swapper pgtable",
    "[0000",
    "NIP:",
    "MSR:",
    "GPR",
    "LR [",
    "Krnl ",
    "epc",
    "LR =",
    "irq event stamp",
    "hardirqs last",
    "softirqs last",
    "last  ",
    "INFO: lockdep",
    "Preemption disabled at",
    "Possible unsafe",
    "CPU0",
    "----",
    "lock(",
    "*** DEADLOCK",
    "May be due",
    "other info",
    "the existing",
    "which lock",
    "but ",
    "stack backtrace",
    "rcu_scheduler_active",
    "Reported by",
    "value changed",
    "Memory state around",
    "The buggy address",
    "which belongs",
    "page:",
    "flags:",
    "raw:",
    "page dumped",
    ">ffff",
    "lowmem_reserve",
    "Node ",
    "active_anon",
    "Mem-Info",
    "backtrace",
    "comm \"",
    "hex dump",
    "Showing",
    "workqueue ",
    "pwq ",
    "in-flight",
    "pending",
    "inactive",
    "pool ",
    "CPU#",
    "#",
    "lockdep",
    "=====",
    "Tasks state",
    "oom-kill:",
    "Swap",
    "Total swap",
    "Free swap",
    "memory:",
    "swap:",
    "kmem:",
    "Memory cgroup",
    "[  pid",
    "total pagecache",
    "anon ",
    "file ",
    "slab",
];

impl Collector {
    /// Takes a line that begins no event. False when it means nothing to the open report.
    pub(super) fn detail(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let trimmed = text.trim();
        if trimmed.starts_with("------------[ cut here ]")
            || trimmed.starts_with("==================")
        {
            let frames = context.snapshot.is_some();
            context.opening = Some(number);
            return frames;
        }
        self.out.kernel.observe(trimmed, number);
        if self.aside(context, trimmed, number) {
            return true;
        }
        if let Some(heading) = parse::locks_heading(trimmed) {
            return self.begin_locks(context, heading, number);
        }
        if let Some(list) = context.locks {
            if trimmed.starts_with('#') {
                if let Some(lock) = parse::held_lock(trimmed, number) {
                    let locks = &mut self.out.locks[list].locks;
                    let index = parse::lock_index(trimmed);
                    // A symbolised list repeats the entry for each inlined function.
                    let again = index.is_some()
                        && index == context.lock_index
                        && locks.last().is_some_and(|known| known.address == lock.address);
                    if let Some(known) = locks.last_mut().filter(|_| again) {
                        let inner = std::mem::replace(&mut known.at, lock.at);
                        if known.inlined.len() < 8 {
                            known.inlined.push(inner);
                        }
                    } else if locks.len() < 64 {
                        locks.push(lock);
                    }
                    context.lock_index = index;
                }
                return true;
            }
            // A mail program broke the line before the function.
            if let Some(lock) =
                self.out.locks[list].locks.last_mut().filter(|lock| lock.at.is_empty())
                && let Some(found) = frame::parse(trimmed)
            {
                lock.at = bounded(parse::plain(found.function), 80);
                return true;
            }
            context.locks = None;
        }
        if context.mixed {
            return parse_console::shape::begins(trimmed);
        }
        if self.header(context, trimmed, text, number, at)
            || self.of_event(context, trimmed, number, at)
        {
            return true;
        }
        if context.is_open() && self.stack(context, trimmed, number, at) {
            return true;
        }
        context.is_open() && BELONGING.iter().any(|start| trimmed.starts_with(start))
    }

    fn aside(&mut self, context: &mut Context, text: &str, number: u64) -> bool {
        if text.contains("Show Blocked State") {
            *context = Context {
                listing: true,
                opening: Some(number),
                last_line: number,
                ..Context::default()
            };
            return true;
        }
        if text.contains("lockdep is turned off") {
            self.out.lockdep_off.get_or_insert(number);
        } else if text.contains("hung task reports are suppressed") {
            self.out.hung_suppressed.get_or_insert(number);
        } else if text.contains("printk messages dropped") {
            self.out.messages_lost.get_or_insert(number);
        } else if text.starts_with("Showing all locks held") {
            self.out.all_locks = Some(number);
        } else {
            return false;
        }
        context.is_open()
    }

    fn begin_locks(&mut self, context: &mut Context, task: Task, number: u64) -> bool {
        if self.out.locks.len() >= LOCK_LIST_LIMIT {
            return true;
        }
        let lasting = context.event.is_none_or(|event| {
            let event = &self.out.events[event];
            event.kind.is_hang()
                || event.kind.is_trap()
                || event.kind == EventKind::Panic
                || self.out.all_locks.is_some_and(|line| line > event.lines.first)
        });
        let boot = self.out.clock.boots();
        self.out.locks.push(LockList { line: number, task, locks: Vec::new(), boot, lasting });
        context.locks = Some(self.out.locks.len() - 1);
        context.lock_index = None;
        true
    }

    /// Headers of stacks.
    fn header(
        &mut self,
        context: &mut Context,
        trimmed: &str,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        if let Some(cpu) = number_after::<u32>(trimmed, "NMI backtrace for cpu ") {
            if trimmed.contains("skipped") {
                // `NMI backtrace for cpu 3 skipped: idling at …`
                return true;
            }
            // Sent on behalf of the report that asked, not of what this CPU printed before.
            if !context.event.is_some_and(|event| self.out.events[event].kind.is_hang()) {
                context.event = None;
            }
            context.role = Role::Subject;
            if let Some(snapshot) = self.begin_snapshot(context, number, at) {
                self.out.snapshots[snapshot].header = Some(number);
                self.out.snapshots[snapshot].cpu = Some(cpu);
                self.out.snapshots[snapshot].on_cpu = true;
            }
            return true;
        }
        if let Some(cpu) = number_after::<u32>(trimmed, "Task dump for CPU ") {
            context.dump_cpu = Some(cpu);
            context.role = Role::Subject;
            return true;
        }
        if let Some((task, state, running)) =
            parse::task_header(text.trim_start_matches(['\t', ' ']))
        {
            self.fill_headless(context, &task);
            if state == 'D' && context.dump_cpu.is_none() {
                self.listed(context, &task, trimmed, number, at);
            }
            if let Some(snapshot) = self.begin_snapshot(context, number, at) {
                let snapshot = &mut self.out.snapshots[snapshot];
                snapshot.header = Some(number);
                snapshot.task = Some(task);
                snapshot.state = Some(state);
                snapshot.cpu = context.dump_cpu;
                snapshot.on_cpu = running || context.dump_cpu.is_some();
            }
            context.dump_cpu = None;
            return true;
        }
        if let Some((cpu, task)) = parse::cpu_header(trimmed) {
            self.out.kernel.observe(trimmed, number);
            // KFENCE and KMSAN name the task last, behind the stacks of the object's life.
            if context.event.is_some_and(|event| {
                matches!(self.out.events[event].kind, EventKind::Kfence | EventKind::Kmsan)
            }) {
                context.role = Role::Subject;
            }
            self.name_event_task(context, &task, cpu);
            let bare = context.snapshot.filter(|s| {
                let snapshot = &self.out.snapshots[*s];
                is_bare(snapshot) && (snapshot.task.is_none() || snapshot.cpu == cpu)
            });
            // KASAN prints the header after the access line, an oops after the instruction.
            let snapshot = match bare {
                Some(snapshot) => Some(snapshot),
                None => self.begin_snapshot(context, number, at),
            };
            if let Some(snapshot) = snapshot {
                let snapshot = &mut self.out.snapshots[snapshot];
                // A header of another task or CPU is not this stack's.
                if snapshot.task.as_ref().is_none_or(|known| known.pid == task.pid)
                    && (snapshot.cpu.is_none() || cpu.is_none() || snapshot.cpu == cpu)
                {
                    snapshot.header = Some(number);
                }
                snapshot.task.get_or_insert(task);
                snapshot.cpu = snapshot.cpu.or(cpu);
                snapshot.on_cpu = true;
            }
            return context.is_open();
        }
        if let Some(work) = trimmed.strip_prefix("Workqueue:") {
            if let Some(snapshot) = context.snapshot {
                self.out.snapshots[snapshot].workqueue = Some((number, bounded(work.trim(), 120)));
            }
            return context.is_open();
        }
        false
    }

    /// A blocked task in a list of such, or one whose report lost its first lines.
    fn listed(
        &mut self,
        context: &mut Context,
        task: &Task,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) {
        let index = match context.event {
            Some(event) => event,
            None => {
                if !context.listing && self.recent_requester(number).is_some() {
                    return;
                }
                let asked = context.listing;
                let Some(index) = self.begin(context, EventKind::HungTasks, text, number, at)
                else {
                    return;
                };
                // Without a list that was asked for, the first lines of a scan are lost: it may go on.
                if !asked {
                    self.scan = Some(index);
                }
                self.out.events[index].task = Some(task.clone());
                self.out.events[index].detail =
                    Detail::Hung(HungScan { listed: true, ..HungScan::default() });
                index
            }
        };
        let Detail::Hung(scan) = &mut self.out.events[index].detail else { return };
        if !scan.listed || scan.members.iter().any(|member| member.task.pid == task.pid) {
            return;
        }
        if scan.members.len() >= MEMBER_LIMIT {
            scan.more += 1;
            return;
        }
        scan.members.push(HungTask {
            line: number,
            task: task.clone(),
            seconds: 0,
            in_io_wait: false,
            snapshot: None,
            owner: None,
            at,
        });
        context.member = Some(scan.members.len() - 1);
        context.snapshot = None;
    }

    /// The header names the task of a hung task report whose first line is lost.
    fn fill_headless(&mut self, context: &Context, task: &Task) {
        let Some(event) = context.event else { return };
        let Some(member) = context.member else { return };
        let event = &mut self.out.events[event];
        if let Detail::Hung(scan) = &mut event.detail
            && let Some(member) = scan.members.get_mut(member)
            && member.task.pid.is_none()
        {
            member.task = task.clone();
            if event.task.as_ref().is_none_or(|task| task.pid.is_none()) {
                event.task = Some(task.clone());
            }
        }
    }

    /// Frames, section marks, instruction pointers and registers.
    fn stack(
        &mut self,
        context: &mut Context,
        trimmed: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let mut text = trimmed;
        if let Some((mark, rest)) = text.strip_prefix('<').and_then(|rest| rest.split_once('>'))
            && mark.len() <= 10
            && mark.trim_start_matches(['/', '#']).bytes().all(|b| b.is_ascii_alphabetic())
        {
            match mark {
                "IRQ" | "NMI" | "SOFTIRQ" | "#DF" | "#DB" | "ENTRY_TRAMPOLINE" => {
                    context.interrupt = true;
                }
                "/IRQ" | "/NMI" | "EOI" | "EOE" | "TASK" | "/SOFTIRQ" => context.interrupt = false,
                _ => {}
            }
            if rest.trim().is_empty() {
                return true;
            }
            text = rest.trim();
        }
        if ["Call Trace:", "Call trace:", "Backtrace:", "backtrace:", "stack backtrace:"]
            .iter()
            .any(|head| text.starts_with(head))
        {
            if text.starts_with("stack backtrace") {
                context.role = Role::Subject;
                context.snapshot = None;
            } else if context.snapshot.is_some_and(|s| !self.out.snapshots[s].frames.is_empty()) {
                self.begin_snapshot(context, number, at);
            }
            return true;
        }
        if let Some(boundary) =
            text.strip_prefix("--- interrupt:").or_else(|| text.strip_prefix("--- Exception:"))
        {
            if let Some(snapshot) = context.snapshot.map(|s| &mut self.out.snapshots[s]) {
                let function = after(boundary, " at ")
                    .map(|f| parse::plain(f.split('+').next().unwrap_or(f)))
                    .unwrap_or_default();
                // `--- interrupt: 3000 at 0x7fff…` came from user space.
                let user = function.starts_with("0x");
                let function = if user { String::new() } else { bounded(function, 80) };
                snapshot.instruction.push(Instruction {
                    line: number,
                    function,
                    offset: None,
                    user,
                    at_frame: snapshot.frames.len(),
                });
            }
            return true;
        }
        if let Some(pointer) = frame::instruction_pointer(text) {
            self.out.kernel.observe_arch(text, number);
            let function = bounded(parse::plain(pointer.function), 80);
            let offset = pointer.offset.map(|(offset, _)| offset);
            return self.instruction(
                context,
                Instruction { line: number, function, offset, user: false, at_frame: 0 },
                at,
            );
        }
        if let Some(rest) = text.strip_prefix("lr : ").or_else(|| text.strip_prefix("LR is at ")) {
            if let Some(snapshot) = context.snapshot.map(|s| &mut self.out.snapshots[s])
                && let Some(link) = frame::parse(rest).filter(|link| link.offset.is_some())
            {
                let function = bounded(parse::plain(link.function), 80);
                snapshot.link.get_or_insert((number, function));
            }
            return true;
        }
        if parse::is_nameless_pointer(text) {
            self.out.kernel.observe_arch(text, number);
            let function = String::new();
            return self.instruction(
                context,
                Instruction { line: number, function, offset: None, user: false, at_frame: 0 },
                at,
            );
        }
        if text.starts_with("RIP: 0033:")
            || text.starts_with("RIP: 0023:")
            || text.starts_with("RIP: 002b:")
        {
            self.out.kernel.observe_arch(text, number);
            return self.instruction(
                context,
                Instruction {
                    line: number,
                    function: String::new(),
                    offset: None,
                    user: true,
                    at_frame: 0,
                },
                at,
            );
        }
        if text.starts_with("RSP: ") || text.starts_with("EFLAGS: ") {
            if let Some(snapshot) = context.snapshot.map(|s| &mut self.out.snapshots[s]) {
                if text.starts_with("RSP: 0018") || text.starts_with("RSP: 0000") {
                    snapshot.flags =
                        snapshot.flags.or(hex_after(text, "EFLAGS: ").map(|flags| (number, flags)));
                }
                snapshot.syscall_number = snapshot
                    .syscall_number
                    .or(hex_after(text, "ORIG_RAX: ").map(|nr| (number, nr)));
            }
            return true;
        }
        self.out.kernel.observe_arch(text, number);
        // A `RIP:` line broken by a mail program leaves `0010:function` behind.
        if let Some((segment, rest)) = text.split_once(':')
            && segment.len() == 4
            && segment.bytes().all(|b| b.is_ascii_hexdigit())
            && let Some(pointer) = frame::parse(rest).filter(|pointer| pointer.offset.is_some())
        {
            let function = bounded(parse::plain(pointer.function), 80);
            let offset = pointer.offset.map(|(offset, _)| offset);
            return self.instruction(
                context,
                Instruction { line: number, function, offset, user: false, at_frame: 0 },
                at,
            );
        }
        let Some(found) = frame::parse(text) else { return false };
        if found.offset.is_none() && !found.inline && !text.starts_with('[') {
            return false;
        }
        let snapshot = match context.snapshot {
            Some(snapshot) => Some(snapshot),
            None => self.begin_snapshot(context, number, at),
        };
        if let Some(snapshot) = snapshot.map(|s| &mut self.out.snapshots[s]) {
            if let Some(lines) = &mut snapshot.lines {
                lines.last = lines.last.max(number);
            }
            if snapshot.frames.len() < FRAME_LIMIT {
                snapshot.frames.push(Frame {
                    line: number,
                    function: bounded(parse::plain(found.function), 120),
                    offset: found.offset.map(|(offset, _)| offset),
                    size: found.offset.map(|(_, size)| size),
                    module: found.module.map(|module| bounded(module, 60)),
                    reliable: found.reliable,
                    interrupt: context.interrupt,
                });
            }
        }
        self.created_by_free(context, parse::plain(found.function));
        true
    }

    /// What KMSAN calls the creation of a value is the free of its memory where the stack goes through
    /// `kmsan_slab_free` or its kin of mm/kmsan/hooks.c.
    fn created_by_free(&mut self, context: &mut Context, function: &str) {
        const FREEING: &[&str] =
            &["kmsan_slab_free", "kmsan_free_page", "kmsan_kfree_large", "kfree"];
        let (Some(event), Some(snapshot)) = (context.event, context.snapshot) else { return };
        let event = &mut self.out.events[event];
        let Detail::Bad(bad) = &mut event.detail else { return };
        if event.kind == EventKind::Kmsan
            && context.role == Role::Allocated
            && bad.allocated.is_some_and(|allocated| allocated.0 == snapshot)
            && FREEING.contains(&function)
            && self.out.snapshots[snapshot].frames.iter().rev().skip(1).all(|frame| {
                frame.function.contains("kmsan") || frame.function.starts_with("slab_free")
            })
        {
            context.role = Role::Freed;
            self.out.snapshots[snapshot].role = Role::Freed;
            bad.freed = bad.allocated.take();
        }
    }

    fn instruction(
        &mut self,
        context: &mut Context,
        mut instruction: Instruction,
        at: Option<Moment>,
    ) -> bool {
        let snapshot = match context.snapshot {
            Some(snapshot) => Some(snapshot),
            None => self.begin_snapshot(context, instruction.line, at),
        };
        let jumped = snapshot.is_some_and(|s| stack::jumped(&self.out.snapshots[s]));
        if let Some(event) = context.event
            && let Detail::Trap(trap) = &mut self.out.events[event].detail
            && !instruction.user
            && !instruction.function.is_empty()
            && !jumped
        {
            trap.function.get_or_insert_with(|| instruction.function.clone());
        }
        if let Some(snapshot) = snapshot.map(|s| &mut self.out.snapshots[s])
            && snapshot.instruction.len() < 16
        {
            instruction.at_frame = snapshot.frames.len();
            if let Some(lines) = &mut snapshot.lines {
                lines.last = lines.last.max(instruction.line);
            }
            snapshot.instruction.push(instruction);
        }
        true
    }

    /// Lines that only the kind of the open event gives a meaning.
    fn of_event(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let Some(index) = context.event else { return false };
        let event = &mut self.out.events[index];
        match &mut event.detail {
            Detail::Stall(stall) => of_stall(stall, context, text, number, at),
            Detail::Spin { owner } => {
                let named = after(text, ".owner: ")
                    .and_then(|rest| rest.split(", .owner_cpu").next())
                    .and_then(|task| parse::name_slash_pid(task.trim()))
                    // `<none>/-1`: nobody has it.
                    .filter(|task| task.pid.is_some_and(|pid| pid < 1 << 22));
                if let Some(task) = named {
                    owner.get_or_insert((number, task));
                    true
                } else {
                    text.contains(".magic:")
                }
            }
            Detail::Workqueue(report) => {
                if let Some(rest) = after(text, "in-flight: ") {
                    for item in rest.split(", ").take(32) {
                        let mut parts = item.splitn(2, ':');
                        let pid = parts.next().and_then(|pid| {
                            pid.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
                        });
                        if let (Some(pid), Some(function)) = (pid, parts.next()) {
                            report.in_flight.push((
                                number,
                                pid,
                                bounded(
                                    parse::plain(
                                        function.split([' ', ',']).next().unwrap_or(function),
                                    ),
                                    80,
                                ),
                            ));
                        }
                    }
                    return true;
                }
                if let Some(rest) = after(text, "pending: ") {
                    if report.pending.len() < 64 {
                        report.pending.push((number, bounded(rest, 120)));
                    }
                    return true;
                }
                false
            }
            Detail::Hardware { severe } => {
                let of_it = text.contains("[Hardware Error]") || text.starts_with("mce: ");
                *severe |= of_it && super::headline::is_severe(text);
                of_it
            }
            Detail::Lockdep(report) => {
                if let Some(wanted) = context.lock_follows.take()
                    && let Some(lock) = parse::held_lock(text, number)
                {
                    let slot: &mut Option<HeldLock> =
                        if wanted { &mut report.wanted } else { &mut report.held };
                    slot.get_or_insert(lock);
                    return true;
                }
                // The words before the lock that is held may be lost.
                if report.wanted.is_some()
                    && report.held.is_none()
                    && matches!(
                        event.kind,
                        EventKind::LockdepCircular | EventKind::LockdepRecursive
                    )
                    && !text.starts_with('#')
                    && let Some(lock) =
                        parse::held_lock(text, number).filter(|lock| !lock.address.is_empty())
                {
                    report.held = Some(lock);
                    return true;
                }
                if text.ends_with("is trying to acquire lock:")
                    || text.ends_with("is trying to lock:")
                    || text.ends_with("takes:")
                    || text.contains("is trying to acquire:")
                {
                    event.task = event.task.take().or_else(|| {
                        let head = text.split(" is trying").next().unwrap_or(text);
                        parse::name_slash_pid(head.split(" [HC").next().unwrap_or(head))
                    });
                    report.task_line = number;
                    context.lock_follows = Some(true);
                    return true;
                }
                if text.contains("already holding lock:") || text.contains("already holding:") {
                    context.lock_follows = Some(false);
                    return true;
                }
                if let Some(rest) = text.strip_prefix("-> #") {
                    if report.chain.len() < 32
                        && let (Some(index), Some(class)) =
                            (crate::text::number(rest), between(rest, "(", "){"))
                    {
                        let class = bounded(class, 80);
                        report.chain.push(ChainEntry { line: number, index, class });
                    }
                    context.role = Role::Recorded;
                    context.snapshot = None;
                    return true;
                }
                if text.contains("} -> {") {
                    report.usage = Some((number, bounded(text, 100)));
                    return true;
                }
                // Stacks of other moments than that of the report.
                if text.ends_with("state was registered at:") || text.contains("... which became ")
                {
                    context.role = Role::Recorded;
                    context.snapshot = None;
                    return true;
                }
                if let Some((task, rest)) = text.split_once(" is trying to release lock (") {
                    let class = rest.rsplit_once(") at:").map_or(rest, |(class, _)| class);
                    report.released = parse::name_slash_pid(task).map(|task| Released {
                        line: number,
                        task,
                        class: bounded(class, 80),
                        at: None,
                    });
                    return true;
                }
                if let Some(Released { line, at: at @ None, .. }) = &mut report.released
                    && number == *line + 1
                    && let Some(found) = frame::parse(text)
                {
                    *at = Some((number, bounded(parse::plain(found.function), 120)));
                    return true;
                }
                false
            }
            Detail::Atomic(report) => {
                if text.starts_with("in_atomic():") {
                    report.line = number;
                    report.in_atomic = number_after(text, "in_atomic():");
                    report.irqs_disabled = number_after(text, "irqs_disabled():");
                    report.non_block = number_after(text, "non_block:");
                    if let Some(pid) = number_after(text, "pid: ") {
                        event.task = Some(Task {
                            name: after(text, "name: ")
                                .map(|n| bounded(n.trim(), 64))
                                .unwrap_or_default(),
                            pid: Some(pid),
                        });
                    }
                    return true;
                }
                let pair = |key: &str| hex_after(text, key).zip(hex_after(text, "expected: "));
                if text.starts_with("Preemption disabled at:") {
                    report.disabled_at = Some((number, String::new()));
                    return true;
                }
                if let Some((line, function)) = &mut report.disabled_at
                    && function.is_empty()
                {
                    match frame::parse(text).filter(|_| number == *line + 1) {
                        Some(found) => {
                            *line = number;
                            *function = bounded(parse::plain(found.function), 120);
                            return true;
                        }
                        None => report.disabled_at = None,
                    }
                }
                if text.starts_with("preempt_count:") {
                    report.count_line = number;
                    report.preempt_count = pair("preempt_count:");
                    return true;
                }
                if text.starts_with("RCU nest depth:") {
                    report.depth_line = number;
                    report.rcu_depth = pair("RCU nest depth:");
                    return true;
                }
                false
            }
            Detail::Memory(report) => {
                if report.takes(text) {
                    if report.block.len() < BLOCK_LIMIT {
                        report.block.push((number, bounded(text, 1024)));
                    }
                    return true;
                }
                if let Some(constraint) = between(text, "oom-kill:constraint=", ",") {
                    report.constraint = Some((number, bounded(constraint, 40)));
                    return true;
                }
                if text.starts_with("memory: usage ") {
                    report.cgroup_limit = number_after(text, "usage ")
                        .zip(number_after(text, "limit "))
                        .map(|(usage, limit)| (number, usage, limit));
                    return true;
                }
                text.ends_with("pages reserved")
                    || text.ends_with("pages RAM")
                    || text.contains("pages HighMem")
                    || text.ends_with("pages hwpoisoned")
                    || text.contains("pages in swap")
            }
            Detail::Bad(report) => {
                sanitizer::observe(report, text, number);
                for access in [
                    "Read of size ",
                    "Write of size ",
                    "Free of addr",
                    "read to 0x",
                    "write to 0x",
                    "read-write to 0x",
                ] {
                    if text.starts_with(access) {
                        let (kind, _) = access.split_once(' ').unwrap_or((access, ""));
                        let size = number_after(text, "of size ")
                            .or_else(|| number_after(text, " of "))
                            .unwrap_or(0);
                        report.access.get_or_insert((size, kind.to_lowercase(), number));
                        if let Some(task) = after(text, "by task ").and_then(parse::name_slash_pid)
                        {
                            event.task.get_or_insert(task);
                        }
                        // KCSAN prints one stack for each access.
                        if access.ends_with("0x") {
                            context.snapshot = None;
                            sanitizer::race(report, text, kind, number);
                        }
                        return true;
                    }
                }
                let role = if text.starts_with("Allocated by task")
                    || text.starts_with("allocated by task")
                    || text.starts_with("Uninit was created at")
                {
                    Role::Allocated
                } else if text.starts_with("Freed by task") || text.starts_with("freed by task") {
                    Role::Freed
                } else if text.starts_with("Last potentially related work creation")
                    || text.starts_with("Last call_rcu")
                {
                    Role::Related
                } else if text.starts_with("Uninit was stored to memory at") {
                    // On its way from where it was made to where it is used.
                    Role::Recorded
                } else if text.starts_with("The buggy address belongs")
                    || text.starts_with("Memory state around")
                {
                    context.role = Role::Subject;
                    context.snapshot = None;
                    return true;
                } else {
                    return false;
                };
                context.role = role;
                if let Some(snapshot) = self.begin_snapshot(context, number, at) {
                    let pid = number_after(text, "by task ");
                    self.out.snapshots[snapshot].task =
                        pid.map(|pid| Task { name: String::new(), pid: Some(pid) });
                }
                true
            }
            _ if event.kind == EventKind::SpinlockBug && text.contains(".magic: 00000000") => {
                event.detail = Detail::ZeroMagic { line: number };
                true
            }
            _ => {
                if event.kind == EventKind::Corruption
                    && let Some(role) =
                        [("Allocated in ", Role::Allocated), ("Freed in ", Role::Freed)]
                            .into_iter()
                            .find_map(|(head, role)| text.starts_with(head).then_some(role))
                {
                    context.role = role;
                    if let Some(snapshot) = self.begin_snapshot(context, number, at) {
                        let pid = number_after(text, "pid=");
                        self.out.snapshots[snapshot].task =
                            pid.map(|pid| Task { name: String::new(), pid: Some(pid) });
                    }
                    return true;
                }
                if event.kind == EventKind::Corruption
                    && (text.starts_with("Slab ")
                        || text.starts_with("Object ")
                        || text.starts_with("INFO: "))
                {
                    context.role = Role::Subject;
                    context.snapshot = None;
                    return true;
                }
                if event.kind == EventKind::MemoryLeak
                    && let Some(name) = between(text, "comm \"", "\"")
                {
                    event.task = Some(Task {
                        name: bounded(name.trim_matches('"'), 64),
                        pid: number_after(text, "pid "),
                    });
                    return true;
                }
                false
            }
        }
    }
}

fn of_stall(
    stall: &mut Stall,
    context: &mut Context,
    text: &str,
    number: u64,
    at: Option<Moment>,
) -> bool {
    let text = text.strip_prefix("rcu:").map_or(text, str::trim_start);
    if let Some(period) = parse::stall_period(text, number) {
        stall.period = Some(StallPeriod { at, ..period });
        return true;
    }
    if let Some(cpu) = parse::stall_cpu(text, number) {
        if stall.cpus.len() < 1024 {
            stall.cpus.push(cpu);
        }
        return true;
    }
    if let Some(rest) = text.strip_prefix("Tasks blocked on level-") {
        stall.node_level = number_prefix(rest);
        if let Some(range) = between(rest, "(CPUs ", ")") {
            let (a, b) = range.split_once('-').unwrap_or((range, range));
            stall.node_cpus = a.parse().ok().zip(b.parse().ok()).map(|(a, b)| (number, a, b));
        }
        stall.tasks.extend(parse::stall_tasks(rest, number));
        stall.tasks.truncate(256);
        return true;
    }
    if text.starts_with('P')
        && stall.node_cpus.is_some()
        && text.split_whitespace().all(|word| {
            word.strip_prefix('P')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    {
        stall.tasks.extend(parse::stall_tasks(text, number));
        stall.tasks.truncate(256);
        return true;
    }
    if text.starts_with("Unless ") && text.contains("OOM is now expected behavior") {
        stall.boilerplate = Some(number);
    } else if text.contains("grace-period kthread stack dump") {
        context.role = Role::GracePeriodThread;
        context.snapshot = None;
    } else if text.contains("Stack dump where RCU GP kthread last ran") {
        stall.last_ran = Some(number);
        context.role = Role::Subject;
        context.snapshot = None;
    } else if text.contains("still haven't responded to the NMI:") {
        let cpus = after(text, "NMI:").unwrap_or_default();
        stall.deaf = Some((number, bounded(cpus.trim(), 60)));
    } else if text.contains("All QSes seen") {
        stall.all_seen = Some(number);
    } else if text.contains("Stall ended before state dump start") {
        stall.ended = Some(number);
    } else if text.starts_with("Possible timer handling issue") {
        let first = stall.timer.map_or(number, |(line, ..)| line);
        stall.timer =
            Some((first, number_after(text, "cpu="), number_after(text, "timer-softirq=")));
    } else if !(text.starts_with("blocking rcu_node") || text.contains("nvcsw:")) {
        return false;
    }
    true
}

fn number_prefix(text: &str) -> Option<u32> {
    number(text)
}
