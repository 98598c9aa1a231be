//! What speaks for and against the commit that a bisection names.
//!
//! Each signal has a weight in bits (the logarithm, base 2, of a likelihood ratio; negative speaks against).
//! The weights come from 381 bisections of syzbot that named a commit and whose true cause is known by a
//! `Fixes:` tag (FSE 2024 companion, "syzbot cause bisection study"): 170 right, 211 wrong. They were fitted
//! together (logistic regression, ridge 1), because the signals overlap; `examples/weights.rs` measures and
//! fits them again. Four facts are decisive instead: none of the 170 right answers has them.

use model::{Grade, LineSpan, RuleId};
use parse_bisect_log::{Answer, BisectLog, ChangedPath};

use crate::cluster::TitleCluster;
use crate::finding::{Finding, Reason};
use crate::path;
use crate::tested::{Tally, Tested, pooled};
use crate::title::{self, Nearness};

/// A weighed signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// Its identifier.
    pub rule: RuleId,
    /// Bits for each unit of strength.
    pub weight: f64,
    /// What one unit of strength is.
    pub unit: &'static str,
}

/// The belief before any signal, in bits: `examples/weights.rs` fits it together with the weights.
pub const PRIOR_BITS: f64 = 0.6;

/// The signals, in the order in which `examples/weights.rs` prints them.
pub const SIGNALS: &[Signal] = &[
    Signal { rule: RuleId::A07, weight: -1.7, unit: "the named kernel shows no wanted title" },
    Signal { rule: RuleId::A06, weight: -0.8, unit: "only the function of a wanted title" },
    Signal { rule: RuleId::A08, weight: -1.2, unit: "crash rate lost since the start commit" },
    Signal { rule: RuleId::A09, weight: -1.3, unit: "one crashing run decides" },
    Signal { rule: RuleId::A10, weight: -0.6, unit: "doubling of releases walked" },
    Signal { rule: RuleId::A13, weight: 2.0, unit: "touches a file of the last trace" },
    Signal { rule: RuleId::A14, weight: 0.3, unit: "touches a directory of the trace" },
    Signal { rule: RuleId::A15, weight: -0.4, unit: "bad verdict without a wanted title, up to 4" },
    Signal { rule: RuleId::A12, weight: -2.1, unit: "touches a checker" },
    Signal { rule: RuleId::A11, weight: -1.2, unit: "the wanted crash is an assertion" },
    Signal { rule: RuleId::A16, weight: 0.5, unit: "the log lists trees, not files" },
    Signal { rule: RuleId::A05, weight: -0.5, unit: "the named commit was not tested" },
];

/// Decisive: the kernel is its parent's, byte for byte.
pub(crate) const SAME_KERNEL: RuleId = RuleId::A01;
/// Decisive: nothing the commit changes is in a kernel image.
pub(crate) const NOT_BUILT: RuleId = RuleId::A02;
/// Decisive: the commit changes the version only.
pub(crate) const VERSION_ONLY: RuleId = RuleId::A03;
/// Decisive: a merge.
pub(crate) const MERGE: RuleId = RuleId::A04;

/// One signal as it stands in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// How strong it is, in the signal's unit; 0 where it was looked for and not found.
    pub strength: f64,
    /// Bits it contributes.
    pub bits: f64,
    /// What is said about it; `None` where there is nothing to say.
    pub reason: Option<Reason>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// Facts that decide alone.
    pub decisive: Vec<Reason>,
    /// One entry for each row of [`SIGNALS`], in its order.
    pub observed: Vec<Observed>,
}

impl Signals {
    /// The probability that the named commit is the cause, by the signals; 0 with a decisive fact.
    pub fn probability(&self) -> f64 {
        if !self.decisive.is_empty() {
            return 0.0;
        }
        let bits = PRIOR_BITS + self.observed.iter().map(|observed| observed.bits).sum::<f64>();
        1.0 / (1.0 + (-bits).exp2())
    }
}

/// What the signals look at.
pub(crate) struct Evidence<'a> {
    pub(crate) log: &'a BisectLog,
    pub(crate) tests: &'a [Tested],
    pub(crate) clusters: &'a [TitleCluster],
    /// The files of the named commit, from the tree where that is at hand, else from the log.
    pub(crate) changed: &'a [ChangedPath],
    /// Their lines in the log, if they stand there.
    pub(crate) changed_lines: Option<LineSpan>,
    /// Whether the tree says that the commit is a merge.
    pub(crate) merge: bool,
}

/// Looks for every signal. Without a named commit there is nothing to weigh.
pub(crate) fn observe(evidence: &Evidence<'_>) -> Signals {
    let mut found = Found::new();
    culprit_runs(evidence, &mut found);
    releases(evidence, &mut found);
    files(evidence, &mut found);
    unrelated(evidence, &mut found);
    let observed = SIGNALS
        .iter()
        .map(|signal| {
            let hit = found.iter().find(|(rule, ..)| *rule == signal.rule);
            let strength = hit.map_or(0.0, |(_, strength, _)| *strength);
            let reason = hit.and_then(|(_, _, reason)| reason.clone());
            Observed { strength, bits: strength * signal.weight, reason }
        })
        .collect();
    Signals { decisive: decisive(evidence), observed }
}

