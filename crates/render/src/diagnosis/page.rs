//! One self-contained page: verdict, time line, wait graph, claims with links to the cited lines, and those
//! lines. No script, nothing from the network.
//!
//! Invariant: foreign text passes [`Escaped`], and maud escapes markup.

use maud::{Markup, html};
use model::{LineSpan, Statement};

use super::log::Log;
use super::svg;
use crate::conclusion;
use crate::escape::{Escaped, one_line};
use crate::frame::frame;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1b1b;background:#fff}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.8em;border-bottom:1px solid #ccc}\
.verdict{font-size:1.1em;background:#f3f6fa;border-left:4px solid #36c;padding:.6em 1em}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25em .6em;border-bottom:1px solid #eee}\
.grade{font-size:.8em;white-space:nowrap}pre{font:12px/1.5 ui-monospace,monospace;overflow-x:auto;background:#fafafa;padding:.6em;unicode-bidi:plaintext}\
pre span{display:block}pre span:target{background:#ffef9e}pre b{color:#888;font-weight:normal;user-select:none}pre i{display:block;color:#aaa}\
svg{max-width:100%}svg text{font:13px system-ui,sans-serif;fill:#1b1b1b}.axis{stroke:#888;stroke-width:2}.drop{stroke:#ddd}.event{fill:#36c}.first{fill:#c22}\
.node{fill:#fff;stroke:#555}.task{fill:#e8f0fe}.cpu{fill:#e6f4ea}.lock{fill:#fef3e0}.unknown{fill:#fce8e6;stroke-dasharray:4 3}\
.edge{fill:none;stroke:#333;stroke-width:1.6}.inferred{stroke-dasharray:6 3}.guess,.unknown.edge{stroke:#999;stroke-dasharray:2 4}\
@media(prefers-color-scheme:dark){body{background:#181a1b;color:#e6e6e6}.verdict{background:#20262e}pre{background:#101214}svg text{fill:#e6e6e6}.node{fill:#222;stroke:#999}.edge{stroke:#ccc}}";

/// The page of one log.
pub fn page(log: &Log<'_>) -> String {
    let diagnosis = log.diagnosis;
    let title = format!("Diagnosis of {}", one_line(log.name));
    let body = html! {
        h1 { (title) }
        (summary(log))
        (section("Time line", &svg::time_line(log)))
        (section("Wait graph", &svg::wait_graph(&diagnosis.graph, "")))
        (section("Why", &table(&diagnosis.statements)))
        (section("Hypotheses", &table(&diagnosis.hypotheses)))
        (section("Source", &table(log.sources)))
        (section("Registers and code", &table(log.registers)))
        (section("Need", &list(diagnosis.needs.iter().map(|item| one_line(&conclusion::need(item))))))
        (section("Grouping", &groups(log)))
        (section("Notices", &list(log.notices.iter().map(crate::notice))))
        h2 { "Cited lines" }
        (cited(log))
    };
    frame(&title, STYLE, &body)
}

fn summary(log: &Log<'_>) -> Markup {
    let verdict = &log.diagnosis.verdict;
    html! {
        p.verdict {
            strong { (verdict.kind.name().replace('_', " ")) }
            br;
            (one_line(&conclusion::verdict(&log.diagnosis.seen, verdict))) " "
            span.grade { (verdict.grade) }
        }
        p {
            "Kernel: "
            @match &log.diagnosis.kernel().release {
                Some((release, line)) => { (one_line(release)) " " (link(LineSpan::line(*line))) }
                None => { "version not read in this log" }
            }
        }
        @if let Some(cause) = &log.diagnosis.first_cause {
            p {
                "First: " (one_line(&conclusion::first_cause(&log.diagnosis.seen, cause))) " "
                span.grade { (cause.grade) " " (link(LineSpan::line(cause.line))) }
            }
        }
    }
}

/// A section with its heading; nothing where its body is empty.
fn section(title: &str, body: &Markup) -> Markup {
    html! {
        @if !body.0.is_empty() {
            h2 { (title) }
            (body)
        }
    }
}

fn link(span: LineSpan) -> Markup {
    html! { a href={ "#L" (span.first) } { (span) } }
}

fn list(items: impl Iterator<Item = String>) -> Markup {
    let items: Vec<String> = items.collect();
    html! {
        @if !items.is_empty() {
            ul { @for item in &items { li { (item) } } }
        }
    }
}

fn groups(log: &Log<'_>) -> Markup {
    html! {
        @if !log.diagnosis.groups.is_empty() {
            ul {
                @for group in &log.diagnosis.groups {
                    li {
                        code { (one_line(&group.key)) }
                        " (" (group.events.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")) ")"
                    }
                }
            }
        }
    }
}

fn table(statements: &[Statement]) -> Markup {
    html! {
        @if !statements.is_empty() {
            table {
                @for statement in statements {
                    tr {
                        td { (one_line(&crate::sentence(statement.predicate()))) }
                        td.grade { (statement.grade()) }
                        td.grade { (statement.rule()) }
                        td.grade {
                            @for (at, span) in statement.lines().iter().take(12).enumerate() {
                                @if at > 0 { " " }
                                (link(*span))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cited(log: &Log<'_>) -> Markup {
    html! {
        pre {
            @for (number, text) in log.excerpt {
                @let before = log.excerpt.range(..number).next_back();
                @if before.is_some_and(|(before, _)| before + 1 < *number) { i { "…" } }
                span id={ "L" (number) } {
                    b { (format!("{number:>6}  ")) }
                    (Escaped(text))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_hostile_log_stays_text_and_every_link_has_its_line() {
        let evil = "<script>alert(1)</script>\u{1b}[31m\u{202e}";
        let log = format!(
            "[   50.0] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [{evil}:77]\n[   50.1] CPU: 3 PID: 77 Comm: {evil} Not tainted 6.1.0{evil} #1\n[   50.2] RIP: 0010:spin_here+0x1/0x9\n"
        );
        let mut diagnosis = analysis_hang::diagnose(log.as_bytes());
        diagnosis.seen.events[0].titles = vec![format!("BUG: soft lockup in {evil}")];
        let excerpt: BTreeMap<u64, String> =
            log.lines().enumerate().map(|(at, line)| (at as u64 + 1, line.to_owned())).collect();
        let page = page(&Log { name: evil, excerpt: &excerpt, ..Log::of(&diagnosis) });
        assert!(!page.contains("<script") && !page.contains(['\u{1b}', '\u{202e}']));
        assert!(page.contains("&lt;script&gt;"));
        for target in page
            .match_indices("href=\"#L")
            .map(|(at, head)| page[at + head.len()..].split('"').next().unwrap().to_owned())
        {
            assert!(page.contains(&format!("id=\"L{target}\"")), "L{target} has no line");
        }
    }
}
