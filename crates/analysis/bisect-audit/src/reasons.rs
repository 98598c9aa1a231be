//! Why an answer is judged as it is, and what the tests say of each bug of the start commit.

use model::{Grade, LineSpan, RuleId};
use parse_bisect_log::{Answer, BisectLog, Dialect, Phase, Verdict};

use crate::Judgement;
use crate::background::Background;
use crate::cluster::TitleCluster;
use crate::finding::{Finding, Reason, Share};
use crate::signal::{self, Signals};
use crate::tested::Tested;

fn reason(finding: Finding, grade: Grade, rule: RuleId, lines: Vec<LineSpan>) -> Reason {
    Reason { finding, grade, rule, lines }
}

/// The reasons for the judgement of an answer, the weightiest first.
pub(crate) fn of_answer(
    log: &BisectLog,
    signals: &Signals,
    clusters: &[TitleCluster],
    judgement: Judgement,
) -> Vec<Reason> {
    let mut reasons = signals.decisive.clone();
    let line = |line: &u64| vec![LineSpan::line(*line)];
    match &log.answer {
        Answer::Candidates { ids, span } => reasons.push(reason(
            Finding::Candidates { count: ids.len() },
            Grade::Seen,
            RuleId::A17,
            vec![*span],
        )),
        Answer::BeyondRange { line: at } => {
            reasons.push(reason(Finding::BeyondRange, Grade::Seen, RuleId::A18, line(at)));
        }
        Answer::Failed { why, line: at } => reasons.push(reason(
            Finding::BrokenOff { why: why.to_string() },
            Grade::Seen,
            RuleId::A19,
            line(at),
        )),
        Answer::None => {
            reasons.push(reason(Finding::NoAnswer, Grade::Unknown, RuleId::A20, Vec::new()));
        }
        Answer::Commit { .. } if log.dialect == Dialect::GitBisect => {
            reasons.push(reason(Finding::NoRuns, Grade::Unknown, RuleId::A21, Vec::new()));
        }
        Answer::Commit { .. } => reasons.extend(weighed(log, signals, judgement)),
    }
    reasons.extend(contradictions(log));
    if clusters.len() > 1 {
        let share = |cluster: &TitleCluster| Share { hits: cluster.hits, runs: cluster.runs };
        let bugs =
            clusters.iter().map(|cluster| (cluster.title().to_owned(), share(cluster))).collect();
        reasons.push(reason(
            Finding::SeveralBugs { bugs },
            Grade::Inferred,
            RuleId::A22,
            clusters[0].lines.clone(),
        ));
    }
    reasons
}

/// What the signals say of a named commit; what speaks for the judgement comes first.
fn weighed(log: &BisectLog, signals: &Signals, judgement: Judgement) -> Vec<Reason> {
    let mut weighed: Vec<_> =
        signals.observed.iter().filter(|o| o.bits != 0.0 && o.reason.is_some()).collect();
    weighed.sort_by(|a, b| b.bits.abs().total_cmp(&a.bits.abs()));
    let trusts = judgement == Judgement::Trustworthy;
    weighed.sort_by_key(|observed| (observed.bits > 0.0) != trusts);
    let mut reasons: Vec<Reason> =
        weighed.into_iter().filter_map(|observed| observed.reason.clone()).collect();
    if !signals.observed.iter().any(|o| o.bits > 0.0 && o.reason.is_some()) {
        reasons.push(match &log.crash {
            Some(crash) => {
                reason(Finding::NotInTrace, Grade::Inferred, RuleId::A13, vec![crash.report])
            }
            None => reason(Finding::NoReport, Grade::Unknown, RuleId::A13, Vec::new()),
        });
    }
    reasons
}

/// Commits that were told to git as good and as bad.
fn contradictions(log: &BisectLog) -> Vec<Reason> {
    let usable = |verdict| matches!(verdict, Verdict::Good | Verdict::Bad);
    let mut reasons = Vec::new();
    for (at, mark) in log.marks.iter().enumerate() {
        let other = log.marks[..at].iter().find(|other| {
            other.commit == mark.commit
                && other.verdict != mark.verdict
                && usable(other.verdict)
                && usable(mark.verdict)
        });
        if let Some(other) = other {
            reasons.push(reason(
                Finding::Contradiction {
                    commit: mark.commit.clone(),
                    first: other.verdict,
                    second: mark.verdict,
                },
                Grade::Seen,
                RuleId::A23,
                vec![LineSpan::line(other.line), LineSpan::line(mark.line)],
            ));
        }
    }
    reasons
}

/// Most pairs of equal kernels that are named.
const MOST_PAIRS: usize = 16;

/// Equal kernels that were called good once and bad once.
pub(crate) fn opposite_verdicts(tests: &[Tested], clusters: &[TitleCluster]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for bad in tests {
        let Some((signature, line)) = &bad.signature else { continue };
        for good in tests.iter().filter(|good| good.kernel == bad.kernel) {
            if bad.taken != Some(Verdict::Bad) || good.taken != Some(Verdict::Good) {
                continue;
            }
            if reasons.len() == MOST_PAIRS {
                return reasons;
            }
            let mut tally = bad.tally.clone();
            tally.add(&good.tally);
            let hits = clusters.iter().map(|cluster| cluster.hits_in(&tally)).sum();
            let other_line = good.signature.as_ref().map_or(*line, |(_, line)| *line);
            reasons.push(reason(
                Finding::OneKernel {
                    bad: bad.name().to_owned(),
                    good: good.name().to_owned(),
                    signature: signal::short(signature),
                    share: Share { hits, runs: tally.usable() },
                },
                Grade::Derived,
                RuleId::A24,
                vec![LineSpan::line(*line), LineSpan::line(other_line), bad.span, good.span],
            ));
        }
    }
    reasons
}

