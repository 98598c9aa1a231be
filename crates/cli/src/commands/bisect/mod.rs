//! `ktriage bisect`: find the commit that brought a crash, through flaky runs; judge such searches.

mod audit;
mod plan;
mod resume;
mod show;
mod start;

use std::path::PathBuf;
use std::process::ExitCode;

use app_bisect::{Case, Progress};

use crate::failure::Failure;
use crate::output::message;

/// Shows what a search tells while it works.
fn tell(progress: &Progress) {
    message(&progress_in_words(progress));
}

/// Find the commit that brought a crash, through flaky runs; judge searches that others made.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    Start(start::Arguments),
    Run(start::Arguments),
    Resume(resume::Arguments),
    Status(show::StatusArguments),
    Show(show::Arguments),
    Plan(plan::Arguments),
    Audit(audit::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Start(arguments) => start::run(arguments, false),
        Command::Run(arguments) => start::run(arguments, true),
        Command::Resume(arguments) => resume::run(arguments),
        Command::Status(arguments) => show::status(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
    }
}

/// Where bisections are kept, and which one is meant.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Which {
    /// The number of the bisection; the newest one unless given.
    #[arg(value_name = "NUMBER")]
    id: Option<i64>,

    #[command(flatten)]
    state: State,
}

/// Where bisections are kept.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct State {
    /// Folder in which everything is recorded; the user's state folder unless given.
    #[arg(long = "state", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Which {
    fn load(&self) -> Result<Case, Failure> {
        Ok(Case::load(&self.state.folder()?, self.id)?)
    }
}

impl State {
    fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.folder {
            return Ok(std::path::absolute(folder)?);
        }
        crate::commands::user_state_folder().ok_or_else(|| {
            Failure::usage(anyhow::anyhow!("no folder to record in: HOME is not set"))
                .hint("give one with --state DIR")
        })
    }
}

/// What a search tells, in words.
fn progress_in_words(progress: &Progress) -> String {
    use Progress as P;
    match progress {
        P::Uncommitted { tree } => format!(
            "note: {} has changes that are not committed; they are not part of what is tested",
            tree.display()
        ),
        P::NoKernelTree { tree } => {
            format!("note: {} does not look like a kernel's source", tree.display())
        }
        P::NoSourceFiles { log } => format!(
            "note: the report in {} names no source files and so no suspects; symbolise it (the \
             kernel's scripts/decode_stacktrace.sh) or name files with --suspect",
            log.display()
        ),
        P::Ranked { first } if first.is_empty() => {
            "note: the crash points at no commit of the range; all count alike".to_owned()
        }
        P::Ranked { first } => {
            let best = first.iter().take(3).map(|(commit, probability)| {
                format!("{} {}", commit.short(), render::bisect::percent(*probability))
            });
            format!(
                "suspects: {}; {} commits of the range are ranked",
                best.collect::<Vec<_>>().join(", "),
                first.len()
            )
        }
        P::FromRelease { name, commit, back } => format!(
            "no commit is said to be good: the range begins at {name} ({}), {back} releases back",
            commit.short()
        ),
        P::Started { id, commits, old, new, folder } => format!(
            "bisection {id}: {commits} commits from {} to {}, recorded in {}",
            old.iter().map(model::CommitId::short).collect::<Vec<_>>().join(", "),
            new.short(),
            folder.display()
        ),
        P::Round { runs, minutes, open, best, next } => {
            let best = best.as_ref().map_or_else(String::new, |(commit, probability)| {
                format!(", {} at {}", commit.short(), render::bisect::percent(*probability))
            });
            let next: Vec<String> = next
                .iter()
                .map(|(commit, runs)| format!("{} up to {runs} x", commit.short()))
                .collect();
            format!(
                "[{runs} runs, {minutes:.1} min] {open} commits in question{best}; testing {}",
                next.join(", ")
            )
        }
        P::KernelUp { commit, seconds } => {
            format!("{} built and booted in {seconds} s", commit.short())
        }
        P::KernelFailed { commit, event, seconds, output } => format!(
            "{}: {} after {seconds} s: {output}",
            commit.short(),
            event.name().replace('_', " ")
        ),
        P::MinutesSpent { most } => {
            format!("the budget of {most:.0} minutes is spent; what is known so far:")
        }
        P::RunsSpent { most } => {
            format!("the budget of {most} runs is spent; what is known so far:")
        }
        P::Stopped { id } => {
            format!("stopped; everything is recorded, go on with `ktriage bisect resume {id}`")
        }
    }
}
