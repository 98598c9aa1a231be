//! The first page: what is new, what waits for whom.

use maud::{Markup, html};
use model::tracker::{Bug, Counts, Day, Entry, State};

use super::chart;
use super::list::table;
use super::shell::{Visitor, shell};
use crate::escape::one_line;
use crate::tracker::words::action;
use crate::tracker::{ago, date, state};

/// What the first page shows.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Numbers.
    pub counts: Counts,
    /// Bugs that came last.
    pub new: Vec<Bug>,
    /// Open bugs seen most often in the last week.
    pub frequent: Vec<Bug>,
    /// Bugs with a known fix that the kernels under test lack.
    pub fix_known: Vec<Bug>,
    /// The newest entries of all histories.
    pub recent: Vec<(Entry, Bug)>,
    /// Crashes by day.
    pub days: Vec<(i64, u64)>,
}

/// The first page.
pub fn overview(visitor: &Visitor, shown: &Overview) -> String {
    let days: Vec<Day> = shown
        .days
        .iter()
        .map(|(day, crashes)| Day { day: *day, kernel: String::new(), crashes: *crashes })
        .collect();
    let body = html! {
        h1 { "Overview" }
        div.numbers {
            @for (one, count) in State::ALL.iter().zip(shown.counts.states) {
                @if count > 0 || *one == State::New {
                    a href={ "/bugs?is=" (one.name()) } { b { (count) } " " (state(*one)) }
                }
            }
            span { b { (shown.counts.crashes) } " crashes" }
        }
        (chart::days(&days, visitor.now.div_euclid(86_400)))
        (section("Came last: nobody was told yet", "/bugs?is=new&sort=created", &shown.new, visitor.now))
        (section("Seen most often in the last seven days", "/bugs?since=7&sort=crashes", &shown.frequent, visitor.now))
        (section("Fix known: waits for the kernels under test", "/bugs?is=fix_known", &shown.fix_known, visitor.now))
        @if !shown.recent.is_empty() {
            h2 { "What was done" }
            ol.line {
                @for (entry, bug) in &shown.recent {
                    li {
                        time title=(date(entry.time)) { (ago(entry.time, visitor.now)) " ago" }
                        span {
                            a href={ "/bug/" (bug.id) } { (one_line(&bug.shown())) } ": " (action(&entry.action))
                            @if !entry.who.is_empty() { span.quiet { " " (one_line(&entry.who)) } }
                        }
                    }
                }
            }
        }
    };
    shell(visitor, "Overview", true, &body)
}

fn section(title: &str, all: &str, bugs: &[Bug], now: i64) -> Markup {
    html! {
        @if !bugs.is_empty() {
            h2 { (title) " " small { a href=(all) { "all" } } }
            (table(bugs, now))
        }
    }
}
