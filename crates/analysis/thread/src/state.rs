//! The sum of a thread (rule T11): newest version, counts, tags, whose turn, last mail. A merge is
//! never concluded from mails.

use parse_mail::{Civil, Message, TrailerKind};

use crate::model::{Applied, Kind, Pulled, QuestionState, State, Tag, Thread, When};
use crate::own::{Role, prose, roles};
use crate::phrases::answers::refuses;
use crate::phrases::applied::{Named, named_patches, notes_applied, says_applied, takes_out};
use crate::series;
use crate::text::{first_of, sentences};

pub(crate) fn sum_up(all: &[&Message], thread: &mut Thread) {
    let mut state = State { newest: series::newest(thread), ..State::default() };
    for (number, question) in thread.questions.iter().enumerate() {
        match question.state {
            QuestionState::Open => state.open += 1,
            QuestionState::Answered => state.answered += 1,
            QuestionState::Partly => state.partly += 1,
            QuestionState::Changed(_) => state.changed += 1,
            _ => state.closed += 1,
        }
        let list = match question.state {
            QuestionState::Open | QuestionState::Partly => &mut state.ball,
            QuestionState::Answered | QuestionState::Changed(_) => &mut state.to_confirm,
            _ => continue,
        };
        let who = question.waits_for.join(", ");
        match list.iter_mut().find(|(name, _)| *name == who) {
            Some((_, numbers)) => numbers.push(number),
            None => list.push((who, vec![number])),
        }
    }
    review_tags(thread, &mut state);
    applied(all, thread, &mut state);
    refused(all, thread, &mut state);
    state.line = line(all, thread, &state);
    thread.state = state;
    thread.state.turn = crate::turn::of(all, thread);
}

fn review_tags(thread: &Thread, state: &mut State) {
    let Some(newest) = state.newest else { return };
    let whole: Vec<usize> = thread.whole(newest).collect();
    let mut seen: Vec<(String, String)> = Vec::new();
    for tag in &thread.tags {
        let counts = matches!(
            tag.trailer.kind,
            TrailerKind::Review | TrailerKind::Test | TrailerKind::Refusal
        );
        let Some(version) = tag.version else { continue };
        let stands = match whole.contains(&version) {
            true => !is_replaced(tag, version, &whole, thread),
            false => tag.carried_to.is_some(),
        };
        if !counts || tag.condition.is_some() || !stands {
            continue;
        }
        let key = (tag.trailer.tag.clone(), tag.trailer.person.shown().to_lowercase());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        match state.review_tags.iter_mut().find(|(name, _)| *name == tag.trailer.tag) {
            Some((_, count)) => *count += 1,
            None => state.review_tags.push((tag.trailer.tag.clone(), 1)),
        }
    }
}

/// Whether the patch that a tag was given to was sent anew since.
fn is_replaced(tag: &Tag, version: usize, whole: &[usize], thread: &Thread) -> bool {
    let given = thread.versions[version].patches.iter().find(|p| Some(p.entry) == tag.patch);
    let Some(number) = given.map(|p| p.number) else { return false };
    whole
        .iter()
        .take_while(|v| **v != version)
        .any(|v| thread.versions[*v].patches.iter().any(|p| p.number == number))
}

/// A sentence that says more than one patch was taken.
const WHOLE_SERIES: &[&str] = &[
    "series",
    "applied all",
    "all applied",
    "both applied",
    "applied both",
    "patches",
    "patchset",
    "patch set",
    "whole set",
];

/// What marks a sentence about applying as a wish or a condition.
const WISHES: &[&str] = &[
    "please",
    "should be",
    "can be",
    "could be",
    "once ",
    "if ",
    "will be",
    "needs to",
    "must be",
    "not ",
];

