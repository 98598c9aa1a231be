//! Who answers whom (rules T1, T3): by headers, by the tree of a page, by the line above a quote and
//! by what is quoted. And where each quoted line comes from.

use std::collections::{HashMap, HashSet};

use parse_mail::{Attribution, Message, Source, attribution, quote};

use crate::group::Member;
use crate::model::{Entry, Kind, Thread};
use crate::text::fold;

/// Lines of a message that are looked at for attributions and quotes.
const MAX_LINES: usize = 200_000;

/// A message with the one it answers.
#[derive(Clone, Debug)]
pub(crate) struct Replied {
    /// Index in the input.
    pub(crate) message: usize,
    pub(crate) copies: usize,
    /// Position in the same list.
    pub(crate) parent: Option<usize>,
    /// The line of a quote that shows the parent where the headers name another mail, and that mail.
    pub(crate) by_quote: Option<(u64, usize)>,
    /// Attributions of the message, at all depths.
    pub(crate) attributions: Vec<Attribution>,
}

/// Finds the parents.
pub(crate) fn replies(messages: &[Message], members: &[Member]) -> Vec<Replied> {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (position, (index, _)) in members.iter().enumerate() {
        if let Some(id) = messages[*index].message_id.as_deref() {
            by_id.entry(id).or_insert(position);
        }
    }
    let attributions: Vec<Vec<Attribution>> = members
        .iter()
        .map(|(index, _)| {
            let body = &messages[*index].body;
            (0..body.len().min(MAX_LINES)).filter_map(|at| attribution(body, at)).collect()
        })
        .collect();
    let mut unquoted: Vec<Option<HashSet<String>>> = vec![None; members.len()];
    let mut found: Vec<Replied> = members
        .iter()
        .enumerate()
        .map(|(position, (index, copies))| {
            let message = &messages[*index];
            let by_header = message
                .in_reply_to
                .iter()
                .chain(message.references.iter().rev())
                .filter_map(|id| by_id.get(id.as_str()).copied())
                .find(|p| *p != position);
            let parent = by_header.or_else(|| by_tree(messages, members, position)).or_else(|| {
                // Also when its headers name mails that nobody has: then only its quote counts.
                let lacks = message.source == Source::Page || message.subject.is_reply;
                lacks
                    .then(|| {
                        by_quote(
                            messages,
                            members,
                            position,
                            &attributions[position],
                            &mut unquoted,
                        )
                    })
                    .flatten()
            });
            Replied {
                message: *index,
                copies: *copies,
                parent,
                by_quote: None,
                attributions: attributions[position].clone(),
            }
        })
        .collect();
    quoted_instead(messages, &mut found);
    found
}

/// Length of a line, folded, from which on it may show whose words are quoted.
const TELLING: usize = 12;
/// Messages that may write one line before it tells nothing any more.
const COMMON: usize = 4;
/// Seconds by which an answer may seem older than what it quotes.
const CLOCKS: i64 = 86_400;

/// Corrects the parent of replies that quote nothing of the mail their headers name and something of
/// another: people answer by way of whatever mail of a thread is at hand.
fn quoted_instead(messages: &[Message], found: &mut [Replied]) {
    if found.len() < 3 {
        return;
    }
    let mut writers: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, r) in found.iter().enumerate() {
        for line in messages[r.message].body.lines().take(MAX_LINES) {
            let q = quote(line.text);
            let text = fold(q.text);
            if q.depth > 0 || text.len() < TELLING || parse_mail::trailer(&text).is_some() {
                continue;
            }
            let mine = writers.entry(text).or_default();
            if mine.last() != Some(&position) && mine.len() <= COMMON {
                mine.push(position);
            }
        }
    }
    for position in 0..found.len() {
        let Some(named) = found[position].parent else { continue };
        let message = &messages[found[position].message];
        // A patch may quote a report; what it answers its headers say.
        if !message.subject.is_reply {
            continue;
        }
        let mut scores: HashMap<usize, (usize, u64)> = HashMap::new();
        let mut of_named = false;
        for line in message.body.lines().take(2000) {
            let q = quote(line.text);
            if q.depth != 1 {
                continue;
            }
            let Some(wrote) = writers.get(&fold(q.text)) else { continue };
            of_named |= wrote.contains(&named) || wrote.len() > COMMON;
            for other in wrote {
                scores.entry(*other).or_insert((0, line.number)).0 += 1;
            }
        }
        if of_named {
            continue;
        }
        let who = found[position].attributions.iter().find(|a| a.depth == 0);
        let seconds = |p: usize| messages[found[p].message].date.map(|d| d.seconds);
        let fits = |other: usize| {
            let apart = seconds(position).zip(seconds(other)).map_or(0, |(a, b)| b - a);
            other != position
                && apart <= CLOCKS
                && who.is_none_or(|a| a.person.is(&messages[found[other].message].from))
                && !is_above(position, other, found)
        };
        let best = scores
            .iter()
            .filter(|(other, _)| fits(**other))
            .max_by_key(|(other, score)| (score.0, seconds(**other), **other));
        if let Some((other, (_, line))) = best {
            found[position].by_quote = Some((*line, named));
            found[position].parent = Some(*other);
        }
    }
}

