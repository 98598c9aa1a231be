//! `ktriage bisect start` and `run`: check what was asked, record it, and (with `run`) begin.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use outside_store::{BisectionStore, Request};

use super::case::Case;
use super::{State, check, drive};
use crate::failure::Failure;
use crate::output::message;

/// Look for the commit that brought a failure, with a test that may be flaky.
///
/// The test runs with `sh -c` in a work tree of its own, never in yours. It ends with 0 when the
/// failure did not show, with 125 when it cannot tell, and with anything else when it failed. What it
/// prints is read for the name of the failure, so that another failure is not taken for the wanted
/// one.
///
/// Everything is recorded as it happens: stop with Ctrl-C and go on with `ktriage bisect resume`.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// A commit without the failure; may be given several times.
    #[arg(long, value_name = "REV", required = true)]
    good: Vec<String>,

    /// A commit that shows the failure.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    bad: String,

    /// The test.
    #[arg(long, value_name = "CMD", required = true)]
    test: String,

    /// What builds a commit before it is tested; when it fails, the commit cannot be tested.
    #[arg(long, value_name = "CMD")]
    build: Option<String>,

    /// The wanted failure: a part of its title; may be given several times.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,

    /// A path of which nothing is built: commits that touch only such paths are not tested.
    #[arg(long, value_name = "PATH")]
    not_built: Vec<String>,

    /// A path that the failure points at: commits that touch it are likelier the culprit.
    #[arg(long, value_name = "PATH")]
    suspect: Vec<String>,

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

    /// Seconds after which a run counts as hung, which is a failure.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    run_timeout: u64,

    /// Seconds after which a build counts as failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200)]
    build_timeout: u64,

    #[command(flatten)]
    state: State,
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
        [("--test", Some(&arguments.test)), ("--build", arguments.build.as_ref())]
    {
        if command.is_some_and(|command| command.trim().is_empty()) {
            return Err(Failure::usage(anyhow!("{name} is empty")));
        }
    }
    let ends = check::ends(&arguments.repository, &arguments.good, &arguments.bad)?;
    let folder = arguments.state.folder()?;
    let store = BisectionStore::open(&folder).map_err(Failure::usage)?;
    let (budget_minutes, budget_runs) = match arguments.budget {
        None => (None, None),
        Some(Budget::Minutes(minutes)) => (Some(minutes), None),
        Some(Budget::Runs(runs)) => (None, Some(runs)),
    };
    let request = Request {
        repository: ends.repository.root().to_owned(),
        good: ends.good.iter().map(ToString::to_string).collect(),
        bad: ends.bad.to_string(),
        test: arguments.test.clone(),
        build: arguments.build.clone(),
        titles: arguments.title.clone(),
        not_built: arguments.not_built.clone(),
        suspects: arguments.suspect.clone(),
        confidence: arguments.confidence,
        budget_minutes,
        budget_runs,
        jobs: usize::from(arguments.jobs),
        run_seconds: arguments.run_timeout,
        build_seconds: arguments.build_timeout,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let id = store.create(&request, now).map_err(Failure::usage)?;
    message(&format!(
        "bisection {id}: {} commits from {} to {}, recorded in {}",
        ends.commits,
        ends.good.iter().map(facts::CommitId::short).collect::<Vec<_>>().join(", "),
        ends.bad.short(),
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
