//! What a check finds.

use crate::task::say;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A crate sees a layer that it must not see, or is of none.
    Layer,
    /// A library with breaking releases or C code stands in two manifests.
    VolatileLibrary,
    /// A module has no heading.
    Heading,
    /// Code that decides touches the outside.
    Impure,
    /// A source names a path of some machine.
    PrivatePath,
    /// A file is too long to hold in the head.
    LongFile,
    /// A pattern does not compile.
    Pattern,
    /// HTML is escaped outside of `render`.
    Escaping,
    /// Files of a crate need each other.
    Circle,
    /// A function does not fit on two screens.
    LongFunction,
    /// English where facts are decided.
    Sentence,
    /// A rule that no test names.
    UntestedRule,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Layer => "layers",
            Self::VolatileLibrary => "volatile libraries",
            Self::Heading => "headings of modules",
            Self::Impure => "pure code",
            Self::PrivatePath => "paths of a machine",
            Self::LongFile => "long files",
            Self::Pattern => "patterns that do not compile",
            Self::Escaping => "HTML escaped outside render",
            Self::Circle => "circles between files",
            Self::LongFunction => "long functions",
            Self::Sentence => "sentences in analysis",
            Self::UntestedRule => "rules that no test names",
        }
    }
}

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    /// `FILE` or `FILE:LINE`.
    pub(super) place: String,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn new(kind: Kind, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind, place: place.into(), what: what.into() }
    }

    pub(super) fn tell(&self) {
        say(&format!("{}: {}", self.place, self.what));
    }
}

/// A source as the checks' tests see it.
#[cfg(test)]
pub(super) fn file(place: &str, text: &str) -> super::source::File {
    super::source::parse(place.to_owned(), text.to_owned()).unwrap()
}
