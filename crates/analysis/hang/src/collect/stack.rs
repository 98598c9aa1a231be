//! Stacks: frames, section marks, instruction pointers and registers.

use parse_console::frame;

use super::state::{Collector, Context, FRAME_LIMIT};
use crate::clock::Moment;
use crate::event::{Detail, EventKind, Frame, Instruction, Role, Snapshot};
use crate::parse;
use crate::stack;
use crate::text::{after, bounded, hex_after};

impl Instruction {
    /// One of the kernel, before any frame.
    const fn at(line: u64, function: String, offset: Option<u64>) -> Self {
        Self { line, function, offset, user: false, at_frame: 0 }
    }
}

/// Whether a file holds nothing but the allocator or hooks of KASAN in it.
fn is_of_allocator(file: &str) -> bool {
    const FILES: [&str; 6] = [
        "mm/kasan/",
        "mm/slub.c",
        "mm/slab.c",
        "mm/slab_common.c",
        "linux/slab.h",
        "linux/kasan.h",
    ];
    FILES.iter().any(|of_allocator| file.contains(of_allocator))
}

/// Notes marks of contexts such as `<IRQ>`; gives what follows them, `None` where nothing does.
fn behind_marks<'t>(context: &mut Context, text: &'t str) -> Option<&'t str> {
    let Some((mark, rest)) = text
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .filter(|(mark, _)| mark.len() <= 10)
        .filter(|(mark, _)| {
            mark.trim_start_matches(['/', '#']).bytes().all(|b| b.is_ascii_alphabetic())
        })
    else {
        return Some(text);
    };
    match mark {
        "IRQ" | "NMI" | "SOFTIRQ" | "#DF" | "#DB" | "ENTRY_TRAMPOLINE" => context.interrupt = true,
        "/IRQ" | "/NMI" | "EOI" | "EOE" | "TASK" | "/SOFTIRQ" => context.interrupt = false,
        _ => {}
    }
    Some(rest.trim()).filter(|rest| !rest.is_empty())
}

/// Flags and system call of a saved context of x86.
fn flags(snapshot: &mut Snapshot, text: &str, number: u64) {
    if text.starts_with("RSP: 0018") || text.starts_with("RSP: 0000") {
        let flags = hex_after(text, "EFLAGS: ").map(|flags| (number, flags));
        snapshot.flags = snapshot.flags.or(flags);
    }
    let call = hex_after(text, "ORIG_RAX: ").map(|call| (number, call));
    snapshot.syscall_number = snapshot.syscall_number.or(call);
}

impl Collector {
    /// Frames, section marks, instruction pointers and registers.
    pub(super) fn stack(
        &mut self,
        context: &mut Context,
        trimmed: &str,
        number: u64,
        at: Option<Moment>,
    ) -> bool {
        let Some(text) = behind_marks(context, trimmed) else { return true };
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
        // The mark of a leftover, broken off by a mail program.
        if text == "?" {
            context.leftover = Some(number);
            return true;
        }
        if let Some(taken) = self.pointer(context, text, number, at) {
            return taken;
        }
        if let Some((task, line, head)) = context.asked.clone() {
            let crash = parse::crash_frame(text);
            // A task that runs waits for nobody.
            let sleeps = crash.is_none_or(|(index, f)| index > 0 || stack::is_scheduling(f));
            let begins = (text.starts_with("[<") || crash.is_some()) && number <= line + 2;
            if begins && sleeps {
                context.asked = None;
                context.listing |= context.event.is_none();
                self.listed(context, &task, &head, line, at);
                if let Some(snapshot) = self.begin_snapshot(context, number, at) {
                    self.out.snapshots[snapshot].header = Some(line);
                    self.out.snapshots[snapshot].task = Some(task);
                }
                context.asked = None;
            } else if number > line + 2 || begins {
                context.asked = None;
            }
        }
        if let Some((_, function)) = parse::crash_frame(text) {
            let frame = Frame {
                line: number,
                function: bounded(parse::plain(function), 120),
                offset: None,
                size: None,
                module: None,
                reliable: true,
                allocates: false,
                interrupt: false,
            };
            return self.frame(context, frame, at);
        }
        // /proc/PID/stack hides addresses.
        let text = text.strip_prefix("[<0>] ").unwrap_or(text);
        let Some(found) = frame::parse(text) else { return false };
        // An address that no symbol covers is no function, nor one into which another line ran.
        if found.function.starts_with("0x") || found.function.starts_with("ffffffff") {
            return true;
        }
        // The file of an inlined function, broken off by a mail program.
        if text
            .split_whitespace()
            .next()
            .is_some_and(|word| word.contains('/') && !word.contains('+'))
        {
            return false;
        }
        if found.offset.is_none() && !found.inline && !text.starts_with('[') {
            return false;
        }
        let frame = Frame {
            line: number,
            function: bounded(parse::plain(found.function), 120),
            offset: found.offset.map(|(offset, _)| offset),
            size: found.offset.map(|(_, size)| size),
            module: found.module.map(|module| bounded(module, 60)),
            reliable: found.reliable && context.leftover.is_none_or(|mark| mark + 1 != number),
            allocates: found.source.is_some_and(|(file, _)| is_of_allocator(file)),
            interrupt: context.interrupt,
        };
        self.frame(context, frame, at);
        self.created_by_free(context, parse::plain(found.function));
        true
    }

