//! Claims about a crash: where, on which CPU, at which address, which access, with which taint, who called whom.
//! Judged by the lines of the reports.

use analysis_hang::event::{Detail, Event, EventKind, Role, Snapshot};
use model::{AddressMeaning, LineSpan};

use super::tasks::subject;
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit};
use crate::index::is_crash;
use crate::verdict::Verdict::{CannotJudge, Contradicted, Plausible, Supported, Unsupported};

/// The functions in which the reports of crashes say that the CPU was.
fn crash_places(exhibit: &Exhibit<'_>) -> Vec<(String, Cited)> {
    let mut out: Vec<(String, Cited)> = Vec::new();
    let mut add = |function: &str, line: Cited| {
        let bare = bare(function);
        if !bare.is_empty() && !out.iter().any(|(known, l)| known == bare && *l == line) {
            out.push((bare.to_owned(), line));
        }
    };
    for event in exhibit.seen.events.iter().filter(|e| is_crash(e.kind)) {
        let line = exhibit.cite(event.lines.first);
        match &event.detail {
            Detail::Bad(bad) => add(&bad.function, line),
            Detail::Trap(trap) => {
                for function in trap.function.iter() {
                    add(function, line);
                }
            }
            _ => {}
        }
        for id in &event.snapshots {
            let snapshot = exhibit.seen.snapshot(*id);
            for at in snapshot.instruction.iter().filter(|i| !i.user) {
                add(&at.function, exhibit.cite(at.line));
            }
        }
    }
    out
}

fn bare(function: &str) -> &str {
    function.split(['.', '+', '(']).next().unwrap_or(function)
}

/// Where a function stands in the stacks of an exhibit.
enum Standing {
    /// At an instruction pointer.
    Pointer(Cited),
    /// In a frame.
    Frame(Cited),
    /// Only in frames marked `?`.
    Stale(Cited),
    /// In no stack.
    Nowhere,
}

fn standing(exhibit: &Exhibit<'_>, function: &str) -> Standing {
    let mut stale = None;
    let mut frame = None;
    for snapshot in &exhibit.seen.snapshots {
        if let Some(at) =
            snapshot.instruction.iter().find(|i| !i.user && bare(&i.function) == function)
        {
            return Standing::Pointer(exhibit.cite(at.line));
        }
        for found in snapshot.frames.iter().filter(|f| bare(&f.function) == function) {
            let line = exhibit.cite(found.line);
            if found.reliable {
                frame.get_or_insert(line);
            } else {
                stale.get_or_insert(line);
            }
        }
    }
    if let Some(line) = frame {
        return Standing::Frame(line);
    }
    stale.map_or(Standing::Nowhere, Standing::Stale)
}

/// The function of a claim, without what is no function.
pub(crate) fn function_key(found: &Found<'_>) -> Option<String> {
    let function = found.any("function")?;
    let bare = bare(function);
    // A word without an underscore is a function only with its parentheses or offset.
    let marked = function.contains('+')
        || found.text.contains(&format!("{bare}()"))
        || found.after().starts_with("()")
        || found.after().starts_with('+');
    (bare.contains('_') || marked).then(|| bare.to_owned())
}

