//! A reply in the thread of the series: what was tested on what, rates, new problems, how to repeat it.

use analysis_trial::{Cell, Outcome, Report, Shown, WorkloadKind};

use super::words::{
    attempt, build_failure, chance, commit, count, headline, meaning, other, outcome, rate, reach,
    why, workload,
};
use crate::layout::wrap;

/// Who gets the reply, and how what it says is repeated.
#[derive(Clone, Debug, Default)]
pub struct MailTo {
    /// More recipients than the mail that is answered has: by the tree's MAINTAINERS.
    pub more: Vec<String>,
    /// The command that repeats the trial.
    pub command: String,
    /// Who tests, as `Name <address>`.
    pub tester: Option<String>,
}

/// Lines of the body, at most.
const MOST: usize = 60;
/// Columns of the body.
const WIDTH: usize = 72;
/// Lines of an excerpt of a report.
const EXCERPT: usize = 12;

/// The mail, with its head. It is never sent from here.
pub fn mail(report: &Report, to: &MailTo) -> String {
    let mut body: Vec<String> = Vec::new();
    answer(&mut body, report);
    for cell in &report.cells {
        body.push(String::new());
        self::cell(&mut body, cell);
    }
    let mut end = Vec::new();
    if !to.command.is_empty() {
        end.push(String::new());
        end.push("To repeat it:".to_owned());
        // A command is one line, or it cannot be copied.
        end.push(format!("  {}", one_line(&to.command)));
    }
    if report.earns_tested_by() {
        end.push(String::new());
        end.extend(wrap(
            "The base failed and the patched kernel did not, so I propose (drop it if you disagree):",
            WIDTH,
        ));
        end.push(String::new());
        let tester = to.tester.as_deref().unwrap_or("YOUR NAME <you@example.org>");
        end.push(format!("Tested-by: {}", one_line(tester)));
    }
    let room = MOST.saturating_sub(end.len());
    let excerpts = excerpts(report);
    if body.len() + excerpts.len() <= room {
        body.extend(excerpts);
    }
    if body.len() > room {
        body.truncate(room.saturating_sub(1));
        body.push("[more in the whole report]".to_owned());
    }
    body.extend(end);
    format!("{}\n\n{}\n", head(report, to), body.join("\n"))
}

/// The head: the right thread, and everybody who was in it.
fn head(report: &Report, to: &MailTo) -> String {
    let series = &report.series;
    let mut lines = Vec::new();
    let address = |person: &parse_mail::Person| {
        let address = person.address.as_deref()?;
        Some(match person.name.is_empty() {
            true => one_line(address),
            false => format!("{} <{}>", quoted(&one_line(&person.name)), one_line(address)),
        })
    };
    match address(&series.author) {
        Some(author) => lines.push(format!("To: {author}")),
        None => lines.push(format!("X-Unknown-Address-Of: {}", one_line(series.author.shown()))),
    }
    let mut known: Vec<String> = series.author.address.iter().map(|a| a.to_lowercase()).collect();
    let mut others: Vec<String> = Vec::new();
    let given = series.recipients.iter().filter_map(address);
    for one in given.chain(to.more.iter().map(|one| one_line(one))) {
        let plain = one.rsplit_once('<').map_or(one.as_str(), |(_, end)| end.trim_end_matches('>'));
        let plain = plain.to_lowercase();
        if !known.contains(&plain) {
            known.push(plain);
            others.push(one);
        }
    }
    if !others.is_empty() {
        lines.push(format!("Cc: {}", others.join(",\n    ")));
    }
    let subject = one_line(&series.subject);
    let is_reply = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    lines.push(format!("Subject: {}{subject}", if is_reply { "" } else { "Re: " }));
    if let Some(id) = &series.message_id {
        let id = one_line(id);
        lines.push(format!("In-Reply-To: <{id}>"));
        let mut references: Vec<String> =
            series.references.iter().map(|id| format!("<{}>", one_line(id))).collect();
        let own = format!("<{id}>");
        references.retain(|one| *one != own);
        references.push(own);
        lines.push(format!("References: {}", references.join("\n ")));
    }
    lines.push("MIME-Version: 1.0".to_owned());
    lines.push("Content-Type: text/plain; charset=UTF-8".to_owned());
    lines.push("Content-Transfer-Encoding: 8bit".to_owned());
    lines.join("\n")
}

