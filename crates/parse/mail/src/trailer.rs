//! Trailers: `Reviewed-by: NAME <ADDRESS> (scope)`, `Fixes:`, `Link:`, `change-id:` and the like.

use crate::message::{Person, person, without_mailto};

/// What a trailer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrailerKind {
    /// `Signed-off-by`, `Co-developed-by`.
    Author,
    /// `Reviewed-by`, `Acked-by` and kin.
    Review,
    /// `Tested-by` and kin.
    Test,
    /// `Nacked-by`.
    Refusal,
    /// `Reported-by`, `Suggested-by`: who is thanked.
    Credit,
    /// `Assisted-by`.
    Tool,
    /// `Fixes`.
    Fixes,
    /// `Closes`.
    Closes,
    /// `Link`, `BugLink`, `References`.
    Link,
    /// `Cc`.
    Cc,
    /// `change-id`.
    ChangeId,
    /// `base-commit`.
    BaseCommit,
    /// Ends in `-by` but is none of the kernel's.
    UnknownBy,
    /// Another known tag.
    Other,
}

/// The tags kernel developers use. A newcomer adds one by a row.
const KNOWN: [(&str, TrailerKind); 36] = [
    ("Signed-off-by", TrailerKind::Author),
    ("Co-developed-by", TrailerKind::Author),
    ("Co-authored-by", TrailerKind::Author),
    ("Originally-by", TrailerKind::Author),
    ("Reviewed-by", TrailerKind::Review),
    ("Acked-by", TrailerKind::Review),
    ("Acked-and-reviewed-by", TrailerKind::Review),
    ("Reviewed-and-tested-by", TrailerKind::Review),
    ("Tested-by", TrailerKind::Test),
    ("Acked-and-tested-by", TrailerKind::Test),
    ("Reported-and-tested-by", TrailerKind::Test),
    ("Compile-tested-by", TrailerKind::Test),
    ("Build-tested-by", TrailerKind::Test),
    ("Nacked-by", TrailerKind::Refusal),
    ("Reported-by", TrailerKind::Credit),
    ("Suggested-by", TrailerKind::Credit),
    ("Requested-by", TrailerKind::Credit),
    ("Diagnosed-by", TrailerKind::Credit),
    ("Debugged-by", TrailerKind::Credit),
    ("Bisected-by", TrailerKind::Credit),
    ("Assisted-by", TrailerKind::Tool),
    ("Fixes", TrailerKind::Fixes),
    ("Closes", TrailerKind::Closes),
    ("Link", TrailerKind::Link),
    ("BugLink", TrailerKind::Link),
    ("Bugzilla", TrailerKind::Link),
    ("Message-ID", TrailerKind::Link),
    ("Bug", TrailerKind::Link),
    ("References", TrailerKind::Link),
    ("Patchwork", TrailerKind::Link),
    ("Cc", TrailerKind::Cc),
    ("change-id", TrailerKind::ChangeId),
    ("base-commit", TrailerKind::BaseCommit),
    ("Depends-on", TrailerKind::Other),
    ("Based-on", TrailerKind::Other),
    ("prerequisite-patch-id", TrailerKind::Other),
];

/// One trailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The tag as the kernel spells it, or as written if unknown.
    pub tag: String,
    /// What it says.
    pub kind: TrailerKind,
    /// All behind the colon.
    pub value: String,
    /// The person it names; meaningful for tags that name one.
    pub person: Person,
    /// What stands behind the address: `# board`, `(mm)`.
    pub scope: Option<String>,
    /// Index of its first line.
    pub first: usize,
    /// Index of its last line.
    pub last: usize,
}

impl TrailerKind {
    /// Whether the tag names a person.
    pub const fn names_person(self) -> bool {
        matches!(
            self,
            Self::Author
                | Self::Review
                | Self::Test
                | Self::Refusal
                | Self::Credit
                | Self::Tool
                | Self::Cc
                | Self::UnknownBy
        )
    }
}

