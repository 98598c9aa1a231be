//! The words by which demands, answers, tests and retractions are recognised: tables that a newcomer
//! extends by a row. All in lower case. A statement that rests on one is graded INFERRED.

/// A change is wanted.
pub(crate) const REQUESTS: &[&str] = &[
    "you can just",
    "you could just",
    "can be moved",
    "could be moved",
    "should be moved",
    "i'd just mention",
    "we need to",
    "we'd need to",
    "would need to",
    "should begin",
    "should start",
    "should end",
    "should contain",
    "should include",
    "should mention",
    "should say",
    "should explain",
    "should describe",
    "should call",
    "should do",
    "should only",
    "should never",
    "should always",
    "should just",
    "should make",
    "should keep",
    "should set",
    "should fail",
    "should follow",
    "should probably",
    "should really",
    "should rather",
    "can be dropped",
    "can be removed",
    "can be simplified",
    "can be folded",
    "can be merged",
    "could be dropped",
    "could be removed",
    "could be simplified",
    "could be written",
    "could be merged",
    "i find myself wishing",
    "i'd like to know",
    "i would like to know",
    "i'd like to understand",
    "i'd expect",
    "i would expect",
    "i would have expected",
    "i was expecting",
    "would make more sense",
    "would make most sense",
    "makes more sense to",
    "would be more",
    "we might want to",
    "we may want to",
    "may get rid of",
    "might as well",
    "may as well",
    "would be clearer",
    "clearer to",
    "helpful to mention",
    "helpful to",
    "recommend",
    "needs some",
    "i'd question",
    "i would question",
    "deserves a",
    "might deserve",
    "warrants a",
    "can you please",
    "would you mind",
    "someone can explain",
    "somebody can explain",
    "care to",
    "looks cleaner",
    "would look cleaner",
    "reads better",
    "get rid of",
    "might be simpler",
    "would be simpler",
    "would be cleaner",
    "might be cleaner",
    "might be better",
    "would be easier",
    "would be good",
    "would be great",
    "would be helpful",
    "would be useful",
    "would be preferable",
    "might be worth",
    "may be worth",
    "would be worth",
    "worth adding",
    "worth mentioning",
    "i'd do",
    "i'd use",
    "i'd call",
    "i'd suggest",
    "i'd say",
    "i'd drop",
    "i'd keep",
    "i'd move",
    "i'd add",
    "i'd make",
    "i'd put",
    "i'd split",
    "i'd like to see",
    "i would do",
    "i would use",
    "i would suggest",
    "i would drop",
    "i would keep",
    "i would like to see",
    "i think we need",
    "i think you need",
    "i think we should",
    "i think it's better",
    "i think it is better",
    "we should",
    "you might want",
    "you may want",
    "you might add",
    "this needs",
    "this should",
    "it should",
    "should remain",
    "should use",
    "should have",
    "should go",
    "should return",
    "should check",
    "should hold",
    "should stay",
    "should move",
    "should live",
    "should happen",
    "should come",
    "should take",
    "should get",
    "need to fix",
    "needs a",
    "need a",
    "i wonder if",
    "i wonder why",
    "i wonder whether",
    "i wonder how",
    "possible enhancement",
    "possible improvement",
    "wondering if",
    "wondering whether",
    "wondering why",
    "please add",
    "please fix",
    "please use",
    "please drop",
    "please remove",
    "please split",
    "please explain",
    "please rename",
    "please move",
    "please don't",
    "please do not",
    "please keep",
    "please make",
    "please check",
    "please update",
    "please change",
    "please respin",
    "please rebase",
    "please send",
    "please document",
    "you need to",
    "you would need to",
    "you'd need to",
    "you should",
    "you must",
    "you have to",
    "you want to",
    "should be",
    "needs to",
    "need to be",
    "ought to",
    "would be better",
    "would be nicer",
    "better to",
    "better use",
    "might not be bad",
    "i'd prefer",
    "i would prefer",
    "i'd rather",
    "i would rather",
    "let's",
    "maybe",
    "perhaps",
    "how about",
    "consider",
    "suggest",
    "would be nice",
    "wouldn't hurt",
    "could use",
    "you can use",
    "you could use",
    "just use",
    "can we",
    "can you",
    "could you",
    "could we",
    "this wants",
    "drop this",
    "drop the",
    "no need for",
    "no need to",
];

