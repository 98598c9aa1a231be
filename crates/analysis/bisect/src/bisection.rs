//! The course of a bisection: which runs were made, what follows, when it is over.

use std::collections::BTreeMap;

use model::RunOutcome;

use crate::belief::Belief;
use crate::bits::CommitSet;
use crate::history::History;
use crate::prior::Prior;
use crate::record::Tally;
use crate::step::{Step, View};

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The commit from which on the crash shows. The failing end is the newest commit.
    #[default]
    Cause,
    /// The commit from which on the crash does not show any more. The failing end is the oldest
    /// commit. "Bad" is a commit that still has the bug.
    Fix,
}

/// What the caller asks for, and what a build and a run cost here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The probability at which a culprit counts as proven; between 0.5 and 1.
    pub confidence: f64,
    /// Minutes to build one commit.
    pub build_minutes: f64,
    /// Minutes for one run.
    pub run_minutes: f64,
    /// Machines that can build and run side by side.
    pub machines: usize,
    /// What is looked for.
    pub direction: Direction,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            confidence: 0.99,
            build_minutes: 7.0,
            run_minutes: 1.0,
            machines: 1,
            direction: Direction::Cause,
        }
    }
}

/// How a bisection ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// One commit brought the bug: it showed the crash, and its parents did not. In a search for a
    /// fix it is the other way round.
    Culprit {
        /// The commit.
        commit: usize,
        /// Probability that it is the culprit.
        confidence: f64,
    },
    /// One of these commits, likeliest first: what lies between cannot be tested, or no run can tell
    /// them apart.
    CredibleSet {
        /// The commits.
        commits: Vec<usize>,
        /// Probability that the culprit is among them.
        confidence: f64,
    },
    /// The bug was there before the range began; in a search for a fix, it is still there at its end.
    OlderThanRange {
        /// Probability of that.
        confidence: f64,
    },
    /// The reproducer loses its power along the range, so that a culprit cannot be told from the point
    /// where it has none left.
    ReproducerFades {
        /// Probability that the crash does not show before that point.
        confidence: f64,
        /// About the oldest position at which the crash can be seen to show.
        before: usize,
    },
    /// The crash does not show even at the bad end.
    NotReproducible {
        /// Usable runs made at the bad end.
        runs: u32,
        /// Probability that it never will, or in less than 2 % of runs.
        confidence: f64,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Make these steps, side by side; never empty.
    Test(Vec<Step>),
    /// Nothing is left to do.
    Done(Conclusion),
}

/// A bisection: history, prior, and every run so far.
#[derive(Clone, Debug)]
pub struct Bisection {
    history: History,
    prior: Prior,
    settings: Settings,
    bad_end: usize,
    tallies: BTreeMap<usize, Tally>,
    /// Ancestors of every kernel tried, so that a belief need not walk the graph again.
    ancestors: BTreeMap<usize, CommitSet>,
}

/// The bad end must show the wanted crash so often before anything else is tested.
const CRASHES_AT_START: u32 = 2;
/// Share of the allowed error at which a culprit is named; the rest is kept for what the model of the
/// noise does not know.
const MARGIN: f64 = 0.85;
/// A commit on which the crash shows less than this part as often as at the bad end is not named: the
/// reproducer may be losing its power there.
const FULL_POWER: f64 = 0.4;
/// Runs of one step at the bad end.
const RUNS_AT_START: u32 = 20;

impl Bisection {
    /// A bisection before its first run. `bad_end` is the commit on which the crash was seen: the
    /// newest one or, in a search for a fix, an oldest one.
    pub fn new(history: History, mut prior: Prior, bad_end: usize, settings: Settings) -> Self {
        prior.normalise();
        Self {
            history,
            prior,
            settings,
            bad_end,
            tallies: BTreeMap::new(),
            ancestors: BTreeMap::new(),
        }
    }

    /// Notes the outcome of one run.
    pub fn record(&mut self, commit: usize, outcome: RunOutcome) {
        self.tally_of(commit).add(outcome);
    }

    /// Notes a run that ended in another crash which the failing end shows, too: since it did not hide
    /// the wanted one there, it is a run in which that did not show.
    pub fn record_known_crash(&mut self, commit: usize) {
        let tally = self.tally_of(commit);
        tally.known_crash = tally.known_crash.saturating_add(1);
    }

    fn tally_of(&mut self, commit: usize) -> &mut Tally {
        let kernel = self.prior.kernel(commit);
        self.ancestors.entry(kernel).or_insert_with(|| self.history.ancestors(kernel));
        self.tallies.entry(kernel).or_default()
    }

