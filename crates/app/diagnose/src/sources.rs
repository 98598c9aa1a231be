//! Files and lines of what is diagnosed: the place of each event, the stack of the main one, each lock, the guilty file.
//!
//! Invariant: memory is bounded by [`MOST_LINES`].

use std::collections::BTreeSet;

use analysis_hang::{Diagnosis, stack};
use analysis_identity::CrashReport;
use analysis_symbolize::{Facts, Found, annotated};
use app_symbolize::{Error, Session, Symbolizer};
use model::{Evidence, Grade, LineSpan, LockRef, Predicate, RuleId, Statement};
use parse_console::{Line, LineReader};

/// Lines of events that are kept.
const MOST_LINES: usize = 20_000;
/// Frames of the main event's stack that get a statement.
const MOST_FRAMES: usize = 16;
/// Events whose place gets a statement.
const MOST_EVENTS: usize = 40;
/// Locks that get a statement.
const MOST_LOCKS: usize = 60;

/// Keeps the lines of events while the log passes once more.
#[derive(Debug)]
pub(crate) struct Stacks {
    spans: Vec<LineSpan>,
    reader: LineReader,
    lines: Vec<Line<'static>>,
}

impl Stacks {
    /// At the start of a log; nothing is kept unless `wanted`.
    pub(crate) fn new(diagnosis: &Diagnosis, wanted: bool) -> Self {
        let events = diagnosis.seen.events.iter().filter(|_| wanted);
        let mut spans: Vec<LineSpan> = events.clone().map(|event| event.lines).collect();
        // The stacks of all tasks may stand far from the event that they belong to.
        let subjects = events.flat_map(|event| diagnosis.seen.subjects(event));
        spans.extend(subjects.filter_map(|(_, snapshot)| snapshot.lines));
        spans.sort_by_key(|span| (span.first, span.last));
        spans.dedup_by(|next, span| {
            let joined = next.first <= span.last;
            span.last = if joined { span.last.max(next.last) } else { span.last };
            joined
        });
        Self { spans, reader: LineReader::new(), lines: Vec::new() }
    }

    /// Takes the next line of the log.
    pub(crate) fn line(&mut self, number: u64, offset: u64, raw: &[u8]) {
        if self.spans.is_empty() {
            return;
        }
        let at = self.spans.partition_point(|span| span.last < number);
        let inside = self.spans.get(at).is_some_and(|span| span.contains(number));
        let wanted = inside && self.lines.len() < MOST_LINES;
        let lines = &mut self.lines;
        self.reader.read(raw, number, offset, |line| {
            if wanted {
                lines.push(line.into_owned());
            }
        });
    }

