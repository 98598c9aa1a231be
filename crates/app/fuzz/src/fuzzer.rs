//! What the loop knows, and its parts put together.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use analysis_fuzz::{CallId, Catalog, Program, Target, write_program};
use fastrand::Rng;
use guest_programs::{REMOTE, Reply};

use crate::crash::{Crash, Found};
use crate::deadly::Deadly;
use crate::machine::Machines;
use crate::pool::Pool;
use crate::reproduce::{Trials, reproduce};
use crate::store::hash;
use crate::work::work;

/// How often a crash that does not show again is looked into.
const ATTEMPTS: u64 = 3;

/// How the loop runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seed of all chance on this side.
    pub seed: u64,
    /// Machines at the same time.
    pub machines: usize,
    /// Programs that are thought about at the same time.
    pub workers: usize,
    /// Calls that may be used.
    pub calls: BTreeSet<CallId>,
    /// When it ends by itself.
    pub time: Option<Duration>,
    /// It ends when so many different titles were found.
    pub enough: Option<usize>,
    /// How crashes are reproduced; absent: not at all.
    pub trials: Option<Trials>,
}

/// Numbers of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Time since its start.
    pub elapsed: Duration,
    /// Programs that ran to their end.
    pub executed: u64,
    /// Programs that are kept.
    pub corpus: usize,
    /// Edges that were seen.
    pub edges: usize,
    /// Places of the kernel that were seen.
    pub places: usize,
    /// Programs that wait to be looked at again.
    pub waiting: usize,
    /// Machines that were lost.
    pub lost: u64,
    /// Crashes by title, and how often each was seen.
    pub titles: BTreeMap<String, u64>,
}

/// A program that is kept, and why.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) program: Arc<Program>,
    /// The call whose edges are new.
    pub(crate) call: usize,
}

/// What is to be done with a program.
#[derive(Debug)]
pub(crate) enum Work {
    /// New edges were seen at a call: are they stable?
    Triage(Arc<Program>, usize, HashSet<u32>),
    /// A program from elsewhere.
    Candidate(Arc<Program>),
    /// A program that is new in the corpus.
    Smash(Arc<Entry>),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) corpus: Vec<Arc<Entry>>,
    /// Sums of weights up to each program of the corpus.
    sums: Vec<u64>,
    /// How often each was chosen.
    chosen: Vec<u32>,
    texts: HashSet<u64>,
    edges: HashSet<u32>,
    places: HashSet<u32>,
    pub(crate) queue: VecDeque<Work>,
    smash: VecDeque<Work>,
    turn: u64,
    pub(crate) titles: BTreeMap<String, u64>,
    reproducing: HashSet<String>,
    /// Titles that were provoked again.
    reproduced: HashSet<String>,
    /// What is known to crash.
    deadly: Vec<Deadly>,
}

/// The loop.
pub struct Fuzzer {
    pub(crate) target: Arc<Target>,
    pub(crate) settings: Settings,
    pub(crate) pool: Pool,
    pub(crate) state: Mutex<State>,
    pub(crate) catalog: Mutex<Arc<Catalog>>,
    start: Instant,
}

/// What the loop tells while it runs.
pub trait Events: Sync {
    /// A program was kept.
    fn kept(&self, text: &str);
    /// A machine crashed with this title, for the so manieth time.
    fn crashed(&self, crash: &Crash, times: u64);
    /// A crash was looked into.
    fn found(&self, found: &Found);
}

impl Fuzzer {
    /// A loop over a target's calls.
    #[must_use]
    pub fn new(target: Arc<Target>, settings: Settings) -> Self {
        let catalog = Catalog::new(&target, &settings.calls);
        Self {
            pool: Pool::new(Arc::clone(&target)),
            catalog: Mutex::new(Arc::new(catalog)),
            target,
            settings,
            state: Mutex::new(State::default()),
            start: Instant::now(),
        }
    }

    /// Adds programs that are run first.
    pub fn seed(&self, programs: impl IntoIterator<Item = Program>) {
        let mut state = self.state();
        for mut program in programs {
            program.calls.retain(|call| self.settings.calls.contains(&call.kind));
            if !program.calls.is_empty() {
                state.queue.push_back(Work::Candidate(Arc::new(program)));
            }
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the loop; what runs is left.
    pub fn stop(&self) {
        self.pool.stop();
    }

    /// Whether it was ended.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.pool.is_stopped()
    }

    /// Its numbers now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (executed, lost) = self.pool.counts();
        let state = self.state();
        Counts {
            elapsed: self.start.elapsed(),
            executed,
            corpus: state.corpus.len(),
            edges: state.edges.len(),
            places: state.places.len(),
            waiting: state.queue.len() + state.smash.len(),
            lost,
            titles: state.titles.clone(),
        }
    }

    /// Texts of the programs that are kept.
    #[must_use]
    pub fn corpus(&self) -> Vec<String> {
        let state = self.state();
        state.corpus.iter().map(|entry| write_program(&self.target, &entry.program)).collect()
    }

