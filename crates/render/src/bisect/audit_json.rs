//! What `ktriage bisect audit --json` prints: one [`Log`] a line.

use analysis_bisect_audit::{Audit, Place, Reason, Tested, Wanted};
use model::LineSpan;
use schemars::JsonSchema;
use serde::Serialize;

use super::finding::{error, finding, purpose};

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// Stretches with less belief than this are left out.
const SHOWN_BELIEF: f64 = 0.001;

/// The audit of one log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Log<'a> {
    format: u32,
    file: &'a str,
    wanted: Vec<&'a str>,
    reported_commit: Option<&'a str>,
    reported_subject: Option<&'a str>,
    verdict: &'static str,
    probability: Option<f64>,
    misled_at: Option<Misled<'a>>,
    reasons: Vec<Statement>,
    bugs: Vec<Bug<'a>>,
    background: Vec<Background<'a>>,
    next: Vec<Next<'a>>,
    tests: Vec<Test<'a>>,
    totals: Option<Totals>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Lines {
    first: u64,
    last: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statement {
    statement: String,
    grade: &'static str,
    rule: &'static str,
    lines: Vec<Lines>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Misled<'a> {
    commit: &'a str,
    release: Option<&'a str>,
    line: u64,
    statement: String,
    grade: &'static str,
    lines: Vec<Lines>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Bug<'a> {
    titles: &'a [String],
    hits: u32,
    runs: u32,
    claims: Vec<Statement>,
    belief: Vec<Belief<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Belief<'a> {
    probability: f64,
    /// The tested commit, or the named ones, whose history holds the stretch.
    r#in: Vec<&'a str>,
    not_in: Vec<&'a str>,
    commits: f64,
    commits_estimated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Background<'a> {
    title: &'a str,
    hits: u32,
    runs: u32,
    rate_low: f64,
    rate_high: f64,
    on_good: &'a [String],
    before_the_test: &'a [String],
    on_bad: &'a [String],
    lines: Vec<Lines>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Next<'a> {
    commit: Option<&'a str>,
    revision: &'a str,
    runs: u32,
    minutes: f64,
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Test<'a> {
    commit: &'a str,
    release: Option<&'a str>,
    subject: Option<&'a str>,
    lines: Lines,
    signature: Option<&'a str>,
    verdict: Option<&'static str>,
    clean: u32,
    crashes: &'a std::collections::BTreeMap<String, u32>,
    unbootable: u32,
    infrastructure_errors: u32,
    built: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Totals {
    revisions: u64,
    seconds: f64,
    build_seconds: f64,
    test_seconds: f64,
    line: u64,
}

/// The printed shape of an audit.
pub fn log<'a>(file: &'a str, audit: &'a Audit) -> Log<'a> {
    Log {
        format: FORMAT,
        file,
        wanted: audit.wanted.iter().flat_map(|w| &w.cluster.titles).map(String::as_str).collect(),
        reported_commit: audit.named.as_ref().map(model::CommitId::as_str),
        reported_subject: audit.subject.as_deref(),
        verdict: audit.judgement.name(),
        probability: audit.probability,
        misled_at: audit.misled.as_ref().map(|misled| Misled {
            commit: audit.tests[misled.test].commit.as_str(),
            release: audit.tests[misled.test].release.as_deref(),
            line: misled.line,
            statement: error(&misled.error),
            grade: misled.grade.name(),
            lines: spans(&misled.lines),
        }),
        reasons: audit.reasons.iter().map(statement).collect(),
        bugs: audit.wanted.iter().map(|wanted| bug(wanted, audit)).collect(),
        background: audit.background.iter().map(background).collect(),
        next: audit.next.iter().map(next).collect(),
        tests: audit.tests.iter().map(test).collect(),
        totals: audit.totals.as_ref().map(|totals| Totals {
            revisions: totals.revisions,
            seconds: totals.total_seconds,
            build_seconds: totals.build_seconds,
            test_seconds: totals.test_seconds,
            line: totals.line,
        }),
    }
}

fn span(span: LineSpan) -> Lines {
    Lines { first: span.first, last: span.last }
}

fn spans(lines: &[LineSpan]) -> Vec<Lines> {
    lines.iter().copied().map(span).collect()
}

fn statement(reason: &Reason) -> Statement {
    Statement {
        statement: finding(&reason.finding),
        grade: reason.grade.name(),
        rule: reason.rule.rule().name,
        lines: spans(&reason.lines),
    }
}

fn bug<'a>(wanted: &'a Wanted, audit: &'a Audit) -> Bug<'a> {
    let mut belief: Vec<_> = wanted
        .belief
        .iter()
        .filter(|belief| belief.probability >= SHOWN_BELIEF)
        .map(|belief| {
            let region = &audit.regions[belief.region];
            let (within, without) = match &region.place {
                Place::Between { old, new } => {
                    (vec![new.as_str()], old.iter().map(String::as_str).collect())
                }
                Place::OlderThan { name } => (vec![name.as_str()], Vec::new()),
                Place::Named { ids } => {
                    (ids.iter().map(model::CommitId::as_str).collect(), Vec::new())
                }
            };
            Belief {
                probability: belief.probability,
                r#in: within,
                not_in: without,
                commits: region.size,
                commits_estimated: region.estimated,
            }
        })
        .collect();
    belief.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Bug {
        titles: &wanted.cluster.titles,
        hits: wanted.cluster.hits,
        runs: wanted.cluster.runs,
        claims: wanted.reasons.iter().map(statement).collect(),
        belief,
    }
}

fn background(background: &analysis_bisect_audit::Background) -> Background<'_> {
    Background {
        title: &background.title,
        hits: background.hits,
        runs: background.runs,
        rate_low: background.rate.0,
        rate_high: background.rate.1,
        on_good: &background.on_good,
        before_the_test: &background.before_the_test,
        on_bad: &background.on_bad,
        lines: spans(&background.lines),
    }
}

fn next(next: &analysis_bisect_audit::Next) -> Next<'_> {
    Next {
        commit: next.commit.as_ref().map(model::CommitId::as_str),
        revision: &next.revision,
        runs: next.runs,
        minutes: next.minutes,
        reason: purpose(&next.purpose),
    }
}

