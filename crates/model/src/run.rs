//! What one run of a test can end with.

use std::fmt;

/// The outcome of one run of the reproducer (or test) on one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunOutcome {
    /// The wanted crash, by its identity or by one of the titles it takes.
    Wanted,
    /// A crash, but not by one of the wanted titles.
    Other,
    /// The run came to its end without a crash.
    Clean,
    /// The kernel (or program) did not get as far as the test.
    BootFailed,
    /// The test said that it cannot tell, as with `git bisect skip`.
    Skipped,
    /// The commit could not be built.
    BuildFailed,
    /// The machinery failed: nothing is learnt about the commit.
    InfrastructureError,
}

impl RunOutcome {
    /// Every outcome, in the order in which tables show them.
    pub const ALL: [Self; 7] = [
        Self::Wanted,
        Self::Other,
        Self::Clean,
        Self::BootFailed,
        Self::Skipped,
        Self::BuildFailed,
        Self::InfrastructureError,
    ];

    /// The name under which the outcome is printed and stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Other => "other",
            Self::Clean => "clean",
            Self::BootFailed => "boot_failed",
            Self::Skipped => "skipped",
            Self::BuildFailed => "build_failed",
            Self::InfrastructureError => "infrastructure_error",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether the run says anything about the presence of the bug.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Wanted | Self::Other | Self::Clean)
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::RunOutcome;

    #[test]
    fn a_stored_name_is_read_back() {
        for outcome in RunOutcome::ALL {
            assert_eq!(RunOutcome::from_name(outcome.name()), Some(outcome));
        }
    }
}
