//! Trailers, commits, bugs and links as text.

use analysis_thread::{Place, Tag, Thread};

use super::{SHOWN, numbers, put, spans};

pub(super) fn tags(out: &mut String, thread: &Thread) {
    if thread.tags.is_empty() {
        return;
    }
    put(out, format_args!("\n## Tags"));
    // One line for what stands alike in many patches.
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for tag in &thread.tags {
        let mut notes = vec![tag.place.name().to_owned()];
        notes.extend(tag.version.map(|v| given_to(tag, v, thread)));
        if tag.is_unknown {
            notes.push("unknown tag".to_owned());
            if tag.lacks_address {
                notes.push("no address (kernel practice for tools is Assisted-by)".to_owned());
            }
        } else if tag.lacks_address {
            notes.push("no address".to_owned());
        }
        if tag.is_for_other {
            notes.push("not by its sender".to_owned());
        }
        if let Some(version) = tag.carried_to.and_then(|m| thread.entries[m].about) {
            notes.push(format!("the diff is the same in {}", thread.versions[version].name()));
        }
        if let Some(line) = tag.condition {
            notes.push(format!("on a condition, L{line}"));
        }
        let text = format!("{}: {} ({})", tag.trailer.tag, tag.trailer.value, notes.join(", "));
        match rows.iter_mut().find(|(row, _)| *row == text) {
            Some((_, lines)) => lines.push(tag.lines.to_string()),
            None => rows.push((text, vec![tag.lines.to_string()])),
        }
    }
    for (text, lines) in rows {
        let more = match lines.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let shown = lines[..lines.len().min(SHOWN)].join(" ");
        put(out, format_args!("{text} {shown}{more}"));
    }
}

/// The version that a tag is in or given to, with the patch: `v2 3/7`, `v2 cover letter`.
fn given_to(tag: &Tag, version: usize, thread: &Thread) -> String {
    let version = &thread.versions[version];
    let name = version.name();
    let patch = version.patches.iter().find(|p| Some(p.entry) == tag.patch);
    match patch {
        Some(patch) if version.size > 1 => format!("{name} {}/{}", patch.number, version.size),
        None if version.size > 1 && tag.place == Place::Reply => format!("{name}, all patches"),
        _ => name,
    }
}

pub(super) fn references(out: &mut String, thread: &Thread) {
    if !thread.commits.is_empty() {
        put(out, format_args!("\n## Commits named"));
        for commit in &thread.commits {
            let title = commit.title.as_ref().map_or(String::new(), |t| format!(" (\"{t}\")"));
            let release = commit.release.as_ref().map_or(String::new(), |r| format!(" {r}"));
            let fixes = if commit.is_fixes { " Fixes" } else { "" };
            put(
                out,
                format_args!("{}{title}{release}{fixes} {}", commit.id, numbers(&commit.lines)),
            );
        }
    }
    if !thread.bugs.is_empty() {
        put(out, format_args!("\n## Bugs named"));
        for bug in &thread.bugs {
            let names: Vec<String> =
                bug.versions.iter().map(|v| thread.versions[*v].name()).collect();
            let place = match (names.is_empty(), bug.in_trailer) {
                (true, _) => format!("in M{}", bug.entry + 1),
                (false, true) => format!("in a trailer of {}", names.join(", ")),
                (false, false) => format!("only as text of {}", names.join(", ")),
            };
            put(
                out,
                format_args!(
                    "{} {} {place} {}",
                    bug.id.kind.name(),
                    bug.id.id,
                    numbers(&bug.lines)
                ),
            );
        }
    }
    for note in &thread.bug_notes {
        put(
            out,
            format_args!(
                "{} {} [{} {}]",
                note.statement,
                spans(&note.lines),
                note.grade,
                note.rule
            ),
        );
    }
    for link in &thread.links {
        let kind = match link.kind {
            parse_mail::LinkKind::Masked => "hides where it leads",
            _ => "will not last",
        };
        let note = link.note.as_ref().map_or(String::new(), |n| format!(" ({n})"));
        put(out, format_args!("Link {kind}: {}{note} L{}", link.url, link.line));
    }
}
