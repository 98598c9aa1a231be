//! A plain-text reply for a kernel mailing list: summary first, decisive lines quoted, facts apart from
//! inferences, what is missing; at most 60 lines.

use analysis_tree::who::{Recipient, Role};
use model::{Grade, Statement};

use super::log::Log;
use crate::conclusion;
use crate::escape::{Escaped, one_line};
use crate::layout::{cite, wrap};
use crate::telling::is_telling;

/// Lines of a reply.
const LINES: usize = 60;
/// Columns of running text in a mail.
const WIDTH: usize = 72;
/// Quoted log lines.
const QUOTES: usize = 14;

/// Lines for registers and code.
const REGISTERS: usize = 9;

/// The headers of a mail to people: `To:` maintainers, `Cc:` the others; nothing where there is nobody.
pub fn headers(recipients: &[Recipient]) -> String {
    let mut out = String::new();
    for (name, is_to) in [("To", true), ("Cc", false)] {
        let all: Vec<String> = recipients
            .iter()
            .filter(|one| (one.role == Role::Maintainer) == is_to)
            .map(|one| one_line(&one.address.to_string()))
            .collect();
        if !all.is_empty() {
            out.push_str(&format!("{name}: {}\n", all.join(",\n    ")));
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The reply.
pub fn reply(log: &Log<'_>) -> String {
    let diagnosis = log.diagnosis;
    let mut out: Vec<String> = Vec::new();
    out.extend(wrap(&plain(&conclusion::verdict(&diagnosis.seen, &diagnosis.verdict)), WIDTH));
    out.push(format!(
        "Verdict: {}, grade {}.",
        diagnosis.verdict.kind.name().replace('_', " "),
        diagnosis.verdict.grade
    ));
    let kernel = diagnosis
        .kernel()
        .release
        .as_ref()
        .map_or_else(|| "version not read in this log".to_owned(), |(release, _)| plain(release));
    out.push(format!("Kernel: {kernel}"));
    if let Some(cause) = &diagnosis.first_cause {
        out.push(String::new());
        out.extend(wrap(
            &format!(
                "First in the log: {} (line {}).",
                plain(&conclusion::first_cause(&diagnosis.seen, cause)).trim_end_matches('.'),
                cause.line
            ),
            WIDTH,
        ));
    }
    let quotes = quoted(log);
    if !quotes.is_empty() {
        out.push(String::new());
        out.push("Decisive lines:".into());
        out.extend(quotes);
    }
    let mut dump = Vec::new();
    let telling = log.registers.iter().filter(|claim| is_telling(claim));
    section(&mut dump, "Registers and code:", telling, REGISTERS);
    for notice in log.notices {
        dump.extend(wrap(&format!("Note: {}.", crate::notice(notice)), WIDTH));
    }
    let budget = LINES.saturating_sub(out.len() + dump.len() + 14);
    section(
        &mut out,
        "What the log says, or arithmetic on it:",
        diagnosis.statements.iter().filter(|said| is_fact(said) && is_telling(said)),
        budget * 2 / 3,
    );
    section(
        &mut out,
        "Inferred from how that kernel works, or guessed:",
        diagnosis.statements.iter().chain(&diagnosis.hypotheses).filter(|said| !is_fact(said)),
        budget / 2,
    );
    out.extend(dump);
    if !diagnosis.needs.is_empty() {
        out.push(String::new());
        out.push("What would settle the rest:".into());
        for item in diagnosis.needs.iter().take(6) {
            for (at, line) in
                wrap(&plain(&conclusion::need(item)), WIDTH - 2).into_iter().enumerate()
            {
                out.push(format!("{} {line}", if at == 0 { "-" } else { " " }));
            }
        }
    }
    if let Some(group) = diagnosis
        .first_cause
        .as_ref()
        .and_then(|cause| diagnosis.groups.iter().find(|group| group.events.contains(&cause.event)))
    {
        out.push(String::new());
        out.push(format!("Key to look for duplicates: {}", plain(&group.key)));
    }
    out.truncate(LINES);
    let mut text = String::new();
    for line in out {
        text += &Escaped(line.trim_end()).to_string();
        text.push('\n');
    }
    text
}

/// One line of visible ASCII: kernel lists want plain text.
fn plain(text: &str) -> String {
    one_line(text).replace('…', "...")
}

fn is_fact(said: &Statement) -> bool {
    matches!(said.grade(), Grade::Seen | Grade::Derived)
}

fn quoted(log: &Log<'_>) -> Vec<String> {
    let diagnosis = log.diagnosis;
    let proofs = diagnosis.statements.iter().filter(|said| is_fact(said) && is_telling(said));
    let numbers = diagnosis
        .verdict
        .lines
        .iter()
        .chain(proofs.flat_map(Statement::lines))
        .map(|span| span.first);
    let mut seen = Vec::new();
    for number in numbers {
        if !seen.contains(&number) && seen.len() < QUOTES {
            seen.push(number);
        }
    }
    seen.sort_unstable();
    seen.into_iter()
        .filter_map(|number| {
            let text = plain(log.excerpt.get(&number)?);
            let text = text.trim();
            let cut: String = text.chars().take(WIDTH + 20).collect();
            let more = if text.chars().count() > WIDTH + 20 { " [...]" } else { "" };
            Some(format!("> {cut}{more}"))
        })
        .collect()
}

fn section<'a>(
    out: &mut Vec<String>,
    title: &str,
    statements: impl Iterator<Item = &'a Statement>,
    budget: usize,
) {
    let mut lines = Vec::new();
    for said in statements {
        let grade = if is_fact(said) { String::new() } else { format!(", {}", said.grade()) };
        let text = format!(
            "{} [{}{grade}]",
            plain(&crate::sentence(said.predicate())),
            cite(said.lines())
        );
        let wrapped = wrap(&text.replace(" …", " ..."), WIDTH - 2);
        if lines.len() + wrapped.len() > budget {
            break;
        }
        for (at, line) in wrapped.into_iter().enumerate() {
            lines.push(format!("{} {line}", if at == 0 { "-" } else { " " }));
        }
    }
    if !lines.is_empty() {
        out.push(String::new());
        out.push(title.into());
        out.extend(lines);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_reply_is_short_and_quotes_what_decides() {
        let mut log = String::from(
            "[   50.000000] watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [w:77]\n[   50.000001] CPU: 3 PID: 77 Comm: w Not tainted 6.1.0 #1\n[   50.000002] RIP: 0010:spin_here+0x1/0x9\n",
        );
        for n in 0..200 {
            log += &format!(
                "[  {}.000000] INFO: task t{n}:{} blocked for more than 120 seconds.\n",
                400 + n * 20,
                900 + n
            );
        }
        let diagnosis = analysis_hang::diagnose(log.as_bytes());
        let excerpt: BTreeMap<u64, String> =
            log.lines().enumerate().map(|(at, line)| (at as u64 + 1, line.to_owned())).collect();
        let text = reply(&Log { excerpt: &excerpt, ..Log::of(&diagnosis) });
        assert!(text.lines().count() <= LINES);
        assert!(text.is_ascii());
        assert!(text.contains("> [   50.000000] watchdog: BUG: soft lockup - CPU#3"), "{text}");
    }
}
