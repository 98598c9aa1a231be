//! The bisection as one self-contained page.

use analysis_bisect::search::outcome;
use analysis_bisect::{Answer, Direction, Search, Tally};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use model::RunOutcome;

use super::picture::{parts, state};
use super::text::{percent, text};
use crate::escape::acts_on_terminal;

/// Columns of the picture.
const PARTS: usize = 120;
/// Width and height of a cell, in pixels.
const CELL: (usize, usize) = (6, 14);
/// Steps shown; earlier ones are left out.
const ROWS: usize = 200;

/// The positions in the list of attempts after which another commit was tested.
pub(super) fn steps(search: &Search) -> Vec<usize> {
    let attempts = &search.attempts;
    (1..=attempts.len())
        .filter(|&count| {
            attempts.get(count).is_none_or(|next| next.commit != attempts[count - 1].commit)
        })
        .collect()
}

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --bad: #c0392b; --good: #1e8449; --ink: 40, 70, 200 }
@media (prefers-color-scheme: dark) { :root { --ink: 140, 170, 255; --bad: #ff7b6b; --good: #6fd08c } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
h2 { margin-top: 2rem; border-bottom: 1px solid var(--line) }
pre { background: var(--soft); padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .1rem .8rem .1rem 0; text-align: left; vertical-align: top }
tr.culprit td { font-weight: bold }
.bad { color: var(--bad) } .good { color: var(--good) }
svg text { font: 11px ui-monospace, monospace; fill: currentColor }
.cell { fill: rgb(var(--ink)) } .frame { fill: none; stroke: var(--line) }";

/// The page.
pub fn page(search: &Search, answer: &Answer) -> String {
    let spent = search.spent();
    let outside = match search.direction() {
        Direction::Cause => "Older than the range",
        Direction::Fix => "Not fixed in the range",
    };
    let rates = answer.belief.rates();
    let id = search.stored.id;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Bisection " (id) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Bisection " (id) ": " (if answer.is_final { "done" } else { "not done" }) }
                pre #answer { (visible(&text(search, answer))) }
                h2 { "Belief after each step" }
                p {
                    "One row a step, the first on top, with the commit that was tested and what its runs ended \
                     with; older commits on the left; the fuller, the likelier the culprit. "
                    (outside) ": " (percent(answer.belief.older())) "."
                }
                div.wide { (picture(search)) }
                h2 { "Tested commits" }
                div.wide { (tested(search, answer)) }
                h2 { "Cost and noise" }
                p {
                    (spent.runs) " runs, " (spent.builds) " builds, " (format!("{:.1}", spent.minutes))
                    " minutes of work. The failure shows in about "
                    (format!("{:.0}", answer.belief.detection_mean() * 100.0))
                    " % of runs where it is; " (format!("{:.1}", rates.unrelated * 100.0))
                    " % of other runs fail in another way."
                }
                h2 { "Runs" }
                div.wide { (runs(search)) }
            }
        }
    };
    page.into_string()
}

/// Control characters and those that turn the direction of text become spaces; line ends and tabs stay.
fn visible(text: &str) -> String {
    text.chars().map(|c| if acts_on_terminal(c) { ' ' } else { c }).collect()
}

/// The belief, row by row.
fn picture(search: &Search) -> Markup {
    let steps = steps(search);
    let skipped = steps.len().saturating_sub(ROWS);
    let columns = PARTS.min(search.commits.len());
    let (wide, high) = CELL;
    let (width, height) = (columns * wide, (steps.len() - skipped).max(1) * high);
    let all = width + 260;
    html! {
        svg viewBox={ "0 0 " (all) " " (height) } width=(all) height=(height) role="img"
            aria-label="Belief after each step" {
            rect.frame x="0" y="0" width=(width) height=(height) {}
            @for row in skipped..steps.len() {
                (step(search, &steps, row, columns, (row - skipped) * high))
            }
        }
    }
}

/// The row of step `row`, its upper edge at `top`.
fn step(search: &Search, steps: &[usize], row: usize, columns: usize, top: usize) -> Markup {
    let (wide, high) = CELL;
    let count = steps[row];
    let parts = parts(&search.bisection(count).belief(), columns);
    let highest = parts.iter().copied().fold(1e-12, f64::max);
    let first = if row == 0 { 0 } else { steps[row - 1] };
    let wanted = search.wanted();
    let mut tally = Tally::default();
    for attempt in &search.attempts[first..count] {
        if let Some(outcome) = outcome(attempt, &wanted) {
            tally.add(outcome);
        }
    }
    html! {
        @for (at, part) in parts.iter().enumerate().filter(|(_, part)| **part > 1e-4 * highest) {
            rect.cell x=(at * wide) y=(top + 1) width=(wide) height=(high - 2)
                fill-opacity=(format!("{:.2}", (part / highest).sqrt())) {}
        }
        text x=(columns * wide + 8) y=(top + high - 3) {
            (short(&search.attempts[count - 1].commit)) " " (in_short(&tally))
        }
    }
}

/// The first digits of a recorded commit name.
fn short(commit: &str) -> String {
    visible(commit.get(..12).unwrap_or(commit))
}

/// `2 wanted, 3 clean`.
fn in_short(tally: &Tally) -> String {
    let counts = [
        (tally.wanted, "wanted"),
        (tally.other + tally.known_crash, "other"),
        (tally.clean, "clean"),
        (tally.boot_failed, "boot failed"),
        (tally.skipped, "skipped"),
        (tally.build_failed, "not built"),
        (tally.infrastructure_errors, "infrastructure errors"),
    ];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    words.join(", ")
}

fn tested(search: &Search, answer: &Answer) -> Markup {
    let bisection = search.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    let (top, _) = answer.belief.top();
    html! {
        table {
            tr { th { "commit" } th { "belief" } th { "has the failure" } th { "runs" } }
            @for (commit, tally) in bisection.tallies() {
                @let state = state(bad[commit], &tally);
                tr.culprit[commit == top] {
                    td { code { (search.commits[commit].short()) } }
                    td.bad[state == "bad"].good[state == "good"] { (state) }
                    td { (percent(bad[commit])) }
                    td { (in_short(&tally)) }
                }
            }
        }
    }
}

fn runs(search: &Search) -> Markup {
    let wanted = search.wanted();
    html! {
        table {
            tr { th { "#" } th { "commit" } th { "outcome" } th { "title" } th { "seconds" } }
            @for (at, attempt) in search.attempts.iter().enumerate() {
                @let outcome = outcome(attempt, &wanted);
                @let name = outcome.map_or(attempt.event.name(), RunOutcome::name);
                tr {
                    td { (at + 1) }
                    td { code { (short(&attempt.commit)) } }
                    td.bad[outcome == Some(RunOutcome::Wanted)].good[outcome == Some(RunOutcome::Clean)] {
                        (name.replace('_', " "))
                    }
                    td { (visible(attempt.title.as_deref().unwrap_or(""))) }
                    td { (format!("{:.1}", attempt.seconds)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_a_terminal_or_reader_could_act_on_becomes_blank() {
        assert_eq!(visible("a\u{1b}[31m\u{202e}b\tc\n"), "a [31m b\tc\n");
    }
}
