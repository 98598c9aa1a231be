//! Stacks: whose they are, what they hold, whether they are whole.

use model::{CpuId, Task};

use super::log::Message;
use super::scan::{after, function, number, number_after, plain, task_slash, word};

/// What a stack is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What a task or CPU does: `Call Trace:`.
    Call,
    /// Who allocated an object.
    Allocated,
    /// Who freed it.
    Freed,
    /// Who queued a callback or work for it.
    Related,
    /// One side of a data race.
    Race,
    /// Where a lock was taken: `-> #1 (…)`, or behind a line of lockdep.
    Lock,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The message it stands on.
    pub(crate) at: usize,
    /// Function without suffixes.
    pub(crate) function: String,
    /// Not printed with `?` or as unreliable.
    pub(crate) reliable: bool,
    /// Marked `[inline]`.
    pub(crate) inline: bool,
    /// The source is named.
    pub(crate) decoded: bool,
    /// Inside of `<IRQ>` or the like.
    pub(crate) mark: Mark,
    /// It was interrupted: the frame before it is of the handler, and not called by it.
    pub(crate) entered: bool,
    /// A line of somebody else stands before it: it need not have called the frame before.
    pub(crate) apart: bool,
}

/// The part of a stack between `<X>` and `</X>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// None was printed.
    #[default]
    None,
    /// `<TASK>`.
    Task,
    /// `<IRQ>`, `<SOFTIRQ>`.
    Irq,
    /// `<NMI>`, `<#DF>` and other exceptions on a stack of their own.
    Exception,
}

/// One stack.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    /// What it is of.
    pub(crate) part: Part,
    /// The message that opens it; none for frames without a headline.
    pub(crate) head: Option<usize>,
    /// The message that says whose it is, with task and CPU as far as it says.
    pub(crate) owner: Option<Owner>,
    /// `RIP:` and the like before it: the function that ran.
    pub(crate) pointer: Option<Frame>,
    /// Its frames, the innermost first.
    pub(crate) frames: Vec<Frame>,
    /// It reaches the bottom and nothing of it was left out.
    pub(crate) whole: bool,
}

/// Whose a stack is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The message.
    pub(crate) at: usize,
    /// The task.
    pub(crate) task: Option<Task>,
    /// The CPU.
    pub(crate) cpu: Option<CpuId>,
    /// Scheduler state, where the line tells it.
    pub(crate) state: Option<char>,
}

impl Stack {
    /// Frames that are no leftovers.
    pub(crate) fn reliable(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(|frame| frame.reliable)
    }

    /// Whether functions that the compiler put into others are shown.
    pub(crate) fn decoded(&self) -> bool {
        self.frames.iter().any(|frame| frame.decoded)
    }
}

/// Reads all stacks.
pub(crate) fn read(messages: &[Message]) -> Vec<Stack> {
    let mut reader = Reader::default();
    for (at, message) in messages.iter().enumerate() {
        reader.message(at, message);
    }
    reader.end();
    reader.stacks
}

#[derive(Default)]
struct Reader {
    stacks: Vec<Stack>,
    open: Option<Stack>,
    owner: Option<Owner>,
    pointer: Option<Frame>,
    mark: Mark,
    cut: bool,
    /// The line before is another printer's.
    foreign: bool,
}

impl Reader {
    fn message(&mut self, at: usize, message: &Message) {
        let text = message.text.as_str();
        if message.gap {
            self.end();
            self.owner = None;
            self.pointer = None;
        }
        if let Some(found) = pointer(text) {
            return self.pointer(at, found);
        }
        // powerpc: what a trap interrupted, inside of the stack that goes through it.
        if let Some(found) =
            text.trim().strip_prefix("--- interrupt: ").and_then(|rest| frame(after(rest, " at ")?))
        {
            return self.interrupted(at, found);
        }
        if let Some(part) = head(text) {
            return self.begin(at, part, text);
        }
        if let Some(mut owner) = owner(at, text) {
            self.end();
            // `NMI backtrace for cpu 1` comes before `CPU: 1 PID: …` and says less; `Task dump for CPU 1:` tells the CPU
            // of the task behind it.
            let of_cpu = self.owner.take().filter(|cpu| cpu.task.is_none() && cpu.at + 1 == at);
            owner.cpu = owner.cpu.or(of_cpu.and_then(|of_cpu| of_cpu.cpu));
            self.owner = Some(owner);
            self.pointer = None;
            return;
        }
        if let Some(mut frame) = frame(text) {
            frame.at = at;
            frame.mark = self.mark;
            frame.apart = std::mem::take(&mut self.foreign);
            let open = self.open.get_or_insert_with(|| Stack {
                part: Part::Call,
                head: None,
                owner: self.owner.take(),
                pointer: self.pointer.take(),
                frames: Vec::new(),
                whole: false,
            });
            open.frames.push(frame);
            return;
        }
        self.other(text.trim());
    }

