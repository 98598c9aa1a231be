//! How a question stands, why, and whose turn it is.

use parse_mail::{Message, TrailerKind};

use crate::model::{Anchor, Ask, Exchange, Question, QuestionState, Thread, Tone};
use crate::phrases::testing::RESULTS;
use crate::series;
use crate::text::{content_words, first_of, fold, starts_with_any};

use super::anchor;
use super::wording::tells;

/// Settles state, reason and turn.
pub(super) fn settle(all: &[&Message], question: &mut Question, thread: &Thread) {
    let (state, reason, evidence) = stand(all, question, thread);
    question.state = state;
    question.reason = reason;
    question.evidence = evidence;
    question.waits_for = turn(all, question, thread);
}

type Standing = (QuestionState, String, Vec<u64>);

fn stand(all: &[&Message], question: &Question, thread: &Thread) -> Standing {
    let by = |e: &Exchange| format!("M{} {}", e.entry + 1, e.lines);
    if let Some(e) = question.exchanges.iter().find(|e| e.tone == Tone::Withdraws) {
        return (QuestionState::Withdrawn, format!("taken back, {}", by(e)), Vec::new());
    }
    if let Some(done) = confirmed_by_tag(question, thread) {
        return (QuestionState::Confirmed, done.0, vec![done.1]);
    }
    let answered_before_agreement =
        |at: usize| question.exchanges[..at].iter().any(|e| !e.by_asker);
    if let Some((at, e)) = question
        .exchanges
        .iter()
        .enumerate()
        .find(|(at, e)| e.by_asker && e.tone == Tone::Agrees && answered_before_agreement(*at))
    {
        let before = &question.exchanges[..at];
        // Agreement after a further question of the asker may be to the answer to that one.
        return match before.iter().find(|b| b.by_asker && b.tone == Tone::AsksBack) {
            None => (QuestionState::Confirmed, format!("the asker agrees, {}", by(e)), Vec::new()),
            Some(on) => (
                QuestionState::Answered,
                format!(
                    "the asker asked on, {}, and agrees to what was said then, {}",
                    by(on),
                    by(e)
                ),
                Vec::new(),
            ),
        };
    }
    if question.ask == Ask::Test && !(tells_of_tests(question) && is_answered(question)) {
        return match test_result(all, question, thread) {
            Some((line, text)) => (QuestionState::Confirmed, text, vec![line]),
            None => {
                let reason = match question.exchanges.last() {
                    Some(e) => format!("no result; {} {}", by(e), e.tone.name()),
                    None => "no result, no reply".to_owned(),
                };
                (QuestionState::Open, reason, Vec::new())
            }
        };
    }
    if let Some(done) = applied_by_asker(all, question, thread) {
        return (QuestionState::Confirmed, done.0, vec![done.1]);
    }
    let newest = newest_after(question, thread);
    if question.ask == Ask::Fixes {
        return fixes(question, newest, thread);
    }
    if let Some(found) = sent_in_answer(question, thread) {
        return found;
    }
    if let Some(newest) = newest {
        if let Some(found) = by_version(all, question, newest, thread) {
            return found;
        }
        if let Some(found) = overtaken(all, question, newest, thread) {
            return found;
        }
    }
    by_replies(question)
}

