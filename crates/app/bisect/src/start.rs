//! Checks what is asked for, records it, and so begins a search.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use analysis_bisect::Direction;
use io_database::BisectionStore;
use model::CommitId;
use model::bisection::{LabRequest, Request};

use crate::case::Case;
use crate::failure::Failure;
use crate::progress::{Progress, Tell};
use crate::{ends, priors};

/// What is asked for, before anything of it is looked up.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The repository.
    pub repository: PathBuf,
    /// Commits said to be good; none means a release some way back, or HEAD in a search for a fix.
    pub good: Vec<String>,
    /// The commit on which the failure was seen; HEAD when none is named.
    pub bad: Option<String>,
    /// Releases to go back where no commit is said to be good.
    pub releases: u16,
    /// What is looked for is the commit that ended the failure.
    pub fix: bool,
    /// The test, for `sh -c`.
    pub test: Option<String>,
    /// What prepares a commit for the test, for `sh -c`.
    pub build: Option<String>,
    /// What prints with which compiler and configuration a commit was built, for `sh -c`.
    pub environment: Option<String>,
    /// Kernels to build and boot instead; the reproducer is still where the user has it.
    pub lab: Option<LabRequest>,
    /// The wanted titles, or parts of them.
    pub titles: Vec<String>,
    /// Paths of which nothing is built.
    pub not_built: Vec<String>,
    /// Paths that the failure points at.
    pub suspects: Vec<String>,
    /// A log with the crash.
    pub crash: Option<PathBuf>,
    /// The commits of the range are ranked by that crash, and taken for as likely as is said of them.
    pub ranked: bool,
    /// A file of factors.
    pub weights: Option<PathBuf>,
    /// The culprit is not reverted at the bad end as a last proof.
    pub no_revert: bool,
    /// The probability at which a culprit counts as proven.
    pub confidence: f64,
    /// The most minutes to spend.
    pub budget_minutes: Option<f64>,
    /// The most runs to make.
    pub budget_runs: Option<u64>,
    /// Tests that may run side by side.
    pub jobs: usize,
    /// Seconds after which a run counts as hung.
    pub run_seconds: Option<u64>,
    /// Seconds after which a build counts as failed.
    pub build_seconds: u64,
}

/// Copies the reproducer to where the search keeps its things, and checks that it can run.
fn keep_reproducer(lab: &mut LabRequest, folder: &Path) -> Result<(), Failure> {
    let given = lab.reproducer.clone();
    let kept = folder.join(given.file_name().unwrap_or_default());
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", given.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::copy(&given, &kept).map_err(failed)?;
    lab.reproducer = kept;
    let reproducer = app_lab::Reproducer {
        path: lab.reproducer.clone(),
        arguments: lab.arguments.clone(),
        files: Vec::new(),
    };
    app_lab::prepare(&reproducer).map_err(Failure::from_error)?;
    Ok(())
}

/// Refuses what cannot be a request.
fn check(asked: &Asked) -> Result<(), Failure> {
    for (name, command) in [("--test", &asked.test), ("--build", &asked.build)] {
        if command.as_ref().is_some_and(|command| command.trim().is_empty()) {
            return Err(Failure::usage(format!("{name} is empty")));
        }
    }
    if asked.test.is_none() && asked.lab.is_none() {
        return Err(Failure::usage("nothing says whether a commit has the failure").hint(
            "give --test CMD, or --repro FILE to build and boot each commit's kernel and run FILE there",
        ));
    }
    let fragments = asked.lab.iter().flat_map(|lab| &lab.fragments);
    for name in fragments {
        if !io_kernel_build::FRAGMENTS.iter().any(|fragment| fragment.name == name) {
            return Err(Failure::usage(format!("there is no configuration fragment {name}"))
                .hint("`ktriage lab build --list` lists them"));
        }
    }
    Ok(())
}

/// Checks what is asked for and records it in the state folder `folder`.
///
/// # Errors
/// When something that is asked for is not there or makes no sense, and when it cannot be recorded.
pub fn start(asked: &Asked, folder: &Path, tell: Tell<'_>) -> Result<Case, Failure> {
    check(asked)?;
    let direction = if asked.fix { Direction::Fix } else { Direction::Cause };
    let head = || "HEAD".to_owned();
    let bad = asked.bad.clone().unwrap_or_else(head);
    let walk = asked.good.is_empty() && !asked.fix;
    let good = match asked.good.as_slice() {
        [] if walk => vec![ends::release(&asked.repository, &bad, asked.releases, tell)?],
        [] => vec![head()],
        good => good.to_vec(),
    };
    let ends = ends::ends(&asked.repository, &good, &bad, direction, tell)?;
    let crash = match &asked.crash {
        Some(log) => priors::files_of_crash(log, tell)?,
        None => priors::Files::default(),
    };
    let mut weights = match &asked.weights {
        Some(file) => priors::read_weights(file, &ends.repository)?,
        None => Vec::new(),
    };
    let crash = match &asked.crash {
        // What the ranking says of a commit holds what its files say.
        Some(log) if asked.ranked => {
            weights.extend(priors::ranked(&ends, log, folder, tell)?);
            priors::Files::default()
        }
        _ => crash,
    };
    let store = BisectionStore::open(folder).map_err(Failure::from_error)?;
    let mut lab = asked.lab.clone();
    let mut not_built = asked.not_built.clone();
    if let Some(lab) = &mut lab {
        let tree = ends.repository.root();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        keep_reproducer(lab, &folder.join("reproducers").join(now.as_nanos().to_string()))?;
        if !tree.join("Kconfig").is_file() {
            tell(&Progress::NoKernelTree { tree: tree.to_owned() });
        }
        not_built.extend(io_kernel_build::NEVER_BUILT.iter().map(|&path| path.to_owned()));
    }
    let (good, bad) = match direction {
        Direction::Cause => (ends.old.clone(), ends.new.clone()),
        Direction::Fix => (vec![ends.new.clone()], ends.old[0].clone()),
    };
    let request = Request {
        repository: ends.repository.root().to_owned(),
        good: good.iter().map(CommitId::to_string).collect(),
        bad: bad.to_string(),
        test: asked.test.clone().unwrap_or_default(),
        build: asked.build.clone(),
        titles: asked.titles.clone(),
        not_built,
        suspects: [asked.suspects.clone(), crash.trace].concat(),
        confidence: asked.confidence,
        budget_minutes: asked.budget_minutes,
        budget_runs: asked.budget_runs,
        jobs: asked.jobs,
        run_seconds: asked.run_seconds.unwrap_or(if lab.is_some() { 60 } else { 600 }),
        build_seconds: asked.build_seconds,
        walk,
        lab,
        fix: asked.fix,
        guilty: crash.guilty,
        weights,
        environment: asked.environment.clone(),
        no_revert: asked.no_revert,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let id = store.create(&request, now).map_err(Failure::from_error)?;
    tell(&Progress::Started {
        id,
        commits: ends.commits,
        old: ends.old,
        new: ends.new,
        folder: folder.to_owned(),
    });
    let stored = store.load(Some(id)).map_err(Failure::from_error)?;
    let Some(stored) = stored else {
        return Err(Failure::usage(format!("bisection {id} vanished from {}", folder.display())));
    };
    Case::with(store, folder.to_owned(), stored)
}
