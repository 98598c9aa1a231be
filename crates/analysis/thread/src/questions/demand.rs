//! Requests and objections without a question mark.

use crate::model::Ask;
use crate::phrases::{AGREEMENT_STARTS, OBJECTIONS, REQUESTS, first_of, starts_with_any};
use crate::text::Sentence;

/// Words between the words of a phrase that change nothing: `is totally broken`, `please also add`.
const FILLERS: &[&str] = &[
    "also",
    "just",
    "really",
    "totally",
    "utterly",
    "completely",
    "fundamentally",
    "quite",
    "very",
    "still",
    "rather",
    "probably",
    "particularly",
    "simply",
    "actually",
    "entirely",
    "clearly",
    "definitely",
    "certainly",
    "obviously",
    "at",
    "least",
    "only",
    "even",
    "pretty",
    "bit",
    "so",
    "too",
    "highly",
    "now",
    "much",
];

/// A sentence without emphasis and fillers, in lower case.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ') {
        let bare = word.trim_matches(['*', '_', '/']);
        let key = bare.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'');
        // A filler that ends a clause keeps its mark of punctuation.
        if FILLERS.contains(&key) && bare == key {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(bare);
    }
    out
}

/// Words that begin an order to the author: `Get rid of …`, `Add a comment`.
const ORDERS: &[&str] = &[
    "add",
    "avoid",
    "check",
    "change",
    "convert",
    "drop",
    "fix",
    "get rid",
    "keep",
    "make",
    "mention",
    "merge",
    "move",
    "put",
    "remove",
    "rename",
    "replace",
    "respin",
    "rebase",
    "resend",
    "rewrite",
    "reword",
    "split",
    "squash",
    "swap",
    "use",
    "return",
    "fold",
    "stop",
    "follow",
    "document",
    "explain",
    "consider",
    "why not",
    "suggest",
    "don't",
    "do not",
    "never",
    "always",
    "just use",
    "just drop",
    "just remove",
    "just make",
    "better",
    "same here",
    "same comment",
    "ditto",
    "s/",
];

/// What makes a sentence with such words none: it supports the patch, or tells what its sender does.
const NO_DEMAND: &[&str] = &[
    "all looks good",
    "maybe i",
    "perhaps i",
    "i've included",
    "i have included",
    "i've attached",
    "i have attached",
    "maybe that's why",
    "should be better",
    "should help",
    "should now",
    "should not matter",
    "shouldn't matter",
    "should not be a problem",
    "shouldn't be a problem",
    "should be applied",
    "perfectly happy",
    "be happy to",
    "be happy with",
    "no need to resend just",
    "should be straightforward",
    "should be trivial",
    "should be rare",
    "should be the same",
    "should be equivalent",
    "should be no",
    "should be fine",
    "should be ok",
    "should be okay",
    "should be good",
    "should be safe",
    "should be enough",
    "should be possible",
    "should be easy",
    "should work",
    "should fix",
    "please let me know",
    "feel free",
    "please see",
    "please find",
    "please correct me",
    "please note",
    "please refer",
    "no need to resend",
    "no need to respin",
    "i should have",
    "i should be",
    "i must be",
    "my mistake",
    "should have been",
    "if you want",
    "not sure if i",
    "we could add this",
    "not a big deal",
    "no objection",
    "don't think so",
    "not a problem",
    "no problem",
    "doesn't matter",
    "please pull",
    "please apply",
    "please take a look at my",
];

