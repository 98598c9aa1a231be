//! The verdicts a claim can get.

use std::fmt;

/// What becomes of a claim; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The evidence says otherwise.
    Contradicted,
    /// The exhibit that would show it is not there.
    Unsupported,
    /// A cause is named, and nothing tests it.
    Unproven,
    /// The argument holds just as well if the claim is false.
    ProvesNothing,
    /// True as far as it goes, but it leaves out what the evidence shows.
    Incomplete,
    /// Nobody tried.
    Untested,
    /// The reader cannot repeat what was done.
    NotReproducible,
    /// The pointer leads nowhere.
    Unusable,
    /// The remedy treats something that is not there.
    NotIndicated,
    /// The remedy makes the symptom disappear and leaves the cause.
    WouldHide,
    /// Neither text nor log decides.
    CannotJudge,
    /// Fits what is known; only the source or a test can settle it.
    Plausible,
    /// The evidence says so.
    Supported,
}

impl Verdict {
    /// The words in which it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::Unsupported => "unsupported",
            Self::Unproven => "unproven",
            Self::Plausible => "plausible",
            Self::ProvesNothing => "proves nothing",
            Self::Incomplete => "incomplete",
            Self::Untested => "untested",
            Self::NotReproducible => "not reproducible",
            Self::Unusable => "unusable",
            Self::NotIndicated => "not indicated",
            Self::WouldHide => "would hide",
            Self::CannotJudge => "cannot be judged",
        }
    }

    /// The identifier in JSON.
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::Unsupported => "unsupported",
            Self::Unproven => "unproven",
            Self::Plausible => "plausible",
            Self::ProvesNothing => "proves_nothing",
            Self::Incomplete => "incomplete",
            Self::Untested => "untested",
            Self::NotReproducible => "not_reproducible",
            Self::Unusable => "unusable",
            Self::NotIndicated => "not_indicated",
            Self::WouldHide => "would_hide",
            Self::CannotJudge => "cannot_judge",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