/// Something is said to be wrong.
pub(crate) const OBJECTIONS: &[&str] = &[
    "you can't",
    "you cannot",
    "we can't have",
    "we cannot have",
    "the problem is",
    "the problem must",
    "a bug in",
    "grave bug",
    "fishy",
    "pointless",
    "it's racy",
    "it is racy",
    "horrible",
    "awful",
    "is weird",
    "still weird",
    "looks weird",
    "seems weird",
    "one more problem",
    "another problem",
    "one problem",
    "problem i see",
    "the problem is that",
    "an extra pair",
    "can break",
    "could break",
    "might break",
    "may break",
    "don't believe",
    "do not believe",
    "entirely useless",
    "is useless",
    "bad feeling",
    "change in behavior",
    "change in behaviour",
    "change of behavior",
    "behavior change",
    "behaviour change",
    "misspelled",
    "it's spelled",
    "may fail",
    "might fail",
    "doesn't belong",
    "does not belong",
    "fundamentally flawed",
    "is flawed",
    "is damaged",
    "is mangled",
    "are mangled",
    "whitespace damage",
    "doesn't look right",
    "does not look right",
    "doesn't look correct",
    "don't follow",
    "do not follow",
    "not sure i follow",
    "not sure i understand",
    "pretty nasty",
    "is nasty",
    "not really addressing",
    "doesn't address",
    "does not address",
    "not loving",
    "don't love",
    "not thrilled",
    "not in favor",
    "not in favour",
    "feels wrong",
    "feels odd",
    "formatted badly",
    "badly formatted",
    "is odd",
    "are odd",
    "is a bug",
    "isn't safe",
    "is not safe",
    "not safe to",
    "isn't valid",
    "is not valid",
    "is invalid",
    "needs to die",
    "there is something wrong",
    "there's something wrong",
    "something is wrong",
    "don't think",
    "do not think",
    "not keen",
    "not convinced",
    "not sure",
    "not clear",
    "unclear",
    "not happy",
    "bad idea",
    "not a good idea",
    "a good idea to me",
    "best idea",
    "don't see why",
    "do not see why",
    "don't see how",
    "do not see how",
    "don't see where",
    "don't see a reason",
    "don't see any reason",
    "fail to see",
    "an abuse",
    "makes no real sense",
    "memory leak",
    "looks odd",
    "looks strange",
    "looks suspicious",
    "seems strange",
    "seems odd",
    "seems wrong",
    "seems like a restriction",
    "not desirable",
    "not acceptable",
    "too crammed",
    "i'm worried",
    "i am worried",
    "i'm concerned",
    "i am concerned",
    "my concern",
    "is not right",
    "not right here",
    "poor comment",
    "was lost",
    "got lost",
    "broke the",
    "breaks the",
    "not very good",
    "i don't get",
    "i do not get",
    "don't understand",
    "do not understand",
    "doesn't make sense",
    "does not make sense",
    "makes no sense",
    "is wrong",
    "looks wrong",
    "seems wrong",
    "is incorrect",
    "not correct",
    "isn't correct",
    "isn't right",
    "not right",
    "should not",
    "shouldn't",
    "must not",
    "mustn't",
    "won't work",
    "will not work",
    "doesn't work",
    "does not work",
    "can't work",
    "cannot work",
    "breaks",
    "is broken",
    "will break",
    "would break",
    "deadlock is possible",
    "possible deadlock",
    "can deadlock",
    "could deadlock",
    "will deadlock",
    "would deadlock",
    "may deadlock",
    "is racy",
    "looks racy",
    "races with",
    "a race",
    "leaks",
    "would leak",
    "will leak",
    "use-after-free",
    "use after free",
    "null pointer",
    "hackish",
    "a hack",
    "ugly",
    "i don't like",
    "i do not like",
    "not a fan",
    "nak",
    "nack",
    "confusing",
    "misleading",
    "i'm not convinced",
    "not convinced",
    "unnecessary",
    "not needed",
    "isn't needed",
    "redundant",
    "pointless",
    "is missing",
    "are missing",
    "you forgot",
    "forgot to",
    "typo",
    "overflow",
    "underflow",
    "uninitialized",
    "uninitialised",
    "doesn't compile",
    "does not compile",
    "doesn't build",
    "does not build",
    "doesn't apply",
    "does not apply",
    "regression",
    "i disagree",
    "not sure about",
    "not sure it",
    "not sure that",
    "not sure the",
    "not sure this",
    "not sure we",
    "not sure why",
    "not sure you",
    "i doubt",
    "unlocked",
    "without holding",
    "too big",
    "too large",
    "out of bounds",
    "off by one",
    "off-by-one",
];

