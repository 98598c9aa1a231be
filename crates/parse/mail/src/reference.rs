//! What text refers to: bug trackers, commits, links, wherever in a line they stand.

/// A bug tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BugKind {
    /// syzbot, by the id of the report (`extid=`, `syzbot+…@`).
    Syzbot,
    /// syzbot, by the id of the bug (`bug?id=`).
    SyzbotBug,
    /// bugzilla.kernel.org.
    KernelBugzilla,
    /// Another Bugzilla.
    Bugzilla,
    /// A CVE number.
    Cve,
    /// Launchpad.
    Launchpad,
    /// Debian.
    Debian,
    /// An issue of a GitHub or GitLab project.
    Forge,
}

impl BugKind {
    /// The name by which the tracker is printed and stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syzbot => "syzbot",
            Self::SyzbotBug => "syzbot-bug",
            Self::KernelBugzilla => "bugzilla.kernel.org",
            Self::Bugzilla => "bugzilla",
            Self::Cve => "cve",
            Self::Launchpad => "launchpad",
            Self::Debian => "debian",
            Self::Forge => "forge",
        }
    }
}

/// The id of a bug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BugId {
    /// The tracker.
    pub kind: BugKind,
    /// The id in that tracker; for a forge `project#number`, for another Bugzilla `host#number`.
    pub id: String,
}

/// A marker before an id: the tracker, the mark, what the id is made of and how long it is.
struct Marker(BugKind, &'static str, fn(u8) -> bool, usize, usize);

const MARKERS: [Marker; 7] = [
    Marker(BugKind::Syzbot, "extid=", is_hex, 12, 40),
    Marker(BugKind::Syzbot, "syzbot+", is_hex, 12, 40),
    Marker(BugKind::SyzbotBug, "/bug?id=", is_hex, 12, 40),
    Marker(BugKind::KernelBugzilla, "bugzilla.kernel.org/show_bug.cgi?id=", is_digit, 1, 9),
    Marker(BugKind::Cve, "CVE-", is_cve, 8, 16),
    Marker(BugKind::Launchpad, "bugs.launchpad.net/bugs/", is_digit, 1, 9),
    Marker(BugKind::Debian, "bugs.debian.org/", is_digit, 4, 9),
];

fn is_hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

fn is_cve(b: u8) -> bool {
    b.is_ascii_digit() || b == b'-'
}

/// All bug ids of a line, in order, each once.
pub fn bug_ids(line: &str) -> Vec<BugId> {
    let mut found: Vec<(usize, BugId)> = Vec::new();
    // Every marker has one of these, and every id a digit.
    let bytes = line.as_bytes();
    if memchr::memchr3(b'=', b'+', b'/', bytes).is_none() && memchr::memchr(b'-', bytes).is_none()
        || !bytes.iter().any(u8::is_ascii_digit)
    {
        return Vec::new();
    }
    for Marker(kind, mark, of, least, most) in &MARKERS {
        for (at, _) in line.match_indices(mark) {
            let rest = &line[at + mark.len()..];
            let length = rest.bytes().take_while(|b| of(*b)).count();
            if (*least..=*most).contains(&length) {
                let id = rest[..length].trim_end_matches('-').to_ascii_lowercase();
                let id = if *kind == BugKind::Cve { format!("CVE-{id}") } else { id };
                found.push((at, BugId { kind: *kind, id }));
            }
        }
    }
    for link in links(line) {
        let Some(rest) = link.url.split_once("://").map(|u| u.1) else { continue };
        let host = rest.split('/').next().unwrap_or_default();
        let number = |mark: &str| {
            let at = rest.find(mark)? + mark.len();
            let digits: String =
                rest[at..].chars().take_while(char::is_ascii_digit).take(9).collect();
            (!digits.is_empty()).then_some((at, digits))
        };
        let bug = if host.contains("bugzilla.") && host != "bugzilla.kernel.org" {
            number("id=").map(|(_, n)| BugId { kind: BugKind::Bugzilla, id: format!("{host}#{n}") })
        } else if let Some((_, n)) = number("/+bug/") {
            Some(BugId { kind: BugKind::Launchpad, id: n })
        } else if let Some((at, n)) = number("/issues/") {
            let project = rest[host.len()..at - "/issues/".len()].trim_matches('/');
            let project = project.trim_end_matches("/-");
            Some(BugId { kind: BugKind::Forge, id: format!("{project}#{n}") })
        } else {
            None
        };
        if let Some(bug) = bug {
            found.push((link.at, bug));
        }
    }
    found.sort_by_key(|f| f.0);
    let mut ids: Vec<BugId> = Vec::new();
    for (_, bug) in found {
        if !ids.contains(&bug) {
            ids.push(bug);
        }
    }
    ids
}

/// How long a link can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// Nothing speaks against it.
    Lasting,
    /// Known to vanish: pastes, shares, artifacts of a build.
    Perishable,
    /// A shortener or a filter of a mail service: it hides where it leads.
    Masked,
}

