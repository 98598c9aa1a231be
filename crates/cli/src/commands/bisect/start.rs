//! `ktriage bisect start` and `run`: check what was asked, record it, and (with `run`) begin.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use analysis_bisect::Direction;
use anyhow::anyhow;
use io_database::{BisectionStore, LabRequest, Request};

use super::case::Case;
use super::{State, check, drive, priors};
use crate::failure::Failure;
use crate::output::message;

/// Look for the commit that brought a failure, with a test that may be flaky.
///
/// The test runs with `sh -c` in a work tree of its own, never in yours. It ends with 0 when the
/// failure did not show, with 125 when it cannot tell, and with anything else when it failed. What it
/// prints is read for the name of the failure, so that another failure is not taken for the wanted
/// one. With --repro each commit's kernel is built and booted, and the reproducer runs in it.
///
/// Everything is recorded as it happens: stop with Ctrl-C and go on with `ktriage bisect resume`.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// A commit without the failure; may be given several times. With --fix HEAD unless given.
    #[arg(long, value_name = "REV")]
    good: Vec<String>,

    /// Without --good: how many releases to go back, by the tags of the repository. The oldest of them
    /// is where the range begins; it is tested like every other commit.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..), conflicts_with_all = ["good", "fix"])]
    releases: u16,

    /// A commit that shows the failure; HEAD unless given.
    #[arg(long, value_name = "REV", required_if_eq("fix", "true"))]
    bad: Option<String>,

    /// Look for the commit that ended the failure: --bad is the older end then, --good the newer one.
    #[arg(long)]
    fix: bool,

    /// The test, a command for the shell.
    #[arg(long, value_name = "CMD", conflicts_with = "reproducer")]
    test: Option<String>,

    /// What builds a commit before it is tested; when it fails, the commit cannot be tested.
    #[arg(long, value_name = "CMD", conflicts_with = "reproducer")]
    build: Option<String>,

    /// What prints with which compiler and configuration a commit was built, such as `cc --version;
    /// sha256sum .config`: a difference between these is then not taken for one of the code.
    #[arg(long, value_name = "CMD", requires = "build")]
    environment: Option<String>,

    #[command(flatten)]
    kernels: KernelOptions,

    /// The wanted failure: a part of its title; may be given several times.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,

    /// A path of which nothing is built: commits that touch only such paths are not tested.
    #[arg(long, value_name = "PATH")]
    not_built: Vec<String>,

    /// A path that the failure points at: commits that touch it are likelier the culprit.
    #[arg(long, value_name = "PATH")]
    suspect: Vec<String>,

    /// A console log with the crash: commits that touch the files of its (symbolised) report are
    /// likelier the culprit.
    #[arg(long, value_name = "LOG")]
    crash: Option<PathBuf>,

    /// Factors of your own: lines with a revision and a factor, such as `v6.1-rc3~5 20`.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Do not take the culprit back at the bad end as a last proof.
    #[arg(long)]
    no_revert: bool,

    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,

    /// The probability at which a culprit counts as proven, from 0.5 to 0.9999.
    #[arg(long, value_name = "P", default_value_t = 0.99, value_parser = confidence)]
    confidence: f64,

    /// The most to spend: `90m`, `12h`, or a number of runs such as `500runs`.
    #[arg(long, value_name = "BUDGET", value_parser = budget)]
    budget: Option<Budget>,

    /// Tests to run side by side, each in a work tree of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,

    /// Seconds after which a run of --test counts as hung, which is a failure, and one of --repro is
    /// over; 600 and 60 unless given.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    run_timeout: Option<u64>,

    /// Seconds after which a build counts as failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200)]
    build_timeout: u64,

    #[command(flatten)]
    state: State,
}

