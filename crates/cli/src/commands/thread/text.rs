//! A thread as plain text. Every statement ends in the lines that prove it.

use std::fmt::Write as _;

use analysis_thread::{
    Anchor, Change, Comparison, Draft, Finding, Kind, Question, QuestionState, Relation, Side,
    Thread, When,
};
use model::LineSpan;

use super::Read;

/// Lines of a changed place that are shown; JSON has all.
const SHOWN: usize = 8;

/// The whole report on an input.
pub(super) fn report(read: &Read) -> String {
    let mut out = String::new();
    let count = read.messages.len();
    let threads = read.threads.len();
    put(
        &mut out,
        format_args!(
            "{}: {}, {count} message{}{}",
            read.name,
            read.form,
            plural(count),
            match threads {
                1 => String::new(),
                n => format!(" in {n} threads"),
            }
        ),
    );
    if !read.files.is_empty() {
        put(
            &mut out,
            format_args!("Lines are counted through all files, in the order of their names."),
        );
    }
    for thread in &read.threads {
        out.push('\n');
        one(&mut out, read, thread);
    }
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(line);
    out.push('\n');
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn one(out: &mut String, read: &Read, thread: &Thread) {
    let title = read.title(thread);
    put(out, format_args!("# {title}"));
    put(out, format_args!("{}", thread.state.line));
    if !thread.state.to_confirm.is_empty() {
        put(out, format_args!("To confirm: {}.", turns(&thread.state.to_confirm)));
    }
    for said in &thread.state.said_applied {
        let what = match said.patch {
            Some(number) => format!("patch {number}"),
            None => "it".to_owned(),
        };
        put(
            out,
            format_args!(
                "{} says {what} was applied (L{}); only a tree can show it.",
                said.person.shown(),
                said.line
            ),
        );
    }
    for said in &thread.state.refused {
        put(out, format_args!("{} says NAK (L{}).", said.person.shown(), said.line));
    }
    pulls(out, thread);
    messages(out, read, thread);
    versions(out, thread);
    changes(out, thread);
    tags(out, thread);
    references(out, thread);
    questions(out, thread);
    commands(out, thread);
    tests(out, thread);
    findings(out, &thread.findings);
}

/// What a message is: `PATCH v2 3/9`, `review of v2`, `remark`.
pub(super) fn kind(thread: &Thread, at: usize) -> String {
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
fn answers(thread: &Thread, at: usize, is_reply: bool) -> String {
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

fn pulls(out: &mut String, thread: &Thread) {
    for pull in &thread.pulls {
        let what = match &pull.reference {
            Some(reference) => format!("{} {reference}", pull.url),
            None => pull.url.clone(),
        };
        let base = pull.base.as_ref().map_or(String::new(), |id| format!(", on {id}"));
        let head = pull.head.as_ref().map_or(String::new(), |id| format!(", up to {id}"));
        put(
            out,
            format_args!("M{} asks to pull {what}{base}{head} {}", pull.entry + 1, pull.lines),
        );
        if let Some(pulled) = &pull.pulled {
            let commit = pulled.commit.as_ref().map_or(String::new(), |id| format!(" as {id}"));
            put(
                out,
                format_args!(
                    "M{} says it was merged{commit} (L{}); only a tree can show it.",
                    pulled.entry + 1,
                    pulled.line
                ),
            );
        }
    }
}

fn commands(out: &mut String, thread: &Thread) {
    if thread.commands.is_empty() {
        return;
    }
    put(out, format_args!("\n## Commands to syzbot"));
    for command in &thread.commands {
        let argument = match command.argument.as_str() {
            "" => String::new(),
            argument => format!(": {argument}"),
        };
        put(
            out,
            format_args!(
                "{}{argument}, from {} M{} {}",
                command.name,
                command.person.shown(),
                command.entry + 1,
                command.lines
            ),
        );
    }
}

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

fn messages(out: &mut String, read: &Read, thread: &Thread) {
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
pub(super) fn time(when: When) -> String {
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

fn turns(list: &[(String, Vec<usize>)]) -> String {
    list.iter()
        .map(|(who, numbers)| {
            let numbers: Vec<String> = numbers.iter().map(|n| format!("Q{}", n + 1)).collect();
            format!("{who} ({})", numbers.join(" "))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn versions(out: &mut String, thread: &Thread) {
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

fn relation(draft: &Draft, thread: &Thread) -> String {
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

fn diff_line(out: &mut String, what: &str, diff: &parse_mail::Diff) {
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

fn side(side: Side, thread: &Thread) -> String {
    match side {
        Side::Version(v) => thread.versions[v].name(),
        Side::Draft(d) => format!("D{}", d + 1),
    }
}

fn changes(out: &mut String, thread: &Thread) {
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

fn change_lines(out: &mut String, change: &Change, from: &str, to: &str) {
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

fn tags(out: &mut String, thread: &Thread) {
    if thread.tags.is_empty() {
        return;
    }
    put(out, format_args!("\n## Tags"));
    // One line for what stands alike in many patches.
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for tag in &thread.tags {
        let mut notes = vec![tag.place.name().to_owned()];
        notes.extend(tag.version.map(|v| thread.versions[v].name()));
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

fn references(out: &mut String, thread: &Thread) {
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

fn numbers(lines: &[u64]) -> String {
    let mut shown: Vec<String> = lines.iter().take(8).map(|l| format!("L{l}")).collect();
    if lines.len() > 8 {
        shown.push(format!("and {} more", lines.len() - 8));
    }
    shown.join(" ")
}

fn spans(lines: &[LineSpan]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The state of a question in words.
pub(super) fn state(question: &Question, thread: &Thread) -> String {
    let name = |v: usize| thread.versions[v].name();
    match question.state {
        QuestionState::Open => "OPEN".to_owned(),
        QuestionState::Answered => "ANSWERED, not confirmed".to_owned(),
        QuestionState::Partly => "PARTLY answered".to_owned(),
        QuestionState::Changed(v) => format!("CHANGED in {}, not confirmed", name(v)),
        QuestionState::Confirmed => "CONFIRMED".to_owned(),
        QuestionState::Resolved(v) => format!("RESOLVED in {}", name(v)),
        QuestionState::Moot(v) => format!("moot in {}", name(v)),
        QuestionState::Withdrawn => "WITHDRAWN".to_owned(),
    }
}

fn questions(out: &mut String, thread: &Thread) {
    if !thread.questions.is_empty() {
        put(out, format_args!("\n## Questions"));
    }
    for (number, question) in thread.questions.iter().enumerate() {
        let asked: Vec<String> =
            question.asked.iter().map(|(entry, lines)| format!("M{} {lines}", entry + 1)).collect();
        put(
            out,
            format_args!(
                "Q{:<3} {}: {} ({}) {}",
                number + 1,
                state(question, thread),
                question.asker.shown(),
                question.ask.name(),
                asked.join(", ")
            ),
        );
        put(out, format_args!("     \"{}\" [{} T8]", question.text, question.grade));
        match &question.anchor {
            Anchor::Code { version, path, function, lines } => put(
                out,
                format_args!(
                    "     about {} {path} {function} {}",
                    thread.versions[*version].name(),
                    numbers(lines)
                ),
            ),
            Anchor::Text { lines } => put(out, format_args!("     about {}", numbers(lines))),
            Anchor::None => {}
        }
        for e in &question.exchanges {
            let who = match (e.by_asker, e.by_author) {
                (true, _) => "asker",
                (_, true) => "author",
                _ => "another",
            };
            put(out, format_args!("     M{} {} {who} {}", e.entry + 1, e.lines, e.tone.name()));
        }
        let evidence = match question.evidence.is_empty() {
            true => String::new(),
            false => format!(" {}", numbers(&question.evidence)),
        };
        let wait = match question.waits_for.is_empty() {
            true => String::new(),
            false => format!("; waits for {}", question.waits_for.join(", ")),
        };
        put(out, format_args!("     {}{evidence}{wait}", question.reason));
    }
    for old in &thread.superseded {
        put(
            out,
            format_args!(
                "Superseded by {}: the author's \"{}\" M{} {}",
                thread.versions[old.by].name(),
                old.text,
                old.entry + 1,
                old.lines
            ),
        );
    }
    if !thread.withdrawn.is_empty() {
        put(out, format_args!("\n## Claims withdrawn"));
    }
    for claim in &thread.withdrawn {
        let backed = claim.backed_by.as_ref().map_or(String::new(), |b| format!("; backed by {b}"));
        put(
            out,
            format_args!(
                "\"{}\" {}; refuted {}; given up {}{backed}",
                claim.text,
                spans(&claim.lines),
                spans(&claim.refuted),
                claim.conceded
            ),
        );
    }
}

fn tests(out: &mut String, thread: &Thread) {
    put(out, format_args!("\n## Tests"));
    let tests = &thread.tests;
    for (name, list) in
        [("Asked", &tests.asked), ("Offered", &tests.offered), ("Done", &tests.done)]
    {
        for test in list {
            let configs = match test.configs.is_empty() {
                true => String::new(),
                false => format!(" [{}]", test.configs.join(", ")),
            };
            let passed = match test.passed {
                Some(true) => " good",
                Some(false) => " BAD",
                None => "",
            };
            put(
                out,
                format_args!(
                    "{name}{passed}: {}: \"{}\"{configs} M{} {}",
                    test.person.shown(),
                    test.text,
                    test.entry + 1,
                    test.lines
                ),
            );
        }
    }
    // A tag that was given to no version at hand, as that of a bot for a diff in a reply.
    let others = thread
        .tags
        .iter()
        .filter(|t| t.trailer.kind == parse_mail::TrailerKind::Test && t.version.is_none())
        .count();
    let others = match others {
        0 => String::new(),
        n => format!(", {n} more that no version at hand was given"),
    };
    put(out, format_args!("Tested-by: {}{others}", tests.tested_by));
}

fn findings(out: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    put(out, format_args!("\n## Seen in the newest version, raised by nobody (machine findings)"));
    for finding in findings {
        let style = if finding.is_style { " (style)" } else { "" };
        put(
            out,
            format_args!(
                "{}{style} {} [{} T10]",
                finding.statement,
                spans(&finding.lines),
                finding.grade
            ),
        );
    }
}

/// One open question a line, fields parted by tabs.
pub(super) fn open_questions(read: &Read) -> String {
    let mut out = String::new();
    for thread in &read.threads {
        for (number, question) in thread.questions.iter().enumerate() {
            if !matches!(question.state, QuestionState::Open | QuestionState::Partly) {
                continue;
            }
            let (file, lines) = match question.asked.first().map(|a| a.1) {
                Some(lines) => match read.place(lines.first) {
                    Some((file, first)) => (
                        file.to_owned(),
                        LineSpan::new(first, first + lines.last - lines.first).to_string(),
                    ),
                    None => (read.name.clone(), lines.to_string()),
                },
                None => (read.name.clone(), String::new()),
            };
            let field = |text: &str| text.replace(['\t', '\n'], " ");
            put(
                &mut out,
                format_args!(
                    "{}\t{lines}\tQ{}\t{}\t{}\t{}",
                    field(&file),
                    number + 1,
                    field(&question.waits_for.join(", ")),
                    field(question.asker.shown()),
                    field(&question.text),
                ),
            );
        }
    }
    out
}
