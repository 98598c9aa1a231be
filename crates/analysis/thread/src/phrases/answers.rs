//! Words by which answers are recognised: agreement, promises, what is taken back, refusals.

use crate::text::has_phrase;

/// A sentence that agrees, praises or promises nothing: what follows is no demand.
pub(crate) const AGREEMENT_STARTS: &[&str] = &[
    "that sounds",
    "this sounds good",
    "fine with me",
    "works for me",
    "got it",
    "gotcha",
    "i see",
    "understood",
    "no worries",
    "no problem",
    "good idea",
    "good spotting",
    "that clears it up",
    "ok",
    "okay",
    "indeed",
    "right",
    "you're right",
    "you are right",
    "agreed",
    "agree",
    "i agree",
    "good catch",
    "good point",
    "yes",
    "yep",
    "yeah",
    "yup",
    "will do",
    "will fix",
    "will change",
    "will add",
    "will update",
    "will drop",
    "will remove",
    "done",
    "fixed",
    "ack",
    "sure",
    "makes sense",
    "that makes sense",
    "thanks",
    "thank you",
    "fair enough",
    "fair point",
    "noted",
    "sounds good",
    "of course",
    "correct",
    "exactly",
    "this is correct",
    "that is correct",
    "true",
    "looks good",
    "lgtm",
    "nice",
    "great",
    "i'll",
    "i will",
    "oh right",
    "oops",
    "ah",
    "my bad",
    "my mistake",
];

/// Someone else should answer.
pub(crate) const DEFLECTIONS: &[&str] = &[
    "should be answered by",
    "i don't know",
    "i do not know",
    "no idea",
    "leave it to",
    "leave that to",
    "leave this to",
    "up to the",
    "ask the",
    "not my area",
    "let the maintainer",
    "someone else",
];

/// Words of one who asks for consent to a way of doing it, which a newer version then takes or leaves.
pub(crate) const ASKS_CONSENT: &[&str] = &[
    "agree",
    "what do you think",
    "what do you say",
    "do you think",
    "your opinion",
    "any thoughts",
    "thoughts?",
    "any objection",
    "any objections",
    "any concern",
    "any concerns",
    "other concerns",
    "make sense",
    "makes sense",
    "sound good",
    "sounds good",
    "sound ok",
    "sound okay",
    "sound reasonable",
    "look good",
    "look ok",
    "look okay",
    "look reasonable",
    "look better",
    "acceptable",
    "fine with you",
    "ok with you",
    "okay with you",
    "is that ok",
    "is that okay",
    "is this ok",
    "is this okay",
    "would that work",
    "would this work",
    "like this",
    "would you prefer",
    "do you prefer",
    "shall i",
    "should i",
    "should we",
    "can we",
    "could we",
    "how about",
    "what about",
];

/// It could be done, on a condition.
pub(crate) const OFFERS: &[&str] = &[
    "if we want",
    "if you want",
    "if you like",
    "if you prefer",
    "if needed",
    "if necessary",
    "if preferred",
    "i can try",
    "we can try",
    "i could",
    "we could",
    "we can add",
    "i can add",
    "might be possible",
    "would be possible",
    "will be possible",
    "let me think",
    "i'll think",
    "let me check",
    "i'll check",
    "will check",
    "i'll look",
    "will look into",
];

/// The asker takes it back.
pub(crate) const WITHDRAWALS: &[&str] = &[
    "wasn't an objection",
    "was not an objection",
    "not an objection",
    "i misread the code",
    "that clears it up",
    "that answers my question",
    "never mind",
    "nevermind",
    "nvm",
    "scratch that",
    "ignore my",
    "ignore me",
    "forget it",
    "forget what i",
    "please disregard",
    "please ignore",
    "i take that back",
    "i misread",
    "i missed that",
    "i was wrong",
    "sorry for the noise",
    "my mistake",
    "i stand corrected",
];

/// The one who claimed something gives it up.
pub(crate) const CONCESSIONS: &[&str] = &[
    "was wrong",
    "were wrong",
    "i was mistaken",
    "was mistaken",
    "i stand corrected",
    "my claim was",
    "i misunderstood",
    "i misread",
    "turned out to be wrong",
    "turns out i was",
    "admitted that",
    "i take that back",
    "scratch that",
    "i retract",
];

/// The sentence before a trailer makes it depend on something.
pub(crate) const CONDITIONS: &[&str] = &[
    "with that",
    "with this fixed",
    "with that fixed",
    "with these",
    "with those",
    "once ",
    "if you ",
    "after that",
    "assuming",
    "provided",
    "when fixed",
    "feel free to add",
    "with the above",
    "other than that",
    "apart from that",
    "with nits",
    "with the nit",
];

