//! What the thread refers to (rules T6, T7): bug ids wherever they stand, commits, links that will
//! not last. What a newer version no longer names is said, since a merge would lose it.

use model::{Grade, LineSpan, RuleName};
use parse_mail::{LinkKind, Message, TrailerKind, bug_ids, commits, links};

use crate::model::{BugMention, DoubtfulLink, Kind, NamedCommit, Note, Place, Thread};
use crate::own::{Role, roles};
use crate::series;
use crate::text::{fold, sentences};

pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    let mut withheld = Vec::new();
    for (entry, message) in all.iter().enumerate() {
        let roles = roles(message, entry, thread);
        let own: Vec<usize> = (0..message.body.len())
            .filter(|i| matches!(roles[*i], Role::CommitMessage | Role::Notes | Role::Words))
            .collect();
        let texts: Vec<&str> = own.iter().map(|i| message.body.line(*i).text).collect();
        let carried = match thread.entries[entry].kind {
            Kind::Patch(v) | Kind::Cover(v) => Some(v),
            _ => None,
        };
        for (&index, text) in own.iter().zip(&texts) {
            let line = message.body.line(index).number;
            for id in bug_ids(text) {
                let in_trailer =
                    roles[index] == Role::CommitMessage && parse_mail::trailer(text).is_some();
                match thread.bugs.iter_mut().find(|b| b.id == id) {
                    Some(bug) => {
                        bug.lines.push(line);
                        bug.in_trailer |= in_trailer;
                        bug.versions.extend(carried.filter(|v| !bug.versions.contains(v)));
                    }
                    None => thread.bugs.push(BugMention {
                        id,
                        entry,
                        lines: vec![line],
                        versions: carried.into_iter().collect(),
                        in_trailer,
                    }),
                }
            }
            for link in links(text).into_iter().filter(|l| l.kind != LinkKind::Lasting) {
                let tail = text.get(link.at + link.url.len()..).unwrap_or_default();
                let note = tail
                    .split_once('(')
                    .and_then(|(_, t)| t.split_once(')'))
                    .map(|(t, _)| t.to_owned())
                    .filter(|t| t.contains("expire") || t.contains("valid"));
                if !thread.links.iter().any(|l| l.url == link.url) {
                    thread.links.push(DoubtfulLink { url: link.url, kind: link.kind, line, note });
                }
            }
        }
        for mention in commits(&texts) {
            let line = message.body.line(own[mention.line]).number;
            let kind = parse_mail::trailer(texts[mention.line]).map(|t| t.kind);
            if kind == Some(TrailerKind::BaseCommit) {
                continue;
            }
            let is_fixes = kind == Some(TrailerKind::Fixes);
            let known = thread
                .commits
                .iter_mut()
                .find(|c| c.id.starts_with(&mention.id) || mention.id.starts_with(&c.id));
            match known {
                Some(commit) => {
                    commit.lines.push(line);
                    commit.is_fixes |= is_fixes;
                    commit.title = commit.title.take().or(mention.title);
                    commit.release = commit.release.take().or(mention.release);
                }
                None => thread.commits.push(NamedCommit {
                    id: mention.id,
                    title: mention.title,
                    release: mention.release,
                    lines: vec![line],
                    is_fixes,
                }),
            }
        }
        if carried.is_some()
            && let Some(lines) = closes_withheld(message, &roles)
        {
            withheld.push((lines, message.from.shown().to_owned()));
        }
    }
    notes(thread, &withheld);
}

/// A paragraph in which the author says that `Closes` is left out on purpose.
fn closes_withheld(message: &Message, roles: &[Role]) -> Option<LineSpan> {
    let mut start = None;
    for index in 0..=message.body.len() {
        let text = message.body.line(index).text;
        let own = matches!(roles.get(index), Some(Role::CommitMessage | Role::Notes))
            && !text.trim().is_empty();
        match (own, start) {
            (true, None) => start = Some(index),
            (false, Some(first)) => {
                let paragraph: Vec<&str> =
                    (first..index).map(|i| message.body.line(i).text).collect();
                let folded = fold(&paragraph.join(" "));
                let says = sentences(&folded).iter().any(|s| {
                    let lower = s.text.to_lowercase();
                    lower.contains("closes")
                        && [
                            "don't",
                            "do not",
                            "not add",
                            "without",
                            "no closes",
                            "omit",
                            "left out",
                        ]
                        .iter()
                        .any(|n| lower.contains(n))
                });
                if says {
                    let line = |i: usize| message.body.line(i).number;
                    return Some(LineSpan::new(line(first), line(index - 1)));
                }
                start = None;
            }
            _ => {}
        }
    }
    None
}

fn notes(thread: &mut Thread, withheld: &[(LineSpan, String)]) {
    let rule = RuleName("T7");
    for (lines, who) in withheld {
        thread.bug_notes.push(Note {
            statement: format!("{who} leaves out Closes on purpose"),
            lines: vec![*lines],
            grade: Grade::Seen,
            rule,
        });
    }
    let Some(newest) = series::newest(thread) else { return };
    let lost: Vec<&BugMention> = thread
        .bugs
        .iter()
        .filter(|b| !b.versions.is_empty() && !b.versions.contains(&newest))
        .collect();
    if !lost.is_empty() {
        thread.bug_notes.push(Note {
            statement: format!(
                "{} names none of {} bug{} that older versions name: a merge would lose the link",
                thread.versions[newest].name(),
                lost.len(),
                if lost.len() == 1 { "" } else { "s" },
            ),
            lines: spans(lost.iter().flat_map(|b| &b.lines)),
            grade: Grade::Derived,
            rule,
        });
    }
    let below: Vec<&BugMention> = thread
        .bugs
        .iter()
        .filter(|b| b.versions.contains(&newest) && !b.in_trailer)
        .filter(|b| !b.lines.is_empty())
        .collect();
    if !below.is_empty() {
        thread.bug_notes.push(Note {
            statement: format!(
                "no trailer of {} names {} of its bugs: a merge would lose the link",
                thread.versions[newest].name(),
                below.len(),
            ),
            lines: spans(below.iter().flat_map(|b| &b.lines)),
            grade: Grade::Derived,
            rule,
        });
    }
    let fixes: Vec<_> = thread
        .tags
        .iter()
        .filter(|t| t.trailer.kind == TrailerKind::Fixes && t.place == Place::BelowLine)
        .map(|t| t.lines)
        .collect();
    if !fixes.is_empty() {
        thread.bug_notes.push(Note {
            statement: "Fixes stands below ---, where git am drops it".to_owned(),
            lines: fixes,
            grade: Grade::Derived,
            rule: RuleName("T6"),
        });
    }
}

/// Lines as spans, neighbours joined.
pub(crate) fn spans<'a>(lines: impl Iterator<Item = &'a u64>) -> Vec<LineSpan> {
    let mut all: Vec<u64> = lines.copied().collect();
    all.sort_unstable();
    all.dedup();
    let mut found: Vec<LineSpan> = Vec::new();
    for line in all {
        match found.last_mut() {
            Some(span) if span.last + 1 == line => span.last = line,
            _ => found.push(LineSpan::line(line)),
        }
    }
    found
}
