//! What the runs of a commit ended with, counted.

use model::RunOutcome;

/// How often each outcome was seen on one kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that ended in the wanted crash.
    pub wanted: u32,
    /// Runs that ended in another crash.
    pub other: u32,
    /// Runs that ended in a known other crash: one which the failing end shows, too, beside the wanted one.
    pub known_crash: u32,
    /// Runs that ended without a crash.
    pub clean: u32,
    /// Runs that never reached the test.
    pub boot_failed: u32,
    /// Runs whose test said that it cannot tell.
    pub skipped: u32,
    /// Attempts to build that failed.
    pub build_failed: u32,
    /// Attempts in which the machinery failed.
    pub infrastructure_errors: u32,
}

impl Tally {
    /// Counts one run.
    pub fn add(&mut self, outcome: RunOutcome) {
        let count = match outcome {
            RunOutcome::Wanted => &mut self.wanted,
            RunOutcome::Other => &mut self.other,
            RunOutcome::Clean => &mut self.clean,
            RunOutcome::BootFailed => &mut self.boot_failed,
            RunOutcome::Skipped => &mut self.skipped,
            RunOutcome::BuildFailed => &mut self.build_failed,
            RunOutcome::InfrastructureError => &mut self.infrastructure_errors,
        };
        *count = count.saturating_add(1);
    }

    /// The sum of two tallies: runs of the same kernel under two names.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            wanted: self.wanted.saturating_add(more.wanted),
            other: self.other.saturating_add(more.other),
            known_crash: self.known_crash.saturating_add(more.known_crash),
            clean: self.clean.saturating_add(more.clean),
            boot_failed: self.boot_failed.saturating_add(more.boot_failed),
            skipped: self.skipped.saturating_add(more.skipped),
            build_failed: self.build_failed.saturating_add(more.build_failed),
            infrastructure_errors: self
                .infrastructure_errors
                .saturating_add(more.infrastructure_errors),
        }
    }

    /// Runs that reached the test.
    pub fn usable(&self) -> u32 {
        self.wanted
            .saturating_add(self.other)
            .saturating_add(self.known_crash)
            .saturating_add(self.clean)
    }

    /// Runs that said nothing of the failure: the kernel did not come up, or the test skipped.
    pub fn unreached(&self) -> u32 {
        self.boot_failed.saturating_add(self.skipped)
    }

    /// Whether the commit was tried and gave nothing usable.
    pub fn is_untestable(&self) -> bool {
        self.usable() == 0 && self.unreached() + self.build_failed > 0
    }
}
