//! From a crash to the smallest program that provokes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use analysis_fuzz::{Call, Program, Reduced, Target, minimise};
use guest_programs::{Options, Request};

use crate::crash::Crash;
use crate::encode::encode;
use crate::machine::{Machine, Machines};

/// How much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trials {
    /// How often a program runs in one trial.
    pub runs: usize,
    /// How long one trial may take.
    pub time: Duration,
    /// Programs of the history that are tried alone.
    pub alone: usize,
    /// Trials of the smallest program, for its rate.
    pub rate: u32,
    /// How long all of it may take.
    pub whole: Duration,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            runs: 6,
            time: Duration::from_secs(12),
            alone: 24,
            rate: 10,
            whole: Duration::from_secs(240),
        }
    }
}

/// What provokes a crash.
#[derive(Debug, Clone)]
pub struct Reproducer {
    /// The program.
    pub program: Program,
    /// Calls that it had when it was found.
    pub calls_before: usize,
    /// It does not crash in the process that ran other programs.
    pub runs: usize,
}

/// A crash that was provoked again.
#[derive(Debug, Clone)]
pub struct Reproduced {
    /// Its title: the crash's, or the one that came up where that had none.
    pub title: String,
    /// By what.
    pub reproducer: Reproducer,
    /// Trials, each on a machine of its own, and how many crashed with the title.
    pub rate: (u32, u32),
    /// Other titles that came up, with their consoles.
    pub others: Vec<(String, Vec<u8>)>,
    /// Console of the last crash with the title.
    pub log: Vec<u8>,
}

struct Search<'a> {
    machines: &'a dyn Machines,
    target: &'a Target,
    title: String,
    trials: Trials,
    until: Instant,
    machine: Option<Box<dyn Machine>>,
    others: Vec<(String, Vec<u8>)>,
    log: Vec<u8>,
    next: u64,
    stopped: &'a dyn Fn() -> bool,
}

/// Finds what provokes a crash, makes it small, and measures how often it does. Absent if nothing provokes it in time.
pub fn reproduce(
    machines: &dyn Machines,
    target: &Target,
    crash: &Crash,
    trials: Trials,
    stopped: &dyn Fn() -> bool,
) -> Option<Reproduced> {
    let mut search = Search {
        machines,
        target,
        title: crash.title.clone(),
        trials,
        until: Instant::now() + trials.whole,
        machine: None,
        others: Vec::new(),
        log: crash.log.clone(),
        next: 1,
        stopped,
    };
    let found = search.extract(crash)?;
    let calls_before = found.calls.len();
    let (program, _) = minimise(target, &found, None, Reduced::Crash, &mut |candidate, _| {
        search.crashes(std::slice::from_ref(candidate))
    });
    let mut hits = 0;
    let mut tried = 0;
    for _ in 0..trials.rate {
        if search.over() && tried > 0 {
            break;
        }
        search.machine = None;
        tried += 1;
        hits += u32::from(search.crashes(std::slice::from_ref(&program)));
    }
    Some(Reproduced {
        title: search.title,
        reproducer: Reproducer { program, calls_before, runs: trials.runs },
        rate: (hits, tried),
        others: search.others,
        log: search.log,
    })
}

