//! The result as a plain-text mail, and as a log that `git bisect replay` takes.

use std::collections::BTreeSet;

use reason_bisect::Conclusion;

use super::case::Case;
use super::conclusion::{Answer, text};
use super::picture::state;

/// The mail: recipients from the author and the trailers of the culprit, if there is one.
pub(super) fn mail(case: &Case, answer: &Answer) -> String {
    let titles = case.wanted().titles();
    let title = titles.first().map_or("failure of the test", String::as_str);
    let mut head = Vec::new();
    if let Conclusion::Culprit { commit, .. } = &answer.conclusion
        && let Ok(details) = case.repository.details(&case.commits[*commit])
    {
        head.push(format!("To: {}", one_line(&details.author)));
        let mut others = BTreeSet::new();
        for (key, value) in &details.trailers {
            if KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)) && value.contains('@') {
                others.insert(one_line(value));
            }
        }
        others.remove(&one_line(&details.author));
        if !others.is_empty() {
            head.push(format!("Cc: {}", others.into_iter().collect::<Vec<_>>().join(",\n    ")));
        }
    }
    head.push(format!("Subject: [bisected] {}", one_line(title)));
    head.push(String::new());
    let request = &case.stored.request;
    format!(
        "{}\n{}\n\nTest: {}\nBuild: {}\nGood: {}\nBad: {}\n",
        head.join("\n"),
        text(case, answer),
        one_line(&request.test),
        one_line(request.build.as_deref().unwrap_or("none")),
        request.good.join(" "),
        request.bad
    )
}

/// Trailers whose people want to know.
const KEYS: &[&str] =
    &["Signed-off-by", "Reviewed-by", "Acked-by", "Tested-by", "Reported-by", "Cc"];

/// Foreign text in a header or on a line of its own must not make another.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The log. A verdict is given where the belief is sure; a commit that is not is skipped.
pub(super) fn log(case: &Case, answer: &Answer) -> String {
    let request = &case.stored.request;
    let mut lines = vec![
        format!("# bad: [{}]", request.bad),
        format!("git bisect start '{}' {}", request.bad, quoted(&request.good)),
    ];
    let bisection = case.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    for (commit, tally) in bisection.tallies() {
        let id = &case.commits[commit];
        if id.as_str() == request.bad || request.good.iter().any(|good| good == id.as_str()) {
            continue;
        }
        let verdict = match state(bad[commit], &tally) {
            "bad" => "bad",
            "good" => "good",
            _ => "skip",
        };
        lines.push(format!(
            "# {verdict}: [{id}] {} of {} runs show the failure",
            tally.wanted,
            tally.usable()
        ));
        lines.push(format!("git bisect {verdict} {id}"));
    }
    if let Conclusion::Culprit { commit, .. } = &answer.conclusion {
        lines.push(format!("# first bad commit: [{}]", case.commits[*commit]));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" ")
}
