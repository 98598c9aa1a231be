//! Finding claims in sentences by the table of rules, and judging each once.
//!
//! Invariants: a rule that cannot judge says so ([`Verdict::CannotJudge`]) or stays silent; questions,
//! conditions and other people's words are no claims; sentences that say the same thing are one claim
//! with several lines.

use std::sync::LazyLock;

use model::LineSpan;
use regex::{Captures, Regex};

use crate::document::{Document, Sentence};
use crate::evidence::{Cited, Evidence};
use crate::rules::{self, Polarity, Rule};
use crate::verdict::Verdict::{self, CannotJudge, Contradicted, Supported, Unsupported};

/// The most claims of one analysis.
const MOST_CLAIMS: usize = 500;

/// A claim with its verdict.
#[derive(Clone, Debug)]
pub struct JudgedClaim {
    /// The rule of [`rules::all`] that found it.
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
    /// The word by which the author offers it as a possibility only, where every place has one.
    pub hedge: Option<String>,
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

    /// The judgement of the opposite. `absent` tells that the log is at hand as a whole and that what it lacks
    /// did not happen as far as it goes.
    fn denied(mut self, absent: bool) -> Self {
        self.statement = format!("denied: {}", self.statement);
        self.verdict = match self.verdict {
            Supported => Contradicted,
            Contradicted => Supported,
            Unsupported if absent => Supported,
            _ => CannotJudge,
        };
        self
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
    /// The word that says so.
    hedge: Option<String>,
    /// The author denies it.
    pub(crate) negated: bool,
}

impl<'d> Found<'d> {
    /// The sentence up to the match.
    pub(crate) fn before(&self) -> &'d str {
        &self.sentence.text[..self.range.start]
    }

    /// The sentence behind the match.
    pub(crate) fn after(&self) -> &'d str {
        &self.sentence.text[self.range.end..]
    }

    pub(crate) fn group(&self, name: &str) -> Option<&str> {
        self.groups.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str())
    }

    /// A group of this name, or of this name with a number behind it: `cpu`, `cpu2`, …
    pub(crate) fn any(&self, name: &str) -> Option<&str> {
        let numbered = |n: &str| {
            n.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        };
        self.groups.iter().find(|(n, _)| numbered(n)).map(|(_, text)| text.as_str())
    }
}

/// Everything a judge may look at.
pub(crate) struct Case<'a> {
    pub(crate) document: &'a Document<'a>,
    pub(crate) evidence: &'a Evidence<'a>,
}

impl Case<'_> {
    /// Whether a log is at hand, not only what the analysis quotes of it.
    pub(crate) const fn is_whole(&self) -> bool {
        self.evidence.log.is_some()
    }

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
/// A sentence that says what would be, not what is.
static SUPPOSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:(?:so|and|but|then|also|maybe|perhaps),? )?(?:if|unless|suppose|supposing|assuming|in case|had (?:it|this|the)|should (?:it|this|the|you|we)|could (?:you|it|this)|can (?:you|we)|would (?:you|it|this)|please|try|let us|let's)\b",
    )
    .ok()
});
/// An `if` inside a sentence makes a supposition of what follows it.
static IF: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:if|unless|whether|in case)\b").ok());
static AS_IF: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:as|even|only) (?:if|whether)\b").ok());
/// A denial somewhere in front.
static DENIES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\b(?:not|no|never|without|neither|nor|cannot|rather than|instead of|rules? out|ruled out|absence of|free of|unlike)\b|n't\b|n\u{2019}t\b)[^.;:,]{0,28}$",
    )
    .ok()
});
/// A denial right in front of what it denies.
static DENIES_THIS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\b(?:not|no|never|without|neither|nor|rather than|instead of|rules? out|ruled out|absence of|free of|unlike)\b|n't\b|n\u{2019}t\b)(?:\s+(?:an?|any|the|been|be|yet|caused by|due to|a matter of|(?:evidence|sign|trace|indication|report) (?:of|for)|single|such|further|other|\w+ly))*\s*$",
    )
    .ok()
});
static DENIES_INSIDE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:not|never|no|neither|without)\b|n't\b").ok());
/// A denial right behind what it denies.
static DENIES_BEHIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^\s*(?:(?:lines?|reports?|events?|messages?)\s+)?(?:(?:(?:was|were|is|are|did|does|has been|have been|had been)(?: not|n't|n\u{2019}t)|never|not)\s+(?:been )?(?:happen\w*|occur\w*|report\w*|seen|print\w*|logg\w*|found|fire\w*|involved|present|here|in the log|the (?:cause|case|problem|reason)|to blame|disabled|off|masked|starved|stuck|idle)|(?:is|was|can be) (?:ruled out|excluded|absent))\b",
    )
    .ok()
});
/// What may follow a thing that is denied as a whole; `no stall report names it` denies something else.
static WHOLE_DENIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^\s*(?:$|[.,;:!)\u{2014}-]|(?:lines?|reports?|events?|messages?|at all|anywhere|here|either|itself|so far)?\s*(?:$|[.,;:!)]|(?:was|were|is|are|has|have|had|can|in the log|in this log|on|but|and|or|nor|by|line|of any)\b))",
    )
    .ok()
});
/// What would be, behind what it would be of.
static WOULD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^\s*(?:\w+ ){0,2}(?:would|could|might|should)\b").ok());
static POSSIBLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:can|could|may|might|would|potential(?:ly)?|possib(?:le|ly)|in general|hypothes\w+|theor\w+)\b",
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
    rules::all()
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
            for found in compiled.find(sentence, case.is_whole()) {
                let Some(mut key) = (compiled.rule.key)(&found) else { continue };
                if found.negated && compiled.rule.polarity == Polarity::Flip {
                    key.push_str(" not");
                }
                match groups.iter().position(|(known, _)| *known == key) {
                    Some(at) => groups[at].1.push(found),
                    None if groups.len() < MOST_CLAIMS => groups.push((key, vec![found])),
                    None => {}
                }
            }
        }
        for (_, members) in groups {
            let Some(mut judgement) = (compiled.rule.judge)(&case, &members) else { continue };
            if compiled.rule.polarity == Polarity::Flip && members[0].negated {
                judgement = judgement.denied(compiled.rule.absence_counts && case.is_whole());
                if judgement.verdict == CannotJudge && !case.is_whole() {
                    continue;
                }
            }
            let hedge = match members.iter().all(|found| found.hedge.is_some()) {
                true => members[0].hedge.clone(),
                false => None,
            };
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
                    hedge,
                });
            }
        }
    }
    claims.extend(crate::judge::quotation::compare(&case));
    let mut claims = joined(claims);
    claims.sort_by_key(|claim| claim.lines.first().copied());
    claims
}

