//! What a log tells, on the page of a bug: every line number opens the log there.

use maud::{Markup, html};
use model::{LineSpan, Statement};

use crate::conclusion;
use crate::diagnosis::Log;
use crate::diagnosis::svg;
use crate::escape::one_line;
use crate::telling::is_telling;

/// Statements that are shown at once; the others unfold.
const SHOWN: usize = 8;
/// Line numbers of one statement.
const LINES: usize = 6;

/// What the log of a crash tells.
pub fn diagnosis(log: &Log<'_>, crash: i64) -> Markup {
    let diagnosis = log.diagnosis;
    if diagnosis.seen.events.is_empty() {
        return Markup::default();
    }
    let link =
        |span: LineSpan| html! { a href={ "/crash/" (crash) "/log#L" (span.first) } { (span) } };
    let said: Vec<&Statement> = diagnosis.statements.iter().filter(|one| is_telling(one)).collect();
    let row = |one: &Statement| {
        html! {
            tr {
                td { (one_line(&crate::sentence(one.predicate()))) }
                td.grade { (one.grade()) }
                td.grade.opt { (one.rule()) }
                td.grade { @for (at, span) in one.lines().iter().take(LINES).enumerate() { @if at > 0 { " " } (link(*span)) } }
            }
        }
    };
    html! {
        div.verdict {
            p { (one_line(&conclusion::verdict(&diagnosis.seen, &diagnosis.verdict))) " " span.grade { (diagnosis.verdict.grade) } }
            @if let Some(cause) = &diagnosis.first_cause {
                p { "First: " (one_line(&conclusion::first_cause(&diagnosis.seen, cause))) " " span.grade { (cause.grade) " " (link(LineSpan::line(cause.line))) } }
            }
            @if !diagnosis.needs.is_empty() {
                p.quiet { "Would settle it: " @for (at, item) in diagnosis.needs.iter().take(3).enumerate() { @if at > 0 { "; " } (one_line(&conclusion::need(item))) } }
            }
        }
        @if !said.is_empty() {
            h2 { "Diagnosis of crash " (crash) " " small { a href={ "/crash/" (crash) "/log" } { "its log" } } }
            table { tbody { @for one in said.iter().take(SHOWN) { (row(one)) } } }
            @if said.len() > SHOWN {
                details { summary { (said.len() - SHOWN) " more statements" } table { tbody { @for one in said.iter().skip(SHOWN) { (row(one)) } } } }
            }
        }
        @if !diagnosis.graph.edges.is_empty() {
            details open { summary { "Who waits for whom" } div.graph.scroll { (svg::wait_graph(&diagnosis.graph, &format!("/crash/{crash}/log"))) } }
        }
    }
}