    /// A line that is no frame: a mark, a sign that something was left out, registers, or the end.
    fn other(&mut self, text: &str) {
        if let Some(mark) = mark(text) {
            self.mark = mark;
            return;
        }
        if text.starts_with("...") || text.starts_with("[...") || text.starts_with("[snip") {
            self.cut = true;
            return;
        }
        // What somebody wrote beside a frame.
        let note = text.starts_with('(') && text.ends_with(')')
            || text.starts_with("{ ") && text.contains(" }");
        // A word on the stack that is no symbol.
        let mut bare = text;
        while let Some(inner) = bracketed(bare) {
            bare = inner;
        }
        let word = bare.trim_start_matches("? ").starts_with("0x")
            || bare == "(null)"
            // Its function is on the next line.
            || bare.is_empty() && !text.is_empty();
        if self.open.is_some() && (text.is_empty() || note || word || is_register(text)) {
            return;
        }
        // Another printer's line may stand between two frames.
        let frames = self.open.as_ref().is_some_and(|stack| !stack.frames.is_empty());
        if frames && !self.foreign && !is_headline(text) && !text.starts_with("---[") {
            self.foreign = true;
            return;
        }
        let headline = is_headline(text);
        // Between an instruction pointer and its stack stand registers and what else a dump holds.
        if self.open.is_some() || headline {
            self.end();
        }
        if headline {
            self.owner = None;
        }
    }

    fn pointer(&mut self, at: usize, mut found: Frame) {
        found.at = at;
        match &self.open {
            // Registers of an interrupted context inside of a stack.
            Some(stack) if !stack.frames.is_empty() => self.interrupted(at, found),
            _ => {
                // parisc prints it below the head of the stack.
                if let Some(stack) = &mut self.open {
                    stack.pointer.get_or_insert_with(|| found.clone());
                }
                self.pointer = Some(found);
            }
        }
    }

    /// The frame in which a trap came: it is the next one outward of the handler.
    fn interrupted(&mut self, at: usize, mut found: Frame) {
        let Some(open) = &mut self.open else { return };
        found.at = at;
        found.entered = true;
        found.mark = self.mark;
        open.frames.push(found);
    }

    fn begin(&mut self, at: usize, part: Part, text: &str) {
        // The instruction pointer before a `Call Trace:` is its top.
        if self.open.is_some() || part != Part::Call {
            self.end();
        }
        let (owner, pointer) = match part {
            Part::Call => (self.owner.take(), self.pointer.take()),
            Part::Lock => (None, None),
            Part::Allocated | Part::Freed | Part::Related | Part::Race => {
                (section_owner(at, text), None)
            }
        };
        self.open =
            Some(Stack { part, head: Some(at), owner, pointer, frames: Vec::new(), whole: false });
    }

    fn end(&mut self) {
        if let Some(mut stack) = self.open.take() {
            stack.whole = !self.cut && stack.reliable().any(|frame| is_bottom(&frame.function));
            // A step of a lock chain counts even where its stack is missing.
            if !stack.frames.is_empty() || stack.pointer.is_some() || stack.part == Part::Lock {
                self.stacks.push(stack);
            }
        } else if let (Some(pointer), owner) = (self.pointer.take(), self.owner.clone()) {
            // An instruction pointer that no stack follows.
            self.stacks.push(Stack {
                part: Part::Call,
                head: None,
                owner,
                pointer: Some(pointer),
                frames: Vec::new(),
                whole: false,
            });
        }
        self.mark = Mark::None;
        self.cut = false;
        self.foreign = false;
    }
}

