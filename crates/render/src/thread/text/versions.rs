//! Versions, drafts and what changed between them as text.

use analysis_thread::{Change, Comparison, Draft, Relation, Side, Thread};

use super::{SHOWN, put};

/// Numbers in rising order: `2 4-6 9`.
pub(super) fn ranges(numbers: &[u32]) -> String {
    let mut found: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match found.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => found.push((number, number)),
        }
    }
    let shown: Vec<String> = found
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first} {last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    shown.join(" ")
}

pub(super) fn versions(out: &mut String, thread: &Thread) {
    if thread.versions.is_empty() && thread.drafts.is_empty() {
        return;
    }
    put(out, format_args!("\n## Versions and diffs"));
    let newest = thread.state.newest;
    for (at, version) in thread.versions.iter().enumerate() {
        let mut notes = Vec::new();
        if Some(at) == newest {
            notes.push("current".to_owned());
        }
        if version.is_partial {
            let numbers: Vec<String> =
                version.patches.iter().map(|p| p.number.to_string()).collect();
            notes.push(format!("partial: only {}, the rest as before", numbers.join(" ")));
        } else if !version.missing().is_empty() {
            notes.push(format!("not at hand: {}", ranges(&version.missing())));
        }
        if version.is_rfc {
            notes.push("RFC".to_owned());
        }
        if !version.linked_by.is_empty() {
            let names: Vec<&str> = version.linked_by.iter().map(|l| l.name()).collect();
            notes.push(format!("linked by {}", names.join(", ")));
        }
        if let Some(id) = &version.change_id {
            notes.push(format!("change-id {id}"));
        }
        if let Some(id) = &version.base_commit {
            notes.push(format!("base-commit {id}"));
        }
        put(
            out,
            format_args!(
                "{} (M{}) {}{}{}",
                version.name(),
                version.entry + 1,
                version.title,
                if notes.is_empty() { "" } else { ": " },
                notes.join("; ")
            ),
        );
        for patch in &version.patches {
            let Some(diff) = &patch.diff else { continue };
            let number = match version.size {
                0 | 1 => String::new(),
                size => format!("{}/{size} ", patch.number),
            };
            diff_line(out, &format!("{number}full patch"), diff);
        }
    }
    for (number, draft) in thread.drafts.iter().enumerate() {
        let relation = relation(draft, thread);
        let evidence: Vec<String> = draft.evidence.iter().map(|l| format!("L{l}")).collect();
        put(
            out,
            format_args!(
                "D{} in M{}: {relation} [{} {}]",
                number + 1,
                draft.entry + 1,
                draft.grade,
                evidence.join(" ")
            ),
        );
        diff_line(out, "draft", &draft.diff);
    }
}

pub(super) fn relation(draft: &Draft, thread: &Thread) -> String {
    let name = |v: usize| thread.versions[v].name();
    match draft.relation {
        Relation::Same(v) => format!("does what a patch of {} does", name(v)),
        Relation::Incremental(v) => format!("incremental, starts where {} ends", name(v)),
        Relation::Replacement(v) => {
            format!("replacement draft for {}, starts from its base", name(v))
        }
        Relation::Touches(v) => {
            format!("touches files of {}; no blob tells from where it starts", name(v))
        }
        Relation::Unrelated if thread.versions.is_empty() => "no version at hand".to_owned(),
        Relation::Unrelated => "touches no file of any version".to_owned(),
    }
}

pub(super) fn diff_line(out: &mut String, what: &str, diff: &parse_mail::Diff) {
    put(
        out,
        format_args!(
            "    {what} {} +{} -{}{}",
            diff.lines,
            diff.added(),
            diff.removed(),
            match diff.damage {
                None => "",
                Some(_) => ", damaged: will not apply as it stands",
            }
        ),
    );
    for file in &diff.files {
        let blobs = match (&file.old_blob, &file.new_blob) {
            (Some(old), Some(new)) => format!("  {old} -> {new}"),
            (None, Some(new)) => format!("  new -> {new}"),
            (Some(old), None) => format!("  {old} -> deleted"),
            (None, None) => String::new(),
        };
        put(
            out,
            format_args!("      {} +{} -{}{blobs}", file.path(), file.added(), file.removed()),
        );
    }
}

pub(super) fn side(side: Side, thread: &Thread) -> String {
    match side {
        Side::Version(v) => thread.versions[v].name(),
        Side::Draft(d) => format!("D{}", d + 1),
    }
}

pub(super) fn changes(out: &mut String, thread: &Thread) {
    for comparison in &thread.comparisons {
        let Comparison { moved_base, files_gone, files_new, changes, .. } = comparison;
        let (from, to) = (side(comparison.from, thread), side(comparison.to, thread));
        put(out, format_args!("\n## What changed, {from} -> {to}"));
        for (path, old, new) in moved_base {
            put(out, format_args!("Base moved: {path} {old} -> {new}"));
        }
        if !files_gone.is_empty() {
            put(out, format_args!("No longer touched: {}", files_gone.join(", ")));
        }
        if !files_new.is_empty() {
            put(out, format_args!("Newly touched: {}", files_new.join(", ")));
        }
        if changes.is_empty() && files_gone.is_empty() && files_new.is_empty() {
            put(out, format_args!("The diffs do the same."));
        }
        for change in changes {
            change_lines(out, change, &from, &to);
        }
    }
}

pub(super) fn change_lines(out: &mut String, change: &Change, from: &str, to: &str) {
    put(out, format_args!("{} {}", change.path, change.function));
    for (name, lines) in [(from, &change.gone), (to, &change.new)] {
        for line in lines.iter().take(SHOWN) {
            put(
                out,
                format_args!("  {name:>4} L{:<5} {}{}", line.number, line.kind.mark(), line.text),
            );
        }
        if lines.len() > SHOWN {
            put(out, format_args!("  {name:>4} and {} more lines", lines.len() - SHOWN));
        }
    }
}
