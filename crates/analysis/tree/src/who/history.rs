//! Who wrote and signed the commits that a history holds of a file, of its lines, or that a patch mends.

use model::bisection::CommitDetails;
use parse_maintainers::{Address, Mailmap};

/// People of one file's commits that are listed, at most.
const MOST: usize = 5;
/// He who has less than one in so many commits of a file is not listed for them.
const LEAST_SHARE: usize = 20;
/// The trailers of people who answer for a commit.
const SIGNING: [&str; 3] = ["signed-off-by", "reviewed-by", "acked-by"];

/// What somebody has to do with commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// With commits of a file.
    Commits {
        /// The file.
        file: String,
        /// How many he wrote.
        wrote: usize,
        /// How many he signed, reviewed or acked, his own among them.
        signed: usize,
        /// Of how many.
        of: usize,
        /// The last day of the year that was looked at, `YYYY-MM-DD`.
        until: String,
    },
    /// With a commit that the patch mends.
    Mended {
        /// The commit, as the patch names it.
        commit: String,
        /// Its title.
        title: String,
        /// Whether he wrote it.
        wrote: bool,
    },
    /// With the commit that last changed lines which the patch changes.
    Lines {
        /// The file.
        file: String,
        /// How many lines.
        lines: usize,
        /// The newest of those commits, with its title.
        commit: String,
        /// Its title.
        title: String,
    },
}

/// Who is named, and why.
pub type Named = Vec<(Address, Part)>;

/// People who answer for a commit, each once, with whether he wrote it.
fn answering(commit: &CommitDetails, mailmap: &Mailmap) -> Vec<(Address, bool)> {
    let author = Address::parse(&commit.author).map(|a| mailmap.proper(&a));
    let mut all: Vec<(Address, bool)> = author.into_iter().map(|a| (a, true)).collect();
    for (key, value) in &commit.trailers {
        if !SIGNING.contains(&key.to_ascii_lowercase().as_str()) {
            continue;
        }
        let Some(address) = Address::parse(value).map(|a| mailmap.proper(&a)) else { continue };
        if !all.iter().any(|(known, _)| same(known, &address)) {
            all.push((address, false));
        }
    }
    all
}

fn same(a: &Address, b: &Address) -> bool {
    a.mail.eq_ignore_ascii_case(&b.mail)
        || !a.name.is_empty() && a.name.to_lowercase() == b.name.to_lowercase()
}

/// Who wrote or signed most of a file's commits.
#[must_use]
pub fn of_file(
    file: &str,
    commits: &[CommitDetails],
    until: &str,
    mailmap: &Mailmap,
    ignored: &[Address],
) -> Named {
    let mut counts: Vec<(Address, usize, usize)> = Vec::new();
    for commit in commits {
        for (address, wrote) in answering(commit, mailmap) {
            let wrote = usize::from(wrote);
            match counts.iter_mut().find(|(known, ..)| same(known, &address)) {
                Some((_, written, signed)) => (*written, *signed) = (*written + wrote, *signed + 1),
                None => counts.push((address, wrote, 1)),
            }
        }
    }
    counts.retain(|(address, ..)| !is_ignored(address, ignored));
    counts.sort_by_key(|(_, wrote, signed)| std::cmp::Reverse((*signed, *wrote)));
    counts
        .into_iter()
        .take(MOST)
        .filter(|(_, _, signed)| signed * LEAST_SHARE >= commits.len())
        .map(|(address, wrote, signed)| {
            let of = commits.len();
            let (file, until) = (file.to_owned(), until.to_owned());
            (address, Part::Commits { file, wrote, signed, of, until })
        })
        .collect()
}

/// Who wrote or signed a commit that a patch mends.
#[must_use]
pub fn of_mended(
    name: &str,
    commit: &CommitDetails,
    mailmap: &Mailmap,
    ignored: &[Address],
) -> Named {
    answering(commit, mailmap)
        .into_iter()
        .filter(|(address, _)| !is_ignored(address, ignored))
        .map(|(address, wrote)| {
            let (commit, title) = (name.to_owned(), commit.subject.clone());
            (address, Part::Mended { commit, title, wrote })
        })
        .collect()
}

/// Who wrote the lines that a patch changes: commits, newest first, with how many of the lines each has.
#[must_use]
pub fn of_lines(
    file: &str,
    blamed: &[(String, CommitDetails, usize)],
    mailmap: &Mailmap,
    ignored: &[Address],
) -> Named {
    let mut found: Named = Vec::new();
    for (id, commit, number) in blamed {
        let Some(author) = Address::parse(&commit.author).map(|a| mailmap.proper(&a)) else {
            continue;
        };
        if is_ignored(&author, ignored) {
            continue;
        }
        match found.iter_mut().find(|(known, _)| same(known, &author)) {
            Some((_, Part::Lines { lines, .. })) => *lines += number,
            Some(_) => {}
            None => {
                let (file, commit, title) = (file.to_owned(), id.clone(), commit.subject.clone());
                found.push((author, Part::Lines { file, lines: *number, commit, title }));
            }
        }
    }
    found.sort_by_key(|(_, part)| match part {
        Part::Lines { lines, .. } => std::cmp::Reverse(*lines),
        _ => std::cmp::Reverse(0),
    });
    found.truncate(MOST);
    found
}

fn is_ignored(address: &Address, ignored: &[Address]) -> bool {
    ignored.iter().any(|no| no.mail.eq_ignore_ascii_case(&address.mail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(author: &str, signed: &[&str]) -> CommitDetails {
        CommitDetails {
            subject: "pump: run".into(),
            author: author.into(),
            trailers: signed
                .iter()
                .map(|who| ("Signed-off-by".to_owned(), (*who).to_owned()))
                .collect(),
            ..CommitDetails::default()
        }
    }

    #[test]
    fn those_with_most_commits_come_first_and_each_counts_once_a_commit() {
        let map = Mailmap::parse("Ann <ann@x.org> <ann@old.org>\n");
        let ann = commit("Ann <ann@old.org>", &["Ann <ann@x.org>", "Max <max@x.org>"]);
        let rob = commit("Rob <rob@x.org>", &["Max <max@x.org>", "No <no@x.org>"]);
        let ignored = [Address::parse("no@x.org").unwrap()];
        let found = of_file("drivers/pump.c", &[ann, rob], "2024-11-17", &map, &ignored);
        let shown: Vec<_> = found
            .iter()
            .map(|(a, part)| match part {
                Part::Commits { wrote, signed, of, .. } => (a.mail.as_str(), *wrote, *signed, *of),
                _ => ("", 0, 0, 0),
            })
            .collect();
        assert_eq!(shown, [("max@x.org", 0, 2, 2), ("ann@x.org", 1, 1, 2), ("rob@x.org", 1, 1, 2)]);
    }

    #[test]
    fn lines_of_one_author_are_added_up() {
        let map = Mailmap::default();
        let blamed = [
            ("a".to_owned(), commit("Ann <ann@x.org>", &[]), 2),
            ("b".to_owned(), commit("Rob <rob@x.org>", &[]), 3),
            ("c".to_owned(), commit("Ann <ann@x.org>", &[]), 2),
        ];
        let found = of_lines("drivers/pump.c", &blamed, &map, &[]);
        let mails: Vec<_> = found.iter().map(|(a, _)| a.mail.as_str()).collect();
        assert_eq!(mails, ["ann@x.org", "rob@x.org"]);
    }
}
