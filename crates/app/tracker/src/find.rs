//! Finds the bug that somebody names.

use model::tracker::{Bug, BugId, Key, KeyKind, Read};

use crate::{Error, Tracker};

/// Duplicates of duplicates that are followed.
const CHAIN: usize = 20;

/// The bug and those that carry its record on, the last one at the end.
pub(crate) fn chain(read: &dyn Read, bug: Bug) -> Result<Vec<Bug>, Error> {
    let mut chain = vec![bug];
    while chain.len() < CHAIN
        && let Some(of) = chain.last().and_then(|bug| bug.standing.duplicate_of)
        && !chain.iter().any(|known| known.id == of)
        && let Some(next) = read.bug(of)?
    {
        chain.push(next);
    }
    Ok(chain)
}

/// The bug in whose record the crashes of a bug stand.
pub(crate) fn holder(chain: &[Bug]) -> Option<&Bug> {
    chain.iter().find(|bug| !bug.standing.merged).or(chain.last())
}

/// A title without what mails put before and behind it, and its number: `Re: [syzbot?] [net?] Title (2)`.
pub(crate) fn title_of_subject(subject: &str) -> (&str, u32) {
    let mut text = subject.trim();
    loop {
        let lower: String = text.chars().take(4).collect::<String>().to_ascii_lowercase();
        let rest = if lower.starts_with("re:") || lower.starts_with("fw:") {
            &text[3..]
        } else if lower.starts_with("fwd:") {
            &text[4..]
        } else if text.starts_with('[') && text.contains(']') {
            text.split_once(']').map_or("", |(_, rest)| rest)
        } else {
            break;
        };
        text = rest.trim_start();
    }
    let sequence = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(" ("))
        .and_then(|(title, number)| Some((title, number.parse::<u32>().ok().filter(|n| *n > 1)?)));
    sequence.unwrap_or((text, 1))
}

impl Tracker {
    /// The bug of a number, an outside name, a title or a mail's subject.
    ///
    /// # Errors
    /// When there is none, or more than one, or the record cannot be read.
    pub fn find(&self, name: &str) -> Result<Bug, Error> {
        find(self.read(), name)
    }

    /// The same within a change.
    pub(crate) fn find_within(&self, read: &dyn Read, name: &str) -> Result<Bug, Error> {
        find(read, name)
    }
}

fn find(read: &dyn Read, name: &str) -> Result<Bug, Error> {
    let name = name.trim();
    let number = name.strip_prefix('#').unwrap_or(name).parse::<BugId>().ok();
    if let Some(bug) = number.map(|id| read.bug(id)).transpose()?.flatten() {
        return Ok(bug);
    }
    if let Some(bug) = read.bug_by_external(name)? {
        return Ok(bug);
    }
    for (title, sequence) in [(name, 0), title_of_subject(name)] {
        let key = Key { kind: KeyKind::Title, value: title.to_owned() };
        let found = read.bugs_with_keys(&[key], 100)?;
        // The bug of that very number, else the newest of that title, else the one that had such a crash.
        let exact = found.iter().find(|(bug, _)| bug.title == title && bug.sequence == sequence);
        let newest = found
            .iter()
            .filter(|(bug, _)| bug.title == title && sequence <= 1)
            .max_by_key(|(bug, _)| bug.sequence);
        if let Some((bug, _)) = exact.or(newest) {
            return Ok(bug.clone());
        }
        match &found[..] {
            [] => {}
            [(bug, _)] if sequence <= 1 => return Ok(bug.clone()),
            several => {
                let ids = several.iter().map(|(bug, _)| bug.id).collect();
                return Err(Error::Ambiguous { name: name.to_owned(), ids });
            }
        }
    }
    Err(Error::NoBug(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::title_of_subject;

    #[test]
    fn subjects_are_read_as_titles() {
        for (subject, title, sequence) in [
            ("WARNING in f", "WARNING in f", 1),
            ("Re: [syzbot] [net?] WARNING in f (3)", "WARNING in f", 3),
            ("[PATCH] Fwd: re:WARNING in f (1)", "WARNING in f (1)", 1),
            ("Re:", "", 1),
            ("rë: x (2)", "rë: x", 2),
        ] {
            assert_eq!(title_of_subject(subject), (title, sequence), "{subject}");
        }
    }
}
