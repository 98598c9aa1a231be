//! A bisection as it stands: what was asked, the history, and every attempt so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::bisection::{Attempt, Event, Stored};
use model::{CommitId, RunOutcome};

use crate::{Bisection, Build, Direction, History, Prior, Settings, TargetTitle};

/// A bisection as it stands.
#[derive(Clone, Debug)]
pub struct Search {
    /// What was asked for, with its number.
    pub stored: Stored,
    /// Names by position: the older ends first, then the range, parents before children.
    pub commits: Vec<CommitId>,
    /// Every attempt, in the order in which they ended.
    pub attempts: Vec<Attempt>,
    history: History,
    /// What is believed before any run.
    prior: Prior,
    positions: HashMap<CommitId, usize>,
    /// Commits that touch no file of which the kernels built so far were made.
    untouched: Vec<CommitId>,
    /// What is believed before anything is built.
    before_builds: Prior,
}

/// The weight of a commit that touches no file of which the kernels built so far were made. Not 0: a
/// kernel in between may have used it.
const TOUCHES_NO_USED_FILE: f64 = 0.05;

/// Which titles are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those given, or parts of them.
    Given(Vec<String>),
    /// The one that the bad end showed, alone or far oftener than others.
    Seen(String),
    /// Nothing crashed yet.
    Any,
    /// The bad end showed several, and more runs of it tell which leads.
    Open(Vec<String>),
    /// The bad end showed several, and none leads.
    Tied(Vec<String>),
}

impl Wanted {
    /// Whether a failure is the wanted one, under any of its titles.
    pub fn matches(&self, attempt: &Attempt) -> bool {
        let first = attempt.title.as_deref().unwrap_or_default();
        let mut titles = std::iter::once(first).chain(attempt.also.iter().map(String::as_str));
        match self {
            Self::Given(parts) => titles.any(|title| parts.iter().any(|part| title.contains(part))),
            Self::Seen(wanted) => titles.any(|title| title == wanted),
            Self::Any => true,
            Self::Open(several) | Self::Tied(several) => {
                titles.any(|title| several.iter().any(|wanted| wanted == title))
            }
        }
    }

    /// The titles, for people.
    pub fn titles(&self) -> Vec<String> {
        match self {
            Self::Given(titles) | Self::Open(titles) | Self::Tied(titles) => titles.clone(),
            Self::Seen(title) => vec![title.clone()],
            Self::Any => Vec::new(),
        }
    }
}

impl Search {
    /// A search over `commits`, of which `history` tells the parents by position; `prior` is what is believed
    /// before anything is built.
    pub fn new(
        stored: Stored,
        commits: Vec<CommitId>,
        history: History,
        prior: Prior,
        attempts: Vec<Attempt>,
    ) -> Self {
        let positions = commits.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        let mut search = Self {
            stored,
            commits,
            attempts,
            history,
            prior: prior.clone(),
            positions,
            untouched: Vec::new(),
            before_builds: prior,
        };
        search.learn_from_builds();
        search
    }

    /// Says which commits touch no file of which the kernels built so far were made.
    pub fn set_untouched(&mut self, untouched: Vec<CommitId>) {
        self.untouched = untouched;
        self.learn_from_builds();
    }

    /// Adds an attempt.
    pub fn take(&mut self, attempt: Attempt) {
        let built = attempt.signature.is_some();
        self.attempts.push(attempt);
        if built {
            self.learn_from_builds();
        }
    }

    /// What the builds tell before any run: a kernel with the signature of its parent's is the same
    /// kernel, and a commit that touches no file of which the kernels were made is hardly to blame.
    fn learn_from_builds(&mut self) {
        let mut prior = self.before_builds.clone();
        for id in &self.untouched {
            if let Some(&at) = self.positions.get(id) {
                prior = prior.weigh(at, TOUCHES_NO_USED_FILE);
            }
        }
        let mut signatures: HashMap<usize, &str> = HashMap::new();
        for attempt in &self.attempts {
            if let (Some(signature), Some(at)) =
                (&attempt.signature, self.position(&attempt.commit))
            {
                signatures.insert(prior.kernel(at), signature);
            }
        }
        // Parents come first, so a chain of equal kernels becomes one class.
        for at in 0..self.commits.len() {
            let Some(own) = signatures.get(&prior.kernel(at)).copied() else { continue };
            let same =
                self.history.parents(at).iter().map(|&parent| parent as usize).find(|&parent| {
                    let kernel = prior.kernel(parent);
                    kernel != prior.kernel(at) && signatures.get(&kernel) == Some(&own)
                });
            if let Some(parent) = same {
                prior = prior.same_kernel(at, parent);
            }
        }
        self.prior = prior;
    }

    /// The place of a commit of the range, by its full name.
    pub fn position(&self, commit: &str) -> Option<usize> {
        self.positions.get(&CommitId::parse(commit)?).copied()
    }

    /// What is looked for.
    pub fn direction(&self) -> Direction {
        if self.stored.request.fix { Direction::Fix } else { Direction::Cause }
    }

    /// The end on which the failure was seen: the newest commit or, in a search for a fix, the oldest.
    pub fn failing_end(&self) -> usize {
        match self.direction() {
            Direction::Cause => self.commits.len() - 1,
            Direction::Fix => 0,
        }
    }