/// Objections that are meant for the patch even where people talk to each other.
pub(crate) const STRONG_OBJECTIONS: &[&str] = &[
    "flawed",
    "is broken",
    "is wrong",
    "is insane",
    "insane",
    "nasty",
    "makes no sense",
    "doesn't make sense",
    "does not make sense",
    "don't understand",
    "do not understand",
    "don't see why",
    "don't see how",
    "don't see the",
    "don't like",
    "do not like",
    "bad idea",
    "not acceptable",
    "unacceptable",
    "an abuse",
    "not addressing",
    "not comfortable",
    "feel comfortable",
    "problem i see",
    "bad feeling",
    "is racy",
    "it's racy",
    "horrible",
    "useless",
    "one more problem",
    "the problem is",
    "you can't",
    "not convinced",
    "won't work",
    "doesn't work",
    "does not work",
    "nak",
    "nack",
];

/// Requests that are such even where people talk to each other.
pub(crate) const STRONG_REQUESTS: &[&str] = &[
    "please",
    "suggest keeping",
    "i suggest",
    "i'd suggest",
    "i'd rather",
    "i'd prefer",
    "i'd do",
    "i'd just",
    "i would rather",
    "i would prefer",
    "can explain",
    "could explain",
    "suggest",
    "recommend",
    "i'd question",
    "it would be good to",
];

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

/// Who says so sent it on.
pub(crate) const APPLIED: &[&str] = &[
    "applied, thanks",
    "applied. thanks",
    "applied to",
    "applied, thank",
    "queued for",
    "queued up",
    "queued to",
    "i've applied",
    "i have applied",
    "merged to",
    "merged into",
    "i've pushed",
    "i have pushed",
    "picked up",
    "thanks, applied",
    "this patch was applied to",
    "this series was applied to",
    "has been added to the",
    "now queued",
    "applied it",
    "applied this",
    "applied these",
    "applied them",
    "applied the series",
    "applied both",
    "did apply",
    "already applied",
    "queued it",
    "queued this",
    "queued these",
    "queued them",
    "i've queued",
    "i have queued",
    "we've queued",
    "added to my tree",
    "added it to my",
    "added this to my",
    "added this to the",
    "added the patch to my",
    "added the patch to the",
    "added the patches to",
    "added the series to",
    "added to the tree",
    "i've added this",
    "i added this one to",
    "i've merged",
    "i have merged",
    "i've committed",
    "i have committed",
    "i've taken this",
    "i've picked",
    "i have picked",
    "i took this",
    "i took it",
    "i took these",
    "picking this up",
    "picking it up",
    "been merged into the",
    "been merged upstream",
    "merged upstream already",
    "applied by the maintainer",
];

/// What makes a word about applying none about this patch in a tree of the kernel's.
const NOT_APPLIED: &[&str] = &[
    "not in the tree",
    "applied on top",
    "applied locally",
    "applied cleanly",
    "applied against",
    "re-pushed",
    "force-pushed",
    "i've pushed it to github",
    "pushed to github",
    "github.com",
    "gitlab.com",
    "pushed to my",
    "my branch",
    "for testing",
    "with this patch applied",
    "with the patch applied",
    "with these patches applied",
    "patch applied",
    "patches applied",
    "is applied",
    "are applied",
    "get applied",
    "gets applied",
    "be applied",
    "not applied",
    "has been applied if",
    "never applied",
    "only applied",
    "if applied",
    "once applied",
    "after applied",
    "i applied your",
    "i applied the patch",
    "i applied these patches and",
    "applied this patch on",
    "applied this on top",
    "applied these on top",
    "applied it on top",
    "applied the change",
    "same change applied",
    "to be applied",
    "should be applied",
    "applied to your",
    "applied to all",
    "applied to the file",
    "applied to each",
    "applied to every",
    "added this to test",
    "queued to the",
    "wasn't applied",
    "haven't applied",
    "to be merged",
    "when applied",
    "applied it to my",
];

