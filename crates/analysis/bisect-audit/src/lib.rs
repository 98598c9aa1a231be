//! Judges a finished bisection from its log: what was tested, what the runs say about each bug of the start
//! commit, whether the answer can be believed, which step misled, what to test next.
//!
//! Pure: a log (and what the tree says, when it is at hand) in, an [`Audit`] out. Does no I/O; knows nothing
//! about output formats. Statements quote titles and paths of the log, which are foreign: whoever prints
//! them escapes them.

mod background;
mod belief;
mod lineage;
mod misled;
mod next;
mod path;
mod region;
mod signal;
mod strand;
mod tested;
mod title;

use model::{Claim, CommitId, Grade, LineSpan, RuleName};
use parse_bisect_log::{Answer, BisectLog, ChangedPath, Dialect, Direction, Totals, Verdict};

pub use background::Background;
pub use belief::{Belief, interval};
pub use lineage::{Lineage, LineageCommit};
pub use misled::Misled;
pub use next::Next;
pub use region::{Place, Presence, Region};
pub use signal::{Observed, PRIOR_BITS, SIGNALS, Signal, Signals};
pub use strand::Strand;
pub use tested::{Tally, Tested};

use next::{Choice, Pace};
use signal::Evidence;

/// Below this probability a named commit is called wrong: of 130 labelled answers stated below 0.2, 2 % are right.
const WRONG: f64 = 0.1;
/// From this probability on it is called trustworthy. Chosen so that on logs that were not fitted both
/// measures keep a like distance from what is asked: about two thirds of the wrong answers flagged, and
/// few right ones. `docs/audit.md` has both on folds that were held out.
const TRUSTWORTHY: f64 = 0.28;

/// What the audit comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing in the log speaks against the answer that is not outweighed.
    Trustworthy,
    /// The answer should not be acted on without more tests.
    Doubtful,
    /// The answer cannot be right, or is very unlikely to be.
    Wrong,
    /// The search ended without an answer.
    NoResult,
}

impl Judgement {
    /// The name under which the judgement is printed and stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trustworthy => "trustworthy",
            Self::Doubtful => "doubtful",
            Self::Wrong => "wrong",
            Self::NoResult => "no_result",
        }
    }
}

/// One bug of the start commit, and where it begins to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The bug.
    pub strand: Strand,
    /// The belief in each region of [`Audit::regions`]; empty when it cannot be computed.
    pub belief: Vec<Belief>,
    /// What is said about it.
    pub claims: Vec<Claim>,
}

/// A whole audit.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// What it comes to.
    pub judgement: Judgement,
    /// The probability that the named commit is the cause, when one is named and the log has runs.
    pub probability: Option<f64>,
    /// The named commit.
    pub named: Option<CommitId>,
    /// Its subject.
    pub subject: Option<String>,
    /// Every test.
    pub tests: Vec<Tested>,
    /// The bugs of the start commit, the commonest first.
    pub wanted: Vec<Wanted>,
    /// The stretches of history that the tests separate.
    pub regions: Vec<Region>,
    /// Why the judgement is what it is, the weightiest first.
    pub reasons: Vec<Claim>,
    /// The signals behind it.
    pub signals: Signals,
    /// The step that misled.
    pub misled: Option<Misled>,
    /// Crashes that are at home in the whole range.
    pub background: Vec<Background>,
    /// What to test next, in order.
    pub next: Vec<Next>,
    /// The totals the log states.
    pub totals: Option<Totals>,
}

/// What the tree says, where it is at hand.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The history of all tested commits.
    pub lineage: Lineage,
    /// The files the named commit changes.
    pub changed: Vec<String>,
    /// Whether the named commit has several parents.
    pub merge: bool,
}

