//! What the runs of a commit ended with, counted.

use model::RunOutcome;

/// How often each outcome was seen on one kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that ended in the wanted crash.
    pub wanted: u32,
    /// Runs that ended in another crash.
    pub other: u32,
    /// Runs that ended in another crash which the failing end shows, too, beside the wanted one.
    pub bystander: u32,
    /// Runs that ended without a crash.
    pub clean: u32,
    /// Runs that never reached the test.
    pub boot_failed: u32,
    /// Attempts to build that failed.
    pub build_failed: u32,
    /// Attempts the lab spoilt.
    pub lab_trouble: u32,
}

impl Tally {
    /// Counts one run.
    pub fn add(&mut self, outcome: RunOutcome) {
        let count = match outcome {
            RunOutcome::Wanted => &mut self.wanted,
            RunOutcome::Other => &mut self.other,
            RunOutcome::Clean => &mut self.clean,
            RunOutcome::BootFailed => &mut self.boot_failed,
            RunOutcome::BuildFailed => &mut self.build_failed,
            RunOutcome::LabTrouble => &mut self.lab_trouble,
        };
        *count = count.saturating_add(1);
    }

    /// The sum of two tallies: runs of the same kernel under two names.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            wanted: self.wanted.saturating_add(more.wanted),
            other: self.other.saturating_add(more.other),
            bystander: self.bystander.saturating_add(more.bystander),
            clean: self.clean.saturating_add(more.clean),
            boot_failed: self.boot_failed.saturating_add(more.boot_failed),
            build_failed: self.build_failed.saturating_add(more.build_failed),
            lab_trouble: self.lab_trouble.saturating_add(more.lab_trouble),
        }
    }

    /// Runs that reached the test.
    pub fn usable(&self) -> u32 {
        self.wanted
            .saturating_add(self.other)
            .saturating_add(self.bystander)
            .saturating_add(self.clean)
    }

    /// Whether the commit was tried and gave nothing usable.
    pub fn is_barren(&self) -> bool {
        self.usable() == 0 && self.boot_failed + self.build_failed > 0
    }
}