/// The instruction pointers of the reports decide; a frame is a caller, a stale frame nothing.
pub(crate) fn place(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let function = function_key(first)?;
    let statement = format!("the crash is in {function}()");
    let exhibit = case.evidence.facts();
    let places = crash_places(exhibit);
    let text = first.text.to_ascii_lowercase();
    let exact = ["rip", "eip", "instruction", "faulting", "program counter", "pc "]
        .iter()
        .any(|word| text.contains(word));
    if places.is_empty() {
        // Stalls and lockups are no crashes, but they print where a CPU was.
        return match standing(exhibit, &function) {
            Standing::Pointer(line) if exact => Some(
                Judgement::new(
                    format!("a CPU was in {function}()"),
                    Supported,
                    "an instruction pointer is there",
                )
                .citing([line]),
            ),
            _ => None,
        };
    }
    if let Some((_, line)) = places.iter().find(|(known, _)| *known == function) {
        return Some(
            Judgement::new(statement, Supported, "the report names it as the place")
                .citing([*line]),
        );
    }
    let (other, line) = places.first()?.clone();
    Some(match standing(exhibit, &function) {
        Standing::Stale(stale) => Judgement::new(
            statement,
            Contradicted,
            format!("the report names {other}(); {function} stands only in a stale `?` frame"),
        )
        .citing([line, stale]),
        Standing::Frame(frame) | Standing::Pointer(frame) if exact => Judgement::new(
            statement,
            Contradicted,
            format!("the report names {other}(); {function}() stands only in a call trace"),
        )
        .citing([line, frame]),
        Standing::Frame(frame) | Standing::Pointer(frame) => Judgement::new(
            statement,
            CannotJudge,
            format!("the report names {other}() as the place; {function}() stands in a call trace"),
        )
        .citing([line, frame]),
        Standing::Nowhere => Judgement::new(
            statement,
            Unsupported,
            format!("the report names {other}(); {function}() stands in no stack (inlined functions do not print)"),
        )
        .citing([line]),
    })
}

/// Whether a stack shows a function.
pub(crate) fn in_trace(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let function = function_key(found.first()?)?;
    if case.evidence.is_scanty() {
        return None;
    }
    let statement = format!("{function}() is in a stack");
    Some(match standing(case.evidence.facts(), &function) {
        Standing::Pointer(line) | Standing::Frame(line) => {
            Judgement::new(statement, Supported, "a stack of the log has it").citing([line])
        }
        Standing::Stale(line) => Judgement::new(
            statement,
            Unsupported,
            "only a stale `?` frame names it: an old word on the stack, not a call",
        )
        .citing([line]),
        Standing::Nowhere => Judgement::new(
            statement,
            Unsupported,
            "it stands in no stack of the log (inlined functions do not print)",
        ),
    })
}

/// By frames that stand next to each other.
pub(crate) fn calls(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    if let Some(function) = first.group("itself") {
        return recursion(case, bare(function));
    }
    let (callee, caller) = match (first.group("callee"), first.group("callee2")) {
        (Some(callee), _) => (callee, first.group("caller")?),
        (None, Some(callee)) => (callee, first.group("caller2")?),
        _ => return None,
    };
    let (callee, caller) = (bare(callee), bare(caller));
    if callee == caller || case.evidence.is_scanty() {
        return None;
    }
    let statement = format!("{caller}() calls {callee}()");
    let exhibit = case.evidence.facts();
    let mut turned = None;
    let mut through = None;
    let (mut has_callee, mut has_caller) = (false, false);
    for snapshot in &exhibit.seen.snapshots {
        let frames = path(snapshot);
        for (at, (name, line)) in frames.iter().enumerate() {
            has_callee |= *name == callee;
            has_caller |= *name == caller;
            if *name != callee {
                continue;
            }
            let behind = frames.iter().skip(at + 1).position(|(n, _)| *n == caller);
            match behind {
                Some(0) => {
                    return Some(
                        Judgement::new(
                            statement,
                            Supported,
                            "the frames stand one above the other",
                        )
                        .citing([exhibit.cite(*line), exhibit.cite(frames[at + 1].1)]),
                    );
                }
                Some(n) => {
                    through
                        .get_or_insert((exhibit.cite(*line), exhibit.cite(frames[at + 1 + n].1)));
                }
                None => {
                    if let Some((_, above)) = frames[..at].iter().find(|(n, _)| *n == caller) {
                        turned.get_or_insert((exhibit.cite(*above), exhibit.cite(*line)));
                    }
                }
            }
        }
    }
    if let Some((a, b)) = through {
        return Some(
            Judgement::new(statement, Supported, "through other functions, as the stack shows")
                .citing([a, b]),
        );
    }
    if let Some((a, b)) = turned {
        return Some(
            Judgement::new(
                statement,
                Contradicted,
                format!("the stack has it the other way round: {callee}() calls {caller}()"),
            )
            .citing([a, b]),
        );
    }
    // Code that no stack shows may well call so.
    (has_caller && has_callee).then(|| {
        Judgement::new(statement, CannotJudge, "both stand in stacks, in none of them together")
    })
}

