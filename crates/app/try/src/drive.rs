//! A trial from its base to its end: builds, boots, runs, and what has to be run next.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use analysis_trial::{
    AfterPatch, Ask, Budget, Build, Cell, Comparison, Earlier, Report, Run, Shown, Side, Wanted,
    Workload, WorkloadKind, compare, next, next_without_target, target,
};
use io_git::Repository;
use model::CommitId;

use crate::changed::{Changed, changed};
use crate::failure::{Failure, FailureKind};
use crate::keys::key;
use crate::lab::{Configuration, Job, Lab, NO_BOOT, Ran, Work};
use crate::progress::{Progress, Tell};
use crate::record::{Event, SideRecord, StoredRun, StoredTrial};

/// Boots of each side: a kernel that does not come up is booted again before that is believed.
const BOOT_RUNS: u32 = 2;
/// Runs in a row that the lab loses before it is given up.
const TROUBLE: usize = 4;
/// Runs that are added while it is open which failure of the base is meant.
const TO_DECIDE: u32 = 4;
/// Bytes of a record that are read for an excerpt.
const MOST_RECORD: usize = 4 << 20;
/// Lines of an excerpt.
const EXCERPT: usize = 24;

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) budget: Budget,
    pub(crate) time: Option<Duration>,
    pub(crate) runs: Option<u32>,
    pub(crate) smoke_runs: u32,
}

/// Drives a lab.
pub(crate) struct Driver<'a> {
    pub(crate) lab: Box<dyn Lab + 'a>,
    pub(crate) own: &'a Repository,
    pub(crate) folder: &'a Path,
    pub(crate) build_key: String,
    pub(crate) works: &'a [Work],
    pub(crate) titles: &'a [String],
    pub(crate) each: bool,
    pub(crate) limits: Limits,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) tell: Tell<'a>,
}

/// A side of a cell, with its records.
struct Here<'a> {
    cell: &'a Configuration,
    commit: CommitId,
    tree: String,
    base: Option<(CommitId, String)>,
    record: SideRecord,
}

impl Here<'_> {
    fn job(&self) -> Job<'_> {
        Job {
            cell: self.cell,
            commit: &self.commit,
            tree: &self.tree,
            base: self.base.as_ref().map(|(commit, tree)| (commit, tree.as_str())),
            folder: self.record.folder(),
        }
    }
}

/// Both sides of a cell.
struct Sides<'a> {
    base: Here<'a>,
    patched: Here<'a>,
}

/// Why a cell ends before its end.
enum Ended {
    /// The budget is spent.
    Spent,
    /// It cannot go on.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Driver<'_> {
    /// Fills the report, cell by cell. What is known when the budget or the caller's patience ends is in it.
    pub(crate) fn go(
        &mut self,
        cells: &[Configuration],
        commits: &[CommitId],
        report: &mut Report,
    ) -> Result<(), Failure> {
        let (Some(base), Some(patched)) =
            (report.base.taken().map(|taken| taken.commit.clone()), commits.last())
        else {
            return Ok(());
        };
        report.machine = self.lab.machine();
        let changed = changed(self.own, &base, patched)?;
        let start = Instant::now();
        for cell in cells {
            let sides = self.sides(cell, &base, patched)?;
            let mut filled = Cell { name: cell.name.clone(), ..Cell::default() };
            let ended = self.cell(&sides, commits, &changed, &mut filled, (report, start));
            self.note_earlier(&sides, report)?;
            report.cells.push(filled);
            match ended {
                Ok(()) => {}
                Err(Ended::Spent) => {
                    (self.tell)(&Progress::Spent);
                    report.unfinished = Some("the budget is spent".to_owned());
                    break;
                }
                Err(Ended::Failed(failure)) if failure.kind == FailureKind::Stopped => {
                    report.unfinished = Some("it was stopped".to_owned());
                    break;
                }
                Err(Ended::Failed(failure)) => return Err(failure),
            }
        }
        Ok(())
    }

