//! One crash report and its name.

use std::sync::LazyLock;

use model::LineSpan;
use parse_console::reports::{Choice, Doubt, Printer};
use parse_console::{Caller, Line, Stamp};
use regex::Regex;

use crate::anchors::Literals;
use crate::bucket::bucket;
use crate::collect::{self, Collected};
use crate::compiled::{CompiledFamily, CompiledShape};
use crate::functions::{self, Found};
use crate::tables::kinds::{KASAN_ACCESSES, KINDS};
use crate::{damage, guilty, names, rewrite, stall};

/// Stands in a title for the function that could not be found.
const NO_FUNCTION: &str = "corrupted";

/// A crash report found in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashReport {
    /// The name under which the kernel community files and searches such a crash.
    pub title: String,
    /// Other names under which the same bug may be filed, sorted.
    pub alt_titles: Vec<String>,
    /// The kind of crash (`KASAN-READ`, `HANG`, …); `None` when the title tells none.
    pub kind: Option<&'static str>,
    /// The function in the title.
    pub frame: Option<String>,
    /// Why the report is damaged, if it is: its title may then be wrong.
    pub corrupted: Option<String>,
    /// Why the report is worthless, if it is: an echo of something outside the kernel.
    pub suppressed: Option<String>,
    /// The kernel panicked somewhere in the log.
    pub panicked: bool,
    /// The fuzzer process and program that ran, from the task's name `syz.P.E`.
    pub executor: Option<Executor>,
    /// The source file that the report points at; only in symbolised text.
    pub guilty_file: Option<String>,
    /// The report without prefixes, without the lines of other printers, without stale frames.
    pub text: String,
    /// The lines of the input it was taken from, context included.
    pub lines: LineSpan,
    /// The row of the tables that named it; `None` when its own words are the title.
    pub row: Option<Row>,
    /// The line that announced it.
    pub header_line: u64,
    /// Byte offset of that line in the (decompressed) input.
    pub offset: u64,
    /// When it was printed, as far as the line says.
    pub stamp: Option<Stamp>,
    /// The printer of its lines, where the log names it.
    pub caller: Option<Caller>,
    /// The task it is about or that ran into it: name and pid.
    pub task: Option<Task>,
    /// Which boot of the log it belongs to, counted from 1.
    pub boot: u32,
    /// What was left out between its lines.
    pub dropped: Dropped,
    /// How it follows from an earlier report of the same log.
    pub relation: Option<Relation>,
    /// It is of a CPU that was interrupted: what the interrupt itself ran is not guilty.
    pub(crate) is_stall: bool,
}

impl CrashReport {
    /// The file that the report points at, by its lines with files and lines.
    pub fn guilty_of(&self, lines: &[&str]) -> Option<String> {
        guilty::file(lines, self.is_stall)
    }

    /// Takes the text with files and lines in place of the raw one, and with it the guilty file.
    pub fn symbolise(&mut self, text: String) {
        self.guilty_file = self.guilty_of(&text.lines().collect::<Vec<_>>());
        self.text = text;
    }
}

/// A row of the tables in [`parse_console::reports`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The header of the family.
    pub header: &'static str,
    /// Index into the shapes of the family.
    pub shape: usize,
    /// Who prints such reports.
    pub printer: Printer,
}

/// The fuzzer process and program of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executor {
    /// Process number.
    pub proc: u32,
    /// Program number.
    pub id: u64,
}

/// A task, as logs name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The name (`comm`); foreign text.
    pub name: String,
    /// The process id.
    pub pid: u32,
}

/// What was left out of a report's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Lines of other printers or programs in between.
    pub foreign: usize,
    /// Stale stack frames, marked `?`.
    pub stale: usize,
    /// The report was longer than is read.
    pub cut: bool,
}

/// How a report follows from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Index of the earlier report, counted from 1 in the order of the log.
    pub to: usize,
    /// What ties the two.
    pub kind: RelationKind,
}

/// What ties two reports of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// The same title again.
    Repeat,
    /// Another report of the same task in the same boot.
    SameTask,
    /// Later in the same boot: the kernel was no longer sound.
    SameBoot,
}

impl RelationKind {
    /// The name under which the relation is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeats",
            Self::SameTask => "same task as",
            Self::SameBoot => "after, in the same boot as",
        }
    }
}

/// The parts of a title before function names are put in.
struct Naming<'s> {
    shape: Option<&'s CompiledShape>,
    groups: Vec<String>,
    damage: Option<String>,
}

