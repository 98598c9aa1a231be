//! What the reproducers of bugs do: on the kernel that they crashed, and on newer ones.

use analysis_rates::Share;
use analysis_tracker::{Retested, retested};
use model::tracker::{
    Action, Bug, BugId, Change, Entry, Filter, JobKind, JobState, Key, KeyKind, Manifestation,
    NewReproducer, Order, Read, Reproducer, ReproducerLevel,
};

use crate::{Error, NewJob, Tracker};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Retests that are asked for at once.
const AT_ONCE: usize = 5;
/// Bugs that are looked through for them.
const LOOKED_AT: u64 = 1_000;
/// Titles of a signature.
const TITLES: usize = 50;

/// The signature that is known of a bug: the newest.
pub(crate) fn signature(history: &[Entry]) -> Option<(&[Manifestation], u32)> {
    history.iter().rev().find_map(|entry| match &entry.action {
        Action::Manifest { titles, runs, .. } => Some((&titles[..], *runs)),
        _ => None,
    })
}

/// How often a reproducer crashed the kernel that it is known from. At least once: a crash came with it.
fn known(history: &[Entry]) -> Share {
    let of = |(titles, runs): (&[Manifestation], u32)| Share {
        showed: titles.iter().map(|title| title.runs).sum::<u32>().min(runs),
        runs,
    };
    signature(history)
        .map(of)
        .filter(|share| share.showed > 0)
        .unwrap_or(Share { showed: 1, runs: 1 })
}

/// Clean runs of a reproducer since it last crashed.
fn clean(history: &[Entry], id: i64) -> u32 {
    let last = history.iter().rev().find_map(|entry| match entry.action {
        Action::Retest { reproducer, runs, crashes, .. } if reproducer == id => {
            Some((runs, crashes))
        }
        _ => None,
    });
    last.filter(|(_, crashes)| *crashes == 0).map_or(0, |(runs, _)| runs)
}

impl Tracker {
    /// The reproducer that would be run: the best one, with one in C first; revoked ones count too, since a newer
    /// kernel may crash again.
    ///
    /// # Errors
    /// When there is none or the record cannot be read.
    pub fn reproducer(&self, bug: BugId, level: ReproducerLevel) -> Result<Reproducer, Error> {
        let all = self.read().reproducers(bug)?;
        all.into_iter()
            .find(|one| one.level >= level)
            .ok_or(Error::Text("the bug has no reproducer that could be run"))
    }

    /// Writes down what a reproducer did in so many runs: its signature.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn manifested(
        &self,
        bug: BugId,
        kernel: &str,
        runs: u32,
        mut titles: Vec<Manifestation>,
        who: &str,
        now: i64,
    ) -> Result<Bug, Error> {
        titles.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.title.cmp(&b.title)));
        titles.truncate(TITLES);
        self.change(|change| {
            let keys: Vec<Key> = titles
                .iter()
                .map(|one| Key { kind: KeyKind::Manifestation, value: one.title.clone() })
                .collect();
            change.add_keys(bug, &keys)?;
            let action =
                Action::Manifest { kernel: kernel.to_owned(), runs, titles: titles.clone() };
            self.act_within(change, bug, &action, who, "", now)
        })
    }

    /// Keeps a program in C that crashed a kernel as the bug's reproducer, once.
    ///
    /// # Errors
    /// When no crash of the bug is known, or the record cannot be written.
    pub fn keep_program(&self, bug: BugId, text: &[u8], now: i64) -> Result<(), Error> {
        let name = blake3::hash(text).to_hex();
        self.change(|change| {
            let known = change.reproducers(bug)?;
            if known.iter().any(|one| *one.text == *name) {
                return Ok(());
            }
            let mut bug = change.bug(bug)?.ok_or_else(|| Error::NoBug(bug.to_string()))?;
            let crash = change.best_crash(bug.id)?.or(change.crashes(bug.id, 1)?.pop());
            let crash = crash.ok_or(Error::Text("no crash of the bug is known"))?;
            let new = NewReproducer {
                level: ReproducerLevel::C,
                options: String::new(),
                text: text.to_vec(),
            };
            self.add_reproducer(change, &mut bug, crash.id, &new, now)?;
            Ok(change.set_bug(&bug)?)
        })
    }

    /// What is known of a reproducer before it is run on a newer kernel.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn before_retest(&self, reproducer: &Reproducer) -> Result<Retested, Error> {
        let history = self.read().history(reproducer.bug)?;
        let newer = Share { showed: 0, runs: clean(&history, reproducer.id) };
        Ok(retested(known(&history), newer))
    }

    /// Writes down what a reproducer did on a newer kernel. It is revoked when so many clean runs are no accident, and
    /// counts again when it crashes.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn retest(
        &self,
        reproducer: &Reproducer,
        kernel: &str,
        seen: (u32, u32),
        who: &str,
        now: i64,
    ) -> Result<Retested, Error> {
        self.change(|change| retest_within(self, change, reproducer, kernel, seen, who, now))
    }

    /// Asks for retests of the reproducers that are due: of open bugs that were silent for `silent` days and not
    /// retested for `every` days. Gives the jobs.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn ask_retests(&self, silent: i64, every: i64, now: i64) -> Result<Vec<i64>, Error> {
        let mut jobs = Vec::new();
        let mut offset = 0;
        loop {
            let filter = Filter {
                reproducer: ReproducerLevel::Syz,
                order: Order::Created,
                offset,
                limit: LOOKED_AT,
                ..Filter::default()
            };
            let bugs = self.read().bugs(&filter)?.bugs;
            for bug in &bugs {
                if jobs.len() >= AT_ONCE {
                    return Ok(jobs);
                }
                if bug.last > now - silent * DAY || !self.is_retest_due(bug, every, now)? {
                    continue;
                }
                let new = NewJob { who: "ktriage".into(), ..NewJob::default() };
                match self.ask(bug.id, JobKind::Retest, &new, now) {
                    Ok(job) => jobs.push(job),
                    // Nothing of it can be run here.
                    Err(Error::Text(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            offset += LOOKED_AT;
            if (bugs.len() as u64) < LOOKED_AT {
                return Ok(jobs);
            }
        }
    }

    fn is_retest_due(&self, bug: &Bug, every: i64, now: i64) -> Result<bool, Error> {
        let open = self.read().jobs_of(bug.id, 100)?.into_iter().any(|job| {
            job.kind == JobKind::Retest
                && (job.state != JobState::Done
                    || job.ended.is_some_and(|ended| ended > now - every * DAY))
        });
        Ok(!open)
    }
}

pub(crate) fn retest_within(
    tracker: &Tracker,
    change: &dyn Change,
    reproducer: &Reproducer,
    kernel: &str,
    (crashes, runs): (u32, u32),
    who: &str,
    now: i64,
) -> Result<Retested, Error> {
    let history = Read::history(change, reproducer.bug)?;
    let known = known(&history);
    let before = if crashes > 0 { 0 } else { clean(&history, reproducer.id) };
    let newer = Share { showed: crashes, runs: runs.saturating_add(before) };
    let told = retested(known, newer);
    if told.is_gone != reproducer.revoked && (told.is_gone || crashes > 0) {
        change.set_revoked(reproducer.id, told.is_gone)?;
    }
    let action = Action::Retest {
        reproducer: reproducer.id,
        kernel: kernel.to_owned(),
        runs: newer.runs,
        crashes,
        known_runs: known.runs,
        known_crashes: known.showed,
        revoked: told.is_gone,
    };
    tracker.act_within(change, reproducer.bug, &action, who, "", now)?;
    Ok(told)
}
