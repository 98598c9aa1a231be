//! A bisection as it stands: what was asked, the history, and every attempt so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use analysis_bisect::{Bisection, Build, Direction, History, Prior, Settings, Strand};
use io_database::{Attempt, BisectionStore, Event, Stored};
use io_git::{Commit, Repository};
use model::{CommitId, RunOutcome};

use super::{Which, kernels, priors};
use crate::failure::Failure;

/// A bisection as it stands.
pub(crate) struct Case {
    pub(crate) store: BisectionStore,
    pub(crate) folder: PathBuf,
    pub(crate) stored: Stored,
    pub(crate) repository: Repository,
    /// Names by position: the older ends first, then the range, parents before children.
    pub(crate) commits: Vec<CommitId>,
    pub(crate) attempts: Vec<Attempt>,
    history: History,
    prior: Prior,
    positions: HashMap<CommitId, usize>,
    /// The paths that each commit changes, where they matter.
    changes: Vec<(CommitId, Vec<String>)>,
    /// What is believed before anything is built.
    before_builds: Prior,
}

/// How probable a failure is older than the releases that a search begins with: 12 of 100 searches
/// over a kernel's releases that failed did so because of it (Gu et al., FSE Companion 2024).
const OLDER_THAN_RELEASES: f64 = 0.12;

/// The weight of a commit that touches no file of which the kernels built so far were made. Not 0: a
/// kernel in between may have used it.
const TOUCHES_NO_USED_FILE: f64 = 0.05;

/// Which titles are wanted.
pub(crate) enum Wanted {
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
    pub(crate) fn matches(&self, attempt: &Attempt) -> bool {
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
    pub(crate) fn titles(&self) -> Vec<String> {
        match self {
            Self::Given(titles) | Self::Open(titles) | Self::Tied(titles) => titles.clone(),
            Self::Seen(title) => vec![title.clone()],
            Self::Any => Vec::new(),
        }
    }
}

/// Most commits of a range for which changed files are looked at.
const MOST_CHANGES: usize = 200_000;

impl Case {
    /// Loads the bisection that is meant.
    pub(crate) fn load(which: &Which) -> Result<Self, Failure> {
        let folder = which.state.folder()?;
        let store = BisectionStore::open(&folder).map_err(Failure::usage)?;
        let stored = store.load(which.id).map_err(Failure::usage)?.ok_or_else(|| {
            let error = match which.id {
                Some(id) => anyhow::anyhow!("{}: there is no bisection {id}", folder.display()),
                None => anyhow::anyhow!("{}: no bisection was started", folder.display()),
            };
            Failure::usage(error)
                .hint("begin one with `ktriage bisect run --good REV --bad REV --test CMD`")
        })?;
        Self::with(store, folder, stored)
    }

    pub(crate) fn with(
        store: BisectionStore,
        folder: PathBuf,
        stored: Stored,
    ) -> Result<Self, Failure> {
        let request = &stored.request;
        let repository = Repository::open(&request.repository).map_err(|error| {
            Failure::usage(error)
                .hint("the repository of this bisection was moved or deleted; put it back to go on")
        })?;
        let name = |text: &String| {
            CommitId::parse(text).ok_or_else(|| {
                Failure::usage(anyhow::anyhow!("stored commit name {text:?} is broken"))
            })
        };
        let good = request.good.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let bad = name(&request.bad)?;
        let (old, new) = match (request.fix, good.first()) {
            (true, Some(good)) => (vec![bad], good.clone()),
            _ => (good, bad),
        };
        let range = repository.range(&old, &new).map_err(Failure::usage)?;
        let (commits, history, mut prior) = graph(&old, &range)?;
        if request.walk {
            prior = prior.older(OLDER_THAN_RELEASES);
        }
        let positions: HashMap<CommitId, usize> =
            commits.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        let mut changes = Vec::new();
        if (priors::asks_for_files(request) || request.lab.is_some()) && range.len() <= MOST_CHANGES
        {
            changes = repository.changes(&old, &new).map_err(Failure::usage)?;
        }
        let fixes = match range.len() <= MOST_CHANGES && !request.fix {
            true => repository.fixes(&old, &new).map_err(Failure::usage)?,
            false => Vec::new(),
        };
        let known = priors::Range {
            history: &history,
            positions: &positions,
            changes: &changes,
            fixes: &fixes,
        };
        prior = priors::weigh(prior, &known, request);
        let attempts = store.attempts(stored.id).map_err(Failure::usage)?;
        let mut case = Self {
            store,
            folder,
            stored,
            repository,
            commits,
            attempts,
            history,
            prior: prior.clone(),
            positions,
            changes,
            before_builds: prior,
        };
        case.learn_from_builds();
        Ok(case)
    }