/// How the last reply leaves a question that no version settles.
fn by_replies(question: &Question) -> Standing {
    let by = |e: &Exchange| format!("M{} {}", e.entry + 1, e.lines);
    let Some(last) = question.exchanges.last() else {
        return (QuestionState::Open, "no reply".to_owned(), Vec::new());
    };
    match last.tone {
        // What the asker asks on is a question of its own.
        _ if last.by_asker
            && (last.tone == Tone::AsksBack || question.ask == Ask::Question)
            && question.exchanges.iter().any(|e| !e.by_asker && e.tone != Tone::Deflects) =>
        {
            (
                QuestionState::Answered,
                format!("answered; the asker goes on, {}", by(last)),
                Vec::new(),
            )
        }
        _ if last.by_asker => {
            (QuestionState::Open, format!("the asker insists, {}", by(last)), Vec::new())
        }
        Tone::Agrees if is_done(&last.text) => (
            QuestionState::Answered,
            format!("said to be done, {}; not confirmed", by(last)),
            Vec::new(),
        ),
        Tone::Deflects => {
            (QuestionState::Open, format!("left to others, {}", by(last)), Vec::new())
        }
        Tone::Offers | Tone::AsksBack
            if question.exchanges.iter().any(|e| {
                !e.by_asker
                    && (e.tone == Tone::Answers || e.tone == Tone::Agrees && is_done(&e.text))
            }) =>
        {
            (QuestionState::Answered, format!("{}; not confirmed", by(last)), Vec::new())
        }
        Tone::Offers => {
            (QuestionState::Open, format!("said to be possible, {}; no code", by(last)), Vec::new())
        }
        Tone::AsksBack if tells(&last.text) => (
            QuestionState::Answered,
            format!("{}, with a question back; not confirmed", by(last)),
            Vec::new(),
        ),
        Tone::AsksBack => (QuestionState::Open, format!("asked back, {}", by(last)), Vec::new()),
        // Who is asked by the author and agrees has answered: nobody owes a version.
        Tone::Agrees
            if !question.author_acts
                || question.ask == Ask::Question && is_plain_yes(&last.text) =>
        {
            (QuestionState::Answered, format!("{}; not confirmed", by(last)), Vec::new())
        }
        Tone::Agrees => {
            (QuestionState::Open, format!("agreed, {}; in no version", by(last)), Vec::new())
        }
        Tone::Answers | Tone::Withdraws => match unanswered_part(question) {
            Some(part) => (
                QuestionState::Partly,
                format!("{}; not answered: \"{}\"", by(last), shorten(&part)),
                Vec::new(),
            ),
            None => (QuestionState::Answered, format!("{}; not confirmed", by(last)), Vec::new()),
        },
    }
}

/// Whether what is asked about tests is how they were made, which an answer settles, not a run of one.
fn tells_of_tests(question: &Question) -> bool {
    const PAST: [&str; 10] = [
        "how much",
        "how was",
        "how were",
        "how did you",
        "how do you",
        "have you",
        "did you",
        "has this",
        "was this",
        "has it been",
    ];
    first_of(&question.text.to_lowercase(), &PAST).is_some()
}

/// Whether somebody who was asked said something.
fn is_answered(question: &Question) -> bool {
    question.exchanges.iter().any(|e| !e.by_asker && e.tone != Tone::Deflects)
}

/// Whether an answer says that what was wanted is done.
fn is_done(text: &str) -> bool {
    const DONE: &[&str] = &[
        "i've checked",
        "i have checked",
        "checked",
        "fixed",
        "done",
        "i've done",
        "i have done",
        "i've fixed",
        "i have fixed",
        "i've sent",
        "i have sent",
        "i sent",
        "i've fixed that up",
        "i removed",
        "i dropped",
        "i changed",
        "i added",
        "i renamed",
        "i updated",
        "i moved",
        "i reworked",
        "i folded",
        "i've removed",
        "i've dropped",
        "i've changed",
        "i've added",
        "i've renamed",
        "i've updated",
    ];
    let lower = text.to_lowercase();
    DONE.iter().any(|w| {
        lower.starts_with(w)
            || lower.contains(&format!(" {w}")) && !w.starts_with('d') && !w.starts_with('f')
    })
}