    /// Runs until it is stopped, its time is over or enough was found. `tick` is called about ten times a second.
    ///
    /// # Errors
    /// When machines cannot be started any more.
    pub fn run(
        &self,
        machines: &dyn Machines,
        events: &dyn Events,
        tick: &mut dyn FnMut(&Counts),
    ) -> Result<(), String> {
        let mut failure = Ok(());
        thread::scope(|scope| {
            let drivers: Vec<_> = (0..self.settings.machines.max(1))
                .map(|_| {
                    scope.spawn(|| {
                        self.pool.drive(machines, &|crash| self.crashed(machines, events, crash))
                    })
                })
                .collect();
            for number in 0..self.settings.workers.max(1) {
                let seed = self.settings.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number as u64);
                scope.spawn(move || work(self, events, &mut Rng::with_seed(seed)));
            }
            while !self.is_stopped() {
                thread::sleep(Duration::from_millis(100));
                let counts = self.counts();
                tick(&counts);
                let late = self.settings.time.is_some_and(|time| counts.elapsed >= time);
                let known = counts.titles.len();
                let busy = !self.state().reproducing.is_empty();
                let enough = self.settings.enough.is_some_and(|enough| known >= enough) && !busy;
                if late || enough {
                    self.stop();
                }
            }
            for driver in drivers {
                if let Ok(Err(reason)) = driver.join() {
                    failure = Err(reason);
                }
            }
        });
        failure
    }

    /// Counts a crash; the first of a title is reproduced.
    fn crashed(&self, machines: &dyn Machines, events: &dyn Events, crash: Crash) {
        let (times, first) = {
            let mut state = self.state();
            let times = state.titles.entry(crash.title.clone()).or_default();
            *times += 1;
            let times = *times;
            // What did not show again is tried again.
            let first = times <= ATTEMPTS
                && !state.reproduced.contains(&crash.title)
                && !state.reproducing.contains(&crash.title);
            if first {
                state.reproducing.insert(crash.title.clone());
            }
            (times, first)
        };
        events.crashed(&crash, times);
        if !first {
            return;
        }
        let title = crash.title.clone();
        let reproduced = self.settings.trials.and_then(|trials| {
            reproduce(machines, &self.target, &crash, trials, &|| self.is_stopped())
        });
        let deadly =
            reproduced.as_ref().map(|one| Deadly::new(&self.target, &one.reproducer.program));
        events.found(&Found { crash, reproduced });
        let mut state = self.state();
        state.reproducing.remove(&title);
        if let Some(deadly) = deadly {
            state.reproduced.insert(title);
            state.deadly.push(deadly);
        }
    }

    /// Whether a program is known to crash.
    pub(crate) fn is_deadly(&self, program: &Program) -> bool {
        self.state().deadly.iter().any(|deadly| deadly.is_in(&self.target, program))
    }

    /// Notes the edges of a reply. Gives the calls that had new ones.
    pub(crate) fn note(&self, reply: &Reply) -> Vec<(usize, HashSet<u32>)> {
        let mut state = self.state();
        let mut found = Vec::new();
        let mut all = Vec::new();
        for call in &reply.calls {
            let mut new = HashSet::new();
            for edge in &call.edges {
                let signal = edge.signal();
                if state.edges.insert(signal) {
                    new.insert(signal);
                    state.places.insert(edge.to);
                }
            }
            all.extend(new.iter().copied());
            if !new.is_empty() && call.call != REMOTE {
                found.push((usize::from(call.call), new));
            }
        }
        drop(state);
        if !all.is_empty() {
            self.pool.know(&all);
        }
        found
    }

    pub(crate) fn push(&self, work: Work) {
        let mut state = self.state();
        match work {
            Work::Smash(_) => state.smash.push_back(work),
            _ => state.queue.push_back(work),
        }
    }

    /// The next thing to do; absent: something new.
    pub(crate) fn next(&self) -> Option<Work> {
        let mut state = self.state();
        state.turn += 1;
        if let Some(work) = state.queue.pop_front() {
            return Some(work);
        }
        // New programs are not to wait for all changes of old ones.
        if state.turn.is_multiple_of(3) { None } else { state.smash.pop_front() }
    }

    /// A program of the corpus: by weight, of two the one that was chosen less.
    pub(crate) fn parent(&self, rng: &mut Rng) -> Option<Arc<Program>> {
        let mut state = self.state();
        let total = *state.sums.last()?;
        let mut pick = || {
            let wanted = rng.u64(0..total.max(1));
            state.sums.partition_point(|sum| *sum <= wanted).min(state.corpus.len() - 1)
        };
        let (one, two) = (pick(), pick());
        let index = if state.chosen[one] <= state.chosen[two] { one } else { two };
        state.chosen[index] = state.chosen[index].saturating_add(1);
        Some(Arc::clone(&state.corpus[index].program))
    }

    /// Some programs of the corpus to splice in.
    pub(crate) fn others(&self, rng: &mut Rng) -> Vec<Arc<Program>> {
        let state = self.state();
        if state.corpus.is_empty() {
            return Vec::new();
        }
        (0..4)
            .map(|_| Arc::clone(&state.corpus[rng.usize(0..state.corpus.len())].program))
            .collect()
    }

    /// Keeps a program. Absent if its text is kept already.
    pub(crate) fn keep(
        &self,
        program: Program,
        call: usize,
        weight: usize,
        text: &str,
    ) -> Option<Arc<Entry>> {
        let mut state = self.state();
        if !state.texts.insert(hash(text.as_bytes())) {
            return None;
        }
        let weight = u32::try_from(weight).unwrap_or(u32::MAX).clamp(1, 1000);
        let entry = Arc::new(Entry { program: Arc::new(program), call });
        let sum = state.sums.last().copied().unwrap_or(0) + u64::from(weight);
        state.sums.push(sum);
        state.chosen.push(0);
        state.corpus.push(Arc::clone(&entry));
        let length = state.corpus.len();
        drop(state);
        let mut catalog = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
        // The table of neighbours is copied where somebody uses it: rarely.
        if length < 100 || length.is_multiple_of(16) {
            Arc::make_mut(&mut catalog).learn(&entry.program);
        }
        Some(entry)
    }
}
