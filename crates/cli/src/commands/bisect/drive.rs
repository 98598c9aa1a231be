//! `ktriage bisect resume`: goes on where the record ends, until the answer is proven or the budget
//! is spent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use analysis_bisect::{Belief, Next, Step};
use anyhow::anyhow;
use io_database::{Attempt, Event};
use model::CommitId;

use super::case::{Case, Wanted};
use super::kernels::Kernels;
use super::runner::{Prepared, Runner, Shell};
use super::{Which, conclusion, revert};
use crate::failure::Failure;
use crate::output::message;
use crate::stop;

/// Go on with a bisection where its record ends.
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,

    /// The wanted failure, where the bad end has shown several: a part of its title; may be given
    /// several times. What was run counts on.
    #[arg(long, value_name = "TEXT")]
    title: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut case = Case::load(&arguments.which)?;
    if !arguments.title.is_empty() {
        case.store.set_titles(&case.stored, &arguments.title).map_err(Failure::usage)?;
        case.stored.request.titles.clone_from(&arguments.title);
    }
    go(case)
}

/// Spoilt attempts in a row after which the lab is given up.
const TROUBLE: usize = 3;

/// Works until there is an answer.
pub(super) fn go(mut case: Case) -> Result<ExitCode, Failure> {
    let work = case.work();
    let _lock = lock(&case)?;
    let stop = stop::flag()?;
    let mut runners = (0..case.stored.request.jobs)
        .map(|number| runner(&case, &work, number))
        .collect::<Result<Vec<_>, _>>()?;
    loop {
        let bisection = case.bisection(usize::MAX);
        let belief = bisection.belief();
        let named = |step: Step| (case.commits[step.commit].clone(), step);
        let steps: Vec<(CommitId, Step)> = match case.wanted() {
            Wanted::Tied(_) => return Err(tied(&case)),
            Wanted::Open(_) => vec![named(bisection.at_failing_end(&belief))],
            _ => match bisection.next(&belief) {
                Next::Test(steps) => steps.into_iter().map(named).collect(),
                Next::Done(conclusion) => match revert::of(&case, &belief, &conclusion).step() {
                    Some(step) => vec![step],
                    None => return conclusion::print(&case),
                },
            },
        };
        if let Some(reason) = over_budget(&case) {
            message(&format!("{reason}; what is known so far:"));
            return conclusion::print(&case);
        }
        announce(&case, &belief, &steps);
        round(&mut case, &mut runners, &steps, &stop)?;
        if stop.load(Ordering::Relaxed) {
            message(&format!(
                "stopped; everything is recorded, go on with `ktriage bisect resume {}`",
                case.stored.id
            ));
            return Ok(ExitCode::from(stop::INTERRUPTED));
        }
        give_up_on_trouble(&case)?;
    }
}

/// The `number`th maker of attempts.
fn runner(case: &Case, work: &Path, number: usize) -> Result<Box<dyn Runner>, Failure> {
    let request = &case.stored.request;
    Ok(match &request.lab {
        None => Box::new(Shell::new(&case.repository, request, work, number)),
        Some(lab) => {
            Box::new(Kernels::new(&case.repository, request, lab, work, &case.folder, number)?)
        }
    })
}

/// Two of the same bisection at once would spoil each other's work trees.
fn lock(case: &Case) -> Result<File, Failure> {
    let work = case.work();
    fs::create_dir_all(&work).map_err(|error| {
        Failure::usage(anyhow!("{}: cannot make the folder: {error}", work.display()))
    })?;
    let path = work.join("lock");
    let file = File::create(&path).map_err(|error| {
        Failure::usage(anyhow!("{}: cannot make the lock: {error}", path.display()))
    })?;
    file.try_lock().map_err(|_| {
        Failure::usage(anyhow!("bisection {} is running already", case.stored.id))
            .hint(format!("see `ktriage bisect status {}`", case.stored.id))
    })?;
    Ok(file)
}

fn over_budget(case: &Case) -> Option<String> {
    let spent = case.spent();
    let request = &case.stored.request;
    let minutes = request.budget_minutes.filter(|most| spent.minutes >= *most);
    let runs = request.budget_runs.filter(|most| spent.runs >= *most);
    minutes
        .map(|most| format!("the budget of {most:.0} minutes is spent"))
        .or_else(|| runs.map(|most| format!("the budget of {most} runs is spent")))
}

