//! Statements on crashes and broken rules: what kind, where, by whom, in which context.

use model::functions::{self, Role};
use model::{Context, Grade, LineSpan, Ownership, Predicate, RuleId, Statements};

use super::kind::kind;
use super::{atomic, lockdep, object};
use crate::collect::Observations;
use crate::event::{Detail, Event, EventKind, Frame, Instruction, Snapshot};
use crate::{rules, stack};

/// Everything on an event that is no hang.
pub(super) fn of_crash(said: &mut Statements, seen: &Observations, event: &Event) {
    let subject = seen
        .subjects(event)
        .map(|(_, snapshot)| snapshot)
        .find(|snapshot| !snapshot.frames.is_empty() || !snapshot.instruction.is_empty());
    if let Some(kind) = kind(event) {
        said.seen(rules::of(event.kind), [event.line], Predicate::FaultKind { kind });
    }
    match &event.detail {
        Detail::Bad(bad) => object::of_bad(said, seen, event, bad),
        Detail::Atomic(report) => atomic::of_atomic(said, event, report),
        Detail::Lockdep(report) => lockdep::of_lockdep(said, seen, event, report),
        Detail::Spin { owner } => owner_of(said, event, owner.as_ref()),
        _ => {}
    }
    if event.kind == EventKind::Corruption {
        object::of_corruption(said, seen, event);
    }
    if event.kind == EventKind::NetdevReference {
        references(said, event);
    }
    source_line(said, event);
    message(said, event);
    let header = seen.subjects(event).map(|(_, snapshot)| snapshot).find(|s| s.header.is_some());
    if let Some(header) = header {
        current(said, header);
    }
    if let Some(subject) = subject {
        if event.kind == EventKind::RcuVoluntarySwitch {
            slept_in_reader(said, event, subject);
        } else if !matches!(event.detail, Detail::Lockdep(_))
            // The stack of a panic begins where the kernel gave up, not where it went wrong.
            && !matches!(event.kind, EventKind::MemoryLeak | EventKind::Panic)
        {
            place(said, seen, event, subject);
        }
        around(said, subject);
        if event.kind == EventKind::StackOverflow {
            recursion(said, subject);
        }
    } else if let Some((function, line)) = named(event) {
        said.seen(rules::of(event.kind), [line], Predicate::CrashPlace { function });
    }
}

/// The function that the headline itself names, with its line.
fn named(event: &Event) -> Option<(String, u64)> {
    let named = match &event.detail {
        Detail::Bad(bad) if event.kind != EventKind::Ubsan => {
            Some((bad.function.as_str(), event.line))
        }
        Detail::Trap(trap) if matches!(event.kind, EventKind::Warning) => {
            trap.function.as_deref().map(|function| (function, trap.line))
        }
        _ => None,
    };
    named
        .filter(|(function, _)| {
            function.len() > 1
                && function.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.$".contains(&b))
                && !function.starts_with("0x")
        })
        .map(|(function, line)| (function.to_owned(), line))
}

/// Whether the function reports, checks or traps, so that what failed is its caller.
fn is_machinery(function: &str) -> bool {
    stack::is_detector(function)
        || stack::is_entry(function)
        || matches!(
            functions::role(function),
            Some(
                Role::Detector
                    | Role::Sanitizer
                    | Role::Dumper
                    | Role::Unwinder
                    | Role::Printk
                    | Role::Exception
                    | Role::Lockdep
                    | Role::Fault
            )
        )
}