fn applied(all: &[&Message], thread: &Thread, state: &mut State) {
    let Some(newest) = state.newest else { return };
    let whole: Vec<usize> = thread.whole(newest).collect();
    let first = whole.iter().map(|v| thread.versions[*v].entry).min().unwrap_or(0);
    for (entry, message) in all.iter().enumerate() {
        let about = thread.entries[entry].about;
        if entry <= first
            || about.is_some_and(|v| !whole.contains(&v))
            || matches!(thread.entries[entry].kind, Kind::Patch(_) | Kind::Cover(_))
        {
            continue;
        }
        let number = crate::tags::patch_of(entry, thread).and_then(|patch| {
            let versions = whole.iter().map(|v| &thread.versions[*v]).filter(|v| v.size > 1);
            versions.flat_map(|v| &v.patches).find(|p| p.entry == patch).map(|p| p.number)
        });
        if state.said_applied.iter().any(|s| s.person.is(&message.from))
            && takes_back_applied(message, entry, thread)
        {
            let size = thread.versions[newest].size;
            take_out(&mut state.said_applied, message, number, size);
            continue;
        }
        let mut sentences = applied_in(message, entry, thread);
        // An author who takes it himself says no more than that.
        if thread.entries[entry].kind == Kind::Answer {
            sentences.retain(|s| s.is_note);
        }
        // `b4 ty` lists what was applied below.
        let listed = match sentences.first() {
            Some(first) => listed(message, first.line),
            None => Vec::new(),
        };
        for (number, line) in &listed {
            let said = Applied { person: message.from.clone(), line: *line, patch: *number };
            if !state.said_applied.iter().any(|s| s.patch == said.patch) {
                state.said_applied.push(said);
            }
        }
        if !listed.is_empty() {
            continue;
        }
        let size = thread.versions[newest].size;
        for sentence in sentences {
            for patch in taken(&sentence, number, size) {
                let said = Applied { person: message.from.clone(), line: sentence.line, patch };
                let known = |s: &Applied| s.person.is(&said.person) && s.patch == said.patch;
                if !state.said_applied.iter().any(known) {
                    state.said_applied.push(said);
                }
            }
        }
    }
}

/// The patches that a sentence says were taken: those that it names, else the one that its mail is
/// about, else the series of `size` patches, as `None`.
fn taken(sentence: &AppliedSentence, about: Option<u32>, size: u32) -> Vec<Option<u32>> {
    let inside = |numbers: &[u32]| numbers.iter().all(|n| *n <= size);
    let these = match &sentence.named {
        Some(Named::These(numbers)) if size > 1 && inside(numbers) => Some(numbers.clone()),
        Some(Named::AllBut(numbers)) if size > 1 && inside(numbers) => {
            Some((1..=size).filter(|n| !numbers.contains(n)).collect())
        }
        _ => None,
    };
    match these {
        Some(numbers) => numbers.into_iter().map(Some).collect(),
        None => vec![about.filter(|_| !sentence.is_of_series)],
    }
}

/// The patches that a note of `b4 ty` lists, `[2/3] title`, with their lines; one entry without a number
/// where it lists all of them.
fn listed(message: &Message, from: u64) -> Vec<(Option<u32>, u64)> {
    let numbered = |text: &str| -> Option<(u32, u32)> {
        let (number, size) = text.strip_prefix('[')?.split_once(']')?.0.split_once('/')?;
        Some((number.trim().parse().ok()?, size.trim().parse().ok()?))
    };
    let found: Vec<(u32, u32, u64)> = message
        .body
        .lines()
        .filter(|l| l.number > from)
        .filter_map(|l| numbered(l.text).map(|(n, size)| (n, size, l.number)))
        .collect();
    let all = found.first().is_some_and(|f| found.len() as u64 >= u64::from(f.1));
    match all {
        true => vec![(None, from)],
        false => found.into_iter().map(|f| (Some(f.0), f.2)).collect(),
    }
}

/// Takes back what somebody said to have applied: the patch that the message is about, else all.
fn take_out(said: &mut Vec<Applied>, message: &Message, patch: Option<u32>, size: u32) {
    let (mine, others): (Vec<Applied>, Vec<Applied>) =
        said.drain(..).partition(|s| s.person.is(&message.from));
    *said = others;
    let Some(patch) = patch else { return };
    for one in mine {
        match one.patch {
            None => said.extend(
                (1..=size.min(9999))
                    .filter(|n| *n != patch)
                    .map(|n| Applied { patch: Some(n), ..one.clone() }),
            ),
            Some(number) if number != patch => said.push(one),
            Some(_) => {}
        }
    }
}