/// Tests whose verdicts are spelled out for one bug.
const MOST_STEERED: usize = 8;

/// What is said about one bug of the start commit: where it was seen last, and which verdicts say nothing
/// about it.
pub(crate) fn of_bug(
    log: &BisectLog,
    cluster: &TitleCluster,
    clusters: &[TitleCluster],
    tests: &[Tested],
    background: &[Background],
) -> Vec<Reason> {
    let searched: Vec<&Tested> =
        tests.iter().filter(|test| matches!(test.phase, Phase::Release | Phase::Bisect)).collect();
    let shows: Vec<&Tested> =
        searched.iter().filter(|test| cluster.hits_in(&test.tally) > 0).copied().collect();
    let mut reasons = Vec::new();
    reasons.extend(last_shown(cluster, tests, &searched, &shows));
    reasons.extend(hidden(cluster, clusters, &searched));
    reasons.extend(bracket(cluster, &searched, &shows));
    for test in
        searched.iter().filter(|test| signal::is_unrelated_bad(test, clusters)).take(MOST_STEERED)
    {
        let known = test.tally.crashes.keys().any(|t| background.iter().any(|b| b.title == *t));
        reasons.push(reason(
            Finding::Steered {
                test: test.name().to_owned(),
                titles: test.tally.crashes.keys().take(2).cloned().collect(),
                share: test.tally.share(),
                background: known,
            },
            Grade::Derived,
            RuleId::A15,
            std::iter::once(test.span).chain(test.taken_line.map(LineSpan::line)).collect(),
        ));
    }
    if let Answer::Commit { id, .. } = &log.answer
        && let Some(test) = tests.iter().find(|test| test.commit == *id)
        && cluster.hits_in(&test.tally) == 0
    {
        let finding = Finding::NamedWithout { commit: id.clone() };
        reasons.push(reason(finding, Grade::Seen, RuleId::A29, vec![test.span]));
    }
    reasons
}

/// Where a bug was seen last, or that it was seen nowhere below the start.
fn last_shown(
    cluster: &TitleCluster,
    tests: &[Tested],
    searched: &[&Tested],
    shows: &[&Tested],
) -> Option<Reason> {
    if let Some(last) = shows.last() {
        let finding = Finding::LastShown {
            shown: shows.len(),
            searched: searched.len(),
            last: last.name().to_owned(),
            share: Share { hits: cluster.hits_in(&last.tally), runs: last.tally.usable() },
        };
        return Some(reason(finding, Grade::Derived, RuleId::A25, vec![last.span]));
    }
    let newest = searched.first()?;
    let start = tests.iter().find(|test| test.phase == Phase::Original);
    // A bad release sent the search below itself, so everything was tested there.
    let gone_below = newest.phase == Phase::Release && newest.taken == Some(Verdict::Bad);
    let finding = Finding::NeverBelow {
        start: start.map_or("the start commit", Tested::name).to_owned(),
        newest: gone_below.then(|| newest.name().to_owned()),
    };
    let lines = searched.iter().map(|test| test.span).take(8).collect();
    Some(reason(finding, Grade::Inferred, RuleId::A26, lines))
}

/// Bad kernels in which another bug of the start commit may hide this one.
fn hidden(
    cluster: &TitleCluster,
    clusters: &[TitleCluster],
    searched: &[&Tested],
) -> Option<Reason> {
    let hidden: Vec<_> = searched
        .iter()
        .filter(|test| {
            test.taken == Some(Verdict::Bad)
                && cluster.hits_in(&test.tally) == 0
                && clusters.iter().any(|other| other != cluster && other.hits_in(&test.tally) > 0)
                && test.tally.clean == 0
        })
        .collect();
    let first = hidden.first()?;
    let finding = Finding::Hidden { count: hidden.len(), first: first.name().to_owned() };
    let lines = hidden.iter().map(|test| test.span).collect();
    Some(reason(finding, Grade::Inferred, RuleId::A27, lines))
}

/// The tests around the last one that shows a bug.
fn bracket(cluster: &TitleCluster, searched: &[&Tested], shows: &[&Tested]) -> Option<Reason> {
    let last = shows.last()?;
    let without: Vec<_> = searched
        .iter()
        .filter(|test| {
            test.span.first > last.span.first
                && cluster.hits_in(&test.tally) == 0
                && test.tally.usable() > 0
        })
        .take(3)
        .collect();
    // The good verdict just before bounds it from the other side.
    let before = searched
        .iter()
        .rev()
        .find(|test| test.span.first < last.span.first && test.taken == Some(Verdict::Good));
    if without.is_empty() {
        return None;
    }
    let bounds = without.iter().copied().chain(before).map(|test| test.name().to_owned());
    let finding = Finding::Bracket { within: last.name().to_owned(), without: bounds.collect() };
    let lines = std::iter::once(last.span).chain(without.iter().map(|test| test.span)).collect();
    Some(reason(finding, Grade::Inferred, RuleId::A28, lines))
}
