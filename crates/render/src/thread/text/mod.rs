//! A thread as plain text. Every statement ends in the lines that prove it.

mod messages;
mod questions;
mod tags;
mod versions;

use std::fmt::Write as _;

use analysis_thread::{Finding, Thread, Turn};
use model::LineSpan;

use super::Reading;
use messages::messages;
use questions::questions;
use tags::{references, tags};
use versions::{changes, versions};

pub(super) use messages::{kind, time};
pub use questions::open_questions;
pub(super) use questions::state;

/// Lines of a changed place that are shown; JSON has all.
const SHOWN: usize = 8;

/// The whole report on an input.
pub fn report(read: &Reading) -> String {
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

fn one(out: &mut String, read: &Reading, thread: &Thread) {
    let title = read.title(thread);
    put(out, format_args!("# {title}"));
    put(out, format_args!("{}", thread.state.line));
    if let Some((asked, newest)) = thread.superseded() {
        let entry = &thread.entries[thread.versions[newest].entry];
        let id = read.messages[entry.message].message_id.as_deref().unwrap_or("no Message-ID");
        put(
            out,
            format_args!(
                "{} of it exists: <{id}>; you asked for {}.",
                thread.versions[newest].name(),
                thread.versions[asked].name()
            ),
        );
    }
    put(out, format_args!("Turn: {}.", turn(thread)));
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

/// Whose turn it is, in words.
pub(in crate::thread) fn turn(thread: &Thread) -> String {
    match (&thread.state.turn, thread.state.newest) {
        (Turn::Author, Some(v)) => format!("the author, {}", thread.versions[v].author.shown()),
        (Turn::People(people), _) => people.join(", "),
        (Turn::Maintainer, _) => "the maintainer".to_owned(),
        (turn, _) => turn.name().to_owned(),
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

fn turns(list: &[(String, Vec<usize>)]) -> String {
    list.iter()
        .map(|(who, numbers)| {
            let numbers: Vec<String> = numbers.iter().map(|n| format!("Q{}", n + 1)).collect();
            format!("{who} ({})", numbers.join(" "))
        })
        .collect::<Vec<_>>()
        .join("; ")
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