/// Judges a log.
pub fn audit(log: &BisectLog, tree: Option<&Tree>) -> Audit {
    let tests = tested::tested(log);
    let strands = strand::strands(&tests);
    let regions = match (tree, log.direction) {
        // What begins to show in a search for a fix is its absence, which the walk below does not model.
        (_, Direction::Fix) => Vec::new(),
        (Some(tree), _) if !tree.lineage.commits.is_empty() => {
            lineage::regions(&tree.lineage, log, &tests)
        }
        _ => region::regions(log, &tests),
    };
    let (changed, changed_lines) = changed(log, tree);
    let signals = signal::observe(&Evidence {
        log,
        tests: &tests,
        strands: &strands,
        changed: &changed,
        changed_lines,
        merge: tree.is_some_and(|tree| tree.merge),
    });
    let named = match &log.answer {
        Answer::Commit { id, .. } => Some(id.clone()),
        _ => None,
    };
    let named_possible = signals.decisive.is_empty();
    let kernels = belief::Kernels::of(&strands, &tests);
    let beliefs: Vec<Vec<Belief>> = (0..strands.len())
        .map(|strand| {
            let possible: Vec<Region> = regions
                .iter()
                .map(|region| {
                    let mut region = region.clone();
                    if !named_possible && matches!(region.place, Place::Named { .. }) {
                        region.size = 0.0;
                    }
                    region
                })
                .collect();
            belief::posterior(strand, &kernels, &tests, &possible)
        })
        .collect();
    let (judgement, probability) = judge(log, &signals, &strands);
    let misled = match judgement {
        Judgement::Trustworthy => None,
        // Without an answer there is nothing that a guess could explain.
        Judgement::NoResult => {
            misled::first(&tests, &strands).filter(|misled| misled.grade > Grade::Guess)
        }
        Judgement::Doubtful | Judgement::Wrong => misled::first(&tests, &strands),
    };
    let next = next::next(&Choice {
        log,
        tests: &tests,
        strands: &strands,
        regions: &regions,
        beliefs: &beliefs,
        named_possible,
        pace: Pace::of(log, &tests),
    });
    let background = background::background(&tests, &strands);
    let mut reasons = reasons(log, &signals, &strands, judgement);
    reasons.extend(opposite_verdicts(&tests, &strands));
    let wanted = strands
        .iter()
        .zip(beliefs)
        .map(|(strand, belief)| Wanted {
            claims: wanted_claims(log, strand, &strands, &tests, &background),
            strand: strand.clone(),
            belief,
        })
        .collect();
    Audit {
        judgement,
        probability,
        subject: subject(log),
        named,
        tests,
        wanted,
        regions,
        reasons,
        signals,
        misled,
        background,
        next,
        totals: log.totals.clone(),
    }
}

fn subject(log: &BisectLog) -> Option<String> {
    let Answer::Commit { id, subject, .. } = &log.answer else { return None };
    let block = || log.named.as_ref().filter(|named| named.id == *id)?.subject();
    subject.as_deref().or_else(block).map(str::to_owned)
}

/// The files of the named commit: whole from the tree, else as the log has them; and the lines that tell, which
/// for the tree's are those that name the commit.
fn changed(log: &BisectLog, tree: Option<&Tree>) -> (Vec<ChangedPath>, Option<LineSpan>) {
    let Answer::Commit { id, line, .. } = &log.answer else { return (Vec::new(), None) };
    if let Some(tree) = tree.filter(|tree| !tree.changed.is_empty()) {
        let files = tree.changed.iter().cloned().map(ChangedPath::File).collect();
        return (files, Some(LineSpan::line(*line)));
    }
    match log.named.as_ref().filter(|named| named.id == *id) {
        Some(named) => (named.changed.clone(), named.changed_span),
        None => (Vec::new(), None),
    }
}

fn judge(log: &BisectLog, signals: &Signals, strands: &[Strand]) -> (Judgement, Option<f64>) {
    match &log.answer {
        Answer::None | Answer::Failed { .. } | Answer::BeyondRange { .. } => {
            return (Judgement::NoResult, None);
        }
        Answer::Candidates { .. } => return (Judgement::Doubtful, None),
        Answer::Commit { .. } => {}
    }
    if !signals.decisive.is_empty() {
        return (Judgement::Wrong, Some(0.0));
    }
    if log.dialect == Dialect::GitBisect || strands.is_empty() {
        return (Judgement::Doubtful, None);
    }
    let probability = signals.probability();
    let judgement = if probability >= TRUSTWORTHY {
        Judgement::Trustworthy
    } else if probability < WRONG {
        Judgement::Wrong
    } else {
        Judgement::Doubtful
    };
    (judgement, Some(probability))
}

fn plain(statement: String, grade: Grade, rule: &'static str, lines: Vec<LineSpan>) -> Claim {
    Claim { statement, grade, rules: vec![RuleName(rule)], lines }
}