fn test(test: &Tested) -> Test<'_> {
    Test {
        commit: test.commit.as_str(),
        release: test.release.as_deref(),
        subject: test.subject.as_deref(),
        lines: span(test.span),
        signature: test.signature.as_ref().map(|(signature, _)| signature.as_str()),
        verdict: test.taken.map(parse_bisect_log::Verdict::name),
        clean: test.tally.clean,
        crashes: &test.tally.crashes,
        unbootable: test.tally.unbootable.values().sum(),
        infrastructure_errors: test.tally.lab,
        built: !test.unbuildable,
    }
}

#[cfg(test)]
mod tests {
    /// The shape others read; a change that is not an addition needs a new format number.
    #[test]
    fn the_printed_shape_has_its_fields() {
        let commit = "a".repeat(40);
        let log = parse_bisect_log::read(
            format!(
                "bisecting cause commit starting from {commit}\ntesting commit {commit}\n\
                 run #0: crashed: WARNING in f\nfirst bad commit: {commit} net: x\n"
            )
            .as_bytes(),
        );
        let audit = analysis_bisect_audit::audit(&log, None);
        let value = serde_json::to_value(super::log("x", &audit)).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["file"], "x");
        assert_eq!(value["reported_commit"], commit);
        assert_eq!(value["wanted"][0], "WARNING in f");
        assert_eq!(value["tests"][0]["lines"]["first"], 2);
        for field in ["verdict", "misled_at", "reasons", "next", "bugs", "background", "totals"] {
            assert!(value.get(field).is_some(), "{field}");
        }
        for field in ["statement", "grade", "lines"] {
            assert!(value["reasons"][0].get(field).is_some(), "{field}");
        }
    }
}