/// Reads and names the report that begins at `lines[first]`; gives the index of its last line too.
pub(crate) fn read(
    lines: &[Line<'_>],
    first: usize,
    header: (usize, &'static CompiledFamily),
    floor: usize,
    next: impl Fn(usize) -> bool,
    another: impl Fn(usize) -> bool,
) -> Option<(CrashReport, usize)> {
    let (at, family) = header;
    let kmsan = family.family.header.contains("KMSAN");
    let collected = collect::collect(lines, first, floor, another, kmsan);
    // What names the report stands before the next one begins.
    let own = &collected.kept[collected.header..];
    let whole: Vec<&str> = own.iter().map(|&kept| &*lines[kept].text).collect();
    let ends = family.shapes.iter().all(|shape| shape.shape.choice != Choice::Entry);
    let own_end = match ends {
        true => own.iter().position(|&kept| kept > first && next(kept)).unwrap_or(own.len()),
        false => own.len(),
    };
    let body = &whole[..own_end];
    let head = symbolised_head(body, at, family.family.header);
    let naming = name(family, head, body, &lines[first])?;
    let found = match naming.shape {
        Some(shape) if shape.shape.choice == Choice::Entry => stall::find(shape, body),
        Some(shape) => functions::find(shape, body, &naming.groups),
        None => Found::default(),
    };
    let (title, alt_titles, frame) = titles(&naming, &found, head);
    let stack = damage::stack_start(&whole);
    let glued = lines.get(first + 1).is_some_and(|line| line.number == lines[first].number);
    let corrupted = naming
        .damage
        .or_else(|| {
            let shape = naming.shape?;
            (shape.shape.title.contains("{F}")
                && frame.as_deref().is_none_or(|frame| frame == NO_FUNCTION))
            .then(|| "no function could be named".to_owned())
        })
        .or_else(|| found.injected.then(|| "a fault injection stands in the stack".to_owned()))
        .or_else(|| glued.then(|| "another message begins on its first line".to_owned()))
        .or_else(|| {
            let cut = damage::is_disconnected(body);
            cut.then(|| "the console was disconnected in the middle of the report".to_owned())
        })
        .or_else(|| {
            let optional = naming.shape.is_none_or(|s| s.shape.doubt == Doubt::TraceOptional);
            let start = stack.filter(|start| *start < body.len() && !optional)?;
            damage::broken_stack(body, start, collected.stale)
        })
        .or_else(|| {
            let shape = naming.shape?;
            let missing = match shape.shape.doubt {
                Doubt::NeedsTrace => stack.is_none() && !damage::has_arm_trace(&whole),
                Doubt::Needs(_) => {
                    !shape.needs.as_ref().is_some_and(|p| body.iter().any(|text| p.is_match(text)))
                }
                Doubt::TraceOptional | Doubt::Always => false,
            };
            missing.then(|| "the stack trace is missing or not whole".to_owned())
        });
    let row = naming.shape.and_then(|named_by| {
        let shape = family.shapes.iter().position(|shape| std::ptr::eq(shape, named_by))?;
        Some(Row { header: family.family.header, shape, printer: family.family.printer })
    });
    let is_stall = naming.shape.is_some_and(|s| s.shape.choice == Choice::Entry);
    let last = collected.kept.last().copied().unwrap_or(first);
    let report = CrashReport {
        kind: kind(&title),
        title,
        alt_titles,
        frame,
        corrupted,
        suppressed: None,
        panicked: false,
        executor: executor(body),
        guilty_file: guilty::file(body, is_stall),
        text: text(lines, &collected),
        lines: LineSpan::new(lines[collected.kept[0]].number, lines[last].number),
        row,
        header_line: lines[first].number,
        offset: lines[first].offset,
        stamp: lines[first].stamp,
        caller: lines[first].caller,
        task: task(body),
        boot: 1,
        dropped: Dropped { foreign: collected.foreign, stale: collected.stale, cut: collected.cut },
        relation: None,
        is_stall,
    };
    Some((report, last))
}

/// The first line from its header on. Symbolised reports repeat it for every inlined function; the
/// last one is what the raw log had.
pub(crate) fn symbolised_head<'a>(body: &[&'a str], at: usize, header: &str) -> &'a str {
    let mut head = &body[0][at..];
    for text in &body[1..] {
        if !head.contains("[inline]") || !text.starts_with(header) {
            break;
        }
        head = text;
    }
    head
}