/// The functions of a stack from the innermost to the outermost, stale frames left out.
fn path(snapshot: &Snapshot) -> Vec<(&str, u64)> {
    // The registers are printed once more behind the stack: that place is no frame.
    let last = snapshot.frames.len();
    let pointers = snapshot
        .instruction
        .iter()
        .filter(|i| !i.user && (i.at_frame < last || last == 0))
        .map(|i| (i.at_frame, i));
    let mut out: Vec<(&str, u64)> = Vec::new();
    let mut pointers: Vec<_> = pointers.collect();
    pointers.sort_by_key(|(at, _)| *at);
    let mut next = pointers.into_iter().peekable();
    for (at, frame) in snapshot.frames.iter().enumerate() {
        while let Some((_, pointer)) = next.next_if(|(p, _)| *p <= at) {
            out.push((bare(&pointer.function), pointer.line));
        }
        if frame.reliable {
            out.push((bare(&frame.function), frame.line));
        }
    }
    out.extend(next.map(|(_, pointer)| (bare(&pointer.function), pointer.line)));
    out.dedup_by_key(|(name, _)| *name);
    out
}

/// What a word for a report means.
fn kinds_of(word: &str) -> Option<fn(EventKind) -> bool> {
    let word = word.to_ascii_lowercase();
    Some(if word.contains("soft") {
        |k| k == EventKind::SoftLockup
    } else if word.contains("hard") {
        |k| k == EventKind::HardLockup
    } else if word.contains("lockup") || word.contains("locked") {
        |k| matches!(k, EventKind::SoftLockup | EventKind::HardLockup)
    } else if word.contains("stall") {
        |k| {
            matches!(
                k,
                EventKind::RcuStall
                    | EventKind::RcuExpeditedStall
                    | EventKind::RcuTasksStall
                    | EventKind::RcuKthreadStarved
            )
        }
    } else if word.contains("kasan") || word.contains("sanitizer") {
        |k| matches!(k, EventKind::Kasan | EventKind::Kfence | EventKind::Kmsan)
    } else if word.contains("warn") {
        |k| {
            matches!(
                k,
                EventKind::Warning
                    | EventKind::Refcount
                    | EventKind::RcuVoluntarySwitch
                    | EventKind::RcuUsage
            )
        }
    } else if word.contains("lockdep") || word.contains("circular") {
        |k| {
            matches!(
                k,
                EventKind::LockdepCircular
                    | EventKind::LockdepRecursive
                    | EventKind::LockdepInterrupt
                    | EventKind::LockdepWaitContext
            )
        }
    } else if word.contains("hung") {
        |k| k == EventKind::HungTasks
    } else if word.contains("panic") {
        |k| k == EventKind::Panic
    } else if word.contains("oom") || word.contains("out-of-memory") {
        |k| k == EventKind::OutOfMemory
    } else if word.contains("oops") {
        |k| k.is_trap() || matches!(k, EventKind::Fault)
    } else if [
        "crash",
        "fault",
        "happen",
        "occur",
        "exception",
        "bug",
        "trigger",
        "error",
        "trap",
        "splat",
    ]
    .iter()
    .any(|w| word.contains(w))
    {
        is_crash
    } else {
        return None;
    })
}

/// The events that a word means, with their exhibits' lines.
fn events_of<'e>(exhibit: &'e Exhibit<'_>, word: &str) -> Option<Vec<&'e Event>> {
    let kinds = kinds_of(word)?;
    Some(exhibit.seen.events.iter().filter(|e| kinds(e.kind) && !e.headline.is_empty()).collect())
}

