//! Claims about memory faults, races and the function at fault.

use analysis_hang::event::{Detail, EventKind};
use model::{AddressMeaning, PoisonValue, Predicate};

use super::waits::is_detector;
use crate::claims::{Case, Found, Judgement};
use crate::evidence::{Cited, Exhibit};
use crate::verdict::Verdict::{
    CannotJudge, Contradicted, Plausible, Supported, Unproven, Unsupported,
};

/// The canonical name of a kind of memory fault.
pub(crate) fn kind_key(word: &str) -> String {
    let word = word.to_ascii_lowercase().replace(['-', '_'], " ");
    [
        ("use after free", "use-after-free"),
        ("uaf", "use-after-free"),
        ("double free", "double free"),
        ("out of bounds", "out-of-bounds access"),
        ("oob", "out-of-bounds access"),
        ("overflow", "out-of-bounds access"),
        ("null", "NULL pointer dereference"),
        ("leak", "memory leak"),
        ("uninit", "use of uninitialised memory"),
        ("list corruption", "list corruption"),
        ("memory corruption", "memory corruption"),
        ("refcount", "reference count error"),
    ]
    .iter()
    .find(|(part, _)| {
        word.contains(part)
            && !(*part == "leak" && word.contains("refcount"))
            && !(*part == "overflow" && word.contains("refcount"))
    })
    .map_or(word.clone(), |(_, name)| (*name).to_owned())
}

/// What the exhibits report of memory faults.
struct Reported {
    /// `what` of sanitizer reports, with the line.
    sanitizer: Vec<(EventKind, String, Cited)>,
    /// Addresses of faults, named by value.
    addresses: Vec<(String, bool, Cited)>,
    /// Poison of freed memory.
    poison: Option<(String, Cited)>,
    others: Vec<(EventKind, Cited)>,
}

fn reported(case: &Case<'_>) -> Reported {
    let mut out =
        Reported { sanitizer: Vec::new(), addresses: Vec::new(), poison: None, others: Vec::new() };
    for exhibit in case.evidence.exhibits() {
        for event in &exhibit.seen.events {
            let line = exhibit.cite(event.lines.first);
            match &event.detail {
                Detail::Bad(bad) => {
                    out.sanitizer.push((event.kind, bad.what.to_ascii_lowercase(), line));
                }
                _ => out.others.push((event.kind, line)),
            }
        }
        registers(exhibit, &mut out);
    }
    out
}

fn registers(exhibit: &Exhibit<'_>, out: &mut Reported) {
    let lines: Vec<_> = exhibit.lines.iter().map(|line| (*line).clone()).collect();
    for statement in analysis_registers::statements(&lines) {
        let Some(line) = statement.lines().first().map(|l| exhibit.cite_span(*l)) else { continue };
        if let Predicate::AddressMeaning { address, meaning, .. } = statement.predicate()
            && let AddressMeaning::Poison { name: PoisonValue::SlabFree, .. } = meaning
        {
            out.poison.get_or_insert((format!("{address:#x} is POISON_FREE"), line));
        }
    }
    for fault in analysis_registers::faults(&lines) {
        let Some(address) = fault.address else { continue };
        let near_null = address < 4096
            || analysis_registers::kasan_shadow(analysis_registers::Architecture::X86_64, address)
                .is_some_and(|(first, _)| first < 4096);
        out.addresses.push((format!("{address:#x}"), near_null, exhibit.cite(fault.line)));
    }
}

