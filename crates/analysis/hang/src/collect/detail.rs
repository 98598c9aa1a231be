//! Lines inside an open report: stacks, registers, lists, numbers.

use parse_console::frame;

use super::families::{self, Inner};
use super::state::{
    Collector, Context, INLINED_LIMIT, LOCK_LIST_LIMIT, MEMBER_LIMIT, MESSAGE_LINES,
};
use crate::clock::Moment;
use crate::event::{Detail, EventKind, HungScan, HungTask, LockList, Role, Snapshot, Task};
use crate::parse;
use crate::text::{bounded, number_after};

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
    "handlers:",
    "Disabling IRQ #",
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
            context.cut = trimmed.starts_with('-');
            context.said.clear();
            return frames;
        }
        self.kernel().observe(trimmed, number);
        if context.event.is_none() && matches!(trimmed, "Call Trace:" | "Call trace:") {
            self.out.trace.get_or_insert(number);
        }
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
                        if known.inlined.len() < INLINED_LIMIT {
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
        context.is_open()
            && (BELONGING.iter().any(|start| trimmed.starts_with(start))
                || self.says(context, trimmed, number))
    }

    /// Where no trap carries the warning, its message stands right behind the headline (`__warn()` of kernel/panic.c
    /// with arguments).
    fn says(&mut self, context: &Context, text: &str, number: u64) -> bool {
        let Some(event) = context.event.map(|event| &mut self.out.events[event]) else {
            return false;
        };
        // A broken headline was joined: then empty lines stand between.
        let before = event.message.last().map_or(event.line, |(line, _)| *line);
        // Without stamps somebody's words may follow: one line, right behind.
        let stamped = event.at.is_some();
        let within = if stamped { 2 } else { 1 };
        let is_next = context.last_line == before
            && number <= before + within
            && (stamped || event.message.is_empty());
        let is_message = event.kind == EventKind::Warning
            && event.headline.contains("WARNING: ")
            && is_next
            && is_said(text)
            && context.snapshot.is_none()
            && !is_bare_place(text)
            && event.message.len() < MESSAGE_LINES
            && event.message.first().is_none_or(|(line, _)| *line > event.line);
        if is_message {
            event.message.push((number, bounded(text, 240)));
        }
        is_message
    }

    fn of_event(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let Some(event) = context.event else { return false };
        families::continues(self, context, &Inner { event, text, number, at })
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
        if let Some(task) = parse::asked_stack(trimmed) {
            if context.listing || context.event.is_none() || context.asked.is_some() {
                context.asked = Some((task, number, bounded(trimmed, 240)));
                context.snapshot = None;
            }
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
    pub(super) fn listed(
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
}

/// Whether a line is one of those that reports consist of.
pub(super) fn belongs(text: &str) -> bool {
    text.starts_with('[') || BELONGING.iter().any(|start| text.starts_with(start))
}

/// Whether a line may be a part of a warning's message: neither a mark of what was left out nor a report nor what
/// others print at any time.
pub(super) fn is_said(text: &str) -> bool {
    const OTHERS: [&str; 8] =
        ["BUG:", "INFO:", "WARNING:", "Kernel ", "audit:", "audit(", "Supported:", "systemd"];
    text.contains([' ', '('])
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
        && !text.contains("[last unloaded")
        && !text.starts_with("[...")
        && !text.starts_with("[snip")
        && !text.contains("[inline]")
        && !OTHERS.iter().any(|head| text.starts_with(head))
}

/// Whether a line is nothing but words with colons or offsets: the rest of a headline that a mail program broke.
fn is_bare_place(text: &str) -> bool {
    text.split_whitespace().count() < 3 && (text.contains("+0x") || text.contains(".c:"))
}

/// Whether the stack is still empty and so waits for the lines that follow its header.
fn is_bare(snapshot: &Snapshot) -> bool {
    snapshot.frames.is_empty() && snapshot.instruction.is_empty()
}