/// The reasons, the weightiest first.
fn reasons(
    log: &BisectLog,
    signals: &Signals,
    strands: &[Strand],
    judgement: Judgement,
) -> Vec<Claim> {
    let mut claims = signals.decisive.clone();
    match &log.answer {
        Answer::Candidates { ids, span } => claims.push(plain(
            format!(
                "the log ends with {} commits of which one may be the answer: those between could not be tested",
                ids.len()
            ),
            Grade::Seen,
            "audit-candidates",
            vec![*span],
        )),
        Answer::BeyondRange { line } => claims.push(plain(
            "the oldest release tried still crashes: the cause, if it is one, is older".to_owned(),
            Grade::Seen,
            "audit-beyond-range",
            vec![LineSpan::line(*line)],
        )),
        Answer::Failed { why, line } => claims.push(plain(
            format!("the search broke off: {why}"),
            Grade::Seen,
            "audit-broken-off",
            vec![LineSpan::line(*line)],
        )),
        Answer::None => claims.push(plain(
            "the log ends without an answer".to_owned(),
            Grade::Unknown,
            "audit-no-answer",
            Vec::new(),
        )),
        Answer::Commit { .. } if log.dialect == Dialect::GitBisect => claims.push(plain(
            "the log has verdicts but no runs: whether they were right cannot be seen in it; the output of \
             the test of each commit would settle it"
                .to_owned(),
            Grade::Unknown,
            "audit-no-runs",
            Vec::new(),
        )),
        Answer::Commit { .. } => {
            let mut weighed: Vec<_> =
                signals.observed.iter().filter(|o| o.bits != 0.0 && o.claim.is_some()).collect();
            weighed.sort_by(|a, b| b.bits.abs().total_cmp(&a.bits.abs()));
            // What speaks for the judgement comes first.
            let trusts = judgement == Judgement::Trustworthy;
            weighed.sort_by_key(|observed| (observed.bits > 0.0) != trusts);
            claims.extend(weighed.into_iter().filter_map(|observed| observed.claim.clone()));
            if !signals.observed.iter().any(|o| o.bits > 0.0 && o.claim.is_some()) {
                claims.push(match &log.crash {
                    Some(crash) => plain(
                        "nothing it touches is in the trace of the last crash, as far as the log tells"
                            .to_owned(),
                        Grade::Inferred,
                        "audit-trace-file",
                        vec![crash.report],
                    ),
                    None => plain(
                        "the log holds no crash report: whether the commit touches the crashing code cannot \
                         be seen in it; the report of any crash of its kernel would settle it"
                            .to_owned(),
                        Grade::Unknown,
                        "audit-trace-file",
                        Vec::new(),
                    ),
                });
            }
        }
    }
    claims.extend(contradictions(log));
    if strands.len() > 1 {
        let titles: Vec<_> = strands
            .iter()
            .map(|strand| format!("'{}' ({} of {} runs)", strand.title(), strand.hits, strand.runs))
            .collect();
        claims.push(plain(
            format!(
                "the start commit shows {} bugs, and the log never chose: {}",
                strands.len(),
                titles.join(", ")
            ),
            Grade::Inferred,
            "audit-several-bugs",
            strands[0].lines.clone(),
        ));
    }
    claims
}

/// Commits that were told to git as good and as bad.
fn contradictions(log: &BisectLog) -> Vec<Claim> {
    let usable = |verdict| matches!(verdict, Verdict::Good | Verdict::Bad);
    let mut claims = Vec::new();
    for (at, mark) in log.marks.iter().enumerate() {
        let other = log.marks[..at].iter().find(|other| {
            other.commit == mark.commit
                && other.verdict != mark.verdict
                && usable(other.verdict)
                && usable(mark.verdict)
        });
        if let Some(other) = other {
            claims.push(plain(
                format!(
                    "{} was told to git as {} and as {}",
                    mark.commit.short(),
                    other.verdict.name(),
                    mark.verdict.name()
                ),
                Grade::Seen,
                "audit-contradiction",
                vec![LineSpan::line(other.line), LineSpan::line(mark.line)],
            ));
        }
    }
    claims
}

/// Most pairs of equal kernels that are named.
const MOST_PAIRS: usize = 16;

/// Equal kernels that were called good once and bad once.
fn opposite_verdicts(tests: &[Tested], strands: &[Strand]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for bad in tests {
        let Some((signature, line)) = &bad.signature else { continue };
        for good in tests.iter().filter(|good| good.kernel == bad.kernel) {
            if bad.taken != Some(Verdict::Bad) || good.taken != Some(Verdict::Good) {
                continue;
            }
            if claims.len() == MOST_PAIRS {
                return claims;
            }
            let mut tally = bad.tally.clone();
            tally.add(&good.tally);
            let hits: u32 = strands.iter().map(|strand| strand.hits_in(&tally)).sum();
            let other_line = good.signature.as_ref().map_or(*line, |(_, line)| *line);
            claims.push(plain(
                format!(
                    "{} (bad) and {} (good) are one kernel, signature {}: pooled, {hits} of its {} runs show a \
                     wanted title",
                    bad.name(),
                    good.name(),
                    signal::short(signature),
                    tally.usable()
                ),
                Grade::Derived,
                "audit-one-kernel",
                vec![LineSpan::line(*line), LineSpan::line(other_line), bad.span, good.span],
            ));
        }
    }
    claims
}

