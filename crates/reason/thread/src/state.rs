//! The sum of a thread (rule T11): newest version, counts, tags, whose turn, last mail. A merge is
//! never concluded from mails.

use read_mail::{Civil, Message, TrailerKind};

use crate::model::{Kind, QuestionState, State, Thread, When};
use crate::own::{Role, prose, roles};
use crate::phrases::{APPLIED, first_of};
use crate::series;
use crate::text::sentences;

pub(crate) fn sum_up(all: &[&Message], thread: &mut Thread) {
    let mut state = State { newest: series::newest(&thread.versions), ..State::default() };
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
    state.line = line(thread, &state);
    thread.state = state;
}

fn review_tags(thread: &Thread, state: &mut State) {
    let Some(newest) = state.newest else { return };
    let mut seen: Vec<(String, String)> = Vec::new();
    for tag in &thread.tags {
        let counts = matches!(
            tag.trailer.kind,
            TrailerKind::Review | TrailerKind::Test | TrailerKind::Refusal
        );
        if !counts || tag.version != Some(newest) || tag.condition.is_some() {
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

fn applied(all: &[&Message], thread: &Thread, state: &mut State) {
    let Some(newest) = state.newest else { return };
    let first = thread.versions[newest].entry;
    for (entry, message) in all.iter().enumerate() {
        if entry <= first
            || matches!(thread.entries[entry].kind, Kind::Patch(_) | Kind::Cover(_) | Kind::Answer)
        {
            continue;
        }
        let roles = roles(message, entry, thread);
        for paragraph in prose(message, &roles, &[Role::Words]) {
            for sentence in sentences(&paragraph.text) {
                let lower = sentence.text.to_lowercase();
                let wish = sentence.is_question()
                    || [
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
                    ]
                    .iter()
                    .any(|w| lower.contains(w));
                if !wish
                    && first_of(&lower, APPLIED).is_some()
                    && !state.said_applied.iter().any(|s| s.0.is(&message.from))
                {
                    let at = paragraph.lines(sentence.start, sentence.end).first;
                    state.said_applied.push((message.from.clone(), at));
                }
            }
        }
    }
}

fn line(thread: &Thread, state: &State) -> String {
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
            out.push_str(match state.said_applied.is_empty() {
                true => "under review.",
                false => "said to be applied.",
            });
        }
        None => out.push_str("No patch."),
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
        let results = thread.tests.done.iter().filter(|t| t.passed.is_some()).count()
            + thread.tests.tested_by;
        let tested = match results {
            0 => "no test result".to_owned(),
            1 => "1 test result".to_owned(),
            n => format!("{n} test results"),
        };
        out.push_str(&format!(" {tags}, {tested}, no merge seen."));
    }
    if !state.ball.is_empty() {
        out.push_str(&format!(" Ball: {}.", turns(&state.ball)));
    }
    if let Some(last) = thread.entries.last() {
        out.push_str(&format!(" Last mail {}.", day(last.when)));
    }
    out
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