/// A link in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Byte offset in the line.
    pub at: usize,
    /// The address, without closing punctuation.
    pub url: String,
    /// How long it can be trusted.
    pub kind: LinkKind,
}

/// Hosts whose pages vanish or hide. A host matches with all names below it.
const HOSTS: [(&str, LinkKind); 27] = [
    ("share.google", LinkKind::Perishable),
    ("pastebin.com", LinkKind::Perishable),
    ("paste.debian.net", LinkKind::Perishable),
    ("paste.ubuntu.com", LinkKind::Perishable),
    ("paste.opensuse.org", LinkKind::Perishable),
    ("paste.centos.org", LinkKind::Perishable),
    ("paste.sr.ht", LinkKind::Perishable),
    ("termbin.com", LinkKind::Perishable),
    ("0x0.st", LinkKind::Perishable),
    ("dpaste.com", LinkKind::Perishable),
    ("hastebin.com", LinkKind::Perishable),
    ("transfer.sh", LinkKind::Perishable),
    ("wetransfer.com", LinkKind::Perishable),
    ("we.tl", LinkKind::Perishable),
    ("imgur.com", LinkKind::Perishable),
    ("drive.google.com", LinkKind::Perishable),
    ("dropbox.com", LinkKind::Perishable),
    ("chatgpt.com", LinkKind::Perishable),
    ("bit.ly", LinkKind::Masked),
    ("tinyurl.com", LinkKind::Masked),
    ("goo.gl", LinkKind::Masked),
    ("t.co", LinkKind::Masked),
    ("is.gd", LinkKind::Masked),
    ("lnkd.in", LinkKind::Masked),
    ("safelinks.protection.outlook.com", LinkKind::Masked),
    ("urldefense.com", LinkKind::Masked),
    ("urldefense.proofpoint.com", LinkKind::Masked),
];

/// All links of a line.
pub fn links(line: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find("://") {
        let mark = from + at;
        from = mark + 3;
        let head = &line[..mark];
        let scheme = head.len() - head.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
        if !matches!(&line[scheme..mark], "http" | "https") {
            continue;
        }
        let rest = &line[scheme..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | '<' | '"' | '`' | '\'' | '}'))
            .unwrap_or(rest.len());
        let mut url = rest[..end].trim_end_matches(['.', ',', ';', ':', '!']);
        if url.ends_with(')') && !url.contains('(') {
            url = url.trim_end_matches([')', '.', ',']);
        }
        if url.ends_with(']') && !url.contains('[') {
            url = url.trim_end_matches([']', '.', ',']);
        }
        let host = url.split_once("://").map_or("", |u| u.1);
        let host = host.split(['/', '?', ':', '#']).next().unwrap_or_default();
        if host.is_empty() {
            continue;
        }
        let kind = HOSTS
            .iter()
            .find(|(h, _)| {
                host == *h || host.strip_suffix(h).is_some_and(|below| below.ends_with('.'))
            })
            .map_or(LinkKind::Lasting, |row| row.1);
        found.push(Link { at: scheme, url: url.to_owned(), kind });
        from = scheme + end.max(1);
        if from >= line.len() {
            break;
        }
    }
    found
}

/// A commit that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitMention {
    /// The id as written, lower case.
    pub id: String,
    /// The title in parentheses behind it.
    pub title: Option<String>,
    /// A release named right behind it: `which is v6.18-rc1`.
    pub release: Option<String>,
    /// Index of the line on which the id stands, in the lines given.
    pub line: usize,
}