/// Whether `above` is answered, in however many steps, by `below`.
fn is_above(above: usize, below: usize, found: &[Replied]) -> bool {
    let mut at = Some(below);
    for _ in 0..=found.len() {
        match at {
            Some(p) if p == above => return true,
            Some(p) => at = found[p].parent,
            None => return false,
        }
    }
    true
}

fn by_tree(messages: &[Message], members: &[Member], position: usize) -> Option<usize> {
    let wanted = messages[members[position].0].parent_seconds?;
    (0..members.len()).filter(|p| *p != position).find(|p| {
        messages[members[*p].0]
            .date
            .is_some_and(|d| d.seconds.div_euclid(60) == wanted.div_euclid(60))
    })
}

/// The message whose author and text the first quote names.
fn by_quote(
    messages: &[Message],
    members: &[Member],
    position: usize,
    attributions: &[Attribution],
    unquoted: &mut [Option<HashSet<String>>],
) -> Option<usize> {
    let message = &messages[members[position].0];
    let named = attributions.iter().find(|a| a.depth == 0);
    let quoted: Vec<String> = message
        .body
        .lines()
        .take(2000)
        .map(|l| quote(l.text))
        .filter(|q| q.depth == 1)
        .map(|q| fold(q.text))
        .filter(|t| t.len() > 3)
        .collect();
    let mut best: Option<(usize, usize)> = None;
    let mut candidates = Vec::new();
    for (other, (index, _)) in members.iter().enumerate() {
        let candidate = &messages[*index];
        if other == position || named.is_some_and(|a| !a.person.is(&candidate.from)) {
            continue;
        }
        candidates.push(other);
        let lines = unquoted[other].get_or_insert_with(|| {
            candidate
                .body
                .lines()
                .take(MAX_LINES)
                .map(|l| quote(l.text))
                .filter(|q| q.depth == 0)
                .map(|q| fold(q.text))
                .collect()
        });
        let score = quoted.iter().filter(|t| lines.contains(*t)).count();
        if score > 0 && best.is_none_or(|(_, s)| score > s) {
            best = Some((other, score));
        }
    }
    match best {
        Some((other, _)) => Some(other),
        // A name alone is enough only if nobody else of that name wrote anything.
        None if named.is_some() && candidates.len() == 1 && message.in_reply_to.is_empty() => {
            Some(candidates[0])
        }
        None => None,
    }
}

/// For each line of each message the line of its parent from which it is quoted.
pub(crate) struct Quotes {
    lines: Vec<Vec<Option<usize>>>,
    parents: Vec<Option<usize>>,
    depths: Vec<Vec<usize>>,
}

impl Quotes {
    /// The line of the parent: its entry and index there.
    pub(crate) fn above(&self, entry: usize, line: usize) -> Option<(usize, usize)> {
        let at = (*self.lines.get(entry)?.get(line)?)?;
        Some((self.parents[entry]?, at))
    }

    /// The line where the text was written, not quoted.
    pub(crate) fn origin(&self, entry: usize, line: usize) -> Option<(usize, usize)> {
        let (mut entry, mut line) = self.above(entry, line)?;
        for _ in 0..self.lines.len() {
            if self.depth(entry, line) == 0 {
                return Some((entry, line));
            }
            (entry, line) = self.above(entry, line)?;
        }
        None
    }

    /// How deep a line is quoted.
    pub(crate) fn depth(&self, entry: usize, line: usize) -> usize {
        self.depths.get(entry).and_then(|d| d.get(line)).copied().unwrap_or(0)
    }
}

/// Aligns the quotes of all messages with their parents.
pub(crate) fn quotes(all: &[&Message], entries: &[Entry]) -> Quotes {
    let depths: Vec<Vec<usize>> = all
        .iter()
        .map(|m| m.body.lines().take(MAX_LINES).map(|l| quote(l.text).depth).collect())
        .collect();
    let mut lines = Vec::with_capacity(all.len());
    for (position, entry) in entries.iter().enumerate() {
        let body = &all[position].body;
        let mut map = vec![None; depths[position].len()];
        if let Some(parent) = entry.parent {
            let above = &all[parent].body;
            let mut places: HashMap<(usize, String), Vec<usize>> = HashMap::new();
            for (at, line) in above.lines().take(MAX_LINES).enumerate() {
                let q = quote(line.text);
                places.entry((q.depth, fold(q.text))).or_default().push(at);
            }
            let mut next = 0;
            for (at, depth) in depths[position].iter().enumerate() {
                if *depth == 0 {
                    continue;
                }
                let text = fold(quote(body.line(at).text).text);
                if text.is_empty() {
                    continue;
                }
                let Some(found) = places.get(&(depth - 1, text)) else { continue };
                let here = found.partition_point(|p| *p < next);
                let place = found.get(here).or(found.last()).copied();
                if let Some(place) = place {
                    map[at] = Some(place);
                    // A far jump on a short line is more likely another such line.
                    if place >= next && (place - next < 400 || next == 0) {
                        next = place + 1;
                    }
                }
            }
        }
        lines.push(map);
    }
    Quotes { lines, parents: entries.iter().map(|e| e.parent).collect(), depths }
}