/// What says at the end of a sentence that a patch was taken.
pub(crate) const APPLIED_AT_END: &[&str] = &[
    ", applied",
    "and applied",
    ", queued",
    ", committed",
    ", pushed",
    ", merged",
    "series applied",
    "thanks applied",
    "- applied",
];

/// What says at the start of a sentence that a patch was taken, when the right words follow.
pub(crate) const APPLIED_AT_START: &[&str] =
    &["applied", "queued", "merged", "pushed", "committed", "picked", "taken"];

/// What stands before the name of a branch that has the patches.
pub(crate) const IN_BRANCH: &[&str] = &[
    "they are in ",
    "they're in ",
    "these are in ",
    "these are now in ",
    "it's in ",
    "it is in ",
    "it's now in ",
    "they are now in ",
];

/// Whether a sentence, in lower case, says that the patch was taken: by a phrase anywhere in it, as a
/// bare `Applied.` or `Applied now`, or at its end: `Looks good, applied.`
pub(crate) fn says_applied(lower: &str) -> bool {
    const FOLLOWED_BY: [&str; 18] = [
        "now", "to", "and", "with", "thanks", "thank", "for", "both", "all", "manually", "the",
        "this", "it", "in", "series", "except", "but", "patches",
    ];
    if NOT_APPLIED.iter().any(|w| crate::text::has_phrase(lower, w)) {
        return false;
    }
    if first_of(lower, APPLIED).is_some() || is_in_branch(lower) {
        return true;
    }
    let text = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    if APPLIED_AT_END.iter().any(|w| end.ends_with(w)) {
        return true;
    }
    let text = [
        "all ",
        "both ",
        "now ",
        "series ",
        "patch ",
        "patches ",
        "thanks, ",
        "thanks. ",
        "thank you, ",
        "thanks ",
    ]
    .iter()
    .find_map(|w| text.strip_prefix(w))
    .unwrap_or(text);
    let Some(rest) = APPLIED_AT_START.iter().find_map(|w| text.strip_prefix(w)) else {
        return false;
    };
    let after = rest.trim_start();
    let word = after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match rest.chars().next() {
        None | Some('.' | ',' | '!' | ';') => true,
        Some(' ') if after.starts_with('-') => true,
        // `Applied 1-3, thanks`: the numbers of patches.
        Some(' ') => FOLLOWED_BY.contains(&word) || numbers(after).is_some(),
        _ => false,
    }
}

/// Whether a sentence, in lower case, says that patches are in a tree: `they are in the foo-5.11 branch`,
/// `it's in my tree`, `these are now in for-next`.
fn is_in_branch(lower: &str) -> bool {
    IN_BRANCH.iter().any(|subject| {
        lower.split_once(subject).is_some_and(|(_, rest)| {
            let place: Vec<&str> = rest.split(' ').take(5).collect();
            place.iter().any(|w| {
                let word = w.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
                ["branch", "tree", "for-next", "-next", "for-linus"]
                    .iter()
                    .any(|e| word.ends_with(e))
            })
        })
    })
}

/// Which patches a sentence about applying, in lower case, names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// These.
    These(Vec<u32>),
    /// All but these.
    AllBut(Vec<u32>),
}

/// The patches that a sentence that says `applied` names: `applied 1-3`, `I took 1 and 2`, `applied 1/3 for
/// now`, `applied except 10/14`, `queued up patch 1`, `applied the first two`. None if it names none.
pub(crate) fn named_patches(lower: &str) -> Option<Named> {
    const VERBS: [&str; 6] = ["applied ", "queued ", "took ", "picked ", "merged ", "taken "];
    const BETWEEN: [&str; 10] =
        ["up ", "the ", "patches ", "patch ", "only ", "now ", "also ", "#", "in ", "this "];
    const FIRST: [(&str, u32); 4] =
        [("first two", 2), ("first three", 3), ("first four", 4), ("first patch", 1)];
    let (at, verb) = VERBS.iter().filter_map(|v| Some((lower.find(v)?, v))).min()?;
    let mut rest = &lower[at + verb.len()..];
    let except = ["all except ", "all but ", "except for ", "except ", "everything but "]
        .iter()
        .find_map(|w| rest.strip_prefix(w));
    let without = except.is_some();
    rest = except.unwrap_or(rest);
    for _ in 0..4 {
        rest = BETWEEN.iter().find_map(|w| rest.strip_prefix(w)).unwrap_or(rest);
    }
    if let Some((_, count)) = FIRST.iter().find(|(w, _)| rest.starts_with(w)) {
        return Some(Named::These((1..=*count).collect()));
    }
    let found = numbers(rest)?;
    Some(if without { Named::AllBut(found) } else { Named::These(found) })
}