/// Where it happened: the function that the headline names, the instruction pointer, or the first frame outside of
/// what checks and reports; and who called it.
fn place(said: &mut Statements, seen: &Observations, event: &Event, subject: &Snapshot) {
    let named = named(event);
    if named.is_none() && stack::jumped(subject) {
        return;
    }
    // Inside of the frames stands what was interrupted. Whatever the pointer names is where it came, be it a check.
    let front = subject.instruction.iter().find(|at| at.at_frame == 0 && !at.user);
    let front = front.filter(|at| !at.function.is_empty());
    let pointer = front.map(|at| (at.function.clone(), at.line));
    let trap = event.kind.is_trap();
    let of = |frame: &Frame| (frame.function.clone(), frame.line);
    // What the headline names is the place, be it a check: who called it is told besides.
    let first = match (named, pointer) {
        (Some(named), _) => Some(named),
        (None, Some((function, line))) => Some((function, line)),
        // Nothing but its headline or its pointer tells where a warning came.
        (None, None) if event.kind == EventKind::Warning => None,
        (None, None) if trap => match seen.kernel_of(event).arch {
            Some(("arm64" | "riscv", _)) => trapped(subject).map(of),
            // The stack begins behind the function that failed, which only the pointer names.
            _ => {
                if let Some(frame) = first_frame(subject) {
                    let function = frame.function.clone();
                    said.seen(RuleId::R88, [frame.line], Predicate::OnStack { function });
                    called(said, event, subject, (&frame.function, frame.line));
                }
                return;
            }
        },
        // Behind a pointer among the frames stands what was interrupted.
        _ => first_frame(subject)
            .filter(|frame| {
                !subject.instruction.iter().any(|at| at.at_frame > 0 && at.line < frame.line)
            })
            .map(of),
    };
    let Some((function, line)) = first else { return };
    let lines = [line, event.line];
    said.seen(rules::of(event.kind), lines, Predicate::CrashPlace { function: function.clone() });
    called(said, event, subject, (&function, line));
    // A check was called by whoever did the wrong thing.
    if is_machinery(&function)
        && let Some(frame) = first_frame(subject)
    {
        let doer = frame.function.clone();
        said.seen(RuleId::R88, [frame.line], Predicate::OnStack { function: doer.clone() });
        called(said, event, subject, (&doer, frame.line));
    }
}

/// Who called a function of the stack.
fn called(said: &mut Statements, event: &Event, subject: &Snapshot, place: (&str, u64)) {
    let (function, line) = place;
    if let Some((at, caller)) = caller(subject, event.lines, function, line) {
        said.seen(
            RuleId::R88,
            [at, caller.line],
            Predicate::CalledBy { function: function.to_owned(), caller: caller.function.clone() },
        );
    }
}

/// The function in which the trap came, on architectures whose stacks begin with it.
fn trapped(snapshot: &Snapshot) -> Option<&Frame> {
    let first = snapshot.frames.first()?;
    (first.reliable && !snapshot.gaps.contains(&first.line)).then_some(first)
}

/// The innermost frame outside of what checks, reports and locks.
fn first_frame(snapshot: &Snapshot) -> Option<&Frame> {
    stack::own_frames(snapshot)
        .into_iter()
        .find(|frame| {
            !is_machinery(&frame.function)
                && !stack::is_scheduling(&frame.function)
                && !stack::is_leaf(&frame.function)
                // The quarantine of KASAN frees what others gave it.
                && !frame.function.starts_with("qlist_free")
                && !matches!(
                    functions::role(&frame.function),
                    Some(
                        Role::Lock
                            | Role::Memory
                            | Role::Allocator
                            | Role::PageAllocator
                            | Role::Container
                            | Role::Atomic
                    )
                )
        })
        .filter(|frame| !stack::is_syscall_entry(&frame.function))
}

/// The frame outside of the function, with the line at which the function itself stands in the stack. Across the
/// entry of an interrupt or exception nobody is a caller.
fn caller<'a>(
    snapshot: &'a Snapshot,
    report: LineSpan,
    function: &str,
    line: u64,
) -> Option<(u64, &'a Frame)> {
    let frames: Vec<&Frame> = snapshot.frames.iter().filter(|frame| frame.reliable).collect();
    let own = frames.iter().position(|frame| frame.function == function);
    let (at, next) = match own {
        Some(own) => (frames[own].line, own + 1),
        // The instruction pointer's function heads the stack without a frame of its own.
        None => {
            let is_own = |at: &&Instruction| at.function == function;
            let mut pointers = snapshot.instruction.iter().filter(is_own);
            let exact = pointers.clone().find(|at| at.line == line);
            let pointer = exact.or_else(|| pointers.find(|at| at.at_frame == 0))?;
            (
                pointer.line,
                frames.iter().position(|frame| {
                    frame.line >= snapshot.frames.get(pointer.at_frame).map_or(u64::MAX, |f| f.line)
                })?,
            )
        }
    };
    let caller = frames.get(next)?;
    let same_context = own.is_none_or(|own| frames[own].interrupt == caller.interrupt);
    let is_call = !stack::is_entry(function)
        && !stack::is_entry(&caller.function)
        && !stack::is_syscall_entry(&caller.function)
        && !matches!(
            functions::role(&caller.function),
            Some(Role::Exception | Role::Interrupt | Role::SyscallEntry)
        );
    let adjoining = match own {
        Some(_) => adjoin(snapshot, at, caller.line),
        None => !snapshot.gaps.contains(&caller.line),
    };
    // A return address at the very end of its function is as well a stale word of the stack.
    let inside =
        |frame: &Frame| frame.size.is_none_or(|size| size == 0 || frame.offset < Some(size));
    (same_context
        && is_call
        && caller.function != function
        && adjoining
        && report.contains(at)
        && report.contains(caller.line)
        && inside(caller)
        && own.is_none_or(|own| inside(frames[own]))
        && !hidden_by_link(snapshot, function, &caller.function))
    .then_some((at, *caller))
}