/// The line that opens a stack.
fn head(text: &str) -> Option<Part> {
    let text = text.trim();
    const CALL: [&str; 9] = [
        "Call Trace:",
        "Call trace:",
        "Backtrace:",
        "Backtrace: ",
        "Stack trace:",
        "Call Trace",
        "stack backtrace:",
        "Trace:",
        "call trace:",
    ];
    if CALL.contains(&text) || text.starts_with("Call Trace: (unreliable)") {
        return Some(Part::Call);
    }
    if !text.is_ascii() {
        return None;
    }
    let lower =
        text.get(..1).map(str::to_ascii_lowercase).unwrap_or_default() + &text[text.len().min(1)..];
    if lower.starts_with("allocated by task ")
        || lower == "allocated:"
        || lower == "allocation stack:"
        || lower.starts_with("uninit was created at")
    {
        return Some(Part::Allocated);
    }
    if lower.starts_with("freed by task ") || lower == "freed:" {
        return Some(Part::Freed);
    }
    // mm/slub.c print_track(): the stack follows.
    if lower.contains(" age=") && lower.contains(" pid=") {
        if lower.starts_with("allocated in ") {
            return Some(Part::Allocated);
        }
        if lower.starts_with("freed in ") {
            return Some(Part::Freed);
        }
    }
    if [
        "last potentially related work creation:",
        "second to last potentially related work creation:",
        "last call_rcu():",
    ]
    .iter()
    .any(|head| lower.starts_with(head))
    {
        return Some(Part::Related);
    }
    let race =
        ["read", "write", "read (marked)", "write (marked)", "read-write", "read-write (marked)"];
    if race.iter().any(|kind| {
        after(text, kind).is_some_and(|rest| {
            text.starts_with(kind) && rest.starts_with(" to 0x") && rest.contains(" bytes by ")
        })
    }) {
        return Some(Part::Race);
    }
    (lower.starts_with("-> #")
        || lower.starts_with("... acquired at")
        || lower.starts_with("... which became")
        || lower.ends_with("was registered at:")
        || lower.ends_with("irq-on-w at:")
        || lower.ends_with("irq-on-r at:")
        || lower.ends_with("irq-w at:")
        || lower.ends_with("irq-r at:")
        || lower.ends_with("initial use at:"))
    .then_some(Part::Lock)
}

/// `Freed by task 12:`, `allocated by task 12 on cpu 1 at 3.4s:`, `write to … by task 12 on cpu 1:`.
fn section_owner(at: usize, text: &str) -> Option<Owner> {
    let pid = number_after(text, "by task ").and_then(|pid| u32::try_from(pid).ok());
    let cpu = number_after(text, "on cpu ").and_then(|cpu| CpuId::try_from(cpu).ok());
    let task = pid.map(|pid| Task { name: String::new(), pid: Some(pid) });
    (task.is_some() || cpu.is_some()).then_some(Owner { at, task, cpu, state: None })
}

/// A line that says whose the next stack is.
pub(crate) fn owner(at: usize, text: &str) -> Option<Owner> {
    let text = text.trim();
    let cpu = |mark: &str| number_after(text, mark).and_then(|cpu| CpuId::try_from(cpu).ok());
    if text.starts_with("CPU") && text.contains(" PID: ") {
        let pid = number_after(text, "PID: ").and_then(|pid| u32::try_from(pid).ok());
        let name = after(text, "Comm: ").map(comm).unwrap_or_default();
        let task = (pid.is_some() || !name.is_empty()).then(|| Task { name: name.to_owned(), pid });
        let cpu = cpu("CPU: ").or_else(|| cpu("CPU "));
        return (task.is_some() || cpu.is_some()).then_some(Owner { at, task, cpu, state: None });
    }
    for mark in ["NMI backtrace for cpu ", "Sending NMI from CPU ", "Task dump for CPU "] {
        if text.starts_with(mark) && !text.starts_with("Sending") {
            return Some(Owner { at, task: None, cpu: cpu(mark), state: None });
        }
    }
    if let Some((task, state)) = task_header(text) {
        return Some(Owner { at, task: Some(task), cpu: None, state: Some(state) });
    }
    // Of a hung task's stack where the header is missing.
    let rest = super::kind::headline(text).strip_prefix("INFO: task ")?;
    let task = super::scan::task_colon(&rest[..rest.find(" blocked ")?])?;
    Some(Owner { at, task: Some(task), cpu: None, state: None })
}

/// The command of `Comm: NAME …`: it may hold blanks, so what is known to follow ends it.
pub(crate) fn comm(text: &str) -> &str {
    const ENDS: [&str; 5] = [" Not tainted", " Tainted:", " Kdump:", " Version:", " kworker"];
    let end = ENDS.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    let name = text[..end].trim();
    // A line that was cut there.
    name.strip_suffix(" Not").unwrap_or(name).trim_end()
}

