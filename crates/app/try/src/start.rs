//! What is asked, checked; the folder of a tree's trials; the base; and then the lab.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use analysis_trial::{Budget, Origin, Report, Series, WorkloadKind};
use io_git::Repository;
use model::CommitId;

use crate::base::{self, Place};
use crate::drive::{Driver, Limits};
use crate::failure::Failure;
use crate::kernels::{Kernels, Machines};
use crate::keys::key;
use crate::lab::{Common, Configuration, Lab, Work};
use crate::progress::{Progress, Tell};
use crate::shell::{Commands, Shell};
use crate::smoke;

/// Who builds and runs.
#[derive(Clone, Debug)]
pub enum Tester {
    /// Shell commands in a work tree.
    Commands(Commands),
    /// Kernels in virtual machines.
    Machines(Machines),
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The user's tree.
    pub tree: PathBuf,
    /// The base, by the user's word.
    pub base: Option<String>,
    /// The base of revisions, which are a series of the tree itself.
    pub parent: Option<CommitId>,
    /// Only the base is looked for.
    pub base_only: bool,
    /// The configurations.
    pub cells: Vec<Configuration>,
    /// Who builds and runs.
    pub tester: Tester,
    /// Files with reproducers.
    pub reproducers: Vec<PathBuf>,
    /// Names of smoke tests.
    pub smoke: Vec<String>,
    /// Parts of the title of the failure that the patches are to end.
    pub titles: Vec<String>,
    /// How many runs, or how sure.
    pub budget: Budget,
    /// The most minutes.
    pub minutes: Option<f64>,
    /// The most runs in all.
    pub runs: Option<u32>,
    /// A build after every patch.
    pub each: bool,
    /// Seconds of a run.
    pub run_seconds: u64,
    /// Seconds of a build.
    pub build_seconds: u64,
}

/// Runs of a smoke test on each side.
const SMOKE_RUNS: u32 = 2;

/// Tries a series. What is recorded in the folder `state` is not done again.
///
/// # Errors
/// When something that is asked for is not there, git fails, or the lab does.
pub fn try_series(
    asked: &Asked,
    series: Series,
    state: &Path,
    stop: &AtomicBool,
    tell: Tell<'_>,
) -> Result<Report, Failure> {
    check(asked)?;
    let user = Repository::open(&asked.tree).map_err(|error| {
        Failure::from_error(error).hint(
            "give a git tree with the history of the base, as in --tree ~/linux; an unpacked source is none",
        )
    })?;
    if user.has_changes().map_err(Failure::from_error)? {
        tell(&Progress::Uncommitted(user.root().to_owned()));
    }
    let root = user.root().canonicalize().unwrap_or_else(|_| user.root().to_owned());
    let folder = state.join("try").join(key(&[root.as_os_str().as_encoded_bytes()]));
    fs::create_dir_all(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
    let folder = folder.canonicalize().map_err(|error| Failure::io("find", &folder, &error))?;
    let _lock = lock(&folder)?;
    let own = user.borrowed(&folder.join("git")).map_err(Failure::from_error)?;
    let given = match (&asked.base, &asked.parent) {
        (Some(name), _) => Some((Origin::Given, user.resolve(name).map_err(Failure::from_error)?)),
        (None, Some(parent)) => Some((Origin::Parent, parent.clone())),
        (None, None) => None,
    };
    let place = Place { user: &user, own: &own, folder: &folder };
    let found = base::find(&place, &series, given, tell)?;
    let mut report = Report {
        series,
        base: found.base,
        patched: found.commits.last().cloned(),
        confidence: asked.budget.confidence,
        folder: folder.display().to_string(),
        ..Report::default()
    };
    if report.base.chosen.is_none() || asked.base_only || found.commits.is_empty() {
        return Ok(report);
    }
    let works = works(asked, user.root())?;
    let common = Common {
        repository: own.clone(),
        folder: folder.clone(),
        user: root,
        run_seconds: asked.run_seconds,
        build_seconds: asked.build_seconds,
        tell,
    };
    let lab: Box<dyn Lab + '_> = match &asked.tester {
        Tester::Commands(commands) => Box::new(Shell::new(common, commands.clone())),
        Tester::Machines(machines) => {
            check_kernel(&own, &report)?;
            Box::new(Kernels::new(common, machines.clone(), &works, state)?)
        }
    };
    let limits = Limits {
        budget: asked.budget,
        time: asked.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
        runs: asked.runs,
        smoke_runs: SMOKE_RUNS,
    };
    let mut driver = Driver {
        lab,
        own: &own,
        folder: &folder,
        build_key: build_key(asked),
        works: &works,
        titles: &asked.titles,
        each: asked.each,
        limits,
        stop,
        tell,
    };
    driver.go(&asked.cells, &found.commits, &mut report)?;
    Ok(report)
}

