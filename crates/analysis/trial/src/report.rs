//! All that came out of a trial.

use model::CommitId;

use crate::base::Base;
use crate::compare::{Comparison, Verdict};
use crate::functions::ChangedFunction;
use crate::series::Series;

/// A trial as far as it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What was tried.
    pub series: Series,
    /// What is known of the base.
    pub base: Base,
    /// The patched commit, in a repository of the trial's own.
    pub patched: Option<CommitId>,
    /// One for each configuration.
    pub cells: Vec<Cell>,
    /// Results of other versions, on the same base and with the same tests.
    pub earlier: Vec<Earlier>,
    /// What it cost.
    pub spent: Spent,
    /// How sure a difference had to be.
    pub confidence: f64,
    /// Why it is not finished, if it is not.
    pub unfinished: Option<String>,
    /// The machine on which kernels ran; nothing when a command tested.
    pub machine: Option<String>,
    /// The folder with all records.
    pub folder: String,
}

/// A configuration, on both sides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Its name: fragments joined by `+`, or `plain`.
    pub name: String,
    /// Without the patches.
    pub base: Side,
    /// With them.
    pub patched: Side,
    /// The build after each patch, where that was asked for.
    pub each: Vec<AfterPatch>,
    /// Nothing that runs differs between the sides; unknown where no signature was taken.
    pub same_kernel: Option<bool>,
    /// What was run.
    pub workloads: Vec<Workload>,
    /// Whether the changed functions ran.
    pub reach: Reach,
}

/// A side of a configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// The build, once it ended.
    pub build: Option<Build>,
}

/// A build.
#[derive(Clone, Debug, PartialEq)]
pub enum Build {
    /// It is there.
    Done {
        /// How long it took, in seconds.
        seconds: f64,
        /// Equal for kernels of which nothing that runs differs.
        signature: Option<String>,
        /// It was built in a copy of the base's build folder.
        from_base: bool,
    },
    /// It failed.
    Failed(BuildFailure),
}

/// Why a build failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildFailure {
    /// The file, as the build names it.
    pub file: Option<String>,
    /// The line in it.
    pub line: Option<u32>,
    /// The words of the first error.
    pub message: String,
    /// The number of the patch, from 1, with which it begins: the tree before it builds.
    pub patch: Option<usize>,
    /// Where the whole output is.
    pub log: Option<String>,
}

/// A build after one of the patches.
#[derive(Clone, Debug, PartialEq)]
pub struct AfterPatch {
    /// The number of the patch, from 1.
    pub patch: usize,
    /// How its build ended.
    pub build: Build,
}

/// What kind of thing is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// The kernel is booted and nothing more.
    Boot,
    /// A reproducer of the failure that the patch is to end.
    Reproducer,
    /// Something that works on the base.
    Smoke,
}

/// Something that was run on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// The sides held against each other.
    pub comparison: Comparison,
    /// Runs that say nothing, as the lab failed or the test could not tell: base, patched.
    pub lost: (u32, u32),
    /// A failure on each side, with where it is recorded: at most a few.
    pub shown: Vec<Shown>,
    /// Several failures show about as often on the base, and the caller has to say which is wanted.
    pub undecided: Vec<String>,
}

/// A recorded failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// On the patched side.
    pub is_patched: bool,
    /// Its title.
    pub title: String,
    /// The folder or file in which it is recorded.
    pub record: Option<String>,
    /// The end of what it printed.
    pub excerpt: String,
}

/// Whether the changed functions ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Why it is not known, if it is not.
    pub unknown: Option<String>,
    /// Each changed function.
    pub functions: Vec<Reached>,
    /// Changed lines outside of functions: definitions, macros, data. Whether they had an effect is not known.
    pub outside: Vec<(String, usize)>,
    /// Files that are no C source, or of which nothing is built here.
    pub other_files: Vec<String>,
}

/// A changed function, and whether it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The function.
    pub function: ChangedFunction,
    /// The patched kernel has it under this name; else it is inlined, or not built.
    pub is_there: bool,
    /// While the base booted; nothing where that side was not looked at.
    pub base_boot: Option<bool>,
    /// While the tests ran on the base.
    pub base_run: Option<bool>,
    /// While the patched kernel booted.
    pub patched_boot: Option<bool>,
    /// While the tests ran on it.
    pub patched_run: Option<bool>,
    /// Changed lines of it that ran on the patched side, where debug information tells.
    pub lines: Option<Vec<u64>>,
}

impl Reached {
    /// Whether it ran on the patched side.
    pub fn ran(&self) -> bool {
        self.patched_boot == Some(true) || self.patched_run == Some(true)
    }
}

/// The result of another version.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// Its name.
    pub version: String,
    /// The configuration.
    pub cell: String,
    /// The workload.
    pub workload: String,
    /// Runs with the wanted failure, and all.
    pub showed: u32,
    /// All its runs.
    pub runs: u32,
    /// It did not build or boot.
    pub broken: bool,
}