/// The CPUs of an event: its own and those of its stacks.
fn cpus_of(exhibit: &Exhibit<'_>, event: &Event) -> Vec<(u32, Cited)> {
    let line = exhibit.cite(event.lines.first);
    let mut out: Vec<(u32, Cited)> = event.cpu.map(|cpu| (cpu, line)).into_iter().collect();
    if let Detail::Stall(stall) = &event.detail {
        out.clear();
        out.extend(stall.cpus.iter().map(|c| (c.cpu, exhibit.cite(c.line))));
        return out;
    }
    if out.is_empty() {
        let snapshots = event.snapshots.iter().map(|id| exhibit.seen.snapshot(*id));
        out.extend(
            snapshots
                .filter(|s| s.role == Role::Subject)
                .filter_map(|s| Some((s.cpu?, exhibit.cite(s.lines?.first))))
                .take(1),
        );
    }
    out
}

/// On which CPU: of the task that the sentence speaks of, else of the report.
pub(crate) fn on_cpu(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let cpu: u32 = first.any("cpu")?.parse().ok()?;
    let exhibit = case.evidence.facts();
    let before = first.before();
    if let Some(verb) = first.any("verb")
        && let Some((name, tasks)) = subject(case, before, first.after())
        && kinds_of(verb).is_none()
    {
        let known: Vec<(u32, Cited)> = tasks.iter().flat_map(|t| t.cpus.iter().copied()).collect();
        let statement = format!("{name} ran on CPU {cpu}");
        if let Some((_, line)) = known.iter().find(|(c, _)| *c == cpu) {
            return Some(
                Judgement::new(statement, Supported, "its header says so").citing([*line]),
            );
        }
        let Some((other, line)) = known.first() else {
            let (state, line) = tasks.iter().flat_map(|t| t.states.iter()).next()?;
            return Some(
                Judgement::new(
                    statement,
                    Unsupported,
                    format!("no line shows it on a CPU; its header shows it in state {state}"),
                )
                .citing([*line]),
            );
        };
        return Some(
            Judgement::new(statement, Contradicted, format!("the log shows it on CPU {other}"))
                .citing([*line]),
        );
    }
    let word = first.any("verb").or(first.group("event"))?;
    let mut meant = word.to_owned();
    // `It happened on` means what the sentence names.
    if ["happen", "occur", "report", "hit", "trigger", "seen", "detect", "print", "ran", "run"]
        .iter()
        .any(|w| word.to_ascii_lowercase().starts_with(w))
    {
        meant = before.to_owned();
    }
    let pronoun =
        ["it", "this", "that", "which"].contains(&before.trim().to_ascii_lowercase().as_str());
    let events = match (events_of(exhibit, &meant), pronoun) {
        (Some(events), _) => events,
        (None, true) => {
            let meant = |e: &&Event| {
                is_crash(e.kind) || matches!(e.kind, EventKind::SoftLockup | EventKind::HardLockup)
            };
            exhibit.seen.events.iter().filter(meant).collect()
        }
        (None, false) => events_of(exhibit, word)?,
    };
    let cpus: Vec<(u32, Cited)> = events.iter().flat_map(|e| cpus_of(exhibit, e)).collect();
    let what = events.first()?.kind.name().replace('_', " ");
    let statement = format!("the {what} was on CPU {cpu}");
    if let Some((_, line)) = cpus.iter().find(|(c, _)| *c == cpu) {
        return Some(Judgement::new(statement, Supported, "the report says so").citing([*line]));
    }
    let (other, line) = cpus.first()?;
    // What `it` stands for is a guess.
    let verdict = if pronoun { Unsupported } else { Contradicted };
    Some(
        Judgement::new(statement, verdict, format!("the report is of CPU {other}")).citing([*line]),
    )
}

