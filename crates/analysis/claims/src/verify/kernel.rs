//! The kernel: its release, its taint, its panics, lost messages.
//!
//! Lines of init/version.c (`Linux version`), lib/dump_stack.c and kernel/panic.c.

use model::{Predicate, TaintMeaning};

use super::fact::Facts;
use super::log::Log;
use super::scan::{after, word};

pub(super) fn read(log: &Log, facts: &mut Facts<'_>) {
    let mut first_taint = true;
    for (at, message) in log.messages.iter().enumerate() {
        let text = message.text.trim();
        if let Some(version) = version(text) {
            facts.say(&[at], Predicate::KernelVersion { version: version.to_owned() });
        }
        if let Some(flags) = taint(text) {
            facts.say(&[at], Predicate::Taint { flags: flags.clone() });
            if first_taint || log.only_cited {
                for (letter, meaning) in LETTERS {
                    if flags.contains(letter) {
                        facts.say(&[at], Predicate::TaintedBefore { meaning });
                    }
                }
            }
            first_taint = false;
        }
        if let Some(reason) =
            after(text, "Kernel panic - not syncing").filter(|_| !text.contains("end Kernel panic"))
        {
            let reason = reason.strip_prefix(':').map(|reason| reason.trim().to_owned());
            facts.say(
                &[at],
                Predicate::Panicked { reason: reason.filter(|reason| !reason.is_empty()) },
            );
        }
        if is_loss(text) {
            facts.say(&[at], Predicate::MessagesLost);
        }
        if text.starts_with("Future hung task reports are suppressed") {
            facts.say(&[at], Predicate::HungReportsSuppressed);
        }
    }
}

/// The letters whose flag is set by an earlier report.
const LETTERS: [(char, TaintMeaning); 5] = [
    ('D', TaintMeaning::Oops),
    ('W', TaintMeaning::Warning),
    ('B', TaintMeaning::BadPage),
    ('M', TaintMeaning::MachineCheck),
    ('L', TaintMeaning::SoftLockup),
];

/// The release in `Linux version 6.1.2 (…)`, `CPU: … Not tainted 6.1.2 #1`, `Tainted: G D 6.1.2 #1`.
fn version(text: &str) -> Option<&str> {
    let is_release = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.') && word.len() > 2
    };
    if let Some(rest) = text.strip_prefix("Linux version ") {
        return Some(word(rest)).filter(|word| is_release(word));
    }
    // `6.1.2 #1 Not tainted`, in the head of a lockdep report.
    if is_identity(text) {
        return Some(word(text)).filter(|word| is_release(word));
    }
    let rest = match after(text, "Not tainted ") {
        Some(rest) => Some(rest),
        None => after(text, "Tainted: ").map(behind_flags),
    };
    // powerpc prints the release in brackets. What ends in a dash goes on in another line.
    let release = |word: &'_ str| is_release(word) && !word.ends_with(['-', '.']);
    let behind = rest.map(|rest| word(rest).trim_start_matches('(').trim_end_matches(')'));
    if let Some(found) = behind.filter(|word| release(word)) {
        return Some(found);
    }
    // `6.1.2 #1 Not tainted` behind something else of that line.
    let before = text.find(" Not tainted").or_else(|| text.find(" Tainted: "))?;
    let mut words = text[..before].split_ascii_whitespace().rev();
    words.find(|word| !word.starts_with('#')).filter(|word| release(word))
}

/// The line of print_kernel_ident(): release, build number, taint.
fn is_identity(text: &str) -> bool {
    let mut words = text.split_whitespace();
    text.starts_with(|c: char| c.is_ascii_digit())
        && words.nth(1).is_some_and(|build| build.starts_with('#'))
        && matches!(words.next(), Some("Not" | "Tainted:"))
}

fn behind_flags(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let flag = word(rest);
        let letters = !flag.is_empty()
            && (flag.bytes().all(|b| b.is_ascii_uppercase() || b"()-".contains(&b))
                // Letters of distributions.
                || flag == "-t");
        if !letters {
            return rest;
        }
        rest = rest[flag.len()..].trim_start();
    }
}

/// The letters of `Tainted: G    D W   6.1.2`, without G and P; empty for `Not tainted`.
fn taint(text: &str) -> Option<String> {
    let header = text.starts_with("CPU:")
        || text.starts_with("Not tainted")
        || text.starts_with("Tainted: ")
        || is_identity(text)
        || text.starts_with("REGS: ")
        || text.starts_with("loaded Tainted: ")
        || text.contains(" Comm: ")
        || text.contains(" lock order detected ") && text.contains('#');
    if !header {
        return None;
    }
    if text.contains("Not tainted") {
        return Some(String::new());
    }
    let rest = after(text, "Tainted: ")?;
    if rest.starts_with('[') {
        return Some(
            rest.split('[').skip(1).filter_map(|flag| flag.chars().next()).collect::<String>(),
        )
        .map(|flags| flags.replace(['G', 'P'], ""));
    }
    let flags = &rest[..rest.len() - behind_flags(rest).len()];
    Some(flags.chars().filter(|c| c.is_ascii_uppercase() && !"GP".contains(*c)).collect())
}

fn is_loss(text: &str) -> bool {
    (text.starts_with("** ") && text.contains("printk messages dropped"))
        || text.ends_with(" callbacks suppressed")
        || (text.contains("printk messages dropped") && text.contains("**"))
        || (text.ends_with("messages suppressed.") || text.ends_with("messages suppressed"))
}