/// What a trial cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Builds.
    pub builds: u32,
    /// Runs.
    pub runs: u32,
    /// Minutes of both.
    pub minutes: f64,
}

/// What came of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The failure showed on the base and never with the patches, beyond chance.
    Fixed,
    /// It shows less often with them.
    LessOften,
    /// Nothing that runs has changed.
    SameKernel,
    /// There was no failure to look for: it builds and boots, and that is all.
    BuildsAndBoots,
    /// It did not show with the patches so far, and that may be luck.
    Open,
    /// It never showed on the base: nothing is proven.
    NotShownOnBase,
    /// The base shows several failures, and which is wanted was not said.
    Undecided,
    /// It did not come so far.
    Unfinished,
    /// It still shows.
    NotFixed,
    /// The base does not boot.
    BaseDoesNotBoot,
    /// The base does not build.
    BaseDoesNotBuild,
    /// The patched kernel does not boot, and the base does.
    BreaksBoot,
    /// It does not build, and the base does.
    BreaksBuild,
}

/// A trial in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worst {
    /// The series applies nowhere.
    NoBase,
    /// What came of the worst configuration.
    Of(Outcome),
}

impl Cell {
    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        match (&self.base.build, &self.patched.build) {
            (None, _) => return Outcome::Unfinished,
            (Some(Build::Failed(_)), _) => return Outcome::BaseDoesNotBuild,
            (_, Some(Build::Failed(_))) => return Outcome::BreaksBuild,
            _ => {}
        }
        if let Some(boot) = self.workload(WorkloadKind::Boot).next().map(|one| &one.comparison) {
            let fails =
                |rate: crate::Rate| rate.share.runs > 0 && rate.share.showed == rate.share.runs;
            if fails(boot.base) {
                return Outcome::BaseDoesNotBoot;
            }
            if fails(boot.patched) {
                return Outcome::BreaksBoot;
            }
        }
        if self.same_kernel == Some(true) {
            return Outcome::SameKernel;
        }
        let reproducers: Vec<&Workload> = self.workload(WorkloadKind::Reproducer).collect();
        if self.patched.build.is_none() {
            // The base alone may already tell that nothing can be proven.
            return match reproducers.iter().any(|one| !one.undecided.is_empty()) {
                true => Outcome::Undecided,
                false => Outcome::Unfinished,
            };
        }
        reproducers.iter().map(|one| one.outcome()).max().unwrap_or(Outcome::BuildsAndBoots)
    }

    fn workload(&self, kind: WorkloadKind) -> impl Iterator<Item = &Workload> {
        self.workloads.iter().filter(move |one| one.kind == kind)
    }

    /// Failures that only the patched side shows, or that it shows more often beyond chance.
    pub fn has_new_failures(&self) -> bool {
        self.workloads.iter().any(|one| !one.comparison.new.is_empty())
    }
}

impl Workload {
    /// What a reproducer showed.
    pub fn outcome(&self) -> Outcome {
        if !self.undecided.is_empty() {
            return Outcome::Undecided;
        }
        if self.comparison.base.share.runs == 0 {
            return Outcome::Unfinished;
        }
        match self.comparison.verdict {
            Verdict::Gone => Outcome::Fixed,
            Verdict::LessOften => Outcome::LessOften,
            Verdict::StillShown => Outcome::NotFixed,
            Verdict::Open => Outcome::Open,
            Verdict::NotShownOnBase => Outcome::NotShownOnBase,
        }
    }
}

impl Report {
    /// The trial in one word: that of its worst configuration.
    pub fn worst(&self) -> Worst {
        if self.base.chosen.is_none() {
            return Worst::NoBase;
        }
        Worst::Of(self.cells.iter().map(Cell::outcome).max().unwrap_or(Outcome::Unfinished))
    }

    /// Whether some configuration proves that the failure is gone and nothing speaks against the series:
    /// only then is a `Tested-by` proposed.
    pub fn earns_tested_by(&self) -> bool {
        let fixed = self.cells.iter().any(|cell| cell.outcome() == Outcome::Fixed);
        let fine = self.cells.iter().all(|cell| {
            matches!(cell.outcome(), Outcome::Fixed | Outcome::SameKernel | Outcome::BuildsAndBoots)
                || cell.outcome() == Outcome::NotShownOnBase
        });
        let guess = self.base.taken().is_none_or(|base| base.grade() <= model::Grade::Guess);
        fixed && fine && !guess && !self.cells.iter().any(Cell::has_new_failures)
    }

    /// Whether all is well: what `--exit-code` asks.
    pub fn is_fine(&self) -> bool {
        matches!(
            self.worst(),
            Worst::Of(Outcome::Fixed | Outcome::SameKernel | Outcome::BuildsAndBoots)
        ) && !self.cells.iter().any(Cell::has_new_failures)
    }
}