/// Sanitizers name the kind; where they name another one, the claim is contradicted.
pub(crate) fn kind(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let kind = kind_key(found.first()?.group("kind")?);
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    let statement = format!("it is {article} {kind}");
    let known = reported(case);
    let new = |verdict, reason: String| Some(Judgement::new(statement.clone(), verdict, reason));
    let matching = |words: &[&str]| {
        known
            .sanitizer
            .iter()
            .find(|(_, what, _)| words.iter().any(|w| what.replace('-', " ").contains(w)))
    };
    let words: &[&str] = match kind.as_str() {
        "use-after-free" => &["use after free", "uaf"],
        "double free" => &["double free", "invalid free"],
        "out-of-bounds access" => &["out of bounds", "oob", "overflow"],
        "use of uninitialised memory" => &["uninit"],
        "NULL pointer dereference" => &["null ptr deref"],
        "memory leak" => &["memory leak", "leak"],
        _ => &[],
    };
    if let Some((_, what, line)) = matching(words) {
        return new(Supported, format!("the sanitizer reports {what}")).map(|j| j.citing([*line]));
    }
    if kind == "NULL pointer dereference" {
        if let Some((address, _, line)) = known.addresses.iter().find(|(_, near, _)| *near) {
            return new(Supported, format!("the address is {address}, near NULL"))
                .map(|j| j.citing([*line]));
        }
        if let Some((address, _, line)) = known.addresses.first() {
            return new(Contradicted, format!("the address is {address}, nowhere near NULL"))
                .map(|j| j.citing([*line]));
        }
    }
    let by_kind = match kind.as_str() {
        "memory leak" => Some(EventKind::MemoryLeak),
        "reference count error" => Some(EventKind::Refcount),
        "list corruption" | "memory corruption" => Some(EventKind::Corruption),
        _ => None,
    };
    if let Some(wanted) = by_kind {
        let line =
            known.others.iter().find(|(k, _)| *k == wanted).map(|(_, line)| *line).or_else(|| {
                known.sanitizer.iter().find(|(k, ..)| *k == wanted).map(|(_, _, line)| *line)
            });
        if let Some(line) = line {
            return new(Supported, "the kernel reports it".to_owned()).map(|j| j.citing([line]));
        }
        if kind == "memory corruption"
            && let Some((_, what, line)) = known.sanitizer.first()
        {
            return new(Plausible, format!("the sanitizer reports {what}"))
                .map(|j| j.citing([*line]));
        }
    }
    if kind == "use-after-free"
        && let Some((statement, line)) = &known.poison
    {
        return new(Plausible, statement.clone()).map(|j| j.citing([*line]));
    }
    if kind == "use-after-free"
        && let Some((_, line)) = known.others.iter().find(|(k, _)| *k == EventKind::Refcount)
    {
        return new(Plausible, "a reference count report warns of one".to_owned())
            .map(|j| j.citing([*line]));
    }
    // Another kind is reported for the same access.
    let access =
        |k: &EventKind| matches!(k, EventKind::Kasan | EventKind::Kfence | EventKind::Kmsan);
    let excludes = matches!(
        kind.as_str(),
        "use-after-free" | "double free" | "out-of-bounds access" | "use of uninitialised memory"
    );
    if excludes
        && let Some((_, what, line)) =
            known.sanitizer.iter().find(|(k, what, _)| access(k) && !what.is_empty())
    {
        return new(Contradicted, format!("the sanitizer reports {what}"))
            .map(|j| j.citing([*line]));
    }
    let missing = match kind.as_str() {
        "memory leak" => "no kmemleak report and no growing count is at hand",
        "NULL pointer dereference" => "no faulting address is quoted",
        "reference count error" => "no refcount_t report is at hand",
        "use of uninitialised memory" => "no KMSAN report is at hand",
        "list corruption" | "memory corruption" => "no report of corrupted memory is at hand",
        _ => "no KASAN or KFENCE report and no poison value is at hand",
    };
    // Without any exhibit about memory the words may speak of code, not of this log.
    let verdict = match case.evidence.exhibits().all(|e| e.lines.is_empty()) {
        true => CannotJudge,
        false => Unsupported,
    };
    new(verdict, missing.to_owned())
}

/// How alike two function names are: shared words of the longer one.
fn alike(a: &str, b: &str) -> f64 {
    let words =
        |s: &str| s.split('_').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (words(a), words(b));
    let shared = a.iter().filter(|w| b.contains(w)).count();
    shared as f64 / a.len().max(b.len()).max(1) as f64
}

