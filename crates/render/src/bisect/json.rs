//! What `bisect show --json` and `bisect plan --json` print.

use analysis_bisect::search::outcome;
use analysis_bisect::simulate::PlanCost;
use analysis_bisect::{
    Answer, Conclusion, Direction, Origin, Revert as Judgement, Reverted, Search, Wanted,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::page::steps;
use super::text::{grade, kind};

/// One bisection.
#[derive(Serialize, JsonSchema)]
pub struct Bisection {
    format: u32,
    bisection: i64,
    repository: String,
    /// `cause` or `fix`.
    direction: &'static str,
    good: Vec<String>,
    bad: String,
    test: String,
    build: Option<String>,
    lab: Option<Lab>,
    wanted: Vec<String>,
    /// Failures that the failing end shows, too, taken for other bugs.
    other_crashes: Vec<OtherCrash>,
    conclusion: Answered,
    older_than_range: f64,
    detection_rate: f64,
    noise: Noise,
    cost: Cost,
    tested: Vec<Tested>,
    steps: Vec<StepDone>,
    attempts: Vec<AttemptMade>,
}

/// How kernels are built, booted and tested.
#[derive(Serialize, JsonSchema)]
struct Lab {
    reproducer: String,
    arguments: Vec<String>,
    fragments: Vec<String>,
    configs: Vec<String>,
    memory_mib: u32,
    cpus: u32,
    append: String,
}

#[derive(Serialize, JsonSchema)]
struct OtherCrash {
    title: String,
    runs: u32,
}

#[derive(Serialize, JsonSchema)]
struct Answered {
    /// `culprit`, `culprit_not_alone`, `compiler_or_configuration`, `renamed`, `credible_set`,
    /// `older_than_range`, `reproducer_fades`, `not_reproducible`, or `running`.
    kind: &'static str,
    grade: &'static str,
    confidence: f64,
    commits: Vec<Candidate>,
    /// The last proof: the culprit reverted on the bad commit.
    revert: Revert,
    /// Where the step of history comes from.
    origin: From,
    /// Another failure that looks like the wanted one under another name: the step of history is
    /// perhaps only one of names.
    renamed: Option<Renamed>,
}

#[derive(Serialize, JsonSchema)]
struct Renamed {
    title: String,
    /// Next to the step, on the side without the wanted failure.
    without: Share,
    /// On the side with the wanted failure, in runs that did not show that.
    with: Share,
}

#[derive(Serialize, JsonSchema)]
struct Share {
    showed: u32,
    runs: u32,
}

#[derive(Serialize, JsonSchema)]
struct Revert {
    /// `not_asked`, `not_clean`, `open`, `gone`, `still_fails` or `untestable`.
    result: &'static str,
    commit: Option<String>,
    wanted: u32,
    runs: u32,
}

#[derive(Serialize, JsonSchema)]
struct From {
    /// `code`, `configuration` or `build`.
    kind: &'static str,
    /// What the parent was built with, where that differs.
    before: Vec<String>,
    /// What the commit was built with.
    after: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Candidate {
    commit: String,
    probability: f64,
}

#[derive(Serialize, JsonSchema)]
struct Noise {
    unrelated: f64,
    boot_failed: f64,
    untestable: f64,
}

#[derive(Serialize, JsonSchema)]
struct Cost {
    builds: u64,
    runs: u64,
    minutes: f64,
}

#[derive(Serialize, JsonSchema)]
struct Tested {
    commit: String,
    wanted: u32,
    other: u32,
    clean: u32,
    boot_failed: u32,
    skipped: u32,
    build_failed: u32,
    infrastructure_errors: u32,
    has_bug: f64,
}

#[derive(Serialize, JsonSchema)]
struct StepDone {
    attempts: usize,
    top: String,
    probability: f64,
    older_than_range: f64,
}

#[derive(Serialize, JsonSchema)]
struct AttemptMade {
    commit: String,
    event: &'static str,
    outcome: Option<&'static str>,
    title: Option<String>,
    also: Vec<String>,
    signature: Option<String>,
    seconds: f64,
}

/// Commits of a credible set that are printed.
const MOST: usize = 1000;

/// The bisection as it stands.
pub fn bisection(search: &Search, answer: &Answer) -> Bisection {
    let request = &search.stored.request;
    let (confidence, commits) = match &answer.conclusion {
        Conclusion::Culprit { commit, confidence } => (*confidence, vec![*commit]),
        Conclusion::CredibleSet { commits, confidence } => (*confidence, commits.clone()),
        Conclusion::OlderThanRange { confidence }
        | Conclusion::ReproducerFades { confidence, .. }
        | Conclusion::NotReproducible { confidence, .. } => (*confidence, Vec::new()),
    };
    let whole = search.bisection(usize::MAX);
    let bad = answer.belief.bad(whole.history());
    let rates = answer.belief.rates();
    let wanted: Wanted = search.wanted();
    let spent = search.spent();
    let name = |at: usize| search.commits[at].to_string();
    Bisection {
        format: 1,
        bisection: search.stored.id,
        repository: request.repository.display().to_string(),
        direction: match search.direction() {
            Direction::Cause => "cause",
            Direction::Fix => "fix",
        },
        good: request.good.clone(),
        bad: request.bad.clone(),
        test: request.test.clone(),
        build: request.build.clone(),
        lab: request.lab.as_ref().map(|lab| Lab {
            reproducer: lab.reproducer.display().to_string(),
            arguments: lab.arguments.clone(),
            fragments: lab.fragments.clone(),
            configs: lab.configs.clone(),
            memory_mib: lab.memory,
            cpus: lab.cpus,
            append: lab.append.clone(),
        }),
        wanted: wanted.titles(),
        other_crashes: search
            .known_crashes(&wanted)
            .into_iter()
            .map(|(title, runs)| OtherCrash { title, runs })
            .collect(),
        conclusion: Answered {
            kind: kind(answer),
            grade: grade(answer).name(),
            confidence,
            commits: commits
                .into_iter()
                .take(MOST)
                .map(|at| Candidate { commit: name(at), probability: answer.belief.culprit()[at] })
                .collect(),
            revert: reverted(answer),
            origin: origin(answer),
            renamed: answer.renamed.as_ref().map(|renamed| Renamed {
                title: renamed.title.clone(),
                without: share(renamed.without),
                with: share(renamed.with),
            }),
        },
        older_than_range: answer.belief.older(),
        detection_rate: answer.belief.detection_mean(),
        noise: Noise {
            unrelated: rates.unrelated,
            boot_failed: rates.boot_failed,
            untestable: rates.untestable,
        },
        cost: Cost { builds: spent.builds, runs: spent.runs, minutes: spent.minutes },
        tested: whole
            .tallies()
            .into_iter()
            .map(|(at, tally)| Tested {
                commit: name(at),
                wanted: tally.wanted,
                other: tally.other + tally.known_crash,
                clean: tally.clean,
                boot_failed: tally.boot_failed,
                skipped: tally.skipped,
                build_failed: tally.build_failed,
                infrastructure_errors: tally.infrastructure_errors,
                has_bug: bad[at],
            })
            .collect(),
        steps: steps(search)
            .into_iter()
            .map(|attempts| {
                let belief = search.bisection(attempts).belief();
                let (top, probability) = belief.top();
                StepDone { attempts, top: name(top), probability, older_than_range: belief.older() }
            })
            .collect(),
        attempts: search
            .attempts
            .iter()
            .map(|attempt| AttemptMade {
                commit: attempt.commit.clone(),
                event: attempt.event.name(),
                outcome: outcome(attempt, &wanted).map(model::RunOutcome::name),
                title: attempt.title.clone(),
                also: attempt.also.clone(),
                signature: attempt.signature.clone(),
                seconds: attempt.seconds,
            })
            .collect(),
    }
}

fn share(share: analysis_bisect::Share) -> Share {
    Share { showed: share.showed, runs: share.runs }
}

fn reverted(answer: &Answer) -> Revert {
    let made = answer.reverted.made();
    Revert {
        result: result(&answer.reverted),
        commit: made.map(|(commit, _)| commit.to_string()),
        wanted: made.map_or(0, |(_, tally)| tally.wanted),
        runs: made.map_or(0, |(_, tally)| tally.usable()),
    }
}

fn result(reverted: &Reverted) -> &'static str {
    match reverted {
        Reverted::NotAsked => "not_asked",
        Reverted::NotClean => "not_clean",
        Reverted::Made { judgement, .. } => match judgement {
            Judgement::Open { .. } => "open",
            Judgement::Gone { .. } => "gone",
            Judgement::Still => "still_fails",
            Judgement::Untestable => "untestable",
        },
    }
}

fn origin(answer: &Answer) -> From {
    let (kind, before, after) = match &answer.origin {
        Origin::Code => ("code", Vec::new(), Vec::new()),
        Origin::Configuration => ("configuration", Vec::new(), Vec::new()),
        Origin::Build { before, after } => {
            ("build", before.iter().cloned().collect(), after.iter().cloned().collect())
        }
    };
    From { kind, before, after }
}

/// What bugs of one detection rate cost.
#[derive(Serialize, JsonSchema)]
pub struct Plan {
    format: u32,
    commits: usize,
    rate: f64,
    trials: u16,
    proven: u16,
    builds: f64,
    runs: f64,
    minutes: f64,
    minutes_in_nine_of_ten: f64,
}

impl Plan {
    /// The cost of bugs that show in `rate` of the runs, in a range of `commits`.
    pub fn new(commits: usize, rate: f64, trials: u16, cost: &PlanCost) -> Self {
        Self {
            format: 1,
            commits,
            rate,
            trials,
            proven: cost.proven,
            builds: cost.builds,
            runs: cost.runs,
            minutes: cost.minutes,
            minutes_in_nine_of_ten: cost.minutes_in_nine_of_ten,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_prints_as_documented() {
        let text = serde_json::to_string(&Plan::new(100, 0.5, 12, &PlanCost::default())).unwrap();
        assert_eq!(
            text,
            r#"{"format":1,"commits":100,"rate":0.5,"trials":12,"proven":0,"builds":0.0,"runs":0.0,"minutes":0.0,"minutes_in_nine_of_ten":0.0}"#
        );
    }
}
