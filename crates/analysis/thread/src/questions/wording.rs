//! How a sentence asks and how an answer sounds.

use crate::model::{Ask, Tone};
use crate::phrases::answers::{AGREEMENT_STARTS, DEFLECTIONS, OFFERS, WITHDRAWALS, promises};
use crate::phrases::demands::PROMPTS;
use crate::text::{Sentence, first_of, sentences, starts_with_any};

/// Whether a paragraph right below a question or demand goes on with it: it asks nothing with a mark,
/// and does not set out anew. A `Fixes` or a test asked for is settled by a tag or a result, so a demand
/// below one stands for itself.
pub(super) fn explains(above: Ask, ask: Ask, text: &str) -> bool {
    if ask != above && matches!(above, Ask::Fixes | Ask::Test) {
        return false;
    }
    // What goes on in the middle of a sentence, as behind code.
    if text.starts_with(char::is_lowercase) {
        return true;
    }
    let lower = text.to_lowercase();
    let anew = [
        "also",
        "and also",
        "another",
        "similarly",
        "likewise",
        "please",
        "nit",
        "second",
        "finally",
        "then,",
        "further",
        "besides",
        "i also",
        "in addition",
        "that being said",
        "that said",
        "we should",
        "i suggest",
        "i'd suggest",
        "i would suggest",
        "i was wondering",
        "i wonder",
        "you ",
        "and ",
    ];
    let first = sentences(&lower).first().map_or(String::new(), |s| s.text.to_owned());
    let anew_inside = crate::text::has_phrase(&first, "also");
    let short = text.split(' ').count() <= 2 || is_prompt(text);
    match ask {
        Ask::Objection | Ask::Request => !anew_inside && !anew.iter().any(|w| lower.starts_with(w)),
        _ => short,
    }
}

/// Whether a paragraph only asks what others think of what stands above it: `Thoughts?`, `What do you think?`.
pub(super) fn is_prompt(text: &str) -> bool {
    text.trim_end().ends_with('?')
        && text.split(' ').count() <= 6
        && starts_with_any(&text.to_lowercase(), PROMPTS)
}

/// A question in quotation marks is somebody else's.
pub(super) fn is_quotation(text: &str, paragraph: &str) -> bool {
    let whole = paragraph.trim();
    text.trim_end().ends_with("?\"") || whole.starts_with('"') && whole.ends_with('"')
}

/// A question that its asker answers himself or that asks nobody: `right?` of one word, `(why not?)`.
pub(super) fn is_rhetorical(text: &str) -> bool {
    // `Notice how nothing is sent?` shows something.
    if starts_with_any(&text.to_lowercase(), &["notice how", "notice that", "see how", "remember"])
    {
        return true;
    }
    let inner = match text.trim_start().strip_prefix('(') {
        Some(inner) => inner,
        None if text.trim_end().ends_with("?)") => match text.rsplit_once('(') {
            Some((_, inner)) => inner,
            None => return false,
        },
        None => return false,
    };
    inner.split(' ').count() < 12
}

/// Whether an answer tells something before it asks back.
pub(super) fn tells(text: &str) -> bool {
    let all = sentences(text);
    all.len() > 1 && !all[0].is_question() && all[0].text.split(' ').count() >= 8
}

/// Whether a sentence asks for a test.
pub(super) fn is_about_test(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    ["tested", "testing", "test this", "test it", "test the", "retest"]
        .iter()
        .any(|w| crate::text::has_phrase(&lower, w))
}

/// How an answer sounds.
pub(super) fn tone(text: &str, by_asker: bool, after_counter: bool) -> Tone {
    let lower = text.to_lowercase();
    let all = sentences(text);
    let first = all.first().map(|s| s.text.to_lowercase()).unwrap_or_default();
    let asks = all.iter().any(Sentence::is_question);
    let ends_asking = all.last().is_some_and(Sentence::is_question);
    let turns = [" but ", ", just ", " i just don't ", " however", " though ", " except "];
    let agrees = starts_with_any(&lower, AGREEMENT_STARTS)
        && !turns.iter().any(|w| first.contains(w))
        && !first.starts_with("thanks for");
    if by_asker {
        return if first_of(&lower, WITHDRAWALS).is_some() {
            Tone::Withdraws
        } else if asks {
            Tone::AsksBack
        } else if agrees && !after_counter {
            Tone::Agrees
        } else {
            Tone::Answers
        };
    }
    let promised = all.iter().any(|s| promises(&s.text.to_lowercase()));
    if agrees || promised {
        Tone::Agrees
    } else if first_of(&lower, DEFLECTIONS).is_some() {
        Tone::Deflects
    } else if ends_asking {
        Tone::AsksBack
    } else if first_of(&lower, OFFERS).is_some() {
        Tone::Offers
    } else {
        Tone::Answers
    }
}