/// Reads one line as a trailer. It begins at the first column.
pub fn trailer(line: &str) -> Option<Trailer> {
    let colon = line.find(':').filter(|at| (2..=32).contains(at))?;
    let tag = &line[..colon];
    if !tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        || !tag.as_bytes()[0].is_ascii_alphabetic()
    {
        return None;
    }
    let value = without_mailto(line[colon + 1..].trim());
    let value = value.as_ref();
    let row = KNOWN.iter().find(|row| row.0.eq_ignore_ascii_case(tag));
    let by = tag.len() > 3 && tag.to_ascii_lowercase().ends_with("-by");
    let (tag, kind) = match row {
        Some((tag, kind)) => ((*tag).to_owned(), *kind),
        None if by && tag.as_bytes()[0].is_ascii_uppercase() => {
            (tag.to_owned(), TrailerKind::UnknownBy)
        }
        None => return None,
    };
    let plausible = match kind {
        TrailerKind::Fixes => {
            hex_prefix(value) >= 6
                || value.strip_prefix("commit ").is_some_and(|rest| hex_prefix(rest) >= 6)
        }
        TrailerKind::Link | TrailerKind::Closes => {
            value.contains("://") || value.starts_with('#') || value.starts_with('<')
        }
        TrailerKind::BaseCommit => hex_prefix(value) >= 6,
        TrailerKind::Cc => value.contains('@'),
        _ => !value.is_empty(),
    };
    if !plausible {
        return None;
    }
    let (named, scope) = split_scope(value, kind);
    let person = if kind.names_person() { person(named) } else { Person::default() };
    Some(Trailer { tag, kind, value: value.to_owned(), person, scope, first: 0, last: 0 })
}

fn split_scope(value: &str, kind: TrailerKind) -> (&str, Option<String>) {
    if !kind.names_person() {
        return (value, None);
    }
    let (named, rest) = match value.find('>') {
        Some(at) => value.split_at(at + 1),
        None => match value.find(" #") {
            Some(at) => value.split_at(at),
            None => match (value.find('@'), value.find(" (")) {
                (None, Some(at)) if kind != TrailerKind::Cc => value.split_at(at),
                _ => return (value, None),
            },
        },
    };
    let rest = rest.trim();
    let scope = rest.trim_start_matches('#').trim().trim_matches(['(', ')', '[', ']']).trim();
    (named, (!scope.is_empty()).then(|| scope.to_owned()))
}

fn hex_prefix(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_hexdigit).count()
}

/// Reads all trailers of the lines given with their indexes. A person's address or the title of
/// `Fixes` may stand on the next line.
pub fn trailers<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Trailer> {
    let mut found = Vec::new();
    let mut lines = lines.peekable();
    while let Some((index, line)) = lines.next() {
        let Some(mut one) = trailer(line) else { continue };
        (one.first, one.last) = (index, index);
        if let Some((next_index, next)) = lines.peek().copied()
            && next_index == index + 1
        {
            let unfinished = one.kind == TrailerKind::Fixes
                && one.value.contains("(\"")
                && !one.value.trim_end().ends_with(')');
            let address = one.kind.names_person()
                && one.person.address.is_none()
                && next.trim_start().starts_with('<');
            if (unfinished || address)
                && let Some(joined) = trailer(&format!("{} {}", line.trim_end(), next.trim()))
            {
                one = Trailer { first: index, last: next_index, ..joined };
                lines.next();
            }
        }
        found.push(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_behind_the_address_is_kept_and_never_costs_the_trailer() {
        for (line, scope) in [
            ("Reviewed-by: A B <a@b.example> (for mm)", Some("for mm")),
            ("Tested-by: A B <a@b.example> # rk3399", Some("rk3399")),
            ("Acked-by: A B <a@b.example>", None),
            ("Acked-by: A B <a@b.example<mailto:a@b.example>>", None),
            ("Acked-by: A B <mailto:a@b.example> (mm)", Some("mm")),
        ] {
            let t = trailer(line).expect(line);
            assert_eq!(t.scope.as_deref(), scope);
            assert_eq!(t.person.address.as_deref(), Some("a@b.example"));
        }
    }

    #[test]
    fn a_person_without_address_gets_none() {
        let t = trailer("Analyzed-by: Mode X of Y (no mail address)").expect("a trailer");
        assert_eq!(t.kind, TrailerKind::UnknownBy);
        assert_eq!(t.person, Person { name: "Mode X of Y".into(), address: None });
        assert_eq!(t.scope.as_deref(), Some("no mail address"));
    }

    #[test]
    fn trailers_that_go_on_in_the_next_line_are_joined() {
        let text = "Reviewed-by: A B\n<a@b.example>\nFixes: 0123456789ab (\"a: long\ntitle\")";
        let all = trailers(text.lines().enumerate());
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].person.address.as_deref(), Some("a@b.example"));
        assert_eq!((all[1].first, all[1].last), (2, 3));
    }

    #[test]
    fn prose_is_no_trailer() {
        for line in ["Link: see above", "note: this", "Fixes: the bug", " Acked-by: A <a@b>"] {
            assert_eq!(trailer(line), None, "{line}");
        }
    }
}
