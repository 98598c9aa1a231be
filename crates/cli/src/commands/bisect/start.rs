//! `ktriage bisect start` and `run`: check what was asked, record it, and (with `run`) begin.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use app_bisect::Asked;
use model::bisection::LabRequest;

use super::super::fuzz::source::as_c;
use super::{State, resume};
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

    /// Rank the commits of the range by the crash of --crash, as `ktriage suspects` does, and take each for as likely as
    /// is said of it.
    #[arg(long, requires = "crash", conflicts_with = "fix")]
    suspects: bool,

    /// Factors of your own: lines with a revision and a factor, such as `v6.1-rc3~5 20`.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Do not revert the culprit on the bad commit as a last proof.
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
    /// script, a program, a kernel module or a program of system calls (.syz).
    #[arg(id = "reproducer", long = "repro", value_name = "FILE")]
    reproducer: Option<PathBuf>,

    /// Descriptions (syzlang) of the calls of a .syz program; without it, those that ktriage has itself.
    #[arg(long, value_name = "DIR", requires = "reproducer")]
    descriptions: Option<PathBuf>,

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
    /// What the lab is to do, if it is asked for. The configuration's text is part of the record.
    fn request(&self, state: &State) -> Result<Option<LabRequest>, Failure> {
        let Some(reproducer) = &self.reproducer else { return Ok(None) };
        let reproducer = as_c(reproducer, self.descriptions.as_deref(), &state.folder()?)?;
        let configs = self
            .configs
            .iter()
            .map(|path| {
                std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))
            })
            .collect::<Result<_, _>>()?;
        Ok(Some(LabRequest {
            reproducer,
            arguments: self.arguments.clone(),
            fragments: self.fragments.clone(),
            configs,
            memory: self.memory,
            cpus: self.cpus,
            append: self.append.clone(),
        }))
    }
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

impl Arguments {
    fn asked(&self) -> Result<Asked, Failure> {
        let (budget_minutes, budget_runs) = match self.budget {
            None => (None, None),
            Some(Budget::Minutes(minutes)) => (Some(minutes), None),
            Some(Budget::Runs(runs)) => (None, Some(runs)),
        };
        Ok(Asked {
            repository: self.repository.clone(),
            good: self.good.clone(),
            bad: self.bad.clone(),
            releases: self.releases,
            fix: self.fix,
            test: self.test.clone(),
            build: self.build.clone(),
            environment: self.environment.clone(),
            lab: self.kernels.request(&self.state)?,
            titles: self.title.clone(),
            not_built: self.not_built.clone(),
            suspects: self.suspect.clone(),
            crash: self.crash.clone(),
            ranked: self.suspects,
            weights: self.weights.clone(),
            no_revert: self.no_revert,
            confidence: self.confidence,
            budget_minutes,
            budget_runs,
            jobs: usize::from(self.jobs),
            run_seconds: self.run_timeout,
            build_seconds: self.build_timeout,
        })
    }
}

pub(super) fn run(arguments: &Arguments, go_on: bool) -> Result<ExitCode, Failure> {
    let folder = arguments.state.folder()?;
    let mut case = app_bisect::start(&arguments.asked()?, &folder, &super::tell)?;
    if go_on {
        return resume::go(&mut case);
    }
    message(&format!("begin it with `ktriage bisect resume {}`", case.search.stored.id));
    Ok(ExitCode::SUCCESS)
}