/// What a CPU was doing: by the headers and stacks of that CPU.
pub(crate) fn cpu_runs(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let cpu: u32 = first.any("cpu")?.parse().ok()?;
    let what = first.any("what")?.trim_end_matches(['.', ',', ':', ')']);
    let exhibit = case.evidence.facts();
    let own: Vec<&Snapshot> = exhibit
        .seen
        .snapshots
        .iter()
        .filter(|s| s.cpu == Some(cpu) && s.role == Role::Subject)
        .collect();
    let line = |s: &Snapshot| s.lines.map(|l| exhibit.cite(l.first));
    let index = case.evidence.index();
    let at = first.range.start + first.text.rfind(what)?;
    let behind = &first.sentence.text[at..];
    if let Some((_, known, name)) = index.named(behind).into_iter().find(|(at, ..)| *at <= 1) {
        let statement = format!("CPU {cpu} ran {name}");
        if let Some((_, line)) = known.cpus.iter().find(|(c, _)| *c == cpu) {
            return Some(Judgement::new(statement, Supported, "a header says so").citing([*line]));
        }
        return match (known.cpus.first(), own.first()) {
            (Some((other, line)), _) => Some(
                Judgement::new(statement, Contradicted, format!("the log shows it on CPU {other}"))
                    .citing([*line]),
            ),
            (None, Some(snapshot)) => Some(
                Judgement::new(statement, Unsupported, "the stacks of that CPU are of other tasks")
                    .citing(line(snapshot)),
            ),
            _ => None,
        };
    }
    let function = bare(what.trim_end_matches("()"));
    if !function.contains('_') {
        return None;
    }
    let statement = format!("CPU {cpu} is in {function}()");
    for snapshot in &own {
        if let Some((_, number)) = path(snapshot).into_iter().find(|(name, _)| *name == function) {
            return Some(
                Judgement::new(statement, Supported, "the stack of that CPU has it")
                    .citing([exhibit.cite(number)]),
            );
        }
    }
    own.first().map(|snapshot| {
        Judgement::new(statement, Unsupported, "the stacks of that CPU do not have it")
            .citing(line(snapshot))
    })
}

/// By the addresses that the reports give.
pub(crate) fn address(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let written = first.any("address")?;
    let digits = written.trim_start_matches("0x").trim_start_matches("0X");
    let claimed = u64::from_str_radix(digits, 16).ok()?;
    let exhibit = case.evidence.facts();
    let mut known: Vec<(u64, Cited)> = Vec::new();
    let lines: Vec<_> = exhibit.lines.iter().map(|line| (*line).clone()).collect();
    for fault in analysis_registers::faults(&lines) {
        known.extend(fault.address.map(|address| (address, exhibit.cite(fault.line))));
    }
    for event in &exhibit.seen.events {
        match &event.detail {
            Detail::Trap(trap) => {
                known.extend(trap.address.map(|a| (a, exhibit.cite(event.lines.first))));
            }
            Detail::Segfault(fault) => known.push((fault.address, exhibit.cite(event.lines.first))),
            Detail::Bad(_) => {
                // `… at addr X by task …` and the shadow's range stand in the lines behind the headline.
                for line in exhibit.lines.iter().filter(|l| event.lines.contains(l.number)).take(12)
                {
                    known.extend(
                        address_behind(&line.text, "at addr ")
                            .map(|a| (a, exhibit.cite(line.number))),
                    );
                }
            }
            _ => {}
        }
    }
    if known.is_empty() {
        return None;
    }
    let statement = format!("the address of the fault is {written}");
    if let Some((_, line)) = known.iter().find(|(a, _)| *a == claimed) {
        return Some(Judgement::new(statement, Supported, "the log prints it").citing([*line]));
    }
    let mut others: Vec<String> = known.iter().map(|(a, _)| format!("{a:#x}")).collect();
    others.dedup();
    others.truncate(3);
    Some(
        Judgement::new(statement, Contradicted, format!("the log prints {}", others.join(", ")))
            .citing(known.iter().take(3).map(|(_, l)| *l)),
    )
}

fn address_behind(text: &str, mark: &str) -> Option<u64> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    u64::from_str_radix(&rest[..digits], 16).ok()
}

/// What an access tells of one question.
type Told = fn(&crate::index::Access) -> Option<bool>;