/// What is said about one bug of the start commit: where it was seen last, and which verdicts say nothing
/// about it.
fn wanted_claims(
    log: &BisectLog,
    strand: &Strand,
    strands: &[Strand],
    tests: &[Tested],
    background: &[Background],
) -> Vec<Claim> {
    use parse_bisect_log::Phase;
    let mut claims = Vec::new();
    let searched: Vec<_> =
        tests.iter().filter(|test| matches!(test.phase, Phase::Release | Phase::Bisect)).collect();
    let shows: Vec<_> =
        searched.iter().filter(|test| strand.hits_in(&test.tally) > 0).copied().collect();
    match shows.last() {
        Some(last) => claims.push(plain(
            format!(
                "shown by {} of {} tested commits below the start; the last of them is {} ({} of {} runs)",
                shows.len(),
                searched.len(),
                last.name(),
                strand.hits_in(&last.tally),
                last.tally.usable()
            ),
            Grade::Derived,
            "audit-last-shown",
            vec![last.span],
        )),
        None if !searched.is_empty() => {
            let start = tests.iter().find(|test| test.phase == Phase::Original);
            let start = start.map_or("the start commit", Tested::name);
            let newest = searched[0];
            // A bad release sent the search below itself, so everything was tested there.
            let gone_below =
                newest.phase == Phase::Release && newest.taken == Some(Verdict::Bad);
            let statement = if gone_below {
                format!(
                    "no tested commit below the start shows it: the culprit most likely lies between {} and \
                     {start}, and the log holds no test inside that range",
                    newest.name()
                )
            } else {
                format!("no tested commit below {start} shows it: the culprit lies in what none of them has")
            };
            claims.push(plain(
                statement,
                Grade::Inferred,
                "audit-never-below",
                searched.iter().map(|test| test.span).take(8).collect(),
            ));
        }
        None => {}
    }
    let hidden: Vec<_> = searched
        .iter()
        .filter(|test| {
            test.taken == Some(Verdict::Bad)
                && strand.hits_in(&test.tally) == 0
                && strands.iter().any(|other| other != strand && other.hits_in(&test.tally) > 0)
                && test.tally.clean == 0
        })
        .collect();
    if let Some(first) = hidden.first() {
        claims.push(plain(
            format!(
                "{} of the bad kernels, first {}, show only another bug of the start commit, in every run: it can \
                 hide this one, so they are no proof of its absence",
                hidden.len(),
                first.name()
            ),
            Grade::Inferred,
            "audit-hidden",
            hidden.iter().map(|test| test.span).collect(),
        ));
    }
    if let Some(last) = shows.last() {
        let without: Vec<_> = searched
            .iter()
            .filter(|test| {
                test.span.first > last.span.first
                    && strand.hits_in(&test.tally) == 0
                    && test.tally.usable() > 0
            })
            .take(3)
            .collect();
        // The good verdict just before bounds it from the other side.
        let before = searched
            .iter()
            .rev()
            .find(|test| test.span.first < last.span.first && test.taken == Some(Verdict::Good));
        let bounds: Vec<_> = without.iter().chain(before.iter()).map(|test| test.name()).collect();
        if !bounds.is_empty() && !without.is_empty() {
            claims.push(plain(
                format!(
                    "it lies in the history of {} and, by titles, not in that of {}",
                    last.name(),
                    bounds.join(", ")
                ),
                Grade::Inferred,
                "audit-bracket",
                std::iter::once(last.span).chain(without.iter().map(|test| test.span)).collect(),
            ));
        }
    }
    for test in searched.iter().filter(|test| signal::is_unrelated_bad(test, strands)).take(8) {
        let titles: Vec<_> = test.tally.crashes.keys().take(2).map(|t| format!("'{t}'")).collect();
        let known = test.tally.crashes.keys().any(|t| background.iter().any(|b| b.title == *t));
        claims.push(plain(
            format!(
                "{} was called bad for {} alone ({} of {} runs{}): no evidence of this crash, and it steered \
                 the later tests",
                test.name(),
                titles.join(", "),
                test.tally.crashed(),
                test.tally.usable(),
                if known { ", background of this range" } else { "" }
            ),
            Grade::Derived,
            "audit-unrelated-bad",
            std::iter::once(test.span).chain(test.taken_line.map(LineSpan::line)).collect(),
        ));
    }
    if let Answer::Commit { id, .. } = &log.answer
        && let Some(test) = tests.iter().find(|test| test.commit == *id)
        && strand.hits_in(&test.tally) == 0
    {
        claims.push(plain(
            format!("the named commit {} never shows it", id.short()),
            Grade::Seen,
            "audit-named-without",
            vec![test.span],
        ));
    }
    claims
}
