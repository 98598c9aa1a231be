//! A plain-text reply for a kernel mailing list: summary first, decisive lines quoted, facts apart from
//! inferences, what is missing; at most 60 lines.

use analysis_hang::Diagnosis;
#[cfg(test)]
use analysis_hang::verdict;
use model::{Claim, Grade};

use super::Diagnosed;
use super::excerpt::Excerpt;
use super::text::{cite, wrap};
use crate::output::Escaped;

/// Lines of a reply.
const LINES: usize = 60;
/// Columns of running text in a mail.
const WIDTH: usize = 72;
/// Quoted log lines.
const QUOTES: usize = 14;

/// Lines for registers and code.
const REGISTERS: usize = 9;

/// The reply.
pub(super) fn reply(read: &Diagnosed) -> String {
    let Diagnosed { diagnosis, excerpt, registers, notices, .. } = read;
    let mut out: Vec<String> = Vec::new();
    out.extend(wrap(&plain(&diagnosis.verdict.statement), WIDTH));
    out.push(format!(
        "Verdict: {}, grade {}.",
        diagnosis.verdict.kind.name().replace('_', " "),
        diagnosis.verdict.grade
    ));
    let kernel = diagnosis
        .seen
        .kernel
        .release
        .as_ref()
        .map_or_else(|| "version not in the log".to_owned(), |(release, _)| plain(release));
    out.push(format!("Kernel: {kernel}"));
    if let Some(cause) = &diagnosis.first_cause {
        out.push(String::new());
        out.extend(wrap(
            &format!(
                "First in the log: {} (line {}).",
                plain(&cause.statement).trim_end_matches('.'),
                cause.line
            ),
            WIDTH,
        ));
    }
    let quotes = quoted(diagnosis, excerpt);
    if !quotes.is_empty() {
        out.push(String::new());
        out.push("Decisive lines:".into());
        out.extend(quotes);
    }
    let mut dump = Vec::new();
    let telling = registers.iter().filter(|claim| super::text::is_telling(claim));
    section(&mut dump, "Registers and code:", telling, REGISTERS);
    for notice in notices {
        dump.extend(wrap(&format!("Note: {notice}."), WIDTH));
    }
    let budget = LINES.saturating_sub(out.len() + dump.len() + 14);
    let facts = |claim: &&Claim| matches!(claim.grade, Grade::Seen | Grade::Derived);
    section(
        &mut out,
        "What the log says, or arithmetic on it:",
        diagnosis.claims.iter().filter(facts),
        budget * 2 / 3,
    );
    section(
        &mut out,
        "Inferred from how that kernel works, or guessed:",
        diagnosis.claims.iter().chain(&diagnosis.hypotheses).filter(|claim| !facts(claim)),
        budget / 2,
    );
    out.extend(dump);
    if !diagnosis.missing.is_empty() {
        out.push(String::new());
        out.push("What would settle the rest:".into());
        for item in diagnosis.missing.iter().take(6) {
            for (at, line) in wrap(&plain(item), WIDTH - 2).into_iter().enumerate() {
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
    Escaped(&text.replace(['\n', '\t'], " ")).to_string().replace('…', "...")
}

fn quoted(diagnosis: &Diagnosis, excerpt: &Excerpt) -> Vec<String> {
    let mut numbers: Vec<u64> = diagnosis.verdict.lines.iter().map(|span| span.first).collect();
    numbers.extend(
        diagnosis
            .claims
            .iter()
            .filter(|claim| claim.grade >= Grade::Derived)
            .flat_map(|claim| claim.lines.iter().map(|span| span.first)),
    );
    let mut seen = Vec::new();
    for number in numbers {
        if !seen.contains(&number) && seen.len() < QUOTES {
            seen.push(number);
        }
    }
    seen.sort_unstable();
    seen.into_iter()
        .filter_map(|number| {
            let text = plain(excerpt.line(number)?);
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
    claims: impl Iterator<Item = &'a Claim>,
    budget: usize,
) {
    let mut lines = Vec::new();
    for claim in claims {
        let text = format!(
            "{} [{}{}]",
            plain(&claim.statement),
            cite(&claim.lines),
            if claim.grade <= Grade::Inferred {
                format!(", {}", claim.grade)
            } else {
                String::new()
            }
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

/// A subject for the reply's first line.
#[cfg(test)]
fn subject(diagnosis: &Diagnosis) -> Option<String> {
    diagnosis.main_event().map(verdict::title)
}

#[cfg(test)]
mod tests {
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
        log += "w[77]: segfault at 10 ip 0000000000401136 sp 00007ffe00000010 error 6 in w[401000+1000]\n";
        let read = Diagnosed::of(&log);
        let text = reply(&read);
        // Lines are wrapped anywhere between words.
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("Registers and code:") && words.contains("page not present"),
            "{text}"
        );
        assert!(text.lines().count() <= LINES);
        assert!(text.is_ascii());
        assert!(text.contains("> [   50.000000] watchdog: BUG: soft lockup - CPU#3"), "{text}");
        assert_eq!(subject(&read.diagnosis).as_deref(), Some("soft lockup on CPU 3"));
    }
}
