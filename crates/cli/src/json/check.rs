//! What `ktriage check --json` prints: one [`Analysis`] on one line.

use analysis_claims::report::{GraphEdge, TaskFinding};
use analysis_claims::verify::{Judgement, Log};
use analysis_claims::{Cited, JudgedClaim, Report, Source};
use model::{Assertion, Claim, LineSpan, Predicate};
use schemars::JsonSchema;
use serde::Serialize;

/// Grows when a field changes its meaning or goes; new fields do not change it.
pub(crate) const FORMAT: u32 = 1;

/// The judgement of one analysis.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Analysis<'a> {
    format: u32,
    file: &'a str,
    log: Option<&'a str>,
    input: &'a str,
    kernel: Vec<Statement<'a>>,
    tasks: Vec<Task<'a>>,
    graph: Graph<'a>,
    verdict: Verdict<'a>,
    notes: Vec<Statement<'a>>,
    commits: Vec<Commit<'a>>,
    needed: &'a [String],
    claims: Vec<Judged<'a>>,
    form: Vec<Form<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statement<'a> {
    statement: &'a str,
    grade: &'static str,
    rule: Option<&'static str>,
    lines: Vec<[u64; 2]>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Task<'a> {
    task: &'a str,
    claims: Vec<Statement<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Graph<'a> {
    chains: &'a [String],
    edges: Vec<Edge<'a>>,
    cycle: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    waits_for: &'a str,
    lines: Vec<Citation>,
    rule: &'static str,
    grade: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Verdict<'a> {
    kind: &'static str,
    statement: &'a str,
    chain: &'static str,
    cause: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Commit<'a> {
    hash: &'a str,
    subject: Option<&'a str>,
    lines: &'a [u64],
}

#[derive(Debug, Serialize, JsonSchema)]
struct Judged<'a> {
    rule: &'static str,
    claim: &'a str,
    lines: Vec<[u64; 2]>,
    verdict: &'static str,
    reason: &'a str,
    evidence: Vec<Citation>,
    /// The word by which the author offers it as a possibility only, if there is one.
    hedge: Option<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Form<'a> {
    rule: &'static str,
    text: &'a str,
    lines: Vec<[u64; 2]>,
}

/// Lines of the analysis or of the log, both ends included.
#[derive(Debug, Serialize, JsonSchema)]
struct Citation {
    of: &'static str,
    lines: [u64; 2],
}

/// What `ktriage check --claims --json` prints: one object on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Claims<'a> {
    format: u32,
    /// The file of claims.
    file: &'a str,
    log: &'a str,
    claims: Vec<JudgedAssertion>,
}

/// One claim with its judgement.
#[derive(Debug, Serialize, JsonSchema)]
struct JudgedAssertion {
    /// What was claimed.
    claim: Predicate,
    judgement: Word,
    /// The lines of the log that show it or say otherwise, both ends included.
    lines: Vec<[u64; 2]>,
    /// The text of the first of these lines.
    quote: Option<String>,
    /// What the lines say instead.
    found: Option<Predicate>,
    /// What would show it.
    needed: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Supported,
    Contradicted,
    NotShown,
}

/// The printed shape of judged claims.
pub(crate) fn claims<'a>(
    file: &'a str,
    log_name: &'a str,
    log: &Log,
    judged: &[(Assertion, Judgement)],
) -> Claims<'a> {
    let one = |(claim, judgement): &(Assertion, Judgement)| {
        let (word, lines, found, needed) = match judgement {
            Judgement::Shown { lines } => (Word::Supported, lines.as_slice(), None, None),
            Judgement::Contradicted { lines, found } => {
                (Word::Contradicted, lines.as_slice(), Some(found.clone()), None)
            }
            Judgement::NotShown { need } => (Word::NotShown, &[][..], None, Some(need.name())),
        };
        let quote = lines.first().and_then(|span| log.text(span.first)).map(str::to_owned);
        JudgedAssertion {
            claim: claim.predicate.clone(),
            judgement: word,
            lines: lines.iter().map(span).collect(),
            quote,
            found,
            needed,
        }
    };
    Claims { format: FORMAT, file, log: log_name, claims: judged.iter().map(one).collect() }
}

fn span(span: &LineSpan) -> [u64; 2] {
    [span.first, span.last]
}

fn citation(cited: &Cited) -> Citation {
    let of = match cited.source {
        Source::Analysis => "analysis",
        Source::Log => "log",
    };
    Citation { of, lines: span(&cited.lines) }
}

fn statement(claim: &Claim) -> Statement<'_> {
    Statement {
        statement: &claim.statement,
        grade: claim.grade.name(),
        rule: claim.rules.first().map(|rule| rule.0),
        lines: claim.lines.iter().map(span).collect(),
    }
}

fn task(finding: &TaskFinding) -> Task<'_> {
    Task { task: &finding.task, claims: finding.claims.iter().map(statement).collect() }
}

fn edge(edge: &GraphEdge) -> Edge<'_> {
    Edge {
        from: &edge.from,
        to: &edge.to,
        waits_for: &edge.waits_for,
        lines: edge.lines.iter().map(citation).collect(),
        rule: edge.rule,
        grade: edge.grade.name(),
    }
}

fn judged(claim: &JudgedClaim) -> Judged<'_> {
    Judged {
        rule: claim.rule,
        claim: &claim.statement,
        lines: claim.lines.iter().map(span).collect(),
        verdict: claim.verdict.identifier(),
        reason: &claim.reason,
        evidence: claim.evidence.iter().map(citation).collect(),
        hedge: claim.hedge.as_deref(),
    }
}

/// The printed shape of a judgement.
pub(crate) fn analysis<'a>(
    file: &'a str,
    log: Option<&'a str>,
    report: &'a Report,
) -> Analysis<'a> {
    Analysis {
        format: FORMAT,
        file,
        log,
        input: &report.input,
        kernel: report.kernel.iter().map(statement).collect(),
        tasks: report.tasks.iter().map(task).collect(),
        graph: Graph {
            chains: &report.chains,
            edges: report.edges.iter().map(edge).collect(),
            cycle: report.cycle,
        },
        verdict: Verdict {
            kind: report.verdict.kind,
            statement: &report.verdict.statement,
            chain: report.verdict.chain,
            cause: &report.verdict.cause,
        },
        notes: report.notes.iter().map(statement).collect(),
        commits: report
            .commits
            .iter()
            .map(|c| Commit { hash: &c.hash, subject: c.subject.as_deref(), lines: &c.lines })
            .collect(),
        needed: &report.needed,
        claims: report.claims.iter().map(judged).collect(),
        form: report
            .form
            .iter()
            .map(|f| Form {
                rule: f.rule,
                text: &f.text,
                lines: f.lines.iter().map(span).collect(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_printed_shape_is_the_documented_one() {
        let report = analysis_claims::check(b"It is a deadlock.\n", None);
        let value = serde_json::to_value(super::analysis("a.md", None, &report)).unwrap();
        assert_eq!(value["format"], 1);
        assert_eq!(value["file"], "a.md");
        assert_eq!(value["log"], serde_json::Value::Null);
        assert_eq!(value["claims"][0]["verdict"], "unsupported");
        assert_eq!(value["claims"][0]["lines"], serde_json::json!([[1, 1]]));
        assert_eq!(value["graph"]["cycle"], false);
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "claims", "commits", "file", "form", "format", "graph", "input", "kernel", "log",
                "needed", "notes", "tasks", "verdict"
            ]
        );
    }
}