/// Claims that say the same thing and got the same verdict are one, whichever rule found them.
fn joined(claims: Vec<JudgedClaim>) -> Vec<JudgedClaim> {
    let mut out: Vec<JudgedClaim> = Vec::with_capacity(claims.len());
    for claim in claims {
        let known =
            out.iter_mut().find(|k| k.statement == claim.statement && k.verdict == claim.verdict);
        match known {
            Some(known) => {
                known.lines.extend(claim.lines);
                known.lines.sort_unstable();
                known.lines.dedup();
                known.lines = merge(&known.lines);
                known.evidence.extend(claim.evidence);
                known.evidence.sort_unstable();
                known.evidence.dedup();
                if known.hedge.is_some() && claim.hedge.is_none() {
                    known.hedge = None;
                }
            }
            None => out.push(claim),
        }
    }
    out
}

impl Compiled {
    /// `whole`: a log is at hand.
    fn find<'d>(&self, sentence: &'d Sentence, whole: bool) -> Vec<Found<'d>> {
        let text = sentence.text.as_str();
        if text.ends_with('?') || !self.shape.is_match(text) {
            return Vec::new();
        }
        if self.except.as_ref().is_some_and(|except| except.is_match(text)) {
            return Vec::new();
        }
        let matches = |shape: &LazyLock<Option<Regex>>, text: &str| {
            shape.as_ref().is_some_and(|shape| shape.is_match(text))
        };
        let hedge =
            HEDGE.as_ref().and_then(|hedge| hedge.find(text)).map(|m| m.as_str().to_owned());
        let hedged = hedge.is_some();
        let conditional = matches(&CONDITION, text);
        // What could be is a claim about this log only where there is one; a tutorial speaks of all logs.
        let possible = !whole && matches(&POSSIBLE, text);
        if self.rule.asserted_only && (conditional || possible || sentence.is_heading) {
            return Vec::new();
        }
        if !self.rule.supposed_too && matches(&SUPPOSES, text) {
            return Vec::new();
        }
        self.shape
            .captures_iter(text)
            .take(16)
            .filter_map(|captures| {
                let found = captures.get(0)?;
                let before = &text[..found.start()];
                if !self.rule.supposed_too && matches(&IF, before) && !matches(&AS_IF, before) {
                    return None;
                }
                let from = before.floor_char_boundary(before.len().saturating_sub(60));
                let behind = &text[found.end()..];
                if !self.rule.supposed_too && matches(&WOULD, behind) {
                    return None;
                }
                let negated = match self.rule.polarity {
                    Polarity::Own => false,
                    Polarity::Drop | Polarity::Flip => {
                        let in_front = matches(&DENIES, &before[from..]);
                        let this = matches(&DENIES_THIS, &before[from..]);
                        let inside = matches(&DENIES_INSIDE, found.as_str());
                        // Something near is denied, but what? Better no claim than a wrong one.
                        if in_front && (!this || inside || !matches(&WHOLE_DENIAL, behind)) {
                            return None;
                        }
                        in_front || inside || matches(&DENIES_BEHIND, behind)
                    }
                };
                if negated && self.rule.polarity == Polarity::Drop {
                    return None;
                }
                let lines = match self.rule.whole_sentence {
                    true => sentence.lines,
                    false => sentence.lines_of(found.range()),
                };
                Some(Found {
                    sentence,
                    text: &text[found.range()],
                    range: found.range(),
                    groups: named_groups(&self.shape, &captures),
                    lines,
                    hedged,
                    hedge: hedge.clone(),
                    negated,
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