/// What a newer version says where the lines tell nothing: it was promised or asked for, or the asker
/// looked at the newer one and did not say it again.
fn overtaken(
    all: &[&Message],
    question: &Question,
    newest: usize,
    thread: &Thread,
) -> Option<Standing> {
    let name = thread.versions[newest].name();
    let begins = thread.versions[newest].entry;
    let agreed = question
        .exchanges
        .iter()
        .rfind(|e| !e.by_asker && e.tone == Tone::Agrees && e.entry < begins);
    if let Some(e) = agreed {
        return Some((
            QuestionState::Changed(newest),
            format!(
                "agreed, M{} {}, and {name} was sent since; not confirmed",
                e.entry + 1,
                e.lines
            ),
            vec![],
        ));
    }
    let lower = question.text.to_lowercase();
    // A newer version is the answer to what is said of the text of a patch, of its form, or of no
    // line at all. What is said of lines that stand in it as before is not answered by it.
    const OF_TEXT: [&str; 14] = [
        "commit message",
        "commit log",
        "changelog",
        "change log",
        "description",
        "subject",
        "title",
        "prefix",
        "whitespace",
        "indentation",
        "tab",
        "tabs",
        "fixes tag",
        "typo",
    ];
    let of_text = first_of(&lower, &OF_TEXT).is_some();
    let wants = matches!(question.ask, Ask::Request | Ask::Objection)
        || ["can you ", "could you ", "please "].iter().any(|w| lower.contains(w));
    let unanswered = question.exchanges.is_empty();
    if wants && unanswered && (of_text || !matches!(question.anchor, Anchor::Code { .. })) {
        return Some((
            QuestionState::Changed(newest),
            format!("{name} was sent since, without a word to this; not confirmed"),
            vec![],
        ));
    }
    const WANT_ANOTHER: [&str; 8] = [
        "rebase",
        "resend",
        "respin",
        "repost",
        "doesn't apply",
        "does not apply",
        "send a v",
        "updated patch",
    ];
    if WANT_ANOTHER.iter().any(|w| lower.contains(w)) {
        return Some((
            QuestionState::Changed(newest),
            format!("{name} was sent since; not confirmed"),
            vec![],
        ));
    }
    let asked = question.asked.last()?.0;
    let looked = (asked + 1..all.len()).find(|e| {
        let about = thread.entries[*e].about;
        all[*e].from.is(&question.asker)
            && about.is_some_and(|v| {
                question.version.is_some_and(|q| {
                    v > q && thread.versions[v].lineage == thread.versions[q].lineage
                })
            })
    })?;
    Some((
        QuestionState::Answered,
        format!("the asker looked at a newer version, M{}, and did not say it again", looked + 1),
        vec![],
    ))
}

