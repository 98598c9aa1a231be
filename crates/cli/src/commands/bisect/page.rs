//! The bisection as one page of HTML: the answer, the belief after each step, every tested commit and
//! every run, the cost.
//!
//! Invariants: whatever comes from the project or its test is escaped; the page holds no script and
//! fetches nothing.

use std::fmt::Write as _;

use analysis_bisect::{Direction, Tally};
use model::RunOutcome;

use super::case::{Case, outcome};
use super::conclusion::{Answer, percent, text};
use super::picture::{parts, state};

/// Parts of the range in a row of the picture, and the width and height of one, in pixels.
const PARTS: usize = 120;
const CELL: (usize, usize) = (6, 14);
/// Most rows of the picture; of a longer search the last ones are shown.
const ROWS: usize = 200;

/// The positions in the list of attempts after which another commit was tested.
pub(crate) fn steps(case: &Case) -> Vec<usize> {
    let attempts = &case.attempts;
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
pub(super) fn page(case: &Case, answer: &Answer) -> String {
    let spent = case.spent();
    let outside = match case.direction() {
        Direction::Cause => "Older than the range",
        Direction::Fix => "Not fixed in the range",
    };
    let rates = answer.belief.rates();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Bisection {id}</title>\n<style>\n{STYLE}\n</style></head><body>\n\
         <h1>Bisection {id}: {state}</h1>\n<pre id=\"answer\">{words}</pre>\n\
         <h2>Belief after each step</h2>\n\
         <p>One row a step, the first on top, with the commit that was tested and what its runs ended \
         with; older commits on the left; the fuller, the likelier the culprit. {outside}: {older}.</p>\n\
         <div class=\"wide\">{picture}</div>\n\
         <h2>Tested commits</h2>\n<div class=\"wide\">{tested}</div>\n\
         <h2>Cost and noise</h2>\n<p>{runs} runs, {builds} builds, {minutes:.1} minutes of work. The \
         failure shows in about {shows:.0} % of runs where it is; {unrelated:.1} % of other runs fail in \
         another way.</p>\n\
         <h2>Runs</h2>\n<div class=\"wide\">{table}</div>\n</body></html>\n",
        id = case.stored.id,
        state = if answer.is_final { "done" } else { "not done" },
        words = escaped(&text(case, answer)),
        older = percent(answer.belief.older()),
        picture = picture(case),
        tested = tested(case, answer),
        runs = spent.runs,
        builds = spent.builds,
        minutes = spent.minutes,
        shows = answer.belief.detection_mean() * 100.0,
        unrelated = rates.unrelated * 100.0,
        table = runs(case),
    )
}

/// The belief, row by row.
fn picture(case: &Case) -> String {
    let steps = steps(case);
    let skipped = steps.len().saturating_sub(ROWS);
    let wanted = case.wanted();
    let columns = PARTS.min(case.commits.len());
    let (wide, high) = CELL;
    let mut rows = String::new();
    for (row, &count) in steps[skipped..].iter().enumerate() {
        let belief = case.bisection(count).belief();
        let parts = parts(&belief, columns);
        let highest = parts.iter().copied().fold(1e-12, f64::max);
        let top = row * high;
        for (at, part) in parts.iter().enumerate().filter(|(_, part)| **part > 1e-4 * highest) {
            let _ = write!(
                rows,
                "<rect class=\"cell\" x=\"{}\" y=\"{}\" width=\"{wide}\" height=\"{}\" \
                 fill-opacity=\"{:.2}\"/>",
                at * wide,
                top + 1,
                high - 2,
                (part / highest).sqrt()
            );
        }
        let first = if row == 0 && skipped == 0 { 0 } else { steps[row + skipped - 1] };
        let mut tally = Tally::default();
        for attempt in &case.attempts[first..count] {
            if let Some(outcome) = outcome(attempt, &wanted) {
                tally.add(outcome);
            }
        }
        let commit = &case.attempts[count - 1].commit;
        let _ = writeln!(
            rows,
            "<text x=\"{}\" y=\"{}\">{} {}</text>",
            columns * wide + 8,
            top + high - 3,
            escaped(&commit[..12.min(commit.len())]),
            in_short(&tally)
        );
    }
    let height = (steps.len() - skipped).max(1) * high;
    let width = columns * wide;
    format!(
        "<svg viewBox=\"0 0 {all} {height}\" width=\"{all}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Belief after each step\">\
         <rect class=\"frame\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\"/>\n{rows}</svg>",
        all = width + 260
    )
}

/// `2 wanted, 3 clean`.
fn in_short(tally: &Tally) -> String {
    let counts = [
        (tally.wanted, "wanted"),
        (tally.other + tally.bystander, "other"),
        (tally.clean, "clean"),
        (tally.boot_failed, "cannot tell"),
        (tally.build_failed, "not built"),
        (tally.lab_trouble, "spoilt"),
    ];
    let words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    words.join(", ")
}

fn tested(case: &Case, answer: &Answer) -> String {
    let bisection = case.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    let (top, _) = answer.belief.top();
    let mut rows = String::from(
        "<table><tr><th>commit</th><th>belief</th><th>has the failure</th><th>runs</th></tr>\n",
    );
    for (commit, tally) in bisection.tallies() {
        let state = state(bad[commit], &tally);
        let class = if state == "bad" || state == "good" { state } else { "" };
        let _ = writeln!(
            rows,
            "<tr{}><td><code>{}</code></td><td class=\"{class}\">{state}</td><td>{}</td><td>{}</td></tr>",
            if commit == top { " class=\"culprit\"" } else { "" },
            case.commits[commit].short(),
            percent(bad[commit]),
            in_short(&tally)
        );
    }
    rows.push_str("</table>");
    rows
}

fn runs(case: &Case) -> String {
    let wanted = case.wanted();
    let mut rows = String::from(
        "<table><tr><th>#</th><th>commit</th><th>outcome</th><th>title</th><th>seconds</th></tr>\n",
    );
    for (at, attempt) in case.attempts.iter().enumerate() {
        let meaning = outcome(attempt, &wanted).map_or(attempt.event.name(), RunOutcome::name);
        let class = match outcome(attempt, &wanted) {
            Some(RunOutcome::Wanted) => "bad",
            Some(RunOutcome::Clean) => "good",
            _ => "",
        };
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td><code>{}</code></td><td class=\"{class}\">{}</td><td>{}</td><td>{:.1}</td></tr>",
            at + 1,
            escaped(&attempt.commit[..12.min(attempt.commit.len())]),
            meaning.replace('_', " "),
            escaped(attempt.title.as_deref().unwrap_or("")),
            attempt.seconds
        );
    }
    rows.push_str("</table>");
    rows
}

/// Text for HTML; control characters and those that turn the direction of text become spaces.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.push(' ');
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_title_cannot_bring_markup() {
        assert_eq!(escaped("<script>&\"'\u{1b}"), "&lt;script&gt;&amp;&quot;&#39; ");
    }
}