/// Refuses what cannot work, before anything is begun.
fn check(asked: &Asked) -> Result<(), Failure> {
    let fragments = asked.cells.iter().flat_map(|cell| &cell.fragments);
    let common = match &asked.tester {
        Tester::Machines(machines) => machines.fragments.as_slice(),
        // A command is told the name and makes of it what it likes.
        Tester::Commands(_) => return Ok(()),
    };
    for name in fragments.chain(common) {
        if !io_kernel_build::FRAGMENTS.iter().any(|fragment| fragment.name == name) {
            let known: Vec<&str> =
                io_kernel_build::FRAGMENTS.iter().map(|fragment| fragment.name).collect();
            return Err(Failure::usage(format!("there is no configuration fragment {name}"))
                .hint(format!("there are {}, and plain for none", known.join(", "))));
        }
    }
    Ok(())
}

/// Kernels are built of kernel trees only.
fn check_kernel(own: &Repository, report: &Report) -> Result<(), Failure> {
    let base = report.base.taken().map(|taken| taken.commit.clone());
    let has =
        base.map(|base| own.file(&base, "Kconfig")).transpose().map_err(Failure::from_error)?;
    if has.flatten().is_none() {
        return Err(Failure::usage("the base is no kernel's source: it has no Kconfig")
            .hint("test other trees with a command: --test CMD"));
    }
    Ok(())
}

/// What is run, in this order.
fn works(asked: &Asked, tree: &Path) -> Result<Vec<Work>, Failure> {
    let mut works = Vec::new();
    let work = |name: &str, kind, file: Option<PathBuf>, key| Work {
        name: name.to_owned(),
        kind,
        file,
        key,
    };
    let limit = asked.run_seconds.to_le_bytes();
    match &asked.tester {
        Tester::Commands(commands) => {
            if let Some(boot) = &commands.boot {
                let key = key(&[b"boot", boot.as_bytes(), &limit]);
                works.push(work("boot", WorkloadKind::Boot, None, key));
            }
            let key = key(&[b"test", commands.test.as_bytes(), &limit]);
            works.push(work("test", WorkloadKind::Reproducer, None, key));
        }
        Tester::Machines(machines) => {
            let machine = format!(
                "{} {} {} {:?}",
                machines.memory, machines.cpus, machines.append, machines.arguments
            );
            let name = key(&[b"boot", machine.as_bytes()]);
            works.push(work("boot", WorkloadKind::Boot, None, name));
            for path in &asked.reproducers {
                let bytes = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
                let shown = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let name = key(&[b"repro", shown.as_bytes(), &bytes, machine.as_bytes(), &limit]);
                works.push(work(&shown, WorkloadKind::Reproducer, Some(path.clone()), name));
            }
            for test in &asked.smoke {
                let file = smoke::program(test, tree)?;
                let bytes = match &file {
                    Some(path) => {
                        fs::read(path).map_err(|error| Failure::io("read", path, &error))?
                    }
                    None => smoke::SOURCE.as_bytes().to_vec(),
                };
                let name = key(&[b"smoke", test.as_bytes(), &bytes, machine.as_bytes(), &limit]);
                works.push(work(test, WorkloadKind::Smoke, file, name));
            }
        }
    }
    Ok(works)
}

/// Equal where a build of the same tree in the same configuration is the same.
fn build_key(asked: &Asked) -> String {
    match &asked.tester {
        Tester::Commands(commands) => key(&[
            b"commands",
            commands.build.as_deref().unwrap_or_default().as_bytes(),
            commands.signature.as_deref().unwrap_or_default().as_bytes(),
        ]),
        Tester::Machines(machines) => key(&[
            b"kernels",
            machines.fragments.join(" ").as_bytes(),
            machines.configs.join("\n").as_bytes(),
        ]),
    }
}

/// Two trials of one tree at once would spoil each other's work trees.
fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| Failure::io("write", &path, &error))?;
    file.try_lock().map_err(|_| {
        Failure::usage(format!("another trial of this tree is at work in {}", folder.display()))
            .hint("wait for it to end, or keep this one's records elsewhere with --state DIR")
    })?;
    Ok(file)
}
