//! `ktriage bug N manifest|retest`: what the bug's reproducer does, in the lab.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use app_lab::{
    Campaign, Limits, Outcome, Plan, Reproducer as LabReproducer, prepare, run_campaign,
};
use app_tracker::{NewJob, Tracker};
use model::tracker::{Bug, JobKind, Manifestation, Reproducer, ReproducerLevel};
use schemars::JsonSchema;
use serde::Serialize;

use super::{failure, now};
use crate::commands::lab::kernel::{MachineOptions, find_kernel, lab_failure};
use crate::commands::lab::run::tell;
use crate::failure::Failure;
use crate::output::{Escaped, message};
use crate::stop;

/// Runs where nobody says how many.
const RUNS: u32 = 10;
/// Runs that a retest makes at most without being told.
const MOST: u32 = 200;

/// How a reproducer is run.
#[derive(clap::Args, Debug)]
pub(super) struct Reproduce {
    /// A kernel image, the name of a build of the lab, or a kernel of Debian by version and flavour.
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<String>,
    /// The folder lib/modules/RELEASE of a kernel image.
    #[arg(long, value_name = "DIR")]
    modules: Option<PathBuf>,
    /// Run this program, script, C source or kernel module as the bug's reproducer. C source that crashes is kept
    /// as that by `manifest`.
    #[arg(long, value_name = "REPRO")]
    program: Option<PathBuf>,
    /// An argument of it; may be given several times.
    #[arg(long = "argument", value_name = "WORD", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// How many runs; for a retest as many as it takes if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// How many machines at once.
    #[arg(long, value_name = "J", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    jobs: u32,
    /// How long a run may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    #[command(flatten)]
    machine: MachineOptions,
}

/// What both commands share.
pub(super) struct Context {
    /// The state folder.
    pub(super) folder: PathBuf,
    /// Who asks.
    pub(super) who: String,
    /// Whether JSON is printed.
    pub(super) json: bool,
}

/// What a reproducer did.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Reproduced {
    /// Number of this format.
    format: u32,
    /// The bug.
    bug: i64,
    /// The kernel.
    kernel: String,
    /// Runs that came as far as the reproducer.
    runs: u32,
    /// How many ended with which title first, the most frequent first.
    titles: Vec<Manifestation>,
    /// For a retest: the chance of so few crashes if it still crashed as often as before.
    chance: Option<f64>,
    /// For a retest: whether the reproducer counts as gone.
    gone: Option<bool>,
    /// For a retest: clean runs that would settle it.
    missing: Option<u32>,
    /// Bugs whose reproducers do the same.
    same: Vec<i64>,
}

