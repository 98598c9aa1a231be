//! A trial as one self-contained page: the answer, both sides as bars with their intervals, and the reports.

use analysis_trial::{Cell, Rate, Report, Workload, WorkloadKind};
use maud::{Markup, html};

use super::text::text;
use super::words::{headline, meaning, outcome, outcome_name, rate, reach, workload};
use crate::escape::{Escaped, one_line};
use crate::frame::frame;

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --bad: #c0392b; --good: #1e8449; --base: #3366cc; --patched: #b8860b }
@media (prefers-color-scheme: dark) { :root { --bad: #ff7b6b; --good: #6fd08c; --base: #8ab0ff; --patched: #e6c060 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { margin-top: 2rem; border-bottom: 1px solid var(--line); font-size: 1.15rem }
p.answer { background: var(--soft); padding: .8rem 1rem; border-left: 4px solid var(--base) }
p.fixed, p.same_kernel, p.builds_and_boots { border-color: var(--good) } p.not_fixed, p.breaks_build, p.breaks_boot { border-color: var(--bad) }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }
pre { background: var(--soft); padding: 1rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
svg { max-width: 100% } svg .base { fill: var(--base) } svg .patched { fill: var(--patched) } svg line { stroke: currentColor }
.new { color: var(--bad) } .wide { overflow-x: auto }";

/// The page.
pub fn page(report: &Report) -> String {
    let (word, words) = headline(report);
    let title = format!("Trial of {}", one_line(&report.series.title));
    let class = match report.worst() {
        analysis_trial::Worst::NoBase => "no_base",
        analysis_trial::Worst::Of(outcome) => outcome_name(outcome),
    };
    let body = html! {
        h1 { (title) " (" (one_line(&report.series.version)) ")" }
        p class=(format!("answer {class}")) { strong { (word) } br; (one_line(&words)) }
        @for cell in &report.cells { (self::cell(cell)) }
        h2 { "All of it" }
        pre { (Escaped(&text(report)).to_string()) }
    };
    frame(&title, STYLE, &body)
}

fn cell(cell: &Cell) -> Markup {
    let works = cell.workloads.iter().filter(|one| one.comparison.base.share.runs > 0);
    html! {
        h2 { (one_line(&cell.name)) ": " (outcome(cell.outcome())) }
        p { (one_line(&meaning(cell))) }
        div.wide {
            table {
                @for work in works { (self::work(work)) }
            }
        }
        @let lines = reach(&cell.reach);
        @if !lines.is_empty() {
            h3 { "Changed functions" }
            ul { @for line in &lines { li { (one_line(line)) } } }
        }
        @for shown in cell.workloads.iter().flat_map(|work| &work.shown) {
            details {
                summary {
                    (if shown.is_patched { "patched: " } else { "base: " }) (one_line(&shown.title))
                    @if let Some(record) = &shown.record { " (" (one_line(record)) ")" }
                }
                pre { (Escaped(&shown.excerpt).to_string()) }
            }
        }
    }
}

fn work(work: &Workload) -> Markup {
    let found = &work.comparison;
    let titles: Vec<&str> = found.wanted.iter().map(String::as_str).collect();
    html! {
        tr {
            th { (one_line(&workload(work))) }
            td { @if work.kind == WorkloadKind::Boot { "does not boot" } @else { (one_line(&titles.join(", "))) } }
            td { (bars(&found.base, &found.patched)) }
            td { "base " (rate(&found.base)) br; "patched " (rate(&found.patched)) }
        }
        @for one in &found.new {
            tr.new {
                th { "new" }
                td { (one_line(&one.title)) }
                td { (bars(&one.base, &one.patched)) }
                td { "base " (rate(&one.base)) br; "patched " (rate(&one.patched)) }
            }
        }
    }
}

/// Width of the picture for a rate of 1, in pixels.
const WIDTH: f64 = 240.0;

/// Two bars, each with its interval.
fn bars(base: &Rate, patched: &Rate) -> Markup {
    let bar = |rate: &Rate, class: &str, y: u32| {
        let share = match rate.share.runs {
            0 => 0.0,
            runs => f64::from(rate.share.showed) / f64::from(runs),
        };
        let at = |value: f64| format!("{:.1}", value * WIDTH);
        html! {
            rect class=(class) x="0" y=(y) width=(at(share)) height="10" {}
            @if rate.share.runs > 0 {
                line x1=(at(rate.low)) x2=(at(rate.high)) y1=(y + 5) y2=(y + 5) {}
            }
        }
    };
    html! {
        svg width="242" height="30" viewBox="0 0 242 30" role="img" aria-label="rates of base and patched" {
            (bar(base, "base", 2))
            (bar(patched, "patched", 16))
        }
    }
}