/// Whether a message takes back that something was applied.
fn takes_back_applied(message: &Message, entry: usize, thread: &Thread) -> bool {
    prose(message, &roles(message, entry, thread), &[Role::Words]).iter().any(|paragraph| {
        sentences(&paragraph.text).iter().any(|s| takes_out(&s.text.to_lowercase()))
    })
}

/// Finds the refusals in words. One is taken back by the words that take it back, and by a review tag
/// of the same person given later.
fn refused(all: &[&Message], thread: &Thread, state: &mut State) {
    let Some(newest) = state.newest else { return };
    let whole: Vec<usize> = thread.whole(newest).collect();
    for (entry, message) in all.iter().enumerate() {
        let kind = thread.entries[entry].kind;
        if kind != Kind::Review || !thread.entries[entry].about.is_some_and(|v| whole.contains(&v))
        {
            continue;
        }
        // Few mails have the word at all.
        let has_word = message.body.lines().any(|l| {
            let bytes = l.text.as_bytes();
            bytes
                .windows(3)
                .any(|w| w.eq_ignore_ascii_case(b"nak") || w.eq_ignore_ascii_case(b"nac"))
        });
        let words = match has_word {
            true => prose(message, &roles(message, entry, thread), &[Role::Words]),
            false => Vec::new(),
        };
        for paragraph in words {
            let lower = paragraph.text.to_lowercase();
            if takes_back(&lower) {
                state.refused.retain(|r| !r.person.is(&message.from));
            } else if refuses(&lower) && !state.refused.iter().any(|r| r.person.is(&message.from)) {
                state.refused.push(Applied {
                    person: message.from.clone(),
                    line: paragraph.lines(0, 1).first,
                    patch: None,
                });
            }
        }
        let reviewed = thread.tags.iter().any(|t| {
            t.entry == entry && t.trailer.kind == TrailerKind::Review && t.condition.is_none()
        });
        if reviewed {
            state.refused.retain(|r| !r.person.is(&message.from));
        }
    }
}