fn answer(body: &mut Vec<String>, report: &Report) {
    let say = |body: &mut Vec<String>, text: &str| body.extend(wrap(&one_line(text), WIDTH));
    let (word, meaning) = headline(report);
    say(body, &format!("I tested {} ({}): {word}.", report.series.title, report.series.version));
    say(body, &format!("{}.", sentence(&meaning)));
    body.push(String::new());
    match report.base.taken() {
        Some(base) => say(
            body,
            &format!(
                "Base: {} (\"{}\") [{}: {}; {}]",
                commit(&base.commit, base.name.as_ref()),
                base.title,
                base.grade(),
                why(base),
                attempt(base)
            ),
        ),
        None => {
            for one in report.base.missing.iter().take(8) {
                say(
                    body,
                    &format!("- blob {} of {} is not in the tree I have", one.blob, one.path),
                );
            }
            say(body, "Nothing was built. Which tree and commit is it based on?");
        }
    }
    if let Some(machine) = &report.machine {
        say(body, &format!("Machine: {machine}"));
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn cell(body: &mut Vec<String>, cell: &Cell) {
    let mut say = |indent: &str, text: &str| {
        for (at, line) in wrap(&one_line(text), WIDTH - indent.len()).into_iter().enumerate() {
            let more = if at == 0 { "" } else { "  " };
            body.push(format!("{indent}{more}{line}"));
        }
    };
    say("", &format!("{}: {}", cell.name, outcome(cell.outcome())));
    if matches!(cell.outcome(), Outcome::BreaksBuild | Outcome::BaseDoesNotBuild) {
        for side in [&cell.base, &cell.patched] {
            if let Some(analysis_trial::Build::Failed(failure)) = &side.build {
                say("  ", &build_failure(failure));
            }
        }
        return;
    }
    say("  ", &meaning(cell));
    for work in cell.workloads.iter().filter(|one| one.kind == WorkloadKind::Reproducer) {
        let found = &work.comparison;
        let titles: Vec<&str> = found.wanted.iter().take(1).map(String::as_str).collect();
        say("  ", &format!("{}: {}", workload(work), titles.join("")));
        say("  ", &format!("  base    {}", rate(&found.base)));
        say("  ", &format!("  patched {}", rate(&found.patched)));
        if found.base.share.showed > 0 && found.patched.share.runs > 0 {
            say("  ", &format!("  chance if nothing changed: {} (Fisher)", chance(found.chance)));
        }
    }
    for work in cell.workloads.iter().filter(|one| one.kind == WorkloadKind::Smoke) {
        let (base, patched) = (work.comparison.base.share.runs, work.comparison.patched.share.runs);
        let runs = count((base + patched) as usize, "run");
        say("  ", &format!("{}: {runs}, both sides", workload(work)));
    }
    for new in cell.workloads.iter().flat_map(|one| &one.comparison.new) {
        say("  ", &format!("NEW {}", other(new, true)));
    }
    for line in reach(&cell.reach).iter().take(6) {
        say("  ", &format!("reached: {line}"));
    }
}

/// The reports of new failures.
fn excerpts(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for cell in &report.cells {
        for work in &cell.workloads {
            let is_new = |shown: &&Shown| {
                shown.is_patched && work.comparison.new.iter().any(|new| new.title == shown.title)
            };
            if let Some(shown) = work.shown.iter().find(is_new) {
                lines.push(String::new());
                lines.push(one_line(&format!("The new failure on {}:", cell.name)));
                let excerpt = shown.excerpt.lines().take(EXCERPT);
                lines.extend(excerpt.map(|line| format!("  {}", one_line(line))));
            }
        }
    }
    lines
}

/// A name as a header takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_' || c == '\'';
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace(['"', '\\'], "")),
    }
}

/// Foreign text must not make another header or line.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if crate::escape::acts_on_terminal(c) || c == '\n' || c == '\t' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use analysis_trial::Series;
    use parse_mail::Person;

    #[test]
    fn a_reply_goes_to_the_right_thread_and_foreign_text_makes_no_header() {
        let person =
            |name: &str, address: &str| Person { name: name.into(), address: Some(address.into()) };
        let series = Series {
            subject: "[PATCH v2 0/2] pump: a\r\nBcc: evil@example.org".into(),
            message_id: Some("2@x".into()),
            references: vec!["0@x".into(), "1@x".into()],
            author: person("Lee, Ann", "ann@pump.example"),
            recipients: vec![person("", "list@pump.example"), person("Ann", "ANN@pump.example")],
            ..Series::default()
        };
        let report = Report { series, ..Report::default() };
        let to = MailTo {
            more: vec!["Bo <bo@pump.example>".into(), "list@pump.example".into()],
            ..MailTo::default()
        };
        let mail = mail(&report, &to);
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert_eq!(
            head,
            "To: \"Lee, Ann\" <ann@pump.example>\nCc: list@pump.example,\n    Bo <bo@pump.example>\n\
             Subject: Re: [PATCH v2 0/2] pump: a  Bcc: evil@example.org\nIn-Reply-To: <2@x>\n\
             References: <0@x>\n <1@x>\n <2@x>\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit"
        );
        assert!(!body.contains("Tested-by"), "{body}");
    }
}