fn name<'f>(
    family: &'f CompiledFamily,
    head: &str,
    body: &[&str],
    line: &Line<'_>,
) -> Option<Naming<'f>> {
    let mut claimed = false;
    let words = line.text.trim_start_matches(['[', ' ']);
    if family.family.header == "BUG:" && line.stamp.is_none() && !words.starts_with("BUG:") {
        return None;
    }
    for shape in &family.shapes {
        let Some(groups) = shape_groups(shape, head, body) else { continue };
        if let Some(groups) = groups {
            let damage =
                (shape.shape.doubt == Doubt::Always).then(|| "the report is cut short".to_owned());
            return Some(Naming { shape: Some(shape), groups, damage });
        }
        claimed = true;
    }
    if claimed {
        let damage = Some("a line that belongs to such a report is missing".to_owned());
        return Some(Naming { shape: None, groups: Vec::new(), damage });
    }
    // No row knows the line. What the kernel itself printed is reported under its own words;
    // programs print such lines for their own reasons.
    // The kernel does not shout: a line in capitals throughout was changed by who passed it on.
    if !line.text.bytes().any(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let kernel = line.stamp.is_some() || line.level.is_some() || follows_device(&line.text);
    let words = family.family.header == "WARNING:" || family.family.header.starts_with("BUG: ");
    (words && kernel && !line.text.starts_with("INFO")).then(|| Naming {
        shape: None,
        groups: Vec::new(),
        damage: None,
    })
}

/// The groups of a shape; `None` when the first line is not its own, `Some(None)` when a line that must
/// follow is missing.
#[expect(clippy::option_option, reason = "both answers matter to the one caller")]
pub(crate) fn shape_groups(
    shape: &CompiledShape,
    head: &str,
    body: &[&str],
) -> Option<Option<Vec<String>>> {
    let captures = shape.line.captures(head)?;
    let mut groups: Vec<String> =
        captures.iter().skip(1).map(|g| g.map_or("", |g| g.as_str()).to_owned()).collect();
    Some(follow(shape, body, &mut groups).then_some(groups))
}

/// `usb 5-1: WARNING: …`, `XFS (sda1): WARNING: …`: a driver's message, which names its device first.
fn follows_device(text: &str) -> bool {
    text.split_once(": WARNING:").is_some_and(|(device, _)| {
        let mut words = device.split(' ');
        let plain = |word: &str| {
            let word = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')).unwrap_or(word);
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:.".contains(&b))
        };
        words.next().is_some_and(plain)
            && words
                .next()
                .is_some_and(|word| plain(word) && word.bytes().any(|b| b.is_ascii_digit()))
            && words.next().is_none()
    })
}

/// Matches the lines that must follow, in order; their groups are added to `groups`.
fn follow(shape: &CompiledShape, body: &[&str], groups: &mut Vec<String>) -> bool {
    /// Lines among which the next line of a shape must stand.
    const WITHIN: usize = 18;
    let mut rest = body.get(1..).unwrap_or_default();
    for pattern in &shape.then {
        let matched = rest
            .iter()
            .take(WITHIN)
            .enumerate()
            .find_map(|(at, text)| Some((at, pattern.captures(text)?)));
        let Some((mut at, mut captures)) = matched else { return false };
        // A symbolised line is repeated for every inlined function; the last one is what the raw log had.
        while rest[at].ends_with("[inline]")
            && let Some(next) = rest.get(at + 1).and_then(|text| pattern.captures(text))
        {
            (at, captures) = (at + 1, next);
        }
        // Another report lies in between, so the line may be that report's.
        if rest[..at].iter().any(|text| text.contains("FAULT_INJECTION: forcing")) {
            return false;
        }
        groups.extend(captures.iter().skip(1).map(|g| g.map_or("", |g| g.as_str()).to_owned()));
        rest = &rest[at + 1..];
    }
    true
}

/// The title, the alternative titles, and the function in the title.
fn titles(naming: &Naming<'_>, found: &Found, head: &str) -> (String, Vec<String>, Option<String>) {
    let Some(shape) = naming.shape else {
        return (rewrite::finish(&rewrite::stable(head)), Vec::new(), None);
    };
    let takes_buckets = matches!(shape.shape.choice, Choice::Entry | Choice::Waiter);
    let (shortest, others) = match &found.function {
        Some(function) => match bucket(function).filter(|_| takes_buckets) {
            Some(bucket) if bucket != function => (bucket.to_owned(), vec![function.clone()]),
            _ => names::forms(function),
        },
        None => (NO_FUNCTION.to_owned(), Vec::new()),
    };
    let fill = |template: &str, function: &str| {
        let mut title = template.to_owned();
        for (at, group) in naming.groups.iter().enumerate() {
            let mark = format!("{{{}}}", at + 1);
            if title.contains(&mark) {
                title = title.replace(&mark, &rewrite::stable(group));
            }
            // The group names a function.
            let mark = format!("{{f{}}}", at + 1);
            if title.contains(&mark) {
                title = title.replace(&mark, &names::forms(&names::plain(group)).0);
            }
        }
        title = title.replace("{O}", found.origin.as_deref().unwrap_or(NO_FUNCTION));
        rewrite::finish(&title.replace("{F}", function))
    };
    let title = fill(shape.shape.title, &shortest);
    let mut alternatives = Vec::new();
    for template in std::iter::once(&shape.shape.title).chain(shape.shape.also) {
        if template.contains("{O}") && found.origin.is_none() {
            continue;
        }
        alternatives.push(fill(template, &shortest));
        if template.contains("{F}") {
            alternatives.extend(others.iter().map(|function| fill(template, function)));
        }
    }
    alternatives.retain(|alternative| *alternative != title);
    alternatives.sort();
    alternatives.dedup();
    let function = Some(shortest).filter(|_| shape.shape.title.contains("{F}"));
    (title, alternatives, function)
}

