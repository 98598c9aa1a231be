//! `ktriage fuzz repro`: from a log of programs to the smallest that crashes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use app_fuzz::{Crash, Events as _, Found, Store, Trials, programs_of_log, reproduce};

use super::fmt::text;
use super::guests::Guests;
use super::load::Which;
use super::teller::Teller;
use crate::failure::{FOUND, Failure};
use crate::output::message;
use crate::stop;

/// Programs of a log that are kept for the crash.
const HISTORY: usize = 400;

/// Find in the log of a fuzzer the programs that crashed the kernel, and make them as small as they can be.
///
/// LOG is a log of syzkaller (`executing program N:` and calls, console lines between them or behind)
/// or of `ktriage fuzz run` (programs.log). The crash that is looked for is the first one that LOG
/// reports, or --title. The smallest program, C that provokes it, its rate and the console are
/// written to DIR/crashes. Exit status 1 if nothing provokes it.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ktriage fuzz repro --from-log crash.log --kernel fuzzed --dir found\n  ktriage fuzz repro --from-log log0 --descriptions syzkaller/sys/linux --kernel fuzzed --dir found\n\nSee docs/fuzz.md."
)]
pub(crate) struct Repro {
    /// The log.
    #[arg(long = "from-log", value_name = "LOG")]
    log: PathBuf,

    /// The crash that is wanted, if the log does not tell; any if neither does.
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,

    /// Folder for what is found.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    /// How long it may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    time: u64,

    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    guest: Guests,
}

pub(super) fn run(arguments: &Repro) -> Result<ExitCode, Failure> {
    let target = arguments.which.target()?;
    let log = text(&arguments.log)?;
    let programs: Vec<_> = programs_of_log(&target, &log)
        .into_iter()
        .map(|(execution, program)| (execution.process, Arc::new(program)))
        .collect();
    if programs.is_empty() {
        return Err(Failure::usage(anyhow!("{} has no program", arguments.log.display()))
            .hint("programs stand behind lines with `executing program`; are these the descriptions that they were written for?"));
    }
    let title = arguments.title.clone().or_else(|| title_of(&log));
    let history: Vec<_> = programs.iter().map(|(_, program)| Arc::clone(program)).collect();
    let skip = history.len().saturating_sub(HISTORY);
    let crash = Crash {
        title: title.clone().unwrap_or_default(),
        log: log.into_bytes(),
        running: last_of_each(&programs),
        history: history[skip..].to_vec(),
    };
    message(&format!(
        "{} programs; looking for {}",
        programs.len(),
        title.as_deref().unwrap_or("any crash")
    ));
    let store = Store::open(&arguments.dir).map_err(Failure::usage)?;
    let stop = stop::flag()?;
    let base = arguments.guest.boot(Arc::clone(&stop))?;
    let trials = Trials { whole: Duration::from_secs(arguments.time), ..Trials::default() };
    let found = reproduce(&base, &target, &crash, trials, &|| stop.load(Ordering::Relaxed));
    let teller = Teller::new(&target, &store);
    let shown = found.is_some();
    let mut crash = crash;
    if let Some(found) = &found {
        crash.title.clone_from(&found.title);
    }
    teller.found(&Found { crash, reproduced: found });
    Ok(if shown { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The title of the first report of a log.
fn title_of(log: &str) -> Option<String> {
    let reports = analysis_identity::read_log(log.as_bytes()).reports;
    reports.first().map(|report| report.title.clone())
}

/// The last program of each process, the latest last.
fn last_of_each<P: Clone>(programs: &[(Option<u64>, P)]) -> Vec<P> {
    let mut seen = std::collections::BTreeSet::new();
    let mut last: Vec<P> = Vec::new();
    for (process, program) in programs.iter().rev() {
        if seen.insert(*process) {
            last.push(program.clone());
        }
    }
    last.reverse();
    last
}