    /// The history.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The prior.
    pub fn prior(&self) -> &Prior {
        &self.prior
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every kernel tried and what its runs ended with, in ascending order.
    pub fn tallies(&self) -> Vec<(usize, Tally)> {
        self.tallies.iter().map(|(commit, tally)| (*commit, *tally)).collect()
    }

    /// What follows from the runs so far.
    pub fn belief(&self) -> Belief {
        Belief::new(
            &self.history,
            &self.prior,
            self.settings.direction,
            &self.tallies(),
            |commit| {
                let known = self.ancestors.get(&commit);
                known.cloned().unwrap_or_else(|| self.history.ancestors(commit))
            },
        )
    }

    fn tally(&self, commit: usize) -> Tally {
        self.tallies.get(&self.prior.kernel(commit)).copied().unwrap_or_default()
    }

    /// What to do next, given the belief after the runs so far.
    pub fn next(&self, belief: &Belief) -> Next {
        let tallies = self.tallies();
        let view = View::new(&self.history, &self.prior, belief, &tallies, &self.settings);
        let end = self.prior.kernel(self.bad_end);
        let start = self.tally(end);
        if start.wanted < CRASHES_AT_START {
            let rare: f64 =
                belief.detection().iter().take_while(|(level, _)| *level < 0.03).map(|x| x.1).sum();
            if start.usable() >= 3 * RUNS_AT_START && rare > 0.5
                || belief.not_reproducible() > self.settings.confidence
                || view.is_untestable(end)
            {
                return Next::Done(Conclusion::NotReproducible {
                    runs: start.usable(),
                    confidence: rare,
                });
            }
            return Next::Test(vec![self.at_failing_end(belief)]);
        }
        let confidence = self.settings.confidence;
        let (top, mass) = belief.top();
        if 1.0 - mass <= MARGIN * (1.0 - confidence) {
            if let Some(step) = self.proof(&view, top) {
                return Next::Test(vec![step]);
            }
            if !self.is_shown(top) {
                return Next::Done(self.credible_set(belief));
            }
            if belief.power_at(top) < FULL_POWER {
                return Next::Done(Conclusion::ReproducerFades { confidence: mass, before: top });
            }
            return Next::Done(Conclusion::Culprit { commit: top, confidence: mass });
        }
        if belief.older() >= confidence {
            return Next::Done(Conclusion::OlderThanRange { confidence: belief.older() });
        }
        let (hidden, position) = belief.hidden();
        if hidden >= confidence {
            return Next::Done(Conclusion::ReproducerFades {
                confidence: hidden,
                before: position as usize,
            });
        }
        let steps = view.steps();
        if steps.is_empty() {
            return Next::Done(self.credible_set(belief));
        }
        Next::Test(steps)
    }

    /// Runs of the failing end, up to the first wanted crash.
    pub fn at_failing_end(&self, belief: &Belief) -> Step {
        let tallies = self.tallies();
        let view = View::new(&self.history, &self.prior, belief, &tallies, &self.settings);
        self.fixed(&view, self.prior.kernel(self.bad_end), RUNS_AT_START)
    }

    fn fixed(&self, view: &View<'_>, commit: usize, runs: u32) -> Step {
        let build =
            if self.tallies.contains_key(&commit) { 0.0 } else { self.settings.build_minutes };
        Step {
            commit,
            runs,
            give_up: view.give_up(commit),
            bits: 0.0,
            minutes: build + f64::from(runs) * self.settings.run_minutes,
        }
    }

    /// Whether the commit, or for a fix a parent of it, has shown the crash. What has not is not named,
    /// whatever the rest says.
    fn is_shown(&self, commit: usize) -> bool {
        match self.settings.direction {
            Direction::Cause => self.tally(commit).wanted > 0,
            Direction::Fix => {
                let parents = self.history.parents(commit);
                parents.iter().any(|&parent| self.tally(parent as usize).wanted > 0)
            }
        }
    }

    /// What is still to be run before `commit` may be named: it must have shown the crash itself, and
    /// each parent must have been run, unless it cannot be.
    fn proof(&self, view: &View<'_>, commit: usize) -> Option<Step> {
        let own = self.prior.kernel(commit);
        if self.settings.direction == Direction::Fix {
            return self.proof_of_fix(view, commit);
        }
        if self.tally(own).wanted == 0 && !view.is_untestable(own) && self.tally(own).usable() < 200
        {
            return Some(self.fixed(view, own, RUNS_AT_START));
        }
        self.history
            .parents(commit)
            .iter()
            .map(|&parent| self.prior.kernel(parent as usize))
            .find(|&parent| self.tally(parent).usable() == 0 && !view.is_untestable(parent))
            .map(|parent| self.fixed(view, parent, 3))
    }

    /// A fix must have been run itself, and its parents must have shown the crash.
    fn proof_of_fix(&self, view: &View<'_>, commit: usize) -> Option<Step> {
        let own = self.prior.kernel(commit);
        if self.tally(own).usable() == 0 && !view.is_untestable(own) {
            return Some(self.fixed(view, own, 3));
        }
        self.history
            .parents(commit)
            .iter()
            .map(|&parent| self.prior.kernel(parent as usize))
            .find(|&parent| {
                let tally = self.tally(parent);
                tally.wanted == 0 && tally.usable() < 200 && !view.is_untestable(parent)
            })
            .map(|parent| self.fixed(view, parent, RUNS_AT_START))
    }

    /// The smallest set of commits that holds the asked confidence, as the runs stand.
    pub fn credible_set(&self, belief: &Belief) -> Conclusion {
        let mut order: Vec<usize> =
            (0..self.history.len()).filter(|&commit| belief.culprit()[commit] > 0.0).collect();
        order.sort_by(|a, b| belief.culprit()[*b].total_cmp(&belief.culprit()[*a]));
        let mut sum = 0.0;
        let mut commits = Vec::new();
        for commit in order {
            sum += belief.culprit()[commit];
            commits.push(commit);
            if sum >= self.settings.confidence {
                break;
            }
        }
        Conclusion::CredibleSet { commits, confidence: sum }
    }
}