/// Runs the reproducer and keeps its signature.
pub(super) fn manifest(
    tracker: &Tracker,
    bug: &Bug,
    how: &Reproduce,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let Some(kernel) = &how.kernel else {
        return Err(
            Failure::usage(anyhow::anyhow!("on which kernel?")).hint("name it with --kernel")
        );
    };
    let campaign = campaign(tracker, bug, how, kernel, how.runs.unwrap_or(RUNS), context)?;
    let (runs, titles) = tally(&campaign);
    if runs == 0 {
        return nothing_learnt(&campaign);
    }
    let written = tracker.manifested(bug.id, kernel, runs, titles.clone(), &context.who, now());
    let bug = written.map_err(failure)?;
    if let Some(path) = &how.program
        && path.extension().is_some_and(|end| end == "c")
        && !titles.is_empty()
    {
        tracker.keep_program(bug.id, &std::fs::read(path)?, now()).map_err(failure)?;
    }
    let similar = tracker.similar(&bug, 10).map_err(failure)?;
    let same: Vec<&Bug> = similar
        .iter()
        .filter(|(_, likeness)| likeness.same_signature)
        .map(|(bug, _)| bug)
        .collect();
    let done = Reproduced {
        format: render::tracker::json::FORMAT,
        bug: bug.id,
        kernel: shown(kernel),
        runs,
        titles,
        chance: None,
        gone: None,
        missing: None,
        same: same.iter().map(|bug| bug.id).collect(),
    };
    print(context, &done)?;
    if !context.json {
        for bug in same {
            let text = render::tracker::text::line(bug);
            writeln!(io::stdout(), "does the same: {}", Escaped(&text))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the reproducer on a newer kernel, or asks its manager to.
pub(super) fn retest(
    tracker: &Tracker,
    bug: &Bug,
    how: &Reproduce,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let Some(kernel) = &how.kernel else {
        let new = NewJob { who: context.who.clone(), ..NewJob::default() };
        let job = tracker.ask(bug.id, JobKind::Retest, &new, now()).map_err(|error| {
            failure(error).hint("to run it here, name the kernel with --kernel")
        })?;
        writeln!(io::stdout(), "job {job}: waits for the manager")?;
        return Ok(ExitCode::SUCCESS);
    };
    let reproducer = tracker.reproducer(bug.id, ReproducerLevel::Syz).map_err(failure)?;
    let before = tracker.before_retest(&reproducer).map_err(failure)?;
    let needed = if before.missing == 0 { RUNS } else { before.missing };
    if how.runs.is_none() && needed > MOST {
        message(&format!(
            "{needed} clean runs would settle it; {MOST} are made. `manifest` on the kernel that it crashes measures its rate, and fewer are needed then."
        ));
    }
    let runs = how.runs.unwrap_or(needed.min(MOST));
    let campaign = campaign(tracker, bug, how, kernel, runs, context)?;
    let (runs, titles) = tally(&campaign);
    if runs == 0 {
        return nothing_learnt(&campaign);
    }
    let crashes = titles.iter().map(|one| one.runs).sum();
    let told = tracker.retest(&reproducer, &shown(kernel), (crashes, runs), &context.who, now());
    let told = told.map_err(failure)?;
    let done = Reproduced {
        format: render::tracker::json::FORMAT,
        bug: bug.id,
        kernel: shown(kernel),
        runs,
        titles,
        chance: Some(told.chance),
        gone: Some(told.is_gone),
        missing: Some(told.missing),
        same: Vec::new(),
    };
    print(context, &done)?;
    Ok(ExitCode::SUCCESS)
}

/// The name of a kernel; of an image only that of the file.
fn shown(kernel: &str) -> String {
    kernel.rsplit('/').next().unwrap_or(kernel).to_owned()
}

fn nothing_learnt(campaign: &Campaign) -> Result<ExitCode, Failure> {
    message("no run came as far as the reproducer: nothing is learnt");
    if let Some(run) = campaign.runs.first() {
        message(&Escaped(&run.detail).to_string());
    }
    Ok(Failure::lab_status())
}

fn print(context: &Context, done: &Reproduced) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if context.json {
        serde_json::to_writer(&mut out, done).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let text = render::tracker::text::reproduced(&done.kernel, done.runs, &done.titles);
    writeln!(out, "{text}")?;
    if let (Some(chance), Some(gone), Some(missing)) = (done.chance, done.gone, done.missing) {
        writeln!(
            out,
            "{}",
            render::tracker::text::retested(chance, gone, missing, !done.titles.is_empty())
        )?;
    }
    Ok(())
}

/// Runs the bug's reproducer in the lab.
fn campaign(
    tracker: &Tracker,
    bug: &Bug,
    how: &Reproduce,
    kernel: &str,
    runs: u32,
    context: &Context,
) -> Result<Campaign, Failure> {
    std::fs::create_dir_all(&context.folder)?;
    let folder = context.folder.canonicalize()?;
    // The name of a program is part of a campaign's identity: it must be the same when the command is repeated.
    let place = folder.join("reproducers").join(bug.id.to_string());
    std::fs::create_dir_all(&place)?;
    let path = match &how.program {
        Some(path) => path.clone(),
        None => {
            let path = place.join("repro.c");
            std::fs::write(&path, source(tracker, bug)?)?;
            path
        }
    };
    let reproducer = LabReproducer { path, arguments: how.arguments.clone(), files: Vec::new() };
    let prepared = prepare(&reproducer).map_err(|error| match error {
        error @ app_lab::LabError::Io { .. } => Failure::usage(error),
        error => lab_failure(error),
    })?;
    let plan = Plan {
        kernel: find_kernel(kernel, how.modules.as_deref(), &folder)?,
        settings: how.machine.settings(stop::flag()?)?,
        modules: how.machine.modules.clone(),
        prepared,
        limits: Limits { run: Duration::from_secs(how.timeout), ..how.machine.limits() },
        runs,
        jobs: how.jobs,
        cold: false,
        folder: folder.join("runs"),
    };
    run_campaign(&plan, &mut |progress| tell(&progress, plan.runs)).map_err(lab_failure)
}

/// The bug's program in C.
fn source(tracker: &Tracker, bug: &Bug) -> Result<Vec<u8>, Failure> {
    let found: Reproducer = tracker.reproducer(bug.id, ReproducerLevel::C).map_err(|error| {
        failure(error).hint("only programs in C can be run here; give one with --program")
    })?;
    let text = tracker.read().artefact(&found.text).map_err(|error| failure(error.into()))?;
    text.ok_or_else(|| Failure::usage(anyhow::anyhow!("the text of the reproducer is not kept")))
}

/// Runs that came as far as the reproducer, and how many ended with which title first.
fn tally(campaign: &Campaign) -> (u32, Vec<Manifestation>) {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut runs = 0;
    for run in campaign.runs.iter().filter(|run| app_lab::reached(run)) {
        runs += 1;
        let title = match (run.outcome, run.crashes.first()) {
            (Outcome::Clean, _) => continue,
            (Outcome::Crashed, Some(crash)) => crash.title.clone(),
            // A guest that fell silent or was lost shows the bug too, without a name.
            (outcome, _) => outcome.words().to_owned(),
        };
        *counts.entry(title).or_default() += 1;
    }
    let mut titles: Vec<Manifestation> =
        counts.into_iter().map(|(title, runs)| Manifestation { title, runs }).collect();
    titles.sort_by_key(|one| std::cmp::Reverse(one.runs));
    (runs, titles)
}