/// Kernels, built and booted by the lab, instead of a command.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Kernels")]
struct KernelOptions {
    /// Build the kernel of each commit, boot it in a virtual machine and run this there: C source, a
    /// script, a program or a kernel module.
    #[arg(id = "reproducer", long = "repro", value_name = "FILE")]
    reproducer: Option<PathBuf>,

    /// Arguments of the reproducer.
    #[arg(last = true, value_name = "ARGUMENT", requires = "reproducer")]
    arguments: Vec<String>,

    /// Named pieces of the kernel's configuration; `ktriage lab build --list` lists them.
    #[arg(long = "with", value_name = "FRAGMENT", value_delimiter = ',', requires = "reproducer")]
    fragments: Vec<String>,

    /// A file with more of the kernel's configuration, or a whole one; may be given several times.
    #[arg(long = "config", value_name = "FILE", requires = "reproducer")]
    configs: Vec<PathBuf>,

    /// Memory of the guest, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..), requires = "reproducer")]
    memory: u32,

    /// CPUs of the guest.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64), requires = "reproducer")]
    cpus: u32,

    /// Added to the kernel's command line.
    #[arg(
        long,
        value_name = "PARAMETERS",
        default_value = "",
        allow_hyphen_values = true,
        requires = "reproducer"
    )]
    append: String,
}

impl KernelOptions {
    /// What the lab is to do, if it is asked for. The configuration's text is part of the record; the
    /// reproducer is copied into `folder`, so that the bisection can go on when the file has changed.
    fn request(&self) -> Result<Option<LabRequest>, Failure> {
        let Some(reproducer) = &self.reproducer else { return Ok(None) };
        for name in &self.fragments {
            if !io_kernel_build::FRAGMENTS.iter().any(|fragment| fragment.name == name) {
                return Err(Failure::usage(anyhow!("there is no configuration fragment {name}"))
                    .hint("`ktriage lab build --list` lists them"));
            }
        }
        let configs = self
            .configs
            .iter()
            .map(|path| {
                std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(LabRequest {
            reproducer: reproducer.clone(),
            arguments: self.arguments.clone(),
            fragments: self.fragments.clone(),
            configs,
            memory: self.memory,
            cpus: self.cpus,
            append: self.append.clone(),
        }))
    }
}

/// Copies the reproducer to where the bisection keeps its things, and checks that it can run.
fn keep_reproducer(lab: &mut LabRequest, folder: &Path) -> Result<(), Failure> {
    let given = lab.reproducer.clone();
    let name = given.file_name().unwrap_or_default();
    let kept = folder.join(name);
    std::fs::create_dir_all(folder)?;
    std::fs::copy(&given, &kept)
        .map_err(|error| Failure::usage(anyhow!("{}: {error}", given.display())))?;
    lab.reproducer = kept;
    let reproducer = app_lab::Reproducer {
        path: lab.reproducer.clone(),
        arguments: lab.arguments.clone(),
        files: Vec::new(),
    };
    app_lab::prepare(&reproducer).map_err(Failure::usage)?;
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Budget {
    Minutes(f64),
    Runs(u64),
}

fn confidence(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.5..=0.9999).contains(&value) => Ok(value),
        _ => Err("a probability from 0.5 to 0.9999 is needed".into()),
    }
}

fn budget(text: &str) -> Result<Budget, String> {
    let wrong = || "a budget is written 90m, 12h or 500runs".to_owned();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !(number > 0.0 && number < 1e9) {
        return Err(wrong());
    }
    match unit {
        "m" => Ok(Budget::Minutes(number)),
        "h" => Ok(Budget::Minutes(number * 60.0)),
        "runs" | "run" => Ok(Budget::Runs(number as u64)),
        _ => Err(wrong()),
    }
}