/// A `yes` to a question answers it, unless it promises a change.
fn is_plain_yes(text: &str) -> bool {
    const YES: [&str; 14] = [
        "yes",
        "yep",
        "yeah",
        "right",
        "correct",
        "exactly",
        "indeed",
        "true",
        "of course",
        "looks good",
        "lgtm",
        "works for me",
        "sounds good",
        "fine with me",
    ];
    const PROMISES: [&str; 9] =
        ["will", "i'll", "let me", "next version", "fix", "respin", "resend", "change", "update"];
    let lower = text.to_lowercase();
    starts_with_any(&lower, &YES) && first_of(&lower, &PROMISES).is_none()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(70) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The newest version of the same series that came after the question.
fn newest_after(question: &Question, thread: &Thread) -> Option<usize> {
    let version = question.version?;
    let lineage = thread.versions[version].lineage;
    let asked = question.asked.first()?.0;
    (0..thread.versions.len()).rev().find(|v| thread.versions[*v].lineage == lineage).filter(|v| {
        *v > version && thread.versions[*v].entry > asked && !thread.versions[*v].is_resend
    })
}

fn confirmed_by_tag(question: &Question, thread: &Thread) -> Option<(String, u64)> {
    let asked = question.asked.last()?.0;
    let tag = thread.tags.iter().find(|t| {
        matches!(t.trailer.kind, TrailerKind::Review | TrailerKind::Test)
            && t.place == crate::model::Place::Reply
            && t.condition.is_none()
            && t.entry > asked
            && t.trailer.person.is(&question.asker)
            && same_lineage(question.version, t.version, thread)
            && covers(t.patch, asked, thread)
    })?;
    Some((format!("the asker gave {}", tag.trailer.tag), tag.lines.first))
}

/// Whether a tag that was given to `patch` (to the whole series if none) is about the patch that the
/// message at `asked` is about: a tag on one patch says nothing of the others.
fn covers(patch: Option<usize>, asked: usize, thread: &Thread) -> bool {
    let find = |entry: usize| {
        thread.versions.iter().find_map(|v| {
            let patch = v.patches.iter().find(|p| p.entry == entry)?;
            Some((v.size, patch))
        })
    };
    let Some((size, given)) = patch.and_then(find) else { return true };
    match crate::tags::patch_of(asked, thread).and_then(find) {
        Some((other, of)) => given.title == of.title || size == other && given.number == of.number,
        None => size <= 1,
    }
}

/// The asker says later that the patch was applied: no demand of theirs is left.
fn applied_by_asker(
    all: &[&Message],
    question: &Question,
    thread: &Thread,
) -> Option<(String, u64)> {
    let asked = question.asked.last()?.0;
    let about = |entry: usize| {
        crate::tags::patch_of(entry, thread).and_then(|patch| {
            thread.versions.iter().flat_map(|v| &v.patches).find(|p| p.entry == patch)
        })
    };
    let number = about(asked).map(|p| p.number);
    for (entry, message) in all.iter().enumerate().skip(asked + 1) {
        let same = about(entry).is_none_or(|p| number.is_none() || number == Some(p.number))
            && same_lineage(question.version, thread.entries[entry].about, thread);
        if !same || !question.asker.is(&message.from) {
            continue;
        }
        if let Some(line) = crate::state::applied_in(message, entry, thread).first() {
            return Some((format!("the asker says it was applied, M{}", entry + 1), line.line));
        }
    }
    None
}

/// A patch that was sent as the answer to the very mail that asks.
fn sent_in_answer(question: &Question, thread: &Thread) -> Option<Standing> {
    let asked = question.asked.last()?.0;
    // Words alone change nothing: the file that the question is about must be another.
    let changes = |file: &parse_mail::FileDiff| -> Vec<(parse_mail::LineKind, String)> {
        let lines = file.hunks.iter().flat_map(|h| &h.body);
        lines.map(|l| (l.kind, l.text.clone())).collect()
    };
    let differs = |patch: &crate::model::Patch| match &question.anchor {
        Anchor::Code { version, path, .. } => {
            let old = thread.versions[*version].patches.iter().filter_map(|p| p.diff.as_ref());
            let old = old.filter_map(|d| d.file(path)).map(changes).next();
            patch.diff.as_ref().and_then(|d| d.file(path)).map(changes) != old
        }
        _ => true,
    };
    let asker_speaks_last = question.exchanges.last().is_some_and(|e| e.by_asker);
    let (at, patch) = thread.versions.iter().enumerate().find_map(|(at, v)| {
        let newer = question.version.is_none_or(|q| v.lineage == thread.versions[q].lineage);
        let answers = |p: &&crate::model::Patch| thread.entries[p.entry].parent == Some(asked);
        v.patches
            .iter()
            .find(answers)
            .filter(|_| newer && question.version != Some(at))
            .map(|p| (at, p))
    })?;
    (!asker_speaks_last && differs(patch)).then(|| {
        let name = thread.versions[at].name();
        (
            QuestionState::Changed(at),
            format!("{name} was sent in answer, M{}; not confirmed", patch.entry + 1),
            patch.diff.iter().map(|d| d.lines.first).collect(),
        )
    })
}

fn same_lineage(a: Option<usize>, b: Option<usize>, thread: &Thread) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => thread.versions[a].lineage == thread.versions[b].lineage,
        _ => true,
    }
}

/// A `Tested-by` or a machine's result that came after the question.
fn test_result(all: &[&Message], question: &Question, thread: &Thread) -> Option<(u64, String)> {
    let asked = question.asked.last()?.0;
    let tag = thread.tags.iter().find(|t| {
        t.trailer.kind == TrailerKind::Test
            && t.entry > asked
            && same_lineage(question.version, t.version, thread)
            && covers(t.patch, asked, thread)
    });
    if let Some(tag) = tag {
        return Some((
            tag.lines.first,
            format!("{} by {}", tag.trailer.tag, tag.trailer.person.shown()),
        ));
    }
    for message in all.iter().skip(asked + 1) {
        if !crate::machine::is_machine(message) {
            continue;
        }
        for line in message.body.lines().take(400) {
            let lower = line.text.to_lowercase();
            if let Some((phrase, _)) = RESULTS.iter().find(|r| lower.contains(r.0)) {
                return Some((line.number, format!("{}: {phrase}", message.from.shown())));
            }
        }
    }
    None
}