/// Read or write, kernel or user, present or not: by the lines that decode the error code.
pub(crate) fn access(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let text = first.text.to_ascii_lowercase();
    let accesses = &case.evidence.index().accesses;
    let absent =
        ["not present", "not-present", "non-present", "isn't present", "missing page", "unmapped"];
    let (statement, wanted, of): (&str, bool, Told) = if absent.iter().any(|w| text.contains(w)) {
        ("the page was not present", false, |a| a.present)
    } else if text.contains("present") || text.contains("protection") || text.contains("permission")
    {
        ("the page was present", true, |a| a.present)
    } else if text.contains("user") {
        ("the access came from user mode", true, |a| a.user)
    } else if text.contains("kernel") || text.contains("supervisor") {
        ("the access came from kernel mode", false, |a| a.user)
    } else if text.contains("fetch") || text.contains("exec") {
        ("the access fetched an instruction", true, |a| a.fetch)
    } else if text.contains("writ") || text.contains("wrote") || text.contains("store") {
        ("the access was a write", true, |a| a.write)
    } else {
        ("the access was a read", false, |a| a.write)
    };
    let told: Vec<(bool, Cited)> = accesses.iter().filter_map(|a| Some((of(a)?, a.line))).collect();
    if let Some((_, line)) = told.iter().find(|(value, _)| *value == wanted) {
        return Some(Judgement::new(statement, Supported, "the log says so").citing([*line]));
    }
    let (_, line) = told.first()?;
    Some(Judgement::new(statement, Contradicted, "the log says the opposite").citing([*line]))
}

/// Words for the letters of taint. Source: Documentation/admin-guide/tainted-kernels.
const TAINT: &[(&str, char)] = &[
    ("proprietary", 'P'),
    ("nvidia", 'P'),
    ("forced", 'F'),
    ("machine check", 'M'),
    ("bad page", 'B'),
    ("user request", 'U'),
    ("override", 'A'),
    ("staging", 'C'),
    ("firmware workaround", 'I'),
    ("out-of-tree", 'O'),
    ("out of tree", 'O'),
    ("oot", 'O'),
    ("unsigned", 'E'),
    ("soft lockup", 'L'),
    ("live patch", 'K'),
    ("livepatch", 'K'),
    ("earlier oops", 'D'),
    ("previous oops", 'D'),
    ("earlier warning", 'W'),
    ("previous warning", 'W'),
];

/// By the taint that the headers print.
pub(crate) fn taint(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let lines = &case.evidence.index().taint;
    let (printed, line) = lines.first()?;
    // Only what is said of the taint behind the word counts, up to the end of the clause.
    let behind = first.after().split([';', '.']).next().unwrap_or_default().to_ascii_lowercase();
    let mut letters: Vec<char> = TAINT
        .iter()
        .filter(|(word, _)| {
            behind.find(word).is_some_and(|at| !behind[..at].trim_end().ends_with("no"))
        })
        .map(|(_, letter)| *letter)
        .collect();
    letters.extend(first.group("letter").and_then(|l| l.chars().next()));
    letters.sort_unstable();
    letters.dedup();
    let denied = first.group("clean").is_some();
    if denied {
        let statement = "the kernel is not tainted";
        let (clean, dirty) =
            (lines.iter().find(|(l, _)| l.is_empty()), lines.iter().find(|(l, _)| !l.is_empty()));
        return Some(match (clean, dirty) {
            (Some((_, line)), None) => {
                Judgement::new(statement, Supported, "the headers say so").citing([*line])
            }
            (None, Some((letters, line))) => {
                Judgement::new(statement, Contradicted, format!("the headers print {letters}"))
                    .citing([*line])
            }
            (Some((_, a)), Some((letters, b))) => Judgement::new(
                statement,
                CannotJudge,
                format!("not at first; later headers print {letters}"),
            )
            .citing([*a, *b]),
            (None, None) => return None,
        });
    }
    if letters.is_empty() {
        let statement = "the kernel is tainted";
        return Some(match lines.iter().find(|(l, _)| !l.is_empty()) {
            Some((letters, line)) => {
                Judgement::new(statement, Supported, format!("the headers print {letters}"))
                    .citing([*line])
            }
            None => Judgement::new(statement, Contradicted, "the headers say \"Not tainted\"")
                .citing([*line]),
        });
    }
    let names: Vec<String> = letters.iter().map(ToString::to_string).collect();
    let statement = format!("taint {}", names.join(" and "));
    let holder = lines.iter().find(|(l, _)| letters.iter().all(|c| l.contains(*c)));
    Some(match holder {
        Some((_, line)) => {
            Judgement::new(statement, Supported, "the headers print it").citing([*line])
        }
        None => {
            let shown = if printed.is_empty() { "Not tainted" } else { printed.as_str() };
            Judgement::new(statement, Contradicted, format!("the headers print {shown}"))
                .citing([*line])
        }
    })
}

