//! A thread as one page that can be read in a minute. Nothing foreign reaches it unescaped, and it
//! loads nothing.

use analysis_thread::{QuestionState, Side, Thread, Version};
use maud::{Markup, html};

use super::{Reading, text};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:72em;margin:1.5em auto;padding:0 1em;color:#1b1f24;background:#fff}\
h1{font-size:1.35em}h2{font-size:1.1em;margin-top:1.6em}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:1px solid #d8dee4}\
.state{background:#f3f6f9;padding:.7em 1em;border-left:4px solid #4573a6}.open{color:#a1260d;font-weight:600}\
.partly{color:#8a5a00;font-weight:600}.changed{color:#5a4f9c}.closed{color:#1a7f37}.dim{color:#59636e}\
pre{background:#f6f8fa;padding:.6em;overflow-x:auto;font-size:13px}.a{color:#1a7f37}.r{color:#a1260d}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}\
.state,pre{background:#161b22}.dim{color:#9198a1}.open,.r{color:#ff7b72}.partly{color:#e3b341}.changed{color:#b9adf5}.closed,.a{color:#56d364}a{color:#79b8ff}}";

/// A page of threads.
pub(super) fn frame(title: &str, body: &Markup) -> String {
    crate::frame::frame(&shown(title), STYLE, body)
}

/// Foreign text without anything that acts on a terminal; the page's writer escapes the markup.
pub(super) fn shown(text: &str) -> String {
    crate::Escaped(text).to_string()
}

/// The page for all inputs.
pub fn page(inputs: &[Reading]) -> String {
    let title = inputs
        .iter()
        .flat_map(|r| &r.threads)
        .find_map(|t| t.state.newest.map(|v| t.title(v).to_owned()))
        .unwrap_or_else(|| "Thread".to_owned());
    let body = html! {
        @for read in inputs {
            @for thread in &read.threads { (one(read, thread)) }
        }
    };
    frame(&title, &body)
}

fn one(read: &Reading, thread: &Thread) -> Markup {
    html! {
        h1 { (shown(read.title(thread))) }
        p.state { (shown(&thread.state.line)) br; "Turn: " (shown(&text::turn(thread))) "." }
        (questions(thread))
        (findings(thread))
        (messages(read, thread))
        (versions(thread))
        (comparisons(thread))
    }
}

/// The class in which a question's state is painted.
pub(super) fn class(state: QuestionState) -> &'static str {
    match state {
        QuestionState::Open => "open",
        QuestionState::Partly => "partly",
        QuestionState::Changed(_) | QuestionState::Answered => "changed",
        _ => "closed",
    }
}

fn questions(thread: &Thread) -> Markup {
    html! {
        @if !thread.questions.is_empty() {
            h2 { "Questions" }
            table {
                tr { th { "#" } th { "State" } th { "Who asks" } th { "What" } th { "Where" } th { "Waits for" } }
                @for (number, question) in thread.questions.iter().enumerate() {
                    tr {
                        td { "Q" (number + 1) }
                        td class=(class(question.state)) { (shown(&text::state(question, thread))) }
                        td { (shown(question.asker.shown())) }
                        td { (shown(&question.text)) br; span.dim { (shown(&question.reason)) } }
                        td {
                            @for (entry, lines) in &question.asked { "M" (entry + 1) " " (lines.to_string()) br; }
                        }
                        td { (shown(&question.waits_for.join(", "))) }
                    }
                }
            }
        }
    }
}

fn findings(thread: &Thread) -> Markup {
    html! {
        @if !thread.findings.is_empty() {
            h2 { "Seen in the newest version, raised by nobody (machine findings)" }
            ul {
                @for finding in &thread.findings {
                    li {
                        (shown(&finding.statement)) " "
                        span.dim { @for lines in &finding.lines { (lines.to_string()) " " } }
                    }
                }
            }
        }
    }
}

fn messages(read: &Reading, thread: &Thread) -> Markup {
    html! {
        h2 { "Messages" }
        table {
            tr { th { "#" } th { "When (UTC)" } th { "Who" } th { "Line" } th { "What" } }
            @for (at, entry) in thread.entries.iter().enumerate() {
                @let message = &read.messages[entry.message];
                tr {
                    td { "M" (at + 1) }
                    td { (text::time(entry.when)) }
                    td { (shown(message.from.shown())) }
                    td { "L" (message.from_line) }
                    td {
                        (shown(&text::kind(thread, at)))
                        @if let Some(parent) = entry.parent { ", answers M" (parent + 1) }
                    }
                }
            }
        }
    }
}

fn versions(thread: &Thread) -> Markup {
    let diffs = |version: &Version| -> Vec<parse_mail::Diff> {
        version.patches.iter().filter_map(|p| p.diff.clone()).collect()
    };
    html! {
        @if !thread.versions.is_empty() {
            h2 { "Versions" }
            table {
                tr { th { "Version" } th { "Title" } th { "Files" } th { "+/-" } }
                @for version in &thread.versions {
                    @let diffs = diffs(version);
                    tr {
                        td { (version.name()) }
                        td { (shown(&version.title)) }
                        td {
                            @for file in diffs.iter().flat_map(|d| &d.files).take(40) { (shown(file.path())) br; }
                        }
                        td {
                            "+" (diffs.iter().map(parse_mail::Diff::added).sum::<usize>())
                            " -" (diffs.iter().map(parse_mail::Diff::removed).sum::<usize>())
                        }
                    }
                }
            }
        }
    }
}

fn comparisons(thread: &Thread) -> Markup {
    let name = |side| match side {
        Side::Version(v) => thread.versions[v].name(),
        Side::Draft(d) => format!("D{}", d + 1),
    };
    html! {
        @for comparison in &thread.comparisons {
            details {
                summary { "What changed, " (name(comparison.from)) " to " (name(comparison.to)) }
                pre {
                    @for change in comparison.changes.iter().take(200) {
                        (shown(&change.path)) " " (shown(&change.function)) "\n"
                        @for (class, mark, lines) in [("r", "<", &change.gone), ("a", ">", &change.new)] {
                            @for line in lines.iter().take(100) {
                                span class=(class) { (mark) " " (line.kind.mark()) (shown(&line.text)) } "\n"
                            }
                        }
                    }
                }
            }
        }
    }
}