/// Words that take a refusal back.
fn takes_back(lower: &str) -> bool {
    [
        "withdraw my na",
        "withdrawing my na",
        "retract my na",
        "take back my na",
        "drop my na",
        "ignore my na",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

/// A sentence that says that something was applied.
pub(crate) struct AppliedSentence {
    /// Its first line in the input.
    pub(crate) line: u64,
    /// It says so of more than one patch.
    is_of_series: bool,
    /// It says nothing else.
    is_note: bool,
    /// The patches that it names.
    named: Option<Named>,
}

/// The sentences of a message, in its sender's own words, that say that something was applied.
pub(crate) fn applied_in(message: &Message, entry: usize, thread: &Thread) -> Vec<AppliedSentence> {
    let roles = roles(message, entry, thread);
    let mut found = Vec::new();
    for paragraph in prose(message, &roles, &[Role::Words]) {
        for sentence in sentences(&paragraph.text) {
            let lower = sentence.text.to_lowercase();
            let wish = sentence.is_question() || WISHES.iter().any(|w| lower.contains(w));
            if !wish && says_applied(&lower) {
                found.push(AppliedSentence {
                    line: paragraph.lines(sentence.start, sentence.end).first,
                    is_of_series: first_of(&lower, WHOLE_SERIES).is_some(),
                    is_note: notes_applied(&lower),
                    named: named_patches(&lower),
                });
            }
        }
    }
    found
}

fn line(all: &[&Message], thread: &Thread, state: &State) -> String {
    let mut out = String::new();
    match state.newest {
        Some(newest) => {
            let version = &thread.versions[newest];
            let size = version.size.max(u32::try_from(version.patches.len()).unwrap_or(u32::MAX));
            out.push_str(&format!(
                "{} of {size} patch{}, ",
                version.name(),
                if size == 1 { "" } else { "es" }
            ));
            let mut numbers: Vec<u32> = state.said_applied.iter().filter_map(|s| s.patch).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let all = state.said_applied.iter().any(|s| s.patch.is_none())
                || numbers.len() as u64 >= u64::from(size);
            match numbers.len() {
                _ if all => out.push_str("said to be applied."),
                0 => out.push_str("under review."),
                count => {
                    out.push_str(&format!("under review, {count} of them said to be applied."));
                }
            }
        }
        None => out.push_str(&without_version(all, thread)),
    }
    if !thread.questions.is_empty() {
        let mut counts = vec![format!("{} open", state.open)];
        for (count, name) in [
            (state.partly, "partly"),
            (state.answered, "answered but unconfirmed"),
            (state.changed, "changed but unconfirmed"),
            (state.closed, "closed"),
        ] {
            if count > 0 {
                counts.push(format!("{count} {name}"));
            }
        }
        out.push_str(&format!(" {}.", counts.join(", ")));
    } else {
        out.push_str(" No question found.");
    }
    if state.newest.is_some() {
        let tags: Vec<String> =
            state.review_tags.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let tags = if tags.is_empty() { "No review tags".to_owned() } else { tags.join(", ") };
        let tags = match state.refused.len() {
            0 => tags,
            n => format!("{tags}, {n} NAK in words"),
        };
        let results = thread.tests.done.iter().filter(|t| t.passed.is_some()).count()
            + thread.tests.tested_by;
        let tested = match results {
            0 => "no test result".to_owned(),
            1 => "1 test result".to_owned(),
            n => format!("{n} test results"),
        };
        let bad = thread.tests.done.iter().filter(|t| t.passed == Some(false)).count();
        let tested = match bad {
            0 => tested,
            n => format!("{tested} ({n} bad)"),
        };
        out.push_str(&format!(" {tags}, {tested}, no merge seen."));
    }
    if !state.ball.is_empty() {
        out.push_str(&format!(" Ball: {}.", turns(&state.ball)));
    }
    let known = thread.entries.iter().rev().find(|e| !e.when.is_unknown);
    if let Some(last) = known.or(thread.entries.last()) {
        out.push_str(&format!(" Last mail {}.", day(last.when)));
    }
    out
}

/// What a thread without any version of a patch is.
fn without_version(all: &[&Message], thread: &Thread) -> String {
    if let Some(pull) = thread.pulls.last() {
        let what = pull.reference.as_deref().unwrap_or(&pull.url);
        return match &pull.pulled {
            None => format!("Pull request for {what}."),
            Some(Pulled { commit: Some(commit), .. }) => {
                format!("Pull request for {what}, said to be merged as {commit}.")
            }
            Some(_) => format!("Pull request for {what}, said to be merged."),
        };
    }
    let answered = all.iter().position(|m| m.subject.is_patch && m.subject.is_reply);
    if let Some(at) = answered {
        let subject = &all[at].subject;
        let number = match subject.number {
            Some((0, _)) => " (its cover letter)".to_owned(),
            Some((number, size)) => format!(" {number}/{size}"),
            None => String::new(),
        };
        return format!("No patch at hand: M{} is about {}{number}.", at + 1, subject.version);
    }
    match thread.drafts.len() {
        0 => "No patch.".to_owned(),
        1 => "No version of a patch, 1 diff.".to_owned(),
        n => format!("No version of a patch, {n} diffs."),
    }
}

/// `author (Q6 Q7), KCOV users (Q9)`.
pub(crate) fn turns(list: &[(String, Vec<usize>)]) -> String {
    list.iter()
        .map(|(who, numbers)| {
            let numbers: Vec<String> = numbers.iter().map(|n| format!("Q{}", n + 1)).collect();
            format!("{who} ({})", numbers.join(" "))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

/// `22 May 2026`, `~29 May 2026`, or that it is not known.
pub(crate) fn day(when: When) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if when.is_unknown {
        return "at an unknown time".to_owned();
    }
    let middle = when.low + (when.high - when.low) / 2;
    let c = Civil::from_seconds(middle);
    let month = MONTHS.get(c.month.saturating_sub(1) as usize).copied().unwrap_or("?");
    format!("{}{} {month} {}", if when.is_exact { "" } else { "~" }, c.day, c.year)
}
