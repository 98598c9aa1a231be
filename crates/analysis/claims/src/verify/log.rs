//! The lines a claim is judged by: a whole log, or the cited lines with what stands between them.
//!
//! Invariants: a line that a mailer cut in two is one line with two numbers; where lines are missing, nothing goes
//! on across the gap; any text gives a log.

use std::borrow::Cow;
use std::cell::OnceCell;

use model::LineSpan;
use parse_console::{Line, Stamp};

use super::fact::{Fact, Facts, Family};
use super::kind;
use super::stack::{self, Stack};

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Its lines: two where it was cut.
    pub(crate) span: LineSpan,
    /// The message without prefixes, joined.
    pub(crate) text: String,
    /// Microseconds since boot, where stamped so.
    pub(crate) time: Option<i64>,
    /// Lines before it are missing.
    pub(crate) gap: bool,
    /// It may serve as evidence.
    pub(crate) cited: bool,
}

/// The lines a claim is judged by.
#[derive(Debug, Default)]
pub struct Log {
    pub(crate) messages: Vec<Message>,
    /// Whether only some lines may serve as evidence.
    pub(crate) only_cited: bool,
    stacks: OnceCell<Vec<Stack>>,
    facts: [OnceCell<Vec<Fact>>; Family::COUNT],
}

impl Log {
    /// A whole log.
    pub fn read(bytes: &[u8]) -> Self {
        let mut log = Self::default();
        for line in parse_console::lines(&plain_blanks(bytes)) {
            log.push(&line, true);
        }
        log
    }

    /// A log of these lines only.
    pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a Line<'a>>) -> Self {
        let mut log = Self::default();
        for line in lines {
            log.push(line, true);
        }
        log
    }

    /// The first line of each message, with its text.
    pub fn texts(&self) -> impl Iterator<Item = (u64, &str)> {
        self.messages.iter().map(|message| (message.span.first, message.text.as_str()))
    }

    /// Of these lines, given in their order, those inside of `cited` are evidence. The others part what does not
    /// belong together.
    pub fn cited<'a>(lines: impl IntoIterator<Item = &'a Line<'a>>, cited: &[LineSpan]) -> Self {
        let mut log = Self { only_cited: true, ..Self::default() };
        for line in lines {
            log.push(line, cited.iter().any(|span| span.contains(line.number)));
        }
        log
    }

    /// The same log, of which only these lines are evidence.
    pub fn narrowed(&self, cited: &[LineSpan]) -> Self {
        let (Some(first), Some(last)) =
            (cited.iter().map(|s| s.first).min(), cited.iter().map(|s| s.last).max())
        else {
            return Self { only_cited: true, ..Self::default() };
        };
        let messages =
            self.messages.iter().filter(|m| m.span.last >= first && m.span.first <= last);
        let messages = messages.map(|message| {
            let mut message = message.clone();
            message.cited = (message.span.first..=message.span.last)
                .all(|line| cited.iter().any(|span| span.contains(line)));
            message
        });
        Self { messages: messages.collect(), only_cited: true, ..Self::default() }
    }

    fn push(&mut self, line: &Line<'_>, cited: bool) {
        let cleaned = plain_text(&line.text);
        let time = match line.stamp {
            Some(Stamp::Boot(micros)) => Some(micros),
            _ => None,
        };
        let stamped = line.stamp.is_some() || line.caller.is_some();
        let gap = self.messages.last().is_some_and(|last| line.number > last.span.last + 1);
        if let Some(last) = self.messages.last_mut()
            && !gap
            && line.number == last.span.last + 1
            && is_cut(&last.text, &cleaned, stamped)
        {
            if !last.text.ends_with(' ') {
                last.text.push(' ');
            }
            last.text.push_str(cleaned.trim_start());
            last.span.last = line.number;
            last.cited &= cited;
            return;
        }
        let text = cleaned.into_owned();
        let span = LineSpan::line(line.number);
        self.messages.push(Message { span, text, time, gap, cited });
    }

    /// The stacks of the log, in order.
    pub(crate) fn stacks(&self) -> &[Stack] {
        self.stacks.get_or_init(|| stack::read(&self.messages))
    }

    /// All that the log says in one family of predicates.
    pub(crate) fn facts(&self, family: Family) -> &[Fact] {
        self.facts[family as usize].get_or_init(|| {
            let mut facts = Facts::new(self);
            family.read(self, &mut facts);
            facts.into_vec()
        })
    }

    /// Whether all of these messages may serve as evidence.
    pub(crate) fn may_cite(&self, messages: &[usize]) -> bool {
        messages.iter().all(|at| self.messages[*at].cited)
    }

    /// The lines of these messages.
    pub(crate) fn spans(&self, messages: &[usize]) -> Vec<LineSpan> {
        let mut spans: Vec<LineSpan> = messages.iter().map(|at| self.messages[*at].span).collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    /// The text of a line, for quoting.
    pub fn text(&self, line: u64) -> Option<&str> {
        let at = self.messages.partition_point(|message| message.span.last < line);
        self.messages.get(at).filter(|m| m.span.contains(line)).map(|m| m.text.as_str())
    }
}