/// Which of two reports was printed first.
pub(crate) fn order(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let first = found.first()?;
    let group = |a: &str, b: &str| first.group(a).or(first.group(b)).map(str::to_owned);
    let (earlier, later) = match first.group("late") {
        Some(late) => (first.group("early")?.to_owned(), late.to_owned()),
        None => (group("early2", "early3")?, group("late2", "late3")?),
    };
    let exhibit = case.evidence.facts();
    let of = |word: &str| -> Option<LineSpan> {
        events_of(exhibit, word)?.iter().map(|e| e.lines).min()
    };
    let (a, b) = (of(&earlier)?, of(&later)?);
    if a == b {
        return None;
    }
    let statement = format!("{earlier} came before {later}");
    let cited = [exhibit.cite(a.first), exhibit.cite(b.first)];
    Some(if a.first < b.first {
        Judgement::new(statement, Supported, "the lines stand in that order").citing(cited)
    } else {
        Judgement::new(statement, Contradicted, "the lines stand in the other order").citing(cited)
    })
}

/// A sanitizer or oops that is said to have reported something: there or not.
pub(crate) fn reporter(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let word = found.first()?.any("who")?;
    let exhibit = case.evidence.log.as_ref()?;
    let wanted: &[EventKind] = match word.to_ascii_lowercase().as_str() {
        "kasan" => &[EventKind::Kasan],
        "kfence" => &[EventKind::Kfence],
        "kmsan" => &[EventKind::Kmsan],
        "kcsan" => &[EventKind::Kcsan],
        "ubsan" => &[EventKind::Ubsan],
        "kmemleak" => &[EventKind::MemoryLeak],
        "lockdep" => &[
            EventKind::LockdepCircular,
            EventKind::LockdepRecursive,
            EventKind::LockdepInterrupt,
            EventKind::LockdepWaitContext,
            EventKind::LockdepOwnership,
            EventKind::RcuUsage,
        ],
        _ => &[EventKind::Fault, EventKind::KernelBug, EventKind::StackOverflow],
    };
    let what = word.to_uppercase();
    let what = if what.starts_with("OOPS") {
        "the kernel oopsed".to_owned()
    } else {
        format!("{what} reported something")
    };
    let event = exhibit.seen.events.iter().find(|e| wanted.contains(&e.kind));
    Some(match event {
        Some(event) => Judgement::new(what, Supported, "the log has its report")
            .citing([exhibit.cite(event.lines.first)]),
        None => Judgement::new(what, Unsupported, "the log has no such report"),
    })
}

/// A report of a pointer that is judged plausible as far as its value goes.
pub(crate) fn poison(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let written = found.first()?.group("value")?;
    let value = u64::from_str_radix(written.trim_start_matches("0x"), 16).ok()?;
    let named = analysis_registers::poison(analysis_registers::Architecture::X86_64, value)?;
    let AddressMeaning::Poison { name, .. } = named.meaning else { return None };
    let exhibit = case.evidence.facts();
    let digits = format!("{value:016x}");
    let line = exhibit.lines.iter().find(|l| l.text.contains(&digits))?;
    Some(
        Judgement::new(format!("{written} is poison"), Plausible, name.name())
            .citing([exhibit.cite(line.number)]),
    )
}

/// A function that stands in one stack again and again.
fn recursion(case: &Case<'_>, function: &str) -> Option<Judgement> {
    let exhibit = case.evidence.facts();
    let statement = format!("{function}() calls itself");
    for snapshot in &exhibit.seen.snapshots {
        let own: Vec<u64> = snapshot
            .frames
            .iter()
            .filter(|f| f.reliable && bare(&f.function) == function)
            .map(|f| f.line)
            .collect();
        if let [first, .., last] = own.as_slice() {
            return Some(
                Judgement::new(statement, Supported, "its frames stand one above the other")
                    .citing([exhibit.cite(*first), exhibit.cite(*last)]),
            );
        }
    }
    Some(Judgement::new(statement, Unsupported, "no stack has it twice"))
}

