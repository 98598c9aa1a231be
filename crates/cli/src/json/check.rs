//! What `ktriage check --json` prints: one [`Analysis`] or [`Claims`] on one line.

use analysis_claims::Report;
use analysis_claims::verify::{Judgement, Log};
use analysis_tree::told::{Says, Told};
use model::{Assertion, LineSpan, Predicate};
use schemars::JsonSchema;
use serde::Serialize;

/// Grows when a field changes its meaning or goes; new fields do not change it.
pub(crate) const FORMAT: u32 = 2;

/// The judgement of one written analysis.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Analysis<'a> {
    format: u32,
    file: &'a str,
    /// The log that it was judged by; without one, the lines that it quotes.
    log: Option<&'a str>,
    quotations: Option<Quotations<'a>>,
    /// Plain sentences of one fact.
    claims: Vec<Sentence<'a>>,
    form: Vec<Form<'a>>,
    /// What it claims of the source and its history, where there is a tree.
    source: Vec<JudgedSource>,
}

/// Quoted lines compared with the log.
#[derive(Debug, Serialize, JsonSchema)]
struct Quotations<'a> {
    compared: usize,
    /// Those that the log does not have.
    altered: Vec<Altered<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Altered<'a> {
    /// Line of the analysis.
    line: u64,
    quoted: &'a str,
    /// The line of the log that is most like it.
    log_line: Option<u64>,
    log_text: Option<&'a str>,
}

/// A sentence with what it claims.
#[derive(Debug, Serialize, JsonSchema)]
struct Sentence<'a> {
    /// Lines of the analysis, both ends included.
    at: [u64; 2],
    sentence: &'a str,
    #[serde(flatten)]
    judged: JudgedAssertion,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Form<'a> {
    rule: &'static str,
    text: &'a str,
    /// Lines of the analysis, both ends included.
    lines: Vec<[u64; 2]>,
}

/// The printed shape of a judgement.
pub(crate) fn analysis<'a>(
    file: &'a str,
    log: Option<&'a str>,
    report: &'a Report,
    told: &[Told],
) -> Analysis<'a> {
    let altered = report.altered.iter().map(|altered| Altered {
        line: altered.line,
        quoted: &altered.quoted,
        log_line: altered.log.as_ref().map(|(line, _)| *line),
        log_text: altered.log.as_ref().map(|(_, text)| text.as_str()),
    });
    let quotations = report
        .has_log
        .then(|| Quotations { compared: report.compared, altered: altered.collect() });
    let claims = report.claims.iter().map(|claim| Sentence {
        at: span(&claim.lines),
        sentence: &claim.text,
        judged: judged(&report.log, &claim.claim, &claim.judgement),
    });
    let form = report.form.iter().map(|finding| Form {
        rule: finding.rule,
        text: &finding.text,
        lines: finding.lines.iter().map(span).collect(),
    });
    Analysis {
        format: FORMAT,
        file,
        log,
        quotations,
        claims: claims.collect(),
        form: form.collect(),
        source: sources(told),
    }
}

/// What `ktriage check --claims --json` prints: one object on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Claims<'a> {
    format: u32,
    /// The file of claims.
    file: &'a str,
    /// The log; null where the claims are judged by a tree alone.
    log: Option<&'a str>,
    claims: Vec<JudgedAssertion>,
    /// The claims about the source and its history, where there is a tree.
    source: Vec<JudgedSource>,
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

/// A claim about the source or its history with what a tree tells of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JudgedSource {
    /// What was claimed.
    claim: Predicate,
    judgement: Word,
    /// The line of the text that claims it, from 1; null for a claim that is a value.
    line: Option<usize>,
    /// What of the tree shows it or says otherwise: `file:line`, the first digits of a commit, `tag NAME`.
    places: Vec<String>,
    /// What is so instead.
    found: Option<Predicate>,
    /// Why the tree does not tell.
    reason: Option<String>,
}

/// The printed shape of claims that a tree judges.
pub(crate) fn sources(all: &[Told]) -> Vec<JudgedSource> {
    all.iter()
        .map(|told| {
            let (judgement, places, found, reason) = match &told.says {
                Says::Shown(at) => (Word::Supported, at.as_slice(), None, None),
                Says::Contradicted { found, at } => {
                    (Word::Contradicted, at.as_slice(), Some(found.clone()), None)
                }
                Says::NotShown(why) => {
                    (Word::NotShown, &[][..], None, Some(render::told::reason(why)))
                }
            };
            JudgedSource {
                claim: told.claim.clone(),
                judgement,
                line: (told.line > 0).then_some(told.line),
                places: places.iter().map(render::told::place).collect(),
                found,
                reason,
            }
        })
        .collect()
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
    log_name: Option<&'a str>,
    log: &Log,
    judgements: &[(Assertion, Judgement)],
    told: &[Told],
) -> Claims<'a> {
    let claims = judgements.iter().map(|(claim, judgement)| judged(log, claim, judgement));
    Claims { format: FORMAT, file, log: log_name, claims: claims.collect(), source: sources(told) }
}

fn judged(log: &Log, claim: &Assertion, judgement: &Judgement) -> JudgedAssertion {
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
}

fn span(span: &LineSpan) -> [u64; 2] {
    [span.first, span.last]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_printed_shape_is_the_documented_one() {
        let log = b"CPU: 1 PID: 2 Comm: a Not tainted 6.1.0 #1\n";
        let report = analysis_claims::check(b"It happened on CPU 3.\n", Some(log));
        let value =
            serde_json::to_value(super::analysis("a.md", Some("log"), &report, &[])).unwrap();
        assert_eq!(value["format"], 2);
        assert_eq!(value["claims"][0]["judgement"], "contradicted");
        assert_eq!(value["claims"][0]["found"]["cpu"], 1);
        assert_eq!(value["claims"][0]["at"], serde_json::json!([1, 1]));
        assert_eq!(value["quotations"]["compared"], 0);
    }
}