    fn sides<'c>(
        &self,
        cell: &'c Configuration,
        base: &CommitId,
        patched: &CommitId,
    ) -> Result<Sides<'c>, Failure> {
        let base = self.here(cell, base, None)?;
        let from = (base.commit.clone(), base.tree.clone());
        let patched = self.here(cell, patched, Some(from))?;
        Ok(Sides { base, patched })
    }

    fn here<'c>(
        &self,
        cell: &'c Configuration,
        commit: &CommitId,
        base: Option<(CommitId, String)>,
    ) -> Result<Here<'c>, Failure> {
        let tree = self.own.tree_of(commit).map_err(Failure::from_error)?;
        let name = self.side_name(cell, &tree);
        let record = SideRecord::open(self.folder.join("sides").join(name))?;
        Ok(Here { cell, commit: commit.clone(), tree, base, record })
    }

    /// The name of the records of a tree in a configuration.
    fn side_name(&self, cell: &Configuration, tree: &str) -> String {
        let fragments = cell.fragments.join("+");
        key(&[self.build_key.as_bytes(), fragments.as_bytes(), tree.as_bytes()])
    }

    /// One configuration, up to its end.
    fn cell(
        &mut self,
        sides: &Sides<'_>,
        commits: &[CommitId],
        changed: &Changed,
        cell: &mut Cell,
        (report, start): (&mut Report, Instant),
    ) -> Result<(), Ended> {
        let mut clock = Clock { start, report, limits: self.limits };
        let result = self.steps(sides, commits, changed, cell, &mut clock);
        // Whatever ended it: what is recorded is told.
        cell.workloads = self.works.iter().map(|work| self.workload(sides, work)).collect();
        result
    }

    fn steps(
        &mut self,
        sides: &Sides<'_>,
        commits: &[CommitId],
        changed: &Changed,
        cell: &mut Cell,
        clock: &mut Clock<'_>,
    ) -> Result<(), Ended> {
        let base = self.build(&sides.base, None, clock)?;
        let base_failed = matches!(base, Build::Failed(_));
        cell.base = Side { build: Some(base) };
        if base_failed || !self.boots(sides, false, clock)? {
            return Ok(());
        }
        let mut undecided = false;
        for work in self.works.iter().filter(|work| work.kind == WorkloadKind::Reproducer) {
            undecided |= self.base_runs(sides, work, clock)?;
        }
        if undecided {
            return Ok(());
        }
        let base_ran = self.reach(&sides.base, changed, clock)?;
        if self.each {
            cell.each = self.each_patch(sides, commits, clock)?;
        }
        let mut patched = self.build(&sides.patched, None, clock)?;
        if let Build::Failed(failure) = &mut patched {
            failure.patch = Some(self.first_failing(sides, commits, clock)?);
            cell.patched = Side { build: Some(patched) };
            return Ok(());
        }
        cell.same_kernel = same(cell.base.build.as_ref(), &patched);
        cell.patched = Side { build: Some(patched) };
        if cell.same_kernel == Some(true) || !self.boots(sides, true, clock)? {
            cell.reach = changed.reach(base_ran.as_ref(), None);
            return Ok(());
        }
        for work in self.works.iter().filter(|work| work.kind != WorkloadKind::Boot) {
            self.runs(sides, work, clock)?;
        }
        let patched_ran = self.reach(&sides.patched, changed, clock)?;
        cell.reach = changed.reach(base_ran.as_ref(), patched_ran.as_ref());
        Ok(())
    }

    fn stopped(&self) -> Result<(), Failure> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Failure::stopped()),
            false => Ok(()),
        }
    }

    /// The build of a side: recorded, or made now.
    fn build(
        &mut self,
        here: &Here<'_>,
        after: Option<usize>,
        clock: &mut Clock<'_>,
    ) -> Result<Build, Ended> {
        if let Some((build, _)) = here.record.build() {
            return Ok(build);
        }
        self.stopped()?;
        clock.check()?;
        let is_patched = here.base.is_some();
        let cell = here.cell.name.clone();
        (self.tell)(&Progress::Building { cell: cell.clone(), is_patched, after });
        let begun = Instant::now();
        let build = self.lab.build(&here.job(), self.stop)?;
        let seconds = begun.elapsed().as_secs_f64();
        here.record.keep_build(&build, seconds)?;
        clock.built();
        let failed = match &build {
            Build::Failed(failure) => Some(failure.message.clone()),
            Build::Done { .. } => None,
        };
        (self.tell)(&Progress::Built { cell, is_patched, seconds, failed });
        Ok(build)
    }

    /// Builds after every patch, up to the first that fails.
    fn each_patch(
        &mut self,
        sides: &Sides<'_>,
        commits: &[CommitId],
        clock: &mut Clock<'_>,
    ) -> Result<Vec<AfterPatch>, Ended> {
        let mut each = Vec::new();
        for (at, commit) in commits.iter().enumerate() {
            let here = self.here(sides.patched.cell, commit, sides.patched.base.clone())?;
            let build = self.build(&here, Some(at + 1), clock)?;
            let failed = matches!(build, Build::Failed(_));
            each.push(AfterPatch { patch: at + 1, build });
            if failed {
                break;
            }
        }
        Ok(each)
    }

    /// The number of the first patch with which the tree does not build: the tree before it does.
    fn first_failing(
        &mut self,
        sides: &Sides<'_>,
        commits: &[CommitId],
        clock: &mut Clock<'_>,
    ) -> Result<usize, Ended> {
        let (mut builds, mut fails) = (0, commits.len());
        while fails - builds > 1 {
            let middle = builds + (fails - builds) / 2;
            let commit = &commits[middle - 1];
            let here = self.here(sides.patched.cell, commit, sides.patched.base.clone())?;
            match self.build(&here, Some(middle), clock)? {
                Build::Done { .. } => builds = middle,
                Build::Failed(_) => fails = middle,
            }
        }
        Ok(fails)
    }

    /// Boots a side; whether it comes up in some of its boots. True where nothing boots.
    fn boots(
        &mut self,
        sides: &Sides<'_>,
        is_patched: bool,
        clock: &mut Clock<'_>,
    ) -> Result<bool, Ended> {
        let Some(work) = self.works.iter().find(|work| work.kind == WorkloadKind::Boot) else {
            return Ok(true);
        };
        let here = if is_patched { &sides.patched } else { &sides.base };
        let done = compared(&here.record.runs(&work.key)).len() as u32;
        self.add(here, work, BOOT_RUNS.saturating_sub(done), clock)?;
        let runs = compared(&here.record.runs(&work.key));
        let fails = |run: &Run| run.titles.iter().any(|title| title == NO_BOOT);
        Ok(runs.is_empty() || !runs.iter().all(fails))
    }

    /// Runs on the base until it has shown what it shows. Whether the caller has to say which failure is
    /// meant.
    fn base_runs(
        &mut self,
        sides: &Sides<'_>,
        work: &Work,
        clock: &mut Clock<'_>,
    ) -> Result<bool, Ended> {
        loop {
            let base = compared(&sides.base.record.runs(&work.key));
            let most = self.limits.budget.runs.unwrap_or(self.limits.budget.most);
            if self.titles.is_empty()
                && target(&base).is_none()
                && base.iter().any(|run| !run.titles.is_empty())
            {
                if target_is_tied(&base) || base.len() as u32 >= most {
                    return Ok(true);
                }
                self.add(&sides.base, work, TO_DECIDE, clock)?;
                continue;
            }
            // With nothing on the patched side, what is asked of the base alone.
            let found = self.compare(&base, &[], work);
            match next(&found, &self.limits.budget) {
                Ask::Base(count) => self.add(&sides.base, work, count, clock)?,
                _ => return Ok(false),
            }
        }
    }

    /// Runs on both sides until enough is known.
    fn runs(&mut self, sides: &Sides<'_>, work: &Work, clock: &mut Clock<'_>) -> Result<(), Ended> {
        loop {
            let base = compared(&sides.base.record.runs(&work.key));
            let patched = compared(&sides.patched.record.runs(&work.key));
            let found = self.compare(&base, &patched, work);
            let limits = &self.limits;
            let ask = match work.kind {
                WorkloadKind::Reproducer => next(&found, &limits.budget),
                _ => next_without_target(&found, limits.smoke_runs, &limits.budget),
            };
            match ask {
                Ask::Base(count) => self.add(&sides.base, work, count, clock)?,
                Ask::Patched(count) => self.add(&sides.patched, work, count, clock)?,
                Ask::Enough => return Ok(()),
            }
            // A test that never applies says so each time: it is let be.
            let runs = sides.base.record.runs(&work.key);
            if work.kind == WorkloadKind::Smoke && lost_last(&runs) >= TROUBLE {
                return Ok(());
            }
        }
    }

    /// Adds runs to a side.
    fn add(
        &mut self,
        here: &Here<'_>,
        work: &Work,
        count: u32,
        clock: &mut Clock<'_>,
    ) -> Result<(), Ended> {
        if count == 0 {
            return Ok(());
        }
        self.stopped()?;
        let count = clock.allowed(count)?;
        let done = here.record.runs(&work.key).len();
        (self.tell)(&Progress::Running {
            cell: here.cell.name.clone(),
            is_patched: here.base.is_some(),
            workload: work.name.clone(),
            done: done as u32,
            more: count,
        });
        let mut keep = |run: StoredRun| {
            here.record.keep_run(&work.key, &run)?;
            clock.ran();
            if run.event != Event::Lost {
                let title = run.titles.first().cloned();
                (self.tell)(&Progress::Ran { title, seconds: run.seconds });
            }
            Ok(())
        };
        self.lab.run(&here.job(), work, count, self.stop, &mut keep)?;
        let runs = here.record.runs(&work.key);
        let lost = lost_last(&runs);
        if lost >= TROUBLE && work.kind != WorkloadKind::Smoke {
            let last = runs.last().and_then(|run| run.record.clone());
            let place = last.map(|path| format!("; the last is in {}", path.display()));
            return Err(Failure::lab(format!(
                "{lost} runs in a row of {} came to nothing{}",
                work.name,
                place.unwrap_or_default()
            ))
            .hint("mend that; the same call goes on from here")
            .into());
        }
        Ok(())
    }

    fn compare(&self, base: &[Run], patched: &[Run], work: &Work) -> Comparison {
        let (no_boot, lead);
        let wanted = match work.kind {
            WorkloadKind::Boot => {
                no_boot = [NO_BOOT.to_owned()];
                Wanted::Titles(&no_boot)
            }
            WorkloadKind::Smoke => Wanted::Titles(&[]),
            WorkloadKind::Reproducer if !self.titles.is_empty() => Wanted::Parts(self.titles),
            WorkloadKind::Reproducer => {
                lead = wanted_of(base);
                Wanted::Titles(&lead)
            }
        };
        compare(base, patched, wanted, self.limits.budget.confidence)
    }

    /// What is known of a workload by now.
    fn workload(&self, sides: &Sides<'_>, work: &Work) -> Workload {
        let stored = |here: &Here<'_>| here.record.runs(&work.key);
        let (base, patched) = (stored(&sides.base), stored(&sides.patched));
        let (on_base, on_patched) = (compared(&base), compared(&patched));
        let lost =
            |runs: &[StoredRun]| runs.iter().filter(|run| run.event == Event::Lost).count() as u32;
        let is_open = work.kind == WorkloadKind::Reproducer
            && self.titles.is_empty()
            && target(&on_base).is_none();
        let mut undecided: Vec<String> = Vec::new();
        for title in on_base.iter().filter(|_| is_open).filter_map(|run| run.titles.first()) {
            if !undecided.contains(title) {
                undecided.push(title.clone());
            }
        }
        Workload {
            name: work.name.clone(),
            kind: work.kind,
            comparison: self.compare(&on_base, &on_patched, work),
            lost: (lost(&base), lost(&patched)),
            shown: shown(&base, false).into_iter().chain(shown(&patched, true)).collect(),
            undecided,
        }
    }

    /// Which of the changed functions run on a side; nothing where none changed.
    fn reach(
        &mut self,
        here: &Here<'_>,
        changed: &Changed,
        clock: &mut Clock<'_>,
    ) -> Result<Option<Result<Ran, String>>, Ended> {
        if changed.functions.is_empty() {
            return Ok(None);
        }
        self.stopped()?;
        clock.check()?;
        let works: Vec<&Work> =
            self.works.iter().filter(|work| work.kind != WorkloadKind::Boot).collect();
        let boot: Vec<&Work> = self.works.iter().take(1).collect();
        let works = if works.is_empty() { boot } else { works };
        let is_patched = here.base.is_some();
        (self.tell)(&Progress::Reaching { cell: here.cell.name.clone(), is_patched });
        Ok(Some(self.lab.reach(&here.job(), &works, &changed.functions, self.stop)?))
    }

    /// Keeps this result for the trials of other versions, and tells theirs.
    fn note_earlier(&self, sides: &Sides<'_>, report: &mut Report) -> Result<(), Failure> {
        let series = &report.series;
        let name = |here: &Here<'_>| {
            let name = here.record.folder().file_name();
            name.unwrap_or_default().to_string_lossy().into_owned()
        };
        let lineage = key(&[
            series.title.to_lowercase().as_bytes(),
            series.author.shown().to_lowercase().as_bytes(),
        ]);
        let (base, patched) = (name(&sides.base), name(&sides.patched));
        let cell = sides.base.cell.name.clone();
        let mine = StoredTrial::new(lineage, series.version.clone(), base, cell, patched);
        let all = StoredTrial::all(self.folder);
        for other in all.iter().filter(|other| {
            other.series == mine.series
                && other.base == mine.base
                && other.cell == mine.cell
                && other.version != mine.version
        }) {
            let record = SideRecord::open(self.folder.join("sides").join(&other.side))?;
            let broken = matches!(record.build(), Some((Build::Failed(_), _)));
            for work in self.works.iter().filter(|work| work.kind == WorkloadKind::Reproducer) {
                let base = compared(&sides.base.record.runs(&work.key));
                let runs = compared(&record.runs(&work.key));
                let share = self.compare(&base, &runs, work).patched.share;
                if share.runs > 0 || broken {
                    report.earlier.push(Earlier {
                        version: other.version.clone(),
                        cell: other.cell.clone(),
                        workload: work.name.clone(),
                        showed: share.showed,
                        runs: share.runs,
                        broken,
                    });
                }
            }
        }
        mine.keep(self.folder)
    }
}

