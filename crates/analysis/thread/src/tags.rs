//! Trailers by place (rule T6): commit message, below `---`, cover letter, reply. Quoted ones are
//! somebody else's words and never counted.

use model::LineSpan;
use parse_mail::{Message, Person, TrailerKind, trailers};

use crate::model::{Kind, Place, Tag, Thread};
use crate::own::{Role, roles};
use crate::phrases::answers::CONDITIONS;
use crate::series;
use crate::text::first_of;

pub(crate) fn find(all: &[&Message], thread: &mut Thread) {
    let mut found = Vec::new();
    for (entry, message) in all.iter().enumerate() {
        let kind = thread.entries[entry].kind;
        let roles = roles(message, entry, thread);
        let own = (0..message.body.len())
            .filter(|i| matches!(roles[*i], Role::CommitMessage | Role::Notes | Role::Words))
            .map(|i| (i, message.body.line(i).text));
        let all_trailers = trailers(own);
        // A bot that quotes a patch without marks, or a pasted commit, is no review.
        for one in all_trailers {
            // The heading of a mail that was pasted.
            if one.tag == "Message-ID" && !matches!(kind, Kind::Patch(_)) {
                continue;
            }
            let place = match (kind, roles[one.first]) {
                (Kind::Cover(_), _) => Place::Cover,
                (Kind::Patch(_), Role::Notes) => Place::BelowLine,
                (Kind::Patch(_), _) => Place::Message,
                _ => Place::Reply,
            };
            let line = |i: usize| message.body.line(i).number;
            let condition =
                (place == Place::Reply).then(|| condition(message, &roles, one.first)).flatten();
            found.push(Tag {
                entry,
                version: thread.entries[entry].about,
                patch: patch_of(entry, thread).or_else(|| {
                    let version = thread.versions.get(thread.entries[entry].about?)?;
                    let number = named_above(message, &roles, one.first)?;
                    version.patches.iter().find(|p| p.number == number).map(|p| p.entry)
                }),
                is_for_other: place == Place::Reply
                    && one.kind.names_person()
                    && matches!(
                        one.kind,
                        TrailerKind::Review | TrailerKind::Test | TrailerKind::Refusal
                    )
                    && !is_sender(&one.person, message),
                place,
                lines: LineSpan::new(line(one.first), line(one.last)),
                is_unknown: one.kind == TrailerKind::UnknownBy,
                lacks_address: one.kind.names_person()
                    && one.kind != TrailerKind::Tool
                    && one.person.address.is_none(),
                condition,
                carried_to: None,
                trailer: one,
            });
        }
    }
    carry(&mut found, thread);
    thread.tags = found;
}

/// Marks the tags that were given to patches of older versions which the newest has unchanged. One
/// given to a whole older version was given to that version.
fn carry(tags: &mut [Tag], thread: &Thread) {
    let Some(newest) = series::newest(thread) else { return };
    let whole: Vec<usize> = thread.whole(newest).collect();
    let now: Vec<&crate::model::Patch> =
        whole.iter().flat_map(|v| &thread.versions[*v].patches).collect();
    let lineage = thread.versions[newest].lineage;
    for tag in tags {
        let Some(version) = tag.version.filter(|v| !whole.contains(v)) else { continue };
        let old = &thread.versions[version];
        let gives = matches!(tag.trailer.kind, TrailerKind::Review | TrailerKind::Test);
        if old.lineage != lineage || tag.place != Place::Reply || !gives || tag.condition.is_some()
        {
            continue;
        }
        let given = old.patches.iter().find(|p| Some(p.entry) == tag.patch);
        let Some(id) = given.and_then(|p| p.patch_id) else { continue };
        tag.carried_to = now.iter().find(|p| p.patch_id == Some(id)).map(|p| p.entry);
    }
}

/// The patch that a message is or answers, also by way of other replies.
pub(crate) fn patch_of(entry: usize, thread: &Thread) -> Option<usize> {
    let mut up = Some(entry);
    for _ in 0..=thread.entries.len() {
        match thread.entries[up?].kind {
            Kind::Patch(_) => return up,
            Kind::Cover(_) => return None,
            _ => up = thread.entries[up?].parent,
        }
    }
    None
}

/// `For patch 2:` right above trailers that answer a cover letter: the number.
fn named_above(message: &Message, roles: &[Role], first: usize) -> Option<u32> {
    let above = (0..first).rev().take(6).find(|at| {
        let text = message.body.line(*at).text;
        !text.trim().is_empty() && parse_mail::trailer(text).is_none()
    })?;
    if roles[above] != Role::Words {
        return None;
    }
    let lower = message.body.line(above).text.trim().to_lowercase();
    let rest = lower.strip_prefix("for patch ").or_else(|| lower.strip_prefix("on patch "))?;
    let rest = rest.trim_start_matches('#').trim_end_matches([':', ',', '.']);
    let number = rest.split_once('/').map_or(rest, |(number, _)| number);
    number.parse().ok()
}

/// Whether the person of a trailer is the one who sent it. Where the sender is not known, so is this.
fn is_sender(person: &Person, message: &Message) -> bool {
    person.is(&message.from)
        || !person.name.is_empty() && person.name.eq_ignore_ascii_case(&message.from.name)
        || *person == Person::default()
        || message.from == Person::default()
}

/// The line of the sentence right above a trailer that makes it depend on something.
fn condition(message: &Message, roles: &[Role], first: usize) -> Option<u64> {
    let mut at = first;
    let mut looked = 0;
    while at > 0 && looked < 4 {
        at -= 1;
        if roles[at] != Role::Words {
            return None;
        }
        let text = message.body.line(at).text.trim();
        if text.is_empty() {
            continue;
        }
        looked += 1;
        if parse_mail::trailer(text).is_some() {
            continue;
        }
        let lower = text.to_lowercase();
        let wants = lower.starts_with("with ")
            && (lower.ends_with(':')
                || [" fixed", " addressed", " changed", " updated", " resolved"]
                    .iter()
                    .any(|w| lower.contains(w)));
        if wants || first_of(&lower, CONDITIONS).is_some() {
            return Some(message.body.line(at).number);
        }
    }
    None
}