/// Signals with their strength and what is said of them.
type Found = Vec<(RuleId, f64, Option<Reason>)>;

/// Notes a signal of which something is said.
fn note(
    found: &mut Found,
    rule: RuleId,
    strength: f64,
    (finding, grade, lines): (Finding, Grade, Vec<LineSpan>),
) {
    found.push((rule, strength, Some(Reason { finding, grade, rule, lines })));
}

fn decisive(evidence: &Evidence<'_>) -> Vec<Reason> {
    let log = evidence.log;
    let mut reasons = Vec::new();
    let Answer::Commit { id, subject, line } = &log.answer else { return reasons };
    let mut push = |rule, finding, grade, lines| {
        reasons.push(Reason { finding, grade, rule, lines });
    };
    if let (Some(own), Some(parent)) = (&log.culprit_signature, &log.parent_signature)
        && own.value == parent.value
        && !own.value.is_empty()
    {
        push(
            SAME_KERNEL,
            Finding::SameKernel { commit: id.clone(), signature: short(&own.value) },
            Grade::Derived,
            vec![LineSpan::new(own.line, parent.line)],
        );
    }
    let arch = arch(log);
    let lines: Vec<_> = evidence.changed_lines.into_iter().collect();
    if !evidence.changed.is_empty()
        && evidence.changed.iter().all(|path| path::is_not_built(path, arch))
    {
        let paths = evidence.changed.iter().take(3).map(|path| path.text().to_string()).collect();
        let more = evidence.changed.len() > 3;
        push(
            NOT_BUILT,
            Finding::NotBuilt { commit: id.clone(), paths, more },
            Grade::Inferred,
            lines.clone(),
        );
    }
    let subject = subject.as_deref().or(log.named.as_ref().and_then(|named| named.subject()));
    let only_makefile = matches!(evidence.changed, [ChangedPath::File(path)] if path == "Makefile");
    if subject.is_some_and(|text| text.starts_with("Linux ")) && only_makefile {
        push(
            VERSION_ONLY,
            Finding::VersionOnly { commit: id.clone() },
            Grade::Seen,
            [vec![LineSpan::line(*line)], lines].concat(),
        );
    }
    let merge_line = log.named.as_ref().and_then(|named| named.merge);
    let by_name = subject.is_some_and(|text| {
        ["Merge branch ", "Merge tag ", "Merge remote-tracking ", "Merge git://", "Merge https://"]
            .iter()
            .any(|start| text.starts_with(start))
    });
    if merge_line.is_some() || by_name || evidence.merge {
        push(
            MERGE,
            Finding::Merge { commit: id.clone() },
            if merge_line.is_some() || evidence.merge { Grade::Inferred } else { Grade::Guess },
            vec![LineSpan::line(merge_line.unwrap_or(*line))],
        );
    }
    reasons
}

/// The first twelve digits of a signature.
pub(crate) fn short(signature: &str) -> String {
    match signature.char_indices().nth(12) {
        Some((end, _)) => format!("{}…", &signature[..end]),
        None => signature.to_owned(),
    }
}

/// The architecture whose files the last trace names.
fn arch(log: &BisectLog) -> Option<&str> {
    let frames = &log.crash.as_ref()?.frames;
    frames.iter().find_map(|frame| frame.file.strip_prefix("arch/")?.split('/').next())
}

/// The runs of the named commit's kernel.
pub(crate) fn named_tally(evidence: &Evidence<'_>) -> Option<(Tally, Vec<LineSpan>)> {
    let Answer::Commit { id, .. } = &evidence.log.answer else { return None };
    let kernel = evidence.tests.iter().find(|test| test.commit == *id)?.kernel;
    let lines = evidence.tests.iter().filter(|test| test.kernel == kernel).map(Tested::lines);
    let lines = lines.collect();
    Some((pooled(evidence.tests).remove(&kernel).unwrap_or_default(), lines))
}

/// The line of the answer.
fn answer_line(log: &BisectLog) -> Vec<LineSpan> {
    match &log.answer {
        Answer::Commit { line, .. } => vec![LineSpan::line(*line)],
        _ => Vec::new(),
    }
}

