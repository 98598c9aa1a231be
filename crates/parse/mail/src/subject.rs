//! The grammar of subjects: reply marks, bracketed tags, version, number in the series, title.
//!
//! All forms that lists show are read alike: `[PATCH v2 3/9]`, `[PATCHv2 3/9]`, `[PATCH v6,19/24]`,
//! `[PATCH 3/9 v2]`, `[PATCH v5.1 2/4]`, `[RFC PATCH net-next v3]`, `[linux-next PATCH]`.

use std::fmt;

/// The number of a version. `v5.1` is a partial reroll of `v5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber {
    /// The whole number; 1 when a subject names none.
    pub major: u32,
    /// What follows the dot; 0 when there is none.
    pub minor: u32,
}

impl VersionNumber {
    /// The version of a subject that names none.
    pub const FIRST: Self = Self { major: 1, minor: 0 };
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            0 => write!(f, "v{}", self.major),
            minor => write!(f, "v{}.{minor}", self.major),
        }
    }
}

/// A subject taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The whole subject, white space folded to single blanks.
    pub text: String,
    /// It begins with `Re:` or the like.
    pub is_reply: bool,
    /// The tags say that a patch (or its cover letter) follows.
    pub is_patch: bool,
    /// `RFC` stands among the tags.
    pub is_rfc: bool,
    /// `RESEND` stands among the tags.
    pub is_resend: bool,
    /// `GIT PULL` or `PULL` stands among the tags.
    pub is_pull: bool,
    /// The version; [`VersionNumber::FIRST`] when the subject names none.
    pub version: VersionNumber,
    /// Whether the subject names the version.
    pub has_version: bool,
    /// Number in the series and size of the series: `(3, 9)`; 0 of n is the cover letter.
    pub number: Option<(u32, u32)>,
    /// Tags that are none of the above: trees (`net-next`), lists (`syzbot`).
    pub tags: Vec<String>,
    /// What is left: the title of the commit.
    pub title: String,
}

/// Takes a subject apart.
pub fn subject(text: &str) -> Subject {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Subject {
        text: String::new(),
        is_reply: false,
        is_patch: false,
        is_rfc: false,
        is_resend: false,
        is_pull: false,
        version: VersionNumber::FIRST,
        has_version: false,
        number: None,
        tags: Vec::new(),
        title: String::new(),
    };
    let mut rest = text.as_str();
    // Bounded: hostile subjects repeat `Re:` for as long as a header may be.
    for _ in 0..64 {
        rest = rest.trim_start();
        if let Some(after) = reply_mark(rest) {
            found.is_reply = true;
            rest = after;
        } else if let Some((inside, after)) = bracket(rest) {
            tags(inside, &mut found);
            rest = after;
        } else {
            break;
        }
    }
    // `PATCH v2: title` without brackets.
    if !found.is_patch
        && let Some(after) = rest.strip_prefix("PATCH ").or_else(|| rest.strip_prefix("PATCH:"))
    {
        found.is_patch = true;
        rest = after.trim_start_matches([':', ' ']);
    }
    // Some programs name the version at the end: `vfs: x [ver #2]`.
    let mut rest = rest.trim();
    if let Some((title, end)) = rest.rsplit_once(" [ver #")
        && let Some(major) = end.strip_suffix(']').and_then(digits)
    {
        (found.version, found.has_version) = (VersionNumber { major, minor: 0 }, true);
        rest = title.trim_end();
    }
    found.title = rest.to_owned();
    found.text = text;
    found
}

fn reply_mark(text: &str) -> Option<&str> {
    const MARKS: [&str; 9] = ["re", "aw", "antw", "sv", "vs", "fwd", "fw", "答复", "回复"];
    let colon = text.find([':', '：'])?;
    let head = text.get(..colon)?.trim_end();
    let word = head.split(['[', '^', '(']).next().unwrap_or(head).trim();
    let lower = word.to_lowercase();
    MARKS.contains(&lower.as_str()).then(|| {
        let after = &text[colon..];
        after.trim_start_matches([':', '：'])
    })
}

fn bracket(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(']')?;
    Some((&inside[..end], &inside[end + 1..]))
}

/// `1 of 2`, as mercurial numbers patches, written `1/2`.
fn with_slash(inside: &str) -> std::borrow::Cow<'_, str> {
    let Some((before, after)) = inside.split_once(" of ") else { return inside.into() };
    let is_number = before.ends_with(|c: char| c.is_ascii_digit())
        && after.starts_with(|c: char| c.is_ascii_digit());
    if is_number { format!("{before}/{after}").into() } else { inside.into() }
}

