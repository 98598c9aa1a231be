//! What is believed before the first run.

use crate::history::History;

/// Prior weights over the commits of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Per commit; the sum with `older` is 1.
    pub(crate) weight: Vec<f64>,
    /// The bug is older than the range.
    pub(crate) older: f64,
    /// Per commit, the commit that stands for its kernel.
    pub(crate) kernel: Vec<usize>,
}

/// Probability that the bug is older than a range whose good end was only said to be good.
const OLDER: f64 = 0.02;

/// What a trace says about a commit. The factors are likelihood ratios measured on 273 true culprits
/// against 84 commits picked by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The commit touches the file blamed by the report: 0.56 of culprits, 0.02 of others.
    TouchesGuiltyFile,
    /// It touches a file of the trace: 0.88 against 0.11.
    TouchesTrace,
    /// It touches a file in a directory of the trace: 0.67 against 0.08.
    TouchesTraceDirectory,
    /// It touches nothing that is built here (documentation, tools, other architectures): never a
    /// culprit, 0.14 of the mistakes.
    TouchesNothingBuilt,
}

impl Hint {
    /// The factor by which the hint multiplies the prior of the commit.
    pub const fn likelihood_ratio(self) -> f64 {
        match self {
            Self::TouchesGuiltyFile => 23.0,
            Self::TouchesTrace => 8.0,
            Self::TouchesTraceDirectory => 6.0,
            Self::TouchesNothingBuilt => 0.0,
        }
    }
}

impl Prior {
    /// Every commit alike.
    pub fn uniform(history: &History) -> Self {
        let mut prior = Self {
            weight: vec![1.0; history.len()],
            older: OLDER,
            kernel: (0..history.len()).collect(),
        };
        prior.normalise();
        prior
    }

    /// Multiplies the weight of a commit. A factor that is no number, negative or infinite counts
    /// as 1.
    #[must_use]
    pub fn weigh(mut self, commit: usize, factor: f64) -> Self {
        if factor.is_finite() && factor >= 0.0 {
            self.weight[commit] *= factor;
        }
        self
    }

    /// Applies a hint.
    #[must_use]
    pub fn hint(self, commit: usize, hint: Hint) -> Self {
        self.weigh(commit, hint.likelihood_ratio())
    }

    /// Says how probable it is that the bug is older than the range, from 0 to below 1.
    #[must_use]
    pub fn older(mut self, probability: f64) -> Self {
        self.older = probability.clamp(0.0, 0.999);
        self
    }

    /// Says that `commit` builds to the same kernel as `same` (its parent): it cannot be the culprit,
    /// and runs of either count for both.
    #[must_use]
    pub fn same_kernel(mut self, commit: usize, same: usize) -> Self {
        self.weight[commit] = 0.0;
        let from = self.kernel[commit];
        let to = self.kernel[same];
        for kernel in &mut self.kernel {
            if *kernel == from {
                *kernel = to;
            }
        }
        self
    }

    /// The commit that stands for the kernel of `commit`.
    pub fn kernel(&self, commit: usize) -> usize {
        self.kernel[commit]
    }

    /// Brings the sum to 1. When no commit has weight left, all of it is "older".
    pub(crate) fn normalise(&mut self) {
        let total: f64 = self.weight.iter().sum();
        if total > 0.0 {
            let factor = (1.0 - self.older) / total;
            self.weight.iter_mut().for_each(|weight| *weight *= factor);
        } else {
            self.older = 1.0;
        }
    }
}