/// Numbers of patches at the start of a text: `1-3`, `1, 2 and 4`, `1/3`. A release, `5.12`, is none.
fn numbers(text: &str) -> Option<Vec<u32>> {
    const MOST: u32 = 200;
    let mut found: Vec<u32> = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u32 = rest[..end].parse().ok().filter(|n| (1..=MOST).contains(n))?;
        rest = &rest[end..];
        if rest.starts_with('.') && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut last = number;
        if let Some(after) = rest.strip_prefix('-') {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            last = after[..end].parse().ok().filter(|n| (number..=MOST).contains(n))?;
            rest = &after[end..];
        }
        if let Some(after) = rest.strip_prefix('/') {
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        found.extend(number..=last);
        let next = [", and ", ", ", " and ", " & ", "+", ","].iter().find_map(|w| {
            rest.strip_prefix(w).filter(|r| r.starts_with(|c: char| c.is_ascii_digit()))
        });
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    let ends = rest.is_empty() || rest.starts_with([' ', ',', '.', ';', ':', '!', ')']);
    // `applied 3 patches`, `applied 2 of them`: a count.
    let count = rest.trim_start().starts_with("patch") || rest.starts_with(" of ");
    (ends && !count).then_some(found)
}

/// Whether a sentence, in lower case, is a note of the author's own that it was taken: it begins so.
pub(crate) fn notes_applied(lower: &str) -> bool {
    let text = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    let begins = [
        "applied",
        "pushed",
        "committed",
        "queued",
        "merged",
        "series applied",
        "i've applied",
        "i've pushed",
        "i've queued",
        "this patchset has been merged",
        "this series has been merged",
        "this patch has been merged",
        "this has been merged",
    ];
    begins.iter().any(|w| text.starts_with(w)) && says_applied(lower)
}

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
    if NEXT.iter().any(|w| crate::text::has_phrase(lower, w)) {
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
    ];
    WORDS.iter().any(|w| crate::text::has_phrase(lower, w))
}

/// Compiled and nothing more.
pub(crate) const COMPILE_ONLY: &[&str] = &[
    "only compile tested",
    "compile tested only",
    "compile-tested only",
    "only compile-tested",
    "compile tested",
    "compile-tested",
    "build tested only",
    "build-tested only",
    "only build tested",
    "only build-tested",
    "build tested",
    "build-tested",
    "untested",
    "not tested",
    "totally untested",
    "completely untested",
    "lightly tested",
];

/// Ran somewhere.
pub(crate) const RAN: &[&str] = &[
    "tested on",
    "tested with",
    "boot tested",
    "boot-tested",
    "i tested",
    "we tested",
    "tested it",
    "tested this",
    "tested locally",
    "works fine here",
    "works here",
    "works on my",
    "i've tested",
    "i have tested",
    "runtime tested",
    "passes all",
    "tested in",
    "tested under",
    "works for me",
    "survived",
    "no longer reproduces",
    "fixes the issue for me",
    "fixes it for me",
];

/// What shows that a sentence about testing tells of no test that was made.
const NOT_RUN: &[&str] = &[
    "be tested",
    "not tested",
    "n't tested",
    "not been tested",
    "n't been tested",
    "never tested",
    "not yet tested",
    "nobody tested",
    "not test",
    "n't test",
    "untested",
];

/// What went wrong in a test.
const WENT_WRONG: &[&str] = &[
    "still", "fail", "crash", "panic", "hang", "hung", "broken", "breaks", "not work", "n't work",
    "oops",
];

/// What says that it did not.
const WENT_WELL: &[&str] = &[
    "no fail",
    "no crash",
    "no panic",
    "no hang",
    "no oops",
    "zero fail",
    "0 fail",
    "without fail",
    "without crash",
    "without any ",
    "without a ",
    "no longer ",
    "not fail",
    "n't fail",
    "not crash",
    "n't crash",
    "not hang",
    "n't hang",
    "never fail",
    "never crash",
    "still work",
    "still pass",
    "still boot",
    "still fine",
];

