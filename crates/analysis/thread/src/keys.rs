//! What an index keeps of one mail, so that the versions of a series are found in other threads.

use parse_mail::{FileDiff, Message, TrailerKind, trailer};

use crate::phrases::applied;
use crate::series::{author_of, change_hash, name_key};

/// What a patch or cover letter has in common with other versions of its series: hashes over the
/// change-id, over author and title, and over the change itself. Equal ones make candidates, no more.
pub fn series_keys<'a>(message: &Message, files: impl Iterator<Item = &'a FileDiff>) -> Vec<i64> {
    let title = message.subject.title.to_lowercase();
    let mut keys = Vec::new();
    let mut add = |kind: &str, parts: &[&str]| {
        let mut hash = crate::series::Fnv::new();
        hash.add(kind.as_bytes());
        for part in parts {
            hash.add(part.as_bytes());
        }
        keys.push(i64::from_ne_bytes(hash.value().to_ne_bytes()));
    };
    if title.len() >= 8 {
        add("title", &[&name_key(&author_of(message)), &title]);
    }
    for line in message
        .body
        .lines()
        .filter(|l| l.text.starts_with("change-id") || l.text.starts_with("Change-"))
    {
        if let Some(found) = trailer(line.text).filter(|t| t.kind == TrailerKind::ChangeId) {
            add("change-id", &[&found.value]);
        }
    }
    if let Some(hash) = change_hash(files) {
        keys.push(i64::from_ne_bytes(hash.to_ne_bytes()));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Who touches which function of which file, as hashes.
pub fn touch_keys<'a>(
    message: &Message,
    places: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<i64> {
    let name = name_key(&author_of(message));
    let mut keys: Vec<i64> = places
        .map(|(path, function)| {
            let mut hash = crate::series::Fnv::new();
            for part in [name.as_str(), path, function] {
                hash.add(part.as_bytes());
            }
            i64::from_ne_bytes(hash.value().to_ne_bytes())
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Few mails have any of these, and each phrase of applying has one, its first letter small or capital.
const PARTS: [&str; 16] = [
    "pplied",
    "apply",
    "ueued",
    "ushed",
    "erged",
    "icked",
    "icking",
    "ommitted",
    "aken",
    "dded",
    " took ",
    "re in ",
    "re now in ",
    "'s in ",
    "'s now in ",
    "t is in ",
];

/// Whether one of the lines of somebody's own words may say that a patch was applied: enough for an index.
pub fn says_applied(words: &str) -> bool {
    let parts =
        PARTS.iter().filter(|p| memchr::memmem::find(words.as_bytes(), p.as_bytes()).is_some());
    let parts: Vec<&&str> = parts.collect();
    !parts.is_empty()
        && words.lines().any(|line| {
            parts.iter().any(|p| line.contains(**p))
                && !line.trim_end().ends_with('?')
                && applied::says_applied(&line.to_lowercase())
        })
}

#[cfg(test)]
mod tests {
    use super::{PARTS, says_applied};
    use crate::phrases::applied::{APPLIED, APPLIED_AT_END, APPLIED_AT_START, IN_BRANCH};

    #[test]
    fn each_phrase_of_applying_passes_the_first_look() {
        let all = [APPLIED, APPLIED_AT_END, APPLIED_AT_START, IN_BRANCH];
        for phrase in all.into_iter().flatten() {
            let (first, rest) = phrase.split_at(1);
            for text in [(*phrase).to_owned(), format!("{}{rest}", first.to_uppercase())] {
                assert!(PARTS.iter().any(|part| text.contains(part)), "{text}");
            }
        }
    }

    #[test]
    fn all_ways_of_applying_are_heard() {
        for line in [
            "Applied, thanks!",
            "I took this for 6.9.",
            "Picking it up, thanks.",
            "It's in my tree.",
            "These are now in the pump-6.9 branch.",
        ] {
            assert!(says_applied(&format!("Hello,\n{line}\n")), "{line}");
        }
        assert!(!says_applied("Did you look at the other tree?\n"));
    }
}
