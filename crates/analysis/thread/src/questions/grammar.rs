//! Demands by their grammar: who could, should or would do what with a patch, and what is said to be the
//! matter with it.

use crate::model::Ask;
use crate::phrases::words::{ADVERBS, BETTER, FAILS, FAULTS, POSSIBLE, VERBS, WISHES};

/// What a sentence in lower case, without fillers, demands by its grammar.
pub(super) fn demand(text: &str) -> Option<Ask> {
    let words: Vec<&str> = text
        .split(' ')
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric() && c != '\''))
        .filter(|w| !w.is_empty())
        .collect();
    for at in 0..words.len() {
        // A condition demands nothing by itself.
        let here = &words[at..];
        if is_fault(here) {
            return Some(Ask::Objection);
        }
        if is_request(here, at == 0) {
            return Some(Ask::Request);
        }
        // `The other case should update the tree`; what oneself should do is one's own.
        let own =
            at.checked_sub(1).is_some_and(|before| matches!(words[before], "i" | "that" | "which"));
        let should = at > 0 && matches!(words[at], "should" | "must") && !own;
        if should && verb(&words[at + 1..], VERBS) {
            return Some(Ask::Request);
        }
    }
    None
}

fn skip<'w, 't>(words: &'w [&'t str]) -> &'w [&'t str] {
    let first = words.iter().position(|w| !ADVERBS.contains(w)).unwrap_or(words.len());
    &words[first.min(5)..]
}

fn verb(words: &[&str], list: &[&str]) -> bool {
    let rest = skip(words);
    list.iter().any(|verb| match verb.split_once(' ') {
        None => rest.first() == Some(verb),
        Some((one, two)) => rest.first() == Some(&one) && rest.get(1) == Some(&two),
    })
}

/// `moved` of `move`, `dropped` of `drop`, `done` of `do`.
fn is_participle(word: &str) -> bool {
    const IRREGULAR: [&str; 18] = [
        "done",
        "made",
        "put",
        "split",
        "set",
        "kept",
        "held",
        "sent",
        "written",
        "rewritten",
        "taken",
        "left",
        "cut",
        "hidden",
        "broken",
        "gone",
        "passed",
        "cleaned",
    ];
    let regular = |stem: &str| VERBS.contains(&stem);
    IRREGULAR.contains(&word)
        || word.strip_suffix("ed").is_some_and(|stem| {
            let doubled = stem.len() > 2
                && stem.as_bytes()[stem.len() - 1] == stem.as_bytes()[stem.len() - 2];
            regular(stem)
                || regular(&format!("{stem}e"))
                || doubled && regular(&stem[..stem.len() - 1])
                || stem.strip_suffix('i').is_some_and(|s| regular(&format!("{s}y")))
        })
}

/// `is a bit odd`, `looks strange`, `I'm worried`.
fn is_fault(words: &[&str]) -> bool {
    let Some(first) = words.first() else { return false };
    let says = matches!(
        *first,
        "is" | "are"
            | "isn't"
            | "looks"
            | "look"
            | "seems"
            | "seem"
            | "feels"
            | "sounds"
            | "it's"
            | "that's"
            | "this's"
            | "becomes"
            | "reads"
    );
    let rest = skip(&words[1..]);
    let negated = words[1..].first() == Some(&"not")
        || words[1..].first() == Some(&"nothing")
        || *first == "isn't";
    if says && !negated && rest.first().is_some_and(|w| FAULTS.contains(w)) {
        return true;
    }
    let fails =
        matches!(*first, "might" | "may" | "could" | "will" | "would" | "does" | "do" | "can")
            && words.get(1) == Some(&"not")
            || matches!(*first, "won't" | "doesn't" | "don't" | "wouldn't" | "cannot" | "can't");
    let after = &words[if words.get(1) == Some(&"not") { 2 } else { 1 }.min(words.len())..];
    if fails && after.first().is_some_and(|w| FAILS.contains(w)) {
        return true;
    }
    let me = matches!(*first, "i'm" | "am");
    let unsettled = [
        "worried",
        "concerned",
        "puzzled",
        "unsure",
        "uneasy",
        "wary",
        "skeptical",
        "sceptical",
        "unconvinced",
        "uncomfortable",
        "reluctant",
    ];
    me && !negated
        && skip(&words[1..])
            .iter()
            .take(2)
            .any(|w| unsettled.contains(w) || *w == "confused" || *w == "lost")
}