pub(super) fn run(arguments: &Arguments, go_on: bool) -> Result<ExitCode, Failure> {
    for (name, command) in
        [("--test", arguments.test.as_ref()), ("--build", arguments.build.as_ref())]
    {
        if command.is_some_and(|command| command.trim().is_empty()) {
            return Err(Failure::usage(anyhow!("{name} is empty")));
        }
    }
    if arguments.test.is_none() && arguments.kernels.reproducer.is_none() {
        return Err(Failure::usage(anyhow!("nothing says whether a commit has the failure")).hint(
            "give --test CMD, or --repro FILE to build and boot each commit's kernel and run FILE there",
        ));
    }
    let direction = if arguments.fix { Direction::Fix } else { Direction::Cause };
    let head = || "HEAD".to_owned();
    let bad = arguments.bad.clone().unwrap_or_else(head);
    let walk = arguments.good.is_empty() && !arguments.fix;
    let good = match arguments.good.as_slice() {
        [] if walk => vec![check::release(&arguments.repository, &bad, arguments.releases)?],
        [] => vec![head()],
        good => good.to_vec(),
    };
    let ends = check::ends(&arguments.repository, &good, &bad, direction)?;
    let crash = match &arguments.crash {
        Some(log) => priors::files_of_crash(log)?,
        None => priors::Files::default(),
    };
    let weights = match &arguments.weights {
        Some(file) => priors::read_weights(file, &ends.repository)?,
        None => Vec::new(),
    };
    let folder = arguments.state.folder()?;
    let store = BisectionStore::open(&folder).map_err(Failure::usage)?;
    let (budget_minutes, budget_runs) = match arguments.budget {
        None => (None, None),
        Some(Budget::Minutes(minutes)) => (Some(minutes), None),
        Some(Budget::Runs(runs)) => (None, Some(runs)),
    };
    let mut lab = arguments.kernels.request()?;
    let mut not_built = arguments.not_built.clone();
    if let Some(lab) = &mut lab {
        let tree = ends.repository.root();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        keep_reproducer(lab, &folder.join("reproducers").join(now.as_nanos().to_string()))?;
        if !tree.join("Kconfig").is_file() {
            message(&format!("note: {} does not look like a kernel's source", tree.display()));
        }
        not_built.extend(io_kernel_build::NEVER_BUILT.iter().map(|&path| path.to_owned()));
    }
    let (good, bad) = match direction {
        Direction::Cause => (ends.old.clone(), ends.new.clone()),
        Direction::Fix => (vec![ends.new.clone()], ends.old[0].clone()),
    };
    let request = Request {
        repository: ends.repository.root().to_owned(),
        good: good.iter().map(ToString::to_string).collect(),
        bad: bad.to_string(),
        test: arguments.test.clone().unwrap_or_default(),
        build: arguments.build.clone(),
        titles: arguments.title.clone(),
        not_built,
        suspects: [arguments.suspect.clone(), crash.trace].concat(),
        confidence: arguments.confidence,
        budget_minutes,
        budget_runs,
        jobs: usize::from(arguments.jobs),
        run_seconds: arguments.run_timeout.unwrap_or(if lab.is_some() { 60 } else { 600 }),
        build_seconds: arguments.build_timeout,
        walk,
        lab,
        fix: arguments.fix,
        guilty: crash.guilty,
        weights,
        environment: arguments.environment.clone(),
        no_revert: arguments.no_revert,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let id = store.create(&request, now).map_err(Failure::usage)?;
    message(&format!(
        "bisection {id}: {} commits from {} to {}, recorded in {}",
        ends.commits,
        ends.old.iter().map(model::CommitId::short).collect::<Vec<_>>().join(", "),
        ends.new.short(),
        folder.display()
    ));
    let stored = store.load(Some(id)).map_err(Failure::usage)?;
    let Some(stored) = stored else {
        return Err(Failure::usage(anyhow!("bisection {id} vanished from {}", folder.display())));
    };
    if !go_on {
        message(&format!("begin it with `ktriage bisect resume {id}`"));
        return Ok(ExitCode::SUCCESS);
    }
    drive::go(Case::with(store, folder, stored)?)
}