/// Whether nothing but frames stands between two frames: `...` or somebody's words may stand for others.
fn adjoin(snapshot: &Snapshot, one: u64, other: u64) -> bool {
    let between = snapshot.frames.iter().filter(|frame| one < frame.line && frame.line < other);
    other.checked_sub(one + 1) == Some(between.count() as u64)
}

/// Whether the link register names a third function: a leaf that made no frame was called from there.
fn hidden_by_link(snapshot: &Snapshot, function: &str, next: &str) -> bool {
    let is_pointer =
        snapshot.instruction.iter().any(|at| at.at_frame == 0 && at.function == function);
    let link = snapshot.link.as_ref().filter(|_| is_pointer);
    link.is_some_and(|(_, link)| link != function && link != next)
}

/// The task and CPU that the header names.
fn current(said: &mut Statements, snapshot: &Snapshot) {
    let Some(header) = snapshot.header else { return };
    if let Some(task) = snapshot.task.as_ref().filter(|task| is_whole(task)) {
        said.seen(RuleId::R87, [header], Predicate::CurrentTask { task: task.clone() });
    }
    if let Some(cpu) = snapshot.cpu {
        said.seen(RuleId::R87, [header], Predicate::OnCpu { cpu });
    }
}

/// Whether name and pid are known, and the name is no longer than the kernel's own (TASK_COMM_LEN less its end).
pub(super) fn is_whole(task: &crate::event::Task) -> bool {
    task.pid.is_some() && (1..16).contains(&task.name.len())
}

/// Work item, system call and context.
fn around(said: &mut Statements, snapshot: &Snapshot) {
    if let Some((number, work)) = &snapshot.workqueue
        && let Some((queue, function)) = split_work(work)
    {
        said.seen(
            RuleId::R87,
            [*number],
            Predicate::Workqueue { workqueue: Some(queue), function },
        );
    }
    if let Some((name, number)) = stack::syscall(snapshot) {
        said.seen(RuleId::R88, [number], Predicate::SystemCall { name });
    }
    let frames = stack::own_frames(snapshot);
    let context =
        frames.iter().find_map(|frame| Some((interrupted_by(&frame.function)?, frame.line)));
    if let Some((context, number)) = context {
        said.seen(RuleId::R88, [number], Predicate::ExecutionContext { context });
    }
}

/// The context that a function runs handlers of.
fn interrupted_by(function: &str) -> Option<Context> {
    match function {
        "__do_softirq" | "handle_softirqs" | "__softirqentry_text_start" => Some(Context::Softirq),
        "__handle_irq_event_percpu" | "handle_irq_event" | "hrtimer_interrupt" => {
            Some(Context::Hardirq)
        }
        "nmi_handle" | "default_do_nmi" => Some(Context::Nmi),
        _ => None,
    }
}

/// `events widget_work [module]` as queue and function; a queue's name may hold blanks.
fn split_work(work: &str) -> Option<(String, String)> {
    let work = work.split(" (").next().unwrap_or(work);
    let work = match work.rsplit_once(" [") {
        Some((before, module)) if module.ends_with(']') => before,
        _ => work,
    };
    let (queue, function) = work.trim().rsplit_once(' ')?;
    let named = function.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    named.then(|| (queue.trim().to_owned(), crate::parse::plain(function).to_owned()))
}

