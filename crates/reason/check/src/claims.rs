//! Finding claims in sentences by the table of rules, and judging each once.
//!
//! Invariants: a rule that cannot judge says so ([`Verdict::CannotJudge`]) or stays silent; questions,
//! conditions and other people's words are no claims; sentences that say the same thing are one claim
//! with several lines.

use std::sync::LazyLock;

use facts::LineSpan;
use regex::{Captures, Regex};

use crate::document::{Document, Sentence};
use crate::evidence::{Cited, Evidence};
use crate::rules::{RULES, Rule};
use crate::verdict::Verdict;

/// The most claims of one analysis.
const MOST_CLAIMS: usize = 500;

/// A claim with its verdict.
#[derive(Clone, Debug)]
pub struct JudgedClaim {
    /// The rule of [`RULES`] that found it.
    pub rule: &'static str,
    /// What is claimed, in one phrase.
    pub statement: String,
    /// Where the analysis says it.
    pub lines: Vec<LineSpan>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The lines that the reason rests on.
    pub evidence: Vec<Cited>,
}

/// What a judge returns.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) statement: String,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) evidence: Vec<Cited>,
}

impl Judgement {
    pub(crate) fn new(
        statement: impl Into<String>,
        verdict: Verdict,
        reason: impl Into<String>,
    ) -> Self {
        Self { statement: statement.into(), verdict, reason: reason.into(), evidence: Vec::new() }
    }

    pub(crate) fn citing(mut self, lines: impl IntoIterator<Item = Cited>) -> Self {
        self.evidence.extend(lines);
        self.evidence.sort_unstable();
        self.evidence.dedup();
        self
    }
}

/// One place where a rule's shape was found.
pub(crate) struct Found<'d> {
    pub(crate) sentence: &'d Sentence,
    /// The matched text.
    pub(crate) text: &'d str,
    /// Where it stands in the sentence.
    pub(crate) range: std::ops::Range<usize>,
    /// Named groups that matched.
    groups: Vec<(String, String)>,
    /// Lines of the match, or of the whole sentence where the rule wants that.
    pub(crate) lines: LineSpan,
    /// The author offers it as a possibility.
    pub(crate) hedged: bool,
}

impl Found<'_> {
    pub(crate) fn group(&self, name: &str) -> Option<&str> {
        self.groups.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str())
    }
}

/// Everything a judge may look at.
pub(crate) struct Case<'a> {
    pub(crate) document: &'a Document<'a>,
    pub(crate) evidence: &'a Evidence<'a>,
}

impl Case<'_> {
    /// The first sentence that the shape matches.
    pub(crate) fn sentence(&self, shape: &Regex) -> Option<&Sentence> {
        self.document.sentences.iter().find(|s| shape.is_match(&s.text))
    }
}

static HEDGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:can|could|may|might|would|potential(?:ly)?|possib(?:le|ly)|perhaps|maybe|likely|probably|suspect\w*|think|thought|believe|seems?|appears?|guess|hypothes\w+|theor\w+|in general)\b",
    )
    .ok()
});
static CONDITION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:if|when(?:ever)?|unless|should|in case|please|you can|to (?:see|check|test|find|confirm))\b").ok()
});

/// A compiled row of the table.
struct Compiled {
    rule: &'static Rule,
    shape: Regex,
    except: Option<Regex>,
}

static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    RULES
        .iter()
        .filter_map(|rule| {
            Some(Compiled {
                rule,
                shape: Regex::new(rule.shape).ok()?,
                except: (!rule.except.is_empty()).then(|| Regex::new(rule.except).ok()).flatten(),
            })
        })
        .collect()
});

/// Finds and judges all claims, ordered by their first line.
pub fn judge<'a>(document: &'a Document<'a>, evidence: &'a Evidence<'a>) -> Vec<JudgedClaim> {
    let case = Case { document, evidence };
    let mut claims = Vec::new();
    for compiled in COMPILED.iter() {
        let mut groups: Vec<(String, Vec<Found<'_>>)> = Vec::new();
        for sentence in &document.sentences {
            for found in compiled.find(sentence) {
                let Some(key) = (compiled.rule.key)(&found) else { continue };
                match groups.iter().position(|(known, _)| *known == key) {
                    Some(at) => groups[at].1.push(found),
                    None if groups.len() < MOST_CLAIMS => groups.push((key, vec![found])),
                    None => {}
                }
            }
        }
        for (_, members) in groups {
            let Some(judgement) = (compiled.rule.judge)(&case, &members) else { continue };
            let mut lines: Vec<LineSpan> = members.iter().map(|found| found.lines).collect();
            lines.sort_unstable();
            lines.dedup();
            if claims.len() < MOST_CLAIMS {
                claims.push(JudgedClaim {
                    rule: compiled.rule.id,
                    statement: judgement.statement,
                    lines: merge(&lines),
                    verdict: judgement.verdict,
                    reason: judgement.reason,
                    evidence: judgement.evidence,
                });
            }
        }
    }
    claims.extend(crate::judge::quotation::compare(&case));
    claims.sort_by_key(|claim| claim.lines.first().copied());
    claims
}

impl Compiled {
    fn find<'d>(&self, sentence: &'d Sentence) -> Vec<Found<'d>> {
        let text = sentence.text.as_str();
        if text.ends_with('?') || !self.shape.is_match(text) {
            return Vec::new();
        }
        if self.except.as_ref().is_some_and(|except| except.is_match(text)) {
            return Vec::new();
        }
        let hedged = HEDGE.as_ref().is_some_and(|hedge| hedge.is_match(text));
        let conditional = CONDITION.as_ref().is_some_and(|condition| condition.is_match(text));
        if self.rule.asserted_only && (hedged || conditional || sentence.is_heading) {
            return Vec::new();
        }
        self.shape
            .captures_iter(text)
            .take(16)
            .filter_map(|captures| {
                let whole = captures.get(0)?;
                let lines = match self.rule.whole_sentence {
                    true => sentence.lines,
                    false => sentence.lines_of(whole.range()),
                };
                Some(Found {
                    sentence,
                    text: &text[whole.range()],
                    range: whole.range(),
                    groups: named_groups(&self.shape, &captures),
                    lines,
                    hedged,
                })
            })
            .collect()
    }
}

fn named_groups(shape: &Regex, captures: &Captures<'_>) -> Vec<(String, String)> {
    shape
        .capture_names()
        .flatten()
        .filter_map(|name| Some((name.to_owned(), captures.name(name)?.as_str().to_owned())))
        .collect()
}

/// Joins spans that touch.
fn merge(lines: &[LineSpan]) -> Vec<LineSpan> {
    let mut out: Vec<LineSpan> = Vec::new();
    for span in lines {
        match out.last_mut() {
            Some(last) if span.first <= last.last => last.last = last.last.max(span.last),
            _ => out.push(*span),
        }
    }
    out
}
