//! What `try --json` prints.

use analysis_trial::{
    Attempt, Build, Candidate, Cell, Origin, OtherFailure, Rate, Reached, Report, Workload,
    WorkloadKind, Worst,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::words::{headline, meaning, origin, outcome_name};

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// A trial.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Trial {
    format: u32,
    /// `no_base`, or the outcome of the worst configuration.
    outcome: &'static str,
    statement: String,
    /// Some configuration shows a failure that the base does not.
    new_failures: bool,
    /// Base failed, patched did not, and nothing speaks against it.
    tested_by: bool,
    /// Why it is not finished.
    unfinished: Option<String>,
    series: Series,
    base: Base,
    patched: Option<String>,
    cells: Vec<CellJson>,
    earlier: Vec<Earlier>,
    confidence: f64,
    builds: u32,
    runs: u32,
    minutes: f64,
    machine: Option<String>,
    folder: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Series {
    title: String,
    version: String,
    author: String,
    message_id: Option<String>,
    patches: Vec<String>,
    files: Vec<String>,
    versions: Vec<String>,
    newer: Option<String>,
    state: String,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Finding {
    statement: String,
    grade: &'static str,
    lines: Vec<Lines>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Lines {
    first: u64,
    last: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Base {
    /// The candidate that is taken, counted from 0.
    chosen: Option<usize>,
    candidates: Vec<CandidateJson>,
    /// The mail's base-commit, if this tree does not have it.
    absent: Option<String>,
    unknown_names: Vec<String>,
    missing: Vec<Missing>,
    nearest: Option<Nearest>,
    shallow: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CandidateJson {
    commit: String,
    name: Option<String>,
    title: String,
    /// `given`, `parent`, `base_commit`, `blobs`, `named`, `date` or `head`.
    origin: &'static str,
    statement: String,
    grade: &'static str,
    files_same: usize,
    files: usize,
    applies: bool,
    /// Numbers of patches that needed a three-way merge.
    merged: Vec<usize>,
    /// The patch at which it stopped.
    stopped_at: Option<usize>,
    message: Option<String>,
    failed_hunks: Vec<Hunk>,
    /// The mail names it, and its own diff starts from other files.
    contradicted: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Hunk {
    file: String,
    /// From 1; 0 when the whole file is at fault.
    hunk: u32,
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Missing {
    path: String,
    blob: String,
    in_repository: bool,
    instead: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Nearest {
    commit: String,
    name: Option<String>,
    files_same: usize,
    files: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CellJson {
    name: String,
    outcome: &'static str,
    statement: String,
    base: Option<BuildJson>,
    patched: Option<BuildJson>,
    each: Vec<AfterPatch>,
    same_kernel: Option<bool>,
    workloads: Vec<WorkloadJson>,
    reach: ReachJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct BuildJson {
    built: bool,
    seconds: Option<f64>,
    signature: Option<String>,
    on_base: bool,
    file: Option<String>,
    line: Option<u32>,
    message: Option<String>,
    /// The patch with which it fails.
    patch: Option<usize>,
    log: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AfterPatch {
    patch: usize,
    build: BuildJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WorkloadJson {
    name: String,
    /// `boot`, `reproducer` or `smoke`.
    kind: &'static str,
    /// Of a reproducer.
    outcome: Option<&'static str>,
    wanted: Vec<String>,
    base: RateJson,
    patched: RateJson,
    /// Of so few on the patched side when the patches change nothing.
    chance: f64,
    new: Vec<Other>,
    known: Vec<Other>,
    undecided: Vec<String>,
    lost_base: u32,
    lost_patched: u32,
    shown: Vec<Shown>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RateJson {
    showed: u32,
    runs: u32,
    independent: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Other {
    title: String,
    base: RateJson,
    patched: RateJson,
    /// Of so many more on the patched side when the patches change nothing.
    chance: f64,
    renamed: bool,
    may_be_hidden: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    patched: bool,
    title: String,
    record: Option<String>,
    excerpt: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ReachJson {
    unknown: Option<String>,
    functions: Vec<Function>,
    outside: Vec<Outside>,
    other_files: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Function {
    name: String,
    file: String,
    changed_lines: Vec<u64>,
    in_kernel: bool,
    base_boot: Option<bool>,
    base_run: Option<bool>,
    patched_boot: Option<bool>,
    patched_run: Option<bool>,
    lines_ran: Option<Vec<u64>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Outside {
    file: String,
    lines: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Earlier {
    version: String,
    cell: String,
    workload: String,
    showed: u32,
    runs: u32,
    broken: bool,
}

/// The trial as it is printed.
pub fn trial(report: &Report) -> Trial {
    Trial {
        format: FORMAT,
        outcome: match report.worst() {
            Worst::NoBase => "no_base",
            Worst::Of(outcome) => outcome_name(outcome),
        },
        statement: headline(report).1,
        new_failures: report.cells.iter().any(Cell::has_new_failures),
        tested_by: report.earns_tested_by(),
        unfinished: report.unfinished.clone(),
        series: series(&report.series),
        base: base(&report.base),
        patched: report.patched.as_ref().map(ToString::to_string),
        cells: report.cells.iter().map(cell).collect(),
        earlier: report
            .earlier
            .iter()
            .map(|one| Earlier {
                version: one.version.clone(),
                cell: one.cell.clone(),
                workload: one.workload.clone(),
                showed: one.showed,
                runs: one.runs,
                broken: one.broken,
            })
            .collect(),
        confidence: report.confidence,
        builds: report.spent.builds,
        runs: report.spent.runs,
        minutes: report.spent.minutes,
        machine: report.machine.clone(),
        folder: report.folder.clone(),
    }
}

fn series(series: &analysis_trial::Series) -> Series {
    Series {
        title: series.title.clone(),
        version: series.version.clone(),
        author: series.author.shown().to_owned(),
        message_id: series.message_id.clone(),
        patches: series.patches.iter().map(|patch| patch.title.clone()).collect(),
        files: series.paths(),
        versions: series.versions.clone(),
        newer: series.newer.clone(),
        state: series.state.clone(),
        findings: series
            .findings
            .iter()
            .map(|found| Finding {
                statement: found.statement.clone(),
                grade: found.grade.name(),
                lines: found
                    .lines
                    .iter()
                    .map(|span| Lines { first: span.first, last: span.last })
                    .collect(),
            })
            .collect(),
    }
}

fn base(base: &analysis_trial::Base) -> Base {
    Base {
        chosen: base.chosen,
        candidates: base.candidates.iter().map(candidate).collect(),
        absent: base.absent.clone(),
        unknown_names: base.unknown_names.clone(),
        missing: base
            .missing
            .iter()
            .map(|one| Missing {
                path: one.path.clone(),
                blob: one.blob.clone(),
                in_repository: one.is_known,
                instead: one.instead.clone(),
            })
            .collect(),
        nearest: base.nearest.as_ref().map(|nearest| Nearest {
            commit: nearest.commit.to_string(),
            name: nearest.name.clone(),
            files_same: nearest.blobs.same,
            files: nearest.blobs.of,
        }),
        shallow: base.is_shallow,
    }
}

fn candidate(one: &Candidate) -> CandidateJson {
    let (merged, stopped_at, message, hunks) = match &one.attempt {
        Attempt::Whole { merged } => (merged.clone(), None, None, &[][..]),
        Attempt::Stopped { patch, message, hunks } => {
            (Vec::new(), Some(*patch), Some(message.clone()), hunks.as_slice())
        }
    };
    CandidateJson {
        commit: one.commit.to_string(),
        name: one.name.clone(),
        title: one.title.clone(),
        origin: match &one.origin {
            Origin::Given => "given",
            Origin::Parent => "parent",
            Origin::BaseCommit(_) => "base_commit",
            Origin::Blobs => "blobs",
            Origin::Named(_) => "named",
            Origin::Date => "date",
            Origin::Head => "head",
        },
        statement: origin(&one.origin),
        grade: one.grade().name(),
        files_same: one.blobs.same,
        files: one.blobs.of,
        applies: one.applies(),
        merged,
        stopped_at,
        message,
        failed_hunks: hunks
            .iter()
            .map(|hunk| Hunk {
                file: hunk.file.clone(),
                hunk: hunk.hunk,
                reason: hunk.reason.clone(),
            })
            .collect(),
        contradicted: one.is_contradicted(),
    }
}

fn cell(cell: &Cell) -> CellJson {
    CellJson {
        name: cell.name.clone(),
        outcome: outcome_name(cell.outcome()),
        statement: meaning(cell),
        base: cell.base.build.as_ref().map(build),
        patched: cell.patched.build.as_ref().map(build),
        each: cell
            .each
            .iter()
            .map(|after| AfterPatch { patch: after.patch, build: build(&after.build) })
            .collect(),
        same_kernel: cell.same_kernel,
        workloads: cell.workloads.iter().map(workload).collect(),
        reach: ReachJson {
            unknown: cell.reach.unknown.clone(),
            functions: cell.reach.functions.iter().map(function).collect(),
            outside: cell
                .reach
                .outside
                .iter()
                .map(|(file, lines)| Outside { file: file.clone(), lines: *lines })
                .collect(),
            other_files: cell.reach.other_files.clone(),
        },
    }
}

fn build(build: &Build) -> BuildJson {
    let empty = BuildJson {
        built: true,
        seconds: None,
        signature: None,
        on_base: false,
        file: None,
        line: None,
        message: None,
        patch: None,
        log: None,
    };
    match build {
        Build::Done { seconds, signature, from_base } => BuildJson {
            seconds: Some(*seconds),
            signature: signature.clone(),
            on_base: *from_base,
            ..empty
        },
        Build::Failed(failure) => BuildJson {
            built: false,
            file: failure.file.clone(),
            line: failure.line,
            message: Some(failure.message.clone()),
            patch: failure.patch,
            log: failure.log.clone(),
            ..empty
        },
    }
}

fn workload(work: &Workload) -> WorkloadJson {
    let found = &work.comparison;
    let is_reproducer = work.kind == WorkloadKind::Reproducer;
    WorkloadJson {
        name: work.name.clone(),
        kind: match work.kind {
            WorkloadKind::Boot => "boot",
            WorkloadKind::Reproducer => "reproducer",
            WorkloadKind::Smoke => "smoke",
        },
        outcome: is_reproducer.then(|| outcome_name(work.outcome())),
        wanted: found.wanted.iter().cloned().collect(),
        base: rate(&found.base),
        patched: rate(&found.patched),
        chance: found.chance,
        new: found.new.iter().map(other).collect(),
        known: found.known.iter().map(other).collect(),
        undecided: work.undecided.clone(),
        lost_base: work.lost.0,
        lost_patched: work.lost.1,
        shown: work
            .shown
            .iter()
            .map(|shown| Shown {
                patched: shown.is_patched,
                title: shown.title.clone(),
                record: shown.record.clone(),
                excerpt: shown.excerpt.clone(),
            })
            .collect(),
    }
}

fn rate(rate: &Rate) -> RateJson {
    RateJson {
        showed: rate.share.showed,
        runs: rate.share.runs,
        independent: rate.independent,
        low: rate.low,
        high: rate.high,
    }
}

fn other(one: &OtherFailure) -> Other {
    Other {
        title: one.title.clone(),
        base: rate(&one.base),
        patched: rate(&one.patched),
        chance: one.chance,
        renamed: one.is_renamed,
        may_be_hidden: one.may_be_hidden,
    }
}

fn function(one: &Reached) -> Function {
    Function {
        name: one.function.name.clone(),
        file: one.function.file.clone(),
        changed_lines: one.function.lines.clone(),
        in_kernel: one.is_there,
        base_boot: one.base_boot,
        base_run: one.base_run,
        patched_boot: one.patched_boot,
        patched_run: one.patched_run,
        lines_ran: one.lines.clone(),
    }
}