    /// Adds an attempt.
    pub(crate) fn take(&mut self, attempt: Attempt) {
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
        let used = kernels::sources_of(&self.work());
        if !used.is_empty() {
            for (id, files) in &self.changes {
                let outside = |path: &String| io_kernel_build::is_outside_build(path, &used);
                if let Some(&at) = self.positions.get(id)
                    && !files.is_empty()
                    && files.iter().all(outside)
                {
                    prior = prior.weigh(at, TOUCHES_NO_USED_FILE);
                }
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

    /// The folder of this bisection's work trees.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join(format!("bisect-{}", self.stored.id))
    }

    pub(crate) fn position(&self, commit: &str) -> Option<usize> {
        self.positions.get(&CommitId::parse(commit)?).copied()
    }

    /// What is looked for.
    pub(crate) fn direction(&self) -> Direction {
        if self.stored.request.fix { Direction::Fix } else { Direction::Cause }
    }

    /// The end on which the failure was seen: the newest commit or, in a search for a fix, the oldest.
    pub(crate) fn failing_end(&self) -> usize {
        match self.direction() {
            Direction::Cause => self.commits.len() - 1,
            Direction::Fix => 0,
        }
    }

    /// The parents of a commit that lie in the range or are an older end of it.
    pub(crate) fn parents(&self, at: usize) -> Vec<usize> {
        self.history.parents(at).iter().map(|&parent| parent as usize).collect()
    }

    /// What a commit was built with, as far as its builds recorded it.
    pub(crate) fn build_of(&self, at: usize) -> Build {
        let id = self.commits[at].as_str();
        self.attempts
            .iter()
            .filter(|attempt| attempt.event == Event::Built && attempt.commit == id)
            .filter_map(|attempt| attempt.title.clone())
            .collect()
    }

    /// Whether an attempt was made on the failing end, or on a commit that is the same program.
    pub(super) fn is_failing_end(&self, attempt: &Attempt) -> bool {
        let end = self.prior.kernel(self.failing_end());
        self.position(&attempt.commit).is_some_and(|at| self.prior.kernel(at) == end)
    }

    /// The failures of the failing end, in the order in which they were seen.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Attempt> {
        let crashed = self.attempts.iter().filter(|attempt| attempt.event == Event::Crashed);
        crashed.filter(|attempt| self.is_failing_end(attempt))
    }

    /// Which titles are wanted, as the attempts stand.
    pub(crate) fn wanted(&self) -> Wanted {
        let given = &self.stored.request.titles;
        if !given.is_empty() {
            return Wanted::Given(given.clone());
        }
        let seen = || self.failures().map(|attempt| attempt.title.as_deref().unwrap_or_default());
        let all = || seen().map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect();
        match Strand::of(seen()) {
            Strand::Unseen => Wanted::Any,
            Strand::Leads(title) => Wanted::Seen(title.to_owned()),
            Strand::Open => Wanted::Open(all()),
            Strand::Tied => Wanted::Tied(all()),
        }
    }

    /// The failures of the failing end that are not the wanted one, and how often each was seen there.
    pub(crate) fn bystanders(&self, wanted: &Wanted) -> BTreeMap<String, u32> {
        let mut bystanders = BTreeMap::new();
        let others = self.failures().filter(|attempt| !wanted.matches(attempt));
        for title in others.filter_map(|attempt| attempt.title.clone()) {
            *bystanders.entry(title).or_default() += 1;
        }
        bystanders
    }

    /// Minutes of a build and of a run: the mean of those made, or a guess.
    pub(crate) fn cost(&self) -> (f64, f64) {
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
    pub(crate) fn bisection(&self, count: usize) -> Bisection {
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
        let bystanders = self.bystanders(&wanted);
        for attempt in &self.attempts[..count.min(self.attempts.len())] {
            let Some(at) = self.position(&attempt.commit) else { continue };
            match outcome(attempt, &wanted) {
                Some(RunOutcome::Other)
                    if attempt
                        .title
                        .as_ref()
                        .is_some_and(|title| bystanders.contains_key(title)) =>
                {
                    bisection.record_bystander(at);
                }
                Some(outcome) => bisection.record(at, outcome),
                None => {}
            }
        }
        bisection
    }

    /// Runs and builds so far, and the minutes they took.
    pub(crate) fn spent(&self) -> Spent {
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

    /// `abcdef012345 ("subject")`; only the name when git does not tell more.
    pub(crate) fn label(&self, at: usize) -> String {
        let id = &self.commits[at];
        match self.repository.details(id) {
            Ok(details) => format!("{} (\"{}\")", id.short(), details.subject),
            Err(_) => id.short().to_owned(),
        }
    }
}

/// What was spent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) builds: u64,
    pub(crate) runs: u64,
    pub(crate) minutes: f64,
}

/// What an attempt means; nothing for a build that succeeded.
pub(crate) fn outcome(attempt: &Attempt, wanted: &Wanted) -> Option<RunOutcome> {
    match attempt.event {
        Event::Built => None,
        Event::BuildFailed => Some(RunOutcome::BuildFailed),
        Event::Clean => Some(RunOutcome::Clean),
        Event::BootFailed | Event::CannotTell => Some(RunOutcome::BootFailed),
        Event::LabTrouble => Some(RunOutcome::LabTrouble),
        Event::Crashed if wanted.matches(attempt) => Some(RunOutcome::Wanted),
        Event::Crashed => Some(RunOutcome::Other),
    }
}

/// The graph of the range with its older ends, which can be tested but not blamed. A commit with the
/// same tree as its first parent is the same program.
fn graph(old: &[CommitId], range: &[Commit]) -> Result<(Vec<CommitId>, History, Prior), Failure> {
    let mut commits: Vec<CommitId> = Vec::new();
    let mut known = BTreeSet::new();
    for id in old {
        if known.insert(id) {
            commits.push(id.clone());
        }
    }
    let ends = commits.len();
    commits.extend(range.iter().map(|commit| commit.id.clone()));
    let positions: HashMap<&CommitId, usize> =
        commits.iter().enumerate().map(|(at, id)| (id, at)).collect();
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); ends];
    let mut same = Vec::new();
    let trees: HashMap<&CommitId, &str> =
        range.iter().map(|commit| (&commit.id, commit.tree.as_str())).collect();
    for commit in range {
        parents.push(commit.parents.iter().filter_map(|id| positions.get(id).copied()).collect());
        if let Some(first) = commit.parents.first()
            && trees.get(first) == Some(&commit.tree.as_str())
        {
            same.push((positions[&commit.id], positions[first]));
        }
    }
    let history = History::new(&parents).map_err(Failure::usage)?;
    let mut prior = Prior::uniform(&history);
    for end in 0..ends {
        prior = prior.weigh(end, 0.0);
    }
    for (commit, parent) in same {
        prior = prior.same_kernel(commit, parent);
    }
    Ok((commits, history, prior))
}
