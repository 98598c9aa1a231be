//! Words by which somebody says that patches were taken.

use crate::text::{first_of, has_phrase};

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
    if NOT_APPLIED.iter().any(|w| has_phrase(lower, w)) {
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
/// `it's in my tree`, `all patches of the series are now on the dev branch`.
fn is_in_branch(lower: &str) -> bool {
    let about_patches = || {
        ["patch", "patches", "series", "all of these", "all of them"]
            .iter()
            .any(|w| has_phrase(lower, w))
    };
    let places = IN_BRANCH
        .iter()
        .filter_map(|subject| lower.split_once(subject))
        .chain(NOW_IN.iter().filter_map(|w| lower.split_once(w)).filter(|_| about_patches()));
    places.into_iter().any(|(_, rest)| {
        rest.split(' ').take(5).any(|w| {
            let word = w.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
            ["branch", "tree", "for-next", "-next", "for-linus"].iter().any(|e| word.ends_with(e))
        })
    })
}

/// What stands before the name of a branch where the sentence names the patches.
const NOW_IN: &[&str] = &[" are now in ", " are now on ", " is now in ", " is now on "];

/// Whether a sentence, in lower case, takes patches out again: `I've dropped it`, `let's drop these two for
/// now`. What is dropped is the patch itself, not something in its code.
pub(crate) fn takes_out(lower: &str) -> bool {
    const VERBS: [&str; 9] = [
        "i've dropped ",
        "i have dropped ",
        "i dropped ",
        "let's drop ",
        "i'll drop ",
        "i will drop ",
        "dropping ",
        "dropped ",
        "backed ",
    ];
    const OBJECTS: [&str; 14] = [
        "these two",
        "this one",
        "both",
        "these",
        "them",
        "this patch",
        "the patch",
        "these patches",
        "the series",
        "this series",
        "this",
        "it out",
        "it",
        "that one",
    ];
    if ["take that back", "unapplied"].iter().any(|w| has_phrase(lower, w)) {
        return true;
    }
    let begins = |verb: &str| match lower.find(verb) {
        Some(0) => true,
        Some(at) => verb.starts_with('i') || verb.starts_with('l') || lower[..at].ends_with(", "),
        None => false,
    };
    VERBS.iter().filter(|v| begins(v)).any(|verb| {
        let rest = lower.split_once(verb).map_or("", |r| r.1);
        OBJECTS.iter().any(|object| {
            rest.strip_prefix(object).is_some_and(|after| {
                let after = after.trim_start();
                after.is_empty()
                    || after.starts_with(|c: char| !c.is_alphanumeric())
                    || ["for now", "from", "until", "again", "then", "instead", "for the"]
                        .iter()
                        .any(|w| after.starts_with(w))
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

#[cfg(test)]
mod tests {
    use super::{says_applied, takes_out};

    #[test]
    fn a_bare_word_says_that_a_patch_was_taken_and_an_account_of_a_test_does_not() {
        for text in [
            "applied.",
            "applied now.",
            "both applied, thanks",
            "queued for 7.2",
            "applied",
            "all of the patches for the pump are now on the pump git tree:",
        ] {
            assert!(says_applied(text), "{text}");
        }
        for text in
            ["applied on top of next it does not build", "reapplied.", "it was merged in 6.1"]
        {
            assert!(!says_applied(text), "{text}");
        }
    }

    #[test]
    fn what_was_taken_is_taken_out_again_in_words_about_the_patch_not_about_code() {
        for text in
            ["i've dropped it.", "let's drop these two for now.", "dropping this one, thanks"]
        {
            assert!(takes_out(text), "{text}");
        }
        for text in ["let's drop this check then", "the lock is dropped here", "you can drop it"] {
            assert!(!takes_out(text), "{text}");
        }
    }
}