/// What a paragraph demands, and the sentences that do. `below_code`: it stands right below quoted code.
pub(super) fn of(
    lower: &str,
    all: &[Sentence<'_>],
    below_code: bool,
) -> Option<(Ask, Vec<String>)> {
    if starts_with_any(lower, AGREEMENT_STARTS) && !has_turn(lower) {
        return None;
    }
    let mut found: Vec<(Ask, String)> = Vec::new();
    for (at, sentence) in all.iter().enumerate() {
        let text = plain(&sentence.text.to_lowercase());
        // Only the first sentence below a line of code is about that line in any case.
        if let Some(ask) = demand(&text, below_code && at == 0) {
            found.push((ask, sentence.text.to_owned()));
        }
    }
    let ask = found.iter().find(|f| f.0 == Ask::Objection).or(found.first())?.0;
    Some((ask, found.into_iter().map(|f| f.1).collect()))
}

/// Whether praise turns into a demand: `looks good, but please add …`.
fn has_turn(lower: &str) -> bool {
    [
        " but ",
        " however",
        " though ",
        "except ",
        " nit",
        "one thing",
        "one comment",
        "please ",
        " also ",
        "well,",
        " rather ",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

fn demand(text: &str, below_code: bool) -> Option<Ask> {
    if NO_DEMAND.iter().any(|w| crate::text::has_phrase(text, w)) {
        return None;
    }
    if first_of(text, OBJECTIONS).is_some() {
        return Some(Ask::Objection);
    }
    if first_of(text, REQUESTS).is_some() || crate::text::has_phrase(text, "please") {
        return Some(Ask::Request);
    }
    let start = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let start = ["nit:", "minor:", "hmm,", "hm,", "so ", "and ", "also ", "then "]
        .iter()
        .find_map(|w| start.strip_prefix(w))
        .unwrap_or(start)
        .trim_start();
    if ORDERS
        .iter()
        .any(|o| start.strip_prefix(o).is_some_and(|r| o.ends_with('/') || r.starts_with(' ')))
    {
        return Some(Ask::Request);
    }
    if ["nit", "minor nit", "small nit", "tiny nit"].iter().any(|w| {
        text.trim_start_matches(|c: char| !c.is_alphanumeric())
            .strip_prefix(w)
            .is_some_and(|r| r.starts_with([':', ',', ' ', '-', 's']))
    }) {
        return Some(Ask::Request);
    }
    let blamed = ["you're ", "you are ", "you forgot", "you missed", "you still"]
        .iter()
        .any(|w| start.starts_with(w));
    let right =
        ["you're right", "you are right", "you're welcome", "you are correct", "you're correct"]
            .iter()
            .any(|w| start.starts_with(w));
    (below_code && (blamed && !right || finds_fault(start))).then_some(Ask::Objection)
}

/// Whether a sentence right below a line of code says that something is the matter with it.
fn finds_fault(text: &str) -> bool {
    const FAULTS: &[&str] = &[
        "badly",
        "odd",
        "wrong",
        "strange",
        "unused",
        "unrelated",
        "outdated",
        "stale",
        "verbose",
        "duplicate",
        "duplicated",
        "wasteful",
        "missing",
        "still fit",
        "would fit",
        "fits on",
        "must be",
        "must",
        "nobody checks",
        "never",
        "has been removed",
        "was removed",
        "no longer",
        "too long",
        "too many",
        "too late",
        "too early",
        "too much",
    ];
    // What its sender did, saw or will do is no fault of the line.
    !["i ", "i'", "we ", "yes", "no,", "thanks", "nice"].iter().any(|w| text.starts_with(w))
        && (first_of(text, FAULTS).is_some() || corrects(text))
}

/// `$FSTYP, not $fstyp`: what should stand there.
fn corrects(text: &str) -> bool {
    text.split(' ').count() <= 6 && text.split_once(", not ").is_some_and(|(a, _)| !a.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::sentences;

    fn ask(text: &str) -> Option<Ask> {
        of(&text.to_lowercase(), &sentences(text), false).map(|f| f.0)
    }

    #[test]
    fn demands_need_no_question_mark() {
        for text in [
            "Get rid of the goto.",
            "Please also add patches for the callers.",
            "Might be simpler to pass in the pointer.",
            "It might be worth to throw in a comment how this value was chosen.",
            "I'd do this in the caller, where it is more obvious.",
        ] {
            assert_eq!(ask(text), Some(Ask::Request), "{text}");
        }
        for text in [
            "This patch is totally broken.",
            "This is *fundamentally* broken.",
            "I don't think this is right.",
        ] {
            assert_eq!(ask(text), Some(Ask::Objection), "{text}");
        }
    }

    #[test]
    fn support_is_no_demand() {
        for text in [
            "This should be fine, the lock is held.",
            "Please let me know if that helps.",
            "Looks good to me.",
            "That should work for all callers.",
            "Thanks for the explanation.",
        ] {
            assert_eq!(ask(text), None, "{text}");
        }
    }
}
