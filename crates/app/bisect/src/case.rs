//! A recorded search with its repository.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use analysis_bisect::answer::{conclude, named, origin, to_revert};
use analysis_bisect::search::outcome;
use analysis_bisect::{Answer, Belief, Conclusion, History, Prior, Reverted, Search, renamed};
use io_database::BisectionStore;
use io_git::{Commit, Repository};
use model::bisection::{Attempt, Stored};
use model::{CommitId, RunOutcome};

use crate::failure::Failure;
use crate::{kernels, priors};

/// A recorded search with its repository.
pub struct Case {
    pub(crate) store: BisectionStore,
    pub(crate) folder: PathBuf,
    pub(crate) repository: Repository,
    /// The search as it stands.
    pub search: Search,
    /// The paths that each commit changes, where they matter.
    changes: Vec<(CommitId, Vec<String>)>,
}

/// Most commits of a range for which changed files are looked at.
const MOST_CHANGES: usize = 200_000;

impl Case {
    /// Loads search `id` of a state folder, or the newest one.
    ///
    /// # Errors
    /// When there is none, or the record or its repository cannot be read.
    pub fn load(folder: &Path, id: Option<i64>) -> Result<Self, Failure> {
        let store = BisectionStore::open(folder).map_err(Failure::from_error)?;
        let stored = store.load(id).map_err(Failure::from_error)?.ok_or_else(|| {
            let what = match id {
                Some(id) => format!("{}: there is no bisection {id}", folder.display()),
                None => format!("{}: no bisection was started", folder.display()),
            };
            Failure::usage(what)
                .hint("begin one with `ktriage bisect run --good REV --bad REV --test CMD`")
        })?;
        Self::with(store, folder.to_owned(), stored)
    }

    pub(crate) fn with(
        store: BisectionStore,
        folder: PathBuf,
        stored: Stored,
    ) -> Result<Self, Failure> {
        let request = &stored.request;
        let repository = Repository::open(&request.repository).map_err(|error| {
            Failure::from_error(error)
                .hint("the repository of this bisection was moved or deleted; put it back to go on")
        })?;
        let name = |text: &String| {
            CommitId::parse(text)
                .ok_or_else(|| Failure::usage(format!("stored commit name {text:?} is broken")))
        };
        let good = request.good.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let bad = name(&request.bad)?;
        let (old, new) = match (request.fix, good.first()) {
            (true, Some(good)) => (vec![bad], good.clone()),
            _ => (good, bad),
        };
        let range = repository.range(&old, &new).map_err(Failure::from_error)?;
        let (commits, history, mut prior) = graph(&old, &range)?;
        if request.walk {
            prior = prior.older(OLDER_THAN_RELEASES);
        }
        let positions: HashMap<CommitId, usize> =
            commits.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        let mut changes = Vec::new();
        if (priors::asks_for_files(request) || request.lab.is_some()) && range.len() <= MOST_CHANGES
        {
            changes = repository.changes(&old, &new).map_err(Failure::from_error)?;
        }
        let fixes = match range.len() <= MOST_CHANGES && !request.fix {
            true => repository.fixes(&old, &new).map_err(Failure::from_error)?,
            false => Vec::new(),
        };
        let known = priors::Range {
            history: &history,
            positions: &positions,
            changes: &changes,
            fixes: &fixes,
        };
        prior = priors::weigh(prior, &known, request);
        let attempts = store.attempts(stored.id).map_err(Failure::from_error)?;
        let search = Search::new(stored, commits, history, prior, attempts);
        let mut case = Self { store, folder, repository, search, changes };
        case.learn_from_sources();
        Ok(case)
    }

    /// Says which titles are wanted, where the failing end has shown several.
    ///
    /// # Errors
    /// When that cannot be recorded.
    pub fn want(&mut self, titles: &[String]) -> Result<(), Failure> {
        let stored = &mut self.search.stored;
        self.store.set_titles(stored, titles).map_err(Failure::from_error)?;
        stored.request.titles = titles.to_vec();
        Ok(())
    }