fn kind(title: &str) -> Option<&'static str> {
    if let Some((_, kind)) = KINDS.iter().find(|(prefix, _)| title.starts_with(prefix)) {
        return Some(*kind).filter(|kind| !kind.is_empty());
    }
    if title.starts_with("KASAN:") {
        return KASAN_ACCESSES.iter().find(|(part, _)| title.contains(part)).map(|(_, kind)| *kind);
    }
    None
}

fn executor(body: &[&str]) -> Option<Executor> {
    static MARK: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new("syz."));
    body.iter().filter(|text| MARK.find(text.as_bytes()).is_some()).find_map(|text| {
        let after = text.split_once("Comm: syz.").or_else(|| text.split_once(": syz."))?.1;
        let mut numbers = after.split([' ', '/']).next()?.split('.');
        Some(Executor { proc: numbers.next()?.parse().ok()?, id: numbers.next()?.parse().ok()? })
    })
}

/// (text that the line must hold, pattern that finds name and pid).
static TASKS: LazyLock<Vec<(memchr::memmem::Finder<'static>, Regex)>> = LazyLock::new(|| {
    [
        ("INFO: task ", r"^INFO: task (?P<name>.+):(?P<pid>[0-9]+) (?:blocked|can't die)"),
        (
            "soft lockup - ",
            r"soft lockup - CPU#[0-9]+ stuck for [0-9]+s! \[(?P<name>.+):(?P<pid>[0-9]+)\]",
        ),
        (
            " Comm: ",
            r"CPU: [0-9]+ (?:UID: [0-9]+ )?PID: (?P<pid>[0-9]+) Comm: (?P<name>.+?) (?:Not tainted|Tainted|Kdump|Hardware)",
        ),
        (
            " by task ",
            r"^(?:Read|Write) of size [0-9]+ (?:at addr \S+ )?by task (?P<name>.+)/(?P<pid>[0-9]+)",
        ),
        (
            " is trying to",
            r"^(?P<name>.+)/(?P<pid>[0-9]+) (?:\[[^\]]*\](?::\S+)? )?is trying to",
        ),
        (" takes:", r"^(?P<name>.+)/(?P<pid>[0-9]+) (?:\[[^\]]*\](?::\S+)? )?takes:"),
        ("just changed", r"^(?P<name>.+)/(?P<pid>[0-9]+) just changed"),
        (", CPU#", r"CPU#[0-9]+: (?P<name>.+)/(?P<pid>[0-9]+)$"),
        (" atomic: ", r"atomic: (?P<name>.+)/(?P<pid>[0-9]+)/0x"),
    ]
    .map(|(literal, pattern)| (memchr::memmem::Finder::new(literal), crate::pattern::regex(pattern)))
    .into()
});

/// The texts of [`TASKS`], searched at once before one after the other.
const TASK_LITERALS: [&str; 9] = [
    "INFO: task ",
    "soft lockup - ",
    " Comm: ",
    " by task ",
    " is trying to",
    " takes:",
    "just changed",
    ", CPU#",
    " atomic: ",
];

/// The task a report is about: the first line that names one.
fn task(body: &[&str]) -> Option<Task> {
    const WITHIN: usize = 60;
    static ANY: LazyLock<Literals> = LazyLock::new(|| Literals::new(&TASK_LITERALS));
    body.iter().take(WITHIN).filter(|text| ANY.is_in(text)).find_map(|text| {
        let captures = TASKS
            .iter()
            .filter(|(literal, _)| literal.find(text.as_bytes()).is_some())
            .find_map(|(_, pattern)| pattern.captures(text))?;
        Some(Task { name: captures["name"].trim().to_owned(), pid: captures["pid"].parse().ok()? })
    })
}

fn text(lines: &[Line<'_>], collected: &Collected) -> String {
    let mut text = String::new();
    let mut kept = collected.kept.as_slice();
    // KASAN ends with it when the echo of a panic follows; it tells nothing.
    if let [before @ .., last] = kept
        && lines[*last].text == "Disabling lock debugging due to kernel taint"
    {
        kept = before;
    }
    for &kept in kept {
        text.push_str(&lines[kept].text);
        text.push('\n');
    }
    text
}