/// Counts what is spent.
struct Clock<'a> {
    start: Instant,
    report: &'a mut Report,
    limits: Limits,
}

impl Clock<'_> {
    fn built(&mut self) {
        self.report.spent.builds += 1;
        self.report.spent.minutes = self.start.elapsed().as_secs_f64() / 60.0;
    }

    fn ran(&mut self) {
        self.report.spent.runs += 1;
        self.report.spent.minutes = self.start.elapsed().as_secs_f64() / 60.0;
    }

    fn check(&self) -> Result<(), Ended> {
        self.allowed(1).map(drop)
    }

    /// So many of `count` runs are still allowed.
    fn allowed(&self, count: u32) -> Result<u32, Ended> {
        if self.limits.time.is_some_and(|most| self.start.elapsed() >= most) {
            return Err(Ended::Spent);
        }
        match self.limits.runs.map(|most| most.saturating_sub(self.report.spent.runs)) {
            Some(0) => Err(Ended::Spent),
            Some(left) => Ok(count.min(left)),
            None => Ok(count),
        }
    }
}

/// Runs at the end that say nothing.
fn lost_last(runs: &[StoredRun]) -> usize {
    runs.iter().rev().take_while(|run| run.event == Event::Lost).count()
}

fn compared(runs: &[StoredRun]) -> Vec<Run> {
    runs.iter().filter_map(StoredRun::compared).collect()
}