/// No-break spaces, which some mail programs put in the place of blanks, as blanks.
fn plain_blanks(bytes: &[u8]) -> Cow<'_, [u8]> {
    const NO_BREAK: &[u8] = "\u{a0}".as_bytes();
    if !bytes.windows(NO_BREAK.len()).any(|pair| pair == NO_BREAK) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        if rest.starts_with(NO_BREAK) {
            plain.push(b' ');
            rest = &rest[NO_BREAK.len()..];
        } else {
            plain.push(*first);
            rest = behind;
        }
    }
    Cow::Owned(plain)
}

/// A message without the carriage return that some tools spell out, and with plain blanks.
fn plain_text(text: &str) -> Cow<'_, str> {
    // Some mail programs spell the end of a line in the text.
    let text = text.trim_end_matches(['>', ' ']).strip_suffix("=0A").unwrap_or(text);
    let text = text.trim_end().strip_suffix("^M").unwrap_or(text);
    if text.contains(['\u{a0}', '\u{fffd}']) || text.contains("^I") {
        return Cow::Owned(text.replace(['\u{a0}', '\u{fffd}'], " ").replace("^I", "\t"));
    }
    Cow::Borrowed(text)
}

/// Whether a mailer cut a message in two: its end is no end, and what follows carries no stamp and begins nothing.
fn is_cut(head: &str, tail: &str, stamped: bool) -> bool {
    /// Words with which no message ends.
    const OPEN: [&str; 17] = [
        " in",
        " task",
        " address",
        " at",
        " for",
        " by",
        " from",
        " of",
        " tainted",
        " to",
        " Not",
        " dependency",
        " than",
        " blocked",
        " virtual",
        " protection",
        " PID:",
    ];
    if stamped || tail.trim().is_empty() || head.trim().is_empty() {
        return false;
    }
    let cut = head.trim_end();
    let open = OPEN.iter().any(|word| cut.ends_with(word)) || cut.ends_with(',');
    let open = open || cut.ends_with("Fatal exception in");
    let stuck = cut.rsplit_once("soft lockup - CPU#").map(|(_, cpu)| cpu);
    let open = open || stuck.is_some_and(|cpu| cpu.bytes().all(|b| b.is_ascii_digit()));
    // A warning's function stands behind its file and line.
    let place = || cut.rsplit_once(' ').and_then(|(_, place)| place.rsplit_once(':'));
    let placed = kind::headline(cut).starts_with("WARNING: CPU: ")
        && place().is_some_and(|(file, line)| file.contains('.') && line.parse::<u32>().is_ok())
        && stack::frame(tail).is_some();
    let open = open || placed;
    if !open {
        return false;
    }
    let is_headline = || {
        let headline = kind::headline(cut);
        ["kernel BUG at", "BUG: ", "WARNING: ", "INFO: ", "UBSAN: "]
            .iter()
            .any(|head| headline.starts_with(head))
    };
    if cut.len() <= 30 && !is_headline() {
        return false;
    }
    // A function alone on its line may finish a headline: `BUG: KASAN: … in` and then `f+0x1/0x2`.
    let begins = stack::frame(tail).is_some()
        || tail.trim_start().starts_with(['<', '#', '['])
        || tail.trim_end().ends_with(':');
    !begins || placed || cut.ends_with(" in") || cut.ends_with(" at")
}
