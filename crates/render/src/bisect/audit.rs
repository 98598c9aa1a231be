//! The audit as text: the judgement first, then why, each statement with its grade, rule and lines.

use analysis_bisect_audit::{Audit, Judgement, Place, Reason, Region, Tested, Wanted, interval};
use model::{Grade, LineSpan, RuleId};

use super::finding::{error, finding, purpose};

/// Most spans that are cited for one statement.
const CITED: usize = 6;

/// Stretches with less belief are summed up.
const SHOWN_BELIEF: f64 = 0.02;

/// A trustworthy answer below this chance is called so with reserve: nothing in the log refutes it, but it needs
/// the proof that is proposed before anybody acts on it.
const PLAIN_TRUST: f64 = 0.6;

/// The audit of `file`; with `tests` every test with its runs, too.
pub fn text(file: &str, audit: &Audit, tests: bool) -> String {
    let mut text = String::new();
    heading(&mut text, file, audit);
    section(&mut text, "Why", audit.reasons.iter().map(reason));
    misled(&mut text, audit);
    for (at, wanted) in audit.wanted.iter().enumerate() {
        bug(&mut text, at, wanted, audit);
    }
    section(&mut text, "Background crashes", audit.background.iter().map(background));
    next(&mut text, audit);
    if tests {
        section(&mut text, "Tests", audit.tests.iter().map(test));
    }
    totals(&mut text, audit);
    text
}

fn heading(text: &mut String, file: &str, audit: &Audit) {
    let judgement = match audit.judgement {
        Judgement::Trustworthy if audit.probability.is_some_and(|p| p < PLAIN_TRUST) => {
            "TRUSTWORTHY, WITH RESERVE"
        }
        Judgement::Trustworthy => "TRUSTWORTHY",
        Judgement::Doubtful => "DOUBTFUL",
        Judgement::Wrong => "WRONG",
        Judgement::NoResult => "NO RESULT",
    };
    text.push_str(&format!("{file}: {judgement}\n"));
    if let Some(id) = &audit.named {
        let subject = audit.subject.as_deref().unwrap_or("");
        text.push_str(&format!("  the log names {} {subject}\n", id.short()));
    }
    match (audit.judgement, audit.probability) {
        (Judgement::Wrong, Some(0.0)) => text.push_str("  it cannot be the cause\n"),
        (_, Some(probability)) => text.push_str(&format!(
            "  chance that it is the cause: {:.0} % (as such logs went before)\n",
            100.0 * probability
        )),
        (_, None) => {}
    }
}

fn section(text: &mut String, title: &str, entries: impl Iterator<Item = String>) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    for entry in entries {
        text.push_str(&format!("  - {entry}\n"));
    }
}

fn cite(grade: Grade, rule: Option<RuleId>, lines: &[LineSpan]) -> String {
    let mut parts = vec![grade.name().to_owned()];
    parts.extend(rule.map(|rule| rule.to_string()));
    parts.extend(lines.iter().take(CITED).map(LineSpan::to_string));
    if lines.len() > CITED {
        parts.push(format!("and {} more", lines.len() - CITED));
    }
    format!("[{}]", parts.join(" "))
}

fn reason(reason: &Reason) -> String {
    format!("{} {}", finding(&reason.finding), cite(reason.grade, Some(reason.rule), &reason.lines))
}

fn misled(text: &mut String, audit: &Audit) {
    if let Some(misled) = &audit.misled {
        let entry = format!("{} {}", error(&misled.error), cite(misled.grade, None, &misled.lines));
        section(text, "First misleading step", std::iter::once(entry));
    }
}

fn bug(text: &mut String, at: usize, wanted: &Wanted, audit: &Audit) {
    let cluster = &wanted.cluster;
    let (low, high) = interval(cluster.hits, cluster.runs);
    let several = if audit.wanted.len() > 1 {
        format!("Bug {} of {}", at + 1, audit.wanted.len())
    } else {
        "Bug".to_owned()
    };
    let title = format!(
        "{several}: '{}', {} of {} runs at the start commit (95 %: {:.0} to {:.0} %) {}",
        cluster.title(),
        cluster.hits,
        cluster.runs,
        100.0 * low,
        100.0 * high,
        cite(Grade::Seen, None, &cluster.lines)
    );
    let other_titles = cluster.titles.iter().skip(1).map(|title| format!("also as '{title}'"));
    let claims = wanted.reasons.iter().map(reason);
    section(text, &title, other_titles.chain(claims).chain(belief(wanted, audit)));
}

