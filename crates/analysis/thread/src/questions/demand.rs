//! Requests and objections without a question mark.

use crate::model::Ask;
use crate::phrases::answers::AGREEMENT_STARTS;
use crate::phrases::demands::{OBJECTIONS, REQUESTS};
use crate::text::{Sentence, first_of, starts_with_any};

use super::grammar;

/// What stands right above a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    /// Quoted lines of a patch's diff.
    Code,
    /// Quoted words of a patch's message.
    Message,
    /// Anything else.
    Other,
}

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
    "then",
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
    "please report any",
    "please check the listed branch",
    "encouraged to provide",
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
    "i don't mind",
    "i do not mind",
    "on my part",
    "don't feel strongly",
];

/// What a paragraph demands, and the sentences that do.
pub(super) fn of(lower: &str, all: &[Sentence<'_>], below: Below) -> Option<(Ask, Vec<String>)> {
    let settles = starts_with_any(lower, AGREEMENT_STARTS) && !has_turn(lower);
    if settles || starts_with_any(lower, &["sorry for", "sorry about"]) {
        return None;
    }
    let mut found: Vec<(Ask, String)> = Vec::new();
    for (at, sentence) in all.iter().enumerate() {
        let text = plain(&sentence.text.to_lowercase());
        // Only the first sentence below a line of code is about that line in any case.
        if let Some(ask) = demand(&text, below == Below::Code && at == 0) {
            found.push((ask, sentence.text.to_owned()));
        }
    }
    // What ends in a colon or a link leads up to what follows.
    // A question that counts for none, as in quotation marks, is no remark either.
    let leads = lower.ends_with(':')
        || all.iter().any(Sentence::is_question)
        || all.last().is_some_and(|s| s.text.contains("://"));
    if found.is_empty() && below != Below::Other && !leads && is_remark(lower, below) {
        found.push((Ask::Objection, all.first()?.text.to_owned()));
    }
    let ask = found.iter().find(|f| f.0 == Ask::Objection).or(found.first())?.0;
    Some((ask, found.into_iter().map(|f| f.1).collect()))
}

/// How a paragraph begins that a reviewer writes below a line without wanting anything changed there:
/// praise, a tag, an account of what was done.
const NO_REMARK: &[&str] = &[
    "otherwise",
    "other than",
    "apart from",
    "aside from",
    "the rest",
    "looks",
    "look good",
    "this looks good",
    "this looks great",
    "this looks fine",
    "this looks reasonable",
    "this part looks",
    "the patch looks",
    "patch looks",
    "the changes look",
    "the change looks",
    "code looks",
    "neat",
    "cool",
    "good",
    "very nice",
    "very good",
    "awesome",
    "perfect",
    "excellent",
    "wonderful",
    "love",
    "reviewed",
    "acked",
    "tested",
    "feel free",
    "with that",
    "with this",
    "with those",
    "with these",
    "fwiw",
    "fyi",
    "for the record",
    "for reference",
    "applied",
    "queued",
    "pushed",
    "merged",
    "i've",
    "i have",
    "i had",
    "i like",
    "i love",
    "i agree",
    "i'm fine",
    "i am fine",
    "i'm ok",
    "i'm okay",
    "i'm happy",
    "i'm good",
    "i tested",
    "i reviewed",
    "i also tested",
    "i did",
    "i just",
    "i was",
    "i can",
    "i could",
    "i think this is good",
    "i think this is fine",
    "i think this looks",
    "i think it's fine",
    "i think this makes sense",
    "i guess this is fine",
    "i suppose this is fine",
    "no objection",
    "no objections",
    "no issue",
    "no issues",
    "never mind",
    "nevermind",
    "nvm",
    "hi",
    "hello",
    "hey",
    "dear",
    "sorry",
    "this is good",
    "this is great",
    "this is nice",
    "this is fine",
    "this makes sense",
    "this seems fine",
    "this seems reasonable",
    "seems reasonable",
    "seems fine",
    "seems good",
    "makes",
    "that's fine",
    "that is fine",
    "that's good",
    "it's fine",
    "it's ok",
    "as discussed",
    "as expected",
    "here's",
    "here is",
    "on ",
    "from",
    "http",
    "hmm",
    "hm",
    "heh",
    "haha",
    "lol",
    "just a note",
    "just for",
    "note to self",
    "my point",
    "interesting",
    "i remember",
    "i looked",
    "i checked",
    "checked",
    "i think i've",
    "i think i have",
    "that's what i",
    "that is what i",
    "this is what i",
    "minor comments",
    "some comments",
    "a few comments",
    "comments below",
    "comments inline",
];

/// Praise that makes a paragraph none that wants something, wherever it stands.
const PRAISE: &[&str] = &[
    "looks good",
    "looks great",
    "looks fine",
    "looks ok",
    "looks okay",
    "looks right",
    "looks correct",
    "looks sane",
    "looks reasonable",
    "look good",
    "look fine",
    "makes sense",
    "thank you",
    "thanks for",
    "many thanks",
    "nice cleanup",
    "nice catch",
    "nice work",
    "good catch",
    "good work",
    "great work",
    "good idea",
    "nice to see",
    "happy to see",
    "glad to see",
    "sounds good",
    "works for me",
    "no problem",
    "not a problem",
    "i like this",
    "like this idea",
];

/// Whether a paragraph right below lines of a patch says something about them that its author is to
/// deal with. Most do: what is said without a demand's words is one unless it praises or tells what its
/// sender does.
fn is_remark(lower: &str, below: Below) -> bool {
    let words = lower
        .split(' ')
        .filter(|w| {
            let bare = w.trim_matches(|c: char| !c.is_alphanumeric());
            bare.len() > 1 && bare.chars().all(|c| c.is_alphabetic() || "'-".contains(c))
        })
        .count();
    let least = if below == Below::Code { 2 } else { 4 };
    let signs = lower.chars().filter(|c| "{}[]|=<>&*\\#$%@+;".contains(*c)).count();
    let calls = lower.matches('(').count();
    words >= least
        && (words >= 5 || (signs + calls) * 10 <= lower.len())
        && lower.ends_with(|c: char| !matches!(c, ';' | '{' | '}' | '\\'))
        && !starts_with_any(lower, AGREEMENT_STARTS)
        && !starts_with_any(lower, NO_REMARK)
        && first_of(lower, PRAISE).is_none()
        && NO_DEMAND.iter().all(|w| !crate::text::has_phrase(lower, w))
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
        " still ",
        " yet ",
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
    if let Some(ask) = grammar::demand(text) {
        return Some(ask);
    }
    let start = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let start = ["nit:", "minor:", "hmm,", "hm,", "so ", "and ", "also, ", "also ", "then "]
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
        of(&text.to_lowercase(), &sentences(text), Below::Other).map(|f| f.0)
    }

    #[test]
    fn demands_need_no_question_mark() {
        for text in [
            "Get rid of the goto.",
            "Please also add patches for the callers.",
            "Might be simpler to pass in the pointer.",
            "It might be worth to throw in a comment how this value was chosen.",
            "I'd do this in the caller, where it is more obvious.",
            "Could take the lock in the caller.",
            "I think then we need a helper for this.",
            "I guess you can merge this with the next patch.",
            "It'd also be great to have a test for it.",
            "I would not flush the queue here.",
        ] {
            assert_eq!(ask(text), Some(Ask::Request), "{text}");
        }
        for text in [
            "This patch is totally broken.",
            "This is *fundamentally* broken.",
            "I don't think this is right.",
            "This looks a bit complicated.",
            "I'm still a little worried about the counter.",
        ] {
            assert_eq!(ask(text), Some(Ask::Objection), "{text}");
        }
    }

    #[test]
    fn what_stands_right_below_a_changed_line_is_about_it_unless_it_praises() {
        let ask = |text: &str| of(&text.to_lowercase(), &sentences(text), Below::Code).map(|f| f.0);
        for text in
            ["Still passing a cookie.", "Sentences start with a capital.", "Capital W please"]
        {
            assert!(ask(text).is_some(), "{text}");
        }
        for text in [
            "Otherwise this is what I had in mind.",
            "Nice cleanup of the callers.",
            "Feel free to add my tag",
            "int pump_start(void);",
            "I've folded this in.",
        ] {
            assert_eq!(ask(text), None, "{text}");
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
            "I would be happy with either.",
            "You can add my tag.",
        ] {
            assert_eq!(ask(text), None, "{text}");
        }
    }
}