    /// What the kernel's debug information says of them.
    pub(crate) fn statements(
        self,
        symbols: &mut Symbolizer,
        facts: Facts,
        diagnosis: &Diagnosis,
        reports: &[CrashReport],
    ) -> Result<Vec<Statement>, Error> {
        let mut session = symbols.of(facts)?;
        let mut found: Vec<(&Line<'_>, Vec<Found>)> = Vec::new();
        for line in &self.lines {
            found.push((line, session.line(line)?));
        }
        let mut out = Vec::new();
        out.extend(guilty(&found, diagnosis, reports));
        out.extend(frames(&found, diagnosis));
        out.extend(locks(&found));
        keep(session);
        Ok(out)
    }
}

/// An index that cannot be kept costs time and no answer.
fn keep(session: Session<'_>) {
    drop(session.finish());
}

type Lines<'a> = [(&'a Line<'a>, Vec<Found>)];

fn said(predicate: Predicate, rule: RuleId, lines: LineSpan) -> Option<Statement> {
    let evidence = Evidence::new([lines])?;
    Some(Statement::new(predicate, Grade::Inferred, rule, evidence))
}

/// The file that the main event points at.
fn guilty(found: &Lines<'_>, diagnosis: &Diagnosis, reports: &[CrashReport]) -> Option<Statement> {
    let event = diagnosis.main_event()?;
    let own = reports.iter().find(|report| event.lines.contains(report.header_line))?;
    let lines: Vec<String> = found
        .iter()
        .filter(|(line, _)| event.lines.contains(line.number))
        .flat_map(|(line, found)| annotated(&line.text, found))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let file = own.guilty_of(&lines)?;
    // A module whose file is not there may hold the guilty code: then nothing is said.
    let event_lines = found.iter().filter(|(line, _)| event.lines.contains(line.number));
    for (line, found) in event_lines {
        if found
            .iter()
            .any(|one| one.resolved.places.iter().any(|p| p.file.as_ref() == Some(&file)))
        {
            break;
        }
        let stale = line.text.trim_start().starts_with('?');
        if found.iter().any(|one| one.module.is_some() && one.resolved.places.is_empty()) && !stale
        {
            return None;
        }
    }
    said(Predicate::GuiltyFile { file }, RuleId::X12, event.lines)
}

/// The place of each event, and the stack of the main one.
fn frames(found: &Lines<'_>, diagnosis: &Diagnosis) -> Vec<Statement> {
    let mut wanted = BTreeSet::new();
    for event in diagnosis.seen.events.iter().take(MOST_EVENTS) {
        let mut subjects = diagnosis.seen.subjects(event);
        let place = subjects.find_map(|(_, snapshot)| stack::where_it_was(snapshot));
        wanted.extend(place.map(|(_, line)| line));
    }
    if let Some(event) = diagnosis.main_event() {
        let stack = diagnosis.seen.subjects(event).map(|(_, snapshot)| snapshot);
        let frames = stack.into_iter().find(|snapshot| !snapshot.frames.is_empty());
        let reliable = frames.iter().flat_map(|s| &s.frames).filter(|frame| frame.reliable);
        wanted.extend(reliable.take(MOST_FRAMES).map(|frame| frame.line));
    }
    let of_line = |(line, found): &(&Line<'_>, Vec<Found>)| {
        let found = found.iter().find(|found| !found.resolved.places.is_empty())?;
        let predicate = Predicate::FrameSource {
            function: found.function.clone(),
            offset: found.offset,
            module: found.module.clone(),
            places: found.resolved.places.clone(),
        };
        // Of several functions of one name none is told.
        let sure = found.resolved.others.is_empty() && found.resolved.why_not.is_none();
        sure.then(|| said(predicate, RuleId::X11, LineSpan::line(line.number))).flatten()
    };
    found.iter().filter(|(line, _)| wanted.contains(&line.number)).filter_map(of_line).collect()
}

/// Where each lock that lockdep lists was taken or is wanted.
fn locks(found: &Lines<'_>) -> Vec<Statement> {
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    let mut wanted = false;
    for (line, found) in found {
        let text = &*line.text;
        if text.contains("trying to acquire lock") || text.contains("trying to release lock") {
            wanted = text.contains("acquire");
            continue;
        }
        let is_wanted = std::mem::take(&mut wanted);
        let Some((before, _)) = text.split_once(", at: ") else { continue };
        let (Some(lock), Some(found)) = (lock(before), found.first()) else { continue };
        if found.resolved.places.is_empty() || out.len() >= MOST_LOCKS {
            continue;
        }
        if !told.insert((before.to_owned(), found.token.clone())) {
            continue;
        }
        let places = found.resolved.places.clone();
        let predicate = Predicate::LockSource { lock, wanted: is_wanted, places };
        out.extend(said(predicate, RuleId::X11, LineSpan::line(line.number)));
    }
    out
}

/// `#0: ffff888003a1b2c8 (&x->lock){+.+.}-{3:3}` and `ffff888003a1b2c8 (&x->lock){+.+.}`: address and class.
fn lock(text: &str) -> Option<LockRef> {
    let (before, rest) = text.split_once('(')?;
    let class = &rest[..rest.rfind("){").or_else(|| rest.rfind(')'))?];
    let address = before.split_ascii_whitespace().next_back();
    let address =
        address.filter(|word| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit()));
    Some(LockRef { class: Some(class.to_owned()), address: address.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x11_x12_locks_are_named_as_lockdep_lists_them() {
        let of = |text| lock(text).map(|lock| (lock.class.unwrap(), lock.address));
        assert_eq!(
            of(" #0: ffff888003a1b2c8 (&x->lock){+.+.}-{3:3}"),
            Some(("&x->lock".into(), Some("ffff888003a1b2c8".into())))
        );
        assert_eq!(of("(console_lock){+.+.}"), Some(("console_lock".into(), None)));
        assert_eq!(
            of(" #1: ffff8880 ((wq_completion)events){+.+.}-{0:0}").unwrap().0,
            "(wq_completion)events"
        );
        assert_eq!(of("no lock"), None);
    }
}
