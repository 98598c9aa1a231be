//! Stacks and tasks as people write them: without offsets, as call trees, with arrows, with the
//! name of the task in the line above.
//!
//! Invariants: a stack is made only of lines that hold nothing but functions, places and marks; its
//! frames come out from the innermost to the outermost, whichever way they were written; a task has a
//! pid only where the text gives it.

use std::sync::LazyLock;

use analysis_hang::event::{Frame, Snapshot, Task};
use analysis_hang::stack::is_scheduling;
use model::LineSpan;
use regex::Regex;

use crate::document::{Document, LineKind};

/// The most stacks read of one analysis.
const MOST_STACKS: usize = 256;
/// The most frames of one stack.
const MOST_FRAMES: usize = 128;
/// How many lines above a stack its label may stand.
const LABEL_DISTANCE: usize = 4;

/// A source place that an analysis gives for a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function.
    pub function: String,
    /// The file.
    pub file: String,
    /// The line in the file.
    pub line: u32,
    /// Where the analysis says so.
    pub at: LineSpan,
}

/// A stack as written, for each task it is said of.
#[derive(Clone, Debug)]
pub struct QuotedStack {
    /// The tasks that the label names; empty when none is named.
    pub tasks: Vec<Named>,
    /// The stack, without a task.
    pub snapshot: Snapshot,
    /// The label and the stack.
    pub lines: LineSpan,
    /// The argument of a call written with one: `synchronize_srcu(&x)` gives the pair.
    pub arguments: Vec<(String, String)>,
    /// Places given with frames.
    pub places: Vec<Place>,
    /// `blocked`, `running`, … as noted beside a frame or in a remark.
    pub notes: Vec<(String, u64)>,
}

/// A task named in prose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its pid.
    pub pid: u32,
    /// Where.
    pub line: u64,
}

/// The functions of one line, and what else stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameLine {
    /// From left to right.
    pub(crate) functions: Vec<String>,
    /// The arrow between them points at the callee.
    pub(crate) towards_callee: bool,
    /// `file:line`.
    pub(crate) place: Option<(String, u32)>,
    /// Function and the text between its parentheses.
    pub(crate) argument: Option<(String, String)>,
    /// The frame is marked `?`.
    pub(crate) stale: bool,
    /// What follows: `← BLOCKED`.
    pub(crate) note: String,
    /// Columns of indentation.
    pub(crate) indent: usize,
}

static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[\[(]?\b((?:[\w.+-]+/)*[\w.+-]+\.(?:c|h|S|rs|cc)):(\d{1,6})\b[\])]?").ok()
});

/// Reads a line of a stack written by hand; `None` when it holds prose or nothing of the kind.
pub(crate) fn frames_of_line(line: &str) -> Option<FrameLine> {
    let indent = line.chars().take_while(|c| c.is_whitespace() || "|│├└─>-".contains(*c)).count();
    let mut rest = line.trim().trim_start_matches(['|', '│', '├', '└', '─', '↳', '*', '>', ' ']);
    rest = rest.strip_prefix("->").unwrap_or(rest).trim_start();
    // `#3 function` and `3. function`, `[<addr>] function`.
    let numbered = rest.trim_start_matches('#');
    let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && digits <= 3 {
        let after = numbered[digits..].trim_start_matches(['.', ')', ':']);
        if after.starts_with(' ') {
            rest = after.trim_start();
        }
    }
    let mut out = FrameLine { indent, ..FrameLine::default() };
    if let Some(after) = rest.strip_prefix("? ") {
        out.stale = true;
        rest = after.trim_start();
    }
    loop {
        let length = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
            .count();
        let name = rest[..length].trim_end_matches('.');
        let first = name.bytes().next()?;
        if !(first.is_ascii_alphabetic() || first == b'_') {
            return None;
        }
        rest = &rest[length..];
        let mut called = false;
        if let Some(after) = rest.strip_prefix('(') {
            let end = after.find(')')?;
            let inside = after[..end].trim();
            // `(pid 12)` after a word is a remark, not an argument.
            if inside.contains(' ')
                && !inside.contains(',')
                && !inside.contains('&')
                && !inside.contains('*')
            {
                return None;
            }
            called = true;
            if !inside.is_empty() {
                out.argument = Some((name.to_owned(), inside.to_owned()));
            }
            rest = &after[end + 1..];
        }
        if let Some(after) = rest.strip_prefix('+') {
            let end = after
                .bytes()
                .take_while(|b| b.is_ascii_hexdigit() || matches!(b, b'x' | b'/'))
                .count();
            called |= end > 0;
            rest = &after[end..];
        }
        let looks_like_function =
            called || name.contains('_') || is_scheduling(name) || is_plain_function(name);
        if !looks_like_function {
            return None;
        }
        out.functions.push(name.split('.').next().unwrap_or(name).to_owned());
        let after = rest.trim_start();
        let arrow = ["→", "->", "=>", "-->"].iter().find_map(|arrow| after.strip_prefix(arrow));
        match arrow {
            Some(next) => {
                out.towards_callee = true;
                rest = next.trim_start();
            }
            None => {
                rest = after;
                break;
            }
        }
    }
    if let Some(place) = PLACE.as_ref().and_then(|p| p.captures(rest)) {
        if let Ok(number) = place[2].parse() {
            out.place = Some((place[1].to_owned(), number));
        }
        let whole = place.get(0)?.range();
        let before = rest[..whole.start].trim().trim_end_matches("at").trim();
        let behind = rest[whole.end..].trim();
        rest = if before.is_empty() { behind } else { before };
    }
    let marked = ["←", "<-", "//", "/*", "#", "--", "(", "[", ":", "—", "–"]
        .iter()
        .any(|mark| rest.starts_with(mark));
    if !rest.is_empty() && !marked && rest.split_whitespace().count() > 3 {
        return None;
    }
    rest.trim().clone_into(&mut out.note);
    Some(out)
}