    /// The parents of a commit that lie in the range or are an older end of it.
    pub fn parents(&self, at: usize) -> Vec<usize> {
        self.history.parents(at).iter().map(|&parent| parent as usize).collect()
    }

    /// What a commit was built with, as far as its builds recorded it.
    pub fn build_of(&self, at: usize) -> Build {
        let id = self.commits[at].as_str();
        self.attempts
            .iter()
            .filter(|attempt| attempt.event == Event::Built && attempt.commit == id)
            .filter_map(|attempt| attempt.title.clone())
            .collect()
    }

    /// Whether an attempt was made on the failing end, or on a commit that is the same program.
    pub fn is_failing_end(&self, attempt: &Attempt) -> bool {
        let end = self.prior.kernel(self.failing_end());
        self.position(&attempt.commit).is_some_and(|at| self.prior.kernel(at) == end)
    }

    /// The failures of the failing end, in the order in which they were seen.
    pub fn failures(&self) -> impl Iterator<Item = &Attempt> {
        let crashed = self.attempts.iter().filter(|attempt| attempt.event == Event::Crashed);
        crashed.filter(|attempt| self.is_failing_end(attempt))
    }

    /// Which titles are wanted, as the attempts stand.
    pub fn wanted(&self) -> Wanted {
        let given = &self.stored.request.titles;
        if !given.is_empty() {
            return Wanted::Given(given.clone());
        }
        let seen = || self.failures().map(|attempt| attempt.title.as_deref().unwrap_or_default());
        let all = || seen().map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
        match TargetTitle::of(seen()) {
            TargetTitle::Unseen => Wanted::Any,
            TargetTitle::Leads(title) => Wanted::Seen(title.to_owned()),
            TargetTitle::Open => Wanted::Open(all()),
            TargetTitle::Tied => Wanted::Tied(all()),
        }
    }

    /// The failures of the failing end that are not the wanted one, and how often each was seen there.
    pub fn known_crashes(&self, wanted: &Wanted) -> BTreeMap<String, u32> {
        let mut known_crashes = BTreeMap::new();
        let others = self.failures().filter(|attempt| !wanted.matches(attempt));
        for title in others.filter_map(|attempt| attempt.title.clone()) {
            *known_crashes.entry(title).or_default() += 1;
        }
        known_crashes
    }

    /// Minutes of a build and of a run: the mean of those made, or a guess.
    pub fn cost(&self) -> (f64, f64) {
        let mean = |wanted: &dyn Fn(Event) -> bool, guess: f64| {
            let (mut sum, mut count) = (0.0, 0.0);
            for attempt in self.attempts.iter().filter(|attempt| wanted(attempt.event)) {
                sum += attempt.seconds / 60.0;
                count += 1.0;
            }
            if count > 0.0 { f64::max(sum / count, 1e-4) } else { guess }
        };
        let request = &self.stored.request;
        let build = match request.build.is_some() || request.lab.is_some() {
            true => mean(&|event| matches!(event, Event::Built | Event::BuildFailed), 5.0),
            false => 0.01,
        };
        (build, mean(&|event| matches!(event, Event::Clean | Event::Crashed), 1.0))
    }

    /// The bisection after the first `count` attempts.
    pub fn bisection(&self, count: usize) -> Bisection {
        let (build_minutes, run_minutes) = self.cost();
        let settings = Settings {
            confidence: self.stored.request.confidence,
            build_minutes,
            run_minutes,
            machines: self.stored.request.jobs,
            direction: self.direction(),
        };
        let mut bisection =
            Bisection::new(self.history.clone(), self.prior.clone(), self.failing_end(), settings);
        let wanted = self.wanted();
        let known_crashes = self.known_crashes(&wanted);
        for attempt in &self.attempts[..count.min(self.attempts.len())] {
            let Some(at) = self.position(&attempt.commit) else { continue };
            match outcome(attempt, &wanted) {
                Some(RunOutcome::Other)
                    if attempt
                        .title
                        .as_ref()
                        .is_some_and(|title| known_crashes.contains_key(title)) =>
                {
                    bisection.record_known_crash(at);
                }
                Some(outcome) => bisection.record(at, outcome),
                None => {}
            }
        }
        bisection
    }

    /// Runs and builds so far, and the minutes they took.
    pub fn spent(&self) -> Spent {
        let mut spent = Spent::default();
        for attempt in &self.attempts {
            spent.minutes += attempt.seconds / 60.0;
            match attempt.event {
                Event::Built | Event::BuildFailed => spent.builds += 1,
                _ => spent.runs += 1,
            }
        }
        spent
    }
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Builds.
    pub builds: u64,
    /// Runs.
    pub runs: u64,
    /// Minutes of both.
    pub minutes: f64,
}

/// What an attempt means; nothing for a build that succeeded.
pub fn outcome(attempt: &Attempt, wanted: &Wanted) -> Option<RunOutcome> {
    match attempt.event {
        Event::Built => None,
        Event::BuildFailed => Some(RunOutcome::BuildFailed),
        Event::Clean => Some(RunOutcome::Clean),
        Event::BootFailed => Some(RunOutcome::BootFailed),
        Event::Skip => Some(RunOutcome::Skipped),
        Event::InfrastructureError => Some(RunOutcome::InfrastructureError),
        Event::Crashed if wanted.matches(attempt) => Some(RunOutcome::Wanted),
        Event::Crashed => Some(RunOutcome::Other),
    }
}