/// Kinds of traps: words of a claim, the name, words of the kernel's line, and whether it excludes the others.
const TRAPS: &[(&str, &str, &[&str], bool)] = &[
    (
        "page fault",
        "page fault",
        &["page fault for address", "paging request", "NULL pointer dereference", "#PF:"],
        true,
    ),
    ("paging request", "page fault", &[], true),
    ("divi", "divide error", &["divide error", "Division by zero", "division by zero"], true),
    ("general protection", "general protection fault", &["general protection fault"], true),
    ("invalid opcode", "invalid opcode", &["invalid opcode"], true),
    ("bug_on", "BUG", &["kernel BUG at"], true),
    ("kernel bug", "BUG", &["kernel BUG at"], true),
    ("stack", "stack overflow", &["stack guard page", "stack overflow", "Stack overflow"], true),
    ("double fault", "double fault", &["double fault"], true),
    ("refcount", "refcount warning", &["refcount_t: "], false),
];

/// The kind of trap that a word means.
pub(crate) fn trap_key(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    let known = TRAPS.iter().find(|(part, ..)| word.contains(part));
    known.map_or(word, |(_, name, ..)| (*name).to_owned())
}

/// By the first lines of traps.
pub(crate) fn trap_kind(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let name = trap_key(found.first()?.group("kind")?);
    let exhibit = case.evidence.facts();
    let line_of = |words: &[&str]| {
        let line = exhibit.lines.iter().find(|l| words.iter().any(|w| l.text.contains(w)));
        line.map(|l| exhibit.cite(l.number))
    };
    let (_, _, own, exclusive) =
        TRAPS.iter().find(|(_, n, words, _)| *n == name && !words.is_empty())?;
    let statement = format!("there was a {name}");
    if let Some(line) = line_of(own) {
        return Some(Judgement::new(statement, Supported, "the log reports it").citing([line]));
    }
    if !case.is_whole() {
        return None;
    }
    let other = TRAPS
        .iter()
        .filter(|(_, n, _, group)| *n != name && *group && *exclusive)
        .find_map(|(_, n, words, _)| Some((*n, line_of(words)?)));
    Some(match other {
        Some((other, line)) => {
            Judgement::new(statement, Contradicted, format!("the log reports a {other}"))
                .citing([line])
        }
        None => Judgement::new(statement, Unsupported, "the log has no such line"),
    })
}

/// By the word or its value in the log.
pub(crate) fn list_poison(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let number = found.first()?.group("number")?;
    let words = |number: &str| match number {
        "1" => ["LIST_POISON1", "dead000000000100"],
        _ => ["LIST_POISON2", "dead000000000122"],
    };
    let exhibit = case.evidence.facts();
    let line_of = |number: &str| {
        let line = exhibit.lines.iter().find(|l| words(number).iter().any(|w| l.text.contains(w)));
        line.map(|l| exhibit.cite(l.number))
    };
    let other = if number == "1" { "2" } else { "1" };
    let statement = format!("LIST_POISON{number} was found");
    Some(match (line_of(number), line_of(other)) {
        (Some(line), _) => Judgement::new(statement, Supported, "the log has it").citing([line]),
        (None, Some(line)) => {
            Judgement::new(statement, Contradicted, format!("the log has LIST_POISON{other}"))
                .citing([line])
        }
        (None, None) => Judgement::new(statement, Unsupported, "no line has it"),
    })
}

/// A claim about an access, unless it is the other side of a comparison: `kernel mode (vs user mode)`.
pub(crate) fn access_key(found: &Found<'_>) -> Option<String> {
    let before = found.before().trim_end().to_ascii_lowercase();
    let other = ["vs", "vs.", "versus", " or", "not", "/"].iter().any(|w| before.ends_with(w));
    (!other).then(|| format!("{} {}", found.sentence.lines.first, found.text.to_ascii_lowercase()))
}