/// Functions whose names are single words without an underscore.
fn is_plain_function(name: &str) -> bool {
    matches!(
        name,
        "kthread"
            | "process"
            | "kswapd"
            | "down"
            | "complete"
            | "vfree"
            | "kfree"
            | "iput"
            | "dput"
            | "fput"
    )
}

static TASKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?P<name>[A-Za-z(][\w./:()#+-]*) \((?:pid|PID|Pid)[ :=]*(?P<pid>\d{1,7})\)",
        r"\btask (?P<name>\S.{0,30}?):(?P<pid>\d{1,7}) blocked\b",
        r"\btask[: ]+(?P<name>[A-Za-z(][\w./:()#+-]*?):(?P<pid>\d{1,7})\b",
        r"(?P<name>[A-Za-z(][\w./:()#+-]*)\[(?P<pid>\d{1,7})\]",
        r"\bPID: (?P<pid>\d{1,7}) Comm: (?P<name>\S+)",
        r"(?P<name>[A-Za-z(][\w./:()#+-]*), (?:pid|PID)[ :=]*(?P<pid>\d{1,7})\b",
    ]
    .iter()
    .filter_map(|shape| Regex::new(shape).ok())
    .collect()
});

/// The tasks that a text names with their pids, in order.
pub(crate) fn tasks_of(text: &str, line: u64) -> Vec<Named> {
    let mut found: Vec<(usize, Named)> = Vec::new();
    for shape in TASKS.iter() {
        for captures in shape.captures_iter(text) {
            let (Some(name), Some(pid)) = (captures.name("name"), captures.name("pid")) else {
                continue;
            };
            let Ok(pid) = pid.as_str().parse() else { continue };
            if !found.iter().any(|(_, known)| known.pid == pid) {
                let name = name.as_str().trim_matches(['*', '`', '(']).to_owned();
                // `commit[1]`, `list[0]`: references and arrays, not tasks.
                if pid > 0 && !name.is_empty() {
                    found.push((name.len(), Named { name, pid, line }));
                }
            }
        }
    }
    found.into_iter().map(|(_, named)| named).collect()
}

static HEADER_STATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:state:?\s*(?P<a>[RSDTtXZPI])\b|(?P<b>[RSDTI]) state\b|\((?P<c>[RSDTI])\))")
        .ok()
});

/// Reads all stacks that are written by hand.
pub(crate) fn stacks(document: &Document<'_>) -> Vec<QuotedStack> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < document.kinds.len() && found.len() < MOST_STACKS {
        if !matches!(document.kinds[at], LineKind::Stack | LineKind::Console) {
            at += 1;
            continue;
        }
        let start = at;
        while at < document.kinds.len()
            && matches!(document.kinds[at], LineKind::Stack | LineKind::Console)
        {
            at += 1;
        }
        let has_own = document.kinds[start..at].contains(&LineKind::Stack);
        if has_own && let Some(stack) = stack(document, start, at) {
            found.push(stack);
        }
    }
    found
}