/// `file:line` of a BUG, WARNING, UBSAN report or of a function that may sleep.
fn source_line(said: &mut Statements, event: &Event) {
    let (place, number) = match &event.detail {
        Detail::Trap(trap) => (trap.place.as_deref(), trap.line),
        Detail::Bad(bad) if event.kind == EventKind::Ubsan => {
            (Some(bad.function.as_str()), event.line)
        }
        Detail::Atomic(_) if event.kind == EventKind::SleepInAtomic => {
            (event.headline.rsplit_once(" at ").map(|(_, place)| place), event.line)
        }
        _ => return,
    };
    let place = match &event.detail {
        Detail::Bad(_) => event.headline.rsplit_once(" in ").map(|(_, place)| place),
        _ => place,
    };
    let mut parts = place.unwrap_or_default().trim_end_matches('!').split(':');
    let (Some(file), Some(row)) = (parts.next(), parts.next().and_then(|row| row.parse().ok()))
    else {
        return;
    };
    let named =
        [".c", ".h", ".S", ".rs"].iter().any(|end| file.ends_with(end)) && !file.contains(' ');
    if named && row > 0 {
        said.seen(
            rules::of(event.kind),
            [number],
            Predicate::SourceLine { file: file.to_owned(), line: row },
        );
    }
}

/// What the kernel's own code says of it.
fn message(said: &mut Statements, event: &Event) {
    if event.message.is_empty() || event.kind != EventKind::Warning {
        return;
    }
    let text: Vec<&str> = event.message.iter().map(|(_, text)| text.as_str()).collect();
    // The mark stands before the message.
    let mark = event.message.first().map(|(line, _)| line - 1).filter(|line| *line < event.line);
    let lines = event.message.iter().map(|(line, _)| *line).chain([event.line]).chain(mark);
    let text = text.join(" ");
    said.seen(RuleId::R83, lines, Predicate::Message { text });
}

/// The owner of a spinlock that is not released.
fn owner_of(said: &mut Statements, event: &Event, owner: Option<&(u64, crate::event::Task)>) {
    let (Some(waiter), Some((number, holder))) = (&event.task, owner) else { return };
    said.seen(
        RuleId::R32,
        [event.line, *number],
        Predicate::LikelyHolder {
            waiter: waiter.clone(),
            holder: holder.clone(),
            how: Ownership::Owner,
        },
    );
}

/// `unregister_netdevice: waiting for veth7 to become free. Usage count = 3`.
fn references(said: &mut Statements, event: &Event) {
    let device = event
        .headline
        .split_once("waiting for ")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    let count = crate::text::number_after(&event.headline, "Usage count = ");
    if let (Some(device), Some(count)) = (device, count) {
        said.seen(
            RuleId::W37,
            [event.line],
            Predicate::DeviceReferences { device: device.to_owned(), count },
        );
    }
}

/// The task that switched out inside a reader section, and where it slept.
fn slept_in_reader(said: &mut Statements, event: &Event, subject: &Snapshot) {
    let Some(task) = subject.task.clone().or_else(|| event.task.clone()) else { return };
    let frames = stack::task_frames(subject);
    let inner = frames.iter().find(|frame| {
        !stack::is_scheduling(&frame.function)
            && !stack::is_detector(&frame.function)
            && !matches!(
                functions::role(&frame.function),
                Some(Role::Scheduler | Role::Wait | Role::Rcu)
            )
    });
    let lines = [event.line, subject.header.unwrap_or(0), inner.map_or(0, |frame| frame.line)];
    said.seen(
        RuleId::R26,
        lines,
        Predicate::SleptInReader { task, function: inner.map(|frame| frame.function.clone()) },
    );
}

/// A function that fills the stack.
fn recursion(said: &mut Statements, subject: &Snapshot) {
    /// A function met so often on a stack that ran over fills it by calling itself.
    const OFTEN: usize = 4;
    let frames: Vec<&Frame> = subject.frames.iter().filter(|frame| frame.reliable).collect();
    for frame in &frames {
        let again: Vec<u64> = frames
            .iter()
            .filter(|other| other.function == frame.function)
            .map(|other| other.line)
            .collect();
        if again.len() >= OFTEN {
            let function = frame.function.clone();
            said.say(
                Grade::Seen,
                RuleId::R88,
                again.into_iter().take(2),
                Predicate::Recursion { function },
            );
            return;
        }
    }
}
