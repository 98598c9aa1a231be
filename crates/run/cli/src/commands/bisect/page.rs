//! The bisection as one page of HTML: belief after each step, every run, the cost.
//!
//! Invariant: whatever comes from the project or its test is escaped.

use super::case::Case;
use super::conclusion::{Answer, percent, text};
use super::picture::parts;

/// Parts of the range in a row of the picture.
const PARTS: usize = 120;

/// The positions in the list of attempts after which another commit was tested.
pub(crate) fn steps(case: &Case) -> Vec<usize> {
    let attempts = &case.attempts;
    (1..=attempts.len())
        .filter(|&count| {
            attempts.get(count).is_none_or(|next| next.commit != attempts[count - 1].commit)
        })
        .collect()
}

/// The page.
pub(super) fn page(case: &Case, answer: &Answer) -> String {
    let mut rows = String::new();
    for (step, count) in steps(case).into_iter().enumerate() {
        let belief = case.bisection(count).belief();
        let parts = parts(&belief, PARTS.min(case.commits.len()));
        let highest = parts.iter().copied().fold(1e-12, f64::max);
        let cells: String = parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let shade = 245.0 - 215.0 * (part / highest).sqrt();
                format!(
                    "<rect x=\"{}\" y=\"{}\" width=\"7\" height=\"11\" fill=\"rgb({shade:.0},{shade:.0},255)\"/>",
                    at * 7,
                    step * 12
                )
            })
            .collect();
        rows.push_str(&cells);
    }
    let height = steps(case).len() * 12;
    let width = PARTS.min(case.commits.len()) * 7;
    let runs: String = case
        .attempts
        .iter()
        .enumerate()
        .map(|(at, attempt)| {
            format!(
                "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{:.1}</td></tr>\n",
                at + 1,
                escaped(&attempt.commit[..12.min(attempt.commit.len())]),
                attempt.event.name(),
                escaped(attempt.title.as_deref().unwrap_or("")),
                attempt.seconds
            )
        })
        .collect();
    let spent = case.spent();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <title>Bisection {id}</title>\n<style>\n\
         body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}\n\
         pre {{ background: #f4f4f6; padding: 1rem; white-space: pre-wrap }}\n\
         table {{ border-collapse: collapse }} td, th {{ padding: .1rem .8rem; text-align: left }}\n\
         svg {{ max-width: 100% }}\n</style></head><body>\n\
         <h1>Bisection {id}</h1>\n<pre>{answer}</pre>\n\
         <h2>Belief after each step</h2>\n\
         <p>One row a step, the first on top; older commits on the left; the darker, the likelier the \
         culprit. Older than the range: {older}.</p>\n\
         <svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Belief after each step\">{rows}</svg>\n\
         <h2>Runs</h2>\n<p>{runs_made} runs, {builds} builds, {minutes:.1} minutes of work.</p>\n\
         <table><tr><th>#</th><th>commit</th><th>outcome</th><th>title</th><th>seconds</th></tr>\n\
         {runs}</table>\n</body></html>\n",
        id = case.stored.id,
        answer = escaped(&text(case, answer)),
        older = percent(answer.belief.older()),
        runs_made = spent.runs,
        builds = spent.builds,
        minutes = spent.minutes,
    )
}

/// Text for HTML; control characters become spaces.
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