    /// Instruction pointers, the link register, flags; `None` where the line is none of them.
    fn pointer(
        &mut self,
        context: &mut Context,
        text: &str,
        number: u64,
        at: Option<Moment>,
    ) -> Option<bool> {
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
                let at_frame = snapshot.frames.len();
                let instruction = Instruction::at(number, function, None);
                snapshot.instruction.push(Instruction { user, at_frame, ..instruction });
            }
            return Some(true);
        }
        // Where signs were lost the segment runs into the name.
        let named = |pointer: &frame::Frame<'_>| {
            !pointer.function.starts_with(|first: char| first.is_ascii_digit())
        };
        if let Some(pointer) = frame::instruction_pointer(text).filter(named) {
            self.kernel().observe_arch(text, number);
            let function = bounded(parse::plain(pointer.function), 80);
            let offset = pointer.offset.map(|(offset, _)| offset);
            return Some(self.instruction(context, Instruction::at(number, function, offset), at));
        }
        if let Some(rest) = text.strip_prefix("lr : ").or_else(|| text.strip_prefix("LR is at ")) {
            if let Some(snapshot) = context.snapshot.map(|s| &mut self.out.snapshots[s])
                && let Some(link) = frame::parse(rest).filter(|link| link.offset.is_some())
            {
                let function = bounded(parse::plain(link.function), 80);
                snapshot.link.get_or_insert((number, function));
            }
            return Some(true);
        }
        if parse::is_nameless_pointer(text) {
            self.kernel().observe_arch(text, number);
            let function = String::new();
            return Some(self.instruction(context, Instruction::at(number, function, None), at));
        }
        if text.starts_with("RIP: 0033:")
            || text.starts_with("RIP: 0023:")
            || text.starts_with("RIP: 002b:")
        {
            self.kernel().observe_arch(text, number);
            return Some(self.instruction(
                context,
                Instruction { user: true, ..Instruction::at(number, String::new(), None) },
                at,
            ));
        }
        if text.starts_with("RSP: ") || text.starts_with("EFLAGS: ") {
            if let Some(snapshot) = context.snapshot.map(|s| &mut self.out.snapshots[s]) {
                flags(snapshot, text, number);
            }
            return Some(true);
        }
        self.kernel().observe_arch(text, number);
        // A `RIP:` line broken by a mail program leaves `0010:function` behind.
        if let Some((segment, rest)) = text.split_once(':')
            && segment.len() == 4
            && segment.bytes().all(|b| b.is_ascii_hexdigit())
            && let Some(pointer) = frame::parse(rest).filter(|pointer| pointer.offset.is_some())
        {
            let function = bounded(parse::plain(pointer.function), 80);
            let offset = pointer.offset.map(|(offset, _)| offset);
            return Some(self.instruction(context, Instruction::at(number, function, offset), at));
        }
        None
    }

    /// Adds a frame to the open stack, or begins one.
    fn frame(&mut self, context: &mut Context, frame: Frame, at: Option<Moment>) -> bool {
        let snapshot = match context.snapshot {
            Some(snapshot) => Some(snapshot),
            None => self.begin_snapshot(context, frame.line, at),
        };
        if let Some(snapshot) = snapshot.map(|s| &mut self.out.snapshots[s]) {
            if let Some(lines) = &mut snapshot.lines {
                lines.last = lines.last.max(frame.line);
            }
            // A line that is missing before the first frame may have been one.
            let missing = snapshot.frames.is_empty() && frame.line > context.last_line + 1;
            if (context.idle > 0 || missing) && snapshot.gaps.len() < 16 {
                snapshot.gaps.push(frame.line);
            }
            if snapshot.frames.len() < FRAME_LIMIT {
                snapshot.frames.push(frame);
            }
        }
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
}