    /// Adds an attempt that is recorded already.
    pub(crate) fn take(&mut self, attempt: Attempt) {
        let built = attempt.signature.is_some();
        self.search.take(attempt);
        if built {
            self.learn_from_sources();
        }
    }

    /// A commit that touches no file of which the kernels were made is hardly to blame.
    fn learn_from_sources(&mut self) {
        let used = kernels::sources_of(&self.work());
        if used.is_empty() {
            return;
        }
        let outside = |path: &String| io_kernel_build::is_outside_build(path, &used);
        let untouched = self
            .changes
            .iter()
            .filter(|(_, files)| !files.is_empty() && files.iter().all(outside))
            .map(|(id, _)| id.clone())
            .collect();
        self.search.set_untouched(untouched);
    }

    /// The folder of this search's work trees.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.join(format!("bisect-{}", self.search.stored.id))
    }

    /// How the last proof of a conclusion stands.
    pub(crate) fn reverted(&self, belief: &Belief, conclusion: &Conclusion) -> Reverted {
        let search = &self.search;
        let Some(culprit) = to_revert(search, conclusion) else { return Reverted::NotAsked };
        let (culprit, end) = (&search.commits[culprit], &search.commits[search.failing_end()]);
        // A repository that cannot be written to leaves this proof out, no more.
        match self.repository.without(end, culprit) {
            Ok(Some(commit)) => Reverted::of(search, belief, commit),
            _ => Reverted::NotClean,
        }
    }

    /// The answer from every attempt so far.
    pub fn answer(&self) -> Answer {
        let search = &self.search;
        let (belief, conclusion, is_final) = conclude(search);
        let reverted = self.reverted(&belief, &conclusion);
        let is_final = is_final && reverted.step().is_none();
        // What git does not tell of a commit is left out.
        let details: BTreeMap<_, _> = named(&conclusion)
            .into_iter()
            .chain(likeliest(&belief))
            .filter_map(|at| Some((at, self.repository.details(&search.commits[at]).ok()?)))
            .collect();
        let changed = match &conclusion {
            Conclusion::Culprit { commit, .. } => {
                details.get(commit).map_or(&[][..], |details| &details.files)
            }
            _ => &[],
        };
        let origin = origin(search, &conclusion, changed);
        let renamed = renamed::of(search, &conclusion);
        Answer { belief, conclusion, is_final, reverted, origin, renamed, details }
    }

    /// The newest tested commit that shows the wanted failure, and the report of such a run.
    pub fn crash(&self) -> Option<(String, String)> {
        let search = &self.search;
        let wanted = search.wanted();
        let attempt = search
            .attempts
            .iter()
            .filter(|attempt| outcome(attempt, &wanted) == Some(RunOutcome::Wanted))
            .max_by_key(|attempt| search.position(&attempt.commit))?;
        let report = analysis_identity::read_log(attempt.output.as_bytes())
            .reports
            .into_iter()
            .find(|report| Some(&report.title) == attempt.title.as_ref())?;
        Some((attempt.commit.clone(), report.text.to_string()))
    }
}

/// Commits shown with the belief of a search that goes on.
const SHOWN: usize = 5;

/// The likeliest culprits.
fn likeliest(belief: &Belief) -> Vec<usize> {
    let culprit = belief.culprit();
    let mut commits: Vec<usize> = (0..culprit.len()).collect();
    commits.sort_by(|a, b| culprit[*b].total_cmp(&culprit[*a]));
    commits.truncate(SHOWN);
    commits
}

/// How probable a failure is older than the releases that a search begins with: 12 of 100 searches
/// over a kernel's releases that failed did so because of it (Gu et al., FSE Companion 2024).
const OLDER_THAN_RELEASES: f64 = 0.12;

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
    let history = History::new(&parents).map_err(Failure::from_error)?;
    let mut prior = Prior::uniform(&history);
    for end in 0..ends {
        prior = prior.weigh(end, 0.0);
    }
    for (commit, parent) in same {
        prior = prior.same_kernel(commit, parent);
    }
    Ok((commits, history, prior))
}
