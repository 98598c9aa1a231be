//! The messages of a thread as text.

use analysis_thread::{Kind, Thread, When};

use super::put;
use crate::thread::Reading;

/// What a message is: `PATCH v2 3/9`, `review of v2`, `remark`.
pub(in crate::thread) fn kind(thread: &Thread, at: usize) -> String {
    let entry = &thread.entries[at];
    let about = entry.about.map(|v| thread.versions[v].name());
    match (entry.kind, about) {
        (Kind::Cover(v), _) => {
            let version = &thread.versions[v];
            let note = if version.is_cover_inferred { " (not marked as one)" } else { "" };
            format!("cover letter of {}{note}", version.name())
        }
        (Kind::Patch(v), _) => {
            let version = &thread.versions[v];
            let patch = version.patches.iter().find(|p| p.entry == at);
            let number = patch.map_or(1, |p| p.number);
            let writer = patch.and_then(|p| p.writer.as_ref());
            let by = writer.map_or(String::new(), |w| format!(" by {}", w.shown()));
            match version.size {
                0 | 1 => format!("PATCH {}{by}", version.name()),
                size => format!("PATCH {} {number}/{size}{by}", version.name()),
            }
        }
        (Kind::Review, Some(v)) => format!("review of {v}"),
        (Kind::Answer, Some(v)) => format!("author, on {v}"),
        _ if thread.pulls.iter().any(|p| p.entry == at) => "pull request".to_owned(),
        _ => "remark".to_owned(),
    }
}

/// What a message answers, and how that is known.
pub(super) fn answers(thread: &Thread, at: usize, is_reply: bool) -> String {
    let entry = &thread.entries[at];
    match (entry.parent, entry.by_quote) {
        (Some(p), Some((line, named))) => {
            format!(", answers M{} (quoted in L{line}; its headers name M{})", p + 1, named + 1)
        }
        (Some(p), None) => format!(", answers M{}", p + 1),
        (None, _) if is_reply => ", answers a mail not at hand".to_owned(),
        (None, _) => String::new(),
    }
}

pub(super) fn messages(out: &mut String, read: &Reading, thread: &Thread) {
    put(out, format_args!("\n## Messages ({}), in time order", thread.entries.len()));
    let width = thread
        .entries
        .iter()
        .map(|e| read.messages[e.message].from.shown().chars().count())
        .max()
        .unwrap_or(0)
        .min(32);
    for (at, entry) in thread.entries.iter().enumerate() {
        let message = &read.messages[entry.message];
        let kind = kind(thread, at);
        let to = answers(thread, at, message.subject.is_reply);
        let drafts: Vec<String> = thread
            .drafts
            .iter()
            .enumerate()
            .filter(|(_, d)| d.entry == at)
            .map(|(n, _)| format!(", diff D{}", n + 1))
            .collect();
        let copies = match entry.copies {
            0 => String::new(),
            n => format!(", {} copies", n + 1),
        };
        let name = message.from.shown();
        put(
            out,
            format_args!(
                "M{:<3} {:<20} {name:<width$}  L{:<5} {kind}{to}{}{copies}",
                at + 1,
                time(entry.when),
                message.from_line,
                drafts.concat(),
            ),
        );
        let id = message.message_id.as_deref();
        let twin = thread.entries[..at]
            .iter()
            .position(|e| id.is_some() && read.messages[e.message].message_id.as_deref() == id);
        if let Some(twin) = twin {
            put(out, format_args!("     the Message-ID of M{}, another text", twin + 1));
        }
        if let Some(seconds) = entry.refused {
            let date = parse_mail::Moment { seconds, zone: Some(0) }.utc();
            let date = date.get(..19).unwrap_or(&date);
            put(
                out,
                format_args!(
                    "     its Date, {date}, contradicts other mails or the machines on its way and is not believed"
                ),
            );
        }
        if let Some((file, line)) = read.place(message.lines.first) {
            let file = file.strip_prefix(&read.name).map_or(file, |f| f.trim_start_matches('/'));
            put(out, format_args!("     L{} is line {line} of {file}", message.lines.first));
        }
        for problem in &message.problems {
            let harmless = matches!(
                problem.kind,
                parse_mail::ProblemKind::PageHead | parse_mail::ProblemKind::NoDate
            );
            if !harmless {
                put(out, format_args!("     {} ({})", problem.kind, problem.lines));
            }
        }
    }
    if thread.entries.iter().any(|e| !e.when.is_exact && !e.when.is_unknown) {
        put(
            out,
            format_args!("~ from the relative age only; the place among its neighbours may differ"),
        );
    }
    for silent in &thread.silent {
        put(out, format_args!("Named but silent: {} (L{})", silent.person.shown(), silent.line));
    }
    if !thread.missing_versions.is_empty() {
        let names: Vec<String> = thread.missing_versions.iter().map(ToString::to_string).collect();
        put(out, format_args!("Not at hand: {}", names.join(", ")));
    }
    for id in thread.absent.iter().take(20) {
        put(out, format_args!("Answered but not at hand: <{id}>"));
    }
}

/// `2026-05-09 08:09:44`, `2026-05-15 07:10`, `~2026-05-20`.
pub(in crate::thread) fn time(when: When) -> String {
    if when.is_unknown {
        return "unknown time".to_owned();
    }
    let moment = |seconds| parse_mail::Moment { seconds, zone: Some(0) }.utc();
    if when.is_exact {
        let text = moment(when.low);
        return text[..if when.has_seconds { 19 } else { 16 }].to_owned();
    }
    let middle = moment(when.low + (when.high - when.low) / 2);
    format!("~{}", &middle[..10])
}