/// `you could drop`, `this should be moved`, `I'd use`, `it'd be great`; at the start `Could take …`.
fn is_request(words: &[&str], begins: bool) -> bool {
    let (first, second) = (words[0], words.get(1).copied().unwrap_or_default());
    let modal =
        |w: &str| matches!(w, "could" | "can" | "should" | "might" | "may" | "must" | "cannot");
    if begins && matches!(first, "could" | "should" | "might" | "may" | "must" | "would") {
        let own = matches!(second, "i" | "it" | "this" | "that");
        let be =
            second == "be" && words.get(2).is_some_and(|w| BETTER.contains(w) || is_participle(w));
        return !own && (verb(&words[1..], VERBS) || be || matches!(second, "you" | "we"));
    }
    // What we can do is often told of the code, not wanted of it.
    let is_wish = modal(second) && (first != "we" || !matches!(second, "can" | "may"));
    if matches!(first, "you" | "we" | "one") && is_wish && verb(&words[2..], VERBS) {
        // `You can add my tag`.
        return words.len() > 3 && !words.iter().any(|w| *w == "my" || w.ends_with("-by"));
    }
    if matches!(first, "good" | "better" | "nice" | "best" | "helpful")
        && second == "to"
        && verb(&words[2..], VERBS)
    {
        return true;
    }
    // An order: `Describe the problem`. Words that are nouns as often as verbs do not begin one.
    const NOUNS: [&str; 16] = [
        "base", "cover", "do", "free", "hold", "list", "lock", "name", "note", "order", "place",
        "point", "set", "share", "state", "test",
    ];
    if begins && words.len() >= 3 && VERBS.contains(&first) && !NOUNS.contains(&first) {
        return !words.iter().any(|w| w.ends_with("-by"));
    }
    if matches!(first, "cannot" | "can't" | "couldn't")
        && matches!(second, "we" | "you" | "this" | "it")
    {
        return true;
    }
    let would = match first {
        "i'd" => Some(1),
        "i" if second == "would" => Some(2),
        _ => None,
    };
    if let Some(after) = would {
        let rest = &words[after..];
        let like = rest.first() == Some(&"like")
            && match rest.get(1) {
                Some(&"to") => matches!(
                    rest.get(2),
                    Some(&("see" | "know" | "understand" | "hear" | "have" | "keep" | "avoid"))
                ),
                Some(w) => matches!(*w, "this" | "that" | "it" | "you" | "a" | "the"),
                None => false,
            };
        return like || verb(rest, VERBS) || verb(rest, WISHES);
    }
    if matches!(
        first,
        "could" | "should" | "must" | "can" | "needs" | "need" | "ought" | "wants" | "might"
    ) {
        let rest = skip(&words[1..]);
        let passive = words[1..].iter().take(4).any(|w| *w == "be");
        let wanted = |word: &&str| match first {
            "can" => POSSIBLE.contains(word),
            _ => is_participle(word),
        };
        if passive && rest.first().is_some_and(wanted) {
            return true;
        }
    }
    let wishes = matches!(first, "would" | "might" | "it'd" | "that'd" | "this'd" | "may")
        || matches!(first, "could") && second == "be";
    wishes
        && matches!(second, "be" | "also" | "have" | "read" | "look" | "make" | "not")
        && skip(&words[1..]).iter().take(3).any(|w| BETTER.contains(w))
        && (words.len() >= 4
            || words
                .last()
                .is_some_and(|w| !matches!(*w, "great" | "good" | "nice" | "best" | "ideal")))
}

#[cfg(test)]
mod tests {
    use super::{demand, is_participle};
    use crate::model::Ask;

    #[test]
    fn a_participle_is_one_of_a_verb_of_change() {
        for word in ["moved", "dropped", "simplified", "added", "split"] {
            assert!(is_participle(word), "{word}");
        }
        for word in ["triggered", "red", "need", "reached"] {
            assert!(!is_participle(word), "{word}");
        }
    }

    #[test]
    fn modal_verbs_of_change_demand_and_accounts_do_not() {
        for text in [
            "you could drop the goto",
            "this can be simplified to",
            "i would call it something else",
            "that would be cleaner",
            "cannot we loop instead",
        ] {
            assert_eq!(demand(text), Some(Ask::Request), "{text}");
        }
        for text in ["the comment is a bit misleading", "i'm worried about the counter"] {
            assert_eq!(demand(text), Some(Ask::Objection), "{text}");
        }
        for text in [
            "this can be triggered by a signal",
            "i would be happy with either",
            "it is not wrong",
            "you can add my tag",
        ] {
            assert_eq!(demand(text), None, "{text}");
        }
    }
}
