//! The result as a plain-text mail, and as a log that `git bisect replay` takes.

use std::collections::BTreeSet;

use analysis_bisect::{Answer, Conclusion, Direction, Search, Tally};
use analysis_tree::who::{Recipient, Role};
use model::bisection::{CommitDetails, Request};

use super::picture::state;
use super::text::text;

/// The mail: recipients from the author and the trailers of the culprit, if there is one, and from `known`, those whose
/// code it changes. `crash` is a commit and the report of a run of it.
pub fn mail(
    search: &Search,
    answer: &Answer,
    crash: Option<(&str, &str)>,
    known: &[Recipient],
) -> String {
    let titles = search.wanted().titles();
    let title = titles.first().map_or("failure of the test", String::as_str);
    let mut head = Vec::new();
    if let Some(details) = culprit(answer) {
        head.extend(recipients(details, known));
    }
    let subject = match search.direction() {
        Direction::Cause => "bisected",
        Direction::Fix => "fix found",
    };
    head.push(format!("Subject: [{subject}] {}", one_line(title)));
    head.push(String::new());
    let request = &search.stored.request;
    let (test, build) = how(request);
    format!(
        "{}\n{}\n\nTest: {}\nBuild: {}\nGood: {}\nBad: {}\n{}",
        head.join("\n"),
        text(search, answer),
        one_line(&test),
        one_line(&build),
        request.good.join(" "),
        request.bad,
        crash.map(|(commit, report)| excerpt(commit, report)).unwrap_or_default()
    )
}

/// The culprit that is named, with what it says of itself.
pub fn culprit(answer: &Answer) -> Option<&CommitDetails> {
    match &answer.conclusion {
        Conclusion::Culprit { commit, .. } if answer.renamed.is_none() => {
            answer.details.get(commit)
        }
        _ => None,
    }
}

/// `To:` the author and the maintainers, `Cc:` the others; each address once.
fn recipients(details: &CommitDetails, known: &[Recipient]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut is_new = |person: &str| {
        let address = person.rsplit_once('<').map_or(person, |(_, address)| address);
        seen.insert(address.trim_end_matches('>').to_ascii_lowercase())
    };
    let (mut to, mut others) = (vec![one_line(&details.author)], Vec::new());
    is_new(&to[0]);
    for (is_to, person) in known
        .iter()
        .map(|one| (one.role == Role::Maintainer, one.address.to_string()))
        .chain(details.trailers.iter().filter_map(|(key, value)| {
            let is_known = KEYS.iter().any(|known| key.eq_ignore_ascii_case(known));
            (is_known && value.contains('@')).then(|| (false, value.clone()))
        }))
    {
        let person = one_line(&person);
        if is_new(&person) {
            if is_to { &mut to } else { &mut others }.push(person);
        }
    }
    // Without people from MAINTAINERS the order says nothing.
    if known.is_empty() {
        others.sort();
    }
    let mut lines = vec![format!("To: {}", to.join(",\n    "))];
    if !others.is_empty() {
        lines.push(format!("Cc: {}", others.join(",\n    ")));
    }
    lines
}

/// How a commit is tested and built, in words.
fn how(request: &Request) -> (String, String) {
    let Some(lab) = &request.lab else {
        return (request.test.clone(), request.build.clone().unwrap_or_else(|| "none".into()));
    };
    let name = lab.reproducer.file_name().unwrap_or_default().to_string_lossy();
    let mut test = format!("{name} {}", lab.arguments.join(" ")).trim().to_owned();
    test.push_str(&format!(" in a virtual machine of {} MiB and {} CPUs", lab.memory, lab.cpus));
    if !lab.append.is_empty() {
        test.push_str(&format!(", kernel parameters {}", lab.append));
    }
    let mut build = format!("a kernel with the fragments base {}", lab.fragments.join(" "));
    build = build.trim_end().to_owned();
    match lab.configs.len() {
        0 => {}
        1 => build.push_str(" and a configuration file"),
        files => build.push_str(&format!(" and {files} configuration files")),
    }
    (test, build)
}

/// The most lines of a crash in a mail.
const CRASH_LINES: usize = 40;

/// The wanted crash as a run of `commit` showed it.
fn excerpt(commit: &str, report: &str) -> String {
    let lines: Vec<String> = report.lines().map(|line| format!("  {}", one_line(line))).collect();
    let mut text = format!("\nThe crash, on {}:\n\n", commit.get(..12).unwrap_or(commit));
    text.push_str(&lines[..lines.len().min(CRASH_LINES)].join("\n"));
    if lines.len() > CRASH_LINES {
        text.push_str(&format!("\n  ... {} more lines", lines.len() - CRASH_LINES));
    }
    text.push('\n');
    text
}

/// Trailers whose people want to know.
const KEYS: &[&str] =
    &["Signed-off-by", "Reviewed-by", "Acked-by", "Tested-by", "Reported-by", "Cc"];

/// Foreign text in a header or on a line of its own must not make another.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The log. A verdict is given where the belief is sure; a commit that is not is skipped.
pub fn log(search: &Search, answer: &Answer) -> String {
    let request = &search.stored.request;
    let (old, new) = match search.direction() {
        Direction::Cause => ("good", "bad"),
        Direction::Fix => ("broken", "fixed"),
    };
    let start = match search.direction() {
        Direction::Cause => {
            format!("git bisect start '{}' {}", request.bad, quoted(&request.good))
        }
        Direction::Fix => format!(
            "git bisect start '--term-new=fixed' '--term-old=broken' {} '{}'",
            quoted(&request.good),
            request.bad
        ),
    };
    let newest = &search.commits[search.commits.len() - 1];
    let mut lines = vec![format!("# {new}: [{newest}]"), start];
    let bisection = search.bisection(usize::MAX);
    let bad = answer.belief.bad(bisection.history());
    let mut verdicts: Vec<(&str, usize, Tally)> = bisection
        .tallies()
        .into_iter()
        .map(|(commit, tally)| {
            let verdict = match state(bad[commit], &tally) {
                "bad" if search.direction() == Direction::Fix => old,
                "bad" => new,
                "good" if search.direction() == Direction::Fix => new,
                "good" => old,
                _ => "skip",
            };
            (verdict, commit, tally)
        })
        .collect();
    // The last verdict for the newer side is the one that git keeps: the oldest commit comes last.
    verdicts.sort_by_key(|(verdict, commit, _)| {
        (*verdict == new, if *verdict == new { usize::MAX - commit } else { *commit })
    });
    for (verdict, commit, tally) in verdicts {
        let id = &search.commits[commit];
        if id.as_str() == request.bad || request.good.iter().any(|good| good == id.as_str()) {
            continue;
        }
        lines.push(format!(
            "# {verdict}: [{id}] {} of {} runs show the failure",
            tally.wanted,
            tally.usable()
        ));
        lines.push(format!("git bisect {verdict} {id}"));
    }
    if let Conclusion::Culprit { commit, .. } = &answer.conclusion
        && answer.renamed.is_none()
    {
        lines.push(format!("# first {new} commit: [{}]", search.commits[*commit]));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" ")
}