fn culprit_runs(evidence: &Evidence<'_>, found: &mut Found) {
    let Some((tally, lines)) = named_tally(evidence) else {
        let said = (Finding::Untested, Grade::Seen, answer_line(evidence.log));
        return note(found, RuleId::A05, 1.0, said);
    };
    let near = evidence.clusters.iter().filter_map(|cluster| cluster.nearest_in(&tally)).max();
    let titles = || tally.crashes.keys().take(3).cloned().collect();
    match near {
        // It was called bad through its ends only; the untested signal says as much.
        _ if tally.crashed() == 0 => found.push((RuleId::A05, 1.0, None)),
        Some(Nearness::Same) => {}
        Some(Nearness::SameFunction) => {
            let said = (Finding::OtherKind { titles: titles() }, Grade::Inferred, lines.clone());
            note(found, RuleId::A06, 1.0, said);
        }
        _ => {
            let said = (Finding::OtherCrash { titles: titles() }, Grade::Seen, lines.clone());
            note(found, RuleId::A07, 1.0, said);
        }
    }
    let mut start = Tally::default();
    for test in evidence.tests.iter().filter(|test| test.phase == parse_bisect_log::Phase::Original)
    {
        start.add(&test.tally);
    }
    let drop = (start.rate() - tally.rate()).max(0.0);
    if drop >= SAID_DROP && tally.crashed() > 0 {
        let finding = Finding::RateDrop { own: tally.share(), start: start.share() };
        note(found, RuleId::A08, drop, (finding, Grade::Derived, lines.clone()));
    } else if drop > 0.0 && tally.crashed() > 0 {
        found.push((RuleId::A08, drop, None));
    }
    if tally.crashed() == 1 {
        let finding = Finding::SingleCrash { runs: tally.usable() };
        note(found, RuleId::A09, 1.0, (finding, Grade::Derived, lines));
    }
}

/// From so much of the crash rate lost on, it is said.
const SAID_DROP: f64 = 0.25;

fn releases(evidence: &Evidence<'_>, found: &mut Found) {
    let walked: Vec<_> = evidence.tests.iter().filter(|test| test.release.is_some()).collect();
    let strength = (walked.len().max(1) as f64).log2();
    if walked.len() < 3 {
        return found.push((RuleId::A10, strength, None));
    }
    let lines = walked.iter().map(|test| test.span).collect();
    let said = (Finding::ReleasesWalked { count: walked.len() }, Grade::Derived, lines);
    note(found, RuleId::A10, strength, said);
}

fn files(evidence: &Evidence<'_>, found: &mut Found) {
    let lines: Vec<_> = evidence.changed_lines.into_iter().collect();
    if evidence.clusters.iter().any(|cluster| title::is_assertion(cluster.title())) {
        let shown = evidence.clusters.iter().flat_map(|cluster| cluster.lines.clone()).collect();
        note(found, RuleId::A11, 1.0, (Finding::Assertion, Grade::Inferred, shown));
    }
    if let Some(path) = evidence.changed.iter().find(|path| path::is_detector(path)) {
        let finding = Finding::Checker { path: path.text().to_string() };
        note(found, RuleId::A12, 1.0, (finding, Grade::Inferred, lines.clone()));
    }
    if evidence.changed.iter().any(|path| matches!(path, ChangedPath::Tree(_))) {
        found.push((RuleId::A16, 1.0, None));
    }
    let Some(crash) = &evidence.log.crash else { return };
    let touched = crash
        .frames
        .iter()
        .find(|frame| evidence.changed.iter().any(|path| path.matches(&frame.file)));
    if let Some(frame) = touched {
        let finding =
            Finding::TraceFile { file: frame.file.clone(), title: crash.title.value.clone() };
        let lines = [lines.clone(), vec![LineSpan::line(frame.line)]].concat();
        note(found, RuleId::A13, 1.0, (finding, Grade::Seen, lines));
    }
    let directory =
        crash.frames.iter().filter(|frame| !path::is_common(&frame.file)).find(|frame| {
            let of = path::directory(&frame.file);
            evidence
                .changed
                .iter()
                .any(|path| matches!(path, ChangedPath::File(file) if path::directory(file) == of))
        });
    if let Some(frame) = directory {
        let finding = Finding::TraceDirectory { file: frame.file.clone() };
        let lines = [lines, vec![LineSpan::line(frame.line)]].concat();
        note(found, RuleId::A14, 1.0, (finding, Grade::Seen, lines));
    }
}

/// Whether a test was called bad without any crash near the start commit's.
pub(crate) fn is_unrelated_bad(test: &Tested, clusters: &[TitleCluster]) -> bool {
    test.taken == Some(parse_bisect_log::Verdict::Bad)
        && test.phase != parse_bisect_log::Phase::Original
        && test.tally.crashed() > 0
        && clusters.iter().all(|cluster| {
            cluster.nearest_in(&test.tally).is_none_or(|near| near < Nearness::SameArea)
        })
}

fn unrelated(evidence: &Evidence<'_>, found: &mut Found) {
    let tests: Vec<_> =
        evidence.tests.iter().filter(|test| is_unrelated_bad(test, evidence.clusters)).collect();
    let Some(first) = tests.first() else { return };
    let finding = Finding::UnrelatedVerdicts {
        count: tests.len(),
        first: first.name().to_owned(),
        title: first.tally.crashes.keys().next().cloned().unwrap_or_default(),
        share: first.tally.share(),
    };
    let lines = tests.iter().map(|test| test.span).collect();
    let strength = (tests.len() as f64).min(4.0);
    note(found, RuleId::A15, strength, (finding, Grade::Derived, lines));
}