/// KCSAN names both sides. Else the function that is said to race must at least stand in a stack.
pub(crate) fn race(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let sentence = &found.first()?.sentence.text;
    for exhibit in case.evidence.exhibits() {
        if let Some(event) = exhibit.events(EventKind::Kcsan).next() {
            return Some(
                Judgement::new("there is a race", Supported, "KCSAN reports a data race")
                    .citing([exhibit.cite(event.lines.first)]),
            );
        }
    }
    let functions: Vec<&str> = sentence
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|w| w.trim_matches('_').contains('_') && w.bytes().any(|b| b.is_ascii_lowercase()))
        .collect();
    let statement = match functions.first() {
        Some(function) => format!("there is a race in {function}"),
        None => "there is a race".to_owned(),
    };
    for function in &functions {
        let mut relative: Option<(f64, String, Cited)> = None;
        for exhibit in case.evidence.exhibits() {
            for snapshot in &exhibit.seen.snapshots {
                for frame in &snapshot.frames {
                    let line = exhibit.cite(frame.line);
                    if frame.function == *function && frame.reliable {
                        return Some(
                            Judgement::new(statement, Unproven, format!("{function} is in a stack; a race has two sides, and the other one is not shown"))
                                .citing([line]),
                        );
                    }
                    let score = alike(function, &frame.function);
                    if !frame.reliable
                        && score >= 0.5
                        && relative.as_ref().is_none_or(|(best, ..)| score > *best)
                    {
                        relative = Some((score, frame.function.clone(), line));
                    }
                }
            }
        }
        if let Some((score, name, line)) = relative {
            let what = if score >= 1.0 {
                format!("{function} stands only in a stale `?` frame")
            } else {
                format!(
                    "{function} stands in no stack; a neighbour, {name}, only in a stale `?` frame"
                )
            };
            return Some(
                Judgement::new(statement, Unsupported, format!("no evidence: {what}"))
                    .citing([line]),
            );
        }
    }
    Some(Judgement::new(
        statement,
        Unsupported,
        "no evidence: no KCSAN report, and no two stacks at the same object",
    ))
}

/// A function of the detector, a stale frame or a function in no stack cannot be at fault by this log.
pub(crate) fn function(case: &Case<'_>, found: &[Found<'_>]) -> Option<Judgement> {
    let function = found.first()?.group("function")?;
    let statement = format!("the fault lies in {function}");
    let mut stale = None;
    if is_detector(function) {
        let line = case.evidence.exhibits().find_map(|exhibit| {
            let mut frames = exhibit.seen.snapshots.iter().flat_map(|s| &s.frames);
            frames.find(|f| f.function == function).map(|f| exhibit.cite(f.line))
        });
        return Some(
            Judgement::new(
                statement,
                Contradicted,
                format!("{function} belongs to what prints or checks, not to what is checked"),
            )
            .citing(line),
        );
    }
    for exhibit in case.evidence.exhibits() {
        for snapshot in &exhibit.seen.snapshots {
            for frame in snapshot.frames.iter().filter(|f| f.function == function) {
                let line = exhibit.cite(frame.line);
                if frame.reliable {
                    return Some(
                        Judgement::new(
                            statement,
                            Plausible,
                            "it is in the stack; one sample shows a place, not guilt",
                        )
                        .citing([line]),
                    );
                }
                stale.get_or_insert(line);
            }
            if let Some(at) =
                snapshot.instruction.iter().find(|i| i.function == function && !i.user)
            {
                return Some(
                    Judgement::new(
                        statement,
                        Plausible,
                        "the CPU was there; one sample shows a place, not guilt",
                    )
                    .citing([exhibit.cite(at.line)]),
                );
            }
        }
    }
    if let Some(line) = stale {
        return Some(
            Judgement::new(statement, Unsupported, "only a stale `?` frame names it")
                .citing([line]),
        );
    }
    if case.evidence.has_stretch() {
        return Some(Judgement::new(statement, Unsupported, "it stands in no stack of the log"));
    }
    Some(Judgement::new(statement, CannotJudge, "no stack with it is quoted"))
}