fn tags(inside: &str, found: &mut Subject) {
    let inside = with_slash(inside);
    for word in inside.split([' ', ',', ';', ':', '\u{a0}']).filter(|w| !w.is_empty()) {
        let upper = word.to_ascii_uppercase();
        if let Some(rest) = upper.strip_prefix("PATCH") {
            // `PATCHES`, `PATCHv2`, `PATCH-next`, `PATCH/RFC`.
            found.is_patch = true;
            if let Some(v) = version(rest) {
                (found.version, found.has_version) = (v, true);
            } else if rest.contains("RFC") {
                found.is_rfc = true;
            } else if let Some(tree) = rest.strip_prefix('-').filter(|t| !t.is_empty()) {
                found.tags.push(tree.to_ascii_lowercase());
            } else if let Some(n) = number(rest) {
                found.number = Some(n);
            }
        } else if let Some(rest) = upper.strip_prefix("RFC") {
            found.is_rfc = true;
            if let Some(v) = version(rest) {
                (found.version, found.has_version) = (v, true);
            }
            found.is_patch |= rest.contains("PATCH");
        } else if upper.starts_with("RESEND") || upper == "REPOST" {
            found.is_resend = true;
        } else if upper == "PULL" {
            found.is_pull = true;
        } else if matches!(upper.as_str(), "GIT" | "RFT" | "WIP" | "DRAFT" | "OF") {
            if upper != "GIT" && upper != "OF" {
                found.tags.push(word.to_owned());
            }
        } else if let Some(v) = version(&upper) {
            (found.version, found.has_version) = (v, true);
        } else if let Some(n) = number(word) {
            found.number = Some(n);
        } else {
            found.tags.push(word.to_owned());
        }
    }
    // `[RFC 2/5]` and `[v2 2/5]` are patches too; `[1/5]` as a foreign tag is not.
    found.is_patch |=
        found.number.is_some() && (found.is_rfc || found.has_version || found.is_resend);
}

/// `V2`, `V5.1`; also `V2-RESEND`. Wants upper case.
fn version(word: &str) -> Option<VersionNumber> {
    let rest = word.trim_start_matches(['-', '_']).strip_prefix('V')?;
    let (major, minor) = rest.split_once('.').unwrap_or((rest, "0"));
    let major: u32 = digits(major.split(['-', '_']).next()?)?;
    let minor: u32 = digits(minor)?;
    (major <= 999 && minor <= 999).then_some(VersionNumber { major, minor })
}

fn number(word: &str) -> Option<(u32, u32)> {
    let (n, of) = word.split_once('/')?;
    let (n, of): (u32, u32) = (digits(n)?, digits(of)?);
    (of > 0 && of <= 99_999 && n <= 99_999).then_some((n, of))
}

fn digits(text: &str) -> Option<u32> {
    (!text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> (String, Option<(u32, u32)>, bool, String) {
        let s = subject(text);
        (s.version.to_string(), s.number, s.is_patch, s.title)
    }

    #[test]
    fn every_form_of_version_and_number_is_read() {
        for (text, version, number) in [
            ("[PATCH] a: b", "v1", None),
            ("[PATCH v3] a: b", "v3", None),
            ("[PATCHv3 2/9] a: b", "v3", Some((2, 9))),
            ("[PATCH v6,19/24] a: b", "v6", Some((19, 24))),
            ("[PATCH v5.1 02/04] a: b", "v5.1", Some((2, 4))),
            ("[PATCH 3/4 v2] a: b", "v2", Some((3, 4))),
            ("[PATCH V2] a: b", "v2", None),
            ("[RFC v2 1/3] a: b", "v2", Some((1, 3))),
            ("[net-next,v4,1/2] a: b", "v4", Some((1, 2))),
            ("Re: [syzbot] [PATCH RESEND v2] a: b", "v2", None),
        ] {
            assert_eq!(
                shape(text),
                (version.to_owned(), number, true, "a: b".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn replies_and_tags_are_told_apart() {
        let s = subject("Re: AW: [PATCH net-next RESEND v2 1/2] net: x");
        assert!(s.is_reply && s.is_resend && s.is_patch);
        assert_eq!(s.tags, ["net-next"]);
        let s = subject("[syzbot] [mm?] WARNING in foo");
        assert!(!s.is_patch && !s.is_reply);
        assert_eq!(s.tags, ["syzbot", "mm?"]);
        assert_eq!(subject("net: fix a[1]: b").title, "net: fix a[1]: b");
        assert!(subject("[GIT PULL] x for 7.1").is_pull);
    }

    #[test]
    fn a_subject_of_reply_marks_only_ends() {
        let s = subject(&"Re: ".repeat(10_000));
        assert!(s.is_reply);
    }
}