/// All commits that the lines name: `commit ID`, `ID ("title")`, `Fixes: ID`. The title may go on
/// in the next lines. A bare hexadecimal word is none.
pub fn commits(lines: &[&str]) -> Vec<CommitMention> {
    let mut found: Vec<CommitMention> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        for (at, word) in hex_words(line) {
            let before = line[..at].trim_end().to_ascii_lowercase();
            let above = || {
                index > 0
                    && before.is_empty()
                    && lines[index - 1].trim_end().to_ascii_lowercase().ends_with("commit")
            };
            let named = ["commit", "commits", "fixes:", "commit:", "base-commit:"]
                .iter()
                .any(|mark| before.ends_with(mark))
                || before.ends_with("/c/") && before.contains("kernel.org/")
                || above();
            let mut after = line[at + word.len()..].trim().to_owned();
            for next in lines.iter().skip(index + 1).take(3) {
                after.push(' ');
                after.push_str(next.trim());
            }
            let after = after.trim_start();
            let title = after
                .strip_prefix("(\"")
                .or_else(|| after.strip_prefix("('"))
                .and_then(|rest| {
                    rest.find("\")").or_else(|| rest.find("')")).map(|end| rest[..end].to_owned())
                })
                .filter(|title| title.len() <= 240);
            if !named && title.is_none() {
                continue;
            }
            let tail = title.as_ref().map_or(after, |t| after.get(t.len() + 4..).unwrap_or(""));
            let sentence = tail.split(". ").next().unwrap_or(tail);
            let sentence = sentence.get(..sentence.floor_char_boundary(60)).unwrap_or(sentence);
            let release = sentence
                .split(|c: char| c.is_whitespace() || c == ',' || c == ')' || c == '(')
                .map(|w| w.trim_end_matches(['.', ';', ':']))
                .find(|w| is_release(w))
                .map(str::to_owned);
            found.push(CommitMention {
                id: word.to_ascii_lowercase(),
                title,
                release,
                line: index,
            });
        }
    }
    found
}

fn is_release(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('v') else { return false };
    rest.split(['.', '-']).count() >= 2
        && rest.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        && rest.contains('.')
}

fn hex_words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-' && c != '=' && c != '/')
        .filter(|w| {
            (7..=40).contains(&w.len())
                && w.bytes().all(|b| b.is_ascii_hexdigit())
                && w.bytes().any(|b| b.is_ascii_digit())
        })
        .map(|w| (w.as_ptr() as usize - line.as_ptr() as usize, w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_ids_are_found_wherever_they_stand() {
        let ids = |line| {
            bug_ids(line)
                .into_iter()
                .map(|b| format!("{}:{}", b.kind.name(), b.id))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids("  https://syzkaller.appspot.com/bug?extid=0123456789abcdef0123"),
            ["syzbot:0123456789abcdef0123"]
        );
        assert_eq!(
            ids("Reported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com"),
            ["syzbot:0123456789abcdef0123"]
        );
        assert_eq!(
            ids("see https://bugzilla.kernel.org/show_bug.cgi?id=217000, CVE-2026-12345"),
            ["bugzilla.kernel.org:217000", "cve:CVE-2026-12345"]
        );
        assert_eq!(
            ids("https://gitlab.freedesktop.org/drm/amd/-/issues/1234"),
            ["forge:drm/amd#1234"]
        );
        assert_eq!(
            ids("https://bugzilla.redhat.com/show_bug.cgi?id=9"),
            ["bugzilla:bugzilla.redhat.com#9"]
        );
    }

    #[test]
    fn links_lose_closing_punctuation_and_perishable_hosts_are_marked() {
        let all =
            links("(see https://share.google/x/y (expires) and <https://lore.kernel.org/r/a@b/>).");
        assert_eq!(all[0].url, "https://share.google/x/y");
        assert_eq!(all[0].kind, LinkKind::Perishable);
        assert_eq!(all[1].url, "https://lore.kernel.org/r/a@b/");
        assert_eq!(all[1].kind, LinkKind::Lasting);
        assert_eq!(
            links("https://nam06.safelinks.protection.outlook.com/?u=1")[0].kind,
            LinkKind::Masked
        );
        assert_eq!(links("https:// and ://x"), []);
    }

    #[test]
    fn commits_need_a_word_or_a_title() {
        let lines = [
            "possible since commit 3253cb49cbad4 (\"softirq:",
            "Allow to drop it\") which is v6.18-rc1.",
            "in the 3f51ad7ac3ae57a6fdcc report",
            "Fixes: 5ff3b30ab57d (\"kcov: x\")",
        ];
        let all = commits(&lines);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].title.as_deref(), Some("softirq: Allow to drop it"));
        assert_eq!(all[0].release.as_deref(), Some("v6.18-rc1"));
        assert_eq!(all[1].id, "5ff3b30ab57d");
    }
}