/// `task:NAME state:D stack:0 pid:12 …` and `NAME D 0 12 2 0x00000000` of releases before 5.10.
pub(crate) fn task_header(text: &str) -> Option<(Task, char)> {
    if let Some(rest) = text.strip_prefix("task:") {
        let (name, rest) = rest.split_once(" state:")?;
        let pid = number_after(rest, "pid:").and_then(|pid| u32::try_from(pid).ok());
        return Some((Task { name: name.trim().to_owned(), pid }, rest.chars().next()?));
    }
    // NAME STATE FREE-STACK PID PPID FLAGS; the state may touch the number behind it.
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let is_flags = |word: &&str| {
        (10..=18).contains(&word.len())
            && word
                .strip_prefix("0x")
                .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let flags = words.iter().position(is_flags)?;
    let parent = flags.checked_sub(1)?;
    let pid_at = flags.checked_sub(2)?;
    words[parent].parse::<u32>().ok()?;
    let pid: u32 = words[pid_at].parse().ok()?;
    let state_at = (1..pid_at).rev().find(|at| {
        let (first, rest) = words[*at].split_at(1);
        "DRSTtXZPI".contains(first) && rest.bytes().all(|b| b.is_ascii_digit())
    })?;
    let state = words[state_at].chars().next()?;
    Some((Task::new(words[..state_at].join(" "), pid), state))
}

/// The function of an instruction pointer of the kernel.
pub(crate) fn pointer(text: &str) -> Option<Frame> {
    let text = text.trim();
    const HEADS: [&str; 16] = [
        "RIP:",
        "EIP is at ",
        "EIP:",
        "IP:",
        "PC is at ",
        "PC: ",
        "pc :",
        "pc: ",
        "NIP ",
        "epc :",
        "Krnl PSW :",
        "epc   :",
        "TPC: <",
        "IAOQ[0]: ",
        // The second part of a line cut behind `RIP:`.
        "0010:",
        "ERA: ",
    ];
    let rest = HEADS.iter().find_map(|head| text.strip_prefix(head))?;
    let rest = rest.strip_suffix('>').filter(|_| text.starts_with("TPC")).unwrap_or(rest);
    if rest.trim_start().starts_with("0033:") {
        return None;
    }
    // The last word that is a symbol with an offset or a source: addresses come before it.
    let mut rest = rest.trim_start().trim_start_matches("0010:").trim_start();
    if let Some((_, inner)) = rest.split_once('(').filter(|_| text.starts_with("Krnl")) {
        rest = inner;
    }
    while let Some(inner) = bracketed(rest).or_else(|| bare_address(rest)) {
        rest = inner;
    }
    frame(rest)
}

/// Steps over `[<ffffffff81000000>]`, `[c000…]`, `<…>`.
fn bracketed(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.trim_start_matches('<');
    let end = inner.find(']')?;
    let address = inner[..end].trim_end_matches('>');
    ((address.len() >= 4 || address == "0")
        && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x'))
    .then(|| inner[end + 1..].trim_start())
}

fn bare_address(text: &str) -> Option<&str> {
    let first = word(text);
    (first.len() >= 8 && first.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x'))
        .then(|| text[first.len()..].trim_start())
        .filter(|rest| !rest.is_empty())
}

/// One line as a frame; `at` and `mark` are for the caller to fill in.
pub(crate) fn frame(text: &str) -> Option<Frame> {
    let mut rest = text.trim();
    let mut addressed = false;
    let mut reliable = !rest.ends_with("(unreliable)");
    if rest.starts_with("([<") {
        rest = rest[1..].trim_end_matches(')');
    }
    loop {
        if let Some(inner) = bracketed(rest) {
            addressed = true;
            rest = inner;
        } else if let Some(inner) = rest.strip_prefix("? ") {
            reliable = false;
            rest = inner.trim_start();
        } else {
            break;
        }
    }
    if let Some((callee, caller)) = rest.split_once(" from ") {
        return arm(callee, caller, reliable);
    }
    let length = rest
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'))
        .count();
    let name = &rest[..length];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.' | '$')) {
        return None;
    }
    let tail = &rest[length..];
    let offset = tail.starts_with("+0x") && tail.contains("/0x");
    let mut behind = tail;
    if offset {
        behind = &tail[tail.find(' ').unwrap_or(tail.len())..];
    }
    let inline = tail.contains("[inline]");
    let decoded = source(behind);
    let alone = addressed && tail.is_empty();
    (offset || decoded || alone).then(|| Frame {
        at: 0,
        function: plain(name).to_owned(),
        reliable,
        inline,
        decoded,
        mark: Mark::None,
        entered: false,
        apart: false,
    })
}

/// ` a/b.c:12` or ` (a/b.c:12 d.h:3)` right behind the function, blanks and a module aside.
fn source(behind: &str) -> bool {
    let mut rest = behind;
    if !rest.starts_with(' ') {
        return false;
    }
    rest = rest.trim_start();
    if let Some((_, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        rest = after.trim_start();
    }
    let rest = rest.strip_prefix('(').unwrap_or(rest).trim_start_matches("... ");
    let Some((path, line)) = word(rest).split_once(':') else { return false };
    let known = [".c", ".h", ".S", ".rs", ".s"].iter().any(|end| path.ends_with(end));
    known && number(line).is_some()
}

/// `(f) from [<…>] (g+0x1/0x2)` and `f from g+0x1/0x2`.
fn arm(callee: &str, caller: &str, reliable: bool) -> Option<Frame> {
    if !caller.contains("+0x") {
        return None;
    }
    let callee = callee.trim_start_matches('(').trim_end_matches(')');
    let name = function(callee)?;
    (word(callee).len() == callee.len() || callee.contains('[')).then(|| Frame {
        at: 0,
        function: name.to_owned(),
        reliable,
        inline: false,
        decoded: false,
        mark: Mark::None,
        entered: false,
        apart: false,
    })
}

fn mark(text: &str) -> Option<Mark> {
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    if inner.len() > 12 {
        return None;
    }
    Some(match inner {
        "TASK" => Mark::Task,
        "IRQ" | "SOFTIRQ" => Mark::Irq,
        // Behind the end of an inner part comes the interrupted one.
        inner if inner.starts_with('/') => Mark::None,
        "NMI" => Mark::Exception,
        inner if inner.starts_with('#') => Mark::Exception,
        _ => Mark::None,
    })
}

/// A line of a register dump inside of a stack.
fn is_register(text: &str) -> bool {
    const NAMES: [&str; 18] = [
        "RSP:",
        "RAX:",
        "RDX:",
        "RBP:",
        "R10:",
        "R13:",
        "Code:",
        "RIP:",
        "FS:",
        "CS:",
        "CR2:",
        "DR0:",
        "DR3:",
        "ORIG_RAX:",
        "PKRU:",
        "EFLAGS:",
        "sp :",
        "pstate:",
    ];
    let arm64 = text.starts_with('x')
        && number(&text[1..]).is_some_and(|(_, rest)| rest.trim_start().starts_with(':'));
    arm64 || NAMES.iter().any(|name| text.starts_with(name))
}

/// A line that begins another report: what came before it owns nothing behind it.
fn is_headline(text: &str) -> bool {
    const HEADS: [&str; 9] = [
        "BUG: ",
        "WARNING: ",
        "INFO: ",
        "Oops",
        "watchdog: ",
        "Unable to handle",
        "general protection fault",
        "Kernel panic",
        "======",
    ];
    HEADS.iter().any(|head| text.starts_with(head))
}

/// Functions at which a stack ends.
fn is_bottom(function: &str) -> bool {
    const BOTTOMS: [&str; 22] = [
        "ret_from_fork",
        "ret_from_fork_asm",
        "ret_from_kernel_thread",
        "start_kernel",
        "x86_64_start_kernel",
        "start_secondary",
        "secondary_startup_64",
        "secondary_startup_64_no_verify",
        "secondary_start_kernel",
        "el0_svc",
        "el0t_64_sync",
        "el0_sync",
        "el0t_64_sync_handler",
        "entry_SYSCALL_64_after_hwframe",
        "do_syscall_64",
        "ret_fast_syscall",
        "system_call_exception",
        "system_call_common",
        "ret_from_syscall",
        "kthread",
        "entry_INT80_compat_after_hwframe",
        "__do_softirq_end",
    ];
    BOTTOMS.contains(&function)
        || function.starts_with("entry_SYS")
        || function.starts_with("common_startup_64")
        || function == "ret_from_exception"
        || function == "syscall_exit"
}

/// A task of a line `by task NAME/PID`.
pub(crate) fn by_task(text: &str) -> Option<Task> {
    task_slash(after(text, "by task ")?)
}