/// Says what each message is, once the versions are known, and who was added and is silent.
pub(crate) fn kinds(all: &[&Message], thread: &mut Thread) {
    for (index, version) in thread.versions.iter().enumerate() {
        if let Some(cover) = version.cover {
            thread.entries[cover].kind = Kind::Cover(index);
        }
        for patch in &version.patches {
            thread.entries[patch.entry].kind = Kind::Patch(index);
        }
    }
    for (at, message) in all.iter().enumerate() {
        let about = match thread.entries[at].kind {
            Kind::Cover(v) | Kind::Patch(v) => Some(v),
            _ => {
                let mut up = thread.entries[at].parent;
                let mut found = None;
                for _ in 0..thread.entries.len() {
                    let Some(parent) = up else { break };
                    if let Kind::Cover(v) | Kind::Patch(v) = thread.entries[parent].kind {
                        found = Some(v);
                        break;
                    }
                    up = thread.entries[parent].parent;
                }
                found.or_else(|| by_subject(message, thread))
            }
        };
        let entry = &mut thread.entries[at];
        entry.about = about;
        if !matches!(entry.kind, Kind::Cover(_) | Kind::Patch(_)) {
            entry.kind = match about {
                Some(v) if is_author(&message.from, &thread.versions[v]) => Kind::Answer,
                Some(_) => Kind::Review,
                None => Kind::Remark,
            };
        }
    }
    silent(all, thread);
    let known: HashSet<&str> = all.iter().filter_map(|m| m.message_id.as_deref()).collect();
    for message in all {
        for id in &message.in_reply_to {
            if id.contains('@') && !known.contains(id.as_str()) && !thread.absent.contains(id) {
                thread.absent.push(id.clone());
            }
        }
    }
}

/// Whether somebody sent a version, or wrote all of it for another to send.
fn is_author(person: &parse_mail::Person, version: &crate::model::Version) -> bool {
    version.author.is(person)
        || !version.patches.is_empty()
            && version.patches.iter().all(|p| p.writer.as_ref().is_some_and(|w| w.is(person)))
}

/// The version a reply without a parent names in its subject.
fn by_subject(message: &Message, thread: &Thread) -> Option<usize> {
    let subject = &message.subject;
    if !subject.is_reply {
        return None;
    }
    thread.versions.iter().position(|v| {
        v.number == subject.version
            && (v.title == subject.title || v.patches.iter().any(|p| p.title == subject.title))
    })
}

/// `+Name`, `+Cc: Name`, `Adding Name`: people who were brought in and wrote nothing.
fn silent(all: &[&Message], thread: &mut Thread) {
    for (at, message) in all.iter().enumerate() {
        if matches!(thread.entries[at].kind, Kind::Patch(_) | Kind::Cover(_)) {
            continue;
        }
        let drafts: Vec<_> = thread.drafts.iter().filter(|d| d.entry == at).collect();
        for (index, line) in message.body.lines().enumerate().take(MAX_LINES) {
            if drafts.iter().any(|d| (d.diff.first..=d.diff.last).contains(&index)) {
                continue;
            }
            let Some(rest) = line.text.strip_prefix('+') else { continue };
            let rest = rest.trim_start_matches('+').trim();
            let rest = rest
                .strip_prefix("Cc:")
                .or_else(|| rest.strip_prefix("cc:"))
                .or_else(|| rest.strip_prefix("CC:"))
                .or_else(|| rest.strip_prefix("Cc "))
                .or_else(|| rest.strip_prefix("CC "))
                .unwrap_or(rest);
            for piece in rest.split(',').take(16) {
                let person = parse_mail::person(piece);
                let plausible = person.address.is_some()
                    || (2..=4).contains(&person.name.split_whitespace().count())
                        && person.name.split_whitespace().all(|w| {
                            w.chars().next().is_some_and(char::is_uppercase)
                                && w.chars()
                                    .all(|c| c.is_alphabetic() || matches!(c, '.' | '-' | '\''))
                        });
                if plausible
                    && !all.iter().any(|m| m.from.is(&person))
                    && !thread.silent.iter().any(|s| s.person.is(&person))
                {
                    thread.silent.push(crate::model::Silent { person, line: line.number });
                }
            }
        }
    }
}
