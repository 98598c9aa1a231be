//! Candidates with probabilities, reasons and the releases that hold them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use analysis_tree::answer::{Answer, Earlier, Ranked, Searched};
use analysis_tree::evidence::Evidence;
use analysis_tree::features::{Asked, Candidate};
use analysis_tree::ranking::{Weights, probabilities};
use analysis_tree::reason::reasons;
use analysis_tree::term::{Sort, Term, plain_title};
use analysis_tree::weights;
use io_git::Repository;

use crate::{Bounds, Error, Found, Index, Question, Source};

/// Reports of the same crash that are named.
const MOST_EARLIER: u32 = 20;
/// A patch counts as a fix of the crash, for what it says it mends, from this probability on.
const LEAST_FIX: f64 = 0.05;

impl Index {
    /// Answers a question about a crash within bounds; for suspects nothing from the date of the crash on is used where
    /// that is known.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn ask(
        &self,
        evidence: &Evidence,
        question: Question,
        bounds: Bounds<'_>,
    ) -> Result<Answer, Error> {
        let mut found = self.find(evidence, question, bounds)?;
        let until = found.until;
        let mut fixes = HashMap::new();
        if question == Question::Suspects {
            fixes = self.name_by_fixes(&mut found, evidence, &weights::fixed(), bounds)?;
        }
        let table = match question {
            Question::Fixed => weights::fixed(),
            Question::Suspects => weights::suspects(),
        };
        Ok(Answer {
            candidates: ranked(&found, evidence, question, &table, &fixes),
            reports: self.reports(evidence, until)?,
            searched: searched(&found.sources),
            query: found.query,
            until,
            range: None,
        })
    }

    /// Marks the candidates that likely fixes of the crash name in `Fixes:`, adding those that the search did not
    /// give. Returns the fix that names each, by plain title.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn name_by_fixes(
        &self,
        found: &mut Found,
        evidence: &Evidence,
        weights: &Weights,
        bounds: Bounds<'_>,
    ) -> Result<HashMap<String, String>, Error> {
        let until = found.until;
        let sources = found.sources.clone();
        let fixes = self.find_in(sources, evidence, Question::Fixed, Bounds::until(until))?;
        let likely = ranked(&fixes, evidence, Question::Fixed, weights, &HashMap::new());
        let mut named = HashMap::new();
        for fix in likely.iter().filter(|fix| fix.probability >= LEAST_FIX) {
            for fixed in fix.versions.iter().flat_map(|version| &version.fixes) {
                let title = plain_title(&fixed.title);
                if title.is_empty() || named.contains_key(&title) {
                    continue;
                }
                if let Some(candidate) =
                    found.candidates.iter_mut().find(|c| plain_title(&c.versions[0].title) == title)
                {
                    candidate.named_by_fix = fix.probability;
                } else {
                    let mut versions =
                        self.with(&Term::new(Sort::Title, title.clone()), until, 8)?;
                    versions.retain(|version| bounds.holds(version));
                    if versions.is_empty() {
                        continue;
                    }
                    let rank = found.candidates.len();
                    let named_by_fix = fix.probability;
                    found.candidates.push(Candidate { versions, score: 0.0, rank, named_by_fix });
                }
                named.insert(title, fix.versions[0].title.clone());
            }
        }
        Ok(named)
    }

    fn reports(&self, evidence: &Evidence, until: Option<i64>) -> Result<Vec<Earlier>, Error> {
        let mut found: Vec<Earlier> = Vec::new();
        for title in &evidence.titles {
            let term = Term::new(Sort::ReportTitle, plain_title(title));
            for report in self.with(&term, until, MOST_EARLIER)? {
                let is_new =
                    report.message_id.as_ref().is_none_or(|id| !evidence.mails.contains(id))
                        && found.iter().all(|known| known.report.message_id != report.message_id);
                if is_new {
                    found.push(Earlier { report, title: title.clone() });
                }
            }
        }
        found.sort_by_key(|earlier| std::cmp::Reverse(earlier.report.date));
        found.truncate(usize::try_from(MOST_EARLIER).unwrap_or(0));
        Ok(found)
    }
}

fn searched(sources: &[Source]) -> Vec<Searched> {
    let all = sources.iter();
    all.map(|s| Searched { name: s.name.clone(), changes: s.changes, newest: s.newest }).collect()
}

/// Candidates with probabilities, the most likely first; of fixes those that name the same bug stand first.
pub(crate) fn ranked(
    found: &Found,
    evidence: &Evidence,
    question: Question,
    weights: &Weights,
    fixes: &HashMap<String, String>,
) -> Vec<Ranked> {
    let asked = Asked::new(evidence, &found.rarity);
    let rows: Vec<_> = found.candidates.iter().map(|c| asked.row(c)).collect();
    let likely = probabilities(&rows, weights);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        let names_bug = |at: &usize| if question == Question::Fixed { rows[*at][0] } else { 0.0 };
        let key = |at: &usize| (names_bug(at), likely[*at]);
        let ((x_id, x), (y_id, y)) = (key(a), key(b));
        y_id.total_cmp(&x_id).then(y.total_cmp(&x))
    });
    order
        .into_iter()
        .take(MOST_RANKED)
        .map(|at| {
            let candidate = &found.candidates[at];
            let fix = fixes.get(&plain_title(&candidate.versions[0].title)).map(String::as_str);
            Ranked {
                versions: candidate.versions.clone(),
                probability: match question {
                    Question::Fixed => likely[at],
                    Question::Suspects => likely[at].min(candidate.named_by_fix.max(MOST_SAID)),
                },
                reasons: reasons(&asked, evidence, candidate, fix),
                ..Ranked::default()
            }
        })
        .collect()
}