fn fixes(question: &Question, newest: Option<usize>, thread: &Thread) -> Standing {
    let ids = |v: usize| -> Vec<(&str, u64)> {
        thread
            .tags
            .iter()
            .filter(|t| t.version == Some(v) && t.trailer.kind == TrailerKind::Fixes)
            .map(|t| (t.trailer.value.split(' ').next().unwrap_or_default(), t.lines.first))
            .collect()
    };
    if let (Some(newest), Some(old)) = (newest, question.version) {
        let (before, after) = (ids(old), ids(newest));
        let name = thread.versions[newest].name();
        let evidence = after.iter().map(|a| a.1).collect();
        if before.iter().map(|b| b.0).ne(after.iter().map(|a| a.0)) {
            return (
                QuestionState::Changed(newest),
                format!("{name} names another Fixes"),
                evidence,
            );
        }
        if question.exchanges.is_empty() {
            let still = after.first().map_or("", |a| a.0);
            return (
                QuestionState::Open,
                format!("no reply; {name} still says Fixes: {still}"),
                evidence,
            );
        }
    }
    match question.exchanges.last() {
        Some(e) if !e.by_asker && e.tone == Tone::Answers => (
            QuestionState::Answered,
            format!("M{} {}; not confirmed", e.entry + 1, e.lines),
            Vec::new(),
        ),
        Some(_) => (QuestionState::Open, "discussed, Fixes unchanged".to_owned(), Vec::new()),
        None => (QuestionState::Open, "no reply".to_owned(), Vec::new()),
    }
}

/// What the newest version does to the lines a question is about.
fn by_version(
    all: &[&Message],
    question: &Question,
    newest: usize,
    thread: &Thread,
) -> Option<Standing> {
    let name = thread.versions[newest].name();
    let (version, lines) = match &question.anchor {
        Anchor::Code { version, lines, .. } => (*version, lines),
        Anchor::Text { lines } => (question.version?, lines),
        Anchor::None => return None,
    };
    let old = &thread.versions[version];
    if let Some(evidence) = anchor::changed(old, &thread.versions[newest], lines) {
        return Some((
            QuestionState::Changed(newest),
            format!("the lines changed in {name}; not confirmed"),
            evidence,
        ));
    }
    if matches!(question.anchor, Anchor::Code { .. }) {
        return None;
    }
    let gone = text_gone(all, lines, newest, thread)?;
    if !gone {
        return None;
    }
    let conceded = question.exchanges.iter().position(|e| e.by_author && e.tone == Tone::Agrees);
    let first_answer = question.exchanges.iter().position(|e| e.by_author);
    let settled = match (first_answer, conceded) {
        (Some(first), Some(end)) => {
            first < end && question.exchanges[first..end].iter().any(|e| e.by_asker)
        }
        _ => false,
    };
    if settled {
        let e = &question.exchanges[conceded?];
        return Some((
            QuestionState::Resolved(newest),
            format!("conceded in M{} {}, the text is gone in {name}", e.entry + 1, e.lines),
            Vec::new(),
        ));
    }
    if question.exchanges.iter().any(|e| !e.by_asker) {
        return Some((
            QuestionState::Moot(newest),
            format!("answered; the text it is about is gone in {name}"),
            Vec::new(),
        ));
    }
    Some((
        QuestionState::Changed(newest),
        format!("the text it is about is gone in {name}; no reply"),
        Vec::new(),
    ))
}

/// Whether the words of a version's message that a question quotes are gone in the newest version.
/// None if the quote is not from a version's message.
fn text_gone(all: &[&Message], lines: &[u64], newest: usize, thread: &Thread) -> Option<bool> {
    let mut telling = Vec::new();
    for version in &thread.versions {
        for entry in version.patches.iter().map(|p| p.entry).chain(version.cover) {
            for line in all[entry].body.lines() {
                if lines.contains(&line.number) && line.text.trim().len() >= 12 {
                    telling.push(fold(line.text));
                }
            }
        }
    }
    if telling.is_empty() {
        return None;
    }
    let new = &thread.versions[newest];
    let mut text = String::new();
    for entry in new.patches.iter().map(|p| p.entry).chain(new.cover) {
        for line in all[entry].body.lines() {
            text.push_str(line.text);
            text.push(' ');
        }
    }
    let text = fold(&text);
    Some(!telling.iter().any(|t| text.contains(t.as_str())))
}

