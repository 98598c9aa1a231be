//! What a warning says in words: between `cut here` and its headline, or right behind the headline.
//!
//! `__warn_printk()` and `__warn()` of kernel/panic.c.

use super::kind::headline;
use super::log::Log;

/// Lines of one message.
const MOST: usize = 5;

/// The messages of a warning whose text that is, with its headline and what parts them from other lines.
pub(super) fn of_warnings(log: &Log, claimed: &str) -> Option<Vec<usize>> {
    let warnings = (0..log.messages.len())
        .filter(|at| headline(&log.messages[*at].text).starts_with("WARNING: "));
    warnings
        .filter_map(|at| before(log, at, claimed).or_else(|| behind(log, at, claimed)))
        .find(|lines| log.may_cite(lines))
}

fn says(log: &Log, lines: &[usize], claimed: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let found: Vec<String> = lines.iter().flat_map(|at| words(&log.messages[*at].text)).collect();
    !found.is_empty() && found == words(claimed)
}

/// The lines between the mark and the headline.
fn before(log: &Log, headline: usize, claimed: &str) -> Option<Vec<usize>> {
    let from = headline.saturating_sub(MOST);
    let mark = (from..headline)
        .rev()
        .find(|at| log.messages[*at].text.trim_start().starts_with("------------[ cut here ]"))?;
    let whole = (mark + 1..=headline).all(|at| !log.messages[at].gap);
    let lines: Vec<usize> = (mark + 1..headline).collect();
    (whole && says(log, &lines, claimed)).then(|| (mark..=headline).collect())
}

/// The lines behind the headline, up to the first that a dump has at that place.
fn behind(log: &Log, headline: usize, claimed: &str) -> Option<Vec<usize>> {
    const NEXT: [&str; 7] =
        ["Modules linked in", "CPU:", "CPU ", "Hardware name", "...", "[...", "Call Trace"];
    let is_next = |text: &str| NEXT.iter().any(|head| text.trim_start().starts_with(head));
    let rest = log.messages.iter().enumerate().skip(headline + 1);
    let lines: Vec<usize> = rest
        .take_while(|(_, message)| !message.gap && !is_next(&message.text))
        .take(MOST)
        .map(|(at, _)| at)
        .collect();
    says(log, &lines, claimed).then(|| std::iter::once(headline).chain(lines).collect())
}