/// More is not said of a suspect: of 35 that had between .2 and .5 by the weights, 4 were right. One that a fix names
/// is at most as likely as the fix is the right one.
pub const MOST_SAID: f64 = 0.2;

/// Candidates of an answer.
const MOST_RANKED: usize = 50;

/// Candidates of which a tree is asked.
const MOST_PLACED: usize = 5;

/// The whole name of a commit of which the first digits are known, where a tree holds it.
pub fn whole_name(directory: &std::path::Path, digits: &str) -> Option<String> {
    let id = Repository::open(directory).ok()?.resolve(digits).ok()?.to_string();
    id.starts_with(digits).then_some(id)
}

/// A tree that is asked for tags; what it said of a commit it is not asked again.
#[derive(Debug)]
pub struct Tree {
    repository: Repository,
    tags: HashMap<(String, Option<i64>), Vec<String>>,
}

impl Tree {
    /// The tree in a folder.
    ///
    /// # Errors
    /// When `directory` is in no repository.
    pub fn open(directory: &std::path::Path) -> Result<Self, Error> {
        Ok(Self { repository: Repository::open(directory)?, tags: HashMap::new() })
    }

    /// The commits of `HEAD` that none of `good` holds.
    ///
    /// # Errors
    /// When one of them is no commit here, or `git` fails.
    pub fn since(&self, good: &[String]) -> Result<HashSet<String>, Error> {
        let mut ends = Vec::new();
        for revision in good {
            ends.push(self.repository.resolve(revision)?);
        }
        let head = self.repository.resolve("HEAD")?;
        Ok(self.repository.names_of_range(&ends, &head)?)
    }

    /// The tags whose history holds a commit, made before `until`.
    fn tags(&mut self, commit: &str, until: Option<i64>) -> Result<&[String], Error> {
        Ok(match self.tags.entry((commit.to_owned(), until)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(asked) => asked.insert(self.repository.tags_with(commit, until)?),
        })
    }

    /// Asks in which tags the first candidates are, and since which the bugs are there that they mend.
    ///
    /// # Errors
    /// When `git` fails.
    pub fn place(&mut self, answer: &mut Answer) -> Result<(), Error> {
        let until = answer.until;
        for candidate in answer.candidates.iter_mut().take(MOST_PLACED) {
            for commit in candidate.versions.iter().filter_map(|version| version.commit.clone()) {
                if candidate.releases.iter().any(|(known, _)| *known == commit) {
                    continue;
                }
                // A commit of another tree of the index is in no tag of this one.
                if let Ok(tags) = self.tags(&commit, until) {
                    candidate.releases.push((commit, tags.to_vec()));
                }
            }
            for fixed in candidate.versions.iter().flat_map(|version| &version.fixes) {
                if candidate.since.iter().any(|(known, _)| *known == fixed.commit) {
                    continue;
                }
                let Ok(id) = self.repository.resolve(&fixed.commit) else { continue };
                if let Some(first) = self.tags(id.as_str(), until)?.first() {
                    candidate.since.push((fixed.commit.clone(), first.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Tree;
    use analysis_tree::answer::{Answer, Ranked};
    use model::change::{Change, FixedCommit};

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that skips says so")]
    fn a_tree_is_asked_once_for_the_tags_of_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(["-c", "user.name=Ann", "-c", "user.email=ann@x.example"])
                .args(arguments)
                .output()
                .is_ok_and(|out| out.status.success())
        };
        if !git(&["init", "-q", "."]) {
            println!("skipped: no git command");
            return;
        }
        assert!(git(&["commit", "-q", "--allow-empty", "-m", "pump: run"]));
        assert!(git(&["tag", "v1.0"]));
        let mut tree = Tree::open(folder.path()).unwrap();
        let id = tree.repository.resolve("HEAD").unwrap().to_string();
        let fixed = FixedCommit { commit: id[..12].to_owned(), title: "pump: run".into() };
        let change = Change {
            commit: Some(id.clone()),
            fixes: vec![fixed.clone(), fixed],
            ..Change::default()
        };
        let ranked = Ranked { versions: vec![change.clone(), change], ..Ranked::default() };
        let mut answer = Answer { candidates: vec![ranked.clone(), ranked], ..Answer::default() };
        let placed = |answer: &Answer| {
            answer.candidates.iter().all(|one| {
                one.releases == [(id.clone(), vec!["v1.0".to_owned()])]
                    && one.since == [(id[..12].to_owned(), "v1.0".to_owned())]
            })
        };
        tree.place(&mut answer).unwrap();
        assert!(placed(&answer), "{answer:?}");
        // A second log is answered from what is known: a tag that is taken away meanwhile does not show.
        assert!(git(&["tag", "-d", "v1.0"]));
        for candidate in &mut answer.candidates {
            (candidate.releases, candidate.since) = (Vec::new(), Vec::new());
        }
        tree.place(&mut answer).unwrap();
        assert!(placed(&answer), "{answer:?}");
    }
}
