//! The list of bugs.

use maud::{Markup, html};
use model::tracker::{Bug, Page, State};

use super::shell::{Visitor, shell};
use crate::escape::one_line;
use crate::tracker::question::{PER_PAGE, Question};
use crate::tracker::text::reproducer;
use crate::tracker::{ago, date, state};

/// Bugs that fit a question.
pub fn list(visitor: &Visitor, question: &Question, page: &Page) -> String {
    let title = match (&*question.is, question.q.is_empty()) {
        (_, false) => format!("Bugs with \"{}\"", question.q),
        ("" | "open", true) => "Open bugs".to_owned(),
        ("all", true) => "All bugs".to_owned(),
        (states, true) => format!("Bugs: {states}").replace('_', " "),
    };
    let body = html! {
        h1 { (one_line(&title)) " " small { (page.total) } }
        (form(question))
        @if page.bugs.is_empty() {
            p { "No bug fits. " a href="/bugs?is=all" { "All bugs" } }
        } @else {
            (table(&page.bugs, visitor.now))
            (pages(question, page.total))
        }
    };
    shell(visitor, &title, false, &body)
}

fn form(question: &Question) -> Markup {
    let text = |name: &'static str, label: &'static str, value: &str| {
        html! { label { (label) input name=(name) value=(one_line(value)); } }
    };
    html! {
        form.filter action="/bugs" method="get" {
            (text("q", "Words", &question.q))
            label { "State"
                select name="is" {
                    @let choices = [("", "open"), ("all", "all")].into_iter()
                        .chain(State::ALL.iter().map(|one| (one.name(), state(*one))));
                    @for (value, shown) in choices {
                        option value=(value) selected[value == question.is] { (shown) }
                    }
                    @if question.is.contains(',') { option value=(one_line(&question.is)) selected { (one_line(&question.is)) } }
                }
            }
            (text("kind", "Kind", &question.kind))
            (text("machine", "Machine", &question.machine))
            (text("kernel", "Kernel", &question.kernel))
            (text("label", "Label", &question.label))
            label { "Last days" input name="since" inputmode="numeric" value=(question.since.map(|days| days.to_string()).unwrap_or_default()); }
            label { "Sort"
                select name="sort" {
                    @for (value, shown) in [("last", "last seen"), ("created", "newest"), ("crashes", "crashes")] {
                        option value=(value) selected[value == question.sort] { (shown) }
                    }
                }
            }
            label.check { input type="checkbox" name="repro" value="1" checked[question.repro]; "reproducer" }
            button type="submit" { "Filter" }
            a href="/bugs" { "Clear" }
        }
    }
}

/// Bugs, a row each.
pub(super) fn table(bugs: &[Bug], now: i64) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Bug" } th { "State" }
                th.n { "Last" } th.n.opt { "First" } th.n { "Crashes" } th.opt { "Repro" }
            } }
            tbody {
                @for bug in bugs {
                    tr {
                        td {
                            a.title href={ "/bug/" (bug.id) } { (one_line(&bug.shown())) }
                            @if !bug.standing.public { span.tag { "private" } }
                        }
                        td.state.{ "s-" (bug.standing.state.name()) } { (state(bug.standing.state)) }
                        td.n title=(date(bug.last)) { (ago(bug.last, now)) }
                        td.n.opt title=(date(bug.first)) { (ago(bug.first, now)) }
                        td.n { (bug.crashes) }
                        td.opt { (reproducer(bug.reproducer)) }
                    }
                }
            }
        }
    }
}

fn pages(question: &Question, total: u64) -> Markup {
    let last = total.div_ceil(PER_PAGE).max(1);
    let to = |page: u64| format!("/bugs?{}", Question { page, ..question.clone() }.query());
    html! {
        @if last > 1 {
            nav.pages aria-label="Parts of the list" {
                @if question.page > 1 { a rel="prev" href=(to(question.page - 1)) { "← before" } }
                span.quiet { "page " (question.page) " of " (last) }
                @if question.page < last { a rel="next" href=(to(question.page + 1)) { "next →" } }
            }
        }
    }
}