fn stack(document: &Document<'_>, start: usize, end: usize) -> Option<QuotedStack> {
    let mut frames: Vec<(FrameLine, u64)> = Vec::new();
    let mut out = QuotedStack {
        tasks: Vec::new(),
        snapshot: Snapshot::default(),
        lines: LineSpan::new(start as u64 + 1, end as u64),
        arguments: Vec::new(),
        places: Vec::new(),
        notes: Vec::new(),
    };
    let mut holdouts: Vec<u32> = Vec::new();
    let mut header = None;
    for at in start..end {
        let number = at as u64 + 1;
        let raw = document.raw[at].as_ref();
        let trimmed = raw.trim();
        if trimmed.contains("Tasks blocked on level-") {
            let words = trimmed.split_whitespace().filter_map(|w| w.strip_prefix('P'));
            holdouts.extend(words.filter_map(|w| w.split('/').next()?.parse::<u32>().ok()));
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix("task:") {
            header = rest.split_whitespace().next().map(str::to_owned);
        }
        if let Some(work) = trimmed.strip_prefix("Workqueue:") {
            out.snapshot.workqueue = Some((number, work.trim().to_owned()));
            continue;
        }
        out.tasks.extend(tasks_of(trimmed, number));
        let is_header = trimmed.starts_with("task:")
            || trimmed.starts_with("INFO: task")
            || trimmed.contains(" state:");
        if let Some(state) =
            HEADER_STATE.as_ref().and_then(|s| s.captures(trimmed)).filter(|_| is_header)
        {
            out.snapshot.state = state
                .name("a")
                .or(state.name("b"))
                .or(state.name("c"))
                .and_then(|s| s.as_str().chars().next());
            continue;
        }
        // A place alone belongs to the frame above: a mailer has wrapped it off.
        if let Some((frame, _)) = frames.last_mut()
            && frame.place.is_none()
            && let Some(place) = PLACE.as_ref().and_then(|p| p.captures(trimmed))
            && place.get(0).is_some_and(|m| m.as_str().len() == trimmed.len())
        {
            frame.place = place[2].parse().ok().map(|line| (place[1].to_owned(), line));
            continue;
        }
        match frames_of_line(raw) {
            Some(frame) if frames.len() < MOST_FRAMES => {
                if !frame.note.is_empty() {
                    out.notes.push((frame.note.clone(), number));
                }
                frames.push((frame, number));
            }
            _ => out.notes.push((trimmed.to_owned(), number)),
        }
    }
    if frames.len() < 2 {
        return None;
    }
    if out.tasks.is_empty()
        && let ([pid], Some(name)) = (holdouts.as_slice(), header)
    {
        // The dump of the one reader that the line above names.
        out.tasks.push(Named { name, pid: *pid, line: start as u64 + 1 });
    }
    if out.tasks.is_empty() {
        let (tasks, first) = label(document, start);
        out.tasks = tasks;
        out.lines.first = first;
    }
    for (frame, number) in &frames {
        let own = LineSpan::line(*number);
        if let (Some((file, line)), Some(function)) = (&frame.place, frame.functions.last()) {
            out.places.push(Place {
                function: function.clone(),
                file: file.clone(),
                line: *line,
                at: own,
            });
        }
        out.arguments.extend(frame.argument.clone());
    }
    let outermost_first = is_outermost_first(&frames);
    let mut flat: Vec<Frame> = Vec::new();
    for (line, number) in &frames {
        let own = line.functions.iter().map(|function| Frame {
            line: *number,
            function: function.clone(),
            offset: None,
            size: None,
            module: None,
            reliable: !line.stale,
            interrupt: false,
        });
        // Within a line an arrow points from the caller to the callee.
        if outermost_first || !line.towards_callee {
            flat.extend(own);
        } else {
            let own: Vec<_> = own.collect();
            flat.extend(own.into_iter().rev());
        }
    }
    if outermost_first {
        flat.reverse();
    }
    out.snapshot.frames = flat;
    out.snapshot.lines = Some(LineSpan::new(start as u64 + 1, end as u64));
    out.snapshot.on_cpu = out.snapshot.state == Some('R');
    Some(out)
}

/// The tasks named in the nearest lines above a stack, and the first line of that label.
fn label(document: &Document<'_>, start: usize) -> (Vec<Named>, u64) {
    let mut seen = 0;
    for at in (0..start).rev() {
        match document.kinds[at] {
            LineKind::Blank | LineKind::Fence => continue,
            LineKind::Prose | LineKind::Heading | LineKind::Quoted => {}
            _ => break,
        }
        seen += 1;
        if seen > LABEL_DISTANCE {
            break;
        }
        let tasks = tasks_of(document.raw[at].trim(), at as u64 + 1);
        if !tasks.is_empty() {
            return (tasks, at as u64 + 1);
        }
        // A label is one line; a longer paragraph is not searched beyond its last two.
        if seen == 2 {
            break;
        }
    }
    (Vec::new(), start as u64 + 1)
}

fn is_outermost_first(frames: &[(FrameLine, u64)]) -> bool {
    let grows = frames.windows(2).filter(|w| w[1].0.indent > w[0].0.indent).count();
    if grows * 2 >= frames.len() - 1 {
        return true;
    }
    let entry = |f: &FrameLine| f.functions.first().is_some_and(|name| is_outermost(name));
    match (frames.first(), frames.last()) {
        (Some((first, _)), Some((last, _))) => {
            if entry(first) != entry(last) {
                return entry(first);
            }
            let waits = |f: &FrameLine| {
                f.functions
                    .iter()
                    .any(|name| is_scheduling(name) || name.starts_with("__mutex_lock"))
            };
            if waits(first) != waits(last) {
                return waits(last);
            }
            // One line of arrows reads from the caller to the callee.
            frames.iter().any(|(f, _)| f.towards_callee)
        }
        _ => false,
    }
}

/// Whether tasks enter the kernel, or threads begin, in this function.
fn is_outermost(name: &str) -> bool {
    analysis_hang::stack::is_syscall_entry(name)
        || [
            "__x64_sys_",
            "__ia32_sys_",
            "__arm64_sys_",
            "__se_sys_",
            "__do_sys_",
            "ksys_",
            "sys_",
            "asm_",
            "entry_",
        ]
        .iter()
        .any(|start| name.starts_with(start))
        || matches!(
            name,
            "ret_from_fork"
                | "ret_from_fork_asm"
                | "kthread"
                | "worker_thread"
                | "process_one_work"
                | "process_scheduled_works"
        )
}

impl QuotedStack {
    /// The stack once for each task it is said of.
    pub(crate) fn of_each_task(&self) -> impl Iterator<Item = Snapshot> + '_ {
        self.tasks.iter().map(|named| {
            let mut snapshot = self.snapshot.clone();
            snapshot.task = Some(Task::new(named.name.clone(), named.pid));
            snapshot
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<String> {
        let document = crate::document::read(text.as_bytes());
        let stacks = stacks(&document);
        assert_eq!(stacks.len(), 1, "{:?}", document.kinds);
        stacks[0].snapshot.frames.iter().map(|f| f.function.clone()).collect()
    }

    #[test]
    fn a_call_tree_is_turned_to_innermost_first() {
        let text = "**writer (pid 12) - stuck:**\n```\n__x64_sys_close\n  fput_close\n    my_release\n      mutex_lock(&a->lock)   ← BLOCKED\n        __mutex_lock\n```\n";
        assert_eq!(
            functions(text),
            ["__mutex_lock", "mutex_lock", "my_release", "fput_close", "__x64_sys_close"]
        );
        let document = crate::document::read(text.as_bytes());
        let stack = &stacks(&document)[0];
        assert_eq!(stack.tasks, [Named { name: "writer".into(), pid: 12, line: 1 }]);
        assert_eq!(stack.arguments, [("mutex_lock".to_owned(), "&a->lock".to_owned())]);
        assert_eq!(stack.lines.first, 1);
    }

    #[test]
    fn a_flat_trace_stays_as_it_is_and_arrows_read_from_the_caller() {
        let flat = "Task a[1]:\n\n    schedule\n    __mutex_lock\n    my_open\n    do_syscall_64\n";
        assert_eq!(functions(flat), ["schedule", "__mutex_lock", "my_open", "do_syscall_64"]);
        let arrows = "Task a[1]:\n```\ndo_syscall_64 → my_open → mutex_lock\nschedule_preempt_disabled -> schedule\n```\n";
        assert_eq!(
            functions(arrows),
            ["schedule", "schedule_preempt_disabled", "mutex_lock", "my_open", "do_syscall_64"]
        );
    }

    #[test]
    fn places_are_kept_even_when_wrapped_onto_the_next_line() {
        let text = "x (pid 3):\n```\nmy_close   [fs/my.c:12]\n  my_wait\n[fs/my.c:40]\n    schedule\n```\n";
        let document = crate::document::read(text.as_bytes());
        let places: Vec<_> =
            stacks(&document)[0].places.iter().map(|p| (p.function.clone(), p.line)).collect();
        assert_eq!(places, [("my_close".to_owned(), 12), ("my_wait".to_owned(), 40)]);
    }

    #[test]
    fn prose_is_no_frame() {
        for text in [
            "  the function my_open() takes the lock and then waits for it",
            "  1. Confirm the bug by testing",
            "    - Using an asynchronous mechanism (e.g., call_rcu() with a callback to",
            "  a.out (pid 12)",
            "  Kernels before that",
        ] {
            assert_eq!(frames_of_line(text), None, "{text:?}");
        }
    }

    #[test]
    fn tasks_are_found_in_each_spelling() {
        for (text, name, pid) in [
            ("kworker/0:1 (pid 11) - waits", "kworker/0:1", 11),
            ("INFO: task my task:12 blocked", "my task", 12),
            ("CPU: 1 PID: 7 Comm: syz Not tainted", "syz", 7),
            ("the task systemd[1] waits", "systemd", 1),
            ("repro, pid 99, spins", "repro", 99),
        ] {
            let found = tasks_of(text, 1);
            assert_eq!(
                found.first().map(|n| (n.name.as_str(), n.pid)),
                Some((name, pid)),
                "{text}"
            );
        }
    }
}