/// A sentence that asks and shares no word with any answer, while another one does share some.
fn unanswered_part(question: &Question) -> Option<String> {
    if question.parts.len() < 2 {
        return None;
    }
    let mut answers = Vec::new();
    for e in question.exchanges.iter().filter(|e| !e.by_asker) {
        answers.extend(content_words(&e.text));
    }
    let shares = |part: &String| content_words(part).iter().any(|w| answers.contains(w));
    let (met, unmet): (Vec<&String>, Vec<&String>) = question.parts.iter().partition(|p| shares(p));
    (!met.is_empty()).then(|| unmet.first().map(|p| (*p).clone())).flatten()
}

/// Whose turn it is.
fn turn(all: &[&Message], question: &Question, thread: &Thread) -> Vec<String> {
    if question.state.is_closed() {
        return Vec::new();
    }
    let asker = question.asker.shown().to_owned();
    if matches!(question.state, QuestionState::Changed(_) | QuestionState::Answered) {
        return vec![asker];
    }
    let author = question
        .version
        .and_then(|v| thread.versions.get(v))
        .or_else(|| series::newest(thread).map(|v| &thread.versions[v]))
        .map(|v| v.author.clone());
    let by_author = author.as_ref().is_some_and(|a| a.is(&question.asker));
    if by_author {
        return match question.asked_of.is_empty() {
            true => vec!["reviewers".to_owned()],
            false => question.asked_of.clone(),
        };
    }
    // Without a patch it is whoever wrote the mail that is answered, or began the thread.
    let answered = question.asked.first().and_then(|(entry, _)| {
        let body = &all[*entry].body;
        let parent = thread.entries[*entry].parent.map(|p| all[p].from.clone());
        parent.or_else(|| {
            (0..body.len().min(1000))
                .filter_map(|i| parse_mail::attribution(body, i))
                .find(|a| a.depth == 0)
                .map(|a| a.person)
        })
    });
    let author = match author {
        Some(author) => format!("author ({})", author.shown()),
        // Its patch is not at hand, and so is its author's name.
        None if all.iter().any(|m| m.subject.is_patch) => "author".to_owned(),
        None => match answered.as_ref().or(all.first().map(|m| &m.from)) {
            Some(first) if !first.is(&question.asker) && first.shown() != "" => {
                first.shown().to_owned()
            }
            _ => match question.asked_of.is_empty() {
                true => "anyone who can answer".to_owned(),
                false => question.asked_of.join(", "),
            },
        },
    };
    let Some(last) = question.exchanges.last() else {
        return match question.asked_of.is_empty() {
            true => vec![author],
            false => question.asked_of.clone(),
        };
    };
    if question.ask == Ask::Test && !last.by_asker {
        // A test waits for those who run it, not for the author who replied.
        let lower = question.text.to_lowercase();
        return match first_of(&lower, &["syzbot", "syzkaller", "kernelci", "lkp", "0-day"]) {
            Some(name) => vec![format!("{name} side"), asker],
            None => vec![asker],
        };
    }
    match last.tone {
        // Somebody else promised to do it.
        Tone::Agrees
            if !last.by_author
                && !last.by_asker
                && crate::phrases::answers::promises(&last.text.to_lowercase()) =>
        {
            vec![all[last.entry].from.shown().to_owned()]
        }
        Tone::Deflects => vec![deflected_to(&last.text).unwrap_or(asker)],
        Tone::AsksBack if !last.by_asker => vec![asker],
        _ => vec![author],
    }
}

/// `should be answered by KCOV users.`: `KCOV users`.
fn deflected_to(text: &str) -> Option<String> {
    for mark in [
        "answered by ",
        "leave it to ",
        "leave that to ",
        "leave this to ",
        "ask the ",
        "up to the ",
    ] {
        if let Some((_, rest)) = text.split_once(mark) {
            let end = rest.find(['.', ',', ';', '?', '!']).unwrap_or(rest.len());
            let who = rest[..end].trim();
            if !who.is_empty() && who.len() <= 60 {
                return Some(who.to_owned());
            }
        }
    }
    None
}
