//! Goes on where the record ends, until the answer is proven or the budget is spent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use analysis_bisect::{Belief, Next, Search, Step, Wanted};
use model::CommitId;
use model::bisection::{Attempt, Event};

use crate::case::Case;
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::progress::{Progress, Tell};
use crate::runner::{Prepared, Runner, Shell};

/// Infrastructure errors in a row after which the lab is given up.
const TROUBLE: usize = 3;

/// How a search ended for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is an answer, or the budget is spent.
    Answered,
    /// The user stopped it; everything is recorded.
    Stopped,
}

/// Works until there is an answer, the budget is spent or `stop` is set.
///
/// # Errors
/// When the record or the lab fails, when the failing end cannot be tested, and when it shows several failures
/// of which none leads.
pub fn go(case: &mut Case, stop: &Arc<AtomicBool>, tell: Tell<'_>) -> Result<Ended, Failure> {
    let work = case.work();
    let _lock = lock(case)?;
    let jobs = case.search.stored.request.jobs;
    let mut runners =
        (0..jobs).map(|number| runner(case, &work, number, tell)).collect::<Result<Vec<_>, _>>()?;
    loop {
        let search = &case.search;
        let bisection = search.bisection(usize::MAX);
        let belief = bisection.belief();
        let named = |step: Step| (search.commits[step.commit].clone(), step);
        let steps: Vec<(CommitId, Step)> = match search.wanted() {
            Wanted::Tied(_) => return Err(tied(search)),
            Wanted::Open(_) => vec![named(bisection.at_failing_end(&belief))],
            _ => match bisection.next(&belief) {
                Next::Test(steps) => steps.into_iter().map(named).collect(),
                Next::Done(conclusion) => match case.reverted(&belief, &conclusion).step() {
                    Some(step) => vec![step],
                    None => return Ok(Ended::Answered),
                },
            },
        };
        if let Some(spent) = over_budget(search) {
            tell(&spent);
            return Ok(Ended::Answered);
        }
        tell(&announcement(search, &belief, &steps));
        round(case, &mut runners, &steps, stop)?;
        if stop.load(Ordering::Relaxed) {
            tell(&Progress::Stopped { id: case.search.stored.id });
            return Ok(Ended::Stopped);
        }
        give_up_on_trouble(&case.search)?;
    }
}

/// The `number`th maker of attempts.
fn runner<'a>(
    case: &Case,
    work: &Path,
    number: usize,
    tell: Tell<'a>,
) -> Result<Box<dyn Runner + 'a>, Failure> {
    let request = &case.search.stored.request;
    Ok(match &request.lab {
        None => Box::new(Shell::new(&case.repository, request, work, number)),
        Some(lab) => {
            let state = (work, case.folder.as_path());
            Box::new(Kernels::new(&case.repository, request, lab, state, number, tell)?)
        }
    })
}

/// Two of the same bisection at once would spoil each other's work trees.
fn lock(case: &Case) -> Result<File, Failure> {
    let work = case.work();
    fs::create_dir_all(&work).map_err(|error| {
        Failure::usage(format!("{}: cannot make the folder: {error}", work.display()))
    })?;
    let path = work.join("lock");
    let file = File::create(&path).map_err(|error| {
        Failure::usage(format!("{}: cannot make the lock: {error}", path.display()))
    })?;
    file.try_lock().map_err(|_| {
        Failure::usage(format!("bisection {} is running already", case.search.stored.id))
            .hint(format!("see `ktriage bisect status {}`", case.search.stored.id))
    })?;
    Ok(file)
}

fn over_budget(search: &Search) -> Option<Progress> {
    let spent = search.spent();
    let request = &search.stored.request;
    let minutes = request.budget_minutes.filter(|most| spent.minutes >= *most);
    let runs = request.budget_runs.filter(|most| spent.runs >= *most);
    minutes
        .map(|most| Progress::MinutesSpent { most })
        .or_else(|| runs.map(|most| Progress::RunsSpent { most }))
}

/// The caller must say which failure is wanted.
fn tied(search: &Search) -> Failure {
    let mut titles: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in search.failures() {
        *titles.entry(attempt.title.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let shown: Vec<String> =
        titles.iter().map(|(title, count)| format!("\n  {count} x {title}")).collect();
    Failure::usage(format!(
        "the bad end {} shows several failures about as often, which may be several bugs:{}",
        &search.stored.request.bad[..12],
        shown.concat()
    ))
    .hint(format!(
        "say which is wanted (several, if they are one bug): `ktriage bisect resume {} --title TEXT`; \
         the others then count as other failures",
        search.stored.id
    ))
}

/// What is believed and what comes next.
fn announcement(search: &Search, belief: &Belief, steps: &[(CommitId, Step)]) -> Progress {
    let spent = search.spent();
    let (top, mass) = belief.top();
    Progress::Round {
        runs: spent.runs,
        minutes: spent.minutes,
        open: belief.culprit().iter().filter(|&&probability| probability > 1e-4).count(),
        best: (mass >= 0.1).then(|| (search.commits[top].clone(), mass)),
        next: steps.iter().map(|(commit, step)| (commit.clone(), step.runs)).collect(),
    }
}

/// Makes the steps side by side; every attempt is recorded as it ends.
fn round(
    case: &mut Case,
    runners: &mut [Box<dyn Runner + '_>],
    steps: &[(CommitId, Step)],
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let wanted = case.search.wanted();
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
            match case.store.add(case.search.stored.id, &attempt) {
                Ok(()) => case.take(attempt),
                Err(error) => {
                    broken.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(Failure::from_error(error)))
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
        if seen || event == Event::InfrastructureError || !reached && made >= step.give_up {
            return;
        }
    }
}

/// Ends when the bad end cannot be tested at all, or the lab fails again and again.
fn give_up_on_trouble(search: &Search) -> Result<(), Failure> {
    let last = search.attempts.last();
    let shown = |attempt: &Attempt| {
        let lines: Vec<&str> = attempt.output.trim().lines().rev().take(5).collect();
        lines.into_iter().rev().map(|line| format!("\n  {line}")).collect::<String>()
    };
    let trouble = search
        .attempts
        .iter()
        .rev()
        .take_while(|attempt| attempt.event == Event::InfrastructureError)
        .count();
    if trouble >= TROUBLE {
        let text = last.map(shown).unwrap_or_default();
        return Err(Failure::lab(format!("{trouble} attempts in a row could not be made:{text}"))
            .hint(format!(
                "mend that and go on with `ktriage bisect resume {}`",
                search.stored.id
            )));
    }
    let bad = &search.stored.request.bad;
    let at_end: Vec<&Attempt> =
        search.attempts.iter().filter(|attempt| search.is_failing_end(attempt)).collect();
    let usable = at_end.iter().any(|a| matches!(a.event, Event::Clean | Event::Crashed));
    if let Some(attempt) = at_end.iter().find(|attempt| attempt.event == Event::BuildFailed) {
        return Err(Failure::lab(format!(
            "the bad end {} cannot be built:{}",
            &bad[..12],
            shown(attempt)
        ))
        .hint(match search.stored.request.lab {
            None => {
                "the build runs in a fresh work tree: it must need nothing that git does not know"
            }
            Some(_) => "try it with `ktriage lab build`, and give a --config that builds",
        }));
    }
    if let Some(attempt) = at_end.iter().find(|a| a.event == Event::Skip && a.title.is_some())
        && !usable
    {
        let title = attempt.title.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
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
