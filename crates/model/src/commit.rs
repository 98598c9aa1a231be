//! A commit's name, as git writes it in full.

use std::fmt;

/// The full name of a git commit: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// Takes a full commit name; `None` when `text` is anything else. Upper case is folded.
    pub fn parse(text: &str) -> Option<Self> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        full.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, as kernel people quote a commit.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CommitId;

    #[test]
    fn only_a_full_name_is_a_commit_id() {
        let full = "ABCDEF0123456789abcdef0123456789abcdef01";
        assert_eq!(CommitId::parse(full).unwrap().short(), "abcdef012345");
        assert_eq!(CommitId::parse("abcdef012345"), None);
        assert_eq!(CommitId::parse(&"g".repeat(40)), None);
    }
}