/// Whether a sentence about a test, in lower case, says that it went well.
pub(crate) fn went_well(lower: &str) -> bool {
    let mut rest = lower.to_owned();
    for good in WENT_WELL {
        // `no longer crashes` and `without a crash` take the next word with them.
        while let Some(at) = rest.find(good) {
            let end = at + good.len();
            let word = rest[end..].find(' ').map_or(rest.len(), |space| end + space);
            rest.replace_range(at..word, "");
        }
    }
    !WENT_WRONG.iter().any(|w| rest.contains(w))
}

/// Whether a sentence about testing, in lower case, tells of no test that was made.
pub(crate) fn was_not_run(lower: &str) -> bool {
    NOT_RUN.iter().any(|w| lower.contains(w))
        || ["if", "once", "unless", "when"]
            .iter()
            .any(|w| lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == *w))
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

/// A machine's result, and whether it is good.
pub(crate) const RESULTS: &[(&str, bool)] = &[
    ("did not trigger any issue", true),
    ("build test passed", true),
    ("test passed", true),
    ("bpf_ci: success", true),
    ("kernel test robot noticed the following build errors", false),
    ("kernel test robot noticed the following build warnings", false),
    ("kernel test robot noticed", false),
    ("syzbot found the following", false),
    ("syzbot has tested the proposed patch but", false),
    ("still triggering an issue", false),
    ("but the reproducer is still triggering", false),
    ("build failed", false),
    ("build failure", false),
    ("test failed", false),
    ("and found the following issue", false),
];

/// A test is wanted.
pub(crate) const TEST_WANTED: &[&str] = &[
    "please test",
    "sure to test",
    "please be sure to test",
    "please run",
    "needs testing",
    "need testing",
    "needs to be tested",
    "should be tested",
    "testing appreciated",
    "testing welcome",
    "test reports welcome",
    "please give it a",
    "please verify",
    "test and report",
    "please retest",
    "please try this",
    "please try the",
    "please try it",
    "please try with",
    "please try v",
];

/// A test is offered.
pub(crate) const TEST_OFFERED: &[&str] = &[
    "i can test",
    "i could test",
    "i will test",
    "i'll test",
    "i can try",
    "i will try",
    "i'll try",
    "i can run",
    "i will run",
    "i'll run",
    "we can test",
    "will give it a",
    "let me test",
    "happy to test",
];

/// Whether one of `phrases` stands in `lower`; which.
pub(crate) fn first_of<'p>(lower: &str, phrases: &[&'p str]) -> Option<&'p str> {
    phrases.iter().copied().find(|phrase| crate::text::has_phrase(lower, phrase))
}

/// Whether `lower` begins with one of `phrases` as whole words.
pub(crate) fn starts_with_any(lower: &str, phrases: &[&str]) -> bool {
    let lower = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    phrases.iter().any(|phrase| {
        lower.strip_prefix(phrase).is_some_and(|rest| {
            rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '\'')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{refuses, says_applied, was_not_run, went_well};

    #[test]
    fn a_refusal_begins_with_its_word_and_a_failure_that_did_not_come_is_none() {
        for text in ["nak.", "nack, this breaks suspend", "strong nak from me", "nak"] {
            assert!(refuses(text), "{text}");
        }
        for text in
            ["the snack is good", "nak?", "nacked-by: a", "nakamura wrote", "i got a nak bit"]
        {
            assert!(!refuses(text), "{text}");
        }
        for text in ["1000 cycles, no failure", "it no longer crashes", "still works for me"] {
            assert!(went_well(text), "{text}");
        }
        for text in
            ["i haven't tested on arm", "this can be tested with kunit", "works here if idle"]
        {
            assert!(was_not_run(text), "{text}");
        }
        assert!(!was_not_run("i tested this diff on arm"));
        for text in ["i tested this and it still crashes", "it fails on rev b", "doesn't work here"]
        {
            assert!(!went_well(text), "{text}");
        }
    }

    #[test]
    fn a_bare_word_says_that_a_patch_was_taken_and_an_account_of_a_test_does_not() {
        for text in
            ["applied.", "applied now.", "both applied, thanks", "queued for 7.2", "applied"]
        {
            assert!(says_applied(text), "{text}");
        }
        for text in
            ["applied on top of next it does not build", "reapplied.", "it was merged in 6.1"]
        {
            assert!(!says_applied(text), "{text}");
        }
    }
}