/// The belief, the strongest first.
fn belief(wanted: &Wanted, audit: &Audit) -> Vec<String> {
    let mut sorted: Vec<_> = wanted.belief.iter().collect();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (shown, rest): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|belief| belief.probability >= SHOWN_BELIEF);
    let mut entries: Vec<String> = shown
        .into_iter()
        .map(|belief| {
            format!(
                "begins to show with {:.0} % in {} [INFERRED]",
                100.0 * belief.probability,
                place(&audit.regions[belief.region])
            )
        })
        .collect();
    let left: f64 = rest.iter().map(|belief| belief.probability).sum();
    if left >= 0.005 {
        entries.push(format!("begins to show with {:.0} % elsewhere in the range", 100.0 * left));
    }
    entries
}

fn place(region: &Region) -> String {
    let size = match (region.size, region.estimated) {
        (size, _) if size < 1.5 => "1 commit".to_owned(),
        (size, true) => format!("some {size:.0} commits"),
        (size, false) => format!("about {size:.0} commits"),
    };
    match &region.place {
        Place::Between { old, new } => {
            format!("the history of {new} without that of {} ({size})", old.join(", "))
        }
        Place::OlderThan { name } => {
            format!("the history of {name}: older than all that was tested")
        }
        Place::Named { ids } if ids.len() == 1 => format!("the named commit {}", ids[0].short()),
        Place::Named { ids } => format!("the {} named commits", ids.len()),
    }
}

fn background(background: &analysis_bisect_audit::Background) -> String {
    let mut parts = vec![format!(
        "'{}': {} of {} runs since it first showed (95 %: {:.1} to {:.1} %)",
        background.title,
        background.hits,
        background.runs,
        100.0 * background.rate.0,
        100.0 * background.rate.1
    )];
    let mut list = |what: &str, names: &[String]| {
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    };
    list("also on commits called good:", &background.on_good);
    list("before the reproducer ran on", &background.before_the_test);
    list("the reason for calling bad:", &background.on_bad);
    format!("{} {}", parts.join("; "), cite(Grade::Derived, None, &background.lines))
}

fn next(text: &mut String, audit: &Audit) {
    if audit.next.is_empty() {
        return;
    }
    text.push_str("\nTest next, the most telling a minute first\n");
    for (at, next) in audit.next.iter().enumerate() {
        text.push_str(&format!(
            "  {}. {}: {} runs, about {:.0} minutes; {}\n",
            at + 1,
            next.revision,
            next.runs,
            next.minutes,
            purpose(&next.purpose)
        ));
    }
}

fn test(test: &Tested) -> String {
    let mut runs: Vec<String> = Vec::new();
    if test.tally.clean > 0 {
        runs.push(format!("{} clean", test.tally.clean));
    }
    runs.extend(test.tally.crashes.iter().map(|(title, count)| format!("{count} '{title}'")));
    let unbootable: u32 = test.tally.unbootable.values().sum();
    if unbootable > 0 {
        runs.push(format!("{unbootable} did not boot"));
    }
    if test.tally.lab > 0 {
        runs.push(format!("{} lab trouble", test.tally.lab));
    }
    if test.unbuildable {
        runs.push("not built".to_owned());
    }
    format!(
        "{} {}: {} [{}]",
        test.name(),
        test.taken.map_or("no verdict", parse_bisect_log::Verdict::name),
        if runs.is_empty() { "no run".to_owned() } else { runs.join(", ") },
        test.span
    )
}

fn totals(text: &mut String, audit: &Audit) {
    if let Some(totals) = &audit.totals {
        text.push_str(&format!(
            "\nAs logged: {} revisions, {}, build {}, test {} [SEEN L{}]\n",
            totals.revisions,
            duration(totals.total_seconds),
            duration(totals.build_seconds),
            duration(totals.test_seconds),
            totals.line
        ));
    }
}

/// `4h20m12s`, rounded to the second.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, s) => format!("{h}h{m:02}m{s:02}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_rounded_to_the_second() {
        assert_eq!(duration(15_612.45), "4h20m12s");
        assert_eq!(duration(7_254.94), "2h00m55s");
        assert_eq!(duration(59.2), "59s");
    }
}
