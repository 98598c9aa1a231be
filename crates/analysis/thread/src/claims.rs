//! Claims that their makers took back: what was said, what refuted it, where it was given up.

use model::LineSpan;
use parse_mail::Message;

use crate::model::{Kind, Thread, WithdrawnClaim};
use crate::own::{Role, prose, roles};
use crate::phrases::answers::CONCESSIONS;
use crate::text::{calls, content_words, first_of, fold, sentences};

/// A sentence and its lines.
type Said = (String, LineSpan);

pub(crate) fn withdrawn(all: &[&Message], thread: &mut Thread) {
    let mut found = Vec::new();
    for question in &thread.questions {
        for (at, concession) in question.exchanges.iter().enumerate() {
            if concession.by_asker
                || first_of(&concession.text.to_lowercase(), CONCESSIONS).is_none()
            {
                continue;
            }
            let who = &all[concession.entry].from;
            let Some(claim_at) = question.exchanges[..at]
                .iter()
                .rposition(|e| all[e.entry].from.is(who) && e.entry != concession.entry)
            else {
                continue;
            };
            let claim = &question.exchanges[claim_at];
            let refuted: Vec<LineSpan> = question.exchanges[claim_at + 1..at]
                .iter()
                .filter(|e| !all[e.entry].from.is(who))
                .map(|e| e.lines)
                .collect();
            if refuted.is_empty() {
                continue;
            }
            let said = own_sentences(all, claim.entry, thread)
                .into_iter()
                .filter(|(_, lines)| claim.lines.contains(lines.first))
                .collect::<Vec<_>>();
            let earlier = thread.versions.iter().flat_map(|v| {
                v.patches.iter().map(|p| p.entry).chain(v.cover).filter(|e| *e < claim.entry)
            });
            let earlier: Vec<Said> = earlier
                .filter(|e| all[*e].from.is(who))
                .flat_map(|e| own_sentences(all, e, thread))
                .collect();
            let mut best: Option<(usize, &Said, &Said)> = None;
            for a in &said {
                for b in &earlier {
                    let score = likeness(&a.0, &b.0);
                    if score >= 4 && best.is_none_or(|(s, ..)| score > s) {
                        best = Some((score, a, b));
                    }
                }
            }
            let (text, lines) = match best {
                Some((_, a, b)) => (a.0.clone(), vec![b.1, a.1]),
                None => match said.iter().find(|s| !s.0.ends_with('?')) {
                    Some(first) => (first.0.clone(), vec![first.1]),
                    None => (claim.text.clone(), vec![claim.lines]),
                },
            };
            let backed_by =
                thread.links.iter().find(|l| claim.lines.contains(l.line)).map(|l| match &l.note {
                    Some(note) => format!("{} ({note})", l.url),
                    None => l.url.clone(),
                });
            found.push(WithdrawnClaim {
                text,
                lines,
                refuted,
                conceded: concession.lines,
                backed_by,
            });
        }
    }
    thread.withdrawn = found;
}

/// How many words two sentences share; a shared call counts double.
fn likeness(a: &str, b: &str) -> usize {
    let (wa, wb) = (content_words(a), content_words(b));
    let words = wa.iter().filter(|w| wb.contains(w)).count();
    let (ca, cb) = (calls(a), calls(b));
    words + 2 * ca.iter().filter(|c| cb.contains(c)).count()
}

fn own_sentences(all: &[&Message], entry: usize, thread: &Thread) -> Vec<Said> {
    let roles = roles(all[entry], entry, thread);
    let wanted = match thread.entries[entry].kind {
        Kind::Patch(_) => vec![Role::CommitMessage],
        _ => vec![Role::Words],
    };
    let mut found = Vec::new();
    for paragraph in prose(all[entry], &roles, &wanted) {
        for sentence in sentences(&paragraph.text) {
            found.push((fold(sentence.text), paragraph.lines(sentence.start, sentence.end)));
        }
    }
    found
}
