//! Bugs in a terminal: a line each, or one with everything.

use std::fmt::Write as _;

use model::tracker::{Bug, Key, KeyKind, Manifestation, Page, ReproducerLevel};

use super::view::BugView;
use super::words::{action, ago, date, formula, signature, state};
use crate::escape::{Escaped, one_line};

/// Entries of the history that are shown.
const HISTORY: usize = 40;
/// Crashes that are shown.
const CRASHES: usize = 10;

/// A list of bugs, a line each.
pub fn list(page: &Page, now: i64) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:>6}  {:<12} {:>5} {:>7} {:>5}  title",
        "bug", "state", "seen", "crashes", "repro"
    );
    for bug in &page.bugs {
        let _ = writeln!(
            out,
            "{:>6}  {:<12} {:>5} {:>7} {:>5}  {}",
            bug.id,
            state(bug.standing.state),
            ago(bug.last, now),
            bug.crashes,
            reproducer(bug.reproducer),
            one_line(&bug.shown())
        );
    }
    let shown = page.bugs.len() as u64;
    if shown < page.total {
        let _ = writeln!(out, "{shown} of {} bugs are shown", page.total);
    }
    out
}

/// A reproducer in a word.
pub(crate) const fn reproducer(level: ReproducerLevel) -> &'static str {
    match level {
        ReproducerLevel::None => "",
        ReproducerLevel::Syz => "syz",
        ReproducerLevel::C => "C",
    }
}

/// Where a bug stands, in a line.
pub(crate) fn standing(bug: &Bug) -> String {
    let standing = &bug.standing;
    let mut text = state(standing.state).to_owned();
    match standing.duplicate_of {
        Some(of) if standing.merged => text = format!("merged into bug {of}"),
        Some(of) => text = format!("duplicate of bug {of}"),
        None => {}
    }
    for fix in &standing.fixes {
        let hash = fix.hash.as_deref().map(|hash| format!("{hash} ")).unwrap_or_default();
        let _ = write!(text, ", {hash}\"{}\"", fix.title);
    }
    if !standing.reason.is_empty() {
        let _ = write!(text, " ({})", standing.reason);
    }
    if !standing.public {
        text += ", private";
    }
    one_line(&text)
}

/// Other names of a bug.
pub(crate) fn other_names(keys: &[Key], title: &str) -> Vec<String> {
    let mut names: Vec<String> = keys
        .iter()
        .filter(|key| {
            matches!(key.kind, KeyKind::Title | KeyKind::Alternative) && key.value != title
        })
        .map(|key| one_line(&key.value))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Said of two bugs whose reproducers do the same.
pub(crate) const SAME_SIGNATURE: &str = "their reproducers do the same, as often; ";

/// One bug with everything. `diagnosis` is the diagnosis of its shown log as text.
pub fn bug(view: &BugView, diagnosis: Option<&str>) -> String {
    let bug = &view.bug;
    let mut out = format!("Bug {}: {}\n", bug.id, one_line(&bug.shown()));
    let mut field = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<11} {value}");
        }
    };
    field("state", standing(bug));
    let reproducer = reproducer(bug.reproducer);
    field(
        "seen",
        format!(
            "{} times, first {}, last {} ({} ago)",
            bug.crashes,
            date(bug.first),
            date(bug.last),
            ago(bug.last, view.now)
        ),
    );
    field("also", other_names(&view.keys, &bug.title).join("; "));
    let machines =
        view.machines.iter().map(|(name, count)| format!("{} ({count})", one_line(name)));
    field("machines", machines.collect::<Vec<_>>().join(", "));
    let mut kernels: Vec<&str> = view.days.iter().map(|day| day.kernel.as_str()).collect();
    kernels.sort_unstable();
    kernels.dedup();
    field("kernels", one_line(&kernels.join(", ")));
    field("reproducer", reproducer.to_owned());
    let labels = view.labels.iter().map(|(name, value)| match value.is_empty() {
        true => one_line(name),
        false => one_line(&format!("{name}: {value}")),
    });
    field("labels", labels.collect::<Vec<_>>().join(", "));
    field(
        "duplicates",
        view.duplicates.iter().map(|bug| bug.id.to_string()).collect::<Vec<_>>().join(", "),
    );
    if let Some(previous) = &view.previous {
        field("before", format!("bug {} ({})", previous.id, state(previous.standing.state)));
    }
    if let Some(silence) = view.silence.filter(|_| bug.standing.state.is_open()) {
        field("silence", formula(&silence));
    }
    out += "\nHistory\n";
    let skipped = view.history.len().saturating_sub(HISTORY);
    if skipped > 0 {
        let _ = writeln!(out, "  … {skipped} earlier entries");
    }
    for entry in view.history.iter().skip(skipped) {
        let who = if entry.who.is_empty() { String::new() } else { format!(", {}", entry.who) };
        let why = if entry.why.is_empty() { String::new() } else { format!(": {}", entry.why) };
        let said = one_line(&format!("{}{who}{why}", action(&entry.action)));
        let _ = writeln!(out, "  {:>5}  {}  {said}", entry.id, date(entry.time));
    }
    out += "\nCrashes\n";
    for crash in view.crashes.iter().take(CRASHES) {
        let kept = if crash.log.is_some() { "log" } else { "" };
        let words = [crash.kernel.as_deref().unwrap_or(""), &crash.machine, kept, &crash.source];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let _ = writeln!(
            out,
            "  {:>5}  {}  {}",
            crash.id,
            date(crash.time),
            one_line(&words.join("  "))
        );
    }
    if !view.similar.is_empty() {
        out += "\nPerhaps the same\n";
        for (bug, likeness) in &view.similar {
            let shared: Vec<&str> = likeness.shared.iter().map(|key| key.value.as_str()).collect();
            let same = if likeness.same_signature { SAME_SIGNATURE } else { "" };
            let text = format!(
                "{} ({}): {same}{}",
                bug.shown(),
                state(bug.standing.state),
                shared.join("; ")
            );
            let _ = writeln!(out, "  {:>5}  {}", bug.id, one_line(&text));
        }
    }
    if let Some(diagnosis) = diagnosis {
        let _ = write!(
            out,
            "\nDiagnosis of crash {}\n\n{}",
            view.best.as_ref().map_or(0, |crash| crash.id),
            Escaped(diagnosis)
        );
    }
    out
}

/// One bug in a line.
pub fn line(bug: &Bug) -> String {
    format!("bug {}: {}: {}", bug.id, one_line(&bug.shown()), standing(bug))
}

/// What a reproducer did, title by title.
pub fn reproduced(kernel: &str, runs: u32, titles: &[Manifestation]) -> String {
    one_line(&signature(kernel, runs, titles))
}

/// What the runs on a newer kernel tell.
pub fn retested(chance: f64, gone: bool, missing: u32, crashed: bool) -> String {
    let accident = format!("a chance of {:.2} % if nothing had changed", 100.0 * chance);
    match (crashed, gone) {
        (true, _) => "it still crashes".to_owned(),
        (false, true) => format!("it counts as gone: so many clean runs have {accident}"),
        (false, false) => {
            format!("not settled: so many clean runs have {accident}; {missing} more would tell")
        }
    }
}