/// Verbs of a promise to change something.
const CHANGES: &[&str] = &[
    "add",
    "address",
    "adjust",
    "change",
    "clean",
    "clarify",
    "convert",
    "correct",
    "document",
    "do that",
    "do this",
    "do so",
    "do it",
    "drop",
    "fix",
    "fold",
    "improve",
    "include",
    "incorporate",
    "keep",
    "make",
    "merge",
    "mention",
    "modify",
    "move",
    "name",
    "post",
    "rebase",
    "reformat",
    "remove",
    "rename",
    "reorder",
    "rephrase",
    "replace",
    "repost",
    "resend",
    "respin",
    "restore",
    "return",
    "rework",
    "reword",
    "revert",
    "rewrite",
    "send",
    "simplify",
    "skip",
    "spin",
    "split",
    "squash",
    "submit",
    "switch",
    "take care",
    "update",
    "use",
    "cook",
];

/// Whether a sentence, in lower case, promises a change: `will fix`, `I'll send a v2`, `in the next version`.
pub(crate) fn promises(lower: &str) -> bool {
    const FUTURE: &[&str] = &[
        "i'll ",
        "i will ",
        "we'll ",
        "we will ",
        "let me ",
        "i am going to ",
        "i'm going to ",
        "going to ",
        "i'd ",
        "can ",
        "shall ",
        "i plan to ",
        "will ",
    ];
    const NEXT: &[&str] = &[
        "in the next version",
        "in next version",
        "in the next revision",
        "in next revision",
        "in the next spin",
        "in the next round",
        "next version",
        "next revision",
        "in v2",
        "in v3",
        "in v4",
        "in v5",
        "in v6",
        "in v7",
        "for v2",
        "for v3",
        "for v4",
        "will do",
        "will fix",
        "respin",
    ];
    if lower.ends_with('?') || lower.contains(" you ") || lower.starts_with("you ") {
        return false;
    }
    if NEXT.iter().any(|w| has_phrase(lower, w)) {
        return true;
    }
    // Only the first person promises: `it will drop the lock` says what code does.
    FUTURE.iter().any(|future| {
        lower.match_indices(future).any(|(at, _)| {
            let before = &lower[..at];
            let whole =
                before.is_empty() || !before.ends_with(|c: char| c.is_alphanumeric() || c == '\'');
            let own =
                future.starts_with('i') || future.starts_with("let me") || future.starts_with("we");
            let bare = before
                .trim_end_matches([' ', ',', '.', ':'])
                .rsplit([' ', ','])
                .next()
                .unwrap_or("");
            let begins = matches!(
                bare,
                "" | "ok"
                    | "okay"
                    | "sure"
                    | "yes"
                    | "right"
                    | "yeah"
                    | "yep"
                    | "and"
                    | "true"
                    | "thanks"
                    | "agreed"
                    | "indeed"
                    | "done"
                    | "noted"
                    | "ack"
                    | "so"
                    | "i"
            );
            let after =
                lower[at + future.len()..].trim_start_matches("also ").trim_start_matches("then ");
            let verb = CHANGES.iter().any(|v| {
                after.strip_prefix(v).is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric()))
            });
            whole
                && verb
                && (own && *future != "i'd "
                    || begins && *future == "will "
                    || *future == "going to " && begins)
        })
    })
}

/// Whether a sentence, in lower case, takes a series back.
pub(crate) fn gives_up(lower: &str) -> bool {
    const WORDS: &[&str] = &[
        "please ignore this",
        "please drop this",
        "please disregard",
        "ignore this series",
        "ignore this patch",
        "drop this series",
        "drop this patch",
        "self-nack",
        "self nack",
        "self-nak",
        "withdraw this",
        "i'm dropping this",
        "i am dropping this",
        "i'll drop this patch",
        "i will drop this patch",
        "let's drop this patch",
        "please ignore these",
        "sorry for the noise",
        "sorry about the noise",
    ];
    WORDS.iter().any(|w| has_phrase(lower, w))
}

/// Whether a paragraph, in lower case, begins with a refusal of the patch in words: `NAK.`.
pub(crate) fn refuses(lower: &str) -> bool {
    const BEFORE: [&str; 8] =
        ["strong ", "hard ", "big ", "fat ", "sorry, ", "so ", "this is a ", "it's a "];
    let mut text = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    for _ in 0..3 {
        text = BEFORE.iter().find_map(|w| text.strip_prefix(w)).unwrap_or(text);
    }
    ["nak", "nack", "nacked"].iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            let rest = rest.trim_start_matches(['\u{2010}', '-']);
            !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                && !rest.starts_with("by")
                && !rest.starts_with('?')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::refuses;

    #[test]
    fn a_refusal_begins_with_its_word() {
        for text in ["nak.", "nack, this breaks suspend", "strong nak from me", "nak"] {
            assert!(refuses(text), "{text}");
        }
        for text in
            ["the snack is good", "nak?", "nacked-by: a", "nakamura wrote", "i got a nak bit"]
        {
            assert!(!refuses(text), "{text}");
        }
    }
}