/// Whether nothing that runs differs; unknown without signatures.
fn same(base: Option<&Build>, patched: &Build) -> Option<bool> {
    let signature = |build: &Build| match build {
        Build::Done { signature, .. } => signature.clone(),
        Build::Failed(_) => None,
    };
    Some(signature(base?)? == signature(patched)?)
}

/// The titles of the failure that the base shows most clearly.
fn wanted_of(base: &[Run]) -> Vec<String> {
    let Some(lead) = target(base) else { return Vec::new() };
    let with = base.iter().find(|run| run.titles.first() == Some(&lead));
    with.map_or_else(|| vec![lead.clone()], |run| run.titles.clone())
}

fn target_is_tied(base: &[Run]) -> bool {
    let titles = base.iter().filter_map(|run| run.titles.first()).map(String::as_str);
    matches!(analysis_trial::TargetTitle::of(titles), analysis_trial::TargetTitle::Tied)
}

/// One recorded failure of each title of a side, with the end of what it printed.
fn shown(runs: &[StoredRun], is_patched: bool) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for run in runs.iter().filter(|run| run.event == Event::Failed) {
        let Some(title) = run.titles.first() else { continue };
        if shown.len() < 4 && !shown.iter().any(|one| one.title == *title) {
            shown.push(Shown {
                is_patched,
                title: title.clone(),
                record: run.record.as_ref().map(|path| path.display().to_string()),
                excerpt: run.record.as_deref().map(excerpt).unwrap_or_default(),
            });
        }
    }
    shown
}

/// The report in a record, else its last lines.
fn excerpt(record: &Path) -> String {
    let file = if record.is_dir() { record.join("console.log") } else { record.to_owned() };
    let bytes = std::fs::read(file).unwrap_or_default();
    let bytes = &bytes[bytes.len().saturating_sub(MOST_RECORD)..];
    let reports = analysis_identity::read_log(bytes).reports;
    let text = match reports.into_iter().find(|report| report.suppressed.is_none()) {
        Some(report) => report.text.to_string(),
        None => {
            let text = String::from_utf8_lossy(bytes);
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(EXCERPT)..].join("\n")
        }
    };
    text.lines().take(EXCERPT).map(|line| format!("{line}\n")).collect()
}