impl Search<'_> {
    fn over(&self) -> bool {
        Instant::now() > self.until || (self.stopped)()
    }

    /// The running programs alone, then others of the history, then many one after the other.
    fn extract(&mut self, crash: &Crash) -> Option<Program> {
        let mut tried: Vec<&Arc<Program>> = Vec::new();
        for program in crash.running.iter().rev().chain(crash.history.iter().rev()) {
            if tried.len() > self.trials.alone {
                break;
            }
            if tried.iter().any(|other| Arc::ptr_eq(other, program)) {
                continue;
            }
            tried.push(program);
            if self.crashes(std::slice::from_ref(program)) {
                return Some((**program).clone());
            }
        }
        self.extract_many(crash)
    }

    fn extract_many(&mut self, crash: &Crash) -> Option<Program> {
        let mut list: Vec<Program> =
            crash.history.iter().map(|program| (**program).clone()).collect();
        // The shortest tail of the history that crashes, by doubling.
        let mut length = 8.min(list.len());
        loop {
            let tail = list[list.len() - length..].to_vec();
            if self.crashes(&tail) {
                list = tail;
                break;
            }
            if length == list.len() || self.over() {
                return None;
            }
            length = (length * 4).min(list.len());
        }
        let mut size = list.len().div_ceil(3);
        while list.len() > 1 {
            let mut begin = 0;
            while begin < list.len() && list.len() > 1 {
                let end = (begin + size).min(list.len());
                let mut fewer = list.clone();
                fewer.drain(begin..end);
                if !fewer.is_empty() && self.crashes(&fewer) {
                    list = fewer;
                } else {
                    begin = end;
                }
            }
            if size == 1 || self.over() {
                break;
            }
            size = size.div_ceil(2);
        }
        let mut joined = list.remove(0);
        for program in list {
            join(&mut joined, &program);
        }
        self.crashes(std::slice::from_ref(&joined)).then_some(joined)
    }

    /// Whether programs, one after the other and again, crash a machine with the title.
    fn crashes<P: std::borrow::Borrow<Program>>(&mut self, programs: &[P]) -> bool {
        let encoded: Option<Vec<Vec<u8>>> =
            programs.iter().map(|program| encode(self.target, program.borrow()).ok()).collect();
        let Some(encoded) = encoded else { return false };
        let until = Instant::now() + self.trials.time;
        let mut left = self.trials.runs * encoded.len();
        let mut programs = encoded.iter().cycle();
        while left > 0 && Instant::now() < until && !self.over() {
            if self.machine.is_none() {
                self.machine = self.machines.start().ok();
            }
            let Some(machine) = self.machine.as_mut() else { return false };
            let count = left.min(encoded.len().max(2)).min(8);
            let requests: Vec<Request> = programs
                .by_ref()
                .take(count)
                .map(|bytes| {
                    self.next += 1;
                    Request::new(self.next, Options::default(), bytes.clone())
                })
                .collect();
            left -= count;
            let mut pending = requests.len();
            let mut lost = None;
            if machine.submit(requests).is_err() {
                return false;
            }
            while pending > 0 && Instant::now() < until + self.trials.time {
                match machine.replies(Duration::from_millis(50)) {
                    Ok(replies) => pending = pending.saturating_sub(replies.len()),
                    Err(found) => {
                        lost = Some(found);
                        break;
                    }
                }
            }
            let Some(lost) = lost else { continue };
            self.machine = None;
            match lost.title {
                // Where no title is known the first one is wanted from then on.
                Some(title) if title == self.title || self.title.is_empty() => {
                    self.title = title;
                    self.log = lost.log;
                    return true;
                }
                Some(title) => {
                    if !self.others.iter().any(|(other, _)| *other == title) {
                        self.others.push((title, lost.log));
                    }
                    return false;
                }
                None => {}
            }
        }
        false
    }
}

/// Puts a program's calls behind another's.
fn join(program: &mut Program, other: &Program) {
    let mut rng = fastrand::Rng::with_seed(0);
    let mut tail = Program::default();
    std::mem::swap(&mut tail.calls, &mut program.calls);
    let length = tail.calls.len();
    // Inserting into an empty program has one place only, and renames the variables.
    let mut empty = Program { calls: Vec::new(), next: program.next, tail: Vec::new() };
    analysis_fuzz::insert_corpus(&mut empty, other, &mut rng);
    let mut calls: Vec<Call> = tail.calls;
    calls.truncate(length);
    calls.append(&mut empty.calls);
    program.calls = calls;
    program.next = empty.next;
}
