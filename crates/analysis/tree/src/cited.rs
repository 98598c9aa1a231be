//! What a written analysis claims of the source and of its history: commits with their titles and releases, the files
//! of functions, which function calls which.
//!
//! Only forms that leave nothing to guess are read: `commit ID ("title")`, `function() (file.c:12)`, `a() calls b()`,
//! and of releases the one in which the bug is said to begin, where one commit is said to have brought it.

use std::sync::LazyLock;

use model::Predicate;
use regex::{Captures, Regex};

/// Claims of one text.
const MOST: usize = 200;
/// Bytes of a text that are read.
const MAX_TEXT: usize = 4 << 20;

static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b([A-Za-z_][A-Za-z0-9_]{2,})(?:\(\))?\s*[\[(](?:\./)?((?:[A-Za-z0-9_+-]+/)+[A-Za-z0-9_.+-]+\.[chS]):[0-9]+[\])]",
    )
    .ok()
});
static CALLS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b([A-Za-z_][A-Za-z0-9_]{2,})\(\)\s*(?:\([^()\n]{1,80}\)\s*)?,?\s*(?:which\s+)?(?:now\s+|directly\s+|then\s+)?calls\s+([A-Za-z_][A-Za-z0-9_]{2,})\(",
    )
    .ok()
});
static BROUGHT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:introduced|caused|brought in|brought) (?:by|in|with) (?:the )?commit\s+([0-9a-f]{7,40})\b").ok()
});
static BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:(?:regression|introduced|appeared|bug first appeared) in (?:linux )?|kernels? (?:before|prior to|older than) )(v[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-rc[0-9]+)?)\b",
    )
    .ok()
});

/// The claims of a text, each with its line (from 1), in the order of the text, each once.
#[must_use]
pub fn claims(text: &str) -> Vec<(usize, Predicate)> {
    let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text);
    let mut found: Vec<(usize, Predicate)> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for commit in parse_mail::commits(&lines) {
        let line = commit.line + 1;
        if let Some(release) = commit.release {
            let id = commit.id.clone();
            found.push((line, Predicate::CommitInRelease { commit: id, release }));
        }
        let title =
            commit.title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
        found.push((line, Predicate::CommitExists { commit: commit.id, title }));
    }
    each(&PLACE, text, &mut found, |c| {
        Some(Predicate::DefinedIn { function: part(c, 1)?, file: part(c, 2)? })
    });
    each(&CALLS, text, &mut found, |c| {
        Some(Predicate::Calls { caller: part(c, 1)?, function: part(c, 2)? })
    });
    let mut culprits = Vec::new();
    each(&BROUGHT, text, &mut culprits, |c| {
        Some(Predicate::CommitExists { commit: part(c, 1)?.to_ascii_lowercase(), title: None })
    });
    culprits.dedup_by(|a, b| a.1 == b.1);
    // Where several commits are said to have brought it, which one a release is about is not told.
    if let [(_, Predicate::CommitExists { commit, .. })] = culprits.as_slice() {
        each(&BEGINS, text, &mut found, |c| {
            Some(Predicate::FirstInRelease { commit: commit.clone(), release: part(c, 1)? })
        });
    }
    // A commit with its title says all that one without says.
    let titled: Vec<String> = found
        .iter()
        .filter_map(|(_, claim)| match claim {
            Predicate::CommitExists { commit, title: Some(_) } => Some(commit.clone()),
            _ => None,
        })
        .collect();
    found.retain(|(_, claim)| match claim {
        Predicate::CommitExists { commit, title: None } => !titled.contains(commit),
        _ => true,
    });
    found.sort_by_key(|(line, _)| *line);
    let mut seen = std::collections::HashSet::new();
    found.retain(|(_, claim)| seen.insert(claim.clone()));
    found.truncate(MOST);
    found
}

fn part(captures: &Captures<'_>, at: usize) -> Option<String> {
    captures.get(at).map(|found| found.as_str().to_owned())
}

fn each(
    pattern: &LazyLock<Option<Regex>>,
    text: &str,
    found: &mut Vec<(usize, Predicate)>,
    claim: impl Fn(&Captures<'_>) -> Option<Predicate>,
) {
    let Some(pattern) = pattern.as_ref() else { return };
    let (mut line, mut counted) = (1, 0);
    for captures in pattern.captures_iter(text).take(MOST) {
        let Some(whole) = captures.get(0) else { continue };
        line += text.get(counted..whole.start()).unwrap_or_default().matches('\n').count();
        counted = whole.start();
        found.extend(claim(&captures).map(|claim| (line, claim)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        claims(text)
            .into_iter()
            .map(|(line, claim)| match claim {
                Predicate::DefinedIn { function, file } => format!("{line} {function} in {file}"),
                Predicate::Calls { caller, function } => {
                    format!("{line} {caller} calls {function}")
                }
                Predicate::CommitExists { commit, title } => {
                    format!("{line} {commit} {}", title.unwrap_or_default())
                }
                Predicate::FirstInRelease { commit, release } => {
                    format!("{line} {commit} first in {release}")
                }
                other => format!("{line} {other:?}"),
            })
            .collect()
    }

    #[test]
    fn an_analysis_claims_places_calls_commits_and_the_first_release() {
        let text = "The regression in v7.1-rc1 was introduced by commit 0123456789ab (\"shop: empty\nthe shelf\").\n\
                    In shelf_put()\n(drivers/shop/shelf.c:41) the lock is dropped. shelf_put() now calls shelf_free().\n\
                    shelf_get [drivers/shop/shelf.c:9]\nKernels before v7.1-rc1 are not affected. commit 0123456789ab again.\n";
        assert_eq!(
            told(text),
            [
                "1 0123456789ab shop: empty the shelf",
                "1 0123456789ab first in v7.1-rc1",
                "3 shelf_put in drivers/shop/shelf.c",
                "4 shelf_put calls shelf_free",
                "5 shelf_get in drivers/shop/shelf.c",
            ]
        );
    }

    #[test]
    fn a_release_is_about_no_commit_where_several_are_blamed() {
        let text = "introduced by commit 0123456789ab, or caused by commit fedcba987654; a regression in v7.1";
        assert!(told(text).iter().all(|claim| !claim.contains("first in")), "{:?}", told(text));
    }

    #[test]
    fn a_console_log_claims_nothing() {
        let log = "RIP: 0010:shelf_put+0x1/0x2 drivers/shop/shelf.c:41\n shelf_get+0x1/0x2\ntask (pid:12)\n";
        assert_eq!(told(log), Vec::<String>::new());
    }
}