/// The caller must say which failure is wanted.
fn tied(case: &Case) -> Failure {
    let mut titles: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in case.failures() {
        *titles.entry(attempt.title.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let shown: Vec<String> =
        titles.iter().map(|(title, count)| format!("\n  {count} x {title}")).collect();
    Failure::usage(anyhow!(
        "the bad end {} shows several failures about as often, which may be several bugs:{}",
        &case.stored.request.bad[..12],
        shown.concat()
    ))
    .hint(format!(
        "say which is wanted (several, if they are one bug): `ktriage bisect resume {} --title TEXT`; \
         the others then count as other failures",
        case.stored.id
    ))
}

/// One line on what is believed and what comes next.
fn announce(case: &Case, belief: &Belief, steps: &[(CommitId, Step)]) {
    let spent = case.spent();
    let open = belief.culprit().iter().filter(|&&probability| probability > 1e-4).count();
    let (top, mass) = belief.top();
    let next: Vec<String> = steps
        .iter()
        .map(|(commit, step)| format!("{} up to {} x", commit.short(), step.runs))
        .collect();
    let best = if mass >= 0.1 {
        format!(", {} at {}", case.commits[top].short(), conclusion::percent(mass))
    } else {
        String::new()
    };
    message(&format!(
        "[{} runs, {:.1} min] {open} commits in question{best}; testing {}",
        spent.runs,
        spent.minutes,
        next.join(", ")
    ));
}

/// Makes the steps side by side; every attempt is recorded as it ends.
fn round(
    case: &mut Case,
    runners: &mut [Box<dyn Runner>],
    steps: &[(CommitId, Step)],
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let wanted = case.wanted();
    let (send, receive) = mpsc::channel::<Attempt>();
    // A lost database ends the round as a signal does.
    let broken = AtomicBool::new(false);
    let stopping = || stop.load(Ordering::Relaxed) || broken.load(Ordering::Relaxed);
    thread::scope(|scope| {
        for (runner, (commit, step)) in runners.iter_mut().zip(steps) {
            let send = send.clone();
            let (wanted, stopping) = (&wanted, &stopping);
            scope.spawn(move || make(runner.as_mut(), commit, step, wanted, stopping, &send));
        }
        drop(send);
        let mut failed = None;
        for attempt in receive {
            match case.store.add(case.stored.id, &attempt) {
                Ok(()) => case.take(attempt),
                Err(error) => {
                    broken.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(Failure::usage(error)))
    })
}

/// Makes one step: up to the first wanted failure, giving up on a commit that can never be tested.
fn make(
    runner: &mut dyn Runner,
    commit: &CommitId,
    step: &Step,
    wanted: &Wanted,
    stop: &(dyn Fn() -> bool + Sync),
    send: &mpsc::Sender<Attempt>,
) {
    // The receiver outlives every sender.
    let tell = |attempt| drop(send.send(attempt));
    match runner.prepare(commit, stop) {
        Prepared::Stopped => return,
        Prepared::Not(attempt) => return tell(attempt),
        Prepared::Built(attempt) => tell(attempt),
        Prepared::Ready => {}
    }
    let mut reached = false;
    for made in 1..=step.runs.max(step.give_up) {
        if stop() || made > step.runs && reached {
            return;
        }
        let Some(attempt) = runner.test(commit, stop) else { return };
        let event = attempt.event;
        let seen = event == Event::Crashed && wanted.matches(&attempt);
        reached |= matches!(event, Event::Clean | Event::Crashed);
        tell(attempt);
        if seen || event == Event::LabTrouble || !reached && made >= step.give_up {
            return;
        }
    }
}

/// Ends when the bad end cannot be tested at all, or the lab fails again and again.
fn give_up_on_trouble(case: &Case) -> Result<(), Failure> {
    let last = case.attempts.last();
    let shown = |attempt: &Attempt| {
        let lines: Vec<&str> = attempt.output.trim().lines().rev().take(5).collect();
        lines.into_iter().rev().map(|line| format!("\n  {line}")).collect::<String>()
    };
    let trouble =
        case.attempts.iter().rev().take_while(|attempt| attempt.event == Event::LabTrouble).count();
    if trouble >= TROUBLE {
        let text = last.map(shown).unwrap_or_default();
        return Err(Failure::lab(anyhow!("{trouble} attempts in a row could not be made:{text}"))
            .hint(format!("mend that and go on with `ktriage bisect resume {}`", case.stored.id)));
    }
    let bad = &case.stored.request.bad;
    let at_end: Vec<&Attempt> =
        case.attempts.iter().filter(|attempt| case.is_failing_end(attempt)).collect();
    let usable = at_end.iter().any(|a| matches!(a.event, Event::Clean | Event::Crashed));
    if let Some(attempt) = at_end.iter().find(|attempt| attempt.event == Event::BuildFailed) {
        return Err(Failure::lab(anyhow!(
            "the bad end {} cannot be built:{}",
            &bad[..12],
            shown(attempt)
        ))
        .hint(match case.stored.request.lab {
            None => {
                "the build runs in a fresh work tree: it must need nothing that git does not know"
            }
            Some(_) => "try it with `ktriage lab build`, and give a --config that builds",
        }));
    }
    if let Some(attempt) = at_end.iter().find(|a| a.event == Event::CannotTell && a.title.is_some())
        && !usable
    {
        let title = attempt.title.as_deref().unwrap_or_default();
        return Err(Failure::usage(anyhow!(
            "on the bad end {}, {title}:{}",
            &bad[..12],
            shown(attempt)
        ))
        .hint(
            "the test runs in a fresh work tree; name a script outside of the project by its full \
                 path ($KTRIAGE_REPOSITORY is your own tree)",
        ));
    }
    Ok(())
}
